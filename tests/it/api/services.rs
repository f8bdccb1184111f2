//! Services that are defined outside of all apps: uploaded, used, written again, taken away.

use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::{WEATHER, World, orders, report};

const DEPLOYMENT: &str = "/apps/order-portal/environments/acceptance/deployment";
const MIB: usize = 1_048_576;

/// Services, events, channels, topics, documents, rows of the history.
async fn count(pool: &PgPool) -> (i64, i64, i64, i64, i64, i64) {
    sqlx::query_as(
        "select (select count(*) from service), (select count(*) from event), (select count(*) from channel),
                (select count(*) from channel_topic), (select count(*) from contract_document),
                (select count(*) from change where object_kind = 'service')",
    )
    .fetch_one(pool)
    .await
    .unwrap()
}

impl World {
    async fn bring(&self, document: &str, spaces: &[&str]) -> Value {
        let answer = self.api.upload(&self.contact, "", "weather.yaml", document.as_bytes(), spaces).await;
        assert!(answer.status < 300, "{:#}", answer.body);
        answer.body
    }

    /// Deploys an app in the Space `acceptance` that implements these events.
    async fn subscribe(&self, implements: Value) {
        self.api.enabled_app(&self.admin, "billing", "acceptance", "other@example.com").await;
        let body = json!({ "version": "1", "deployed_at": "2026-01-01T00:00:00Z", "implements": implements });
        let path = "/apps/billing/environments/acceptance/deployment";
        self.api.put(&self.other, path, body).await.expect(200);
    }
}

fn changes(answer: &Value) -> Vec<&str> {
    answer["changes"].as_array().unwrap().iter().map(|c| c.as_str().unwrap()).collect()
}

#[sqlx::test]
async fn an_upload_brings_a_service_without_an_app_into_being(pool: PgPool) {
    let world = World::new(pool, false).await;
    let api = &world.api;
    let dry = api.upload(&world.contact, "?dry_run=true", "w.yml", WEATHER.as_bytes(), &[]).await.expect(200);
    assert_eq!((dry["service"].as_str(), dry["version"].as_str()), (Some("weather"), Some("1.0.0")));
    assert_eq!((&dry["dry_run"], &dry["spaces"]), (&json!(true), &json!([])));
    assert_eq!(dry["events"][0]["name"], "StormWarned");
    assert_eq!(dry["events"][0]["others_may_subscribe"], true);
    assert_eq!(dry["events"][1]["others_may_publish"], true);
    assert_eq!(dry["events"][0]["attributes"], json!([{ "name": "region", "kind": "string", "required": true }]));
    assert_eq!(count(&world.pool).await, (0, 0, 0, 0, 0, 0));

    let made = api.upload(&world.contact, "", "w.YAML", WEATHER.as_bytes(), &["Acceptance", "acceptance"]).await;
    let made = made.expect(201);
    assert_eq!(made["spaces"], json!(["acceptance"]));
    assert_eq!(made["events"], dry["events"]);
    assert_eq!(count(&world.pool).await, (1, 2, 2, 2, 1, 1));
    let listed = api.get(&world.viewer, "/services?space=acceptance").await.expect(200);
    assert_eq!((&listed["items"][0]["key"], &listed["items"][0]["app"]), (&json!("weather"), &Value::Null));
    let channels = api.get(&world.viewer, "/channels").await.expect(200);
    let storm = channels["items"].as_array().unwrap().iter().find(|c| c["events"] == json!(["StormWarned"])).unwrap();
    let channel = api.get(&world.viewer, &format!("/channels/{}", storm["id"].as_str().unwrap())).await.expect(200);
    assert_eq!((&channel["status"], &channel["address"]), (&json!("pending"), &json!("warnings")));
    assert_eq!(channel["topics"][0]["config"], json!({ "retention.ms": "3600000" }));
    let kept: Vec<u8> =
        sqlx::query_scalar("select document from contract_document").fetch_one(&world.pool).await.unwrap();
    assert_eq!(kept, WEATHER.as_bytes());
    let history = api.get(&world.admin, "/changes?q=service.uploaded").await.expect(200);
    assert_eq!(history["items"].as_array().unwrap().len(), 1);
}

#[sqlx::test]
async fn the_same_document_again_adds_spaces_and_nothing_else(pool: PgPool) {
    let world = World::new(pool, false).await;
    world.bring(WEATHER, &["acceptance"]).await;
    let again = world.bring(WEATHER, &["acceptance"]).await;
    assert_eq!(again["changes"], json!([]));
    assert_eq!(count(&world.pool).await, (1, 2, 2, 2, 1, 1));
    let more = world.bring(WEATHER, &["production"]).await;
    assert_eq!(more["spaces"], json!(["acceptance", "production"]));
    assert_eq!(changes(&more).len(), 3);
    assert_eq!(count(&world.pool).await, (1, 2, 2, 4, 1, 2));
}

#[sqlx::test]
async fn many_at_once_are_one(pool: PgPool) {
    let world = World::new(pool, false).await;
    let bring = |space| world.api.upload(&world.contact, "", "w.yaml", WEATHER.as_bytes(), space);
    let (a, b, c) = tokio::join!(bring(&["acceptance"]), bring(&["production"]), bring(&["acceptance"]));
    // Who finds that another has been quicker is told so, and tries again.
    for (answer, space) in [(a, "acceptance"), (b, "production"), (c, "acceptance")] {
        assert!([200, 201, 409].contains(&answer.status), "{:#}", answer.body);
        world.bring(WEATHER, &[space]).await;
    }
    let (services, events, channels, topics, documents, _) = count(&world.pool).await;
    assert_eq!((services, events, channels, topics, documents), (1, 2, 2, 4, 1));
}

#[sqlx::test]
async fn a_newer_version_takes_the_place_of_the_older_in_all_spaces(pool: PgPool) {
    let world = World::new(pool, false).await;
    world.bring(WEATHER, &["acceptance", "production"]).await;
    world.subscribe(json!([{ "service": "weather", "event": "StormWarned", "access": "subscribe" }])).await;
    let newer = "asyncapi: 2.6.0\ninfo: {title: Weather, version: '2'}\nchannels:\n  rain:\n    subscribe:\n      message: {name: RainBegan, payload: {type: object}}\n";
    let answer = world.bring(newer, &["acceptance"]).await;
    let said = changes(&answer);
    assert!(said.contains(&"service weather is now version 2"), "{said:?}");
    assert!(said.contains(&"event WindMeasured is gone"), "{said:?}");
    assert!(answer["notes"].to_string().contains("The event StormWarned is no longer"), "{answer:#}");
    let rain = world.api.get(&world.viewer, "/events?q=rain").await.expect(200);
    assert_eq!(rain["items"][0]["spaces"], json!(["acceptance", "production"]));
    let written = world.api.get(&world.viewer, "/services/weather/asyncapi").await.expect(200);
    assert_eq!(written["info"]["version"], "2");
    assert_eq!(written["channels"].as_object().unwrap().len(), 1);
    // An old document that comes again is in force again.
    world.bring(WEATHER, &["acceptance"]).await;
    let written = world.api.get(&world.viewer, "/services/weather/asyncapi").await.expect(200);
    assert_eq!(written["info"]["version"], "1.0.0");
}

#[sqlx::test]
async fn names_belong_to_who_came_first(pool: PgPool) {
    let world = World::new(pool, false).await;
    let api = &world.api;
    api.put(&world.deploy, DEPLOYMENT, report("1", "2026-01-01T00:00:00Z")).await.expect(200);
    let before = count(&world.pool).await;
    let theirs = orders().to_string();
    for query in ["", "?dry_run=true"] {
        let answer = api.upload(&world.admin, query, "o.json", theirs.as_bytes(), &["production"]).await;
        answer.refused(409, "service-of-another-app");
    }
    // The name of an event, in the same Space.
    let rival = theirs.replace("Orders", "Elsewhere");
    let answer = api.upload(&world.admin, "", "o.json", rival.as_bytes(), &["production", "acceptance"]).await;
    answer.refused(409, "event-exists");
    assert_eq!(count(&world.pool).await, before);
    api.upload(&world.admin, "", "o.json", rival.as_bytes(), &["production"]).await.expect(201);

    // And the other way round: no app defines what was uploaded.
    world.bring(WEATHER, &["acceptance"]).await;
    let body = json!({ "version": "2", "deployed_at": "2026-01-02T00:00:00Z", "defines": [WEATHER] });
    api.put(&world.deploy, DEPLOYMENT, body).await.refused(409, "service-of-another-app");
}

#[sqlx::test]
async fn bad_documents_and_spaces_are_refused_with_their_places(pool: PgPool) {
    let world = World::new(pool, false).await;
    let api = &world.api;
    let send = async |file: &str, document: &[u8], spaces: &[&str]| {
        api.upload(&world.contact, "", file, document, spaces).await
    };
    let here: &[&str] = &["acceptance"];
    let answer = send("w.yaml", b"a: b: [", here).await;
    assert_eq!(answer.refused(422, "invalid"), ["/document"]);
    let three = WEATHER.replace("2.6.0", "3.0.0");
    let answer = send("w.yaml", three.as_bytes(), here).await;
    assert_eq!(answer.refused(422, "invalid"), ["/document/asyncapi"]);
    assert!(answer.body["errors"][0]["detail"].as_str().unwrap().contains("3.0.0"), "{:#}", answer.body);
    let wrong = WEATHER.replace("{type: string}", "{type: 7}").replace("version: '1.0.0', ", "");
    let answer = send("w.yaml", wrong.as_bytes(), here).await;
    assert!(answer.refused(422, "invalid").len() >= 2, "{:#}", answer.body);
    assert!(answer.body["errors"].to_string().contains("(line "), "{:#}", answer.body);
    for (document, pointer) in [(&b""[..], "/document"), (b"\x89PNG\r\n", "/document"), (b"\xff\xfe", "/document")] {
        assert_eq!(send("w.yml", document, here).await.refused(422, "invalid"), [pointer]);
    }
    send("w.exe", WEATHER.as_bytes(), here).await.refused(415, "unsupported-media-type");
    send("yaml", WEATHER.as_bytes(), here).await.refused(415, "unsupported-media-type");

    let padded = |size: usize| {
        let mut text = format!("{WEATHER}#");
        text.push_str(&"x".repeat(size - text.len()));
        text.into_bytes()
    };
    send("w.yaml", &padded(MIB + 1), here).await.refused(413, "too-large");
    send("w.yaml", &padded(2 * MIB), here).await.refused(413, "too-large");

    assert_eq!(send("w.yaml", WEATHER.as_bytes(), &[]).await.refused(422, "invalid"), ["/spaces"]);
    let answer = send("w.yaml", WEATHER.as_bytes(), &["acceptance", "nowhere", "a b"]).await;
    assert_eq!(answer.refused(422, "invalid"), ["/spaces/1", "/spaces/2"]);
    let answer = send("w.yaml", three.as_bytes(), &["nowhere"]).await;
    assert_eq!(answer.refused(422, "invalid"), ["/document/asyncapi", "/spaces/0"]);
    assert_eq!(count(&world.pool).await, (0, 0, 0, 0, 0, 0));
    send("w.yaml", &padded(MIB), here).await.expect(201);
}

#[sqlx::test]
async fn what_is_no_form_is_refused(pool: PgPool) {
    let world = World::new(pool, false).await;
    let send = async |kind: &str, body: &str| {
        world.api.call_with(&world.contact, "POST", "/services", kind, body.to_owned()).await
    };
    send("application/json", "{}").await.refused(415, "unsupported-media-type");
    send("", "x").await.refused(415, "unsupported-media-type");
    send("multipart/form-data", "x").await.refused(400, "form-syntax");
    send("multipart/form-data; boundary=b", "x").await.refused(400, "form-syntax");
    let part = |name: &str| format!("--b\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\nx\r\n");
    let form = format!("{}--b--\r\n", part("spaces"));
    assert_eq!(send("multipart/form-data; boundary=b", &form).await.refused(422, "invalid"), ["/document"]);
    let form = format!("{}{}{}--b--\r\n", part("document"), part("document"), part("colour"));
    let answer = send("multipart/form-data; boundary=b", &form).await;
    assert_eq!(answer.refused(422, "invalid"), ["/document", "/colour"]);
}

#[sqlx::test]
async fn an_upload_is_taken_away_where_nobody_uses_it(pool: PgPool) {
    let world = World::new(pool, false).await;
    let api = &world.api;
    world.bring(WEATHER, &["acceptance", "production"]).await;
    world.subscribe(json!([{ "service": "weather", "event": "StormWarned", "access": "subscribe" }])).await;
    let delete = async |token: &str, service: &str, space: &str| {
        api.call(token, "DELETE", &format!("/services/{service}/spaces/{space}"), Value::Null).await
    };
    let used = delete(&world.contact, "weather", "acceptance").await;
    used.refused(409, "service-in-use");
    assert!(used.body["detail"].as_str().unwrap().contains("billing.acceptance"), "{:#}", used.body);
    delete(&world.other, "weather", "production").await.refused(403, "forbidden");
    delete(&world.contact, "nothing", "production").await.refused(404, "not-found");
    delete(&world.contact, "weather", "nowhere").await.refused(404, "not-found");

    delete(&world.contact, "weather", "Production").await.expect(204);
    delete(&world.contact, "weather", "production").await.refused(404, "not-found");
    assert_eq!(count(&world.pool).await, (1, 2, 2, 2, 1, 2));
    // The grant alone keeps it, too.
    sqlx::query("delete from implemented").execute(&world.pool).await.unwrap();
    delete(&world.admin, "weather", "acceptance").await.refused(409, "service-in-use");
    sqlx::query("delete from access_grant").execute(&world.pool).await.unwrap();
    delete(&world.contact, "weather", "acceptance").await.expect(204);
    assert_eq!(count(&world.pool).await, (0, 0, 0, 0, 0, 3));
    // The key is free again.
    world.bring(WEATHER, &["acceptance"]).await;
}

#[sqlx::test]
async fn a_bridge_keeps_an_upload(pool: PgPool) {
    let world = World::new(pool, false).await;
    world.bring(WEATHER, &["acceptance"]).await;
    sqlx::query(
        "with b as (insert into bridge (id, name, space_id, kind, region, desired, status, external_id)
             select gen_random_uuid(), 'to-erp', id, 'sqs', 'eu-central-1', 'stopped', 'stopped', 'x'
             from space where name = 'acceptance' returning id)
         insert into route (id, bridge_id, event_id, direction, queue_url)
         select gen_random_uuid(), b.id, v.id, 'outbound', 'https://sqs.eu-central-1.amazonaws.com/123456789012/q'
         from b, event v where v.name = 'StormWarned'",
    )
    .execute(&world.pool)
    .await
    .unwrap();
    let answer = world.api.call(&world.admin, "DELETE", "/services/weather/spaces/acceptance", Value::Null).await;
    answer.refused(409, "service-in-use");
    assert!(answer.body["detail"].as_str().unwrap().contains("to-erp"), "{:#}", answer.body);
}

#[sqlx::test]
async fn a_downloaded_contract_imports_to_the_same_thing(pool: PgPool) {
    let world = World::new(pool, false).await;
    let api = &world.api;
    world.bring(WEATHER, &["acceptance"]).await;
    let channels = api.get(&world.viewer, "/channels").await.expect(200);
    let events = api.get(&world.viewer, "/events").await.expect(200);
    for format in ["json", "yaml"] {
        let path = format!("/services/weather/asyncapi?format={format}");
        let answer = api.get(&world.viewer, &path).await;
        assert_eq!(answer.header("content-type"), Some(format!("application/{format}").as_str()));
        let file = format!("attachment; filename=\"weather.{format}\"");
        assert_eq!(answer.header("content-disposition"), Some(file.as_str()));
        let text = match answer.expect(200) {
            Value::String(yaml) => yaml,
            json => json.to_string(),
        };
        for channel in channels["items"].as_array().unwrap() {
            assert!(text.contains(channel["id"].as_str().unwrap()), "{text}");
        }
        let file = format!("weather.{format}");
        let again = api.upload(&world.contact, "", &file, text.as_bytes(), &["acceptance"]).await.expect(200);
        assert_eq!(changes(&again), ["service weather has another document"], "{format}");
        let written = api.get(&world.viewer, &path).await.expect(200);
        let written = match written {
            Value::String(yaml) => yaml,
            json => json.to_string(),
        };
        assert_eq!(written, text);
        assert_eq!(api.get(&world.viewer, "/channels").await.expect(200), channels);
        assert_eq!(api.get(&world.viewer, "/events").await.expect(200), events);
    }
    let count = count(&world.pool).await;
    assert_eq!((count.0, count.1, count.2, count.3), (1, 2, 2, 2));

    // An app's contract is written, too.
    api.put(&world.deploy, DEPLOYMENT, report("1", "2026-01-01T00:00:00Z")).await.expect(200);
    let mut written = api.get(&world.viewer, "/services/orders/asyncapi").await.expect(200);
    assert_eq!(written["info"]["x-ebm-service"], "orders");
    written["info"]["version"] = "1.0.1".into();
    let body = json!({ "version": "2", "deployed_at": "2026-01-02T00:00:00Z", "defines": [written] });
    let answer = api.put(&world.deploy, DEPLOYMENT, body).await.expect(200);
    assert_eq!(changes(&answer), ["service orders is now version 1.0.1"]);
    api.get(&world.viewer, "/services/nothing/asyncapi").await.refused(404, "not-found");
    api.get(&world.viewer, "/services/orders/asyncapi?format=xml").await.refused(422, "invalid");
}
