//! Access: grants by hand, findings, and what deployments give by themselves.

use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::{World, report};

const DEPLOYMENT: &str = "/apps/order-portal/environments/acceptance/deployment";

fn grant(access: &[&str]) -> Value {
    json!({ "app": "order-portal", "env": "acceptance", "service": "orders", "event": "OrderPlaced", "access": access })
}

async fn access(world: &World) -> Vec<(String, bool)> {
    let found = world.api.get(&world.viewer, "/apps/order-portal/environments/acceptance").await.expect(200);
    let of = |used: &Value| (used["event"].as_str().unwrap().to_owned(), used["granted"] == true);
    found["access"].as_array().unwrap().iter().map(of).collect()
}

#[sqlx::test]
async fn what_was_taken_by_hand_does_not_come_back_with_the_next_deployment(pool: PgPool) {
    let world = World::new(pool, false).await;
    let World { api, admin, deploy, viewer, .. } = &world;
    api.put(deploy, DEPLOYMENT, report("1", "2026-01-01T00:00:00Z")).await.expect(200);
    let all = |placed| vec![("OrderCancelled".to_owned(), true), ("OrderPlaced".to_owned(), placed)];
    assert_eq!(access(&world).await, all(true));

    let taken = api.put(admin, "/spaces/acceptance/grants", grant(&[])).await.expect(200);
    let reach = json!([{ "service": "orders", "event": "OrderPlaced", "access": "publish" }]);
    assert_eq!((&taken["added"], &taken["removed"]), (&json!([]), &reach));
    api.put(deploy, DEPLOYMENT, report("2", "2026-01-02T00:00:00Z")).await.expect(200);
    assert_eq!(access(&world).await, all(false));
    let findings = api.get(viewer, "/findings").await.expect(200);
    assert_eq!(findings["items"][0]["finding"], "implemented-no-access", "{findings:#}");

    // Given again, twice: one change.
    api.put(admin, "/spaces/acceptance/grants", grant(&["publish"])).await.expect(200);
    let again = api.put(admin, "/spaces/acceptance/grants", grant(&["publish"])).await.expect(200);
    assert_eq!(again["added"], json!([]));
    let changes = api.get(admin, "/changes?q=access").await.expect(200);
    assert_eq!(changes["items"].as_array().unwrap().len(), 2, "{changes:#}");
}

#[sqlx::test]
async fn what_cannot_be_granted_is_refused_by_its_name(pool: PgPool) {
    let world = World::new(pool, false).await;
    let World { api, admin, deploy, .. } = &world;
    api.put(deploy, DEPLOYMENT, report("1", "2026-01-01T00:00:00Z")).await.expect(200);
    let stock = |access: &[&str]| json!({ "app": "stock", "env": "production", "service": "orders", "event": "OrderPlaced", "access": access });
    let refused = api.put(admin, "/spaces/production/grants", stock(&["publish"])).await;
    assert_eq!(refused.refused(422, "invalid"), ["/event"]);
    let asleep = api.put(admin, "/spaces/production/grants", stock(&["subscribe"])).await.expect(200);
    assert_eq!(asleep["asleep"].as_array().unwrap().len(), 1, "it does not flow there");
    let elsewhere = api.put(admin, "/spaces/acceptance/grants", stock(&["subscribe"])).await;
    assert_eq!(elsewhere.refused(422, "invalid"), ["/env"]);
    let mut unheard = grant(&["publish"]);
    unheard["event"] = "Unheard".into();
    assert_eq!(api.put(admin, "/spaces/acceptance/grants", unheard).await.refused(422, "invalid"), ["/event"]);
    let mut wrong = grant(&["publish"]);
    wrong["access"] = json!(["read"]);
    assert_eq!(api.put(admin, "/spaces/acceptance/grants", wrong).await.refused(422, "invalid"), ["/access/0"]);
}
