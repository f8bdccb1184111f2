//! Moving environments between Spaces, and the Spaces themselves.

use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::{World, orders, report};

fn asked(dry_run: bool, version: &Value) -> Value {
    let mut body = json!({ "app": "order-portal", "env": "acceptance", "dry_run": dry_run });
    if !version.is_null() {
        body["plan_version"] = version.clone();
    }
    body
}

/// Deploys the contract of `orders`, and `stock` as a subscriber of it in the same Space.
async fn exchange(world: &World) {
    let World { api, admin, deploy, .. } = world;
    let path = "/apps/order-portal/environments/acceptance/deployment";
    api.put(deploy, path, report("1", "2026-01-01T00:00:00Z")).await.expect(200);
    api.put(admin, "/apps/stock/environments/acceptance", json!({})).await.expect(201);
    api.put(admin, "/apps/stock/environments/acceptance/broker", json!({ "enabled": true })).await.expect(200);
    let implements = json!([{ "service": "orders", "event": "OrderPlaced", "access": "subscribe" }]);
    let body =
        json!({ "version": "1", "deployed_at": "2026-01-01T00:00:00Z", "defines": [], "implements": implements });
    api.put(admin, "/apps/stock/environments/acceptance/deployment", body).await.expect(200);
}

#[sqlx::test]
async fn a_move_is_rehearsed_applied_as_rehearsed_and_recorded(pool: PgPool) {
    let world = World::new(pool, false).await;
    exchange(&world).await;
    let World { api, admin, .. } = &world;
    let moves = "/spaces/production/moves";
    let plan = api.post(admin, moves, asked(true, &Value::Null)).await.expect(200);
    assert_eq!((plan["from"].as_str(), plan["to"].as_str()), (Some("acceptance"), Some("production")));
    assert_eq!(plan["kept"].as_array().unwrap().len(), 2, "{plan:#}");
    assert_eq!(plan["peers_lost"], json!(["stock.acceptance"]));
    assert_eq!(plan["peers_gained"], json!([]));
    assert_eq!(plan["topics"].as_array().unwrap().len(), 1);
    assert_eq!(plan["unread"], Value::Null, "there is no Kafka to say it");
    let before = api.get(admin, "/apps/order-portal/environments/acceptance").await.expect(200);
    assert_eq!(before["space"], "acceptance", "a rehearsal changes nothing");

    api.post(admin, moves, asked(false, &Value::Null)).await.refused(422, "invalid");
    api.post(admin, moves, asked(false, &json!("0123"))).await.refused(409, "stale-plan");
    api.post(admin, moves, asked(false, &plan["plan_version"])).await.expect(200);
    let after = api.get(admin, "/apps/order-portal/environments/acceptance").await.expect(200);
    assert_eq!((after["space"].as_str(), after["status"].as_str()), (Some("production"), Some("pending")));
    let space = api.get(admin, "/spaces/production").await.expect(200);
    assert_eq!(space["channels"].as_array().unwrap().len(), 1, "the channel has come along");
    // Twice: it is there already.
    api.post(admin, moves, asked(false, &plan["plan_version"])).await.refused(422, "invalid");

    let changes = api.get(admin, "/changes?limit=1").await.expect(200);
    let change = &changes["items"][0];
    assert_eq!(change["act"], "environment.reassigned");
    assert_eq!((&change["before"]["space"], &change["after"]["space"]), (&json!("acceptance"), &json!("production")));
}

#[sqlx::test]
async fn a_subscriber_loses_what_does_not_flow_where_it_goes_and_gets_it_back(pool: PgPool) {
    let world = World::new(pool, false).await;
    exchange(&world).await;
    let World { api, admin, .. } = &world;
    let body = |version: &Value| {
        let mut body = json!({ "app": "stock", "env": "acceptance", "dry_run": version.is_null() });
        if !version.is_null() {
            body["plan_version"] = version.clone();
        }
        body
    };
    let there = api.post(admin, "/spaces/production/moves", body(&Value::Null)).await.expect(200);
    let reach = json!([{ "service": "orders", "event": "OrderPlaced", "access": "subscribe" }]);
    assert_eq!((&there["lost"], &there["gained"]), (&reach, &json!([])));
    api.post(admin, "/spaces/production/moves", body(&there["plan_version"])).await.expect(200);
    let asleep = api.get(admin, "/apps/stock/environments/acceptance").await.expect(200);
    let access = &asleep["access"][0];
    assert_eq!((&access["granted"], &access["has_topic"]), (&json!(true), &json!(false)), "the grant sleeps");
    let back = api.post(admin, "/spaces/acceptance/moves", body(&Value::Null)).await.expect(200);
    assert_eq!((&back["gained"], &back["lost"]), (&reach, &json!([])));
}

#[sqlx::test]
async fn what_a_move_rests_on_may_not_have_changed(pool: PgPool) {
    let world = World::new(pool, false).await;
    exchange(&world).await;
    let World { api, admin, deploy, .. } = &world;
    let moves = "/spaces/production/moves";
    let plan = api.post(admin, moves, asked(true, &Value::Null)).await.expect(200);
    let mut contract = orders();
    contract["channels"]["returns"] =
        json!({ "subscribe": { "message": { "name": "OrderReturned", "payload": { "type": "object" } } } });
    let body = json!({ "version": "2", "deployed_at": "2026-01-02T00:00:00Z", "defines": [contract] });
    api.put(deploy, "/apps/order-portal/environments/acceptance/deployment", body).await.expect(200);
    api.post(admin, moves, asked(false, &plan["plan_version"])).await.refused(409, "stale-plan");
    let again = api.post(admin, moves, asked(true, &Value::Null)).await.expect(200);
    assert_ne!(again["plan_version"], plan["plan_version"]);
    // Two at once: one moves, the other is told.
    let one = api.post(admin, moves, asked(false, &again["plan_version"]));
    let other = api.post(admin, moves, asked(false, &again["plan_version"]));
    let (one, other) = tokio::join!(one, other);
    let mut answers = [one.status, other.status];
    answers.sort_unstable();
    assert_eq!(answers, [200, 422]);
}

#[sqlx::test]
async fn spaces_are_made_once_and_deleted_while_they_are_empty(pool: PgPool) {
    let world = World::new(pool, false).await;
    let World { api, admin, .. } = &world;
    api.put(admin, "/spaces/Spare-1", json!({})).await.expect(201);
    api.put(admin, "/spaces/Spare-1", json!({})).await.expect(200);
    api.put(admin, "/spaces/spare-1", json!({})).await.refused(409, "space-exists");
    for bad in ["a.b", "-a", "a%20b", "%D0%BE"] {
        let pointers = api.put(admin, &format!("/spaces/{bad}"), json!({})).await.refused(422, "invalid");
        assert_eq!(pointers, ["/space"], "{bad}");
    }
    api.call(admin, "DELETE", "/spaces/acceptance", Value::Null).await.refused(409, "space-not-empty");
    api.call(admin, "DELETE", "/spaces/Spare-1", Value::Null).await.expect(204);
    api.get(admin, "/spaces/Spare-1").await.refused(404, "not-found");
    let pointers = api.post(admin, "/spaces/nowhere/moves", asked(true, &Value::Null)).await.refused(422, "invalid");
    assert_eq!(pointers, ["/space"]);
}
