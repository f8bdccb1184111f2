//! A bridge with one route between a topic and a queue, and all that may happen around it.

use std::{collections::BTreeMap, time::Duration};

use ebm::domain::ids::BridgeId;
use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    producer::FutureProducer,
};
use sqlx::{ConnectOptions, PgPool};
use tokio::time::{Instant, sleep, timeout};

use crate::{
    oracle::{Event, Generator, Ledger, Topic, send},
    process::{Bridge, Servers},
    reconcile::within,
    sqs::{Put, Sqs},
    support::{
        bridge,
        brokers::three_servers,
        kafka::{client, create_topic_on, servers, shared_by},
    },
    wire::Proxy,
};

/// How long anything may take.
pub const PATIENCE: Duration = Duration::from_mins(1);
/// Between two looks at how far all is.
const LOOK: Duration = Duration::from_millis(20);
/// The most events that a kill may make come twice, outbound and inbound.
pub const WINDOW: usize = 1_000;
pub const HELD: usize = 500;

/// The installation's account.
const ACCOUNT: &str = "123456789012";
/// The bridge's role.
pub const ROLE: &str = "arn:aws:iam::123456789012:role/ebm-bridge";
const PARTITIONS: i32 = 3;

/// Which way the route leads, and what kind of queue it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    Outbound(Kind),
    Inbound(Kind),
}

/// A kind of queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Standard,
    Fifo,
}

/// The bridge's row, its topic and its queue; no process yet.
pub struct Stage {
    pub pool: PgPool,
    pub sqs: Sqs,
    /// The way between bridges and Kafka.
    pub kafka: Proxy,
    /// Where bridges find a cluster that has no proxy before it.
    cluster: Option<String>,
    /// The way between bridges and Postgres.
    pub postgres: Proxy,
    /// The queue's address.
    pub queue: String,
    pub ledger: Ledger,
    pub bridge_id: BridgeId,
    route: Route,
    database: String,
    topic: String,
    /// How far the ledger has read the topic, of an inbound route.
    read: Option<Topic>,
    producer: FutureProducer,
    /// Looks at what the bridge's group has committed, and is no member of it.
    watcher: BaseConsumer,
    events: Generator,
}

impl Stage {
    pub async fn new(pool: PgPool, route: Route) -> Self {
        Self::at(pool, route, ACCOUNT).await
    }

    /// With a queue of this account.
    pub async fn at(pool: PgPool, route: Route, account: &str) -> Self {
        Self::with(pool, route, account, &servers(), 1).await
    }

    /// Over three brokers, each of which has all of the topic; no proxy is before them.
    pub async fn on_three_brokers(pool: PgPool, route: Route) -> Self {
        Self::with(pool, route, ACCOUNT, &three_servers(), 3).await
    }

    async fn with(pool: PgPool, route: Route, account: &str, servers: &str, replicas: i32) -> Self {
        let sqs = Sqs::start();
        let (direction, kind) = match route {
            Route::Outbound(kind) => ("outbound", kind),
            Route::Inbound(kind) => ("inbound", kind),
        };
        let queue = sqs.create(account, if kind == Kind::Fifo { "orders.fifo" } else { "orders" });
        let (id, topic) = bridge::insert(&pool, direction, &queue, ROLE).await;
        create_topic_on(servers, &topic, PARTITIONS, replicas).await;
        let mut database = pool.connect_options().to_url_lossy();
        let postgres = Proxy::before(format!("{}:{}", database.host_str().unwrap(), database.port().unwrap_or(5432)));
        database.set_host(Some("127.0.0.1")).unwrap();
        database.set_port(Some(postgres.address().port())).unwrap();
        Self {
            pool,
            kafka: Proxy::before_kafka(servers.split(',').next().unwrap()),
            cluster: (replicas > 1).then(|| servers.to_owned()),
            postgres,
            queue,
            ledger: Ledger::default(),
            bridge_id: id,
            route,
            database: database.to_string(),
            read: matches!(route, Route::Inbound(_)).then(|| Topic::open_on(servers, &topic)),
            topic: topic.to_string(),
            producer: client(servers).set("enable.idempotence", "true").create().unwrap(),
            watcher: client(servers).set("group.id", format!("ebm.bridge.{}", id.0)).create().unwrap(),
            events: Generator::new("order.placed"),
            sqs,
        }
    }

    /// A bridge process in a slot, whose lanes run.
    pub async fn bridge(&self, slot: &str) -> Bridge {
        let bridge = self.starting(slot).await;
        self.status("running").await;
        bridge
    }

    /// A bridge process in a slot.
    pub async fn starting(&self, slot: &str) -> Bridge {
        let kafka = self.cluster.clone().unwrap_or_else(|| self.kafka.address().to_string());
        let sqs = self.sqs.url();
        let servers = Servers { database: &self.database, kafka: &kafka, sqs: &sqs, sts: &sqs, key: Sqs::key() };
        Bridge::start(servers, slot).await
    }

    /// Waits until the bridge is said to be so, and gives the reason.
    pub async fn status(&self, wanted: &str) -> String {
        let mut row = (String::new(), String::new());
        within(PATIENCE, &format!("the bridge is {wanted}"), async || {
            row = sqlx::query_as("select status, status_reason from bridge").fetch_one(&self.pool).await.unwrap();
            row.0 == wanted
        })
        .await;
        row.1
    }

    /// Sends events, as their app or the owner of the queue does, and notes them.
    pub async fn send(&mut self, count: usize) {
        let events: Vec<_> = self.events.by_ref().take(count).collect();
        self.send_these(&events).await;
    }

    /// The same with events of one key, which lie in one partition or group.
    pub async fn send_of_one_key(&mut self, count: usize) {
        let mut events: Vec<_> = self.events.by_ref().take(count).collect();
        for event in &mut events {
            event.key = Some(b"one".to_vec());
            event.attributes.remove("partitionkey");
        }
        self.send_these(&events).await;
    }

    async fn send_these(&mut self, events: &[Event]) {
        for event in events {
            let mut sent = event.clone();
            // Of a queue without groups, an event has the key that it says itself, or none.
            if self.route == Route::Inbound(Kind::Standard) {
                sent.key = event.attributes.get("partitionkey").map(|key| key.as_bytes().to_vec());
            }
            self.ledger.sent(&sent);
        }
        let Route::Inbound(kind) = self.route else { return send(&self.producer, &self.topic, events).await.unwrap() };
        let put = |event: &Event| {
            let (attributes, body) = event.message();
            let key = String::from_utf8(event.key.clone().unwrap()).unwrap();
            Put { body, attributes, group: (kind == Kind::Fifo).then_some(key) }
        };
        self.sqs.put_many(&self.queue, events.iter().map(put).collect());
    }

    /// Produces a record that is no event.
    pub async fn send_poison(&self) {
        let poison =
            Event { key: Some(b"poison".to_vec()), attributes: BTreeMap::new(), data: Some(b"no event".into()) };
        send(&self.producer, &self.topic, &[poison]).await.unwrap();
    }

    /// Waits until so many messages were taken from bridges in all.
    pub async fn taken(&self, count: u64) {
        let mut taken = self.sqs.accepted_count();
        let enough = timeout(PATIENCE, taken.wait_for(|taken| *taken >= count)).await;
        assert!(enough.is_ok(), "{} taken and not {count}", *self.sqs.accepted_count().borrow());
    }

    /// Waits until the bridge has nothing left to do, and notes what came: all is committed, or the queue is empty.
    pub async fn settle(&mut self) {
        self.settle_within(PATIENCE).await;
    }

    /// The same where there is much to do.
    pub async fn settle_within(&mut self, limit: Duration) {
        let until = Instant::now() + limit;
        loop {
            let left = self.left();
            if left.is_empty() {
                break;
            }
            assert!(Instant::now() < until, "after {limit:?} something is left to do: {left}");
            sleep(LOOK).await;
        }
        match &mut self.read {
            Some(topic) => self.ledger.received_from(topic).await,
            None => self.note_taken(),
        }
    }

    /// Notes what has come by now, where the queue would keep it otherwise.
    pub fn note_what_came(&mut self) {
        if self.read.is_none() {
            self.note_taken();
        }
    }

    fn note_taken(&mut self) {
        let is_fifo = self.queue.strip_suffix(".fifo").is_some();
        let taken = self.sqs.take_accepted(&self.queue);
        self.ledger.received_by_queue(taken.iter().map(|taken| {
            let attributes = taken.attributes.iter().map(|(name, value)| (name.as_str(), value.text()));
            (attributes, taken.body.as_str(), taken.group.as_deref().filter(|_| is_fifo))
        }));
    }

    /// What is left to do, in words; empty where there is nothing.
    fn left(&self) -> String {
        if self.read.is_some() {
            let left = self.sqs.left(&self.queue);
            return if left.visible + left.in_flight + left.delayed == 0 { String::new() } else { format!("{left:?}") };
        }
        let (committed, ends) = (self.committed(), self.ends());
        if committed == ends { String::new() } else { format!("{committed:?} of {ends:?} are committed") }
    }

    /// Where the bridge's group has come to, by partition.
    pub fn committed(&self) -> Vec<i64> {
        let mut list = TopicPartitionList::new();
        for partition in 0..PARTITIONS {
            list.add_partition(&self.topic, partition);
        }
        let committed = self.watcher.committed_offsets(list, PATIENCE).unwrap();
        let offset = |element: &rdkafka::topic_partition_list::TopicPartitionListElem<'_>| match element.offset() {
            Offset::Offset(offset) => offset,
            _ => 0,
        };
        committed.elements().iter().map(offset).collect()
    }

    /// Waits until so many bridge processes read partitions of the topic, and no others are in the group.
    pub async fn shared_by(&self, count: usize) {
        shared_by(&format!("ebm.bridge.{}", self.bridge_id.0), &self.topic, count).await;
    }

    /// The same while events are sent without end.
    pub async fn send_until_shared_by(&mut self, count: usize) {
        let (group, topic) = (format!("ebm.bridge.{}", self.bridge_id.0), self.topic.clone());
        self.send_until(shared_by(&group, &topic, count)).await;
    }

    /// Sends events until something has come about.
    pub async fn send_until(&mut self, done: impl Future) {
        tokio::pin!(done);
        while timeout(LOOK, &mut done).await.is_err() {
            self.send(100).await;
        }
    }

    /// Waits until so many brokers have all of the topic.
    pub async fn is_on(&self, brokers: usize) {
        within(2 * PATIENCE, &format!("{brokers} brokers have all of the topic"), async || {
            let found = self.watcher.fetch_metadata(Some(&self.topic), PATIENCE).unwrap();
            found.topics()[0].partitions().iter().all(|partition| partition.isr().len() == brokers)
        })
        .await;
    }

    fn ends(&self) -> Vec<i64> {
        (0..PARTITIONS)
            .map(|partition| self.watcher.fetch_watermarks(&self.topic, partition, PATIENCE).unwrap().1)
            .collect()
    }

    pub async fn dead_letters(&self) -> i64 {
        sqlx::query_scalar("select count(*) from dead_letter").fetch_one(&self.pool).await.unwrap()
    }
}
