//! Changing the event of a dead letter: on its page and through the API, and putting it back.

use ebm::domain::dead_letter::Kept;
use serde_json::json;
use sqlx::PgPool;

use super::bridges::{run, stage};
use crate::support::{World, letter};

const BRIDGE: &str = "00000000-0000-0000-0000-000000000001";

async fn insert(world: &World) -> String {
    let number = letter::insert(&world.pool, BRIDGE.parse().unwrap(), "q/m", &letter::without_id()).await;
    format!("/bridges/{BRIDGE}/dead-letters/{number}")
}

#[sqlx::test]
async fn an_event_is_changed_on_its_page_and_put_back_as_it_came(pool: PgPool) {
    let (world, console) = stage(pool).await;
    let letter = insert(&world).await;
    let edit = format!("{letter}/edit");
    let page = console.get(&edit).await.expect(200, &["ce_source: /shop", "name=\"revision\" value=\"1\""]);
    assert!(!page.text.contains("two"), "a line cannot hold it");

    // It is still none: what was typed stays.
    let typed = "revision=1&key=g&pairs=ce_type%3A+typed%0D%0Ace_source%3A+%2Fshop&body=%7B%0D%0A%7D";
    console.post(&edit, typed).await.expect(422, &["ce_type: typed", "cannot be delivered like this", "specversion"]);

    let typed = "revision=1&key=g&pairs=ce_type%3A+OrderPlaced%0D%0Ace_source%3A+%2Fshop%0D%0Ace_specversion%3A+1.0%0D%0A\
                 ce_id%3A+7&body=%7B%0D%0A%7D";
    console.post(&edit, typed).await.expect(303, &[]);
    let page = console.get(&letter).await.expect(200, &["The event was changed since it came.", "ce_id"]);
    assert!(
        page.words().contains("two lines") && page.words().contains("The event as it was changed"),
        "{}",
        page.words()
    );

    console.post(&edit, typed).await.expect(409, &["was changed or sent meanwhile", "ce_id: 7"]);

    console.post(&format!("{letter}/restore"), "").await.expect(303, &[]);
    let page = console.get(&letter).await.expect(200, &["The event as it came"]);
    assert!(!page.text.contains("ce_id"), "{}", page.words());
    console.post(&format!("{letter}/restore"), "").await.expect(303, &[]);
    console.get(&letter).await.expect(200, &["The event is as it came"]);

    run(&world, "update dead_letter set redrive_at = now()").await;
    let typed = typed.replace("revision=1", "revision=3");
    console.post(&edit, &typed).await.expect(409, &["is being sent", "ce_id: 7"]);
    let history = console.get("/history").await.expect(200, &[]).words();
    assert!(!history.contains("/shop"), "what an event holds is not in the history: {history}");
}

#[sqlx::test]
async fn an_event_is_changed_through_the_api_as_it_was_read(pool: PgPool) {
    let (world, _) = stage(pool).await;
    let (api, admin) = (&world.api, &world.admin);
    let letter = insert(&world).await;
    let read = api.get(admin, &letter).await.expect(200);
    let mut content = read["content"].clone();
    api.put(admin, &letter, json!({ "content": content })).await.refused(422, "invalid");
    content["attributes"].as_array_mut().unwrap().push(json!(["ce_id", "1"]));
    let mut elsewhere = content.clone();
    elsewhere["queue"] = json!("other");
    let refused = api.put(admin, &letter, json!({ "content": elsewhere })).await;
    assert!(refused.body.to_string().contains("must stay of the place it came from"), "{}", refused.body);
    let mut unknown = content.clone();
    unknown["subject"] = json!("x");
    let refused = api.put(admin, &letter, json!({ "content": unknown })).await;
    assert!(refused.body.to_string().contains("content/subject"), "{}", refused.body);

    api.put(admin, &letter, json!({ "revision": 1, "content": content })).await.expect(204);
    api.put(admin, &letter, json!({ "revision": 1, "content": content })).await.refused(409, "stale");
    let read = api.get(admin, &letter).await.expect(200);
    assert_eq!((&read["content"], &read["revision"]), (&content, &json!(2)));
    assert!(read["edited_at"].is_string());

    api.post(admin, &format!("{letter}/restore"), json!(null)).await.expect(204);
    let read = api.get(admin, &letter).await.expect(200);
    assert_eq!(serde_json::from_value::<Kept>(read["content"].clone()).unwrap(), letter::without_id());
    assert_eq!((&read["edited_at"], &read["revision"]), (&json!(null), &json!(3)));
}
