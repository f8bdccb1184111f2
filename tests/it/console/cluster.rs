//! What was found in Kafka leads to the pages of what it is about.

use ebm::{domain::member::Role, store::passes};
use serde_json::json;
use sqlx::PgPool;

use super::Console;
use crate::support::{World, report};

#[sqlx::test]
async fn findings_lead_to_what_they_name(pool: PgPool) {
    let world = World::new(pool, false).await;
    let path = "/apps/order-portal/environments/acceptance/deployment";
    world.api.put(&world.deploy, path, report("1", "2026-01-01T00:00:00Z")).await.expect(200);
    let channel: String = sqlx::query_scalar("select id::text from channel").fetch_one(&world.pool).await.unwrap();
    let other = "00000000-0000-0000-0000-00000000000f";
    let findings = json!([
        { "kind": "More partitions than wanted", "text": format!("businessevents.{channel}.acceptance: 12"), "subject": "a" },
        { "kind": "A topic named like a channel's", "text": format!("businessevents.{other}.acceptance"), "subject": "b" },
        { "kind": "Stopped", "text": "1 users, 1 rules", "subject": "c", "lines": [
            "user order-portal.acceptance",
            "ALLOW User:mallory.acceptance from * READ on GROUP PREFIXED mallory.acceptance.",
        ] },
    ]);
    passes::note(&world.pool, &json!({ "findings": findings }), &[], None).await.unwrap();
    let console = Console::new(&world.api.manager, "eve@example.com", Role::Viewer).await;
    let page = console.get("/cluster").await.expect(200, &["Channel of orders", "Environment order-portal.acceptance"]);
    for href in [format!("/channels/{channel}"), "/apps/order-portal/environments/acceptance".to_owned()] {
        assert_eq!(page.text.matches(&format!(r#"href="{href}""#)).count(), 1, "{href}: {}", page.words());
        console.get(&href).await.expect(200, &[]);
    }
    // What is not there is named, and leads nowhere.
    assert!(page.text.contains(other) && page.text.contains("mallory.acceptance"), "{}", page.words());
    for href in [format!("/channels/{other}"), "/apps/mallory".to_owned()] {
        assert!(!page.text.contains(&format!(r#"href="{href}"#)), "{href}: {}", page.words());
    }
}
