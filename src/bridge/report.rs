//! What a bridge says of itself: status, reason, the steps of its start, and counts; written about once a second.
//!
//! Refuses to hold anything up: when Postgres is away, lanes go on, and the newest state is written once it is back.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use metrics::gauge;
use serde::Serialize;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use tokio::{
    sync::watch,
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

use crate::{
    domain::{
        bridge::{Place, Status},
        ids::{BridgeId, RouteId},
    },
    store::{PgPool, lanes, traffic},
};

/// How often counts are written, and what could not be written is tried again.
const PERIOD: Duration = Duration::from_secs(1);

/// How often is written how long events wait.
const DELAYS: Duration = Duration::from_secs(5);

/// How often is said again what was said: another worker that has ended may have said otherwise of a shared bridge.
const ASSERT: Duration = Duration::from_secs(10);

/// How a bridge fares.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The version of the configuration that it is said of.
    pub version: i64,
    /// Status.
    pub status: Status,
    /// Why, and what to do; empty where nothing is to be said.
    pub reason: String,
    /// Whether it is halted because events are gone that were not moved.
    pub gap: bool,
    /// The event it is halted by, where that is one alone.
    pub stuck: Option<Place>,
    /// The steps of the newest start.
    pub steps: Steps,
}

/// A step of a start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    /// The bridge's role is taken on.
    Access,
    /// The queues answer.
    Queue,
    /// Kafka lets the worker in.
    Kafka,
    /// The lanes move events.
    Lane,
}

/// How far a step has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Not begun.
    Todo,
    /// Under way.
    Current,
    /// Done.
    Done,
    /// Failed.
    Failed,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct Line {
    step: Step,
    state: State,
    /// RFC 3339; null until it began.
    at: Option<String>,
    text: String,
}

/// The steps of a start, in order.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Steps(Vec<Line>);

impl Default for Steps {
    fn default() -> Self {
        let line = |step| Line { step, state: State::Todo, at: None, text: String::new() };
        Self([Step::Access, Step::Queue, Step::Kafka, Step::Lane].map(line).into())
    }
}

impl Steps {
    /// Sets a step; those before it are done.
    pub fn set(&mut self, step: Step, state: State, text: impl Into<String>) {
        let now = OffsetDateTime::now_utc().replace_nanosecond(0).ok().and_then(|now| now.format(&Rfc3339).ok());
        let text = text.into();
        for line in &mut self.0 {
            if line.step == step {
                if line.state != state {
                    line.at.clone_from(&now);
                }
                (line.state, line.text) = (state, text);
                return;
            }
            if line.state != State::Done {
                (line.state, line.at, line.text) = (State::Done, now.clone(), String::new());
            }
        }
    }
}

/// What was moved, and how long others have waited, not yet written down.
#[derive(Clone, Debug, Default)]
pub struct Moved(Arc<Mutex<Unwritten>>);

#[derive(Debug, Default)]
struct Unwritten {
    counts: HashMap<RouteId, u64>,
    reordered: HashMap<RouteId, u64>,
    /// The longest that an event had waited.
    delay: Option<Duration>,
}

impl Moved {
    /// Adds counts of what came out of order.
    pub fn add_reordered(&self, counts: HashMap<RouteId, u64>) {
        if counts.is_empty() {
            return;
        }
        let mut unwritten = self.lock();
        for (route, count) in counts {
            *unwritten.reordered.entry(route).or_default() += count;
        }
    }

    /// Adds counts.
    pub fn add(&self, counts: impl IntoIterator<Item = (RouteId, u64)>) {
        let mut unwritten = self.lock();
        for (route, count) in counts {
            *unwritten.counts.entry(route).or_default() += count;
        }
    }

    /// Notes that an event waits that came at this time: milliseconds since 1970.
    pub fn wait(&self, since: i64) {
        let now = OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000;
        // The clocks of others may be before ours.
        let delay = Duration::from_millis(u64::try_from(now - i128::from(since)).unwrap_or_default());
        let mut unwritten = self.lock();
        unwritten.delay = unwritten.delay.max(Some(delay));
    }

    fn take(&self) -> HashMap<RouteId, u64> {
        std::mem::take(&mut self.lock().counts)
    }

    fn take_reordered(&self) -> HashMap<RouteId, u64> {
        std::mem::take(&mut self.lock().reordered)
    }

    fn take_delay(&self) -> Option<Duration> {
        self.lock().delay.take()
    }

    fn lock(&self) -> MutexGuard<'_, Unwritten> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes what a bridge says, until `done`; then what is left, once.
pub async fn write(
    pool: PgPool,
    bridge: BridgeId,
    mut reports: watch::Receiver<Option<Report>>,
    moved: Moved,
    done: CancellationToken,
) {
    let mut period = interval(PERIOD);
    period.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut asserted = interval(ASSERT);
    asserted.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut delays = interval(DELAYS);
    delays.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut unwritten = false;
    loop {
        let last = tokio::select! {
            () = done.cancelled() => true,
            changed = reports.changed() => {
                unwritten = true;
                changed.is_err()
            }
            _ = asserted.tick() => {
                unwritten = true;
                false
            }
            _ = delays.tick() => {
                write_delay(&pool, bridge, &moved).await;
                false
            }
            _ = period.tick() => {
                write_moved(&pool, bridge, &moved).await;
                false
            }
        };
        unwritten |= reports.has_changed().unwrap_or(false);
        let report = reports.borrow_and_update().clone();
        if let Some(report) = report.filter(|_| unwritten) {
            let said = lanes::Said {
                version: report.version,
                status: report.status,
                reason: &report.reason,
                gap: report.gap,
                stuck: report.stuck.as_ref(),
                steps: serde_json::to_value(&report.steps).unwrap_or_default(),
            };
            match lanes::set_status(&pool, bridge, &said).await {
                Ok(changed) => {
                    if changed {
                        tracing::info!(%bridge, status = %report.status, reason = report.reason, "bridge");
                    }
                    gauge!("ebm_bridge_running", "bridge" => bridge.to_string())
                        .set(if report.status == Status::Running { 1.0 } else { 0.0 });
                    unwritten = false;
                }
                Err(error) => tracing::warn!(%bridge, %error, "the status of a bridge could not be written yet"),
            }
        }
        if last {
            gauge!("ebm_bridge_running", "bridge" => bridge.to_string()).set(0.0);
            return write_moved(&pool, bridge, &moved).await;
        }
    }
}

async fn write_delay(pool: &PgPool, bridge: BridgeId, moved: &Moved) {
    let delay = moved.take_delay();
    gauge!("ebm_bridge_delay_seconds", "bridge" => bridge.to_string()).set(delay.unwrap_or_default().as_secs_f64());
    let Some(delay) = delay else { return };
    // What could not be written is measured anew.
    if let Err(error) = traffic::note_delay(pool, bridge, delay).await {
        tracing::warn!(%bridge, %error, "how long events wait could not be written");
    }
}

async fn write_moved(pool: &PgPool, bridge: BridgeId, moved: &Moved) {
    let row = |(route, count): (&RouteId, &u64)| (*route, i64::try_from(*count).unwrap_or(i64::MAX));
    let reordered = moved.take_reordered();
    if !reordered.is_empty()
        && let Err(error) = lanes::add_reordered(pool, &reordered.iter().map(row).collect::<Vec<_>>()).await
    {
        tracing::warn!(%bridge, %error, "how many events came out of order could not be written yet");
        moved.add_reordered(reordered);
    }
    let counts = moved.take();
    if counts.is_empty() {
        return;
    }
    if let Err(error) = lanes::add_moved(pool, bridge, &counts.iter().map(row).collect::<Vec<_>>()).await {
        tracing::warn!(%bridge, %error, "the counts of a bridge could not be written yet");
        moved.add(counts);
    }
}
