//! The same twice at once, and two people at once: one effect, one winner, and clear words for everyone else.
//!
//! Requests go to Postgres side by side, each on a connection of its own; nothing here waits for a time.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

mod api;
mod console;
mod pairs;
mod people;
mod routes;
mod services;
mod stale;

use std::{collections::BTreeMap, fmt::Display};

use ebm::{aws::Aws, domain::member::Role, manager::history::Verdict};
use futures::future::join_all;
use serde_json::json;
use sqlx::{PgPool, postgres::PgPoolOptions};

use crate::{
    console::Console,
    support::{WEATHER, World, letter, manager_with, report},
};

/// The event of a dead letter, with what it lacks; and the same as a form sends it.
const EDIT: &str = r#"{"content": {"queue": "q", "message_id": "m", "group": "g", "attributes": [["ce_type", "OrderPlaced"],
    ["ce_source", "/shop"], ["ce_specversion", "1.0"], ["ce_id", "7"]], "binary": [], "body": "{}"}, "revision": 1}"#;
const EDIT_FORM: &str =
    "revision=1&key=g&pairs=ce_type:OrderPlaced%0D%0Ace_source:/shop%0D%0Ace_specversion:1.0%0D%0Ace_id:7&body=%7B%7D";
/// How often one and the same request is sent at once.
const TIMES: usize = 20;
/// How often two people try the same two things.
const ROUNDS: usize = 30;

/// Bridges in the Space `acceptance`, each with a route to a queue. Their ids end with their numbers; those that run
/// have three dead letters each, whose numbers follow.
///
/// | number | is |
/// |---|---|
/// | 1 to 5 | stopped; the second has no role yet, and only that of the third is there |
/// | 6 to 11 | running; the tenth waits for a decision on events that are gone, the last on one that is refused |
const BRIDGES: &str = "
    insert into bridge (id, name, space_id, kind, region, desired, status, external_id, role_arn, gap, stuck, checked)
    select ('00000000-0000-0000-0000-' || lpad(n::text, 12, '0'))::uuid, 'b' || n, p.id, 'sqs', 'eu-central-1', d, d, 'x' || n,
           case when n <> 2 then 'arn:aws:iam::{account}:role/ebm/none' end, n = 10,
           case when n = 11 then jsonb_build_object('topic', 't', 'partition', 0, 'offset', 7) end, jsonb_build_array(jsonb_build_object('queue', q, 'actions',
           '[]'::jsonb, 'warnings', '[]'::jsonb, 'attributes', null))
    from generate_series(1, 11) n join space p on p.name = 'acceptance',
         lateral (select case when n > 5 then 'running' else 'stopped' end as d,
                         'https://sqs.eu-central-1.amazonaws.com/{account}/q' || n as q) x;
    insert into route (id, bridge_id, event_id, direction, queue_url)
    select gen_random_uuid(), b.id, v.id, 'outbound', b.checked->0->>'queue'
    from bridge b join event v on v.name = 'OrderPlaced';
    insert into access_grant (id, bridge_id, event_id, access)
    select gen_random_uuid(), bridge_id, event_id, 'subscribe' from route;
    insert into dead_letter (bridge_id, reason, source, event)
    select b.id, 'oversize', 's' || n, 'x' from bridge b, generate_series(1, 3) n where b.desired = 'running'
    order by b.id, n;
";

/// What Kafka was found to have that is not ours.
const FINDING: &str = r#"
    insert into cluster_report (at, report) values (now(), '{"findings": [
        {"kind": "Access of a foreign user", "text": "r", "subject": "rule: r", "answers": ["remove", "accept"]}]}');
"#;

/// A landscape, and the same database by as many connections as there are requests at once.
struct Stage {
    world: World,
    /// The console as the admin Eve sees it.
    eve: Console,
}

/// What the answers to the same request at once are.
enum Answers {
    /// All of this status.
    Alike(u16),
    /// As many as this of one status, and the others of another, which say this.
    First(usize, u16, u16, &'static str),
    /// Each of one of these: who is how far when the first is done is open.
    Of(&'static [u16]),
}

/// One does it; the others are told.
const fn one(winner: u16, others: u16, told: &'static str) -> Answers {
    Answers::First(1, winner, others, told)
}

/// A request that is sent [`TIMES`] at once.
struct Case {
    /// The route, as the router has it.
    route: &'static str,
    path: &'static str,
    body: &'static str,
    answers: Answers,
    /// What there is of it then, and how many.
    count: (&'static str, usize),
    /// Rows that it adds to the history.
    changes: usize,
}

impl Stage {
    async fn new(pool: &PgPool) -> Self {
        let wide = PgPoolOptions::new().max_connections(u32::try_from(TIMES).unwrap() + 2);
        let pool = wide.connect_with((*pool.connect_options()).clone()).await.unwrap();
        let aws = Aws::new(crate::aws::settings()).await;
        let account = aws.settings().account_id.clone();
        let world = World::of(manager_with(&pool, Some(aws.clone())), pool).await;
        let path = "/apps/order-portal/environments/acceptance/deployment";
        world.api.put(&world.deploy, path, report("1", "2026-01-01T00:00:00Z")).await.expect(200);
        world.api.upload(&world.admin, "", "w.yaml", WEATHER.as_bytes(), &["acceptance"]).await.expect(201);
        world.api.put(&world.admin, "/spaces/spare", json!({})).await.expect(201);
        let bridges = BRIDGES.replace("{account}", &account);
        sqlx::raw_sql(sqlx::AssertSqlSafe(bridges)).execute(&world.pool).await.unwrap();
        let role = aws.ensure_role(bridge(3).parse().unwrap(), "x3", None).await.unwrap();
        sqlx::query("update bridge set role_arn = $1, role_id = $2 where name = 'b3'")
            .bind(role.arn)
            .bind(role.id)
            .execute(&world.pool)
            .await
            .unwrap();
        sqlx::raw_sql(FINDING).execute(&world.pool).await.unwrap();
        for (letter_of, source) in [(8, "sealed"), (10, "edited")] {
            letter::insert(&world.pool, bridge(letter_of).parse().unwrap(), source, &letter::without_id()).await;
        }
        sqlx::query("update dead_letter set original = event, edited_at = now(), revision = 2 where source = 'edited'")
            .execute(&world.pool)
            .await
            .unwrap();
        let eve = Console::new(&world.api.manager, "eve@example.com", Role::Admin).await;
        Self { world, eve }
    }

    async fn number(&self, sql: &str) -> i64 {
        sqlx::query_scalar(sqlx::AssertSqlSafe(sql.to_owned())).fetch_one(&self.world.pool).await.unwrap()
    }

    async fn run(&self, sql: &str) {
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned())).execute(&self.world.pool).await.unwrap();
    }

    async fn text(&self, sql: &str) -> String {
        sqlx::query_scalar(sqlx::AssertSqlSafe(sql.to_owned())).fetch_one(&self.world.pool).await.unwrap()
    }

    async fn changes(&self) -> i64 {
        self.number("select count(*) from change").await
    }

    /// A text with what is known only now in the place of its names.
    async fn filled(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (name, sql) in [
            ("{viewer}", "select id::text from member where email = 'viewer@example.com'"),
            ("{viewer-version}", "select version::text from member where email = 'viewer@example.com'"),
            ("{token}", "select id::text from token where name = 'to-be-revoked'"),
            ("{enabled}", "select max(number)::text from change where act = 'app.enabled' and object_name = 'stock'"),
            ("{sealed}", "select id::text from dead_letter where source = 'sealed'"),
            ("{edited}", "select id::text from dead_letter where source = 'edited'"),
            ("{account}", "select split_part(queue_url, '/', 4) from route limit 1"),
        ] {
            if text.contains(name) {
                text = text.replace(name, &self.text(sql).await);
            }
        }
        for n in 1..=11 {
            text = text.replace(&format!("{{b{n}}}"), &bridge(n));
        }
        if text.contains("{plan}") {
            let asked = json!({ "app": "stock", "env": "production", "dry_run": true });
            let plan = self.world.api.post(&self.world.admin, "/spaces/spare/moves", asked).await.expect(200);
            text = text.replace("{plan}", plan["plan_version"].as_str().unwrap());
        }
        if text.contains("{access}") {
            let page = self.eve.get("/access/order-portal/acceptance").await.expect(200, &[]);
            text = text.replace("{access}", &page.hidden("version"));
        }
        if text.contains("{link}") {
            let made = self.world.api.manager.create_member("new@example.com", "", Role::Viewer, None).await.unwrap();
            let link = secrecy::ExposeSecret::expose_secret(made.link.as_ref().unwrap()).to_owned();
            text = text.replace("{link}", link.rsplit('/').next().unwrap());
        }
        text
    }

    /// Sends what a case says at once, by `send`, and gives what is not as the case says.
    async fn try_out<F: Future<Output = (u16, String)>>(
        &self,
        case: &Case,
        send: impl Fn(String, String) -> F,
    ) -> Vec<String> {
        let (path, body) = (self.filled(case.path).await, self.filled(case.body).await);
        let before = self.changes().await;
        let answers = join_all((0..TIMES).map(|_| send(path.clone(), body.clone()))).await;
        let mut wrong = Vec::new();
        let mut note = |what: &dyn Display| wrong.push(format!("{} {what}", case.route));
        let statuses = answers.iter().fold(BTreeMap::<u16, usize>::new(), |mut all, (status, _)| {
            *all.entry(*status).or_default() += 1;
            all
        });
        let are = match case.answers {
            Answers::Alike(status) => statuses == BTreeMap::from([(status, TIMES)]),
            Answers::First(count, winner, others, told) => {
                let losers = answers.iter().filter(|(status, _)| *status == others && others != winner);
                if let Some((_, text)) = losers.clone().find(|(_, text)| !text.contains(told)) {
                    note(&format!("does not say “{told}” but {text}"));
                }
                statuses == BTreeMap::from([(winner, count), (others, TIMES - count)])
            }
            Answers::Of(known) => statuses.keys().all(|status| known.contains(status)),
        };
        if !are {
            note(&format!("answered {statuses:?}: {}", answers.last().unwrap().1));
        }
        let (sql, is) = case.count;
        let found = usize::try_from(self.number(sql).await).unwrap();
        if found != is {
            note(&format!("made {found} and not {is}: {sql}"));
        }
        let changes = usize::try_from(self.changes().await - before).unwrap();
        if changes != case.changes {
            note(&format!("is {changes} times in the history, and not {}", case.changes));
        }
        wrong
    }

    /// The end of each of these tests: the history is whole, and no connection stays.
    async fn end(self) {
        let rows = self.changes().await;
        assert_eq!(self.world.api.manager.check_history().await.unwrap(), Verdict::Sound { rows });
        self.world.pool.close().await;
    }
}

/// Two things at once. Which of them comes first, and by how much, is another one in each round.
async fn both<A, B>(round: usize, one: impl Future<Output = A>, other: impl Future<Output = B>) -> (A, B) {
    let late = |is_late: bool| async move {
        for _ in 0..if is_late { round / 2 } else { 0 } {
            tokio::task::yield_now().await;
        }
    };
    let one = async {
        late(round.is_multiple_of(2)).await;
        one.await
    };
    let other = async {
        late(!round.is_multiple_of(2)).await;
        other.await
    };
    tokio::join!(one, other)
}

/// The id of a bridge.
fn bridge(number: usize) -> String {
    format!("00000000-0000-0000-0000-{number:012}")
}
