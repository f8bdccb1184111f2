//! What Kafka should hold, and how far it has followed: read and written by the reconciler.

use std::collections::BTreeMap;

use time::OffsetDateTime;
use uuid::Uuid;

use super::{PgConnection, Result, error::parsed};
use crate::domain::{
    grant::Access,
    ids::{BridgeId, ChannelId, EnvironmentId, SpaceId},
    names::{AppKey, EnvKey, SpaceName},
};

/// A topic of a channel in a Space.
#[derive(Clone, Debug)]
pub struct Topic {
    /// The channel.
    pub channel: ChannelId,
    /// The Space's id.
    pub space: SpaceId,
    /// The Space's name.
    pub space_name: SpaceName,
    /// Partitions.
    pub partitions: i32,
    /// Replicas.
    pub replicas: i16,
    /// Configuration by Kafka's names.
    pub config: BTreeMap<String, String>,
    /// The change that Kafka is to follow.
    pub changed_at: OffsetDateTime,
    /// Whether Kafka has followed it.
    pub is_applied: bool,
}

/// An environment with what it may do in its Space.
#[derive(Clone, Debug)]
pub struct Environment {
    /// Id.
    pub id: EnvironmentId,
    /// Key of the app.
    pub app: AppKey,
    /// Key of the environment.
    pub key: EnvKey,
    /// Enabled at both levels.
    pub enabled: bool,
    /// Topics (channel and Space) that it has access to: grants on events whose channel has a topic in its Space.
    pub access: Vec<(ChannelId, SpaceName, Access)>,
    /// Its SCRAM user, where there is one.
    pub principal: Option<Principal>,
    /// The change of access that Kafka is to follow.
    pub changed_at: OffsetDateTime,
    /// Whether Kafka has followed it.
    pub is_applied: bool,
}

/// A SCRAM user.
#[derive(Clone, Debug)]
pub struct Principal {
    /// `<app>.<environment>`
    pub username: String,
    /// Rounds of PBKDF2.
    pub iterations: i32,
    /// Salt.
    pub salt: Vec<u8>,
    /// Salted password, sealed.
    pub sealed: Vec<u8>,
    /// The change that Kafka is to follow.
    pub changed_at: OffsetDateTime,
    /// Whether Kafka has followed it.
    pub is_applied: bool,
}

/// What the worker may do for a bridge.
#[derive(Clone, Debug)]
pub struct Bridge {
    /// Id.
    pub id: BridgeId,
    /// Topics (channel and Space) of routes with a grant.
    pub access: Vec<(ChannelId, SpaceName, Access)>,
    /// The change that Kafka is to follow.
    pub changed_at: OffsetDateTime,
    /// Whether Kafka has followed it.
    pub is_applied: bool,
}

/// Everything Kafka should hold.
#[derive(Clone, Debug, Default)]
pub struct Desired {
    /// Topics of channels.
    pub topics: Vec<Topic>,
    /// Environments.
    pub environments: Vec<Environment>,
    /// Bridges that are stopped or running; not drafts, not those to be deleted.
    pub bridges: Vec<Bridge>,
}

/// Reads all of it as of one moment: the caller's transaction must be repeatable read.
pub async fn load(db: &mut PgConnection) -> Result<Desired> {
    Ok(Desired {
        topics: load_topics(&mut *db).await?,
        environments: load_environments(&mut *db).await?,
        bridges: load_bridges(db).await?,
    })
}

async fn load_topics(db: &mut PgConnection) -> Result<Vec<Topic>> {
    sqlx::query!(
        r#"select t.channel_id, t.space_id, p.name, t.partitions, t.replicas, t.config, t.changed_at,
                  t.applied_at is not null as "is_applied!"
           from channel_topic t join space p on p.id = t.space_id order by t.channel_id, p.name"#
    )
    .fetch_all(db)
    .await?
    .into_iter()
    .map(|r| {
        Ok(Topic {
            channel: r.channel_id.into(),
            space: r.space_id.into(),
            space_name: parsed(r.name.parse().ok(), "space.name")?,
            partitions: r.partitions,
            replicas: r.replicas,
            config: parsed(serde_json::from_value(r.config).ok(), "channel_topic.config")?,
            changed_at: r.changed_at,
            is_applied: r.is_applied,
        })
    })
    .collect()
}

async fn load_environments(db: &mut PgConnection) -> Result<Vec<Environment>> {
    let mut access = BTreeMap::<Uuid, Vec<(ChannelId, SpaceName, Access)>>::new();
    let grants = sqlx::query!(
        r#"select distinct e.id as environment, v.channel_id, p.name as space, g.access
           from access_grant g
           join environment e on e.id = g.environment_id
           join event v on v.id = g.event_id
           join channel_topic t on t.channel_id = v.channel_id and t.space_id = e.space_id
           join space p on p.id = e.space_id"#
    )
    .fetch_all(&mut *db)
    .await?;
    for g in grants {
        access.entry(g.environment).or_default().push((
            g.channel_id.into(),
            parsed(g.space.parse().ok(), "space.name")?,
            parsed(Access::from_word(&g.access), "access_grant.access")?,
        ));
    }
    sqlx::query!(
        r#"select e.id, a.key as app, e.key, (a.broker_enabled and e.broker_enabled) as "enabled!",
                  e.access_changed_at, e.access_applied_at is not null as "is_applied!",
                  p.username as "username?", p.iterations as "iterations?", p.salt as "salt?",
                  p.salted_password as "sealed?", p.changed_at as "changed_at?",
                  p.applied_at is not null as "principal_applied!"
           from environment e
           join app a on a.id = e.app_id
           left join principal p on p.environment_id = e.id
           order by a.key, e.key"#
    )
    .fetch_all(db)
    .await?
    .into_iter()
    .map(|r| {
        let principal = match (r.username, r.iterations, r.salt, r.sealed, r.changed_at) {
            (Some(username), Some(iterations), Some(salt), Some(sealed), Some(changed_at)) => {
                Some(Principal { username, iterations, salt, sealed, changed_at, is_applied: r.principal_applied })
            }
            _ => None,
        };
        Ok(Environment {
            access: access.remove(&r.id).unwrap_or_default(),
            id: r.id.into(),
            app: parsed(r.app.parse().ok(), "app.key")?,
            key: parsed(r.key.parse().ok(), "environment.key")?,
            enabled: r.enabled,
            principal,
            changed_at: r.access_changed_at,
            is_applied: r.is_applied,
        })
    })
    .collect()
}

async fn load_bridges(db: &mut PgConnection) -> Result<Vec<Bridge>> {
    let mut access = BTreeMap::<Uuid, Vec<(ChannelId, SpaceName, Access)>>::new();
    let routes = sqlx::query!(
        "select distinct b.id as bridge, v.channel_id, p.name as space, g.access
         from bridge b
         join space p on p.id = b.space_id
         join route r on r.bridge_id = b.id
         join access_grant g on g.bridge_id = b.id and g.event_id = r.event_id
              and g.access = case r.direction when 'outbound' then 'subscribe' else 'publish' end
         join event v on v.id = r.event_id
         join channel_topic t on t.channel_id = v.channel_id and t.space_id = b.space_id
         where b.desired in ('stopped', 'running')"
    )
    .fetch_all(&mut *db)
    .await?;
    for r in routes {
        access.entry(r.bridge).or_default().push((
            r.channel_id.into(),
            parsed(r.space.parse().ok(), "space.name")?,
            parsed(Access::from_word(&r.access), "access_grant.access")?,
        ));
    }
    Ok(sqlx::query!(
        r#"select id, access_changed_at, access_applied_at is not null as "is_applied!" from bridge
           where desired in ('stopped', 'running') order by id"#
    )
    .fetch_all(db)
    .await?
    .into_iter()
    .map(|r| Bridge {
        access: access.remove(&r.id).unwrap_or_default(),
        id: r.id.into(),
        changed_at: r.access_changed_at,
        is_applied: r.is_applied,
    })
    .collect())
}

/// What has an own place where it shows whether Kafka has followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Object {
    /// A topic of a channel.
    Topic(ChannelId, SpaceId),
    /// The SCRAM user of an environment.
    Principal(EnvironmentId),
    /// What an environment may do.
    Access(EnvironmentId),
    /// What the worker may do for a bridge.
    Bridge(BridgeId),
}

/// Writes down that Kafka has followed the change of `changed_at` (`failure` is none) or why it has not. A newer
/// change stays pending. Gives true when anything is different now.
pub async fn set_followed(
    db: &mut PgConnection,
    object: Object,
    changed_at: OffsetDateTime,
    failure: Option<&str>,
) -> Result<bool> {
    let done = match object {
        Object::Topic(channel, space) => {
            sqlx::query!(
                "update channel_topic set applied_at = case when $4::text is null then now() end, failure = $4
                 where channel_id = $1 and space_id = $2 and changed_at = $3
                   and (failure is distinct from $4 or (applied_at is null) <> ($4 is not null))",
                channel.0,
                space.0,
                changed_at,
                failure
            )
            .execute(db)
            .await?
        }
        Object::Principal(environment) => {
            sqlx::query!(
                "update principal set applied_at = case when $3::text is null then now() end, failure = $3
                 where environment_id = $1 and changed_at = $2
                   and (failure is distinct from $3 or (applied_at is null) <> ($3 is not null))",
                environment.0,
                changed_at,
                failure
            )
            .execute(db)
            .await?
        }
        Object::Access(environment) => {
            sqlx::query!(
                "update environment set access_applied_at = case when $3::text is null then now() end,
                        access_failure = $3
                 where id = $1 and access_changed_at = $2
                   and (access_failure is distinct from $3 or (access_applied_at is null) <> ($3 is not null))",
                environment.0,
                changed_at,
                failure
            )
            .execute(db)
            .await?
        }
        Object::Bridge(bridge) => {
            sqlx::query!(
                "update bridge set access_applied_at = case when $3::text is null then now() end, access_failure = $3
                 where id = $1 and access_changed_at = $2
                   and (access_failure is distinct from $3 or (access_applied_at is null) <> ($3 is not null))",
                bridge.0,
                changed_at,
                failure
            )
            .execute(db)
            .await?
        }
    };
    Ok(done.rows_affected() > 0)
}

/// Takes the one reconciler's place for this connection's session. Gives false when another has it.
pub async fn try_lead(db: &mut PgConnection) -> Result<bool> {
    Ok(sqlx::query_scalar!(r#"select pg_try_advisory_lock(7306482910) as "yes!""#).fetch_one(db).await?)
}
