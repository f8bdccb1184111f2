//! "Every live broker has it": a write is acknowledged when the controller's log has it, and each broker
//! applies it a little later (KIP-500).

use std::time::Duration;

use futures::future::join_all;
use tokio::time::{Instant, timeout_at};

use super::{Admin, Error, Result, To, backoff::Backoff};

/// Whether all brokers have shown a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Confirmation {
    /// Every live broker has shown it.
    Confirmed,
    /// These brokers (ids, ascending) have not, or did not answer. That is not a failure: ask again.
    Lagging(Vec<i32>),
}

impl Admin {
    /// Waits until `check` has said `true` on every live broker, at most as long as `deadline`.
    ///
    /// Call it after the write is acknowledged: the live brokers are those listed from then on. All are asked
    /// at the same time, each again and again until it says `true`; a broker that does not answer lags. `check` gets
    /// [`To::Node`] and should read from there, as in
    /// `admin.everywhere(limit, |to| async move { Ok(admin.acls(to, filter).await?.contains(acl)) })`.
    ///
    /// # Errors
    ///
    /// Any error of `check` that [is not transient](Error::is_transient), and [`Error::Timeout`] if not even the
    /// list of brokers could be had in time.
    pub async fn everywhere<F>(&self, deadline: Duration, check: impl Fn(To) -> F) -> Result<Confirmation>
    where
        F: Future<Output = Result<bool>>,
    {
        let end = Instant::now() + deadline;
        let cluster = timeout_at(end, self.cluster()).await.map_err(|_| Error::Timeout {
            peer: "any broker".into(),
            what: "the list of brokers",
            after: deadline,
        })??;
        let check = &check;
        let nodes = cluster.brokers.iter().map(|broker| broker.id);
        let asked = join_all(nodes.map(|id| async move { (id, shown(end, check, To::Node(id)).await) })).await;
        let mut lagging = Vec::new();
        for (id, shown) in asked {
            if !shown? {
                lagging.push(id);
            }
        }
        lagging.sort_unstable();
        Ok(if lagging.is_empty() { Confirmation::Confirmed } else { Confirmation::Lagging(lagging) })
    }
}

/// Whether one broker says `true` before the end.
async fn shown<F>(end: Instant, check: &impl Fn(To) -> F, to: To) -> Result<bool>
where
    F: Future<Output = Result<bool>>,
{
    let mut backoff = Backoff::until(end);
    loop {
        let began = Instant::now();
        match timeout_at(end, check(to)).await {
            Err(_) => return Ok(false),
            Ok(Ok(true)) => return Ok(true),
            Ok(Err(error)) if !error.is_transient() => return Err(error),
            Ok(Ok(false) | Err(_)) => {}
        }
        // Who takes long to answer is not asked without a break.
        if !backoff.again(began.elapsed()).await {
            return Ok(false);
        }
    }
}
