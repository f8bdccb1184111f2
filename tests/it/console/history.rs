//! What was done is taken back, and done again.

use ebm::domain::member::Role;
use sqlx::PgPool;

use super::Console;
use crate::support::World;

const HISTORY: &str = "/history?kind=app";

#[sqlx::test]
async fn what_took_a_change_back_is_offered_as_doing_that_change_again(pool: PgPool) {
    let world = World::new(pool, false).await;
    let console = Console::new(&world.api.manager, "eve@example.com", Role::Admin).await;
    let newest = async || -> i64 {
        let sql = "select max(number) from change where object_name = 'order-portal' and act like 'app.%'";
        sqlx::query_scalar(sql).fetch_one(&world.pool).await.unwrap()
    };
    console.post("/apps/order-portal/edit", "name=Shop&contacts=contact@example.com").await.expect(303, &[]);
    let renamed = newest().await;
    let revert = |number: i64| format!("/history/{number}/revert");
    let again = format!("Do No. {renamed} again");
    let list = console.get(HISTORY).await.expect(200, &["Take this change back"]);
    assert!(!list.text.contains(&again), "{}", list.words());
    console.get(&revert(renamed)).await.expect(200, &[&format!("Take back No. {renamed}?")]);
    console.post(&revert(renamed), "").await.expect(303, &[]);

    let undo = newest().await;
    let list = console.get(HISTORY).await.expect(200, &[&again]);
    let offered = list.text.split(&revert(undo)).nth(1).unwrap();
    assert!(offered.split("</a>").next().unwrap().contains(&again), "{}", list.words());
    let page = console.get(&revert(undo)).await.expect(200, &[&format!("{again}?"), "Do it again"]);
    assert!(page.words().contains(&format!("No. {undo} took it back")), "{}", page.words());
    console.post(&revert(undo), "").await.expect(303, &[]);
    console.get("/apps/order-portal").await.expect(200, &["Shop"]);
    console.get("/history").await.expect(200, &[&format!("Do No. {undo} again")]);
}
