//! The worker: runs the bridges that Postgres says should run.
//!
//! Level-triggered: at each round it compares what is wanted with what runs. A notification only makes the next round
//! come sooner. Several workers may do so at once: Kafka shares the partitions out among them.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{MissedTickBehavior, interval, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    means::Means,
    queue::Queues,
    redrive,
    runner::{self, REST, Wish},
    slot::Slot,
};
use crate::{
    aws::Aws,
    domain::{bridge::Desired, ids::BridgeId},
    store::{
        PgPool,
        lanes::{self, Hints, Wanted},
    },
};

/// How often is looked without a hint.
const PERIOD: Duration = Duration::from_secs(2);
/// The same while another process has this worker's name.
const SOON: Duration = Duration::from_millis(200);
/// How long one look may take.
const LOOK: Duration = Duration::from_secs(10);

/// A bridge worker.
pub struct Worker {
    means: Means,
    queues: Arc<dyn Queues>,
    slot: Slot,
    bridges: HashMap<BridgeId, Bridge>,
}

struct Bridge {
    wish: watch::Sender<Wish>,
    task: JoinHandle<()>,
}

impl Drop for Bridge {
    fn drop(&mut self) {
        // A worker that is dropped is a worker that was killed: its bridges stop where they are.
        self.task.abort();
    }
}

impl Worker {
    /// A worker over AWS SQS. `slot` names it in its consumer groups: the same after a restart, another one for each
    /// worker that runs at the same time.
    pub fn new(means: Means, aws: Aws, slot: String) -> Self {
        Self::with_queues(means, Arc::new(aws), slot)
    }

    /// A worker over queues of any make.
    pub fn with_queues(means: Means, queues: Arc<dyn Queues>, slot: String) -> Self {
        Self { means, queues, slot: Slot::new(slot), bridges: HashMap::new() }
    }

    /// Works until `shutdown`, then brings all bridges to rest: what is in flight is finished and committed.
    pub async fn run(mut self, shutdown: CancellationToken) {
        let redrive = redrive::run(self.means.clone(), self.queues.clone(), shutdown.clone());
        let hibernation = self.means.hibernation.clone();
        let watch = hibernation.run(shutdown.clone());
        let follow = async {
            self.follow_until(&shutdown).await;
            self.leave().await;
        };
        tokio::join!(follow, redrive, watch);
    }

    async fn follow_until(&mut self, shutdown: &CancellationToken) {
        let mut hints = None;
        let mut period = interval(PERIOD);
        period.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                _ = period.tick() => {}
                () = hint(&self.means.pool, &mut hints) => {}
                () = sleep(SOON), if !self.slot.has() => {}
            }
            if !self.has_its_name().await {
                continue;
            }
            match timeout(LOOK, lanes::list_wanted(&self.means.pool)).await {
                Ok(Ok(wanted)) => self.follow(wanted),
                // The lanes go on with what they know.
                Ok(Err(error)) => tracing::warn!(%error, "what bridges should do could not be read"),
                Err(_) => tracing::warn!("what bridges should do could not be read in time"),
            }
        }
    }

    /// Whether this process is the one of its name. While it is not, nothing runs here.
    async fn has_its_name(&mut self) -> bool {
        match timeout(LOOK, self.slot.look(&self.means.pool)).await {
            Ok(Ok(true)) => return true,
            Ok(Ok(false)) => {
                for bridge in self.bridges.values() {
                    wish(bridge, Wish::Leave);
                }
                self.bridges.retain(|_, bridge| !bridge.task.is_finished());
            }
            // What runs goes on with what it knows.
            Ok(Err(error)) => tracing::warn!(%error, "whether another process has this worker's name is not known"),
            Err(_) => tracing::warn!("whether another process has this worker's name was not told in time"),
        }
        false
    }

    fn follow(&mut self, wanted: Vec<Wanted>) {
        self.bridges.retain(|_, bridge| !bridge.task.is_finished());
        // A bridge whose row is gone, or that rests already, is not wanted either.
        for (id, bridge) in &self.bridges {
            if !wanted.iter().any(|wanted| wanted.id == *id) {
                wish(bridge, Wish::Rest);
            }
        }
        for Wanted { id, desired, version } in wanted {
            let wished = match desired {
                Desired::Running => Wish::Run(version),
                Desired::Stopped | Desired::Deleted | Desired::Draft => Wish::Rest,
            };
            if let Some(bridge) = self.bridges.get(&id) {
                // One that is coming to rest does so; the next round begins it anew.
                if !matches!(*bridge.wish.borrow(), Wish::Rest | Wish::Leave) {
                    wish(bridge, wished);
                }
                continue;
            }
            let (sender, receiver) = watch::channel(wished);
            let run = runner::run(id, self.slot.name().to_owned(), self.means.clone(), self.queues.clone(), receiver);
            self.bridges.insert(id, Bridge { wish: sender, task: tokio::spawn(run) });
        }
    }

    async fn leave(mut self) {
        for bridge in self.bridges.values() {
            wish(bridge, Wish::Leave);
        }
        let rest = async {
            for bridge in self.bridges.values_mut() {
                let _ = (&mut bridge.task).await;
            }
        };
        if timeout(REST, rest).await.is_err() {
            tracing::warn!("not all bridges came to rest in time");
        }
    }
}

fn wish(bridge: &Bridge, wished: Wish) {
    bridge.wish.send_if_modified(|wish| {
        let changed = *wish != wished;
        *wish = wished;
        changed
    });
}

/// Waits for a hint. Without a connection for hints there is none, and rounds come by their period.
async fn hint(pool: &PgPool, hints: &mut Option<Hints>) {
    let result = match hints {
        Some(open) => open.next().await,
        None => Hints::listen(pool).await.map(|open| *hints = Some(open)),
    };
    if let Err(error) = result {
        tracing::warn!(%error, "no hints from the database for now");
        *hints = None;
        std::future::pending::<()>().await;
    }
}
