//! How people find the apps they are technical contacts of.

use ebm::domain::member::Role;
use serde_json::json;
use sqlx::PgPool;

use super::Console;
use crate::support::World;

const ORDERS: &str = r#"href="/apps/order-portal""#;
const STOCK: &str = r#"href="/apps/stock""#;
const MINE: &str = r#"href="/apps?mine=1""#;

#[sqlx::test]
async fn contacts_find_their_apps(pool: PgPool) {
    let world = World::new(pool, false).await;
    let console = Console::new(&world.api.manager, "eve@example.com", Role::Viewer).await;
    // Who is nobody's contact is offered nothing, and told so where he asks.
    let all = console.get("/apps").await.expect(200, &[ORDERS, STOCK]);
    assert!(!all.text.contains(MINE), "{}", all.words());
    console.get("/apps?mine=1").await.expect(200, &["You are no technical contact of any app", "Show all apps"]);
    console.get("/profile").await.expect(200, &["Your apps", "None. An admin makes you"]);

    let contacts = json!({ "contacts": ["contact@example.com", "eve@example.com"] });
    world.api.put(&world.admin, "/apps/order-portal", contacts).await.expect(200);
    let all = console.get("/apps").await.expect(200, &[ORDERS, STOCK, MINE]);
    assert!(all.text.find(MINE) < all.text.find("All apps"), "{}", all.words());
    let mine = console.get("/apps?mine=1").await.expect(200, &[ORDERS, r#"name="mine" value="1""#]);
    assert!(!mine.text.contains(STOCK), "{}", mine.words());
    // It stays so while it is narrowed further, and nothing of it fits.
    console.get("/apps?mine=1&q=stock").await.expect(200, &["No app fits"]);
    let profile = console.get("/profile").await.expect(200, &["Your apps", ORDERS]);
    assert!(!profile.text.contains(STOCK), "{}", profile.words());
    console.get("/apps?mine=yes").await.expect(422, &["mine must be 1, or be left out"]);
}

#[sqlx::test]
async fn each_wrong_address_is_named_once_and_leads_to_its_field(pool: PgPool) {
    let world = World::new(pool, false).await;
    let console = Console::new(&world.api.manager, "eve@example.com", Role::Admin).await;
    let contacts = "Ann+Lee+at+example,+zoe%40example.com+yan%40example.com%0Anobody%0Anobody";
    let page = console.post("/apps/new", &format!("key=crm&name=CRM&contacts={contacts}")).await;
    let said = ["“Ann Lee at example” is not an e-mail address.", "“nobody” is not an e-mail address."];
    let page = page.expect(422, &[said[0], said[1], r#"id="f-contacts""#]);
    // In the summary one link each, and all of them once more at the field.
    for (link, links) in [(r##"href="#f-contacts""##, 2), (r##"href="#f-"##, 2), (said[0], 2), (said[1], 2)] {
        assert_eq!(page.text.matches(link).count(), links, "{link}: {}", page.words());
    }
    assert!(page.text.contains("zoe@example.com yan@example.com"), "what was typed stays: {}", page.words());
}
