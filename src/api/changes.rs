//! The history: read, never written.

use axum::{Json, extract::State};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    answer::{at, page},
    caller::Caller,
    extract::Params,
    problem::Result,
};
use crate::manager::{Manager, history::Filter};

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
