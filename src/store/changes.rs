//! The history: rows are added, never changed.

use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Page, PgConnection, Result};
use crate::domain::{history::Act, ids::MemberId};

/// A row of the history.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Its number, without gaps from 1.
    pub number: i64,
    /// When, by the database's clock.
    pub at: OffsetDateTime,
    /// Who, where it was a member.
    pub member: Option<Uuid>,
    /// Who, in words, as it was then.
    pub actor: String,
    /// What was done: `environment.enabled`.
    pub act: String,
    /// The kind of object.
    pub object_kind: String,
    /// The object's id.
    pub object_id: Option<Uuid>,
    /// The object's name, as it was then.
    pub object_name: String,
    /// The object before.
    pub before: Option<Value>,
    /// The object after.
    pub after: Option<Value>,
    /// The code of the row before.
    pub previous: Vec<u8>,
    /// The code of this row.
    pub code: Vec<u8>,
}

/// Locks the end of the history until the transaction ends. Gives the newest number and code, and the time now.
pub async fn lock_head(db: &mut PgConnection) -> Result<(i64, Vec<u8>, OffsetDateTime)> {
    // clock_timestamp, not now: the transaction may have waited for this lock, and times follow numbers.
    let row = sqlx::query!(r#"select number, code, clock_timestamp() as "at!" from change_head for update"#)
        .fetch_one(db)
        .await?;
    Ok((row.number, row.code, row.at))
}

/// Adds the row after the head that [`lock_head`] gave, and makes it the head.
pub async fn append(db: &mut PgConnection, change: &Change) -> Result<()> {
    sqlx::query!(
        "insert into change (number, at, member_id, actor, act, object_kind, object_id, object_name, before, after,
                             previous, code)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        change.number,
        change.at,
        change.member,
        change.actor,
        change.act,
        change.object_kind,
        change.object_id,
        change.object_name,
        change.before.as_ref(),
        change.after.as_ref(),
        change.previous,
        change.code
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!("update change_head set number = $1, code = $2", change.number, change.code).execute(db).await?;
    Ok(())
}

/// The row that an act becomes after the given head. Its code is still to be computed.
pub fn row(head: (i64, Vec<u8>, OffsetDateTime), member: Option<MemberId>, actor: String, act: Act) -> Change {
    let (number, previous, at) = head;
    Change {
        number: number + 1,
        at,
        member: member.map(|m| m.0),
        actor,
        act: act.name.to_owned(),
        object_kind: act.object_kind.to_owned(),
        object_id: Some(act.object_id),
        object_name: act.object_name,
        before: act.before,
        after: act.after,
        previous,
        code: Vec::new(),
    }
}

/// Changes from the newest on: of one object where it is given; those with a number below `before`.
pub async fn list(
    db: &mut PgConnection,
    object: Option<Uuid>,
    q: &str,
    before: Option<i64>,
    limit: i64,
) -> Result<Page<Change>> {
    let rows = sqlx::query_as!(
        Change,
        r#"select number, at, member_id as member, actor, act, object_kind, object_id, object_name, before, after,
                  previous, code
           from change
           where ($1::uuid is null or object_id = $1)
             and ($2 = '' or strpos(lower(actor), lower($2)) > 0 or strpos(act, lower($2)) > 0
                  or strpos(lower(object_name), lower($2)) > 0)
             and ($3::bigint is null or number < $3)
           order by number desc limit $4"#,
        object,
        q,
        before,
        limit + 1
    )
    .fetch_all(db)
    .await?;
    Ok(Page::cut(rows, limit, |c| c.number.to_string()))
}

/// Up to 1,000 changes after a number, oldest first: to verify the chain.
pub async fn list_from(db: &mut PgConnection, after: i64) -> Result<Vec<Change>> {
    Ok(sqlx::query_as!(
        Change,
        r#"select number, at, member_id as member, actor, act, object_kind, object_id, object_name, before, after,
                  previous, code
           from change where number > $1 order by number limit 1000"#,
        after
    )
    .fetch_all(db)
    .await?)
}
