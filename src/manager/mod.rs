//! Use cases: each authorises, decides, stores, records and wakes, in one transaction.
//!
//! The console and the API call nothing else. Refuses to know HTTP, and leaves Kafka to the reconciler: what is
//! wanted is written to Postgres, and everything else follows from there. `unread` alone asks Kafka, and does without
//! where it does not answer.

pub mod access;
pub mod actor;
pub mod apps;
pub mod bridges;
pub mod catalogue;
pub mod cluster;
mod contracts;
pub mod credentials;
pub mod dead_letters;
pub mod deployments;
mod error;
pub mod explain;
pub mod history;
pub mod import;
mod installation_key;
mod live;
pub mod members;
pub mod moves;
pub mod named;
pub mod overview;
pub mod revert;
pub mod search;
pub mod services;
pub mod sessions;
mod spaces;
pub mod sweeper;
pub mod tokens;
mod unread;
mod work;

use std::sync::Arc;

use secrecy::SecretSlice;
use sqlx::Postgres;

pub use crate::store::{Columns, Page, PgPool, Sorting, spaces::Followed, traffic::Minutes};
pub use actor::Actor;
use actor::Right;
pub use error::{Error, FieldError, Result};
use work::{Work, commit};

use crate::{aws::Aws, domain::grant::DefaultAccess, kafka::admin::Admin, secrets::Vault, store};

/// What the use cases work with. Cheap to clone.
#[derive(Clone)]
pub struct Manager {
    pool: PgPool,
    parts: Arc<Parts>,
    hub: live::Hub,
}

/// What does not change while the program runs.
pub struct Parts {
    /// Seals secrets at rest.
    pub vault: Vault,
    /// Authenticates the history.
    pub history_key: SecretSlice<u8>,
    /// Which grants come by themselves.
    pub default_access: DefaultAccess,
    /// What topics are given, and how far a contract may go.
    pub topics: TopicLimits,
    /// What apps are told of Kafka.
    pub kafka: KafkaForApps,
    /// Kafka, to be asked what only it knows; `None` where nobody asks for it.
    pub admin: Option<Admin>,
    /// AWS, where bridges to SQS can be made.
    pub aws: Option<Aws>,
    /// What one-time links begin with.
    pub public_url: String,
    /// For how many days dead letters are kept; until someone deletes them where it is absent.
    pub dead_letter_days: Option<u32>,
}

/// What topics are given, and how far a contract may go.
#[derive(Clone, Copy, Debug)]
pub struct TopicLimits {
    /// Partitions where the contract says nothing.
    pub partitions: i32,
    /// The most partitions a contract may ask for.
    pub max_partitions: i32,
    /// Replicas of every topic.
    pub replication: i16,
}

/// What apps are told of Kafka.
#[derive(Clone, Debug)]
pub struct KafkaForApps {
    /// `host:port,host:port`
    pub bootstrap_servers: String,
    /// Kafka's word: `SASL_SSL` or `SASL_PLAINTEXT`.
    pub security_protocol: &'static str,
}

impl Manager {
    /// A manager over a database.
    pub fn new(pool: PgPool, parts: Parts) -> Self {
        Self { pool, parts: Arc::new(parts), hub: live::Hub::default() }
    }

    async fn read(&self) -> Result<sqlx::pool::PoolConnection<Postgres>> {
        Ok(self.pool.acquire().await.map_err(store::Error::from)?)
    }

    /// A connection for whoever has the right to look at something.
    async fn read_as(&self, actor: &Actor, right: Right) -> Result<sqlx::pool::PoolConnection<Postgres>> {
        let mut db = self.read().await?;
        actor.require_to_read(right, &mut db).await?;
        Ok(db)
    }
}

/// Stands for all that a plan or a draft rests on: another one where any of it is another.
fn version_of(rests_on: &serde_json::Value) -> String {
    crate::secrets::fingerprint(rests_on.to_string().as_bytes())
}
