//! Users that log in with SCRAM (KIP-554).

use std::num::NonZeroU32;

use secrecy::{ExposeSecret, SecretSlice};

use super::{Admin, PerItem, in_order};
use crate::kafka::admin::{
    Code, Error, Mechanism, Refusal, Result, To, batch,
    msg::{AlterUserScram, Api, DescribeUserScram, NamedResult, ScramDeletion, ScramUpsertion, ScramUserName},
    wire::Hidden,
};

/// The credentials of one request that writes.
const WRITTEN: usize = 100;

/// The names of one request that reads: brokers refuse to list more than 10,000 users at once.
const READ: usize = 5_000;

/// A credential to be stored, or to log in with.
#[derive(Debug, Clone)]
pub struct ScramUser {
    /// The user, without `User:`.
    pub name: String,
    /// The hash.
    pub mechanism: Mechanism,
    /// How often it is applied; Kafka takes 4,096 to 16,384.
    pub iterations: NonZeroU32,
    /// The salt; random, at least 16 bytes.
    pub salt: Vec<u8>,
    /// From [`salted_password`](crate::kafka::admin::salted_password), with the same three.
    pub salted_password: SecretSlice<u8>,
}

/// A stored credential, as far as Kafka shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScramInfo {
    /// The user, without `User:`.
    pub name: String,
    /// The hash; `None` for one this client does not know.
    pub mechanism: Option<Mechanism>,
    /// How often it is applied.
    pub iterations: i32,
}

impl Admin {
    /// Stores credentials, over whatever the users had for the same mechanism; what became of each, in order.
    pub async fn upsert_scram_users(&self, users: &[ScramUser]) -> Result<PerItem> {
        let mut done = Vec::with_capacity(users.len());
        // Kafka answers by user, and refuses a credential that is twice in a request.
        for batch in batch::cut_distinct(users, WRITTEN, |user| &user.name) {
            let request = AlterUserScram { deletions: Vec::new(), upsertions: batch.iter().map(upsertion).collect() };
            let reply = self.pool().call(To::Any, &request).await?;
            done.extend(answers(batch.iter().map(|user| &user.name), reply.results));
        }
        Ok(done)
    }

    /// Deletes credentials; what became of each, in order.
    ///
    /// One that is not there is refused with [`Code::RESOURCE_NOT_FOUND`]. A connection that is logged in stays so
    /// until the broker wants a new login (`connections.max.reauth.ms`): take the ACLs first.
    pub async fn delete_scram_users(&self, users: &[(String, Mechanism)]) -> Result<PerItem> {
        let mut done = Vec::with_capacity(users.len());
        for batch in batch::cut_distinct(users, WRITTEN, |(name, _)| name) {
            let deletions = batch
                .iter()
                .map(|(name, mechanism)| ScramDeletion { name: name.clone(), mechanism: mechanism.number() });
            let request = AlterUserScram { deletions: deletions.collect(), upsertions: Vec::new() };
            let reply = self.pool().call(To::Any, &request).await?;
            done.extend(answers(batch.iter().map(|(name, _)| name), reply.results));
        }
        Ok(done)
    }

    /// The credentials of these users, or of all if the list is empty, as one broker sees them.
    ///
    /// Users without a credential are left out. More than 10,000 users can only be had by name.
    ///
    /// # Errors
    ///
    /// [`Error::Broker`] with [`Code::CLUSTER_AUTHORIZATION_FAILED`] if this login may not read them.
    pub async fn scram_users(&self, to: To, names: &[String]) -> Result<Vec<ScramInfo>> {
        // A name that is twice would be refused.
        let names: Vec<_> = std::collections::BTreeSet::from_iter(names).into_iter().cloned().collect();
        if names.is_empty() {
            return self.scram_users_of(to, &[]).await;
        }
        let mut found = Vec::with_capacity(names.len());
        for batch in names.chunks(READ) {
            found.extend(self.scram_users_of(to, batch).await?);
        }
        Ok(found)
    }

    async fn scram_users_of(&self, to: To, names: &[String]) -> Result<Vec<ScramInfo>> {
        // The empty list stands for all, and never null, which means the same: without permission, Kafka 4.x
        // trips over null and does not answer at all.
        let request =
            DescribeUserScram { users: names.iter().map(|name| ScramUserName { name: name.clone() }).collect() };
        let reply = self.pool().call(to, &request).await?;
        Error::check(DescribeUserScram::NAME, reply.error_code, reply.error_message)?;
        let mut found = Vec::new();
        for user in reply.results {
            if user.error_code == Code::RESOURCE_NOT_FOUND {
                continue;
            }
            Error::check(DescribeUserScram::NAME, user.error_code, user.error_message)?;
            found.extend(user.credential_infos.into_iter().map(|credential| ScramInfo {
                name: user.user.clone(),
                mechanism: Mechanism::from_number(credential.mechanism),
                iterations: credential.iterations,
            }));
        }
        Ok(found)
    }

    /// The salt Kafka keeps with a user's password; `None` if there is no such credential.
    ///
    /// It needs no password: a login as that user is begun, and the server's first message shows the salt (RFC 5802).
    /// So a password changed by someone else is seen. The broker logs the login as not finished. Uses a connection of
    /// its own, and needs the mechanism to be enabled on the listener.
    pub async fn stored_salt(&self, user: &str, mechanism: Mechanism) -> Result<Option<Vec<u8>>> {
        let challenge = self.pool().scram_challenge(user, mechanism).await?;
        Ok(challenge.map(|challenge| challenge.salt))
    }
}

fn upsertion(user: &ScramUser) -> ScramUpsertion {
    ScramUpsertion {
        name: user.name.clone(),
        mechanism: user.mechanism.number(),
        // Far too many is refused by Kafka, as every count above 16,384.
        iterations: i32::try_from(user.iterations.get()).unwrap_or(i32::MAX),
        salt: user.salt.clone(),
        salted_password: Hidden(user.salted_password.expose_secret().to_vec()),
    }
}

fn answers<'a>(
    names: impl Iterator<Item = &'a String>,
    results: Vec<NamedResult>,
) -> impl Iterator<Item = (String, std::result::Result<(), Refusal>)> {
    let answers =
        results.into_iter().map(|user| (user.name, Refusal::check(user.error_code, user.error_message))).collect();
    in_order(names, answers)
}
