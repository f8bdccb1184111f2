//! Bridges and their routes, as people make them. What the worker does with them: `lanes`.

use std::{collections::HashMap, time::Duration};

use serde_json::Value;
use sqlx::types::Json;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    Columns, Error, Page, PgConnection, Result, Sorting,
    error::parsed,
    sorted::{Key, Listing},
    spaces::Followed,
};
use crate::domain::{
    bridge::{Desired, Direction, Mode, Place, Status},
    ids::{BridgeId, ChannelId, EventId, MemberId, RouteId, SpaceId},
    landscape::Space,
    names::Title,
    queue_url::{QueueUrl, Region},
};

/// A bridge with its routes.
#[derive(Clone, Debug)]
pub struct Bridge {
    /// Id.
    pub id: BridgeId,
    /// Name.
    pub name: Title,
    /// The Space it connects.
    pub space: Space,
    /// Region of its queues.
    pub region: Region,
    /// What people want.
    pub desired: Desired,
    /// How it fares.
    pub status: Status,
    /// Why it fares so, and what to do.
    pub status_reason: String,
    /// Since when.
    pub status_since: OffsetDateTime,
    /// Whether it is halted because events are gone that it has not moved.
    pub gap: bool,
    /// The event it is halted by, where that is one alone.
    pub stuck: Option<Place>,
    /// Steps of the newest start: `[{step, state, at, text}]`.
    pub steps: Value,
    /// ARN of its role, where that was made.
    pub role_arn: Option<String>,
    /// AWS's own id of the role, which a role made anew under the same name does not have.
    pub role_id: Option<String>,
    /// When the role was made or changed.
    pub role_changed_at: Option<OffsetDateTime>,
    /// What the role's trust asks for.
    pub external_id: String,
    /// Who made it.
    pub created_by: Option<MemberId>,
    /// The newest result of Check.
    pub checked: Option<Value>,
    /// When it was found, where that is known.
    pub checked_at: Option<OffsetDateTime>,
    /// Raised by each change.
    pub version: i64,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// Whether Kafka has followed what the worker may do for it.
    pub followed: Followed,
    /// Dead letters kept.
    pub dead_letters: i64,
    /// How long the oldest event has waited of late that was not moved; `None` where none waits.
    pub delay: Option<Duration>,
    /// Routes, by service, event and direction.
    pub routes: Vec<Route>,
}

/// A route of a bridge, with the names people use.
#[derive(Clone, Debug)]
pub struct Route {
    /// Id.
    pub id: RouteId,
    /// The event's id.
    pub event_id: EventId,
    /// Key of the service.
    pub service: String,
    /// Version of its contract.
    pub contract_version: String,
    /// The event: its `ce_type`.
    pub event: String,
    /// Key of the app that defines it.
    pub app: Option<String>,
    /// The channel it flows in.
    pub channel: ChannelId,
    /// Direction.
    pub direction: Direction,
    /// The queue.
    pub queue: QueueUrl,
    /// How events go there.
    pub mode: Mode,
    /// Whether the bridge has the grant it needs.
    pub granted: bool,
    /// Events moved.
    pub moved: i64,
    /// When one was last moved.
    pub last_moved_at: Option<OffsetDateTime>,
    /// How many the queue took before an earlier one of their key.
    pub reordered: i64,
}

/// Adds a draft.
pub async fn insert(
    db: &mut PgConnection,
    id: BridgeId,
    name: &Title,
    space: &Space,
    region: &Region,
    external_id: &str,
    created_by: Option<MemberId>,
) -> Result<()> {
    sqlx::query!(
        "insert into bridge (id, name, space_id, kind, region, desired, status, external_id, created_by)
         values ($1, $2, $3, 'sqs', $4, 'draft', 'draft', $5, $6)",
        id.0,
        name.as_str(),
        space.id.0,
        region.as_str(),
        external_id,
        created_by.map(|m| m.0)
    )
    .execute(db)
    .await?;
    Ok(())
}

/// How many drafts a member has.
pub async fn count_drafts(db: &mut PgConnection, member: MemberId) -> Result<i64> {
    Ok(sqlx::query_scalar!(
        r#"select count(*) as "n!" from bridge where created_by = $1 and desired = 'draft'"#,
        member.0
    )
    .fetch_one(db)
    .await?)
}

/// A draft of a member that nothing was done to since it was made, with this name, Space and region.
pub async fn find_same_draft(
    db: &mut PgConnection,
    member: MemberId,
    name: &Title,
    space: SpaceId,
    region: &Region,
) -> Result<Option<BridgeId>> {
    let found = sqlx::query_scalar!(
        "select id from bridge where created_by = $1 and desired = 'draft' and version = 1
            and name = $2 and space_id = $3 and region = $4 limit 1",
        member.0,
        name.as_str(),
        space.0,
        region.as_str()
    )
    .fetch_optional(db)
    .await?;
    Ok(found.map(Into::into))
}

/// Locks a bridge until the transaction ends. Gives its version; `None` when there is none.
pub async fn lock(db: &mut PgConnection, id: BridgeId) -> Result<Option<i64>> {
    Ok(sqlx::query_scalar!("select version from bridge where id = $1 for update", id.0).fetch_optional(db).await?)
}

/// Columns that bridges can be sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BridgesBy {
    /// Their Spaces, then their names.
    #[default]
    Bridge,
    /// How they fare.
    Status,
    /// How many routes they have.
    Routes,
    /// How many events they have moved.
    Moved,
    /// When they last moved one; those that never did come first.
    LastEvent,
    /// How many dead letters are kept.
    DeadLetters,
}

impl Columns for BridgesBy {
    const ALL: &'static [Self] =
        &[Self::Bridge, Self::Status, Self::Routes, Self::Moved, Self::LastEvent, Self::DeadLetters];

    fn column(self) -> (&'static str, &'static [Key]) {
        const SPACE: Key = Key::Text("lower(p.name)");
        const NAME: Key = Key::Text("lower(b.name)");
        const ID: Key = Key::Id("b.id");
        match self {
            Self::Bridge => ("bridge", &[SPACE, NAME, ID]),
            Self::Status => ("status", &[Key::Text("b.status"), SPACE, NAME, ID]),
            Self::Routes => {
                ("routes", &[Key::Number("(select count(*) from route r where r.bridge_id = b.id)"), SPACE, NAME, ID])
            }
            Self::Moved => (
                "moved",
                &[
                    Key::Number("(select coalesce(sum(r.moved), 0)::bigint from route r where r.bridge_id = b.id)"),
                    SPACE,
                    NAME,
                    ID,
                ],
            ),
            Self::LastEvent => (
                "last-event",
                &[
                    Key::Number(
                        "(select coalesce(max(extract(epoch from r.last_moved_at) * 1000000), 0)::bigint
                          from route r where r.bridge_id = b.id)",
                    ),
                    SPACE,
                    NAME,
                    ID,
                ],
            ),
            Self::DeadLetters => (
                "dead-letters",
                &[Key::Number("(select count(*) from dead_letter d where d.bridge_id = b.id)"), SPACE, NAME, ID],
            ),
        }
    }
}

/// Which bridges a list shows, and in which order.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Text that must be in the name, in an event or in a queue's address.
    pub q: String,
    /// Name of the Space.
    pub space: Option<String>,
    /// Key of the app that defines an event of one of its routes.
    pub app: Option<String>,
    /// A channel that one of its routes leads to or from.
    pub channel: Option<ChannelId>,
    /// How it fares.
    pub status: Option<Status>,
    /// The order, and where the page begins.
    pub sorting: Sorting<BridgesBy>,
    /// Rows at most.
    pub limit: i64,
}

/// Whose drafts are among them.
#[derive(Clone, Copy, Debug)]
pub enum Drafts {
    /// Everybody's.
    All,
    /// This member's.
    Of(Option<MemberId>),
}

/// The bridge with this id.
pub async fn find(db: &mut PgConnection, id: BridgeId) -> Result<Option<Bridge>> {
    Ok(select(db, &[id.0]).await?.pop())
}

/// A page of the bridges that are not being deleted.
pub async fn list(db: &mut PgConnection, filter: &Filter, drafts: Drafts) -> Result<Page<Bridge>> {
    let mut listing = Listing::select("b.id", &filter.sorting);
    listing.push("from bridge b join space p on p.id = b.space_id where b.desired <> 'deleted'");
    if let Drafts::Of(member) = drafts {
        listing.push(" and (b.desired <> 'draft' or b.created_by = ").bind(member.map(|m| m.0)).push(")");
    }
    listing.holding(
        &filter.q,
        &[
            "strpos(lower(b.name), $) > 0",
            "exists (select from route r join event v on v.id = r.event_id
                     where r.bridge_id = b.id and strpos(lower(v.name), $) > 0)",
            "exists (select from route r where r.bridge_id = b.id and strpos(lower(r.queue_url), $) > 0)",
        ],
    );
    listing.only("lower(p.name) = lower($)", filter.space.as_deref());
    listing.only(
        "exists (select from route r join event v on v.id = r.event_id join service s on s.id = v.service_id
                 join app a on a.id = s.app_id where r.bridge_id = b.id and a.key = $)",
        filter.app.as_deref(),
    );
    if let Some(channel) = filter.channel {
        listing
            .push(" and exists (select from route r join event v on v.id = r.event_id where r.bridge_id = b.id and v.channel_id = ")
            .bind(channel.0)
            .push(")");
    }
    listing.only("b.status = $", filter.status.map(Status::as_str));
    let page = listing.read::<(Uuid,)>(&mut *db, &filter.sorting, filter.limit).await?;
    let ids: Vec<Uuid> = page.items.iter().map(|row| row.0).collect();
    let mut found: HashMap<Uuid, Bridge> = select(db, &ids).await?.into_iter().map(|b| (b.id.0, b)).collect();
    // One that was taken away between the two statements is left out.
    let items = ids.iter().filter_map(|id| found.remove(id)).collect();
    Ok(Page { items, next: page.next, previous: page.previous })
}

/// The bridges with these ids, by Space and name.
async fn select(db: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Bridge>> {
    let routes = sqlx::query!(
        r#"select r.id, r.bridge_id, r.event_id, s.key as service, s.contract_version, v.name as event,
                  a.key as "app?", v.channel_id, r.direction, r.queue_url, r.mode, r.moved, r.last_moved_at, r.reordered,
                  exists (select from access_grant g where g.bridge_id = r.bridge_id and g.event_id = r.event_id
                          and g.access = case r.direction when 'outbound' then 'subscribe' else 'publish' end) as "granted!"
           from route r join event v on v.id = r.event_id join service s on s.id = v.service_id
           left join app a on a.id = s.app_id
           where r.bridge_id = any($1)
           order by s.key, v.name, r.direction desc"#,
        ids
    )
    .fetch_all(&mut *db)
    .await?;
    let mut by_bridge = HashMap::<Uuid, Vec<Route>>::new();
    for r in routes {
        by_bridge.entry(r.bridge_id).or_default().push(Route {
            id: r.id.into(),
            event_id: r.event_id.into(),
            service: r.service,
            contract_version: r.contract_version,
            event: r.event,
            app: r.app,
            channel: r.channel_id.into(),
            direction: parsed(Direction::from_word(&r.direction), "route.direction")?,
            queue: parsed(r.queue_url.parse().ok(), "route.queue_url")?,
            mode: parsed(Mode::from_word(&r.mode), "route.mode")?,
            granted: r.granted,
            moved: r.moved,
            last_moved_at: r.last_moved_at,
            reordered: r.reordered,
        });
    }
    sqlx::query!(
        r#"select b.id, b.name, b.space_id, p.name as space, b.region, b.desired, b.status, b.status_reason,
                  b.status_since, b.gap, b.stuck as "stuck: Json<Place>", b.steps, b.role_arn, b.role_id, b.role_changed_at, b.external_id, b.created_by,
                  b.checked, b.checked_at, b.version, b.created_at, b.access_changed_at, b.access_applied_at, b.access_failure,
                  (select count(*) from dead_letter d where d.bridge_id = b.id) as "dead_letters!",
                  (select m.delay_ms from bridge_minute m
                   where m.bridge_id = b.id and m.minute >= date_trunc('minute', now()) - interval '1 minute'
                   order by m.minute desc limit 1) as delay_ms
           from bridge b join space p on p.id = b.space_id
           where b.id = any($1)
           order by lower(p.name), lower(b.name), b.id"#,
        ids
    )
    .fetch_all(db)
    .await?
    .into_iter()
    .map(|r| {
        Ok(Bridge {
            id: r.id.into(),
            name: parsed(r.name.parse().ok(), "bridge.name")?,
            space: Space { id: r.space_id.into(), name: parsed(r.space.parse().ok(), "space.name")? },
            region: parsed(r.region.parse().ok(), "bridge.region")?,
            desired: parsed(Desired::from_word(&r.desired), "bridge.desired")?,
            status: parsed(Status::from_word(&r.status), "bridge.status")?,
            status_reason: r.status_reason,
            status_since: r.status_since,
            gap: r.gap,
            stuck: r.stuck.map(|Json(place)| place),
            steps: r.steps,
            role_arn: r.role_arn,
            role_id: r.role_id,
            role_changed_at: r.role_changed_at,
            external_id: r.external_id,
            created_by: r.created_by.map(Into::into),
            checked: r.checked,
            checked_at: r.checked_at,
            version: r.version,
            created_at: r.created_at,
            followed: Followed::of(r.access_changed_at, r.access_applied_at, r.access_failure),
            dead_letters: r.dead_letters,
            delay: r.delay_ms.and_then(|ms| ms.try_into().ok()).map(Duration::from_millis),
            routes: by_bridge.remove(&r.id).unwrap_or_default(),
        })
    })
    .collect()
}

/// Changes name, Space and region.
pub async fn update(db: &mut PgConnection, id: BridgeId, name: &Title, space: &Space, region: &Region) -> Result<()> {
    sqlx::query!(
        "update bridge set name = $2, space_id = $3, region = $4, version = version + 1 where id = $1",
        id.0,
        name.as_str(),
        space.id.0,
        region.as_str()
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Replaces the routes. A route that stays keeps its id, its counts and where it reads on.
pub async fn set_routes(
    db: &mut PgConnection,
    id: BridgeId,
    routes: &[(EventId, Direction, QueueUrl, Mode)],
) -> Result<()> {
    let events: Vec<Uuid> = routes.iter().map(|r| r.0.0).collect();
    let directions: Vec<String> = routes.iter().map(|r| r.1.as_str().to_owned()).collect();
    let queues: Vec<String> = routes.iter().map(|r| r.2.to_string()).collect();
    let modes: Vec<String> = routes.iter().map(|r| r.3.as_str().to_owned()).collect();
    let ids: Vec<Uuid> = routes.iter().map(|_| Uuid::now_v7()).collect();
    sqlx::query!(
        "delete from route r where bridge_id = $1 and not exists (
            select from unnest($2::uuid[], $3::text[]) as k (event_id, direction)
            where k.event_id = r.event_id and k.direction = r.direction)",
        id.0,
        &events,
        &directions
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "insert into route (id, bridge_id, event_id, direction, queue_url, mode)
         select k.id, $1, k.event_id, k.direction, k.queue_url, k.mode
         from unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[]) as k (id, event_id, direction, queue_url, mode)
         on conflict on constraint route_once do update set queue_url = excluded.queue_url, mode = excluded.mode",
        id.0,
        &ids,
        &events,
        &directions,
        &queues,
        &modes
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "update bridge set version = version + 1, checked = null, checked_at = null,
                access_changed_at = now(), access_applied_at = null, access_failure = null
         where id = $1",
        id.0
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Keeps ARN and id of the bridge's role, and that it was made or changed now.
pub async fn set_role(db: &mut PgConnection, id: BridgeId, arn: &str, role_id: &str) -> Result<()> {
    sqlx::query!(
        "update bridge set role_arn = $2, role_id = $3, role_changed_at = now() where id = $1",
        id.0,
        arn,
        role_id
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Keeps that the role was changed now: what AWS refuses in the next seconds says nothing yet.
pub async fn touch_role(db: &mut PgConnection, id: BridgeId) -> Result<()> {
    sqlx::query!("update bridge set role_changed_at = now() where id = $1", id.0).execute(db).await?;
    Ok(())
}

/// Keeps the result of Check, if the bridge still is as it was when it was checked.
pub async fn set_checked(db: &mut PgConnection, id: BridgeId, version: i64, checked: &Value) -> Result<bool> {
    let done = sqlx::query!(
        "update bridge set checked = $3, checked_at = now() where id = $1 and version = $2",
        id.0,
        version,
        checked
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Changes what people want of a bridge, and the status that shows it until the worker speaks.
pub async fn set_desired(db: &mut PgConnection, id: BridgeId, desired: Desired, status: Status) -> Result<()> {
    sqlx::query!(
        "update bridge set desired = $2, status = $3, status_reason = '', status_since = now(),
                steps = case when $3 = 'provisioning' then '[]'::jsonb else steps end, version = version + 1,
                access_changed_at = now(), access_applied_at = null, access_failure = null
         where id = $1",
        id.0,
        desired.as_str(),
        status.as_str()
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Lets the worker begin with what people have decided of the events that halted a bridge.
async fn begin_anew(db: &mut PgConnection, id: BridgeId) -> Result<()> {
    sqlx::query!(
        "update bridge set gap = false, stuck = null, status = 'provisioning', status_reason = '', status_since = now(),
                steps = '[]', version = version + 1
         where id = $1",
        id.0
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Lets a bridge go on without the events that are gone: its next start begins with the first there is.
pub async fn go_on(db: &mut PgConnection, id: BridgeId) -> Result<()> {
    sqlx::query!("update route set goes_on = true where bridge_id = $1 and direction = 'outbound'", id.0)
        .execute(&mut *db)
        .await?;
    begin_anew(db, id).await
}

/// Sets an event aside that an outbound route of the bridge reads: it becomes a dead letter at the next start, and what
/// is behind it goes on.
pub async fn set_aside(db: &mut PgConnection, id: BridgeId, place: &Place, why: &str) -> Result<()> {
    // The topics of a bridge's routes are named by their channels.
    sqlx::query!(
        "insert into set_aside (bridge_id, topic_id, partition, at_offset, why)
         select distinct r.bridge_id, r.start_topic, $3::integer, $4::bigint, $5
         from route r join event e on e.id = r.event_id
         where r.bridge_id = $1 and r.start_topic is not null and strpos($2, e.channel_id::text) > 0
         on conflict do nothing",
        id.0,
        place.topic,
        place.partition,
        place.offset,
        why
    )
    .execute(&mut *db)
    .await?;
    begin_anew(db, id).await
}

/// Takes a bridge away, with its routes, grants and dead letters.
pub async fn delete(db: &mut PgConnection, id: BridgeId) -> Result<()> {
    let done = sqlx::query!("delete from bridge where id = $1", id.0).execute(db).await?;
    if done.rows_affected() == 0 { Err(Error::Missing("bridge")) } else { Ok(()) }
}

/// Locks a bridge until the transaction ends, if it still is to be swept. Gives false when it is not.
pub async fn lock_to_sweep(db: &mut PgConnection, id: BridgeId) -> Result<bool> {
    let found = sqlx::query_scalar!(
        r#"select 1 as "one!" from bridge where id = $1 and
           ((desired = 'deleted' and (status = 'draft' or status = 'stopped' and access_applied_at is not null))
            or (desired = 'draft' and status_since < now() - interval '7 days')) for update"#,
        id.0
    )
    .fetch_optional(db)
    .await?;
    Ok(found.is_some())
}

/// Bridges that are to go, whose lanes have stopped and whose access Kafka has taken away, and drafts left alone for
/// seven days.
pub async fn list_to_sweep(db: &mut PgConnection) -> Result<Vec<BridgeId>> {
    Ok(sqlx::query_scalar!(
        "select id from bridge where (desired = 'deleted' and (status = 'draft' or status = 'stopped' and access_applied_at is not null))
            or (desired = 'draft' and status_since < now() - interval '7 days')"
    )
    .fetch_all(db)
    .await?
    .into_iter()
    .map(Into::into)
    .collect())
}

/// Names of the running bridges that carry an event into a Space, by name.
pub async fn list_names_into(db: &mut PgConnection, space: SpaceId, event: EventId) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar!(
        "select distinct b.name from route r join bridge b on b.id = r.bridge_id
         where b.space_id = $1 and r.event_id = $2 and r.direction = 'inbound' and b.desired = 'running'
         order by b.name",
        space.0,
        event.0
    )
    .fetch_all(db)
    .await?)
}
