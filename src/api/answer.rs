//! Parts that many answers share: pages of lists, times, how far Kafka has followed, how far a consumer group has come.

use axum::Json;
use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{
    extract::Params,
    problem::{Problem, Result},
};
use crate::manager::{Followed, Page, apps::Reader};

/// A page of a list.
pub fn page<T>(page: &Page<T>, show: impl Fn(&T) -> Value) -> Json<Value> {
    Json(json!({ "items": page.items.iter().map(show).collect::<Vec<_>>(), "next_cursor": page.next }))
}

/// A page of a list that is short enough to be read whole. `id` names an item: the cursor is the last one's.
pub fn page_of<T>(
    all: &[T],
    params: &Params,
    id: impl Fn(&T) -> String,
    show: impl Fn(&T) -> Value,
) -> Result<Json<Value>> {
    let limit = usize::try_from(params.limit()?).unwrap_or_default();
    let start = match params.text("cursor") {
        None => 0,
        Some(cursor) => {
            let last = all.iter().position(|item| id(item) == cursor);
            1 + last.ok_or_else(|| Problem::field("cursor", "is of no page there is: begin again without it"))?
        }
    };
    let (items, rest) = all[start..].split_at(limit.min(all.len() - start));
    let next = if rest.is_empty() { None } else { items.last().map(&id) };
    Ok(Json(json!({ "items": items.iter().map(show).collect::<Vec<_>>(), "next_cursor": next })))
}

/// A time as RFC 3339, in UTC.
pub fn at(time: OffsetDateTime) -> Value {
    time.format(&Rfc3339).map_or(Value::Null, Value::String)
}

/// The same; null where there is none.
pub fn at_or_null(time: Option<OffsetDateTime>) -> Value {
    time.map_or(Value::Null, at)
}

/// Adds to an object how far Kafka has followed: `status`, `status_reason` where it failed, `pending_since`.
pub fn with_status(mut object: Value, followed: &Followed) -> Value {
    object["status"] = followed.word().into();
    match followed {
        Followed::Applied => {}
        Followed::Pending(since) => object["pending_since"] = at(*since),
        Followed::Failed(why) => object["status_reason"] = why.as_str().into(),
    }
    object
}

/// A consumer group at a topic.
pub fn reader(reader: &Reader) -> Value {
    json!({
        "group": reader.group,
        "members": reader.members,
        "lag": reader.lag,
        "seen_at": at_or_null(reader.seen_at),
    })
}
