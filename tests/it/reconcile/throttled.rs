//! Kafka lets the console change only so much at a time: the rest comes by and by, and nothing is said of it before.
//!
//! On the brokers of which this test has no others beside it, since the quota is that of the console's user.

use std::{
    collections::BTreeSet,
    panic::{AssertUnwindSafe, resume_unwind},
    time::{Duration, Instant},
};

use futures::FutureExt;
use sqlx::PgPool;
use uuid::Uuid;

use super::{World, brokers::three_brokers, converge, until, variable};
use crate::faults::tries;

/// How long all of it may take.
const PATIENCE: Duration = Duration::from_mins(2);

/// Brokers save up what was not used of a quota for about eleven seconds: so many topics as are wanted would take fifteen.
const SECONDS: f64 = 15.0;

impl World {
    /// Wants so many more topics.
    async fn want_topics(&self, count: i32) {
        let sql = "insert into channel (id, service_id, address)
                   select gen_random_uuid(), s.id, 'more-' || n from service s, generate_series(1, $1) n";
        sqlx::query(sql).bind(count).execute(&self.pool).await.unwrap();
        let sql = "insert into channel_topic (channel_id, space_id, partitions, replicas)
                   select c.id, p.id, 1, 1 from channel c, space p where c.address like 'more-%' and p.name = $1";
        sqlx::query(sql).bind(self.space()).execute(&self.pool).await.unwrap();
    }

    /// The names of the topics that are wanted, or only of those that are said to be there.
    async fn wanted(&self, only_applied: bool) -> Vec<String> {
        let sql = "select t.channel_id, p.name from channel_topic t join space p on p.id = t.space_id
                   where t.applied_at is not null or not $1";
        let rows: Vec<(Uuid, String)> = sqlx::query_as(sql).bind(only_applied).fetch_all(&self.pool).await.unwrap();
        rows.into_iter().map(|(channel, space)| format!("businessevents.{channel}.{space}")).collect()
    }

    /// Those of these topics that Kafka does not have.
    async fn missing(&self, names: &[String]) -> usize {
        let topics = self.root.topics(Some(names)).await.unwrap();
        topics.iter().filter(|topic| topic.error.is_some()).count()
    }
}

/// Runs a test while the console may change so many partitions a second. However it ends, there is no quota afterwards.
async fn throttled(world: &World, rate: f64, test: impl AsyncFnOnce()) {
    let user = variable("EBM_KAFKA__USERNAME");
    world.root.set_mutation_rate(&user, Some(rate)).await.unwrap();
    let outcome = AssertUnwindSafe(test()).catch_unwind().await;
    world.root.set_mutation_rate(&user, None).await.unwrap();
    if let Err(panic) = outcome {
        resume_unwind(panic);
    }
}

#[sqlx::test]
async fn under_a_quota_of_kafka_the_rest_comes_later_and_nothing_is_said_before(pool: PgPool) {
    three_brokers(pool, 1, async |world| {
        world.landscape().await;
        let mut reconciler = world.reconciler();
        converge(&mut reconciler).await;
        let count = tries(300, 1_000);
        let many = i32::try_from(count).unwrap();
        world.want_topics(many).await;

        let (mut passes, mut written, mut early) = (0, 0, 0);
        throttled(world, f64::from(many) / SECONDS, async || {
            let end = Instant::now() + PATIENCE;
            loop {
                let report = reconciler.pass().await.unwrap();
                passes += 1;
                written += report.written;
                early += world.missing(&world.wanted(true).await).await;
                assert_eq!(report.failed, 0, "what has to wait has not failed: {report:?}");
                if report.pending == 0 {
                    break;
                }
                assert!(Instant::now() < end, "still to do after {PATIENCE:?}: {report:?}");
            }
        })
        .await;

        let wanted: BTreeSet<_> = world.wanted(false).await.into_iter().collect();
        let topics = world.root.topics(None).await.unwrap().into_iter().map(|topic| topic.name);
        let there: BTreeSet<_> =
            topics.filter(|name| name.starts_with("businessevents.") && name.contains(&world.name)).collect();
        let (missing, extra) = (wanted.difference(&there).count(), there.difference(&wanted).count());
        println!(
            "a quota of Kafka: {count} topics in {passes} passes, {written} written, {early} said early, {missing} missing, {extra} extra"
        );
        assert!(passes > 1, "the quota has held nothing back");
        // Each once: what was made is not made again.
        assert_eq!(written, count);
        assert_eq!((early, missing, extra), (0, 0, 0));
        assert_eq!(world.wanted(true).await.len(), wanted.len());
        until("there is nothing left to do", async || reconciler.pass().await.unwrap().written == 0).await;
    })
    .await;
}
