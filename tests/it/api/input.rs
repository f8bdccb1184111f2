//! Bad input: refused with its own status and place, and nothing is written.

use axum::body::{Body, Bytes};
use ebm::domain::member::Role;
use futures::StreamExt;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::{Api, World, manager, report};

const DEPLOYMENT: &str = "/apps/order-portal/environments/acceptance/deployment";

/// Names as they stand in a path, percent-encoded where they must be.
const BAD_KEYS: &[(&str, &str)] = &[
    ("a dot", "a.b"),
    ("two dots", "%2e%2e"),
    ("two dots encoded twice", "%252e%252e"),
    ("a star", "*"),
    ("a blank in front", "%20order"),
    ("a blank behind", "order%20"),
    ("a Cyrillic o", "%D0%BErder"),
    ("a right-to-left override", "order%E2%80%AE"),
    ("NUL", "order%00"),
    ("a path upwards", "..%2Forder"),
    ("a topic of Kafka's own", "__consumer_offsets"),
    ("a script", "%3Cscript%3Ealert(1)%3C%2Fscript%3E"),
    ("a lookup", "$%7Bjndi:ldap:%2F%2Fx%7D"),
    ("a capital", "Order"),
    ("a hyphen in front", "-order"),
    ("a hyphen behind", "order-"),
    ("a zero-width joiner", "or%E2%80%8Dder"),
    ("percent-encoding itself", "order%2541"),
    ("41 characters", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
    ("what is kept for the product", "ebm-console"),
    ("bytes that are not UTF-8", "order%FF"),
];

#[sqlx::test]
async fn a_key_outside_the_alphabet_is_refused_when_chosen_and_not_found_otherwise(pool: PgPool) {
    let world = World::new(pool, false).await;
    let (api, admin) = (&world.api, &world.admin);
    for (what, key) in BAD_KEYS {
        let at = |place| if key.ends_with("%FF") { "" } else { place };
        for (path, place) in
            [(format!("/apps/{key}"), "/app"), (format!("/apps/order-portal/environments/{key}"), "/env")]
        {
            let put = api.put(admin, &path, json!({})).await;
            assert_eq!(put.status, 422, "{what}: {:#}", put.body);
            assert_eq!(put.refused(422, "invalid"), [at(place)], "{what}");
        }
        for path in [format!("/apps/{key}"), format!("/apps/{key}/environments/{key}/deployment")] {
            assert_eq!(api.get(admin, &path).await.status, 404, "{what}");
        }
        let enable = api.put(admin, &format!("/apps/{key}/broker"), json!({ "enabled": true })).await;
        assert_eq!(enable.status, 404, "{what}");
    }
    // The dot would make one user name out of two pairs of keys.
    api.put(admin, "/apps/a.b/environments/c", json!({})).await.refused(422, "invalid");
    api.put(admin, "/apps/order-portal/environments/b.c", json!({})).await.refused(422, "invalid");
    let apps = api.get(admin, "/apps").await.expect(200);
    assert_eq!(apps["items"].as_array().unwrap().len(), 2);
}

#[sqlx::test]
async fn short_digit_and_prefix_keys_are_taken(pool: PgPool) {
    let api = Api::new(manager(&pool, false).await);
    let (_, admin) = api.member("admin@example.com", Role::Admin).await;
    for key in ["a", "7", "123", "order", "orders", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"] {
        api.put(&admin, &format!("/apps/{key}"), json!({})).await.expect(201);
        api.put(&admin, &format!("/apps/{key}"), json!({})).await.expect(200);
        api.put(&admin, &format!("/apps/{key}/environments/{key}"), json!({ "name": "<b>Acceptance</b>" }))
            .await
            .expect(201);
    }
    let empty = api.put(&admin, "/apps/order", json!({ "name": "" })).await;
    assert_eq!(empty.refused(422, "invalid"), ["/name"]);
    let long = api.put(&admin, "/apps/order", json!({ "name": "x".repeat(100_000) })).await;
    long.refused(413, "too-large");
    api.call_with(&admin, "PUT", "/apps/", "application/json", "{}").await.refused(404, "not-found");
}

#[sqlx::test]
async fn what_is_not_json_is_refused_as_such(pool: PgPool) {
    let world = World::new(pool, false).await;
    let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    let utf16: Vec<u8> = "{}".encode_utf16().flat_map(u16::to_be_bytes).collect();
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("not JSON", b"version: 1".to_vec(), "json-syntax"),
        ("nothing", Vec::new(), "json-syntax"),
        ("a name twice", br#"{"version":"1","version":"2"}"#.to_vec(), "json-duplicate-name"),
        ("a name twice in a document", br#"{"defines":[{"a":1,"a":2}]}"#.to_vec(), "json-duplicate-name"),
        ("65 levels", deep(65).into_bytes(), "json-too-deep"),
        ("half a surrogate pair", br#"{"version":"\ud800"}"#.to_vec(), "json-lone-surrogate"),
        ("UTF-16", [&[0xfe, 0xff][..], &utf16].concat(), "json-encoding"),
        ("NaN", br#"{"version":NaN}"#.to_vec(), "json-syntax"),
        ("infinity", br#"{"version":1e999}"#.to_vec(), "json-syntax"),
        ("something behind", br#"{"version":"1"} x"#.to_vec(), "json-syntax"),
        ("two values", br"{}{}".to_vec(), "json-syntax"),
    ];
    for (what, body, code) in cases {
        for path in [DEPLOYMENT, "/apps/new-app"] {
            let answer = world.api.call_with(&world.admin, "PUT", path, "application/json", body.clone()).await;
            assert_eq!((answer.status, answer.body["code"].as_str()), (400, Some(code)), "{what}: {}", answer.body);
        }
    }
    let apps = world.api.get(&world.admin, "/apps?q=new-app").await.expect(200);
    assert_eq!(apps["items"], json!([]));
}

#[sqlx::test]
async fn only_json_is_taken(pool: PgPool) {
    let world = World::new(pool, false).await;
    let body = || report("1", "2026-01-01T00:00:00Z").to_string();
    let put = async |kind: &str| world.api.call_with(&world.deploy, "PUT", DEPLOYMENT, kind, body()).await;
    for kind in ["text/plain", "application/x-www-form-urlencoded", "application/xml", "", "json", "text/json"] {
        put(kind).await.refused(415, "unsupported-media-type");
    }
    for kind in ["application/json", "Application/JSON; charset=utf-8", "application/vnd.ebm+json"] {
        put(kind).await.expect(200);
    }
    let request = axum::http::Request::put(format!("/api/v1{DEPLOYMENT}"))
        .header("authorization", format!("bearer {}", world.deploy))
        .header("content-type", "application/json")
        .header("content-encoding", "gzip");
    world.api.send(request.body(Body::from(body())).unwrap()).await.refused(415, "unsupported-media-type");
}

/// What is wrong, how a valid report becomes so, and the pointer to it.
type Wrong = (&'static str, fn(&mut Value), &'static str);

#[sqlx::test]
async fn a_wrong_field_is_named_by_its_pointer(pool: PgPool) {
    let world = World::new(pool, false).await;
    let valid = || {
        let mut body = report("1", "2026-01-01T00:00:00Z");
        body["implements"] = json!([{ "service": "orders", "event": "OrderPlaced", "access": "subscribe" }]);
        body
    };
    let cases: &[Wrong] = &[
        ("a field nobody knows", |b| b["role"] = "admin".into(), "/role"),
        ("a field nobody knows, deeper", |b| b["implements"][0]["ro/le"] = 1.into(), "/implements/0/ro~1le"),
        ("a number for a text", |b| b["version"] = 1.into(), "/version"),
        ("a list for a text", |b| b["version"] = json!([]), "/version"),
        ("null for a text", |b| b["version"] = Value::Null, "/version"),
        ("null for a list", |b| b["implements"] = Value::Null, "/implements"),
        ("null for documents", |b| b["defines"] = Value::Null, "/defines"),
        ("a number as document", |b| b["defines"][0] = 1.into(), "/defines/0"),
        ("a time without offset", |b| b["deployed_at"] = "2026-01-01T00:00:00".into(), "/deployed_at"),
        ("a time as number", |b| b["deployed_at"] = 1.5.into(), "/deployed_at"),
        ("a time before all", |b| b["deployed_at"] = "0000-01-01T00:00:00+23:00".into(), "/deployed_at"),
        ("a time after all", |b| b["deployed_at"] = "9999-12-31T23:59:59-23:00".into(), "/deployed_at"),
        ("a time to come", |b| b["deployed_at"] = "2999-01-01T00:00:00Z".into(), "/deployed_at"),
        ("another word for access", |b| b["implements"][0]["access"] = "Publish".into(), "/implements/0/access"),
        ("a service that cannot be", |b| b["implements"][0]["service"] = "a.b".into(), "/implements/0/service"),
        ("an event with a line end", |b| b["implements"][0]["event"] = "a\nb".into(), "/implements/0/event"),
        ("NUL", |b| b["implements"][0]["event"] = "a\0b".into(), "/implements/0/event"),
        ("NUL in a document", |b| b["defines"][0]["info"]["title"] = "\0".into(), "/defines/0/info/title"),
        ("no event", |b| drop(b["implements"][0].as_object_mut().unwrap().remove("event")), "/implements/0/event"),
        ("no version", |b| drop(b.as_object_mut().unwrap().remove("version")), "/version"),
        ("an empty version", |b| b["version"] = "".into(), "/version"),
        ("a document of version 3", |b| b["defines"][0]["asyncapi"] = "3.0.0".into(), "/defines/0/asyncapi"),
        ("a document without title", |b| b["defines"][0]["info"] = json!({ "version": "1" }), "/defines/0/info"),
    ];
    for (what, change, pointer) in cases {
        let mut body = valid();
        change(&mut body);
        let answer = world.api.put(&world.deploy, DEPLOYMENT, body).await;
        assert_eq!(answer.status, 422, "{what}: {:#}", answer.body);
        assert_eq!(answer.refused(422, "invalid")[0], *pointer, "{what}: {:#}", answer.body);
    }
    let whole = world.api.put(&world.deploy, DEPLOYMENT, json!([])).await;
    assert_eq!(whole.refused(422, "invalid"), [""]);

    let member =
        |change: Value| world.api.call(&world.admin, "PATCH", "/members/00000000-0000-0000-0000-000000000001", change);
    for (body, pointer) in [
        (json!({ "version": 1.5 }), "/version"),
        (json!({ "version": 1.0 }), "/version"),
        (json!({ "version": "1" }), "/version"),
        (json!({ "version": Value::Null }), "/version"),
        (json!({ "version": 1e20 }), "/version"),
        (json!({ "blocked": "yes" }), "/blocked"),
        (json!({ "blocked": 1 }), "/blocked"),
        (json!({ "role": "root" }), "/role"),
        (json!({ "password": "x" }), "/password"),
    ] {
        assert_eq!(member(body.clone()).await.refused(422, "invalid"), [pointer], "{body}");
    }
    let none: i64 = sqlx::query_scalar("select count(*) from deployment").fetch_one(&world.pool).await.unwrap();
    assert_eq!(none, 0);
}

#[sqlx::test]
async fn a_body_without_end_is_refused_at_its_limit(pool: PgPool) {
    let world = World::new(pool, false).await;
    for (path, limit) in [(DEPLOYMENT, 8 * 1024 * 1024), ("/apps/order-portal", 64 * 1024)] {
        let (sender, read) = std::sync::mpsc::channel();
        let chunk = Bytes::from(vec![b' '; 16 * 1024]);
        let endless = futures::stream::repeat(chunk).map(move |chunk| {
            sender.send(chunk.len()).unwrap();
            Ok::<_, std::io::Error>(chunk)
        });
        let answer =
            world.api.call_with(&world.admin, "PUT", path, "application/json", Body::from_stream(endless)).await;
        answer.refused(413, "too-large");
        assert!(read.try_iter().sum::<usize>() <= limit + 16 * 1024);

        // What says beforehand that it is too large is not read at all.
        let request = axum::http::Request::put(format!("/api/v1{path}"))
            .header("authorization", format!("Bearer {}", world.admin))
            .header("content-type", "application/json")
            .header("content-length", limit + 1);
        let unread = futures::stream::poll_fn(|_| -> std::task::Poll<Option<Result<Bytes, std::io::Error>>> {
            panic!("it was read")
        });
        world.api.send(request.body(Body::from_stream(unread)).unwrap()).await.refused(413, "too-large");
    }
    let many = format!("{{\"defines\":[{}0]}}", "0,".repeat(600_000));
    let answer = world.api.call_with(&world.admin, "PUT", DEPLOYMENT, "application/json", many).await;
    answer.refused(413, "too-large");
    let mut body = report("1", "2026-01-01T00:00:00Z");
    body["defines"][0]["info"]["description"] = "x".repeat(1_100_000).into();
    world.api.put(&world.admin, DEPLOYMENT, body).await.refused(413, "too-large");
}

#[sqlx::test]
async fn a_query_is_taken_only_as_the_route_knows_it(pool: PgPool) {
    let world = World::new(pool, false).await;
    for (path, pointer) in [
        ("/channels?limit=1000000000", "/limit"),
        ("/channels?limit=0", "/limit"),
        ("/apps?limit=-1", "/limit"),
        ("/spaces?limit=x", "/limit"),
        ("/events?sort=name;drop%20table%20app", "/sort"),
        ("/apps?limit=1&limit=2", "/limit"),
        ("/apps?q=a%00b", "/q"),
        ("/channels?space=a.b", "/space"),
        ("/events?app=%2e%2e", "/app"),
        ("/changes?object=1", "/object"),
        ("/changes?cursor=x", "/cursor"),
        ("/members?cursor=x", "/cursor"),
        ("/apps?cursor=x", "/cursor"),
        ("/channels?cursor=a~b", "/cursor"),
        ("/services?cursor=W10", "/cursor"),
        ("/bridges?cursor=x", "/cursor"),
        ("/tokens?app=order-portal", "/env"),
        ("/apps/order-portal?version=1", "/version"),
    ] {
        assert_eq!(world.api.get(&world.admin, path).await.refused(422, "invalid"), [pointer], "{path}");
    }
    for path in ["?wait=31", "?wait=-1", "?wait=1.5", "?dry_run=1", "?dryrun=true"] {
        let path = format!("{DEPLOYMENT}{path}");
        world.api.put(&world.deploy, &path, report("1", "2026-01-01T00:00:00Z")).await.refused(422, "invalid");
    }
}

#[sqlx::test]
async fn lists_come_in_pages(pool: PgPool) {
    let world = World::new(pool, false).await;
    for path in ["/apps", "/spaces", "/members", "/changes", "/tokens"] {
        let all = world.api.get(&world.admin, &format!("{path}?limit=200")).await.expect(200);
        let (mut paged, mut next) = (Vec::new(), String::new());
        loop {
            let page = world.api.get(&world.admin, &format!("{path}?limit=1{next}")).await.expect(200);
            paged.extend(page["items"].as_array().unwrap().clone());
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            next = format!("&cursor={cursor}");
        }
        assert_eq!(all["items"], json!(paged), "{path}");
        assert!(!paged.is_empty() && all["next_cursor"].is_null(), "{path}");
    }
}

#[sqlx::test]
async fn a_token_that_is_not_exactly_ours_is_none(pool: PgPool) {
    let world = World::new(pool, false).await;
    let token = &world.admin;
    let swapped = format!("ebm_{}", token[4..].chars().rev().collect::<String>());
    for header in [
        format!("Bearer {token}%0A"),
        format!("Bearer {token} "),
        format!("Bearer {token}\t"),
        format!("Bearer  {token}"),
        format!("Bearer {}", &token[..token.len() - 1]),
        format!("Bearer {}", token.to_uppercase()),
        format!("Bearer {swapped}"),
        format!("Bearer {token},{token}"),
        "Bearer ".into(),
        "Bearer ebm_".into(),
    ] {
        let request = axum::http::Request::get("/api/v1/apps").header("authorization", &header);
        let answer = world.api.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, 401, "{header:?}");
    }
    // A line end in a header cannot even be sent.
    assert!(axum::http::HeaderValue::from_str(&format!("Bearer {token}\n")).is_err());
}

#[sqlx::test]
async fn an_address_with_dots_leads_nowhere(pool: PgPool) {
    let world = World::new(pool, false).await;
    for path in [
        "/apps/%2e%2e/environments/acceptance/deployment",
        "/apps/order-portal/environments/%2e%2e/deployment",
        "/apps/../members",
        "/bridges/%2e%2e%2fmembers",
        "/spaces/%2e%2e",
        "/channels/..",
    ] {
        world.api.get(&world.admin, path).await.refused(404, "not-found");
    }
}
