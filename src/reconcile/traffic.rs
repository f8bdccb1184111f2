//! How much flows through the topics, which clients show themselves, and how far they have read: looked at now and then,
//! from the ends of topics and from consumer groups.
//!
//! Nothing rests on it but plots, "last seen" and lag: a sample that fails is left out.

use std::{collections::BTreeMap, time::Duration};

use tokio::time::{Instant, timeout};

use super::{
    Error,
    groups::{Groups, Topics},
};
use crate::{
    domain::channel::{heartbeat_topic, topic_name},
    kafka::admin::{Admin, At},
    store::{
        self, PgPool,
        traffic::{self, Watched},
    },
};

/// How long a sample may take.
const WITHIN: Duration = Duration::from_secs(10);

/// Takes samples.
#[derive(Debug, Default)]
pub struct Traffic {
    last: Option<Instant>,
    groups: Groups,
}

impl Traffic {
    /// Takes a sample, unless the last one was begun less than this ago. May be dropped at any point.
    pub async fn sample(&mut self, pool: &PgPool, admin: &Admin, apart: Duration) {
        if self.last.is_some_and(|last| last.elapsed() < apart) {
            return;
        }
        self.last = Some(Instant::now());
        match timeout(WITHIN, sample(pool, admin, &mut self.groups)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "the traffic could not be looked at"),
            Err(_) => tracing::debug!("the traffic could not be looked at in time"),
        }
    }
}

async fn sample(pool: &PgPool, admin: &Admin, groups: &mut Groups) -> Result<(), Error> {
    let Watched { topics, environments } = traffic::list_watched(pool).await?;
    let topics: Topics =
        topics.into_iter().map(|(channel, space, name)| (topic_name(channel, &name), (channel, space))).collect();
    let heartbeats: Vec<_> = environments.into_iter().map(|(id, app, key)| (heartbeat_topic(&app, &key), id)).collect();
    let names: Vec<_> = topics.keys().chain(heartbeats.iter().map(|beat| &beat.0)).cloned().collect();
    if names.is_empty() {
        return Ok(());
    }
    let found = admin.offsets_of(&names, At::Latest).await?;
    let ends: BTreeMap<_, i64> = found
        .into_iter()
        .filter_map(|(name, offsets)| Some((name, offsets.ok()?.iter().map(|(_, offset)| offset).sum())))
        .collect();
    let flow: Vec<_> =
        topics.iter().filter_map(|(name, &(channel, space))| Some((channel, space, *ends.get(name)?))).collect();
    let heartbeats: Vec<_> = heartbeats.into_iter().filter_map(|(name, id)| Some((id, *ends.get(&name)?))).collect();
    let mut tx = store::begin(pool).await?;
    traffic::note_topics(&mut tx, &flow).await?;
    traffic::note_heartbeats(&mut tx, &heartbeats).await?;
    tx.commit().await.map_err(store::Error::from)?;
    groups.look(pool, admin, &topics).await
}
