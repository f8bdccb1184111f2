//! The cluster: what the reconciler sees of it and does to it.

use serde::Deserialize;
use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Actor, Error, Manager, Page, Result, actor::Right, commit};
use crate::{
    domain::history::Act,
    store::{self, PgConnection},
};

pub use crate::domain::{
    decision::Answer,
    isolation::{Check, Isolation, Severity},
};
pub use store::{decisions::Decision, passes::Pass};

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
    /// What has to be so in Kafka.
    pub checks: Vec<Check>,
    /// What is not as it should be, and is left until an admin says what to do.
    pub findings: Vec<Finding>,
}

/// Something that was found in Kafka.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Finding {
    /// Its kind, for people.
    pub kind: String,
    /// What it is.
    pub text: String,
    /// What an answer to it is about.
    pub subject: String,
    /// What an admin may answer.
    pub answers: Vec<Answer>,
    /// All of it, where it is more than one thing.
    pub lines: Vec<String>,
    /// What was decided about it.
    #[serde(skip)]
    pub decision: Option<Decision>,
}

/// Letters of a reason at most.
const REASON: usize = 500;

/// A broker.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Broker {
    /// Its id.
    pub id: i32,
    /// Where it listens: `host:port`.
    pub address: String,
}

impl Manager {
    /// The newest report, and when it was made; `None` before the first.
    pub async fn load_cluster(&self, actor: &Actor) -> Result<Option<(OffsetDateTime, Report)>> {
        let mut db = self.read_as(actor, Right::Look).await?;
        find_report(&mut db).await
    }

    /// Answers a finding of the newest report, with the reason for it. The reconciler does it at once. Repeating
    /// changes nothing.
    ///
    /// # Errors
    /// A conflict `stale` where the finding is not there any more.
    pub async fn decide(&self, actor: &Actor, subject: &str, answer: Answer, reason: &str) -> Result<()> {
        let reason = reason.trim();
        if answer == Answer::Accept && reason.is_empty() {
            return Err(Error::field("reason", "is missing: say why it may stay"));
        }
        if reason.chars().count() > REASON || reason.chars().any(char::is_control) {
            return Err(Error::field("reason", format!("must be at most {REASON} printable characters, on one line")));
        }
        let mut tx = self.begin().await?;
        actor.require(Right::Administer, &mut tx).await?;
        let report = find_report(&mut tx).await?.map(|(_, report)| report).unwrap_or_default();
        let finding =
            report.findings.into_iter().find(|finding| finding.subject == subject).ok_or_else(Error::stale)?;
        if !finding.answers.contains(&answer) {
            let words: Vec<_> = finding.answers.iter().map(|answer| answer.as_str()).collect();
            return Err(Error::field("answer", format!("must be one of {}", words.join(", "))));
        }
        let before = finding.decision.as_ref().map(|d| json!({ "answer": d.answer, "reason": d.reason }));
        let after = json!({ "finding": finding.kind, "what": finding.text, "answer": answer, "reason": reason });
        if store::decisions::put(&mut tx, subject, answer, reason, actor.member()).await? {
            tx.record(actor, act("cluster.finding-answered", before, after));
        }
        commit(tx).await
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
        tx.record(actor, act("cluster.compared", None, json!({})));
        commit(tx).await
    }
}

impl Report {
    /// Whether Kafka keeps the Spaces apart.
    pub fn isolation(&self) -> Isolation {
        Isolation::of(&self.checks)
    }
}

/// The newest report, with what was decided about its findings.
pub(super) async fn find_report(db: &mut PgConnection) -> Result<Option<(OffsetDateTime, Report)>> {
    let Some((at, report)) = store::passes::find_report(db).await? else { return Ok(None) };
    // What an older version wrote is read as far as it goes.
    let mut report: Report = serde_json::from_value(report).unwrap_or_default();
    let mut decisions = store::decisions::list(db).await?;
    for finding in &mut report.findings {
        finding.decision = decisions.remove(&finding.subject);
    }
    Ok(Some((at, report)))
}

fn act(name: &'static str, before: Option<Value>, after: Value) -> Act {
    Act {
        name,
        object_kind: "cluster",
        object_id: Uuid::nil(),
        object_name: "Kafka".to_owned(),
        before,
        after: Some(after),
    }
}
