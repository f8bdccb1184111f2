//! What can be asked of a cluster, in plain values.

mod acls;
mod cluster;
mod configs;
mod groups;
mod lag;
mod offsets;
mod quotas;
mod topics;
mod transactions;
mod users;

use std::{collections::HashMap, fmt, sync::Arc};

use tokio::sync::Mutex;

pub use self::{
    cluster::{Broker, Cluster},
    configs::{Changes, ConfigSource, ConfigValue, Configs},
    groups::{Group, GroupDetail, Member},
    lag::TopicLag,
    offsets::At,
    topics::{NewTopic, Partition, Topic},
    users::{ScramInfo, ScramUser},
};
use super::{Refusal, Sasl, Settings, pool::Pool};

/// What became of each item of a request, in the request's order.
pub type PerItem<T = ()> = Vec<(String, Result<T, Refusal>)>;

/// The admin client of one cluster. Cheap to clone; clones share their connections.
///
/// Every call opens what connections it needs, and may be cancelled at any time. A cancelled write, like one that
/// fails as a whole, may have been done.
#[derive(Clone)]
pub struct Admin {
    shared: Arc<Shared>,
}

struct Shared {
    pool: Pool,
    /// Held while ACLs are deleted, which is expensive for the controller: one request at a time.
    deleting_acls: Mutex<()>,
}

impl Admin {
    /// A client with these settings. Does nothing yet, so it cannot fail.
    pub fn new(settings: Settings) -> Self {
        Self { shared: Arc::new(Shared { pool: Pool::new(settings), deleting_acls: Mutex::default() }) }
    }

    /// A client of the same cluster with another login, and with connections of its own.
    #[must_use]
    pub fn logged_in_as(&self, sasl: Sasl) -> Self {
        Self::new(Settings { sasl: Some(sasl), ..self.pool().settings().clone() })
    }

    fn pool(&self) -> &Pool {
        &self.shared.pool
    }

    /// How long the controller may take, in milliseconds: a little less than this side waits.
    fn write_timeout_ms(&self) -> i32 {
        let millis = self.pool().settings().request_timeout.as_millis() * 9 / 10;
        i32::try_from(millis).unwrap_or(i32::MAX)
    }
}

impl fmt::Debug for Admin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admin").field("settings", self.pool().settings()).finish()
    }
}

/// Puts answers into the order of the question; what was not answered is refused as such.
fn in_order<'a, T>(
    names: impl Iterator<Item = &'a String>,
    mut answers: HashMap<String, Result<T, Refusal>>,
) -> impl Iterator<Item = (String, Result<T, Refusal>)> {
    names.map(move |name| (name.clone(), answers.remove(name).unwrap_or_else(|| Err(Refusal::unanswered()))))
}
