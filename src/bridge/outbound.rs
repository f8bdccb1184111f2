//! The outbound lanes at work: receive, map, batch, send, commit.
//!
//! One task drives the pure [`Lanes`] and owns all their state; requests, commits and dead letters are futures beside
//! it. Whatever is received is bounded by credit in events and bytes, which is given back when offsets are committed
//! and messages are gone.

use std::{
    collections::HashMap,
    sync::{Arc, mpsc},
    time::Duration,
};

use futures::{
    StreamExt as _,
    future::{BoxFuture, FutureExt as _},
    stream::FuturesUnordered,
};
use metrics::{counter, gauge};
use tokio::{
    sync::watch,
    time::{Instant, MissedTickBehavior, interval, sleep, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    delivery::{Fault, backoff},
    hibernation::Ends,
    lane::{self, Answer, Aside, DeadLetter, Health, Lanes, Request, Route, Target},
    letter,
    means::Means,
    queue::Queue,
    report::Moved,
    window::MAX_IN_FLIGHT,
};
use crate::{
    domain::{
        bridge::{Begin, consumer_group},
        ids::BridgeId,
    },
    kafka::stream::{
        self, Offset, Partition,
        consumer::{Consumer, Event, Subscription},
        identity::Watch,
    },
    secrets::fingerprint,
    store::{PgPool, lanes},
};

/// The most bytes of records that are held, all lanes of a bridge together.
const MAX_BYTES: usize = 16 << 20;
/// How long a request may take, whatever the queue's own client says.
pub const REQUEST: Duration = Duration::from_secs(40);
/// The most dead letters in one write.
const LETTERS: usize = 200;
/// How often is committed while few events are in flight.
const COMMIT: Duration = Duration::from_millis(100);
/// From so many events in flight on, commits follow each other at once: the window must not fill.
const COMMIT_NOW: usize = MAX_IN_FLIGHT / 4;
/// How long a soft end may take.
pub const DRAIN: Duration = Duration::from_secs(10);
/// How long leaving the group may take after that.
const LEAVE: Duration = Duration::from_secs(5);
/// How long the group may take to say that this worker has no partition.
const EMPTY_HANDED: Duration = Duration::from_secs(15);
/// How often is kept how far all is, beside Kafka's own memory of it: that forgets a group which nobody was in for some
/// days (`offsets.retention.minutes`).
const PLACES: Duration = Duration::from_mins(5);
/// How long a write to the database may take.
const WRITE: Duration = Duration::from_secs(5);

/// What the outbound lanes of a bridge are made of.
#[derive(Clone)]
pub struct Plan {
    /// Bridge.
    pub bridge: BridgeId,
    /// Name of this worker, the same after a restart.
    pub slot: String,
    /// The Kafka cluster's id.
    pub cluster: String,
    /// Routes; `queue` counts in `targets`.
    pub routes: Vec<Route>,
    /// Queues.
    pub targets: Vec<(Target, Arc<dyn Queue>)>,
    /// Kafka's id of each topic.
    pub topics: HashMap<Arc<str>, Uuid>,
    /// Events that people have set aside.
    pub aside: Aside,
    /// Where the topics ended when this was made, if there was nothing to be read of them.
    pub ends: Option<Ends>,
}

/// How lanes fare, for whoever watches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// Whether they have begun to read.
    pub begun: bool,
    /// How it goes.
    pub health: Health,
}

impl Default for State {
    fn default() -> Self {
        Self { begun: false, health: Health::Well }
    }
}

impl State {
    /// How all directions of a bridge fare together: begun when all have, and as the worst of them.
    pub fn worst(states: impl Iterator<Item = Self>) -> Self {
        let rank = |health: &Health| match health {
            Health::Well => 0,
            Health::Waiting(_) => 1,
            Health::Stuck(..) => 2,
            Health::Halted(_) => 3,
        };
        states
            .reduce(|one, other| Self {
                begun: one.begun && other.begun,
                health: if rank(&other.health) > rank(&one.health) { other.health } else { one.health },
            })
            .unwrap_or_default()
    }
}

/// Moves events until `stop`, then finishes what is under way. Hibernates while there is nothing to move.
///
/// # Errors
/// Those of Kafka that the lanes cannot outlive; nothing is lost, and they may be begun again.
pub async fn run(
    plan: Plan,
    means: Means,
    moved: Moved,
    state: watch::Sender<State>,
    stop: CancellationToken,
) -> Result<(), stream::Error> {
    let mut nothing = plan.ends.clone();
    loop {
        if let Some(ends) = nothing {
            state.send_replace(State { begun: true, health: Health::Well });
            tracing::info!(bridge = %plan.bridge, "hibernates: there is nothing to move");
            tokio::select! {
                () = means.hibernation.sleep(plan.topics.clone(), ends) => {}
                () = stop.cancelled() => return Ok(()),
            }
            tracing::info!(bridge = %plan.bridge, "wakes up");
        }
        nothing = work(plan.clone(), means.clone(), moved.clone(), &state, &stop).await?;
        if nothing.is_none() {
            return Ok(());
        }
    }
}

/// Moves events until `stop`, or until there has been nothing to move for long: then gives where the topics end.
async fn work(
    plan: Plan,
    means: Means,
    moved: Moved,
    state: &watch::Sender<State>,
    stop: &CancellationToken,
) -> Result<Option<Ends>, stream::Error> {
    let watch = Watch::begin(means.identities.clone(), plan.topics.clone()).await?;
    let subscription = subscription(&plan);
    let (starts, instance) = (subscription.starts.clone(), subscription.instance.clone());
    let consumer = Consumer::open(&means.kafka, subscription)?;
    let (targets, queues) = plan.targets.into_iter().unzip();
    let mut lanes = Outbound {
        bridge: plan.bridge,
        name: plan.bridge.to_string(),
        topics: plan.topics.into_keys().collect(),
        starts,
        lanes: Lanes::new(plan.cluster, plan.routes, targets, plan.aside),
        queues,
        consumer,
        quiet: Quiet::new(means.rest),
        means,
        moved,
        state: state.clone(),
        begun: Instant::now(),
        requests: FuturesUnordered::new(),
        commit: None,
        last_commit: Instant::now(),
        letters: None,
        letters_failed: Failed::default(),
        begins: None,
        begins_failed: Failed::default(),
        places: sleep(PLACES).boxed(),
        revoking: Vec::new(),
        away: None,
    };
    let end = tokio::select! {
        end = lanes.run(stop) => end,
        error = watch.until_replaced() => Err(error),
    };
    lanes.tell();
    let nothing = match end {
        Ok(nothing) => nothing,
        Err(error) => return Err(watch.explain(error).await),
    };
    keep_places(&lanes.means.pool, lanes.bridge, lanes.lanes.places()).await;
    let leave = async {
        lanes.consumer.close().await;
        lanes.means.identities.leave(&consumer_group(lanes.bridge), &instance).await
    };
    match timeout(LEAVE, leave).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(bridge = %lanes.bridge, %error, "the consumer group could not be left"),
        Err(_) => tracing::warn!(bridge = %lanes.bridge, "leaving the consumer group took too long"),
    }
    Ok(nothing)
}

fn subscription(plan: &Plan) -> Subscription {
    let mut topics: Vec<_> = plan.routes.iter().map(|route| route.topic.clone()).collect();
    topics.sort_unstable();
    topics.dedup();
    let of_topic = |topic: &Arc<str>| {
        let begins = lane::begins(&plan.routes, topic).into_iter();
        let topic = topic.clone();
        begins.map(move |(number, offset)| (Partition { topic: topic.clone(), number }, offset))
    };
    let starts = topics.iter().flat_map(of_topic).collect();
    Subscription {
        group: consumer_group(plan.bridge),
        instance: instance(&plan.slot, &topics),
        topics,
        starts,
        events: MAX_IN_FLIGHT,
        bytes: MAX_BYTES,
    }
}

/// The name of this worker in the group. Kafka gives a member that comes again what it had, whatever topics it asks for
/// now: for other topics it has another name.
fn instance(slot: &str, topics: &[Arc<str>]) -> String {
    format!("{slot}.{}", &fingerprint(topics.join("\n").as_bytes())[..8])
}

type Committed = (Vec<Offset>, Result<(), stream::Error>);
type Written = (Vec<DeadLetter>, Result<(), String>);
type Begun = (Vec<Begin>, Result<Vec<Begin>, String>);

/// How often a write failed in a row, and why at last.
#[derive(Default)]
struct Failed {
    times: u32,
    why: Option<String>,
}

impl Failed {
    /// How long to wait before the next try.
    fn wait(&self) -> Duration {
        if self.times > 0 { backoff(self.times, chance()) } else { Duration::ZERO }
    }

    fn again(&mut self, why: String) {
        self.times += 1;
        self.why = Some(why);
    }
}

/// For how long there has been nothing to move.
struct Quiet {
    /// For how long there must not be anything.
    rest: Duration,
    since: Instant,
    /// Where the topics ended when half of that time was over: other workers may move what comes.
    ends: Option<Ends>,
    asked: Option<BoxFuture<'static, Asked>>,
}

/// Where the topics end, and how far they are read.
type Asked = Result<(Ends, Ends), stream::Error>;

impl Quiet {
    fn new(rest: Duration) -> Self {
        Self { rest, since: Instant::now(), ends: None, asked: None }
    }

    fn disturb(&mut self) {
        (self.since, self.ends, self.asked) = (Instant::now(), None, None);
    }

    /// Whether it is to be asked where the topics end.
    fn is_due(&self) -> bool {
        self.asked.is_none() && self.since.elapsed() >= self.rest / 2
    }

    /// Gives where the topics end, if they have ended there for all of the time and all of them is read.
    fn answered(&mut self, answer: Asked, starts: &HashMap<Partition, i64>) -> Option<Ends> {
        (self.since, self.asked) = (Instant::now(), None);
        let (ends, committed) = answer.ok()?;
        let is_read = |topic: &Arc<str>, number: i32, end: i64| {
            let committed = committed.get(topic).and_then(|committed| committed.get(&number)).copied().unwrap_or(0);
            let start = starts.get(&Partition { topic: topic.clone(), number }).copied().unwrap_or(0);
            committed.max(start) >= end
        };
        let mut all =
            ends.iter().flat_map(|(topic, ends)| ends.iter().map(move |(number, end)| (topic, *number, *end)));
        let is_all_read = all.all(|(topic, number, end)| is_read(topic, number, end));
        let before = self.ends.replace(ends);
        self.ends.clone().filter(|ends| is_all_read && before.as_ref() == Some(ends))
    }
}

struct Outbound {
    bridge: BridgeId,
    name: String,
    topics: Vec<Arc<str>>,
    /// Where reading began at the earliest.
    starts: HashMap<Partition, i64>,
    lanes: Lanes,
    queues: Vec<Arc<dyn Queue>>,
    consumer: Consumer,
    quiet: Quiet,
    means: Means,
    moved: Moved,
    state: watch::Sender<State>,
    begun: Instant,
    requests: FuturesUnordered<BoxFuture<'static, (Request, Answer)>>,
    /// The commit under way; one at a time.
    commit: Option<BoxFuture<'static, Committed>>,
    last_commit: Instant,
    /// Dead letters on their way to Postgres; one write at a time.
    letters: Option<BoxFuture<'static, Written>>,
    letters_failed: Failed,
    /// Where routes begin, on its way to Postgres; one write at a time.
    begins: Option<BoxFuture<'static, Begun>>,
    begins_failed: Failed,
    /// Keeps how far all is, now and then.
    places: BoxFuture<'static, ()>,
    /// Partitions to be given up as soon as nothing of them is under way.
    revoking: Vec<(Vec<Partition>, mpsc::Sender<Vec<Offset>>)>,
    /// Why Kafka is away.
    away: Option<String>,
}

impl Outbound {
    /// Gives where the topics end when it ends by itself, as there has been nothing to move.
    async fn run(&mut self, stop: &CancellationToken) -> Result<Option<Ends>, stream::Error> {
        let mut tick = interval(COMMIT);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut deadline = None;
        loop {
            if deadline.is_none() && stop.is_cancelled() {
                deadline = Some(Instant::now() + DRAIN);
                self.lanes.drain(&self.lanes.partitions());
            }
            self.advance();
            if let Some(deadline) = deadline {
                if self.is_at_rest() {
                    return Ok(None);
                }
                if Instant::now() >= deadline {
                    tracing::warn!(bridge = %self.bridge, in_flight = self.lanes.in_flight(), "the lanes did not come to rest in time");
                    return Ok(None);
                }
            }
            let mut due = self.lanes.due().map(|due| sleep_until(self.begun + due).boxed());
            tokio::select! {
                event = self.consumer.next() => self.hear(event, deadline.is_some())?,
                Some((request, answer)) = self.requests.next() => {
                    let now = self.begun.elapsed();
                    self.lanes.settle(&request, answer, now, chance);
                }
                (offsets, result) = held(&mut self.commit) => {
                    self.commit = None;
                    self.committed(&offsets, result)?;
                }
                written = held(&mut self.letters) => {
                    self.letters = None;
                    self.written(written);
                }
                kept = held(&mut self.begins) => {
                    self.begins = None;
                    self.began(kept);
                }
                () = &mut self.places => self.keep_places(),
                answer = held(&mut self.quiet.asked) => {
                    let nothing = self.quiet.answered(answer, &self.starts);
                    if nothing.is_some() && deadline.is_none() && self.has_nothing() {
                        return Ok(nothing);
                    }
                }
                () = held(&mut due) => {}
                _ = tick.tick() => self.tell(),
                () = stop.cancelled(), if deadline.is_none() => {}
            }
        }
    }

    /// Begins whatever may begin now.
    fn advance(&mut self) {
        let now = self.begun.elapsed();
        while let Some(request) = self.lanes.take_request(now) {
            let queue = self.queues[request.queue].clone();
            let send = async move {
                let answer = timeout(REQUEST, queue.send(&request.entries)).await;
                let answer = answer.unwrap_or_else(|_| Err(Fault::Unreachable("SQS did not answer in time".into())));
                (request, answer)
            };
            self.requests.push(send.boxed());
        }
        if self.letters.is_none() {
            let letters = self.lanes.take_dead_letters(LETTERS);
            if !letters.is_empty() {
                self.write(letters);
            }
        }
        if self.begins.is_none() {
            let begins = self.lanes.take_begins();
            if !begins.is_empty() {
                self.keep(begins);
            }
        }
        if self.commit.is_none() && (self.lanes.in_flight() >= COMMIT_NOW || self.last_commit.elapsed() >= COMMIT) {
            let offsets = self.lanes.to_commit();
            if !offsets.is_empty() {
                self.last_commit = Instant::now();
                let commit = self.consumer.commit(offsets.clone());
                self.commit = Some(commit.map(|result| (offsets, result)).boxed());
            }
        }
        if !self.has_nothing() {
            self.quiet.disturb();
        } else if self.quiet.is_due() {
            let (means, topics) = (self.means.clone(), self.topics.clone());
            let group = consumer_group(self.bridge);
            self.quiet.asked = Some(async move { means.hibernation.ask(&group, &topics).await }.boxed());
        }
        self.give_up();
        let freed = self.lanes.take_freed();
        self.consumer.credit().give(&freed.events, freed.bytes);
    }

    fn is_at_rest(&self) -> bool {
        self.lanes.is_idle(&self.lanes.partitions())
            && self.requests.is_empty()
            && self.letters.is_none()
            && self.commit.is_none()
            && self.lanes.to_commit().is_empty()
    }

    /// Whether nothing is under way, and nothing holds it up.
    fn has_nothing(&self) -> bool {
        self.lanes.in_flight() == 0
            && self.letters.is_none()
            && self.begins.is_none()
            && self.revoking.is_empty()
            && self.away.is_none()
            && !self.lanes.is_waiting()
            && self.state.borrow().begun
    }

    /// Answers for partitions of which nothing is under way any more.
    fn give_up(&mut self) {
        let letters = self.letters.is_some();
        let lanes = &self.lanes;
        self.revoking.retain(|(partitions, reply)| {
            if letters || !lanes.is_idle(partitions) {
                return true;
            }
            let mut offsets = lanes.to_commit();
            offsets.retain(|offset| partitions.contains(&offset.partition));
            // The consumer may have stopped waiting.
            let _ = reply.send(offsets);
            false
        });
    }

    fn hear(&mut self, event: Event, stopping: bool) -> Result<(), stream::Error> {
        let mut next = Some(event);
        // All that is there, before anything is sent: fuller requests.
        while let Some(event) = next {
            match event {
                Event::Assigned(offsets) => {
                    for Offset { partition, offset } in offsets {
                        tracing::info!(bridge = %self.bridge, %partition, offset, "reads");
                        self.lanes.assign(partition, offset);
                    }
                    self.look_whether_begun();
                }
                // What comes after the end began is left for the next reader.
                Event::Records(_) if stopping => {}
                Event::Records(records) => {
                    for record in records {
                        self.lanes.accept(record);
                    }
                }
                Event::Revoking { partitions, reply } => {
                    self.lanes.drain(&partitions);
                    self.revoking.push((partitions, reply));
                }
                Event::Lost(partitions) => {
                    self.lanes.lose(&partitions);
                    self.revoking.retain(|(others, _)| !partitions.contains(&others[0]));
                }
                Event::Lag(lags) => {
                    let lag: i64 = lags.iter().map(|lag| lag.offset).sum();
                    gauge!("ebm_bridge_lag_events", "bridge" => self.name.clone()).set(to_f64(lag));
                }
                Event::Away(why) => self.away = Some(why),
                Event::Back => self.away = None,
                Event::Failed(error) => return Err(error),
            }
            next = self.consumer.try_next();
        }
        Ok(())
    }

    fn committed(&mut self, offsets: &[Offset], result: Result<(), stream::Error>) -> Result<(), stream::Error> {
        match result {
            Ok(()) => {
                self.away = None;
                self.lanes.committed(offsets);
                Ok(())
            }
            // It is committed again with the next, or by whoever has the partition then.
            Err(stream::Error::Rebalancing) => Ok(()),
            Err(stream::Error::Unreachable(why)) => {
                self.away = Some(why);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    fn write(&mut self, letters: Vec<DeadLetter>) {
        let (pool, vault, bridge) = (self.means.pool.clone(), self.means.vault.clone(), self.bridge);
        let wait = self.letters_failed.wait();
        let write = async move {
            sleep(wait).await;
            let rows: Vec<_> = letters.iter().map(|letter| letter::seal(&vault, bridge, letter)).collect();
            let result = letter::write(&pool, bridge, &rows).await;
            (letters, result)
        };
        self.letters = Some(write.boxed());
    }

    fn written(&mut self, (letters, result): Written) {
        match result {
            Ok(()) => {
                self.letters_failed = Failed::default();
                for letter in &letters {
                    counter!("ebm_bridge_dead_letters_total", "bridge" => self.name.clone(), "reason" => letter.reason.code())
                        .increment(1);
                }
                self.lanes.written(&letters);
            }
            Err(why) => {
                tracing::warn!(bridge = %self.bridge, why, "dead letters could not be written yet");
                self.letters_failed.again(why);
                self.write(letters);
            }
        }
    }

    fn keep(&mut self, begins: Vec<Begin>) {
        let pool = self.means.pool.clone();
        let wait = self.begins_failed.wait();
        let keep = async move {
            sleep(wait).await;
            let result = timeout(WRITE, lanes::keep_begins(&pool, &begins)).await;
            let result = result.map_err(|_| "it does not answer in time".to_owned());
            (begins, result.and_then(|result| result.map_err(|error| error.to_string())))
        };
        self.begins = Some(keep.boxed());
    }

    fn began(&mut self, (begins, result): Begun) {
        match result {
            Ok(kept) => {
                self.begins_failed = Failed::default();
                for Begin { route, partition, offset } in &kept {
                    tracing::info!(bridge = %self.bridge, route = %route.0, partition, offset, "a route begins");
                }
                self.lanes.began(&kept);
                self.look_whether_begun();
            }
            Err(why) => {
                tracing::warn!(bridge = %self.bridge, why, "where a route begins could not be kept yet");
                self.begins_failed.again(why);
                self.keep(begins);
            }
        }
    }

    fn look_whether_begun(&self) {
        if !self.lanes.is_waiting() && !self.lanes.partitions().is_empty() {
            self.state.send_if_modified(|state| !std::mem::replace(&mut state.begun, true));
        }
    }

    /// Begins to keep how far all is; the lanes do not wait for it.
    fn keep_places(&mut self) {
        let (pool, bridge, places) = (self.means.pool.clone(), self.bridge, self.lanes.places());
        self.places = async move {
            keep_places(&pool, bridge, places).await;
            sleep(PLACES).await;
        }
        .boxed();
    }

    /// Tells how the lanes fare, and what they moved.
    fn tell(&mut self) {
        let health = match (self.lanes.health(), &self.letters_failed.why, &self.begins_failed.why, &self.away) {
            (health @ Health::Halted(_), ..) => health,
            (_, Some(why), ..) => Health::Halted(letter::unwritten(why)),
            (_, _, Some(why), _) => {
                Health::Waiting(format!("Where a route begins cannot be kept: the database is away: {why}."))
            }
            (_, _, _, Some(why)) => Health::Waiting(format!("Kafka is away: {why}. It goes on by itself.")),
            (health, ..) => health,
        };
        let empty_handed = self.begun.elapsed() > EMPTY_HANDED && self.away.is_none() && !self.lanes.is_waiting();
        self.state.send_if_modified(|state| {
            let begun = state.begun || empty_handed;
            let new = State { begun, health };
            let changed = *state != new;
            *state = new;
            changed
        });
        if let Some(since) = self.lanes.waiting_since() {
            self.moved.wait(since);
        }
        let moved = self.lanes.take_moved();
        if !moved.is_empty() {
            let count = moved.values().sum();
            counter!("ebm_bridge_events_moved_total", "bridge" => self.name.clone(), "direction" => "outbound")
                .increment(count);
            self.moved.add(moved);
        }
        self.moved.add_reordered(self.lanes.take_reordered());
        let in_flight = i64::try_from(self.lanes.in_flight()).unwrap_or(i64::MAX);
        gauge!("ebm_bridge_in_flight_events", "bridge" => self.name.clone()).set(to_f64(in_flight));
    }
}

/// Keeps how far a bridge is. That it could not be is no trouble as long as Kafka knows it.
async fn keep_places(pool: &PgPool, bridge: BridgeId, places: Vec<Begin>) {
    if places.is_empty() {
        return;
    }
    match timeout(WRITE, lanes::raise_starts(pool, &places)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%bridge, %error, "how far the bridge is could not be kept"),
        Err(_) => tracing::warn!(%bridge, "how far the bridge is could not be kept in time"),
    }
}

/// The end of a future that may be absent: never, then.
async fn held<F: Future + Unpin>(future: &mut Option<F>) -> F::Output {
    match future {
        Some(future) => future.await,
        None => std::future::pending().await,
    }
}

#[expect(clippy::cast_precision_loss, reason = "a gauge is good enough with 52 bits")]
fn to_f64(count: i64) -> f64 {
    count as f64
}

/// A number from 0 to 1, for spreading waits.
pub fn chance() -> f64 {
    f64::from(u32::from_le_bytes(crate::secrets::random())) / f64::from(u32::MAX)
}
