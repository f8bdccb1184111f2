//! A user without any rule must be refused where no rule is: so `allow.everyone.if.no.acl.found` is seen, which brokers
//! do not show.
//!
//! Where any rule is about a resource, whoever it is for, Kafka's authorizer refuses who has none of his own in any case;
//! the setting decides only where there is no rule at all (`StandardAuthorizerData`: `noAclRule`, against
//! `hasResourceAcls`). So the trial needs a resource that no rule is about. Neither the cluster nor a group is one, since
//! the console has rules about both itself, nor a topic, since many installations let a monitor see all of them. It is a
//! transactional id of a random name. The setting is the same for resources of all kinds; that there is no rule about
//! all such ids is looked up before; and to ask for one (`DescribeTransactions`) makes nothing, where to ask for a
//! coordinator would make an internal topic.
//!
//! The user has a name of its own ([`Settings::canary`](crate::reconcile::Settings::canary)) and no rule. It has no
//! password, only the random bytes that would come of one, and is deleted after the trial.

use std::{num::NonZeroU32, slice, time::Duration};

use tokio::time::timeout;
use uuid::Uuid;

use crate::{
    kafka::admin::{self, AclFilter, Admin, Cluster, Code, Confirmation, Mechanism, ResourceKind, Sasl, ScramUser, To},
    secrets::random,
};

/// Rounds of PBKDF2: the least that Kafka takes. Here they hash nothing.
const ITERATIONS: NonZeroU32 = NonZeroU32::new(4096).unwrap();

/// How long it may take until every broker knows the user.
const KNOWN_WITHIN: Duration = Duration::from_secs(5);

/// How long the trial may take.
const WITHIN: Duration = Duration::from_secs(10);

/// Whether each broker let the user in; or why it was not tried, as a part of a sentence.
pub type Trial = Result<Vec<(i32, bool)>, &'static str>;

/// Makes the user, lets it try every broker, and deletes it.
pub async fn try_everyone(admin: &Admin, name: &str, brokers: Vec<i32>) -> Trial {
    let id = format!("{name}.{}", Uuid::new_v4());
    let rules = AclFilter::Affecting { resource: ResourceKind::TransactionalId, name: id.clone() };
    let rules = admin.acls(To::Any, rules).await.map_err(|error| told(&error, "the rules could not be read"))?;
    if !rules.is_empty() {
        return Err("a rule about all transactional ids is in the way");
    }
    let user = ScramUser {
        name: name.to_owned(),
        mechanism: Mechanism::Sha512,
        iterations: ITERATIONS,
        salt: random::<32>().to_vec(),
        salted_password: random::<64>().to_vec().into(),
    };
    let stored = admin.upsert_scram_users(slice::from_ref(&user)).await;
    let is_stored = stored.is_ok_and(|answers| answers.iter().all(|(_, answer)| answer.is_ok()));
    let trial = if is_stored {
        timeout(WITHIN, knock(admin, user, &id, brokers)).await.unwrap_or(Err("it took too long"))
    } else {
        Err("the console could not make the user for it")
    };
    // Also where it is not known whether it was made.
    if let Err(error) = admin.delete_scram_users(&[(name.to_owned(), Mechanism::Sha512)]).await {
        tracing::debug!(%error, user = name, "the user of the trial is still there; the next trial deletes it");
    }
    trial
}

async fn knock(admin: &Admin, user: ScramUser, id: &str, brokers: Vec<i32>) -> Trial {
    let client = admin.logged_in_as(Sasl::Salted(user));
    let known = admin.everywhere(KNOWN_WITHIN, |to| {
        let client = client.clone();
        async move { is_known(client.cluster_on(to).await) }
    });
    match known.await {
        Ok(Confirmation::Confirmed) => {}
        Ok(Confirmation::Lagging(_)) => return Err("a broker did not let its user log in in time"),
        Err(error) => return Err(told(&error, "its user could not log in")),
    }
    let mut let_in = Vec::with_capacity(brokers.len());
    for broker in brokers {
        let seen = client.may_see_transactional_id(To::Node(broker), id).await;
        let_in.push((broker, seen.map_err(|error| told(&error, "a broker did not answer"))?));
    }
    Ok(let_in)
}

/// A broker that has not heard of the user yet refuses its login.
fn is_known(login: admin::Result<Cluster>) -> admin::Result<bool> {
    match login {
        Ok(_) => Ok(true),
        Err(admin::Error::Auth { code: None | Some(Code::SASL_AUTHENTICATION_FAILED), .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

fn told(error: &admin::Error, why: &'static str) -> &'static str {
    tracing::debug!(%error, why, "what everyone may do could not be tried");
    why
}
