//! What librdkafka tells beside the records: the real reason of an error, and changes of the assignment.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    time::Duration,
};

use rdkafka::{
    ClientContext, Offset as Position, Statistics, TopicPartitionList,
    config::RDKafkaLogLevel,
    consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext},
    error::{KafkaError, RDKafkaErrorCode as Code},
    types::RDKafkaRespErr,
};
use tokio::sync::mpsc::UnboundedSender;

use super::{Error, Offset, Partition, Record, consumer::Event};

/// How long a rebalance waits for what is in flight to come to rest.
pub(super) const REVOKE_DEADLINE: Duration = Duration::from_secs(5);
/// How long one question to the group's coordinator may take.
const COMMITTED_DEADLINE: Duration = Duration::from_secs(10);

/// Keeps the newest reason: calls answer with a code only, and a wrong password shows there as a timeout.
#[derive(Default)]
pub(super) struct Reason(Mutex<Option<(Code, String)>>);

impl Reason {
    pub(super) fn keep(&self, error: &KafkaError, reason: &str) {
        if let Some(code) = error.rdkafka_error_code() {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((code, reason.to_owned()));
        }
    }

    pub(super) fn clear(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// The error with its reason: where signing in was refused, that is why a call timed out.
    pub(super) fn explain(&self, error: &KafkaError) -> Error {
        match &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Some((Code::Authentication | Code::SaslAuthenticationFailed, reason)) => {
                Error::Authentication(reason.clone())
            }
            Some((code, reason)) if error.rdkafka_error_code() == Some(*code) => Error::new(error, Some(reason)),
            _ => Error::new(error, None),
        }
    }
}

/// Sends librdkafka's own lines to our log.
pub(super) fn log(level: RDKafkaLogLevel, facility: &str, message: &str) {
    match level {
        RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical | RDKafkaLogLevel::Error => {
            tracing::warn!(target: "librdkafka", facility, "{message}");
        }
        RDKafkaLogLevel::Warning | RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info => {
            tracing::info!(target: "librdkafka", facility, "{message}");
        }
        RDKafkaLogLevel::Debug => tracing::debug!(target: "librdkafka", facility, "{message}"),
    }
}

/// The context of a member of a group.
pub(super) struct Member {
    pub(super) events: UnboundedSender<Event>,
    /// Records that are told together: one waking of the lane for many of them.
    pub(super) records: Mutex<Vec<Record>>,
    pub(super) topics: Vec<Arc<str>>,
    /// Where reading begins at the earliest; 0 in partitions that are not named.
    pub(super) starts: HashMap<Partition, i64>,
    pub(super) reason: Reason,
    /// Set when the consumer is closed: nobody waits for an answer any more.
    pub(super) leaving: AtomicBool,
    /// What went wrong inside of a rebalance, where no call can say so.
    pub(super) failure: Mutex<Option<Error>>,
    /// What was committed last of each assigned partition, or where reading began.
    pub(super) places: Mutex<HashMap<Partition, i64>>,
}

impl Member {
    pub(super) fn topic(&self, name: &str) -> Arc<str> {
        self.topics.iter().find(|topic| ***topic == *name).cloned().unwrap_or_else(|| name.into())
    }

    fn partitions(&self, list: &TopicPartitionList) -> Vec<Partition> {
        list.elements().iter().map(|e| Partition { topic: self.topic(e.topic()), number: e.partition() }).collect()
    }

    pub(super) fn places(&self) -> MutexGuard<'_, HashMap<Partition, i64>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Of these offsets, those that may be committed: of partitions that are ours, and never lower than before.
    ///
    /// The coordinator checks neither: a late commit would take a partition's next reader back.
    pub(super) fn committable(&self, offsets: Vec<Offset>) -> Vec<Offset> {
        let places = self.places();
        let higher = |offset: &Offset| places.get(&offset.partition).is_some_and(|&place| offset.offset > place);
        offsets.into_iter().filter(higher).collect()
    }

    pub(super) fn committed(&self, offsets: &[Offset]) {
        let mut places = self.places();
        for Offset { partition, offset } in offsets {
            if let Some(place) = places.get_mut(partition) {
                *place = *offset;
            }
        }
    }

    /// Tells something, after the records that came before it.
    pub(super) fn tell(&self, event: Event) {
        self.tell_records();
        // Nobody listens after a lane was dropped; the thread ends then by itself.
        let _ = self.events.send(event);
    }

    /// Tells what was received.
    pub(super) fn tell_records(&self) {
        let records = std::mem::take(&mut *self.records.lock().unwrap_or_else(PoisonError::into_inner));
        if !records.is_empty() {
            let _ = self.events.send(Event::Records(records));
        }
    }

    /// Takes a record that is told with others soon.
    pub(super) fn receive(&self, record: Record) {
        self.records.lock().unwrap_or_else(PoisonError::into_inner).push(record);
    }

    /// Takes partitions over: from where the group has come to, but never before the start of the routes.
    ///
    /// `auto.offset.reset` decides nothing here: each partition is given its offset.
    fn assign(&self, consumer: &BaseConsumer<Self>, list: &TopicPartitionList) -> Result<(), KafkaError> {
        let mut begin = list.clone();
        if list.count() > 0 {
            begin = consumer.committed_offsets(begin, COMMITTED_DEADLINE)?;
        }
        let mut taken = Vec::new();
        for mut element in begin.elements() {
            element.error()?;
            let partition = Partition { topic: self.topic(element.topic()), number: element.partition() };
            let committed = if let Position::Offset(offset) = element.offset() { offset } else { 0 };
            let offset = committed.max(self.starts.get(&partition).copied().unwrap_or(0));
            element.set_offset(Position::Offset(offset))?;
            self.places().insert(partition.clone(), offset);
            taken.push(Offset { partition, offset });
        }
        // The lane must know them before their first record.
        self.tell(Event::Assigned(taken));
        consumer.incremental_assign(&begin)?;
        // A partition that was paused when it was given up is still paused when it comes back.
        consumer.resume(&begin)
    }

    fn revoke(&self, consumer: &BaseConsumer<Self>, list: &TopicPartitionList) -> Result<(), KafkaError> {
        let partitions = self.partitions(list);
        if !self.leaving.load(Ordering::Relaxed) && !consumer.assignment_lost() && !partitions.is_empty() {
            let (reply, answer) = mpsc::channel();
            self.tell(Event::Revoking { partitions: partitions.clone(), reply });
            if let Ok(offsets) = answer.recv_timeout(REVOKE_DEADLINE).map(|offsets| self.committable(offsets))
                && !offsets.is_empty()
                && let Err(error) = consumer.commit(&list_of(&offsets), CommitMode::Sync)
            {
                tracing::warn!(%error, "what was finished could not be committed before its partitions were given up");
            }
        }
        self.places().retain(|partition, _| !partitions.contains(partition));
        self.tell(Event::Lost(partitions));
        consumer.incremental_unassign(list)
    }
}

/// Offsets in librdkafka's form.
pub(super) fn list_of(offsets: &[Offset]) -> TopicPartitionList {
    let mut list = TopicPartitionList::with_capacity(offsets.len());
    for Offset { partition, offset } in offsets {
        // Only an offset outside of 64 bits cannot be represented.
        let _ = list.add_partition_offset(&partition.topic, partition.number, Position::Offset(*offset));
    }
    list
}

impl ClientContext for Member {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.reason.keep(&error, reason);
    }

    fn stats(&self, statistics: Statistics) {
        let mut lag = Vec::new();
        for (name, topic) in statistics.topics {
            let topic_name = self.topic(&name);
            for (&number, partition) in
                topic.partitions.iter().filter(|(number, p)| **number >= 0 && p.consumer_lag >= 0)
            {
                lag.push(Offset {
                    partition: Partition { topic: topic_name.clone(), number },
                    offset: partition.consumer_lag,
                });
            }
        }
        self.tell(Event::Lag(lag));
    }
}

impl ConsumerContext for Member {
    fn rebalance(&self, consumer: &BaseConsumer<Self>, code: RDKafkaRespErr, list: &mut TopicPartitionList) {
        let result = match code {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => self.assign(consumer, list),
            _ => self.revoke(consumer, list),
        };
        if let Err(error) = result {
            let error = self.reason.explain(&error);
            *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        }
    }
}
