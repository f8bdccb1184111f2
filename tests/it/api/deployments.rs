//! Deployments, as pipelines report them.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::{World, orders, report};

const DEPLOYMENT: &str = "/apps/order-portal/environments/acceptance/deployment";

async fn count(pool: &PgPool) -> (i64, i64, i64) {
    sqlx::query_as(
        "select (select count(*) from deployment), (select count(*) from event), (select count(*) from change)",
    )
    .fetch_one(pool)
    .await
    .unwrap()
}

#[sqlx::test]
async fn a_deployment_brings_its_service_channel_and_events_into_being(pool: PgPool) {
    let world = World::new(pool, false).await;
    let api = &world.api;
    api.get(&world.deploy, DEPLOYMENT).await.refused(404, "not-found");
    let answer = api.put(&world.deploy, DEPLOYMENT, report("1.4.0", "2026-01-01T02:00:00+02:00")).await.expect(200);
    assert_eq!(answer["version"], "1.4.0");
    assert_eq!(answer["deployed_at"], "2026-01-01T00:00:00Z");
    assert_eq!((answer["space"].as_str(), answer["status"].as_str()), (Some("acceptance"), Some("pending")));
    assert!(!answer["changes"].as_array().unwrap().is_empty());

    let channels = api.get(&world.viewer, "/channels?space=acceptance").await.expect(200);
    let channel = channels["items"][0]["id"].as_str().unwrap();
    let topic = format!("businessevents.{channel}.acceptance");
    let topics = answer["topics"].as_array().unwrap();
    assert_eq!(topics.len(), 2);
    for (shown, event) in topics.iter().zip(["OrderCancelled", "OrderPlaced"]) {
        assert_eq!(
            *shown,
            json!({ "service": "orders", "event": event, "access": "publish", "topic": topic,
                    "group_prefix": "order-portal.acceptance.", "granted": true })
        );
    }
    let read = api.get(&world.deploy, DEPLOYMENT).await.expect(200);
    assert_eq!(read["topics"], answer["topics"]);

    let channel = api.get(&world.viewer, &format!("/channels/{channel}")).await.expect(200);
    assert_eq!(channel["address"], "orders");
    assert_eq!(channel["topics"][0]["partitions"], 3);
    assert_eq!(channel["events"][1]["name"], "OrderPlaced");
    assert_eq!(channel["events"][1]["others_may_subscribe"], true);
    let services = api.get(&world.viewer, "/services?app=order-portal").await.expect(200);
    assert_eq!(services["items"][0]["key"], "orders");
    let events = api.get(&world.viewer, "/events?q=placed&space=acceptance").await.expect(200);
    assert_eq!(events["items"].as_array().unwrap().len(), 1);
    let space = api.get(&world.viewer, "/spaces/Acceptance").await.expect(200);
    assert_eq!(space["uses"].as_array().unwrap().len(), 2);
}

#[sqlx::test]
async fn the_same_report_twice_or_in_parallel_has_one_effect(pool: PgPool) {
    let world = World::new(pool, false).await;
    let put = || world.api.put(&world.deploy, DEPLOYMENT, report("1", "2026-01-01T00:00:00Z"));
    let (a, b, c) = tokio::join!(put(), put(), put());
    let answers = [a.expect(200), b.expect(200), c.expect(200)];
    let before = count(&world.pool).await;
    assert_eq!((before.0, before.1), (1, 2));
    assert_eq!(answers.iter().filter(|a| a["changes"] != json!([])).count(), 1);
    let again = put().await.expect(200);
    assert_eq!(count(&world.pool).await, before);
    assert_eq!((&again["topics"], &again["changes"]), (&answers[0]["topics"], &json!([])));
}

#[sqlx::test]
async fn a_dry_run_says_what_would_change_and_changes_nothing(pool: PgPool) {
    let world = World::new(pool, false).await;
    let before = count(&world.pool).await;
    let path = format!("{DEPLOYMENT}?dry_run=true");
    let plan = world.api.put(&world.deploy, &path, report("1", "2026-01-01T00:00:00Z")).await.expect(200);
    assert_eq!(plan["dry_run"], true);
    assert_eq!(plan["topics"].as_array().unwrap().len(), 2);
    assert_eq!(count(&world.pool).await, before);
    world.api.get(&world.deploy, DEPLOYMENT).await.refused(404, "not-found");
}

#[sqlx::test]
async fn a_document_may_come_as_text(pool: PgPool) {
    let world = World::new(pool, false).await;
    let yaml = "asyncapi: 2.6.0\ninfo: {title: Stock Levels, version: '2'}\nchannels:\n  levels:\n    publish:\n      message: {name: LevelChanged, payload: {type: object}}\n";
    let body = json!({ "version": "1", "deployed_at": "2026-01-01T00:00:00Z", "defines": [yaml, orders()] });
    let answer = world.api.put(&world.deploy, DEPLOYMENT, body).await.expect(200);
    let topics = answer["topics"].as_array().unwrap();
    assert_eq!(topics.iter().filter(|t| t["service"] == "stock-levels" && t["access"] == "subscribe").count(), 1);
    let kept: Vec<u8> = sqlx::query_scalar(
        "select document from contract_document d join service s on s.id = d.service_id where s.key = 'stock-levels'",
    )
    .fetch_one(&world.pool)
    .await
    .unwrap();
    assert_eq!(kept, yaml.as_bytes());
}

#[sqlx::test]
async fn what_an_app_does_with_events_of_others_must_be_open_to_it(pool: PgPool) {
    let world = World::new(pool, false).await;
    let api = &world.api;
    api.put(&world.deploy, DEPLOYMENT, report("1", "2026-01-01T00:00:00Z")).await.expect(200);
    api.enabled_app(&world.admin, "billing", "acceptance", "other@example.com").await;
    let path = "/apps/billing/environments/acceptance/deployment";
    let put = async |implements: Value| {
        let body = json!({ "version": "1", "deployed_at": "2026-01-01T00:00:00Z", "implements": implements });
        api.put(&world.other, path, body).await
    };
    let unknown = put(json!([
        { "service": "orders", "event": "OrderPlaced", "access": "subscribe" },
        { "service": "orders", "event": "OrderLost", "access": "subscribe" },
        { "service": "nobody", "event": "Nothing", "access": "publish" },
    ]));
    assert_eq!(unknown.await.refused(422, "invalid"), ["/implements/1", "/implements/2"]);
    let closed = put(json!([{ "service": "orders", "event": "OrderPlaced", "access": "publish" }])).await;
    assert_eq!(closed.refused(422, "invalid"), ["/implements/0/access"]);
    let open = put(json!([{ "service": "orders", "event": "OrderPlaced", "access": "subscribe" }])).await.expect(200);
    assert_eq!(open["topics"][0]["granted"], true);

    let mut theirs = report("2", "2026-02-01T00:00:00Z");
    api.put(&world.other, path, theirs.clone()).await.refused(409, "service-of-another-app");
    theirs["defines"][0]["info"]["x-ebm-service"] = "orders-of-billing".into();
    api.put(&world.other, path, theirs).await.refused(409, "event-exists");
}

#[sqlx::test]
async fn a_report_must_be_the_newest_and_of_an_enabled_environment(pool: PgPool) {
    let world = World::new(pool, false).await;
    let api = &world.api;
    api.put(&world.deploy, DEPLOYMENT, report("2", "2026-02-01T00:00:00Z")).await.expect(200);
    let older = api.put(&world.deploy, DEPLOYMENT, report("1", "2026-01-31T23:59:59Z")).await;
    older.refused(409, "older-deployment");
    api.put(&world.contact, "/apps/order-portal/broker", json!({ "enabled": false })).await.expect(200);
    let disabled = api.put(&world.deploy, DEPLOYMENT, report("3", "2026-03-01T00:00:00Z")).await;
    disabled.refused(409, "environment-not-enabled");
}

#[sqlx::test]
async fn a_report_can_wait_for_kafka(pool: PgPool) {
    let world = World::new(pool, false).await;
    let path = |seconds: u8| format!("{DEPLOYMENT}?wait={seconds}");
    let begun = Instant::now();
    let answer = world.api.put(&world.deploy, &path(1), report("1", "2026-01-01T00:00:00Z")).await.expect(200);
    assert_eq!(answer["status"], "pending");
    assert!(answer["pending_since"].is_string());
    assert!(begun.elapsed() < Duration::from_secs(10));

    let reported = async |version: &str| {
        let find = "select exists (select from deployment where app_version = $1)";
        while !sqlx::query_scalar::<_, bool>(find).bind(version).fetch_one(&world.pool).await.unwrap() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let applied = async {
        reported("2").await;
        for table in ["update channel_topic set applied_at = now()", "update environment set access_applied_at = now()"]
        {
            sqlx::query(table).execute(&world.pool).await.unwrap();
        }
    };
    let path = path(20);
    let put = world.api.put(&world.deploy, &path, report("2", "2026-01-02T00:00:00Z"));
    let (answer, ()) = tokio::join!(put, applied);
    assert_eq!(answer.expect(200)["status"], "applied");

    let failed = async {
        reported("3").await;
        let fail = "update environment set access_failure = 'Kafka refused'";
        sqlx::query(fail).execute(&world.pool).await.unwrap();
    };
    let put = world.api.put(&world.deploy, &path, report("3", "2026-01-03T00:00:00Z"));
    let (answer, ()) = tokio::join!(put, failed);
    let answer = answer.expect(200);
    assert_eq!((answer["status"].as_str(), answer["status_reason"].as_str()), (Some("failed"), Some("Kafka refused")));
}
