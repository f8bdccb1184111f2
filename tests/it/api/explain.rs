//! Why an app does not receive an event: the first broken link is named, whichever it is.

use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::{World, report};

const PATH: &str = "/apps/stock/environments/acceptance/events/orders/OrderPlaced/explain";

async fn broken(world: &World) -> Value {
    world.api.get(&world.viewer, PATH).await.expect(200)["broken"].clone()
}

#[sqlx::test]
async fn the_first_broken_link_is_named(pool: PgPool) {
    let world = World::new(pool, false).await;
    let (api, admin) = (&world.api, &world.admin);
    api.get(&world.viewer, PATH).await.refused(404, "not-found");
    let environment = "/apps/stock/environments/acceptance";
    api.put(admin, environment, json!({})).await.expect(201);
    api.put(admin, "/apps/order-portal/environments/acceptance/deployment", report("1", "2026-01-01T00:00:00Z"))
        .await
        .expect(200);

    api.put(admin, "/apps/stock/broker", json!({ "enabled": false })).await.expect(200);
    assert_eq!(broken(&world).await, "app-enabled");
    api.put(admin, "/apps/stock/broker", json!({ "enabled": true })).await.expect(200);
    assert_eq!(broken(&world).await, "environment-enabled");
    api.put(admin, &format!("{environment}/broker"), json!({ "enabled": true })).await.expect(200);
    assert_eq!(broken(&world).await, "implemented", "nothing was deployed");
    let implements = json!([{ "service": "orders", "event": "OrderPlaced", "access": "subscribe" }]);
    let deployment = format!("{environment}/deployment");
    let mut deployed = json!({ "version": "1", "deployed_at": "2026-01-01T00:00:00Z", "defines": [] });
    api.put(admin, &deployment, deployed.clone()).await.expect(200);
    assert_eq!(broken(&world).await, "implemented", "it does not subscribe");
    (deployed["version"], deployed["deployed_at"], deployed["implements"]) =
        ("2".into(), "2026-01-02T00:00:00Z".into(), implements);
    api.put(admin, &deployment, deployed).await.expect(200);
    assert_eq!(broken(&world).await, "credentials");

    let grant = |access: Value| json!({ "app": "stock", "env": "acceptance", "service": "orders", "event": "OrderPlaced", "access": access });
    api.put(admin, "/spaces/acceptance/grants", grant(json!([]))).await.expect(200);
    assert_eq!(broken(&world).await, "granted");
    api.put(admin, "/spaces/acceptance/grants", grant(json!(["subscribe"]))).await.expect(200);
    api.post(admin, &format!("{environment}/credentials"), Value::Null).await.expect(200);
    assert_eq!(broken(&world).await, Value::Null, "the rest is not known to be broken");

    sqlx::query("update environment set access_failure = 'no' where key = 'acceptance'")
        .execute(&world.pool)
        .await
        .unwrap();
    assert_eq!(broken(&world).await, "access");
    sqlx::query("update environment set access_failure = null").execute(&world.pool).await.unwrap();
    sqlx::query("update channel_topic set failure = 'no'").execute(&world.pool).await.unwrap();
    assert_eq!(broken(&world).await, "topic");
    sqlx::query("update channel_topic set failure = null").execute(&world.pool).await.unwrap();

    let group = "insert into group_topic (environment_id, name, channel_id, space_id, members, lag)
                 select e.id, 'stock.acceptance.main', t.channel_id, t.space_id, $1, 3
                 from environment e join app a on a.id = e.app_id join channel_topic t on t.space_id = e.space_id
                 where a.key = 'stock' and e.key = 'acceptance'
                 on conflict (environment_id, name, channel_id, space_id) do update set members = excluded.members";
    for (members, expected) in [(0, json!("joined")), (1, Value::Null)] {
        sqlx::query(group).bind(members).execute(&world.pool).await.unwrap();
        assert_eq!(broken(&world).await, expected, "{members} members");
    }

    let own = json!({ "app": "order-portal", "env": "acceptance", "service": "orders", "event": "OrderPlaced", "access": [] });
    api.put(admin, "/spaces/acceptance/grants", own).await.expect(200);
    assert_eq!(broken(&world).await, "publisher");
    sqlx::query("update event set app_sends = false").execute(&world.pool).await.unwrap();
    assert_eq!(broken(&world).await, "open");
    sqlx::query("delete from channel_topic").execute(&world.pool).await.unwrap();
    assert_eq!(broken(&world).await, "flows");
}
