//! A producer that acknowledges only what every in-sync replica has stored.
//!
//! Refuses to say what became of a record after an unknown outcome: make a new producer then, so that no old attempt
//! comes after a new one.

use std::{sync::Arc, time::Duration};

use rdkafka::{
    ClientContext,
    config::RDKafkaLogLevel,
    error::{KafkaError, RDKafkaErrorCode as Code},
    message::{Header as KafkaHeader, OwnedHeaders},
    producer::{FutureProducer, FutureRecord},
};

use super::{
    Error, Settings,
    context::{Reason, log},
};
use crate::domain::cloud_event::Header;

/// How long a record may take to be stored, tries included.
const DELIVERY: Duration = Duration::from_secs(30);

/// A producer. Clones share it.
#[derive(Clone)]
pub struct Producer {
    inner: FutureProducer<Speaker>,
    reason: Arc<Reason>,
}

struct Speaker {
    reason: Arc<Reason>,
}

impl ClientContext for Speaker {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.reason.keep(&error, reason);
    }
}

/// Why a record is not known to be stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsent {
    /// Larger than the topic takes; of a record that was sent with others, the batch may be what is too large.
    #[error("the record is larger than the topic takes")]
    TooLarge,
    /// Not sent: too many bytes are on their way already.
    #[error("too much is on its way to Kafka")]
    Full,
    /// Not stored, or not known to be; a new producer is needed before it is tried again.
    #[error(transparent)]
    Failed(#[from] Error),
}

impl Producer {
    /// A producer; nothing is connected yet.
    pub fn new(settings: &Settings) -> Result<Self, Error> {
        Self::with_batches(settings, 10_000)
    }

    /// A producer that sends each record alone: brokers judge the size of a batch, and refuse a small record with it.
    pub fn one_by_one(settings: &Settings) -> Result<Self, Error> {
        Self::with_batches(settings, 1)
    }

    fn with_batches(settings: &Settings, records: u16) -> Result<Self, Error> {
        let mut config = settings.client();
        config
            .set("acks", "all")
            .set("enable.idempotence", "true")
            // Places keys as the Java clients do.
            .set("partitioner", "murmur2_random")
            .set("message.timeout.ms", DELIVERY.as_millis().to_string())
            .set("queue.buffering.max.messages", "5000")
            .set("queue.buffering.max.kbytes", "16384")
            .set("linger.ms", "5")
            .set("batch.num.messages", records.to_string())
            .set("compression.type", settings.compression)
            .set("message.max.bytes", "8388608")
            .set("topic.metadata.refresh.interval.ms", "30000")
            .set("allow.auto.create.topics", "false");
        let reason = Arc::new(Reason::default());
        let inner = config.create_with_context(Speaker { reason: reason.clone() }).map_err(|e| Error::new(&e, None))?;
        Ok(Self { inner, reason })
    }

    /// Sends a record; done when it is stored. Records of one key that are sent one after the other, without waiting,
    /// are stored in this order.
    ///
    /// # Errors
    /// [`Unsent`].
    pub fn send(
        &self,
        topic: &Arc<str>,
        key: Option<&[u8]>,
        headers: &[Header],
        value: Option<&[u8]>,
    ) -> impl Future<Output = Result<(), Unsent>> + Send + use<> {
        let owned = headers.iter().fold(OwnedHeaders::new_with_capacity(headers.len()), |owned, (name, value)| {
            owned.insert(KafkaHeader { key: name, value: value.as_deref() })
        });
        let mut record = FutureRecord::<[u8], [u8]>::to(topic).headers(owned);
        record.key = key;
        record.payload = value;
        let (queued, reason) = (self.inner.send_result(record), self.reason.clone());
        let queued = queued.map_err(|(error, _)| error);
        async move {
            let explain = |error: &KafkaError| match error.rdkafka_error_code() {
                Some(Code::MessageSizeTooLarge | Code::InvalidMessageSize) => Unsent::TooLarge,
                Some(Code::QueueFull) => Unsent::Full,
                _ => Unsent::Failed(reason.explain(error)),
            };
            let delivery = queued.map_err(|error| explain(&error))?;
            match delivery.await {
                Ok(Ok(_)) => Ok(()),
                Ok(Err((error, _))) => Err(explain(&error)),
                Err(_) => Err(Unsent::Failed(Error::Unreachable("the producer was closed".into()))),
            }
        }
    }
}
