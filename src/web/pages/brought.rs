//! What a form with a document brings: a file, its text, or the document as the step before carried it along.

use std::sync::Arc;

use axum::{
    extract::{FromRequest, Multipart, Request, multipart::MultipartError},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::parts::Typed;
use crate::{
    manager::services::{MAX_DOCUMENT, is_document},
    web::ui::Errors,
};

/// A document, byte for byte.
pub(super) type Document = Arc<Vec<u8>>;

/// The parts of a form.
#[derive(Default)]
pub(super) struct Brought {
    file: Option<(String, Vec<u8>)>,
    /// All but the file.
    pub typed: Typed,
    /// There was more than is read.
    is_too_large: bool,
}

impl<S: Send + Sync> FromRequest<S> for Brought {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let form = Multipart::from_request(request, state).await.map_err(IntoResponse::into_response)?;
        match Self::read(form).await {
            Ok(brought) => Ok(brought),
            // A page says so, as of any document that is too large.
            Err(error) if error.status() == StatusCode::PAYLOAD_TOO_LARGE => {
                Ok(Self { is_too_large: true, ..Self::default() })
            }
            Err(error) => Err(error.into_response()),
        }
    }
}

impl Brought {
    async fn read(mut form: Multipart) -> Result<Self, MultipartError> {
        let mut brought = Self::default();
        while let Some(field) = form.next_field().await? {
            let (name, file) = (field.name().unwrap_or_default().to_owned(), field.file_name().map(str::to_owned));
            let bytes = field.bytes().await?;
            match file {
                // Browsers send a field for files also when none was chosen.
                Some(file) if file.is_empty() && bytes.is_empty() => {}
                Some(file) => brought.file = Some((file, bytes.into())),
                None => brought.typed.push(name, String::from_utf8_lossy(&bytes).into_owned()),
            }
        }
        Ok(brought)
    }

    /// The document: a file goes before text, and text before what is carried along.
    pub fn document(&self) -> Result<Document, Errors> {
        let wrong = |field: &str, sentence: String| Err(std::iter::once((field, sentence)).collect());
        if self.is_too_large {
            return wrong("file", format!("The file is too large: a document may have {MAX_DOCUMENT} bytes."));
        }
        let (field, document) = if let Some((name, bytes)) = &self.file {
            if !is_document(name) {
                return wrong("file", "The name of the file must end with .yml, .yaml or .json.".into());
            }
            ("file", bytes.clone())
        } else if self.typed.has("text") {
            // Browsers end the lines of a text by two characters.
            ("text", self.typed.get("text").replace("\r\n", "\n").into_bytes())
        } else if let Some(carried) = self.typed.find("document") {
            match STANDARD.decode(carried) {
                Ok(bytes) => ("file", bytes),
                Err(_) => return wrong("file", "The document was lost on its way. Choose it again.".into()),
            }
        } else {
            return wrong("file", "Choose the file.".into());
        };
        if document.len() > MAX_DOCUMENT {
            return wrong(field, format!("The document has {} bytes; it may have {MAX_DOCUMENT}.", document.len()));
        }
        Ok(Arc::new(document))
    }
}

/// A document as a form carries it along: no byte of it changes on the way, as the ends of lines would.
pub(super) fn carried(document: &[u8]) -> String {
    STANDARD.encode(document)
}
