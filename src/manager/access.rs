//! Access: which environment may publish and subscribe what, decided by an admin and in force at once.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    Actor, Error, FieldError, Manager, Page, Result, actor::Right, commit, history::stale, moves::Reach, version_of,
};
use crate::{
    domain::{
        grant::{Access, DefaultAccess},
        history::Act,
        landscape::Environment,
    },
    store::{self, PgConnection, catalogue::Event},
};

pub use store::access::{Filter as AccessFilter, Finding, Standing};

/// Events that one draft may name.
const MOST: usize = 2000;

/// What an environment shall be allowed to do with an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Key of the service.
    pub service: String,
    /// The event.
    pub event: String,
    /// It may publish.
    pub publish: bool,
    /// It may subscribe.
    pub subscribe: bool,
}

/// How a draft differs from what is in force.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Access that is given.
    pub added: Vec<Reach>,
    /// Access that is taken.
    pub removed: Vec<Reach>,
    /// Given, but without effect yet: the event does not flow in the environment's Space.
    pub asleep: Vec<Reach>,
}

impl Difference {
    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty()
    }
}

impl Manager {
    /// Environments by app and key, with what is granted beside what is implemented.
    pub async fn list_access(&self, actor: &Actor, filter: &AccessFilter) -> Result<Page<Standing>> {
        let mut db = self.read_as(actor, Right::Look).await?;
        Ok(store::access::list(&mut db, filter).await?)
    }

    /// Where granted and implemented differ, what will fail first; after the first `skip`.
    pub async fn list_findings(&self, actor: &Actor, filter: &AccessFilter, skip: i64) -> Result<Vec<Finding>> {
        let mut db = self.read_as(actor, Right::Look).await?;
        Ok(store::access::list_findings(&mut db, filter, skip).await?)
    }

    /// Which grants come by themselves in this installation.
    pub fn default_access(&self) -> DefaultAccess {
        self.parts.default_access
    }

    /// Stands for the access of an environment as it is now: a draft made of it may only be applied to it.
    pub async fn access_version(&self, actor: &Actor, app: &str, key: &str) -> Result<String> {
        let mut db = self.read_as(actor, Right::Look).await?;
        let environment = find(&mut db, app, key).await?;
        version(&mut db, &environment).await
    }

    /// What applying a draft would change. Events that the draft does not name stay as they are.
    pub async fn compare_access(&self, actor: &Actor, app: &str, key: &str, wanted: &[Wanted]) -> Result<Difference> {
        let mut db = self.read_as(actor, Right::Administer).await?;
        let environment = find(&mut db, app, key).await?;
        Ok(compare(&mut db, &environment, wanted).await?.0)
    }

    /// Applies a draft, where `version` is given only to the access it was made of. Events that it does not name stay
    /// as they are.
    pub async fn change_access(
        &self,
        actor: &Actor,
        app: &str,
        key: &str,
        seen: Option<&str>,
        wanted: &[Wanted],
    ) -> Result<Difference> {
        let mut tx = self.begin().await?;
        actor.require(Right::Administer, &mut tx).await?;
        store::apps::load_for_update(&mut tx, app).await?;
        let environment = find(&mut tx, app, key).await?;
        if let Some(seen) = seen
            && version(&mut tx, &environment).await? != seen
        {
            return Err(stale(&mut tx, environment.id.0).await);
        }
        let (difference, mut steps) = compare(&mut tx, &environment, wanted).await?;
        // In the order in which events are locked by whoever takes them away.
        steps.sort_by_key(|(event, ..)| event.id.0);
        if difference.is_empty() {
            return Ok(difference);
        }
        for (event, access, give) in steps {
            if give {
                store::grants::insert(&mut tx, environment.id, event.id, access).await?;
            } else {
                store::access::revoke(&mut tx, environment.id, event.id, access).await?;
            }
        }
        store::apps::touch_access(&mut tx, environment.id).await?;
        let shown = |reaches: &[Reach]| -> Option<Value> { (!reaches.is_empty()).then(|| json!(reaches)) };
        let act = Act {
            name: "environment.access-changed",
            object_kind: "environment",
            object_id: environment.id.0,
            object_name: format!("{app}.{key}"),
            before: shown(&difference.removed).map(|taken| json!({ "taken": taken })),
            after: shown(&difference.added).map(|given| json!({ "given": given })),
        };
        tx.record(actor, act);
        commit(tx).await?;
        Ok(difference)
    }
}

async fn find(db: &mut PgConnection, app: &str, key: &str) -> Result<Environment> {
    store::apps::find_environment(db, app, key).await?.ok_or(Error::NotFound("environment"))
}

async fn version(db: &mut PgConnection, environment: &Environment) -> Result<String> {
    let uses = store::grants::list_uses(db, environment.id).await?;
    let uses: Vec<_> = uses.iter().map(|u| json!([u.service, u.event, u.access, u.granted, u.implemented])).collect();
    Ok(version_of(&json!([environment.id, environment.space.as_ref().map(|s| s.id), uses])))
}

type Step = (Event, Access, bool);

async fn compare(
    db: &mut PgConnection,
    environment: &Environment,
    wanted: &[Wanted],
) -> Result<(Difference, Vec<Step>)> {
    if wanted.len() > MOST {
        return Err(Error::field("events", format!("may be at most {MOST} at a time")));
    }
    let uses = store::grants::list_uses(db, environment.id).await?;
    let granted: BTreeSet<_> =
        uses.iter().filter(|u| u.granted).map(|u| (u.service.as_str(), u.event.as_str(), u.access)).collect();
    let (mut difference, mut steps, mut wrong) = (Difference::default(), Vec::new(), Vec::new());
    for (i, item) in wanted.iter().enumerate() {
        let changed: Vec<_> = [(Access::Publish, item.publish), (Access::Subscribe, item.subscribe)]
            .into_iter()
            .filter(|(access, give)| granted.contains(&(&*item.service, &*item.event, *access)) != *give)
            .collect();
        if changed.is_empty() {
            continue;
        }
        let Some(event) = store::catalogue::find_event(db, &item.service, &item.event).await? else {
            wrong.push(FieldError::new(
                format!("events/{i}"),
                format!("names an event that {} does not have", item.service),
            ));
            continue;
        };
        for (access, give) in changed {
            let reach = Reach { service: item.service.clone(), event: item.event.clone(), access };
            if !give {
                difference.removed.push(reach);
            } else if let Some(why) = barred(&event, environment, access) {
                wrong.push(FieldError::new(format!("events/{i}"), why));
                continue;
            } else {
                let flows = match &environment.space {
                    Some(space) => store::catalogue::has_topic(db, event.channel, space.id).await?,
                    None => false,
                };
                if !flows {
                    difference.asleep.push(reach.clone());
                }
                difference.added.push(reach);
            }
            steps.push((event.clone(), access, give));
        }
    }
    if wrong.is_empty() { Ok((difference, steps)) } else { Err(Error::Invalid(wrong)) }
}

/// Why the contract keeps an app from using an event so.
fn barred(event: &Event, environment: &Environment, access: Access) -> Option<String> {
    let (open, verb) = match access {
        Access::Publish => (event.app_receives, "publish"),
        Access::Subscribe => (event.app_sends, "subscribe to"),
    };
    let own = event.app == Some(environment.app);
    (!open && !own).then(|| format!("cannot be granted: the contract does not let others {verb} {}", event.name))
}
