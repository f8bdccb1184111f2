//! Apps and environments from a file: all of it, or nothing.

use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::World;

const FILE: &str = "
apps:
  - key: crm
    name: Customers
    contacts: [new@example.com, contact@example.com]
    broker: true
    environments:
      - {key: acceptance, name: Acceptance, broker: true}
      - key: production
  - key: order-portal
    name: Order portal
";

async fn import(world: &World, path: &str, file: &str) -> crate::support::Answer {
    world.api.call_with(&world.admin, "POST", path, "application/yaml", file.to_owned()).await
}

#[sqlx::test]
async fn a_file_is_imported_whole_and_repeating_it_changes_nothing(pool: PgPool) {
    let world = World::new(pool, false).await;
    let steps = json!([
        { "kind": "app", "name": "crm", "done": ["registered", "enabled"] },
        { "kind": "environment", "name": "crm.acceptance", "done": ["registered", "enabled"] },
        { "kind": "environment", "name": "crm.production", "done": ["registered"] },
        { "kind": "app", "name": "order-portal", "done": ["changed"] },
    ]);
    let tried = import(&world, "/import?dry_run=true", FILE).await.expect(200);
    assert_eq!((&tried["steps"], &tried["invited"]), (&steps, &json!([{ "email": "new@example.com" }])));
    world.api.get(&world.admin, "/apps/crm").await.refused(404, "not-found");

    let done = import(&world, "/import", FILE).await.expect(200);
    assert_eq!((&done["steps"], &done["unchanged"]), (&steps, &json!(0)));
    assert!(done["invited"][0]["link"].as_str().unwrap().starts_with("https://ebm.example/"));
    let app = world.api.get(&world.admin, "/apps/crm").await.expect(200);
    assert_eq!(app["contacts"], json!(["contact@example.com", "new@example.com"]));
    assert_eq!(app["environments"][0]["space"], "acceptance");
    let contacts = world.api.get(&world.admin, "/apps/order-portal").await.expect(200)["contacts"].clone();
    assert_eq!(contacts, json!(["contact@example.com"]), "what the file leaves out stays");

    let changes = world.api.get(&world.admin, "/changes").await.expect(200);
    let again = import(&world, "/import", FILE).await.expect(200);
    assert_eq!((&again["steps"], &again["unchanged"], &again["invited"]), (&json!([]), &json!(4), &json!([])));
    assert_eq!(world.api.get(&world.admin, "/changes").await.expect(200), changes, "no row in the history");

    let as_json = json!({ "apps": [{ "key": "crm", "broker": false }] });
    let off = world.api.post(&world.admin, "/import", as_json).await.expect(200);
    assert_eq!(off["steps"][0]["done"], json!(["changed", "disabled"]), "the name is the key where there is none");
}

#[sqlx::test]
async fn of_a_file_with_a_mistake_nothing_is_taken(pool: PgPool) {
    let world = World::new(pool, false).await;
    for (file, pointer, said) in [
        ("apps: [{key: crm}, {key: Crm}]", "/apps/1/key", "may only hold"),
        ("apps: [{key: crm}, {key: crm}]", "/apps/1/key", "twice"),
        ("apps:\n- key: crm\n  colour: red", "/apps/0/colour", "line 3"),
        ("apps: [{key: crm, environments: [{key: a}, {key: a}]}]", "/apps/0/environments/1/key", "twice"),
        ("apps: [{key: crm, contacts: [nobody]}]", "/apps/0/contacts/0", ""),
        ("apps: [{key: crm, plan: free}]", "/apps/0/plan", "licensed"),
        ("apps: [{key: crm, broker: maybe}]", "/apps/0/broker", "true or false"),
        ("apps: [{name: crm}]", "/apps/0/key", "missing"),
        ("things: []", "/things", "not known"),
        ("apps: [", "", "line"),
    ] {
        let answer = import(&world, "/import", file).await;
        assert_eq!(answer.refused(422, "invalid"), [pointer], "{file}: {:#}", answer.body);
        assert!(answer.body["errors"][0]["detail"].as_str().unwrap().contains(said), "{file}: {:#}", answer.body);
        world.api.get(&world.admin, "/apps/crm").await.refused(404, "not-found");
    }
    let large = format!("apps: []\n# {}", "x".repeat(1_048_576));
    import(&world, "/import", &large).await.refused(413, "too-large");
    let answer = world.api.call_with(&world.admin, "POST", "/import", "text/plain", "apps: []").await;
    answer.refused(415, "unsupported-media-type");
    assert_eq!(world.api.get(&world.admin, "/apps?q=crm").await.expect(200)["items"], Value::Array(Vec::new()));
}
