//! Who moves events.

use std::{env, process::Command};

use ebm::domain::bridge::Direction;
use uuid::Uuid;

use crate::{
    Result,
    kafka::Topic,
    process::Processes,
    queue::Queue,
    wire::{QUEUE, REGION},
    workers::Workers,
};

/// Who moves them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Contestant {
    /// `ebm bridge`, so many of them.
    Ebm(usize),
    /// librdkafka and AWS's client, with nothing between.
    Sdk,
    /// The same, with records compressed as EBM compresses them.
    SdkGzip,
    /// librdkafka and a client written by hand.
    Lean,
    /// Bento, the peer that does best.
    Bento,
}

/// EBM first; second whom all are compared with.
pub fn all(direction: Direction) -> Vec<Contestant> {
    let mut all = vec![Contestant::Ebm(1), Contestant::Sdk];
    // Outwards nothing is compressed by who moves events.
    all.extend((direction == Direction::Inbound).then_some(Contestant::SdkGzip));
    all.extend([Contestant::Lean, Contestant::Bento]);
    all
}

impl Contestant {
    /// What it is called.
    pub fn name(self) -> String {
        match self {
            Self::Ebm(1) => "EBM".to_owned(),
            Self::Ebm(workers) => format!("EBM, {workers} workers"),
            Self::Sdk => "SDK floor".to_owned(),
            Self::SdkGzip => "SDK floor, gzip".to_owned(),
            Self::Lean => "lean floor".to_owned(),
            Self::Bento => "Bento".to_owned(),
        }
    }

    /// Whether it can take part on this machine.
    pub fn is_here(self) -> bool {
        self != Self::Bento || bento().is_some()
    }

    /// Starts it: it moves events from a topic to the queue, or the other way.
    pub async fn start(
        self,
        workers: &Workers,
        queue: &Queue,
        direction: Direction,
        topic: &Topic,
    ) -> Result<Processes> {
        let commands: Vec<_> = match self {
            Self::Ebm(count) => {
                workers.want(direction, topic).await?;
                (1..=count).map(|number| workers.command(number, &queue.address)).collect::<Result<_>>()?
            }
            Self::Sdk => vec![floor("sdk", "none", queue, direction, topic)?],
            Self::SdkGzip => vec![floor("sdk", "gzip", queue, direction, topic)?],
            Self::Lean => vec![floor("lean", "none", queue, direction, topic)?],
            Self::Bento => vec![with_bento(queue, direction, topic)?],
        };
        Processes::start(commands)
    }
}

/// This program in one of its roles.
fn floor(role: &str, compression: &str, queue: &Queue, direction: Direction, topic: &Topic) -> Result<Command> {
    let mut command = Command::new(env::current_exe()?);
    command.args([role, direction.as_str(), &topic.name, &queue.address, compression]);
    Ok(command)
}

fn bento() -> Option<String> {
    env::var("BENCH_BENTO").ok().filter(|program| !program.is_empty())
}

/// Its configuration takes from the environment what is different each time.
fn with_bento(queue: &Queue, direction: Direction, topic: &Topic) -> Result<Command> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/bench/bridge/bento");
    let mut command = Command::new(bento().ok_or("BENCH_BENTO is not set")?);
    command
        .args(["-c", &format!("{folder}/{}.yaml", direction.as_str())])
        .env("GOGC", "400")
        .env("BENCH_GROUP", format!("bench-{}", Uuid::new_v4()))
        .env("BENCH_TOPIC", &topic.name)
        .env("BENCH_QUEUE", QUEUE)
        .env("BENCH_REGION", REGION)
        .env("BENCH_AWS", &queue.address);
    Ok(command)
}
