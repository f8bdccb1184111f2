//! What the worker may see: asked before a lane begins, by a client of its own that is thrown away afterwards, since
//! librdkafka remembers refusals.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::{Duration, Instant},
};

use rdkafka::{
    ClientContext, TopicPartitionList,
    config::RDKafkaLogLevel,
    consumer::{BaseConsumer, Consumer, ConsumerContext},
    error::KafkaError,
};

use super::{
    Error, Settings,
    context::{Reason, log},
};

/// What was found.
#[derive(Clone, Debug)]
pub struct Findings {
    /// The id of the cluster.
    pub cluster: String,
    /// The end offset of each partition, by topic.
    pub ends: HashMap<Arc<str>, BTreeMap<i32, i64>>,
}

/// Looks as the worker whether these topics may be read by this group, and where they end.
pub async fn look(
    settings: &Settings,
    group: &str,
    topics: Vec<Arc<str>>,
    within: Duration,
) -> Result<Findings, Error> {
    let mut config = settings.client();
    config.set("group.id", group).set("allow.auto.create.topics", "false");
    let look = move || {
        let asker: BaseConsumer<Asker> =
            config.create_with_context(Asker::default()).map_err(|e| Error::new(&e, None))?;
        let result = look_now(&asker, &topics, Instant::now() + within);
        // Closing takes its time, and the answer is there.
        std::thread::spawn(move || drop(asker));
        result
    };
    tokio::task::spawn_blocking(look).await.map_err(|error| Error::Other(error.to_string()))?
}

#[derive(Default)]
struct Asker {
    reason: Reason,
}

impl ClientContext for Asker {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.reason.keep(&error, reason);
    }
}

impl ConsumerContext for Asker {}

fn look_now(asker: &BaseConsumer<Asker>, topics: &[Arc<str>], deadline: Instant) -> Result<Findings, Error> {
    // Reasons come by polling only.
    let explain = |error: KafkaError| {
        while asker.poll(Duration::ZERO).is_some() {}
        asker.context().reason.explain(&error)
    };
    let left = || deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(100));
    let mut found = HashMap::new();
    let mut all = TopicPartitionList::new();
    for topic in topics {
        let metadata = asker.fetch_metadata(Some(topic), left()).map_err(explain)?;
        let Some(description) = metadata.topics().iter().find(|t| t.name() == &**topic) else {
            return Err(Error::NoTopic(topic.to_string()));
        };
        if let Some(code) = description.error() {
            return Err(match Error::new(&KafkaError::MetadataFetch(code.into()), None) {
                Error::NoTopic(_) => Error::NoTopic(topic.to_string()),
                Error::Unauthorized(_) => Error::Unauthorized(format!("reading the topic {topic}")),
                other => other,
            });
        }
        let mut ends = BTreeMap::new();
        for partition in description.partitions() {
            let (_, end) = asker.fetch_watermarks(topic, partition.id(), left()).map_err(explain)?;
            ends.insert(partition.id(), end);
            all.add_partition(topic, partition.id());
        }
        found.insert(topic.clone(), ends);
    }
    if all.count() > 0 {
        let committed = asker.committed_offsets(all, left()).map_err(explain)?;
        for element in committed.elements() {
            element.error().map_err(explain)?;
        }
    }
    // A part of what makes repetitions known as such: without it nothing may be sent.
    let untold = || Error::Unreachable("no broker tells the id of the cluster".into());
    let cluster = asker.client().fetch_cluster_id(left()).ok_or_else(untold)?;
    Ok(Findings { cluster, ends: found })
}
