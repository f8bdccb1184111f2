//! Spaces.

use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    Columns, Error, NAMES, Page, PgConnection, Result, Sorting,
    error::parsed,
    sorted::{Key, Listing},
    take_turn,
};
use crate::domain::{
    ids::{ChannelId, SpaceId},
    landscape::Space,
    names::SpaceName,
};

/// A Space in the list.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The Space.
    pub space: Space,
    /// Environments in it that are enabled.
    pub environments: i64,
    /// Channels with a topic in it.
    pub channels: i64,
    /// Bridges of it that are not drafts.
    pub bridges: i64,
}

/// The Space with this name, made where there is none; names differ by more than case. One that is there is not locked.
pub async fn find_or_insert(db: &mut PgConnection, id: SpaceId, name: &SpaceName) -> Result<Space> {
    if let Some(space) = find(db, name.as_str()).await? {
        return Ok(space);
    }
    take_turn(db, NAMES).await?;
    if let Some(space) = find(db, name.as_str()).await? {
        return Ok(space);
    }
    sqlx::query!("insert into space (id, name) values ($1, $2)", id.0, name.as_str()).execute(db).await?;
    Ok(Space { id, name: name.clone() })
}

/// The Space with this name, whatever the case.
pub async fn find(db: &mut PgConnection, name: &str) -> Result<Option<Space>> {
    // No name holds U+0000, and Postgres refuses to look.
    if name.contains('\0') {
        return Ok(None);
    }
    let row = sqlx::query!("select id, name from space where lower(name) = lower($1)", name).fetch_optional(db).await?;
    row.map(|r| Ok(Space { id: r.id.into(), name: parsed(r.name.parse().ok(), "space.name")? })).transpose()
}

/// The Space with this id.
pub async fn load(db: &mut PgConnection, id: SpaceId) -> Result<Space> {
    let row = sqlx::query!("select id, name from space where id = $1", id.0)
        .fetch_optional(db)
        .await?
        .ok_or(Error::Missing("Space"))?;
    Ok(Space { id: row.id.into(), name: parsed(row.name.parse().ok(), "space.name")? })
}

/// The Space with this name, whatever the case, locked until the transaction ends.
pub async fn find_for_update(db: &mut PgConnection, name: &str) -> Result<Option<Space>> {
    let row = sqlx::query!("select id, name from space where lower(name) = lower($1) for update", name)
        .fetch_optional(db)
        .await?;
    row.map(|r| Ok(Space { id: r.id.into(), name: parsed(r.name.parse().ok(), "space.name")? })).transpose()
}

/// Locks a Space against its end, and against others who bring names into it, until the transaction ends. Gives false
/// when there is no such Space any more.
pub async fn lock(db: &mut PgConnection, id: SpaceId) -> Result<bool> {
    let found = sqlx::query_scalar!(r#"select 1 as "one!" from space where id = $1 for no key update"#, id.0)
        .fetch_optional(db)
        .await?;
    Ok(found.is_some())
}

/// What keeps a Space from being deleted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Content {
    environments: i64,
    channels: i64,
    bridges: i64,
}

impl Content {
    /// In words: `2 environments, 1 channel`; nothing where the Space is empty.
    pub fn what(self) -> Option<String> {
        let of =
            |count: i64, one: &str| (count > 0).then(|| format!("{count} {one}{}", if count == 1 { "" } else { "s" }));
        let all = [of(self.environments, "environment"), of(self.channels, "channel"), of(self.bridges, "bridge")];
        let all: Vec<_> = all.into_iter().flatten().collect();
        (!all.is_empty()).then(|| all.join(", "))
    }
}

/// Counts what is in a Space: environments, enabled or not, channels with a topic, bridges, drafts among them.
pub async fn count_content(db: &mut PgConnection, id: SpaceId) -> Result<Content> {
    Ok(sqlx::query_as!(
        Content,
        r#"select (select count(*) from environment where space_id = $1) as "environments!",
                  (select count(*) from channel_topic where space_id = $1) as "channels!",
                  (select count(*) from bridge where space_id = $1) as "bridges!""#,
        id.0
    )
    .fetch_one(db)
    .await?)
}

/// Deletes a Space.
pub async fn delete(db: &mut PgConnection, id: SpaceId) -> Result<()> {
    sqlx::query!("delete from space where id = $1", id.0).execute(db).await?;
    Ok(())
}

/// All Spaces, by name.
pub async fn list(db: &mut PgConnection) -> Result<Vec<Listed>> {
    Ok(page(db, &Filter { limit: i64::MAX, ..Filter::default() }).await?.items)
}

/// Names of all Spaces, in order.
pub async fn list_names(db: &mut PgConnection) -> Result<Vec<SpaceName>> {
    let names = sqlx::query_scalar!("select name from space order by lower(name)").fetch_all(db).await?;
    names.into_iter().map(|name| parsed(name.parse().ok(), "space.name")).collect()
}

/// Columns that Spaces can be sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SpacesBy {
    /// Their names.
    #[default]
    Space,
    /// How many environments in them are enabled.
    Environments,
    /// How many channels have a topic in them.
    Channels,
    /// How many bridges they have that are not drafts.
    Bridges,
}

impl Columns for SpacesBy {
    const ALL: &'static [Self] = &[Self::Space, Self::Environments, Self::Channels, Self::Bridges];

    fn column(self) -> (&'static str, &'static [Key]) {
        const NAME: Key = Key::Text("lower(s.name)");
        match self {
            Self::Space => ("space", &[NAME]),
            Self::Environments => (
                "environments",
                &[
                    Key::Number(
                        "(select count(*) from environment e join app a on a.id = e.app_id
                          where e.space_id = s.id and e.broker_enabled and a.broker_enabled)",
                    ),
                    NAME,
                ],
            ),
            Self::Channels => {
                ("channels", &[Key::Number("(select count(*) from channel_topic t where t.space_id = s.id)"), NAME])
            }
            Self::Bridges => (
                "bridges",
                &[
                    Key::Number(
                        "(select count(*) from bridge b
                          where b.space_id = s.id and b.desired in ('running', 'stopped'))",
                    ),
                    NAME,
                ],
            ),
        }
    }
}

/// Which Spaces a list shows, and in which order.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Text that must be in the name.
    pub q: String,
    /// Key of an app with an environment in it.
    pub app: Option<String>,
    /// The order, and where the page begins.
    pub sorting: Sorting<SpacesBy>,
    /// Rows at most.
    pub limit: i64,
}

#[derive(sqlx::FromRow)]
struct ListedRow {
    id: Uuid,
    name: String,
    environments: i64,
    channels: i64,
    bridges: i64,
}

/// A page of the Spaces.
pub async fn page(db: &mut PgConnection, filter: &Filter) -> Result<Page<Listed>> {
    let mut listing = Listing::select(
        "s.id, s.name,
         (select count(*) from environment e join app a on a.id = e.app_id
          where e.space_id = s.id and e.broker_enabled and a.broker_enabled) as environments,
         (select count(*) from channel_topic t where t.space_id = s.id) as channels,
         (select count(*) from bridge b where b.space_id = s.id and b.desired in ('running', 'stopped')) as bridges",
        &filter.sorting,
    );
    listing.push("from space s where true").holding(&filter.q, &["strpos(lower(s.name), $) > 0"]).only(
        "exists (select from environment e join app a on a.id = e.app_id where e.space_id = s.id and a.key = $)",
        filter.app.as_deref(),
    );
    let page = listing.read::<ListedRow>(db, &filter.sorting, filter.limit).await?;
    page.map(|row| {
        Ok(Listed {
            space: Space { id: row.id.into(), name: parsed(row.name.parse().ok(), "space.name")? },
            environments: row.environments,
            channels: row.channels,
            bridges: row.bridges,
        })
    })
}

/// Who does what with an event in a Space.
#[derive(Clone, Debug)]
pub struct Use {
    /// `<app>` of the environment.
    pub app: String,
    /// Key of the environment.
    pub environment: String,
    /// Key of the service.
    pub service: String,
    /// The event.
    pub event: String,
    /// The channel it flows in.
    pub channel: ChannelId,
    /// Whether it has a grant to publish.
    pub publish: bool,
    /// Whether it has a grant to subscribe.
    pub subscribe: bool,
}

/// Who may publish and subscribe what in a Space, enabled environments only; by service, event, app. Of the first
/// `events` that flow in it.
pub async fn list_uses(db: &mut PgConnection, space: SpaceId, events: i64) -> Result<Vec<Use>> {
    Ok(sqlx::query!(
        r#"select a.key as app, e.key as environment, s.key as service, v.name as event, v.channel_id,
                  bool_or(g.access = 'publish') as "publish!", bool_or(g.access = 'subscribe') as "subscribe!"
           from access_grant g
           join environment e on e.id = g.environment_id
           join app a on a.id = e.app_id
           join event v on v.id = g.event_id
           join service s on s.id = v.service_id
           where e.space_id = $1 and e.broker_enabled and a.broker_enabled
             and v.id in (select v.id from channel_topic t join event v on v.channel_id = t.channel_id
                          join service s on s.id = v.service_id
                          where t.space_id = $1 order by s.key, v.name limit $2)
           group by a.key, e.key, s.key, v.name, v.channel_id
           order by s.key, v.name, a.key, e.key"#,
        space.0,
        events
    )
    .fetch_all(db)
    .await?
    .into_iter()
    .map(|r| Use {
        app: r.app,
        environment: r.environment,
        service: r.service,
        event: r.event,
        channel: r.channel_id.into(),
        publish: r.publish,
        subscribe: r.subscribe,
    })
    .collect())
}

/// The same of one channel, in every Space that it has a topic in; each with the name of the Space, by Space, event, app.
pub async fn list_uses_of_channel(db: &mut PgConnection, channel: ChannelId) -> Result<Vec<(String, Use)>> {
    Ok(sqlx::query!(
        r#"select p.name as space, a.key as app, e.key as environment, s.key as service, v.name as event,
                  bool_or(g.access = 'publish') as "publish!", bool_or(g.access = 'subscribe') as "subscribe!"
           from access_grant g
           join environment e on e.id = g.environment_id
           join app a on a.id = e.app_id
           join event v on v.id = g.event_id
           join service s on s.id = v.service_id
           join channel_topic t on t.channel_id = v.channel_id and t.space_id = e.space_id
           join space p on p.id = e.space_id
           where v.channel_id = $1 and e.broker_enabled and a.broker_enabled
           group by p.name, a.key, e.key, s.key, v.name
           order by p.name, v.name, a.key, e.key"#,
        channel.0
    )
    .fetch_all(db)
    .await?
    .into_iter()
    .map(|r| {
        let used = Use {
            app: r.app,
            environment: r.environment,
            service: r.service,
            event: r.event,
            channel,
            publish: r.publish,
            subscribe: r.subscribe,
        };
        (r.space, used)
    })
    .collect())
}

/// An environment that belongs to a Space.
#[derive(Clone, Debug)]
pub struct Inhabitant {
    /// Key of the app.
    pub app: String,
    /// Key of the environment.
    pub environment: String,
    /// Whether it is enabled at both levels: only then it exchanges events.
    pub is_enabled: bool,
    /// Version of the newest deployment.
    pub deployed: Option<String>,
}

/// Environments that belong to a Space, by app and key.
pub async fn list_inhabitants(db: &mut PgConnection, space: SpaceId) -> Result<Vec<Inhabitant>> {
    Ok(sqlx::query_as!(
        Inhabitant,
        r#"select a.key as app, e.key as environment, e.broker_enabled and a.broker_enabled as "is_enabled!",
                  (select app_version from deployment d where d.environment_id = e.id
                   order by deployed_at desc limit 1) as deployed
           from environment e join app a on a.id = e.app_id
           where e.space_id = $1 order by a.key, e.key"#,
        space.0
    )
    .fetch_all(db)
    .await?)
}

/// What Kafka has made of something: the columns `changed_at`, `applied_at`, `failure` of several tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Followed {
    /// Read back from every live broker.
    Applied,
    /// Not yet, since then.
    Pending(OffsetDateTime),
    /// Refused, and why; tried again all the same.
    Failed(String),
}

impl Followed {
    pub(super) fn of(changed_at: OffsetDateTime, applied_at: Option<OffsetDateTime>, failure: Option<String>) -> Self {
        match (applied_at, failure) {
            (_, Some(why)) => Self::Failed(why),
            (Some(_), None) => Self::Applied,
            (None, None) => Self::Pending(changed_at),
        }
    }

    /// The state of a whole: failed if a part failed, pending if a part is, else applied.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Failed(why), _) | (_, Self::Failed(why)) => Self::Failed(why),
            (Self::Pending(a), Self::Pending(b)) => Self::Pending(a.min(b)),
            (Self::Pending(since), Self::Applied) | (Self::Applied, Self::Pending(since)) => Self::Pending(since),
            (Self::Applied, Self::Applied) => Self::Applied,
        }
    }

    /// The word of the API: `applied`, `pending` or `failed`.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Pending(_) => "pending",
            Self::Failed(_) => "failed",
        }
    }
}
