//! The database: what people want, of any size, and never seen by Kafka.

use ebm::{
    kafka::admin::ScramUser,
    store::{self, PgPool},
};
use secrecy::ExposeSecret;
use sqlx::Executor;
use uuid::Uuid;

use crate::{Result, child, database};

/// How much there is.
#[derive(Clone, Copy)]
pub struct Size {
    /// Channels, each in one of two Spaces.
    pub channels: u32,
    /// ACLs of all environments together.
    pub acls: u32,
}

impl Size {
    /// Environments: two of each app, one in each Space.
    fn environments(self) -> u32 {
        self.channels / 5 * 2
    }

    /// Grants, in turn to all environments, each on another topic. Besides them an environment has an ACL for its
    /// consumer groups, and one for its signs of life.
    fn grants(self) -> u32 {
        self.acls - 2 * self.environments()
    }
}

const SPACES: &str =
    "insert into space (id, name) select gen_random_uuid(), name from unnest(array['test', 'production']) name";
const APPS: &str = "insert into app (id, key, name, plan, broker_enabled)
    select gen_random_uuid(), 'app-' || n, 'App ' || n, 'licensed', true from generate_series(0, $1::int / 2 - 1) n";
const ENVIRONMENTS: &str = "insert into environment (id, app_id, key, name, broker_enabled, space_id)
    select gen_random_uuid(), a.id, s.name, s.name, true, s.id from app a cross join space s";
const SERVICES: &str = "insert into service (id, key, title, contract_version)
    select gen_random_uuid(), 'service-' || n, 'Service ' || n, '1.0.0' from generate_series(0, $1::int / 10 - 1) n";
const CHANNELS: &str = "insert into channel (id, service_id, address)
    select gen_random_uuid(), s.id, 'channel-' || n
    from generate_series(0, $1::int - 1) n join service s on s.key = 'service-' || (n / 10)";
const EVENTS: &str = "insert into event (id, service_id, channel_id, name, app_sends, app_receives)
    select gen_random_uuid(), service_id, id, 'Event' || substr(address, 9), true, true from channel";
/// Channels and environments with even numbers are in the first Space.
const TOPICS: &str = "insert into channel_topic (channel_id, space_id, partitions, replicas, config)
    select c.id, s.id, 1, 1, '{\"retention.ms\": \"86400000\"}'::jsonb
    from channel c join space s on s.name = (array['test', 'production'])[substr(c.address, 9)::int % 2 + 1]";
/// Of grants, environments and channels, how many. Whoever comes round the channels again goes on two further, so that
/// no environment has a topic twice.
const GRANTS: &str = "insert into access_grant (id, environment_id, event_id, access)
    select gen_random_uuid(), e.id, v.id, case when n < $2::int then 'publish' else 'subscribe' end
    from generate_series(0, $1::int - 1) n
    join app a on a.key = 'app-' || (n % $2::int / 2)
    join environment e on e.app_id = a.id and e.key = (array['test', 'production'])[n % 2 + 1]
    join event v on v.name = 'Event' || ((n + 2 * (n / $3::int)) % $3::int)";
const PRINCIPALS: &str = "insert into principal (environment_id, username, iterations, salt, salted_password)
    select id, username, $3::int, $4::bytea, sealed from unnest($1::uuid[], $2::text[], $5::bytea[]) o (id, username, sealed)";
const FORGET: &str = "update channel_topic set applied_at = null, failure = null, topic_id = null;
    update principal set applied_at = null, failure = null;
    update environment set access_applied_at = null, access_failure = null;
    delete from decision";

/// A filled database.
pub struct Data {
    /// Its address.
    pub url: String,
    pool: PgPool,
}

impl Data {
    /// Makes a database anew, and fills it.
    pub async fn fill(name: &str, size: Size) -> Result<Self> {
        let url = database::create(name).await?;
        let pool = store::pool(&url, 4)?;
        store::migrate(&pool).await?;
        let data = Self { url, pool };
        data.insert(size).await?;
        data.pool.execute("vacuum analyze").await?;
        Ok(data)
    }

    async fn insert(&self, size: Size) -> Result<()> {
        let channels = i32::try_from(size.channels)?;
        let [environments, grants] = [i32::try_from(size.environments())?, i32::try_from(size.grants())?];
        self.pool.execute(SPACES).await?;
        sqlx::query(APPS).bind(environments).execute(&self.pool).await?;
        self.pool.execute(ENVIRONMENTS).await?;
        for statement in [SERVICES, CHANNELS] {
            sqlx::query(statement).bind(channels).execute(&self.pool).await?;
        }
        for statement in [EVENTS, TOPICS, "analyze"] {
            self.pool.execute(statement).await?;
        }
        sqlx::query(GRANTS).bind(grants).bind(environments).bind(channels).execute(&self.pool).await?;
        self.insert_principals().await
    }

    /// All have the same password, hashed once; each is sealed for its own row.
    async fn insert_principals(&self) -> Result<()> {
        let environments: Vec<(Uuid, String)> =
            sqlx::query_as("select e.id, a.key || '.' || e.key from environment e join app a on a.id = e.app_id")
                .fetch_all(&self.pool)
                .await?;
        let (ids, names): (Vec<_>, Vec<_>) = environments.into_iter().unzip();
        let vault = child::vault()?;
        let ScramUser { iterations, salt, salted_password, .. } = child::user(String::new());
        let seal = |id: &Uuid| vault.seal("principal", &id.to_string(), salted_password.expose_secret());
        let sealed: Vec<_> = ids.iter().map(seal).collect();
        sqlx::query(PRINCIPALS)
            .bind(ids)
            .bind(names)
            .bind(i32::try_from(iterations.get())?)
            .bind(salt)
            .bind(sealed)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Forgets that Kafka has followed any of it.
    pub async fn forget(&self) -> Result<()> {
        for statement in [FORGET, "vacuum analyze"] {
            self.pool.execute(statement).await?;
        }
        Ok(())
    }

    /// The names of all users.
    pub async fn users(&self) -> Result<Vec<String>> {
        Ok(sqlx::query_scalar("select username from principal order by username").fetch_all(&self.pool).await?)
    }
}
