//! The broker: topics, what is written to them and what is read from them.

use std::{ops::Range, time::Duration};

use ebm::domain::{channel::topic_name, ids::ChannelId};
use futures::{StreamExt as _, TryStreamExt as _, future, stream};
use rdkafka::{
    ClientConfig, Message as _, Offset, TopicPartitionList,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    consumer::{Consumer as _, StreamConsumer},
    message::{BorrowedMessage, Header, Headers as _, OwnedHeaders},
    producer::{FutureProducer, FutureRecord},
    util::Timeout,
};
use tokio::time::{Instant, sleep_until, timeout};
use uuid::Uuid;

use crate::{
    Result, event, setting,
    tally::{Sums, Tally},
};

/// Partitions of each topic.
pub const PARTITIONS: i32 = 8;
/// The Space of all topics.
pub const SPACE: &str = "bench";
/// Keys of records.
const KEYS: u32 = 1_000;
/// How many records are on their way at a time.
const AHEAD: usize = 10_000;
/// How long the broker may take for anything.
const PATIENCE: Duration = Duration::from_mins(1);

/// What every client has in common: it is a super user, so that no contestant waits for rights.
pub fn config() -> Result<ClientConfig> {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", setting("BENCH_BROKER")?)
        .set("security.protocol", "SASL_PLAINTEXT")
        .set("sasl.mechanism", "SCRAM-SHA-512")
        .set("sasl.username", setting("BENCH_USERNAME")?)
        .set("sasl.password", setting("BENCH_PASSWORD")?);
    Ok(config)
}

/// A producer that waits so long for more records, in milliseconds.
pub fn producer(linger: &str) -> Result<FutureProducer> {
    Ok(config()?.set("acks", "all").set("linger.ms", linger).create()?)
}

fn admin() -> Result<AdminClient<DefaultClientContext>> {
    Ok(config()?.create()?)
}

/// A topic, named as EBM names that of a channel.
#[derive(Clone)]
pub struct Topic {
    /// The channel.
    pub channel: Uuid,
    /// Name.
    pub name: String,
}

impl Topic {
    /// Makes one with nothing in it.
    pub async fn create() -> Result<Self> {
        Self::create_many(1, PARTITIONS).await?.pop().ok_or_else(|| "no topic was made".into())
    }

    /// Makes many, of so many partitions each.
    pub async fn create_many(count: usize, partitions: i32) -> Result<Vec<Self>> {
        let space = SPACE.parse()?;
        let channels = (0..count).map(|_| Uuid::new_v4());
        let topics: Vec<_> =
            channels.map(|channel| Self { channel, name: topic_name(ChannelId(channel), &space) }).collect();
        let wanted: Vec<_> =
            topics.iter().map(|topic| NewTopic::new(&topic.name, partitions, TopicReplication::Fixed(1))).collect();
        for made in admin()?.create_topics(&wanted, &AdminOptions::new()).await? {
            made.map_err(|(topic, code)| format!("the topic {topic} was not made: {code}"))?;
        }
        Ok(topics)
    }

    /// Deletes it: there is not room for all that is written.
    pub async fn delete(self) -> Result<()> {
        Self::delete_many(&[self]).await
    }

    /// Deletes many.
    pub async fn delete_many(topics: &[Self]) -> Result<()> {
        let names: Vec<_> = topics.iter().map(|topic| topic.name.as_str()).collect();
        for gone in admin()?.delete_topics(&names, &AdminOptions::new()).await? {
            gone.map_err(|(topic, code)| format!("the topic {topic} was not deleted: {code}"))?;
        }
        Ok(())
    }

    /// Writes events, the next one so much later, or as soon as there is room where that is zero.
    pub async fn write(
        &self,
        producer: &FutureProducer,
        events: Range<u32>,
        attributes: usize,
        pace: Duration,
    ) -> Result<()> {
        let begun = Instant::now();
        let due = stream::iter((0_u32..).zip(events)).then(|(place, number)| async move {
            if !pace.is_zero() {
                sleep_until(begun + pace * place).await;
            }
            number
        });
        let stored = due.map(|number| store(producer, &self.name, number, attributes)).buffer_unordered(AHEAD);
        stored.try_for_each(|()| future::ready(Ok(()))).await
    }

    /// Reads all that is in it, and counts it.
    pub async fn count(&self, events: u32, attributes: usize) -> Result<Sums> {
        let consumer = self.reader()?;
        let mut tally = Tally::new(events, attributes);
        for partition in 0..PARTITIONS {
            let (first, end) = consumer.fetch_watermarks(&self.name, partition, PATIENCE)?;
            for _ in first..end {
                tally.add(read(&timeout(PATIENCE, consumer.recv()).await??));
            }
        }
        Ok(tally.sums())
    }

    /// Reads so many records as they come. Gives how long those from the event `warm` on took from being made, in
    /// microseconds.
    pub async fn listen(&self, records: u32, warm: u32) -> Result<Vec<u32>> {
        let consumer = self.reader()?;
        let mut latencies = Vec::new();
        for _ in 0..records {
            let record = consumer.recv().await?;
            let now = event::now();
            let Some((number, _)) = read(&record) else { continue };
            if let Some(made) = event::made_at(body(&record)).filter(|_| number >= warm) {
                latencies.push(u32::try_from(now.saturating_sub(made)).unwrap_or(u32::MAX));
            }
        }
        Ok(latencies)
    }

    /// A consumer of all partitions from their beginning on.
    fn reader(&self) -> Result<StreamConsumer> {
        let consumer: StreamConsumer =
            config()?.set("group.id", "reader").set("enable.auto.commit", "false").create()?;
        let mut all = TopicPartitionList::new();
        for partition in 0..PARTITIONS {
            all.add_partition_offset(&self.name, partition, Offset::Beginning)?;
        }
        consumer.assign(&all)?;
        Ok(consumer)
    }
}

async fn store(producer: &FutureProducer, topic: &str, number: u32, attributes: usize) -> Result<()> {
    let headers = event::attributes(number, attributes)
        .fold(OwnedHeaders::new(), |headers, (name, value)| headers.insert(Header { key: name, value: Some(&*value) }));
    let (key, data) = (format!("k{}", number % KEYS), event::data(number, event::now()));
    let record = FutureRecord::to(topic).key(&key).payload(&data).headers(headers);
    producer.send(record, Timeout::Never).await.map_err(|(error, _)| error)?;
    Ok(())
}

/// The attributes of a record that are texts.
pub fn headers<'a>(record: &'a BorrowedMessage<'_>) -> impl Iterator<Item = (&'a str, &'a str)> {
    let headers = record.headers().map(|headers| headers.iter()).into_iter().flatten();
    headers.filter_map(|header| Some((header.key, str::from_utf8(header.value?).ok()?)))
}

/// The data of a record, where it is a text.
pub fn body<'a>(record: &'a BorrowedMessage<'_>) -> &'a str {
    record.payload().and_then(|data| str::from_utf8(data).ok()).unwrap_or_default()
}

fn read(record: &BorrowedMessage<'_>) -> Option<(u32, usize)> {
    event::read(headers(record), body(record))
}
