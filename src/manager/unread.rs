//! What consumer groups have not read yet, asked from Kafka itself: what was seen at the last look is not enough for who
//! is about to leave it behind.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use serde::Serialize;
use tokio::time::timeout;

use super::Manager;
use crate::{
    domain::{
        channel::topic_name,
        ids::ChannelId,
        landscape::{Environment, Space},
        principal::group_prefix,
    },
    kafka::admin::{self, Admin, Group},
};

/// How long Kafka may take to say it: somebody waits for the page.
const WITHIN: Duration = Duration::from_secs(2);

/// Rows that are shown: those with the most.
const SHOWN: usize = 100;

/// What a consumer group has not read of a topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unread {
    /// The consumer group.
    pub group: String,
    /// The channel that the topic is of.
    pub channel: ChannelId,
    /// Those of its events that the environment may read, by name.
    pub events: Vec<String>,
    /// Members of the group that read it now.
    pub members: usize,
    /// How many events are there that it has not read.
    pub unread: i64,
}

impl Manager {
    /// What the consumer groups of an environment have not read in these channels of a Space, of which the events are
    /// given that it may read; the most first. `None` where Kafka does not say, or not in time.
    pub(super) async fn ask_unread(
        &self,
        environment: &Environment,
        space: &Space,
        channels: BTreeMap<ChannelId, Vec<String>>,
    ) -> Option<Vec<Unread>> {
        let admin = self.parts.admin.as_ref()?;
        let prefix = group_prefix(&environment.app_key, &environment.key);
        let topics =
            channels.into_iter().map(|(channel, events)| (topic_name(channel, &space.name), (channel, events)));
        match timeout(WITHIN, ask(admin, &prefix, &topics.collect())).await {
            Ok(Ok(unread)) => unread,
            Ok(Err(error)) => {
                tracing::debug!(%error, "Kafka does not say what was not read yet");
                None
            }
            Err(_) => None,
        }
    }
}

async fn ask(
    admin: &Admin,
    prefix: &str,
    topics: &BTreeMap<String, (ChannelId, Vec<String>)>,
) -> admin::Result<Option<Vec<Unread>>> {
    if topics.is_empty() {
        return Ok(Some(Vec::new()));
    }
    let mut groups = admin.groups().await?;
    groups.retain(|group: &Group| group.id.starts_with(prefix) && group.is_of_consumers());
    let names: BTreeSet<_> = topics.keys().cloned().collect();
    let found = admin.lags(&groups, &names).await?;
    // Less than all of it would be taken for all of it.
    if found.len() < groups.len() {
        return Ok(None);
    }
    let mut unread = Vec::new();
    for (group, lags) in found {
        for lag in lags {
            let Some((channel, events)) = topics.get(&lag.topic) else { continue };
            unread.push(Unread {
                group: group.clone(),
                channel: *channel,
                events: events.clone(),
                members: lag.members,
                unread: lag.lag,
            });
        }
    }
    unread.sort_by_key(|group| std::cmp::Reverse(group.unread));
    unread.truncate(SHOWN);
    Ok(Some(unread))
}
