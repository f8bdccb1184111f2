use std::collections::{BTreeMap, BTreeSet};

use insta::assert_snapshot;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    super::{Settings, desired::desired, findings::subject},
    *,
};
use crate::{
    domain::{decision::Answer, grant::Access, ids::ChannelId, names::SpaceName},
    kafka::admin::{Operation, Pattern, Permission, ResourceKind},
    store::desired as store,
};

const ORDERS: u128 = 1;
const BILLS: u128 = 2;

fn settings() -> Settings {
    Settings::new("worker".into(), "console".into(), 3)
}

fn channel(number: u128) -> ChannelId {
    ChannelId(Uuid::from_u128(number))
}

fn space(name: &str) -> SpaceName {
    name.parse().unwrap()
}

fn topic(number: u128, name: &str) -> store::Topic {
    store::Topic {
        channel: channel(number),
        space: Uuid::from_u128(99).into(),
        space_name: space(name),
        partitions: 6,
        replicas: 3,
        config: BTreeMap::from([("retention.ms".into(), "86400000".into())]).into(),
        changed_at: OffsetDateTime::UNIX_EPOCH,
        is_applied: false,
        id: None,
    }
}

fn environment(app: &str, access: &[(u128, &str, Access)]) -> store::Environment {
    store::Environment {
        id: Uuid::from_u128(50).into(),
        app: app.parse().unwrap(),
        key: "test".parse().unwrap(),
        enabled: true,
        access: access.iter().map(|(number, name, access)| (channel(*number), space(name), *access)).collect(),
        principal: Some(store::Principal {
            username: format!("{app}.test"),
            iterations: 4096,
            salt: vec![1],
            sealed: vec![],
            changed_at: OffsetDateTime::UNIX_EPOCH,
            is_applied: false,
        }),
        changed_at: OffsetDateTime::UNIX_EPOCH,
        is_applied: false,
    }
}

/// The shop publishes orders and subscribes to bills, both in the Space `test`.
fn landscape() -> store::Desired {
    store::Desired {
        topics: vec![topic(ORDERS, "test"), topic(BILLS, "test")],
        environments: vec![environment(
            "shop",
            &[(ORDERS, "test", Access::Publish), (BILLS, "test", Access::Subscribe)],
        )],
        ..store::Desired::default()
    }
}

fn wanted(source: &store::Desired) -> Desired {
    desired(source, &settings())
}

/// A cluster on which the plans for this were carried out.
fn converged(source: &store::Desired) -> Observed {
    let mut observed = Observed::default();
    let desired = wanted(source);
    carry_out(&plan(&desired, &observed), &desired, &mut observed);
    observed
}

/// What Kafka makes of a plan.
pub(super) fn carry_out(plan: &Plan, desired: &Desired, observed: &mut Observed) {
    for (principal, Revocation { acls, all }) in &plan.revoke {
        if *all {
            observed.acls.retain(|acl| acl.principal != *principal);
        } else {
            observed.acls.retain(|acl| !acls.contains(acl));
        }
    }
    for (user, mechanism) in &plan.drop_users {
        observed.users.get_mut(user).unwrap().remove(mechanism).unwrap();
        if observed.users[user].is_empty() {
            observed.users.remove(user);
        }
        if *mechanism == Mechanism::Sha512 {
            observed.salts.remove(user);
        }
    }
    for topic in &plan.create_topics {
        let config = Some(Arc::new(topic.configs.iter().cloned().collect()));
        let made = ObservedTopic {
            id: Uuid::from_u128(1),
            partitions: Some(topic.partitions),
            replicas: topic.replication,
            config,
        };
        assert_eq!(observed.topics.insert(topic.name.clone(), made), None);
    }
    for (topic, partitions) in &plan.raise_partitions {
        let topic = observed.topics.get_mut(topic).unwrap();
        assert!(topic.partitions < Some(*partitions), "Kafka cannot take partitions away");
        topic.partitions = Some(*partitions);
    }
    for (topic, changes) in &plan.alter_configs {
        let config = Arc::make_mut(observed.topics.get_mut(topic).unwrap().config.as_mut().unwrap());
        for (key, value) in changes {
            match value {
                Some(value) => drop(config.insert(key.clone(), value.clone())),
                None => drop(config.remove(key)),
            }
        }
    }
    for name in &plan.upsert_users {
        let user = desired.users[name].as_ref().unwrap();
        observed.users.entry(name.clone()).or_default().insert(Mechanism::Sha512, user.iterations);
        observed.salts.insert(name.clone(), user.salt.clone());
    }
    observed.acls.extend(plan.grant.iter().cloned());
}

fn acl(principal: &str, operation: Operation, resource: ResourceKind, pattern: Pattern, name: &str) -> Acl {
    Acl {
        principal: principal.into(),
        host: "*".into(),
        resource,
        name: name.into(),
        pattern,
        operation,
        permission: Permission::Allow,
    }
}

#[test]
fn a_new_landscape_is_made_topics_first_then_users_then_access() {
    assert_snapshot!(plan(&wanted(&landscape()), &Observed::default()), @r"
    create topic _mx_heartbeat.shop.test: partitions=1 replicas=3
    create topic businessevents.00000000-0000-0000-0000-000000000001.test: partitions=6 replicas=3 retention.ms=86400000
    create topic businessevents.00000000-0000-0000-0000-000000000002.test: partitions=6 replicas=3 retention.ms=86400000
    store user shop.test
    grant ALLOW User:shop.test from * WRITE on TOPIC LITERAL _mx_heartbeat.shop.test
    grant ALLOW User:shop.test from * WRITE on TOPIC LITERAL businessevents.00000000-0000-0000-0000-000000000001.test
    grant ALLOW User:shop.test from * READ on TOPIC LITERAL businessevents.00000000-0000-0000-0000-000000000002.test
    grant ALLOW User:shop.test from * READ on GROUP PREFIXED shop.test.
    ");
}

#[test]
fn a_cluster_that_agrees_needs_nothing() {
    let source = landscape();
    assert!(plan(&wanted(&source), &converged(&source)).is_empty());
    // Known by the salt, although nobody has written down that the password is there.
    assert!(!source.environments[0].principal.as_ref().unwrap().is_applied);
}

#[test]
fn without_credentials_or_without_being_enabled_there_is_no_access() {
    let mut source = landscape();
    source.environments[0].principal = None;
    source.topics.clear();
    assert_snapshot!(plan(&wanted(&source), &Observed::default()), @"");
    let mut source = landscape();
    source.environments[0].enabled = false;
    source.topics.clear();
    assert_snapshot!(plan(&wanted(&source), &Observed::default()), @"");
}

#[test]
fn disabling_takes_all_access_first_and_the_user_second_and_no_topic() {
    let observed = converged(&landscape());
    let mut source = landscape();
    source.environments[0].enabled = false;
    assert_snapshot!(plan(&wanted(&source), &observed), @r"
    revoke from User:shop.test (all it has):
      ALLOW User:shop.test from * WRITE on TOPIC LITERAL _mx_heartbeat.shop.test
      ALLOW User:shop.test from * WRITE on TOPIC LITERAL businessevents.00000000-0000-0000-0000-000000000001.test
      ALLOW User:shop.test from * READ on TOPIC LITERAL businessevents.00000000-0000-0000-0000-000000000002.test
      ALLOW User:shop.test from * READ on GROUP PREFIXED shop.test.
    drop user shop.test (SCRAM-SHA-512)
    ");
}

#[test]
fn a_move_to_another_space_revokes_before_it_grants() {
    let observed = converged(&landscape());
    let mut source = landscape();
    source.topics.push(topic(ORDERS, "live"));
    source.environments[0].access = vec![(channel(ORDERS), space("live"), Access::Publish)];
    assert_snapshot!(plan(&wanted(&source), &observed), @r"
    revoke from User:shop.test:
      ALLOW User:shop.test from * WRITE on TOPIC LITERAL businessevents.00000000-0000-0000-0000-000000000001.test
      ALLOW User:shop.test from * READ on TOPIC LITERAL businessevents.00000000-0000-0000-0000-000000000002.test
      ALLOW User:shop.test from * READ on GROUP PREFIXED shop.test.
    create topic businessevents.00000000-0000-0000-0000-000000000001.live: partitions=6 replicas=3 retention.ms=86400000
    grant ALLOW User:shop.test from * WRITE on TOPIC LITERAL businessevents.00000000-0000-0000-0000-000000000001.live
    ");
}

#[test]
fn a_missing_row_takes_no_topic() {
    let observed = converged(&landscape());
    assert!(plan(&Desired::default(), &observed).is_empty());
}

#[test]
fn what_is_foreign_is_left_alone() {
    let source = landscape();
    let mut observed = converged(&source);
    for (principal, name) in [("User:else", "*"), ("User:*", "businessevents."), ("User:shop", "shop.test.")] {
        observed.acls.insert(acl(principal, Operation::All, ResourceKind::Topic, Pattern::Prefixed, name));
    }
    observed.topics.insert("businessevents.mine.test".into(), ObservedTopic::default());
    let before = observed.clone();
    assert!(plan(&wanted(&source), &observed).is_empty());
    assert_eq!(plan(&Desired::default(), &before), Plan::default());
}

#[test]
fn wildcards_prefixes_and_denials_of_our_principals_are_taken_away() {
    let source = landscape();
    let mut observed = converged(&source);
    let ours = "User:shop.test";
    let deny = Acl {
        permission: Permission::Deny,
        ..acl(ours, Operation::Write, ResourceKind::Topic, Pattern::Literal, "businessevents.x.test")
    };
    observed.acls.extend([
        acl(ours, Operation::Read, ResourceKind::Topic, Pattern::Literal, "*"),
        acl(ours, Operation::Read, ResourceKind::Topic, Pattern::Prefixed, "businessevents."),
        acl(ours, Operation::Alter, ResourceKind::Cluster, Pattern::Literal, "kafka-cluster"),
        acl("User:worker", Operation::IdempotentWrite, ResourceKind::Cluster, Pattern::Literal, "kafka-cluster"),
        deny,
        // Nothing that this program could name, so nothing that it may delete.
        acl(ours, Operation::from_number(77), ResourceKind::Topic, Pattern::Literal, "t"),
    ]);
    assert_snapshot!(plan(&wanted(&source), &observed), @r"
    revoke from User:shop.test:
      ALLOW User:shop.test from * READ on TOPIC LITERAL *
      ALLOW User:shop.test from * READ on TOPIC PREFIXED businessevents.
      DENY User:shop.test from * WRITE on TOPIC LITERAL businessevents.x.test
      ALLOW User:shop.test from * ALTER on CLUSTER LITERAL kafka-cluster
    revoke from User:worker (all it has):
      ALLOW User:worker from * IDEMPOTENT_WRITE on CLUSTER LITERAL kafka-cluster
    ");
}

#[test]
fn a_principal_with_a_rule_nobody_understands_is_not_wiped_by_name() {
    let mut observed = converged(&landscape());
    observed.acls.insert(acl("User:shop.test", Operation::from_number(77), ResourceKind::Topic, Pattern::Literal, "t"));
    let mut source = landscape();
    source.environments[0].enabled = false;
    let plan = plan(&wanted(&source), &observed);
    assert!(!plan.revoke["User:shop.test"].all);
    assert_eq!(plan.revoked(), 4);
}

#[test]
fn drift_of_topics_and_users_is_repaired_and_more_partitions_stay() {
    let source = landscape();
    let mut observed = converged(&source);
    let (orders, bills) = (
        "businessevents.00000000-0000-0000-0000-000000000001.test",
        "businessevents.00000000-0000-0000-0000-000000000002.test",
    );
    let topic = observed.topics.get_mut(orders).unwrap();
    topic.partitions = Some(2);
    let config = BTreeMap::from([("cleanup.policy".into(), "compact".into()), ("retention.ms".into(), "1".into())]);
    topic.config = Some(config.into());
    observed.topics.get_mut(bills).unwrap().partitions = Some(60);
    observed.salts.insert("shop.test".into(), b"by hand".to_vec());
    observed.users.get_mut("shop.test").unwrap().insert(Mechanism::Sha256, 8192);
    assert_snapshot!(plan(&wanted(&source), &observed), @r"
    drop user shop.test (SCRAM-SHA-256)
    raise topic businessevents.00000000-0000-0000-0000-000000000001.test: partitions=6
    alter topic businessevents.00000000-0000-0000-0000-000000000001.test: retention.ms=86400000 cleanup.policy=(default)
    store user shop.test
    ");
}

#[test]
fn a_topic_that_was_ours_and_is_gone_is_not_made_anew() {
    let mut source = landscape();
    let mut observed = converged(&source);
    for topic in &mut source.topics {
        topic.id = Some(Uuid::from_u128(1));
    }
    assert!(plan(&wanted(&source), &observed).lost.is_empty());
    let orders = "businessevents.00000000-0000-0000-0000-000000000001.test";
    let bills = "businessevents.00000000-0000-0000-0000-000000000002.test";
    observed.topics.remove(orders);
    let other = observed.topics.get_mut(bills).unwrap();
    (other.id, other.partitions, other.config) = (Uuid::from_u128(2), Some(1), Some(TopicConfig::default()));
    let both = BTreeMap::from([(orders.to_owned(), Lost::Gone), (bills.to_owned(), Lost::Replaced)]);
    let waiting = plan(&wanted(&source), &observed);
    assert_eq!(waiting.lost, both);
    assert!(waiting.is_empty());
    // An admin has said that it is, and the other that it shall be.
    source.decisions =
        BTreeMap::from([(subject::of_topic(orders), Answer::Recreate), (subject::of_topic(bills), Answer::Adopt)]);
    let plan = plan(&wanted(&source), &observed);
    assert!(plan.lost.is_empty());
    assert_eq!((plan.create_topics.len(), plan.raise_partitions.len(), plan.alter_configs.len()), (1, 1, 1));
}

#[test]
fn of_what_is_foreign_only_the_rule_that_an_admin_wants_away_goes() {
    let mut source = landscape();
    let mut observed = converged(&source);
    let rules = ["a", "b"].map(|name| acl("User:else", Operation::Read, ResourceKind::Topic, Pattern::Literal, name));
    observed.acls.extend(rules.clone());
    source.decisions = BTreeMap::from([
        (subject::of_rule(&rules[0].to_string()), Answer::Remove),
        (subject::of_rule(&rules[1].to_string()), Answer::Accept),
    ]);
    assert_snapshot!(plan(&wanted(&source), &observed), @r"
    revoke from User:else:
      ALLOW User:else from * READ on TOPIC LITERAL a
    ");
}

#[test]
fn kafkas_own_spelling_of_a_value_is_not_a_difference() {
    assert!(is_same("delete, compact", "delete,compact"));
    assert!(is_same("007", "7"));
    assert!(!is_same("compact", "delete"));
    assert!(!is_same("7", "8"));
}

#[test]
fn a_topic_that_cannot_be_described_yet_is_neither_made_nor_changed() {
    let source = landscape();
    let mut observed = converged(&source);
    for topic in observed.topics.values_mut() {
        *topic = ObservedTopic::default();
    }
    assert!(plan(&wanted(&source), &observed).is_empty());
}

#[test]
fn the_worker_may_do_what_its_bridges_need() {
    let mut source = landscape();
    source.environments.clear();
    source.topics.clear();
    let bridge = |access: &[(u128, Access)]| store::Bridge {
        id: Uuid::from_u128(70).into(),
        is_leaving: false,
        access: access.iter().map(|(number, access)| (channel(*number), space("test"), *access)).collect(),
        changed_at: OffsetDateTime::UNIX_EPOCH,
        is_applied: false,
    };
    source.bridges = vec![bridge(&[(ORDERS, Access::Subscribe), (BILLS, Access::Publish)]), bridge(&[])];
    assert_snapshot!(plan(&wanted(&source), &Observed::default()), @r"
    grant ALLOW User:worker from * READ on TOPIC LITERAL businessevents.00000000-0000-0000-0000-000000000001.test
    grant ALLOW User:worker from * WRITE on TOPIC LITERAL businessevents.00000000-0000-0000-0000-000000000002.test
    grant ALLOW User:worker from * READ on GROUP PREFIXED ebm.bridge.
    ");
    // Nobody's bridge: nothing.
    source.bridges.clear();
    assert_eq!(wanted(&source).acls, BTreeMap::from([("User:worker".to_owned(), BTreeSet::new())]));
}
