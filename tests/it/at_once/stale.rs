//! What was looked at before someone else changed it: nothing is done by it, and nothing typed is lost.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use sqlx::PgPool;

use super::{Stage, bridge, routes};
use crate::support::World;

/// Files of pages whose forms carry the version of what they show. One that is new here wants a case below.
const CARRIERS: &[&str] = &[
    "access/edit.rs",
    "bridges/add.rs",
    "bridges/check.rs",
    "bridges/delete.rs",
    "bridges/details.rs",
    "bridges/events.rs",
    "bridges/state.rs",
    "people.rs",
    "reassign.rs",
];

#[test]
fn every_form_with_a_version_is_known() {
    let carries = |text: &str| {
        text.lines().any(|line| {
            let hidden = line.contains("name=\"version\"") || line.contains("name=\"plan_version\"");
            hidden || line.contains("(\"version\".to_owned()") || line.contains("(\"plan_version\"")
        })
    };
    let found: BTreeSet<_> = routes::sources()
        .into_iter()
        .filter(|(_, text)| carries(text))
        .map(|(file, _)| file.split_once("/web/pages/").unwrap().1.to_owned())
        .collect();
    assert_eq!(found, CARRIERS.iter().map(|file| (*file).to_owned()).collect());
}

/// A form with an old version: where it goes, what is typed, and what stands on the page then.
const FORMS: &[(&str, &str, &[&str])] = &[
    (
        "/bridges/{b1}/details",
        "version=1&name=typed-name&space=acceptance&region=eu-central-1",
        &["value=\"typed-name\"", "name=\"version\" value=\"3\""],
    ),
    (
        "/bridges/{b1}/events",
        "version=1&rows/0/event=orders/OrderCancelled&rows/0/to=on&rows/0/to_url=https://sqs.eu-central-1.amazonaws.com/{account}/typed",
        &["orders/OrderCancelled", "/typed", "What you typed is still here"],
    ),
    (
        "/bridges/{b1}/start",
        "version=1&vouched=1",
        &["name=\"vouched\" value=\"on\" checked", "name=\"version\" value=\"3\""],
    ),
    // What confirms it is asked for anew.
    ("/bridges/{b1}/delete", "version=1&typed=b1", &["Type b1 to confirm", "name=\"version\" value=\"3\""]),
    ("/people/{viewer}", "version=1&role=admin", &["value=\"admin\" checked", "name=\"version\" value=\"3\""]),
    ("/people/{viewer}", "version=1&blocked=true", &["Block Viewer", "name=\"version\" value=\"3\""]),
];

#[sqlx::test]
async fn a_form_that_is_behind_is_refused_with_what_happened_and_keeps_what_was_typed(pool: PgPool) {
    let stage = Stage::new(&pool).await;
    let World { api, admin, .. } = &stage.world;
    // Someone else.
    let of_bridge = format!("/bridges/{}", bridge(1));
    api.post(admin, &format!("{of_bridge}/start"), json!({ "vouched": true })).await.expect(200);
    api.post(admin, &format!("{of_bridge}/stop"), Value::Null).await.expect(200);
    let of_member = stage.filled("/members/{viewer}").await;
    for role in ["admin", "viewer"] {
        api.call(admin, "PATCH", &of_member, json!({ "role": role })).await.expect(204);
    }
    let before = stage.changes().await;
    for (path, form, kept) in FORMS {
        let (path, form) = (stage.filled(path).await, stage.filled(form).await);
        let page = stage.eve.post(&path, &form).await.expect(409, kept);
        page.expect(409, &["was changed meanwhile", "admin@example.com", " UTC"]);
    }
    assert_eq!(stage.changes().await, before, "nothing was written");

    // Where the form says again what it then knows, it is done.
    let again = "version=3&name=typed-name&space=acceptance&region=eu-central-1";
    assert_eq!(stage.eve.post(&stage.filled("/bridges/{b1}/details").await, again).await.status, 303);
    stage.end().await;
}

#[sqlx::test]
async fn a_draft_of_access_and_a_rehearsal_that_are_behind_stay_on_their_page(pool: PgPool) {
    let stage = Stage::new(&pool).await;
    let World { api, admin, .. } = &stage.world;
    let access = stage.filled("{access}").await;
    let plan = stage.filled("{plan}").await;
    let grant = json!({ "app": "order-portal", "env": "acceptance", "service": "orders", "event": "OrderPlaced", "access": [] });
    api.put(admin, "/spaces/acceptance/grants", grant).await.expect(200);
    api.put(admin, "/apps/stock/environments/production/broker", json!({ "enabled": false })).await.expect(200);
    let before = stage.changes().await;

    let draft =
        format!("apply=1&version={access}&row=orders/OrderPlaced&row=orders/OrderCancelled&publish=orders/OrderPlaced");
    let page = stage.eve.post("/access/order-portal/acceptance", &draft).await;
    let page =
        page.expect(409, &["This was changed meanwhile", "admin@example.com", " UTC", "Publish OrderPlaced of orders"]);
    assert_ne!(page.hidden("version"), access, "the next try is made of what is in force now");
    let of = |event: &str| {
        let (_, rest) = page.text.split_once(&format!("aria-label=\"Publish {event}\"")).unwrap();
        let tag = page.text.len() - rest.len();
        let start = page.text[..tag].rfind("<input").unwrap();
        page.text[start..].split('>').next().unwrap().contains("checked")
    };
    assert_eq!((of("OrderPlaced"), of("OrderCancelled")), (true, false), "the ticks stay");

    let form = format!("to=spare&plan_version={plan}");
    let path = "/apps/stock/environments/production/space";
    let page = stage.eve.post(path, &form).await;
    let page = page.expect(409, &["What this move rests on has changed", "admin@example.com", " UTC", "Move to spare"]);
    assert_ne!(page.hidden("plan_version"), plan);
    assert_eq!(stage.changes().await, before, "nothing was written");
    stage.end().await;
}

#[sqlx::test]
async fn a_call_that_is_behind_is_refused(pool: PgPool) {
    let stage = Stage::new(&pool).await;
    let World { api, admin, .. } = &stage.world;
    let of_bridge = format!("/bridges/{}", bridge(1));
    let body = json!({ "version": 1, "name": "changed", "space": "acceptance", "kind": "sqs", "region": "eu-central-1", "routes": [] });
    api.put(admin, &of_bridge, body.clone()).await.expect(200);
    let of_member = stage.filled("/members/{viewer}").await;
    api.call(admin, "PATCH", &of_member, json!({ "role": "admin" })).await.expect(204);
    let before = stage.changes().await;
    for (method, path, body) in [
        ("PUT", of_bridge.clone(), body),
        ("DELETE", format!("{of_bridge}?version=1"), Value::Null),
        ("POST", format!("{of_bridge}/start"), json!({ "version": 1 })),
        ("POST", format!("{of_bridge}/stop"), json!({ "version": 1 })),
        ("PATCH", of_member, json!({ "version": 1, "blocked": true })),
    ] {
        let answer = api.call(admin, method, &path, body).await;
        answer.refused(409, "stale");
        let text = answer.body["detail"].as_str().unwrap();
        assert!(text.contains("by admin@example.com at ") && text.contains(" UTC"), "{method} {path}: {text}");
    }
    assert_eq!(stage.changes().await, before, "nothing was written");
    stage.end().await;
}
