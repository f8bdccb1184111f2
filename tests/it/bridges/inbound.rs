//! What SQS and Kafka may do to an inbound bridge.

use std::time::Duration;

use sqlx::PgPool;
use tokio::time::{sleep, timeout};

use super::stage::{HELD, Kind, PATIENCE, Route, Stage};
use crate::{
    faults::tries,
    reconcile::within,
    sqs::{Fault, Moment, When},
    wire::ApiKey,
};

const DELETE: &str = "DeleteMessageBatch";

fn below(most: usize) -> usize {
    u32::from_le_bytes(ebm::secrets::random()) as usize % most
}

#[sqlx::test]
async fn messages_arrive_as_events_byte_for_byte(pool: PgPool) {
    for kind in [Kind::Standard, Kind::Fifo] {
        let mut stage = Stage::new(pool.clone(), Route::Inbound(kind)).await;
        let _bridge = stage.bridge("one").await;
        stage.send(tries(2_000, 20_000)).await;
        stage.settle_within(PATIENCE * 5).await;
        println!("{kind:?}: {}", stage.ledger.assert_none_lost(0));
        if kind == Kind::Fifo {
            stage.ledger.assert_in_order();
        }
        assert_eq!(stage.dead_letters().await, 0);
        sqlx::query("truncate space, app cascade").execute(&pool).await.unwrap();
    }
}

#[sqlx::test]
async fn a_queue_that_fails_often_loses_nothing(pool: PgPool) {
    for kind in [Kind::Standard, Kind::Fifo] {
        let mut stage = Stage::new(pool.clone(), Route::Inbound(kind)).await;
        let _bridge = stage.bridge("one").await;
        stage.sqs.fault(|asked| match below(10) {
            0 => Fault::Internal,
            1 => Fault::Unavailable,
            2 => Fault::Throttle,
            3 if asked.action == DELETE => {
                let failed = (0..asked.entries).filter(|_| below(2) == 0).collect();
                Fault::Partly { failed, code: "InternalFailure", sender: false }
            }
            _ => Fault::None,
        });
        stage.send(2_000).await;
        // A batch whose calls fail one after the other waits up to half a minute between two of them.
        stage.settle_within(PATIENCE * 3).await;
        println!("{kind:?}, a third of all calls fail: {}", stage.ledger.assert_none_lost(0));
        if kind == Kind::Fifo {
            stage.ledger.assert_in_order();
        }
        assert_eq!(stage.dead_letters().await, 0);
        sqlx::query("truncate space, app cascade").execute(&pool).await.unwrap();
    }
}

#[sqlx::test]
async fn answers_of_a_queue_that_are_lost_lose_nothing(pool: PgPool) {
    let mut stage = Stage::new(pool, Route::Inbound(Kind::Standard)).await;
    let _bridge = stage.bridge("one").await;
    let mut lost = 0;
    stage.sqs.fault(move |_| {
        if lost < 20 && below(5) == 0 {
            lost += 1;
            return Fault::LoseReply;
        }
        Fault::None
    });
    stage.send(2_000).await;
    let clock = stage.sqs.clock();
    // A message whose giving was lost shows again after its time.
    {
        let settled = stage.settle();
        tokio::pin!(settled);
        while timeout(Duration::from_secs(1), &mut settled).await.is_err() {
            clock.advance(Duration::from_secs(20));
        }
    }
    println!("lost answers: {}", stage.ledger.assert_none_lost(20 * 10));
}

#[sqlx::test]
async fn a_refusal_of_deletes_makes_no_flood_of_repetitions(pool: PgPool) {
    let mut stage = Stage::new(pool, Route::Inbound(Kind::Standard)).await;
    let _bridge = stage.bridge("one").await;
    stage.sqs.fault(|asked| match asked.action.as_str() {
        DELETE => Fault::Refuse { code: "AccessDenied", status: 403 },
        _ => Fault::None,
    });
    stage.send(2_000).await;
    println!("{}", stage.status("halted").await);
    stage.sqs.mend();
    stage.status("running").await;
    stage.sqs.clock().advance(Duration::from_mins(2));
    stage.settle().await;
    println!("deletes were refused: {}", stage.ledger.assert_none_lost(HELD));
}

#[sqlx::test]
async fn kafka_that_breaks_off_and_is_away_loses_nothing(pool: PgPool) {
    let mut stage = Stage::new(pool, Route::Inbound(Kind::Standard)).await;
    let _bridge = stage.bridge("one").await;
    let breaks = tries(4, 20);
    for _ in 0..breaks {
        stage.send(500).await;
        stage.kafka.refuse(true);
        stage.kafka.reset();
        sleep(Duration::from_millis(500)).await;
        stage.kafka.refuse(false);
    }
    let clock = stage.sqs.clock();
    clock.advance(Duration::from_mins(2));
    stage.settle().await;
    println!("{breaks} breaks: {}", stage.ledger.assert_none_lost(breaks * HELD));
    assert_eq!(stage.dead_letters().await, 0);
}

/// Longer than a producer tries by itself: only what Kafka has said that it has stored may be deleted.
#[sqlx::test]
async fn kafka_that_is_away_for_long_is_waited_for(pool: PgPool) {
    let mut stage = Stage::new(pool, Route::Inbound(Kind::Standard)).await;
    let _bridge = stage.bridge("one").await;
    stage.kafka.refuse(true);
    stage.kafka.reset();
    stage.send(500).await;
    println!("{}", stage.status("waiting").await);
    let delay: i64 =
        sqlx::query_scalar("select max(delay_ms) from bridge_minute").fetch_one(&stage.pool).await.unwrap();
    assert!(delay > 10_000, "that they wait is told: {delay} ms");
    assert_eq!(*stage.sqs.deleted_count().borrow(), 0);
    stage.kafka.refuse(false);
    stage.status("running").await;
    stage.settle().await;
    println!("away for long: {}", stage.ledger.assert_none_lost(HELD));
    assert_eq!(stage.dead_letters().await, 0);
}

#[sqlx::test]
async fn what_is_hidden_for_too_short_is_hidden_for_longer_while_kafka_is_slow(pool: PgPool) {
    let mut stage = Stage::new(pool, Route::Inbound(Kind::Standard)).await;
    let _bridge = stage.bridge("one").await;
    stage.kafka.latency(Duration::from_secs(2));
    stage.send(200).await;
    stage.settle().await;
    println!("four seconds there and back: {}", stage.ledger.assert_none_lost(HELD));
    within(PATIENCE, "nothing is left", async || stage.sqs.left(&stage.queue).in_flight == 0).await;
}

#[sqlx::test]
async fn a_message_that_shows_again_before_kafka_has_it_is_deleted_by_its_newest_receipt(pool: PgPool) {
    for kind in [Kind::Standard, Kind::Fifo] {
        let mut stage = Stage::new(pool.clone(), Route::Inbound(kind)).await;
        let bridge = stage.bridge("one").await;
        for _ in 0..tries(2, 10) {
            let mut held = stage.kafka.hold_request(ApiKey::PRODUCE);
            stage.send_of_one_key(10).await;
            held.caught().await;
            // The machine stood still for longer than messages are hidden.
            stage.sqs.clock().advance(Duration::from_mins(5));
            held.release();
            stage.settle().await;
        }
        let stale = stage.sqs.stale_deletes(&stage.queue);
        println!("{kind:?}, shown again: {}, {stale} stale deletes", stage.ledger.assert_none_lost(HELD));
        assert_eq!(stage.dead_letters().await, 0);
        drop(bridge);
        sqlx::query("truncate space, app cascade").execute(&pool).await.unwrap();
    }
}

/// After this time a FIFO queue refuses to delete by an older receipt, and no newer one was given.
#[sqlx::test]
async fn a_receipt_that_is_too_old_is_no_reason_to_stand_still(pool: PgPool) {
    const RECEIVE: &str = "ReceiveMessage";
    let mut stage = Stage::new(pool, Route::Inbound(Kind::Fifo)).await;
    let _bridge = stage.bridge("one").await;
    let mut held = stage.sqs.hold(Moment { action: DELETE, when: When::Asked });
    stage.send_of_one_key(10).await;
    held.reached().await;
    // Nothing can be received anew until the receipts are too old.
    stage.sqs.fault(|asked| if asked.action == RECEIVE { Fault::Unavailable } else { Fault::None });
    let before = stage.sqs.calls(RECEIVE);
    within(PATIENCE, "receives fail", async || stage.sqs.calls(RECEIVE) > before + 1).await;
    stage.sqs.clock().advance(Duration::from_mins(5));
    held.release();
    within(PATIENCE, "a delete came too late", async || stage.sqs.stale_deletes(&stage.queue) > 0).await;
    stage.sqs.mend();
    stage.settle().await;
    println!("deleted too late: {}", stage.ledger.assert_none_lost(10));
    assert_eq!(stage.dead_letters().await, 0);
}
