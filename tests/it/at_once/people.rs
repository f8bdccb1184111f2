//! Two people at the people: roles, invitations, and keys that are taken.

use ebm::domain::member::Role;
use serde_json::json;
use sqlx::PgPool;

use super::{ROUNDS, Stage, both};
use crate::support::{Api, manager};

#[sqlx::test]
async fn a_role_is_used_before_it_is_lowered_or_not_at_all(pool: PgPool) {
    let stage = Stage::new(&pool).await;
    let (api, admin) = (&stage.world.api, &stage.world.admin);
    for round in 0..ROUNDS {
        let (id, token) = api.member(&format!("a-{round}@example.com"), Role::Admin).await;
        let (path, app) = (format!("/members/{id}"), format!("/apps/used-{round}"));
        let lower = if round % 3 == 0 { json!({ "blocked": true }) } else { json!({ "role": "viewer" }) };
        let (lowered, used) =
            both(round, api.call(admin, "PATCH", &path, lower), api.put(&token, &app, json!({}))).await;
        lowered.expect(204);
        let later = format!(
            "select coalesce(string_agg(concat_ws(' ', used.number, used.act, used.actor, used.at, lowered.number, lowered.at), ', '), '')
             from change used join change lowered on lowered.object_id = '{id}' and lowered.number < used.number
             where lowered.act in ('member.role-changed', 'member.blocked') and used.object_name = 'used-{round}'"
        );
        assert_eq!(stage.text(&later).await, "", "{used:?}");
        let made = stage.number(&format!("select count(*) from app where key = 'used-{round}'")).await;
        match used.status {
            201 => assert_eq!(made, 1),
            403 => assert_eq!(made, 0),
            // Blocked before, or when it was done and the answer not yet read.
            401 => assert!(made <= 1),
            other => panic!("{other}: {:#}", used.body),
        }
    }
    stage.end().await;
}

#[sqlx::test]
async fn two_admins_do_not_both_depose_each_other(pool: PgPool) {
    let api = Api::new(manager(&pool, false).await);
    let (ann, anns) = api.member("ann@example.com", Role::Admin).await;
    let (bob, bobs) = api.member("bob@example.com", Role::Admin).await;
    for round in 0..ROUNDS {
        let (of_ann, of_bob) = (format!("/members/{ann}"), format!("/members/{bob}"));
        let lower = |token, path| api.call(token, "PATCH", path, json!({ "role": "viewer" }));
        // In every other round each gives up the role himself: the last one cannot.
        let (a, b) = if round % 2 == 0 {
            both(round, lower(&anns, &of_bob), lower(&bobs, &of_ann)).await
        } else {
            both(round, lower(&anns, &of_ann), lower(&bobs, &of_bob)).await
        };
        let mut statuses = [a.status, b.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [204, if round % 2 == 0 { 403 } else { 409 }], "{:#} {:#}", a.body, b.body);
        let left: String =
            sqlx::query_scalar("select email from member where role = 'admin'").fetch_one(&pool).await.unwrap();
        let (token, other) = if left.starts_with("ann") { (&anns, &of_bob) } else { (&bobs, &of_ann) };
        api.call(token, "PATCH", other, json!({ "role": "admin" })).await.expect(204);
    }
}

#[sqlx::test]
async fn an_address_is_one_member_however_many_bring_it(pool: PgPool) {
    let stage = Stage::new(&pool).await;
    let (api, admin) = (&stage.world.api, &stage.world.admin);
    for round in 0..ROUNDS {
        let email = format!("new-{round}@example.com");
        let contacts = json!({ "contacts": [&email] });
        let (one, other) = (format!("/apps/one-{round}"), format!("/apps/other-{round}"));
        let apps = both(round, api.put(admin, &one, contacts.clone()), api.put(admin, &other, contacts.clone()));
        let invite = json!({ "email": &email, "role": "viewer" });
        let (invited, (a, b)) = both(round, api.post(admin, "/members", invite), Box::pin(apps)).await;
        assert!([201, 409].contains(&invited.status), "{:#}", invited.body);
        let links = [a.expect(201), b.expect(201)].iter().filter(|app| app["invited"] != json!([])).count();
        assert_eq!(links + usize::from(invited.status == 201), 1, "one of them has the link");
        let contact =
            format!("select count(*) from app_contact c join member m on m.id = c.member_id where m.email = '{email}'");
        assert_eq!(stage.number(&contact).await, 2);
    }
    stage.end().await;
}

#[sqlx::test]
async fn a_key_is_taken_by_one_of_two_who_register_it(pool: PgPool) {
    let stage = Stage::new(&pool).await;
    for round in 0..ROUNDS {
        for (path, key, table) in [
            ("/apps/new", format!("app-{round}"), "app"),
            ("/apps/stock/environments/new", format!("env-{round}"), "environment"),
        ] {
            let form = |name: &str| format!("key={key}&name={name}");
            let (ann, bob) = (form("Ann"), form("Bob"));
            let (a, b) = both(round, stage.eve.post(path, &ann), stage.eve.post(path, &bob)).await;
            let (name, other, lost) = if a.status == 303 { ("Ann", "Bob", b) } else { ("Bob", "Ann", a) };
            lost.expect(409, &["with this key", &format!("value=\"{other}\"")]);
            assert_eq!(stage.text(&format!("select name from {table} where key = '{key}'")).await, name);
        }
    }
    stage.end().await;
}
