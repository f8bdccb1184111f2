//! Every SQL statement.
//!
//! Functions take a connection, so that their caller decides what is one transaction, and give domain values.
//! Refuses to decide anything: rights, defaults and history are the manager's.
//!
//! Verbs: `find_*` gives an option, `load_*` fails with [`Error::Missing`], `list_*` gives all, in a stated order.

pub mod access;
pub mod apps;
pub mod bridges;
pub mod catalogue;
pub mod changes;
pub mod dead_letters;
pub mod decisions;
pub mod deployments;
pub mod desired;
mod error;
pub mod grants;
pub mod groups;
pub mod installation_key;
pub mod lanes;
pub mod members;
pub mod moves;
pub mod overview;
pub mod passes;
pub mod principals;
pub mod search;
pub mod sessions;
mod sorted;
pub mod spaces;
pub mod tokens;
pub mod traffic;
pub mod uploads;
pub mod workers;

pub use error::Error;
pub use sorted::{Columns, Page, Sorting};
pub use sqlx::{PgConnection, PgPool};

use std::time::Duration;

use sqlx::{Connection, Postgres, Transaction, postgres::PgPoolOptions};

/// What every function here answers.
pub type Result<T> = std::result::Result<T, Error>;

/// How long a connection may have been idle to be used without a question.
const FRESH: Duration = Duration::from_secs(1);

/// The migrations, in the program itself.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!();

/// A pool of connections. Nothing is connected yet.
///
/// A dead database is an error after three seconds, not a request that hangs.
pub fn pool(url: &str, max_connections: u32) -> Result<PgPool> {
    Ok(PgPoolOptions::new()
        .max_connections(max_connections)
        .acquire_timeout(Duration::from_secs(3))
        // One that was just used is as good as one that has just been asked whether it lives.
        .test_before_acquire(false)
        .before_acquire(|db, meta| {
            Box::pin(async move {
                if meta.idle_for > FRESH {
                    db.ping().await?;
                }
                Ok(true)
            })
        })
        .connect_lazy(url)?)
}

/// Begins a transaction.
pub async fn begin(pool: &PgPool) -> Result<Transaction<'static, Postgres>> {
    begin_by(pool, "begin").await
}

/// Begins a transaction that only reads, all of it as it was at one moment.
pub async fn begin_reading(pool: &PgPool) -> Result<Transaction<'static, Postgres>> {
    begin_by(pool, "begin isolation level repeatable read read only").await
}

/// In a task of its own, which ends also when nobody waits for it any more: sqlx 0.9.0 leaves a transaction open for whoever
/// has the connection next, where its beginning is dropped on the way (sqlx #4393).
async fn begin_by(pool: &PgPool, statement: &'static str) -> Result<Transaction<'static, Postgres>> {
    let pool = pool.clone();
    let begun = tokio::spawn(async move { pool.begin_with(statement).await }).await;
    Ok(begun.unwrap_or(Err(sqlx::Error::WorkerCrashed))?)
}

/// Brings the database to this program's shape.
pub async fn migrate(pool: &PgPool) -> std::result::Result<(), sqlx::migrate::MigrateError> {
    MIGRATIONS.run(pool).await
}

/// Whether the database answers and has this program's shape.
pub async fn is_ready(pool: &PgPool) -> Result<bool> {
    let applied: i64 =
        sqlx::query_scalar("select count(*) from _sqlx_migrations where success").fetch_one(pool).await?;
    Ok(usize::try_from(applied).is_ok_and(|applied| applied >= MIGRATIONS.iter().count()))
}

/// Listeners of this channel hear of every change, as `<kind>:<id>`: for live pages.
pub const CHANGED: &str = "ebm_change";
/// A hint that what Kafka should hold has changed.
pub const DESIRED: &str = "ebm_desired";
/// A hint that a bridge has changed.
pub const BRIDGE: &str = "ebm_bridge";

/// The turn of whoever adds something that people know by its name: a member, a Space.
pub const NAMES: &str = "names";

/// Waits for whoever has the same turn, and has it until the transaction ends: of two who look and then write, the second
/// sees what the first has written.
pub async fn take_turn(db: &mut PgConnection, turn: &str) -> Result<()> {
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended($1, 0))", turn).execute(db).await?;
    Ok(())
}

/// Says, when the transaction commits, that an object has changed.
pub async fn notify(db: &mut PgConnection, channel: &'static str, payload: &str) -> Result<()> {
    sqlx::query!("select pg_notify($1, $2)", channel, payload).execute(db).await?;
    Ok(())
}

/// Says the same of many, each as `<kind>:<id>`; of each once.
async fn notify_changed(db: &mut PgConnection, pages: &[String]) -> Result<()> {
    if !pages.is_empty() {
        sqlx::query!("select pg_notify($1, page) from (select distinct unnest($2::text[])) o (page)", CHANGED, pages)
            .execute(db)
            .await?;
    }
    Ok(())
}
