//! What moving an environment to another Space rests on.

use uuid::Uuid;

use super::{PgConnection, Result, error::parsed};
use crate::domain::{
    grant::Access,
    ids::{ChannelId, EnvironmentId, EventId, SpaceId},
};

/// A grant of an environment, and where its event flows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The event's id.
    pub event_id: EventId,
    /// Key of the service.
    pub service: String,
    /// The event.
    pub event: String,
    /// The channel it flows in.
    pub channel: ChannelId,
    /// What the environment may do.
    pub access: Access,
    /// The channel has a topic in the Space that the environment is in.
    pub here: bool,
    /// It has one in the other Space.
    pub there: bool,
    /// The environment publishes or defines it by its deployment: its channel comes into being where it goes.
    pub brought: bool,
}

/// The grants of an environment, by service, event and access.
pub async fn list_held(
    db: &mut PgConnection,
    environment: EnvironmentId,
    here: SpaceId,
    there: SpaceId,
) -> Result<Vec<Held>> {
    sqlx::query!(
        r#"select g.event_id, s.key as service, v.name as event, v.channel_id, g.access,
                  exists (select from channel_topic t where t.channel_id = v.channel_id and t.space_id = $2) as "here!",
                  exists (select from channel_topic t where t.channel_id = v.channel_id and t.space_id = $3) as "there!",
                  exists (select from implemented i join event o on o.id = i.event_id
                          where i.environment_id = $1 and o.channel_id = v.channel_id
                            and (i.publish or s.app_id = e.app_id)) as "brought!"
           from access_grant g
           join environment e on e.id = g.environment_id
           join event v on v.id = g.event_id
           join service s on s.id = v.service_id
           where g.environment_id = $1
           order by s.key, v.name, g.access"#,
        environment.0,
        here.0,
        there.0
    )
    .fetch_all(db)
    .await?
    .into_iter()
    .map(|r| {
        Ok(Held {
            event_id: r.event_id.into(),
            service: r.service,
            event: r.event,
            channel: r.channel_id.into(),
            access: parsed(Access::from_word(&r.access), "access_grant.access")?,
            here: r.here,
            there: r.there,
            brought: r.brought,
        })
    })
    .collect()
}

/// Channels without a topic in `there` that the environment publishes or defines by its deployment, by id.
pub async fn list_brought(db: &mut PgConnection, environment: EnvironmentId, there: SpaceId) -> Result<Vec<ChannelId>> {
    Ok(sqlx::query_scalar!(
        "select distinct v.channel_id
         from implemented i
         join event v on v.id = i.event_id
         join service s on s.id = v.service_id
         join environment e on e.id = i.environment_id
         where i.environment_id = $1 and (i.publish or s.app_id = e.app_id)
           and not exists (select from channel_topic t where t.channel_id = v.channel_id and t.space_id = $2)
         order by v.channel_id",
        environment.0,
        there.0
    )
    .fetch_all(db)
    .await?
    .into_iter()
    .map(Into::into)
    .collect())
}

/// Lets channels come into being in `there`, with topics as those in `here`.
pub async fn copy_topics(db: &mut PgConnection, channels: &[ChannelId], here: SpaceId, there: SpaceId) -> Result<u64> {
    let channels: Vec<Uuid> = channels.iter().map(|channel| channel.0).collect();
    let done = sqlx::query!(
        "insert into channel_topic (channel_id, space_id, partitions, replicas, config)
         select channel_id, $3, partitions, replicas, config from channel_topic
         where channel_id = any($1) and space_id = $2 on conflict do nothing",
        &channels,
        here.0,
        there.0
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

/// Events of these channels whose name another service has in the Space already: names are unique there.
pub async fn list_rivals(db: &mut PgConnection, channels: &[ChannelId], space: SpaceId) -> Result<Vec<String>> {
    let channels: Vec<Uuid> = channels.iter().map(|channel| channel.0).collect();
    Ok(sqlx::query_scalar!(
        r#"select distinct v.name as "name!" from event v
           where v.channel_id = any($1)
             and exists (select from event o join channel_topic t on t.channel_id = o.channel_id and t.space_id = $2
                         where o.name = v.name and o.service_id <> v.service_id)
           order by 1"#,
        &channels,
        space.0
    )
    .fetch_all(db)
    .await?)
}

/// Who else has access to one of these events in a Space: environments as `app.environment`, then bridges by name.
pub async fn list_peers(
    db: &mut PgConnection,
    environment: EnvironmentId,
    events: &[EventId],
    space: SpaceId,
) -> Result<(Vec<String>, Vec<String>)> {
    let events: Vec<Uuid> = events.iter().map(|event| event.0).collect();
    let environments = sqlx::query_scalar!(
        r#"select distinct a.key || '.' || e.key as "name!"
           from access_grant g join environment e on e.id = g.environment_id join app a on a.id = e.app_id
           where e.space_id = $3 and e.id <> $1 and e.broker_enabled and a.broker_enabled and g.event_id = any($2)
           order by 1"#,
        environment.0,
        &events,
        space.0
    )
    .fetch_all(&mut *db)
    .await?;
    let bridges = sqlx::query_scalar!(
        "select distinct b.name from bridge b join route r on r.bridge_id = b.id
         where b.space_id = $2 and b.desired in ('running', 'stopped') and r.event_id = any($1) order by b.name",
        &events,
        space.0
    )
    .fetch_all(db)
    .await?;
    Ok((environments, bridges))
}

/// The newest change of an environment, if that was its move: where it came from, by the name of the Space.
pub async fn find_last_move(db: &mut PgConnection, environment: EnvironmentId) -> Result<Option<String>> {
    let row = sqlx::query!(
        "select act, before from change where object_kind = 'environment' and object_id = $1 order by number desc limit 1",
        environment.0
    )
    .fetch_optional(db)
    .await?;
    Ok(row
        .filter(|row| row.act == "environment.reassigned")
        .and_then(|row| Some(row.before?.get("space")?.as_str()?.to_owned())))
}
