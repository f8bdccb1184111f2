//! EBM: workers over a database of their own, with one bridge in it.

use std::process::Command;

use base64::{Engine, engine::general_purpose::STANDARD};
use ebm::{
    domain::bridge::Direction,
    store::{self, PgPool},
};
use serde_json::{Map, Value};
use sqlx::Executor;

use crate::{
    Result, database, event,
    kafka::{PARTITIONS, SPACE, Topic},
    setting,
    wire::{QUEUE, REGION},
};

const EMPTY: &str = "truncate space, app, service, channel, event, bridge, route cascade";
/// A bridge with one route, of the topic of a channel; it begins where the topic does.
const BRIDGE: &str = "with one_space as (
        insert into space (id, name) values (gen_random_uuid(), $1) returning id),
    one_service as (
        insert into service (id, key, title, contract_version)
        values (gen_random_uuid(), 'orders', 'Orders', '1.0.0') returning id),
    one_channel as (
        insert into channel (id, service_id, address) select $2, id, 'orders' from one_service returning id, service_id),
    one_event as (
        insert into event (id, service_id, channel_id, name, app_sends, app_receives)
        select gen_random_uuid(), service_id, id, $3, true, true from one_channel returning id),
    one_bridge as (
        insert into bridge (id, name, space_id, kind, region, desired, status, role_arn, external_id)
        select gen_random_uuid(), 'Bench', id, 'sqs', $4, 'running', 'stopped',
               'arn:aws:iam::123456789012:role/bench', 'bench'
        from one_space returning id)
    insert into route (id, bridge_id, event_id, direction, queue_url, start_offsets)
    select gen_random_uuid(), b.id, e.id, $5, $6, $7 from one_bridge b cross join one_event e";

/// One bridge for each of many channels, with one route; each of these takes all parameters: Space, channels, type of
/// event, region, queue.
const IDLE: [&str; 3] = [
    "with given as (select $1::text as space, $2::uuid[] as channels, $3::text as kind, $4::text as region, $5::text as queue),
     one_service as (
        insert into service (id, key, title, contract_version)
        values (gen_random_uuid(), 'orders', 'Orders', '1.0.0') returning id),
     all_channels as (
        insert into channel (id, service_id, address)
        select channel, one_service.id, channel::text from one_service, given, unnest(given.channels) channel returning id)
     insert into space (id, name) select gen_random_uuid(), space from given",
    "with given as (select $1::text as space, $2::uuid[] as channels, $3::text as kind, $4::text as region, $5::text as queue)
     insert into event (id, service_id, channel_id, name, app_sends, app_receives)
     select gen_random_uuid(), service_id, id, kind || '.' || id, true, true from channel, given",
    "with given as (select $1::text as space, $2::uuid[] as channels, $3::text as kind, $4::text as region, $5::text as queue),
     all_bridges as (
        insert into bridge (id, name, space_id, kind, region, desired, status, role_arn, external_id)
        select e.channel_id, 'Bench ' || e.channel_id, s.id, 'sqs', region, 'running', 'stopped',
               'arn:aws:iam::123456789012:role/bench', 'bench' from event e, space s, given returning id)
     insert into route (id, bridge_id, event_id, direction, queue_url, start_offsets)
     select gen_random_uuid(), b.id, e.id, 'outbound', queue, '{\"0\": 0}' from all_bridges b join event e on e.channel_id = b.id, given",
];

/// The database that workers work from.
pub struct Workers {
    url: String,
    pool: PgPool,
}

impl Workers {
    /// Makes it anew.
    pub async fn new() -> Result<Self> {
        let url = database::create("bench_bridge").await?;
        let pool = store::pool(&url, 4)?;
        store::migrate(&pool).await?;
        Ok(Self { url, pool })
    }

    /// Leaves nothing in it but one bridge that is to run.
    pub async fn want(&self, direction: Direction, topic: &Topic) -> Result<()> {
        let starts: Map<String, Value> = (0..PARTITIONS).map(|partition| (partition.to_string(), 0.into())).collect();
        self.pool.execute(EMPTY).await?;
        sqlx::query(BRIDGE)
            .bind(SPACE)
            .bind(topic.channel)
            .bind(event::KIND)
            .bind(REGION)
            .bind(direction.as_str())
            .bind(QUEUE)
            .bind(Value::Object(starts))
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Leaves nothing in it but a bridge that is to run for each of these topics, of one partition each.
    pub async fn want_idle(&self, topics: &[Topic]) -> Result<()> {
        let channels: Vec<_> = topics.iter().map(|topic| topic.channel).collect();
        self.pool.execute(EMPTY).await?;
        let mut tx = self.pool.begin().await?;
        for sql in IDLE {
            let query = sqlx::query(sql).bind(SPACE).bind(&channels).bind(event::KIND).bind(REGION).bind(QUEUE);
            query.execute(&mut *tx).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// How many bridges are said to run.
    pub async fn count_running(&self) -> Result<usize> {
        let count: i64 =
            sqlx::query_scalar("select count(*) from bridge where status = 'running'").fetch_one(&self.pool).await?;
        Ok(usize::try_from(count)?)
    }

    /// A worker with this number, towards the AWS at this address. It sees nothing of this process's environment.
    pub fn command(&self, number: usize, aws: &str) -> Result<Command> {
        let (user, password) = (setting("BENCH_USERNAME")?, setting("BENCH_PASSWORD")?);
        let mut command = Command::new(env!("CARGO_BIN_EXE_ebm"));
        command
            .arg("bridge")
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .env_clear()
            .env("RUST_LOG", "warn")
            .env("HOSTNAME", format!("worker-{number}"))
            .env("EBM_DATABASE__URL", &self.url)
            .env("EBM_HTTP__OPS_LISTEN", "127.0.0.1:0")
            .env("EBM_KAFKA__BOOTSTRAP_SERVERS", setting("BENCH_BROKER")?)
            .env("EBM_KAFKA__SECURITY", "sasl_plaintext")
            .env("EBM_KAFKA__USERNAME", &user)
            .env("EBM_KAFKA__PASSWORD", &password)
            .env("EBM_KAFKA__WORKER_USERNAME", &user)
            .env("EBM_KAFKA__WORKER_PASSWORD", &password)
            .env("EBM_AWS__ACCOUNT_ID", "123456789012")
            .env("EBM_AWS__REGION", REGION)
            .env("EBM_AWS__WORKER_ARN", "arn:aws:iam::123456789012:user/bench")
            .env("EBM_SECRETS__KEY", STANDARD.encode([1; 32]))
            .env("EBM_SECRETS__HISTORY_KEY", STANDARD.encode([2; 32]));
        for who in ["CONSOLE", "WORKER"] {
            command.env(format!("EBM_AWS__{who}_ACCESS_KEY_ID"), "AKIABENCH");
            command.env(format!("EBM_AWS__{who}_SECRET_ACCESS_KEY"), "secret");
        }
        for service in ["IAM", "STS", "SQS"] {
            command.env(format!("AWS_ENDPOINT_URL_{service}"), aws);
        }
        Ok(command)
    }
}
