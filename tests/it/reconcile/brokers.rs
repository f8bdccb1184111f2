//! "Applied" is said only after every live broker has shown it (C9): on three brokers, of which one is held back or
//! taken down.
//!
//! Broker 1, which is the controller too and which clients find first, is left alone.

use std::{
    slice,
    time::{Duration, Instant},
};

use ebm::{
    kafka::admin::{self, AclFilter, Admin, NewTopic, To},
    manager::Followed,
    reconcile::Finding,
};
use sqlx::PgPool;
use tokio::time::timeout;

use super::{OPERATOR, World, converge, inside, until, within};
use crate::{
    faults::tries,
    support::brokers::{Absence, THIRD, three_servers, turn},
};

/// How long a broker may take to come up, and the controller to give one up: more than a broker's session lasts.
const PATIENCE: Duration = Duration::from_secs(90);

/// How long one must be silent to be said to hang.
const SILENCE: Duration = Duration::from_millis(200);

/// Runs a test in a world of its own on three brokers, all of them live.
pub(super) async fn three_brokers(pool: PgPool, replication: i16, test: impl AsyncFnOnce(&World)) {
    let _turn = turn().await;
    let world = World::at(&three_servers(), pool, replication);
    within(PATIENCE, "all brokers are live", async || world.live().await == [1, 2, THIRD]).await;
    inside(&world, test).await;
}

impl World {
    /// The brokers that the controller takes for live.
    async fn live(&self) -> Vec<i32> {
        let cluster = self.root.cluster().await;
        cluster.map(|cluster| cluster.brokers.iter().map(|broker| broker.id).collect()).unwrap_or_default()
    }
}

#[sqlx::test]
async fn c9_applied_is_said_only_after_every_live_broker_has_shown_it(pool: PgPool) {
    three_brokers(pool, 3, async |world| {
        world.landscape().await;
        let shop = world.principal("shop");
        // New, and so without a connection on which the broker could keep it waiting.
        let mut reconciler = world.reconciler_with(world.console.clone(), 3);

        let absence = Absence::held_back();
        let first = reconciler.pass().await.unwrap();
        assert!(first.written > 0 && first.pending > 0 && first.failed == 0, "{first:?}");
        // All is done, and the other brokers show it; still nothing is said.
        for _ in 0..2 {
            let report = reconciler.pass().await.unwrap();
            assert_eq!((report.written, report.pending, report.failed), (0, first.pending, 0), "{report:?}");
        }
        assert_eq!(world.acls(&shop).await.len(), 2);
        for app in ["shop", "mail"] {
            assert!(matches!(world.followed(app).await, Followed::Pending(_)));
        }
        assert_eq!(world.live().await, [1, 2, THIRD], "the controller has given it up: nothing is shown by this");

        drop(absence);
        until("the last broker has shown it", async || reconciler.pass().await.unwrap().pending == 0).await;
        for app in ["shop", "mail"] {
            assert_eq!(world.followed(app).await, Followed::Applied);
        }
        let shown = world.root.acls(To::Node(THIRD), AclFilter::Principal(shop)).await.unwrap();
        assert_eq!(shown.len(), 2);
    })
    .await;
}

#[sqlx::test]
async fn c9_a_broker_that_is_down_holds_nothing_back_and_has_missed_nothing_when_it_is_back(pool: PgPool) {
    three_brokers(pool, 2, async |world| {
        world.landscape().await;
        let mut reconciler = world.reconciler_with(world.console.clone(), 2);
        converge(&mut reconciler).await;

        let absence = Absence::down();
        world.manager.set_app_broker(&OPERATOR, &world.app("shop"), false).await.unwrap();
        // Until the controller gives it up, it might still serve clients.
        let report = reconciler.pass().await.unwrap();
        assert!(report.written > 0 && report.pending > 0, "{report:?}");
        assert!(matches!(world.followed("shop").await, Followed::Pending(_)));
        within(PATIENCE, "the controller has given it up", async || world.live().await == [1, 2]).await;
        until("those that are left have shown it", async || reconciler.pass().await.unwrap().pending == 0).await;
        assert_eq!(world.followed("shop").await, Followed::Applied);

        // Drift that comes and goes without it.
        let mail = world.principal("mail");
        let own = world.acls(&mail).await;
        let removed = world.root.acls(To::Any, AclFilter::Principal(mail.clone())).await.unwrap();
        world.root.delete_acls(&removed).await.unwrap();
        until("the drift is seen", async || world.acls(&mail).await.is_empty()).await;
        until("the drift is set back", async || {
            reconciler.pass().await.unwrap();
            world.acls(&mail).await == own
        })
        .await;

        drop(absence);
        within(PATIENCE, "it is live again", async || world.live().await == [1, 2, THIRD]).await;
        // Seen by its own eyes alone, nothing is left to do (C4).
        let bootstrap = world.console.bootstrap.last().cloned().into_iter().collect();
        let through_it = admin::Settings { bootstrap, ..world.console.clone() };
        until("it serves", async || Admin::new(through_it.clone()).cluster().await.is_ok()).await;
        let report = world.reconciler_with(through_it, 2).pass().await.unwrap();
        assert_eq!((report.written, report.pending, report.steps), (0, 0, vec![]));
    })
    .await;
}

#[sqlx::test]
async fn a_broker_that_hangs_keeps_no_change_from_the_others(pool: PgPool) {
    three_brokers(pool, 3, async |world| {
        world.landscape().await;
        // Of the servers that a client begins with, one that hangs is waited for once, until it would have connected; here
        // it is another one.
        let bootstrap = world.console.bootstrap[..2].to_vec();
        let mut reconciler = world.reconciler_with(admin::Settings { bootstrap, ..world.console.clone() }, 3);
        let (mut slowest, mut missing, mut extra) = (Duration::ZERO, 0, 0);
        let rounds = tries(2, 20);
        for round in 0..rounds {
            let is_on = round % 2 == 1;
            // From here on it has idle connections to all of them.
            converge(&mut reconciler).await;
            let absence = Absence::held_back();
            until("it hangs", async || {
                let other = Admin::new(world.console.clone());
                timeout(SILENCE, other.cluster_on(To::Node(THIRD))).await.is_err()
            })
            .await;
            world.manager.set_app_broker(&OPERATOR, &world.app("shop"), is_on).await.unwrap();
            let began = Instant::now();
            let report = reconciler.pass().await.unwrap();
            slowest = slowest.max(began.elapsed());
            assert!(report.written > 0 && report.pending > 0 && report.failed == 0, "{report:?}");
            let due = if is_on { 2 } else { 0 };
            for node in [1, 2] {
                let shown = world.root.acls(To::Node(node), AclFilter::Principal(world.principal("shop"))).await;
                let shown = shown.unwrap().len();
                missing += usize::saturating_sub(due, shown);
                extra += shown.saturating_sub(due);
            }
            drop(absence);
            until("the last broker has shown it", async || reconciler.pass().await.unwrap().pending == 0).await;
        }
        println!(
            "a broker hangs: {rounds} tries, slowest pass {slowest:?}, {missing} missing and {extra} extra on the others"
        );
        assert_eq!((missing, extra), (0, 0));
    })
    .await;
}

#[sqlx::test]
async fn a_broker_that_is_killed_and_started_under_changes_costs_none_of_them(pool: PgPool) {
    three_brokers(pool, 3, async |world| {
        world.landscape().await;
        let mut reconciler = world.reconciler_with(world.console.clone(), 3);
        converge(&mut reconciler).await;
        let due = world.holdings(&world.name).await;
        let (mut slowest, mut changes, mut missing, mut extra) = (Duration::ZERO, 0, 0, 0);
        let rounds = tries(1, 20);
        for _ in 0..rounds {
            let absence = Absence::down();
            let mut change = async |is_on: bool| {
                world.manager.set_app_broker(&OPERATOR, &world.app("shop"), is_on).await.unwrap();
                changes += 1;
                let began = Instant::now();
                if let Err(error) = reconciler.pass().await {
                    assert!(error.is_transient(), "{error}");
                }
                slowest = slowest.max(began.elapsed());
            };
            // Until the controller gives it up, it may still come back by itself.
            within(PATIENCE, "the controller has given it up", async || {
                change(false).await;
                change(true).await;
                world.live().await == [1, 2]
            })
            .await;
            drop(absence);
            within(PATIENCE, "it is live again", async || {
                change(false).await;
                change(true).await;
                world.live().await == [1, 2, THIRD]
            })
            .await;
            within(PATIENCE, "all have shown the last change", async || {
                let report = reconciler.pass().await.unwrap();
                report.pending + report.written == 0
            })
            .await;
            let there = world.holdings(&world.name).await;
            missing += due.difference(&there).count();
            extra += there.difference(&due).count();
        }
        println!(
            "a broker is killed and started: {rounds} tries, {changes} changes, slowest pass {slowest:?}, {missing} missing, {extra} extra"
        );
        assert_eq!((missing, extra), (0, 0));
        let shown = world.root.acls(To::Node(THIRD), AclFilter::Principal(world.principal("shop"))).await.unwrap();
        assert_eq!(shown.len(), 2);
    })
    .await;
}

#[sqlx::test]
async fn topics_get_as_many_replicas_as_the_installation_wants(pool: PgPool) {
    three_brokers(pool, 3, async |world| {
        world.landscape().await;
        let report = converge(&mut world.reconciler_with(world.console.clone(), 3)).await;
        assert!(!report.findings.iter().any(|finding| matches!(finding, Finding::OtherReplicas(..))), "{report:?}");
        let names = [world.topic().await, format!("_mx_heartbeat.{}.test", world.app("shop"))];
        for topic in world.root.topics(Some(&names)).await.unwrap() {
            assert_eq!((topic.error, topic.replication()), (None, 3), "{}", topic.name);
        }
    })
    .await;
}

#[sqlx::test]
async fn a_topic_that_was_made_with_other_replicas_is_shown_and_left(pool: PgPool) {
    three_brokers(pool, 3, async |world| {
        world.landscape().await;
        let topic = world.topic().await;
        let replicas = async || {
            let seen = world.root.topics(Some(slice::from_ref(&topic))).await.unwrap();
            seen[0].replication()
        };
        let by_hand = NewTopic { name: topic.clone(), partitions: 3, replication: 1, configs: vec![] };
        world.root.create_topics(&[by_hand]).await.unwrap();
        until("it is there", async || replicas().await == 1).await;
        let report = converge(&mut world.reconciler_with(world.console.clone(), 3)).await;
        let shown = Finding::OtherReplicas(topic.clone(), 1);
        assert!(report.findings.contains(&shown), "{:?}", report.findings);
        assert_eq!(shown.words().0, "Other replicas than wanted");
        assert_eq!(replicas().await, 1);
    })
    .await;
}
