//! That Kafka does not keep the Spaces apart stands on every page, until it does.

use ebm::{
    domain::{
        isolation::{Check, Severity},
        member::Role,
    },
    store::passes,
};
use serde_json::json;
use sqlx::PgPool;

use super::Console;
use crate::support::World;

/// Pages of every part, forms and refusals among them.
const PATHS: [&str; 23] = [
    "/",
    "/apps",
    "/apps/new",
    "/apps/order-portal",
    "/apps/order-portal/environments/acceptance",
    "/spaces",
    "/spaces/acceptance",
    "/new-space",
    "/channels",
    "/events",
    "/services",
    "/services/upload",
    "/access",
    "/access/order-portal/acceptance",
    "/bridges",
    "/people",
    "/history",
    "/cluster",
    "/profile",
    "/api",
    "/import",
    "/search?q=order",
    "/no/such/page",
];

const SAID: &str = "Isolation is not enforced";

fn check(setting: &str, severity: Severity, holds: bool) -> Check {
    Check { setting: setting.to_owned(), severity, holds: Some(holds), text: format!("About {setting}.") }
}

/// Writes a report, as the reconciler does.
async fn note(world: &World, checks: &[Check]) {
    let breaches = checks.iter().filter(|check| check.is_amiss(Severity::Isolation));
    let breaches: Vec<_> = breaches.map(|check| check.setting.clone()).collect();
    passes::note(&world.pool, &json!({ "checks": checks }), &breaches, None).await.unwrap();
}

async fn every_page_says_it(console: &Console, said: bool) {
    for path in PATHS {
        let page = console.get(path).await;
        assert!(page.status < 500 && page.location.is_empty(), "{path}: {} {}", page.status, page.location);
        assert_eq!(page.text.contains(SAID), said, "{path}: {}", page.text);
        assert_eq!(page.text.contains("(auto.create.topics.enable)"), said, "{path}: {}", page.text);
        assert_eq!(page.text.contains(r#"href="/cluster#isolation""#), said, "{path}: {}", page.text);
    }
}

#[sqlx::test]
async fn that_isolation_is_not_enforced_stands_on_every_page_until_it_is(pool: PgPool) {
    let world = World::new(pool, false).await;
    let admin = Console::new(&world.api.manager, "eve@example.com", Role::Admin).await;
    let viewer = Console::new(&world.api.manager, "vic@example.com", Role::Viewer).await;
    // Nothing is known yet.
    every_page_says_it(&viewer, false).await;

    let warning = check("connections.max.reauth.ms", Severity::Warning, false);
    note(&world, &[check("auto.create.topics.enable", Severity::Isolation, false), warning.clone()]).await;
    every_page_says_it(&admin, true).await;
    every_page_says_it(&viewer, true).await;
    admin.post("/apps/new", "key=%21").await.expect(422, &[SAID]);
    let sign_in = viewer.guest().get("/sign-in").await.expect(200, &[]);
    assert!(!sign_in.text.contains(SAID), "{}", sign_in.text);

    note(&world, &[check("auto.create.topics.enable", Severity::Isolation, true), warning]).await;
    every_page_says_it(&admin, false).await;
    every_page_says_it(&viewer, false).await;
    // A warning stands where it is about the cluster.
    for path in ["/", "/cluster"] {
        viewer.get(path).await.expect(200, &["About connections.max.reauth.ms."]);
    }
    assert!(!viewer.get("/apps").await.text.contains("connections.max.reauth.ms"));
}
