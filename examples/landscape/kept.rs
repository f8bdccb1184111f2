//! What is kept between starts: credentials are shown once.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Result, setting};

/// An app's environment, as it comes to Kafka.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Login {
    /// `<app>.<environment>`.
    pub username: String,
    /// Its password.
    pub password: String,
    /// `host:port,…`.
    pub bootstrap_servers: String,
    /// As in `security.protocol`.
    pub security_protocol: String,
    /// What its consumer groups begin with.
    pub group_prefix: String,
    /// Where it says that it lives.
    pub heartbeat_topic: String,
    /// The Space.
    pub space: String,
    /// What it may use.
    #[serde(default)]
    pub topics: Vec<Topic>,
}

/// A topic that an environment uses for an event.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Topic {
    /// Key of the service.
    pub service: String,
    /// The event.
    pub event: String,
    /// `publish` or `subscribe`.
    pub access: String,
    /// Its name.
    #[serde(rename = "topic")]
    pub name: String,
}

/// All logins.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Kept {
    /// One per environment that has credentials.
    pub logins: Vec<Login>,
}

fn file() -> Result<PathBuf> {
    Ok(setting("EBM_LANDSCAPE")?.into())
}

/// What an earlier `make` has left; `None` where there was none.
pub fn load() -> Result<Option<Kept>> {
    match std::fs::read(file()?) {
        Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Keeps it, for the owner's eyes only.
pub fn save(kept: &Kept) -> Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let (file, part) = (file()?, file()?.with_extension("part"));
    let mut open = std::fs::OpenOptions::new();
    let open = open.write(true).create(true).truncate(true).mode(0o600).open(&part)?;
    serde_json::to_writer_pretty(open, kept)?;
    Ok(std::fs::rename(part, file)?)
}
