//! The sorted lists: forwards to the end and backwards to the start, the same rows in the same order.

use std::fmt::Debug;

use ebm::{
    domain::{grant::Access, ids::MemberId, member::Role},
    manager::{Actor, Columns, Manager, Page, Sorting, apps, bridges, catalogue, history},
};
use sqlx::PgPool;

use crate::support::{Api, manager};

/// 37 rows of each kind, many of them equal in what they can be sorted by; names hold what separates keys elsewhere.
const LANDSCAPE: &str = "
    insert into app (id, key, name, plan, broker_enabled)
    select gen_random_uuid(), 'app-' || n, case n % 3 when 0 then 'Same' else 'App ' || n end, 'licensed', n % 2 = 0
    from generate_series(1, 37) n;
    insert into space (id, name) select gen_random_uuid(), case n % 2 when 0 then 'Space-' else 'space-' end || n
    from generate_series(1, 37) n;
    insert into environment (id, app_id, key, name, broker_enabled, space_id)
    select gen_random_uuid(), a.id, 'env', 'Env', a.broker_enabled, (select id from space where lower(name) = 'space-' || n % 5 + 1)
    from generate_series(1, 20) n join app a on a.key = 'app-' || n;
    insert into service (id, key, app_id, title, contract_version, created_at)
    select gen_random_uuid(), 'service-' || n, (select id from app where key = 'app-' || n % 4), 'Same', '1.' || n % 12,
           timestamptz '2026-01-01 00:00:00.123456+00' + (n % 6) * interval '1 day'
    from generate_series(1, 37) n;
    insert into channel (id, service_id, address) select gen_random_uuid(), s.id, 'a' || n
    from generate_series(1, 37) n join service s on s.key = 'service-' || n % 7 + 1;
    insert into event (id, service_id, channel_id, name, app_sends, app_receives)
    select gen_random_uuid(), c.service_id, c.id, case n % 3 when 0 then 'It~was,' || c.address else 'Same' || n / 10 end,
           n % 2 = 0, n % 3 = 0
    from generate_series(1, 37) n join channel c on c.address = 'a' || n
    on conflict do nothing;
    insert into event (id, service_id, channel_id, name, app_sends, app_receives)
    select gen_random_uuid(), s.id, (select id from channel limit 1), 'Everywhere', true, false from service s;
    insert into channel_topic (channel_id, space_id, partitions, replicas, applied_at, failure)
    select c.id, p.id, 1, 1, case when substr(c.address, 2)::int % 3 > 0 then now() end,
           case when substr(c.address, 2)::int % 4 = 0 then 'no' end
    from channel c, space p where lower(p.name) in ('space-1', 'space-2') and substr(c.address, 2)::int % 5 > 0;
    insert into bridge (id, name, space_id, kind, region, desired, status, external_id, access_applied_at)
    select gen_random_uuid(), case n % 3 when 0 then 'Same' else 'bridge ~' || n end, p.id, 'sqs', 'eu-central-1',
           case n % 4 when 0 then 'draft' else 'running' end, case n % 4 when 0 then 'draft' else 'running' end, 'x',
           case n % 2 when 0 then now() end
    from generate_series(1, 37) n join space p on lower(p.name) = 'space-' || n % 3 + 1;
    insert into route (id, bridge_id, event_id, direction, queue_url, moved, last_moved_at)
    select gen_random_uuid(), b.id, v.id, 'outbound', 'https://sqs.eu-central-1.amazonaws.com/123456789012/q', length(b.name),
           timestamptz '2026-01-01 00:00:00.654321+00' + length(b.name) * interval '1 hour'
    from bridge b, (select id from event order by name limit 2) v where b.name <> 'Same';
";

/// An admin over the landscape.
async fn landscape(pool: &PgPool) -> (Manager, Actor) {
    let manager = manager(pool, false).await;
    let admin: MemberId = manager.create_member("admin@example.com", "", Role::Admin, None).await.unwrap().id;
    sqlx::raw_sql(LANDSCAPE).execute(pool).await.unwrap();
    (manager, Actor::Member(admin))
}

/// Reads a list in every order, in pages of several sizes and both ways. `read` reads a page, `id` names a row.
async fn every_order<By: Columns + Debug, T>(
    read: impl AsyncFn(Sorting<By>, i64) -> Page<T>,
    id: impl Fn(&T) -> String,
) {
    for (by, descending) in By::ALL.iter().flat_map(|by| [(*by, false), (*by, true)]) {
        let start = Sorting::new(by, descending);
        let ids = |page: &Page<T>| page.items.iter().map(&id).collect::<Vec<_>>();
        let whole = read(start.clone(), 1000).await;
        assert!(whole.next.is_none() && whole.previous.is_none(), "{by:?}");
        let whole = ids(&whole);
        assert!(whole.len() > 30, "{by:?}: {}", whole.len());
        let mut once = whole.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), whole.len(), "{by:?}: a row came twice");
        for limit in [1, 7, 36] {
            let mut pages = vec![read(start.clone(), limit).await];
            while let Some(next) = &pages.last().unwrap().next {
                let next = start.after(next).unwrap();
                pages.push(read(next, limit).await);
            }
            let forwards: Vec<_> = pages.iter().flat_map(ids).collect();
            assert_eq!(forwards, whole, "{by:?}, descending {descending}, by {limit}");
            let mut page = pages.pop().unwrap();
            let mut backwards = vec![ids(&page)];
            while let Some(previous) = &page.previous {
                page = read(start.before(previous).unwrap(), limit).await;
                assert!(page.next.is_some(), "{by:?}: there is a page after each but the last");
                backwards.push(ids(&page));
            }
            let backwards: Vec<_> = backwards.into_iter().rev().flatten().collect();
            assert_eq!(backwards, whole, "{by:?}, descending {descending}, backwards by {limit}");
        }
        let mut other: Vec<_> = ids(&read(Sorting::new(by, !descending), 1000).await);
        other.reverse();
        assert_eq!(other, whole, "{by:?}: the other way round");
    }
}

#[sqlx::test]
async fn apps_are_read_in_every_order_both_ways(pool: PgPool) {
    let (manager, admin) = landscape(&pool).await;
    let read = async |sorting, limit| {
        let filter = apps::Filter { sorting, limit, ..apps::Filter::default() };
        manager.list_apps(&admin, &filter).await.unwrap()
    };
    every_order(read, |listed| listed.app.key.to_string()).await;
    let broker = read(Sorting::new(apps::AppsBy::Broker, false), 18).await;
    assert!(broker.items.iter().all(|listed| listed.app.broker_enabled));
    let most = read(Sorting::new(apps::AppsBy::Environments, true), 20).await;
    assert!(most.items.iter().all(|listed| listed.environments.len() == 1));
}

#[sqlx::test]
async fn spaces_are_read_in_every_order_both_ways(pool: PgPool) {
    let (manager, admin) = landscape(&pool).await;
    let read = async |sorting, limit| {
        let filter = catalogue::SpaceFilter { sorting, limit, ..catalogue::SpaceFilter::default() };
        manager.list_spaces_in_pages(&admin, &filter).await.unwrap()
    };
    every_order(read, |listed| listed.space.name.to_string()).await;
    let most = read(Sorting::new(catalogue::SpacesBy::Channels, true), 3).await;
    assert_eq!(most.items.iter().map(|s| s.channels > 0).collect::<Vec<_>>(), [true, true, false]);
    let app = Some("app-1".to_owned());
    let filter = catalogue::SpaceFilter { app, limit: 50, ..catalogue::SpaceFilter::default() };
    let found = manager.list_spaces_in_pages(&admin, &filter).await.unwrap().items;
    assert_eq!(found.iter().map(|s| s.space.name.as_str()).collect::<Vec<_>>(), ["Space-2"]);
}

#[sqlx::test]
async fn channels_are_read_in_every_order_both_ways(pool: PgPool) {
    let (manager, admin) = landscape(&pool).await;
    let list = async |filter: catalogue::Filter<_>| manager.list_channels(&admin, &filter).await.unwrap();
    let read = async |sorting, limit| list(catalogue::Filter { sorting, limit, ..catalogue::Filter::default() }).await;
    every_order(read, |channel| channel.id.to_string()).await;
    let by_kafka = read(Sorting::new(catalogue::ChannelsBy::Kafka, false), 50).await.items;
    let words: Vec<_> = by_kafka.iter().map(|channel| channel.followed.word()).collect();
    let mut parts = words.clone();
    parts.dedup();
    assert_eq!(parts, ["failed", "pending", "applied"], "{words:?}");
    let filter = catalogue::Filter {
        q: "EVERYWHERE".into(),
        space: Some("SPACE-1".into()),
        service: Some("service-2".into()),
        limit: 50,
        ..catalogue::Filter::default()
    };
    let found = list(filter).await.items;
    assert!(found.iter().all(|c| c.service == "service-2" && c.events.iter().any(|e| e == "Everywhere")));
}

#[sqlx::test]
async fn events_are_read_in_every_order_both_ways(pool: PgPool) {
    let (manager, admin) = landscape(&pool).await;
    let list = async |filter: catalogue::Filter<_>| manager.list_events(&admin, &filter).await.unwrap();
    let read = async |sorting, limit| list(catalogue::Filter { sorting, limit, ..catalogue::Filter::default() }).await;
    every_order(read, |event| event.id.to_string()).await;
    let all = read(Sorting::new(catalogue::EventsBy::Event, false), 200).await.items;
    for (open_to, may) in [(Access::Subscribe, true), (Access::Publish, false)] {
        let filter =
            catalogue::Filter { open_to: Some(open_to), app: Some("app-1".into()), limit: 200, ..Default::default() };
        let found = list(filter).await.items;
        let fits = |e: &&catalogue::ListedEvent| {
            e.app.as_deref() == Some("app-1") && if may { e.app_sends } else { e.app_receives }
        };
        let expected: Vec<_> = all.iter().filter(fits).map(|e| e.id).collect();
        assert!(!expected.is_empty());
        assert_eq!(found.iter().map(|e| e.id).collect::<Vec<_>>(), expected);
    }
}

#[sqlx::test]
async fn services_are_read_in_every_order_both_ways(pool: PgPool) {
    let (manager, admin) = landscape(&pool).await;
    let read = async |sorting, limit| {
        let filter = catalogue::Filter { sorting, limit, ..catalogue::Filter::default() };
        manager.list_services(&admin, &filter).await.unwrap()
    };
    every_order(read, |service| service.key.clone()).await;
    let by_version = read(Sorting::new(catalogue::ServicesBy::Version, false), 50).await.items;
    let mut versions: Vec<_> = by_version.into_iter().map(|service| service.contract_version).collect();
    versions.dedup();
    assert_eq!(versions, (0..12).map(|n| format!("1.{n}")).collect::<Vec<_>>());
}

#[sqlx::test]
async fn bridges_are_read_in_every_order_both_ways(pool: PgPool) {
    let (manager, admin) = landscape(&pool).await;
    let list = async |filter| manager.list_bridges(&admin, &filter).await.unwrap();
    let read =
        async |sorting, limit| list(bridges::BridgeFilter { sorting, limit, ..bridges::BridgeFilter::default() }).await;
    every_order(read, |bridge| bridge.id.to_string()).await;
    let by_space = read(Sorting::default(), 50).await.items;
    let names: Vec<_> = by_space.iter().map(|b| b.space.name.to_string().to_lowercase()).collect();
    assert!(names.is_sorted());
    let filter = bridges::BridgeFilter { app: Some("no-app".into()), limit: 50, ..bridges::BridgeFilter::default() };
    assert!(list(filter).await.items.is_empty());
}

#[sqlx::test]
async fn a_row_that_is_gone_does_not_break_the_pages_beside_it(pool: PgPool) {
    let (manager, admin) = landscape(&pool).await;
    let start = Sorting::new(bridges::BridgesBy::Moved, true);
    let read = async |sorting| {
        let filter = bridges::BridgeFilter { sorting, limit: 5, ..bridges::BridgeFilter::default() };
        manager.list_bridges(&admin, &filter).await.unwrap()
    };
    let first = read(start.clone()).await;
    let second = read(start.after(first.next.as_ref().unwrap()).unwrap()).await;
    sqlx::query("delete from bridge where id = $1").bind(first.items[4].id.0).execute(&pool).await.unwrap();
    let again = read(start.after(first.next.as_ref().unwrap()).unwrap()).await;
    let ids = |page: &Page<bridges::Bridge>| page.items.iter().map(|b| b.id).collect::<Vec<_>>();
    assert_eq!(ids(&again), ids(&second));
    let before = read(start.before(again.previous.as_ref().unwrap()).unwrap()).await;
    assert_eq!(ids(&before), ids(&first)[..4]);
    assert!(before.previous.is_none() && before.next.is_some());
}

#[sqlx::test]
async fn the_history_is_narrowed_by_who_what_and_when(pool: PgPool) {
    let api = Api::new(manager(&pool, false).await);
    let (anna, token) = api.member("anna@example.com", Role::Admin).await;
    let (ben, _) = api.member("ben@example.com", Role::Admin).await;
    for app in ["one", "two"] {
        api.put(&token, &format!("/apps/{app}"), serde_json::json!({})).await.expect(201);
    }
    api.manager.create_space(&Actor::Member(ben), "Acceptance").await.unwrap();
    let list = async |filter: history::Filter| {
        let filter = history::Filter { limit: 50, ..filter };
        let page = api.manager.list_changes(&Actor::Member(anna), &filter).await.unwrap();
        page.items.into_iter().map(|change| change.object_name).collect::<Vec<_>>()
    };
    let by = |who: &str| history::Filter { who: who.into(), kind: Some("app"), ..Default::default() };
    assert_eq!(list(by("ANNA")).await, ["two", "one"]);
    assert!(list(by("ben@")).await.is_empty());
    let of = |kind| history::Filter { kind: Some(kind), ..Default::default() };
    assert_eq!(list(of("space")).await, ["Acceptance"]);
    sqlx::query("update change set at = timestamptz '2026-01-31 23:59:59.999+00' where object_name = 'one'")
        .execute(&pool)
        .await
        .unwrap();
    let at = |day: u8, month: u8| {
        let day = time::Date::from_calendar_date(2026, time::Month::try_from(month).unwrap(), day).unwrap();
        Some(time::OffsetDateTime::new_utc(day, time::Time::MIDNIGHT))
    };
    let between = |from, until| history::Filter { from, until, ..Default::default() };
    assert_eq!(list(between(at(31, 1), at(1, 2))).await, ["one"]);
    assert!(list(between(at(30, 1), at(31, 1))).await.is_empty());
    assert!(!list(between(at(1, 2), None)).await.contains(&"one".to_owned()));
}
