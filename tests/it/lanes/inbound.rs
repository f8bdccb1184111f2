//! Inbound lanes on a real Kafka and a real Postgres; the queue is scripted.

use std::{
    collections::{BTreeMap, HashSet},
    time::Duration,
};

use ebm::{
    bridge::{delivery::Fault, queue::Incoming},
    domain::cloud_event::Message,
};
use rdkafka::{
    Message as _,
    message::{Headers as _, OwnedMessage},
};
use sqlx::PgPool;
use tokio::time::{Instant, timeout};

use super::{
    script::Reply,
    stage::{FIFO, QUEUE, Stage, headers},
};

/// The most messages that a kill may make come twice.
const HELD: usize = 500;

pub fn message(id: &str, kind: &str, group: Option<&str>, body: &str) -> Incoming {
    let attributes = headers(id, kind).into_iter();
    let attributes = attributes.map(|(name, value)| (name, String::from_utf8(value.unwrap()).unwrap())).collect();
    Incoming {
        id: format!("m-{id}"),
        receipt: format!("r-{id}"),
        message: Message { attributes, body: body.to_owned() },
        binary: Vec::new(),
        group: group.map(str::to_owned),
        sent_at: None,
        intact: true,
    }
}

/// Messages `from` to `to`, in ten groups where `fifo`; the body holds the number.
fn messages(from: usize, to: usize, fifo: bool) -> Vec<Incoming> {
    let one = |n: usize| {
        let group = fifo.then(|| format!("g{}", n % 10));
        message(&format!("e{n}"), "order.placed", group.as_deref(), &format!("{{\"n\":{n}.00}}"))
    };
    (from..to).map(one).collect()
}

fn header<'a>(record: &'a OwnedMessage, name: &str) -> Option<&'a str> {
    let headers = record.headers()?;
    headers.iter().find(|h| h.key == name).and_then(|h| str::from_utf8(h.value?).ok())
}

/// Checks that messages 0 to `count` are there byte for byte, and gives how many are there more than once.
fn complete(records: &[OwnedMessage], count: usize) -> usize {
    let mut bodies = BTreeMap::new();
    for record in records {
        let id = header(record, "ce_id").unwrap().to_owned();
        bodies.insert(id, record.payload().unwrap().to_vec());
    }
    for n in 0..count {
        assert_eq!(bodies[&format!("e{n}")], format!("{{\"n\":{n}.00}}").into_bytes());
    }
    records.len() - bodies.len()
}

impl Stage {
    /// Waits until so many messages are left in a queue.
    async fn left(&self, queue: &str, wanted: usize) {
        self.left_are(queue, |left| left == wanted).await;
    }

    async fn left_below(&self, queue: &str, below: usize) {
        self.left_are(queue, |left| left < below).await;
    }

    async fn left_are(&self, queue: &str, fits: impl Fn(usize) -> bool) {
        let mut changes = self.script.changes();
        let fit = timeout(Duration::from_mins(1), changes.wait_for(|_| fits(self.script.left(queue).0))).await;
        assert!(fit.is_ok(), "{:?} are left", self.script.left(queue));
    }
}

#[sqlx::test]
async fn messages_arrive_as_events_byte_for_byte_and_are_deleted(pool: PgPool) {
    let stage = Stage::inbound(pool, QUEUE).await;
    let worker = stage.worker("one");
    let began = Instant::now();
    stage.status("running").await;
    assert!(began.elapsed() < Duration::from_secs(10), "running within 10 s: {:?}", began.elapsed());
    stage.script.put(QUEUE, messages(0, 400, false));
    let mut with_key = message("e400", "order.placed", Some("group"), "{\"n\":400.00}");
    with_key.message.attributes.push(("ce_partitionkey".into(), "key".into()));
    with_key.message.attributes.push(("ce_ebmhops".into(), "spoofed".into()));
    with_key.message.attributes.push(("traceparent".into(), "00-1".into()));
    stage.script.put(QUEUE, [with_key, message("e401", "order.placed", Some("group"), "{\"n\":401.00}")]);
    stage.left(QUEUE, 0).await;
    let records = stage.records(402).await;
    assert_eq!(complete(&records, 402), 0, "no duplicates");
    let of = |id: &str| records.iter().find(|r| header(r, "ce_id") == Some(id)).unwrap();
    assert_eq!((of("e400").key(), of("e401").key(), of("e0").key()), (Some(&b"key"[..]), Some(&b"group"[..]), None));
    assert_eq!(header(of("e0"), "ce_ebmhops"), Some("1"));
    assert_eq!(header(of("e400"), "ce_ebmhops"), Some("1"), "a count that is none is overwritten");
    assert_eq!(header(of("e400"), "traceparent"), Some("00-1"));
    assert_eq!(header(of("e0"), "ce_source"), Some("/shop"));
    assert_eq!(header(of("e0"), "content-type"), Some("application/json"));
    stage.number("select moved from route where bridge_id = $1", 402).await;
    stage.number("select count(*) from dead_letter where bridge_id = $1", 0).await;
    worker.end().await;
}

#[sqlx::test]
async fn groups_keep_their_order_while_deletes_fail_and_nothing_comes_twice(pool: PgPool) {
    let stage = Stage::inbound(pool, FIFO).await;
    stage.script.delete_plan(|n, entries| match n % 4 {
        0 => Reply::Partly((0..entries).step_by(2).collect(), Fault::Unavailable("InternalError".into())),
        1 => Reply::Refuse(Fault::Throttled),
        _ => Reply::Take,
    });
    let worker = stage.worker("one");
    stage.status("running").await;
    stage.script.put(FIFO, messages(0, 600, true));
    stage.left(FIFO, 0).await;
    let records = stage.records(600).await;
    assert_eq!(complete(&records, 600), 0, "no duplicates");
    let mut last = BTreeMap::new();
    for record in &records {
        let number: usize = header(record, "ce_id").unwrap()[1..].parse().unwrap();
        let before = last.insert(record.key().unwrap().to_vec(), number);
        assert!(before.is_none_or(|before| before + 10 == number), "{number} came after {before:?}");
    }
    worker.end().await;
}

#[sqlx::test]
async fn messages_that_cannot_be_carried_become_dead_letters_and_the_others_go_on(pool: PgPool) {
    let stage = Stage::inbound(pool, QUEUE).await;
    let worker = stage.worker("one");
    stage.status("running").await;
    let mut bare = message("bare", "order.placed", None, "{}");
    bare.message.attributes.clear();
    let mut hops = message("hops", "order.placed", None, "{}");
    hops.message.attributes.push(("ce_ebmhops".into(), "16".into()));
    let mut bytes = message("bytes", "order.placed", None, "{}");
    bytes.binary.push(("ce_subject".into(), vec![0, 255]));
    // Random, so that compressed it is too large as well.
    let noise: String =
        (0..4096).flat_map(|_| ebm::secrets::random::<1024>()).map(|byte| char::from(b'a' + byte % 26)).collect();
    let large = message("large", "order.placed", None, &noise);
    let other = message("other", "order.cancelled", None, "{}");
    stage.script.put(QUEUE, [bare, hops, bytes, large, other]);
    stage.script.put(QUEUE, messages(0, 50, false));
    stage.left(QUEUE, 0).await;
    for (reason, count) in [("not-ce", 2), ("loop", 1), ("oversize", 1), ("wrong-type", 1)] {
        let found: i64 = sqlx::query_scalar("select count(*) from dead_letter where reason = $1")
            .bind(reason)
            .fetch_one(&stage.pool)
            .await
            .unwrap();
        assert_eq!(found, count, "{reason}");
    }
    assert_eq!(complete(&stage.records(50).await, 50), 0);
    stage.status("running").await;
    worker.end().await;
}

#[sqlx::test]
async fn what_cannot_be_stored_waits_and_nothing_more_is_received(pool: PgPool) {
    let stage = Stage::inbound(pool, QUEUE).await;
    sqlx::query("alter table dead_letter rename to away").execute(&stage.pool).await.unwrap();
    let worker = stage.worker("one");
    stage.status("running").await;
    stage.script.put(QUEUE, [message("other", "order.cancelled", None, "{}")]);
    let reason = stage.status("halted").await;
    assert!(reason.contains("dead letters"), "{reason}");
    stage.script.put(QUEUE, messages(0, 100, false));
    // One receive was under way; after it there is none.
    let one_more = stage.script.received(stage.script.receives() + 1);
    let received = timeout(Duration::from_secs(3), one_more).await;
    assert!(received.is_err(), "nothing is received while it is halted");
    assert!(stage.script.left(QUEUE).0 > 90);
    sqlx::query("alter table away rename to dead_letter").execute(&stage.pool).await.unwrap();
    stage.left(QUEUE, 0).await;
    stage.status("running").await;
    assert_eq!(complete(&stage.records(100).await, 100), 0);
    worker.end().await;
}

#[sqlx::test]
async fn a_refused_receive_halts_the_lane_with_its_reason_until_it_is_mended(pool: PgPool) {
    let stage = Stage::inbound(pool, QUEUE).await;
    stage.script.refuse_receives(Some(Fault::AccessDenied("SQS denies the bridge's role to receive".into())));
    let worker = stage.worker("one");
    let reason = stage.status("halted").await;
    assert!(reason.contains("denies") && reason.contains(QUEUE), "{reason}");
    stage.script.put(QUEUE, messages(0, 20, false));
    stage.script.refuse_receives(None);
    stage.left(QUEUE, 0).await;
    stage.status("running").await;
    assert_eq!(complete(&stage.records(20).await, 20), 0);
    worker.end().await;
}

#[sqlx::test]
async fn a_damaged_message_is_neither_carried_nor_deleted(pool: PgPool) {
    let stage = Stage::inbound(pool, FIFO).await;
    let worker = stage.worker("one");
    stage.status("running").await;
    let mut all = messages(0, 30, true);
    all[5].intact = false;
    stage.script.put(FIFO, all);
    // Of its group only what came before it goes; the others are whole.
    stage.left(FIFO, 3).await;
    let ids: HashSet<_> = stage.records(27).await.iter().map(|r| header(r, "ce_id").unwrap().to_owned()).collect();
    assert!(!ids.contains("e5") && !ids.contains("e15") && !ids.contains("e25"));
    worker.end().await;
}

#[sqlx::test]
async fn a_kill_loses_nothing_and_a_soft_end_repeats_nothing(pool: PgPool) {
    let stage = Stage::inbound(pool, QUEUE).await;
    let worker = stage.worker("one");
    stage.status("running").await;
    stage.script.put(QUEUE, messages(0, 2_000, false));
    stage.left_below(QUEUE, 1_500).await;
    worker.end().await;
    let after = stage.records(1).await;
    assert_eq!(after.len() + stage.script.left(QUEUE).0, 2_000, "what is stored is deleted, what is not is left");
    let worker = stage.worker("one");
    stage.left_below(QUEUE, 800).await;
    worker.kill().await;
    stage.script.show_all(QUEUE);
    let worker = stage.worker("one");
    stage.left(QUEUE, 0).await;
    let repeated = complete(&stage.records(2_000).await, 2_000);
    println!("a kill: {repeated} duplicates");
    assert!(repeated <= HELD, "{repeated} duplicates");
    worker.end().await;
}
