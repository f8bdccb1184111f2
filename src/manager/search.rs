//! The search over everything.

use super::{Actor, Manager, Result, actor::Right};
use crate::store;

pub use store::search::{Hit, Kind};

/// Of each kind at most this many are found.
pub const MOST: usize = 8;

/// What of one kind was found.
#[derive(Clone, Debug)]
pub struct Found {
    /// The kind.
    pub kind: Kind,
    /// The best, at most [`MOST`].
    pub hits: Vec<Hit>,
    /// Whether there are more.
    pub more: bool,
}

impl Manager {
    /// Everything that has the text in its key, name or id, by kind; nothing for an empty text. People are found by
    /// admins only, drafts of bridges by those who may see them.
    pub async fn search(&self, actor: &Actor, text: &str) -> Result<Vec<Found>> {
        let mut db = self.read().await?;
        let member = actor.require(Right::Look, &mut db).await?;
        if text.is_empty() {
            return Ok(Vec::new());
        }
        let is_admin = actor.require(Right::Administer, &mut db).await.is_ok();
        let searcher = store::search::Searcher { member: member.map(|m| m.id), is_admin };
        let limit = i64::try_from(MOST + 1).unwrap_or(i64::MAX);
        let all = store::search::find(&mut db, text, searcher, limit).await?;
        let found = Kind::ALL.iter().map(|&kind| {
            let mut hits: Vec<_> = all.iter().filter(|hit| hit.kind == kind).cloned().collect();
            let more = hits.len() > MOST;
            hits.truncate(MOST);
            Found { kind, hits, more }
        });
        Ok(found.filter(|found| !found.hits.is_empty()).collect())
    }
}
