//! Taking a change of the history back: the same use case once more, with what was before.
//!
//! Only where the row holds all that is needed, and only while nothing newer was done to the same thing: an older state
//! is never put over a newer one. What takes it back is a change like any other, with its own rights and its own row.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Actor, Error, Manager, Result,
    access::Wanted,
    actor::{May, Right},
    apps::{AppDraft, parse_environment, put_environment, switch_app, switch_environment},
    bridges::{BridgeDraft, RouteDraft},
    commit,
    error::Check,
    history::Change,
    moves::Reach,
};
use crate::{
    domain::{
        bridge::{Direction, Mode},
        grant::Access,
        ids::{AppId, BridgeId, EnvironmentId, MemberId},
        member::Role,
    },
    store,
};

/// Acts on one thing: the newest of them decides what it is now.
const THINGS: &[&[&str]] = &[
    &["app.registered", "app.changed"],
    &["app.enabled", "app.disabled"],
    &["environment.registered", "environment.renamed"],
    &["environment.enabled", "environment.disabled"],
    &["environment.access-changed"],
    &["environment.reassigned"],
    &["member.invited", "member.role-changed", "member.blocked", "member.unblocked"],
    &["bridge.drafted", "bridge.changed"],
    &["bridge.routes-saved"],
];

/// What taking a change back would do.
#[derive(Clone, Debug, PartialEq)]
pub struct Reversal {
    /// The change.
    pub change: Change,
    /// What it is about, as it is now.
    pub now: Value,
    /// The same, as it would be then.
    pub then: Value,
    /// The move of an environment has its own rehearsal: app, environment, and the Space to move it back to.
    pub moves: Option<(String, String, String)>,
    /// The change itself took back the one of this number, which is done again by taking it back.
    pub again: Option<i64>,
    /// Whether the actor may do it.
    pub may: May,
    back: Back,
}

/// How a change is taken back.
#[derive(Clone, Debug, PartialEq)]
enum Back {
    App { name: String, contacts: Vec<String> },
    AppBroker { enabled: bool },
    EnvironmentName { name: String },
    EnvironmentBroker { enabled: bool },
    Access { given: Vec<Reach>, taken: Vec<Reach> },
    Move { space: String },
    Member { role: Role, blocked: bool },
    Bridge(BridgeDraft),
    Routes(Vec<RouteDraft>),
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

#[derive(Deserialize)]
struct AppBefore {
    name: String,
    contacts: Vec<String>,
}

#[derive(Deserialize)]
struct Enabled {
    enabled: bool,
}

#[derive(Deserialize)]
struct Placed {
    space: String,
}

#[derive(Deserialize)]
struct Standing {
    role: Role,
    blocked: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Reaches {
    given: Vec<Reach>,
    taken: Vec<Reach>,
}

#[derive(Deserialize)]
struct Head {
    name: String,
    space: String,
    region: String,
}

#[derive(Deserialize)]
struct Routes {
    routes: Vec<RouteBefore>,
}

#[derive(Deserialize)]
struct RouteBefore {
    service: String,
    event: String,
    direction: Direction,
    queue_url: String,
    #[serde(default)]
    mode: Mode,
}

/// Whether a change of this kind can be taken back at all: `bridge.changed`, but not `bridge.deleted`.
pub fn is_revertible(change: &Change) -> bool {
    Back::of(change).is_some()
}

impl Back {
    /// What leads back from a change; `None` where nothing does, or the row does not hold it.
    fn of(change: &Change) -> Option<Self> {
        fn read<T: for<'a> Deserialize<'a>>(value: Option<&Value>) -> Option<T> {
            T::deserialize(value?).ok()
        }
        let before = change.before.as_ref();
        Some(match change.act.as_str() {
            "app.changed" => {
                let AppBefore { name, contacts } = read(before)?;
                Self::App { name, contacts }
            }
            "app.enabled" | "app.disabled" => Self::AppBroker { enabled: read::<Enabled>(before)?.enabled },
            "environment.renamed" => Self::EnvironmentName { name: read::<Named>(before)?.name },
            "environment.enabled" | "environment.disabled" => {
                Self::EnvironmentBroker { enabled: read::<Enabled>(before)?.enabled }
            }
            "environment.access-changed" => {
                let given = read::<Reaches>(change.after.as_ref()).unwrap_or_default().given;
                let taken = read::<Reaches>(before).unwrap_or_default().taken;
                if given.is_empty() && taken.is_empty() {
                    return None;
                }
                // What was taken is given again.
                Self::Access { given: taken, taken: given }
            }
            "environment.reassigned" => Self::Move { space: read::<Placed>(before)?.space },
            "member.role-changed" | "member.blocked" | "member.unblocked" => {
                let Standing { role, blocked } = read(before)?;
                Self::Member { role, blocked }
            }
            "bridge.changed" => {
                let Head { name, space, region } = read(before)?;
                Self::Bridge(BridgeDraft { name, space, region })
            }
            "bridge.routes-saved" => {
                let Routes { routes } = read(before)?;
                let draft = |RouteBefore { service, event, direction, queue_url, mode }| RouteDraft {
                    service,
                    event,
                    direction,
                    queue_url,
                    mode,
                };
                Self::Routes(routes.into_iter().map(draft).collect())
            }
            _ => return None,
        })
    }

    /// What a change did, as what leads back from the one that it takes back, where it takes one back.
    fn done_by(change: &Change) -> Option<Self> {
        if let Self::Access { given, taken } = Self::of(change)? {
            return Some(Self::Access { given: taken, taken: given });
        }
        let turned = Change { before: change.after.clone(), after: change.before.clone(), ..change.clone() };
        Self::of(&turned)
    }

    /// Whether both lead to the same; in which order access is named does not matter.
    fn is_same(&self, other: &Self) -> bool {
        let alike = |a: &[Reach], b: &[Reach]| a.len() == b.len() && a.iter().all(|reach| b.contains(reach));
        match (self, other) {
            (Self::Access { given, taken }, Self::Access { given: given_too, taken: taken_too }) => {
                alike(given, given_too) && alike(taken, taken_too)
            }
            _ => self == other,
        }
    }

    /// What the thing is now, and would be then. The change is the newest of it, so it is what that left.
    fn shown(&self, change: &Change) -> (Value, Value) {
        let (before, after) = (change.before.clone(), change.after.clone());
        match self {
            Self::EnvironmentBroker { enabled } => (json!({ "enabled": !enabled }), json!({ "enabled": enabled })),
            Self::Move { space } => {
                let now = after.as_ref().and_then(|after| after.get("space")).cloned();
                (json!({ "space": now }), json!({ "space": space }))
            }
            Self::Access { given, taken } => {
                let words = |reaches: &[Reach]| -> Vec<String> {
                    reaches.iter().map(|r| format!("{} {} of {}", r.access.as_str(), r.event, r.service)).collect()
                };
                (json!({}), json!({ "given": words(given), "taken": words(taken) }))
            }
            _ => (after.unwrap_or_default(), before.unwrap_or_default()),
        }
    }
}

impl Manager {
    /// Those of some changes that took back the one before them, each with the number of that one: taking them back
    /// does that one again.
    pub async fn list_taken_back(&self, actor: &Actor, changes: &[Change]) -> Result<HashMap<i64, i64>> {
        let mut db = self.read_as(actor, Right::Look).await?;
        taken_back(&mut db, changes).await
    }

    /// What taking a change back would do. Nothing is changed.
    ///
    /// # Errors
    /// Conflicts `not-revertible`, and `overtaken` where something newer was done to the same thing.
    pub async fn rehearse_revert(&self, actor: &Actor, number: i64) -> Result<Reversal> {
        let mut db = self.read_as(actor, Right::Look).await?;
        rehearse(&mut db, actor, number).await
    }

    /// Takes a change back, where that is possible and nothing newer was done to the same thing.
    ///
    /// # Errors
    /// Those of [`Manager::rehearse_revert`], and those of the change itself made anew.
    pub async fn revert(&self, actor: &Actor, number: i64) -> Result<Reversal> {
        let reversal = self.rehearse_revert(actor, number).await?;
        let Reversal { change, back, .. } = &reversal;
        let id = change.object_id.unwrap_or_default();
        let (app, key) = change.object_name.split_once('.').unwrap_or((&change.object_name, ""));
        match back {
            Back::Member { role, blocked } => {
                let member = store::members::find(&mut *self.read().await?, MemberId(id)).await?;
                let member = member.ok_or(Error::NotFound("member"))?;
                self.rehearse_revert(actor, number).await?;
                self.change_member(actor, member.id, Some(member.version), Some(*role), Some(*blocked)).await?;
            }
            Back::Bridge(draft) => {
                let version = self.version_to_revert(actor, BridgeId(id), number).await?;
                self.change_bridge(actor, BridgeId(id), version, draft).await?;
            }
            Back::Routes(routes) => {
                let version = self.version_to_revert(actor, BridgeId(id), number).await?;
                self.save_routes(actor, BridgeId(id), version, routes).await?;
            }
            Back::Access { given, taken } => {
                let version = self.access_version(actor, app, key).await?;
                self.rehearse_revert(actor, number).await?;
                let wanted = self.access_with(actor, app, key, given, taken).await?;
                self.change_access(actor, app, key, Some(&version), &wanted).await?;
            }
            Back::Move { .. } => {
                return Err(Error::conflict(
                    "rehearse-move",
                    "a move between Spaces is taken back by a move: rehearse it, then apply it",
                ));
            }
            Back::App { .. }
            | Back::AppBroker { .. }
            | Back::EnvironmentName { .. }
            | Back::EnvironmentBroker { .. } => {
                self.revert_in_app(actor, &reversal, app, key).await?;
            }
        }
        Ok(reversal)
    }

    /// Taking back what is ordered by the row of the app.
    async fn revert_in_app(&self, actor: &Actor, reversal: &Reversal, app: &str, key: &str) -> Result<()> {
        let mut tx = self.begin().await?;
        let app = store::apps::load_for_update(&mut tx, app).await?;
        let Reversal { change, back, .. } = rehearse(&mut tx, actor, reversal.change.number).await?;
        actor.require(right(&mut tx, &change, &back).await?, &mut tx).await?;
        let environment = store::apps::find_environment(&mut tx, app.key.as_str(), key).await?;
        let environment = environment.ok_or(Error::NotFound("environment"));
        let mut check = Check::default();
        match &back {
            Back::App { name, contacts } => {
                let draft = AppDraft {
                    key: app.key.to_string(),
                    name: name.clone(),
                    plan: app.plan.as_str().to_owned(),
                    contacts: Some(contacts.clone()),
                };
                let Some(new) = draft.parse(&mut check, "") else { return Err(check.refuse()) };
                check.finish()?;
                self.put_app(&mut tx, actor, new, false).await?;
            }
            Back::AppBroker { enabled } => drop(switch_app(&mut tx, actor, &app, *enabled).await?),
            Back::EnvironmentBroker { enabled } => {
                switch_environment(&mut tx, actor, &app, &environment?, *enabled).await?;
            }
            Back::EnvironmentName { name } => {
                let Some(new) = parse_environment(&mut check, "", key, name) else {
                    return Err(check.refuse());
                };
                put_environment(&mut tx, actor, &app, new).await?;
            }
            _ => return Err(Error::internal("this is not ordered by an app")),
        }
        commit(tx).await
    }

    /// The version of a bridge, read before it is looked once more whether something newer was done to it: whatever
    /// comes later makes the version stale.
    async fn version_to_revert(&self, actor: &Actor, id: BridgeId, number: i64) -> Result<i64> {
        let version = self.load_bridge(actor, id).await?.version;
        self.rehearse_revert(actor, number).await?;
        Ok(version)
    }

    /// What an environment may do with the events concerned, with some of it given and some taken.
    async fn access_with(
        &self,
        actor: &Actor,
        app: &str,
        key: &str,
        given: &[Reach],
        taken: &[Reach],
    ) -> Result<Vec<Wanted>> {
        let uses = self.load_environment(actor, app, key).await?.uses;
        let mut events: Vec<_> = given.iter().chain(taken).map(|r| (r.service.as_str(), r.event.as_str())).collect();
        events.sort_unstable();
        events.dedup();
        let may = |(service, event): (&str, &str), access: Access| {
            let names = |r: &Reach| (r.service.as_str(), r.event.as_str(), r.access) == (service, event, access);
            let has = uses.iter().any(|u| u.granted && (&*u.service, &*u.event, u.access) == (service, event, access));
            given.iter().any(names) || (has && !taken.iter().any(names))
        };
        let wanted = |event: (&str, &str)| Wanted {
            service: event.0.to_owned(),
            event: event.1.to_owned(),
            publish: may(event, Access::Publish),
            subscribe: may(event, Access::Subscribe),
        };
        Ok(events.into_iter().map(wanted).collect())
    }
}

/// What the act needs that takes a change back.
async fn right(db: &mut store::PgConnection, change: &Change, back: &Back) -> Result<Right> {
    let id = change.object_id.unwrap_or_default();
    Ok(match back {
        Back::AppBroker { .. } => Right::ActFor(AppId(id)),
        Back::EnvironmentBroker { .. } => {
            Right::ActFor(store::apps::load_environment(db, EnvironmentId(id)).await?.app)
        }
        Back::Bridge(_) | Back::Routes(_) => {
            let gone = || Error::conflict("not-revertible", "the bridge that was changed is not there any more");
            let bridge = store::bridges::find(db, BridgeId(id)).await?.ok_or_else(gone)?;
            Right::ActIn(bridge.space.id)
        }
        _ => Right::Administer,
    })
}

async fn taken_back(db: &mut store::PgConnection, changes: &[Change]) -> Result<HashMap<i64, i64>> {
    let done: HashMap<i64, Back> =
        changes.iter().filter_map(|change| Some((change.number, Back::done_by(change)?))).collect();
    let numbers: Vec<i64> = done.keys().copied().collect();
    let (mut acts, mut things) = (Vec::new(), Vec::new());
    for (thing, of_one) in (0_i32..).zip(THINGS) {
        for act in *of_one {
            acts.push((*act).to_owned());
            things.push(thing);
        }
    }
    let before = store::changes::list_before(db, &numbers, &acts, &things).await?;
    let takes_back = |number: &i64, before: &Change| {
        let (done, back) = (done.get(number), Back::of(before));
        done.zip(back.as_ref()).is_some_and(|(done, back)| done.is_same(back))
    };
    let pairs = before.into_iter().filter(|(number, before)| takes_back(number, before));
    Ok(pairs.map(|(number, before)| (number, before.number)).collect())
}

async fn rehearse(db: &mut store::PgConnection, actor: &Actor, number: i64) -> Result<Reversal> {
    let change = store::changes::find(db, number).await?.ok_or(Error::NotFound("change"))?;
    let never = || {
        Error::conflict(
            "not-revertible",
            "this change cannot be taken back: what it made stays, or what it took away is not kept",
        )
    };
    let back = Back::of(&change).ok_or_else(never)?;
    let acts = THINGS.iter().find(|acts| acts.contains(&change.act.as_str())).ok_or_else(never)?;
    if let Some(newer) = store::changes::find_newest(db, &change, acts).await?
        && newer.number != change.number
    {
        let Change { number, actor, act, .. } = newer;
        let what = act.replace(['.', '-'], " ");
        return Err(Error::conflict(
            "overtaken",
            format!("this was changed again since, by {actor} (No. {number}, {what}): take that back first"),
        ));
    }
    let again = taken_back(db, std::slice::from_ref(&change)).await?.get(&change.number).copied();
    let right = right(db, &change, &back).await?;
    let may = actor.may(right, db).await?;
    let (now, then) = back.shown(&change);
    let moves = match &back {
        Back::Move { space } => {
            let (app, key) = change.object_name.split_once('.').unwrap_or_default();
            Some((app.to_owned(), key.to_owned(), space.clone()))
        }
        _ => None,
    };
    Ok(Reversal { change, now, then, moves, again, may, back })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(act: &str, before: Value, after: Value) -> Change {
        Change {
            number: 1,
            at: time::OffsetDateTime::UNIX_EPOCH,
            member: None,
            actor: "anna".into(),
            act: act.into(),
            object_kind: act.split('.').next().unwrap_or_default().into(),
            object_id: None,
            object_name: "shop.test".into(),
            before: Some(before),
            after: Some(after),
            previous: Vec::new(),
            code: Vec::new(),
        }
    }

    #[test]
    fn every_act_with_a_way_back_is_of_a_thing() {
        for acts in THINGS {
            for act in *acts {
                assert!(crate::domain::history::OBJECT_KINDS.contains(&act.split('.').next().unwrap()), "{act}");
            }
        }
        let kept = change("app.enabled", json!({ "enabled": false }), json!({ "enabled": true }));
        assert_eq!(Back::of(&kept), Some(Back::AppBroker { enabled: false }));
    }

    #[test]
    fn what_the_row_does_not_hold_has_no_way_back() {
        assert!(!is_revertible(&change("app.enabled", json!(null), json!({ "enabled": true }))));
        assert!(!is_revertible(&change("bridge.deleted", json!({ "space": "x" }), json!(null))));
        assert!(!is_revertible(&change("environment.access-changed", json!(null), json!(null))));
        assert!(!is_revertible(&change("bridge.routes-saved", json!({ "routes": [{ "event": "x" }] }), json!({}))));
    }

    #[test]
    fn what_puts_back_what_was_before_is_known_as_such() {
        let takes_back = |later: &Change, former: &Change| {
            Back::done_by(later).zip(Back::of(former)).is_some_and(|(done, back)| done.is_same(&back))
        };
        let renamed =
            |from: &str, to: &str| change("environment.renamed", json!({ "name": from }), json!({ "name": to }));
        assert!(takes_back(&renamed("B", "A"), &renamed("A", "B")));
        assert!(!takes_back(&renamed("B", "C"), &renamed("A", "B")));
        let reach = |events: &[&str]| -> Value {
            events.iter().map(|event| json!({ "service": "s", "event": event, "access": "publish" })).collect()
        };
        let access = |taken: &[&str], given: &[&str]| {
            change("environment.access-changed", json!({ "taken": reach(taken) }), json!({ "given": reach(given) }))
        };
        assert!(takes_back(&access(&["B"], &["A", "C"]), &access(&["C", "A"], &["B"])));
        assert!(!takes_back(&access(&["B"], &["A"]), &access(&["A", "C"], &["B"])));
        let enabled = change("app.enabled", json!({ "enabled": false }), json!({ "enabled": true }));
        let disabled = change("app.disabled", json!({ "enabled": true }), json!({ "enabled": false }));
        assert!(takes_back(&disabled, &enabled) && takes_back(&enabled, &disabled));
        // What was made is not taken back by what changed it.
        assert!(!takes_back(
            &renamed("B", "A"),
            &change("environment.registered", json!(null), json!({ "name": "B" }))
        ));
    }

    #[test]
    fn what_was_given_is_taken_and_what_was_taken_is_given() {
        let reach = |event: &str| json!([{ "service": "s", "event": event, "access": "publish" }]);
        let kept = change("environment.access-changed", json!({ "taken": reach("A") }), json!({ "given": reach("B") }));
        let (_, then) = Back::of(&kept).unwrap().shown(&kept);
        assert_eq!(then, json!({ "given": ["publish A of s"], "taken": ["publish B of s"] }));
    }
}
