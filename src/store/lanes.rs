//! What the bridge worker reads and writes: which bridges should run, how they fare, where reading began, and dead
//! letters. These functions take the pool: the worker has no larger transaction that they could be part of.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;
use sqlx::{postgres::PgListener, types::Json};
use uuid::Uuid;

use super::{BRIDGE, CHANGED, PgConnection, PgPool, Result, error::parsed};
use crate::domain::{
    bridge::{Begin, Desired, Direction, Mode, Place, Status},
    ids::{BridgeId, ChannelId, RouteId},
};

/// A bridge that something is to be done about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Id.
    pub id: BridgeId,
    /// What people want of it.
    pub desired: Desired,
    /// Raised by each change of its configuration.
    pub version: i64,
}

/// A bridge's configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Configuration {
    /// Id.
    pub id: BridgeId,
    /// Raised by each change.
    pub version: i64,
    /// The Space's name.
    pub space: String,
    /// Its role; absent until it was made.
    pub role_arn: Option<String>,
    /// What the role's trust policy asks for.
    pub external_id: String,
    /// Routes.
    pub routes: Vec<Route>,
    /// Events that people have set aside: Kafka's id of the topic, partition, offset, and why.
    pub aside: Vec<(Uuid, i32, i64, String)>,
}

/// A route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Id.
    pub id: RouteId,
    /// The event's `ce_type`.
    pub kind: String,
    /// The event's channel.
    pub channel: ChannelId,
    /// Direction.
    pub direction: Direction,
    /// The queue's address.
    pub queue: String,
    /// How events go there.
    pub mode: Mode,
    /// Kafka's id of the topic that `starts` counts in; `None` until it was first made ready.
    pub topic: Option<Uuid>,
    /// Where it begins, per partition that there was then: `None` in those that were not read by it yet.
    pub starts: Starts,
    /// Whether it is to go on without the events that are gone.
    pub goes_on: bool,
}

/// Offsets where a route begins, per partition.
pub type Starts = BTreeMap<i32, Option<i64>>;

struct RouteRow {
    id: Uuid,
    direction: String,
    queue_url: String,
    mode: String,
    topic: Option<Uuid>,
    starts: Option<Json<Starts>>,
    goes_on: bool,
    kind: String,
    channel_id: Uuid,
}

impl RouteRow {
    fn read(self) -> Result<Route> {
        Ok(Route {
            id: RouteId(self.id),
            kind: self.kind,
            channel: ChannelId(self.channel_id),
            direction: parsed(Direction::from_word(&self.direction), "route.direction")?,
            queue: self.queue_url,
            mode: parsed(Mode::from_word(&self.mode), "route.mode")?,
            topic: self.topic,
            starts: self.starts.map(|Json(starts)| starts).unwrap_or_default(),
            goes_on: self.goes_on,
        })
    }
}

/// A connection on which changes of bridges are hinted at.
pub struct Hints(PgListener);

impl Hints {
    /// Begins to listen.
    pub async fn listen(pool: &PgPool) -> Result<Self> {
        let mut listener = PgListener::connect_with(pool).await?;
        listener.listen(BRIDGE).await?;
        Ok(Self(listener))
    }

    /// Waits for a hint. After a lost connection one may have been missed, so that this is one as well.
    pub async fn next(&mut self) -> Result<()> {
        self.0.try_recv().await?;
        Ok(())
    }
}

/// Bridges that run or are to come to rest.
pub async fn list_wanted(pool: &PgPool) -> Result<Vec<Wanted>> {
    let rows = sqlx::query!(
        "select id, desired, version from bridge
         where desired = 'running' or (desired in ('stopped', 'deleted') and status <> 'stopped')
         order by id"
    )
    .fetch_all(pool)
    .await?;
    rows.into_iter()
        .map(|row| {
            let desired = parsed(Desired::from_word(&row.desired), "bridge.desired")?;
            Ok(Wanted { id: row.id.into(), desired, version: row.version })
        })
        .collect()
}

/// A bridge's configuration, all of one moment; `None` when the bridge is gone.
pub async fn find_configuration(pool: &PgPool, bridge: BridgeId) -> Result<Option<Configuration>> {
    let mut tx = super::begin_reading(pool).await?;
    let row = sqlx::query!(
        r#"select b.version, b.role_arn, b.external_id, s.name as "space!"
           from bridge b join space s on s.id = b.space_id where b.id = $1"#,
        bridge.0
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let routes = sqlx::query_as!(
        RouteRow,
        r#"select r.id, r.direction, r.queue_url, r.mode, r.start_topic as topic, r.goes_on,
                  r.start_offsets as "starts: Json<Starts>", e.name as "kind!", e.channel_id as "channel_id!"
           from route r join event e on e.id = r.event_id where r.bridge_id = $1 order by r.id"#,
        bridge.0
    )
    .fetch_all(&mut *tx)
    .await?;
    let aside =
        sqlx::query!("select topic_id, partition, at_offset, why from set_aside where bridge_id = $1", bridge.0)
            .fetch_all(&mut *tx)
            .await?;
    tx.commit().await?;
    Ok(Some(Configuration {
        id: bridge,
        version: row.version,
        space: row.space,
        role_arn: row.role_arn,
        external_id: row.external_id,
        routes: routes.into_iter().map(RouteRow::read).collect::<Result<_>>()?,
        aside: aside.into_iter().map(|row| (row.topic_id, row.partition, row.at_offset, row.why)).collect(),
    }))
}

/// Keeps which topic a route reads and which partitions that has, where that is not kept yet; gives what holds. `None`
/// where the route is gone.
pub async fn keep_topic(
    pool: &PgPool,
    route: RouteId,
    topic: Uuid,
    partitions: impl Iterator<Item = i32>,
) -> Result<Option<(Uuid, Starts)>> {
    let none: Starts = partitions.map(|partition| (partition, None)).collect();
    let row = sqlx::query!(
        r#"update route set start_topic = coalesce(start_topic, $2), start_offsets = coalesce(start_offsets, $3)
           where id = $1 returning start_topic as "topic!", start_offsets as "starts!: Json<Starts>""#,
        route.0,
        topic,
        Json(none) as _
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(|row| (row.topic, row.starts.0)))
}

/// Keeps where routes begin, and gives what holds: another worker may have been first.
pub async fn keep_begins(pool: &PgPool, begins: &[Begin]) -> Result<Vec<Begin>> {
    let first = |starts: &Starts, begin: &Begin| starts.get(&begin.partition).copied().flatten().or(Some(begin.offset));
    change_starts(pool, begins, first).await
}

/// Keeps how far routes are, where they have begun: they begin there if Kafka forgets it. Never goes back.
pub async fn raise_starts(pool: &PgPool, places: &[Begin]) -> Result<()> {
    let highest = |starts: &Starts, place: &Begin| match starts.get(&place.partition) {
        Some(kept) => kept.map(|kept| kept.max(place.offset)),
        None => Some(place.offset),
    };
    change_starts(pool, places, highest).await.map(drop)
}

/// Changes where routes begin to what `change` makes of it; what it gives nothing for stays. Gives what holds then.
async fn change_starts(
    pool: &PgPool,
    begins: &[Begin],
    change: impl Fn(&Starts, &Begin) -> Option<i64>,
) -> Result<Vec<Begin>> {
    let ids: Vec<Uuid> = begins.iter().map(|begin| begin.route.0).collect();
    let mut tx = super::begin(pool).await?;
    let rows = sqlx::query!(
        r#"select id, start_offsets as "starts!: Json<Starts>" from route
           where id = any($1) and start_offsets is not null order by id for update"#,
        &ids
    )
    .fetch_all(&mut *tx)
    .await?;
    let before: HashMap<Uuid, Starts> = rows.into_iter().map(|row| (row.id, row.starts.0)).collect();
    let mut after = before.clone();
    let mut hold = Vec::with_capacity(begins.len());
    for begin in begins {
        // A route may have been taken away meanwhile; the next look at the configuration shows it.
        let starts = after.get_mut(&begin.route.0);
        let changed = starts.and_then(|starts| {
            let offset = change(starts, begin)?;
            starts.insert(begin.partition, Some(offset));
            Some(offset)
        });
        hold.push(Begin { offset: changed.unwrap_or(begin.offset), ..*begin });
    }
    after.retain(|route, starts| before.get(route) != Some(starts));
    if !after.is_empty() {
        let (routes, starts): (Vec<Uuid>, Vec<Value>) =
            after.into_iter().map(|(route, starts)| (route, serde_json::to_value(starts).unwrap_or_default())).unzip();
        sqlx::query!(
            "update route set start_offsets = new.starts
             from unnest($1::uuid[], $2::jsonb[]) as new (id, starts) where route.id = new.id",
            &routes,
            &starts
        )
        .execute(&mut *tx)
        .await?;
    }
    tx.commit().await?;
    Ok(hold)
}

/// Keeps where a route goes on, and in which topic, now that it is to go on without what is gone.
pub async fn go_on(pool: &PgPool, route: RouteId, topic: Uuid, starts: &Starts) -> Result<()> {
    sqlx::query!(
        "update route set start_topic = $2, start_offsets = $3, goes_on = false where id = $1",
        route.0,
        topic,
        Json(starts) as _
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// In how many partitions of a bridge a route has not begun yet.
pub async fn count_not_begun(pool: &PgPool, bridge: BridgeId) -> Result<i64> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from route, jsonb_each(start_offsets) start
           where bridge_id = $1 and start.value = 'null'"#,
        bridge.0
    )
    .fetch_one(pool)
    .await?;
    Ok(count)
}

/// How a bridge fares.
#[derive(Clone, Debug)]
pub struct Said<'a> {
    /// The version of the configuration that this is said of: another worker may be further, and what it says counts.
    pub version: i64,
    /// Status.
    pub status: Status,
    /// Why, and what to do.
    pub reason: &'a str,
    /// Whether it is halted because events are gone that were not moved.
    pub gap: bool,
    /// The event it is halted by, where that is one alone.
    pub stuck: Option<&'a Place>,
    /// The steps of the newest start.
    pub steps: Value,
}

/// Says how a bridge fares, and tells open pages; gives whether that is new. One statement: all bridges say it often.
pub async fn set_status(pool: &PgPool, bridge: BridgeId, said: &Said<'_>) -> Result<bool> {
    let changed = sqlx::query_scalar!(
        r#"with changed as (
             update bridge set status = $2, status_reason = $3, steps = $4, gap = $5, stuck = $6,
                    status_since = case when status = $2 then status_since else now() end
             where id = $1 and version = $7
                   and (status, status_reason, steps, gap, stuck) is distinct from ($2, $3, $4, $5, $6)
             returning id
           )
           select pg_notify($8, 'bridge:' || id) is null as "told!" from changed"#,
        bridge.0,
        said.status.as_str(),
        said.reason,
        said.steps,
        said.gap,
        said.stuck.map(Json) as _,
        said.version,
        CHANGED
    )
    .fetch_optional(pool)
    .await?;
    Ok(changed.is_some())
}

/// Says that a bridge has come to rest, unless it is wanted again.
pub async fn set_stopped(pool: &PgPool, bridge: BridgeId) -> Result<()> {
    let mut tx = super::begin(pool).await?;
    let changed = sqlx::query!(
        "update bridge set status = 'stopped', status_reason = '', steps = '[]', gap = false, stuck = null, status_since = now()
         where id = $1 and desired in ('stopped', 'deleted') and status <> 'stopped'",
        bridge.0
    )
    .execute(&mut *tx)
    .await?;
    if changed.rows_affected() > 0 {
        tell_changed(&mut tx, bridge).await?;
    }
    Ok(tx.commit().await?)
}

/// Takes from a bridge the access that the routes of this version do not need: its lanes run with them now.
pub async fn drop_unused_access(pool: &PgPool, bridge: BridgeId, version: i64) -> Result<()> {
    let mut tx = super::begin(pool).await?;
    let same = sqlx::query_scalar!(
        r#"select 1 as "one!" from bridge where id = $1 and version = $2 for update"#,
        bridge.0,
        version
    )
    .fetch_optional(&mut *tx)
    .await?;
    // A newer version may need it again.
    if same.is_none() || !super::grants::delete_unused_of_bridge(&mut tx, bridge).await? {
        return Ok(());
    }
    sqlx::query!(
        "update bridge set access_changed_at = now(), access_applied_at = null, access_failure = null where id = $1",
        bridge.0
    )
    .execute(&mut *tx)
    .await?;
    super::notify(&mut tx, super::DESIRED, &format!("bridge:{bridge}")).await?;
    tell_changed(&mut tx, bridge).await?;
    Ok(tx.commit().await?)
}

/// Adds to the counts of routes, and tells open pages.
pub async fn add_moved(pool: &PgPool, bridge: BridgeId, moved: &[(RouteId, i64)]) -> Result<()> {
    let (routes, counts): (Vec<Uuid>, Vec<i64>) = moved.iter().map(|&(route, count)| (route.0, count)).unzip();
    let mut tx = super::begin(pool).await?;
    sqlx::query!(
        "update route set moved = moved + more.count, last_moved_at = now()
         from unnest($1::uuid[], $2::bigint[]) as more (id, count) where route.id = more.id",
        &routes,
        &counts
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "insert into route_minute (route_id, minute, moved)
         select route.id, date_trunc('minute', now()), more.count
         from unnest($1::uuid[], $2::bigint[]) as more (id, count) join route on route.id = more.id
         on conflict (route_id, minute) do update set moved = route_minute.moved + excluded.moved",
        &routes,
        &counts
    )
    .execute(&mut *tx)
    .await?;
    tell_changed(&mut tx, bridge).await?;
    Ok(tx.commit().await?)
}

/// Adds to the counts of what came out of order.
pub async fn add_reordered(pool: &PgPool, reordered: &[(RouteId, i64)]) -> Result<()> {
    let (routes, counts): (Vec<Uuid>, Vec<i64>) = reordered.iter().map(|&(route, count)| (route.0, count)).unzip();
    sqlx::query!(
        "update route set reordered = reordered + more.count
         from unnest($1::uuid[], $2::bigint[]) as more (id, count) where route.id = more.id",
        &routes,
        &counts
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Tells open pages that a bridge has changed.
pub async fn tell_changed(connection: &mut PgConnection, bridge: BridgeId) -> Result<()> {
    super::notify(connection, CHANGED, &format!("bridge:{bridge}")).await
}

/// An event that could not be delivered.
#[derive(Clone, Debug)]
pub struct DeadLetter {
    /// The route it would have taken, where that is known.
    pub route: Option<RouteId>,
    /// One word of the closed list.
    pub reason: &'static str,
    /// In words.
    pub detail: String,
    /// Where it came from; unique in the bridge.
    pub source: String,
    /// The event, sealed for the table `dead_letter` and the row [`dead_letter_row`].
    pub event: Vec<u8>,
}

/// What a dead letter is sealed for: its number is not known before it is written.
pub fn dead_letter_row(bridge: BridgeId, source: &str) -> String {
    format!("{bridge}/{source}")
}

/// Keeps dead letters; one that is there already is not kept twice. All of them are durable when this returns.
pub async fn insert_dead_letters(pool: &PgPool, bridge: BridgeId, letters: &[DeadLetter]) -> Result<()> {
    let routes: Vec<Option<Uuid>> = letters.iter().map(|letter| letter.route.map(|route| route.0)).collect();
    let reasons: Vec<String> = letters.iter().map(|letter| letter.reason.to_owned()).collect();
    let details: Vec<String> = letters.iter().map(|letter| letter.detail.clone()).collect();
    let sources: Vec<String> = letters.iter().map(|letter| letter.source.clone()).collect();
    let events: Vec<Vec<u8>> = letters.iter().map(|letter| letter.event.clone()).collect();
    let mut tx = super::begin(pool).await?;
    // A route that was taken away meanwhile is no reason to lose the event.
    let written = sqlx::query!(
        r#"insert into dead_letter (bridge_id, route_id, reason, detail, source, event)
           select $1, (select id from route where id = letter.route), letter.reason, letter.detail, letter.source,
                  letter.event
           from unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::bytea[])
                as letter (route, reason, detail, source, event)
           on conflict on constraint dead_letter_source_unique do nothing"#,
        bridge.0,
        &routes as _,
        &reasons,
        &details,
        &sources,
        &events
    )
    .execute(&mut *tx)
    .await?;
    if written.rows_affected() > 0 {
        tell_changed(&mut tx, bridge).await?;
    }
    Ok(tx.commit().await?)
}
