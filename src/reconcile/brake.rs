//! Nobody takes much away without being asked: what Postgres no longer wants, and nobody decided to take.
//!
//! A restored old backup looks like that, and so does a table that someone emptied. What people decide shows as a change
//! that Kafka has not followed yet; such a change never waits.

use std::collections::BTreeSet;

use super::{
    objects::Watched,
    plan::{Desired, Observed, Plan},
};
use crate::{kafka::admin::Acl, secrets::fingerprint};

/// ACLs that may be taken away without being asked, whatever the share.
const FEW: usize = 50;
/// Lines of a plan that are shown.
const LINES: usize = 100;

/// Whose changes Kafka has not followed yet: what is done to these was decided.
#[derive(Debug, Default)]
pub struct Decided<'a> {
    principals: BTreeSet<&'a str>,
    users: BTreeSet<&'a str>,
    topics: BTreeSet<&'a str>,
}

impl<'a> Decided<'a> {
    /// By these objects.
    pub fn by(objects: &'a [Watched]) -> Self {
        let mut decided = Self::default();
        for object in objects.iter().filter(|object| !object.is_applied) {
            decided.topics.extend(object.topic());
            decided.users.extend(object.user());
            if let Some(principal) = object.principal() {
                decided.principals.insert(principal);
                decided.users.extend(principal.strip_prefix("User:"));
            }
        }
        decided
    }

    /// Whether it was decided to change what this principal may do.
    pub fn has_principal(&self, principal: &str) -> bool {
        self.principals.contains(principal)
    }

    /// Whether it was decided to change this user.
    pub fn has_user(&self, user: &str) -> bool {
        self.users.contains(user)
    }

    /// Whether it was decided to change this topic.
    pub fn has_topic(&self, topic: &str) -> bool {
        self.topics.contains(topic)
    }
}

/// A plan that was stopped.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Held {
    /// Stands for exactly what it would take away.
    pub version: String,
    /// ACLs that it would take away.
    pub acls: usize,
    /// Users that it would take away.
    pub users: usize,
    /// What it would take away, a line each; not more than the first ones.
    pub lines: Vec<String>,
}

/// What the plan would take away without anybody's decision; `None` where that is little.
///
/// Much are more than a tenth of the ACLs of our principals, at least 50, or any user.
pub fn held(plan: &Plan, decided: &Decided<'_>, desired: &Desired, observed: &Observed) -> Option<Held> {
    let ours = |acl: &&Acl| desired.acls.contains_key(&acl.principal);
    let revoked = plan.revoke.iter().filter(|(principal, _)| desired.acls.contains_key(*principal));
    let acls: Vec<_> = revoked
        .filter(|(principal, _)| !decided.has_principal(principal))
        .flat_map(|(_, revocation)| &revocation.acls)
        .collect();
    // A second credential of a user who stays is none.
    let is_dropped = |user: &String| desired.users.get(user).is_some_and(Option::is_none);
    let users: BTreeSet<_> = plan
        .drop_users
        .iter()
        .map(|(user, _)| user)
        .filter(|user| is_dropped(user) && !decided.has_user(user))
        .collect();
    let many = FEW.max(observed.acls.iter().filter(ours).count() / 10);
    if acls.len() <= many && users.is_empty() {
        return None;
    }
    let all: Vec<_> =
        users.iter().map(|user| format!("user {user}")).chain(acls.iter().map(ToString::to_string)).collect();
    let version = fingerprint(all.join("\n").as_bytes());
    let lines = all.into_iter().take(LINES).collect();
    Some(Held { version, acls: acls.len(), users: users.len(), lines })
}

impl Plan {
    /// What of it was decided to be taken away, and nothing else.
    #[must_use]
    pub fn only_decided(mut self, decided: &Decided<'_>) -> Self {
        self.revoke.retain(|principal, _| decided.has_principal(principal));
        self.drop_users.retain(|(user, _)| decided.has_user(user));
        Self { revoke: self.revoke, drop_users: self.drop_users, lost: self.lost, ..Self::default() }
    }
}
