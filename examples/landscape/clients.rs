//! The apps as they come to Kafka: each environment produces and consumes with its own credentials.

use std::time::Duration;

use futures::future::join_all;
use rdkafka::{
    ClientConfig,
    consumer::{Consumer as _, StreamConsumer},
    message::{Header, OwnedHeaders},
    producer::{FutureProducer, FutureRecord},
};
use tokio::time::{Instant, sleep};

use super::{
    Result, contracts,
    contracts::below,
    kept::{self, Login, Topic},
    queues::Queues,
};

/// How long a record may take.
const SEND: Duration = Duration::from_secs(20);
/// How often an app says that it lives.
const ALIVE: Duration = Duration::from_secs(30);
/// How long to wait after something went wrong.
const AGAIN: Duration = Duration::from_secs(5);

/// An environment's client.
pub struct Client {
    login: Login,
    producer: FutureProducer,
}

fn config(login: &Login) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", &login.bootstrap_servers)
        .set("security.protocol", login.security_protocol.to_lowercase())
        .set("sasl.mechanism", "SCRAM-SHA-512")
        .set("sasl.username", &login.username)
        .set("sasl.password", &login.password);
    config
}

impl Client {
    /// A client that connects when it is used.
    pub fn new(login: &Login) -> Result<Self> {
        let producer = config(login).set("acks", "all").set("compression.type", "gzip").create()?;
        Ok(Self { login: login.clone(), producer })
    }

    /// Says that the app lives.
    pub async fn say_alive(&self) -> Result<()> {
        let record = FutureRecord::<str, str>::to(&self.login.heartbeat_topic).payload("{}");
        self.producer.send(record, SEND).await.map_err(|(error, _)| error)?;
        Ok(())
    }

    /// Publishes an event as its contract describes it.
    pub async fn publish(&self, topic: &Topic) -> Result<()> {
        let payload = contracts::payload(&topic.service, &topic.event)?;
        let id = uuid::Uuid::now_v7().to_string();
        let now = time::OffsetDateTime::now_utc().format(&time::format_description::well_known::Rfc3339)?;
        let source = format!("/{}", self.login.username.replace('.', "/"));
        let subject = payload.as_object().and_then(|members| members.values().find_map(|value| value.as_str()));
        let attributes = [
            ("ce_id", id.as_str()),
            ("ce_source", &source),
            ("ce_specversion", "1.0"),
            ("ce_type", &topic.event),
            ("ce_time", &now),
            ("ce_subject", subject.unwrap_or(&id)),
            ("content-type", "application/json"),
        ];
        let headers = attributes
            .iter()
            .fold(OwnedHeaders::new(), |headers, (key, value)| headers.insert(Header { key, value: Some(*value) }));
        let body = payload.to_string();
        let record = FutureRecord::to(&topic.name).key(subject.unwrap_or(&id)).payload(&body).headers(headers);
        self.producer.send(record, SEND).await.map_err(|(error, _)| error)?;
        Ok(())
    }

    /// Publishes at the pace of its stage, for ever.
    async fn produce(&self) -> Result<()> {
        let topics: Vec<_> = self.login.topics.iter().filter(|topic| topic.access == "publish").collect();
        let mut alive = Instant::now();
        loop {
            if alive <= Instant::now() {
                self.say_alive().await?;
                alive += ALIVE;
            }
            if let Some(topic) = topics.get(below(topics.len())) {
                self.publish(topic).await?;
            }
            sleep(pause(&self.login.space)).await;
        }
    }

    /// Reads what it subscribes to, for ever.
    async fn consume(&self) -> Result<()> {
        let mut topics: Vec<_> =
            self.login.topics.iter().filter(|t| t.access == "subscribe").map(|t| &*t.name).collect();
        topics.sort_unstable();
        topics.dedup();
        if topics.is_empty() {
            return std::future::pending().await;
        }
        let group = format!("{}main", self.login.group_prefix);
        let consumer: StreamConsumer =
            config(&self.login).set("group.id", group).set("auto.offset.reset", "earliest").create()?;
        consumer.subscribe(&topics)?;
        loop {
            consumer.recv().await?;
        }
    }
}

/// Between two events of an environment.
fn pause(space: &str) -> Duration {
    let most = match space {
        "production" => 1_500,
        "acceptance" => 8_000,
        _ => 45_000,
    };
    Duration::from_millis(u64::try_from(most / 3 + below(most)).unwrap_or(1_000))
}

/// Lets all apps work until the process is ended.
pub async fn flow() -> Result<()> {
    let kept = kept::load()?.ok_or("make the landscape first")?;
    let clients = kept.logins.iter().map(Client::new).collect::<Result<Vec<_>>>()?;
    let queues = Queues::from_settings().await?;
    tokio::join!(
        join_all(clients.iter().map(|client| for_ever(&client.login.username, || client.produce()))),
        join_all(clients.iter().map(|client| for_ever(&client.login.username, || client.consume()))),
        for_ever("partners", || queues.answer()),
        for_ever("group ledger", || queues.drain()),
    );
    Ok(())
}

/// Says what goes wrong, and goes on: access may have been taken away in the console, to be seen.
async fn for_ever(who: &str, work: impl AsyncFn() -> Result<()>) {
    loop {
        if let Err(error) = work().await {
            eprintln!("{who}: {error}");
        }
        sleep(AGAIN).await;
    }
}
