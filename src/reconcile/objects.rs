//! The objects of the product that show how far Kafka has followed, and what each of them needs in Kafka.

use std::collections::BTreeSet;

use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    Settings,
    apply::{Applied, Item, Refused},
    desired::{of_bridge, principal},
    observe::Scope,
    plan::{Desired, Observed, Plan, is_made, is_stored},
    words,
};
use crate::{
    domain::channel::{heartbeat_topic, topic_name},
    kafka::admin::Acl,
    store::desired::{self as store, Object, Outcome},
};

/// An object, and the change of it that Kafka is to follow.
#[derive(Debug)]
pub struct Watched {
    /// The object.
    pub object: Object,
    /// The change.
    pub changed_at: OffsetDateTime,
    /// Whether Kafka is known to have followed it.
    pub is_applied: bool,
    needs: Needs,
}

/// What an object needs in Kafka.
#[derive(Debug)]
enum Needs {
    /// A topic.
    Topic(String),
    /// A user, or that it is not there.
    User(String),
    /// That a principal has exactly the ACLs it should have, and the topic for signs of life.
    Exactly { principal: String, heartbeat: Option<String> },
    /// That the worker has these ACLs, and none that it should not have.
    Worker { principal: String, acls: BTreeSet<Acl> },
    /// Nothing: an environment without credentials.
    Nothing,
}

/// All objects.
pub fn all(source: &store::Desired, desired: &Desired, settings: &Settings) -> Vec<Watched> {
    let topics = source.topics.iter().map(|topic| Watched {
        object: Object::Topic(topic.channel, topic.space),
        changed_at: topic.changed_at,
        // One whose id was never kept is looked at once more for it.
        is_applied: topic.is_applied && topic.id.is_some(),
        needs: Needs::Topic(topic_name(topic.channel, &topic.space_name)),
    });
    let users = source.environments.iter().filter_map(|environment| {
        let credentials = environment.principal.as_ref()?;
        Some(Watched {
            object: Object::Principal(environment.id),
            changed_at: credentials.changed_at,
            is_applied: credentials.is_applied,
            needs: Needs::User(credentials.username.clone()),
        })
    });
    let access = source.environments.iter().map(|environment| Watched {
        object: Object::Access(environment.id),
        changed_at: environment.changed_at,
        is_applied: environment.is_applied,
        needs: environment.principal.as_ref().map_or(Needs::Nothing, |credentials| Needs::Exactly {
            principal: principal(&credentials.username),
            heartbeat: Some(heartbeat_topic(&environment.app, &environment.key))
                .filter(|topic| desired.topics.contains_key(topic)),
        }),
    });
    let worker = principal(&settings.worker_username);
    let bridges = source.bridges.iter().map(|bridge| Watched {
        object: Object::Bridge(bridge.id),
        changed_at: bridge.changed_at,
        is_applied: bridge.is_applied,
        needs: Needs::Worker { principal: worker.clone(), acls: of_bridge(&worker, bridge) },
    });
    topics.chain(users).chain(access).chain(bridges).collect()
}

impl Watched {
    /// Whether it has to be looked at: it is not known to be applied, or the plan repairs something of it.
    pub fn is_open(&self, touched: &Touched<'_>) -> bool {
        !self.is_applied
            || match &self.needs {
                Needs::Topic(name) => touched.topics.contains(name.as_str()),
                Needs::User(name) => touched.users.contains(name.as_str()),
                Needs::Exactly { principal, heartbeat } => {
                    touched.principals.contains(principal.as_str())
                        || heartbeat.as_ref().is_some_and(|topic| touched.topics.contains(topic.as_str()))
                }
                Needs::Worker { principal, .. } => touched.principals.contains(principal.as_str()),
                Needs::Nothing => false,
            }
    }

    /// Adds what has to be read to tell whether it is met.
    pub fn look(&self, scope: &mut Scope) {
        match &self.needs {
            Needs::Topic(name) => scope.topics.push(name.clone()),
            Needs::User(name) => scope.users.push(name.clone()),
            Needs::Exactly { principal, heartbeat } => {
                scope.principals.insert(principal.clone());
                scope.topics.extend(heartbeat.clone());
            }
            Needs::Worker { principal, .. } => drop(scope.principals.insert(principal.clone())),
            Needs::Nothing => {}
        }
    }

    /// Whether Kafka, as seen there, has followed.
    pub fn is_met(&self, desired: &Desired, seen: &Observed) -> bool {
        let made = |name: &String| {
            let wanted = desired.topics.get(name);
            wanted.is_some_and(|wanted| seen.topics.get(name).is_some_and(|found| is_made(wanted, found)))
        };
        match &self.needs {
            Needs::Topic(name) => made(name),
            Needs::User(name) => match desired.users.get(name).and_then(Option::as_ref) {
                Some(user) => is_stored(name, user, seen),
                None => !seen.users.contains_key(name),
            },
            Needs::Exactly { principal, heartbeat } => {
                heartbeat.iter().all(made)
                    && desired
                        .acls
                        .get(principal)
                        .is_some_and(|wanted| wanted.is_subset(&seen.acls) && !has_more(principal, wanted, seen))
            }
            Needs::Worker { principal, acls } => {
                acls.is_subset(&seen.acls)
                    && desired.acls.get(principal).is_some_and(|wanted| !has_more(principal, wanted, seen))
            }
            Needs::Nothing => true,
        }
    }

    /// Why it cannot be met, in words for people; `None` when nothing stands against it but time.
    pub fn failure(&self, desired: &Desired, applied: &Applied, brokers: usize) -> Option<String> {
        let mut refused = applied.refused.iter().filter(|(item, _)| self.concerns(desired, item));
        let (item, why) = refused.find(|(_, why)| match why {
            Refused::Kafka(refusal) => !refusal.code.is_retriable(),
            Refused::Sealed(_) | Refused::Lost(_) => true,
        })?;
        Some(words::failure(item, why, desired, brokers))
    }

    /// Whether something about it was refused, for good or for now.
    pub fn is_refused(&self, desired: &Desired, applied: &Applied) -> bool {
        applied.refused.keys().any(|item| self.concerns(desired, item))
    }

    /// How it stands, to be written down; with the id of its topic where it is as it should be.
    pub fn outcome(&self, failure: Option<String>, topic_id: Option<Uuid>) -> Outcome {
        Outcome { object: self.object, changed_at: self.changed_at, failure, topic_id }
    }

    /// The topic that it is.
    pub fn topic(&self) -> Option<&str> {
        match &self.needs {
            Needs::Topic(name) => Some(name),
            _ => None,
        }
    }

    /// The principal whose access it is.
    pub fn principal(&self) -> Option<&str> {
        match &self.needs {
            Needs::Exactly { principal, .. } | Needs::Worker { principal, .. } => Some(principal),
            _ => None,
        }
    }

    /// The SCRAM user that it is about.
    pub fn user(&self) -> Option<&str> {
        match &self.needs {
            Needs::User(name) => Some(name),
            _ => None,
        }
    }

    fn concerns(&self, desired: &Desired, item: &Item) -> bool {
        match (&self.needs, item) {
            (Needs::Topic(name), Item::Topic(topic)) => name == topic,
            (Needs::User(name), Item::User(user)) => name == user,
            (Needs::Exactly { heartbeat, .. }, Item::Topic(topic)) => heartbeat.as_ref() == Some(topic),
            (Needs::Exactly { principal, .. }, Item::Acl(acl)) => acl.principal == *principal,
            (Needs::Worker { principal, acls }, Item::Acl(acl)) => {
                let superfluous = || desired.acls.get(principal).is_some_and(|wanted| !wanted.contains(acl));
                acl.principal == *principal && (acls.contains(acl) || superfluous())
            }
            _ => false,
        }
    }
}

fn has_more(principal: &str, wanted: &BTreeSet<Acl>, seen: &Observed) -> bool {
    seen.acls.iter().any(|acl| acl.principal == principal && acl.is_known() && !wanted.contains(acl))
}

/// What a plan changes.
#[derive(Debug)]
pub struct Touched<'a> {
    topics: BTreeSet<&'a str>,
    users: BTreeSet<&'a str>,
    principals: BTreeSet<&'a str>,
}

impl<'a> Touched<'a> {
    /// By this plan, with the topics that were lost.
    pub fn by(plan: &'a Plan) -> Self {
        let lost = plan.lost.keys().map(String::as_str);
        let created = plan.create_topics.iter().map(|topic| topic.name.as_str());
        let raised = plan.raise_partitions.iter().map(|(topic, _)| topic.as_str());
        let altered = plan.alter_configs.iter().map(|(topic, _)| topic.as_str());
        let dropped = plan.drop_users.iter().map(|(user, _)| user.as_str());
        let granted = plan.grant.iter().map(|acl| acl.principal.as_str());
        Self {
            topics: created.chain(raised).chain(altered).chain(lost).collect(),
            users: dropped.chain(plan.upsert_users.iter().map(String::as_str)).collect(),
            principals: plan.revoke.keys().map(String::as_str).chain(granted).collect(),
        }
    }
}
