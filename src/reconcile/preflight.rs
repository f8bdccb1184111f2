//! Whether Kafka keeps the Spaces apart at all: looked at now and then. Where it does not, every page says so.
//!
//! | module | owns |
//! |---|---|
//! | `judge` | what was seen and what it means; pure |
//! | `canary` | the trial of a user without any rule |
//! | `app_users` | which users of apps may do what no rule gives them |

mod app_users;
mod canary;
mod judge;

use std::time::Duration;

use futures::future::join_all;
use tokio::time::{Instant, timeout};

use self::{
    app_users::AppUsers,
    judge::{KEYS, RELEASE, SeenBroker, judge},
};
use crate::{
    domain::isolation::Check,
    kafka::admin::{self, Admin},
    secrets::Vault,
    store::desired::Environment,
};

/// How long lies between two looks.
const APART: Duration = Duration::from_mins(5);

/// The same where Kafka could not be reached.
const SOONER: Duration = Duration::from_secs(30);

/// How long a broker may take to tell its settings.
const TOLD_WITHIN: Duration = Duration::from_secs(5);

/// Looks, and keeps what was seen.
#[derive(Debug, Default)]
pub struct Preflight {
    /// When to look again; `None` before the first look.
    next: Option<Instant>,
    checks: Option<Vec<Check>>,
    users: AppUsers,
}

impl Preflight {
    /// Whether the last look is some time ago.
    pub fn is_due(&self) -> bool {
        self.next.is_none_or(|next| next <= Instant::now())
    }

    /// What was last seen; `None` where nothing could be seen yet.
    pub fn checks(&self) -> Option<&[Check]> {
        self.checks.as_deref()
    }

    /// Looks. While Kafka cannot be reached, what was seen before stands.
    pub async fn look(&mut self, admin: &Admin, vault: &Vault, canary: &str, environments: &[Environment]) {
        let pause = match self.see(admin, vault, canary, environments).await {
            Ok(checks) => {
                self.checks = Some(checks);
                APART
            }
            Err(error) => {
                tracing::debug!(%error, "whether Kafka keeps the Spaces apart could not be looked at");
                SOONER
            }
        };
        self.next = Some(Instant::now() + pause);
    }

    async fn see(
        &mut self,
        admin: &Admin,
        vault: &Vault,
        canary: &str,
        environments: &[Environment],
    ) -> admin::Result<Vec<Check>> {
        let ids: Vec<_> = admin.cluster().await?.brokers.into_iter().map(|broker| broker.id).collect();
        let brokers = join_all(ids.iter().map(|id| ask(admin.clone(), *id))).await;
        if brokers.iter().any(|broker| broker.has_authorizer() == Some(false)) {
            return Ok(judge(&brokers, &Err("without an authorizer it decides nothing"), None));
        }
        let trial = canary::try_everyone(admin, canary, ids).await;
        self.users.try_next(admin, vault, environments).await;
        Ok(judge(&brokers, &trial, Some(&self.users)))
    }
}

/// What a broker tells of itself, as far as it does in time.
async fn ask(admin: Admin, id: i32) -> SeenBroker {
    let told = async { tokio::join!(admin.broker_configs(id, &KEYS), admin.supported_level(id, RELEASE)) };
    let Ok((configs, level)) = timeout(TOLD_WITHIN, told).await else {
        return SeenBroker { id, ..SeenBroker::default() };
    };
    let quiet = |error: &admin::Error| tracing::debug!(id, %error, "a broker did not tell of itself");
    let configs = configs.inspect_err(quiet).unwrap_or_default();
    let settings = KEYS.map(|key| configs.get(key)?.value.clone());
    SeenBroker { id, settings, level: level.inspect_err(quiet).unwrap_or_default() }
}
