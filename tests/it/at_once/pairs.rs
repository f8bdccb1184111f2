//! Two people at one environment, one Space or one bridge: one wins, the other is told, and nothing is half of each.

use ebm::{domain::ids::MemberId, manager::Actor};
use serde_json::{Value, json};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use super::{ROUNDS, Stage, both, bridge};
use crate::support::Answer;

/// Apps `x-0` to `x-29`, each with an environment `e` in the Space `Home`; Spaces `spare-0` to `spare-29`.
const APPS: &str = "
    insert into space (id, name) select gen_random_uuid(), n from unnest(array['Home', 'Left', 'Right']) n;
    insert into space (id, name) select gen_random_uuid(), 'spare-' || n from generate_series(0, 29) n;
    insert into app (id, key, name, plan, broker_enabled)
    select gen_random_uuid(), 'x-' || n, 'X', 'licensed', true from generate_series(0, 29) n;
    insert into environment (id, app_id, key, name, broker_enabled, space_id)
    select gen_random_uuid(), a.id, 'e', 'E', true, p.id
    from app a join space p on p.name = 'Home' where a.key like 'x-%';
";

/// Pairs of apps, `p-0` and `q-0`, each with an environment that sends an event of its own in a Space of its own, and may
/// subscribe to the other's, which does not flow there.
const PAIRS: &str = "
    insert into app (id, key, name, plan, broker_enabled)
    select gen_random_uuid(), k || '-' || n, 'X', 'licensed', true
    from generate_series(0, 29) n, unnest(array['p', 'q']) k;
    insert into space (id, name) select gen_random_uuid(), 'of-' || key from app where key ~ '^[pq]-';
    insert into environment (id, app_id, key, name, broker_enabled, space_id)
    select gen_random_uuid(), a.id, 'e', 'E', true, p.id from app a join space p on p.name = 'of-' || a.key;
    insert into service (id, key, app_id, title, contract_version)
    select gen_random_uuid(), key, id, key, '1' from app where key ~ '^[pq]-';
    insert into channel (id, service_id, address)
    select gen_random_uuid(), id, 'c' from service where key ~ '^[pq]-';
    insert into event (id, service_id, channel_id, name, app_sends, app_receives)
    select gen_random_uuid(), s.id, c.id, 'Of-' || s.key, true, false from channel c join service s on s.id = c.service_id
    where s.key ~ '^[pq]-';
    insert into channel_topic (channel_id, space_id, partitions, replicas)
    select c.id, p.id, 1, 1 from channel c join service s on s.id = c.service_id join space p on p.name = 'of-' || s.key;
    insert into implemented (environment_id, event_id, publish, subscribe)
    select e.id, v.id, true, false from environment e join service s on s.app_id = e.app_id
    join event v on v.service_id = s.id where s.key ~ '^[pq]-';
    insert into access_grant (id, environment_id, event_id, access)
    select gen_random_uuid(), environment_id, event_id, 'publish' from implemented where publish
    on conflict do nothing;
    insert into access_grant (id, environment_id, event_id, access)
    select gen_random_uuid(), e.id, v.id, 'subscribe' from environment e join app a on a.id = e.app_id
    join event v on v.name = 'Of-' || translate(left(a.key, 1), 'pq', 'qp') || substr(a.key, 2) where a.key ~ '^[pq]-';
";

/// Bridges without routes from `from` on, one for each round.
fn bridges(from: usize, desired: &str) -> String {
    format!(
        "insert into bridge (id, name, space_id, kind, region, desired, status, external_id, status_since)
         select ('00000000-0000-0000-0000-' || lpad(({from} + n)::text, 12, '0'))::uuid, 'old', p.id, 'sqs',
                'eu-central-1', '{desired}', '{desired}', 'x', now() - interval '8 days'
         from generate_series(0, 29) n join space p on p.name = 'acceptance'"
    )
}

fn edited(name: &str) -> Value {
    json!({ "version": 1, "name": name, "space": "acceptance", "kind": "sqs", "region": "eu-central-1", "routes": [] })
}

/// Which of two answers is the one that was done: exactly one is.
#[track_caller]
fn winner<'a>(answers: [(&'a str, &Answer); 2], losers: &[u16]) -> &'a str {
    let [(one, a), (other, b)] = answers;
    let (name, lost) = match (a.status < 300, b.status < 300) {
        (true, false) => (one, b),
        (false, true) => (other, a),
        _ => panic!("both or none was done: {one} {} {:#}, {other} {} {:#}", a.status, a.body, b.status, b.body),
    };
    assert!(losers.contains(&lost.status), "{} {:#}", lost.status, lost.body);
    assert!(!lost.body["detail"].as_str().unwrap().is_empty());
    name
}

/// What is done to whom after a version: who it was, and when.
#[track_caller]
fn says_who_and_when(answer: &Answer) {
    let text = answer.body["detail"].as_str().unwrap();
    assert!(text.contains("admin@example.com") && text.contains(" UTC"), "{text}");
}

impl Stage {
    async fn plan(&self, app: &str, to: &str) -> Value {
        let asked = json!({ "app": app, "env": "e", "dry_run": true });
        let plan = self.world.api.post(&self.world.admin, &format!("/spaces/{to}/moves"), asked).await.expect(200);
        plan["plan_version"].clone()
    }

    async fn apply(&self, app: &str, to: &str, plan: &Value) -> Answer {
        let body = json!({ "app": app, "env": "e", "plan_version": plan });
        self.world.api.post(&self.world.admin, &format!("/spaces/{to}/moves"), body).await
    }

    async fn space_of(&self, app: &str) -> String {
        let sql = "select s.name from environment e join app a on a.id = e.app_id join space s on s.id = e.space_id
                   where a.key = $1";
        sqlx::query_scalar(sql).bind(app).fetch_one(&self.world.pool).await.unwrap()
    }

    async fn admin_call(&self, method: &str, path: impl Into<String>, body: Value) -> Answer {
        self.world.api.call(&self.world.admin, method, &path.into(), body).await
    }
}

#[sqlx::test]
async fn an_environment_goes_to_one_of_two_spaces(pool: PgPool) {
    let stage = Stage::new(&pool).await;
    stage.run(APPS).await;
    for round in 0..ROUNDS {
        let app = format!("x-{round}");
        let (left, right) = (stage.plan(&app, "Left").await, stage.plan(&app, "Right").await);
        let (a, b) = both(round, stage.apply(&app, "Left", &left), stage.apply(&app, "Right", &right)).await;
        let winner = winner([("Left", &a), ("Right", &b)], &[409]);
        assert_eq!(stage.space_of(&app).await, winner);
        let lost = if winner == "Left" { &b } else { &a };
        lost.refused(409, "stale-plan");
        says_who_and_when(lost);
    }
    stage.end().await;
}

#[sqlx::test]
async fn two_moves_that_bear_on_each_other_are_not_both_as_they_were_rehearsed(pool: PgPool) {
    let stage = Stage::new(&pool).await;
    stage.run(PAIRS).await;
    for round in 0..ROUNDS {
        let (p, q) = (format!("p-{round}"), format!("q-{round}"));
        let (of_p, of_q) = (format!("of-{p}"), format!("of-{q}"));
        let (there, back) = (stage.plan(&p, &of_q).await, stage.plan(&q, &of_p).await);
        let (a, b) = both(round, stage.apply(&p, &of_q, &there), stage.apply(&q, &of_p, &back)).await;
        let winner = winner([(p.as_str(), &a), (q.as_str(), &b)], &[409]);
        let (space, other) = (stage.space_of(&p).await, stage.space_of(&q).await);
        assert_eq!(space, other, "{winner} went to the other");
    }
    stage.end().await;
}

#[sqlx::test]
async fn a_space_is_deleted_or_moved_into(pool: PgPool) {
    let stage = Stage::new(&pool).await;
    stage.run(APPS).await;
    for round in 0..ROUNDS {
        let (app, space) = (format!("x-{round}"), format!("spare-{round}"));
        let plan = stage.plan(&app, &space).await;
        let delete = stage.admin_call("DELETE", format!("/spaces/{space}"), Value::Null);
        let (a, b) = both(round, delete, stage.apply(&app, &space, &plan)).await;
        let winner = winner([("deleted", &a), ("moved", &b)], &[404, 409, 422]);
        let there = stage.number(&format!("select count(*) from space where name = '{space}'")).await;
        assert_eq!((winner, there), if there == 1 { ("moved", 1) } else { ("deleted", 0) });
        assert_eq!(stage.space_of(&app).await, if there == 1 { space.as_str() } else { "Home" });
    }
    stage.end().await;
}

#[sqlx::test]
async fn a_space_is_deleted_or_drawn_into_a_bridge(pool: PgPool) {
    let stage = Stage::new(&pool).await;
    stage.run(APPS).await;
    for round in 0..ROUNDS {
        let space = format!("spare-{round}");
        let delete = stage.admin_call("DELETE", format!("/spaces/{space}"), Value::Null);
        let body = json!({ "name": "new", "space": space, "kind": "sqs", "region": "eu-central-1" });
        let (a, b) = both(round, delete, stage.admin_call("POST", "/bridges", body)).await;
        winner([("deleted", &a), ("made", &b)], &[404, 409, 422]);
        // Nobody has more than some drafts at once.
        stage.run("update bridge set desired = 'stopped' where name = 'new'").await;
    }
    stage.end().await;
}

#[sqlx::test]
async fn an_app_is_switched_off_before_or_after_a_deployment(pool: PgPool) {
    let stage = Stage::new(&pool).await;
    stage.run(APPS).await;
    for round in 0..ROUNDS {
        let app = format!("x-{round}");
        let off = stage.admin_call("PUT", format!("/apps/{app}/broker"), json!({ "enabled": false }));
        let report = json!({ "version": "1", "deployed_at": "2026-01-01T00:00:00Z", "defines": [] });
        let deploy = stage.admin_call("PUT", format!("/apps/{app}/environments/e/deployment"), report);
        let (off, deployed) = both(round, off, deploy).await;
        off.expect(200);
        let of_app = format!("(select max(number) from change where object_name = '{app}' and act = 'app.disabled')");
        let first = format!(
            "select count(*) from change where object_name = '{app}.e' and act = 'environment.deployed' and number < {of_app}"
        );
        match deployed.status {
            200 => assert_eq!(stage.number(&first).await, 1, "it was deployed first"),
            _ => drop(deployed.refused(409, "environment-not-enabled")),
        }
    }
    let later = "select count(*) from deployment d join environment e on e.id = d.environment_id
                 join change c on c.object_id = e.id and c.act = 'environment.deployed'";
    let all = "select count(*) from deployment";
    assert_eq!(stage.number(later).await, stage.number(all).await, "each is in the history");
    stage.end().await;
}

#[sqlx::test]
async fn of_two_drafts_of_access_one_is_applied(pool: PgPool) {
    let stage = Stage::new(&pool).await;
    stage.run(APPS).await;
    let admin: String = stage.text("select id::text from member where email = 'eve@example.com'").await;
    let eve = Actor::Member(admin.parse::<MemberId>().unwrap());
    for round in 0..ROUNDS {
        let app = format!("x-{round}");
        let version = stage.world.api.manager.access_version(&eve, &app, "e").await.unwrap();
        let draft = |event: &str| format!("apply=1&version={version}&row=orders/{event}&subscribe=orders/{event}");
        let (path, placed, cancelled) = (format!("/access/{app}/e"), draft("OrderPlaced"), draft("OrderCancelled"));
        let (a, b) = both(round, stage.eve.post(&path, &placed), stage.eve.post(&path, &cancelled)).await;
        let (event, lost) = if a.status == 303 { ("OrderPlaced", b) } else { ("OrderCancelled", a) };
        lost.expect(409, &["was changed meanwhile", "eve@example.com", " UTC"]);
        let granted = format!(
            "select string_agg(v.name, ' ') from access_grant g join event v on v.id = g.event_id
             join environment e on e.id = g.environment_id join app a on a.id = e.app_id where a.key = '{app}'"
        );
        assert_eq!(stage.text(&granted).await, event);
    }
    stage.end().await;
}

#[sqlx::test]
async fn a_bridge_is_changed_by_one_or_deleted(pool: PgPool) {
    let stage = Stage::new(&pool).await;
    stage.run(&bridges(100, "stopped")).await;
    stage.run(&bridges(200, "stopped")).await;
    for round in 0..ROUNDS {
        let path = format!("/bridges/{}", bridge(100 + round));
        let edit = stage.admin_call("PUT", path.clone(), edited("new"));
        let old = format!("{path}?version=1");
        let (a, b) = both(round, edit, stage.admin_call("DELETE", old, Value::Null)).await;
        let done = winner([("stopped new", &a), ("deleted old", &b)], &[404, 409]);
        let is = format!("select desired || ' ' || name from bridge where id = '{}'", bridge(100 + round));
        assert_eq!(stage.text(&is).await, done);
        if b.status == 409 {
            b.refused(409, "stale");
            says_who_and_when(&b);
        }

        let path = format!("/bridges/{}", bridge(200 + round));
        let (a, b) = both(
            round,
            stage.admin_call("PUT", path.clone(), edited("ann")),
            stage.admin_call("PUT", path.clone(), edited("bob")),
        )
        .await;
        let done = winner([("ann", &a), ("bob", &b)], &[409]);
        let is = format!("select name from bridge where id = '{}'", bridge(200 + round));
        assert_eq!(stage.text(&is).await, done);
        let lost = if done == "ann" { &b } else { &a };
        lost.refused(409, "stale");
        says_who_and_when(lost);
    }
    stage.end().await;
}

#[sqlx::test]
async fn dead_letters_that_are_sent_again_are_thrown_away_all_the_same(pool: PgPool) {
    let stage = Stage::new(&pool).await;
    stage.run(&bridges(100, "running")).await;
    stage
        .run(
            "insert into dead_letter (bridge_id, reason, source, event)
               select b.id, 'oversize', 's' || n, 'x' from bridge b, generate_series(1, 40) n where b.name = 'old'",
        )
        .await;
    for round in 0..ROUNDS {
        let path = format!("/bridges/{}/dead-letters", bridge(100 + round));
        let redrive = format!("{path}/redrive");
        let purge = format!("{path}?up_to=100000&count=40");
        let (sent, gone) =
            both(round, stage.admin_call("POST", redrive, Value::Null), stage.admin_call("DELETE", purge, Value::Null))
                .await;
        gone.expect(204);
        let sent = sent.expect(202)["count"].clone();
        assert!(sent == 40 || sent == 0, "all of them or, where they were gone, none: {sent}");
    }
    assert_eq!(stage.number("select count(*) from dead_letter where source = 's9'").await, 0);
    stage.end().await;
}

/// A draft that nobody came back to goes, but not under the hands of someone who has just come back.
#[sqlx::test]
async fn a_draft_is_swept_or_started(pool: PgPool) {
    let stage = Stage::new(&pool).await;
    stage.run(&bridges(100, "draft")).await;
    stage.run("insert into route (id, bridge_id, event_id, direction, queue_url)
               select gen_random_uuid(), b.id, v.id, 'outbound', 'https://sqs.eu-central-1.amazonaws.com/123456789012/q'
               from bridge b join event v on v.name = 'OrderPlaced' where b.name = 'old';
               insert into access_grant (id, bridge_id, event_id, access)
               select gen_random_uuid(), r.bridge_id, r.event_id, 'subscribe' from route r join bridge b on b.id = r.bridge_id
               where b.name = 'old';
               update bridge set checked = '[{\"queue\": \"https://sqs.eu-central-1.amazonaws.com/123456789012/q\",
                   \"actions\": [], \"warnings\": [], \"attributes\": null}]' where name = 'old'").await;
    let (manager, done) = (stage.world.api.manager.clone(), CancellationToken::new());
    let sweeper = tokio::spawn(manager.sweep(done.clone()));
    let mut started = Vec::new();
    for round in (0..ROUNDS).rev() {
        let path = format!("/bridges/{}/start", bridge(100 + round));
        let answer = stage.admin_call("POST", path, json!({ "vouched": true })).await;
        match answer.status {
            200 => started.push(bridge(100 + round)),
            _ => drop(answer.refused(404, "not-found")),
        }
    }
    while stage.number("select count(*) from bridge where desired = 'draft'").await > 0 {}
    done.cancel();
    sweeper.await.unwrap().unwrap();
    for id in &started {
        let is = format!("select count(*) from bridge where id = '{id}' and desired = 'running'");
        assert_eq!(stage.number(&is).await, 1, "{id} was started, and swept");
    }
    assert!(!started.is_empty(), "none was started in time");
    stage.end().await;
}
