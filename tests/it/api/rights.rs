//! Who may do what, over HTTP.

use ebm::api::routes;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::{WEATHER, World, report};

const DEPLOYMENT: &str = "/apps/order-portal/environments/acceptance/deployment";

/// A call, and its status for: nobody, viewer, contact, contact of another app, admin, blocked, deploy token.
type Row = (&'static str, &'static str, fn(&str) -> Value, [u16; 7]);

fn none(_: &str) -> Value {
    Value::Null
}

fn bridge_body(version: Option<i64>) -> Value {
    let mut body = json!({ "name": "b", "space": "acceptance", "kind": "sqs", "region": "eu-central-1", "routes": [] });
    if let Some(version) = version {
        body["version"] = version.into();
    }
    body
}

/// What is allowed and yet refused for another reason (409) changes nothing, so that the next column finds the same.
const TABLE: &[Row] = &[
    // route, path, body                                              An   Vi   TC   TX   Ad   Bl   DT
    ("GET /apps", "/apps", none, [401, 200, 200, 200, 200, 401, 403]),
    ("GET /apps/{app}", "/apps/order-portal", none, [401, 200, 200, 200, 200, 401, 403]),
    (
        "GET /apps/{app}/environments/{env}",
        "/apps/order-portal/environments/acceptance",
        none,
        [401, 200, 200, 200, 200, 401, 403],
    ),
    (
        "GET /apps/{app}/environments/{env}/events/{service}/{event}/explain",
        "/apps/order-portal/environments/acceptance/events/orders/OrderPlaced/explain",
        none,
        [401, 200, 200, 200, 200, 401, 403],
    ),
    ("POST /import", "/import", |_| json!({ "apps": [] }), [401, 403, 403, 403, 200, 401, 403]),
    ("GET /spaces", "/spaces", none, [401, 200, 200, 200, 200, 401, 403]),
    ("GET /spaces/{space}", "/spaces/acceptance", none, [401, 200, 200, 200, 200, 401, 403]),
    ("PUT /spaces/{space}", "/spaces/spare", none, [401, 403, 403, 403, 201, 401, 403]),
    (
        "POST /spaces/{space}/moves",
        "/spaces/spare/moves",
        |_| json!({ "app": "order-portal", "env": "acceptance", "dry_run": true }),
        [401, 403, 403, 403, 200, 401, 403],
    ),
    ("GET /cluster", "/cluster", none, [401, 404, 404, 404, 404, 401, 403]),
    (
        "POST /cluster/decisions",
        "/cluster/decisions",
        |_| json!({ "subject": "topic: x", "answer": "recreate" }),
        [401, 403, 403, 403, 409, 401, 403],
    ),
    ("GET /findings", "/findings", none, [401, 200, 200, 200, 200, 401, 403]),
    (
        "PUT /spaces/{space}/grants",
        "/spaces/acceptance/grants",
        |_| json!({ "app": "order-portal", "env": "acceptance", "service": "orders", "event": "OrderPlaced", "access": ["publish"] }),
        [401, 403, 403, 403, 200, 401, 403],
    ),
    ("DELETE /spaces/{space}", "/spaces/spare", none, [401, 403, 403, 403, 204, 401, 403]),
    ("GET /channels", "/channels", none, [401, 200, 200, 200, 200, 401, 403]),
    ("GET /channels/{channel}", "/channels/{channel}", none, [401, 200, 200, 200, 200, 401, 403]),
    ("GET /events", "/events", none, [401, 200, 200, 200, 200, 401, 403]),
    ("GET /services", "/services", none, [401, 200, 200, 200, 200, 401, 403]),
    ("POST /services", "?dry_run=true", |_| WEATHER.into(), [401, 403, 200, 200, 200, 401, 403]),
    // Whoever comes first brings it, the others find it: it is the contact's upload.
    ("POST /services", "", |_| WEATHER.into(), [401, 403, 201, 200, 200, 401, 403]),
    ("GET /services/{service}/asyncapi", "/services/weather/asyncapi", none, [401, 200, 200, 200, 200, 401, 403]),
    (
        "DELETE /services/{service}/spaces/{space}",
        "/services/orders/spaces/acceptance",
        none,
        [401, 403, 409, 409, 409, 401, 403],
    ),
    // Another's upload; then one's own, which is gone for the next.
    (
        "DELETE /services/{service}/spaces/{space}",
        "/services/tides/spaces/acceptance",
        none,
        [401, 403, 403, 403, 204, 401, 403],
    ),
    (
        "DELETE /services/{service}/spaces/{space}",
        "/services/weather/spaces/acceptance",
        none,
        [401, 403, 204, 404, 404, 401, 403],
    ),
    ("PUT /apps/{app}", "/apps/order-portal", |_| json!({}), [401, 403, 403, 403, 200, 401, 403]),
    (
        "PUT /apps/{app}/environments/{env}",
        "/apps/order-portal/environments/acceptance",
        |_| json!({}),
        [401, 403, 403, 403, 200, 401, 403],
    ),
    (
        "PUT /apps/{app}/broker",
        "/apps/order-portal/broker",
        |_| json!({ "enabled": true }),
        [401, 403, 200, 403, 200, 401, 403],
    ),
    (
        "PUT /apps/{app}/environments/{env}/broker",
        "/apps/order-portal/environments/acceptance/broker",
        |_| json!({ "enabled": true }),
        [401, 403, 200, 403, 200, 401, 403],
    ),
    (
        "POST /apps/{app}/environments/{env}/credentials",
        "/apps/order-portal/environments/acceptance/credentials",
        none,
        [401, 403, 200, 403, 200, 401, 403],
    ),
    (
        "PUT /apps/{app}/environments/{env}/deployment",
        DEPLOYMENT,
        |_| report("1", "2026-01-01T00:00:00Z"),
        [401, 403, 200, 403, 200, 401, 200],
    ),
    (
        "PUT /apps/{app}/environments/{env}/deployment",
        "/apps/stock/environments/production/deployment",
        |_| report("1", "2026-01-01T00:00:00Z"),
        [401, 403, 403, 409, 409, 401, 404],
    ),
    ("GET /apps/{app}/environments/{env}/deployment", DEPLOYMENT, none, [401, 200, 200, 200, 200, 401, 200]),
    (
        "GET /apps/{app}/environments/{env}/deployment",
        "/apps/stock/environments/production/deployment",
        none,
        [401, 404, 404, 404, 404, 401, 404],
    ),
    ("GET /bridges", "/bridges", none, [401, 200, 200, 200, 200, 401, 403]),
    ("POST /bridges", "/bridges", |_| bridge_body(None), [401, 403, 201, 403, 201, 401, 403]),
    ("GET /bridges/{bridge}", "/bridges/{bridge}", none, [401, 200, 200, 200, 200, 401, 403]),
    ("PUT /bridges/{bridge}", "/bridges/{bridge}", |_| bridge_body(Some(999)), [401, 403, 409, 403, 409, 401, 403]),
    ("DELETE /bridges/{bridge}", "/bridges/{bridge}?version=999", none, [401, 403, 409, 403, 409, 401, 403]),
    ("GET /bridges/{bridge}/policy", "/bridges/{bridge}/policy", none, [401, 403, 409, 403, 409, 401, 403]),
    ("POST /bridges/{bridge}/check", "/bridges/{bridge}/check", none, [401, 403, 409, 403, 409, 401, 403]),
    ("POST /bridges/{bridge}/start", "/bridges/{bridge}/start", none, [401, 403, 409, 403, 409, 401, 403]),
    ("POST /bridges/{bridge}/stop", "/bridges/{bridge}/stop", none, [401, 403, 200, 403, 200, 401, 403]),
    ("POST /bridges/{bridge}/set-aside", "/bridges/{bridge}/set-aside", none, [401, 403, 409, 403, 409, 401, 403]),
    ("POST /bridges/{bridge}/go-on", "/bridges/{bridge}/go-on", none, [401, 403, 409, 403, 409, 401, 403]),
    ("GET /bridges/{bridge}", "/bridges/{draft}", none, [401, 404, 200, 404, 200, 401, 403]),
    ("GET /bridges/{bridge}/policy", "/bridges/{draft}/policy", none, [401, 404, 409, 404, 409, 401, 403]),
    ("GET /bridges/{bridge}/dead-letters", "/bridges/{bridge}/dead-letters", none, [401, 200, 200, 200, 200, 401, 403]),
    ("GET /bridges/{bridge}/dead-letters", "/bridges/{draft}/dead-letters", none, [401, 404, 200, 404, 200, 401, 403]),
    (
        "GET /bridges/{bridge}/dead-letters/{letter}",
        "/bridges/{bridge}/dead-letters/1",
        none,
        [401, 403, 404, 403, 404, 401, 403],
    ),
    (
        "POST /bridges/{bridge}/dead-letters/{letter}/restore",
        "/bridges/{bridge}/dead-letters/1/restore",
        none,
        [401, 403, 404, 403, 404, 401, 403],
    ),
    (
        "PUT /bridges/{bridge}/dead-letters/{letter}",
        "/bridges/{bridge}/dead-letters/1",
        |_| json!({ "content": { "queue": "q", "message_id": "m", "group": null, "attributes": [], "body": "" } }),
        [401, 403, 404, 403, 404, 401, 403],
    ),
    (
        "POST /bridges/{bridge}/dead-letters/{letter}/redrive",
        "/bridges/{bridge}/dead-letters/1/redrive",
        none,
        [401, 403, 404, 403, 404, 401, 403],
    ),
    (
        "POST /bridges/{bridge}/dead-letters/redrive",
        "/bridges/{bridge}/dead-letters/redrive",
        none,
        [401, 403, 409, 403, 409, 401, 403],
    ),
    (
        "DELETE /bridges/{bridge}/dead-letters/{letter}",
        "/bridges/{bridge}/dead-letters/1",
        none,
        [401, 403, 403, 403, 404, 401, 403],
    ),
    (
        "DELETE /bridges/{bridge}/dead-letters",
        "/bridges/{bridge}/dead-letters?up_to=1&count=1",
        none,
        [401, 403, 403, 403, 422, 401, 403],
    ),
    ("GET /members", "/members", none, [401, 403, 403, 403, 200, 401, 403]),
    (
        "POST /members",
        "/members",
        |who| json!({ "email": format!("new-{who}@example.com"), "role": "viewer" }),
        [401, 403, 403, 403, 201, 401, 403],
    ),
    (
        "PATCH /members/{member}",
        "/members/{viewer}",
        |_| json!({ "blocked": false }),
        [401, 403, 403, 403, 204, 401, 403],
    ),
    ("GET /tokens", "/tokens", none, [401, 200, 200, 200, 200, 401, 403]),
    ("GET /tokens", "/tokens?app=order-portal&env=acceptance", none, [401, 403, 200, 403, 200, 401, 403]),
    ("POST /tokens", "/tokens", |_| json!({ "kind": "member" }), [401, 201, 201, 201, 201, 401, 403]),
    (
        "POST /tokens",
        "/tokens",
        |_| json!({ "kind": "deploy", "app": "order-portal", "env": "acceptance" }),
        [401, 403, 201, 403, 201, 401, 403],
    ),
    // A token of the contact's, until its owner ends it.
    ("DELETE /tokens/{token}", "/tokens/{token}", none, [401, 404, 204, 404, 404, 401, 403]),
    ("GET /changes", "/changes", none, [401, 200, 200, 200, 200, 401, 403]),
    (
        "POST /changes/{number}/revert",
        "/changes/{enabled}/revert?dry_run=true",
        none,
        [401, 403, 200, 403, 200, 401, 403],
    ),
    ("POST /changes", "/changes", |_| json!({}), [401, 405, 405, 405, 405, 401, 405]),
    ("DELETE /changes", "/changes", none, [401, 405, 405, 405, 405, 401, 405]),
    ("TRACE /changes", "/changes", none, [401, 405, 405, 405, 405, 401, 405]),
    ("GET /nothing", "/nothing", none, [401, 404, 404, 404, 404, 401, 404]),
];

#[sqlx::test]
async fn everyone_may_exactly_what_the_table_of_rights_says(pool: PgPool) {
    let world = World::new(pool, true).await;
    let api = &world.api;
    api.put(&world.contact, DEPLOYMENT, report("1", "2026-01-01T00:00:00Z")).await.expect(200);
    let channels = api.get(&world.viewer, "/channels").await.expect(200);
    let id = |made: &Value| made["id"].as_str().unwrap().to_owned();
    let bridge = id(&api.post(&world.admin, "/bridges", bridge_body(None)).await.expect(201));
    sqlx::query("update bridge set desired = 'stopped', status = 'stopped'").execute(&world.pool).await.unwrap();
    let draft = id(&api.post(&world.contact, "/bridges", bridge_body(None)).await.expect(201));
    let tides = WEATHER.replace("Weather", "Tides").replace("StormWarned", "TideRose").replace("WindMeasured", "Ebb");
    api.upload(&world.admin, "", "tides.yml", tides.as_bytes(), &["acceptance"]).await.expect(201);
    let token = id(&api.post(&world.contact, "/tokens", json!({ "kind": "member" })).await.expect(201));
    let enabled: i64 =
        sqlx::query_scalar("select max(number) from change where act = 'app.enabled' and object_name = 'order-portal'")
            .fetch_one(&world.pool)
            .await
            .unwrap();
    let places = [
        ("{channel}", channels["items"][0]["id"].as_str().unwrap()),
        ("{bridge}", &bridge),
        ("{draft}", &draft),
        ("{token}", &token),
        ("{enabled}", &enabled.to_string()),
        ("{viewer}", &world.viewer_id.to_string()),
    ];

    let columns = [
        ("nobody", ""),
        ("viewer", &world.viewer),
        ("contact", &world.contact),
        ("other", &world.other),
        ("admin", &world.admin),
        ("blocked", &world.blocked),
        ("deploy", &world.deploy),
    ];
    let mut wrong = Vec::new();
    for (route, path, body, statuses) in TABLE {
        let (method, _) = route.split_once(' ').unwrap();
        let path = places.iter().fold((*path).to_owned(), |path, (name, id)| path.replace(name, id));
        for ((who, token), status) in columns.iter().zip(statuses) {
            let answer = match body(who) {
                // A document to upload.
                Value::String(document) => {
                    api.upload(token, &path, "a.yaml", document.as_bytes(), &["acceptance"]).await
                }
                body => api.call(token, method, &path, body).await,
            };
            if answer.status != *status {
                wrong.push(format!("{method} {path} by {who}: {} instead of {status}: {}", answer.status, answer.body));
            }
            assert_eq!(answer.header("cache-control"), Some("no-store"), "{method} {path}");
            match answer.status {
                401 => assert_eq!(answer.header("www-authenticate"), Some("Bearer")),
                405 => assert!(answer.header("allow").unwrap().contains("GET")),
                _ => {}
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_route_is_in_the_table_of_rights() {
    for route in routes() {
        let name = format!("{} {}", route.method, route.path);
        assert!(TABLE.iter().any(|row| row.0 == name), "{name} has no row");
    }
}

#[sqlx::test]
async fn a_cookie_or_another_scheme_does_not_sign_in(pool: PgPool) {
    let world = World::new(pool, false).await;
    for (name, value) in [
        ("cookie", format!("__Host-ebm={}", world.admin)),
        ("cookie", format!("Authorization=Bearer {}", world.admin)),
        ("authorization", format!("Basic {}", world.admin)),
        ("authorization", world.admin.clone()),
        ("x-api-key", world.admin.clone()),
    ] {
        let request = axum::http::Request::get("/api/v1/apps").header(name, value);
        let answer = world.api.send(request.body(axum::body::Body::empty()).unwrap()).await;
        answer.refused(401, "unauthenticated");
    }
}

#[sqlx::test]
async fn a_token_ends_with_its_time_its_revocation_and_its_member(pool: PgPool) {
    let world = World::new(pool, false).await;
    let api = &world.api;
    let mint = async |body: Value| {
        let made = api.post(&world.viewer, "/tokens", body).await.expect(201);
        (made["id"].as_str().unwrap().to_owned(), made["token"].as_str().unwrap().to_owned())
    };
    let (expiring, token) = mint(json!({ "kind": "member", "expires_at": "2200-01-01T00:00:00+02:00" })).await;
    api.get(&token, "/apps").await.expect(200);
    sqlx::query("update token set expires_at = now() - interval '1 second' where id = $1::uuid")
        .bind(expiring)
        .execute(&world.pool)
        .await
        .unwrap();
    api.get(&token, "/apps").await.refused(401, "unauthenticated");

    let (id, token) = mint(json!({ "kind": "member" })).await;
    api.get(&token, "/apps").await.expect(200);
    api.call(&world.viewer, "DELETE", &format!("/tokens/{id}"), Value::Null).await.expect(204);
    api.get(&token, "/apps").await.refused(401, "unauthenticated");

    let path = format!("/members/{}", world.viewer_id);
    api.call(&world.admin, "PATCH", &path, json!({ "blocked": true })).await.expect(204);
    api.get(&world.viewer, "/apps").await.refused(401, "unauthenticated");
}

#[sqlx::test]
async fn the_last_admin_stays(pool: PgPool) {
    let world = World::new(pool, false).await;
    let members = world.api.get(&world.admin, "/members?q=admin@").await.expect(200);
    let path = format!("/members/{}", members["items"][0]["id"].as_str().unwrap());
    let demote = world.api.call(&world.admin, "PATCH", &path, json!({ "role": "viewer" })).await;
    demote.refused(409, "last-admin");
    world.api.call(&world.admin, "PATCH", &path, json!({ "blocked": true })).await.refused(409, "own-block");
}
