//! Dead letters that are sent again: to the place that failed, once it takes them, and to no other.

use ebm::{
    bridge::queue::Facts,
    domain::{
        cloud_event::Event,
        dead_letter::{Bytes, Kept},
    },
    store::{dead_letters, lanes::dead_letter_row},
};
use rdkafka::Message as _;
use secrecy::ExposeSecret as _;
use sqlx::PgPool;
use tokio::sync::watch;

use super::{
    inbound::message,
    script::Reply,
    stage::{FIFO, QUEUE, Stage, headers, id, vault},
};

const LETTERS: &str = "select count(*) from dead_letter where bridge_id = $1";
const FAILED: &str = "select count(*) from dead_letter
     where bridge_id = $1 and redrive_at is null and redrive_failure is not null";

async fn ask(stage: &Stage) {
    let asked = sqlx::query("update dead_letter set redrive_at = now(), redrive_failure = null where bridge_id = $1");
    asked.bind(stage.bridge.0).execute(&stage.pool).await.unwrap();
}

#[sqlx::test]
async fn a_dead_letter_goes_to_the_queue_once_it_takes_it(pool: PgPool) {
    for queue in [QUEUE, FIFO] {
        let stage = Stage::new(pool.clone(), queue).await;
        stage.script.facts(Ok(Facts { max_message: 1_024 }));
        let worker = stage.worker("one");
        stage.status("running").await;
        let body = format!("{{\"text\":\"{}\",\"n\":1.00}}", "x".repeat(2_000));
        stage.produce_raw(&headers("large", "order.placed"), Some(body.as_bytes())).await;
        stage.number(LETTERS, 1).await;

        ask(&stage).await;
        stage.number(FAILED, 1).await;
        assert!(stage.script.taken().is_empty(), "it is too large still");

        stage.script.facts(Ok(Facts { max_message: 1 << 20 }));
        ask(&stage).await;
        stage.taken(1).await;
        stage.number(LETTERS, 0).await;
        stage.number("select moved from route where bridge_id = $1", 1).await;
        let taken = stage.script.taken();
        assert_eq!((taken.len(), id(&taken[0])), (1, "large".to_owned()));
        let event = Event::from_queue(taken[0].message.clone()).unwrap();
        assert_eq!(event.data(), Some(body.as_bytes()), "byte for byte");
        assert_eq!(taken[0].group.as_deref(), (queue == FIFO).then_some("raw"));
        worker.end().await;
        sqlx::query("truncate space, app cascade").execute(&pool).await.unwrap();
    }
}

#[sqlx::test]
async fn a_dead_letter_goes_to_the_topic_once_there_is_a_route(pool: PgPool) {
    let stage = Stage::inbound(pool, QUEUE).await;
    let worker = stage.worker("one");
    stage.status("running").await;
    stage.script.put(QUEUE, [message("other", "order.cancelled", Some("g"), "{\"n\":1.00}")]);
    stage.number(LETTERS, 1).await;
    ask(&stage).await;
    stage.number(FAILED, 1).await;

    for sql in [
        "insert into event (id, service_id, channel_id, name, app_sends, app_receives)
         select gen_random_uuid(), service_id, channel_id, 'order.cancelled', false, true from event",
        "insert into route (id, bridge_id, event_id, direction, queue_url)
         select gen_random_uuid(), bridge_id, (select id from event where name = 'order.cancelled'), 'inbound', queue_url
         from route",
    ] {
        sqlx::query(sql).execute(&stage.pool).await.unwrap();
    }
    ask(&stage).await;
    let records = stage.records(1).await;
    stage.number(LETTERS, 0).await;
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].payload(), Some(&b"{\"n\":1.00}"[..]), "byte for byte");
    assert_eq!(records[0].key(), Some(&b"g"[..]), "in its group's order");
    worker.end().await;
}

#[sqlx::test]
async fn a_dead_letter_goes_as_it_was_changed(pool: PgPool) {
    let stage = Stage::new(pool, FIFO).await;
    let worker = stage.worker("one");
    stage.status("running").await;
    stage.produce_raw(&headers("", "order.placed"), Some(b"{}")).await;
    stage.number(LETTERS, 1).await;
    let mut db = stage.pool.acquire().await.unwrap();
    let number: i64 = sqlx::query_scalar("select id from dead_letter").fetch_one(&mut *db).await.unwrap();
    let (letter, sealed) = dead_letters::find(&mut db, stage.bridge, number).await.unwrap().unwrap();
    let row = dead_letter_row(stage.bridge, &letter.source);
    let opened = vault().open("dead_letter", &row, &sealed).unwrap();
    let Kept::Record(mut record) = serde_json::from_slice(opened.expose_secret()).unwrap() else { panic!() };
    let id_header = record.headers.iter_mut().find(|(name, _)| name == "ce_id").unwrap();
    id_header.1 = Some(Bytes(b"mended".to_vec()));
    let changed = vault().seal("dead_letter", &row, &serde_json::to_vec(&Kept::Record(record)).unwrap());
    assert!(dead_letters::edit(&mut db, stage.bridge, number, letter.revision, &changed).await.unwrap());
    ask(&stage).await;
    stage.taken(1).await;
    stage.number(LETTERS, 0).await;
    assert_eq!(id(&stage.script.taken()[0]), "mended");
    worker.end().await;
}

#[sqlx::test]
async fn a_queue_that_does_not_answer_holds_up_no_end(pool: PgPool) {
    let stage = Stage::new(pool, QUEUE).await;
    stage.script.facts(Ok(Facts { max_message: 1_024 }));
    let worker = stage.worker("one");
    stage.status("running").await;
    stage.produce_raw(&headers("large", "order.placed"), Some(&[b'x'; 2_000])).await;
    stage.number(LETTERS, 1).await;
    stage.script.facts(Ok(Facts { max_message: 1 << 20 }));
    let (asked, mut is_asked) = watch::channel(false);
    stage.script.plan(move |_, _| {
        asked.send_replace(true);
        Reply::Never
    });
    ask(&stage).await;
    is_asked.wait_for(|asked| *asked).await.unwrap();
    worker.end().await;
    stage.script.plan(|_, _| Reply::Take);
    let worker = stage.worker("one");
    stage.taken(1).await;
    stage.number(LETTERS, 0).await;
    worker.end().await;
}

#[sqlx::test]
async fn a_dead_letter_of_a_stopped_bridge_waits(pool: PgPool) {
    let stage = Stage::inbound(pool, QUEUE).await;
    let worker = stage.worker("one");
    stage.status("running").await;
    let mut bare = message("bare", "order.placed", None, "{}");
    bare.message.attributes.clear();
    bare.binary.push(("mark".into(), vec![0, 255]));
    stage.script.put(QUEUE, [bare]);
    stage.number(LETTERS, 1).await;
    stage.desire("stopped").await;
    stage.status("stopped").await;
    ask(&stage).await;
    // What would be sent would have failed by the time a bridge has started anew.
    stage.desire("running").await;
    stage.number(FAILED, 1).await;
    let why: String =
        sqlx::query_scalar("select redrive_failure from dead_letter").fetch_one(&stage.pool).await.unwrap();
    assert!(why.starts_with("the event "), "{why}");
    worker.end().await;
}
