//! What the bridges of a worker have in common.

use std::{sync::Arc, time::Duration};

use tokio::sync::Semaphore;

use super::hibernation::Hibernation;
use crate::{
    kafka::stream::{self, identity::Identities, probe},
    secrets::Vault,
    store::PgPool,
};

/// How many bridges look at Kafka at a time before they begin: each does so by a client of its own.
const PROBES: usize = 16;

/// What lanes need of the worker. A clone shares all of it.
#[derive(Clone)]
pub struct Means {
    /// For dead letters.
    pub pool: PgPool,
    /// For dead letters.
    pub vault: Vault,
    /// Kafka.
    pub kafka: stream::Settings,
    /// Tells which topics names stand for.
    pub identities: Arc<Identities>,
    /// Where bridges without anything to do wait.
    pub hibernation: Arc<Hibernation>,
    /// For how long a bridge has nothing to do before it hibernates.
    pub rest: Duration,
    probes: Arc<Semaphore>,
}

impl Means {
    /// Connects to nothing yet.
    ///
    /// # Errors
    /// [`stream::Error::Other`] where the authorities to trust cannot be read.
    pub fn new(pool: PgPool, vault: Vault, kafka: stream::Settings, rest: Duration) -> Result<Self, stream::Error> {
        let identities = Arc::new(Identities::new(&kafka)?);
        let hibernation = Arc::new(Hibernation::new(identities.clone()));
        Ok(Self { pool, vault, kafka, identities, hibernation, rest, probes: Arc::new(Semaphore::new(PROBES)) })
    }

    /// Looks as the worker whether these topics may be read by this group, and where they end.
    ///
    /// # Errors
    /// Those of [`probe::look`].
    pub async fn probe(
        &self,
        group: &str,
        topics: Vec<Arc<str>>,
        within: Duration,
    ) -> Result<probe::Findings, stream::Error> {
        // Nobody closes it.
        let _turn = self.probes.acquire().await;
        probe::look(&self.kafka, &self.identities, group, topics, within).await
    }
}
