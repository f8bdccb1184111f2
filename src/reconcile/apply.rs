//! Carries out a plan, step by step; what became of each thing.

use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroU32,
};

use super::{
    Error,
    plan::{Lost, Plan, Revocation},
};
use crate::{
    kafka::admin::{self, Acl, Admin, Code, Mechanism, Refusal, ScramUser},
    secrets,
};

/// A thing in Kafka that a step is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Item {
    /// A topic.
    Topic(String),
    /// A SCRAM user.
    User(String),
    /// An ACL.
    Acl(Acl),
}

/// Why a thing is not as it should be.
#[derive(Debug)]
pub enum Refused {
    /// Kafka said no.
    Kafka(Refusal),
    /// The stored password cannot be opened.
    Sealed(secrets::Error),
    /// The topic was ours, and is not there any more.
    Lost(Lost),
}

/// What was done, and what was not.
#[derive(Debug, Default)]
pub struct Applied {
    /// Things that were changed.
    pub written: usize,
    /// What Kafka has acknowledged: these, and what it said was so already.
    done: BTreeSet<Item>,
    /// What was refused.
    pub refused: BTreeMap<Item, Refused>,
}

/// A user with the salted password, or why there is none.
pub type Password = Result<ScramUser, secrets::Error>;

/// Carries out all steps in their order; `passwords` are those of the users to store.
///
/// # Errors
/// When Kafka cannot be reached, or its answer is lost: what was done is not known then, and a new pass looks.
pub async fn apply(admin: &Admin, plan: &Plan, passwords: Vec<(String, Password)>) -> Result<Applied, Error> {
    let mut applied = Applied::default();
    let shut = revoke(admin, plan, &mut applied).await?;

    let users: Vec<_> = plan.drop_users.iter().map(|(user, _)| Item::User(user.clone())).collect();
    let dropped = whole(users, admin.delete_scram_users(&plan.drop_users), &plan.drop_users).await?;
    applied.add(dropped, &[Code::RESOURCE_NOT_FOUND]);

    let topics: Vec<_> = plan.create_topics.iter().map(|topic| Item::Topic(topic.name.clone())).collect();
    let created = whole(topics, admin.create_topics(&plan.create_topics), &plan.create_topics).await?;
    applied.add(created, &[Code::TOPIC_ALREADY_EXISTS]);

    let topics: Vec<_> = plan.raise_partitions.iter().map(|(topic, _)| Item::Topic(topic.clone())).collect();
    let raised = whole(topics, admin.create_partitions(&plan.raise_partitions), &plan.raise_partitions).await?;
    applied.add(raised, &[Code::INVALID_PARTITIONS]);

    let topics: Vec<_> = plan.alter_configs.iter().map(|(topic, _)| Item::Topic(topic.clone())).collect();
    let altered = whole(topics, admin.alter_topic_configs(&plan.alter_configs), &plan.alter_configs).await?;
    applied.add(altered, &[]);

    let mut users = Vec::new();
    for (user, password) in passwords {
        match password {
            Ok(password) => users.push(password),
            Err(error) => drop(applied.refused.insert(Item::User(user), Refused::Sealed(error))),
        }
    }
    let names = users.iter().map(|user| Item::User(user.name.clone())).collect();
    let stored = whole(names, admin.upsert_scram_users(&users), &users).await?;
    applied.add(stored, &[]);

    let grants: Vec<_> = plan.grant.iter().filter(|acl| !shut.contains(&acl.principal)).cloned().collect();
    if !grants.is_empty() {
        let items: Vec<_> = grants.iter().cloned().map(Item::Acl).collect();
        let granted = match admin.create_acls(&grants).await {
            Ok(answers) => items.into_iter().zip(answers).collect(),
            Err(error) => refused_whole(items, error)?,
        };
        applied.add(granted, &[]);
    }
    Ok(applied)
}

/// Takes away ACLs; gives the principals that still have some of them. These get nothing new in this pass, so that
/// nobody ever has the old and the new together.
async fn revoke(admin: &Admin, plan: &Plan, applied: &mut Applied) -> Result<BTreeSet<String>, Error> {
    let mut answers = Vec::new();
    let mut exactly = Vec::new();
    for (principal, Revocation { acls, all }) in &plan.revoke {
        if *all && acls.len() > 1 {
            let items: Vec<_> = acls.iter().cloned().map(Item::Acl).collect();
            match admin.delete_acls_of(principal).await {
                Ok(_) => answers.extend(items.into_iter().map(|item| (item, Ok(())))),
                Err(error) => answers.extend(refused_whole(items, error)?),
            }
        } else {
            exactly.extend(acls.iter().cloned());
        }
    }
    if !exactly.is_empty() {
        let items: Vec<_> = exactly.iter().cloned().map(Item::Acl).collect();
        match admin.delete_acls(&exactly).await {
            Ok(deleted) => answers.extend(items.into_iter().zip(deleted.into_iter().map(|deleted| deleted.map(drop)))),
            Err(error) => answers.extend(refused_whole(items, error)?),
        }
    }
    let shut = answers.iter().filter(|(_, answer)| answer.is_err()).filter_map(|(item, _)| match item {
        Item::Acl(acl) => Some(acl.principal.clone()),
        _ => None,
    });
    let shut = shut.collect();
    applied.add(answers, &[]);
    Ok(shut)
}

type Answers = Vec<(Item, Result<(), Refusal>)>;

/// One call; none where there is nothing to ask.
async fn whole<T>(
    items: Vec<Item>,
    call: impl Future<Output = admin::Result<admin::PerItem>>,
    asked: &[T],
) -> Result<Answers, Error> {
    if asked.is_empty() {
        return Ok(Vec::new());
    }
    match call.await {
        Ok(answers) => Ok(items.into_iter().zip(answers.into_iter().map(|(_, answer)| answer)).collect()),
        Err(error) => refused_whole(items, error),
    }
}

/// A request that Kafka refused as a whole, for good, refuses each item; any other error ends the pass.
fn refused_whole(items: Vec<Item>, error: admin::Error) -> Result<Answers, Error> {
    match error {
        admin::Error::Broker { refusal, .. } if !refusal.code.is_retriable() => {
            Ok(items.into_iter().map(|item| (item, Err(refusal.clone()))).collect())
        }
        error => Err(error.into()),
    }
}

impl Applied {
    /// Whether Kafka has acknowledged what the plan says of it.
    pub fn is_done(&self, item: &Item) -> bool {
        self.done.contains(item) && !self.refused.contains_key(item)
    }

    /// As if all of a plan was done.
    #[cfg(test)]
    pub fn all_of(plan: &Plan) -> Self {
        let topics = plan.create_topics.iter().map(|topic| Item::Topic(topic.name.clone()));
        let users =
            plan.upsert_users.iter().chain(plan.drop_users.iter().map(|(name, _)| name)).cloned().map(Item::User);
        let acls = plan.grant.iter().chain(plan.revoke.values().flat_map(|revocation| &revocation.acls));
        let done = topics.chain(users).chain(acls.cloned().map(Item::Acl)).collect();
        Self { done, ..Self::default() }
    }

    /// Notes answers; `done` are the codes that say that it was done already.
    fn add(&mut self, answers: Answers, done: &[Code]) {
        for (item, answer) in answers {
            match answer {
                Ok(()) => {
                    self.written += 1;
                    self.done.insert(item);
                }
                Err(refusal) if done.contains(&refusal.code) => drop(self.done.insert(item)),
                Err(refusal) => {
                    tracing::warn!(?item, %refusal, "Kafka refused a change");
                    self.refused.insert(item, Refused::Kafka(refusal));
                }
            }
        }
    }
}

/// A user as Kafka stores it.
pub fn scram_user(
    name: &str,
    iterations: i32,
    salt: &[u8],
    salted_password: secrecy::SecretSlice<u8>,
) -> Option<ScramUser> {
    let iterations = u32::try_from(iterations).ok().and_then(NonZeroU32::new)?;
    Some(ScramUser {
        name: name.to_owned(),
        mechanism: Mechanism::Sha512,
        iterations,
        salt: salt.to_vec(),
        salted_password,
    })
}
