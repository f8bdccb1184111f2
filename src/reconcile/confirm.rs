//! "Applied" is said of an object only when every live broker has shown it: brokers apply what the controller has
//! acknowledged each a little later.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::{
    Error,
    objects::Watched,
    observe::{self, Scope},
    plan::Desired,
};
use crate::kafka::admin::{Admin, Confirmation, To};

/// Between two looks at a salt.
const PAUSE: Duration = Duration::from_millis(20);

/// Waits until every live broker has shown these objects, at most for `within`; which of them it was, by position, and
/// the ids of the topics that were seen.
///
/// Passwords cannot be read back: of `rewritten` users, who were there before with another one, the salt is compared,
/// as some broker shows it.
pub async fn confirm(
    admin: &Admin,
    desired: &Desired,
    watched: &[&Watched],
    rewritten: &[String],
    within: Duration,
) -> Result<(Vec<bool>, BTreeMap<String, Uuid>), Error> {
    if watched.is_empty() {
        return Ok(Default::default());
    }
    let end = Instant::now() + within;
    let keys = &observe::keys(desired);
    // By broker, what it has not shown yet. A broker that has not answered at all is not in it.
    let missing = &Mutex::new(BTreeMap::<i32, BTreeSet<usize>>::new());
    let ids = &Mutex::new(BTreeMap::<String, Uuid>::new());
    let salts = async { wait_for_salts(admin, desired, rewritten, end).await };
    let shown = async {
        let check = |to: To| async move {
            let node = id(to);
            let open = {
                let missing = missing.lock().unwrap_or_else(PoisonError::into_inner);
                missing.get(&node).cloned().unwrap_or_else(|| (0..watched.len()).collect())
            };
            let mut scope = Scope::default();
            for at in &open {
                watched[*at].look(&mut scope);
            }
            let mut seen = observe::read_on(admin, to, &scope, keys).await?;
            let seen_ids = seen.topics.iter().map(|(name, topic)| (name.clone(), topic.id));
            ids.lock().unwrap_or_else(PoisonError::into_inner).extend(seen_ids.filter(|(_, id)| !id.is_nil()));
            // The salts are waited for apart; here, what is there is what was stored.
            for (name, user) in &desired.users {
                if let Some(user) = user {
                    seen.salts.insert(name.clone(), user.salt.clone());
                }
            }
            let open: BTreeSet<_> = open.into_iter().filter(|at| !watched[*at].is_met(desired, &seen)).collect();
            let is_done = open.is_empty();
            missing.lock().unwrap_or_else(PoisonError::into_inner).insert(node, open);
            Ok(is_done)
        };
        admin.everywhere(within, check).await.map_err(Error::from)
    };
    let (confirmation, stale) = tokio::try_join!(shown, salts)?;
    let mut confirmed = vec![true; watched.len()];
    if let Confirmation::Lagging(nodes) = confirmation {
        let missing = missing.lock().unwrap_or_else(PoisonError::into_inner);
        for node in nodes {
            match missing.get(&node) {
                Some(open) => {
                    for at in open {
                        confirmed[*at] = false;
                    }
                }
                None => confirmed.fill(false),
            }
        }
    }
    for (at, watched) in watched.iter().enumerate() {
        if watched.user().is_some_and(|name| stale.contains(name)) {
            confirmed[at] = false;
        }
    }
    let ids = std::mem::take(&mut *ids.lock().unwrap_or_else(PoisonError::into_inner));
    Ok((confirmed, ids))
}

/// A broker's id.
fn id(to: To) -> i32 {
    match to {
        To::Node(id) => id,
        To::Any => -1,
    }
}

/// Waits until the stored salts are ours; gives the users of whom that was not seen in time.
async fn wait_for_salts(
    admin: &Admin,
    desired: &Desired,
    users: &[String],
    end: Instant,
) -> Result<BTreeSet<String>, Error> {
    let mut open: BTreeSet<_> = users.iter().cloned().collect();
    while !open.is_empty() {
        let names: Vec<_> = open.iter().cloned().collect();
        let salts = observe::read_salts(admin, &names).await?;
        if salts.is_empty() {
            // No listener here speaks SCRAM, so nothing can be seen; the acknowledgement has to do.
            return Ok(BTreeSet::new());
        }
        open.retain(|name| {
            let wanted = desired.users.get(name).and_then(Option::as_ref);
            wanted.is_some_and(|user| salts.get(name) != Some(&user.salt))
        });
        if open.is_empty() || Instant::now() + PAUSE >= end {
            break;
        }
        sleep(PAUSE).await;
    }
    Ok(open)
}
