//! The steps of a start: access, queue, Kafka; after them the lanes can begin.
//!
//! A lane that cannot begin is left out, and the others begin without it: outwards a topic with all its routes, since an
//! event may be passed over only where no route wants it, inwards a queue with all its routes.
//!
//! Refuses to begin where another topic of the same name was read before.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::{
    delivery::{Fault, Policy},
    gap, inbound,
    lane::{self, Start as Begin, Target},
    means::Means,
    outbound::Plan,
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
/// The same where it has let it in to some of the topics already.
const LET_IN_TO_ALL: Duration = Duration::from_secs(5);
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
    /// Lanes that cannot begin, by their topic or queue; never all of them.
    pub left_out: LeftOut,
}

/// Lanes that cannot begin, by their topic or queue.
pub type LeftOut = BTreeMap<String, Trouble>;

impl Prepared {
    /// Whether a route may not have begun in all partitions of its topic.
    pub fn begins(&self) -> bool {
        let mut starts = self.outbound.iter().flat_map(|plan| &plan.routes).flat_map(|route| route.starts.values());
        starts.any(|start| matches!(start, Begin::NotBefore(_)))
    }
}

/// A start of a configuration.
pub struct Start<'a> {
    /// What is to be started.
    pub configuration: &'a Configuration,
    /// What the worker has.
    pub means: &'a Means,
    /// Opens queues.
    pub queues: &'a dyn Queues,
    /// Name of this worker.
    pub slot: &'a str,
    /// Whether an older configuration runs meanwhile: nobody waits for this one then.
    pub is_change: bool,
    /// How far it has come.
    pub steps: &'a mut Steps,
    /// Called whenever a step has come further.
    pub tell: &'a (dyn Fn(&Steps) + Sync),
}

impl Start<'_> {
    /// Prepares the lanes.
    ///
    /// # Errors
    /// Why none of them can begin.
    pub async fn prepare(mut self) -> Result<Prepared, Trouble> {
        self.reach(Step::Access, "");
        require_key(self.means).await?;
        let misconfigured = |step, reason: &str| Trouble::new(Status::Misconfigured, step, reason.into());
        let Some(role_arn) = self.configuration.role_arn.clone() else {
            return Err(misconfigured(Step::Access, "The bridge has no role yet: save its queues again."));
        };
        if self.configuration.routes.is_empty() {
            return Err(misconfigured(Step::Queue, "The bridge has no route: add a business event."));
        }
        let external_id = self.configuration.external_id.clone();
        let access = Access { bridge: self.configuration.id, role_arn, external_id };
        let mut left_out = LeftOut::new();
        let opened = self.open(&access, &mut left_out).await?;
        let (mut outbound, mut inbound) = (None, None);
        if !opened.is_empty() {
            self.reach(Step::Kafka, "");
            outbound = self.outbound(&opened, &mut left_out).await?;
            inbound = self.inbound(&opened, &mut left_out).await?;
        }
        if outbound.is_none()
            && inbound.is_none()
            && let Some(trouble) = worst(&left_out)
        {
            return Err(trouble.clone());
        }
        self.reach(Step::Lane, "");
        Ok(Prepared { outbound, inbound, left_out })
    }

    fn reach(&mut self, step: Step, text: &str) {
        self.steps.set(step, State::Current, text);
        (self.tell)(self.steps);
    }

    /// Asks each queue what it is.
    async fn open(&mut self, access: &Access, left_out: &mut LeftOut) -> Result<Vec<Opened>, Trouble> {
        let mut opened: Vec<Opened> = Vec::new();
        for route in &self.configuration.routes {
            let url: QueueUrl = route.queue.parse().map_err(|error| {
                let reason = format!("The queue's address {} {error}.", route.queue);
                Trouble::new(Status::Misconfigured, Step::Queue, reason)
            })?;
            if left_out.contains_key(&route.queue) || opened.iter().any(|(other, ..)| *other == url) {
                continue;
            }
            match open(self.queues, access, &url).await {
                Ok((queue, facts)) => opened.push((url, queue, facts)),
                // It is the same for all of them.
                Err(fault @ (Fault::Role(_) | Fault::Credentials(_))) => return Err(of_queue(&url, &fault)),
                Err(fault) => drop(left_out.insert(route.queue.clone(), of_queue(&url, &fault))),
            }
            self.reach(Step::Queue, "");
        }
        Ok(opened)
    }

    async fn outbound(&mut self, opened: &[Opened], left_out: &mut LeftOut) -> Result<Option<Plan>, Trouble> {
        let (configuration, means) = (self.configuration, self.means);
        let routes: Vec<&Route> = configuration.routes.iter().filter(|r| r.direction == Direction::Outbound).collect();
        if routes.is_empty() {
            return Ok(None);
        }
        let topics = topics(configuration, &routes)?;
        let group = consumer_group(configuration.id);
        let mut found = self.look(&group, topics.values().cloned().collect()).await?;
        let routes = routes.into_iter().cloned().collect();
        let routes = gap::go_on(routes, means, &group, |channel| topics[&channel].clone(), &mut found).await?;
        let mut planned = Vec::with_capacity(routes.len());
        let mut stays: HashSet<Arc<str>> = HashSet::new();
        for route in &routes {
            let topic = topics[&route.channel].clone();
            let Some(queue) = opened.iter().position(|(url, ..)| url.to_string() == route.queue) else {
                stays.insert(topic);
                continue;
            };
            let begins = match found.refused.get(&topic) {
                Some(error) => Err(of_kafka(error, Step::Kafka)),
                None => starts(route, means, &topic, &found).await,
            };
            match begins {
                Ok(starts) => {
                    let (id, kind, mode) = (route.id, route.kind.clone(), route.mode);
                    planned.push(lane::Route { id, topic, kind, queue, mode, starts });
                }
                Err(trouble) if trouble.status == Status::Waiting => return Err(trouble),
                Err(trouble) => {
                    left_out.insert(topic.to_string(), trouble);
                    stays.insert(topic);
                }
            }
        }
        for topic in topics.values() {
            if !stays.contains(topic)
                && let Some(error) = gap::find(topic, &lane::begins(&planned, topic), &found)
            {
                left_out.insert(topic.to_string(), of_kafka(&error, Step::Kafka));
                stays.insert(topic.clone());
            }
        }
        planned.retain(|route| !stays.contains(&route.topic));
        if planned.is_empty() {
            return Ok(None);
        }
        let target = |(url, queue, facts): &Opened| {
            let target = Target { address: url.to_string(), fifo: url.is_fifo(), max_message: facts.max_message };
            (target, queue.clone())
        };
        let place = |(id, partition, offset, why): &(Uuid, i32, i64, String)| {
            let (topic, _) = found.ids.iter().find(|(_, known)| *known == id)?;
            Some(((Partition { topic: topic.clone(), number: *partition }, *offset), why.clone()))
        };
        let aside = configuration.aside.iter().filter_map(place).collect();
        let read = |topic: &Arc<str>| planned.iter().any(|route| route.topic == *topic);
        let mine = found.ids.iter().filter(|(topic, _)| read(topic));
        let topics: HashMap<_, _> = mine.map(|(topic, id)| (topic.clone(), *id)).collect();
        let ends = gap::nothing(topics.keys(), &planned, &found);
        Ok(Some(Plan {
            bridge: configuration.id,
            slot: self.slot.to_owned(),
            cluster: found.cluster,
            routes: planned,
            targets: opened.iter().map(target).collect(),
            topics,
            aside,
            ends,
        }))
    }

    async fn inbound(&mut self, opened: &[Opened], left_out: &mut LeftOut) -> Result<Option<inbound::Plan>, Trouble> {
        let configuration = self.configuration;
        let routes: Vec<&Route> = configuration.routes.iter().filter(|r| r.direction == Direction::Inbound).collect();
        if routes.is_empty() {
            return Ok(None);
        }
        let topics = topics(configuration, &routes)?;
        let group = consumer_group(configuration.id);
        let found = self.look(&group, topics.values().cloned().collect()).await?;
        let mut sources: Vec<inbound::Source> = Vec::new();
        let mut stays: HashSet<&str> = HashSet::new();
        for route in routes {
            let topic = topics[&route.channel].clone();
            if let Some(error) = found.refused.get(&topic) {
                left_out.entry(route.queue.clone()).or_insert_with(|| of_kafka(error, Step::Kafka));
                stays.insert(&route.queue);
            }
            let target = inbound::Target { route: route.id, topic };
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
        sources.retain(|source| !stays.contains(&*source.address));
        Ok((!sources.is_empty()).then_some(inbound::Plan { bridge: configuration.id, sources }))
    }

    /// Waits until Kafka lets the worker in: the console gives it its rights some seconds after the start. Where it is
    /// let in to some topics already and nothing runs yet, it does not wait long for the others.
    async fn look(&mut self, group: &str, topics: Vec<Arc<str>>) -> Result<probe::Findings, Trouble> {
        let begun = Instant::now();
        loop {
            let looked = self.means.probe(group, topics.clone(), WITHIN).await;
            let patience = match &looked {
                Ok(found) if found.refused.is_empty() => Duration::ZERO,
                Ok(found) if !found.ranges.is_empty() && !self.is_change => LET_IN_TO_ALL,
                Ok(_) | Err(stream::Error::Unauthorized(_) | stream::Error::NoTopic(_)) => LET_IN,
                Err(_) => Duration::ZERO,
            };
            if begun.elapsed() >= patience {
                return looked.map_err(|error| of_kafka(&error, Step::Kafka));
            }
            self.reach(Step::Kafka, "waiting for Kafka access");
            sleep(LOOK).await;
        }
    }
}

/// What is to be told first of lanes that cannot begin.
pub fn worst(left_out: &LeftOut) -> Option<&Trouble> {
    left_out.values().max_by_key(|trouble| match trouble.status {
        Status::Halted => 2,
        Status::Misconfigured => 1,
        _ => 0,
    })
}

type Opened = (QueueUrl, Arc<dyn Queue>, Facts);

async fn open(queues: &dyn Queues, access: &Access, url: &QueueUrl) -> Result<(Arc<dyn Queue>, Facts), Fault> {
    let queue = queues.open(access, url)?;
    let facts = queue.facts().await?;
    Ok((queue, facts))
}

/// Dead letters that are sealed with a key of its own, nobody else could open.
async fn require_key(means: &Means) -> Result<(), Trouble> {
    let mark = store::installation_key::find_mark(&means.pool).await;
    let mark = mark.map_err(|error| of_database(&error, Step::Access))?;
    let known = mark.map_or(Ok(()), |mark| means.vault.knows(&mark));
    known.map_err(|error| {
        tracing::error!(%error, "secrets.key of this worker is not the console's");
        let reason = "The worker cannot read the secrets of this installation: its secrets.key is not the console's. The \
                      operator must start it with that one.";
        Trouble::new(Status::Halted, Step::Access, reason.into())
    })
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
    Trouble { is_gap: error.is_gap(), ..Trouble::new(status, step, format!("{error}. {}", error.cure())) }
}

/// What an error of the database means for a start.
pub fn of_database(error: &store::Error, step: Step) -> Trouble {
    Trouble::new(Status::Waiting, step, format!("The database is away: {error}."))
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
) -> Result<BTreeMap<i32, Begin>, Trouble> {
    let ranges = found.ranges.get(topic).cloned().unwrap_or_default();
    let untold = || of_kafka(&stream::Error::Unreachable("no broker tells the id of a topic".into()), Step::Kafka);
    let id = found.ids.get(topic).copied().ok_or_else(untold)?;
    let (kept, starts) = if let Some(kept) = route.topic {
        (kept, route.starts.clone())
    } else {
        let kept = lanes::keep_topic(&means.pool, route.id, id, ranges.keys().copied()).await;
        // The route was taken away meanwhile; the next look at the configuration shows it.
        let gone = || (id, ranges.keys().map(|partition| (*partition, None)).collect());
        kept.map_err(|error| of_database(&error, Step::Kafka))?.unwrap_or_else(gone)
    };
    if kept != id {
        return Err(of_kafka(&stream::Error::Replaced(topic.to_string()), Step::Kafka));
    }
    let end = |partition| ranges.get(&partition).map_or(0, |range| range.end);
    let start = |(partition, kept): (i32, Option<i64>)| {
        (partition, kept.map_or_else(|| Begin::NotBefore(end(partition)), Begin::At))
    };
    Ok(starts.into_iter().map(start).collect())
}
