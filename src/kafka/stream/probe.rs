//! What the worker may see: asked before a lane begins, by a client of its own that is thrown away afterwards, since
//! librdkafka remembers refusals.

use std::{
    collections::{BTreeMap, HashMap},
    ops::Range,
    sync::Arc,
    time::{Duration, Instant},
};

use rdkafka::{
    ClientContext, Offset, TopicPartitionList,
    config::RDKafkaLogLevel,
    consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext},
    error::KafkaError,
};

use tokio::time::timeout;
use uuid::Uuid;

use super::{
    Error, Partition, Settings,
    context::{Reason, list_of, log},
    identity::Identities,
};

/// What was found.
#[derive(Clone, Debug)]
pub struct Findings {
    /// The id of the cluster.
    pub cluster: String,
    /// Kafka's id of each topic.
    pub ids: HashMap<Arc<str>, Uuid>,
    /// The offsets of the first record and after the last one of each partition, by topic.
    pub ranges: HashMap<Arc<str>, BTreeMap<i32, Range<i64>>>,
    /// How far the group has come, where it has come anywhere.
    pub committed: HashMap<Partition, i64>,
    /// Topics that there are not, or that may not be read: nothing else is said of them.
    pub refused: HashMap<Arc<str>, Error>,
}

impl Findings {
    /// Where reading of a partition goes on: where the group has come to, but never before `start`; at 0 where there is
    /// neither.
    pub fn place(&self, partition: &Partition, start: Option<i64>) -> i64 {
        self.committed.get(partition).copied().unwrap_or(0).max(start.unwrap_or(0))
    }
}

/// Looks as the worker whether these topics may be read by this group, and where they end.
pub async fn look(
    settings: &Settings,
    identities: &Identities,
    group: &str,
    topics: Vec<Arc<str>>,
    within: Duration,
) -> Result<Findings, Error> {
    let mut found = ask(settings, group, move |asker| look_now(asker, &topics, Instant::now() + within)).await?;
    let topics: Vec<_> = found.ranges.keys().cloned().collect();
    // After the offsets: a topic that is replaced in between has none of them yet, and shows as another one.
    found.ids = timeout(within, identities.of(&topics))
        .await
        .map_err(|_| Error::Unreachable("no broker tells the ids of the topics in time".into()))??;
    Ok(found)
}

/// Puts a group back to places before those it has come to. Kafka refuses it while the group has members.
pub async fn put_back(settings: &Settings, group: &str, places: Vec<super::Offset>) -> Result<(), Error> {
    ask(settings, group, move |asker| {
        let put = asker.commit(&list_of(&places), CommitMode::Sync);
        put.map_err(|error| asker.context().reason.explain(&error))
    })
    .await
}

/// Asks something on a thread that may be blocked, by a client that is thrown away.
async fn ask<T: Send + 'static>(
    settings: &Settings,
    group: &str,
    question: impl FnOnce(&BaseConsumer<Asker>) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let mut config = settings.client();
    config.set("group.id", group).set("allow.auto.create.topics", "false");
    let asked = move || {
        let asker: BaseConsumer<Asker> =
            config.create_with_context(Asker::default()).map_err(|e| Error::new(&e, None))?;
        let answer = question(&asker);
        // Closing takes its time, and the answer is there.
        std::thread::spawn(move || drop(asker));
        answer
    };
    tokio::task::spawn_blocking(asked).await.map_err(|error| Error::Other(error.to_string()))?
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
    let (mut ranges, mut refused) = (HashMap::new(), HashMap::new());
    let mut all = TopicPartitionList::new();
    for topic in topics {
        let metadata = asker.fetch_metadata(Some(topic), left()).map_err(explain)?;
        let Some(description) = metadata.topics().iter().find(|t| t.name() == &**topic) else {
            refused.insert(topic.clone(), Error::NoTopic(topic.to_string()));
            continue;
        };
        if let Some(code) = description.error() {
            let error = match Error::new(&KafkaError::MetadataFetch(code.into()), None) {
                Error::NoTopic(_) => Error::NoTopic(topic.to_string()),
                Error::Unauthorized(_) => Error::Unauthorized(format!("reading the topic {topic}")),
                other => return Err(other),
            };
            refused.insert(topic.clone(), error);
            continue;
        }
        let mut range = BTreeMap::new();
        for partition in description.partitions() {
            let (first, end) = asker.fetch_watermarks(topic, partition.id(), left()).map_err(explain)?;
            range.insert(partition.id(), first..end);
            all.add_partition(topic, partition.id());
        }
        ranges.insert(topic.clone(), range);
    }
    let mut committed = HashMap::new();
    if all.count() > 0 {
        for element in asker.committed_offsets(all, left()).map_err(explain)?.elements() {
            element.error().map_err(explain)?;
            let topic = topics.iter().find(|topic| ***topic == *element.topic());
            if let (Some(topic), Offset::Offset(offset)) = (topic, element.offset()) {
                committed.insert(Partition { topic: topic.clone(), number: element.partition() }, offset);
            }
        }
    }
    // A part of what makes repetitions known as such: without it nothing may be sent.
    let untold = || Error::Unreachable("no broker tells the id of the cluster".into());
    let cluster = asker.client().fetch_cluster_id(left()).ok_or_else(untold)?;
    Ok(Findings { cluster, ids: HashMap::new(), ranges, committed, refused })
}
