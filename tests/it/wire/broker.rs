//! The proxy in front of the real Kafka.

use std::{sync::Arc, time::Duration};

use futures::future::{join_all, poll_immediate};
use rdkafka::{
    ClientConfig, Offset, TopicPartitionList,
    consumer::{BaseConsumer, CommitMode, Consumer, StreamConsumer},
    error::{KafkaError, RDKafkaErrorCode},
    producer::FutureProducer,
};
use tokio::{task::spawn_blocking, time::timeout};
use uuid::Uuid;

use super::{ApiKey, Proxy, Way};
use crate::{
    oracle::{Event, Generator, Ledger, Topic, send},
    reconcile::within,
    support::kafka::{client, new_topic, servers},
};

const PATIENCE: Duration = Duration::from_mins(1);

fn proxy() -> Proxy {
    Proxy::before_kafka(&servers())
}

/// What a client needs that knows the proxy alone, and comes back soon when it is cut off.
fn by(proxy: &Proxy) -> ClientConfig {
    let mut config = client(&proxy.address().to_string());
    config.set("reconnect.backoff.ms", "20").set("reconnect.backoff.max.ms", "200");
    config
}

fn producer(proxy: &Proxy) -> FutureProducer {
    by(proxy).set("enable.idempotence", "true").create().unwrap()
}

/// A producer that soon gives up, so that what it could not send is not sent later.
fn hasty_producer(proxy: &Proxy) -> FutureProducer {
    by(proxy).set("message.timeout.ms", "2000").set("socket.timeout.ms", "1000").create().unwrap()
}

/// A member of a group, which reads a topic from its beginning.
fn member(proxy: &Proxy, group: &str, topic: &str) -> StreamConsumer {
    let consumer: StreamConsumer = by(proxy)
        .set("client.id", "member")
        .set("group.id", group)
        .set("enable.auto.commit", "false")
        .set("auto.offset.reset", "earliest")
        .set("heartbeat.interval.ms", "200")
        .create()
        .unwrap();
    consumer.subscribe(&[topic]).unwrap();
    consumer
}

fn list(topic: &str, offset: Offset) -> TopicPartitionList {
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, 0, offset).unwrap();
    list
}

/// What the coordinator itself says of how far a group has come in the first partition.
async fn committed(group: &str, topic: &str) -> Offset {
    let consumer: BaseConsumer = client(&servers()).set("group.id", group).create().unwrap();
    let asked = list(topic, Offset::Invalid);
    let answer = spawn_blocking(move || consumer.committed_offsets(asked, PATIENCE)).await.unwrap().unwrap();
    answer.elements()[0].offset()
}

fn group() -> String {
    format!("it.{}", Uuid::new_v4().simple())
}

#[tokio::test]
async fn clients_work_by_it_and_none_goes_round_it() {
    let (topic, proxy) = (new_topic(3).await, proxy());
    let events: Vec<_> = Generator::new("order.placed").take(300).collect();
    let mut ledger = Ledger::default();
    for event in &events {
        ledger.sent(event);
    }
    let producer = producer(&proxy);
    send(&producer, &topic, &events).await.unwrap();

    let consumer = member(&proxy, &group(), &topic);
    for _ in &events {
        let record = timeout(PATIENCE, consumer.recv()).await.expect("all come").unwrap();
        ledger.received(format_args!("consumer"), Event::from_record(&record));
    }
    ledger.assert_none_lost(0);
    ledger.assert_in_order();
    consumer.commit(&list(&topic, Offset::Offset(1)), CommitMode::Sync).unwrap();
    within(PATIENCE, "there are signs of life", async || proxy.requests(ApiKey::HEARTBEAT) > 0).await;

    let once = [ApiKey::PRODUCE, ApiKey::FETCH, ApiKey::METADATA, ApiKey::FIND_COORDINATOR, ApiKey::OFFSET_COMMIT];
    for api in once.into_iter().chain([ApiKey::JOIN_GROUP, ApiKey::SYNC_GROUP]) {
        assert!(proxy.requests(api) > 0, "{api:?} has not come by");
    }
    let bytes: usize = events.iter().filter_map(|event| event.data.as_ref().map(Vec::len)).sum();
    assert!(proxy.bytes(Way::ToServer) > bytes as u64 && proxy.bytes(Way::ToClient) > bytes as u64);
    let metadata = consumer.fetch_metadata(Some(&topic), PATIENCE).unwrap();
    let brokers: Vec<_> =
        metadata.brokers().iter().map(|broker| format!("{}:{}", broker.host(), broker.port())).collect();
    assert_eq!(brokers, [proxy.address().to_string()]);

    // Whoever knew another way would take it now.
    let hasty = hasty_producer(&proxy);
    send(&hasty, &topic, &events[..1]).await.unwrap();
    proxy.refuse(true);
    proxy.reset();
    let unsent = send(&hasty, &topic, &events[..1]).await;
    assert_eq!(unsent, Err(KafkaError::MessageProduction(RDKafkaErrorCode::MessageTimedOut)));
    proxy.refuse(false);
    within(PATIENCE, "it works again", async || send(&hasty, &topic, &events[..1]).await.is_ok()).await;
}

#[tokio::test]
async fn an_offset_that_is_held_is_not_committed_before_it_is_released() {
    let (topic, group, proxy) = (new_topic(1).await, group(), proxy());
    let events: Vec<_> = Generator::new("order.placed").take(10).collect();
    send(&producer(&proxy), &topic, &events).await.unwrap();
    let consumer = Arc::new(member(&proxy, &group, &topic));
    timeout(PATIENCE, consumer.recv()).await.expect("one comes").unwrap();

    let commit = |offset| {
        let (consumer, list) = (Arc::clone(&consumer), list(&topic, Offset::Offset(offset)));
        spawn_blocking(move || consumer.commit(&list, CommitMode::Sync))
    };
    let mut held = proxy.hold_request(ApiKey::OFFSET_COMMIT);
    let done = commit(7);
    let request = held.caught().await;
    assert_eq!((request.api, request.client.as_str()), (ApiKey::OFFSET_COMMIT, "member"));
    assert!(request.version > 0 && request.correlation > 0, "{request:?}");
    assert_eq!(committed(&group, &topic).await, Offset::Invalid);
    assert!(!done.is_finished());
    held.release();
    done.await.unwrap().unwrap();
    assert_eq!(committed(&group, &topic).await, Offset::Offset(7));

    // Forgotten, it is let go.
    drop(proxy.hold_request(ApiKey::OFFSET_COMMIT));
    commit(8).await.unwrap().unwrap();
    assert_eq!(committed(&group, &topic).await, Offset::Offset(8));
}

#[tokio::test]
async fn an_answer_that_is_held_or_lost_is_one_to_what_was_done() {
    let (name, proxy) = (new_topic(1).await, proxy());
    let (producer, mut generator) = (producer(&proxy), Generator::new("order.placed"));
    let (mut ledger, mut topic) = (Ledger::default(), Topic::open(&name));
    for is_lost in [false, true] {
        let event = generator.next().unwrap();
        ledger.sent(&event);
        let mut held = proxy.hold_answer(ApiKey::PRODUCE);
        let mut stored = producer.send_result(event.record(&name)).map_err(|(error, _)| error).unwrap();
        assert_eq!(held.caught().await.api, ApiKey::PRODUCE);
        ledger.received_from(&mut topic).await;
        ledger.assert_none_lost(0);
        assert!(poll_immediate(&mut stored).await.is_none(), "the producer has no answer yet");
        if is_lost {
            held.drop_connection();
        } else {
            held.release();
        }
        timeout(PATIENCE, stored).await.expect("it is answered").unwrap().unwrap();
    }
    // What was sent again after a lost answer was known by its number.
    ledger.received_from(&mut topic).await;
    assert_eq!(ledger.assert_none_lost(0).sent, 2);
}

#[tokio::test]
async fn in_a_black_hole_what_is_produced_times_out() {
    let (topic, proxy) = (new_topic(1).await, proxy());
    let (producer, events) = (hasty_producer(&proxy), Generator::new("order.placed").take(2).collect::<Vec<_>>());
    send(&producer, &topic, &events[..1]).await.unwrap();
    let connections = proxy.connections();
    proxy.blackhole(true);
    let lost = send(&producer, &topic, &events[1..]).await;
    assert_eq!(lost, Err(KafkaError::MessageProduction(RDKafkaErrorCode::MessageTimedOut)));
    proxy.blackhole(false);
    within(PATIENCE, "it works again", async || send(&producer, &topic, &events[1..]).await.is_ok()).await;
    assert!(proxy.connections() > connections, "it needed a new connection");
}

#[tokio::test]
async fn resets_cost_an_idempotent_producer_nothing() {
    let (name, proxy) = (new_topic(3).await, proxy());
    let (producer, mut generator) = (producer(&proxy), Generator::new("order.placed"));
    let mut ledger = Ledger::default();
    for _ in 0..10 {
        let events: Vec<_> = generator.by_ref().take(100).collect();
        for event in &events {
            ledger.sent(event);
        }
        let before = proxy.requests(ApiKey::PRODUCE);
        let queued = events.iter().map(|event| producer.send_result(event.record(&name)).map_err(|(error, _)| error));
        let queued: Vec<_> = queued.collect::<Result<_, _>>().unwrap();
        within(PATIENCE, "some of them are on their way", async || proxy.requests(ApiKey::PRODUCE) > before).await;
        proxy.reset();
        for stored in join_all(queued).await {
            stored.unwrap().unwrap();
        }
    }
    assert!(proxy.connections() >= 10, "each reset costs a connection, and there were {}", proxy.connections());
    ledger.received_from(&mut Topic::open(&name)).await;
    ledger.assert_none_lost(0);
    ledger.assert_in_order();
}
