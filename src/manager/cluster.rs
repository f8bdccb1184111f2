//! The cluster: what the reconciler sees of it and does to it.

use serde::Deserialize;
use serde_json::json;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Actor, Manager, Page, Result, actor::Right, commit};
use crate::{domain::history::Act, store};

pub use store::passes::Pass;

/// What the reconciler last reported.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Report {
    /// The cluster's id.
    pub cluster_id: Option<String>,
    /// Its live brokers.
    pub brokers: Vec<Broker>,
    /// Topics, users and rules that should be.
    pub topics: usize,
    /// See above.
    pub users: usize,
    /// See above.
    pub acls: usize,
    /// Objects that wait for Kafka.
    pub pending: usize,
    /// Objects that Kafka refuses.
    pub failed: usize,
    /// How long the newest pass took, in milliseconds.
    pub took_ms: u64,
    /// Why it failed.
    pub error: Option<String>,
    /// What has to be so for Spaces to be apart.
    pub checks: Vec<Check>,
    /// What is not ours, and still matters: a word and a sentence.
    pub findings: Vec<(String, String)>,
}

/// A broker.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Broker {
    /// Its id.
    pub id: i32,
    /// Where it listens: `host:port`.
    pub address: String,
}

/// One thing that has to be so.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Check {
    /// Kafka's name of the setting.
    pub setting: String,
    /// Whether it is so; `None` where Kafka does not tell.
    pub holds: Option<bool>,
    /// What that means.
    pub text: String,
}

impl Manager {
    /// The newest report, and when it was made; `None` before the first.
    pub async fn load_cluster(&self, actor: &Actor) -> Result<Option<(OffsetDateTime, Report)>> {
        let mut db = self.read_as(actor, Right::Look).await?;
        let found = store::passes::find_report(&mut db).await?;
        // What an older version wrote is read as far as it goes.
        Ok(found.map(|(at, report)| (at, serde_json::from_value(report).unwrap_or_default())))
    }

    /// Passes that changed something or failed, from the newest on.
    pub async fn list_passes(&self, actor: &Actor, before: Option<i64>, limit: i64) -> Result<Page<Pass>> {
        let mut db = self.read_as(actor, Right::Look).await?;
        Ok(store::passes::list(&mut db, before, limit).await?)
    }

    /// Wakes the reconciler: everything is compared with Kafka now.
    pub async fn sweep_now(&self, actor: &Actor) -> Result<()> {
        let mut tx = self.begin().await?;
        actor.require(Right::Administer, &mut tx).await?;
        let act = Act {
            name: "cluster.compared",
            object_kind: "cluster",
            object_id: Uuid::nil(),
            object_name: "Kafka".to_owned(),
            before: None,
            after: Some(json!({})),
        };
        tx.record(actor, act);
        commit(tx).await
    }
}
