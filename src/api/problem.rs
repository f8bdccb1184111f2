//! What every refusal looks like: problem details for HTTP APIs (RFC 9457), made here and nowhere else.
//!
//! `type` stays `about:blank`, so `title` is the status in words; what programs tell refusals apart by is `code`,
//! which never changes its meaning. What stands in the path or the query is pointed at as if it were in the body.

use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::manager::{self, FieldError};

/// What handlers and extractors answer.
pub type Result<T> = std::result::Result<T, Problem>;

/// Seconds after which something that is away may be back.
const RETRY_UNAVAILABLE: u16 = 5;
/// Seconds after which too many tries are forgotten.
const RETRY_TOO_MANY: u16 = 900;

/// A refusal.
#[derive(Debug)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    errors: Vec<FieldError>,
    trace: Option<Uuid>,
}

impl Problem {
    /// A refusal with a stable code and a sentence for people.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), errors: Vec::new(), trace: None }
    }

    /// There is nothing under this address.
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", "there is nothing here: check the address")
    }

    /// The address is right, the method is not. The router adds which ones are (`Allow`).
    pub fn method_not_allowed() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method-not-allowed",
            "this address does not take this method: the header Allow names those it takes",
        )
    }

    /// No token, or one that is none or has ended.
    pub fn unauthenticated(detail: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", detail)
    }

    /// More than is read.
    pub fn too_large(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", detail)
    }

    /// One field is wrong. `field` is a JSON Pointer without its first slash.
    pub fn field(field: impl Into<String>, message: impl std::fmt::Display) -> Self {
        Self::invalid(vec![FieldError::new(field, message)])
    }

    /// Several fields are wrong.
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        let detail = match errors.as_slice() {
            [one] if one.field.is_empty() => format!("what was given {}", one.message),
            [one] => format!("{} {}", one.field, one.message),
            many => format!("{} things are wrong: see errors", many.len()),
        };
        Self { errors, ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", detail) }
    }

    /// A fault of ours: the id is in the answer and in the log, the cause in the log only.
    pub fn internal(cause: &dyn std::fmt::Debug) -> Self {
        let trace = Uuid::now_v7();
        tracing::error!(%trace, ?cause, "a request of the API failed");
        let detail = format!("something went wrong here: tell your operator the trace id {trace}");
        Self { trace: Some(trace), ..Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail) }
    }

    /// Renames a field that the manager calls otherwise than the address does.
    #[must_use]
    pub fn renamed(mut self, from: &str, to: &str) -> Self {
        for error in &mut self.errors {
            if error.field == from {
                error.field = to.into();
            }
        }
        self
    }

    fn body(&self) -> Value {
        let errors: Vec<_> = self
            .errors
            .iter()
            .map(|error| {
                let pointer = if error.field.is_empty() { String::new() } else { format!("/{}", error.field) };
                json!({ "pointer": pointer, "detail": error.message })
            })
            .collect();
        let mut body = json!({
            "type": "about:blank",
            "title": self.status.canonical_reason().unwrap_or_default(),
            "status": self.status.as_u16(),
            "code": self.code,
            "detail": self.detail,
            "errors": errors,
        });
        if let Some(trace) = self.trace {
            body["trace_id"] = json!(trace);
        }
        body
    }
}

impl From<manager::Error> for Problem {
    fn from(error: manager::Error) -> Self {
        use manager::Error;
        let status = match &error {
            Error::Invalid(fields) => return Self::invalid(fields.clone()),
            Error::Conflict { code, message } => return Self::new(StatusCode::CONFLICT, code, message),
            Error::Internal(cause) => return Self::internal(cause),
            Error::TooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, "too-large"),
            Error::NotFound(_) => (StatusCode::NOT_FOUND, "not-found"),
            Error::Unauthenticated => (StatusCode::UNAUTHORIZED, "unauthenticated"),
            Error::Forbidden(_) => (StatusCode::FORBIDDEN, "forbidden"),
            Error::TooMany(_) => (StatusCode::TOO_MANY_REQUESTS, "too-many"),
            Error::Unavailable(_) => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
        };
        Self::new(status.0, status.1, error.to_string())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        match self.status {
            // RFC 6750, section 3: how to do better.
            StatusCode::UNAUTHORIZED => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(header::RETRY_AFTER, RETRY_UNAVAILABLE.into());
            }
            StatusCode::TOO_MANY_REQUESTS => {
                headers.insert(header::RETRY_AFTER, RETRY_TOO_MANY.into());
            }
            _ => {}
        }
        (self.status, headers, self.body().to_string()).into_response()
    }
}

/// The answer to a panic. What the panic says is in the log already, and may hold anything.
pub fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    Problem::internal(&"a panic").into_response()
}
