//! What Kafka has acknowledged, and not all brokers have shown yet.
//!
//! A write is acknowledged when the controller's log has it; a broker shows it when it has carried it out, which takes it a
//! minute where there are ten thousand topics to make. A pass that went by what a broker shows would write all of that
//! again, and would not take back what it does not see yet. So what was acknowledged counts as seen, until every live
//! broker has shown it or [`LIMIT`] is over.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use tokio::time::Instant;

use super::{
    apply::{Applied, Item},
    observe::Scope,
    plan::{Desired, Observed, ObservedTopic, Plan, Topic, User},
};
use crate::kafka::admin::{Acl, Mechanism};

/// How long an acknowledgement is relied upon. What no broker shows by then is written again.
const LIMIT: Duration = Duration::from_secs(90);

/// What was acknowledged, and when.
#[derive(Debug, Default)]
pub struct Acknowledged {
    /// Topics as they were made, or changed.
    topics: BTreeMap<String, (Instant, Topic)>,
    /// Users that were new; `None` for one that was deleted.
    users: BTreeMap<String, (Instant, Option<User>)>,
    /// ACLs that were created, or deleted.
    acls: BTreeMap<Acl, (Instant, bool)>,
}

impl Acknowledged {
    /// Notes what was done of a plan, which was made from `observed`.
    pub fn note(&mut self, plan: &Plan, applied: &Applied, (desired, observed): (&Desired, &Observed), now: Instant) {
        let made = plan.create_topics.iter().map(|topic| &topic.name);
        let changed = plan.raise_partitions.iter().map(|(name, _)| name);
        let set = plan.alter_configs.iter().map(|(name, _)| name);
        for name in made.chain(changed).chain(set).filter(|name| applied.is_done(&Item::Topic((*name).clone()))) {
            if let Some(topic) = desired.topics.get(name) {
                self.topics.insert(name.clone(), (now, topic.clone()));
            }
        }
        for name in plan.upsert_users.iter().filter(|name| applied.is_done(&Item::User((*name).clone()))) {
            // Of one that was there before, nothing but the salt tells whether the new password is, and that is looked at.
            if observed.users.contains_key(name) {
                self.users.remove(name);
            } else if let Some(Some(user)) = desired.users.get(name) {
                self.users.insert(name.clone(), (now, Some(user.clone())));
            }
        }
        for (name, _) in plan.drop_users.iter().filter(|(name, _)| applied.is_done(&Item::User(name.clone()))) {
            if let Some(None) = desired.users.get(name) {
                self.users.insert(name.clone(), (now, None));
            }
        }
        let taken = plan.revoke.values().flat_map(|revocation| &revocation.acls).map(|acl| (acl, false));
        let given = plan.grant.iter().map(|acl| (acl, true));
        for (acl, is_there) in taken.chain(given).filter(|(acl, _)| applied.is_done(&Item::Acl((*acl).clone()))) {
            self.acls.insert(acl.clone(), (now, is_there));
        }
    }

    /// Lets what was acknowledged count as seen.
    pub fn lay_over(&mut self, observed: &mut Observed, now: Instant) {
        let is_young = |since: Instant| now < since + LIMIT;
        self.topics.retain(|_, (since, _)| is_young(*since));
        self.users.retain(|_, (since, _)| is_young(*since));
        self.acls.retain(|_, (since, _)| is_young(*since));
        for (name, (_, topic)) in &self.topics {
            let found = observed.topics.entry(name.clone());
            let found = found.or_insert_with(|| ObservedTopic { replicas: topic.replicas, ..ObservedTopic::default() });
            found.partitions = found.partitions.max(Some(topic.partitions));
            found.config = Some(topic.config.clone());
        }
        for (name, (_, user)) in &self.users {
            if let Some(user) = user {
                observed.users.entry(name.clone()).or_default().insert(Mechanism::Sha512, user.iterations);
                observed.salts.insert(name.clone(), user.salt.clone());
            } else {
                observed.users.remove(name);
            }
        }
        for (acl, (_, is_there)) in &self.acls {
            if *is_there {
                observed.acls.insert(acl.clone());
            } else {
                observed.acls.remove(acl);
            }
        }
    }

    /// Whether the password of a user needs no look, since it was just stored.
    pub fn has_user(&self, name: &str) -> bool {
        self.users.contains_key(name)
    }

    /// Forgets all but what these still wait for: the rest, every live broker has shown. Where no more than a scope was
    /// looked at, nothing else is forgotten.
    pub fn keep(&mut self, waiting: &Scope, looked_at: Option<&Scope>) {
        let names = |of: fn(&Scope) -> &[String]| {
            let waiting: BTreeSet<_> = of(waiting).iter().collect();
            let looked_at: Option<BTreeSet<_>> = looked_at.map(|scope| of(scope).iter().collect());
            move |name: &String| waiting.contains(name) || looked_at.as_ref().is_some_and(|seen| !seen.contains(name))
        };
        let (topic, user) = (names(|scope| &scope.topics), names(|scope| &scope.users));
        self.topics.retain(|name, _| topic(name));
        self.users.retain(|name, _| user(name));
        self.acls.retain(|acl, _| {
            waiting.principals.contains(&acl.principal)
                || looked_at.is_some_and(|scope| !scope.principals.contains(&acl.principal))
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        kafka::admin::{Operation, Pattern, Permission, ResourceKind},
        reconcile::plan::plan,
    };

    fn acl(name: &str) -> Acl {
        Acl {
            principal: "User:a.test".into(),
            host: "*".into(),
            resource: ResourceKind::Topic,
            pattern: Pattern::Literal,
            name: name.into(),
            operation: Operation::Write,
            permission: Permission::Allow,
        }
    }

    fn wanted() -> Desired {
        let topic = Topic {
            partitions: 3,
            replicas: 1,
            config: BTreeMap::from([("retention.ms".to_owned(), "1".to_owned())]).into(),
            id: None,
        };
        let user = User { iterations: 4096, salt: b"salt".to_vec(), is_changed: true };
        Desired {
            topics: BTreeMap::from([("t".to_owned(), topic)]),
            users: BTreeMap::from([("a.test".to_owned(), Some(user))]),
            acls: BTreeMap::from([("User:a.test".to_owned(), BTreeSet::from([acl("t")]))]),
            ..Desired::default()
        }
    }

    /// Carries out a plan against brokers that show nothing yet.
    fn carry_out(acknowledged: &mut Acknowledged, plan: &Plan, desired: &Desired, observed: &Observed) {
        acknowledged.note(plan, &Applied::all_of(plan), (desired, observed), Instant::now());
    }

    #[test]
    fn what_was_acknowledged_is_not_written_again() {
        let (mut acknowledged, desired) = (Acknowledged::default(), wanted());
        let first = plan(&desired, &Observed::default());
        assert_eq!((first.create_topics.len(), first.upsert_users.len(), first.grant.len()), (1, 1, 1));
        carry_out(&mut acknowledged, &first, &desired, &Observed::default());
        let mut observed = Observed::default();
        acknowledged.lay_over(&mut observed, Instant::now());
        assert!(plan(&desired, &observed).is_empty());
    }

    #[test]
    fn what_was_acknowledged_and_is_not_wanted_any_more_is_taken_back_unseen() {
        let (mut acknowledged, desired) = (Acknowledged::default(), wanted());
        carry_out(&mut acknowledged, &plan(&desired, &Observed::default()), &desired, &Observed::default());
        let mut none = desired.clone();
        none.users.insert("a.test".into(), None);
        none.acls.insert("User:a.test".into(), BTreeSet::new());
        let mut observed = Observed::default();
        acknowledged.lay_over(&mut observed, Instant::now());
        let back = plan(&none, &observed);
        assert_eq!((back.revoked(), back.drop_users.len()), (1, 1));
        // And not once more, while a broker still shows it.
        carry_out(&mut acknowledged, &back, &none, &observed);
        let mut late = Observed { acls: BTreeSet::from([acl("t")]), ..Observed::default() };
        acknowledged.lay_over(&mut late, Instant::now());
        assert!(plan(&none, &late).is_empty());
    }

    #[test]
    fn what_all_brokers_have_shown_is_forgotten_so_that_drift_is_seen() {
        let (mut acknowledged, desired) = (Acknowledged::default(), wanted());
        carry_out(&mut acknowledged, &plan(&desired, &Observed::default()), &desired, &Observed::default());
        acknowledged.keep(&Scope { topics: vec!["t".into()], ..Scope::default() }, None);
        let mut observed = Observed::default();
        acknowledged.lay_over(&mut observed, Instant::now());
        let again = plan(&desired, &observed);
        assert_eq!((again.create_topics.len(), again.upsert_users.len(), again.grant.len()), (0, 1, 1));
    }

    #[test]
    fn what_no_broker_ever_shows_is_written_again() {
        let (mut acknowledged, desired) = (Acknowledged::default(), wanted());
        let first = plan(&desired, &Observed::default());
        carry_out(&mut acknowledged, &first, &desired, &Observed::default());
        let mut observed = Observed::default();
        acknowledged.lay_over(&mut observed, Instant::now() + LIMIT);
        assert_eq!(plan(&desired, &observed), first);
    }
}
