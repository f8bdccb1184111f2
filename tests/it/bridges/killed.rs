//! A bridge is killed at each moment that matters, at any moment, ended as operators end it, and held back while another
//! takes its place.

use std::time::Duration;

use sqlx::PgPool;
use tokio::time::{Instant, sleep};

use super::stage::{HELD, Kind, PATIENCE, Route, Stage, WINDOW};
use crate::{
    faults::tries,
    reconcile::within,
    sqs::{Moment, When},
    wire::ApiKey,
};

/// One batch: the most that may be repeated where no more than one is in flight.
const BATCH: usize = 10;
/// What is always moved by one request.
const ONE: usize = 1;

/// Where a bridge is killed.
#[derive(Clone, Copy, Debug)]
enum Point {
    /// The queue was asked, and has not done it.
    Asked(&'static str),
    /// The queue has done it, and has not answered.
    Done(&'static str),
    /// Kafka was asked, and has not heard it.
    Kafka(ApiKey),
    /// Kafka has done it, and the bridge has not heard that.
    KafkaDone(ApiKey),
}

impl Stage {
    /// Sends so many events, and kills the bridge at this point of moving them.
    async fn kill_at(&mut self, point: Point, events: usize) {
        let mut bridge = self.bridge("one").await;
        match point {
            Point::Asked(action) | Point::Done(action) => {
                let when = if matches!(point, Point::Asked(_)) { When::Asked } else { When::Done };
                let mut held = self.sqs.hold(Moment { action, when });
                self.send_of_one_key(events).await;
                held.reached().await;
                bridge.kill();
                held.release();
            }
            Point::Kafka(api) | Point::KafkaDone(api) => {
                let is_done = matches!(point, Point::KafkaDone(_));
                let mut held = if is_done { self.kafka.hold_answer(api) } else { self.kafka.hold_request(api) };
                self.send_of_one_key(events).await;
                held.caught().await;
                bridge.kill();
                held.drop_connection();
            }
        }
    }
}

#[sqlx::test]
async fn an_outbound_bridge_that_is_killed_anywhere_loses_nothing(pool: PgPool) {
    for kind in [Kind::Standard, Kind::Fifo] {
        let mut stage = Stage::new(pool.clone(), Route::Outbound(kind)).await;
        let repeats = if kind == Kind::Fifo { 0 } else { BATCH };
        for (point, events, excused) in [
            (Point::Asked("SendMessageBatch"), ONE, 0),
            (Point::Asked("SendMessageBatch"), BATCH, repeats),
            (Point::Done("SendMessageBatch"), BATCH, repeats),
            (Point::Kafka(ApiKey::OFFSET_COMMIT), BATCH, repeats),
            (Point::KafkaDone(ApiKey::OFFSET_COMMIT), ONE, 0),
            (Point::KafkaDone(ApiKey::OFFSET_COMMIT), BATCH, repeats),
        ] {
            for _ in 0..tries(1, 10) {
                let before = stage.ledger.verdict().duplicates;
                stage.kill_at(point, events).await;
                let mut bridge = stage.bridge("one").await;
                stage.settle().await;
                let verdict = stage.ledger.assert_none_lost(before + excused);
                println!("{kind:?}, killed at {point:?} of {events}: {verdict}");
                bridge.kill();
            }
        }
        stage.ledger.assert_in_order();
        assert_eq!(stage.dead_letters().await, 0);
        sqlx::query("truncate space, app cascade").execute(&pool).await.unwrap();
    }
}

#[sqlx::test]
async fn a_dead_letter_is_written_once_whenever_the_bridge_is_killed(pool: PgPool) {
    let mut stage = Stage::new(pool, Route::Outbound(Kind::Standard)).await;
    for done in 1..=i64::try_from(tries(2, 10)).unwrap() {
        let mut bridge = stage.bridge("one").await;
        let mut held = stage.kafka.hold_request(ApiKey::OFFSET_COMMIT);
        stage.send_poison().await;
        held.caught().await;
        assert_eq!(stage.dead_letters().await, done, "nothing is committed before");
        bridge.kill();
        held.drop_connection();
        let mut bridge = stage.bridge("one").await;
        stage.settle().await;
        assert_eq!(stage.dead_letters().await, done);
        bridge.terminate().await;
    }
}

#[sqlx::test]
async fn an_inbound_bridge_that_is_killed_anywhere_loses_nothing(pool: PgPool) {
    for kind in [Kind::Standard, Kind::Fifo] {
        let mut stage = Stage::new(pool.clone(), Route::Inbound(kind)).await;
        for (point, events, excused) in [
            (Point::Done("ReceiveMessage"), ONE, 0),
            (Point::Kafka(ApiKey::PRODUCE), ONE, 0),
            (Point::Kafka(ApiKey::PRODUCE), BATCH, BATCH),
            (Point::KafkaDone(ApiKey::PRODUCE), BATCH, BATCH),
            (Point::Asked("DeleteMessageBatch"), BATCH, BATCH),
            (Point::Done("DeleteMessageBatch"), ONE, 0),
            (Point::Done("DeleteMessageBatch"), BATCH, BATCH),
        ] {
            for _ in 0..tries(1, 10) {
                let before = stage.ledger.verdict().duplicates;
                stage.kill_at(point, events).await;
                // What it had received shows again when it was hidden for long enough.
                stage.sqs.clock().advance(Duration::from_mins(2));
                let mut bridge = stage.bridge("one").await;
                stage.settle().await;
                let verdict = stage.ledger.assert_none_lost(before + excused);
                println!("{kind:?}, killed at {point:?} of {events}: {verdict}");
                bridge.kill();
            }
        }
        if kind == Kind::Fifo {
            stage.ledger.assert_in_order();
        }
        assert_eq!(stage.dead_letters().await, 0);
        sqlx::query("truncate space, app cascade").execute(&pool).await.unwrap();
    }
}

/// Any moment within so long.
async fn any_moment(within: Duration) {
    sleep(within.mul_f64(f64::from(ebm::secrets::random::<1>()[0]) / 255.0)).await;
}

#[sqlx::test]
async fn bridges_that_are_killed_under_load_lose_nothing_and_keep_the_order(pool: PgPool) {
    let (events, kills) = (tries(4_000, 50_000), tries(6, 25));
    for (route, each) in [
        (Route::Outbound(Kind::Standard), WINDOW),
        (Route::Outbound(Kind::Fifo), 0),
        (Route::Inbound(Kind::Standard), HELD),
        (Route::Inbound(Kind::Fifo), HELD),
    ] {
        let mut stage = Stage::new(pool.clone(), route).await;
        let began = Instant::now();
        let mut bridge = stage.bridge("one").await;
        for _ in 0..kills {
            stage.send(events / kills).await;
            any_moment(Duration::from_millis(400)).await;
            bridge.kill();
            if matches!(route, Route::Inbound(_)) {
                // What it had received shows again.
                stage.sqs.clock().advance(Duration::from_mins(2));
            }
            bridge = stage.starting("one").await;
        }
        stage.settle_within(PATIENCE * 5).await;
        let verdict = stage.ledger.assert_none_lost(kills * each);
        println!("{route:?}, {kills} kills: {verdict} in {:?}", began.elapsed());
        if matches!(route, Route::Outbound(Kind::Fifo) | Route::Inbound(Kind::Fifo)) {
            stage.ledger.assert_in_order();
        }
        assert_eq!(stage.dead_letters().await, 0);
        bridge.terminate().await;
        sqlx::query("truncate space, app cascade").execute(&pool).await.unwrap();
    }
}

#[sqlx::test]
async fn bridges_that_are_ended_under_load_repeat_nothing(pool: PgPool) {
    for route in [Route::Outbound(Kind::Standard), Route::Inbound(Kind::Standard)] {
        let mut stage = Stage::new(pool.clone(), route).await;
        let mut slowest = Duration::ZERO;
        for _ in 0..tries(3, 20) {
            let mut bridge = stage.bridge("one").await;
            stage.send(1_000).await;
            any_moment(Duration::from_millis(300)).await;
            slowest = slowest.max(bridge.terminate().await);
        }
        let _bridge = stage.bridge("one").await;
        stage.settle().await;
        let verdict = stage.ledger.assert_none_lost(0);
        println!("{route:?}, ended: {verdict}, the slowest end took {slowest:?}");
        assert!(slowest < Duration::from_secs(12), "{slowest:?}");
        sqlx::query("truncate space, app cascade").execute(&pool).await.unwrap();
    }
}

#[sqlx::test]
async fn a_bridge_that_stood_still_takes_nothing_back_from_its_successor(pool: PgPool) {
    let mut stage = Stage::new(pool, Route::Outbound(Kind::Standard)).await;
    let one = stage.bridge("one").await;
    stage.send(500).await;
    stage.taken(100).await;
    one.stop().await;
    let _two = stage.bridge("two").await;
    stage.send(500).await;
    stage.settle().await;
    let committed = stage.committed();
    one.cont();
    within(PATIENCE, "it goes on", async || one.answers().await).await;
    stage.send(500).await;
    stage.settle().await;
    let verdict = stage.ledger.assert_none_lost(WINDOW);
    assert!(stage.committed().iter().zip(&committed).all(|(now, then)| now >= then));
    println!("stood still: {verdict}");
}
