//! From whatever Kafka holds, one plan leads to what it should hold, and touches nothing foreign.

use std::collections::{BTreeMap, BTreeSet};

use proptest::{collection, option, prelude::*, sample::select};

use super::{tests::carry_out, *};
use crate::{
    kafka::admin::{Operation, Pattern, Permission, ResourceKind},
    reconcile::observe::Scope,
};

const OURS: &[&str] = &["a.test", "b.test", "worker"];
const PRINCIPALS: &[&str] = &["User:a.test", "User:b.test", "User:worker", "User:foreign", "User:*"];
const TOPICS: &[&str] =
    &["businessevents.1.x", "businessevents.2.x", "businessevents.3.y", "_mx_heartbeat.a.test", "else"];

fn acl(principals: &'static [&'static str]) -> impl Strategy<Value = Acl> {
    let name = prop_oneof![select(TOPICS), select(&["*", "a.test.", "businessevents.", "kafka-cluster"][..])];
    let kinds = (
        prop_oneof![Just(2_i8), Just(3), Just(4), Just(99)],
        prop_oneof![Just(3_i8), Just(4)],
        prop_oneof![Just(3_i8), Just(4), Just(2), Just(12), Just(77)],
        prop_oneof![4 => Just(3_i8), 1 => Just(2)],
    );
    (select(principals), select(&["*", "10.0.0.1"][..]), name, kinds).prop_map(
        |(principal, host, name, (resource, pattern, operation, permission))| Acl {
            principal: principal.into(),
            host: host.into(),
            resource: ResourceKind::from_number(resource),
            name: name.into(),
            pattern: Pattern::from_number(pattern),
            operation: Operation::from_number(operation),
            permission: Permission::from_number(permission),
        },
    )
}

fn config() -> impl Strategy<Value = TopicConfig> {
    collection::btree_map(select(MANAGED_KEYS).prop_map(str::to_owned), "[1-3]", 0..3).prop_map(Arc::new)
}

fn wanted() -> impl Strategy<Value = Desired> {
    let topic = (1..4_i32, 1..3_i16, config()).prop_map(|(partitions, replicas, config)| Topic {
        partitions,
        replicas,
        config,
        id: None,
    });
    let user = (select(&[4096, 8192][..]), "[xy]", any::<bool>()).prop_map(|(iterations, salt, is_changed)| User {
        iterations,
        salt: salt.into_bytes(),
        is_changed,
    });
    (
        collection::btree_map(select(&TOPICS[..4]).prop_map(str::to_owned), topic, 0..4),
        collection::btree_map(select(&OURS[..2]).prop_map(str::to_owned), option::of(user), 0..3),
        collection::btree_set(acl(&PRINCIPALS[..3]), 0..8),
    )
        .prop_map(|(topics, users, wanted)| {
            let mut acls = BTreeMap::from([("User:worker".to_owned(), BTreeSet::new())]);
            acls.extend(users.keys().map(|user| (format!("User:{user}"), BTreeSet::new())));
            for acl in wanted.into_iter().filter(Acl::is_known) {
                if let Some(of_principal) = acls.get_mut(&acl.principal) {
                    of_principal.insert(acl);
                }
            }
            Desired { topics, users, acls, condemned: BTreeSet::new() }
        })
}

fn found() -> impl Strategy<Value = Observed> {
    let topic = (1..5_i32, 1..3_i16, config()).prop_map(|(partitions, replicas, config)| ObservedTopic {
        id: Uuid::nil(),
        partitions: Some(partitions),
        replicas,
        config: Some(config),
    });
    let mechanism = select(&[Mechanism::Sha256, Mechanism::Sha512][..]);
    let credentials = collection::btree_map(mechanism, select(&[4096, 8192][..]), 1..3);
    (
        collection::btree_map(select(TOPICS).prop_map(str::to_owned), topic, 0..5),
        // The worker's own credential is the operator's.
        collection::btree_map(select(OURS).prop_map(str::to_owned), credentials, 0..4),
        collection::btree_map(select(OURS).prop_map(str::to_owned), "[xy]".prop_map(String::into_bytes), 0..4),
        collection::btree_set(acl(PRINCIPALS), 0..12),
    )
        .prop_map(|(topics, users, mut salts, acls)| {
            salts.retain(|user, _| users.get(user).is_some_and(|c| c.contains_key(&Mechanism::Sha512)));
            Observed { topics, users, salts, acls }
        })
}

fn some() -> impl Strategy<Value = Scope> {
    let names = |all: &'static [&'static str]| collection::btree_set(select(all).prop_map(str::to_owned), 0..4);
    (names(TOPICS), names(OURS), names(PRINCIPALS)).prop_map(|(topics, users, principals)| Scope {
        topics: topics.into_iter().collect(),
        users: users.into_iter().collect(),
        principals,
    })
}

/// What is read where no more is looked at than a scope.
fn seen(mut observed: Observed, scope: &Scope) -> Observed {
    observed.topics.retain(|name, _| scope.topics.contains(name));
    observed.users.retain(|name, _| scope.users.contains(name));
    observed.salts.retain(|name, _| scope.users.contains(name));
    observed.acls.retain(|acl| scope.principals.contains(&acl.principal));
    observed
}

/// What of a plan is about a scope.
fn part(mut plan: Plan, scope: &Scope) -> Plan {
    plan.revoke.retain(|principal, _| scope.principals.contains(principal));
    plan.drop_users.retain(|(name, _)| scope.users.contains(name));
    plan.create_topics.retain(|topic| scope.topics.contains(&topic.name));
    plan.raise_partitions.retain(|(name, _)| scope.topics.contains(name));
    plan.alter_configs.retain(|(name, _)| scope.topics.contains(name));
    plan.upsert_users.retain(|name| scope.users.contains(name));
    plan.grant.retain(|acl| scope.principals.contains(&acl.principal));
    plan
}

/// What is not ours.
fn foreign(desired: &Desired, observed: &Observed) -> Observed {
    let mut foreign = observed.clone();
    foreign.topics.retain(|name, _| !desired.topics.contains_key(name));
    foreign.users.retain(|name, _| !desired.users.contains_key(name));
    foreign.salts.retain(|name, _| !desired.users.contains_key(name));
    foreign.acls.retain(|acl| !desired.acls.contains_key(&acl.principal) || !acl.is_known());
    foreign
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn one_plan_leads_from_anywhere_to_what_should_be_and_touches_nothing_foreign(
        desired in wanted(), before in found(),
    ) {
        let mut after = before.clone();
        carry_out(&plan(&desired, &before), &desired, &mut after);

        prop_assert_eq!(foreign(&desired, &after), foreign(&desired, &before));
        for (principal, wanted) in &desired.acls {
            let has: BTreeSet<_> =
                after.acls.iter().filter(|acl| acl.principal == *principal && acl.is_known()).cloned().collect();
            prop_assert_eq!(&has, wanted);
        }
        for (name, wanted) in &desired.users {
            match wanted {
                None => prop_assert!(!after.users.contains_key(name)),
                Some(user) => {
                    prop_assert_eq!(&after.users[name], &BTreeMap::from([(Mechanism::Sha512, user.iterations)]));
                    if user.is_changed || before.salts.contains_key(name) {
                        prop_assert_eq!(&after.salts[name], &user.salt);
                    }
                }
            }
        }
        for (name, wanted) in &desired.topics {
            prop_assert!(is_made(wanted, &after.topics[name]));
            prop_assert!(after.topics[name].partitions >= before.topics.get(name).and_then(|t| t.partitions));
        }
        for name in before.topics.keys() {
            prop_assert!(after.topics.contains_key(name));
        }
        let again = plan(&desired, &after);
        prop_assert!(again.is_empty(), "{}", again);
    }

    #[test]
    fn a_look_at_few_things_leads_to_that_part_of_the_plan(desired in wanted(), found in found(), scope in some()) {
        let whole = part(plan(&desired, &found), &scope);
        prop_assert_eq!(plan(&desired.only(&scope), &seen(found, &scope)), whole);
    }
}
