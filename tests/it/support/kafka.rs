//! The real Kafka of the tests as a super user reaches it: past the product.

use std::time::Duration;

use rdkafka::{
    ClientConfig,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    consumer::{BaseConsumer, Consumer},
};
use uuid::Uuid;

use crate::reconcile::within;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// What the development servers say of themselves.
pub fn variable(name: &str) -> String {
    std::env::var(name)
        .unwrap_or_else(|_| panic!("{name} is not set: run the tests by dev/test, which starts the servers"))
}

/// `host:port` of the broker that the tests share.
pub fn servers() -> String {
    variable("EBM_KAFKA__BOOTSTRAP_SERVERS")
}

/// What every client needs that comes to Kafka by these servers.
pub fn client(servers: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", servers)
        .set("security.protocol", "SASL_PLAINTEXT")
        .set("sasl.mechanism", "SCRAM-SHA-512")
        .set("sasl.username", variable("KAFKA_ADMIN_USER"))
        .set("sasl.password", variable("KAFKA_ADMIN_PASSWORD"));
    config
}

/// A client that administers.
pub fn admin() -> AdminClient<DefaultClientContext> {
    client(&servers()).create().unwrap()
}

/// Creates a topic.
pub async fn create_topic(name: &str, partitions: i32) {
    create_topic_on(&servers(), name, partitions, 1).await;
}

/// Creates a topic with so many replicas.
pub async fn create_topic_on(servers: &str, name: &str, partitions: i32, replicas: i32) {
    let topic = NewTopic::new(name, partitions, TopicReplication::Fixed(replicas));
    let admin: AdminClient<DefaultClientContext> = client(servers).create().unwrap();
    let made = admin.create_topics([&topic], &AdminOptions::new()).await.unwrap();
    assert!(made.iter().all(Result::is_ok), "{made:?}");
}

/// Creates a topic under a name that nobody else has, and gives the name.
pub async fn new_topic(partitions: i32) -> String {
    let name = format!("it.{}", Uuid::new_v4().simple());
    create_topic(&name, partitions).await;
    name
}

/// Waits until nobody is in a group.
pub async fn is_empty(group: &str) {
    let watcher: BaseConsumer = client(&servers()).create().unwrap();
    within(PATIENCE, &format!("nobody is in {group}"), async || {
        let groups = watcher.fetch_group_list(Some(group), PATIENCE).unwrap();
        groups.groups().iter().all(|group| group.members().is_empty())
    })
    .await;
}

/// Waits until so many members of a group read partitions of a topic, and there are no others in it.
pub async fn shared_by(group: &str, topic: &str, count: usize) {
    let watcher: BaseConsumer = client(&servers()).create().unwrap();
    within(PATIENCE, &format!("{count} share the topic"), async || {
        let groups = watcher.fetch_group_list(Some(group), PATIENCE).unwrap();
        let reads = |bytes: Option<&[u8]>| {
            bytes.is_some_and(|bytes| bytes.windows(topic.len()).any(|part| part == topic.as_bytes()))
        };
        groups.groups().iter().any(|group| {
            group.state() == "Stable"
                && group.members().len() == count
                && group.members().iter().all(|member| reads(member.assignment()))
        })
    })
    .await;
}
