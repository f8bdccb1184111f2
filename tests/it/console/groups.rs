//! How far consumer groups have come, on the pages.

use ebm::domain::member::Role;
use serde_json::{Value, json};
use sqlx::PgPool;

use super::Console;
use crate::support::{World, report};

#[sqlx::test]
async fn events_that_nobody_comes_for_are_told_of_on_every_page(pool: PgPool) {
    let world = World::new(pool, false).await;
    let World { api, admin, deploy, .. } = &world;
    let orders = report("1", "2026-01-01T00:00:00Z");
    api.put(deploy, "/apps/order-portal/environments/acceptance/deployment", orders).await.expect(200);
    let environment = "/apps/stock/environments/acceptance";
    api.put(admin, environment, json!({})).await.expect(201);
    api.put(admin, &format!("{environment}/broker"), json!({ "enabled": true })).await.expect(200);
    let implements = json!([{ "service": "orders", "event": "OrderPlaced", "access": "subscribe" }]);
    let deployment =
        json!({ "version": "1", "deployed_at": "2026-01-01T00:00:00Z", "defines": [], "implements": implements });
    api.put(admin, &format!("{environment}/deployment"), deployment).await.expect(200);
    api.post(admin, &format!("{environment}/credentials"), Value::Null).await.expect(200);

    let eve = Console::new(&api.manager, "eve@example.com", Role::Admin).await;
    let channel: String = sqlx::query_scalar("select id::text from channel").fetch_one(&world.pool).await.unwrap();
    let channel = format!("/channels/{channel}");
    for page in [environment, channel.as_str()] {
        eve.get(page).await.expect(200, &["None has been seen"]);
    }
    let group = "insert into group_topic (environment_id, name, channel_id, space_id, members, lag, seen_at)
                 select e.id, 'stock.acceptance.main', t.channel_id, t.space_id, 0, 3, now() - interval '200 seconds'
                 from environment e join app a on a.id = e.app_id join channel_topic t on t.space_id = e.space_id
                 where a.key = 'stock' and e.key = 'acceptance'";
    sqlx::query(group).execute(&world.pool).await.unwrap();
    for page in [environment, channel.as_str()] {
        eve.get(page).await.expect(200, &["3 events wait, and nobody reads", "3 min ago"]);
    }
    let explain = format!("{environment}/events/orders/OrderPlaced");
    eve.get(&explain).await.expect(200, &["The consumer group stock.acceptance.main has no members."]);
    // The page of the event leads there.
    let event = eve.get("/events/orders/OrderPlaced").await.expect(200, &["Why does it not arrive?"]);
    assert!(event.text.contains(&format!("href=\"{explain}\"")), "{}", event.words());
    let rehearsal = format!("{environment}/space?to=production");
    eve.get(&rehearsal).await.expect(200, &["Left behind", "Not known: Kafka did not say it in time."]);
}
