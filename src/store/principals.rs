//! The SCRAM users of environments.

use time::OffsetDateTime;

use super::{PgConnection, Result, spaces::Followed};
use crate::domain::ids::EnvironmentId;

/// What is known of an environment's credentials. The password is not.
#[derive(Clone, Debug)]
pub struct Principal {
    /// `<app>.<environment>`
    pub username: String,
    /// When they were made or last rotated.
    pub rotated_at: OffsetDateTime,
    /// Whether Kafka has followed.
    pub followed: Followed,
}

/// What SCRAM needs to know of a password.
#[derive(Clone, Copy)]
pub struct Verifier<'a> {
    /// Rounds of PBKDF2.
    pub iterations: i32,
    /// Salt.
    pub salt: &'a [u8],
    /// Salted password, sealed.
    pub sealed: &'a [u8],
}

/// Makes or replaces the credentials of an environment. Gives true when they are new.
pub async fn upsert(
    db: &mut PgConnection,
    environment: EnvironmentId,
    username: &str,
    verifier: Verifier<'_>,
) -> Result<bool> {
    Ok(sqlx::query_scalar!(
        r#"insert into principal (environment_id, username, iterations, salt, salted_password)
           values ($1, $2, $3, $4, $5)
           on conflict (environment_id) do update
           set iterations = excluded.iterations, salt = excluded.salt, salted_password = excluded.salted_password,
               rotated_at = now(), changed_at = now(), applied_at = null, failure = null
           returning xmax = 0 as "new!""#,
        environment.0,
        username,
        verifier.iterations,
        verifier.salt,
        verifier.sealed
    )
    .fetch_one(db)
    .await?)
}

/// The credentials of an environment.
pub async fn find(db: &mut PgConnection, environment: EnvironmentId) -> Result<Option<Principal>> {
    let row = sqlx::query!(
        "select username, rotated_at, changed_at, applied_at, failure from principal where environment_id = $1",
        environment.0
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|r| Principal {
        username: r.username,
        rotated_at: r.rotated_at,
        followed: Followed::of(r.changed_at, r.applied_at, r.failure),
    }))
}
