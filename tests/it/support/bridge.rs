//! A bridge as Postgres has it, without the pages that lead there.

use std::sync::Arc;

use ebm::domain::{
    channel::topic_name,
    ids::{BridgeId, ChannelId},
};
use sqlx::PgPool;
use uuid::Uuid;

/// A bridge in a Space of its own that is wanted to run, with one route of events `order.placed`, `outbound` to the queue or
/// `inbound` from it. Gives the name of the route's topic, which is not made.
pub async fn insert(pool: &PgPool, direction: &str, queue: &str, role: &str) -> (BridgeId, Arc<str>) {
    let [space, app, service, channel, event, bridge, route] = std::array::from_fn(|_| Uuid::new_v4());
    let name = format!("s-{}", &space.simple().to_string()[..12]);
    let run = |sql: &'static str| sqlx::query(sql);
    let all = [
        run("insert into space (id, name) values ($1, $2)").bind(space).bind(&name),
        run("insert into app (id, key, name, plan) values ($1, 'shop', 'Shop', 'licensed')").bind(app),
        run("insert into service (id, key, app_id, title, contract_version) values ($1, 'orders', $2, 'Orders', '1')")
            .bind(service)
            .bind(app),
        run("insert into channel (id, service_id, address) values ($1, $2, 'orders')").bind(channel).bind(service),
        run("insert into event (id, service_id, channel_id, name, app_sends, app_receives)
             values ($1, $2, $3, 'order.placed', true, false)")
        .bind(event)
        .bind(service)
        .bind(channel),
        run("insert into bridge (id, name, space_id, kind, region, desired, status, role_arn, external_id)
             values ($1, 'Orders to ERP', $2, 'sqs', 'eu-central-1', 'running', 'stopped', $3, 'x')")
        .bind(bridge)
        .bind(space)
        .bind(role),
        run("insert into route (id, bridge_id, event_id, direction, queue_url) values ($1, $2, $3, $4, $5)")
            .bind(route)
            .bind(bridge)
            .bind(event)
            .bind(direction)
            .bind(queue),
    ];
    for each in all {
        each.execute(pool).await.unwrap();
    }
    (BridgeId(bridge), topic_name(ChannelId(channel), &name.parse().unwrap()).into())
}
