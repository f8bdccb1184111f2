//! What is shown once, and never again.

use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::World;

const ENVIRONMENT: &str = "/apps/order-portal/environments/acceptance";

/// Every row of every table, as text.
async fn dump(pool: &PgPool) -> String {
    let tables: Vec<String> =
        sqlx::query_scalar("select table_name::text from information_schema.tables where table_schema = 'public'")
            .fetch_all(pool)
            .await
            .unwrap();
    let mut dump = String::new();
    for table in tables {
        let rows = format!("select coalesce(string_agg(t::text, '\n'), '') from \"{table}\" t");
        dump += &sqlx::query_scalar::<_, String>(sqlx::AssertSqlSafe(rows)).fetch_one(pool).await.unwrap();
    }
    dump
}

#[sqlx::test]
async fn credentials_are_shown_once_and_kept_nowhere(pool: PgPool) {
    let world = World::new(pool, false).await;
    let api = &world.api;
    let path = format!("{ENVIRONMENT}/credentials");
    let first = api.post(&world.contact, &path, Value::Null).await;
    assert_eq!(first.header("cache-control"), Some("no-store"));
    let first = first.expect(200);
    assert_eq!(first["username"], "order-portal.acceptance");
    assert_eq!(first["group_prefix"], "order-portal.acceptance.");
    assert_eq!(first["heartbeat_topic"], "_mx_heartbeat.order-portal.acceptance");
    assert_eq!((first["space"].as_str(), first["created"].as_bool()), (Some("acceptance"), Some(true)));
    assert_eq!(first["bootstrap_servers"], "kafka.example:9093");
    let second = api.post(&world.contact, &path, Value::Null).await.expect(200);
    assert_eq!(second["created"], false);
    let passwords = [first["password"].as_str().unwrap(), second["password"].as_str().unwrap()];
    assert_ne!(passwords[0], passwords[1]);

    let mut seen = dump(&world.pool).await;
    assert!(seen.contains("credentials.rotated"));
    for path in ["/changes?limit=200", ENVIRONMENT, "/apps/order-portal"] {
        seen += &api.get(&world.admin, path).await.expect(200).to_string();
    }
    for password in passwords {
        assert!(!seen.contains(password));
    }
}

#[sqlx::test]
async fn credentials_need_both_levels_enabled(pool: PgPool) {
    let world = World::new(pool, false).await;
    world.api.put(&world.contact, &format!("{ENVIRONMENT}/broker"), json!({ "enabled": false })).await.expect(200);
    let refused = world.api.post(&world.contact, &format!("{ENVIRONMENT}/credentials"), Value::Null).await;
    refused.refused(409, "environment-not-enabled");
    let enabled = world.api.put(&world.contact, &format!("{ENVIRONMENT}/broker"), json!({ "enabled": true })).await;
    assert!(!enabled.expect(200).to_string().contains("password"));
}

#[sqlx::test]
async fn tokens_and_links_are_shown_once_and_kept_as_hashes(pool: PgPool) {
    let world = World::new(pool, false).await;
    let api = &world.api;
    let body = json!({ "contacts": ["contact@example.com", "new@example.com"] });
    let registered = api.put(&world.admin, "/apps/order-portal", body.clone()).await.expect(200);
    assert_eq!(registered["invited"][0]["email"], "new@example.com");
    let again = api.put(&world.admin, "/apps/order-portal", body).await.expect(200);
    assert_eq!(again["invited"], json!([]));
    let invited =
        api.post(&world.admin, "/members", json!({ "email": "a@example.com", "role": "admin" })).await.expect(201);
    let links = [&registered["invited"][0]["link"], &invited["link"]].map(|link| link.as_str().unwrap());
    let mut seen = dump(&world.pool).await;
    for path in ["/changes?limit=200", "/members", "/tokens"] {
        seen += &api.get(&world.admin, path).await.expect(200).to_string();
    }
    for link in links {
        let secret = link.strip_prefix("https://ebm.example/password/").unwrap();
        assert!(!seen.contains(secret));
    }
    for token in [&world.admin, &world.deploy] {
        assert!(!seen.contains(token.as_str()));
    }
    api.post(&world.admin, "/members", json!({ "email": "A@example.com", "role": "viewer" }))
        .await
        .refused(409, "member-exists");
}

#[sqlx::test]
async fn a_bridge_is_made_whole_or_not_at_all(pool: PgPool) {
    let world = World::new(pool, true).await;
    let api = &world.api;
    api.put(&world.deploy, &format!("{ENVIRONMENT}/deployment"), crate::support::report("1", "2026-01-01T00:00:00Z"))
        .await
        .expect(200);
    let body = |event: &str, queue: &str| {
        json!({ "name": "To ERP", "space": "acceptance", "kind": "sqs", "region": "eu-central-1", "routes": [
            { "service": "orders", "event": event, "direction": "outbound", "queue_url": queue }] })
    };
    let queue = "https://sqs.eu-central-1.amazonaws.com/123456789012/erp";
    let wrong = api.post(&world.contact, "/bridges", body("OrderLost", "http://evil/")).await;
    assert_eq!(wrong.refused(422, "invalid"), ["/routes/0/queue_url", "/routes/0/event"]);
    let mut out_of_place = body("OrderPlaced", queue);
    for (mode, address) in [("batched", queue.to_owned()), ("fair", format!("{queue}.fifo"))] {
        out_of_place["routes"][0]["mode"] = mode.into();
        out_of_place["routes"][0]["queue_url"] = address.into();
        let answer = api.post(&world.contact, "/bridges", out_of_place.clone()).await;
        assert_eq!(answer.refused(422, "invalid"), ["/routes/0/mode"], "{mode}");
    }
    let mut other_kind = body("OrderPlaced", queue);
    other_kind["kind"] = "kinesis".into();
    assert_eq!(api.post(&world.contact, "/bridges", other_kind).await.refused(422, "invalid"), ["/kind"]);
    let away = api.post(&world.contact, "/bridges", body("OrderPlaced", queue)).await;
    away.refused(503, "unavailable");
    assert_eq!(away.header("retry-after"), Some("5"));
    assert_eq!(api.get(&world.admin, "/bridges").await.expect(200)["items"], json!([]));

    let mut draft = body("OrderPlaced", queue);
    draft["routes"] = json!([]);
    let made = api.post(&world.contact, "/bridges", draft.clone()).await.expect(201);
    let path = format!("/bridges/{}", made["id"].as_str().unwrap());
    assert_eq!((made["status"].as_str(), made["version"].as_i64()), (Some("draft"), Some(1)));
    draft["name"] = "To SAP".into();
    draft["version"] = 2.into();
    api.put(&world.contact, &path, draft.clone()).await.refused(409, "stale");
    draft["version"] = 1.into();
    let changed = api.put(&world.contact, &path, draft).await.expect(200);
    assert_eq!(changed["name"], "To SAP");
    api.post(&world.contact, &format!("{path}/start"), json!({ "vouched": true })).await.refused(409, "no-routes");
    api.get(&world.contact, &format!("{path}/policy?format=yaml")).await.refused(422, "invalid");
    api.call(&world.contact, "DELETE", &path, Value::Null).await.expect(202);
    assert_eq!(api.get(&world.contact, "/bridges").await.expect(200)["items"], json!([]));
}

#[sqlx::test]
async fn without_aws_a_bridge_cannot_be_made(pool: PgPool) {
    let world = World::new(pool, false).await;
    let body = json!({ "name": "b", "space": "acceptance", "kind": "sqs", "region": "eu-central-1" });
    world.api.post(&world.contact, "/bridges", body).await.refused(409, "no-aws");
}
