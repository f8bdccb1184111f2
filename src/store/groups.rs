//! Consumer groups of environments: who reads a topic, and how far.

use std::collections::HashMap;

use time::OffsetDateTime;
use uuid::Uuid;

use super::{PgConnection, PgPool, Result, notify_changed};
use crate::domain::ids::{ChannelId, EnvironmentId, SpaceId};

/// Rows that a page shows at most.
const SHOWN: i64 = 500;

/// Environments with credentials, by the user that is theirs.
pub async fn list_owners(pool: &PgPool) -> Result<HashMap<String, EnvironmentId>> {
    let rows = sqlx::query!("select username, environment_id from principal").fetch_all(pool).await?;
    Ok(rows.into_iter().map(|r| (r.username, r.environment_id.into())).collect())
}

/// How far a group has come in a topic, as it was just seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Whose group it is.
    pub environment: EnvironmentId,
    /// Its name.
    pub group: String,
    /// The channel that the topic is of.
    pub channel: ChannelId,
    /// The Space that it is in.
    pub space: SpaceId,
    /// Members that read it.
    pub members: i32,
    /// Events that are there and that the group has not read.
    pub lag: i64,
}

/// Groups as columns.
fn columns(groups: &[(EnvironmentId, String)]) -> (Vec<Uuid>, Vec<String>) {
    groups.iter().map(|(environment, name)| (environment.0, name.clone())).unzip()
}

/// Forgets the groups that are not among these: they are gone. Tells open pages.
///
/// Here and below, rows that someone holds are passed over until the next time: nothing here ever waits for a lock.
pub async fn keep_only(db: &mut PgConnection, groups: &[(EnvironmentId, String)]) -> Result<()> {
    let (environments, names) = columns(groups);
    let gone = sqlx::query!(
        "delete from group_topic g using (
            select h.environment_id, h.name, h.channel_id, h.space_id from group_topic h
            where not exists (select from unnest($1::uuid[], $2::text[]) as l (environment_id, name)
                              where l.environment_id = h.environment_id and l.name = h.name)
            for update skip locked) gone
         where g.environment_id = gone.environment_id and g.name = gone.name
           and g.channel_id = gone.channel_id and g.space_id = gone.space_id
         returning g.environment_id, g.channel_id",
        &environments,
        &names
    )
    .fetch_all(&mut *db)
    .await?;
    tell(db, gone.into_iter().map(|r| (r.environment_id, r.channel_id))).await
}

/// Writes down how far these groups have come: what was seen of them takes the place of what was known. Nothing is
/// written of what is as it was, but once a minute when it was last seen. Tells open pages.
pub async fn note(db: &mut PgConnection, groups: &[(EnvironmentId, String)], seen: &[Seen]) -> Result<()> {
    let (owners, names) = columns(groups);
    let environments: Vec<Uuid> = seen.iter().map(|s| s.environment.0).collect();
    let groups: Vec<String> = seen.iter().map(|s| s.group.clone()).collect();
    let channels: Vec<Uuid> = seen.iter().map(|s| s.channel.0).collect();
    let spaces: Vec<Uuid> = seen.iter().map(|s| s.space.0).collect();
    let members: Vec<i32> = seen.iter().map(|s| s.members).collect();
    let lags: Vec<i64> = seen.iter().map(|s| s.lag).collect();
    let gone = sqlx::query!(
        "delete from group_topic g using (
            select h.environment_id, h.name, h.channel_id, h.space_id
            from group_topic h
            join unnest($1::uuid[], $2::text[]) as l (environment_id, name)
                on l.environment_id = h.environment_id and l.name = h.name
            where not exists (
                select from unnest($3::uuid[], $4::text[], $5::uuid[], $6::uuid[])
                    as s (environment_id, name, channel_id, space_id)
                where s.environment_id = h.environment_id and s.name = h.name
                  and s.channel_id = h.channel_id and s.space_id = h.space_id)
            for update of h skip locked) gone
         where g.environment_id = gone.environment_id and g.name = gone.name
           and g.channel_id = gone.channel_id and g.space_id = gone.space_id
         returning g.environment_id, g.channel_id",
        &owners,
        &names,
        &environments,
        &groups,
        &channels,
        &spaces
    )
    .fetch_all(&mut *db)
    .await?;
    let changed = sqlx::query!(
        "with changed as (
            select s.environment_id, s.name, s.channel_id, s.space_id, s.members, s.lag
            from unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::int[], $6::bigint[])
                as s (environment_id, name, channel_id, space_id, members, lag)
            left join group_topic h on h.environment_id = s.environment_id and h.name = s.name
                and h.channel_id = s.channel_id and h.space_id = s.space_id
            where (h.members, h.lag) is distinct from (s.members, s.lag)
               or (s.members > 0 and h.seen_at < now() - interval '1 minute')),
         held as (
            select t.channel_id, t.space_id from channel_topic t
            where (t.channel_id, t.space_id) in (select channel_id, space_id from changed)
            for key share skip locked)
         insert into group_topic as g (environment_id, name, channel_id, space_id, members, lag, seen_at)
         select c.environment_id, c.name, c.channel_id, c.space_id, c.members, c.lag,
                case when c.members > 0 then now() end
         from changed c join held t on t.channel_id = c.channel_id and t.space_id = c.space_id
         on conflict (environment_id, name, channel_id, space_id) do update
         set members = excluded.members, lag = excluded.lag, seen_at = coalesce(excluded.seen_at, g.seen_at)
         returning g.environment_id, g.channel_id",
        &environments,
        &groups,
        &channels,
        &spaces,
        &members,
        &lags
    )
    .fetch_all(&mut *db)
    .await?;
    let gone = gone.into_iter().map(|r| (r.environment_id, r.channel_id));
    tell(db, gone.chain(changed.into_iter().map(|r| (r.environment_id, r.channel_id)))).await
}

/// Writes down, once a minute, that clients of these environments are there just now. Tells open pages.
pub async fn note_present(db: &mut PgConnection, environments: &[EnvironmentId]) -> Result<()> {
    let ids: Vec<Uuid> = environments.iter().map(|environment| environment.0).collect();
    let seen = sqlx::query_scalar!(
        "update environment set seen_at = now()
         where id in (select id from environment
                      where id = any($1) and (seen_at is null or seen_at < now() - interval '1 minute')
                      order by id for no key update skip locked)
         returning id",
        &ids
    )
    .fetch_all(&mut *db)
    .await?;
    let pages: Vec<String> = seen.into_iter().map(|id| format!("environment:{id}")).collect();
    notify_changed(db, &pages).await
}

/// Says that what pages show of environments and channels has changed.
async fn tell(db: &mut PgConnection, rows: impl Iterator<Item = (Uuid, Uuid)>) -> Result<()> {
    let pages: Vec<String> = rows.flat_map(|(e, c)| [format!("environment:{e}"), format!("channel:{c}")]).collect();
    notify_changed(db, &pages).await
}

/// A consumer group at a topic, as it was last seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reader {
    /// The group's name.
    pub group: String,
    /// The channel that the topic is of.
    pub channel: ChannelId,
    /// Members of the group that read it.
    pub members: i32,
    /// Events that are there and that the group has not read.
    pub lag: i64,
    /// When it was last seen with members, to the minute.
    pub seen_at: Option<OffsetDateTime>,
}

/// The groups of an environment at the topics of its Space, by channel and name.
pub async fn list_of_environment(db: &mut PgConnection, environment: EnvironmentId) -> Result<Vec<Reader>> {
    let rows = sqlx::query!(
        "select g.name, g.channel_id, g.members, g.lag, g.seen_at
         from group_topic g join environment e on e.id = g.environment_id and e.space_id = g.space_id
         where g.environment_id = $1 order by g.channel_id, g.name limit $2",
        environment.0,
        SHOWN
    )
    .fetch_all(db)
    .await?;
    let reader = rows.into_iter().map(|r| Reader {
        group: r.name,
        channel: r.channel_id.into(),
        members: r.members,
        lag: r.lag,
        seen_at: r.seen_at,
    });
    Ok(reader.collect())
}

/// A consumer group at a topic of a channel, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelReader {
    /// Name of the Space.
    pub space: String,
    /// Key of the app.
    pub app: String,
    /// Key of the environment.
    pub environment: String,
    /// The group.
    pub reader: Reader,
}

/// The groups at the topics of a channel, each of an environment that is in the topic's Space; by Space, environment
/// and name.
pub async fn list_of_channel(db: &mut PgConnection, channel: ChannelId) -> Result<Vec<ChannelReader>> {
    let rows = sqlx::query!(
        "select p.name as space, a.key as app, e.key as environment, g.name, g.members, g.lag, g.seen_at
         from group_topic g
         join environment e on e.id = g.environment_id and e.space_id = g.space_id
         join app a on a.id = e.app_id
         join space p on p.id = g.space_id
         where g.channel_id = $1 order by p.name, a.key, e.key, g.name limit $2",
        channel.0,
        SHOWN
    )
    .fetch_all(db)
    .await?;
    let reader = rows.into_iter().map(|r| ChannelReader {
        space: r.space,
        app: r.app,
        environment: r.environment,
        reader: Reader { group: r.name, channel, members: r.members, lag: r.lag, seen_at: r.seen_at },
    });
    Ok(reader.collect())
}
