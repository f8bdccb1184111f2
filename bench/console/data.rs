//! The landscape that is measured.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use sqlx::{Executor, PgPool};

use crate::{Result, database, process};

/// A filled database.
pub struct Data {
    /// Its address.
    pub url: String,
    /// A pool over it.
    pub pool: PgPool,
    /// An admin.
    pub email: String,
    /// The admin's password.
    pub password: String,
    /// Where the last tenth of the channels begins, as the address has it.
    pub deep: String,
    /// One of the channels.
    pub channel: String,
}

const SPACES: &str =
    "insert into space (id, name) select gen_random_uuid(), 'space-' || n from generate_series(1, 40) n";
const APPS: &str = "insert into app (id, key, name, plan, broker_enabled)
    select gen_random_uuid(), (array['order','invoice','customer','stock','shipment','payroll','product','ticket'])[n % 8 + 1] || '-portal-' || n,
           'Portal ' || n, 'licensed', n % 10 > 0 from generate_series(1, 1000) n";
const ENVIRONMENTS: &str =
    "insert into environment (id, app_id, key, name, broker_enabled, space_id, access_applied_at)
    select gen_random_uuid(), a.id, k.key, initcap(k.key), k.key <> 'dev',
           (select id from space where name = 'space-' || (1 + abs(hashtext(a.key || k.key)) % 40)), now()
    from app a cross join (values ('dev'), ('test'), ('acceptance'), ('production')) k (key)";
/// A service for every ten channels, three events in a channel, a topic in two Spaces.
const SERVICES: &str = "insert into service (id, key, app_id, title, contract_version)
    select gen_random_uuid(), (array['orders','invoices','customers','stock','shipments','payroll','products','tickets'])[n % 8 + 1] || '-' || n,
           (select id from app order by key offset n % 1000 limit 1), 'Service ' || n, '1.' || n
    from generate_series(1, greatest(1, $1::int / 10)) n";
const CHANNELS: &str = "insert into channel (id, service_id, address)
    select gen_random_uuid(), s.id, 'channel-' || n from service s cross join generate_series(1, 10) n";
const EVENTS: &str = "insert into event (id, service_id, channel_id, name, title, app_sends, app_receives, attributes)
    select gen_random_uuid(), c.service_id, c.id, initcap(replace(s.key, '-', '')) || 'Part' || replace(c.address, 'channel-', '') || (array['Placed','Changed','Closed'])[n],
           'Something was done', true, n = 2,
           '[{\"name\":\"id\",\"kind\":\"string\",\"required\":true},{\"name\":\"total\",\"kind\":\"number\",\"required\":false},{\"name\":\"at\",\"kind\":\"date-time\",\"required\":true}]'
    from channel c join service s on s.id = c.service_id cross join generate_series(1, 3) n";
const TOPICS: &str = "insert into channel_topic (channel_id, space_id, partitions, replicas, applied_at)
    select c.id, s.id, 3, 3, now() from channel c
    join lateral (select id from space where name in ('space-' || (1 + abs(hashtext(c.id::text)) % 40), 'space-' || (1 + abs(hashtext(c.address || c.id)) % 40))) s on true
    on conflict do nothing";
const GRANTS: &str = "insert into access_grant (id, environment_id, event_id, access)
    select gen_random_uuid(), e.id, v.id, case when x.n = 0 then 'publish' else 'subscribe' end
    from channel_topic t join lateral (select id from event where channel_id = t.channel_id order by name limit 1) v on true
    join lateral (select id, row_number() over () - 1 as n from
        (select id from environment where space_id = t.space_id order by id limit 3) as few) as x on true
    join environment e on e.id = x.id on conflict do nothing";
const BRIDGES: &str = "insert into bridge (id, name, space_id, kind, region, desired, status, external_id, access_applied_at)
    select gen_random_uuid(), 'bridge-' || n, (select id from space where name = 'space-' || (1 + n % 40)), 'sqs', 'eu-central-1', 'running', 'running', 'x', now()
    from generate_series(1, 2000) n";
const ROUTES: &str = "insert into route (id, bridge_id, event_id, direction, queue_url)
    select gen_random_uuid(), b.id, v.id, 'outbound', 'https://sqs.eu-central-1.amazonaws.com/123456789012/' || b.name
    from bridge b join lateral (select v.id from channel_topic t join event v on v.channel_id = t.channel_id where t.space_id = b.space_id
        order by hashtext(b.name || v.name) limit 2) v on true on conflict do nothing";

/// Makes a database anew, and fills it.
pub async fn fill(channels: u32) -> Result<Data> {
    let url = database::create(&format!("bench_console_{channels}")).await?;
    process::run_ebm(&url, &["migrate"], "")?;
    let (email, password) = ("bench@example.test".to_owned(), "a password for measuring".to_owned());
    process::run_ebm(&url, &["user", "create", "--admin", "--name", "Bench", "--password-stdin", &email], &password)?;
    let pool = PgPool::connect(&url).await?;
    for statement in [SPACES, APPS, ENVIRONMENTS] {
        pool.execute(statement).await?;
    }
    sqlx::query(SERVICES).bind(i32::try_from(channels)?).execute(&pool).await?;
    for statement in [CHANNELS, EVENTS, TOPICS, GRANTS, BRIDGES, ROUTES, "vacuum analyze"] {
        pool.execute(statement).await?;
    }
    let deep: String = sqlx::query_scalar(
        "select json_build_array(s.key, c.id)::text from channel c join service s on s.id = c.service_id
         order by s.key, c.id offset (select count(*) * 9 / 10 from channel) limit 1",
    )
    .fetch_one(&pool)
    .await?;
    let deep = BASE64_URL_SAFE_NO_PAD.encode(deep);
    let channel = sqlx::query_scalar("select channel_id::text from channel_topic limit 1").fetch_one(&pool).await?;
    Ok(Data { url, pool, email, password, deep, channel })
}

/// Changes the status of a tenth of the channels and bridges every second, until it is ended.
pub async fn churn(pool: PgPool, channels: u32) {
    let mut second = tokio::time::interval(std::time::Duration::from_secs(1));
    let share = i64::from(channels / 10);
    loop {
        second.tick().await;
        // What is pending is applied a second later, and others are changed.
        let topics = sqlx::query(
            "update channel_topic t set changed_at = now(), applied_at = case when t.applied_at is null then now() end
             from (select channel_id, space_id from channel_topic where applied_at is null
                   union all (select channel_id, space_id from channel_topic where applied_at is not null
                              order by random() limit $1)) c
             where t.channel_id = c.channel_id and t.space_id = c.space_id",
        )
        .bind(share);
        let bridges = sqlx::query(
            "update bridge set status_since = now(), status = case status when 'running' then 'waiting' else 'running' end where id in (select id from bridge order by random() limit 200)",
        );
        for update in [topics, bridges] {
            if let Err(error) = update.execute(&pool).await {
                eprintln!("the landscape could not be changed: {error}");
            }
        }
    }
}
