//! What the reconciler has reported of the cluster.

use serde_json::Value;
use time::OffsetDateTime;

use super::{CHANGED, Page, PgConnection, PgPool, Result, notify};

/// Passes that are kept.
const KEPT: i64 = 500;

/// A pass that changed something, or failed.
#[derive(Clone, Debug)]
pub struct Pass {
    /// Its number.
    pub id: i64,
    /// When it began.
    pub at: OffsetDateTime,
    /// How long it took, in milliseconds.
    pub took_ms: i32,
    /// Things in Kafka that it changed.
    pub written: i32,
    /// Its steps, a line each.
    pub steps: Value,
    /// Objects that waited for Kafka afterwards.
    pub pending: i32,
    /// Objects that Kafka refused.
    pub failed: i32,
    /// Why it failed.
    pub error: Option<String>,
}

/// Writes down the newest report, what of it lets Spaces see each other, and the pass where it did anything. A failure
/// that lasts is one row.
pub async fn note(pool: &PgPool, report: &Value, breaches: &[String], pass: Option<&Pass>) -> Result<()> {
    let mut tx = super::begin(pool).await?;
    let mut is_news = sqlx::query_scalar!(
        r#"with before as (select breaches from cluster_report)
           insert into cluster_report (at, report, breaches) values (now(), $1, $2)
           on conflict (one) do update set at = now(), report = excluded.report, breaches = excluded.breaches
           returning breaches <> coalesce((select b.breaches from before b), '{}') as "is_news!""#,
        report,
        breaches
    )
    .fetch_one(&mut *tx)
    .await?;
    if let Some(pass) = pass {
        let done = sqlx::query!(
            "insert into pass (at, took_ms, written, steps, pending, failed, error)
             select $1, $2, $3, $4, $5, $6, $7
             where $3 > 0 or $7::text is distinct from (select error from pass order by id desc limit 1)",
            pass.at,
            pass.took_ms,
            pass.written,
            pass.steps,
            pass.pending,
            pass.failed,
            pass.error
        )
        .execute(&mut *tx)
        .await?;
        if done.rows_affected() > 0 {
            sqlx::query!("delete from pass where id <= (select max(id) from pass) - $1", KEPT)
                .execute(&mut *tx)
                .await?;
            is_news = true;
        }
    }
    if is_news {
        notify(&mut tx, CHANGED, "cluster:kafka").await?;
    }
    Ok(tx.commit().await?)
}

/// The newest report, and when it was written.
pub async fn find_report(db: &mut PgConnection) -> Result<Option<(OffsetDateTime, Value)>> {
    let row = sqlx::query!("select at, report from cluster_report").fetch_optional(db).await?;
    Ok(row.map(|row| (row.at, row.report)))
}

/// Passes from the newest on, before the number `before`.
pub async fn list(db: &mut PgConnection, before: Option<i64>, limit: i64) -> Result<Page<Pass>> {
    let rows = sqlx::query_as!(
        Pass,
        "select id, at, took_ms, written, steps, pending, failed, error from pass
         where $1::bigint is null or id < $1 order by id desc limit $2",
        before,
        limit + 1
    )
    .fetch_all(db)
    .await?;
    Ok(Page::cut(rows, limit, |pass: &Pass| pass.id.to_string()))
}
