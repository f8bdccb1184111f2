//! Every call of the API that changes something, sent many times at once.

use std::collections::BTreeSet;

use ebm::api::routes;
use serde_json::Value;
use sqlx::PgPool;

use super::{
    Answers::{Alike, First},
    Case, EDIT, Stage, TIMES, one,
};
use crate::support::WEATHER;

const fn case(
    route: &'static str,
    path: &'static str,
    body: &'static str,
    answers: super::Answers,
    count: (&'static str, usize),
    changes: usize,
) -> Case {
    Case { route, path, body, answers, count, changes }
}

/// Who changes nothing, since it is so already, is answered as if he had done it.
#[rustfmt::skip]
const TABLE: &[Case] = &[
    // People. A token and a password of Kafka are each one's own: the answer alone shows them.
    case("POST /members", "/members", r#"{"email": "ivy@example.com", "role": "viewer"}"#, one(201, 409, "is a member already"),
        ("select count(*) from member m join password_link l on l.member_id = m.id where email = 'ivy@example.com'", 1), 1),
    case("PATCH /members/{member}", "/members/{viewer}", r#"{"role": "admin"}"#, Alike(204),
        ("select count(*) from member where email = 'viewer@example.com' and role = 'admin' and version = 2", 1), 1),
    case("POST /tokens", "/tokens", r#"{"kind": "member", "name": "mine"}"#, Alike(201),
        ("select count(*) from token where name = 'mine'", TIMES), TIMES),
    case("DELETE /tokens/{token}", "/tokens/{token}", "", one(204, 404, "token does not exist"),
        ("select count(*) from token where revoked_at is not null", 1), 1),

    // Apps.
    case("PUT /apps/{app}", "/apps/crm", r#"{"contacts": ["zoe@example.com"]}"#, one(201, 200, ""),
        ("select count(*) from app a join app_contact c on c.app_id = a.id where key = 'crm'", 1), 2),
    case("PUT /apps/{app}/environments/{env}", "/apps/crm/environments/test", r#"{"name": "Test"}"#, one(201, 200, ""),
        ("select count(*) from environment where key = 'test'", 1), 1),
    case("PUT /apps/{app}/environments/{env}/broker", "/apps/crm/environments/test/broker", r#"{"enabled": true}"#, Alike(200),
        ("select count(*) from environment where key = 'test' and broker_enabled", 1), 1),
    case("PUT /apps/{app}/broker", "/apps/crm/broker", r#"{"enabled": true}"#, Alike(200),
        ("select count(*) from environment e join space s on s.id = e.space_id where e.key = 'test' and s.name = 'test'", 1), 1),
    case("POST /apps/{app}/environments/{env}/credentials", "/apps/crm/environments/test/credentials", "", Alike(200),
        ("select count(*) from principal", 1), TIMES),
    case("PUT /apps/{app}/environments/{env}/deployment", "/apps/crm/environments/test/deployment",
        r#"{"version": "1", "deployed_at": "2026-01-01T00:00:00Z", "implements": [{"service": "weather", "event": "StormWarned", "access": "subscribe"}]}"#, Alike(200),
        ("select count(*) from deployment d join implemented i on i.environment_id = d.environment_id join environment e on e.id = d.environment_id where e.key = 'test'", 1), 1),
    case("POST /changes/{number}/revert", "/changes/{enabled}/revert", "", one(200, 409, "was changed again since"),
        ("select count(*) from app where key = 'stock' and not broker_enabled", 1), 1),
    case("PUT /apps/{app}/broker", "/apps/stock/broker", r#"{"enabled": true}"#, Alike(200),
        ("select count(*) from app where key = 'stock' and broker_enabled", 1), 1),
    case("POST /import", "/import", r#"{"apps": [{"key": "hr", "contacts": ["pam@example.com"], "broker": true, "environments": [{"key": "e", "name": "Elsewhere", "broker": true}]}]}"#, Alike(200),
        ("select count(*) from app a join app_contact c on c.app_id = a.id join environment e on e.app_id = a.id join space s on s.id = e.space_id where a.key = 'hr'", 1), 5),

    // Spaces and access.
    case("PUT /spaces/{space}/grants", "/spaces/acceptance/grants",
        r#"{"app": "order-portal", "env": "acceptance", "service": "orders", "event": "OrderPlaced", "access": []}"#, Alike(200),
        ("select count(*) from access_grant g join environment e on e.id = g.environment_id where e.key = 'acceptance'", 1), 1),
    case("POST /spaces/{space}/moves", "/spaces/spare/moves", r#"{"app": "stock", "env": "production", "plan_version": "{plan}"}"#, one(200, 422, "is the Space it is in already"),
        ("select count(*) from environment e join space s on s.id = e.space_id where s.name = 'spare'", 1), 1),
    case("PUT /spaces/{space}", "/spaces/More", "", one(201, 200, ""), ("select count(*) from space where name = 'More'", 1), 1),
    case("DELETE /spaces/{space}", "/spaces/More", "", one(204, 404, "does not exist"), ("select count(*) from space where name = 'More'", 0), 1),

    case("POST /cluster/decisions", "/cluster/decisions", r#"{"subject": "rule: r", "answer": "accept", "reason": "it is the backup's"}"#, Alike(204),
        ("select count(*) from decision where subject = 'rule: r' and answer = 'accept'", 1), 1),

    // Services.
    case("POST /services", "/services", "", one(201, 200, ""),
        ("select count(*) from service s join upload u on u.service_id = s.id where key = 'tides'", 1), 1),
    case("DELETE /services/{service}/spaces/{space}", "/services/tides/spaces/acceptance", "", one(204, 404, "does not exist"),
        ("select count(*) from service where key = 'tides'", 0), 1),

    // Bridges. A program that makes one has no form that would know it again, and no more drafts than anyone.
    case("POST /bridges", "/bridges", r#"{"name": "many", "space": "acceptance", "kind": "sqs", "region": "eu-central-1"}"#,
        First(10, 201, 409, "you have 10 drafts already"), ("select count(*) from bridge where name = 'many'", 10), 10),
    case("PUT /bridges/{bridge}", "/bridges/{b1}", r#"{"version": 1, "name": "renamed", "space": "acceptance", "kind": "sqs", "region": "eu-central-1", "routes": []}"#,
        one(200, 409, "meanwhile"), ("select count(*) from bridge where name = 'renamed' and version = 3", 1), 2),
    case("POST /bridges/{bridge}/check", "/bridges/{b3}/check", "", Alike(200),
        ("select count(*) from bridge where name = 'b3' and jsonb_array_length(checked->0->'actions') > 0 and version = 1", 1), 0),
    case("POST /bridges/{bridge}/start", "/bridges/{b4}/start", r#"{"vouched": true}"#, Alike(200),
        ("select count(*) from bridge where name = 'b4' and desired = 'running' and version = 2", 1), 1),
    case("DELETE /bridges/{bridge}", "/bridges/{b5}?version=1", "", one(202, 404, "does not exist"),
        ("select count(*) from bridge where name = 'b5' and desired = 'deleted' and version = 2", 1), 1),
    case("POST /bridges/{bridge}/stop", "/bridges/{b6}/stop", "", Alike(200),
        ("select count(*) from bridge where name = 'b6' and desired = 'stopped' and version = 2", 1), 1),
    case("POST /bridges/{bridge}/set-aside", "/bridges/{b11}/set-aside", "", one(200, 409, "is not halted by one event alone"),
        ("select count(*) from bridge where name = 'b11' and stuck is null and version = 2", 1), 1),
    case("POST /bridges/{bridge}/go-on", "/bridges/{b10}/go-on", "", one(200, 409, "does not wait for a decision"),
        ("select count(*) from bridge where name = 'b10' and not gap and version = 2", 1), 1),
    case("POST /bridges/{bridge}/dead-letters/redrive", "/bridges/{b7}/dead-letters/redrive", "", Alike(202),
        ("select count(*) from dead_letter d join bridge b on b.id = d.bridge_id where b.name = 'b7' and redrive_at is not null", 3), 1),
    case("POST /bridges/{bridge}/dead-letters/{letter}/redrive", "/bridges/{b8}/dead-letters/8/redrive", "", Alike(202),
        ("select count(*) from dead_letter d join bridge b on b.id = d.bridge_id where b.name = 'b8' and redrive_at is not null", 1), 1),
    case("PUT /bridges/{bridge}/dead-letters/{letter}", "/bridges/{b8}/dead-letters/{sealed}", EDIT, one(204, 409, "was changed or sent meanwhile"),
        ("select count(*) from dead_letter where source = 'sealed' and revision = 2 and original is not null", 1), 1),
    case("POST /bridges/{bridge}/dead-letters/{letter}/restore", "/bridges/{b10}/dead-letters/{edited}/restore", "", one(204, 409, "is as it came"),
        ("select count(*) from dead_letter where source = 'edited' and revision = 3 and original is null", 1), 1),
    case("DELETE /bridges/{bridge}/dead-letters/{letter}", "/bridges/{b8}/dead-letters/7", "", one(204, 404, "does not exist"),
        ("select count(*) from dead_letter where id = 7", 0), 1),
    case("DELETE /bridges/{bridge}/dead-letters", "/bridges/{b9}/dead-letters?up_to=12&count=3", "", one(204, 422, "must be the number"),
        ("select count(*) from dead_letter d join bridge b on b.id = d.bridge_id where b.name = 'b9'", 0), 1),
];

#[sqlx::test]
async fn a_call_sent_twice_at_once_has_one_effect(pool: PgPool) {
    let stage = Stage::new(&pool).await;
    stage.run("update token set name = 'to-be-revoked' where kind = 'deploy'").await;
    let tides = WEATHER.replace("Weather", "Tides").replace("StormWarned", "TideRose").replace("WindMeasured", "Ebb");
    let (api, admin) = (&stage.world.api, &stage.world.admin);
    let mut wrong = Vec::new();
    for case in TABLE {
        let (method, _) = case.route.split_once(' ').unwrap();
        let send = |path: String, body: String| {
            let (tides, is_upload) = (&tides, case.route == "POST /services");
            async move {
                let answer = if is_upload {
                    api.upload(admin, "", "tides.yaml", tides.as_bytes(), &["acceptance"]).await
                } else {
                    let body = if body.is_empty() { Value::Null } else { serde_json::from_str(&body).unwrap() };
                    api.call(admin, method, &path, body).await
                };
                (answer.status, answer.body.to_string())
            }
        };
        wrong.extend(stage.try_out(case, send).await);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    stage.end().await;
}

#[test]
fn every_call_that_changes_something_is_in_the_table() {
    let tried: BTreeSet<_> = TABLE.iter().map(|case| case.route.to_owned()).collect();
    let acts = routes().into_iter().filter(|route| !route.method.is_safe());
    assert_eq!(tried, acts.map(|route| format!("{} {}", route.method, route.path)).collect());
}
