//! What the newest pass found and did, for the page of the cluster and for operators.

use std::time::Duration;

use serde_json::{Value, json};
use time::OffsetDateTime;
use tokio::sync::watch;

use super::findings::Finding;
use crate::{domain::isolation::Check, kafka::admin::Broker, store::passes::Pass};

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

impl PassReport {
    /// Whether a plan was stopped and waits for an answer.
    pub(super) fn is_held(&self) -> bool {
        self.findings.iter().any(|finding| matches!(finding, Finding::Held(_)))
    }

    /// The report as it is written down.
    pub(super) fn shown(&self, checks: &[Check]) -> Value {
        let brokers = self.brokers.iter().map(|b| json!({ "id": b.id, "address": format!("{}:{}", b.host, b.port) }));
        json!({
            "cluster_id": self.cluster_id,
            "brokers": brokers.collect::<Vec<_>>(),
            "topics": self.topics,
            "users": self.users,
            "acls": self.acls,
            "pending": self.pending,
            "failed": self.failed,
            "took_ms": u64::try_from(self.took.as_millis()).unwrap_or(u64::MAX),
            "error": self.error,
            "checks": checks,
            "findings": self.findings.iter().map(shown).collect::<Vec<_>>(),
        })
    }

    /// The pass, where it changed something or failed.
    pub(super) fn pass(&self) -> Option<Pass> {
        let count = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
        let (written, error) = (if self.error.is_some() { 0 } else { count(self.written) }, self.error.clone());
        (written > 0 || error.is_some()).then(|| Pass {
            id: 0,
            at: self.at.unwrap_or_else(OffsetDateTime::now_utc),
            took_ms: i32::try_from(self.took.as_millis()).unwrap_or(i32::MAX),
            written,
            steps: if error.is_some() { json!([]) } else { json!(self.steps) },
            pending: count(self.pending),
            failed: count(self.failed),
            error,
        })
    }
}

fn shown(finding: &Finding) -> Value {
    let (kind, text) = finding.words();
    json!({
        "kind": kind,
        "text": text,
        "subject": finding.subject(),
        "answers": finding.answers(),
        "lines": finding.lines(),
    })
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
