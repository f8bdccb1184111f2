//! A broker is killed under a bridge: others lead its partitions, and the group is looked after by another one.

use std::time::Duration;

use sqlx::PgPool;

use super::stage::{HELD, Kind, Route, Stage};
use crate::{
    faults::tries,
    support::brokers::{Absence, turn},
};

#[sqlx::test]
async fn a_broker_that_is_killed_and_started_under_load_costs_no_event(pool: PgPool) {
    let _turn = turn().await;
    for (route, excused) in [(Route::Outbound(Kind::Fifo), 0), (Route::Inbound(Kind::Standard), HELD)] {
        let mut stage = Stage::on_three_brokers(pool.clone(), route).await;
        stage.is_on(3).await;
        let bridge = stage.bridge("one").await;
        let times = tries(1, 10);
        for _ in 0..times {
            stage.send(300).await;
            let absence = Absence::down();
            stage.send(300).await;
            stage.is_on(2).await;
            stage.send(300).await;
            drop(absence);
            stage.send(300).await;
            stage.is_on(3).await;
        }
        stage.settle_within(Duration::from_mins(2)).await;
        println!("{route:?}, a broker is killed {times} times: {}", stage.ledger.assert_none_lost(times * excused));
        if route == Route::Outbound(Kind::Fifo) {
            stage.ledger.assert_in_order();
        }
        drop(bridge);
        sqlx::query("truncate space, app cascade").execute(&pool).await.unwrap();
    }
}
