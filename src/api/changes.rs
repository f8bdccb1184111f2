//! The history: read, and never changed; what takes a change back is another one.

use axum::{Json, extract::State};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    answer::{at, page},
    caller::Caller,
    extract::{At, Params},
    problem::Result,
};
use crate::manager::{Error, Manager, history::Filter};

/// `GET /changes`, from the newest on; of one object with `?object=<id>`.
pub async fn list(caller: Caller, State(manager): State<Manager>, params: Params) -> Result<Json<Value>> {
    let filter = Filter {
        q: params.text("q").unwrap_or_default().to_owned(),
        object: params.parsed::<Uuid>("object", "the id of an object")?,
        before: params.number("cursor", 1, i64::MAX)?,
        limit: params.limit()?,
        ..Filter::default()
    };
    let found = manager.list_changes(&caller.0, &filter).await?;
    Ok(page(&found, |change| {
        json!({
            "number": change.number,
            "at": at(change.at),
            "actor": change.actor,
            "act": change.act,
            "object": { "kind": change.object_kind, "id": change.object_id, "name": change.object_name },
            "before": change.before,
            "after": change.after,
        })
    }))
}

/// `POST /changes/{number}/revert?dry_run=true`: what it is about becomes what it was before.
pub async fn revert(
    caller: Caller,
    State(manager): State<Manager>,
    At(number): At<i64>,
    params: Params,
) -> Result<Json<Value>> {
    let dry_run = params.flag("dry_run")?;
    let done = if dry_run {
        let rehearsed = manager.rehearse_revert(&caller.0, number).await?;
        match rehearsed.may.refusal {
            Some(why) => return Err(Error::Forbidden(why).into()),
            None => rehearsed,
        }
    } else {
        manager.revert(&caller.0, number).await?
    };
    Ok(Json(
        json!({ "dry_run": dry_run, "number": number, "act": done.change.act, "now": done.now, "then": done.then }),
    ))
}
