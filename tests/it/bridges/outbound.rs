//! What SQS, Kafka and Postgres may do to an outbound bridge.

use std::time::Duration;

use sqlx::PgPool;
use tokio::time::{Instant, sleep};

use super::stage::{Kind, PATIENCE, Route, Stage, WINDOW};
use crate::{faults::tries, reconcile::within, sqs::Fault};

const SEND: &str = "SendMessageBatch";

fn below(most: usize) -> usize {
    u32::from_le_bytes(ebm::secrets::random()) as usize % most
}

#[sqlx::test]
async fn events_arrive_byte_for_byte_in_a_strict_queue(pool: PgPool) {
    for kind in [Kind::Standard, Kind::Fifo] {
        let mut stage = Stage::new(pool.clone(), Route::Outbound(kind)).await;
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
async fn a_queue_that_fails_often_and_then_wholly_loses_nothing(pool: PgPool) {
    let mut stage = Stage::new(pool, Route::Outbound(Kind::Standard)).await;
    let _bridge = stage.bridge("one").await;
    stage.sqs.fault(|_| match below(10) {
        0 => Fault::Internal,
        1 => Fault::Unavailable,
        2 => Fault::Throttle,
        _ => Fault::None,
    });
    stage.send(3_000).await;
    stage.settle().await;
    println!("a third of all calls fail: {}", stage.ledger.assert_none_lost(0));

    stage.sqs.fault(|_| Fault::Unavailable);
    stage.send(2_000).await;
    let (calls, second) = (|| stage.sqs.calls(SEND), Duration::from_secs(1));
    let begin = calls();
    sleep(second).await;
    let first = calls() - begin;
    // The pauses double up to half a minute; after some seconds little is asked.
    sleep(Duration::from_secs(8)).await;
    let before = calls();
    sleep(second * 4).await;
    let later = (calls() - before) / 4;
    println!("of a queue that is away: {first} calls in the first second, {later} a second later");
    assert!(later <= 4, "{later} calls a second");
    stage.sqs.mend();
    stage.settle().await;
    println!("a queue that was away: {}", stage.ledger.assert_none_lost(0));
    assert_eq!(stage.dead_letters().await, 0);
}

#[sqlx::test]
async fn a_queue_that_throttles_is_filled_as_fast_as_it_takes_and_nobody_halts(pool: PgPool) {
    const LIMIT: u32 = 100;
    let mut stage = Stage::new(pool, Route::Outbound(Kind::Fifo)).await;
    let _bridge = stage.bridge("one").await;
    let (mut second, mut calls) = (Instant::now(), 0);
    stage.sqs.fault(move |asked| {
        if second.elapsed() >= Duration::from_secs(1) {
            (second, calls) = (Instant::now(), 0);
        }
        calls += u32::from(asked.action == SEND);
        if calls > LIMIT { Fault::Throttle } else { Fault::None }
    });
    stage.send(tries(3_000, 30_000)).await;
    let (began, before) = (Instant::now(), stage.sqs.calls(SEND));
    stage.settle_within(PATIENCE * 5).await;
    let (took, sent) = (began.elapsed(), stage.sqs.calls(SEND) - before);
    println!("{LIMIT} calls a second: {} in {took:?}, {sent} calls", stage.ledger.assert_none_lost(0));
    stage.ledger.assert_in_order();
    stage.status("running").await;
    assert_eq!(stage.dead_letters().await, 0);
}

#[sqlx::test]
async fn of_a_batch_that_fails_in_part_only_the_rest_is_sent_again(pool: PgPool) {
    for kind in [Kind::Standard, Kind::Fifo] {
        let mut stage = Stage::new(pool.clone(), Route::Outbound(kind)).await;
        let _bridge = stage.bridge("one").await;
        stage.sqs.fault(|asked| {
            if asked.action != SEND || below(3) == 0 {
                return Fault::None;
            }
            let failed = (0..asked.entries).filter(|_| below(2) == 0).collect();
            Fault::Partly { failed, code: "InternalFailure", sender: false }
        });
        stage.send(tries(3_000, 100_000)).await;
        stage.settle_within(PATIENCE * 10).await;
        println!("{kind:?}, in part: {}", stage.ledger.assert_none_lost(0));
        if kind == Kind::Fifo {
            stage.ledger.assert_in_order();
        }
        assert_eq!(stage.dead_letters().await, 0);
        sqlx::query("truncate space, app cascade").execute(&pool).await.unwrap();
    }
}

#[sqlx::test]
async fn what_the_queue_calls_the_senders_fault_halts_and_is_no_dead_letter(pool: PgPool) {
    let mut stage = Stage::new(pool, Route::Outbound(Kind::Standard)).await;
    let _bridge = stage.bridge("one").await;
    stage.sqs.fault(|asked| match asked.action.as_str() {
        SEND => Fault::Partly { failed: vec![0], code: "InvalidParameterValue", sender: true },
        _ => Fault::None,
    });
    stage.send(200).await;
    println!("{}", stage.status("halted").await);
    assert_eq!(stage.dead_letters().await, 0);
    stage.sqs.mend();
    stage.status("running").await;
    stage.settle().await;
    stage.ledger.assert_none_lost(0);
    assert_eq!(stage.dead_letters().await, 0);
}

#[sqlx::test]
async fn a_lost_answer_repeats_its_request_alone_and_nothing_on_a_fifo_queue(pool: PgPool) {
    for (kind, each) in [(Kind::Standard, 10), (Kind::Fifo, 0)] {
        let mut stage = Stage::new(pool.clone(), Route::Outbound(kind)).await;
        let _bridge = stage.bridge("one").await;
        let mut lost = 0;
        stage.sqs.fault(move |asked| {
            if asked.action == SEND && lost < 20 && below(5) == 0 {
                lost += 1;
                return Fault::LoseReply;
            }
            Fault::None
        });
        stage.send(2_000).await;
        stage.settle().await;
        println!("{kind:?}, lost answers: {}", stage.ledger.assert_none_lost(20 * each));
        if kind == Kind::Fifo {
            stage.ledger.assert_in_order();
        }
        sqlx::query("truncate space, app cascade").execute(&pool).await.unwrap();
    }
}

#[sqlx::test]
async fn a_refusal_halts_the_bridge_and_it_goes_on_when_it_is_mended(pool: PgPool) {
    let mut stage = Stage::new(pool, Route::Outbound(Kind::Standard)).await;
    let _bridge = stage.bridge("one").await;
    for (what, refusal) in [
        ("denied", Fault::Refuse { code: "AccessDenied", status: 403 }),
        ("KMS", Fault::Refuse { code: "KmsAccessDenied", status: 400 }),
        ("gone", Fault::Refuse { code: "QueueDoesNotExist", status: 400 }),
        ("elsewhere", Fault::Redirect),
    ] {
        stage.sqs.fault(move |asked| if asked.action == SEND { refusal.clone() } else { Fault::None });
        let began = Instant::now();
        stage.send(300).await;
        let reason = stage.status("halted").await;
        println!("{what}: halted after {:?}: {reason}", began.elapsed());
        assert!(began.elapsed() < Duration::from_secs(30));
        assert!(reason.contains(&stage.queue), "{reason}");
        assert_eq!(stage.dead_letters().await, 0);
        stage.sqs.mend();
        let mended = Instant::now();
        stage.status("running").await;
        stage.settle().await;
        println!("{what}: mended after {:?}: {}", mended.elapsed(), stage.ledger.assert_none_lost(0));
    }
    assert_eq!(stage.dead_letters().await, 0);
}

#[sqlx::test]
async fn kafka_that_breaks_off_and_is_away_loses_nothing(pool: PgPool) {
    let mut stage = Stage::new(pool, Route::Outbound(Kind::Standard)).await;
    let _bridge = stage.bridge("one").await;
    let breaks = tries(4, 20);
    for _ in 0..breaks {
        stage.send(500).await;
        stage.kafka.refuse(true);
        stage.kafka.reset();
        sleep(Duration::from_millis(500)).await;
        stage.kafka.refuse(false);
    }
    stage.settle().await;
    println!("{breaks} breaks: {}", stage.ledger.assert_none_lost(breaks * WINDOW));
    assert_eq!(stage.dead_letters().await, 0);
}

#[sqlx::test]
async fn a_slow_kafka_is_no_error_and_memory_stays_small(pool: PgPool) {
    let mut stage = Stage::new(pool, Route::Outbound(Kind::Standard)).await;
    let bridge = stage.bridge("one").await;
    stage.kafka.latency(Duration::from_secs(1));
    stage.send(500).await;
    stage.settle().await;
    println!("two seconds there and back: {}", stage.ledger.assert_none_lost(WINDOW));
    stage.kafka.latency(Duration::ZERO);
    stage.kafka.rate(Some(200_000));
    stage.send(1_000).await;
    stage.settle().await;
    println!("200 KB a second: {}, {} MiB", stage.ledger.assert_none_lost(WINDOW), bridge.memory() >> 20);
    assert!(bridge.memory() < 256 << 20);
    assert_eq!(stage.dead_letters().await, 0);
}

#[sqlx::test]
async fn without_postgres_bridges_go_on_and_dead_letters_wait(pool: PgPool) {
    let mut stage = Stage::new(pool, Route::Outbound(Kind::Standard)).await;
    let _bridge = stage.bridge("one").await;
    for _ in 0..tries(2, 20) {
        stage.postgres.refuse(true);
        stage.postgres.reset();
        stage.send(300).await;
        stage.settle().await;
        stage.ledger.assert_none_lost(0);
        stage.postgres.refuse(false);
    }
    // What cannot be written down as a dead letter is not acknowledged.
    stage.postgres.refuse(true);
    stage.postgres.reset();
    let (committed, letters) = (stage.committed(), stage.dead_letters().await);
    stage.send_poison().await;
    sleep(Duration::from_secs(3)).await;
    assert_eq!(stage.committed(), committed);
    stage.postgres.refuse(false);
    within(PATIENCE, "the dead letter is written", async || stage.dead_letters().await == letters + 1).await;
    stage.send(100).await;
    stage.settle().await;
    stage.ledger.assert_none_lost(0);
    assert_eq!(stage.dead_letters().await, letters + 1);
}

#[sqlx::test]
async fn poison_becomes_dead_letters_one_each_and_holds_nobody_up(pool: PgPool) {
    let mut stage = Stage::new(pool, Route::Outbound(Kind::Standard)).await;
    let _bridge = stage.bridge("one").await;
    let rounds = tries(100, 10_000);
    for _ in 0..rounds {
        stage.send_poison().await;
        stage.send(9).await;
    }
    stage.settle_within(PATIENCE * 5).await;
    println!("one in ten is none: {}", stage.ledger.assert_none_lost(0));
    assert_eq!(stage.dead_letters().await, i64::try_from(rounds).unwrap());
}
