//! How much flows through the topics, and which clients show themselves: read from the ends of topics, now and then.
//!
//! Nothing rests on it but plots and "last seen": a sample that fails is left out.

use std::{collections::BTreeMap, time::Duration};

use tokio::time::{Instant, timeout};

use super::Error;
use crate::{
    domain::channel::{heartbeat_topic, topic_name},
    kafka::admin::{Admin, At},
    store::{
        self, PgPool,
        traffic::{self, Watched},
    },
};

/// How long lies between two samples at least.
const APART: Duration = Duration::from_secs(10);
/// How long a sample may take.
const WITHIN: Duration = Duration::from_secs(10);

/// Takes samples.
#[derive(Debug, Default)]
pub struct Traffic {
    last: Option<Instant>,
}

impl Traffic {
    /// Takes a sample, unless the last one was just taken.
    pub async fn sample(&mut self, pool: &PgPool, admin: &Admin) {
        if self.last.is_some_and(|last| last.elapsed() < APART) {
            return;
        }
        self.last = Some(Instant::now());
        match timeout(WITHIN, sample(pool, admin)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "the traffic could not be looked at"),
            Err(_) => tracing::debug!("the traffic could not be looked at in time"),
        }
    }
}

async fn sample(pool: &PgPool, admin: &Admin) -> Result<(), Error> {
    let Watched { topics, environments } = traffic::list_watched(pool).await?;
    let topics: Vec<_> =
        topics.into_iter().map(|(channel, space, name)| (topic_name(channel, &name), channel, space)).collect();
    let heartbeats: Vec<_> = environments.into_iter().map(|(id, app, key)| (heartbeat_topic(&app, &key), id)).collect();
    let names: Vec<_> =
        topics.iter().map(|topic| &topic.0).chain(heartbeats.iter().map(|beat| &beat.0)).cloned().collect();
    if names.is_empty() {
        return Ok(());
    }
    let found = admin.offsets_of(&names, At::Latest).await?;
    let ends: BTreeMap<_, i64> = found
        .into_iter()
        .filter_map(|(name, offsets)| Some((name, offsets.ok()?.iter().map(|(_, offset)| offset).sum())))
        .collect();
    let topics: Vec<_> =
        topics.into_iter().filter_map(|(name, channel, space)| Some((channel, space, *ends.get(&name)?))).collect();
    let heartbeats: Vec<_> = heartbeats.into_iter().filter_map(|(name, id)| Some((id, *ends.get(&name)?))).collect();
    let mut tx = pool.begin().await.map_err(store::Error::from)?;
    traffic::note_topics(&mut tx, &topics).await?;
    traffic::note_heartbeats(&mut tx, &heartbeats).await?;
    tx.commit().await.map_err(store::Error::from)?;
    Ok(())
}
