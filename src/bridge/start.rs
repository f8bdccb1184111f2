//! The steps of a start: access, queue, Kafka; after them the lanes can begin.
//!
//! Refuses to begin reading before the place where it begins is kept.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use tokio::time::{Instant, sleep};

use super::{
    delivery::{Fault, Policy},
    inbound,
    lane::{self, Target},
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
    kafka::stream::{self, probe},
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
}

/// What a bridge's lanes are made of.
pub struct Prepared {
    /// The outbound lanes; absent where no route leads outwards.
    pub outbound: Option<Plan>,
    /// The inbound lanes; absent where no route leads inwards.
    pub inbound: Option<inbound::Plan>,
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
    let misconfigured = |step, reason: String| Trouble { status: Status::Misconfigured, reason, step };
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
    Trouble { status, reason: format!("{url}: {fault}."), step }
}

/// What an error of Kafka means for a bridge.
pub fn of_kafka(error: &stream::Error, step: Step) -> Trouble {
    let status = if error.is_transient() { Status::Waiting } else { Status::Halted };
    Trouble { status, reason: format!("{error}. {}", error.cure()), step }
}

fn of_database(error: &store::Error) -> Trouble {
    Trouble { status: Status::Waiting, reason: format!("The database is away: {error}."), step: Step::Kafka }
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
    let mut planned = Vec::with_capacity(routes.len());
    for route in routes {
        let topic = topics[&route.channel].clone();
        let ends = found.ends.get(&topic).cloned().unwrap_or_default();
        planned.push(lane::Route {
            id: route.id,
            kind: route.kind.clone(),
            queue: opened.iter().position(|(url, ..)| url.to_string() == route.queue).unwrap_or_default(),
            starts: starts(route, means, ends).await?,
            topic,
        });
    }
    let target = |(url, queue, facts): &(QueueUrl, Arc<dyn Queue>, Facts)| {
        let target = Target { address: url.to_string(), fifo: url.is_fifo(), max_message: facts.max_message };
        (target, queue.clone())
    };
    Ok(Some(Plan {
        bridge: configuration.id,
        slot: slot.to_owned(),
        cluster: found.cluster,
        routes: planned,
        targets: opened.iter().map(target).collect(),
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
    let space = configuration.space.parse().map_err(|error| Trouble {
        status: Status::Misconfigured,
        reason: format!("The Space's name {error}."),
        step: Step::Kafka,
    })?;
    Ok(routes.iter().map(|route| (route.channel, topic_name(route.channel, &space).into())).collect())
}

/// Where a route begins: where it began before, else at the end, which is kept before anything is read.
async fn starts(route: &Route, means: &Means, ends: BTreeMap<i32, i64>) -> Result<BTreeMap<i32, i64>, Trouble> {
    if let Some(starts) = &route.starts {
        return Ok(starts.clone());
    }
    let kept = lanes::keep_starts(&means.pool, route.id, &ends).await.map_err(|error| of_database(&error))?;
    // The route was taken away meanwhile; the next look at the configuration shows it.
    Ok(kept.unwrap_or(ends))
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
