//! The cluster as the reconciler sees it, and what is decided about what it found.

use axum::{Json, extract::State, http::StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    answer::at,
    body,
    caller::Caller,
    problem::{Problem, Result},
};
use crate::manager::{
    Error, Manager,
    cluster::{Answer, Decision, Finding},
};

/// `GET /cluster`
pub async fn load(caller: Caller, State(manager): State<Manager>) -> Result<Json<Value>> {
    let found = manager.load_cluster(&caller.0).await?;
    let (compared_at, report) = found.ok_or_else(|| Problem::from(Error::NotFound("report of the cluster")))?;
    let brokers = report.brokers.iter().map(|broker| json!({ "id": broker.id, "address": broker.address }));
    let checks = report.checks.iter();
    let checks =
        checks.map(|c| json!({ "setting": c.setting, "severity": c.severity, "holds": c.holds, "text": c.text }));
    let findings = report.findings.iter().map(finding);
    Ok(Json(json!({
        "compared_at": at(compared_at),
        "took_ms": report.took_ms,
        "error": report.error,
        "cluster_id": report.cluster_id,
        "brokers": brokers.collect::<Vec<_>>(),
        "topics": report.topics,
        "users": report.users,
        "acls": report.acls,
        "pending": report.pending,
        "failed": report.failed,
        "isolation": report.isolation(),
        "checks": checks.collect::<Vec<_>>(),
        "findings": findings.collect::<Vec<_>>(),
    })))
}

fn finding(finding: &Finding) -> Value {
    let decided = |d: &Decision| json!({ "answer": d.answer, "reason": d.reason, "by": d.by, "at": at(d.at) });
    json!({
        "kind": finding.kind,
        "text": finding.text,
        "subject": finding.subject,
        "answers": finding.answers,
        "lines": finding.lines,
        "decision": finding.decision.as_ref().map(decided),
    })
}

/// `{subject, answer, reason}`: the answer to a finding.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DecisionBody {
    subject: String,
    answer: Answer,
    #[serde(default)]
    reason: String,
}

/// `POST /cluster/decisions`
pub async fn decide(
    caller: Caller,
    State(manager): State<Manager>,
    body::Json(DecisionBody { subject, answer, reason }): body::Json<DecisionBody>,
) -> Result<StatusCode> {
    manager.decide(&caller.0, &subject, answer, &reason).await?;
    Ok(StatusCode::NO_CONTENT)
}
