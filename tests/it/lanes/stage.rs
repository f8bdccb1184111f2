//! A bridge on real servers: Postgres with its rows, Kafka with its topic, and a scripted queue.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use ebm::{
    bridge::{Means, Worker},
    domain::{
        channel::topic_name,
        cloud_event::{Event, Header},
        ids::{BridgeId, ChannelId},
    },
    kafka::stream::{Security, Settings, producer::Producer},
    secrets::Vault,
};
use rdkafka::{
    Offset, TopicPartitionList,
    admin::AdminOptions,
    consumer::{Consumer, StreamConsumer},
    message::{Headers as _, Message as _, OwnedMessage},
};
use sqlx::{PgPool, postgres::PgPoolOptions};
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::script::{Script, Taken};
use crate::{
    reconcile::within,
    support::{
        bridge,
        kafka::{admin, client, create_topic, servers, variable},
    },
    wire::Proxy,
};

pub const QUEUE: &str = "https://sqs.eu-central-1.amazonaws.com/123456789012/orders";
pub const FIFO: &str = "https://sqs.eu-central-1.amazonaws.com/123456789012/orders.fifo";
pub const OTHER: &str = "https://sqs.eu-central-1.amazonaws.com/123456789012/others";
pub const PARTITIONS: i32 = 3;
/// The most events that a kill may make twice.
pub const WINDOW: usize = 1_000;
const PATIENCE: Duration = Duration::from_mins(1);

fn settings() -> Settings {
    Settings {
        bootstrap_servers: servers(),
        security: Security::SaslPlaintext,
        username: variable("KAFKA_ADMIN_USER"),
        password: variable("KAFKA_ADMIN_PASSWORD").into(),
        ca_file: None,
        compression: "lz4",
    }
}

pub fn vault() -> Vault {
    Vault::new(&"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".to_owned().into()).unwrap()
}

/// A bridge, its topic and its queue.
pub struct Stage {
    pub pool: PgPool,
    pub script: Script,
    pub bridge: BridgeId,
    pub topic: Arc<str>,
    pub producer: Producer,
    /// What was produced, by id: the body.
    pub sent: BTreeMap<String, Option<Vec<u8>>>,
    seq: HashMap<String, usize>,
    /// For how long there is nothing to move before workers hibernate.
    pub rest: Duration,
}

impl Stage {
    /// A bridge with one outbound route to `queue`, wanted to run, and its topic.
    pub async fn new(pool: PgPool, queue: &str) -> Self {
        let stage = Self::without_topic(pool, queue).await;
        stage.create_topic().await;
        stage
    }

    /// A bridge with one inbound route from `queue`, wanted to run, and its topic.
    pub async fn inbound(pool: PgPool, queue: &str) -> Self {
        let stage = Self::without_topic(pool, queue).await;
        sqlx::query("update route set direction = 'inbound'").execute(&stage.pool).await.unwrap();
        stage.create_topic().await;
        stage
    }

    /// All records of the topic, in the order of each partition.
    pub async fn records(&self, count: usize) -> Vec<OwnedMessage> {
        let consumer: StreamConsumer =
            client(&servers()).set("group.id", "oracle").set("enable.auto.commit", "false").create().unwrap();
        let mut list = TopicPartitionList::new();
        for partition in 0..PARTITIONS {
            list.add_partition_offset(&self.topic, partition, Offset::Beginning).unwrap();
        }
        consumer.assign(&list).unwrap();
        let mut records = Vec::new();
        while records.len() < count {
            let next = timeout(PATIENCE, consumer.recv()).await;
            records
                .push(next.unwrap_or_else(|_| panic!("{} records and not {count}", records.len())).unwrap().detach());
        }
        // What comes beyond shows soon: the ends are where the records end.
        let ends: i64 = (0..PARTITIONS).map(|p| consumer.fetch_watermarks(&self.topic, p, PATIENCE).unwrap().1).sum();
        while i64::try_from(records.len()).unwrap() < ends {
            records.push(consumer.recv().await.unwrap().detach());
        }
        records
    }

    pub async fn without_topic(pool: PgPool, queue: &str) -> Self {
        let (bridge, topic) = bridge::insert(&pool, "outbound", queue, "arn:role").await;
        Self {
            pool,
            script: Script::new(),
            bridge,
            topic,
            producer: Producer::new(&settings()).unwrap(),
            sent: BTreeMap::new(),
            seq: HashMap::new(),
            rest: Duration::from_mins(10),
        }
    }

    pub async fn create_topic(&self) {
        create_topic(&self.topic, PARTITIONS).await;
    }

    /// Deletes the topic; done when Kafka has forgotten it.
    pub async fn delete_topic(&self) {
        self.delete_topic_named(&self.topic).await;
    }

    /// The same of another channel's.
    pub async fn delete_topic_named(&self, name: &str) {
        admin().delete_topics(&[name], &AdminOptions::new()).await.unwrap()[0].as_ref().unwrap();
        let watcher: StreamConsumer = client(&servers()).set("group.id", "oracle").create().unwrap();
        within(PATIENCE, "the topic is gone", async || {
            let found = watcher.fetch_metadata(Some(name), PATIENCE).unwrap();
            found.topics()[0].error().is_some()
        })
        .await;
    }

    /// A channel of the same service whose topic does not exist, and the topic's name.
    pub async fn channel_without_topic(&self) -> (Uuid, String) {
        let id = Uuid::new_v4();
        sqlx::query(
            "insert into channel (id, service_id, address) select $1, service_id, 'later' from channel limit 1",
        )
        .bind(id)
        .execute(&self.pool)
        .await
        .unwrap();
        let space: String = sqlx::query_scalar("select name from space").fetch_one(&self.pool).await.unwrap();
        (id, topic_name(ChannelId(id), &space.parse().unwrap()))
    }

    /// Where the route of these events has begun, per partition.
    pub async fn begins(&self, kind: &str) -> BTreeMap<i32, i64> {
        let starts: sqlx::types::Json<BTreeMap<i32, i64>> = sqlx::query_scalar(
            "select r.start_offsets from route r join event e on e.id = r.event_id where e.name = $1",
        )
        .bind(kind)
        .fetch_one(&self.pool)
        .await
        .unwrap();
        starts.0
    }

    /// Lets Kafka forget how far the bridge has come; done when nobody is in its group any more.
    pub async fn forget_group(&self) {
        let group = format!("ebm.bridge.{}", self.bridge.0);
        within(PATIENCE, "the group is deleted", async || {
            let deleted = admin().delete_groups(&[&group], &AdminOptions::new()).await.unwrap();
            deleted[0].is_ok()
        })
        .await;
    }

    /// Deletes all records of a partition before `offset`, as retention does.
    pub async fn delete_records(&self, partition: i32, offset: i64) {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&self.topic, partition, Offset::Offset(offset)).unwrap();
        admin().delete_records(&list, &AdminOptions::new()).await.unwrap();
    }

    /// A worker in a slot.
    pub fn worker(&self, slot: &str) -> Running {
        self.worker_with(self.pool.clone(), vault(), slot)
    }

    /// A worker with this key.
    pub fn worker_with_key(&self, vault: Vault, slot: &str) -> Running {
        self.worker_with(self.pool.clone(), vault, slot)
    }

    fn worker_with(&self, pool: PgPool, vault: Vault, slot: &str) -> Running {
        let shutdown = CancellationToken::new();
        let queues = Arc::new(self.script.clone());
        let means = Means::new(pool, vault, settings(), self.rest).unwrap();
        let worker = Worker::with_queues(means, queues, slot.into());
        Running { task: tokio::spawn(worker.run(shutdown.clone())), shutdown }
    }

    /// A way to Postgres that can be cut.
    pub fn way_to_postgres(&self) -> Proxy {
        let options = self.pool.connect_options();
        Proxy::before(format!("{}:{}", options.get_host(), options.get_port()))
    }

    /// A worker that comes to Postgres by this way alone.
    pub async fn worker_over(&self, way: &Proxy, slot: &str) -> Running {
        let options = (*self.pool.connect_options()).clone().host("127.0.0.1").port(way.address().port());
        let pool =
            PgPoolOptions::new().max_connections(4).acquire_timeout(Duration::from_secs(2)).connect_with(options);
        self.worker_with(pool.await.unwrap(), vault(), slot)
    }

    /// Produces events of the route's type: `seq` counts per key, and the body holds it.
    pub async fn produce(&mut self, count: usize) {
        let events: Vec<_> = (0..count).map(|_| self.next_event()).collect();
        self.send(&events).await;
    }

    /// The same, all of them of one key.
    pub async fn produce_of_one_key(&mut self, count: usize) {
        let events: Vec<_> = (0..count).map(|_| self.next_event_of("one".into())).collect();
        self.send(&events).await;
    }

    fn next_event(&mut self) -> (String, Vec<Header>, Vec<u8>) {
        self.next_event_of(format!("k{}", self.sent.len() % 50))
    }

    fn next_event_of(&mut self, key: String) -> (String, Vec<Header>, Vec<u8>) {
        let number = self.sent.len();
        let seq = self.seq.entry(key.clone()).or_default();
        *seq += 1;
        let body = format!("{{\"key\":\"{key}\",\"seq\":{seq},\"n\":{number}.00}}").into_bytes();
        let id = format!("e{number}");
        self.sent.insert(id.clone(), Some(body.clone()));
        (key, headers(&id, "order.placed"), body)
    }

    async fn send(&self, events: &[(String, Vec<Header>, Vec<u8>)]) {
        let send = |(key, headers, body): &(String, Vec<Header>, Vec<u8>)| {
            self.producer.send(&self.topic, Some(key.as_bytes()), headers, Some(body))
        };
        for sent in futures::future::join_all(events.iter().map(send)).await {
            sent.unwrap();
        }
    }

    /// Produces a record as it is given.
    pub async fn produce_raw(&self, headers: &[Header], value: Option<&[u8]>) {
        self.producer.send(&self.topic, Some(b"raw"), headers, value).await.unwrap();
    }

    /// Produces so many events `order.cancelled` over all partitions; their ids are this name and a number.
    pub async fn produce_cancelled(&self, name: &str, count: usize) {
        for number in 0..count {
            let (key, headers) = (format!("k{number}"), headers(&format!("{name}{number}"), "order.cancelled"));
            self.producer.send(&self.topic, Some(key.as_bytes()), &headers, Some(b"{}")).await.unwrap();
        }
    }

    /// Waits for a status, and gives its reason.
    pub async fn status(&self, wanted: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let row: (String, String, serde_json::Value) =
                sqlx::query_as("select status, status_reason, steps from bridge where id = $1")
                    .bind(self.bridge.0)
                    .fetch_one(&self.pool)
                    .await
                    .unwrap();
            if row.0 == wanted {
                return row.1;
            }
            assert!(Instant::now() < deadline, "the bridge is {row:?} and not {wanted}");
            sleep(Duration::from_millis(50)).await;
        }
    }

    pub async fn desire(&self, desired: &'static str) {
        sqlx::query("update bridge set desired = $2, version = version + 1 where id = $1")
            .bind(self.bridge.0)
            .bind(desired)
            .execute(&self.pool)
            .await
            .unwrap();
        sqlx::query("select pg_notify('ebm_bridge', '')").execute(&self.pool).await.unwrap();
    }

    /// Decides that the bridge goes on without the events that are gone.
    pub async fn go_on(&self) {
        let mut db = self.pool.acquire().await.unwrap();
        ebm::store::bridges::go_on(&mut db, self.bridge).await.unwrap();
        sqlx::query("select pg_notify('ebm_bridge', '')").execute(&mut *db).await.unwrap();
    }

    /// Sets the event aside that the bridge is halted by.
    pub async fn set_aside(&self) {
        let mut db = self.pool.acquire().await.unwrap();
        let bridge = ebm::store::bridges::find(&mut db, self.bridge).await.unwrap().unwrap();
        ebm::store::bridges::set_aside(&mut db, self.bridge, &bridge.stuck.unwrap(), &bridge.status_reason)
            .await
            .unwrap();
        sqlx::query("select pg_notify('ebm_bridge', '')").execute(&mut *db).await.unwrap();
    }

    /// Waits until a number from the database is as wanted.
    pub async fn number(&self, sql: &'static str, wanted: i64) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let found: i64 = sqlx::query_scalar(sql).bind(self.bridge.0).fetch_one(&self.pool).await.unwrap();
            if found == wanted {
                return;
            }
            assert!(Instant::now() < deadline, "{found} and not {wanted}: {sql}");
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until so many messages were taken in all.
    pub async fn taken(&self, count: usize) {
        let mut taken = self.script.count();
        let enough = timeout(PATIENCE, taken.wait_for(|taken| *taken >= count)).await;
        assert!(enough.is_ok(), "{} taken and not {count}", self.script.taken().len());
    }

    /// Waits until everything that was produced was taken; then gives how many came more than once.
    ///
    /// Fails when one is missing or not byte for byte the same.
    pub async fn all_arrived(&self) -> usize {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let taken = self.script.taken();
            let ids: HashMap<String, usize> = taken.iter().fold(HashMap::new(), |mut ids, taken| {
                *ids.entry(id(taken)).or_default() += 1;
                ids
            });
            let missing: Vec<_> = self.sent.keys().filter(|id| !ids.contains_key(*id)).collect();
            if missing.is_empty() {
                for taken in &taken {
                    let body = &self.sent[&id(taken)];
                    let event = Event::from_queue(taken.message.clone()).unwrap();
                    assert_eq!(sha256(event.data()), sha256(body.as_deref()), "{}", id(taken));
                }
                return taken.len() - self.sent.len();
            }
            assert!(Instant::now() < deadline, "{} are missing, among them {:?}", missing.len(), missing[0]);
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// The first deliveries of each key are in the order of their production.
    pub fn in_order(&self) {
        let mut last: HashMap<String, i64> = HashMap::new();
        let mut seen = std::collections::HashSet::new();
        for taken in self.script.taken() {
            if !seen.insert(id(&taken)) {
                continue;
            }
            let body: serde_json::Value = serde_json::from_str(&taken.message.body).unwrap();
            let (key, seq) = (body["key"].as_str().unwrap().to_owned(), body["seq"].as_i64().unwrap());
            assert_eq!(taken.group.as_ref(), Some(&key));
            let before = last.insert(key.clone(), seq).unwrap_or(0);
            assert_eq!(before + 1, seq, "{key} is out of order");
        }
    }
}

pub fn headers(id: &str, kind: &str) -> Vec<Header> {
    let pairs = [("ce_id", id), ("ce_source", "/shop"), ("ce_specversion", "1.0"), ("ce_type", kind)];
    let all = pairs.into_iter().chain([("content-type", "application/json")]);
    all.map(|(name, value)| (name.to_owned(), Some(value.as_bytes().to_vec()))).collect()
}

/// The headers of a record.
pub fn read_headers(record: &OwnedMessage) -> Vec<Header> {
    let headers = record.headers().into_iter().flat_map(|headers| headers.iter());
    headers.map(|header| (header.key.to_owned(), header.value.map(<[u8]>::to_vec))).collect()
}

pub fn id(taken: &Taken) -> String {
    Event::from_queue(taken.message.clone()).unwrap().attribute("id").unwrap().to_owned()
}

fn sha256(bytes: Option<&[u8]>) -> Option<Vec<u8>> {
    bytes.map(|bytes| aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes).as_ref().to_vec())
}

/// A worker that runs.
pub struct Running {
    shutdown: CancellationToken,
    task: JoinHandle<()>,
}

impl Running {
    /// Ends it as SIGTERM does.
    pub async fn end(mut self) {
        self.shutdown.cancel();
        timeout(Duration::from_secs(20), &mut self.task).await.expect("a soft end takes seconds").unwrap();
    }

    /// Ends it at once, as a kill does: nothing is finished, nothing is committed.
    pub async fn kill(mut self) {
        self.task.abort();
        let _ = (&mut self.task).await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}
