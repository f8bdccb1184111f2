//! Outbound lanes on a real Kafka and a real Postgres; the queue is scripted, so that its faults can be made. The oracle
//! stands outside of the product: id, sequence per key and SHA-256 of what was produced and of what was taken.

mod inbound;
mod redrive;
mod script;
mod stage;

use std::{collections::HashSet, time::Duration};

use ebm::{
    bridge::{delivery::Fault, queue::Facts},
    domain::cloud_event::Event,
    secrets::Vault,
};
use rdkafka::Message as _;
use script::Reply;
use secrecy::ExposeSecret as _;
use sqlx::PgPool;
use stage::{FIFO, OTHER, PARTITIONS, QUEUE, Stage, WINDOW, headers, id, read_headers, vault};
use tokio::time::{Instant, timeout};
use uuid::Uuid;

use crate::{
    faults::tries,
    reconcile::within,
    support::kafka::{create_topic, is_empty, shared_by},
};

fn random(below: usize) -> usize {
    u32::from_le_bytes(ebm::secrets::random()) as usize % below
}

#[sqlx::test]
async fn events_are_moved_byte_for_byte_from_the_start_of_the_route_on(pool: PgPool) {
    let mut stage = Stage::new(pool, QUEUE).await;
    stage.produce_raw(&headers("before", "order.placed"), Some(b"{}")).await;
    let began = Instant::now();
    let worker = stage.worker("one");
    stage.status("running").await;
    assert!(began.elapsed() < Duration::from_secs(10), "running within 10 s: {:?}", began.elapsed());
    stage.produce(500).await;
    stage.produce_raw(&headers("other", "order.cancelled"), Some(b"{}")).await;
    for (id, body) in [("binary", Some(&b"\xff\x00"[..])), ("tombstone", None), ("empty", Some(b""))] {
        stage.produce_raw(&headers(id, "order.placed"), body).await;
        stage.sent.insert(id.into(), body.map(<[u8]>::to_vec));
    }
    let structured = br#"{"specversion":"1.0","id":"structured","source":"/s","type":"order.placed","data":{"n":1.0}}"#;
    let mark = ("content-type".to_owned(), Some(b"application/cloudevents+json".to_vec()));
    stage.produce_raw(&[mark], Some(structured)).await;
    stage.sent.insert("structured".into(), Some(br#"{"n":1.0}"#.to_vec()));
    assert_eq!(stage.all_arrived().await, 0, "no duplicates");
    let taken: HashSet<_> = stage.script.taken().iter().map(id).collect();
    assert!(!taken.contains("before") && !taken.contains("other"));
    stage.number("select moved from route where bridge_id = $1", 504).await;
    stage.number("select count(*) from dead_letter where bridge_id = $1", 0).await;
    let steps =
        "select count(*) from bridge, jsonb_array_elements(steps) step where id = $1 and step->>'state' = 'done'";
    stage.number(steps, 4).await;
    worker.end().await;
}

#[sqlx::test]
async fn partial_failures_throttles_and_outages_lose_and_repeat_nothing(pool: PgPool) {
    for queue in [QUEUE, FIFO] {
        let mut stage = Stage::new(pool.clone(), queue).await;
        stage.script.plan(|_, entries| match random(10) {
            0 => Reply::Refuse(Fault::Throttled),
            1 => Reply::Refuse(Fault::Unavailable("503".into())),
            2..7 => {
                let fault =
                    [Fault::Unavailable("InternalError".into()), Fault::Refused("InvalidParameterValue".into())];
                let places = (0..entries).filter(|_| random(2) == 0).collect();
                Reply::Partly(places, fault[random(2)].clone())
            }
            _ => Reply::Take,
        });
        let worker = stage.worker("one");
        stage.status("running").await;
        stage.produce(2_000).await;
        assert_eq!(stage.all_arrived().await, 0, "no duplicates");
        if queue == FIFO {
            stage.in_order();
        }
        stage.number("select count(*) from dead_letter where bridge_id = $1", 0).await;
        worker.end().await;
        sqlx::query("truncate space, app cascade").execute(&pool).await.unwrap();
    }
}

#[sqlx::test]
async fn a_lost_answer_repeats_at_most_its_request_and_nothing_on_a_fifo_queue(pool: PgPool) {
    for (queue, excused) in [(QUEUE, 10 * 10), (FIFO, 0)] {
        let mut stage = Stage::new(pool.clone(), queue).await;
        stage.script.plan(|n, _| if n < 100 && n % 10 == 3 { Reply::TakeAndLose } else { Reply::Take });
        let worker = stage.worker("one");
        stage.status("running").await;
        stage.produce(1_000).await;
        let repeated = stage.all_arrived().await;
        assert!(repeated <= excused, "{repeated} duplicates");
        if queue == FIFO {
            stage.in_order();
        }
        worker.end().await;
        sqlx::query("truncate space, app cascade").execute(&pool).await.unwrap();
    }
}

#[sqlx::test]
async fn a_refusal_halts_the_lane_with_its_reason_and_it_goes_on_when_it_is_mended(pool: PgPool) {
    let mut stage = Stage::new(pool, QUEUE).await;
    let worker = stage.worker("one");
    stage.status("running").await;
    for fault in [
        Fault::AccessDenied("SQS denies the bridge's role to send".into()),
        Fault::QueueGone("the queue was deleted".into()),
        Fault::Key("KMS.AccessDeniedException".into()),
    ] {
        let told = fault.to_string();
        stage.script.plan(move |_, _| Reply::Refuse(fault.clone()));
        let requests = stage.script.requests();
        stage.produce(1_500).await;
        let began = Instant::now();
        let reason = stage.status("halted").await;
        assert!(began.elapsed() < Duration::from_secs(30));
        assert!(reason.contains(&told) && reason.contains(QUEUE), "{reason}");
        assert!(stage.script.requests() - requests < 40, "a lane that is halted hardly calls");
        stage.number("select least(count(*), 1) from bridge_minute where bridge_id = $1 and delay_ms > 0", 1).await;
        stage.script.plan(|_, _| Reply::Take);
        stage.status("running").await;
        assert_eq!(stage.all_arrived().await, 0, "no duplicates");
    }
    stage.number("select count(*) from dead_letter where bridge_id = $1", 0).await;
    worker.end().await;
}

#[sqlx::test]
async fn events_that_cannot_be_delivered_become_dead_letters_and_the_others_go_on(pool: PgPool) {
    let mut stage = Stage::new(pool, QUEUE).await;
    stage.script.facts(Ok(Facts { max_message: 1_000 }));
    let worker = stage.worker("one");
    stage.status("running").await;
    for round in 0..50 {
        stage.produce(9).await;
        let big = vec![b'x'; 2_000];
        let twice = [headers("twice", "order.placed"), headers("twice", "order.placed")].concat();
        match round % 4 {
            0 => stage.produce_raw(&[], Some(b"not an event")).await,
            1 => stage.produce_raw(&twice, Some(b"{}")).await,
            2 => stage.produce_raw(&headers("untyped", ""), Some(b"{}")).await,
            _ => stage.produce_raw(&headers("big", "order.placed"), Some(&big)).await,
        }
    }
    assert_eq!(stage.all_arrived().await, 0);
    stage.number("select count(*) from dead_letter where bridge_id = $1", 50).await;
    stage.number("select count(*) from dead_letter where bridge_id = $1 and reason = 'not-ce'", 25).await;
    stage.number("select count(*) from dead_letter where bridge_id = $1 and reason = 'headers'", 13).await;
    stage.number("select count(*) from dead_letter where bridge_id = $1 and reason = 'oversize'", 12).await;
    let (source, sealed): (String, Vec<u8>) =
        sqlx::query_as("select source, event from dead_letter where reason = 'not-ce' order by id limit 1")
            .fetch_one(&stage.pool)
            .await
            .unwrap();
    assert!(source.starts_with(&*stage.topic));
    let row = ebm::store::lanes::dead_letter_row(stage.bridge, &source);
    let opened = vault().open("dead_letter", &row, &sealed).unwrap();
    let event: serde_json::Value = serde_json::from_slice(opened.expose_secret()).unwrap();
    assert_eq!(event["value"], "bm90IGFuIGV2ZW50");
    stage.status("running").await;
    worker.end().await;
}

#[sqlx::test]
async fn an_event_that_the_queue_refuses_alone_is_set_aside_and_those_behind_it_go_on(pool: PgPool) {
    for queue in [QUEUE, FIFO] {
        let mut stage = Stage::new(pool.clone(), queue).await;
        let worker = stage.worker("one");
        stage.status("running").await;
        stage.script.plan(|_, _| Reply::Partly([0].into(), Fault::Refused("InvalidParameterValue".into())));
        stage.produce_raw(&headers("refused", "order.placed"), Some(b"{}")).await;
        let reason = stage.status("halted").await;
        assert!(reason.contains("InvalidParameterValue") && reason.contains("offset 0"), "{reason}");
        stage.number("select count(*) from bridge where id = $1 and stuck->>'offset' = '0'", 1).await;
        stage.number("select count(*) from dead_letter where bridge_id = $1", 0).await;
        stage.set_aside().await;
        stage.number("select count(*) from dead_letter where bridge_id = $1 and reason = 'set-aside'", 1).await;
        stage.script.plan(|_, _| Reply::Take);
        stage.status("running").await;
        stage.produce(100).await;
        assert_eq!(stage.all_arrived().await, 0, "nothing twice");
        stage.number("select count(*) from bridge where id = $1 and stuck is null", 1).await;
        worker.end().await;
        sqlx::query("truncate space, app cascade").execute(&pool).await.unwrap();
    }
}

#[sqlx::test]
async fn nothing_is_acknowledged_while_dead_letters_cannot_be_kept(pool: PgPool) {
    let mut stage = Stage::new(pool, QUEUE).await;
    let worker = stage.worker("one");
    stage.status("running").await;
    sqlx::query("alter table dead_letter rename to away").execute(&stage.pool).await.unwrap();
    stage.produce_raw(&[], Some(b"not an event")).await;
    stage.produce(50).await;
    let reason = stage.status("halted").await;
    assert!(reason.contains("dead letters"), "{reason}");
    // Killed now, the event must come again.
    worker.kill().await;
    sqlx::query("alter table away rename to dead_letter").execute(&stage.pool).await.unwrap();
    let worker = stage.worker("one");
    stage.number("select count(*) from dead_letter where bridge_id = $1", 1).await;
    assert!(stage.all_arrived().await <= 50);
    worker.end().await;
}

#[sqlx::test]
async fn a_killed_worker_loses_nothing_and_repeats_at_most_what_was_in_flight(pool: PgPool) {
    let mut stage = Stage::new(pool, QUEUE).await;
    let kills = 5;
    stage.worker("one").end_when_running(&stage).await;
    for kill in 1..=kills {
        stage.produce(3_000).await;
        let worker = stage.worker("one");
        stage.taken((kill - 1) * 3_000 + 500 + random(1_500)).await;
        worker.kill().await;
    }
    let worker = stage.worker("one");
    let repeated = stage.all_arrived().await;
    println!("{kills} kills: {repeated} duplicates");
    assert!(repeated <= kills * WINDOW, "{repeated} duplicates");
    worker.end().await;
}

#[sqlx::test]
async fn a_soft_end_under_load_repeats_nothing(pool: PgPool) {
    let mut stage = Stage::new(pool, QUEUE).await;
    stage.worker("one").end_when_running(&stage).await;
    let ends = 8;
    for end in 1..=ends {
        stage.produce(1_500).await;
        let worker = stage.worker("one");
        stage.taken((end - 1) * 1_500 + 100 + random(700)).await;
        worker.end().await;
    }
    let worker = stage.worker("one");
    assert_eq!(stage.all_arrived().await, 0, "no duplicates after {ends} soft ends");
    worker.end().await;
}

#[sqlx::test]
async fn records_that_were_deleted_before_they_were_read_halt_the_lane(pool: PgPool) {
    let mut stage = Stage::new(pool, QUEUE).await;
    stage.worker("one").end_when_running(&stage).await;
    stage.produce(300).await;
    for partition in 0..PARTITIONS {
        stage.delete_records(partition, 5).await;
    }
    let worker = stage.worker("one");
    let reason = stage.status("halted").await;
    assert!(reason.contains("5 records") && reason.contains("deleted before they were read"), "{reason}");
    assert!(stage.script.taken().is_empty());
    stage.go_on().await;
    stage.status("running").await;
    // All that is still there, and each once.
    let left = 300 - 5 * usize::try_from(PARTITIONS).unwrap();
    stage.taken(left).await;
    stage.number("select moved from route where bridge_id = $1", i64::try_from(left).unwrap()).await;
    worker.end().await;
    assert_eq!(stage.script.taken().len(), left);
}

#[sqlx::test]
async fn a_start_waits_for_kafka_and_a_stopped_bridge_goes_on_where_it_was(pool: PgPool) {
    let mut stage = Stage::without_topic(pool, QUEUE).await;
    let worker = stage.worker("one");
    let waiting = "select count(*) from bridge, jsonb_array_elements(steps) step where id = $1
                   and step->>'step' = 'kafka' and step->>'text' = 'waiting for Kafka access'";
    stage.number(waiting, 1).await;
    stage.create_topic().await;
    stage.status("running").await;
    stage.produce(100).await;
    stage.all_arrived().await;
    stage.desire("stopped").await;
    stage.status("stopped").await;
    stage.produce(100).await;
    stage.desire("running").await;
    stage.status("running").await;
    assert_eq!(stage.all_arrived().await, 0, "no duplicates");
    stage.desire("deleted").await;
    stage.status("stopped").await;
    worker.end().await;
}

#[sqlx::test]
async fn a_configuration_that_cannot_start_leaves_the_one_before_it_running(pool: PgPool) {
    let mut stage = Stage::new(pool, QUEUE).await;
    let worker = stage.worker("one");
    stage.status("running").await;
    stage.script.facts(Err(Fault::AccessDenied("the policy names another role".into())));
    sqlx::query("update route set queue_url = $2 where bridge_id = $1")
        .bind(stage.bridge.0)
        .bind(FIFO)
        .execute(&stage.pool)
        .await
        .unwrap();
    stage.desire("running").await;
    stage
        .number("select count(*) from bridge where id = $1 and status_reason like '%not in use%another role%'", 1)
        .await;
    stage.produce(200).await;
    assert_eq!(stage.all_arrived().await, 0);
    assert_eq!(stage.script.taken_by(QUEUE).len(), 200);
    stage.script.facts(Ok(Facts { max_message: 1 << 18 }));
    stage.number("select count(*) from bridge where id = $1 and status = 'running' and status_reason = ''", 1).await;
    stage.produce(200).await;
    assert_eq!(stage.all_arrived().await, 0, "no duplicates by the change");
    assert_eq!(stage.script.taken_by(FIFO).len(), 200);
    worker.end().await;
}

/// Whatever step an edit fails at, the lanes before it go on as if nothing had been.
#[sqlx::test]
async fn an_edit_that_fails_at_any_step_costs_the_lanes_before_it_nothing(pool: PgPool) {
    const ROLE: &str = "update bridge set role_arn = case when role_arn is null then 'arn:role' end where $1 <> ''";
    const TOPIC: &str = "update route set start_topic = case when start_topic is null then gen_random_uuid() end,
                         start_offsets = '{}' where queue_url = $1";
    let mut stage = Stage::new(pool, FIFO).await;
    let (channel, later) = stage.channel_without_topic().await;
    create_topic(&later, PARTITIONS).await;
    let worker = stage.worker("one");
    stage.status("running").await;
    let change = async |stage: &Stage, sql: &'static str| {
        sqlx::query(sql).bind(OTHER).execute(&stage.pool).await.unwrap();
    };
    for step in ["access", "queue", "kafka"].repeat(tries(1, 10)) {
        stage.produce(300).await;
        add_route(&stage, "order.returned", "outbound", OTHER, Some(channel)).await;
        match step {
            "access" => change(&stage, ROLE).await,
            "queue" => stage.script.close(OTHER, Some(Fault::QueueGone("the queue was deleted".into()))),
            _ => change(&stage, TOPIC).await,
        }
        stage.desire("running").await;
        stage.produce(300).await;
        let failed = "select count(*) from bridge, jsonb_array_elements(steps) step where id = $1
                      and status = 'running' and status_reason like '%not in use%' and step->>'state' = 'failed'";
        stage.number(failed, 1).await;
        stage.produce(300).await;
        assert_eq!(stage.all_arrived().await, 0, "at the step {step}");
        // Taken back.
        match step {
            "access" => change(&stage, ROLE).await,
            "queue" => stage.script.close(OTHER, None),
            _ => {}
        }
        change(&stage, "delete from route where queue_url = $1").await;
        change(&stage, "delete from event where name = 'order.returned' and $1 <> ''").await;
        stage.desire("running").await;
        stage
            .number("select count(*) from bridge where id = $1 and status = 'running' and status_reason = ''", 1)
            .await;
    }
    stage.produce(300).await;
    assert_eq!(stage.all_arrived().await, 0);
    stage.in_order();
    worker.end().await;
}

#[sqlx::test]
async fn a_bridge_without_anything_to_move_leaves_its_group_until_something_comes(pool: PgPool) {
    let mut stage = Stage::new(pool, FIFO).await;
    stage.rest = Duration::from_secs(1);
    let group = format!("ebm.bridge.{}", stage.bridge.0);
    let worker = stage.worker("one");
    stage.status("running").await;
    for _ in 0..2 {
        stage.produce(60).await;
        assert_eq!(stage.all_arrived().await, 0);
        is_empty(&group).await;
        stage.status("running").await;
    }
    worker.end().await;
    // It has nothing to do when it is started, and joins nothing.
    let worker = stage.worker("one");
    stage.number("select count(*) from bridge where id = $1 and status = 'running'", 1).await;
    stage.produce(60).await;
    assert_eq!(stage.all_arrived().await, 0);
    is_empty(&group).await;
    // What becomes of its topic does not escape it.
    stage.delete_topic().await;
    stage.create_topic().await;
    stage.produce(30).await;
    stage.number("select count(*) from bridge where id = $1 and status = 'halted' and gap", 1).await;
    stage.go_on().await;
    stage.status("running").await;
    stage.all_arrived().await;
    stage.in_order();
    is_empty(&group).await;
    stage.desire("stopped").await;
    stage.status("stopped").await;
    worker.end().await;
}

/// Many of a key go in one request: the calls are few, and what the queue takes out of turn is counted.
#[sqlx::test]
async fn in_batches_a_key_goes_in_few_requests_and_what_breaks_its_order_is_counted(pool: PgPool) {
    let mut stage = Stage::new(pool, FIFO).await;
    sqlx::query("update route set mode = 'batched'").execute(&stage.pool).await.unwrap();
    let worker = stage.worker("one");
    stage.status("running").await;
    stage.produce_of_one_key(500).await;
    assert_eq!(stage.all_arrived().await, 0);
    stage.in_order();
    assert!(stage.script.requests() <= 100, "{} requests for 500 events", stage.script.requests());
    stage.number("select reordered from route where bridge_id = $1", 0).await;

    // The whole request fails, or its answer is lost: nothing is out of order.
    stage.script.plan(|n, _| if n % 3 == 0 { Reply::TakeAndLose } else { Reply::Take });
    stage.produce_of_one_key(200).await;
    assert_eq!(stage.all_arrived().await, 0);
    stage.in_order();
    stage.number("select reordered from route where bridge_id = $1", 0).await;

    // The first of each request is refused once, and those behind it are taken.
    let mut refused = false;
    stage.script.plan(move |_, entries| {
        refused = !refused && entries > 1;
        if refused { Reply::Partly([0].into(), Fault::Unavailable("InternalError".into())) } else { Reply::Take }
    });
    stage.produce_of_one_key(100).await;
    assert_eq!(stage.all_arrived().await, 0);
    stage.number("select count(*) from route where bridge_id = $1 and reordered > 0", 1).await;
    worker.end().await;
}

/// A second route of the topic: of another type of events, to another queue.
async fn add_route(stage: &Stage, kind: &str, direction: &str, queue: &str, topic_of: Option<Uuid>) {
    let event = Uuid::new_v4();
    sqlx::query(
        "insert into event (id, service_id, channel_id, name, app_sends, app_receives)
         select $1, service_id, coalesce($2, channel_id), $3, true, false from event limit 1",
    )
    .bind(event)
    .bind(topic_of)
    .bind(kind)
    .execute(&stage.pool)
    .await
    .unwrap();
    sqlx::query(
        "insert into route (id, bridge_id, event_id, direction, queue_url) values (gen_random_uuid(), $1, $2, $3, $4)",
    )
    .bind(stage.bridge.0)
    .bind(event)
    .bind(direction)
    .bind(queue)
    .execute(&stage.pool)
    .await
    .unwrap();
}

/// Kafka gives a member that comes again soon what it had, whatever it asks for.
#[sqlx::test]
async fn a_route_of_another_topic_is_read_as_soon_as_it_is_added(pool: PgPool) {
    let mut stage = Stage::new(pool, QUEUE).await;
    let (channel, later) = stage.channel_without_topic().await;
    create_topic(&later, PARTITIONS).await;
    let worker = stage.worker("one");
    stage.status("running").await;
    stage.produce(30).await;
    stage.all_arrived().await;
    add_route(&stage, "order.returned", "outbound", OTHER, Some(channel)).await;
    stage.desire("running").await;
    stage.number("select count(*) from bridge where id = $1 and status = 'running' and status_reason = ''", 1).await;
    // Of the new route too: where it begins is known.
    let begun =
        "select count(*) from route, jsonb_each(start_offsets) start where bridge_id = $1 and start.value <> 'null'";
    stage.number(begun, 6).await;
    for number in 0..60 {
        let (key, headers) = (format!("k{number}"), headers(&format!("r{number}"), "order.returned"));
        stage.producer.send(&later.as_str().into(), Some(key.as_bytes()), &headers, Some(b"{}")).await.unwrap();
    }
    within(Duration::from_secs(30), "all have come", async || stage.script.taken_by(OTHER).len() == 60).await;
    worker.end().await;
}

/// One queue is closed, then the topic of one channel is deleted: what does not need it goes on.
#[sqlx::test]
async fn a_lane_that_cannot_begin_is_left_out_and_the_others_run(pool: PgPool) {
    let mut stage = Stage::new(pool, QUEUE).await;
    let (channel, later) = stage.channel_without_topic().await;
    create_topic(&later, PARTITIONS).await;
    add_route(&stage, "order.returned", "outbound", OTHER, Some(channel)).await;
    let worker = stage.worker("one");
    stage.status("running").await;

    stage.script.close(OTHER, Some(Fault::QueueGone("the queue was deleted".into())));
    stage.desire("stopped").await;
    stage.status("stopped").await;
    stage.desire("running").await;
    let reason = stage.status("misconfigured").await;
    assert!(reason.contains(OTHER) && reason.contains("What does not need it runs"), "{reason}");
    stage.produce(200).await;
    assert_eq!(stage.all_arrived().await, 0);
    stage.script.close(OTHER, None);
    stage.number("select count(*) from bridge where id = $1 and status = 'running' and status_reason = ''", 1).await;

    stage.delete_topic_named(&later).await;
    let without = "select count(*) from bridge where id = $1 and status = 'halted' and not gap
                   and status_reason like '%does not exist%What does not need it runs%'";
    stage.number(without, 1).await;
    stage.produce(200).await;
    assert_eq!(stage.all_arrived().await, 0);
    // It is another topic now: what was in the one before is gone.
    create_topic(&later, PARTITIONS).await;
    stage.number("select count(*) from bridge where id = $1 and status = 'halted' and gap", 1).await;
    stage.produce(200).await;
    assert_eq!(stage.all_arrived().await, 0);
    stage.go_on().await;
    stage.number("select count(*) from bridge where id = $1 and status = 'running' and not gap", 1).await;
    stage.produce(200).await;
    assert_eq!(stage.all_arrived().await, 0, "nothing twice");
    worker.end().await;
}

/// An event may be passed over only where no route wants it: one whose queue is closed still wants its own.
#[sqlx::test]
async fn a_route_that_is_left_out_keeps_its_topic_from_being_read(pool: PgPool) {
    let mut stage = Stage::new(pool, QUEUE).await;
    add_route(&stage, "order.cancelled", "outbound", OTHER, None).await;
    let (channel, later) = stage.channel_without_topic().await;
    create_topic(&later, PARTITIONS).await;
    add_route(&stage, "order.returned", "outbound", QUEUE, Some(channel)).await;
    stage.worker("one").end_when_running(&stage).await;
    stage.script.close(OTHER, Some(Fault::QueueGone("the queue was deleted".into())));
    let worker = stage.worker("one");
    stage.status("misconfigured").await;
    stage.produce_cancelled("c", 60).await;
    stage.produce(60).await;
    for number in 0..60 {
        let (key, headers) = (format!("k{number}"), headers(&format!("r{number}"), "order.returned"));
        stage.producer.send(&later.as_str().into(), Some(key.as_bytes()), &headers, Some(b"{}")).await.unwrap();
    }
    stage.taken(60).await;
    assert!(stage.script.taken().iter().all(|taken| id(taken).starts_with('r')), "the other topic alone is read");
    stage.script.close(OTHER, None);
    stage.status("running").await;
    stage.taken(180).await;
    let (mut of_queue, of_other) = (stage.script.taken_by(QUEUE), stage.script.taken_by(OTHER));
    of_queue.retain(|taken| id(taken).starts_with('e'));
    assert_eq!((of_queue.len(), of_other.len()), (60, 60), "none is lost and none comes twice");
    worker.end().await;
}

/// What it would seal, the console could not open.
#[sqlx::test]
async fn a_worker_with_another_key_than_the_consoles_moves_nothing(pool: PgPool) {
    let mut stage = Stage::new(pool, QUEUE).await;
    sqlx::query("insert into installation_key (mark) values ($1)")
        .bind(vault().mark())
        .execute(&stage.pool)
        .await
        .unwrap();
    let other = Vault::new(&"BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA=".to_owned().into()).unwrap();
    let worker = stage.worker_with_key(other, "one");
    let reason = stage.status("halted").await;
    assert!(reason.contains("secrets.key") && reason.contains("operator"), "{reason}");
    worker.end().await;
    let worker = stage.worker("one");
    stage.status("running").await;
    stage.produce(30).await;
    assert_eq!(stage.all_arrived().await, 0);
    worker.end().await;
}

/// What is published after the place where a route is said to have begun is moved by it, whenever it was published.
#[sqlx::test]
async fn a_route_that_joins_another_one_on_its_topic_misses_nothing(pool: PgPool) {
    let mut stage = Stage::new(pool, QUEUE).await;
    let worker = stage.worker("one");
    stage.status("running").await;
    // The new configuration is held up by a topic that does not exist yet, while the one before it goes on.
    let (channel, later) = stage.channel_without_topic().await;
    add_route(&stage, "order.cancelled", "outbound", OTHER, None).await;
    add_route(&stage, "order.returned", "inbound", OTHER, Some(channel)).await;
    stage.desire("running").await;
    let waiting = "select count(*) from bridge, jsonb_array_elements(steps) step where id = $1
                   and step->>'step' = 'kafka' and step->>'text' = 'waiting for Kafka access'";
    stage.number(waiting, 1).await;
    stage.produce_cancelled("early", 60).await;
    stage.produce(60).await;
    stage.all_arrived().await;
    create_topic(&later, PARTITIONS).await;
    stage.status("running").await;
    stage
        .number("select count(*) from route, jsonb_each(start_offsets) s where bridge_id = $1 and s.value <> 'null'", 6)
        .await;
    stage.produce_cancelled("late", 60).await;
    joined(&stage, 180, "late").await;
    assert_eq!(stage.script.taken_by(QUEUE).len(), 60);
    worker.end().await;
}

/// A route of cancelled orders has moved each of them from the place on where it has begun, and those by this name are
/// among them.
async fn joined(stage: &Stage, records: usize, name: &str) {
    let begins = stage.begins("order.cancelled").await;
    let due: HashSet<String> = stage
        .records(records)
        .await
        .iter()
        .filter(|record| record.offset() >= begins[&record.partition()])
        .filter_map(|record| Event::from_kafka(&read_headers(record), None).ok())
        .filter(|event| event.kind() == "order.cancelled")
        .map(|event| event.attribute("id").unwrap().to_owned())
        .collect();
    assert!((0..60).all(|number| due.contains(&format!("{name}{number}"))), "it had begun before");
    let came = || -> Vec<String> { stage.script.taken_by(OTHER).iter().map(id).collect() };
    within(Duration::from_secs(30), "all that is due has come", async || due.is_subset(&came().into_iter().collect()))
        .await;
    assert_eq!(came().into_iter().collect::<HashSet<_>>(), due, "and nothing else");
    assert_eq!(came().len(), due.len(), "nothing twice");
}

/// A worker that does not hear of the new route goes on with what it knows: the bridge does not say that it runs.
#[sqlx::test]
async fn a_route_begins_in_the_partitions_of_each_worker_once_that_has_it(pool: PgPool) {
    let mut stage = Stage::new(pool, QUEUE).await;
    let one = stage.worker("one");
    stage.status("running").await;
    let away = stage.way_to_postgres();
    let two = stage.worker_over(&away, "two").await;
    // Nobody joins for nothing.
    let (group, topic) = (format!("ebm.bridge.{}", stage.bridge.0), stage.topic.clone());
    let mut shared = Box::pin(shared_by(&group, &topic, 2));
    while timeout(Duration::from_millis(200), &mut shared).await.is_err() {
        stage.produce(10).await;
    }
    away.refuse(true);
    away.reset();
    add_route(&stage, "order.cancelled", "outbound", OTHER, None).await;
    stage.desire("running").await;
    let partly = "select count(*) from bridge where id = $1 and status = 'reconfiguring'
                  and status_reason like 'Other workers still read%'";
    stage.number(partly, 1).await;
    stage.produce_cancelled("early", 60).await;
    within(Duration::from_secs(30), "some have come", async || !stage.script.taken_by(OTHER).is_empty()).await;
    stage.number(partly, 1).await;
    away.refuse(false);
    stage.number("select count(*) from bridge where id = $1 and status = 'running' and status_reason = ''", 1).await;
    stage.produce_cancelled("late", 60).await;
    joined(&stage, 120, "late").await;
    one.end().await;
    two.end().await;
}

#[sqlx::test]
async fn a_topic_that_is_made_again_halts_the_lane_however_far_it_has_come(pool: PgPool) {
    let mut stage = Stage::new(pool, QUEUE).await;
    stage.worker("one").end_when_running(&stage).await;
    stage.delete_topic().await;
    stage.create_topic().await;
    // More than there were before: offsets tell nothing.
    stage.produce(100).await;
    let worker = stage.worker("one");
    let reason = stage.status("halted").await;
    assert!(reason.contains("deleted and made again"), "{reason}");
    stage.number("select count(*) from bridge where id = $1 and gap", 1).await;
    assert!(stage.script.taken().is_empty());
    stage.go_on().await;
    stage.status("running").await;
    assert_eq!(stage.all_arrived().await, 0, "each once");
    worker.end().await;
}

#[sqlx::test]
async fn a_topic_that_is_made_again_is_noticed_while_the_lane_runs(pool: PgPool) {
    let mut stage = Stage::new(pool, QUEUE).await;
    let worker = stage.worker("one");
    stage.status("running").await;
    stage.produce(30).await;
    stage.all_arrived().await;
    stage.delete_topic().await;
    stage.create_topic().await;
    stage.produce(100).await;
    // Where the lane looks between the two, it halts for want of a topic first.
    stage.number("select count(*) from bridge where id = $1 and gap", 1).await;
    let reason = stage.status("halted").await;
    assert!(reason.contains("deleted and made again"), "{reason}");
    // What was read of it before it was noticed is read again: none of it may be missing.
    stage.go_on().await;
    stage.status("running").await;
    assert!(stage.all_arrived().await <= 100);
    worker.end().await;
}

/// Kafka forgets a group that nobody was in for some days.
#[sqlx::test]
async fn a_bridge_that_kafka_has_forgotten_goes_on_where_it_was(pool: PgPool) {
    let mut stage = Stage::new(pool, QUEUE).await;
    let worker = stage.worker("one");
    stage.status("running").await;
    stage.produce(200).await;
    stage.all_arrived().await;
    stage.desire("stopped").await;
    stage.status("stopped").await;
    stage.forget_group().await;
    stage.produce(50).await;
    stage.desire("running").await;
    stage.status("running").await;
    assert_eq!(stage.all_arrived().await, 0, "nothing twice");
    worker.end().await;
}

#[sqlx::test]
async fn workers_share_a_bridge_and_take_over_from_each_other(pool: PgPool) {
    let mut stage = Stage::new(pool, FIFO).await;
    let first = stage.worker("one");
    stage.status("running").await;
    stage.produce(1_000).await;
    let second = stage.worker("two");
    stage.produce(2_000).await;
    assert_eq!(stage.all_arrived().await, 0, "no duplicates on a FIFO queue");
    first.kill().await;
    stage.produce(1_000).await;
    assert_eq!(stage.all_arrived().await, 0, "no duplicates on a FIFO queue");
    stage.in_order();
    second.end().await;
}

impl stage::Running {
    /// Ends it once the bridge runs, so that the route has its start.
    async fn end_when_running(self, stage: &Stage) {
        stage.status("running").await;
        self.end().await;
    }
}
