//! The history, to look at and to check: gap-free numbers, each row authenticated together with the one before.

use time::{UtcOffset, macros::format_description};
use uuid::Uuid;

use super::{Actor, Error, Manager, Page, Result, actor::Right};
use crate::{
    history::code,
    store::{self, PgConnection},
};

pub use store::changes::{Change, Filter};

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

/// What was last done to an object, as a part of a sentence: by whom, when, and what.
pub(super) async fn last_change(db: &mut PgConnection, object: Uuid) -> Result<Option<String>> {
    let newest = Filter { object: Some(object), limit: 1, ..Filter::default() };
    let change = store::changes::list(db, &newest).await?.items.into_iter().next();
    Ok(change.map(|change| {
        let format = format_description!("[year]-[month]-[day] [hour]:[minute]:[second] UTC");
        let at = change.at.to_offset(UtcOffset::UTC).format(format).unwrap_or_default();
        format!("by {} at {at} ({})", change.actor, change.act.replace(['.', '-'], " "))
    }))
}

/// The answer to a version that is no longer the newest: who has changed the object, and when.
pub(super) async fn stale(db: &mut PgConnection, object: Uuid) -> Error {
    match last_change(db, object).await {
        Ok(Some(last)) => Error::conflict(
            "stale",
            format!("this was changed meanwhile, {last}: look at it again, then repeat your change"),
        ),
        Ok(None) => Error::stale(),
        Err(error) => error,
    }
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
