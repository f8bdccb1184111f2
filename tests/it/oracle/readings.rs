//! What is generated is of all kinds, and is read from both sides as it was written.

use std::collections::HashSet;

use ebm::domain::cloud_event::{self, Message};
use rdkafka::{
    message::{Header, Headers, OwnedHeaders, OwnedMessage, Timestamp},
    producer::FutureProducer,
};

use super::{
    Event, Generator, Ledger, Topic,
    generator::{KEYS, MOST},
    send,
};
use crate::support::kafka::{client, new_topic, servers};

const EVENTS: usize = 5_000;

fn events() -> impl Iterator<Item = Event> {
    Generator::with_seed("order.placed", 7).take(EVENTS)
}

/// A record as it lies in a topic.
fn record(key: Option<&[u8]>, headers: OwnedHeaders, data: Option<&[u8]>) -> OwnedMessage {
    let [key, data] = [key, data].map(|bytes| bytes.map(<[u8]>::to_vec));
    OwnedMessage::new(data, key, "orders".to_owned(), Timestamp::NotAvailable, 0, 0, Some(headers))
}

fn headers(event: &Event) -> OwnedHeaders {
    event.record("orders").headers.unwrap()
}

/// A message as it is read.
fn received(attributes: &[(String, String)], body: &str, group: Option<&str>) -> Event {
    let attributes = attributes.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    Event::from_message(attributes, body, group).unwrap()
}

fn without_empty(mut event: Event) -> Event {
    event.attributes.retain(|_, value| !value.is_empty());
    event
}

/// The key as the group of a message.
fn group(event: &Event) -> Option<&str> {
    event.key.as_deref().map(|key| str::from_utf8(key).unwrap())
}

#[test]
fn a_seed_decides_all_events() {
    assert!(events().eq(events()));
    let others = Generator::with_seed("order.placed", 8);
    assert!(events().zip(others).all(|(one, other)| one.attributes != other.attributes));
}

#[track_caller]
fn has(events: &[Event], what: &str, is_it: impl Fn(&Event) -> bool) {
    assert!(events.iter().any(is_it), "no {what}");
}

fn holds(event: &Event, text: &str) -> bool {
    event.data.as_ref().and_then(|data| str::from_utf8(data).ok()).is_some_and(|data| data.contains(text))
}

#[test]
fn events_are_of_all_kinds() {
    let events: Vec<_> = Generator::new("order.placed").take(20_000).collect();
    let keys: HashSet<_> = events.iter().map(|event| &event.key).collect();
    assert_eq!(keys.len() as u64, KEYS);
    let counts: HashSet<_> = events.iter().map(|event| event.present().count()).collect();
    assert!([4, 10, 12].iter().all(|count| counts.contains(count)), "{counts:?}");

    has(&events, "tombstone", |event| event.data.is_none());
    has(&events, "empty data", |event| event.data.as_ref().is_some_and(Vec::is_empty));
    has(&events, "bytes that are no text", |event| {
        event.data.as_ref().is_some_and(|data| str::from_utf8(data).is_err())
    });
    has(&events, "number that ends in zeros", |event| holds(event, ".00,"));
    has(&events, "text of another script", |event| holds(event, "東京"));
    has(&events, "empty attribute", |event| event.attributes.get("subject").is_some_and(String::is_empty));
    has(&events, "attribute of another script", |event| event.attribute("subject").contains("🚚"));
    has(&events, "long name", |event| event.attributes.contains_key("averylongnameofanextension01"));

    let sizes: Vec<_> = events.iter().filter_map(|event| event.data.as_ref().map(Vec::len)).collect();
    assert!(sizes.iter().all(|size| *size as u64 <= MOST) && sizes.iter().any(|size| *size > 60_000));
    let ordinary = sizes.iter().filter(|size| (512..=1_536).contains(*size)).count();
    assert!(ordinary * 10 > sizes.len() * 8, "{ordinary} of {} have about 1 KiB", sizes.len());
}

#[test]
fn records_are_read_as_they_were_written() {
    for event in events() {
        let record = record(event.key.as_deref(), headers(&event), event.data.as_deref());
        assert_eq!(Event::from_record(&record).unwrap(), event);
    }
}

#[test]
fn messages_are_read_as_they_were_written() {
    let mut structured = 0;
    for event in events() {
        let (attributes, body) = event.message();
        structured += usize::from(attributes.len() == 1);
        assert!(attributes.len() <= 10 && !body.is_empty());
        assert_eq!(received(&attributes, &body, group(&event)), without_empty(event.clone()));
    }
    assert!(structured > EVENTS / 10 && structured < EVENTS * 9 / 10, "{structured} in structured mode");
}

#[test]
fn the_product_is_read_as_it_writes_for_queues() {
    for event in events() {
        let headers = headers(&event);
        let headers = headers.iter().map(|header| (header.key.to_owned(), header.value.map(<[u8]>::to_vec)));
        let products = cloud_event::Event::from_kafka(&headers.collect::<Vec<_>>(), event.data.clone()).unwrap();
        let Message { attributes, body } = products.into_queue(1 << 20).unwrap();
        assert_eq!(received(&attributes, &body, group(&event)), without_empty(event.clone()));
    }
}

#[test]
fn the_product_is_read_as_it_writes_for_topics() {
    for event in events() {
        let (attributes, body) = event.message();
        let (headers, data) = cloud_event::Event::from_queue(Message { attributes, body }).unwrap().into_kafka();
        let headers = headers.iter().fold(OwnedHeaders::new(), |headers, (name, value)| {
            headers.insert(Header { key: name, value: value.as_ref() })
        });
        let record = record(event.key.as_deref(), headers, data.as_deref());
        assert_eq!(Event::from_record(&record).unwrap(), without_empty(event));
    }
}

#[test]
fn what_says_two_things_is_no_event() {
    let event = events().next().unwrap();
    let twice = headers(&event).insert(Header { key: "ce_id", value: Some("0") });
    assert!(Event::from_record(&record(None, twice, None)).is_err());
    let body = r#"{"id":"1","data":1,"data_base64":"MQ=="}"#;
    assert!(Event::from_message([("content-type", "application/cloudevents+json")], body, None).is_err());
}

#[tokio::test]
async fn a_topic_is_read_to_its_end_and_further_when_there_is_more() {
    let name = new_topic(3).await;
    let producer: FutureProducer = client(&servers()).set("enable.idempotence", "true").create().unwrap();
    let mut generator = Generator::new("order.placed");
    let (mut ledger, mut topic) = (Ledger::default(), Topic::open(&name));
    for round in 1..=2 {
        let events: Vec<_> = generator.by_ref().take(1_000).collect();
        for event in &events {
            ledger.sent(event);
        }
        ledger.received_from(&mut topic).await;
        assert_eq!(ledger.verdict().missing, 1_000, "they are not there yet");
        send(&producer, &name, &events).await.unwrap();
        ledger.received_from(&mut topic).await;
        assert_eq!(ledger.assert_none_lost(0).sent, round * 1_000);
    }
    ledger.assert_in_order();

    let mut accepted = Ledger::default();
    accepted.sent_to(&mut Topic::open(&name)).await;
    accepted.received_from(&mut Topic::open(&name)).await;
    assert_eq!(accepted.assert_none_lost(0).sent, 2_000);
}
