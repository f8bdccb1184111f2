//! What Kafka should hold, and how far it has followed: read and written by the reconciler.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use sqlx::{
    Connection,
    postgres::{PgListener, PgPoolOptions},
};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{DESIRED, PgConnection, PgPool, Result, error::parsed, notify_changed};
use crate::domain::{
    decision::Answer,
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
    pub config: Arc<BTreeMap<String, String>>,
    /// The change that Kafka is to follow.
    pub changed_at: OffsetDateTime,
    /// Whether Kafka has followed it.
    pub is_applied: bool,
    /// Kafka's id of the topic, as it was when it was last as it should be; `None` before that.
    pub id: Option<Uuid>,
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
    /// It is to go: it needs nothing any more.
    pub is_leaving: bool,
    /// Topics (channel and Space) of its grants: those of its routes, and of routes that it may have to go back to.
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
    /// Bridges that are stopped or running, and those to be deleted whose access Kafka has not taken away yet; no
    /// drafts.
    pub bridges: Vec<Bridge>,
    /// What admins have decided, by what it is about.
    pub decisions: BTreeMap<String, Answer>,
}

/// Reads all of it as of one moment.
pub async fn load(pool: &PgPool) -> Result<Desired> {
    let mut tx = super::begin_reading(pool).await?;
    let desired = Desired {
        topics: load_topics(&mut tx).await?,
        environments: load_environments(&mut tx).await?,
        bridges: load_bridges(&mut tx).await?,
        decisions: super::decisions::list(&mut tx).await?.into_iter().map(|(about, d)| (about, d.answer)).collect(),
    };
    tx.commit().await?;
    Ok(desired)
}

async fn load_topics(db: &mut PgConnection) -> Result<Vec<Topic>> {
    // Most topics have the configuration of others: one for all of them is kept.
    let mut configs = HashSet::<Arc<BTreeMap<String, String>>>::new();
    let mut shared = |config: serde_json::Value| -> Result<Arc<BTreeMap<String, String>>> {
        let config = parsed(serde_json::from_value(config).ok(), "channel_topic.config")?;
        if let Some(same) = configs.get(&config) {
            return Ok(Arc::clone(same));
        }
        let config = Arc::new(config);
        configs.insert(Arc::clone(&config));
        Ok(config)
    };
    sqlx::query!(
        r#"select t.channel_id, t.space_id, p.name, t.partitions, t.replicas, t.config, t.changed_at,
                  t.applied_at is not null as "is_applied!", t.topic_id
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
            config: shared(r.config)?,
            changed_at: r.changed_at,
            is_applied: r.is_applied,
            id: r.topic_id,
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
         join access_grant g on g.bridge_id = b.id
         join event v on v.id = g.event_id
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
        r#"select id, desired = 'deleted' as "is_leaving!", access_changed_at, access_applied_at is not null as "is_applied!"
           from bridge
           where desired in ('stopped', 'running') or (desired = 'deleted' and access_applied_at is null) order by id"#
    )
    .fetch_all(db)
    .await?
    .into_iter()
    .map(|r| Bridge {
        access: access.remove(&r.id).unwrap_or_default(),
        id: r.id.into(),
        is_leaving: r.is_leaving,
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

/// How Kafka stands to one change of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The object.
    pub object: Object,
    /// Which change of it. A newer one is not touched.
    pub changed_at: OffsetDateTime,
    /// Why Kafka has not followed; `None` when it has.
    pub failure: Option<String>,
    /// Kafka's id of a topic that is as it should be, where it is known.
    pub topic_id: Option<Uuid>,
}

/// Writes down how Kafka stands to these changes, and says it to all who listen for changes; gives how many objects
/// are different now.
///
/// A row that someone holds is passed over: it is being changed, and its outcome would be out of date. So nothing
/// here ever waits for a lock, whatever order others take theirs in.
pub async fn set_followed(db: &mut PgConnection, outcomes: &[Outcome]) -> Result<usize> {
    let mut topics = Rows::default();
    let mut spaces = Vec::new();
    let (mut principals, mut environments, mut bridges) = (Rows::default(), Rows::default(), Rows::default());
    for outcome in outcomes {
        match outcome.object {
            Object::Topic(channel, space) => {
                topics.add(channel.0, outcome);
                spaces.push(space.0);
            }
            Object::Principal(environment) => principals.add(environment.0, outcome),
            Object::Access(environment) => environments.add(environment.0, outcome),
            Object::Bridge(bridge) => bridges.add(bridge.0, outcome),
        }
    }
    let mut changed = set_topics(db, &topics, &spaces).await?;
    changed.extend(set_principals(db, &principals).await?);
    changed.extend(set_environments(db, &environments).await?);
    changed.extend(set_bridges(db, &bridges).await?);
    notify_changed(db, &changed).await?;
    Ok(changed.len())
}

/// Outcomes as columns.
#[derive(Default)]
struct Rows {
    ids: Vec<Uuid>,
    changed_at: Vec<OffsetDateTime>,
    failures: Vec<Option<String>>,
    topic_ids: Vec<Option<Uuid>>,
}

impl Rows {
    fn add(&mut self, id: Uuid, outcome: &Outcome) {
        self.ids.push(id);
        self.changed_at.push(outcome.changed_at);
        self.failures.push(outcome.failure.clone());
        self.topic_ids.push(outcome.topic_id);
    }
}

async fn set_topics(db: &mut PgConnection, rows: &Rows, spaces: &[Uuid]) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar!(
        r#"with free as (
               select t.channel_id, t.space_id, o.failure, o.topic_id
               from unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::text[], $5::uuid[])
                    o (channel, space, changed_at, failure, topic_id)
               join channel_topic t on t.channel_id = o.channel and t.space_id = o.space
                    and t.changed_at = o.changed_at
               where t.failure is distinct from o.failure or (t.applied_at is null) <> (o.failure is not null)
                  or (o.topic_id is not null and t.topic_id is distinct from o.topic_id)
               for no key update of t skip locked)
           update channel_topic t
           set applied_at = case when f.failure is null then now() end, failure = f.failure,
               topic_id = coalesce(f.topic_id, t.topic_id)
           from free f where t.channel_id = f.channel_id and t.space_id = f.space_id
           returning 'channel:' || t.channel_id as "page!""#,
        &rows.ids,
        spaces,
        &rows.changed_at,
        &rows.failures as &[Option<String>],
        &rows.topic_ids as &[Option<Uuid>]
    )
    .fetch_all(db)
    .await?)
}

async fn set_principals(db: &mut PgConnection, rows: &Rows) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar!(
        r#"with free as (
               select p.environment_id, o.failure
               from unnest($1::uuid[], $2::timestamptz[], $3::text[]) o (id, changed_at, failure)
               join principal p on p.environment_id = o.id and p.changed_at = o.changed_at
               where p.failure is distinct from o.failure or (p.applied_at is null) <> (o.failure is not null)
               for no key update of p skip locked)
           update principal p
           set applied_at = case when f.failure is null then now() end, failure = f.failure
           from free f where p.environment_id = f.environment_id
           returning 'environment:' || p.environment_id as "page!""#,
        &rows.ids,
        &rows.changed_at,
        &rows.failures as &[Option<String>]
    )
    .fetch_all(db)
    .await?)
}

async fn set_environments(db: &mut PgConnection, rows: &Rows) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar!(
        r#"with free as (
               select e.id, o.failure
               from unnest($1::uuid[], $2::timestamptz[], $3::text[]) o (id, changed_at, failure)
               join environment e on e.id = o.id and e.access_changed_at = o.changed_at
               where e.access_failure is distinct from o.failure
                  or (e.access_applied_at is null) <> (o.failure is not null)
               for no key update of e skip locked)
           update environment e
           set access_applied_at = case when f.failure is null then now() end, access_failure = f.failure
           from free f where e.id = f.id
           returning 'environment:' || e.id as "page!""#,
        &rows.ids,
        &rows.changed_at,
        &rows.failures as &[Option<String>]
    )
    .fetch_all(db)
    .await?)
}

async fn set_bridges(db: &mut PgConnection, rows: &Rows) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar!(
        r#"with free as (
               select b.id, o.failure
               from unnest($1::uuid[], $2::timestamptz[], $3::text[]) o (id, changed_at, failure)
               join bridge b on b.id = o.id and b.access_changed_at = o.changed_at
               where b.access_failure is distinct from o.failure
                  or (b.access_applied_at is null) <> (o.failure is not null)
               for no key update of b skip locked)
           update bridge b
           set access_applied_at = case when f.failure is null then now() end, access_failure = f.failure
           from free f where b.id = f.id
           returning 'bridge:' || b.id as "page!""#,
        &rows.ids,
        &rows.changed_at,
        &rows.failures as &[Option<String>]
    )
    .fetch_all(db)
    .await?)
}

/// The one reconciler's place, held by a connection of its own for as long as that lives.
#[derive(Debug)]
pub struct Lead(PgConnection);

impl Lead {
    /// Takes the place; `None` when another has it.
    pub async fn take(pool: &PgPool) -> Result<Option<Self>> {
        let mut db = PgConnection::connect_with(&pool.connect_options()).await?;
        let leads =
            sqlx::query_scalar!(r#"select pg_try_advisory_lock(7306482910) as "yes!""#).fetch_one(&mut db).await?;
        Ok(leads.then_some(Self(db)))
    }

    /// Fails when the connection is lost: the place may be another's by now.
    pub async fn check(&mut self) -> Result<()> {
        Ok(self.0.ping().await?)
    }

    /// Leaves the place to another at once.
    pub async fn leave(self) -> Result<()> {
        Ok(self.0.close().await?)
    }
}

/// Hints that what Kafka should hold has changed, by a connection of its own.
#[derive(Debug)]
pub struct Hints(PgListener);

impl Hints {
    /// Listens from now on.
    pub async fn listen(pool: &PgPool) -> Result<Self> {
        let options = (*pool.connect_options()).clone();
        let own = PgPoolOptions::new().max_connections(1).idle_timeout(None).max_lifetime(None);
        let mut listener = PgListener::connect_with(&own.connect_lazy_with(options)).await?;
        listener.listen(DESIRED).await?;
        Ok(Self(listener))
    }

    /// Waits for a hint. All that have come meanwhile are one; so is a connection lost and found again, since hints
    /// may have been missed.
    pub async fn next(&mut self) -> Result<()> {
        self.0.try_recv().await?;
        while self.0.next_buffered().is_some() {}
        Ok(())
    }
}
