//! Why a use case was refused. Mapped once to a page, and once to problem+json.

use std::fmt;

use crate::{domain::contract::Problem, store};

/// What every use case answers.
pub type Result<T> = std::result::Result<T, Error>;

/// Why it was not done. Nothing has been written then.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What was given is wrong, and where.
    #[error("{}", list(.0))]
    Invalid(Vec<FieldError>),
    /// More than there may be.
    #[error("{0}")]
    TooLarge(String),
    /// It does not exist, or the actor may not know of it.
    #[error("{0} does not exist")]
    NotFound(&'static str),
    /// Nobody is signed in, or what signs in has ended.
    #[error("sign in first")]
    Unauthenticated,
    /// The actor may not.
    #[error("{0}")]
    Forbidden(String),
    /// It would contradict what is.
    #[error("{message}")]
    Conflict {
        /// A stable word for programs.
        code: &'static str,
        /// What it contradicts, and what to do.
        message: String,
    },
    /// Too many tries.
    #[error("{0}")]
    TooMany(String),
    /// Something this rests on is away.
    #[error("{0}")]
    Unavailable(String),
    /// A fault of ours. Logged where it is answered, never shown.
    #[error("something went wrong here")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// What is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// The field: parts parted by `/`, as in a JSON Pointer without its first slash.
    pub field: String,
    /// What is wrong and what to do; a sentence that follows the field's name.
    pub message: String,
}

impl FieldError {
    /// A field and what is wrong with it.
    pub fn new(field: impl Into<String>, message: impl fmt::Display) -> Self {
        Self { field: field.into(), message: message.to_string() }
    }
}

fn list(fields: &[FieldError]) -> String {
    fields.iter().map(|f| format!("{} {}", f.field, f.message)).collect::<Vec<_>>().join("; ")
}

impl Error {
    /// One wrong field.
    pub fn field(field: impl Into<String>, message: impl fmt::Display) -> Self {
        Self::Invalid(vec![FieldError::new(field, message)])
    }

    /// A contradiction.
    pub fn conflict(code: &'static str, message: impl Into<String>) -> Self {
        Self::Conflict { code, message: message.into() }
    }

    /// The answer to a version that is no longer the newest.
    pub fn stale() -> Self {
        Self::conflict("stale", "someone else has changed this meanwhile: look at it again, then repeat your change")
    }

    /// Problems of a document that was given in `field`; in no field where it is all that was given.
    pub fn document(field: &str, problems: Vec<Problem>) -> Self {
        Self::Invalid(
            problems
                .into_iter()
                .map(|p| {
                    let line = p.line.map(|l| format!(" (line {l})")).unwrap_or_default();
                    let at = format!("{field}{}", p.pointer);
                    FieldError::new(at.trim_start_matches('/'), format!("{}{line}", p.message))
                })
                .collect(),
        )
    }

    /// A fault of ours.
    pub fn internal(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(error.into())
    }
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::Missing(what) => Self::NotFound(what),
            store::Error::Unavailable(_) => {
                tracing::warn!(error = ?error, "the database is not available");
                Self::Unavailable("the database is not available: try again in a moment".into())
            }
            store::Error::Busy(_) => {
                tracing::warn!(error = ?error, "two waited for each other");
                Self::Unavailable("someone else is changing the same just now: try again in a moment".into())
            }
            // Every rule is asked before anything is written: someone has added or taken away just this since then.
            store::Error::Constraint(_) => {
                tracing::warn!(error = ?error, "someone else was quicker");
                Self::stale()
            }
            other => Self::internal(other),
        }
    }
}

/// Collects what is wrong with several fields, so that all of it is said at once.
#[derive(Default)]
pub(super) struct Check(Vec<FieldError>);

impl Check {
    /// The parsed value, or its error noted.
    pub fn parse<T: std::str::FromStr<Err: fmt::Display>>(&mut self, field: &str, text: &str) -> Option<T> {
        text.parse().map_err(|e| self.add(field, e)).ok()
    }

    /// Notes what is wrong.
    pub fn add(&mut self, field: impl Into<String>, message: impl fmt::Display) {
        self.0.push(FieldError::new(field, message));
    }

    /// All that was noted, as the refusal.
    pub fn refuse(self) -> Error {
        Error::Invalid(self.0)
    }

    /// Goes on only when nothing was noted.
    pub fn finish(self) -> Result<()> {
        if self.0.is_empty() { Ok(()) } else { Err(self.refuse()) }
    }
}
