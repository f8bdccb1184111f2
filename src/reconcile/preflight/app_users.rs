//! Which users of apps may do what no rule gives them: so `super.users` is seen, which brokers do not show.
//!
//! Passwords are not kept, but who has what SCRAM keeps of one can log in. So some users in turn log in at each look and
//! ask what they may do with the topic for their signs of life. They were given WRITE on it and no more, and as that is a
//! rule about this topic, `allow.everyone.if.no.acl.found` adds nothing to it: who may alter it is a super user.

use std::{
    collections::{BTreeMap, BTreeSet},
    pin::pin,
    time::Duration,
};

use futures::{StreamExt, stream};
use tokio::time::{Instant, timeout_at};

use crate::{
    domain::channel::heartbeat_topic,
    kafka::admin::{Admin, Operation, Sasl, ScramUser, To},
    reconcile::apply::scram_user,
    secrets::Vault,
    store::desired::Environment,
};

/// Users that are tried at one look.
const AT_A_LOOK: usize = 100;

/// Users that are tried side by side: each is a connection of its own.
const AT_ONCE: usize = 8;

/// How long a look may take. Who was not reached is tried when it is his turn again.
const WITHIN: Duration = Duration::from_secs(10);

/// What is known of the users of apps.
#[derive(Debug, Default)]
pub struct AppUsers {
    /// How many there are in Kafka.
    pub all: usize,
    /// Those of them that were tried.
    pub tried: BTreeSet<String>,
    /// Those that may do what no rule gives them.
    pub unbound: BTreeSet<String>,
    /// Whose turn it was last.
    pub last: String,
}

/// A user that can log in, and the topic for its signs of life.
struct Login {
    user: ScramUser,
    topic: String,
}

impl AppUsers {
    /// Tries the users whose turn it is.
    pub async fn try_next(&mut self, admin: &Admin, vault: &Vault, environments: &[Environment]) {
        let mut answers = pin!(
            stream::iter(self.turn(vault, environments))
                .map(|login| may_alter(admin.clone(), login))
                .buffer_unordered(AT_ONCE)
        );
        let end = Instant::now() + WITHIN;
        while let Ok(Some((name, unbound))) = timeout_at(end, answers.next()).await {
            let Some(unbound) = unbound else { continue };
            if unbound {
                self.unbound.insert(name.clone());
            } else {
                self.unbound.remove(&name);
            }
            self.tried.insert(name);
        }
    }

    /// Those whose turn it is. Forgets who is not there any more.
    fn turn(&mut self, vault: &Vault, environments: &[Environment]) -> Vec<Login> {
        let is_there = |environment: &&Environment| environment.enabled && environment.is_applied;
        let all: BTreeMap<_, _> = environments
            .iter()
            .filter(is_there)
            .filter_map(|environment| Some((environment.principal.as_ref()?, environment)))
            .filter(|(principal, _)| principal.is_applied)
            .map(|(principal, environment)| (principal.username.as_str(), (principal, environment)))
            .collect();
        self.all = all.len();
        self.tried.retain(|name| all.contains_key(name.as_str()));
        self.unbound.retain(|name| all.contains_key(name.as_str()));
        let (earlier, later): (Vec<_>, Vec<_>) =
            all.into_values().partition(|(principal, _)| principal.username <= self.last);
        let turn: Vec<_> = later.into_iter().chain(earlier).take(AT_A_LOOK).collect();
        if let Some((principal, _)) = turn.last() {
            self.last.clone_from(&principal.username);
        }
        turn.into_iter()
            .filter_map(|(principal, environment)| {
                let salted = vault.open("principal", &environment.id.to_string(), &principal.sealed).ok()?;
                let user = scram_user(&principal.username, principal.iterations, &principal.salt, salted)?;
                Some(Login { user, topic: heartbeat_topic(&environment.app, &environment.key) })
            })
            .collect()
    }
}

/// The user's name, and whether it may alter its topic; `None` where that could not be asked.
async fn may_alter(admin: Admin, Login { user, topic }: Login) -> (String, Option<bool>) {
    let name = user.name.clone();
    match admin.logged_in_as(Sasl::Salted(user)).topic_operations(To::Any, &topic).await {
        Ok(operations) => (name, operations.map(|operations| operations.contains(&Operation::Alter))),
        Err(error) => {
            tracing::debug!(%error, user = name, "what the user of an app may do could not be asked");
            (name, None)
        }
    }
}
