//! What takes an hour and more: `dev/faults --long`.

use std::{env, time::Duration};

use sqlx::PgPool;
use tokio::time::{Instant, sleep, sleep_until};

use super::stage::{HELD, Kind, PATIENCE, Route, Stage, WINDOW};
use crate::sqs::Fault;

/// A number that may be made smaller.
fn number(name: &str, otherwise: usize) -> usize {
    env::var(name).map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("{name} is no number")))
}

/// One of so many.
fn any(of: usize) -> usize {
    u32::from_le_bytes(ebm::secrets::random()) as usize % of
}

async fn killed(pool: PgPool, route: Route, each: usize) {
    let (events, kills) = (number("EBM_EVENTS", 1_000_000), number("EBM_KILLS", 200));
    let mut stage = Stage::new(pool, route).await;
    let began = Instant::now();
    let mut bridge = stage.bridge("one").await;
    for _ in 0..kills {
        stage.send(events / kills).await;
        sleep(Duration::from_millis(u64::try_from(any(1_500)).unwrap())).await;
        bridge.kill();
        if matches!(route, Route::Inbound(_)) {
            stage.sqs.clock().advance(Duration::from_mins(2));
        }
        stage.note_what_came();
        bridge = stage.starting("one").await;
    }
    stage.settle_within(PATIENCE * 60).await;
    let verdict = stage.ledger.assert_none_lost(kills * each);
    println!("{route:?}, {kills} kills: {verdict} in {:?}", began.elapsed());
    if matches!(route, Route::Outbound(Kind::Fifo) | Route::Inbound(Kind::Fifo)) {
        stage.ledger.assert_in_order();
    }
    assert_eq!(stage.dead_letters().await, 0);
    bridge.terminate().await;
}

#[sqlx::test]
#[ignore = "a million events: dev/faults --long"]
async fn a_million_events_outwards_under_kills_lose_nothing(pool: PgPool) {
    killed(pool, Route::Outbound(Kind::Fifo), 0).await;
}

#[sqlx::test]
#[ignore = "a million events: dev/faults --long"]
async fn a_million_events_outwards_to_a_standard_queue_under_kills_lose_nothing(pool: PgPool) {
    killed(pool, Route::Outbound(Kind::Standard), WINDOW).await;
}

#[sqlx::test]
#[ignore = "a million events: dev/faults --long"]
async fn a_million_events_inwards_under_kills_lose_nothing(pool: PgPool) {
    killed(pool, Route::Inbound(Kind::Fifo), HELD).await;
}

#[sqlx::test]
#[ignore = "two hours: dev/faults --long"]
async fn a_steady_load_under_a_fault_every_five_minutes_costs_neither_events_nor_memory(pool: PgPool) {
    let (minutes, rate) = (number("EBM_SOAK", 120), number("EBM_RATE", 1_000));
    let mut stage = Stage::new(pool, Route::Outbound(Kind::Standard)).await;
    let bridge = stage.bridge("one").await;
    let began = Instant::now();
    let mut memory = Vec::new();
    for second in 0..u32::try_from(minutes * 60).unwrap() {
        stage.send(rate).await;
        stage.note_what_came();
        if second % 300 == 150 {
            let fault = any(4);
            match fault {
                0 => stage.sqs.fault(|_| Fault::Unavailable),
                1 => stage.sqs.fault(|_| Fault::Throttle),
                2 => stage.kafka.refuse(true),
                _ => stage.postgres.refuse(true),
            }
            stage.kafka.reset();
            println!("after {second} s: fault {fault}");
        }
        if second % 300 == 180 {
            stage.sqs.mend();
            stage.kafka.refuse(false);
            stage.postgres.refuse(false);
        }
        if second % 60 == 0 {
            memory.push(bridge.memory() >> 10);
        }
        sleep_until(began + Duration::from_secs(1) * (second + 1)).await;
    }
    stage.settle_within(PATIENCE * 10).await;
    let verdict = stage.ledger.assert_none_lost(WINDOW * minutes / 5 + WINDOW);
    println!("{minutes} minutes at {rate} a second: {verdict}");
    println!("KiB of memory, minute by minute: {memory:?}");
    assert_eq!(stage.dead_letters().await, 0);
}
