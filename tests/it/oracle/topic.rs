//! A topic, read and written past the product.

use std::time::Duration;

use futures::future::join_all;
use rdkafka::{
    Message, Offset, TopicPartitionList,
    consumer::{Consumer, StreamConsumer},
    error::KafkaError,
    message::BorrowedMessage,
    producer::FutureProducer,
};
use tokio::time::{Instant, timeout_at};

use super::event::Event;
use crate::support::kafka::{client, servers};

/// How long Kafka may take for the next record.
const PATIENCE: Duration = Duration::from_mins(1);

/// A topic, and how far it was read.
pub struct Topic {
    consumer: StreamConsumer,
    name: String,
    /// The next offset of each partition.
    next: Vec<i64>,
}

impl Topic {
    /// A topic, to be read from the beginning.
    pub fn open(name: &str) -> Self {
        Self::open_on(&servers(), name)
    }

    /// The same on a cluster of its own.
    pub fn open_on(servers: &str, name: &str) -> Self {
        let mut config = client(servers);
        let consumer: StreamConsumer =
            config.set("group.id", "oracle").set("enable.auto.commit", "false").create().unwrap();
        // A broker hears a moment later of a topic that is new.
        let until = Instant::now() + PATIENCE;
        let partitions = loop {
            match consumer.fetch_metadata(Some(name), PATIENCE).unwrap().topics()[0].partitions().len() {
                0 => assert!(Instant::now() < until, "there is no topic {name}"),
                partitions => break partitions,
            }
        };
        let mut topic = Self { consumer, name: name.to_owned(), next: vec![0; partitions] };
        topic.next = topic.watermarks().into_iter().map(|(first, _)| first).collect();
        let mut list = TopicPartitionList::new();
        for (partition, first) in (0..).zip(&topic.next) {
            list.add_partition_offset(name, partition, Offset::Offset(*first)).unwrap();
        }
        topic.consumer.assign(&list).unwrap();
        topic
    }

    /// Where each partition begins and ends now.
    fn watermarks(&self) -> Vec<(i64, i64)> {
        let of = |(partition, _)| self.consumer.fetch_watermarks(&self.name, partition, PATIENCE).unwrap();
        (0..).zip(&self.next).map(of).collect()
    }

    /// Reads what is new up to where the topic ends now, each partition in its order.
    pub async fn read(&mut self, mut each: impl FnMut(&BorrowedMessage<'_>)) {
        let ends = self.watermarks();
        while self.next.iter().zip(&ends).any(|(next, (_, end))| next < end) {
            let record = next(&self.consumer, &self.name).await;
            self.next[usize::try_from(record.partition()).unwrap()] = record.offset() + 1;
            each(&record);
        }
    }
}

async fn next<'a>(consumer: &'a StreamConsumer, topic: &str) -> BorrowedMessage<'a> {
    let (until, mut trouble) = (Instant::now() + PATIENCE, None);
    loop {
        match timeout_at(until, consumer.recv()).await {
            Ok(Ok(record)) => return record,
            // It passes when brokers are back.
            Ok(Err(error)) => trouble = Some(error),
            Err(end) => panic!("{topic} was not read to its end ({end}): {trouble:?}"),
        }
    }
}

/// Sends events in their order, and waits until all are stored.
///
/// # Errors
/// Why the first of those that failed is not known to be stored.
pub async fn send(producer: &FutureProducer, topic: &str, events: &[Event]) -> Result<(), KafkaError> {
    let queued = events.iter().map(|event| producer.send_result(event.record(topic)).map_err(|(error, _)| error));
    let queued = queued.collect::<Result<Vec<_>, _>>()?;
    for stored in join_all(queued).await {
        stored.unwrap().map_err(|(error, _)| error)?;
    }
    Ok(())
}
