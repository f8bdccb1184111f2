//! What becomes of transactions whose beginning nobody waits for any more.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

use ebm::store;
use futures::{FutureExt, future::poll_immediate};
use sqlx::{PgPool, postgres::PgPoolOptions};

#[sqlx::test]
async fn one_that_is_dropped_on_the_way_is_not_left_open(pool: PgPool) {
    let one = PgPoolOptions::new().max_connections(1).connect_with((*pool.connect_options()).clone()).await.unwrap();
    // In a transaction it stays the same.
    let id = || async { sqlx::query_scalar::<_, String>("select txid_current()::text").fetch_one(&one).await.unwrap() };
    for _ in 0..100 {
        assert!(poll_immediate(store::begin(&one).boxed()).await.is_none());
        assert_ne!(id().await, id().await, "who comes next is in a transaction of someone else");
    }
}
