//! What is left over: bridges to be taken away, drafts nobody came back to, sessions that have expired, dead letters that
//! were kept long enough.

use std::time::Duration;

use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{Actor, Manager, Result, commit};
use crate::{
    domain::{bridge::Desired, history::Act, ids::BridgeId},
    store,
};

/// How often it looks without being woken.
const PERIOD: Duration = Duration::from_secs(2);

impl Manager {
    /// Sweeps until it is asked to stop. What fails is tried again at the next period.
    pub async fn sweep(self, shutdown: CancellationToken) -> Result<()> {
        let mut passes = 0_u64;
        while !shutdown.is_cancelled() {
            if let Err(error) = self.sweep_bridges().await {
                tracing::warn!(%error, "bridges could not be swept");
            }
            // Sessions and counts expire by themselves; their rows only have to go now and then.
            if passes.is_multiple_of(150)
                && let Err(error) = self.sweep_expired().await
            {
                tracing::warn!(%error, "what has expired could not be swept");
            }
            passes += 1;
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = tokio::time::sleep(PERIOD) => {}
            }
        }
        Ok(())
    }

    async fn sweep_expired(&self) -> Result<()> {
        let mut db = self.read().await?;
        store::sessions::delete_expired(&mut db).await?;
        store::traffic::delete_old(&mut db).await?;
        store::dead_letters::forget_set_aside(&mut db).await?;
        drop(db);
        self.sweep_dead_letters().await
    }

    /// Takes away dead letters that were kept for as long as the operator has said.
    async fn sweep_dead_letters(&self) -> Result<()> {
        let Some(days) = self.parts.dead_letter_days else { return Ok(()) };
        let mut tx = self.begin().await?;
        for (id, name, count) in store::dead_letters::delete_old(&mut tx, days).await? {
            let act = Act {
                name: "bridge.dead-letters-expired",
                object_kind: "bridge",
                object_id: id.0,
                object_name: name,
                before: None,
                after: Some(json!({ "count": count, "days": days })),
            };
            tx.record(&Actor::Product("sweeper"), act);
        }
        commit(tx).await
    }

    /// Removes the role and the rows of each bridge that is to go: the role first, so that a crash between the two
    /// is repeated and never leaves a role that nobody knows of.
    async fn sweep_bridges(&self) -> Result<()> {
        let ids = store::bridges::list_to_sweep(&mut *self.read().await?).await?;
        for id in ids {
            if let Err(error) = self.remove_bridge(id).await {
                tracing::warn!(bridge = %id, %error, "a bridge could not be taken away yet");
            }
        }
        Ok(())
    }

    async fn remove_bridge(&self, id: BridgeId) -> Result<()> {
        let mut tx = self.begin().await?;
        // Held until all of it is gone: whoever comes back to a draft just now is before this, or finds none.
        if !store::bridges::lock_to_sweep(&mut tx, id).await? {
            return Ok(());
        }
        let Some(bridge) = store::bridges::find(&mut tx, id).await? else { return Ok(()) };
        if let Some(aws) = &self.parts.aws {
            aws.delete_role(id).await?;
        }
        store::bridges::delete(&mut tx, id).await?;
        let name = if bridge.desired == Desired::Draft { "bridge.draft-swept" } else { "bridge.removed" };
        let act = Act {
            name,
            object_kind: "bridge",
            object_id: id.0,
            object_name: bridge.name.to_string(),
            before: None,
            after: None,
        };
        tx.record(&Actor::Product("sweeper"), act);
        commit(tx).await
    }
}
