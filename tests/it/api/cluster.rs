//! What is told of the cluster.

use ebm::{
    domain::isolation::{Check, Severity},
    store::passes,
};
use serde_json::json;
use sqlx::PgPool;

use crate::support::World;

#[sqlx::test]
async fn the_cluster_says_whether_it_keeps_the_spaces_apart(pool: PgPool) {
    let world = World::new(pool, false).await;
    world.api.get(&world.viewer, "/cluster").await.expect(404);
    for (severity, holds, isolation) in [
        (Severity::Isolation, Some(true), "enforced"),
        (Severity::Isolation, Some(false), "not-enforced"),
        (Severity::Isolation, None, "not-known"),
        (Severity::Warning, Some(false), "not-known"),
    ] {
        let check = Check { setting: "s".into(), severity, holds, text: "t".into() };
        passes::note(&world.pool, &json!({ "checks": [check] }), &[], None).await.unwrap();
        let told = world.api.get(&world.viewer, "/cluster").await.expect(200);
        assert_eq!(told["isolation"], isolation, "{told:#}");
        assert_eq!(told["checks"], json!([check]));
    }
}
