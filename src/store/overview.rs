//! What the first page shows: how much there is, and what needs someone. One statement for each kind.

use time::OffsetDateTime;

use super::{PgConnection, Result, error::parsed, spaces::Followed};
use crate::domain::{
    bridge::Status,
    ids::{BridgeId, ChannelId},
    names::{AppKey, EnvKey, SpaceName, Title},
};

/// How much there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Apps.
    pub apps: i64,
    /// Environments that are enabled at both levels.
    pub enabled: i64,
    /// Environments that have credentials.
    pub credentials: i64,
    /// Environments that were deployed at least once.
    pub deployed: i64,
    /// Spaces.
    pub spaces: i64,
    /// Channels.
    pub channels: i64,
    /// Events.
    pub events: i64,
    /// Bridges that are not drafts.
    pub bridges: i64,
    /// Bridges that move events.
    pub running: i64,
}

/// Counts what there is.
pub async fn count(db: &mut PgConnection) -> Result<Counts> {
    Ok(sqlx::query_as!(
        Counts,
        r#"select (select count(*) from app) as "apps!",
                  (select count(*) from environment e join app a on a.id = e.app_id
                   where e.broker_enabled and a.broker_enabled) as "enabled!",
                  (select count(*) from principal) as "credentials!",
                  (select count(distinct environment_id) from deployment) as "deployed!",
                  (select count(*) from space) as "spaces!",
                  (select count(*) from channel) as "channels!",
                  (select count(*) from event) as "events!",
                  (select count(*) from bridge where desired in ('running', 'stopped')) as "bridges!",
                  (select count(*) from bridge where desired = 'running' and status = 'running') as "running!""#
    )
    .fetch_one(db)
    .await?)
}

/// An environment that is not where it should be.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "what is there, and what is not")]
pub struct Environment {
    /// Key of the app.
    pub app: AppKey,
    /// Key.
    pub key: EnvKey,
    /// Whether the broker is enabled on the app's level; on its own it is, or was when something failed.
    pub app_enabled: bool,
    /// Whether it is enabled on its own level.
    pub enabled: bool,
    /// Whether it has credentials.
    pub has_credentials: bool,
    /// Whether it was deployed.
    pub is_deployed: bool,
    /// What its deployment implements without access.
    pub lacks_access: i64,
    /// Whether Kafka has followed; pending only where that takes too long.
    pub followed: Followed,
}

/// Environments that are not where they should be, by app and key: enabled on their own level only, without credentials,
/// without a deployment, with something implemented but not granted, or with something that Kafka does not follow.
pub async fn list_environments(db: &mut PgConnection, limit: i64) -> Result<Vec<Environment>> {
    sqlx::query!(
        r#"with standing as (
             select a.key as app, e.key, a.broker_enabled as app_enabled, e.broker_enabled as enabled,
                    p.environment_id is not null as has_credentials,
                    exists (select from deployment d where d.environment_id = e.id) as is_deployed,
                    (select count(*) from implemented i
                     cross join lateral (values ('publish', i.publish), ('subscribe', i.subscribe)) w (access, wanted)
                     where i.environment_id = e.id and w.wanted
                       and not exists (select from access_grant g where g.environment_id = e.id
                                       and g.event_id = i.event_id and g.access = w.access)) as lacks_access,
                    coalesce(e.access_failure, p.failure) as failure,
                    case when e.space_id is null then null
                         when e.access_applied_at is null then e.access_changed_at
                         when p.environment_id is not null and p.applied_at is null then p.changed_at end as pending
             from environment e
             join app a on a.id = e.app_id
             left join principal p on p.environment_id = e.id)
           select app, key, app_enabled, enabled, has_credentials as "has_credentials!", is_deployed as "is_deployed!",
                  lacks_access as "lacks_access!", failure,
                  case when pending < now() - interval '1 minute' then pending end as pending
           from standing
           where failure is not null
              or pending < now() - interval '1 minute'
              or (enabled and not app_enabled)
              or (enabled and app_enabled and (not has_credentials or not is_deployed or lacks_access > 0))
           order by failure is null, app, key limit $1"#,
        limit
    )
    .fetch_all(db)
    .await?
    .into_iter()
    .map(|r| {
        Ok(Environment {
            app: parsed(r.app.parse().ok(), "app.key")?,
            key: parsed(r.key.parse().ok(), "environment.key")?,
            app_enabled: r.app_enabled,
            enabled: r.enabled,
            has_credentials: r.has_credentials,
            is_deployed: r.is_deployed,
            lacks_access: r.lacks_access,
            followed: followed(r.failure, r.pending),
        })
    })
    .collect()
}

/// Keys of apps that are enabled while none of their environments is.
pub async fn list_idle_apps(db: &mut PgConnection, limit: i64) -> Result<Vec<AppKey>> {
    sqlx::query_scalar!(
        "select a.key from app a
         where a.broker_enabled
           and not exists (select from environment e where e.app_id = a.id and e.broker_enabled)
         order by a.key limit $1",
        limit
    )
    .fetch_all(db)
    .await?
    .into_iter()
    .map(|key| parsed(key.parse().ok(), "app.key"))
    .collect()
}

/// A topic that Kafka does not follow.
#[derive(Clone, Debug)]
pub struct Topic {
    /// The channel.
    pub channel: ChannelId,
    /// Title of its service.
    pub title: String,
    /// The Space.
    pub space: SpaceName,
    /// Failed, or pending for too long.
    pub followed: Followed,
}

/// Topics that failed or are pending for too long, by service and Space.
pub async fn list_topics(db: &mut PgConnection, limit: i64) -> Result<Vec<Topic>> {
    sqlx::query!(
        "select t.channel_id, s.title, p.name, t.failure, t.changed_at
         from channel_topic t
         join channel c on c.id = t.channel_id
         join service s on s.id = c.service_id
         join space p on p.id = t.space_id
         where t.failure is not null or (t.applied_at is null and t.changed_at < now() - interval '1 minute')
         order by t.failure is null, s.key, p.name limit $1",
        limit
    )
    .fetch_all(db)
    .await?
    .into_iter()
    .map(|r| {
        Ok(Topic {
            channel: r.channel_id.into(),
            title: r.title,
            space: parsed(r.name.parse().ok(), "space.name")?,
            followed: followed(r.failure, Some(r.changed_at)),
        })
    })
    .collect()
}

/// A bridge that does not fare as it should.
#[derive(Clone, Debug)]
pub struct Bridge {
    /// Id.
    pub id: BridgeId,
    /// Name.
    pub name: Title,
    /// Name of its Space.
    pub space: SpaceName,
    /// How it fares.
    pub status: Status,
    /// Why, and what to do.
    pub reason: String,
    /// Since when.
    pub since: OffsetDateTime,
    /// Dead letters kept.
    pub dead_letters: i64,
    /// Whether Kafka has followed what the worker may do for it; pending only where that takes too long.
    pub followed: Followed,
}

/// Bridges that are halted, misconfigured, have dead letters, or that Kafka does not follow, by Space and name.
pub async fn list_bridges(db: &mut PgConnection, limit: i64) -> Result<Vec<Bridge>> {
    sqlx::query!(
        r#"with standing as (
             select b.id, b.name, p.name as space, b.status, b.status_reason, b.status_since,
                    (select count(*) from dead_letter d where d.bridge_id = b.id) as dead_letters, b.access_failure,
                    case when b.access_applied_at is null and b.access_changed_at < now() - interval '1 minute'
                         then b.access_changed_at end as pending
             from bridge b join space p on p.id = b.space_id
             where b.desired in ('running', 'stopped'))
           select id, name, space, status, status_reason, status_since, dead_letters as "dead_letters!",
                  access_failure, pending
           from standing
           where status in ('halted', 'misconfigured') or dead_letters > 0 or access_failure is not null
              or pending is not null
           order by status not in ('halted', 'misconfigured'), space, name limit $1"#,
        limit
    )
    .fetch_all(db)
    .await?
    .into_iter()
    .map(|r| {
        Ok(Bridge {
            id: r.id.into(),
            name: parsed(r.name.parse().ok(), "bridge.name")?,
            space: parsed(r.space.parse().ok(), "space.name")?,
            status: parsed(Status::from_word(&r.status), "bridge.status")?,
            reason: r.status_reason,
            since: r.status_since,
            dead_letters: r.dead_letters,
            followed: followed(r.access_failure, r.pending),
        })
    })
    .collect()
}

fn followed(failure: Option<String>, pending: Option<OffsetDateTime>) -> Followed {
    match (failure, pending) {
        (Some(why), _) => Followed::Failed(why),
        (None, Some(since)) => Followed::Pending(since),
        (None, None) => Followed::Applied,
    }
}
