//! The outbound lanes of one bridge as a state machine: records in, requests and dead letters out, offsets to commit.
//!
//! Pure: no I/O, no clock, no randomness. Time is the time since the lane began; chance is a number from 0 to 1. A lane
//! is one topic of the bridge; several routes may share it, told apart by the events' type, and several lanes may lead
//! to one queue.
//!
//! Refuses to finish an event whose delivery is not proved: an offset may be committed when the queue has confirmed the
//! very entry, when the dead letter is written, or when no route of this bridge wants the event.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use super::{
    batch::{Batcher, Ticket},
    delivery::{Call, Fault, Pace, Policy, backoff},
    fifo,
    window::Window,
};
use crate::{
    domain::{
        bridge::{Begin, Mode, Place},
        cloud_event::{self, Event, Message, Undeliverable},
        ids::RouteId,
    },
    kafka::stream::{Offset, Partition, Record},
};

#[cfg(test)]
mod schedules;

/// The smallest sum of bytes that every queue takes in one request (*Amazon SQS message quotas*, as they were before
/// the limit of a message was raised).
const MIN_REQUEST: usize = 256 * 1024;
/// After how many failures in a row people are told of an error that may pass by itself.
const PATIENCE: u32 = 4;
/// The longest wait of one entry whose neighbours go through: its group waits with it.
const MAX_ENTRY_WAIT: Duration = Duration::from_secs(5);
/// After how many refusals of one entry the lane is said to be halted by it.
const REFUSALS: u32 = 3;

/// One outbound route.
#[derive(Clone, Debug)]
pub struct Route {
    /// Id.
    pub id: RouteId,
    /// The topic it reads.
    pub topic: Arc<str>,
    /// The `ce_type` it carries.
    pub kind: String,
    /// Which of the queues it leads to.
    pub queue: usize,
    /// How events go there.
    pub mode: Mode,
    /// Where it begins, per partition; at 0 in a partition that was added later.
    pub starts: BTreeMap<i32, Start>,
}

/// Where a route begins in a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// At this offset, which is kept.
    At(i64),
    /// Where its first reader takes the partition over, and not before this offset.
    NotBefore(i64),
}

impl Start {
    /// The first offset that can be of concern.
    pub fn least(self) -> i64 {
        let (Self::At(offset) | Self::NotBefore(offset)) = self;
        offset
    }
}

/// Where a topic is read from at the earliest, per partition: where several routes share it, the earliest start counts,
/// and each route passes over what is before its own.
pub fn begins(routes: &[Route], topic: &str) -> BTreeMap<i32, i64> {
    let mine: Vec<_> = routes.iter().filter(|route| *route.topic == *topic).collect();
    let numbers = mine.iter().flat_map(|route| route.starts.keys()).copied();
    let least = |number| mine.iter().map(|route| route.starts.get(&number).map_or(0, |start| start.least())).min();
    numbers.map(|number| (number, least(number).unwrap_or(0))).collect()
}

/// A queue that outbound routes lead to.
#[derive(Clone, Debug)]
pub struct Target {
    /// Its address, for people.
    pub address: String,
    /// Whether it keeps order.
    pub fifo: bool,
    /// The most bytes of a message.
    pub max_message: usize,
}

/// An event on its way.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Names it.
    pub ticket: Ticket,
    /// Its route.
    pub route: RouteId,
    /// What is sent.
    pub message: Arc<Message>,
    /// FIFO queues: its group.
    pub group: Option<String>,
    /// FIFO queues: its deduplication id.
    pub deduplication: Option<String>,
}

/// One request to one queue.
#[derive(Debug)]
pub struct Request {
    /// Which queue.
    pub queue: usize,
    /// What is sent, at most ten.
    pub entries: Vec<Entry>,
    call: Call,
}

/// What became of a request: of each entry in order, or of the whole.
pub type Answer = Result<Vec<Result<(), Fault>>, Fault>;

/// An event that cannot be delivered.
#[derive(Debug)]
pub struct DeadLetter {
    /// Where it came from.
    pub source: (Partition, i64),
    /// The route it would have taken, where that is known.
    pub route: Option<RouteId>,
    /// Why.
    pub reason: Undeliverable,
    /// The record as it came.
    pub record: Record,
}

/// How the lanes fare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// Events move.
    Well,
    /// The other side is away; it goes on by itself.
    Waiting(String),
    /// Somebody must mend something; it goes on by itself afterwards.
    Halted(String),
    /// The same by one event alone, which lies here.
    Stuck(String, Place),
}

#[derive(Debug)]
struct Queue {
    target: Target,
    batcher: Batcher,
    pace: Pace,
    fault: Option<Fault>,
}

#[derive(Debug)]
struct Pending {
    partition: Partition,
    offset: i64,
    queue: usize,
    entry: Entry,
    /// Bytes of the record it was made from.
    bytes: usize,
    in_flight: bool,
    failures: u32,
    /// The newest fault of this entry alone.
    fault: Option<Fault>,
}

impl Pending {
    fn place(&self) -> Place {
        let Partition { topic, number } = &self.partition;
        Place { topic: topic.to_string(), partition: *number, offset: self.offset }
    }
}

/// Where an event leads: its route, the queue, and how it goes there.
type Way = (RouteId, usize, Mode);

/// Events that people have set aside, and why: by partition and offset.
pub type Aside = HashMap<(Partition, i64), String>;

/// The outbound lanes of one bridge.
#[derive(Debug)]
pub struct Lanes {
    cluster: String,
    aside: Aside,
    /// By the type of their events, under their topic.
    routes: HashMap<Arc<str>, HashMap<String, Route>>,
    queues: Vec<Queue>,
    windows: HashMap<Partition, Window>,
    /// Records of partitions where a route begins, until that is kept: an event may be passed over only by what is kept.
    waiting: HashMap<Partition, Vec<Record>>,
    begins: Vec<Begin>,
    pending: HashMap<Ticket, Pending>,
    next_ticket: Ticket,
    dead: Vec<DeadLetter>,
    moved: HashMap<RouteId, u64>,
    reordered: HashMap<RouteId, u64>,
    freed: Freed,
}

/// What is no longer held, so that as much may be received.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Freed {
    /// Events per topic.
    pub events: HashMap<Arc<str>, usize>,
    /// Bytes.
    pub bytes: usize,
}

impl Lanes {
    /// Lanes with nothing in them. `cluster` names the Kafka cluster.
    pub fn new(cluster: String, routes: Vec<Route>, targets: Vec<Target>, aside: Aside) -> Self {
        let queue = |target: Target| Queue {
            batcher: Batcher::new(target.max_message.max(MIN_REQUEST)),
            target,
            pace: Pace::default(),
            fault: None,
        };
        let mut by_topic: HashMap<Arc<str>, HashMap<String, Route>> = HashMap::new();
        for route in routes {
            by_topic.entry(route.topic.clone()).or_default().insert(route.kind.clone(), route);
        }
        Self {
            cluster,
            aside,
            routes: by_topic,
            queues: targets.into_iter().map(queue).collect(),
            windows: HashMap::new(),
            waiting: HashMap::new(),
            begins: Vec::new(),
            pending: HashMap::new(),
            next_ticket: 0,
            dead: Vec::new(),
            moved: HashMap::new(),
            reordered: HashMap::new(),
            freed: Freed::default(),
        }
    }

    /// The routes that read a partition.
    fn routes_of(&self, partition: &Partition) -> impl Iterator<Item = &Route> {
        self.routes.get(&partition.topic).into_iter().flat_map(HashMap::values)
    }

    /// Takes over a partition, which is read from `begin` on.
    pub fn assign(&mut self, partition: Partition, begin: i64) {
        let number = partition.number;
        // What another reader has passed over before `begin` is not this route's.
        let begins = self.routes_of(&partition).filter_map(|route| {
            let Some(Start::NotBefore(least)) = route.starts.get(&number) else { return None };
            Some(Begin { route: route.id, partition: number, offset: begin.max(*least) })
        });
        let begins: Vec<_> = begins.collect();
        if !begins.is_empty() {
            self.begins.extend(begins);
            self.waiting.insert(partition.clone(), Vec::new());
        }
        self.windows.insert(partition, Window::new(begin));
    }

    /// Takes where routes begin, which is to be kept.
    pub fn take_begins(&mut self) -> Vec<Begin> {
        std::mem::take(&mut self.begins)
    }

    /// Takes note of where routes begin, now that it is kept; what has waited for it goes on.
    pub fn began(&mut self, kept: &[Begin]) {
        for Begin { route, partition, offset } in kept {
            for route in self.routes.values_mut().flat_map(HashMap::values_mut).filter(|known| known.id == *route) {
                route.starts.insert(*partition, Start::At(*offset));
            }
        }
        let is_open = |partition: &Partition| {
            let mut starts = self.routes_of(partition).map(|route| route.starts.get(&partition.number));
            !starts.any(|start| matches!(start, Some(Start::NotBefore(_))))
        };
        let open: Vec<_> = self.waiting.keys().filter(|partition| is_open(partition)).cloned().collect();
        for partition in open {
            for record in self.waiting.remove(&partition).unwrap_or_default() {
                self.carry(record);
            }
        }
    }

    /// Whether partitions wait for the beginning of a route to be kept.
    pub fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// How far each partition is committed that nothing waits in, for each route that reads it.
    pub fn places(&self) -> Vec<Begin> {
        let read = self.windows.iter().filter(|(partition, _)| !self.waiting.contains_key(partition));
        let places = read.flat_map(|(partition, window)| {
            self.routes_of(partition).map(|r| Begin {
                route: r.id,
                partition: partition.number,
                offset: window.place(),
            })
        });
        places.collect()
    }

    /// Takes a received record.
    pub fn accept(&mut self, record: Record) {
        let partition = record.partition.clone();
        let (offset, bytes) = (record.offset, record.size());
        if !self.windows.get_mut(&partition).is_some_and(|window| window.accept(offset, record.timestamp)) {
            // Received before, or of a partition that was given up.
            *self.freed.events.entry(partition.topic).or_default() += 1;
            self.freed.bytes += bytes;
            return;
        }
        match self.waiting.get_mut(&partition) {
            Some(waiting) => waiting.push(record),
            None => self.carry(record),
        }
    }

    /// Finds out where a record leads.
    fn carry(&mut self, record: Record) {
        let partition = record.partition.clone();
        let (offset, bytes) = (record.offset, record.size());
        let kind = cloud_event::kind(&record.headers, record.value.as_deref());
        let route = kind.as_deref().and_then(|kind| self.routes.get(&partition.topic)?.get(kind));
        let is_before = |route: &Route| route.starts.get(&partition.number).is_some_and(|start| offset < start.least());
        if kind.is_some() && route.is_none_or(is_before) {
            self.finish(&partition, offset, bytes);
            return;
        }
        let route = route.map(|route| (route.id, route.queue, route.mode));
        let aside = if self.aside.is_empty() { None } else { self.aside.get(&(partition.clone(), offset)) };
        let mapped = match aside {
            Some(why) => Err(Undeliverable::SetAside(why.clone())),
            None => self.map(&record, route),
        };
        match mapped {
            Ok((message, route)) => self.queue(&record, bytes, message, route),
            Err(reason) => self.dead.push(DeadLetter {
                source: (partition, offset),
                route: route.map(|(id, ..)| id),
                reason,
                record,
            }),
        }
    }

    fn map(&self, record: &Record, route: Option<Way>) -> Result<(Message, Way), Undeliverable> {
        if !record.headers_readable {
            return Err(Undeliverable::Headers("a header's name is not UTF-8".into()));
        }
        let event = Event::from_kafka(&record.headers, record.value.clone())?;
        // An event that is whole has a type, so that a route was found for it, or it was passed over.
        let route = route.ok_or_else(|| Undeliverable::WrongType { found: event.kind().to_owned() })?;
        Ok((event.into_queue(self.queues[route.1].target.max_message)?, route))
    }

    fn queue(&mut self, record: &Record, bytes: usize, message: Message, (route, queue, mode): Way) {
        let Partition { topic, number } = &record.partition;
        let fifo = self.queues[queue].target.fifo;
        let group = (fifo || mode == Mode::Fair).then(|| fifo::group(record.key.as_deref(), *number));
        let deduplication =
            fifo.then(|| fifo::deduplication(&self.cluster, topic, *number, record.offset, record.timestamp));
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        let line = group.clone().filter(|_| fifo);
        self.queues[queue].batcher.push(ticket, line, message.size(), mode == Mode::Batched);
        let entry = Entry { ticket, route, message: Arc::new(message), group, deduplication };
        self.pending.insert(
            ticket,
            Pending {
                partition: record.partition.clone(),
                offset: record.offset,
                queue,
                entry,
                bytes,
                in_flight: false,
                failures: 0,
                fault: None,
            },
        );
    }

    fn finish(&mut self, partition: &Partition, offset: i64, bytes: usize) {
        self.freed.bytes += bytes;
        if let Some(window) = self.windows.get_mut(partition) {
            window.finish(offset);
        }
    }

    /// The next request that may be sent now.
    pub fn take_request(&mut self, now: Duration) -> Option<Request> {
        for (index, queue) in self.queues.iter_mut().enumerate() {
            if queue.batcher.due().is_none_or(|due| due > now) {
                continue;
            }
            let Some(call) = queue.pace.begin(now) else { continue };
            let mut entries = Vec::new();
            for ticket in queue.batcher.take(now) {
                if let Some(pending) = self.pending.get_mut(&ticket) {
                    pending.in_flight = true;
                    entries.push(pending.entry.clone());
                }
            }
            return Some(Request { queue: index, entries, call });
        }
        None
    }

    /// Takes the answer to a request.
    pub fn settle(&mut self, request: &Request, answer: Answer, now: Duration, mut chance: impl FnMut() -> f64) {
        let tickets = request.entries.iter().map(|entry| entry.ticket);
        let results: Vec<_> = match answer {
            Ok(results) => {
                let failed = !results.is_empty() && results.iter().all(Result::is_err);
                let queue = &mut self.queues[request.queue];
                if failed {
                    queue.pace.failed(request.call, now, chance());
                } else {
                    queue.pace.succeeded();
                    queue.fault = None;
                }
                // An entry that the answer does not name is not confirmed.
                let unnamed = || Err(Fault::Unreachable("the answer does not name an entry that was sent".into()));
                tickets.zip(results.into_iter().chain(std::iter::repeat_with(unnamed))).collect()
            }
            Err(fault) => {
                let queue = &mut self.queues[request.queue];
                queue.pace.failed(request.call, now, chance());
                if fault.policy() == Policy::Split {
                    queue.batcher.shrink();
                }
                queue.fault = Some(fault);
                // The pace holds them all back: none has a wait of its own.
                for ticket in tickets {
                    match self.pending.get_mut(&ticket) {
                        Some(pending) => {
                            pending.in_flight = false;
                            pending.failures = pending.failures.max(1);
                            queue.batcher.again(ticket, now);
                        }
                        None => queue.batcher.done(ticket),
                    }
                }
                return;
            }
        };
        self.count_reordered(request, &results);
        for (ticket, result) in results {
            match result {
                Ok(()) => self.delivered(ticket, request.queue),
                Err(fault) => {
                    let batcher = &mut self.queues[request.queue].batcher;
                    let Some(pending) = self.pending.get_mut(&ticket) else {
                        // Its partition was given up meanwhile.
                        batcher.done(ticket);
                        continue;
                    };
                    pending.in_flight = false;
                    pending.failures += 1;
                    let due = now + backoff(pending.failures, chance()).min(MAX_ENTRY_WAIT);
                    pending.fault = Some(fault);
                    batcher.again(ticket, due);
                }
            }
        }
    }

    /// Counts what the queue took when it refused an earlier one of the same group.
    fn count_reordered(&mut self, request: &Request, results: &[(Ticket, Result<(), Fault>)]) {
        if !self.queues[request.queue].target.fifo || results.iter().all(|(_, result)| result.is_ok()) {
            return;
        }
        let mut broken = HashSet::new();
        for (entry, (_, result)) in request.entries.iter().zip(results) {
            let group = entry.group.as_deref().unwrap_or_default();
            if result.is_err() {
                broken.insert(group);
            } else if broken.contains(group) {
                *self.reordered.entry(entry.route).or_default() += 1;
            }
        }
    }

    fn delivered(&mut self, ticket: Ticket, queue: usize) {
        self.queues[queue].batcher.done(ticket);
        if let Some(pending) = self.pending.remove(&ticket) {
            *self.moved.entry(pending.entry.route).or_default() += 1;
            self.finish(&pending.partition, pending.offset, pending.bytes);
        }
    }

    /// Takes up to `most` of the dead letters that are to be written.
    pub fn take_dead_letters(&mut self, most: usize) -> Vec<DeadLetter> {
        self.dead.drain(..self.dead.len().min(most)).collect()
    }

    /// Takes note that dead letters are durable.
    pub fn written(&mut self, letters: &[DeadLetter]) {
        for letter in letters {
            self.finish(&letter.source.0, letter.source.1, letter.record.size());
        }
    }

    /// The offsets to commit now.
    pub fn to_commit(&self) -> Vec<Offset> {
        let offset = |(partition, window): (&Partition, &Window)| {
            window.to_commit().map(|offset| Offset { partition: partition.clone(), offset })
        };
        self.windows.iter().filter_map(offset).collect()
    }

    /// Takes note that offsets were committed.
    pub fn committed(&mut self, offsets: &[Offset]) {
        for Offset { partition, offset } in offsets {
            if let Some(window) = self.windows.get_mut(partition) {
                *self.freed.events.entry(partition.topic.clone()).or_default() += window.committed(*offset);
            }
        }
    }

    /// Sends nothing new of these partitions: only what must be known before they are left, so that whoever comes next
    /// makes no duplicate. What was never sent and lies behind everything that was, is forgotten.
    pub fn drain(&mut self, partitions: &[Partition]) {
        for partition in partitions {
            self.forget_waiting(partition);
            let Some(window) = self.windows.get(partition) else { continue };
            let untouched = |pending: &Pending| !pending.in_flight && pending.failures == 0;
            let mut mine: Vec<_> = self.pending.values().filter(|pending| pending.partition == *partition).collect();
            mine.sort_unstable_by_key(|pending| pending.offset);
            let finished = window.last_finished();
            let tail = mine.iter().rev().take_while(|p| untouched(p) && finished.is_none_or(|last| p.offset > last));
            let gone: HashSet<Ticket> = tail.map(|pending| pending.entry.ticket).collect();
            self.forget(&gone);
        }
    }

    /// Whether nothing of these partitions is under way.
    pub fn is_idle(&self, partitions: &[Partition]) -> bool {
        !self.pending.values().any(|pending| partitions.contains(&pending.partition))
            && !self.dead.iter().any(|letter| partitions.contains(&letter.source.0))
    }

    /// Gives partitions up: they may be another worker's now.
    pub fn lose(&mut self, partitions: &[Partition]) {
        let mine = self.pending.values().filter(|pending| partitions.contains(&pending.partition));
        let (sent, unsent): (Vec<_>, Vec<_>) = mine.map(|p| (p.entry.ticket, p.in_flight)).partition(|(_, sent)| *sent);
        self.forget(&unsent.into_iter().map(|(ticket, _)| ticket).collect());
        // What is in flight keeps its group closed until it is answered.
        for (ticket, _) in sent {
            self.freed.bytes += self.pending.remove(&ticket).map_or(0, |pending| pending.bytes);
        }
        self.dead.retain(|letter| {
            let lost = partitions.contains(&letter.source.0);
            self.freed.bytes += if lost { letter.record.size() } else { 0 };
            !lost
        });
        for partition in partitions {
            self.forget_waiting(partition);
            self.waiting.remove(partition);
            if let Some(window) = self.windows.remove(partition) {
                *self.freed.events.entry(partition.topic.clone()).or_default() += window.in_flight();
            }
        }
    }

    fn forget_waiting(&mut self, partition: &Partition) {
        for record in self.waiting.get_mut(partition).into_iter().flat_map(std::mem::take) {
            self.freed.bytes += record.size();
        }
    }

    fn forget(&mut self, gone: &HashSet<Ticket>) {
        for queue in &mut self.queues {
            queue.batcher.forget(gone);
        }
        for ticket in gone {
            self.freed.bytes += self.pending.remove(ticket).map_or(0, |pending| pending.bytes);
        }
    }

    /// Takes what is no longer held since the last time.
    pub fn take_freed(&mut self) -> Freed {
        std::mem::take(&mut self.freed)
    }

    /// Takes how many events were moved since the last time, per route.
    pub fn take_moved(&mut self) -> HashMap<RouteId, u64> {
        std::mem::take(&mut self.moved)
    }

    /// Takes how many events the queue took before an earlier one of their group since the last time, per route.
    pub fn take_reordered(&mut self) -> HashMap<RouteId, u64> {
        std::mem::take(&mut self.reordered)
    }

    /// When the oldest event that waits came to its topic: milliseconds since 1970.
    pub fn waiting_since(&self) -> Option<i64> {
        self.windows.values().filter_map(Window::waiting_since).min()
    }

    /// How many events were received and are not committed.
    pub fn in_flight(&self) -> usize {
        self.windows.values().map(Window::in_flight).sum()
    }

    /// The partitions that are read now.
    pub fn partitions(&self) -> Vec<Partition> {
        self.windows.keys().cloned().collect()
    }

    /// When something may be sent that may not be sent now; `None` when nothing waits for time to pass.
    pub fn due(&self) -> Option<Duration> {
        let due = |queue: &Queue| Some(queue.batcher.due()?.max(queue.pace.due()?));
        self.queues.iter().filter_map(due).min()
    }

    /// How the lanes fare, with what to do about it.
    pub fn health(&self) -> Health {
        let mut health = Health::Well;
        for queue in &self.queues {
            let Some(fault) = &queue.fault else { continue };
            match fault.policy() {
                Policy::Halt => return Health::Halted(tell(&queue.target, fault, None)),
                Policy::Wait | Policy::SlowDown | Policy::Split if queue.pace.failures() >= PATIENCE => {
                    health = Health::Waiting(tell(&queue.target, fault, None));
                }
                Policy::Wait | Policy::SlowDown | Policy::Split => {}
            }
        }
        for pending in self.pending.values() {
            let Some(fault) = &pending.fault else { continue };
            let text = || tell(&self.queues[pending.queue].target, fault, Some(pending));
            match fault.policy() {
                Policy::Halt if pending.failures >= REFUSALS => return Health::Stuck(text(), pending.place()),
                Policy::Wait | Policy::SlowDown | Policy::Split if pending.failures > PATIENCE => {
                    health = Health::Waiting(text());
                }
                _ => {}
            }
        }
        health
    }
}

fn tell(target: &Target, fault: &Fault, pending: Option<&Pending>) -> String {
    let event = pending.map_or_else(String::new, |pending| {
        let Partition { topic, number } = &pending.partition;
        format!(" The event is at offset {} of partition {number} of {topic}.", pending.offset)
    });
    format!("{}: {fault}.{event}", target.address)
}
