//! What is shown once is made once: a form that is sent again, as by looking at its answer anew, makes nothing.

use ebm::domain::member::Role;
use sqlx::PgPool;

use super::Console;
use crate::support::{World, report};

async fn count(pool: &PgPool, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(pool).await.unwrap()
}

#[sqlx::test]
async fn a_form_that_is_sent_again_makes_no_second_secret(pool: PgPool) {
    let world = World::new(pool, false).await;
    let path = "/apps/order-portal/environments/acceptance/deployment";
    world.api.put(&world.deploy, path, report("1", "2026-01-01T00:00:00Z")).await.expect(200);
    let console = Console::new(&world.api.manager, "eve@example.com", Role::Admin).await;
    let environment = "/apps/order-portal/environments/acceptance";
    let credentials = format!("{environment}/credentials");
    let tokens = format!("{environment}/tokens");

    for (form, to, hidden, sql) in [
        (
            credentials.as_str(),
            credentials.as_str(),
            "seen",
            "select count(*) from change where act like 'credentials.%'",
        ),
        (tokens.as_str(), tokens.as_str(), "id", "select count(*) from token"),
        ("/profile", "/profile/tokens", "id", "select count(*) from token"),
    ] {
        let body = |value: &str| format!("{hidden}={value}&name=x&expires=never");
        let asked = console.get(form).await.expect(200, &[]).hidden(hidden);
        let before = count(&world.pool, sql).await;
        console.post(to, &body(&asked)).await.expect(200, &["copied"]);
        assert_eq!(count(&world.pool, sql).await, before + 1, "{form}");
        let again = console.post(to, &body(&asked)).await;
        assert!(!again.text.contains("copied"), "{form}: {}", again.words());
        let told = if again.status == 303 { console.get(&again.location).await.words() } else { again.words() };
        assert!(told.contains("made its"), "{form}: {} {told}", again.status);
        assert_eq!(count(&world.pool, sql).await, before + 1, "{form}: once");
        // Begun anew, it makes others.
        let asked = console.get(form).await.expect(200, &[]).hidden(hidden);
        console.post(to, &body(&asked)).await.expect(200, &["copied"]);
        assert_eq!(count(&world.pool, sql).await, before + 2, "{form}");
    }
}
