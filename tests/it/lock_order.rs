//! Rows are locked in one order, so that nobody waits for who waits for him. Each test holds one row, lets an act run
//! until it waits for that, and then goes on as another act would: an act that holds more than it waits for would be
//! ended by Postgres as a deadlock.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

use ebm::{
    aws::Aws,
    domain::bridge::{Direction, Mode},
    manager::{Actor, Error, access::Wanted, bridges::RouteDraft},
};
use futures::{TryFutureExt, future::BoxFuture};
use serde_json::json;
use sqlx::{PgPool, Postgres, Transaction, postgres::PgPoolOptions};

use crate::{
    aws::settings,
    support::{World, manager, manager_with},
};

/// In another order than that of their ids, which grow.
const EVENTS: [&str; 3] = ["Zebra", "Yak", "Wolf"];

/// What another act holds of events first, and then takes.
const FIRST_EVENT: &str = "select from event order by id limit 1 for update";
const ALL_EVENTS: &str = "select from event order by id for update";

/// The landscape, with a connection for everyone who acts at once.
async fn world(pool: &PgPool, aws: Option<Aws>) -> World {
    let pool = PgPoolOptions::new().max_connections(12).connect_with((*pool.connect_options()).clone()).await.unwrap();
    let manager = match aws {
        Some(aws) => manager_with(&pool, Some(aws)),
        None => manager(&pool, false).await,
    };
    let world = World::of(manager, pool).await;
    let channels = EVENTS.map(|event| {
        format!("  {event}:\n    subscribe:\n      message: {{name: {event}, payload: {{type: object}}}}\n")
    });
    let document = format!("asyncapi: 2.6.0\ninfo: {{title: Zoo, version: '1'}}\nchannels:\n{}", channels.concat());
    let spaces = ["acceptance", "production"];
    world.api.upload(&world.contact, "", "zoo.yaml", document.as_bytes(), &spaces).await.expect(201);
    world
}

async fn run(tx: &mut Transaction<'static, Postgres>, sql: &str) {
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned())).execute(&mut **tx).await.unwrap();
}

/// Comes back when somebody waits for a row of this database that someone else holds.
async fn somebody_waits(pool: &PgPool) {
    let waits = "select exists (select from pg_stat_activity
                 where datname = current_database() and wait_event_type = 'Lock')";
    while !sqlx::query_scalar::<_, bool>(waits).fetch_one(pool).await.unwrap() {}
}

/// Holds the first rows until the act waits for one of them, and then takes the others.
async fn meet<T>(world: &World, first: &str, others: &str, act: impl Future<Output = T>) -> T {
    let mut tx = world.pool.begin().await.unwrap();
    run(&mut tx, first).await;
    let meanwhile = async {
        somebody_waits(&world.pool).await;
        run(&mut tx, others).await;
        tx.commit().await.unwrap();
    };
    tokio::join!(act, meanwhile).0
}

fn route(event: &str, settings: &ebm::aws::Settings) -> RouteDraft {
    let queue_url = format!("https://sqs.{}.amazonaws.com/{}/{event}", settings.region, settings.account_id);
    RouteDraft {
        service: "zoo".into(),
        event: event.into(),
        direction: Direction::Outbound,
        queue_url,
        mode: Mode::Usual,
    }
}

/// A draft in `acceptance` whose routes are saved while another act holds the first rows and then takes the others.
async fn save_routes(world: &World, first: &str, others: &str) -> (Result<(), Error>, i64) {
    let settings = settings();
    let draft = json!({ "name": "b", "space": "acceptance", "kind": "sqs", "region": settings.region.as_str() });
    let made = world.api.post(&world.admin, "/bridges", draft).await.expect(201);
    let id = made["id"].as_str().unwrap().parse().unwrap();
    let routes = EVENTS.map(|event| route(event, &settings));
    let save = Box::pin(world.api.manager.save_routes(&Actor::Operator, id, 1, &routes));
    let saved = meet(world, first, others, save).await;
    Aws::new(settings).await.delete_role(id).await.unwrap();
    (saved, sqlx::query_scalar("select count(*) from route").fetch_one(&world.pool).await.unwrap())
}

#[sqlx::test]
async fn a_route_leads_to_what_still_flows_in_its_space(pool: PgPool) {
    let world = world(&pool, Some(Aws::new(settings()).await)).await;
    // Taking the service away from the Space: it stays in the other one, and so do its events.
    let held = "select from space where name = 'acceptance' for no key update; select from event for update";
    let delete = "delete from channel_topic using space where id = space_id and name = 'acceptance'";
    let (saved, routes) = save_routes(&world, held, delete).await;
    assert!(matches!(saved, Err(Error::Invalid(_))), "{saved:?}");
    assert_eq!(routes, 0);
}

#[sqlx::test]
async fn routes_hold_events_in_the_order_of_their_ids(pool: PgPool) {
    let world = world(&pool, Some(Aws::new(settings()).await)).await;
    let (saved, routes) = save_routes(&world, FIRST_EVENT, ALL_EVENTS).await;
    saved.unwrap();
    assert_eq!(routes, 3);
}

#[sqlx::test]
async fn access_holds_events_in_the_order_of_their_ids(pool: PgPool) {
    let world = world(&pool, None).await;
    let wanted = |event: &str| Wanted { service: "zoo".into(), event: event.into(), publish: false, subscribe: true };
    let mut wanted = EVENTS.map(wanted);
    wanted.reverse();
    let change = world.api.manager.change_access(&Actor::Operator, "order-portal", "acceptance", None, &wanted);
    let changed = meet(&world, FIRST_EVENT, ALL_EVENTS, change).await;
    assert_eq!(changed.unwrap().added.len(), 3);
}

#[sqlx::test]
async fn environments_are_held_in_the_order_of_their_ids(pool: PgPool) {
    let world = world(&pool, None).await;
    let api = &world.api;
    // One more in the same Space; then the older one's row lies behind it.
    api.put(&world.admin, "/apps/order-portal/environments/second", json!({ "name": "Acceptance" })).await.expect(201);
    let second = "/apps/order-portal/environments/second/broker";
    api.put(&world.admin, second, json!({ "enabled": true })).await.expect(200);
    for (env, event) in [("acceptance", "Zebra"), ("second", "Zebra")] {
        let grant = json!({
            "app": "order-portal", "env": env, "service": "zoo", "event": event, "access": ["subscribe"]
        });
        api.put(&world.admin, "/spaces/acceptance/grants", grant).await.expect(200);
    }
    let (first, all) = (
        "select from environment e join app a on a.id = app_id where a.key = 'order-portal' order by e.id limit 1 for update of e",
        "select from environment e join app a on a.id = app_id where a.key = 'order-portal' order by e.id for update of e",
    );
    // Another Space and back: such a change puts the row behind the others, as one of other columns may not.
    let behind = "update environment set space_id = null where id = (select min(id::text)::uuid from environment);
                  update environment set space_id = (select id from space where name = 'acceptance')
                  where space_id is null and broker_enabled";
    let meet_behind = async |act: BoxFuture<'_, Result<(), Error>>| {
        sqlx::raw_sql(behind).execute(&world.pool).await.unwrap();
        meet(&world, first, all, act).await.unwrap();
    };
    meet_behind(Box::pin(api.manager.set_app_broker(&Actor::Operator, "order-portal", false))).await;
    // The channels of another document wake grants.
    let document = "asyncapi: 2.6.0\ninfo: {title: Zoo, version: '2'}\nchannels:\n  Zebra:\n    subscribe:\n      \
                    message: {name: Zebra, payload: {type: object}}\n";
    let spaces = ["acceptance".to_owned()];
    let upload = api.manager.upload_service(&Actor::Operator, document.into(), &spaces, false);
    meet_behind(Box::pin(upload.map_ok(drop))).await;
}
