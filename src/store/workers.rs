//! Names of workers in consumer groups: one process at a time has each.

use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

use super::{PgPool, Result};

/// A lock on a name that ends with the process, or with its connection.
pub struct Lock(PgConnection);

impl Lock {
    /// Takes the lock; `None` while another connection has it.
    pub async fn take(pool: &PgPool, slot: &str) -> Result<Option<Self>> {
        let mut connection = pool.acquire().await?.detach();
        let taken = sqlx::query_scalar!(
            r#"select pg_try_advisory_lock(hashtextextended('ebm worker ' || $1, 0)) as "taken!""#,
            slot
        )
        .fetch_one(&mut connection)
        .await?;
        if taken {
            return Ok(Some(Self(connection)));
        }
        // Whoever has it goes on; this one may be closed without a word as well.
        let _ = connection.close().await;
        Ok(None)
    }

    /// Whether the lock is still there: an error where its connection is not.
    pub async fn is_kept(&mut self) -> Result<()> {
        sqlx::query!("select 1 as one").fetch_one(&mut self.0).await?;
        Ok(())
    }

    /// Lets go of it.
    pub async fn release(self) {
        let _ = self.0.close().await;
    }
}

/// Writes down that this process has a name: where it had it before, where nobody was seen to have it for a while, or
/// where it is known that whoever had it is gone. Gives whether it has it.
pub async fn hold(pool: &PgPool, slot: &str, holder: Uuid, is_free: bool) -> Result<bool> {
    let held = sqlx::query_scalar!(
        r#"insert into worker (slot, holder, seen_at) values ($1, $2, now())
           on conflict (slot) do update set holder = $2, seen_at = now()
           where worker.holder = $2 or worker.seen_at < now() - interval '15 seconds' or $3
           returning 1 as "one!""#,
        slot,
        holder,
        is_free
    )
    .fetch_optional(pool)
    .await?;
    Ok(held.is_some())
}
