//! What has changed, for pages that keep themselves true: Postgres says it, every open page of this process hears it.

use std::time::Duration;

use sqlx::postgres::PgListener;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

use super::{Manager, Result};
use crate::store;

/// Changes that a slow page may be behind by, before it is told to look at everything again.
const BACKLOG: usize = 256;

/// Where pages hear of changes.
#[derive(Clone, Debug)]
pub(super) struct Hub(broadcast::Sender<String>);

impl Default for Hub {
    fn default() -> Self {
        Self(broadcast::channel(BACKLOG).0)
    }
}

impl Manager {
    /// Changes from now on, each as `<kind>:<id>`.
    pub fn changes(&self) -> broadcast::Receiver<String> {
        self.hub.0.subscribe()
    }

    /// Passes on what Postgres says, until it is asked to stop.
    pub async fn pass_on_changes(self, shutdown: CancellationToken) -> Result<()> {
        while !shutdown.is_cancelled() {
            let listening = self.listen();
            tokio::select! {
                () = shutdown.cancelled() => {}
                Err(error) = listening => {
                    tracing::warn!(%error, "changes cannot be heard; trying again");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
        }
        Ok(())
    }

    async fn listen(&self) -> std::result::Result<(), sqlx::Error> {
        let mut listener = PgListener::connect_with(&self.pool).await?;
        listener.listen(store::CHANGED).await?;
        loop {
            // Without anyone who listens, sending fails, and nothing is lost by that.
            let _ = self.hub.0.send(listener.recv().await?.payload().to_owned());
        }
    }
}
