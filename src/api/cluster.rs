//! The cluster as the reconciler sees it.

use axum::{Json, extract::State};
use serde_json::{Value, json};

use super::{
    answer::at,
    caller::Caller,
    problem::{Problem, Result},
};
use crate::manager::{Error, Manager};

/// `GET /cluster`
pub async fn load(caller: Caller, State(manager): State<Manager>) -> Result<Json<Value>> {
    let found = manager.load_cluster(&caller.0).await?;
    let (compared_at, report) = found.ok_or_else(|| Problem::from(Error::NotFound("report of the cluster")))?;
    let brokers = report.brokers.iter().map(|broker| json!({ "id": broker.id, "address": broker.address }));
    let checks = report.checks.iter();
    let checks = checks.map(|c| json!({ "setting": c.setting, "holds": c.holds, "text": c.text }));
    let findings = report.findings.iter().map(|(kind, text)| json!({ "kind": kind, "text": text }));
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
        "checks": checks.collect::<Vec<_>>(),
        "findings": findings.collect::<Vec<_>>(),
    })))
}
