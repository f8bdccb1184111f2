//! One bridge from start to rest: prepares its lanes, runs them, says how they fare, begins again after trouble, and
//! changes to a new configuration only when that one can start.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    delivery::backoff,
    inbound,
    lane::Health,
    outbound::{self, DRAIN, Means, chance},
    queue::Queues,
    report::{self, Moved, Report, Step, Steps},
    start::{self, Prepared, Trouble, of_kafka},
};
use crate::{
    domain::{bridge::Status, ids::BridgeId},
    kafka::stream,
    store::{PgPool, lanes},
};

/// The least wait before a start is tried again.
const AGAIN: u32 = 4;

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
    reports: watch::Sender<Option<Report>>,
    moved: Moved,
    lanes: Option<Running>,
    failures: u32,
}

struct Running {
    version: i64,
    steps: Steps,
    states: Vec<watch::Receiver<outbound::State>>,
    stop: CancellationToken,
    task: JoinHandle<Result<(), stream::Error>>,
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
    let mut runner = Runner { bridge, slot, means, queues, wish, reports, moved, lanes: None, failures: 0 };
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
                    self.say(Status::Waiting, reason, steps);
                }
                return wish;
            };
            // What was read may be newer than what was wished.
            if self.lanes.as_ref().is_some_and(|lanes| lanes.version >= version) {
                self.watch().await;
            } else {
                self.start(version).await;
            }
        }
    }

    /// Prepares and begins the lanes; those of an older configuration run until then.
    async fn start(&mut self, version: i64) {
        let mut wish = self.wish.clone();
        let prepared = tokio::select! {
            prepared = self.prepare() => prepared,
            // Wished otherwise meanwhile; or the worker is gone.
            _ = wish.changed() => return,
        };
        match prepared {
            Ok(Some((prepared, steps, version))) => {
                self.stop().await;
                self.begin(prepared, steps, version);
                // Not before: going back to the configuration before would have needed it.
                if let Err(error) = lanes::drop_unused_access(&self.means.pool, self.bridge, version).await {
                    tracing::warn!(bridge = %self.bridge, %error, "access that is not needed could not be taken away yet");
                }
            }
            // The bridge is gone: nothing to do until the supervisor sees it as well.
            Ok(None) => drop(wish.changed().await),
            Err((trouble, mut steps)) => {
                tracing::warn!(bridge = %self.bridge, version, reason = trouble.reason, "a bridge cannot start");
                steps.set(trouble.step, report::State::Failed, trouble.reason.clone());
                if self.lanes.is_some() {
                    let reason =
                        format!("The new configuration is not in use, the one before it is. {}", trouble.reason);
                    self.say(Status::Running, &reason, steps);
                } else {
                    self.say(trouble.status, &trouble.reason, steps);
                }
                self.pause().await;
            }
        }
    }

    async fn prepare(&self) -> Result<Option<(Prepared, Steps, i64)>, (Trouble, Steps)> {
        let mut steps = Steps::default();
        let configuration = match lanes::find_configuration(&self.means.pool, self.bridge).await {
            Ok(Some(configuration)) => configuration,
            Ok(None) => return Ok(None),
            Err(error) => {
                let reason = format!("The database is away: {error}.");
                return Err((Trouble { status: Status::Waiting, reason, step: Step::Access }, steps));
            }
        };
        let status = if self.lanes.is_some() { Status::Reconfiguring } else { Status::Provisioning };
        // After trouble, its reason stays to be seen while it is tried again.
        let quiet = self.failures > 0;
        let tell = |steps: &Steps| {
            if !quiet {
                self.say(status, "", steps.clone());
            }
        };
        match start::prepare(&configuration, &self.means, &*self.queues, &self.slot, &mut steps, &tell).await {
            Ok(prepared) => Ok(Some((prepared, steps, configuration.version))),
            Err(trouble) => Err((trouble, steps)),
        }
    }

    fn begin(&mut self, prepared: Prepared, steps: Steps, version: i64) {
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
        self.lanes = Some(Running { version, steps, states, stop, task });
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
        let (status, reason) = match state.health {
            Health::Halted(why) => (Status::Halted, why),
            Health::Waiting(why) => (Status::Waiting, why),
            Health::Well if state.begun => (Status::Running, String::new()),
            Health::Well => (Status::Provisioning, String::new()),
        };
        let report = Report { status, reason, steps };
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
            ended = &mut running.task => ended,
        };
        let mut steps = running.steps.clone();
        self.lanes = None;
        let trouble = match ended {
            Ok(Ok(())) => return,
            Ok(Err(error)) => of_kafka(&error, Step::Lane),
            Err(panic) => Trouble {
                status: Status::Halted,
                reason: format!("The lanes ended by a fault of their own, and begin again: {panic}."),
                step: Step::Lane,
            },
        };
        tracing::warn!(bridge = %self.bridge, reason = trouble.reason, "the lanes of a bridge have ended");
        steps.set(trouble.step, report::State::Failed, trouble.reason.clone());
        self.say(trouble.status, &trouble.reason, steps);
        self.pause().await;
    }

    fn say(&self, status: Status, reason: &str, steps: Steps) {
        self.reports.send_replace(Some(Report { status, reason: reason.to_owned(), steps }));
    }

    /// Waits before the next try, unless something else is wished, or lanes that still run have ended.
    async fn pause(&mut self) {
        self.failures += 1;
        let mut wish = self.wish.clone();
        let wait = backoff(AGAIN + self.failures, chance());
        tokio::select! {
            () = sleep(wait) => {}
            _ = wish.changed() => self.failures = 0,
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
