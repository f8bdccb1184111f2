//! One bridge from start to rest: prepares its lanes, runs them, says how they fare, begins again after trouble, and
//! changes to a new configuration only when that one can start.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    task::{JoinError, JoinHandle},
    time::{Instant, sleep, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    delivery::backoff,
    inbound,
    lane::Health,
    means::Means,
    outbound::{self, DRAIN, chance},
    queue::Queues,
    report::{self, Moved, Report, Step, Steps},
    start::{self, LeftOut, Prepared, Start, Trouble, of_database, of_kafka},
};
use crate::{
    domain::{bridge::Status, ids::BridgeId},
    kafka::stream,
    store::{PgPool, lanes},
};

/// How often is looked whether routes have begun in the partitions of other workers.
const OTHERS: Duration = Duration::from_secs(1);
/// The least wait before a start is tried again.
const AGAIN: u32 = 4;

/// What is said until routes have begun everywhere.
const OTHERS_READ: &str = "Other workers still read with the configuration before: what is published in their partitions \
     meanwhile is not moved by new routes.";

/// What is wanted of a bridge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// To run, with the configuration of this version.
    Run(i64),
    /// To come to rest, and to say so.
    Rest,
    /// To come to rest because this worker ends; the bridge is still wanted.
    Leave,
}

/// A bridge and its lanes.
pub struct Runner {
    bridge: BridgeId,
    slot: String,
    means: Means,
    queues: Arc<dyn Queues>,
    wish: watch::Receiver<Wish>,
    /// The newest version that was wished.
    version: i64,
    reports: watch::Sender<Option<Report>>,
    moved: Moved,
    lanes: Option<Running>,
    /// The newest configuration that could start: what is run while a newer one cannot.
    good: Option<Good>,
    failures: u32,
}

#[derive(Clone)]
struct Good {
    version: i64,
    prepared: Prepared,
    steps: Steps,
}

struct Running {
    version: i64,
    steps: Steps,
    /// Whether routes may not have begun yet in partitions that other workers read.
    begins: bool,
    states: Vec<watch::Receiver<outbound::State>>,
    /// Lanes that could not begin with these, and when that is tried again.
    left_out: LeftOut,
    again: Instant,
    tries: u32,
    stop: CancellationToken,
    task: JoinHandle<Result<(), stream::Error>>,
}

impl Running {
    /// Whether it is time to look if the lanes that were left out can begin.
    fn is_due(&self) -> bool {
        !self.left_out.is_empty() && Instant::now() >= self.again
    }

    /// They cannot begin yet.
    fn later(&mut self) {
        self.tries += 1;
        self.again = Instant::now() + backoff(AGAIN + self.tries, chance());
    }

    /// Whether all lanes of another start that were left out were left out of this one as well.
    fn has_left_out(&self, others: &LeftOut) -> bool {
        others.keys().all(|lane| self.left_out.contains_key(lane))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // A runner that is aborted takes its lanes with it.
        self.task.abort();
    }
}

/// Runs a bridge until it is wished to rest.
pub async fn run(bridge: BridgeId, slot: String, means: Means, queues: Arc<dyn Queues>, wish: watch::Receiver<Wish>) {
    let (reports, read) = watch::channel(None);
    let (moved, done) = (Moved::default(), CancellationToken::new());
    let pool = means.pool.clone();
    let writing = report::write(pool.clone(), bridge, read, moved.clone(), done.clone());
    let mut runner =
        Runner { bridge, slot, means, queues, wish, version: 0, reports, moved, lanes: None, good: None, failures: 0 };
    let running = async {
        let end = runner.run().await;
        done.cancel();
        end
    };
    let (end, ()) = tokio::join!(running, writing);
    if end == Wish::Rest {
        rest(&pool, bridge).await;
    }
}

/// Says that a bridge has come to rest. Until it could be said, the supervisor begins a runner again for it.
pub async fn rest(pool: &PgPool, bridge: BridgeId) {
    match lanes::set_stopped(pool, bridge).await {
        Ok(()) => tracing::info!(%bridge, "a bridge has come to rest"),
        Err(error) => tracing::warn!(%bridge, %error, "that a bridge has come to rest could not be written yet"),
    }
}

impl Runner {
    async fn run(&mut self) -> Wish {
        loop {
            let wish = *self.wish.borrow_and_update();
            let Wish::Run(version) = wish else {
                self.stop().await;
                if wish == Wish::Leave {
                    let reason = "The worker has stopped; it goes on when the worker is back.";
                    let steps =
                        self.reports.borrow().as_ref().map_or_else(Steps::default, |report| report.steps.clone());
                    self.say(Status::Waiting, reason, false, steps);
                }
                return wish;
            };
            self.version = version;
            // What was read may be newer than what was wished.
            if self.lanes.as_ref().is_some_and(|lanes| lanes.version >= version && !lanes.is_due()) {
                self.watch().await;
            } else {
                self.start(version).await;
            }
        }
    }

    /// Prepares and begins the lanes; those of an older configuration run until then, or those that could begin of this
    /// one.
    async fn start(&mut self, version: i64) {
        let mut wish = self.wish.clone();
        let mut old = self.lanes.take();
        let status = match &old {
            // What runs is said already.
            Some(lanes) if lanes.version >= version => None,
            Some(_) => Some(Status::Reconfiguring),
            None => Some(Status::Provisioning),
        };
        let prepared = tokio::select! {
            prepared = self.prepare(status) => Some(prepared.and_then(|good| refuse_less(good, old.as_ref()))),
            // Wished otherwise meanwhile; or the worker is gone.
            _ = wish.changed() => None,
            ended = end_of(&mut old) => {
                tracing::warn!(bridge = %self.bridge, ?ended, "the lanes of the configuration before have ended");
                old = None;
                None
            }
        };
        self.lanes = old;
        match prepared {
            None => {}
            Some(Ok(Some(good))) => {
                if let Some(lanes) = &mut self.lanes
                    && lanes.version == good.version
                    && good.prepared.left_out.len() == lanes.left_out.len()
                    && lanes.has_left_out(&good.prepared.left_out)
                {
                    lanes.left_out = good.prepared.left_out;
                    return lanes.later();
                }
                self.stop().await;
                let version = good.version;
                self.begin(good.clone());
                self.good = Some(good);
                // Not before: going back to the configuration before would have needed it.
                if let Err(error) = lanes::drop_unused_access(&self.means.pool, self.bridge, version).await {
                    tracing::warn!(bridge = %self.bridge, %error, "access that is not needed could not be taken away yet");
                }
            }
            // The bridge is gone: nothing to do until the supervisor sees it as well.
            Some(Ok(None)) => drop(wish.changed().await),
            Some(Err((trouble, mut steps))) => {
                tracing::warn!(bridge = %self.bridge, version, reason = trouble.reason, "a bridge cannot start");
                steps.set(trouble.step, report::State::Failed, trouble.reason.clone());
                if trouble.must_rest {
                    self.stop().await;
                    self.good = None;
                }
                if let Some(lanes) = self.lanes.as_mut().filter(|lanes| lanes.version >= version) {
                    return lanes.later();
                }
                let before = self.good.as_ref().filter(|good| self.lanes.is_none() && good.version < version);
                if let Some(good) = before.cloned() {
                    self.begin(good);
                }
                self.say_not_in_use(&trouble, steps);
                self.pause().await;
            }
        }
    }

    /// Says that a configuration cannot start, and how that before it fares.
    fn say_not_in_use(&self, trouble: &Trouble, steps: Steps) {
        let Some(running) = &self.lanes else {
            return self.say(trouble.status, &trouble.reason, trouble.is_gap, steps);
        };
        let not_in_use = format!("The new configuration is not in use, the one before it is. {}", trouble.reason);
        let state = outbound::State::worst(running.states.iter().map(|state| state.borrow().clone()));
        match state.health {
            Health::Well => self.say(Status::Running, &not_in_use, false, steps),
            Health::Waiting(why) => self.say(Status::Waiting, &format!("{why} {not_in_use}"), false, steps),
            Health::Halted(why) | Health::Stuck(why, _) => {
                self.say(Status::Halted, &format!("{why} {not_in_use}"), false, steps);
            }
        }
    }

    /// Makes ready what the lanes are made of, and says how far that is under a status, if it is to be said.
    async fn prepare(&self, status: Option<Status>) -> Result<Option<Good>, (Trouble, Steps)> {
        let is_change = status == Some(Status::Reconfiguring);
        let mut steps = Steps::default();
        let configuration = match lanes::find_configuration(&self.means.pool, self.bridge).await {
            Ok(Some(configuration)) => configuration,
            Ok(None) => return Ok(None),
            Err(error) => return Err((of_database(&error, Step::Access), steps)),
        };
        // After trouble, its reason stays to be seen while it is tried again.
        let status = status.filter(|_| self.failures == 0);
        let tell = |steps: &Steps| {
            if let Some(status) = status {
                self.say(status, "", false, steps.clone());
            }
        };
        let start = Start {
            configuration: &configuration,
            means: &self.means,
            queues: &*self.queues,
            slot: &self.slot,
            is_change,
            steps: &mut steps,
            tell: &tell,
        };
        match start.prepare().await {
            Ok(prepared) => Ok(Some(Good { version: configuration.version, prepared, steps })),
            Err(trouble) => Err((trouble, steps)),
        }
    }

    fn begin(&mut self, Good { version, prepared, steps }: Good) {
        let (begins, left_out) = (prepared.begins(), prepared.left_out);
        let stop = CancellationToken::new();
        let mut states = Vec::new();
        let mut watched = || {
            let (tell, state) = watch::channel(outbound::State::default());
            states.push(state);
            tell
        };
        let outbound = prepared
            .outbound
            .map(|plan| outbound::run(plan, self.means.clone(), self.moved.clone(), watched(), stop.clone()));
        let inbound = prepared
            .inbound
            .map(|plan| inbound::run(plan, self.means.clone(), self.moved.clone(), watched(), stop.clone()));
        let ends = stop.clone();
        // What one direction cannot outlive, the other ends for softly; then both begin again.
        let task = tokio::spawn(async move {
            let (outbound, inbound) = tokio::join!(or_end(outbound, &ends), or_end(inbound, &ends));
            outbound.and(inbound)
        });
        let mut lanes =
            Running { version, steps, begins, states, left_out, again: Instant::now(), tries: 0, stop, task };
        lanes.later();
        self.lanes = Some(lanes);
    }

    /// Says how the lanes fare, until something else is wished or they end.
    async fn watch(&mut self) {
        let Some(running) = &mut self.lanes else { return };
        let state = outbound::State::worst(running.states.iter_mut().map(|state| state.borrow_and_update().clone()));
        let mut steps = running.steps.clone();
        if state.begun {
            self.failures = 0;
            steps.set(Step::Lane, report::State::Done, "");
        }
        if running.begins && state.begun {
            // While the database is away it cannot be told either.
            running.begins = lanes::count_not_begun(&self.means.pool, self.bridge).await.map_or(true, |left| left > 0);
        }
        let mut stuck = None;
        let (status, reason) = match state.health {
            Health::Stuck(why, place) => {
                stuck = Some(place);
                (Status::Halted, why)
            }
            Health::Halted(why) => (Status::Halted, why),
            Health::Waiting(why) => (Status::Waiting, why),
            Health::Well if state.begun && running.begins => (Status::Reconfiguring, OTHERS_READ.to_owned()),
            Health::Well if state.begun => (Status::Running, String::new()),
            Health::Well => (Status::Provisioning, String::new()),
        };
        let mut report = Report { version: running.version, status, reason, gap: false, stuck, steps };
        tell_left_out(&mut report, &running.left_out);
        if self.failures == 0 {
            self.reports.send_if_modified(|old| {
                let changed = old.as_ref() != Some(&report);
                *old = Some(report);
                changed
            });
        }
        let ended = tokio::select! {
            _ = self.wish.changed() => return,
            () = any_changed(&mut running.states) => return,
            () = sleep(OTHERS), if running.begins && state.begun => return,
            () = sleep_until(running.again), if !running.left_out.is_empty() => return,
            ended = &mut running.task => ended,
        };
        let mut steps = running.steps.clone();
        self.lanes = None;
        let trouble = match ended {
            Ok(Ok(())) => return,
            Ok(Err(error)) => of_kafka(&error, Step::Lane),
            Err(panic) => {
                let reason = format!("The lanes ended by a fault of their own, and begin again: {panic}.");
                Trouble::new(Status::Halted, Step::Lane, reason)
            }
        };
        tracing::warn!(bridge = %self.bridge, reason = trouble.reason, "the lanes of a bridge have ended");
        steps.set(trouble.step, report::State::Failed, trouble.reason.clone());
        self.say(trouble.status, &trouble.reason, trouble.is_gap, steps);
        self.pause().await;
    }

    fn say(&self, status: Status, reason: &str, gap: bool, steps: Steps) {
        self.reports.send_replace(Some(Report {
            version: self.version,
            status,
            reason: reason.to_owned(),
            gap,
            stuck: None,
            steps,
        }));
    }

    /// Waits before the next try, unless something else is wished, or lanes that still run have ended.
    async fn pause(&mut self) {
        self.failures += 1;
        let mut wish = self.wish.clone();
        let wait = backoff(AGAIN + self.failures, chance());
        let ended = tokio::select! {
            () = sleep(wait) => false,
            _ = wish.changed() => {
                self.failures = 0;
                false
            }
            _ = end_of(&mut self.lanes) => true,
        };
        if ended {
            self.lanes = None;
        }
    }

    /// Brings the lanes to rest.
    async fn stop(&mut self) {
        let Some(mut running) = self.lanes.take() else { return };
        running.stop.cancel();
        // The lanes have a deadline of their own; this one is for the case that they hang.
        if timeout(DRAIN * 2, &mut running.task).await.is_err() {
            tracing::warn!(bridge = %self.bridge, "the lanes of a bridge did not end in time");
        }
    }
}

/// Refuses a new configuration of which less can begin than of the one that runs: that one goes on then.
fn refuse_less(good: Option<Good>, old: Option<&Running>) -> Result<Option<Good>, (Trouble, Steps)> {
    let Some((new, running)) = good.as_ref().zip(old) else { return Ok(good) };
    if new.version == running.version || running.has_left_out(&new.prepared.left_out) {
        return Ok(good);
    }
    match start::worst(&new.prepared.left_out) {
        Some(trouble) => Err((trouble.clone(), new.steps.clone())),
        None => Ok(good),
    }
}

/// Adds to what is said of lanes that run what keeps others from it.
fn tell_left_out(report: &mut Report, left_out: &LeftOut) {
    let Some(worst) = start::worst(left_out) else { return };
    report.gap = left_out.values().any(|trouble| trouble.is_gap);
    report.steps.set(worst.step, report::State::Failed, worst.reason.clone());
    let more = match left_out.len() {
        1 => String::new(),
        count => format!(" Besides, {} more of its queues and topics cannot be used.", count - 1),
    };
    if matches!(report.status, Status::Running | Status::Reconfiguring | Status::Provisioning) {
        report.status = worst.status;
        report.reason = format!("{}{more} What does not need it runs.", worst.reason);
    } else {
        report.reason = format!("{} {}{more}", report.reason, worst.reason);
    }
}

/// The end of lanes; never where there are none.
async fn end_of(lanes: &mut Option<Running>) -> Result<Result<(), stream::Error>, JoinError> {
    match lanes {
        Some(running) => (&mut running.task).await,
        None => std::future::pending().await,
    }
}

/// Runs the lanes of a direction, where there are any; when they fail, all shall end.
async fn or_end(
    lanes: Option<impl Future<Output = Result<(), stream::Error>>>,
    ends: &CancellationToken,
) -> Result<(), stream::Error> {
    let Some(lanes) = lanes else { return Ok(()) };
    let end = lanes.await;
    if end.is_err() {
        ends.cancel();
    }
    end
}

/// Waits until one of the directions says something new.
async fn any_changed(states: &mut [watch::Receiver<outbound::State>]) {
    let changes = states.iter_mut().map(|state| {
        Box::pin(async move {
            // The end of a direction is told by the task.
            if state.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        })
    });
    let changes: Vec<_> = changes.collect();
    if changes.is_empty() {
        return std::future::pending().await;
    }
    futures::future::select_all(changes).await;
}

/// How long a runner may take to come to rest.
pub const REST: Duration = Duration::from_secs(25);
