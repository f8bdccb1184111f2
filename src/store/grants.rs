//! Access: grants, and what deployments say that apps do.

use uuid::Uuid;

use super::{PgConnection, Result, error::parsed};
use crate::domain::{
    grant::Access,
    ids::{BridgeId, ChannelId, EnvironmentId, EventId},
};

/// Gives an environment access to an event. Gives false when it had it.
pub async fn insert(db: &mut PgConnection, environment: EnvironmentId, event: EventId, access: Access) -> Result<bool> {
    let done = sqlx::query!(
        "insert into access_grant (id, environment_id, event_id, access) values ($1, $2, $3, $4) on conflict do nothing",
        Uuid::now_v7(),
        environment.0,
        event.0,
        access.as_str()
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Gives a bridge access to an event. Gives false when it had it.
pub async fn insert_for_bridge(
    db: &mut PgConnection,
    bridge: BridgeId,
    event: EventId,
    access: Access,
) -> Result<bool> {
    let done = sqlx::query!(
        "insert into access_grant (id, bridge_id, event_id, access) values ($1, $2, $3, $4) on conflict do nothing",
        Uuid::now_v7(),
        bridge.0,
        event.0,
        access.as_str()
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Takes from a bridge what its routes no longer need. Gives whether that was anything.
pub async fn delete_unused_of_bridge(db: &mut PgConnection, bridge: BridgeId) -> Result<bool> {
    let done = sqlx::query!(
        "delete from access_grant g where g.bridge_id = $1 and not exists (
            select from route r where r.bridge_id = $1 and r.event_id = g.event_id
              and (case r.direction when 'outbound' then 'subscribe' else 'publish' end) = g.access)",
        bridge.0
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Whether a bridge has access to an event.
pub async fn bridge_has(db: &mut PgConnection, bridge: BridgeId, event: EventId, access: Access) -> Result<bool> {
    Ok(sqlx::query_scalar!(
        r#"select exists (select from access_grant where bridge_id = $1 and event_id = $2 and access = $3) as "yes!""#,
        bridge.0,
        event.0,
        access.as_str()
    )
    .fetch_one(db)
    .await?)
}

/// What an environment's deployment implements now.
pub async fn list_implemented(db: &mut PgConnection, environment: EnvironmentId) -> Result<Vec<(EventId, bool, bool)>> {
    Ok(sqlx::query!("select event_id, publish, subscribe from implemented where environment_id = $1", environment.0)
        .fetch_all(db)
        .await?
        .into_iter()
        .map(|r| (r.event_id.into(), r.publish, r.subscribe))
        .collect())
}

/// Replaces what an environment's deployment implements.
pub async fn set_implemented(
    db: &mut PgConnection,
    environment: EnvironmentId,
    implemented: &[(EventId, bool, bool)],
) -> Result<()> {
    sqlx::query!("delete from implemented where environment_id = $1", environment.0).execute(&mut *db).await?;
    let events: Vec<Uuid> = implemented.iter().map(|i| i.0.0).collect();
    let publish: Vec<bool> = implemented.iter().map(|i| i.1).collect();
    let subscribe: Vec<bool> = implemented.iter().map(|i| i.2).collect();
    sqlx::query!(
        "insert into implemented (environment_id, event_id, publish, subscribe)
         select $1, * from unnest($2::uuid[], $3::bool[], $4::bool[])",
        environment.0,
        &events,
        &publish,
        &subscribe
    )
    .execute(db)
    .await?;
    Ok(())
}

/// One event as one environment uses it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    /// Key of the service.
    pub service: String,
    /// The event.
    pub event: String,
    /// The channel it flows in.
    pub channel: ChannelId,
    /// Publish or subscribe.
    pub access: Access,
    /// The deployment says so.
    pub implemented: bool,
    /// There is a grant.
    pub granted: bool,
    /// The channel has a topic in the environment's Space.
    pub has_topic: bool,
}

/// What an environment implements or may do, by service, event and access.
pub async fn list_uses(db: &mut PgConnection, environment: EnvironmentId) -> Result<Vec<Use>> {
    sqlx::query!(
        r#"with used as (
               select event_id, 'publish' as access, true as implemented, false as granted
               from implemented where environment_id = $1 and publish
               union all
               select event_id, 'subscribe', true, false from implemented where environment_id = $1 and subscribe
               union all
               select event_id, access, false, true from access_grant where environment_id = $1)
           select s.key as "service!", v.name as "event!", v.channel_id as "channel_id!", u.access as "access!",
                  bool_or(u.implemented) as "implemented!", bool_or(u.granted) as "granted!",
                  bool_or(t.channel_id is not null) as "has_topic!"
           from used u
           join event v on v.id = u.event_id
           join service s on s.id = v.service_id
           left join channel_topic t on t.channel_id = v.channel_id
               and t.space_id = (select space_id from environment where id = $1)
           group by s.key, v.name, v.channel_id, u.access
           order by s.key, v.name, u.access"#,
        environment.0
    )
    .fetch_all(db)
    .await?
    .into_iter()
    .map(|r| {
        Ok(Use {
            service: r.service,
            event: r.event,
            channel: r.channel_id.into(),
            access: parsed(Access::from_word(&r.access), "access_grant.access")?,
            implemented: r.implemented,
            granted: r.granted,
            has_topic: r.has_topic,
        })
    })
    .collect()
}
