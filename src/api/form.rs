//! Forms with files (`multipart/form-data`, RFC 7578), as strict as bodies of JSON are.

use axum::{
    body::Body,
    extract::{FromRequest, Multipart, Request, multipart::Field},
    http::StatusCode,
};

use super::{
    body,
    problem::{Problem, Result},
};
use crate::manager::{
    FieldError,
    services::{MAX_DOCUMENT, is_document},
};

/// Bytes of a form beside its document: names, boundaries, Spaces.
const MAX_BESIDE: usize = 64 * 1024;

/// A document that is uploaded, and the Spaces it is for.
pub struct Uploaded {
    /// The document, byte for byte.
    pub document: Vec<u8>,
    /// Names of Spaces, in the order they came.
    pub spaces: Vec<String>,
}

impl<S: Send + Sync> FromRequest<S> for Uploaded {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self> {
        let (parts, content) = request.into_parts();
        body::require_plain(&parts.headers)?;
        // Nothing of a body of another kind is read.
        let kind = parts.headers.get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if !kind.trim_start().to_ascii_lowercase().starts_with("multipart/form-data") {
            return Err(body::unsupported("send a form, with the header \"Content-Type: multipart/form-data\""));
        }
        let bytes = body::collect(Request::from_parts(parts.clone(), content), MAX_DOCUMENT + MAX_BESIDE).await?;
        let whole = Request::from_parts(parts, Body::from(bytes));
        let form = Multipart::from_request(whole, state).await.map_err(|_| broken())?;
        read(form).await
    }
}

async fn read(mut form: Multipart) -> Result<Uploaded> {
    let (mut document, mut spaces, mut wrong) = (None, Vec::new(), Vec::new());
    while let Some(field) = form.next_field().await.map_err(|_| broken())? {
        match field.name().unwrap_or_default() {
            "document" if document.is_some() => wrong.push(FieldError::new("document", "is there twice")),
            "document" => document = Some(read_document(field).await?),
            "spaces" => match String::from_utf8(field.bytes().await.map_err(|_| broken())?.into()) {
                Ok(name) => spaces.push(name),
                Err(_) => wrong.push(FieldError::new(format!("spaces/{}", spaces.len()), "is not UTF-8")),
            },
            name => {
                let shown: String = name.chars().filter(|c| !c.is_control()).take(60).collect();
                wrong.push(FieldError::new(shown, "is not known here: expected \"document\", \"spaces\""));
            }
        }
    }
    if document.is_none() && wrong.is_empty() {
        wrong.push(FieldError::new("document", "is missing"));
    }
    match document {
        Some(document) if wrong.is_empty() => Ok(Uploaded { document, spaces }),
        _ => Err(Problem::invalid(wrong)),
    }
}

async fn read_document(field: Field<'_>) -> Result<Vec<u8>> {
    if !field.file_name().is_none_or(is_document) {
        return Err(body::unsupported("the document must be a file that ends with .yml, .yaml or .json"));
    }
    let bytes = field.bytes().await.map_err(|_| broken())?;
    if bytes.len() > MAX_DOCUMENT {
        return Err(Problem::too_large(format!("the document may have at most {MAX_DOCUMENT} bytes")));
    }
    Ok(bytes.into())
}

fn broken() -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "form-syntax", "the form cannot be read: it does not follow RFC 7578")
}
