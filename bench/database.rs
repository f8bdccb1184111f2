//! Databases of the benchmarks, beside the one that `run` has made.

use sqlx::{Connection, Executor, PgConnection};

use crate::Result;

/// Makes a database anew, with nothing in it. Gives its address.
pub async fn create(name: &str) -> Result<String> {
    let base =
        std::env::var("DATABASE_URL").map_err(|_| "DATABASE_URL is not set: start the benchmark by its `run`")?;
    let mut admin = PgConnection::connect(&base).await?;
    admin.execute(sqlx::AssertSqlSafe(format!("drop database if exists {name} with (force)"))).await?;
    admin.execute(sqlx::AssertSqlSafe(format!("create database {name}"))).await?;
    let (front, _) = base.rsplit_once('/').ok_or("DATABASE_URL names no database")?;
    Ok(format!("{front}/{name}"))
}
