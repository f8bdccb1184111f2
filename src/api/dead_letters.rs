//! Events that bridges could not deliver.

use axum::{Json, extract::State, http::StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    answer::{at, at_or_null, page},
    body,
    caller::Caller,
    extract::{At, Params},
    problem::{Problem, Result},
};
use crate::{
    contract::shape,
    domain::{dead_letter::Kept, ids::BridgeId},
    manager::{Manager, dead_letters::DeadLetter},
};

/// `GET /bridges/{bridge}/dead-letters`, from the newest on, without their events.
pub async fn list(
    caller: Caller,
    State(manager): State<Manager>,
    At(bridge): At<BridgeId>,
    params: Params,
) -> Result<Json<Value>> {
    let before = params.number("cursor", 1, i64::MAX)?;
    let found = manager.list_dead_letters(&caller.0, bridge, before, params.limit()?).await?;
    Ok(page(&found, letter))
}

/// `GET /bridges/{bridge}/dead-letters/{letter}`, with its event. That it was read stands in the history.
pub async fn load(
    caller: Caller,
    State(manager): State<Manager>,
    At((bridge, number)): At<(BridgeId, i64)>,
) -> Result<Json<Value>> {
    let (found, kept) = manager.read_dead_letter(&caller.0, bridge, number).await?;
    let mut shown = letter(&found);
    shown["content"] = json!(kept);
    Ok(Json(shown))
}

/// `DELETE /bridges/{bridge}/dead-letters`: throws away all up to a number, if they are as many as is said.
pub async fn purge(
    caller: Caller,
    State(manager): State<Manager>,
    At(bridge): At<BridgeId>,
    params: Params,
) -> Result<StatusCode> {
    let missing = |name: &str| Problem::field(name, "is missing");
    let up_to = params.number("up_to", 1, i64::MAX)?.ok_or_else(|| missing("up_to"))?;
    let count = params.number("count", 1, i64::MAX)?.ok_or_else(|| missing("count"))?;
    manager.purge_dead_letters(&caller.0, bridge, up_to, count).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `DELETE /bridges/{bridge}/dead-letters/{letter}`: throws one away.
pub async fn purge_one(
    caller: Caller,
    State(manager): State<Manager>,
    At((bridge, letter)): At<(BridgeId, i64)>,
) -> Result<StatusCode> {
    manager.purge_dead_letter(&caller.0, bridge, letter).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /bridges/{bridge}/dead-letters/redrive`: all of them.
pub async fn redrive_all(
    caller: Caller,
    State(manager): State<Manager>,
    At(bridge): At<BridgeId>,
) -> Result<(StatusCode, Json<Value>)> {
    let count = manager.redrive_dead_letters(&caller.0, bridge, None).await?;
    Ok((StatusCode::ACCEPTED, Json(json!({ "count": count }))))
}

/// `POST /bridges/{bridge}/dead-letters/{letter}/redrive`: it is sent soon, and leaves the list when it was taken.
pub async fn redrive(
    caller: Caller,
    State(manager): State<Manager>,
    At((bridge, letter)): At<(BridgeId, i64)>,
) -> Result<StatusCode> {
    manager.redrive_dead_letters(&caller.0, bridge, Some(letter)).await?;
    Ok(StatusCode::ACCEPTED)
}

/// What is sent to change the event of one: `content` as it is read.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Edit {
    #[serde(default, deserialize_with = "body::given")]
    revision: Option<i64>,
    content: Value,
}

/// `PUT /bridges/{bridge}/dead-letters/{letter}`: another event in its place.
pub async fn edit(
    caller: Caller,
    State(manager): State<Manager>,
    At((bridge, number)): At<(BridgeId, i64)>,
    body::Large(value): body::Large,
) -> Result<StatusCode> {
    let Edit { revision, content } = body::read(value)?;
    let of_content = |(field, sentence): (String, String)| {
        Problem::field(if field.is_empty() { "content".to_owned() } else { format!("content/{field}") }, sentence)
    };
    let content = if content.get("message_id").is_some() {
        Kept::Message(shape::read(content).map_err(of_content)?)
    } else {
        Kept::Record(shape::read(content).map_err(of_content)?)
    };
    manager.edit_dead_letter(&caller.0, bridge, number, revision, |_| Ok(content)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /bridges/{bridge}/dead-letters/{letter}/restore`: the event as it came.
pub async fn restore(
    caller: Caller,
    State(manager): State<Manager>,
    At((bridge, number)): At<(BridgeId, i64)>,
) -> Result<StatusCode> {
    manager.restore_dead_letter(&caller.0, bridge, number).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn letter(letter: &DeadLetter) -> Value {
    json!({
        "number": letter.id,
        "reason": letter.reason,
        "detail": letter.detail,
        "source": letter.source,
        "event": letter.route.as_ref().map(|(event, _)| event),
        "direction": letter.route.as_ref().map(|(_, direction)| direction),
        "created_at": at(letter.created_at),
        "revision": letter.revision,
        "edited_at": at_or_null(letter.edited_at),
        "redrive_at": at_or_null(letter.redrive_at),
        "redrive_failure": letter.redrive_failure,
    })
}
