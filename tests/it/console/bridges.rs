//! A bridge that has stopped itself, on its pages.

use ebm::domain::member::Role;
use sqlx::PgPool;

use super::Console;
use crate::support::{World, report};

const BRIDGE: &str = "/bridges/00000000-0000-0000-0000-000000000001";
const EVENTS: &str = "/bridges/00000000-0000-0000-0000-000000000001/events";

/// A bridge that halted five minutes ago, with a route, whose queue was checked eight minutes ago.
const HALTED: &str = "
    insert into bridge (id, name, space_id, kind, region, desired, status, status_since, external_id, role_arn, checked, checked_at)
    select '00000000-0000-0000-0000-000000000001', 'to-erp', p.id, 'sqs', 'eu-central-1', 'running', 'halted',
           now() - interval '310 seconds', 'x', 'arn:aws:iam::123456789012:role/ebm/none',
           jsonb_build_array(jsonb_build_object('queue', 'https://sqs.eu-central-1.amazonaws.com/123456789012/invoices',
               'actions', '[]'::jsonb, 'warnings', '[]'::jsonb, 'attributes', null)), now() - interval '490 seconds'
    from space p where p.name = 'acceptance';
    insert into route (id, bridge_id, event_id, direction, queue_url)
    select gen_random_uuid(), b.id, v.id, 'outbound', b.checked->0->>'queue' from bridge b join event v on v.name = 'OrderPlaced';
    insert into access_grant (id, bridge_id, event_id, access)
    select gen_random_uuid(), bridge_id, event_id, 'subscribe' from route;
";

pub async fn stage(pool: PgPool) -> (World, Console) {
    let world = World::new(pool, false).await;
    let path = "/apps/order-portal/environments/acceptance/deployment";
    world.api.put(&world.deploy, path, report("1", "2026-01-01T00:00:00Z")).await.expect(200);
    sqlx::raw_sql(HALTED).execute(&world.pool).await.unwrap();
    let console = Console::new(&world.api.manager, "eve@example.com", Role::Admin).await;
    (world, console)
}

pub async fn run(world: &World, sql: &'static str) {
    sqlx::raw_sql(sql).execute(&world.pool).await.unwrap();
}

#[sqlx::test]
async fn a_check_says_how_old_it_is_and_whether_the_bridge_has_stopped_since(pool: PgPool) {
    const STOPPED_SINCE: &str = "The bridge came to a stop after this check.";
    let (world, console) = stage(pool).await;
    let page = console.get(EVENTS).await.expect(200, &[STOPPED_SINCE]);
    let words = page.words();
    assert!(words.contains("Checked 8 min ago") && words.contains("It stopped 5 min ago"), "{words}");

    run(&world, "update bridge set checked_at = now() - interval '130 seconds'").await;
    let words = console.get(EVENTS).await.expect(200, &[]).words();
    assert!(words.contains("Checked 2 min ago") && !words.contains(STOPPED_SINCE), "{words}");

    // One that runs again has nothing to tell of the time before.
    run(&world, "update bridge set status = 'running', status_since = now()").await;
    let words = console.get(EVENTS).await.expect(200, &[]).words();
    assert!(words.contains("Checked 2 min ago") && !words.contains(STOPPED_SINCE), "{words}");

    run(&world, "update bridge set checked_at = null").await;
    let words = console.get(EVENTS).await.expect(200, &[]).words();
    assert!(words.contains("When this was checked is not known"), "{words}");
}

#[sqlx::test]
async fn the_banner_of_a_halted_bridge_names_the_queue_first(pool: PgPool) {
    let (world, console) = stage(pool).await;
    run(
        &world,
        "update bridge set status_reason =
             (select queue_url from route) || ': the policy of the queue refuses it. The event is at offset 3.'",
    )
    .await;
    let page = console.get("/bridges/00000000-0000-0000-0000-000000000001").await.expect(200, &["Check the queues"]);
    let words = page.words();
    let places = [
        "Queue invoices: the policy of the queue refuses it.",
        "The event is at offset 3.",
        "Mend what is named.",
        "Check the queues",
    ]
    .map(|text| words.find(text));
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{words}");
    // A reason that is about no queue stands as it is.
    run(&world, "update bridge set status_reason = 'Kafka does not let the bridge in. An admin looks at it.'").await;
    let words = console.get("/bridges/00000000-0000-0000-0000-000000000001").await.expect(200, &[]).words();
    assert!(words.contains("Kafka does not let the bridge in. An admin looks at it."), "{words}");
}

#[sqlx::test]
async fn how_far_a_bridge_is_behind_is_told_and_when_events_are_lost_by_it(pool: PgPool) {
    let (world, console) = stage(pool).await;
    let words = console.get(BRIDGE).await.expect(200, &[]).words();
    assert!(words.contains("No event waits that the workers know of."), "{words}");
    let behind = "update channel_topic set config = '{\"retention.ms\": \"3600000\"}';
         insert into bridge_minute (bridge_id, minute, delay_ms)
         select id, date_trunc('minute', now()) - n * interval '1 minute', 2700000 - n * 60000
         from bridge, generate_series(0, 5) n;";
    run(&world, behind).await;
    let words = console.get(BRIDGE).await.expect(200, &["behind in the last 60 minutes: at most 2640 s"]).words();
    assert!(words.contains("Lately the oldest event had waited for 45 min"), "{words}");
    assert!(words.contains("In about 15 min events are lost that wait now. They are kept for 1 h"), "{words}");
    let words = console.get("/bridges").await.expect(200, &[]).words();
    assert!(words.contains("45 min"), "{words}");
    let bridge = world.api.get(&world.admin, BRIDGE).await.expect(200);
    assert_eq!(bridge["delay_seconds"], 2700.0);
}

#[sqlx::test]
async fn a_bridge_whose_events_are_gone_goes_on_when_someone_says_so(pool: PgPool) {
    let (world, console) = stage(pool).await;
    let page = console.get(BRIDGE).await.expect(200, &["Check the queues"]);
    assert!(!page.text.contains("Go on without them"));
    console.post(&format!("{BRIDGE}/go-on"), "version=1").await.expect(303, &[]);
    console.get(BRIDGE).await.expect(200, &["The bridge does not wait for a decision"]);
    run(&world, "update bridge set gap = true, status_reason = '5 records of t/0 were deleted before they were read.'")
        .await;
    let words = console.get(BRIDGE).await.expect(200, &["5 records of t/0", "Go on without them"]).words();
    assert!(words.contains("It waits for your decision."), "{words}");
    console.post(&format!("{BRIDGE}/go-on"), "version=1").await.expect(303, &[]);
    let words = console.get(BRIDGE).await.expect(200, &[]).words();
    assert!(
        words.contains("goes on with the first event there is") && !words.contains("Go on without them"),
        "{words}"
    );
    let goes_on: bool = sqlx::query_scalar("select goes_on from route").fetch_one(&world.pool).await.unwrap();
    assert!(goes_on);
    let history = console.get("/history").await.expect(200, &[]).words();
    assert!(history.contains("5 records of t/0"), "{history}");

    console.post(&format!("{BRIDGE}/set-aside"), "version=2").await.expect(303, &[]);
    console.get(BRIDGE).await.expect(200, &["The bridge is not halted by one event alone"]);
    run(
        &world,
        "update bridge set gap = false, status = 'halted', stuck = '{\"topic\": \"t\", \"partition\": 0, \"offset\": 7}',
             status_reason = 'SQS refuses a message.'",
    )
    .await;
    let words = console.get(BRIDGE).await.expect(200, &["Set this event aside"]).words();
    assert!(words.contains("SQS refuses a message.") && words.contains("kept as a dead letter"), "{words}");
    console.post(&format!("{BRIDGE}/set-aside"), "version=2").await.expect(303, &[]);
    let words = console.get(BRIDGE).await.expect(200, &[]).words();
    assert!(!words.contains("Set this event aside"), "{words}");
}
