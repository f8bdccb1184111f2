//! The inbound lanes: receive, map, produce, delete.
//!
//! A message is deleted only when Kafka has stored its event on all in-sync replicas, or when it is durable as a dead
//! letter. Until then it is kept hidden from others. Whatever cannot be done is tried again with what is held; meanwhile
//! nothing more is received, so that the owner's `maxReceiveCount` does not throw messages away that only have to wait.
//!
//! | module | owns |
//! |---|---|
//! | `batch` | the messages of one receive, from there to their deletion |
//! | `event` | what a message becomes |
//! | `outlet` | the producer, made anew after an unknown outcome |
//! | `board` | what troubles the lanes |

mod batch;
mod board;
pub mod event;
mod outlet;

use std::{collections::HashMap, sync::Arc, time::Duration};

use futures::{StreamExt as _, future::join_all, stream::FuturesUnordered};
use tokio::{
    sync::watch,
    time::{Instant, sleep, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;

use self::{
    batch::{Batch, Bench},
    board::Board,
    outlet::Outlet,
};
use super::{
    delivery::{Fault, Policy, backoff},
    lane::Health,
    means::Means,
    outbound::{DRAIN, State, chance},
    queue::{Incoming, Queue},
    report::Moved,
};
use crate::{
    domain::ids::{BridgeId, RouteId},
    kafka::stream,
};

/// The most messages that a bridge holds; so many may come twice after a kill.
pub const MAX_HELD: usize = 500;
/// The most bytes of messages that a bridge holds, but for what the receives under way bring.
const MAX_BYTES: usize = 16 << 20;
/// Messages of one receive at most.
const BATCH: usize = 10;
/// The most receives at a time of one queue.
const MAX_RECEIVES: usize = 8;
/// How long a receive may take, the wait for the first message included.
const RECEIVE: Duration = Duration::from_secs(30);
/// How long may pass without a refusal until a lane is said to have begun: an empty queue answers late.
const BEGUN: Duration = Duration::from_secs(1);
/// After how many failures in a row people are told of an error that may pass by itself.
const PATIENCE: u32 = 4;
/// How long releasing messages may take.
const RELEASE: Duration = Duration::from_secs(2);

/// What the inbound lanes of a bridge are made of.
#[derive(Clone)]
pub struct Plan {
    /// Bridge.
    pub bridge: BridgeId,
    /// Queues.
    pub sources: Vec<Source>,
}

/// A queue that inbound routes lead from.
#[derive(Clone)]
pub struct Source {
    /// Its address, for people.
    pub address: String,
    /// Whether it keeps order.
    pub fifo: bool,
    /// The queue.
    pub queue: Arc<dyn Queue>,
    /// Where events lead, by their type.
    pub routes: HashMap<String, Target>,
}

/// Where events of a type lead.
#[derive(Clone, Debug)]
pub struct Target {
    /// The route.
    pub route: RouteId,
    /// The topic.
    pub topic: Arc<str>,
}

/// Moves events until `stop`, then finishes what is under way and releases the rest.
///
/// # Errors
/// Only where no producer can be made of the settings.
pub async fn run(
    plan: Plan,
    means: Means,
    moved: Moved,
    state: watch::Sender<State>,
    stop: CancellationToken,
) -> Result<(), stream::Error> {
    let outlet = Outlet::new(means.kafka.clone())?;
    let board = Board::new(state);
    let share = (MAX_HELD / plan.sources.len().max(1)).max(BATCH);
    let begun = async {
        tokio::select! {
            () = sleep(BEGUN) => board.begun(),
            () = stop.cancelled() => {}
        }
    };
    let lanes = plan.sources.into_iter().enumerate().map(|(number, source)| {
        let bench = Arc::new(Bench {
            bridge: plan.bridge,
            number,
            source,
            outlet: outlet.clone(),
            board: board.clone(),
            means: means.clone(),
            moved: moved.clone(),
            stop: stop.clone(),
        });
        Lane::new(bench, share).run()
    });
    tokio::join!(join_all(lanes), begun);
    Ok(())
}

/// What a queue has given and what is asked of it.
struct Lane {
    bench: Arc<Bench>,
    /// The most messages it may hold.
    share: usize,
    held: usize,
    bytes: usize,
    /// How many receives at a time go well.
    width: usize,
    failures: u32,
    not_before: Instant,
}

impl Lane {
    fn new(bench: Arc<Bench>, share: usize) -> Self {
        Self { bench, share, held: 0, bytes: 0, width: 1, failures: 0, not_before: Instant::now() }
    }

    async fn run(mut self) {
        let (mut receiving, mut carrying) = (FuturesUnordered::new(), FuturesUnordered::new());
        let place = self.bench.board.place(None);
        let stop = self.bench.stop.clone();
        while !stop.is_cancelled() {
            while receiving.len() < self.width && self.may_receive(receiving.len()) {
                receiving.push(receive(self.bench.source.queue.clone()));
            }
            let not_before = self.not_before;
            tokio::select! {
                Some(received) = receiving.next() => match received {
                    Ok(messages) => {
                        place.set(Health::Well);
                        carrying.extend(self.take(messages));
                    }
                    Err(fault) => place.set(self.failed(&fault)),
                },
                Some((count, bytes)) = carrying.next() => {
                    self.held -= count;
                    self.bytes -= bytes;
                }
                () = sleep_until(not_before), if receiving.is_empty() && Instant::now() < not_before => {}
                () = stop.cancelled() => {}
            }
        }
        // A receive that is given up may still take messages and hide them: its end is waited for, and what it brings
        // is released.
        let late = async {
            while let Some(received) = receiving.next().await {
                let release = received.unwrap_or_default().into_iter().map(|message| message.receipt).collect();
                self.bench.release(release).await;
            }
        };
        let rest = async { tokio::join!(late, carrying.collect::<Vec<_>>()) };
        if timeout(DRAIN, rest).await.is_err() {
            tracing::warn!(bridge = %self.bench.bridge, queue = self.bench.source.address, "the lane did not come to rest in time");
        }
    }

    /// Whether one more receive may be begun beside those under way.
    fn may_receive(&self, under_way: usize) -> bool {
        Instant::now() >= self.not_before
            && self.held + (under_way + 1) * BATCH <= self.share
            && self.bytes <= MAX_BYTES
            && !self.bench.board.is_blocked(self.bench.number)
    }

    /// Begins to carry what was received; nothing where nothing was.
    fn take(&mut self, messages: Vec<Incoming>) -> Option<impl Future<Output = (usize, usize)> + Send + use<>> {
        self.failures = 0;
        // A full receive says that there is more than is asked for; an empty one that there is not.
        self.width = match messages.len() {
            BATCH => (self.width + 1).min(MAX_RECEIVES),
            0 => 1,
            _ => self.width,
        };
        if messages.is_empty() {
            return None;
        }
        let (count, bytes) = (messages.len(), messages.iter().map(|m| m.message.size()).sum());
        self.held += count;
        self.bytes += bytes;
        let batch = Batch::new(self.bench.clone(), messages);
        // On a task of its own: mapping and checksums of one batch hold up no other.
        let carried = OnDrop(tokio::spawn(batch.carry()));
        Some(async move {
            carried.wait().await;
            (count, bytes)
        })
    }

    fn failed(&mut self, fault: &Fault) -> Health {
        self.failures += 1;
        self.width = 1;
        self.not_before = Instant::now() + backoff(self.failures, chance());
        self.bench.health(fault, self.failures >= PATIENCE)
    }
}

async fn receive(queue: Arc<dyn Queue>) -> Result<Vec<Incoming>, Fault> {
    timeout(RECEIVE, queue.receive())
        .await
        .unwrap_or_else(|_| Err(Fault::Unreachable("SQS did not answer in time".into())))
}

impl Bench {
    /// What a fault of the queue means for the lane; one that may pass is told once it `lasts`.
    fn health(&self, fault: &Fault, lasts: bool) -> Health {
        let text = format!("{}: {fault}.", self.source.address);
        match fault.policy() {
            Policy::Halt => Health::Halted(text),
            Policy::Wait if lasts => Health::Waiting(text),
            Policy::Wait | Policy::SlowDown | Policy::Split => Health::Well,
        }
    }

    /// Lets others receive messages; one that cannot be released comes back by itself when its time is over.
    async fn release(&self, receipts: Vec<String>) {
        for some in receipts.chunks(BATCH) {
            let released = timeout(RELEASE, self.source.queue.hide(some, Duration::ZERO)).await;
            if !matches!(released, Ok(Ok(_))) {
                tracing::debug!(bridge = %self.bridge, queue = self.source.address, "messages could not be released");
            }
        }
    }
}

/// A task that ends with whoever waits for it.
struct OnDrop(tokio::task::JoinHandle<()>);

impl OnDrop {
    async fn wait(mut self) {
        if let Err(error) = (&mut self.0).await {
            tracing::error!(%error, "a batch of messages ended by a fault of its own; its messages come again");
        }
    }
}

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}
