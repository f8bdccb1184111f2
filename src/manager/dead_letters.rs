//! Events that bridges could not deliver: seen, sent again, thrown away.

use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::{Actor, Error, Manager, Page, Result, actor::Right, bridges::visible, commit};
use crate::{
    domain::{bridge::Desired, dead_letter::Kept, history::Act, ids::BridgeId},
    store::{self, bridges::Bridge, lanes::dead_letter_row},
};

pub use store::dead_letters::DeadLetter;

impl Manager {
    /// For how many days they are kept; `None` where they are until someone deletes them.
    pub fn dead_letter_days(&self) -> Option<u32> {
        self.parts.dead_letter_days
    }

    /// Dead letters of a bridge from the newest on, without their events.
    pub async fn list_dead_letters(
        &self,
        actor: &Actor,
        bridge: BridgeId,
        before: Option<i64>,
        limit: i64,
    ) -> Result<Page<DeadLetter>> {
        let mut db = self.read_as(actor, Right::Look).await?;
        visible(&mut db, actor, bridge).await?;
        Ok(store::dead_letters::list(&mut db, bridge, before, limit).await?)
    }

    /// One of them with its event. What an event holds is its app's business: who reads it is in the history.
    pub async fn read_dead_letter(&self, actor: &Actor, bridge: BridgeId, id: i64) -> Result<(DeadLetter, Kept)> {
        let mut tx = self.begin().await?;
        let bridge = of_letters(&mut tx, actor, bridge).await?;
        let (letter, sealed) = find(&mut tx, bridge.id, id).await?;
        let kept = self.open(&bridge, &letter, &sealed)?;
        tx.record(actor, act("bridge.dead-letter-read", &bridge, Some(which(&letter))));
        commit(tx).await?;
        Ok((letter, kept))
    }

    /// Changes the event of one, so that it can be delivered; `change` is given it as it is. The event as it came is kept.
    pub async fn edit_dead_letter(
        &self,
        actor: &Actor,
        bridge: BridgeId,
        id: i64,
        revision: Option<i64>,
        change: impl FnOnce(Kept) -> Result<Kept>,
    ) -> Result<()> {
        let mut tx = self.begin().await?;
        let bridge = of_letters(&mut tx, actor, bridge).await?;
        let (letter, sealed) = find(&mut tx, bridge.id, id).await?;
        if revision.is_some_and(|revision| revision != letter.revision) {
            return Err(changed_meanwhile());
        }
        if letter.redrive_at.is_some() {
            return Err(being_sent());
        }
        let before = self.open(&bridge, &letter, &sealed)?;
        let after = change(before.clone())?;
        if !after.is_of_same_place(&before) {
            return Err(Error::field("content", "must stay of the place it came from: only what is in it can change"));
        }
        if let Err(why) = after.event() {
            return Err(Error::field("content", format!("cannot be delivered like this: it {why}")));
        }
        if after == before {
            return Ok(());
        }
        let after = serde_json::to_vec(&after).map_err(Error::internal)?;
        let row = dead_letter_row(bridge.id, &letter.source);
        let sealed = self.parts.vault.seal("dead_letter", &row, &after);
        if !store::dead_letters::edit(&mut tx, bridge.id, id, letter.revision, &sealed).await? {
            return Err(changed_meanwhile());
        }
        tx.record(actor, act("bridge.dead-letter-edited", &bridge, Some(which(&letter))));
        commit(tx).await
    }

    /// Puts the event of one back as it came.
    pub async fn restore_dead_letter(&self, actor: &Actor, bridge: BridgeId, id: i64) -> Result<()> {
        let mut tx = self.begin().await?;
        let bridge = of_letters(&mut tx, actor, bridge).await?;
        let (letter, _) = find(&mut tx, bridge.id, id).await?;
        if letter.redrive_at.is_some() {
            return Err(being_sent());
        }
        if !store::dead_letters::restore(&mut tx, bridge.id, id).await? {
            return Err(Error::conflict("not-edited", "the event is as it came"));
        }
        tx.record(actor, act("bridge.dead-letter-restored", &bridge, Some(which(&letter))));
        commit(tx).await
    }

    /// Has one sent again, or all of them: to the place that failed, and to no other. The worker does it; what was
    /// taken there leaves. Gives how many were not asked for before.
    pub async fn redrive_dead_letters(&self, actor: &Actor, bridge: BridgeId, id: Option<i64>) -> Result<u64> {
        let mut tx = self.begin().await?;
        let bridge = of_letters(&mut tx, actor, bridge).await?;
        if let Some(id) = id {
            find(&mut tx, bridge.id, id).await?;
        }
        if bridge.desired != Desired::Running {
            return Err(Error::conflict("bridge-stopped", "the bridge does not run: start it, then send them again"));
        }
        let count = store::dead_letters::ask_redrive(&mut tx, bridge.id, id).await?;
        if count == 0 {
            return Ok(0);
        }
        let what = json!({ "number": id, "count": count });
        tx.record(actor, act("bridge.dead-letters-redriven", &bridge, Some(what)));
        commit(tx).await?;
        Ok(count)
    }

    /// Throws one away.
    pub async fn purge_dead_letter(&self, actor: &Actor, bridge: BridgeId, id: i64) -> Result<()> {
        let mut tx = self.begin().await?;
        actor.require(Right::Administer, &mut tx).await?;
        let bridge = of_letters(&mut tx, actor, bridge).await?;
        let gone = store::dead_letters::purge_one(&mut tx, bridge.id, id).await?;
        let source = gone.ok_or(Error::NotFound("dead letter"))?;
        let what = json!({ "count": 1, "number": id, "source": source });
        tx.record(actor, act("bridge.dead-letters-purged", &bridge, Some(what)));
        commit(tx).await
    }

    /// Throws away all dead letters up to a number, if they are as many as the member says.
    pub async fn purge_dead_letters(&self, actor: &Actor, bridge: BridgeId, up_to: i64, count: i64) -> Result<()> {
        let mut tx = self.begin().await?;
        actor.require(Right::Administer, &mut tx).await?;
        let bridge = of_letters(&mut tx, actor, bridge).await?;
        let gone = store::dead_letters::purge(&mut tx, bridge.id, up_to).await?;
        if count != gone {
            return Err(Error::field("count", format!("must be the number of dead letters that go: {gone}")));
        }
        let what = json!({ "count": gone, "up_to": up_to });
        tx.record(actor, act("bridge.dead-letters-purged", &bridge, Some(what)));
        commit(tx).await
    }

    /// The event of one as it was kept.
    fn open(&self, bridge: &Bridge, letter: &DeadLetter, sealed: &[u8]) -> Result<Kept> {
        let row = dead_letter_row(bridge.id, &letter.source);
        let opened = self.parts.vault.open("dead_letter", &row, sealed).map_err(Error::internal)?;
        serde_json::from_slice(opened.expose_secret()).map_err(Error::internal)
    }
}

/// One of a bridge with its event, sealed.
async fn find(db: &mut store::PgConnection, bridge: BridgeId, id: i64) -> Result<(DeadLetter, Vec<u8>)> {
    store::dead_letters::find(db, bridge, id).await?.ok_or(Error::NotFound("dead letter"))
}

/// What the history says of which one it was.
fn which(letter: &DeadLetter) -> Value {
    json!({ "number": letter.id, "source": letter.source })
}

/// The bridge, for someone who may see to its dead letters.
async fn of_letters(db: &mut store::PgConnection, actor: &Actor, id: BridgeId) -> Result<Bridge> {
    actor.require(Right::Look, db).await?;
    let bridge = visible(db, actor, id).await?;
    actor.require(Right::ActIn(bridge.space.id), db).await?;
    Ok(bridge)
}

fn changed_meanwhile() -> Error {
    Error::conflict("stale", "the dead letter was changed or sent meanwhile: look at it again")
}

fn being_sent() -> Error {
    Error::conflict("being-sent", "the dead letter is being sent: wait until that is done or has failed")
}

fn act(name: &'static str, bridge: &Bridge, after: Option<Value>) -> Act {
    Act {
        name,
        object_kind: "bridge",
        object_id: bridge.id.0,
        object_name: bridge.name.to_string(),
        before: None,
        after,
    }
}
