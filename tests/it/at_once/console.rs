//! Every form of the console, sent many times at once.

use std::collections::BTreeSet;

use ebm::{aws::Aws, domain::member::Role};
use sqlx::PgPool;

use super::{
    Answers::{Alike, Of},
    Case, EDIT_FORM, Stage, TIMES, one, routes,
};
use crate::{
    console::{Console, PASSWORD},
    support::WEATHER,
};

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

#[rustfmt::skip]
const TABLE: &[Case] = &[
    // People. A session, a token, a password of Kafka and a link are each one's own: the answer alone shows them.
    case("POST /theme", "/theme", "theme=dark", Alike(303), ("select 0::bigint", 0), 0),
    case("POST /sign-in", "/sign-in", "email=eve@example.com&password={password}", Alike(303),
        ("select count(*) from session s join member m on m.id = s.member_id where m.email = 'eve@example.com'", TIMES + 1), 0),
    case("POST /sign-out", "/sign-out", "", Alike(303),
        ("select count(*) from session s join member m on m.id = s.member_id where m.email = 'lea@example.com'", 0), 0),
    case("POST /password/{secret}", "/password/{link}", "password={password}&again={password}", one(303, 404, "used up"),
        ("select count(*) from member m where email = 'new@example.com' and password_hash is not null
            and not exists (select from password_link l where l.member_id = m.id)", 1), 1),
    case("POST /people", "/people", "email=ivy@example.com&role=viewer", one(200, 409, "is a member already"),
        ("select count(*) from member m join password_link l on l.member_id = m.id where email = 'ivy@example.com'", 1), 1),
    case("POST /people/{member}", "/people/{viewer}", "version={viewer-version}&role=admin", Alike(303),
        ("select count(*) from member where email = 'viewer@example.com' and role = 'admin' and version = 2", 1), 1),
    case("POST /people/{member}/link", "/people/{viewer}/link", "", Alike(200),
        ("select count(*) from password_link l join member m on m.id = l.member_id where email = 'viewer@example.com'", 1), TIMES),
    case("POST /profile/tokens", "/profile/tokens", "name=mine", Alike(200),
        ("select count(*) from token where name = 'mine'", TIMES), TIMES),
    case("POST /apps/{app}/environments/{environment}/tokens", "/apps/order-portal/environments/acceptance/tokens", "name=ci", Alike(200),
        ("select count(*) from token where name = 'ci'", TIMES), TIMES),
    case("POST /tokens/{token}/revoke", "/tokens/{token}/revoke", "next=/", one(303, 404, "does not exist"),
        ("select count(*) from token where revoked_at is not null", 1), 1),

    // Apps.
    case("POST /apps/new", "/apps/new", "key=crm&name=CRM&contacts=zoe@example.com", one(200, 409, "registered already"),
        ("select count(*) from app a join app_contact c on c.app_id = a.id where key = 'crm'", 1), 2),
    case("POST /apps/{app}/edit", "/apps/order-portal/edit", "name=Shop&contacts=contact@example.com", Alike(303),
        ("select count(*) from app where key = 'order-portal' and name = 'Shop'", 1), 1),
    case("POST /apps/{app}/environments/new", "/apps/order-portal/environments/new", "key=test&name=Test", one(303, 409, "with this key already"),
        ("select count(*) from environment where key = 'test'", 1), 1),
    case("POST /apps/{app}/environments/{environment}/broker", "/apps/order-portal/environments/test/broker", "enabled=true", Alike(303),
        ("select count(*) from environment e join space s on s.id = e.space_id where e.key = 'test' and s.name = 'test'", 1), 1),
    case("POST /apps/{app}/broker", "/apps/order-portal/broker", "enabled=false", Alike(303),
        ("select count(*) from app where key = 'order-portal' and not broker_enabled", 1), 1),
    case("POST /history/{number}/revert", "/history/{enabled}/revert", "", one(303, 409, "was changed again since"),
        ("select count(*) from app where key = 'stock' and not broker_enabled", 1), 1),
    case("POST /apps/{app}/broker", "/apps/stock/broker", "enabled=true", Alike(303),
        ("select count(*) from app where key = 'stock' and broker_enabled", 1), 1),
    case("POST /apps/{app}/environments/{environment}/credentials", "/apps/stock/environments/production/credentials", "", Alike(200),
        ("select count(*) from principal", 1), TIMES),
    case("POST /import", "/import", "apps: [{key: hr}]", Alike(200), ("select count(*) from app where key = 'hr'", 0), 0),
    case("POST /import/do", "/import/do", "apps: [{key: hr, broker: true, environments: [{key: e, name: Elsewhere, broker: true}]}]", Alike(303),
        ("select count(*) from app a join environment e on e.app_id = a.id join space s on s.id = e.space_id where a.key = 'hr'", 1), 4),

    // Access and Spaces.
    case("POST /access/{app}/{environment}", "/access/order-portal/acceptance", "apply=1&version={access}&row=orders/OrderPlaced", one(303, 409, "was changed meanwhile"),
        ("select count(*) from access_grant where environment_id is not null", 1), 1),
    case("POST /apps/{app}/environments/{environment}/space", "/apps/stock/environments/production/space", "to=spare&plan_version={plan}", one(303, 422, "is the Space it is in already"),
        ("select count(*) from environment e join space s on s.id = e.space_id where s.name = 'spare'", 1), 1),
    case("POST /new-space", "/new-space", "name=More", one(303, 409, "There is a Space More already"),
        ("select count(*) from space where name = 'More'", 1), 1),
    case("POST /spaces/{space}/delete", "/spaces/More/delete", "typed=More", one(303, 404, "does not exist"),
        ("select count(*) from space where name = 'More'", 0), 1),
    case("POST /cluster", "/cluster", "", Alike(303), ("select 0::bigint", 0), TIMES),
    case("POST /cluster/decisions", "/cluster/decisions", "subject=rule: r&answer=remove", Alike(303),
        ("select count(*) from decision where subject = 'rule: r' and answer = 'remove'", 1), 1),

    // Services. Who reads the document while another is just storing it is told that it has changed.
    case("POST /services/upload", "/services/upload", "{tides}", Alike(200), ("select count(*) from service where key = 'tides'", 0), 0),
    case("POST /services/upload/spaces", "/services/upload/spaces", "{tides}", Of(&[303, 409]),
        ("select count(*) from service s join upload u on u.service_id = s.id where key = 'tides'", 1), 1),
    case("POST /services/{service}/spaces/{space}/delete", "/services/tides/spaces/acceptance/delete", "typed=tides", one(303, 404, "does not exist"),
        ("select count(*) from service where key = 'tides'", 0), 1),

    // Bridges.
    case("POST /bridges/new/details", "/bridges/new/details", "kind=sqs&name=once&space=acceptance&region=eu-central-1", Alike(303),
        ("select count(*) from bridge where name = 'once'", 1), 1),
    case("POST /bridges/{bridge}/details", "/bridges/{b1}/details", "version=1&name=renamed&space=acceptance&region=eu-central-1", one(303, 409, "meanwhile"),
        ("select count(*) from bridge where name = 'renamed' and version = 2", 1), 1),
    case("POST /bridges/{bridge}/events/add", "/bridges/{b1}/events/add", "version=1&chosen=orders/OrderPlaced", Alike(200), ("select 0::bigint", 0), 0),
    // Who comes when the same is saved already has nothing to change.
    case("POST /bridges/{bridge}/events", "/bridges/{b2}/events",
        "version=1&rows/0/event=orders/OrderPlaced&rows/0/to=on&rows/0/to_url=https://sqs.eu-central-1.amazonaws.com/{account}/other", Of(&[303, 409]),
        ("select count(*) from bridge b join route r on r.bridge_id = b.id where b.name = 'b2' and r.queue_url like '%/other' and b.version = 2", 1), 1),
    case("POST /bridges/{bridge}/check", "/bridges/{b3}/check", "", Alike(303),
        ("select count(*) from bridge where name = 'b3' and jsonb_array_length(checked->0->'actions') > 0 and version = 1", 1), 0),
    case("POST /bridges/{bridge}/start", "/bridges/{b4}/start", "version=1&vouched=1", one(303, 409, "meanwhile"),
        ("select count(*) from bridge where name = 'b4' and desired = 'running' and version = 2", 1), 1),
    case("POST /bridges/{bridge}/delete", "/bridges/{b5}/delete", "version=1&typed=b5", one(303, 404, "does not exist"),
        ("select count(*) from bridge where name = 'b5' and desired = 'deleted' and version = 2", 1), 1),
    case("POST /bridges/{bridge}/stop", "/bridges/{b6}/stop", "", Alike(303),
        ("select count(*) from bridge where name = 'b6' and desired = 'stopped' and version = 2", 1), 1),
    case("POST /bridges/{bridge}/set-aside", "/bridges/{b11}/set-aside", "version=1", Alike(303),
        ("select count(*) from bridge where name = 'b11' and stuck is null and version = 2", 1), 1),
    case("POST /bridges/{bridge}/go-on", "/bridges/{b10}/go-on", "version=1", Alike(303),
        ("select count(*) from bridge where name = 'b10' and not gap and version = 2", 1), 1),
    case("POST /bridges/{bridge}/dead-letters/redrive", "/bridges/{b7}/dead-letters/redrive", "", Alike(303),
        ("select count(*) from dead_letter d join bridge b on b.id = d.bridge_id where b.name = 'b7' and redrive_at is not null", 3), 1),
    case("POST /bridges/{bridge}/dead-letters/{number}/redrive", "/bridges/{b8}/dead-letters/8/redrive", "", Alike(303),
        ("select count(*) from dead_letter d join bridge b on b.id = d.bridge_id where b.name = 'b8' and redrive_at is not null", 1), 1),
    case("POST /bridges/{bridge}/dead-letters/{number}/edit", "/bridges/{b8}/dead-letters/{sealed}/edit", EDIT_FORM, one(303, 409, "was changed or sent meanwhile"),
        ("select count(*) from dead_letter where source = 'sealed' and revision = 2 and original is not null", 1), 1),
    case("POST /bridges/{bridge}/dead-letters/{number}/restore", "/bridges/{b10}/dead-letters/{edited}/restore", "", Alike(303),
        ("select count(*) from dead_letter where source = 'edited' and revision = 3 and original is null", 1), 1),
    case("POST /bridges/{bridge}/dead-letters/{number}/delete", "/bridges/{b8}/dead-letters/7/delete", "", one(303, 404, "does not exist"),
        ("select count(*) from dead_letter where id = 7", 0), 1),
    case("POST /bridges/{bridge}/dead-letters/purge", "/bridges/{b9}/dead-letters/purge", "up_to=12&count=3", one(303, 422, "must be the number"),
        ("select count(*) from dead_letter d join bridge b on b.id = d.bridge_id where b.name = 'b9'", 0), 1),
];

/// Sends a form as its page does.
async fn send(stage: &Stage, lea: &Console, route: &str, path: &str, body: &str) -> (u16, String) {
    let page = match route {
        "POST /import" | "POST /import/do" => stage.eve.bring(path, ("apps.yaml", body.as_bytes()), &[]).await,
        "POST /services/upload" | "POST /services/upload/spaces" => {
            let fields = [("create", "1"), ("spaces", "acceptance")];
            stage.eve.bring(path, ("tides.yaml", body.as_bytes()), &fields).await
        }
        "POST /sign-in" | "POST /password/{secret}" => stage.eve.guest().post(path, body).await,
        "POST /sign-out" => lea.post(path, body).await,
        _ => stage.eve.post(path, body).await,
    };
    (page.status, page.words())
}

#[sqlx::test]
async fn a_form_sent_twice_at_once_has_one_effect(pool: PgPool) {
    let stage = Stage::new(&pool).await;
    let lea = Console::new(&stage.world.api.manager, "lea@example.com", Role::Viewer).await;
    stage.run("update token set name = 'to-be-revoked' where kind = 'deploy'").await;
    let tides = WEATHER.replace("Weather", "Tides").replace("StormWarned", "TideRose").replace("WindMeasured", "Ebb");
    let mut wrong = Vec::new();
    for case in TABLE {
        let send = |path: String, body: String| {
            let body = body.replace("{password}", &PASSWORD.replace(' ', "+")).replace("{tides}", &tides);
            let (stage, lea) = (&stage, &lea);
            async move { send(stage, lea, case.route, &path, &body).await }
        };
        wrong.extend(stage.try_out(case, send).await);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    let bridge = "00000000-0000-0000-0000-000000000002".parse().unwrap();
    Aws::new(crate::aws::settings()).await.delete_role(bridge).await.unwrap();
    stage.end().await;
}

#[test]
fn every_form_of_the_console_is_in_the_table() {
    let tried: BTreeSet<_> = TABLE.iter().map(|case| case.route.to_owned()).collect();
    assert_eq!(tried, routes::acts());
}
