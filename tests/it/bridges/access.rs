//! What the policy that people are given lets a bridge do: all it needs, and nothing else.

use std::time::Duration;

use ebm::{
    aws::policy,
    domain::{bridge::Direction, queue_url::QueueUrl},
};
use sqlx::PgPool;

use super::stage::{Kind, ROLE, Route, Stage};

const FOREIGN: &str = "998877665544";

impl Stage {
    /// Gives the queue the policy that the console shows for a direction.
    fn let_in(&self, direction: Direction) {
        let queue: QueueUrl = self.queue.parse().unwrap();
        let statement = policy::statement(self.bridge_id, ROLE, &queue, direction);
        self.sqs.set_attribute(&self.queue, "Policy", &policy::merge(None, &[statement]).unwrap());
    }
}

#[sqlx::test]
async fn the_policy_that_is_shown_allows_all_a_bridge_does_at_a_foreign_queue(pool: PgPool) {
    for (route, direction) in [
        (Route::Outbound(Kind::Standard), Direction::Outbound),
        (Route::Outbound(Kind::Fifo), Direction::Outbound),
        (Route::Inbound(Kind::Standard), Direction::Inbound),
        (Route::Inbound(Kind::Fifo), Direction::Inbound),
    ] {
        let mut stage = Stage::at(pool.clone(), route, FOREIGN).await;
        stage.let_in(direction);
        let bridge = stage.bridge("one").await;
        // Slow enough that messages must be hidden for longer.
        stage.kafka.latency(Duration::from_millis(200));
        stage.send(300).await;
        stage.settle().await;
        stage.ledger.assert_none_lost(0);
        assert_eq!(stage.sqs.refused(), 0, "{route:?}");
        let external_ids = stage.sqs.external_ids(ROLE);
        assert!(!external_ids.is_empty() && external_ids.iter().all(|id| id.as_deref() == Some("x")));
        drop(bridge);
        sqlx::query("truncate space, app cascade").execute(&pool).await.unwrap();
    }
}

#[sqlx::test]
async fn the_policy_of_one_direction_lets_nobody_go_the_other(pool: PgPool) {
    for (route, other) in
        [(Route::Outbound(Kind::Standard), Direction::Inbound), (Route::Inbound(Kind::Standard), Direction::Outbound)]
    {
        let mut stage = Stage::at(pool.clone(), route, FOREIGN).await;
        // Both may look at the queue, so that it starts; whoever sends begins where the topic ends then.
        stage.let_in(other);
        let is_outbound = matches!(route, Route::Outbound(_));
        let bridge = if is_outbound { stage.bridge("one").await } else { stage.starting("one").await };
        stage.send(20).await;
        let reason = stage.status("halted").await;
        let needed = if is_outbound { "sqs:SendMessage" } else { "sqs:ReceiveMessage" };
        assert!(reason.contains(needed), "{reason}");
        stage.let_in(if is_outbound { Direction::Outbound } else { Direction::Inbound });
        stage.settle().await;
        stage.ledger.assert_none_lost(0);
        drop(bridge);
        sqlx::query("truncate space, app cascade").execute(&pool).await.unwrap();
    }
}

#[sqlx::test]
async fn a_session_that_ends_is_begun_anew_without_anybody(pool: PgPool) {
    for route in [Route::Outbound(Kind::Standard), Route::Inbound(Kind::Standard)] {
        let mut stage = Stage::new(pool.clone(), route).await;
        let bridge = stage.bridge("one").await;
        for _ in 0..2 {
            stage.send(200).await;
            stage.settle().await;
            stage.sqs.clock().advance(Duration::from_hours(2));
        }
        stage.send(200).await;
        stage.settle().await;
        stage.ledger.assert_none_lost(0);
        assert!(stage.sqs.external_ids(ROLE).len() >= 3, "a session for each time");
        drop(bridge);
        sqlx::query("truncate space, app cascade").execute(&pool).await.unwrap();
    }
}

#[sqlx::test]
async fn a_queue_that_is_deleted_halts_the_bridge_until_it_is_there_again(pool: PgPool) {
    let mut stage = Stage::new(pool, Route::Outbound(Kind::Standard)).await;
    let _bridge = stage.bridge("one").await;
    stage.sqs.delete_queue(&stage.queue);
    stage.send(100).await;
    println!("{}", stage.status("halted").await);
    stage.sqs.create("123456789012", "orders");
    stage.settle().await;
    stage.ledger.assert_none_lost(0);
    assert_eq!(stage.dead_letters().await, 0);
}

#[sqlx::test]
async fn a_role_that_may_not_be_taken_on_halts_the_bridge_until_it_may(pool: PgPool) {
    let mut stage = Stage::new(pool, Route::Outbound(Kind::Standard)).await;
    stage.sqs.deny(None);
    let _bridge = stage.starting("one").await;
    let reason = stage.status("misconfigured").await;
    assert!(reason.contains("sts:AssumeRole"), "{reason}");
    stage.sqs.mend();
    stage.status("running").await;
    stage.send(100).await;
    stage.settle().await;
    stage.ledger.assert_none_lost(0);
}
