//! Uploading a service step by step, its page, and taking it away.

use ebm::domain::member::Role;
use sqlx::PgPool;

use super::Console;
use crate::support::{WEATHER, World};

const UPLOAD: &str = "/services/upload";
const SPACES: &str = "/services/upload/spaces";
/// No file was chosen.
const NO_FILE: (&str, &[u8]) = ("", b"");

#[sqlx::test]
async fn a_service_is_uploaded_in_steps_and_taken_away(pool: PgPool) {
    let world = World::new(pool, false).await;
    let console = Console::new(&world.api.manager, "eve@example.com", Role::Admin).await;
    console.get("/services").await.expect(200, &[r#"href="/services/upload""#]);
    console.get(UPLOAD).await.expect(200, &[r#"enctype="multipart/form-data""#, r#"type="file""#]);

    let read = console.bring(UPLOAD, ("w.yaml", WEATHER.as_bytes()), &[]).await;
    let read = read.expect(200, &["StormWarned", "Others may subscribe", "readings", "Nothing is stored yet"]);
    assert!(!console.get("/services").await.text.contains("weather"));
    let document = read.hidden("document");

    let step = console.bring(SPACES, NO_FILE, &[("document", &document)]).await;
    let step = step.expect(200, &[r#"value="acceptance""#, r#"value="production""#]);
    let document = step.hidden("document");
    let none = console.bring(SPACES, NO_FILE, &[("document", &document), ("create", "1")]).await;
    none.expect(422, &["Choose at least one Space."]);
    let chosen = [("document", document.as_str()), ("create", "1"), ("spaces", "acceptance"), ("spaces", "nowhere")];
    let wrong = console.bring(SPACES, NO_FILE, &chosen).await;
    assert_eq!(wrong.expect(422, &["must be one of the Spaces there are"]).hidden("document"), document);
    let done = console.bring(SPACES, NO_FILE, &chosen[..3]).await.expect(303, &[]);
    assert_eq!(done.location, "/services/weather");
    console.get(&done.location).await.expect(200, &["is uploaded for acceptance", "eve@", "WindMeasured"]);
    let kept: Vec<u8> =
        sqlx::query_scalar("select document from contract_document").fetch_one(&world.pool).await.unwrap();
    assert_eq!(kept, WEATHER.as_bytes());

    let file = console.get("/services/weather/asyncapi?format=yaml").await.expect(200, &["x-ebm-service"]);
    assert_eq!(file.disposition, "attachment; filename=\"weather.yaml\"");
    console.get("/services/nothing").await.expect(404, &[]);
    let path = "/services/weather/spaces/acceptance/delete";
    console.get(path).await.expect(200, &["Type weather to confirm"]);
    console.post(path, "typed=Weather").await.expect(422, &["Type the key exactly"]);
    assert_eq!(console.post(path, "typed=weather").await.expect(303, &[]).location, "/services");
    console.get("/services/weather").await.expect(404, &[]);
}

#[sqlx::test]
async fn a_bad_document_stays_in_the_form_to_be_mended(pool: PgPool) {
    let world = World::new(pool, false).await;
    let console = Console::new(&world.api.manager, "eve@example.com", Role::Admin).await;
    let bad = WEATHER.replace("{type: string}", "{type: 7}");
    let page = console.bring(UPLOAD, ("w.yaml", bad.as_bytes()), &[]).await;
    page.expect(422, &["/channels/warnings/subscribe", "name=\"text\"", "{type: 7}"]);
    console.bring(UPLOAD, ("w.yaml", WEATHER.replace("2.6.0", "3.0.0").as_bytes()), &[]).await.expect(422, &["3.0.0"]);
    console.bring(UPLOAD, NO_FILE, &[]).await.expect(422, &["Choose the file."]);
    console.bring(UPLOAD, ("w.exe", WEATHER.as_bytes()), &[]).await.expect(422, &["must end with .yml"]);
    console.bring(UPLOAD, ("w.yml", b"\xff\xfe"), &[]).await.expect(422, &["UTF-8", "Choose another file."]);
    for megabytes in [2, 5] {
        let large = vec![b'#'; megabytes << 20];
        console.bring(UPLOAD, ("w.yml", &large), &[]).await.expect(422, &["1048576"]);
    }
    console.bring(SPACES, NO_FILE, &[("document", "?")]).await.expect(422, &["Choose it again."]);

    // Mended in the form: browsers end its lines by two characters, and the document is what it was.
    let text = WEATHER.replace('\n', "\r\n");
    let page = console.bring(UPLOAD, NO_FILE, &[("text", &text)]).await.expect(200, &["Choose Spaces"]);
    let form = [("document", page.hidden("document")), ("create", "1".into()), ("spaces", "acceptance".into())];
    let form: Vec<_> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
    console.bring(SPACES, NO_FILE, &form).await.expect(303, &[]);
    let kept: Vec<u8> =
        sqlx::query_scalar("select document from contract_document").fetch_one(&world.pool).await.unwrap();
    assert_eq!(kept, WEATHER.as_bytes());
}

#[sqlx::test]
async fn who_is_nobodys_contact_is_told_who_may(pool: PgPool) {
    let world = World::new(pool, false).await;
    let console = Console::new(&world.api.manager, "vic@example.com", Role::Viewer).await;
    console.get("/services").await.expect(200, &["Only a technical contact of an app or an admin"]);
    console.get(UPLOAD).await.expect(403, &[]);
    let form = [("create", "1"), ("spaces", "acceptance")];
    for path in [UPLOAD, SPACES] {
        console.bring(path, ("w.yaml", WEATHER.as_bytes()), &form).await.expect(403, &[]);
    }
    world.api.upload(&world.contact, "", "w.yaml", WEATHER.as_bytes(), &["acceptance"]).await.expect(201);
    console.get("/services/weather").await.expect(200, &["Only who uploaded it for this Space"]);
    console.post("/services/weather/spaces/acceptance/delete", "typed=weather").await.expect(403, &[]);
    console.get("/services/weather/asyncapi").await.expect(200, &["asyncapi"]);
}
