//! Sign-in sessions. The cookie's id is never kept, only its SHA-256.

use serde_json::Value;
use time::OffsetDateTime;

use super::{PgConnection, Result};
use crate::domain::ids::MemberId;

/// Adds a session. Gives false when one with this hash exists: make another id then.
pub async fn insert(db: &mut PgConnection, hash: &[u8], record: &Value, expires_at: OffsetDateTime) -> Result<bool> {
    let done = sqlx::query!(
        "insert into session (hash, record, expires_at) values ($1, $2, $3) on conflict do nothing",
        hash,
        record,
        expires_at
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Writes the record of a session that is there. One that has ended meanwhile stays ended.
pub async fn save(
    db: &mut PgConnection,
    hash: &[u8],
    member: Option<MemberId>,
    record: &Value,
    expires_at: OffsetDateTime,
) -> Result<()> {
    sqlx::query!(
        "update session set member_id = $2, record = $3, expires_at = $4 where hash = $1",
        hash,
        member.map(|m| m.0),
        record,
        expires_at
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The record of a session that has not expired.
pub async fn find(db: &mut PgConnection, hash: &[u8]) -> Result<Option<(Value, OffsetDateTime)>> {
    let row = sqlx::query!("select record, expires_at from session where hash = $1 and expires_at > now()", hash)
        .fetch_optional(db)
        .await?;
    Ok(row.map(|r| (r.record, r.expires_at)))
}

/// Ends a session.
pub async fn delete(db: &mut PgConnection, hash: &[u8]) -> Result<()> {
    sqlx::query!("delete from session where hash = $1", hash).execute(db).await?;
    Ok(())
}

/// Ends all sessions of a member.
pub async fn delete_of_member(db: &mut PgConnection, member: MemberId) -> Result<()> {
    sqlx::query!("delete from session where member_id = $1", member.0).execute(db).await?;
    Ok(())
}

/// Takes away what has expired.
pub async fn delete_expired(db: &mut PgConnection) -> Result<u64> {
    let done = sqlx::query!("delete from session where expires_at <= now()").execute(&mut *db).await?;
    sqlx::query!("delete from password_link where expires_at <= now()").execute(db).await?;
    Ok(done.rows_affected())
}
