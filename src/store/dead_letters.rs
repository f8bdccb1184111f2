//! Dead letters as people see to them. What the worker does with them: `lanes`.

use time::OffsetDateTime;

use super::{Page, PgConnection, Result, error::parsed};
use crate::domain::{bridge::Direction, ids::BridgeId};

/// An event that could not be delivered.
#[derive(Clone, Debug)]
pub struct DeadLetter {
    /// Its number; later ones are larger.
    pub id: i64,
    /// One word of the closed list.
    pub reason: String,
    /// In words.
    pub detail: String,
    /// Where it came from: topic, partition and offset, or queue and message id.
    pub source: String,
    /// The event and the direction of the route it would have taken, where that is known and still there.
    pub route: Option<(String, Direction)>,
    /// When it was kept.
    pub created_at: OffsetDateTime,
    /// Raised by each change of its event.
    pub revision: i64,
    /// When its event was changed; `None` where it is as it came.
    pub edited_at: Option<OffsetDateTime>,
    /// When someone asked to send it again; `None` where nobody has, or where that has failed.
    pub redrive_at: Option<OffsetDateTime>,
    /// Why the newest try to send it again failed.
    pub redrive_failure: Option<String>,
}

struct Row {
    id: i64,
    reason: String,
    detail: String,
    source: String,
    event: Option<String>,
    direction: Option<String>,
    created_at: OffsetDateTime,
    revision: i64,
    edited_at: Option<OffsetDateTime>,
    redrive_at: Option<OffsetDateTime>,
    redrive_failure: Option<String>,
}

impl Row {
    fn read(self) -> Result<DeadLetter> {
        let direction = match &self.direction {
            Some(word) => Some(parsed(Direction::from_word(word), "route.direction")?),
            None => None,
        };
        Ok(DeadLetter {
            id: self.id,
            reason: self.reason,
            detail: self.detail,
            source: self.source,
            route: self.event.zip(direction),
            created_at: self.created_at,
            revision: self.revision,
            edited_at: self.edited_at,
            redrive_at: self.redrive_at,
            redrive_failure: self.redrive_failure,
        })
    }
}

/// Dead letters of a bridge from the newest on: those with a number below `before`.
pub async fn list(
    db: &mut PgConnection,
    bridge: BridgeId,
    before: Option<i64>,
    limit: i64,
) -> Result<Page<DeadLetter>> {
    let rows = sqlx::query_as!(
        Row,
        r#"select d.id, d.reason, d.detail, d.source, v.name as "event?", r.direction as "direction?", d.created_at,
                  d.revision, d.edited_at, d.redrive_at, d.redrive_failure
           from dead_letter d left join route r on r.id = d.route_id left join event v on v.id = r.event_id
           where d.bridge_id = $1 and ($2::bigint is null or d.id < $2)
           order by d.id desc limit $3"#,
        bridge.0,
        before,
        limit + 1
    )
    .fetch_all(db)
    .await?;
    let rows = rows.into_iter().map(Row::read).collect::<Result<Vec<_>>>()?;
    Ok(Page::cut(rows, limit, |letter| letter.id.to_string()))
}

/// A dead letter of a bridge with its event, sealed for the row that `lanes::dead_letter_row` names.
pub async fn find(db: &mut PgConnection, bridge: BridgeId, id: i64) -> Result<Option<(DeadLetter, Vec<u8>)>> {
    let row = sqlx::query!(
        r#"select d.id, d.reason, d.detail, d.source, v.name as "event?", r.direction as "direction?", d.created_at,
                  d.revision, d.edited_at, d.redrive_at, d.redrive_failure, d.event as sealed
           from dead_letter d left join route r on r.id = d.route_id left join event v on v.id = r.event_id
           where d.bridge_id = $1 and d.id = $2"#,
        bridge.0,
        id
    )
    .fetch_optional(db)
    .await?;
    let Some(r) = row else { return Ok(None) };
    let row = Row {
        id: r.id,
        reason: r.reason,
        detail: r.detail,
        source: r.source,
        event: r.event,
        direction: r.direction,
        created_at: r.created_at,
        revision: r.revision,
        edited_at: r.edited_at,
        redrive_at: r.redrive_at,
        redrive_failure: r.redrive_failure,
    };
    Ok(Some((row.read()?, r.sealed)))
}

/// Puts another event, sealed, in the place of that of this revision; the one as it came is kept. Gives false where
/// that is not the newest revision any more, or is being sent.
pub async fn edit(db: &mut PgConnection, bridge: BridgeId, id: i64, revision: i64, event: &[u8]) -> Result<bool> {
    let done = sqlx::query!(
        "update dead_letter
         set original = coalesce(original, event), event = $4, edited_at = now(), revision = revision + 1,
             redrive_failure = null
         where bridge_id = $1 and id = $2 and revision = $3 and redrive_at is null",
        bridge.0,
        id,
        revision,
        event
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Puts the event as it came back in its place. Gives false where it is so already, or is being sent.
pub async fn restore(db: &mut PgConnection, bridge: BridgeId, id: i64) -> Result<bool> {
    let done = sqlx::query!(
        "update dead_letter
         set event = original, original = null, edited_at = null, revision = revision + 1, redrive_failure = null
         where bridge_id = $1 and id = $2 and original is not null and redrive_at is null",
        bridge.0,
        id
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Asks for one to be sent again, or for all; gives how many were not asked for before.
///
/// One that is being sent just now is waited for; it is gone then, or has failed and is asked for anew.
pub async fn ask_redrive(db: &mut PgConnection, bridge: BridgeId, id: Option<i64>) -> Result<u64> {
    let done = sqlx::query!(
        "with asked as (
             select id from dead_letter
             where bridge_id = $1 and ($2::bigint is null or id = $2) and redrive_at is null order by id for update)
         update dead_letter d set redrive_at = now(), redrive_failure = null from asked where d.id = asked.id",
        bridge.0,
        id
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

/// Deletes those of a bridge up to a number; gives how many.
pub async fn purge(db: &mut PgConnection, bridge: BridgeId, up_to: i64) -> Result<i64> {
    let done = sqlx::query!(
        "with gone as (select id from dead_letter where bridge_id = $1 and id <= $2 order by id for update)
         delete from dead_letter d using gone where d.id = gone.id",
        bridge.0,
        up_to
    )
    .execute(db)
    .await?;
    Ok(i64::try_from(done.rows_affected()).unwrap_or(i64::MAX))
}

/// Deletes one of a bridge; gives where it came from, or `None` where there is none. One that is being sent just now is
/// waited for.
pub async fn purge_one(db: &mut PgConnection, bridge: BridgeId, id: i64) -> Result<Option<String>> {
    let gone =
        sqlx::query_scalar!("delete from dead_letter where bridge_id = $1 and id = $2 returning source", bridge.0, id);
    Ok(gone.fetch_optional(db).await?)
}

/// Deletes those that were kept for more than so many days, but none that someone has asked to send again. Gives the
/// bridges with how many went of each.
pub async fn delete_old(db: &mut PgConnection, days: u32) -> Result<Vec<(BridgeId, String, i64)>> {
    let rows = sqlx::query!(
        r#"with gone as (
             delete from dead_letter
             where created_at < now() - make_interval(days => $1) and redrive_at is null returning bridge_id
           )
           select b.id, b.name, count(*) as "count!" from gone join bridge b on b.id = gone.bridge_id
           group by b.id, b.name order by b.name"#,
        i32::try_from(days).unwrap_or(i32::MAX)
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (BridgeId(row.id), row.name, row.count)).collect())
}

/// Forgets events that were set aside, once no route will read their place again.
pub async fn forget_set_aside(db: &mut PgConnection) -> Result<u64> {
    let done = sqlx::query!(
        "delete from set_aside a where not exists (
           select 1 from route r where r.bridge_id = a.bridge_id and r.start_topic = a.topic_id
             and coalesce((r.start_offsets ->> a.partition::text)::bigint, 0) <= a.at_offset)"
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

/// Bridges that run and have dead letters to be sent again.
pub async fn list_bridges_to_redrive(db: &mut PgConnection) -> Result<Vec<BridgeId>> {
    let ids = sqlx::query_scalar!(
        "select distinct d.bridge_id from dead_letter d join bridge b on b.id = d.bridge_id
         where d.redrive_at is not null and b.desired = 'running' order by d.bridge_id"
    );
    Ok(ids.fetch_all(db).await?.into_iter().map(Into::into).collect())
}

/// One that is to be sent again.
#[derive(Clone, Debug)]
pub struct ToRedrive {
    /// Its number.
    pub id: i64,
    /// Where it came from.
    pub source: String,
    /// Raised by each change of its event.
    pub revision: i64,
    /// The event, sealed.
    pub event: Vec<u8>,
}

/// Takes the oldest of a bridge that is to be sent again. No other worker has it until the transaction ends.
pub async fn take_to_redrive(db: &mut PgConnection, bridge: BridgeId) -> Result<Option<ToRedrive>> {
    Ok(sqlx::query_as!(
        ToRedrive,
        "select id, source, revision, event from dead_letter
         where bridge_id = $1 and redrive_at is not null
         order by id limit 1 for update skip locked",
        bridge.0
    )
    .fetch_optional(db)
    .await?)
}

/// Takes away one that was sent.
pub async fn delete(db: &mut PgConnection, id: i64) -> Result<()> {
    sqlx::query!("delete from dead_letter where id = $1", id).execute(db).await?;
    Ok(())
}

/// Keeps why one could not be sent. It is not tried again until someone asks for it.
pub async fn set_redrive_failure(db: &mut PgConnection, id: i64, why: &str) -> Result<()> {
    sqlx::query!("update dead_letter set redrive_at = null, redrive_failure = $2 where id = $1", id, why)
        .execute(db)
        .await?;
    Ok(())
}
