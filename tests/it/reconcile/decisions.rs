//! What the reconciler does only when an admin says so, and what it says of what it did.

use ebm::{
    domain::decision::Answer,
    kafka::admin::{Acl, Changes, Mechanism, NewTopic, Operation, Pattern, Permission, ResourceKind},
    manager::{Error, Followed},
    reconcile::{Finding, PassReport, Reconciler},
};
use serde_json::Value;
use sqlx::PgPool;

use super::{OPERATOR, World, acl, converge, until, world};

impl World {
    /// What the history says was set back, a line each.
    async fn set_back(&self) -> Vec<(String, String)> {
        let rows: Vec<(String, Value)> =
            sqlx::query_as("select act, after from change where act like '%.drift-repaired' order by number")
                .fetch_all(&self.pool)
                .await
                .unwrap();
        let lines = rows.into_iter().flat_map(|(act, after)| {
            let lines = after["set back"].as_array().unwrap().clone();
            lines.into_iter().map(move |line| (act.clone(), line.as_str().unwrap().to_owned()))
        });
        lines.collect()
    }

    /// Answers the one finding of this kind, by way of the newest report.
    async fn answer(&self, reconciler: &mut Reconciler, finding: &Finding, answer: Answer, reason: &str) {
        reconciler.publish().await;
        self.manager.decide(&OPERATOR, &finding.subject(), answer, reason).await.unwrap();
    }

    async fn decisions(&self) -> i64 {
        sqlx::query_scalar("select count(*) from decision").fetch_one(&self.pool).await.unwrap()
    }

    async fn topic_is_there(&self, topic: &String) -> bool {
        self.root.topics(Some(std::slice::from_ref(topic))).await.unwrap()[0].error.is_none()
    }
}

/// What was found of one thing; of other tests there may be more.
fn found(report: &PassReport, of: &str) -> Vec<Finding> {
    report.findings.iter().filter(|finding| finding.words().1.contains(of)).cloned().collect()
}

#[sqlx::test]
async fn c5_each_drift_that_is_set_back_has_its_row_in_the_history(pool: PgPool) {
    world(pool, async |world| {
        let [shop, _] = world.landscape().await;
        let mut reconciler = world.reconciler();
        converge(&mut reconciler).await;
        assert_eq!(world.set_back().await, [], "what was decided is no drift");
        let (topic, shop_is) = (world.topic().await, world.principal("shop"));
        let added = acl(&shop_is, Operation::Read, ResourceKind::Topic, Pattern::Literal, "*");
        let deny = Acl { permission: Permission::Deny, ..added.clone() };
        let own = acl(&shop_is, Operation::Write, ResourceKind::Topic, Pattern::Literal, &topic);
        // One at a time: each is found by itself.
        let cases =
            ["a rule was added", "a denial was added", "a rule was taken away", "the user was deleted", "retention.ms"];
        for (n, said) in cases.into_iter().enumerate() {
            match n {
                0 => drop(world.root.create_acls(std::slice::from_ref(&added)).await.unwrap()),
                1 => drop(world.root.create_acls(std::slice::from_ref(&deny)).await.unwrap()),
                2 => drop(world.root.delete_acls(std::slice::from_ref(&own)).await.unwrap()),
                3 => drop(world.root.delete_scram_users(&[(shop.0.clone(), Mechanism::Sha512)]).await.unwrap()),
                _ => {
                    let by_hand: Changes = vec![("retention.ms".into(), Some("1000".into()))];
                    world.root.alter_topic_configs(&[(topic.clone(), by_hand)]).await.unwrap();
                }
            }
            until(said, async || {
                reconciler.pass().await.unwrap();
                world.set_back().await.len() == n + 1
            })
            .await;
            let (act, line) = world.set_back().await.pop().unwrap();
            assert!(line.contains(said), "{line}");
            let of = if n == 4 { "channel" } else { "environment" };
            assert_eq!(act, format!("{of}.drift-repaired"));
        }
        assert_eq!(world.followed("shop").await, Followed::Applied);
        let sound = world.manager.check_history().await.unwrap();
        assert!(matches!(sound, ebm::manager::history::Verdict::Sound { .. }), "{sound:?}");
        // Disabling and enabling are decisions, whatever they take.
        world.manager.set_app_broker(&OPERATOR, &world.app("shop"), false).await.unwrap();
        converge(&mut reconciler).await;
        world.manager.set_app_broker(&OPERATOR, &world.app("shop"), true).await.unwrap();
        converge(&mut reconciler).await;
        assert_eq!(world.set_back().await.len(), cases.len());
    })
    .await;
}

#[sqlx::test]
async fn a_topic_that_was_deleted_is_made_anew_only_when_an_admin_says_so(pool: PgPool) {
    world(pool, async |world| {
        world.landscape().await;
        let mut reconciler = world.reconciler();
        converge(&mut reconciler).await;
        let topic = world.topic().await;
        world.root.delete_topics(std::slice::from_ref(&topic)).await.unwrap();
        let gone = Finding::TopicGone(topic.clone());
        until("the loss is seen", async || reconciler.pass().await.unwrap().findings.contains(&gone)).await;
        let report = reconciler.pass().await.unwrap();
        assert_eq!((report.written, report.failed), (0, 1), "{:?}", report.steps);
        assert!(!world.topic_is_there(&topic).await);
        assert!(world.topic_failure().await.unwrap().contains("deleted in Kafka"));

        world.answer(&mut reconciler, &gone, Answer::Recreate, "").await;
        until("it is made anew", async || {
            let report = reconciler.pass().await.unwrap();
            found(&report, &topic).is_empty() && report.pending + report.failed == 0
        })
        .await;
        assert!(world.topic_is_there(&topic).await && world.topic_failure().await.is_none());
        converge(&mut reconciler).await;
        assert_eq!(world.decisions().await, 0, "a decision is for one occasion");

        // Made anew by someone else it is another topic, which may hold anything.
        world.root.delete_topics(std::slice::from_ref(&topic)).await.unwrap();
        until("it is gone", async || !world.topic_is_there(&topic).await).await;
        let other = NewTopic { name: topic.clone(), partitions: 5, replication: 1, configs: vec![] };
        world.root.create_topics(&[other]).await.unwrap();
        let replaced = Finding::TopicReplaced(topic.clone());
        until("the other is seen", async || reconciler.pass().await.unwrap().findings.contains(&replaced)).await;
        assert_eq!(reconciler.pass().await.unwrap().written, 0);
        world.answer(&mut reconciler, &replaced, Answer::Adopt, "").await;
        until("it is ours", async || {
            let report = reconciler.pass().await.unwrap();
            !report.findings.contains(&replaced) && report.pending + report.failed == 0
        })
        .await;
        let report = converge(&mut reconciler).await;
        assert_eq!(found(&report, &topic), [Finding::MorePartitions(topic.clone(), 5)]);
        assert_eq!(world.decisions().await, 0);
    })
    .await;
}

#[sqlx::test]
async fn a_foreign_rule_on_a_topic_of_ours_is_removed_or_accepted(pool: PgPool) {
    world(pool, async |world| {
        world.landscape().await;
        let topic = world.topic().await;
        let stranger = format!("User:stranger-{}", world.name);
        let rules = [Operation::Read, Operation::Write]
            .map(|operation| acl(&stranger, operation, ResourceKind::Topic, Pattern::Literal, &topic));
        let elsewhere = acl(&stranger, Operation::Read, ResourceKind::Topic, Pattern::Literal, "elsewhere");
        world.root.create_acls(&[&rules[..], std::slice::from_ref(&elsewhere)].concat()).await.unwrap();
        let mut reconciler = world.reconciler();
        until("both are found", async || found(&converge(&mut reconciler).await, &stranger).len() == 2).await;
        reconciler.publish().await;
        let subject = Finding::ForeignAccess(rules[1].clone()).subject();
        let refused = world.manager.decide(&OPERATOR, &subject, Answer::Accept, " ").await;
        assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
        let refused = world.manager.decide(&OPERATOR, &subject, Answer::Recreate, "").await;
        assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
        let refused = world.manager.decide(&OPERATOR, "rule: of nobody", Answer::Remove, "").await;
        assert!(matches!(refused, Err(Error::Conflict { code: "stale", .. })), "{refused:?}");

        world.answer(&mut reconciler, &Finding::ForeignAccess(rules[0].clone()), Answer::Remove, "").await;
        world.answer(&mut reconciler, &Finding::ForeignAccess(rules[1].clone()), Answer::Accept, "the archive").await;
        until("one is gone", async || found(&converge(&mut reconciler).await, &stranger).len() == 1).await;
        let left = [rules[1].clone(), elsewhere].into();
        assert_eq!(world.foreign_acls(&stranger).await, left);
        reconciler.publish().await;
        let (_, report) = world.manager.load_cluster(&OPERATOR).await.unwrap().unwrap();
        let shown = report.findings.into_iter().find(|finding| finding.subject == subject).unwrap();
        let decision = shown.decision.unwrap();
        assert_eq!((decision.answer, decision.reason.as_str()), (Answer::Accept, "the archive"));
        assert_eq!(world.decisions().await, 1);
        assert_eq!(world.set_back().await, [], "what is foreign is no drift");
    })
    .await;
}

#[sqlx::test]
async fn c6_what_nobody_decided_to_take_waits_for_an_admin_and_what_was_decided_does_not(pool: PgPool) {
    world(pool, async |world| {
        world.landscape().await;
        let mut reconciler = world.reconciler();
        converge(&mut reconciler).await;
        let (shop, mail) = (world.principal("shop"), world.principal("mail"));
        let before = world.acls(&shop).await;
        let rule =
            |n: usize| acl(&shop, Operation::Read, ResourceKind::Topic, Pattern::Literal, &format!("by-hand-{n}"));
        // As many as may be set back without being asked.
        world.root.create_acls(&(0..50).map(rule).collect::<Vec<_>>()).await.unwrap();
        until("they are there", async || world.acls(&shop).await.len() == before.len() + 50).await;
        until("few are set back", async || reconciler.pass().await.unwrap().written == 50).await;
        converge(&mut reconciler).await;

        // As a restored backup looks: Kafka has much that Postgres knows nothing of.
        world.root.create_acls(&(0..51).map(rule).collect::<Vec<_>>()).await.unwrap();
        until("they are there", async || world.acls(&shop).await.len() == before.len() + 51).await;
        let report = reconciler.pass().await.unwrap();
        let [Finding::Held(held), ..] = &report.findings[..] else { panic!("{:?}", report.findings) };
        assert_eq!((report.written, held.acls, held.users, held.lines.len()), (0, 51, 0, 51));
        // What is decided meanwhile is done at once.
        world.manager.set_app_broker(&OPERATOR, &world.app("mail"), false).await.unwrap();
        until("it is shut", async || {
            reconciler.pass().await.unwrap();
            world.acls(&mail).await.is_empty()
        })
        .await;
        assert!(!world.has_user(&mail["User:".len()..]).await);
        assert_eq!(world.acls(&shop).await.len(), before.len() + 51);

        // The answer is to this very plan: with one rule more it is another.
        world.answer(&mut reconciler, &Finding::Held(held.clone()), Answer::Apply, "").await;
        world.root.create_acls(&[rule(51)]).await.unwrap();
        until("it is there", async || world.acls(&shop).await.len() == before.len() + 52).await;
        let report = reconciler.pass().await.unwrap();
        let [Finding::Held(other), ..] = &report.findings[..] else { panic!("{:?}", report.findings) };
        assert!(other.version != held.version && report.written == 0);
        world.answer(&mut reconciler, &Finding::Held(other.clone()), Answer::Apply, "").await;
        until("all is set back", async || reconciler.pass().await.unwrap().written == 52).await;
        assert_eq!(world.acls(&shop).await, before);
        converge(&mut reconciler).await;
        assert_eq!(world.decisions().await, 0);
    })
    .await;
}

#[sqlx::test]
async fn c6_rows_that_vanish_take_no_access_and_no_user(pool: PgPool) {
    world(pool, async |world| {
        let [shop, _] = world.landscape().await;
        let mut reconciler = world.reconciler();
        converge(&mut reconciler).await;
        let (principal, topic) = (world.principal("shop"), world.topic().await);
        let before = world.acls(&principal).await;
        // Before that backup the environment was not enabled.
        sqlx::raw_sql("update environment set broker_enabled = false").execute(&world.pool).await.unwrap();
        let report = reconciler.pass().await.unwrap();
        let [Finding::Held(held), ..] = &report.findings[..] else { panic!("{:?}", report.findings) };
        assert_eq!((report.written, held.users), (0, 2));
        assert_eq!(world.acls(&principal).await, before);
        // Nor was there any of it.
        sqlx::raw_sql("truncate app, space, service cascade").execute(&world.pool).await.unwrap();
        assert_eq!(reconciler.pass().await.unwrap().written, 0);
        assert_eq!(world.acls(&principal).await, before);
        assert!(world.has_user(&shop.0).await && world.topic_is_there(&topic).await);
    })
    .await;
}
