//! The steps of a start: access, queue, Kafka; after them the lanes can begin.
//!
//! Refuses to begin where another topic of the same name was read before.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::{
    delivery::{Fault, Policy},
    gap, inbound,
    lane::{self, Start, Target},
    outbound::{Means, Plan},
    queue::{Access, Facts, Queue, Queues},
    report::{State, Step, Steps},
};
use crate::{
    domain::{
        bridge::{Direction, Status, consumer_group},
        channel::topic_name,
        ids::ChannelId,
        queue_url::QueueUrl,
    },
    kafka::stream::{self, Partition, probe},
    store::{
        self,
        lanes::{self, Configuration, Route},
    },
};

/// How long the console may take to let the worker into Kafka.
const LET_IN: Duration = Duration::from_mins(1);
/// How often is looked whether it has.
const LOOK: Duration = Duration::from_millis(500);
/// How long one look may take.
const WITHIN: Duration = Duration::from_secs(10);

/// Why a bridge cannot start now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What to show.
    pub status: Status,
    /// Why, and what to do.
    pub reason: String,
    /// Which step failed.
    pub step: Step,
    /// Whether events are gone that were not moved.
    pub is_gap: bool,
    /// Whether lanes of the configuration before must come to rest first.
    pub must_rest: bool,
}

impl Trouble {
    /// One that has lost nothing.
    pub fn new(status: Status, step: Step, reason: String) -> Self {
        Self { status, reason, step, is_gap: false, must_rest: false }
    }
}

/// What a bridge's lanes are made of.
#[derive(Clone)]
pub struct Prepared {
    /// The outbound lanes; absent where no route leads outwards.
    pub outbound: Option<Plan>,
    /// The inbound lanes; absent where no route leads inwards.
    pub inbound: Option<inbound::Plan>,
}

impl Prepared {
    /// Whether a route may not have begun in all partitions of its topic.
    pub fn begins(&self) -> bool {
        let mut starts = self.outbound.iter().flat_map(|plan| &plan.routes).flat_map(|route| route.starts.values());
        starts.any(|start| matches!(start, Start::NotBefore(_)))
    }
}

/// Prepares the lanes of a configuration. `tell` is called whenever a step has come further.
pub async fn prepare(
    configuration: &Configuration,
    means: &Means,
    queues: &dyn Queues,
    slot: &str,
    steps: &mut Steps,
    tell: &(dyn Fn(&Steps) + Sync),
) -> Result<Prepared, Trouble> {
    steps.set(Step::Access, State::Current, "");
    tell(steps);
    let misconfigured = |step, reason: String| Trouble::new(Status::Misconfigured, step, reason);
    let Some(role_arn) = configuration.role_arn.clone() else {
        return Err(misconfigured(Step::Access, "The bridge has no role yet: save its queues again.".into()));
    };
    if configuration.routes.is_empty() {
        return Err(misconfigured(Step::Queue, "The bridge has no route: add a business event.".into()));
    }
    let access = Access { bridge: configuration.id, role_arn, external_id: configuration.external_id.clone() };
    let mut opened: Vec<(QueueUrl, Arc<dyn Queue>, Facts)> = Vec::new();
    for route in &configuration.routes {
        let url: QueueUrl = route
            .queue
            .parse()
            .map_err(|error| misconfigured(Step::Queue, format!("The queue's address {} {error}.", route.queue)))?;
        if opened.iter().any(|(other, ..)| *other == url) {
            continue;
        }
        let queue = queues.open(&access, &url).map_err(|fault| of_queue(&url, &fault))?;
        let facts = queue.facts().await.map_err(|fault| of_queue(&url, &fault))?;
        steps.set(Step::Queue, State::Current, "");
        tell(steps);
        opened.push((url, queue, facts));
    }
    steps.set(Step::Kafka, State::Current, "");
    tell(steps);
    let outbound = outbound(configuration, means, slot, &opened, steps, tell).await?;
    let inbound = inbound(configuration, means, &opened, steps, tell).await?;
    steps.set(Step::Lane, State::Current, "");
    tell(steps);
    Ok(Prepared { outbound, inbound })
}

/// What a fault of a queue means for a start.
fn of_queue(url: &QueueUrl, fault: &Fault) -> Trouble {
    let status = match (fault.policy(), fault) {
        (Policy::Halt, Fault::Credentials(_)) => Status::Halted,
        (Policy::Halt, _) => Status::Misconfigured,
        (Policy::Wait | Policy::SlowDown | Policy::Split, _) => Status::Waiting,
    };
    let step = if matches!(fault, Fault::Role(_) | Fault::Credentials(_)) { Step::Access } else { Step::Queue };
    Trouble::new(status, step, format!("{url}: {fault}."))
}

/// What an error of Kafka means for a bridge.
pub fn of_kafka(error: &stream::Error, step: Step) -> Trouble {
    let status = if error.is_transient() { Status::Waiting } else { Status::Halted };
    let is_gap = error.is_gap();
    Trouble { is_gap, must_rest: is_gap, ..Trouble::new(status, step, format!("{error}. {}", error.cure())) }
}

/// What an error of the database means for a start.
pub fn of_database(error: &store::Error) -> Trouble {
    Trouble::new(Status::Waiting, Step::Kafka, format!("The database is away: {error}."))
}

async fn outbound(
    configuration: &Configuration,
    means: &Means,
    slot: &str,
    opened: &[(QueueUrl, Arc<dyn Queue>, Facts)],
    steps: &mut Steps,
    tell: &(dyn Fn(&Steps) + Sync),
) -> Result<Option<Plan>, Trouble> {
    let routes: Vec<&Route> = configuration.routes.iter().filter(|r| r.direction == Direction::Outbound).collect();
    if routes.is_empty() {
        return Ok(None);
    }
    let topics = topics(configuration, &routes)?;
    let group = consumer_group(configuration.id);
    let found = look(means, &group, topics.values().cloned().collect(), steps, tell).await?;
    let routes = routes.into_iter().cloned().collect();
    let routes = gap::go_on(routes, means, &group, |channel| topics[&channel].clone(), &found).await?;
    let mut planned = Vec::with_capacity(routes.len());
    for route in &routes {
        let topic = topics[&route.channel].clone();
        let starts = starts(route, means, &topic, &found).await?;
        planned.push(lane::Route {
            id: route.id,
            kind: route.kind.clone(),
            queue: opened.iter().position(|(url, ..)| url.to_string() == route.queue).unwrap_or_default(),
            starts,
            topic,
        });
    }
    let target = |(url, queue, facts): &(QueueUrl, Arc<dyn Queue>, Facts)| {
        let target = Target { address: url.to_string(), fifo: url.is_fifo(), max_message: facts.max_message };
        (target, queue.clone())
    };
    let place = |(id, partition, offset, why): &(Uuid, i32, i64, String)| {
        let (topic, _) = found.ids.iter().find(|(_, known)| *known == id)?;
        Some(((Partition { topic: topic.clone(), number: *partition }, *offset), why.clone()))
    };
    let aside = configuration.aside.iter().filter_map(place).collect();
    Ok(Some(Plan {
        bridge: configuration.id,
        slot: slot.to_owned(),
        cluster: found.cluster,
        routes: planned,
        targets: opened.iter().map(target).collect(),
        topics: found.ids,
        aside,
    }))
}

async fn inbound(
    configuration: &Configuration,
    means: &Means,
    opened: &[(QueueUrl, Arc<dyn Queue>, Facts)],
    steps: &mut Steps,
    tell: &(dyn Fn(&Steps) + Sync),
) -> Result<Option<inbound::Plan>, Trouble> {
    let routes: Vec<&Route> = configuration.routes.iter().filter(|r| r.direction == Direction::Inbound).collect();
    if routes.is_empty() {
        return Ok(None);
    }
    let topics = topics(configuration, &routes)?;
    look(means, &consumer_group(configuration.id), topics.values().cloned().collect(), steps, tell).await?;
    let mut sources: Vec<inbound::Source> = Vec::new();
    for route in routes {
        let target = inbound::Target { route: route.id, topic: topics[&route.channel].clone() };
        if let Some(source) = sources.iter_mut().find(|source| source.address == route.queue) {
            source.routes.insert(route.kind.clone(), target);
        } else if let Some((url, queue, _)) = opened.iter().find(|(url, ..)| url.to_string() == route.queue) {
            sources.push(inbound::Source {
                address: route.queue.clone(),
                fifo: url.is_fifo(),
                queue: queue.clone(),
                routes: HashMap::from([(route.kind.clone(), target)]),
            });
        }
    }
    Ok(Some(inbound::Plan { bridge: configuration.id, sources }))
}

/// The topic of each channel that routes lead to or from.
fn topics(configuration: &Configuration, routes: &[&Route]) -> Result<HashMap<ChannelId, Arc<str>>, Trouble> {
    let unreadable = |error: &dyn std::fmt::Display| {
        Trouble::new(Status::Misconfigured, Step::Kafka, format!("The Space's name {error}."))
    };
    let space = configuration.space.parse().map_err(|error| unreadable(&error))?;
    Ok(routes.iter().map(|route| (route.channel, topic_name(route.channel, &space).into())).collect())
}

/// Where a route begins: where it began before, else where its first reader takes a partition over, and not before its
/// end of now.
async fn starts(
    route: &Route,
    means: &Means,
    topic: &Arc<str>,
    found: &probe::Findings,
) -> Result<BTreeMap<i32, Start>, Trouble> {
    let ranges = found.ranges.get(topic).cloned().unwrap_or_default();
    let untold = || of_kafka(&stream::Error::Unreachable("no broker tells the id of a topic".into()), Step::Kafka);
    let id = found.ids.get(topic).copied().ok_or_else(untold)?;
    let (kept, starts) = if let Some(kept) = route.topic {
        (kept, route.starts.clone())
    } else {
        let kept = lanes::keep_topic(&means.pool, route.id, id, ranges.keys().copied()).await;
        // The route was taken away meanwhile; the next look at the configuration shows it.
        let gone = || (id, ranges.keys().map(|partition| (*partition, None)).collect());
        kept.map_err(|error| of_database(&error))?.unwrap_or_else(gone)
    };
    if kept != id {
        return Err(of_kafka(&stream::Error::Replaced(topic.to_string()), Step::Kafka));
    }
    let end = |partition| ranges.get(&partition).map_or(0, |range| range.end);
    let start = |(partition, kept): (i32, Option<i64>)| {
        (partition, kept.map_or_else(|| Start::NotBefore(end(partition)), Start::At))
    };
    Ok(starts.into_iter().map(start).collect())
}

/// Waits until Kafka lets the worker in: the console gives it its rights some seconds after the start.
async fn look(
    means: &Means,
    group: &str,
    topics: Vec<Arc<str>>,
    steps: &mut Steps,
    tell: &(dyn Fn(&Steps) + Sync),
) -> Result<probe::Findings, Trouble> {
    let deadline = Instant::now() + LET_IN;
    loop {
        match probe::look(&means.kafka, group, topics.clone(), WITHIN).await {
            Ok(found) => return Ok(found),
            Err(stream::Error::Unauthorized(_) | stream::Error::NoTopic(_)) if Instant::now() < deadline => {
                steps.set(Step::Kafka, State::Current, "waiting for Kafka access");
                tell(steps);
                sleep(LOOK).await;
            }
            Err(error) => return Err(of_kafka(&error, Step::Kafka)),
        }
    }
}
