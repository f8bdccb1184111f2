//! The wizard of a bridge, left at each of its steps and come back to: a draft owns nothing in Kafka, and in AWS its role
//! alone, which goes with it.

use std::time::Duration;

use aws_sdk_iam::config::{BehaviorVersion, Credentials, Region};
use ebm::{
    aws::Aws,
    domain::{bridge::role_name, ids::BridgeId, member::Role},
    store::desired,
};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use super::Console;
use crate::{
    aws::settings,
    reconcile::within,
    support::{World, kafka::variable, manager_with, report},
};

const DETAILS: &str = "/bridges/new/details";
const FIRST: &str = "kind=sqs&space=acceptance&name=to-erp&region=eu-central-1";

/// Looks at roles past the product.
fn iam() -> aws_sdk_iam::Client {
    let (id, secret) = (variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY"));
    let config = aws_sdk_iam::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(variable("EBM_AWS__REGION")))
        .endpoint_url(variable("AWS_ENDPOINT_URL_IAM"))
        .credentials_provider(Credentials::new(id, secret, None, None, "test"));
    aws_sdk_iam::Client::from_conf(config.build())
}

#[sqlx::test]
async fn a_wizard_that_is_left_at_any_step_can_be_gone_on_with_and_owns_nothing_but_its_role(pool: PgPool) {
    let manager = manager_with(&pool, Some(Aws::new(settings()).await));
    let world = World::of(manager.clone(), pool.clone()).await;
    let path = "/apps/order-portal/environments/acceptance/deployment";
    world.api.put(&world.deploy, path, report("1", "2026-01-01T00:00:00Z")).await.expect(200);
    let before = desired::load(&pool).await.unwrap();
    let console = Console::new(&manager, "ada@example.com", Role::Admin).await;
    let other = Console::new(&manager, "ben@example.com", Role::Viewer).await;
    let drafts = async || sqlx::query_scalar::<_, i64>("select count(*) from bridge").fetch_one(&pool).await.unwrap();

    // The first step keeps nothing; nor does the second, as long as something in it is wrong.
    console.get("/bridges/new").await.expect(200, &[]);
    console.post(DETAILS, "kind=sqs&space=acceptance&name=&region=eu-central-1").await.expect(422, &[]);
    assert_eq!(drafts().await, 0);

    // Back and forth again is the same draft, in the same tab or in another one.
    let made = console.post(DETAILS, FIRST).await.expect(303, &[]).location;
    assert_eq!(console.post(DETAILS, FIRST).await.expect(303, &[]).location, made);
    assert_eq!(drafts().await, 1);
    let id: BridgeId = made.split('/').nth(2).unwrap().parse().unwrap();
    let name = role_name(id);
    assert!(iam().get_role().role_name(&name).send().await.is_err(), "no queue is named yet");

    // No step can be skipped, whoever asks by hand.
    let (bridge, events) = (format!("/bridges/{id}"), format!("/bridges/{id}/events"));
    console.post(&format!("{bridge}/check"), "version=1").await.expect(409, &[]);
    console.post(&format!("{bridge}/start"), "version=1&vouched=on").await.expect(409, &[]);
    // Nobody else knows of it.
    other.get(&events).await.expect(404, &[]);
    // Whose session has ended loses nothing that is kept, and changes nothing.
    let account = variable("EBM_AWS__ACCOUNT_ID");
    let row = format!(
        "rows/0/event=orders/OrderPlaced&rows/0/to=on&rows/0/to_url=https://sqs.eu-central-1.amazonaws.com/{account}/erp"
    );
    let guest = console.guest().post(&events, &format!("version=1&{row}")).await;
    assert!(guest.status == 303 && guest.location.starts_with("/sign-in"), "{} {}", guest.status, guest.location);
    assert!(iam().get_role().role_name(&name).send().await.is_err());

    // What does not go together is said beside its field, and stays as it was chosen.
    let version = console.get(&events).await.expect(200, &[]).hidden("version");
    let wrong = format!("version={version}&{row}&rows/0/to_mode=batched");
    let refused = console.post(&events, &wrong).await.expect(422, &["needs a FIFO queue", "/erp\""]);
    assert!(refused.text.contains("value=\"batched\" selected"), "{}", refused.words());

    // Of two tabs the first one saves; what was typed in the second stays there.
    let form = format!("version={version}&{row}&rows/0/to_mode=fair");
    console.post(&events, &form).await.expect(303, &[]);
    console.post(&events, &form.replace("/erp", "/erp2")).await.expect(409, &["/erp2"]);
    iam().get_role().role_name(&name).send().await.unwrap();
    // Whoever comes back finds what was saved.
    let back = console.get(&events).await.expect(200, &["/erp\""]);
    assert!(back.text.contains("value=\"fair\" selected"), "{}", back.words());
    console.get(&bridge).await.expect(200, &["standard, fair by key: no order promised"]);

    let after = desired::load(&pool).await.unwrap();
    assert!(after.bridges.is_empty(), "Kafka has nothing for a draft");
    assert_eq!(after.topics.len(), before.topics.len());
    assert_eq!(after.environments.len(), before.environments.len());

    // Left alone for seven days, it goes with its role.
    let done = CancellationToken::new();
    sqlx::query("update bridge set status_since = now() - interval '6 days 23 hours'").execute(&pool).await.unwrap();
    let sweeper = tokio::spawn(manager.clone().sweep(done.clone()));
    console.get(&events).await.expect(200, &[]);
    sqlx::query("update bridge set status_since = now() - interval '7 days 1 second'").execute(&pool).await.unwrap();
    within(Duration::from_secs(30), "the draft is swept", async || drafts().await == 0).await;
    assert!(iam().get_role().role_name(&name).send().await.is_err(), "its role is gone with it");
    let swept = "select count(*) from change where act = 'bridge.draft-swept'";
    assert_eq!(sqlx::query_scalar::<_, i64>(swept).fetch_one(&pool).await.unwrap(), 1);
    done.cancel();
    sweeper.await.unwrap().unwrap();
}
