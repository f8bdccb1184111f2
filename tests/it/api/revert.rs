//! Taking changes of the history back.

use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::{World, report};

const DEPLOYMENT: &str = "/apps/order-portal/environments/acceptance/deployment";
const APP: &str = "/apps/order-portal";

impl World {
    /// Number of the newest change by this act, of another app than stock.
    async fn newest(&self, act: &str) -> i64 {
        sqlx::query_scalar("select max(number) from change where act = $1 and object_name not like 'stock%'")
            .bind(act)
            .fetch_one(&self.pool)
            .await
            .unwrap()
    }

    async fn changes(&self) -> i64 {
        sqlx::query_scalar("select count(*) from change").fetch_one(&self.pool).await.unwrap()
    }

    /// Takes the newest change by this act back; first as a dry run, which changes nothing.
    async fn take_back(&self, token: &str, act: &str) -> Value {
        let path = format!("/changes/{}/revert", self.newest(act).await);
        let before = self.changes().await;
        let rehearsed = self.api.post(token, &format!("{path}?dry_run=true"), Value::Null).await.expect(200);
        assert_eq!(self.changes().await, before, "{act}");
        let mut done = self.api.post(token, &path, Value::Null).await.expect(200);
        assert_eq!(self.changes().await, before + 1, "{act}");
        assert_eq!((&rehearsed["now"], &rehearsed["then"]), (&done["now"], &done["then"]));
        done["then"].take()
    }
}

#[sqlx::test]
async fn names_contacts_and_switches_go_back(pool: PgPool) {
    let world = World::new(pool, false).await;
    let (api, admin, contact) = (&world.api, &world.admin, &world.contact);
    let before = api.get(admin, APP).await.expect(200);
    let changed = json!({ "name": "Shop", "contacts": ["zoe@example.com"] });
    api.put(admin, APP, changed).await.expect(200);
    world.take_back(admin, "app.changed").await;
    let after = api.get(admin, APP).await.expect(200);
    assert_eq!([&after["name"], &after["contacts"]], [&before["name"], &before["contacts"]]);

    let environment = format!("{APP}/environments/acceptance");
    api.put(admin, &environment, json!({ "name": "Last stop" })).await.expect(200);
    world.take_back(admin, "environment.renamed").await;
    assert_eq!(world.take_back(contact, "environment.enabled").await, json!({ "enabled": false }));
    assert_eq!(world.take_back(contact, "environment.disabled").await, json!({ "enabled": true }));
    assert_eq!(world.take_back(contact, "app.enabled").await, json!({ "enabled": false }));
    assert_eq!(world.take_back(contact, "app.disabled").await, json!({ "enabled": true }));
    let after = api.get(admin, APP).await.expect(200)["environments"][0].take();
    for part in ["name", "enabled", "broker_enabled", "space"] {
        assert_eq!(after[part], before["environments"][0][part], "{part}");
    }
}

#[sqlx::test]
async fn access_and_roles_go_back(pool: PgPool) {
    let world = World::new(pool, false).await;
    let (api, admin) = (&world.api, &world.admin);
    api.put(&world.contact, DEPLOYMENT, report("1", "2026-01-01T00:00:00Z")).await.expect(200);
    let shown = async || api.get(admin, "/findings").await.expect(200);
    let before = shown().await;
    let grant = json!({
        "app": "order-portal", "env": "acceptance", "service": "orders", "event": "OrderPlaced", "access": ["subscribe"]
    });
    let difference = api.put(admin, "/spaces/acceptance/grants", grant).await.expect(200);
    assert_ne!(shown().await, before, "{difference}");
    world.take_back(admin, "environment.access-changed").await;
    assert_eq!(shown().await, before);

    let viewer = format!("/members/{}", world.viewer_id);
    for (change, act) in
        [(json!({ "role": "admin" }), "member.role-changed"), (json!({ "blocked": true }), "member.blocked")]
    {
        api.call(admin, "PATCH", &viewer, change).await.expect(204);
        assert_eq!(world.take_back(admin, act).await, json!({ "role": "viewer", "blocked": false }));
    }
}

#[sqlx::test]
async fn what_was_done_since_is_never_put_back_over(pool: PgPool) {
    let world = World::new(pool, false).await;
    let (api, admin) = (&world.api, &world.admin);
    let first = world.newest("environment.enabled").await;
    let path = |number: i64| format!("/changes/{number}/revert");
    api.put(&world.contact, &format!("{APP}/environments/acceptance/broker"), json!({ "enabled": false }))
        .await
        .expect(200);
    let answer = api.post(admin, &path(first), Value::Null).await;
    answer.refused(409, "overtaken");
    // Another thing of the same object is none of it.
    api.put(admin, &format!("{APP}/environments/acceptance"), json!({ "name": "Other" })).await.expect(200);
    world.take_back(admin, "environment.disabled").await;

    for act in ["app.registered", "token.created", "member.invited"] {
        let number = world.newest(act).await;
        api.post(admin, &path(number), Value::Null).await.refused(409, "not-revertible");
    }
    api.post(admin, &path(i64::MAX), Value::Null).await.refused(404, "not-found");
    api.post(admin, "/changes/x/revert", Value::Null).await.refused(404, "not-found");
}

#[sqlx::test]
async fn taking_back_needs_the_rights_of_the_change(pool: PgPool) {
    let world = World::new(pool, false).await;
    let number = world.newest("app.enabled").await;
    for path in [format!("/changes/{number}/revert"), format!("/changes/{number}/revert?dry_run=true")] {
        for token in [&world.viewer, &world.other, &world.deploy] {
            world.api.post(token, &path, Value::Null).await.refused(403, "forbidden");
        }
    }
    world.take_back(&world.contact, "app.enabled").await;
}

#[sqlx::test]
async fn of_many_who_take_the_same_back_at_once_one_does(pool: PgPool) {
    let world = World::new(pool, false).await;
    let path = format!("/changes/{}/revert", world.newest("app.enabled").await);
    let before = world.changes().await;
    let all = (0..10).map(|_| world.api.post(&world.admin, &path, Value::Null));
    let answers = futures::future::join_all(all).await;
    assert_eq!(world.changes().await, before + 1);
    let mut done = 0;
    for answer in answers {
        if answer.status == 200 {
            done += 1;
        } else {
            answer.refused(409, "overtaken");
        }
    }
    assert_eq!(done, 1);
}
