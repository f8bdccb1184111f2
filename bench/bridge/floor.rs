//! What moving events costs where nothing lies between: a member of a consumer group that sends and commits, and
//! receivers that produce and delete. Every answer is looked at; nothing is tried again, and an error ends it.

pub mod lean;
pub mod sdk;

use std::{borrow::Cow, collections::HashMap, pin::pin, time::Duration};

use futures::{StreamExt as _, future::try_join_all};
use rdkafka::{
    Message as _, Offset, TopicPartitionList,
    consumer::{CommitMode, Consumer as _, StreamConsumer},
    error::KafkaResult,
    message::{BorrowedMessage, Header, OwnedHeaders},
    producer::{DeliveryFuture, FutureProducer, FutureRecord},
};
use tokio::time::interval;
use uuid::Uuid;

use crate::{Result, event, kafka};

/// How many requests are under way outwards, and how many receivers there are inwards: as many as EBM sends at a time,
/// and enough that the processor is what everybody waits for.
const AT_A_TIME: usize = 16;
/// Messages of one call (Amazon SQS API Reference, `SendMessageBatch`).
const BATCH: usize = 10;
/// How often offsets are committed.
const COMMIT: Duration = Duration::from_millis(100);

/// A client of the queue.
pub trait Client {
    /// What a receive gives.
    type Received: Received;

    /// Sends up to ten messages.
    async fn send(&self, messages: &[Message<'_>]) -> Result<()>;

    /// Receives up to ten messages; waits some seconds for the first.
    async fn receive(&self) -> Result<Self::Received>;

    /// Deletes up to ten messages by their receipts.
    async fn delete(&self, receipts: &[&str]) -> Result<()>;
}

/// The messages of a receive.
pub trait Received {
    /// Receipts and messages.
    fn messages(&self) -> Result<Vec<(Cow<'_, str>, Message<'_>)>>;
}

/// A message: attributes that are texts, and a body.
pub struct Message<'a> {
    /// Names and values.
    pub attributes: Vec<(&'a str, Cow<'a, str>)>,
    /// Body.
    pub body: Cow<'a, str>,
}

/// Moves the events of a topic to the queue, from the beginning on.
pub async fn outbound(client: &impl Client, topic: &str) -> Result<()> {
    let consumer: StreamConsumer = kafka::config()?
        .set("group.id", format!("bench-{}", Uuid::new_v4()))
        .set("auto.offset.reset", "earliest")
        .set("enable.auto.commit", "false")
        .create()?;
    consumer.subscribe(&[topic])?;
    // As many as are there, so that none waits for the next; and in the order of their offsets.
    let batches = consumer.stream().ready_chunks(BATCH);
    let mut sent = pin!(batches.map(|records| send(client, records)).buffered(AT_A_TIME));
    let (mut ends, mut commits) = (HashMap::<i32, i64>::new(), interval(COMMIT));
    loop {
        tokio::select! {
            Some(batch) = sent.next() => ends.extend(batch?),
            _ = commits.tick(), if !ends.is_empty() => {
                let mut offsets = TopicPartitionList::new();
                for (partition, end) in ends.drain() {
                    offsets.add_partition_offset(topic, partition, Offset::Offset(end))?;
                }
                consumer.commit(&offsets, CommitMode::Async)?;
            }
            else => return Ok(()),
        }
    }
}

/// Sends records; gives where each partition goes on after them.
async fn send(client: &impl Client, records: Vec<KafkaResult<BorrowedMessage<'_>>>) -> Result<Vec<(i32, i64)>> {
    let records: Vec<_> = records.into_iter().collect::<KafkaResult<_>>()?;
    let messages: Vec<_> = records.iter().map(message).collect();
    client.send(&messages).await?;
    Ok(records.iter().map(|record| (record.partition(), record.offset() + 1)).collect())
}

/// Headers become attributes. Where these are more than a message takes, all of them go into its body.
fn message<'a>(record: &'a BorrowedMessage<'_>) -> Message<'a> {
    let attributes: Vec<_> = kafka::headers(record).map(|(name, value)| (name, Cow::from(value))).collect();
    let body = kafka::body(record);
    if attributes.len() <= event::MOST_ATTRIBUTES {
        return Message { attributes, body: body.into() };
    }
    let body = event::structured(kafka::headers(record), body);
    let attributes = vec![(ebm::domain::cloud_event::CONTENT_TYPE, event::STRUCTURED.into())];
    Message { attributes, body: body.into() }
}

/// Moves the messages of the queue to a topic.
pub async fn inbound(client: &impl Client, topic: &str, compression: &str) -> Result<()> {
    let producer: FutureProducer = kafka::config()?
        .set("acks", "all")
        .set("enable.idempotence", "true")
        .set("linger.ms", "5")
        .set("compression.type", compression)
        .create()?;
    try_join_all((0..AT_A_TIME).map(|_| carry(client, &producer, topic))).await?;
    Ok(())
}

/// One receiver: stores what it has received, deletes it, and receives again.
async fn carry(client: &impl Client, producer: &FutureProducer, topic: &str) -> Result<()> {
    loop {
        let received = client.receive().await?;
        let messages = received.messages()?;
        if messages.is_empty() {
            continue;
        }
        let stored: Vec<_> = messages.iter().map(|(_, message)| produce(producer, topic, message)).collect();
        for stored in stored {
            stored?.await?.map_err(|(error, _)| error)?;
        }
        let receipts: Vec<&str> = messages.iter().map(|(receipt, _)| &**receipt).collect();
        client.delete(&receipts).await?;
    }
}

/// Attributes become headers.
fn produce(producer: &FutureProducer, topic: &str, message: &Message<'_>) -> KafkaResult<DeliveryFuture> {
    let headers = message.attributes.iter().fold(OwnedHeaders::new(), |headers, (name, value)| {
        headers.insert(Header { key: name, value: Some(&**value) })
    });
    let record = FutureRecord::<(), str>::to(topic).headers(headers).payload(&*message.body);
    producer.send_result(record).map_err(|(error, _)| error)
}
