//! How much flows through topics and routes, minute by minute, and which clients have shown themselves.

use std::{collections::HashMap, time::Duration};

use time::OffsetDateTime;
use uuid::Uuid;

use super::{CHANGED, PgConnection, PgPool, Result, error::parsed, notify};
use crate::domain::{
    ids::{BridgeId, ChannelId, EnvironmentId, RouteId, SpaceId},
    names::{AppKey, EnvKey, SpaceName},
};

/// Minutes that a plot shows.
pub const MINUTES: usize = 60;

/// What is looked at: topics that are there, and heartbeats of environments with credentials.
#[derive(Clone, Debug, Default)]
pub struct Watched {
    /// Topics, by channel and Space.
    pub topics: Vec<(ChannelId, SpaceId, SpaceName)>,
    /// Environments.
    pub environments: Vec<(EnvironmentId, AppKey, EnvKey)>,
}

/// What is to be looked at.
pub async fn list_watched(pool: &PgPool) -> Result<Watched> {
    let topics = sqlx::query!(
        "select t.channel_id, t.space_id, p.name from channel_topic t join space p on p.id = t.space_id
         where t.applied_at is not null"
    )
    .fetch_all(pool)
    .await?
    .into_iter()
    .map(|r| Ok((r.channel_id.into(), r.space_id.into(), parsed(r.name.parse().ok(), "space.name")?)))
    .collect::<Result<_>>()?;
    let environments = sqlx::query!(
        "select e.id, a.key as app, e.key from environment e join app a on a.id = e.app_id
         join principal p on p.environment_id = e.id where e.broker_enabled and a.broker_enabled"
    )
    .fetch_all(pool)
    .await?
    .into_iter()
    .map(|r| Ok((r.id.into(), parsed(r.app.parse().ok(), "app.key")?, parsed(r.key.parse().ok(), "environment.key")?)))
    .collect::<Result<_>>()?;
    Ok(Watched { topics, environments })
}

/// Writes down where topics end (the sum over their partitions) and counts what came since it was last written. What
/// was there when a topic is looked at for the first time is not counted, nor is a topic that was made anew.
pub async fn note_topics(db: &mut PgConnection, ends: &[(ChannelId, SpaceId, i64)]) -> Result<()> {
    let channels: Vec<Uuid> = ends.iter().map(|end| end.0.0).collect();
    let spaces: Vec<Uuid> = ends.iter().map(|end| end.1.0).collect();
    let sums: Vec<i64> = ends.iter().map(|end| end.2).collect();
    sqlx::query!(
        "with moved as (
           select t.channel_id, t.space_id, s.sum, s.sum - t.end_offsets as produced
           from unnest($1::uuid[], $2::uuid[], $3::bigint[]) as s (channel_id, space_id, sum)
           join channel_topic t on t.channel_id = s.channel_id and t.space_id = s.space_id
           where t.end_offsets is distinct from s.sum),
         kept as (
           update channel_topic t set end_offsets = m.sum from moved m
           where t.channel_id = m.channel_id and t.space_id = m.space_id)
         insert into topic_minute (channel_id, space_id, minute, produced)
         select channel_id, space_id, date_trunc('minute', now()), produced from moved where produced > 0
         on conflict (channel_id, space_id, minute) do update set produced = topic_minute.produced + excluded.produced",
        &channels,
        &spaces,
        &sums
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Writes down where heartbeat topics end: a client whose end has moved was there just now. Tells open pages.
pub async fn note_heartbeats(db: &mut PgConnection, ends: &[(EnvironmentId, i64)]) -> Result<()> {
    let (ids, offsets): (Vec<Uuid>, Vec<i64>) = ends.iter().map(|&(id, end)| (id.0, end)).unzip();
    let seen = sqlx::query_scalar!(
        "update environment e
         set heartbeat_offset = s.offset_now,
             seen_at = case when s.offset_now > coalesce(e.heartbeat_offset, 0) then now() else e.seen_at end
         from unnest($1::uuid[], $2::bigint[]) as s (id, offset_now)
         where e.id = s.id and e.heartbeat_offset is distinct from s.offset_now
         returning e.id",
        &ids,
        &offsets
    )
    .fetch_all(&mut *db)
    .await?;
    for id in seen {
        notify(db, CHANGED, &format!("environment:{id}")).await?;
    }
    Ok(())
}

/// Notes how long the oldest event had waited that a bridge has not moved yet; of a minute, the longest is kept.
pub async fn note_delay(pool: &PgPool, bridge: BridgeId, delay: Duration) -> Result<()> {
    sqlx::query!(
        "insert into bridge_minute (bridge_id, minute, delay_ms)
         select id, date_trunc('minute', now()), $2 from bridge where id = $1
         on conflict (bridge_id, minute) do update set delay_ms = greatest(bridge_minute.delay_ms, excluded.delay_ms)",
        bridge.0,
        i64::try_from(delay.as_millis()).unwrap_or(i64::MAX)
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Takes away what is older than a day.
pub async fn delete_old(db: &mut PgConnection) -> Result<()> {
    sqlx::query!("delete from topic_minute where minute < now() - interval '1 day'").execute(&mut *db).await?;
    sqlx::query!("delete from route_minute where minute < now() - interval '1 day'").execute(&mut *db).await?;
    sqlx::query!("delete from bridge_minute where minute < now() - interval '1 day'").execute(db).await?;
    Ok(())
}

/// How much flowed in each of the last whole minutes, the oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Minutes(pub Vec<i64>);

impl Minutes {
    /// From rows of (minute, count); minutes without a row are quiet ones.
    fn gather(rows: impl Iterator<Item = (OffsetDateTime, i64)>, now: OffsetDateTime) -> Self {
        let mut minutes = vec![0; MINUTES];
        for (minute, count) in rows {
            // The minute that has begun is not whole: the newest shown is the one before.
            let age = usize::try_from((now - minute).whole_minutes()).ok().and_then(|age| age.checked_sub(1));
            if let Some(place) = age.and_then(|age| MINUTES.checked_sub(1 + age)) {
                minutes[place] += count;
            }
        }
        Self(minutes)
    }

    /// Events per minute over the last five whole minutes.
    pub fn rate(&self) -> f64 {
        let last = &self.0[self.0.len().saturating_sub(5)..];
        let sum: i64 = last.iter().sum();
        f64::from(i32::try_from(sum).unwrap_or(i32::MAX)) / f64::from(u32::try_from(last.len().max(1)).unwrap_or(1))
    }

    /// Whether anything flowed.
    pub fn is_quiet(&self) -> bool {
        self.0.iter().all(|&count| count == 0)
    }
}

impl<'a> std::iter::Sum<&'a Minutes> for Minutes {
    fn sum<I: Iterator<Item = &'a Minutes>>(all: I) -> Self {
        let mut minutes = vec![0; MINUTES];
        for one in all {
            minutes.iter_mut().zip(&one.0).for_each(|(sum, count)| *sum += count);
        }
        Self(minutes)
    }
}

impl Default for Minutes {
    fn default() -> Self {
        Self(vec![0; MINUTES])
    }
}

/// What was produced into the topics of a channel, by the name of the Space.
pub async fn of_channel(db: &mut PgConnection, channel: ChannelId) -> Result<HashMap<String, Minutes>> {
    let rows = sqlx::query!(
        r#"select p.name, m.minute, m.produced as count, now() as "now!"
           from topic_minute m join space p on p.id = m.space_id
           where m.channel_id = $1 and m.minute >= now() - interval '62 minutes'"#,
        channel.0
    )
    .fetch_all(db)
    .await?;
    Ok(grouped(rows.into_iter().map(|r| (r.name, r.minute, r.count, r.now))))
}

/// What was produced into the topics of each Space.
pub async fn by_space(db: &mut PgConnection) -> Result<HashMap<SpaceId, Minutes>> {
    let rows = sqlx::query!(
        r#"select space_id as id, minute, sum(produced)::bigint as "count!", now() as "now!" from topic_minute
           where minute >= now() - interval '62 minutes' group by space_id, minute"#
    )
    .fetch_all(db)
    .await?;
    Ok(grouped(rows.into_iter().map(|r| (SpaceId(r.id), r.minute, r.count, r.now))))
}

/// What the routes of a bridge have moved.
pub async fn of_bridge(db: &mut PgConnection, bridge: BridgeId) -> Result<HashMap<RouteId, Minutes>> {
    let rows = sqlx::query!(
        r#"select m.route_id as id, m.minute, m.moved as count, now() as "now!"
           from route_minute m join route r on r.id = m.route_id
           where r.bridge_id = $1 and m.minute >= now() - interval '62 minutes'"#,
        bridge.0
    )
    .fetch_all(db)
    .await?;
    Ok(grouped(rows.into_iter().map(|r| (RouteId(r.id), r.minute, r.count, r.now))))
}

/// What these bridges have moved.
pub async fn by_bridge(db: &mut PgConnection, bridges: &[BridgeId]) -> Result<HashMap<BridgeId, Minutes>> {
    let ids: Vec<Uuid> = bridges.iter().map(|bridge| bridge.0).collect();
    let rows = sqlx::query!(
        r#"select r.bridge_id as id, m.minute, sum(m.moved)::bigint as "count!", now() as "now!"
           from route_minute m join route r on r.id = m.route_id
           where r.bridge_id = any($1) and m.minute >= now() - interval '62 minutes' group by r.bridge_id, m.minute"#,
        &ids
    )
    .fetch_all(db)
    .await?;
    Ok(grouped(rows.into_iter().map(|r| (BridgeId(r.id), r.minute, r.count, r.now))))
}

/// How long events of a bridge had waited at most, in whole seconds.
pub async fn delays_of_bridge(db: &mut PgConnection, bridge: BridgeId) -> Result<Minutes> {
    let rows = sqlx::query!(
        r#"select minute, (delay_ms + 999) / 1000 as "seconds!", now() as "now!" from bridge_minute
           where bridge_id = $1 and minute >= now() - interval '62 minutes'"#,
        bridge.0
    )
    .fetch_all(db)
    .await?;
    let now = rows.first().map_or_else(OffsetDateTime::now_utc, |row| row.now);
    Ok(Minutes::gather(rows.into_iter().map(|row| (row.minute, row.seconds)), now))
}

/// The shortest time that the topics of a bridge's outbound routes keep events, where that is known.
pub async fn shortest_retention(db: &mut PgConnection, bridge: BridgeId) -> Result<Option<Duration>> {
    let shortest = sqlx::query_scalar!(
        "select min((t.config->>'retention.ms')::bigint) from route r
         join bridge b on b.id = r.bridge_id
         join event e on e.id = r.event_id
         join channel_topic t on t.channel_id = e.channel_id and t.space_id = b.space_id
         where r.bridge_id = $1 and r.direction = 'outbound' and (t.config->>'retention.ms')::bigint > 0",
        bridge.0
    )
    .fetch_one(db)
    .await?;
    Ok(shortest.and_then(|ms| ms.try_into().ok()).map(Duration::from_millis))
}

fn grouped<K: Eq + std::hash::Hash>(
    rows: impl Iterator<Item = (K, OffsetDateTime, i64, OffsetDateTime)>,
) -> HashMap<K, Minutes> {
    let mut by_key: HashMap<K, (Vec<(OffsetDateTime, i64)>, OffsetDateTime)> = HashMap::new();
    for (key, minute, count, now) in rows {
        by_key.entry(key).or_insert_with(|| (Vec::new(), now)).0.push((minute, count));
    }
    by_key.into_iter().map(|(key, (rows, now))| (key, Minutes::gather(rows.into_iter(), now))).collect()
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn the_newest_minute_shown_is_a_whole_one() {
        let now = datetime!(2026-01-01 12:00:30 UTC);
        let rows = [
            (datetime!(2026-01-01 12:00 UTC), 7),
            (datetime!(2026-01-01 11:59 UTC), 5),
            (datetime!(2026-01-01 11:55 UTC), 10),
            (datetime!(2026-01-01 10:58 UTC), 9),
        ];
        let minutes = Minutes::gather(rows.into_iter(), now);
        assert_eq!((minutes.0.len(), minutes.0[MINUTES - 1], minutes.0[MINUTES - 5]), (MINUTES, 5, 10));
        assert_eq!(minutes.0.iter().sum::<i64>(), 15);
        assert!((minutes.rate() - 3.0).abs() < f64::EPSILON);
    }
}
