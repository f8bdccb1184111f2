//! Several bridge processes share the work: each event is moved by one of them, whatever becomes of the others.

use std::time::Duration;

use sqlx::PgPool;

use super::stage::{HELD, Kind, PATIENCE, Route, Stage, WINDOW};
use crate::{faults::tries, reconcile::within, sqs::Fault, wire::ApiKey};

#[sqlx::test]
async fn what_one_of_three_bridges_held_when_it_was_killed_is_moved_by_the_others(pool: PgPool) {
    for (route, excused) in [
        (Route::Outbound(Kind::Standard), WINDOW),
        (Route::Outbound(Kind::Fifo), 0),
        (Route::Inbound(Kind::Standard), HELD),
        (Route::Inbound(Kind::Fifo), HELD),
    ] {
        let mut stage = Stage::new(pool.clone(), route).await;
        let mut one = stage.bridge("one").await;
        let (two, three) = (stage.bridge("two").await, stage.bridge("three").await);
        stage.send(1_000).await;
        one.kill();
        stage.send(1_000).await;
        // What it had received shows again; its partitions go to the others when it was silent for its time.
        if matches!(route, Route::Inbound(_)) {
            stage.sqs.clock().advance(Duration::from_mins(2));
        }
        stage.settle().await;
        println!("{route:?}, one of three is killed: {}", stage.ledger.assert_none_lost(excused));
        if matches!(route, Route::Outbound(Kind::Fifo) | Route::Inbound(Kind::Fifo)) {
            stage.ledger.assert_in_order();
        }
        drop((two, three));
        sqlx::query("truncate space, app cascade").execute(&pool).await.unwrap();
    }
}

#[sqlx::test]
async fn a_bridge_that_is_killed_while_partitions_change_hands_loses_nothing(pool: PgPool) {
    let mut stage = Stage::new(pool, Route::Outbound(Kind::Fifo)).await;
    let one = stage.bridge("one").await;
    for _ in 0..tries(1, 10) {
        let mut held = stage.kafka.hold_answer(ApiKey::SYNC_GROUP);
        let mut two = stage.starting("two").await;
        // It joins as soon as there is something to move.
        stage.send_until(held.caught()).await;
        two.kill();
        held.drop_connection();
        stage.settle().await;
    }
    println!("killed while partitions change hands: {}", stage.ledger.assert_none_lost(0));
    stage.ledger.assert_in_order();
    drop(one);
}

/// Meanwhile the other one was held up by its queue, and then was not any more.
#[sqlx::test]
async fn a_partition_that_comes_back_to_a_bridge_that_was_held_up_is_read(pool: PgPool) {
    let mut stage = Stage::new(pool, Route::Outbound(Kind::Standard)).await;
    let _one = stage.bridge("one").await;
    stage.sqs.fault(|asked| match asked.action.as_str() {
        "SendMessageBatch" => Fault::Refuse { code: "AccessDenied", status: 403 },
        _ => Fault::None,
    });
    stage.send(3 * WINDOW).await;
    stage.status("halted").await;
    let mut two = stage.starting("two").await;
    stage.shared_by(2).await;
    stage.sqs.mend();
    stage.settle().await;
    two.terminate().await;
    stage.shared_by(1).await;
    stage.send(WINDOW).await;
    stage.settle().await;
    println!("went and came back: {}", stage.ledger.assert_none_lost(WINDOW));
}

/// As two of one host without a setting have it, or a container that was copied with its configuration.
#[sqlx::test]
async fn of_two_bridges_with_one_name_one_works_and_the_other_stands_by(pool: PgPool) {
    let mut stage = Stage::new(pool, Route::Outbound(Kind::Standard)).await;
    let mut one = stage.bridge("one").await;
    let other = stage.starting("one").await;
    within(PATIENCE, "the other one says why it waits", async || other.log().contains("give each its own")).await;
    stage.send(2 * WINDOW).await;
    stage.settle().await;
    println!("two of one name: {}", stage.ledger.assert_none_lost(0));
    one.kill();
    stage.send(WINDOW).await;
    stage.settle().await;
    println!("one of them was killed: {}", stage.ledger.assert_none_lost(WINDOW));
}

/// Whatever is under way when partitions change hands is finished and committed first.
#[sqlx::test]
async fn bridges_that_come_and_go_under_load_repeat_nothing(pool: PgPool) {
    let mut stage = Stage::new(pool, Route::Outbound(Kind::Standard)).await;
    let _one = stage.bridge("one").await;
    for _ in 0..tries(1, 10) {
        let mut two = stage.starting("two").await;
        stage.send_until_shared_by(2).await;
        stage.send(2 * WINDOW).await;
        two.terminate().await;
        stage.send_until_shared_by(1).await;
    }
    stage.settle().await;
    println!("came and went: {}", stage.ledger.assert_none_lost(0));
}
