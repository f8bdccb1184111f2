//! One key seals all secrets of an installation: a process with another one would seal what nobody else can open.

use std::time::Duration;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::{Error, Manager, Result, commit};
use crate::{secrets, store::installation_key};

/// How often is asked while it cannot be told.
const PERIOD: Duration = Duration::from_secs(2);

impl Manager {
    /// Sees that this process has the key that the secrets in the database are sealed with, as soon as that can be told.
    ///
    /// # Errors
    /// A conflict, `other-key`, where it has another one: it must not go on.
    pub async fn require_key(self, shutdown: CancellationToken) -> Result<()> {
        loop {
            match self.look_at_key().await {
                Err(error @ Error::Conflict { .. }) => return Err(error),
                Err(error) => tracing::warn!(%error, "whether secrets.key is the right one cannot be told yet"),
                Ok(()) => {
                    // A part that ends, ends the others.
                    shutdown.cancelled().await;
                    return Ok(());
                }
            }
            tokio::select! {
                () = shutdown.cancelled() => return Ok(()),
                () = sleep(PERIOD) => {}
            }
        }
    }

    /// The first one to come says which key it is.
    async fn look_at_key(&self) -> Result<()> {
        let vault = &self.parts.vault;
        let mut tx = self.begin().await?;
        // Of a database that is older than the mark, its secrets say which key it is.
        if let Some((environment, sealed)) = installation_key::find_sealed(&mut tx).await? {
            vault.open("principal", &environment.to_string(), &sealed).map(drop).map_err(other_key)?;
        }
        let mark = installation_key::keep_mark(&mut tx, &vault.mark()).await?;
        vault.knows(&mark).map_err(other_key)?;
        commit(tx).await
    }
}

fn other_key(error: secrets::Error) -> Error {
    match error {
        secrets::Error::OtherKey => Error::conflict(
            "other-key",
            "secrets.key is not the key that the secrets in this database are sealed with: start with that one",
        ),
        error => Error::internal(error),
    }
}
