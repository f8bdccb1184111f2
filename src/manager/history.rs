//! The history: gap-free numbers, each row authenticated together with the one before.

use aws_lc_rs::hmac;
use secrecy::{ExposeSecret, SecretSlice};
use serde_json::{Value, json};
use time::{UtcOffset, format_description::well_known::Rfc3339, macros::format_description};
use uuid::Uuid;

use super::{Actor, Error, Manager, Page, Result, actor::Right};
use crate::{
    domain::history::Act,
    store::{self, PgConnection},
};

pub use store::changes::{Change, Filter};

/// Adds the act to the history, in the transaction of the change itself.
pub(super) async fn append(db: &mut PgConnection, key: &SecretSlice<u8>, actor: &Actor, act: Act) -> Result<()> {
    let words = actor.describe(db).await?;
    let head = store::changes::lock_head(db).await?;
    let mut change = store::changes::row(head, actor.member(), words, act);
    change.code = code(key, &change);
    store::changes::append(db, &change).await?;
    Ok(())
}

/// Who changed an object last, when, and how: `by ann@example.com at 2026-01-31 09:30:00 UTC (bridge changed)`.
pub(super) async fn last_change(db: &mut PgConnection, kind: &'static str, id: Uuid) -> Result<Option<String>> {
    let newest = store::changes::find_newest(db, kind, Some(id), None).await?;
    Ok(newest.map(|Change { actor, at, act, .. }| {
        let format = format_description!("[year]-[month]-[day] [hour]:[minute]:[second] UTC");
        let at = at.to_offset(UtcOffset::UTC).format(format).unwrap_or_default();
        format!("by {actor} at {at} ({})", act.replace(['.', '-'], " "))
    }))
}

/// The answer to whoever looked at an object before its newest change; `what` is it in words.
pub(super) async fn overtaken(db: &mut PgConnection, what: &str, kind: &'static str, id: Uuid) -> Result<Error> {
    Ok(match last_change(db, kind, id).await? {
        Some(by) => Error::conflict(
            "stale",
            format!("{what} was changed meanwhile, {by}: look at it again, then repeat your change"),
        ),
        None => Error::stale(),
    })
}

/// HMAC-SHA-256 over the row and the code of the row before.
fn code(key: &SecretSlice<u8>, change: &Change) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.expose_secret());
    let mut context = hmac::Context::with_key(&key);
    context.update(&change.previous);
    context.update(text(change).as_bytes());
    context.sign().as_ref().to_vec()
}

/// One text per row, whatever order its JSON objects have: an array, objects with their keys sorted.
fn text(change: &Change) -> String {
    let at = change.at.to_offset(UtcOffset::UTC).format(&Rfc3339).unwrap_or_default();
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

/// What a check of the history found.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every row is as it was written, none is missing.
    Sound {
        /// How many rows there are.
        rows: i64,
    },
    /// The first row that is not.
    Broken {
        /// Its number, or the number that is missing.
        number: i64,
        /// What is wrong with it.
        why: &'static str,
    },
}

impl Manager {
    /// Changes from the newest on.
    pub async fn list_changes(&self, actor: &Actor, filter: &Filter) -> Result<Page<Change>> {
        let mut db = self.read_as(actor, Right::Look).await?;
        Ok(store::changes::list(&mut db, filter).await?)
    }

    /// Walks the whole history and names the first row that was edited, deleted, inserted or moved.
    pub async fn check_history(&self) -> Result<Verdict> {
        let mut tx = self.begin().await?;
        let (newest, newest_code, _) = store::changes::lock_head(&mut tx).await?;
        let (mut number, mut previous) = (0, Vec::new());
        loop {
            let rows = store::changes::list_from(&mut tx, number).await?;
            if rows.is_empty() {
                break;
            }
            for row in rows {
                let broken = |why| Ok(Verdict::Broken { number: number + 1, why });
                if row.number != number + 1 {
                    return broken("a row is missing");
                }
                if row.previous != previous {
                    return broken("the row does not follow the one before it");
                }
                if row.code != code(&self.parts.history_key, &row) {
                    return broken("the row was changed, or written with another key");
                }
                number = row.number;
                previous = row.code;
            }
        }
        if number != newest || previous != newest_code {
            return Ok(Verdict::Broken { number: number + 1, why: "the newest rows are missing" });
        }
        Ok(Verdict::Sound { rows: number })
    }
}
