//! What can go wrong, for a whole call and for one item of it.

use std::{fmt, io, time::Duration};

use super::code::Code;

/// The outcome of a call.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a call failed as a whole.
///
/// For a call that writes, [`Error::Io`], [`Error::Timeout`], [`Error::Protocol`] and [`Error::Decode`] leave open
/// whether Kafka did it, or will still do it: read before anything is repeated.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The network, or TLS, failed.
    #[error("{peer}: {source}")]
    Io {
        /// The broker's address.
        peer: String,
        /// What the operating system or rustls said.
        source: io::Error,
    },
    /// No answer came in time.
    #[error("{peer}: no answer to {what} within {after:?}")]
    Timeout {
        /// The broker's address.
        peer: String,
        /// What was waited for.
        what: &'static str,
        /// How long.
        after: Duration,
    },
    /// The other side announced a frame that no broker would send; mostly it speaks HTTP or TLS.
    #[error("{peer}: frame of {length} bytes: not a Kafka broker, or not on this port")]
    Frame {
        /// The broker's address.
        peer: String,
        /// The announced length in bytes.
        length: i32,
    },
    /// The other side broke the protocol.
    #[error("{peer}: {why}")]
    Protocol {
        /// The broker's address.
        peer: String,
        /// In what way.
        why: String,
    },
    /// An answer does not have the layout of its version.
    #[error("{peer}: the answer to {api} cannot be read: {why}")]
    Decode {
        /// The broker's address.
        peer: String,
        /// The request's name.
        api: &'static str,
        /// What is wrong with the bytes.
        why: &'static str,
    },
    /// The broker does not serve the version of a request that this client speaks (Kafka 4.0 and later do).
    #[error("{peer}: {api} is needed in version {ours}, the broker serves {}", .theirs.map_or("none".into(), |(low, high)| format!("{low} to {high}")))]
    Version {
        /// The broker's address.
        peer: String,
        /// The request's name.
        api: &'static str,
        /// The version this client speaks.
        ours: i16,
        /// The lowest and highest version of the broker; `None` if it does not know the request.
        theirs: Option<(i16, i16)>,
    },
    /// The login was refused, or the broker could not prove that it knows the password.
    #[error("{peer}: login refused: {why}")]
    Auth {
        /// The broker's address.
        peer: String,
        /// The broker's code; `None` if this side refused.
        code: Option<Code>,
        /// The reason.
        why: String,
    },
    /// The broker refused the whole request.
    #[error("{api} refused: {refusal}")]
    Broker {
        /// The request's name.
        api: &'static str,
        /// Why.
        refusal: Refusal,
    },
    /// No live broker has this id.
    #[error("no live broker has the id {0}")]
    NoNode(i32),
    /// None of the bootstrap servers could be used.
    #[error("none of the {tried} bootstrap servers could be used; the last one: {last}")]
    NoBootstrap {
        /// How many were tried.
        tried: usize,
        /// What the last one said.
        last: Box<Error>,
    },
    /// The settings cannot be used.
    #[error("Kafka settings: {0}")]
    Settings(String),
}

impl Error {
    /// Whether the same call may succeed later without anybody changing anything.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Io { source, .. } => !is_tls_refusal(source),
            Self::Timeout { .. } | Self::NoNode(_) => true,
            Self::Broker { refusal, .. } => refusal.code.is_retriable(),
            Self::NoBootstrap { last, .. } => last.is_transient(),
            Self::Frame { .. }
            | Self::Protocol { .. }
            | Self::Decode { .. }
            | Self::Version { .. }
            | Self::Auth { .. }
            | Self::Settings(_) => false,
        }
    }

    /// The broker's code, where there is one.
    pub fn code(&self) -> Option<Code> {
        match self {
            Self::Broker { refusal, .. } => Some(refusal.code),
            Self::Auth { code, .. } => *code,
            Self::NoBootstrap { last, .. } => last.code(),
            _ => None,
        }
    }

    /// Whether the broker's authorizer said no.
    pub fn is_denied(&self) -> bool {
        self.code().is_some_and(Code::is_denied)
    }

    /// The error of a response that carries a code for the whole request.
    pub(crate) fn check(api: &'static str, code: Code, message: Option<String>) -> Result<()> {
        Refusal::check(code, message).map_err(|refusal| Self::Broker { api, refusal })
    }
}

/// A certificate that is not trusted today is not trusted in a minute either.
fn is_tls_refusal(error: &io::Error) -> bool {
    error.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<rustls::Error>)
}

/// Why Kafka refused one item of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Kafka's code.
    pub code: Code,
    /// Kafka's words, cut to 200 characters; they can show internals of the broker, so they are for logs only.
    pub message: Option<String>,
}

impl Refusal {
    /// The longest message that is kept, in characters.
    const MESSAGE_LIMIT: usize = 200;

    pub(crate) fn new(code: Code, message: Option<String>) -> Self {
        // "No message" comes as an empty string as well as null.
        let message =
            message.filter(|text| !text.is_empty()).map(|text| text.chars().take(Self::MESSAGE_LIMIT).collect());
        Self { code, message }
    }

    pub(crate) fn check(code: Code, message: Option<String>) -> std::result::Result<(), Self> {
        if code.is_none() { Ok(()) } else { Err(Self::new(code, message)) }
    }

    /// The broker's answer did not mention an item; whether it was done is not known.
    pub(crate) fn unanswered() -> Self {
        Self::new(Code::UNKNOWN_SERVER_ERROR, Some("the broker's answer does not mention it".into()))
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.message {
            Some(message) => write!(f, "{}: {message}", self.code),
            None => self.code.fmt(f),
        }
    }
}

impl std::error::Error for Refusal {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_untrusted_certificate_is_not_transient_but_a_reset_is() {
        let tls = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        let error = |source| Error::Io { peer: "b:1".into(), source };
        assert!(!error(io::Error::new(io::ErrorKind::InvalidData, tls)).is_transient());
        assert!(error(io::ErrorKind::ConnectionReset.into()).is_transient());
    }

    #[test]
    fn a_message_is_cut_and_an_empty_one_is_none() {
        assert_eq!(Refusal::new(Code(42), Some(String::new())).message, None);
        assert_eq!(Refusal::new(Code(42), Some("é".repeat(900))).message.unwrap().chars().count(), 200);
    }
}
