//! What the newest pass found and did, for the page of the cluster and for operators.

use std::time::Duration;

use time::OffsetDateTime;
use tokio::sync::watch;

use super::findings::Finding;
use crate::kafka::admin::Broker;

/// What a pass found and did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PassReport {
    /// When it began; `None` before the first.
    pub at: Option<OffsetDateTime>,
    /// How long it took.
    pub took: Duration,
    /// Whether this process is the one that reconciles; another of the installation does otherwise.
    pub leads: bool,
    /// The newest pass that did not fail began then.
    pub succeeded_at: Option<OffsetDateTime>,
    /// Why the newest pass failed, in words for people.
    pub error: Option<String>,
    /// The cluster's id, as last seen.
    pub cluster_id: Option<String>,
    /// Its live brokers, as last seen.
    pub brokers: Vec<Broker>,
    /// Topics that should be.
    pub topics: usize,
    /// SCRAM users that should be.
    pub users: usize,
    /// ACLs that should be.
    pub acls: usize,
    /// Things in Kafka that this pass changed.
    pub written: usize,
    /// The steps of this pass, a line each; not more than the first ones.
    pub steps: Vec<String>,
    /// Objects that wait for Kafka.
    pub pending: usize,
    /// Objects that Kafka refuses.
    pub failed: usize,
    /// What is not ours, and still matters.
    pub findings: Vec<Finding>,
}

/// Shows the newest report. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Observer(pub(super) watch::Receiver<PassReport>);

impl Observer {
    /// The newest report.
    pub fn latest(&self) -> PassReport {
        self.0.borrow().clone()
    }

    /// Waits for the next report; `None` when there is no reconciler any more.
    pub async fn next(&mut self) -> Option<PassReport> {
        self.0.changed().await.ok()?;
        Some(self.0.borrow_and_update().clone())
    }
}
