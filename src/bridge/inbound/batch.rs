//! The messages of one receive: each is produced or kept as a dead letter, then all of them are deleted.
//!
//! Of a queue that keeps order, the messages of a group go one after the other; all others go side by side.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures::future::join_all;
use metrics::counter;
use tokio::time::{Instant, interval, interval_at, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::{
    Outlet, Source, Target,
    board::{Board, Place},
    event::{read, record},
};
use crate::{
    bridge::{
        delivery::{Fault, backoff},
        lane::Health,
        letter,
        means::Means,
        outbound::chance,
        queue::{HIDDEN, Incoming},
        report::Moved,
    },
    domain::{
        cloud_event::{Event, Undeliverable},
        ids::{BridgeId, RouteId},
    },
    kafka::stream::producer::Unsent,
};

/// How long a call of the queue may take.
const CALL: Duration = Duration::from_secs(20);
/// How often deleting is tried still once the lane is to end: what is stored and not deleted comes again.
const LAST_TRIES: u32 = 3;
/// How often is told that messages wait.
const TELL: Duration = Duration::from_secs(2);
/// After how many failures in a row people are told of an error that may pass by itself.
const PATIENCE: u32 = 3;

/// What the batches of a source work with.
pub struct Bench {
    /// Bridge.
    pub bridge: BridgeId,
    /// The source's number on the board.
    pub number: usize,
    /// The queue and its routes.
    pub source: Source,
    /// Where events go.
    pub outlet: Arc<Outlet>,
    /// Where troubles are told.
    pub board: Board,
    /// For dead letters.
    pub means: Means,
    /// What was moved.
    pub moved: Moved,
    /// The lane is to end.
    pub stop: CancellationToken,
}

/// Some messages on their way.
pub struct Batch {
    bench: Arc<Bench>,
    messages: Vec<Incoming>,
    /// Receipts of messages that are to stay hidden.
    held: Mutex<BTreeSet<String>>,
}

/// What became of a message.
enum Fate {
    /// Stored in Kafka, by this route.
    Stored(RouteId),
    /// Kept as a dead letter.
    Kept,
    /// Still in the queue, and to stay there.
    Left,
}

impl Batch {
    /// The messages of one receive.
    pub fn new(bench: Arc<Bench>, messages: Vec<Incoming>) -> Self {
        let held = Mutex::new(messages.iter().map(|message| message.receipt.clone()).collect());
        Self { bench, messages, held }
    }

    /// Carries all of them as far as they go; what has to wait, waits here.
    pub async fn carry(self) {
        let mut again = interval_at(Instant::now() + HIDDEN / 3, HIDDEN / 3);
        let mut told = interval(TELL);
        let oldest = self.messages.iter().filter_map(|message| message.sent_at).min();
        let work = self.work();
        tokio::pin!(work);
        loop {
            tokio::select! {
                () = &mut work => return,
                _ = again.tick() => self.hide().await,
                _ = told.tick(), if oldest.is_some() => self.bench.moved.wait(oldest.unwrap_or_default()),
            }
        }
    }

    async fn work(&self) {
        let place = self.bench.board.place(Some(self.bench.number));
        let fates = join_all(self.groups().into_iter().map(|group| self.carry_group(group))).await;
        let (mut done, mut moved, mut left) = (Vec::new(), Vec::new(), Vec::new());
        for (message, fate) in fates.into_iter().flatten() {
            match fate {
                Fate::Stored(route) => moved.push((route, 1)),
                Fate::Kept => {}
                Fate::Left => {
                    left.push(message.receipt.clone());
                    continue;
                }
            }
            done.push(message.receipt.clone());
        }
        self.delete(&place, done).await;
        let count = u64::try_from(moved.len()).unwrap_or_default();
        if count > 0 {
            let bridge = self.bench.bridge.to_string();
            counter!("ebm_bridge_events_moved_total", "bridge" => bridge, "direction" => "inbound").increment(count);
            self.bench.moved.add(moved);
        }
        // What is left for another reason than the end comes again when its time is over, and not at once.
        if self.bench.stop.is_cancelled() {
            self.bench.release(left).await;
        }
    }

    /// Messages whose order counts among each other.
    fn groups(&self) -> Vec<Vec<&Incoming>> {
        let mut groups: Vec<Vec<&Incoming>> = Vec::new();
        for message in &self.messages {
            let same = |group: &&mut Vec<&Incoming>| self.bench.source.fifo && group[0].group == message.group;
            match groups.iter_mut().find(same) {
                Some(group) => group.push(message),
                None => groups.push(vec![message]),
            }
        }
        groups
    }

    async fn carry_group<'a>(&'a self, group: Vec<&'a Incoming>) -> Vec<(&'a Incoming, Fate)> {
        let mut fates = Vec::with_capacity(group.len());
        let mut stopped = false;
        for message in group {
            let fate = if stopped { Fate::Left } else { self.carry_one(message).await };
            // What comes after one that is left must not overtake it.
            stopped |= matches!(fate, Fate::Left);
            if matches!(fate, Fate::Left) {
                self.let_go(&message.receipt);
            }
            fates.push((message, fate));
        }
        fates
    }

    async fn carry_one(&self, message: &Incoming) -> Fate {
        if !message.intact {
            tracing::warn!(bridge = %self.bench.bridge, queue = self.bench.source.address, message = message.id,
                "a message does not have the checksum that SQS gives; it is left in the queue and received again");
            return Fate::Left;
        }
        match read(message, &self.bench.source.routes) {
            Ok((event, target)) => self.produce(message, event, &target).await,
            Err((reason, route)) => self.keep(message, route, &reason).await,
        }
    }

    /// Produces an event until it is stored, is known to be too large, or the lane ends.
    async fn produce(&self, message: &Incoming, event: Event, target: &Target) -> Fate {
        let (key, headers, value) = record(event, message);
        let place = self.bench.board.place(Some(self.bench.number));
        let mut failures = 0;
        loop {
            let (number, producer) = self.bench.outlet.producer();
            let key = key.as_deref().map(str::as_bytes);
            let mut sent = producer.send(&target.topic, key, &headers, value.as_deref()).await;
            if sent == Err(Unsent::TooLarge) {
                // Perhaps only with its neighbours: alone it tells.
                sent = match self.bench.outlet.single() {
                    Ok(alone) => alone.send(&target.topic, key, &headers, value.as_deref()).await,
                    Err(error) => Err(Unsent::Failed(error)),
                };
            }
            let error = match sent {
                Ok(()) => return Fate::Stored(target.route),
                Err(Unsent::TooLarge) => {
                    let size = value.as_ref().map_or(0, Vec::len);
                    return self.keep(message, Some(target.route), &Undeliverable::TooLargeForTopic { size }).await;
                }
                // What is before it goes out or fails.
                Err(Unsent::Full) if self.pause(1).await => continue,
                Err(Unsent::Full) => return Fate::Left,
                Err(Unsent::Failed(error)) => error,
            };
            failures += 1;
            let text = format!("{error}. {}", error.cure());
            place.set(if error.is_transient() { Health::Waiting(text) } else { Health::Halted(text) });
            if let Err(error) = self.bench.outlet.renew(number) {
                tracing::warn!(%error, "no new producer could be made");
            }
            if !self.pause(failures).await {
                return Fate::Left;
            }
        }
    }

    /// Keeps a dead letter until it is durable, or the lane ends.
    async fn keep(&self, message: &Incoming, route: Option<RouteId>, reason: &Undeliverable) -> Fate {
        let Means { pool, vault, .. } = &self.bench.means;
        let bridge = self.bench.bridge;
        let letter = letter::seal_message(vault, bridge, &self.bench.source.address, message, route, reason);
        let letters = [letter];
        let place = self.bench.board.place(Some(self.bench.number));
        let mut failures = 0;
        loop {
            let Err(why) = letter::write(pool, bridge, &letters).await else {
                counter!("ebm_bridge_dead_letters_total", "bridge" => bridge.to_string(), "reason" => reason.code())
                    .increment(1);
                return Fate::Kept;
            };
            failures += 1;
            tracing::warn!(%bridge, why, "a dead letter could not be written yet");
            place.set(Health::Halted(letter::unwritten(&why)));
            if !self.pause(failures).await {
                return Fate::Left;
            }
        }
    }

    /// Deletes what is done, until nothing is left of it.
    async fn delete(&self, place: &Place, mut receipts: Vec<String>) {
        let mut failures = 0;
        while !receipts.is_empty() {
            let answer = timeout(CALL, self.bench.source.queue.delete(&receipts)).await;
            let answer = answer.unwrap_or_else(|_| Err(Fault::Unreachable("SQS did not answer in time".into())));
            let fault = match answer {
                Ok(entries) => {
                    let mut fault = None;
                    let mut entries = entries.into_iter();
                    receipts.retain(|receipt| match entries.next() {
                        Some(Ok(())) => {
                            self.let_go(receipt);
                            false
                        }
                        Some(Err(Fault::Receipt(why))) => {
                            tracing::warn!(bridge = %self.bench.bridge, queue = self.bench.source.address, why,
                                "a message that was carried could not be deleted in time: it comes again");
                            self.let_go(receipt);
                            false
                        }
                        Some(Err(why)) => {
                            fault = Some(why);
                            true
                        }
                        None => {
                            fault = Some(Fault::Unreachable("SQS does not say whether it deleted a message".into()));
                            true
                        }
                    });
                    fault
                }
                Err(fault) => Some(fault),
            };
            let Some(fault) = fault else { continue };
            failures += 1;
            place.set(self.bench.health(&fault, failures >= PATIENCE));
            if !self.pause(failures).await && failures >= LAST_TRIES {
                tracing::warn!(bridge = %self.bench.bridge, queue = self.bench.source.address, count = receipts.len(), %fault,
                    "messages that were carried could not be deleted: they come again");
                return;
            }
        }
        place.set(Health::Well);
    }

    /// Waits before the next try; gives false, and does not wait long, once the lane is to end.
    async fn pause(&self, failures: u32) -> bool {
        let wait = backoff(failures, chance());
        tokio::select! {
            () = sleep(wait) => true,
            () = self.bench.stop.cancelled() => {
                sleep(wait.min(Duration::from_millis(200))).await;
                false
            }
        }
    }

    /// Hides anew what is held.
    async fn hide(&self) {
        let held: Vec<_> = self.held.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect();
        if held.is_empty() {
            return;
        }
        match timeout(CALL, self.bench.source.queue.hide(&held, HIDDEN)).await {
            Ok(Ok(entries)) if entries.iter().all(Result::is_ok) => {}
            _ => tracing::warn!(bridge = %self.bench.bridge, queue = self.bench.source.address,
                "messages could not be kept hidden: they may come twice"),
        }
    }

    fn let_go(&self, receipt: &str) {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).remove(receipt);
    }
}
