//! Who calls, and what he may do: the worker may take on roles and nothing else; a role may do what the queue's policy says,
//! and at queues of its own account what the policy does not deny, since no role here has a policy of its own.

use std::{collections::HashMap, time::Duration};

use axum::http::HeaderMap;
use ebm::aws::evaluate::{Ask, Verdict, evaluate};

use super::{queue::Queue, refusal::Refusal};

/// The worker's access key: its id and its secret.
pub const WORKER: [&str; 2] = ["AKIAWORKER", "the-worker's-secret"];
/// How long a session lasts.
const LASTS: Duration = Duration::from_hours(1);

/// A session under a role.
#[derive(Clone)]
struct Session {
    role: String,
    external_id: Option<String>,
    ends_at: Duration,
}

/// All sessions.
#[derive(Default)]
pub struct Callers {
    sessions: HashMap<String, Session>,
    /// Roles whose every call is denied; `None` in it means all.
    pub denied: Vec<Option<String>>,
}

/// The access key of a call's signature.
fn access_key(headers: &HeaderMap) -> Option<&str> {
    let authorization = headers.get("authorization")?.to_str().ok()?;
    authorization.split("Credential=").nth(1)?.split('/').next()
}

impl Callers {
    /// Begins a session of the worker under a role, and gives its access key.
    pub fn assume(
        &mut self,
        headers: &HeaderMap,
        role: &str,
        external_id: Option<String>,
        now: Duration,
    ) -> Result<String, Refusal> {
        if access_key(headers) != Some(WORKER[0]) {
            let refusal =
                Refusal::new("InvalidClientTokenId", "The security token included in the request is invalid.");
            return Err(Refusal { status: 403, ..refusal });
        }
        let is_denied = self.denied.iter().any(|denied| denied.as_ref().is_none_or(|denied| role.ends_with(denied)));
        if is_denied || !role.starts_with("arn:aws:iam::") {
            let message = format!("User: the worker is not authorized to perform: sts:AssumeRole on resource: {role}");
            return Err(Refusal { status: 403, ..Refusal::new("AccessDenied", message) });
        }
        let key = format!("ASIA{}", self.sessions.len());
        self.sessions.insert(key.clone(), Session { role: role.to_owned(), external_id, ends_at: now + LASTS });
        Ok(key)
    }

    /// The external ids with which a role was taken on.
    pub fn external_ids(&self, role: &str) -> Vec<Option<String>> {
        self.sessions
            .values()
            .filter(|session| session.role == role)
            .map(|session| session.external_id.clone())
            .collect()
    }

    /// Refuses who may not do this to a queue.
    pub fn authorize(&self, headers: &HeaderMap, action: &str, queue: &Queue, now: Duration) -> Result<(), Refusal> {
        let key = access_key(headers).unwrap_or_default();
        let Some(Session { role, ends_at, .. }) = self.sessions.get(key) else {
            if key == WORKER[0] {
                return Err(Refusal::denied("the worker", action, &queue.arn()));
            }
            let refusal =
                Refusal::new("UnrecognizedClientException", "The security token included in the request is invalid.");
            return Err(Refusal { status: 403, ..refusal });
        };
        if now >= *ends_at {
            let refusal = Refusal::new("ExpiredToken", "The security token included in the request is expired");
            return Err(Refusal { status: 403, ..refusal });
        }
        let denied = || Err(Refusal::denied(role, action, &queue.arn()));
        if self.denied.iter().any(|denied| denied.as_ref().is_none_or(|denied| role.ends_with(denied))) {
            return denied();
        }
        let ask = Ask { role_arn: role, role_id: None, action, queue_arn: &queue.arn(), settled: &[] };
        let verdict = queue.attributes.get("Policy").map(|policy| evaluate(policy, &ask).unwrap());
        let is_own = role.split(':').nth(4) == Some(&queue.account);
        match verdict {
            Some(Verdict::Allowed { .. }) => Ok(()),
            None | Some(Verdict::Missing | Verdict::WiderOnly { .. }) if is_own => Ok(()),
            _ => denied(),
        }
    }
}

/// The action that IAM knows a call by: those of batches have none of their own.
pub fn iam_action(action: &str) -> String {
    format!("sqs:{}", action.trim_end_matches("Batch"))
}
