//! A use case while it is worked on: its transaction, and the rows of the history that it ends with.

use std::{
    ops::{Deref, DerefMut},
    sync::Arc,
};

use sqlx::{Postgres, Transaction};

use super::{Actor, Error, Manager, Parts, Result};
use crate::{
    domain::history::{Act, OBJECT_KINDS},
    history,
    store::{self, PgConnection, PgPool},
};

/// What a use case does until [`commit`]. Dropped before, nothing of it is true.
pub(super) struct Work {
    tx: Transaction<'static, Postgres>,
    acts: Vec<(Actor, Act)>,
    pool: PgPool,
    parts: Arc<Parts>,
}

impl Manager {
    pub(super) async fn begin(&self) -> Result<Work> {
        let tx = store::begin(&self.pool).await?;
        Ok(Work { tx, acts: Vec::new(), pool: self.pool.clone(), parts: Arc::clone(&self.parts) })
    }
}

impl Work {
    /// Notes what was done. It is written at the end: whoever writes there holds the end of the history, and would have
    /// those wait for him who hold what he may still wait for.
    pub(super) fn record(&mut self, actor: &Actor, act: Act) {
        debug_assert!(OBJECT_KINDS.contains(&act.object_kind), "nobody could look for acts on a {}", act.object_kind);
        self.acts.push((actor.clone(), act));
    }
}

impl Deref for Work {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.tx
    }
}

impl DerefMut for Work {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.tx
    }
}

/// Ends a use case: writes what was done into the history, and says to all who listen that its objects have changed. All
/// of it is true from here on, or nothing. Where the answer to that is lost on the way, the history is asked before anyone
/// is told anything.
pub(super) async fn commit(work: Work) -> Result<()> {
    let Work { mut tx, acts, pool, parts } = work;
    let mut last = None;
    for (actor, act) in acts {
        let changed = format!("{}:{}", act.object_kind, act.object_id);
        let hint = match act.object_kind {
            "bridge" => &[store::CHANGED, store::DESIRED, store::BRIDGE][..],
            _ => &[store::CHANGED, store::DESIRED],
        };
        let words = actor.describe(&mut tx).await?;
        last = Some(history::append(&mut tx, &parts.history_key, actor.member(), words, act).await?);
        for channel in hint {
            store::notify(&mut tx, channel, &changed).await?;
        }
    }
    let Err(error) = tx.commit().await.map_err(store::Error::from) else { return Ok(()) };
    let Some(last) = last.filter(|_| error.is_transient()) else { return Err(error.into()) };
    match store::changes::stands(&pool, &last).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(error.into()),
        Err(_) => Err(Error::Unavailable(
            "the database went away while this was written: look whether it was done before you repeat it".into(),
        )),
    }
}
