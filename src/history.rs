//! The chain of the history: each row is authenticated together with the one before.
//!
//! Whoever changes anything appends here, in the transaction of the change. Refuses to know who may do what.

use aws_lc_rs::hmac;
use secrecy::{ExposeSecret, SecretSlice};
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;

use crate::{
    domain::{history::Act, ids::MemberId},
    store::{self, PgConnection, changes::Change},
};

/// Adds the act to the history, done by a member or by what the words say. Holds the end of the history until the
/// transaction ends. Gives the row.
pub async fn append(
    db: &mut PgConnection,
    key: &SecretSlice<u8>,
    member: Option<MemberId>,
    words: String,
    act: Act,
) -> store::Result<Change> {
    let head = store::changes::lock_head(db).await?;
    let mut change = store::changes::row(head, member, words, act);
    change.code = code(key, &change);
    store::changes::append(db, &change).await?;
    Ok(change)
}

/// HMAC-SHA-256 over the row and the code of the row before.
pub fn code(key: &SecretSlice<u8>, change: &Change) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.expose_secret());
    let mut context = hmac::Context::with_key(&key);
    context.update(&change.previous);
    context.update(text(change).as_bytes());
    context.sign().as_ref().to_vec()
}

/// One text per row, whatever order its JSON objects have: an array, objects with their keys sorted.
fn text(change: &Change) -> String {
    let at = change.at.to_offset(time::UtcOffset::UTC).format(&Rfc3339).unwrap_or_default();
    sorted(&json!([
        change.number,
        at,
        change.member,
        change.actor,
        change.act,
        change.object_kind,
        change.object_id,
        change.object_name,
        change.before,
        change.after
    ]))
}

fn sorted(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let mut keys: Vec<_> = map.iter().collect();
            keys.sort_by_key(|(key, _)| *key);
            let members: Vec<_> =
                keys.into_iter().map(|(k, v)| format!("{}:{}", Value::String(k.clone()), sorted(v))).collect();
            format!("{{{}}}", members.join(","))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(sorted).collect::<Vec<_>>().join(",")),
        other => other.to_string(),
    }
}
