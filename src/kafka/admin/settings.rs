//! How a cluster is reached.

use std::time::Duration;

use secrecy::SecretString;

use super::{Mechanism, ScramUser, Tls};

/// Where the brokers are, who logs in, and how long anything may take.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `host:port` of some brokers, tried in order; the others are learned from them. IPv6 hosts in brackets.
    pub bootstrap: Vec<String>,
    /// The name under which brokers log and throttle this client.
    pub client_id: String,
    /// The login; `None` for a listener without SASL.
    pub sasl: Option<Sasl>,
    /// Whom to trust; `None` for a listener without TLS.
    pub tls: Option<Tls>,
    /// The time for opening a connection: TCP, TLS and login together.
    pub connect_timeout: Duration,
    /// The time for one request.
    pub request_timeout: Duration,
}

impl Settings {
    /// Plain TCP without a login, 10 s to connect, 30 s per request.
    pub fn new(bootstrap: Vec<String>) -> Self {
        Self {
            bootstrap,
            client_id: "ebm-admin".into(),
            sasl: None,
            tls: None,
            connect_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(30),
        }
    }
}

/// A name and its password.
#[derive(Debug, Clone)]
pub struct Login {
    pub(crate) user: String,
    pub(crate) password: SecretString,
}

impl Login {
    /// The user is named without `User:`.
    pub fn new(user: impl Into<String>, password: SecretString) -> Self {
        Self { user: user.into(), password }
    }
}

/// How to log in (KIP-12, KIP-84).
#[derive(Debug, Clone)]
pub enum Sasl {
    /// The password itself is sent (RFC 4616); only with TLS.
    Plain(Login),
    /// SCRAM-SHA-256.
    Scram256(Login),
    /// SCRAM-SHA-512.
    Scram512(Login),
    /// SCRAM without the password: who has the `SaltedPassword` needs no more (RFC 5802, section 9).
    Salted(ScramUser),
}

impl Sasl {
    /// The mechanism's name in SASL.
    pub fn mechanism(&self) -> &'static str {
        match self {
            Self::Plain(_) => "PLAIN",
            Self::Scram256(_) => Mechanism::Sha256.name(),
            Self::Scram512(_) => Mechanism::Sha512.name(),
            Self::Salted(user) => user.mechanism.name(),
        }
    }
}
