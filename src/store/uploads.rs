//! Services that were uploaded: where, by whom, who uses them there, and taking them away.

use time::OffsetDateTime;

use super::{PgConnection, Result, spaces::Followed};
use crate::domain::ids::{MemberId, ServiceId, SpaceId};

/// Notes that a service was uploaded for a Space; who did so first stays. Gives false when it was noted already.
pub async fn insert(
    db: &mut PgConnection,
    service: ServiceId,
    space: SpaceId,
    member: Option<MemberId>,
) -> Result<bool> {
    let done = sqlx::query!(
        "insert into upload (service_id, space_id, member_id) values ($1, $2, $3) on conflict do nothing",
        service.0,
        space.0,
        member.map(|m| m.0)
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Who uploaded a service for a Space; `None` where no member did.
pub async fn find_uploader(db: &mut PgConnection, service: ServiceId, space: SpaceId) -> Result<Option<MemberId>> {
    let found =
        sqlx::query_scalar!("select member_id from upload where service_id = $1 and space_id = $2", service.0, space.0)
            .fetch_optional(db)
            .await?;
    Ok(found.flatten().map(Into::into))
}

/// A Space that a service has topics in.
#[derive(Clone, Debug)]
pub struct Place {
    /// Id of the Space.
    pub space: SpaceId,
    /// Name of the Space.
    pub name: String,
    /// How many topics.
    pub topics: i64,
    /// Whether Kafka has followed with all of them.
    pub followed: Followed,
    /// Who uploaded it for this Space, where someone did.
    pub uploader: Option<MemberId>,
    /// His e-mail address.
    pub uploader_email: Option<String>,
    /// When it was uploaded for this Space.
    pub uploaded_at: Option<OffsetDateTime>,
}

/// The Spaces that a service has topics in, by name; an app's as well as an uploaded one's.
pub async fn list_places(db: &mut PgConnection, service: ServiceId) -> Result<Vec<Place>> {
    let rows = sqlx::query!(
        r#"select p.id, p.name, count(*) as "topics!", min(t.failure) as failure,
                  min(t.changed_at) filter (where t.applied_at is null) as pending,
                  u.member_id as "member_id?", m.email as "email?", u.created_at as "uploaded_at?"
           from channel c
           join channel_topic t on t.channel_id = c.id
           join space p on p.id = t.space_id
           left join upload u on u.service_id = c.service_id and u.space_id = p.id
           left join member m on m.id = u.member_id
           where c.service_id = $1
           group by p.id, p.name, u.member_id, m.email, u.created_at
           order by lower(p.name)"#,
        service.0
    )
    .fetch_all(db)
    .await?;
    let places = rows.into_iter().map(|r| Place {
        space: r.id.into(),
        name: r.name,
        topics: r.topics,
        followed: match (r.failure, r.pending) {
            (Some(why), _) => Followed::Failed(why),
            (None, Some(since)) => Followed::Pending(since),
            (None, None) => Followed::Applied,
        },
        uploader: r.member_id.map(Into::into),
        uploader_email: r.email,
        uploaded_at: r.uploaded_at,
    });
    Ok(places.collect())
}

/// Who uses events of a service in a Space, in words, by name: environments of the Space that implement one or have
/// a grant, enabled or not, and bridges with a route, drafts among them.
pub async fn list_users(db: &mut PgConnection, service: ServiceId, space: SpaceId) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar!(
        r#"select a.key || '.' || e.key as "who!"
           from environment e join app a on a.id = e.app_id
           where e.space_id = $2 and exists (
                select from event v where v.service_id = $1 and (
                    exists (select from implemented i where i.environment_id = e.id and i.event_id = v.id)
                    or exists (select from access_grant g where g.environment_id = e.id and g.event_id = v.id)))
           union all
           select 'the bridge ' || b.name
           from bridge b
           where b.space_id = $2 and exists (
                select from event v where v.service_id = $1 and (
                    exists (select from route r where r.bridge_id = b.id and r.event_id = v.id)
                    or exists (select from access_grant g where g.bridge_id = b.id and g.event_id = v.id)))
           order by 1"#,
        service.0,
        space.0
    )
    .fetch_all(db)
    .await?)
}

/// Takes a service away from a Space: its topics there are ours no longer, and who uploaded it is forgotten.
pub async fn delete(db: &mut PgConnection, service: ServiceId, space: SpaceId) -> Result<()> {
    sqlx::query!(
        "delete from channel_topic t using channel c
         where c.id = t.channel_id and c.service_id = $1 and t.space_id = $2",
        service.0,
        space.0
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!("delete from upload where service_id = $1 and space_id = $2", service.0, space.0).execute(db).await?;
    Ok(())
}

/// Locks the events of a service, so that nobody comes to use one until the transaction ends.
pub async fn lock_events(db: &mut PgConnection, service: ServiceId) -> Result<()> {
    sqlx::query!("select id from event where service_id = $1 order by id for update", service.0).fetch_all(db).await?;
    Ok(())
}

/// Deletes those events of a service that are not among `named` and that nobody implements, has access to or routes.
/// Gives the names of those that went, and of those that stay though they are not named.
pub async fn delete_unnamed_events(
    db: &mut PgConnection,
    service: ServiceId,
    named: &[String],
) -> Result<(Vec<String>, Vec<String>)> {
    lock_events(db, service).await?;
    let gone = sqlx::query_scalar!(
        "delete from event v where v.service_id = $1 and v.name <> all($2)
            and not exists (select from implemented i where i.event_id = v.id)
            and not exists (select from access_grant g where g.event_id = v.id)
            and not exists (select from route r where r.event_id = v.id)
         returning v.name",
        service.0,
        named
    )
    .fetch_all(&mut *db)
    .await?;
    let kept = sqlx::query_scalar!(
        "select name from event where service_id = $1 and name <> all($2) order by name",
        service.0,
        named
    )
    .fetch_all(db)
    .await?;
    Ok((gone, kept))
}

/// Deletes a service that has no topic any more, with its events, channels and documents; unless somebody still
/// implements one of its events, has access to one or routes one. Gives whether it is gone.
pub async fn delete_service(db: &mut PgConnection, service: ServiceId) -> Result<bool> {
    lock_events(db, service).await?;
    let is_used = sqlx::query_scalar!(
        r#"select exists (
                select from event v where v.service_id = $1 and (
                    exists (select from implemented i where i.event_id = v.id)
                    or exists (select from access_grant g where g.event_id = v.id)
                    or exists (select from route r where r.event_id = v.id))) as "yes!""#,
        service.0
    )
    .fetch_one(&mut *db)
    .await?;
    if is_used {
        return Ok(false);
    }
    sqlx::query!("delete from event where service_id = $1", service.0).execute(&mut *db).await?;
    sqlx::query!("delete from channel where service_id = $1", service.0).execute(&mut *db).await?;
    sqlx::query!("delete from contract_document where service_id = $1", service.0).execute(&mut *db).await?;
    sqlx::query!("delete from service where id = $1", service.0).execute(db).await?;
    Ok(true)
}
