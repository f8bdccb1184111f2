//! Bad input in forms: a clear answer, never a fault, and nothing half-written.

use ebm::domain::member::Role;
use sqlx::PgPool;

use super::Console;
use crate::support::{World, report};

const FORM: &str = "application/x-www-form-urlencoded";
const ACCESS: &str = "/access/order-portal/acceptance";
const MOVE: &str = "/apps/order-portal/environments/acceptance/space";
const LETTERS: &str = "/bridges/00000000-0000-0000-0000-000000000001/dead-letters";

/// A running bridge with three dead letters, and another with one: number 4.
const BRIDGES: &str = "
    insert into bridge (id, name, space_id, kind, region, desired, status, external_id)
    select ('00000000-0000-0000-0000-00000000000' || n)::uuid, 'b' || n, p.id, 'sqs', 'eu-central-1', 'running', 'running', 'x'
    from generate_series(1, 2) n join space p on p.name = 'acceptance';
    insert into dead_letter (bridge_id, reason, source, event)
    select b.id, 'oversize', 's' || n, 'x' from bridge b, generate_series(1, 3) n where b.name = 'b1' or n = 1 order by b.id, n;
";

/// Rows of all that the forms here could write.
async fn rows(pool: &PgPool) -> Vec<i64> {
    sqlx::query_scalar(
        "select count(*) from app union all select count(*) from environment union all select count(*) from service
         union all select count(*) from access_grant union all select count(*) from dead_letter where redrive_at is null
         union all select count(*) from change union all select count(*) from member union all select count(*) from space",
    )
    .fetch_all(pool)
    .await
    .unwrap()
}

async fn stage(pool: PgPool) -> (World, Console) {
    let world = World::new(pool, false).await;
    let path = "/apps/order-portal/environments/acceptance/deployment";
    world.api.put(&world.deploy, path, report("1", "2026-01-01T00:00:00Z")).await.expect(200);
    sqlx::raw_sql(BRIDGES).execute(&world.pool).await.unwrap();
    let console = Console::new(&world.api.manager, "eve@example.com", Role::Admin).await;
    (world, console)
}

/// Where a form goes, what it holds, and the status and the words of the answer.
type Bad<'a> = (&'a str, &'a str, u16, &'a str);

#[sqlx::test]
async fn a_form_with_bad_fields_is_answered_and_changes_nothing(pool: PgPool) {
    let (world, console) = stage(pool).await;
    let many = (0..2001).map(|n| format!("&row=a/{n}&publish=a/{n}")).collect::<Vec<_>>().concat();
    let long = format!("to={}", "x".repeat(100_000));
    let cases: &[Bad] = &[
        // Access: an event that is none, names that cannot be, too many, an old or no version.
        (ACCESS, "apply=1&row=orders/Nothing&publish=orders/Nothing", 422, "Names an event that orders does not have"),
        (ACCESS, "apply=1&row=orders%2F%00&publish=orders%2F%00", 422, "Names an event that orders does not have"),
        (ACCESS, "apply=1&row=%FF%FE/x&publish=%FF%FE/x", 422, "Names an event that"),
        (ACCESS, &format!("apply=1{many}"), 422, "May be at most 2000"),
        (ACCESS, "apply=1&row=orders/OrderPlaced", 409, "This was changed meanwhile"),
        (ACCESS, "apply=1&version=1&version=2&row=orders/OrderPlaced", 409, "This was changed meanwhile"),
        ("/access/order-portal/nowhere", "apply=1", 404, "does not exist"),
        ("/access/order-portal/%00", "apply=1", 404, "does not exist"),
        // Moving.
        (MOVE, "", 422, "must be one of the Spaces there are"),
        (MOVE, "to=nowhere&plan_version=1", 422, "must be one of the Spaces there are"),
        (MOVE, "to=%00&plan_version=1", 422, "must be one of the Spaces there are"),
        (MOVE, "to=production", 409, "What this move rests on has changed"),
        (MOVE, "to=production&plan_version=%00", 409, "What this move rests on has changed"),
        (MOVE, &long, 422, "must be one of the Spaces there are"),
        ("/apps/stock/environments/acceptance/space", "to=production&plan_version=1", 404, "does not exist"),
        // Dead letters: none, another number than there are, another bridge's.
        (&format!("{LETTERS}/purge"), "", 422, "must be the number of dead letters that go"),
        (
            &format!("{LETTERS}/purge"),
            "up_to=9&count=99999999999999999999",
            422,
            "must be the number of dead letters that go: 3",
        ),
        (&format!("{LETTERS}/purge"), "up_to=-1&count=-1", 422, "must be the number"),
        (&format!("{LETTERS}/purge"), "up_to=2&count=3", 422, "must be the number of dead letters that go: 2"),
        (&format!("{LETTERS}/4/redrive"), "", 404, "dead letter does not exist"),
        (&format!("{LETTERS}/99999999999999999999/redrive"), "", 404, "dead letter does not exist"),
        (&format!("{LETTERS}/%00/redrive"), "", 404, "dead letter does not exist"),
        ("/bridges/none/dead-letters/redrive", "", 404, "bridge does not exist"),
        ("/bridges/00000000-0000-0000-0000-00000000000f/dead-letters/purge", "", 404, "bridge does not exist"),
        // The history.
        ("/history/0/revert", "", 404, "does not exist"),
        ("/history/99999999999999999999/revert", "", 404, "does not exist"),
        ("/history/1/revert", "", 409, "This cannot be taken back"),
        // People and keys.
        ("/people", "email=a%00b@example.com&role=viewer", 422, "E-mail"),
        ("/people", "role=viewer", 422, "E-mail"),
        ("/people", "email=new@example.com&role=root&name=%0A", 422, "Role must be admin or viewer"),
        ("/people/none", "version=1", 404, "member does not exist"),
        ("/apps/new", "name=x", 422, "Key"),
        ("/apps/new", "key=new&name=%00", 422, "Name"),
        ("/apps/new", "key=new&name=New&contacts=nobody", 422, "is not an e-mail address"),
        ("/apps/order-portal/environments/new", "key=a.b", 422, "Key"),
        ("/apps/nothing/environments/new", "key=a&name=A", 404, "app does not exist"),
        ("/new-space", "name=a%00b", 422, "Name"),
        ("/tokens/none/revoke", "", 404, "token does not exist"),
        ("/profile/tokens", "name=%00&expires=30", 422, "Name must have at most 100 printable characters"),
        ("/profile/tokens", "expires=31", 422, "Expires must be one of those offered"),
    ];
    let before = rows(&world.pool).await;
    for (path, form, status, says) in cases {
        let page = console.post(path, form).await;
        let short: String = form.chars().take(60).collect();
        assert_eq!(page.status, *status, "{path} {short}: {}", page.words());
        assert!(page.text.contains(says), "{path} {short}: no {says} in {}", page.words());
        assert_eq!(rows(&world.pool).await, before, "{path} {short}");
    }
}

#[sqlx::test]
async fn what_is_no_form_is_refused_as_such(pool: PgPool) {
    let (world, console) = stage(pool).await;
    let before = rows(&world.pool).await;
    for path in [ACCESS, MOVE, &format!("{LETTERS}/purge"), "/people", "/apps/new"] {
        for kind in ["application/json", "text/plain", ""] {
            assert_eq!(console.page("POST", path, kind, b"{}".to_vec()).await.status, 415, "{path} {kind}");
        }
        let large = vec![b'a'; 300 * 1024];
        assert_eq!(console.page("POST", path, FORM, large).await.status, 413, "{path}");
    }
    for path in ["/import", "/import/do", "/services/upload", "/services/upload/spaces"] {
        for (kind, body) in [
            (FORM, "file=x"),
            ("application/json", "{}"),
            ("", ""),
            ("multipart/form-data", "x"),
            ("multipart/form-data; boundary=b", "x"),
            ("multipart/form-data; boundary=b", "--b\r\ncontent-disposition: form-data; name=\"file\"\r\n\r\nx"),
        ] {
            let status = console.page("POST", path, kind, body.into()).await.status;
            assert!((400..=422).contains(&status), "{path} {kind}: {status}");
        }
        // No document at all, and one that is lost on its way.
        console.bring(path, ("", b""), &[]).await.expect(422, &["Choose the file."]);
        console.bring(path, ("", b""), &[("document", "%00")]).await.expect(422, &["Choose it again."]);
        console.bring(path, ("a.yaml", b"\xff\xfe\0"), &[]).await.expect(422, &["UTF-8"]);
        console.bring(path, ("a.yaml", b"a: \0"), &[]).await.expect(422, &[]);
        console.bring(path, ("a.yaml\0", b"apps: []"), &[]).await.expect(400, &[]);
    }
    for path in ["/%FF/x", "/access/%FF/x", "/apps/%FF/edit", "/spaces/%FF/delete", "/services/%FF/spaces/a/delete"] {
        let status = console.post(path, "typed=x").await.status;
        assert!((400..=404).contains(&status), "{path}: {status}");
    }
    assert_eq!(rows(&world.pool).await, before);
}

#[sqlx::test]
async fn a_file_with_bad_fields_is_not_imported(pool: PgPool) {
    let (world, console) = stage(pool).await;
    let before = rows(&world.pool).await;
    let many = (0..1001).map(|n| format!("- {{key: a{n}}}\n")).collect::<Vec<_>>().concat();
    for (file, says) in [
        ("apps: [{key: crm, broker: true, environments: [{key: 'a.b'}]}]".to_owned(), "apps/0/environments/0/key"),
        ("apps: [{key: crm, key: crm}]".to_owned(), "crm"),
        (format!("apps: [{{key: crm, name: {}}}]", "x".repeat(65)), "apps/0/name"),
        ("apps: [{key: crm, name: \"a\\0b\"}]".to_owned(), "apps/0/name"),
        (format!("apps:\n{many}"), "at most 1000"),
        ("apps: [{key: 7}]".to_owned(), "apps/0/key"),
        ("apps: {key: crm}".to_owned(), "apps"),
        ("[]".to_owned(), "The file"),
    ] {
        for path in ["/import", "/import/do"] {
            console.bring(path, ("a.yaml", file.as_bytes()), &[]).await.expect(422, &[says]);
        }
    }
    assert_eq!(rows(&world.pool).await, before);
}

#[sqlx::test]
async fn the_way_of_an_event_is_explained_for_what_is_there(pool: PgPool) {
    let (_, console) = stage(pool).await;
    let path = "/apps/order-portal/environments/acceptance/events";
    console.get(&format!("{path}/orders/OrderPlaced?x=1&x=2")).await.expect(200, &[]);
    for bad in ["orders/Nothing", "nothing/OrderPlaced", "orders/%00", "%00/OrderPlaced", "orders/%3Cscript%3E"] {
        console.get(&format!("{path}/{bad}")).await.expect(404, &["does not exist"]);
    }
    console.get(&format!("{path}/orders/{}", "x".repeat(5000))).await.expect(404, &["does not exist"]);
    assert_eq!(console.get(&format!("{path}/orders/%FF")).await.status, 400);
    console.get("/apps/order-portal/environments/nowhere/events/orders/OrderPlaced").await.expect(404, &[]);
}
