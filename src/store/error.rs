//! What can go wrong with the database.

/// Why the store did not do it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What must exist does not.
    #[error("{0} does not exist")]
    Missing(&'static str),
    /// A named constraint was violated: another row has it already, or what it names is gone.
    #[error("the constraint {0} was violated")]
    Constraint(String),
    /// A stored value is outside its type: the database was changed by hand.
    #[error("the stored value of {0} cannot be read")]
    Unreadable(&'static str),
    /// Someone else holds what this waits for, and waits for what this holds.
    #[error("others are at the same")]
    Busy(#[source] sqlx::Error),
    /// The database cannot be reached, or is starting or stopping.
    #[error("the database is not available")]
    Unavailable(#[source] sqlx::Error),
    /// Anything else.
    #[error("the database refused a statement")]
    Other(#[source] sqlx::Error),
}

impl Error {
    /// Whether trying again later may help.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Busy(_))
    }

    /// The violated constraint.
    pub fn constraint(&self) -> Option<&str> {
        match self {
            Self::Constraint(name) => Some(name),
            _ => None,
        }
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(database) => match (database.constraint(), database.code().as_deref()) {
                // Of a key that is not unique, or leads nowhere.
                (Some(name), Some("23505" | "23503")) => Self::Constraint(name.to_owned()),
                // A deadlock, which Postgres ended.
                (None, Some("40P01")) => Self::Busy(error),
                // Class 57: the server is shutting down or starting; 53: it has no connection left
                // (PostgreSQL manual, appendix A).
                (None, Some(code)) if code.starts_with("57P") || code.starts_with("53") => Self::Unavailable(error),
                // No text here holds U+0000, so nothing has such a name; Postgres refuses the question itself.
                (None, Some("22021")) => Self::Missing("name"),
                _ => Self::Other(error),
            },
            sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Protocol(_) => {
                Self::Unavailable(error)
            }
            _ => Self::Other(error),
        }
    }
}

/// Reads a stored value that was valid when it was written.
pub(super) fn parsed<T>(value: Option<T>, what: &'static str) -> Result<T, Error> {
    value.ok_or(Error::Unreadable(what))
}
