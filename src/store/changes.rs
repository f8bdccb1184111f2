//! The history: rows are added, never changed.

use serde_json::Value;
use sqlx::{Postgres, QueryBuilder};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Page, PgConnection, PgPool, Result};
use crate::domain::{history::Act, ids::MemberId};

/// A row of the history.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
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

/// Whether a row stands, for whoever has lost the answer to his commit: waits until his transaction has ended, which holds
/// the end of the history, for five seconds at most.
pub async fn stands(pool: &PgPool, change: &Change) -> Result<bool> {
    let mut tx = super::begin(pool).await?;
    sqlx::query("set local lock_timeout = '5s'").execute(&mut *tx).await?;
    lock_head(&mut tx).await?;
    let found = find(&mut tx, change.number).await?;
    Ok(found.is_some_and(|found| found.code == change.code))
}

/// Which changes a list shows.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Text that must be in the actor, the act or the object's name.
    pub q: String,
    /// Text that must be in the actor.
    pub who: String,
    /// The kind of object.
    pub kind: Option<&'static str>,
    /// The object.
    pub object: Option<Uuid>,
    /// Not before this.
    pub from: Option<OffsetDateTime>,
    /// Before this.
    pub until: Option<OffsetDateTime>,
    /// Only numbers below this one: where the page begins.
    pub before: Option<i64>,
    /// Rows at most.
    pub limit: i64,
}

/// Changes from the newest on.
pub async fn list(db: &mut PgConnection, filter: &Filter) -> Result<Page<Change>> {
    let mut sql = QueryBuilder::<Postgres>::new(
        "select number, at, member_id as member, actor, act, object_kind, object_id, object_name, before, after,
                previous, code
         from change where true",
    );
    if !filter.q.is_empty() {
        sql.push(" and (strpos(lower(actor), lower(").push_bind(filter.q.clone());
        sql.push(")) > 0 or strpos(act, lower(").push_bind(filter.q.clone());
        sql.push(")) > 0 or strpos(lower(object_name), lower(").push_bind(filter.q.clone()).push(")) > 0)");
    }
    if !filter.who.is_empty() {
        sql.push(" and strpos(lower(actor), lower(").push_bind(filter.who.clone()).push(")) > 0");
    }
    if let Some(kind) = filter.kind {
        sql.push(" and object_kind = ").push_bind(kind);
    }
    if let Some(object) = filter.object {
        sql.push(" and object_id = ").push_bind(object);
    }
    if let Some(from) = filter.from {
        sql.push(" and at >= ").push_bind(from);
    }
    if let Some(until) = filter.until {
        sql.push(" and at < ").push_bind(until);
    }
    if let Some(before) = filter.before {
        sql.push(" and number < ").push_bind(before);
    }
    sql.push(" order by number desc limit ").push_bind(filter.limit + 1);
    let rows = sql.build_query_as::<Change>().fetch_all(db).await?;
    Ok(Page::cut(rows, filter.limit, |change: &Change| change.number.to_string()))
}

/// A change by its number.
pub async fn find(db: &mut PgConnection, number: i64) -> Result<Option<Change>> {
    Ok(sqlx::query_as!(
        Change,
        r#"select number, at, member_id as member, actor, act, object_kind, object_id, object_name, before, after,
                  previous, code
           from change where number = $1"#,
        number
    )
    .fetch_optional(db)
    .await?)
}

/// The newest change by one of these acts of the object that another change is of.
pub async fn find_newest(db: &mut PgConnection, of: &Change, acts: &[&str]) -> Result<Option<Change>> {
    let acts: Vec<_> = acts.iter().map(|act| (*act).to_owned()).collect();
    Ok(sqlx::query_as!(
        Change,
        r#"select number, at, member_id as member, actor, act, object_kind, object_id, object_name, before, after,
                  previous, code
           from change where object_kind = $1 and object_id = $2 and act = any($3) order by number desc limit 1"#,
        of.object_kind,
        of.object_id,
        &acts
    )
    .fetch_optional(db)
    .await?)
}

/// To each of these changes, by its number, the newest one before it that was done to the same thing of the same
/// object. Acts with the same number in `things` are of one thing; a change by another act has none before it.
pub async fn list_before(
    db: &mut PgConnection,
    numbers: &[i64],
    acts: &[String],
    things: &[i32],
) -> Result<Vec<(i64, Change)>> {
    let rows = sqlx::query!(
        r#"select c.number as "of!", p.number as "number!", p.at as "at!", p.member_id as "member?",
                  p.actor as "actor!", p.act as "act!", p.object_kind as "object_kind!", p.object_id as "object_id?",
                  p.object_name as "object_name!", p.before as "before?", p.after as "after?",
                  p.previous as "previous!", p.code as "code!"
           from change c
           join unnest($2::text[], $3::int[]) as own (act, thing) on own.act = c.act
           cross join lateral (
               select o.* from change o
               where o.object_kind = c.object_kind and o.object_id = c.object_id and o.number < c.number
                 and o.act in (select k.act from unnest($2::text[], $3::int[]) as k (act, thing)
                               where k.thing = own.thing)
               order by o.number desc limit 1) p
           where c.number = any($1)"#,
        numbers,
        acts,
        things
    )
    .fetch_all(db)
    .await?;
    let before = rows.into_iter().map(|r| {
        let change = Change {
            number: r.number,
            at: r.at,
            member: r.member,
            actor: r.actor,
            act: r.act,
            object_kind: r.object_kind,
            object_id: r.object_id,
            object_name: r.object_name,
            before: r.before,
            after: r.after,
            previous: r.previous,
            code: r.code,
        };
        (r.of, change)
    });
    Ok(before.collect())
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
