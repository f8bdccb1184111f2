//! Services, their events and channels, and the topics these have in Spaces.

use std::collections::BTreeMap;

use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    Columns, Error, Page, PgConnection, Result, Sorting,
    error::parsed,
    sorted::{Key, Listing},
    spaces::Followed,
};
use crate::domain::{
    contract::Attribute,
    grant::Access,
    ids::{AppId, ChannelId, EventId, ServiceId, SpaceId},
    names::{ServiceKey, SpaceName},
};

/// A service.
#[derive(Clone, Debug)]
pub struct Service {
    /// Id.
    pub id: ServiceId,
    /// Key, unique in the installation.
    pub key: ServiceKey,
    /// The app that defines it; `None` when it was uploaded.
    pub app: Option<AppId>,
    /// Title.
    pub title: String,
    /// Version of the contract.
    pub contract_version: String,
    /// Description.
    pub description: String,
}

/// Adds a service unless its key is taken: of two who do so at once, the second waits for the first. Gives whether it
/// was added.
pub async fn insert_service(db: &mut PgConnection, service: &Service) -> Result<bool> {
    let done = sqlx::query!(
        "insert into service (id, key, app_id, title, contract_version, description) values ($1, $2, $3, $4, $5, $6)
         on conflict (key) do nothing",
        service.id.0,
        service.key.as_str(),
        service.app.map(|a| a.0),
        service.title,
        service.contract_version,
        service.description
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

struct ServiceRow {
    id: Uuid,
    key: String,
    app_id: Option<Uuid>,
    title: String,
    contract_version: String,
    description: String,
}

impl TryFrom<ServiceRow> for Service {
    type Error = Error;

    fn try_from(row: ServiceRow) -> Result<Self> {
        Ok(Self {
            id: row.id.into(),
            key: parsed(row.key.parse().ok(), "service.key")?,
            app: row.app_id.map(Into::into),
            title: row.title,
            contract_version: row.contract_version,
            description: row.description,
        })
    }
}

/// The service with this key.
pub async fn find_service(db: &mut PgConnection, key: &str) -> Result<Option<Service>> {
    sqlx::query_as!(
        ServiceRow,
        "select id, key, app_id, title, contract_version, description from service where key = $1",
        key
    )
    .fetch_optional(db)
    .await?
    .map(Service::try_from)
    .transpose()
}

/// The service with this key, locked until the transaction ends.
pub async fn find_service_for_update(db: &mut PgConnection, key: &str) -> Result<Option<Service>> {
    sqlx::query_as!(
        ServiceRow,
        "select id, key, app_id, title, contract_version, description from service where key = $1 for update",
        key
    )
    .fetch_optional(db)
    .await?
    .map(Service::try_from)
    .transpose()
}

/// Brings title, version and description of a service up to date.
pub async fn update_service(db: &mut PgConnection, service: &Service) -> Result<()> {
    sqlx::query!(
        "update service set title = $2, contract_version = $3, description = $4, version = version + 1
         where id = $1 and (title, contract_version, description) is distinct from ($2, $3, $4)",
        service.id.0,
        service.title,
        service.contract_version,
        service.description
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Keeps a document as it was brought; once, however often it comes. It is the one in force from now on. Gives false
/// when it was so already.
pub async fn keep_document(db: &mut PgConnection, service: ServiceId, sha256: &[u8], document: &[u8]) -> Result<bool> {
    let newest = sqlx::query_scalar!(
        "select sha256 from contract_document where service_id = $1 order by brought_at desc limit 1",
        service.0
    )
    .fetch_optional(&mut *db)
    .await?;
    // The clock and not the transaction's beginning: the service's row orders those who come here.
    sqlx::query!(
        "insert into contract_document (id, service_id, sha256, document, brought_at)
         values ($1, $2, $3, $4, clock_timestamp())
         on conflict on constraint contract_document_once do update set brought_at = excluded.brought_at",
        Uuid::now_v7(),
        service.0,
        sha256,
        document
    )
    .execute(db)
    .await?;
    Ok(newest.is_none_or(|newest| newest != sha256))
}

/// The document of a service that is in force.
pub async fn find_document(db: &mut PgConnection, service: ServiceId) -> Result<Option<Vec<u8>>> {
    Ok(sqlx::query_scalar!(
        "select document from contract_document where service_id = $1 order by brought_at desc limit 1",
        service.0
    )
    .fetch_optional(db)
    .await?)
}

/// Ids and addresses of the channels of a service, by address.
pub async fn list_addresses(db: &mut PgConnection, service: ServiceId) -> Result<Vec<(ChannelId, String)>> {
    let rows = sqlx::query!("select id, address from channel where service_id = $1 order by address", service.0)
        .fetch_all(db)
        .await?;
    Ok(rows.into_iter().map(|r| (r.id.into(), r.address)).collect())
}

/// Whose a channel is: the service it belongs to.
pub async fn find_channel_owner(db: &mut PgConnection, id: ChannelId) -> Result<Option<ServiceId>> {
    Ok(sqlx::query_scalar!("select service_id from channel where id = $1", id.0)
        .fetch_optional(db)
        .await?
        .map(Into::into))
}

/// The channel of a service with this address, made with `id` where there is none. Gives its id.
pub async fn find_or_insert_channel(
    db: &mut PgConnection,
    id: ChannelId,
    service: ServiceId,
    address: &str,
) -> Result<ChannelId> {
    Ok(sqlx::query_scalar!(
        "insert into channel (id, service_id, address) values ($1, $2, $3)
         on conflict (service_id, address) do update set address = excluded.address
         returning id",
        id.0,
        service.0,
        address
    )
    .fetch_one(db)
    .await?
    .into())
}

/// An event as a contract declares it.
#[derive(Clone, Debug)]
pub struct NewEvent<'a> {
    /// Name: the `ce_type`.
    pub name: &'a str,
    /// Title.
    pub title: &'a str,
    /// Description.
    pub description: &'a str,
    /// The defining app sends it.
    pub app_sends: bool,
    /// The defining app receives it.
    pub app_receives: bool,
    /// Attributes.
    pub attributes: &'a [Attribute],
}

/// Adds an event, or brings it up to date. Gives its id.
pub async fn upsert_event(
    db: &mut PgConnection,
    service: ServiceId,
    channel: ChannelId,
    event: &NewEvent<'_>,
) -> Result<EventId> {
    let attributes = serde_json::to_value(event.attributes).map_err(|_| Error::Unreadable("event.attributes"))?;
    Ok(sqlx::query_scalar!(
        "insert into event (id, service_id, channel_id, name, title, description, app_sends, app_receives, attributes)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         on conflict (service_id, name) do update
         set channel_id = excluded.channel_id, title = excluded.title, description = excluded.description,
             app_sends = excluded.app_sends, app_receives = excluded.app_receives, attributes = excluded.attributes
         returning id",
        Uuid::now_v7(),
        service.0,
        channel.0,
        event.name,
        event.title,
        event.description,
        event.app_sends,
        event.app_receives,
        attributes
    )
    .fetch_one(db)
    .await?
    .into())
}

/// The topic of a channel in a Space as it shall be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTopic {
    /// Partitions.
    pub partitions: i32,
    /// Replicas.
    pub replicas: i16,
    /// Configuration by Kafka's names.
    pub config: BTreeMap<String, String>,
}

/// Lets a channel come into being in a Space, or changes how its topic shall be. Partitions never go down: Kafka
/// cannot. Gives true when anything changed.
pub async fn upsert_topic(db: &mut PgConnection, channel: ChannelId, space: SpaceId, topic: &NewTopic) -> Result<bool> {
    let config = serde_json::to_value(&topic.config).map_err(|_| Error::Unreadable("channel_topic.config"))?;
    let done = sqlx::query!(
        "insert into channel_topic (channel_id, space_id, partitions, replicas, config) values ($1, $2, $3, $4, $5)
         on conflict (channel_id, space_id) do update
         set partitions = greatest(channel_topic.partitions, excluded.partitions), config = excluded.config,
             changed_at = now(), applied_at = null, failure = null
         where channel_topic.config is distinct from excluded.config
            or channel_topic.partitions < excluded.partitions",
        channel.0,
        space.0,
        topic.partitions,
        topic.replicas,
        config
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// An event by the names people use for it, as rules need it.
#[derive(Clone, Debug)]
pub struct Event {
    /// Id.
    pub id: EventId,
    /// Key of the service.
    pub service: String,
    /// Name: the `ce_type`.
    pub name: String,
    /// The channel it flows in.
    pub channel: ChannelId,
    /// The app that defines it; `None` when it was uploaded.
    pub app: Option<AppId>,
    /// The defining app sends it: others may subscribe.
    pub app_sends: bool,
    /// The defining app receives it: others may publish.
    pub app_receives: bool,
}

/// The event with these names.
pub async fn find_event(db: &mut PgConnection, service: &str, event: &str) -> Result<Option<Event>> {
    // No name holds U+0000, and Postgres refuses to look.
    if service.contains('\0') || event.contains('\0') {
        return Ok(None);
    }
    let row = sqlx::query!(
        "select v.id, s.key, v.name, v.channel_id, s.app_id, v.app_sends, v.app_receives
         from event v join service s on s.id = v.service_id where s.key = $1 and v.name = $2",
        service,
        event
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|r| Event {
        id: r.id.into(),
        service: r.key,
        name: r.name,
        channel: r.channel_id.into(),
        app: r.app_id.map(Into::into),
        app_sends: r.app_sends,
        app_receives: r.app_receives,
    }))
}

/// Whether another service has an event of this name with a topic in the Space: names are unique in a Space.
pub async fn find_rival(
    db: &mut PgConnection,
    space: SpaceId,
    service: ServiceId,
    event: &str,
) -> Result<Option<String>> {
    Ok(sqlx::query_scalar!(
        "select s.key from event v join service s on s.id = v.service_id
         join channel_topic t on t.channel_id = v.channel_id and t.space_id = $1
         where v.name = $3 and v.service_id <> $2 limit 1",
        space.0,
        service.0,
        event
    )
    .fetch_optional(db)
    .await?)
}

/// A topic of a channel, as pages show it.
#[derive(Clone, Debug)]
pub struct ListedTopic {
    /// The Space.
    pub space: SpaceName,
    /// Partitions wanted.
    pub partitions: i32,
    /// Replicas wanted.
    pub replicas: i16,
    /// Configuration wanted.
    pub config: BTreeMap<String, String>,
    /// Whether Kafka has followed.
    pub followed: Followed,
}

/// A channel in the list.
#[derive(Clone, Debug)]
pub struct ListedChannel {
    /// Id.
    pub id: ChannelId,
    /// Key of the service.
    pub service: String,
    /// Title of the service.
    pub title: String,
    /// Key of the app that defines it.
    pub app: Option<String>,
    /// Names of its events.
    pub events: Vec<String>,
    /// Names of the Spaces it has a topic in.
    pub spaces: Vec<String>,
    /// Whether Kafka has followed with its topics; where the list is narrowed to a Space, with that of the Space.
    pub followed: Followed,
}

/// Which rows a list shows, and in which order.
#[derive(Clone, Debug, Default)]
pub struct Filter<By> {
    /// Text that must be in a name.
    pub q: String,
    /// Name of a Space.
    pub space: Option<String>,
    /// Key of the app that defines it.
    pub app: Option<String>,
    /// Key of the service.
    pub service: Option<String>,
    /// Of events: what apps other than the defining one may do, by the contract.
    pub open_to: Option<Access>,
    /// The order, and where the page begins.
    pub sorting: Sorting<By>,
    /// Rows at most.
    pub limit: i64,
}

/// Columns that channels can be sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ChannelsBy {
    /// The keys of their services.
    #[default]
    Channel,
    /// How many events flow in them.
    Events,
    /// The keys of the apps that define them; those that no app defines come first.
    App,
    /// How Kafka has followed: failed, pending, applied.
    Kafka,
}

impl Columns for ChannelsBy {
    const ALL: &'static [Self] = &[Self::Channel, Self::Events, Self::App, Self::Kafka];

    fn column(self) -> (&'static str, &'static [Key]) {
        const SERVICE: Key = Key::Text("s.key");
        const ID: Key = Key::Id("c.id");
        match self {
            Self::Channel => ("channel", &[SERVICE, ID]),
            Self::Events => {
                ("events", &[Key::Number("(select count(*) from event v where v.channel_id = c.id)"), SERVICE, ID])
            }
            Self::App => ("app", &[Key::Text("coalesce(a.key, '')"), SERVICE, ID]),
            Self::Kafka => (
                "kafka",
                &[
                    // A few channels are not applied: Postgres reads those once, by their index.
                    Key::Number(
                        "(case when c.id in (select t.channel_id from channel_topic t where t.failure is not null
                                             and (wanted.everywhere or t.space_id = wanted.space)) then 0
                               when c.id in (select t.channel_id from channel_topic t where t.applied_at is null
                                             and (wanted.everywhere or t.space_id = wanted.space)) then 1
                               else 2 end)::bigint",
                    ),
                    SERVICE,
                    ID,
                ],
            ),
        }
    }
}

#[derive(sqlx::FromRow)]
struct ListedChannelRow {
    id: Uuid,
    service: String,
    title: String,
    app: Option<String>,
    events: Vec<String>,
    spaces: Vec<String>,
    pending: Option<OffsetDateTime>,
    failure: Option<String>,
}

impl From<ListedChannelRow> for ListedChannel {
    fn from(row: ListedChannelRow) -> Self {
        Self {
            id: row.id.into(),
            service: row.service,
            title: row.title,
            app: row.app,
            events: row.events,
            spaces: row.spaces,
            followed: match (row.failure, row.pending) {
                (Some(why), _) => Followed::Failed(why),
                (None, Some(since)) => Followed::Pending(since),
                (None, None) => Followed::Applied,
            },
        }
    }
}

/// A page of the channels.
pub async fn list_channels(db: &mut PgConnection, filter: &Filter<ChannelsBy>) -> Result<Page<ListedChannel>> {
    let mut listing = Listing::select(
        "c.id, s.key as service, s.title, a.key as app,
         array(select v.name from event v where v.channel_id = c.id order by v.name) as events,
         array(select p.name from channel_topic t join space p on p.id = t.space_id
               where t.channel_id = c.id order by p.name) as spaces,
         (select min(t.changed_at) from channel_topic t where t.channel_id = c.id and t.applied_at is null
            and (wanted.everywhere or t.space_id = wanted.space)) as pending,
         (select min(t.failure) from channel_topic t where t.channel_id = c.id and t.failure is not null
            and (wanted.everywhere or t.space_id = wanted.space)) as failure",
        &filter.sorting,
    );
    listing.push("from service s ");
    listing.push(match filter.sorting.by {
        // Service by service, in their order: joined freely, all channels are read for any page but the first ones.
        ChannelsBy::Channel => "cross join lateral (select id from channel where service_id = s.id offset 0) c",
        _ => "join channel c on c.service_id = s.id",
    });
    listing.push(" left join app a on a.id = s.app_id cross join (select ");
    listing.bind(filter.space.is_none()).push(" as everywhere, (select id from space where lower(name) = lower(");
    listing.bind(filter.space.clone()).push(")) as space) wanted where true");
    let mut held = vec![
        "strpos(s.key, $) > 0",
        "strpos(lower(s.title), $) > 0",
        // Read once, by the index over parts of names; not once for each channel.
        "c.id in (select v.channel_id from event v where lower(v.name) like $)",
    ];
    // Making all ids into text takes longer than all the rest, and few texts can be a part of one.
    if filter.q.chars().all(|c| c.is_ascii_hexdigit() || c == '-') {
        held.push("strpos(c.id::text, $) > 0");
    }
    listing.holding(&filter.q, &held);
    if filter.space.is_some() {
        listing
            .push(" and exists (select from channel_topic t where t.channel_id = c.id and t.space_id = wanted.space)");
    }
    listing.only("a.key = $", filter.app.as_deref()).only("s.key = $", filter.service.as_deref());
    let page = listing.read::<ListedChannelRow>(db, &filter.sorting, filter.limit).await?;
    page.map(|row| Ok(row.into()))
}

/// A channel in full.
#[derive(Clone, Debug)]
pub struct Channel {
    /// What the list shows.
    pub listed: ListedChannel,
    /// The key of the channel in the document.
    pub address: String,
    /// Its events.
    pub events: Vec<ListedEvent>,
    /// Its topics, by Space.
    pub topics: Vec<ListedTopic>,
}

/// The channel with this id.
pub async fn find_channel(db: &mut PgConnection, id: ChannelId) -> Result<Option<Channel>> {
    let Some(row) = sqlx::query!(
        r#"select c.address, s.key as service, s.title, a.key as "app?"
           from channel c join service s on s.id = c.service_id left join app a on a.id = s.app_id where c.id = $1"#,
        id.0
    )
    .fetch_optional(&mut *db)
    .await?
    else {
        return Ok(None);
    };
    let topics = sqlx::query!(
        "select p.name, t.partitions, t.replicas, t.config, t.changed_at, t.applied_at, t.failure
         from channel_topic t join space p on p.id = t.space_id where t.channel_id = $1 order by p.name",
        id.0
    )
    .fetch_all(&mut *db)
    .await?
    .into_iter()
    .map(|r| {
        Ok(ListedTopic {
            space: parsed(r.name.parse().ok(), "space.name")?,
            partitions: r.partitions,
            replicas: r.replicas,
            config: parsed(serde_json::from_value(r.config).ok(), "channel_topic.config")?,
            followed: Followed::of(r.changed_at, r.applied_at, r.failure),
        })
    })
    .collect::<Result<Vec<_>>>()?;
    let events = list_events_of(db, id).await?;
    let followed = topics.iter().fold(Followed::Applied, |all, t| all.and(t.followed.clone()));
    Ok(Some(Channel {
        listed: ListedChannel {
            id,
            service: row.service,
            title: row.title,
            app: row.app,
            events: events.iter().map(|e| e.name.clone()).collect(),
            spaces: topics.iter().map(|t| t.space.to_string()).collect(),
            followed,
        },
        address: row.address,
        events,
        topics,
    }))
}

/// An event in a list.
#[derive(Clone, Debug)]
pub struct ListedEvent {
    /// Id.
    pub id: EventId,
    /// Key of the service.
    pub service: String,
    /// Version of its contract.
    pub contract_version: String,
    /// Name: the `ce_type`.
    pub name: String,
    /// Title.
    pub title: String,
    /// Description.
    pub description: String,
    /// Key of the app that defines it.
    pub app: Option<String>,
    /// The channel it flows in.
    pub channel: ChannelId,
    /// The defining app sends it.
    pub app_sends: bool,
    /// The defining app receives it.
    pub app_receives: bool,
    /// Attributes.
    pub attributes: Vec<Attribute>,
    /// Spaces it flows in.
    pub spaces: Vec<String>,
}

#[derive(sqlx::FromRow)]
struct EventRow {
    id: Uuid,
    service: String,
    contract_version: String,
    name: String,
    title: String,
    description: String,
    app: Option<String>,
    channel_id: Uuid,
    app_sends: bool,
    app_receives: bool,
    attributes: Value,
    spaces: Vec<String>,
}

impl TryFrom<EventRow> for ListedEvent {
    type Error = Error;

    fn try_from(row: EventRow) -> Result<Self> {
        Ok(Self {
            id: row.id.into(),
            service: row.service,
            contract_version: row.contract_version,
            name: row.name,
            title: row.title,
            description: row.description,
            app: row.app,
            channel: row.channel_id.into(),
            app_sends: row.app_sends,
            app_receives: row.app_receives,
            attributes: parsed(serde_json::from_value(row.attributes).ok(), "event.attributes")?,
            spaces: row.spaces,
        })
    }
}

async fn list_events_of(db: &mut PgConnection, channel: ChannelId) -> Result<Vec<ListedEvent>> {
    sqlx::query_as!(
        EventRow,
        r#"select v.id, s.key as service, s.contract_version, v.name, v.title, v.description, a.key as "app?",
                  v.channel_id, v.app_sends, v.app_receives, v.attributes,
                  array(select p.name from channel_topic t join space p on p.id = t.space_id
                        where t.channel_id = v.channel_id order by p.name) as "spaces!"
           from event v join service s on s.id = v.service_id left join app a on a.id = s.app_id
           where v.channel_id = $1 order by v.name"#,
        channel.0
    )
    .fetch_all(db)
    .await?
    .into_iter()
    .map(ListedEvent::try_from)
    .collect()
}

/// The events of a service, by name, as lists show them.
pub async fn list_events_of_service(db: &mut PgConnection, service: ServiceId) -> Result<Vec<ListedEvent>> {
    sqlx::query_as!(
        EventRow,
        r#"select v.id, s.key as service, s.contract_version, v.name, v.title, v.description, a.key as "app?",
                  v.channel_id, v.app_sends, v.app_receives, v.attributes,
                  array(select p.name from channel_topic t join space p on p.id = t.space_id
                        where t.channel_id = v.channel_id order by p.name) as "spaces!"
           from event v join service s on s.id = v.service_id left join app a on a.id = s.app_id
           where v.service_id = $1 order by v.name"#,
        service.0
    )
    .fetch_all(db)
    .await?
    .into_iter()
    .map(ListedEvent::try_from)
    .collect()
}

/// The event with these names, as lists show it.
pub async fn find_listed_event(db: &mut PgConnection, service: &str, event: &str) -> Result<Option<ListedEvent>> {
    sqlx::query_as!(
        EventRow,
        r#"select v.id, s.key as service, s.contract_version, v.name, v.title, v.description, a.key as "app?",
                  v.channel_id, v.app_sends, v.app_receives, v.attributes,
                  array(select p.name from channel_topic t join space p on p.id = t.space_id
                        where t.channel_id = v.channel_id order by p.name) as "spaces!"
           from event v join service s on s.id = v.service_id left join app a on a.id = s.app_id
           where s.key = $1 and v.name = $2"#,
        service,
        event
    )
    .fetch_optional(db)
    .await?
    .map(ListedEvent::try_from)
    .transpose()
}

/// Columns that events can be sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EventsBy {
    /// Their names.
    #[default]
    Event,
    /// The keys of their services.
    Service,
    /// The keys of the apps that define them; those that no app defines come first.
    App,
}

impl Columns for EventsBy {
    const ALL: &'static [Self] = &[Self::Event, Self::Service, Self::App];

    fn column(self) -> (&'static str, &'static [Key]) {
        const NAME: Key = Key::Text("v.name");
        const ID: Key = Key::Id("v.id");
        match self {
            Self::Event => ("event", &[NAME, ID]),
            Self::Service => ("service", &[Key::Text("s.key"), NAME]),
            Self::App => ("app", &[Key::Text("coalesce(a.key, '')"), NAME, ID]),
        }
    }
}

/// A page of the events.
pub async fn list_events(db: &mut PgConnection, filter: &Filter<EventsBy>) -> Result<Page<ListedEvent>> {
    let mut listing = Listing::select(
        "v.id, s.key as service, s.contract_version, v.name, v.title, v.description, a.key as app, v.channel_id,
         v.app_sends, v.app_receives, v.attributes,
         array(select p.name from channel_topic t join space p on p.id = t.space_id
               where t.channel_id = v.channel_id order by p.name) as spaces",
        &filter.sorting,
    );
    listing.push("from event v join service s on s.id = v.service_id left join app a on a.id = s.app_id where true");
    listing
        .holding(&filter.q, &["strpos(lower(v.name), $) > 0", "strpos(s.key, $) > 0", "strpos(lower(v.title), $) > 0"]);
    listing.only(
        "exists (select from channel_topic t join space p on p.id = t.space_id
                 where t.channel_id = v.channel_id and lower(p.name) = lower($))",
        filter.space.as_deref(),
    );
    listing.only("a.key = $", filter.app.as_deref()).only("s.key = $", filter.service.as_deref());
    match filter.open_to {
        Some(Access::Subscribe) => listing.push(" and v.app_sends"),
        Some(Access::Publish) => listing.push(" and v.app_receives"),
        None => &mut listing,
    };
    listing.read::<EventRow>(db, &filter.sorting, filter.limit).await?.map(ListedEvent::try_from)
}

/// A service in a list.
#[derive(Clone, Debug)]
pub struct ListedService {
    /// Key.
    pub key: String,
    /// Title.
    pub title: String,
    /// Version of the contract.
    pub contract_version: String,
    /// Key of the app that defines it.
    pub app: Option<String>,
    /// How many events it has.
    pub events: i64,
    /// Spaces its channels have topics in.
    pub spaces: Vec<String>,
    /// When it was first defined.
    pub created_at: OffsetDateTime,
}

/// Columns that services can be sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ServicesBy {
    /// Their keys.
    #[default]
    Service,
    /// The versions of their contracts; numbers in them as numbers, so that 1.10 is after 1.9.
    Version,
    /// The keys of the apps that define them; those that no app defines come first.
    App,
    /// How many events they have.
    Events,
    /// When they were first defined.
    Defined,
}

impl Columns for ServicesBy {
    const ALL: &'static [Self] = &[Self::Service, Self::Version, Self::App, Self::Events, Self::Defined];

    fn column(self) -> (&'static str, &'static [Key]) {
        const KEY: Key = Key::Text("s.key");
        match self {
            Self::Service => ("service", &[KEY]),
            // Each number is brought to ten digits.
            Self::Version => (
                "version",
                &[
                    Key::Text(
                        r"regexp_replace(regexp_replace(s.contract_version, '(\d+)', '000000000\1', 'g'),
                                         '0*(\d{10})', '\1', 'g')",
                    ),
                    KEY,
                ],
            ),
            Self::App => ("app", &[Key::Text("coalesce(a.key, '')"), KEY]),
            Self::Events => ("events", &[Key::Number("(select count(*) from event v where v.service_id = s.id)"), KEY]),
            Self::Defined => ("defined", &[Key::Number("(extract(epoch from s.created_at) * 1000000)::bigint"), KEY]),
        }
    }
}

#[derive(sqlx::FromRow)]
struct ListedServiceRow {
    key: String,
    title: String,
    contract_version: String,
    app: Option<String>,
    events: i64,
    spaces: Vec<String>,
    created_at: OffsetDateTime,
}

impl From<ListedServiceRow> for ListedService {
    fn from(row: ListedServiceRow) -> Self {
        Self {
            key: row.key,
            title: row.title,
            contract_version: row.contract_version,
            app: row.app,
            events: row.events,
            spaces: row.spaces,
            created_at: row.created_at,
        }
    }
}

/// A page of the services.
pub async fn list_services(db: &mut PgConnection, filter: &Filter<ServicesBy>) -> Result<Page<ListedService>> {
    let mut listing = Listing::select(
        "s.key, s.title, s.contract_version, a.key as app, s.created_at,
         (select count(*) from event v where v.service_id = s.id) as events,
         array(select distinct p.name from channel c join channel_topic t on t.channel_id = c.id
               join space p on p.id = t.space_id where c.service_id = s.id order by p.name) as spaces",
        &filter.sorting,
    );
    listing.push("from service s left join app a on a.id = s.app_id where true");
    listing.holding(&filter.q, &["strpos(s.key, $) > 0", "strpos(lower(s.title), $) > 0"]);
    listing.only(
        "exists (select from channel c join channel_topic t on t.channel_id = c.id join space p on p.id = t.space_id
                 where c.service_id = s.id and lower(p.name) = lower($))",
        filter.space.as_deref(),
    );
    listing.only("a.key = $", filter.app.as_deref());
    listing.read::<ListedServiceRow>(db, &filter.sorting, filter.limit).await?.map(|row| Ok(row.into()))
}

/// What lists of the landscape can be narrowed by.
#[derive(Clone, Debug)]
pub struct Choices {
    /// Names of all Spaces.
    pub spaces: Vec<SpaceName>,
    /// Keys and names of the apps that define services, by key.
    pub apps: Vec<(String, String)>,
    /// Keys of the services.
    pub services: Vec<String>,
}

/// All Spaces, and the first so many of the apps that define services and of the services.
pub async fn list_choices(db: &mut PgConnection, limit: i64) -> Result<Choices> {
    // In one statement: every list asks for them.
    let row = sqlx::query!(
        r#"with defining as (
             select a.key, a.name from app a where exists (select from service s where s.app_id = a.id)
             order by a.key limit $1)
           select array(select name from space order by lower(name)) as "spaces!",
                  array(select key from defining order by key) as "apps!",
                  array(select name from defining order by key) as "names!",
                  array(select key from service order by key limit $1) as "services!""#,
        limit
    )
    .fetch_one(db)
    .await?;
    let spaces = row.spaces.into_iter().map(|name: String| parsed(name.parse().ok(), "space.name"));
    Ok(Choices {
        spaces: spaces.collect::<Result<_>>()?,
        apps: row.apps.into_iter().zip(row.names).collect(),
        services: row.services,
    })
}

/// Those of these channels that there are, each with the key of its service.
pub async fn list_services_of_channels(db: &mut PgConnection, channels: &[Uuid]) -> Result<Vec<(Uuid, String)>> {
    let rows = sqlx::query!(
        "select c.id, s.key from channel c join service s on s.id = c.service_id where c.id = any($1)",
        channels
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|r| (r.id, r.key)).collect())
}

/// Whether a channel has a topic in a Space.
pub async fn has_topic(db: &mut PgConnection, channel: ChannelId, space: SpaceId) -> Result<bool> {
    Ok(sqlx::query_scalar!(
        r#"select exists (select from channel_topic where channel_id = $1 and space_id = $2) as "yes!""#,
        channel.0,
        space.0
    )
    .fetch_one(db)
    .await?)
}
