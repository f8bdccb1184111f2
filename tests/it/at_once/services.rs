//! Two people at one uploaded service, at names in one Space, and at a file of apps.

use serde_json::{Value, json};
use sqlx::PgPool;

use super::{ROUNDS, Stage, both};
use crate::support::{Answer, WEATHER, World};

/// A document of `weather-<round>` whose events nobody else has.
fn weather(round: usize, version: u8) -> String {
    let named = [("Weather", "Weather-"), ("StormWarned", "StormWarned"), ("WindMeasured", "WindMeasured")];
    let text = named.iter().fold(WEATHER.to_owned(), |text, (from, to)| text.replace(from, &format!("{to}{round}")));
    text.replace("1.0.0", &format!("{version}.0.0"))
}

impl Stage {
    async fn upload(&self, token: &str, document: &str, space: &str) -> Answer {
        self.world.api.upload(token, "", "w.yaml", document.as_bytes(), &[space]).await
    }

    async fn ok(&self, sql: &str) -> bool {
        self.number(&format!("select ({sql})::int::bigint")).await == 1
    }
}

#[sqlx::test]
async fn of_two_who_upload_a_service_each_is_in_force_or_told(pool: PgPool) {
    let stage = Stage::new(&pool).await;
    for round in 0..ROUNDS {
        let (first, second) = (weather(round, 1), weather(round, 2));
        let (a, b) = both(
            round,
            stage.upload(&stage.world.contact, &first, "acceptance"),
            stage.upload(&stage.world.other, &second, "production"),
        )
        .await;
        let done = [&a, &b].iter().filter(|answer| answer.status < 300).count();
        for answer in [&a, &b] {
            if answer.status > 201 {
                answer.refused(409, "stale");
            }
        }
        assert!(done >= 1, "{:#} {:#}", a.body, b.body);
        let key = format!("weather-{round}");
        assert_eq!(
            stage
                .number(&format!(
                    "select count(*) from upload u join service s on s.id = u.service_id where s.key = '{key}'"
                ))
                .await,
            i64::try_from(done).unwrap()
        );
        // One contract stands for all its Spaces.
        let whole = format!(
            "select count(*) = 2 * {done} from channel_topic t join channel c on c.id = t.channel_id
             join service s on s.id = c.service_id where s.key = '{key}'"
        );
        assert!(stage.ok(&whole).await, "a Space lacks a topic");
        let version = stage.text(&format!("select contract_version from service where key = '{key}'")).await;
        let newest = format!(
            "select convert_from(document, 'utf8') from contract_document d join service s on s.id = d.service_id
             where s.key = '{key}' order by brought_at desc limit 1"
        );
        assert!(stage.text(&newest).await.contains(&version));
    }
    stage.end().await;
}

#[sqlx::test]
async fn a_service_is_deleted_or_subscribed_to(pool: PgPool) {
    let stage = Stage::new(&pool).await;
    let World { api, admin, contact, other, .. } = &stage.world;
    api.enabled_app(admin, "billing", "acceptance", "other@example.com").await;
    for round in 0..2 * ROUNDS {
        stage.upload(contact, &weather(round, 1), "acceptance").await.expect(201);
        // In every other round it is in another Space too, and stays there.
        if round % 4 > 1 {
            stage.upload(contact, &weather(round, 1), "production").await.expect(200);
        }
        let (service, event) = (format!("weather-{round}"), format!("StormWarned{round}"));
        let path = format!("/services/{service}/spaces/acceptance");
        let delete = api.call(contact, "DELETE", &path, Value::Null);
        // By a deployment, and by hand.
        let day = format!("2026-01-{:02}T{:02}:00:00Z", round / 24 + 1, round % 24);
        let used = json!([{ "service": &service, "event": &event, "access": "subscribe" }]);
        let deployed = json!({ "version": format!("{round}"), "deployed_at": day, "implements": used });
        let grant = json!({ "app": "billing", "env": "acceptance", "service": &service, "event": &event, "access": ["subscribe"] });
        let (deleted, used) = if round % 2 == 0 {
            let deploy = api.put(other, "/apps/billing/environments/acceptance/deployment", deployed);
            both(round / 2, delete, deploy).await
        } else {
            both(round / 2, delete, api.put(admin, "/spaces/acceptance/grants", grant)).await
        };
        let flows = format!(
            "select count(*) > 0 from channel_topic t join channel c on c.id = t.channel_id join service s on s.id = c.service_id
             join space p on p.id = t.space_id where s.key = '{service}' and p.name = 'acceptance'"
        );
        if deleted.status != 204 {
            deleted.refused(409, "service-in-use");
            assert!(deleted.body["detail"].as_str().unwrap().contains("billing.acceptance"));
            assert!(stage.ok(&flows).await, "it is used, and gone");
            used.expect(200);
            continue;
        }
        assert!(!stage.ok(&flows).await);
        // Whoever came second either found the service in another Space, or is told that there is none.
        let kept = stage.ok(&format!("select exists (select from service where key = '{service}')")).await;
        assert_eq!(kept, round % 4 > 1);
        match used.status {
            200 => assert!(kept, "it uses what is gone"),
            409 | 422 => assert!(!kept, "{:#}", used.body),
            other => panic!("{other}: {:#}", used.body),
        }
    }
    stage.end().await;
}

#[sqlx::test]
async fn a_name_is_one_services_in_a_space_whoever_brings_it(pool: PgPool) {
    let stage = Stage::new(&pool).await;
    let World { api, admin, .. } = &stage.world;
    for round in 0..ROUNDS {
        // An environment comes into the Space with an event of the name that an upload just brings there.
        let (app, name) = (format!("own-{round}"), format!("Rival{round}"));
        api.enabled_app(admin, &app, "production", "other@example.com").await;
        let contract = json!({
            "asyncapi": "2.6.0",
            "info": { "title": app, "version": "1" },
            "channels": { "c": { "subscribe": { "message": { "name": name, "payload": { "type": "object" } } } } },
        });
        let report = json!({ "version": "1", "deployed_at": "2026-01-01T00:00:00Z", "defines": [contract] });
        let path = format!("/apps/{app}/environments/production");
        api.put(admin, &format!("{path}/deployment"), report).await.expect(200);
        let asked =
            |plan: Value| json!({ "app": &app, "env": "production", "dry_run": plan.is_null(), "plan_version": plan });
        let mut rehearsed = asked(Value::Null);
        rehearsed.as_object_mut().unwrap().remove("plan_version");
        let plan = api.post(admin, "/spaces/acceptance/moves", rehearsed).await.expect(200)["plan_version"].clone();
        let document = WEATHER.replace("Weather", &format!("Theirs-{round}")).replace("StormWarned", &name);
        let document = document.replace("WindMeasured", &format!("Wind{round}"));
        let (moved, brought) = both(
            round,
            api.post(admin, "/spaces/acceptance/moves", asked(plan)),
            stage.upload(admin, &document, "acceptance"),
        )
        .await;
        let mut statuses = [moved.status, brought.status];
        statuses.sort_unstable();
        assert!([[200, 409], [201, 409]].contains(&statuses), "{:#} {:#}", moved.body, brought.body);
    }
    let rivals = "select count(*) from (select t.space_id, v.name from event v join channel_topic t on t.channel_id = v.channel_id
                  group by 1, 2 having count(distinct v.service_id) > 1) x";
    assert_eq!(stage.number(rivals).await, 0);
    stage.end().await;
}

/// A file of two apps with one environment each, in this order.
fn file(round: usize, apps: [&str; 2], spaces: [&str; 2]) -> Value {
    let app = |nth: usize| {
        let environment = json!({ "key": apps[nth], "name": format!("{}-{round}", spaces[nth]), "broker": true });
        json!({
            "key": format!("{}-{round}", apps[nth]),
            "contacts": [format!("{}-{round}@example.com", spaces[nth])],
            "broker": true,
            "environments": [environment],
        })
    };
    json!({ "apps": [app(0), app(1)] })
}

#[sqlx::test]
async fn two_files_of_the_same_apps_are_both_imported(pool: PgPool) {
    let stage = Stage::new(&pool).await;
    let World { api, admin, .. } = &stage.world;
    for round in 0..ROUNDS {
        let (one, other) = (file(round, ["a", "b"], ["s", "t"]), file(round, ["b", "a"], ["t", "s"]));
        let (a, b) = both(round, api.post(admin, "/import", one), api.post(admin, "/import", other)).await;
        let steps = |answer: Answer| answer.expect(200)["steps"].as_array().unwrap().len();
        assert_eq!(steps(a) + steps(b), 4, "one did all of it");
        // Other apps, whose people and Spaces have the same names.
        let (one, other) = (file(round, ["c", "d"], ["u", "v"]), file(round, ["e", "f"], ["v", "u"]));
        let (a, b) = both(round, api.post(admin, "/import", one), api.post(admin, "/import", other)).await;
        a.expect(200);
        b.expect(200);
    }
    assert_eq!(
        stage.number("select count(*) from member where email ~ '^[stuv]-'").await,
        i64::try_from(4 * ROUNDS).unwrap()
    );
    stage.end().await;
}

#[sqlx::test]
async fn a_file_and_a_change_by_hand_do_not_wait_for_each_other(pool: PgPool) {
    let stage = Stage::new(&pool).await;
    let World { api, admin, .. } = &stage.world;
    for round in 0..ROUNDS {
        let (a, b) = (format!("/apps/a-{round}"), format!("/apps/b-{round}"));
        api.put(admin, &a, json!({})).await.expect(201);
        api.put(admin, &b, json!({})).await.expect(201);
        let by_hand = async {
            match round % 3 {
                0 => api.put(admin, &format!("{b}/broker"), json!({ "enabled": true })).await.expect(200),
                1 => api
                    .put(admin, &b, json!({ "name": "By hand", "contacts": ["t-by-hand@example.com"] }))
                    .await
                    .expect(200),
                _ => api.put(admin, &format!("{b}/environments/x"), json!({})).await.expect(201),
            }
        };
        let import = api.post(admin, "/import", file(round, ["a", "b"], ["s", "t"]));
        let (imported, _) = both(round, import, by_hand).await;
        imported.expect(200);
        assert!(
            stage
                .ok(&format!("select bool_and(broker_enabled) from app where key in ('a-{round}', 'b-{round}')"))
                .await
        );
    }
    stage.end().await;
}
