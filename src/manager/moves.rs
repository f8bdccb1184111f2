//! Moving an environment to another Space: rehearsed first, applied only as it was rehearsed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    Actor, Error, Manager, Result, actor::Right, commit, credentials::require_enabled, history::last_change, version_of,
};
use crate::{
    domain::{
        channel::topic_name,
        grant::Access,
        history::Act,
        ids::{ChannelId, EventId},
        landscape::{Environment, Plan, Space},
        names::SpaceName,
    },
    store::{
        self, PgConnection,
        moves::{self, Held},
    },
};

pub use super::unread::Unread;

/// What a move would do.
#[derive(Clone, Debug, Serialize)]
pub struct Rehearsal {
    /// Key of the app.
    pub app: String,
    /// Key of the environment.
    pub environment: String,
    /// The Space it is in.
    pub from: SpaceName,
    /// The Space it would be in.
    pub to: SpaceName,
    /// Events that it reaches there and does not reach here.
    pub gained: Vec<Reach>,
    /// Events that it reaches here and would not reach there: their grants sleep.
    pub lost: Vec<Reach>,
    /// Events that it reaches in both Spaces, by another topic then, and with others.
    pub kept: Vec<Reach>,
    /// Environments that it exchanges events with now and would not any more.
    pub peers_lost: Vec<String>,
    /// Environments that it would exchange events with.
    pub peers_gained: Vec<String>,
    /// Bridges that carry its events now and would not any more.
    pub bridges_lost: Vec<String>,
    /// Bridges that would carry them.
    pub bridges_gained: Vec<String>,
    /// Topics that would be made.
    pub topics: Vec<String>,
    /// Why it cannot be: names of events that another service has there.
    pub rivals: Vec<String>,
    /// What its consumer groups have not read yet and would leave behind; `None` where that is not known. It is another
    /// one at every moment, and the move does not rest on it.
    pub unread: Option<Vec<Unread>>,
    /// Stands for all that the move rests on.
    pub plan_version: String,
}

/// An event within reach.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reach {
    /// Key of the service.
    pub service: String,
    /// The event.
    pub event: String,
    /// Publish or subscribe.
    pub access: Access,
}

impl Manager {
    /// What moving an environment into a Space would do. Nothing is changed.
    pub async fn rehearse_move(&self, actor: &Actor, app: &str, key: &str, to: &str) -> Result<Rehearsal> {
        let mut db = self.read_as(actor, Right::Administer).await?;
        let (environment, here, there) = find(&mut db, app, key, to).await?;
        let Rehearsed { mut rehearsal, reads, .. } = rehearse(&mut db, &environment, &here, &there).await?;
        // Others need the connection while Kafka is asked.
        drop(db);
        rehearsal.unread = self.ask_unread(&environment, &here, reads).await;
        Ok(rehearsal)
    }

    /// Moves an environment into a Space, exactly as it was rehearsed.
    ///
    /// # Errors
    /// A conflict `stale-plan` where what the move rests on has changed since.
    pub async fn move_environment(
        &self,
        actor: &Actor,
        app: &str,
        key: &str,
        to: &str,
        plan_version: &str,
    ) -> Result<Rehearsal> {
        let mut tx = self.begin().await?;
        actor.require(Right::Administer, &mut tx).await?;
        // The app's row orders this against deployments and switches of its environments.
        store::apps::load_for_update(&mut tx, app).await?;
        let (environment, here, there) = find(&mut tx, app, key, to).await?;
        // Both Spaces, in the order in which contracts lock them: names stay unique there, neither goes, and of two moves
        // that bear on each other the second finds what the first has done.
        let mut spaces = [here.id, there.id];
        spaces.sort_by_key(|id| id.0);
        for space in spaces {
            if !store::spaces::lock(&mut tx, space).await? {
                return Err(no_space());
            }
        }
        let Rehearsed { rehearsal, brought, .. } = rehearse(&mut tx, &environment, &here, &there).await?;
        if rehearsal.plan_version != plan_version {
            let last = last_change(&mut tx, environment.id.0).await?;
            let last = last.map(|last| format!(" The environment itself was last changed {last}.")).unwrap_or_default();
            return Err(Error::conflict(
                "stale-plan",
                format!(
                    "what this move rests on has changed since it was rehearsed: look at it again, then apply it.{last}"
                ),
            ));
        }
        if let Some(rival) = rehearsal.rivals.first() {
            return Err(Error::conflict(
                "event-exists",
                format!("{} has an event {rival} of another service already: names are unique in a Space", there.name),
            ));
        }
        moves::copy_topics(&mut tx, &brought, here.id, there.id).await?;
        store::apps::set_space(&mut tx, environment.id, there.id).await?;
        // Channels that have just come into the Space wake grants that slept there.
        store::apps::touch_access_of_channels(&mut tx, there.id, &brought).await?;
        let shown = |space: &Space| json!({ "space": space.name });
        let mut after = shown(&there);
        for (name, reaches) in [("gained", &rehearsal.gained), ("lost", &rehearsal.lost)] {
            after[name] = json!(reaches);
        }
        let act = Act {
            name: "environment.reassigned",
            object_kind: "environment",
            object_id: environment.id.0,
            object_name: format!("{app}.{key}"),
            before: Some(shown(&here)),
            after: Some(after),
        };
        tx.record(actor, act);
        commit(tx).await?;
        Ok(rehearsal)
    }

    /// What would take back the newest move of an environment, while nothing newer was done to it and the Space it came
    /// from is there.
    pub async fn find_undo_of_move(&self, actor: &Actor, environment: &Environment) -> Result<Option<Rehearsal>> {
        let mut db = self.read_as(actor, Right::Administer).await?;
        let Some(from) = moves::find_last_move(&mut db, environment.id).await? else { return Ok(None) };
        let (app, key) = (environment.app_key.as_str(), environment.key.as_str());
        match find(&mut db, app, key, &from).await {
            Ok((environment, here, there)) => Ok(Some(rehearse(&mut db, &environment, &here, &there).await?.rehearsal)),
            Err(Error::Invalid(_) | Error::Conflict { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

async fn find(db: &mut PgConnection, app: &str, key: &str, to: &str) -> Result<(Environment, Space, Space)> {
    let found = store::apps::find(db, app).await?.ok_or(Error::NotFound("app"))?;
    let environment = store::apps::find_environment(db, app, key).await?.ok_or(Error::NotFound("environment"))?;
    if found.plan == Plan::Free {
        return Err(Error::conflict("free-plan", "apps on the free plan stay in the Space free"));
    }
    let Some(here) = environment.space.clone() else {
        require_enabled(&environment)?;
        return Err(Error::internal("an enabled environment has no Space"));
    };
    let there = store::spaces::find(db, to).await?.ok_or_else(no_space)?;
    if here.id == there.id {
        return Err(Error::field("to", format!("is the Space it is in already: {}", here.name)));
    }
    Ok((environment, here, there))
}

fn no_space() -> Error {
    Error::field("to", "must be one of the Spaces there are")
}

/// A rehearsal, and what is needed to go on from it.
struct Rehearsed {
    rehearsal: Rehearsal,
    /// Channels that would come along.
    brought: Vec<ChannelId>,
    /// Channels whose topics it may read now, with the events that it may read there.
    reads: BTreeMap<ChannelId, Vec<String>>,
}

async fn rehearse(db: &mut PgConnection, environment: &Environment, here: &Space, there: &Space) -> Result<Rehearsed> {
    let held = moves::list_held(db, environment.id, here.id, there.id).await?;
    let brought = moves::list_brought(db, environment.id, there.id).await?;
    let reach = |which: fn(&Held) -> bool| -> Vec<Reach> {
        let of = |h: &Held| Reach { service: h.service.clone(), event: h.event.clone(), access: h.access };
        held.iter().filter(|h| which(h)).map(of).collect()
    };
    let events =
        |which: fn(&Held) -> bool| -> Vec<EventId> { held.iter().filter(|h| which(h)).map(|h| h.event_id).collect() };
    let left = moves::list_peers(db, environment.id, &events(|h| h.here), here.id).await?;
    let joined = moves::list_peers(db, environment.id, &events(|h| h.there || h.brought), there.id).await?;
    let mut rehearsal = Rehearsal {
        app: environment.app_key.to_string(),
        environment: environment.key.to_string(),
        from: here.name.clone(),
        to: there.name.clone(),
        gained: reach(|h| !h.here && (h.there || h.brought)),
        lost: reach(|h| h.here && !(h.there || h.brought)),
        kept: reach(|h| h.here && (h.there || h.brought)),
        peers_lost: left.0,
        peers_gained: joined.0,
        bridges_lost: left.1,
        bridges_gained: joined.1,
        topics: brought.iter().map(|channel| topic_name(*channel, &there.name)).collect(),
        rivals: moves::list_rivals(db, &brought, there.id).await?,
        unread: None,
        plan_version: String::new(),
    };
    rehearsal.plan_version = version_of(&json!([environment.id, environment.version, here.id, there.id, rehearsal]));
    let mut reads = BTreeMap::<_, Vec<_>>::new();
    for h in held.into_iter().filter(|h| h.here && h.access == Access::Subscribe) {
        reads.entry(h.channel).or_default().push(h.event);
    }
    Ok(Rehearsed { rehearsal, brought, reads })
}
