//! Which key the installation's secrets are sealed with, as a mark that only this key opens.

use super::{PgConnection, PgPool, Result};
use crate::domain::ids::EnvironmentId;

/// The mark; `None` in a database that no console has been started on.
pub async fn find_mark(pool: &PgPool) -> Result<Option<Vec<u8>>> {
    Ok(sqlx::query_scalar!("select mark from installation_key").fetch_optional(pool).await?)
}

/// Keeps a mark where there is none; gives the one that holds.
pub async fn keep_mark(db: &mut PgConnection, mark: &[u8]) -> Result<Vec<u8>> {
    sqlx::query!("insert into installation_key (mark) values ($1) on conflict do nothing", mark)
        .execute(&mut *db)
        .await?;
    Ok(sqlx::query_scalar!("select mark from installation_key").fetch_one(db).await?)
}

/// A secret that was sealed already, and the row it was sealed for in the table `principal`.
pub async fn find_sealed(db: &mut PgConnection) -> Result<Option<(EnvironmentId, Vec<u8>)>> {
    let row = sqlx::query!("select environment_id, salted_password from principal limit 1").fetch_optional(db).await?;
    Ok(row.map(|row| (EnvironmentId(row.environment_id), row.salted_password)))
}
