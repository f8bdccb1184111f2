//! One contestant moves events, and what that took.

use std::time::Duration;

use ebm::domain::bridge::Direction;
use tokio::time::{Instant, sleep};

use crate::{
    Result,
    contestant::Contestant,
    double::{Counts, Setup},
    kafka::{self, Topic},
    process::Processes,
    queue::Queue,
    tally::Sums,
    workers::Workers,
};

/// How often is looked how far it has come.
const LOOK: Duration = Duration::from_millis(10);
/// After how long without an event nobody waits for more.
const PATIENCE: Duration = Duration::from_mins(1);

/// What is to be moved.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Load {
    /// Events.
    pub events: u32,
    /// Attributes of each.
    pub attributes: usize,
    /// How long each call of the queue takes, in milliseconds.
    pub latency_ms: u64,
}

/// What moving it took, from the moment on when a tenth had arrived.
pub struct Took {
    /// Events that arrived from then on.
    pub events: u32,
    /// Seconds.
    pub wall: f64,
    /// CPU seconds of the contestant.
    pub cpu: f64,
    /// The most memory of the contestant, in KiB.
    pub memory: u64,
    /// What the queue has seen until all had arrived.
    pub counts: Counts,
    /// Events of the load.
    pub load: Load,
    /// What had arrived at the end.
    pub sums: Sums,
}

/// The servers, and the topics that are read.
pub struct Stage {
    /// The queue.
    pub queue: Queue,
    /// What EBM works from.
    pub workers: Workers,
    /// Topics with all events of a load in them, whatever its latency.
    sources: Vec<(Load, Topic)>,
}

impl Stage {
    /// Makes all of it.
    pub async fn new(loads: &[Load]) -> Result<Self> {
        let (queue, workers) = (Queue::start()?, Workers::new().await?);
        let mut stage = Self { queue, workers, sources: Vec::new() };
        for load in loads {
            if stage.source(*load).is_none() {
                let topic = Topic::create().await?;
                let producer = kafka::producer("50")?;
                topic.write(&producer, 0..load.events, load.attributes, Duration::ZERO).await?;
                stage.sources.push((*load, topic));
            }
        }
        Ok(stage)
    }

    fn source(&self, load: Load) -> Option<&Topic> {
        let same = |(other, _): &&(Load, Topic)| (other.events, other.attributes) == (load.events, load.attributes);
        self.sources.iter().find(same).map(|(_, topic)| topic)
    }

    /// Lets a contestant move a load.
    pub async fn measure(&self, contestant: Contestant, direction: Direction, load: Load) -> Result<Took> {
        let Load { events, attributes, latency_ms } = load;
        let topic = match direction {
            Direction::Outbound => self.source(load).cloned().ok_or("nothing was written of this load")?,
            Direction::Inbound => Topic::create().await?,
        };
        self.queue.set(&Setup { events, attributes, latency_ms, ..Setup::default() }).await?;
        let mut processes = contestant.start(&self.workers, &self.queue, direction, &topic).await?;
        let before = self.follow(direction, events / 10, &mut processes).await?;
        let (cpu, began) = (processes.cpu(), Instant::now());
        let counts = self.follow(direction, events, &mut processes).await?;
        let (cpu, wall) = (processes.cpu() - cpu, began.elapsed().as_secs_f64());
        let memory = processes.memory();
        // What comes twice may come at the very end.
        processes.stop().await?;
        let sums = match direction {
            Direction::Outbound => self.queue.counts().await?.sent,
            Direction::Inbound => {
                let sums = topic.count(events, attributes).await?;
                topic.delete().await?;
                sums
            }
        };
        let events = arrived(direction, &counts) - arrived(direction, &before);
        Ok(Took { events, wall, cpu, memory, counts, load, sums })
    }

    /// Waits until so many events have arrived, or none has for long.
    pub async fn follow(&self, direction: Direction, events: u32, processes: &mut Processes) -> Result<Counts> {
        let (mut last, mut since) = (0, Instant::now());
        loop {
            let counts = self.queue.counts().await?;
            let there = arrived(direction, &counts);
            if there > last {
                (last, since) = (there, Instant::now());
            }
            if there >= events || (there > 0 && since.elapsed() > PATIENCE) {
                return Ok(counts);
            }
            if since.elapsed() > PATIENCE {
                return Err("nothing arrives".into());
            }
            processes.require()?;
            sleep(LOOK).await;
        }
    }
}

/// Inwards an event has arrived when its message is deleted, which comes last.
fn arrived(direction: Direction, counts: &Counts) -> u32 {
    match direction {
        Direction::Outbound => counts.sent.arrived,
        Direction::Inbound => counts.deleted,
    }
}

impl Took {
    /// CPU seconds for 100,000 events.
    pub fn cpu(&self) -> f64 {
        self.cpu / f64::from(self.events) * 100_000.0
    }

    /// Events per second.
    pub fn rate(&self) -> f64 {
        f64::from(self.events) / self.wall
    }

    /// Calls of SQS for 100,000 events.
    pub fn requests(&self) -> f64 {
        f64::from(self.counts.requests) / f64::from(self.load.events) * 100_000.0
    }

    /// How many calls were under way at a time, at most.
    pub fn calls(&self) -> f64 {
        f64::from(self.counts.most)
    }

    /// Which part it moves of what so many calls at a time could, of ten events each.
    pub fn use_of_calls(&self) -> f64 {
        self.rate() / (self.calls() * 10.0 / self.counts.held)
    }

    /// The most memory, in MiB.
    pub fn memory(&self) -> f64 {
        u32::try_from(self.memory).map_or(f64::NAN, f64::from) / 1024.0
    }
}
