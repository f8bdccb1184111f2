//! Bridges that have had nothing to move for long leave their consumer groups, and are woken when something has come.
//!
//! A member of a group costs threads and connections of its own, whatever it reads; one client that asks how far topics
//! reach does so for all bridges. Refuses to know what is read: it compares the ends of topics with those they had.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::oneshot,
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::kafka::stream::{Error, identity::Identities};

/// How often is asked whether something has come.
const PERIOD: Duration = Duration::from_secs(2);
/// After how many times is asked as well whether topics are still the same.
const IDENTITIES: u32 = 7;

/// Where the partitions of topics end, or how far they are read.
pub type Ends = BTreeMap<Arc<str>, BTreeMap<i32, i64>>;

/// All bridges of a worker that hibernate.
pub struct Hibernation {
    identities: Arc<Identities>,
    sleepers: Mutex<Vec<Sleeper>>,
}

struct Sleeper {
    ids: HashMap<Arc<str>, Uuid>,
    ends: Ends,
    wake: oneshot::Sender<()>,
}

impl Hibernation {
    /// One without anybody in it.
    pub fn new(identities: Arc<Identities>) -> Self {
        Self { identities, sleepers: Mutex::default() }
    }

    /// Where these topics end now, and how far a group has come in them.
    ///
    /// # Errors
    /// Those of Kafka.
    pub async fn ask(&self, group: &str, topics: &[Arc<str>]) -> Result<(Ends, Ends), Error> {
        // In this order: what comes in between is after the ends.
        let ends = self.identities.ends(topics).await?;
        Ok((ends, self.identities.committed(group, topics).await?))
    }

    /// Waits until one of these topics ends elsewhere than it did, or is another one, or cannot be looked at.
    pub async fn sleep(&self, ids: HashMap<Arc<str>, Uuid>, ends: Ends) {
        let (wake, woken) = oneshot::channel();
        self.lock().push(Sleeper { ids, ends, wake });
        if woken.await.is_err() {
            // Nobody looks any more: the worker ends.
            std::future::pending::<()>().await;
        }
    }

    /// Looks after those who sleep, until `shutdown`.
    pub async fn run(&self, shutdown: CancellationToken) {
        let mut period = interval(PERIOD);
        period.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for round in (0..IDENTITIES).cycle() {
            period.tick().await;
            let looked = shutdown.run_until_cancelled(self.look(round == 0)).await;
            if looked.is_none() {
                return;
            }
        }
    }

    async fn look(&self, at_ids: bool) {
        let topics = self.topics();
        if topics.is_empty() {
            return;
        }
        // Who has gone to sleep meanwhile was not asked for.
        let is_asked = |topic: &Arc<str>| topics.binary_search(topic).is_ok();
        match self.identities.ends(&topics).await {
            Ok(ends) => self.wake(|sleeper| {
                sleeper.ends.iter().any(|(topic, was)| is_asked(topic) && ends.get(topic) != Some(was))
            }),
            // While Kafka is away, nothing comes.
            Err(error) => tracing::debug!(%error, "where topics end is not known"),
        }
        if at_ids && let Ok(ids) = self.identities.of(&topics).await {
            self.wake(|sleeper| sleeper.ids.iter().any(|(topic, was)| is_asked(topic) && ids.get(topic) != Some(was)));
        }
    }

    fn topics(&self) -> Vec<Arc<str>> {
        let mut sleepers = self.lock();
        // Of those who were called away.
        sleepers.retain(|sleeper| !sleeper.wake.is_closed());
        let mut topics: Vec<_> = sleepers.iter().flat_map(|sleeper| sleeper.ends.keys().cloned()).collect();
        topics.sort_unstable();
        topics.dedup();
        topics
    }

    fn wake(&self, is_due: impl Fn(&Sleeper) -> bool) {
        let mut sleepers = self.lock();
        let (due, others): (Vec<_>, Vec<_>) = sleepers.drain(..).partition(is_due);
        *sleepers = others;
        for Sleeper { wake, .. } in due {
            let _ = wake.send(());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Sleeper>> {
        self.sleepers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
