//! Who calls, and what he may do: the worker may take on roles and nothing else; a role may do what the queue's policy says,
//! and at queues of its own account what the policy does not deny, since no role here has a policy of its own.

use std::{collections::HashMap, ops::RangeInclusive, time::Duration};

use axum::http::HeaderMap;
use ebm::aws::evaluate::{Ask, Verdict, evaluate};

use super::{queue::Queue, refusal::Refusal};

/// The worker's access key: its id and its secret.
pub const WORKER: [&str; 2] = ["AKIAWORKER", "the-worker's-secret"];
/// How long a session lasts where nothing is said, and how long one may, in seconds.
const LASTS: u64 = 3_600;
const MAY_LAST: RangeInclusive<u64> = 900..=43_200;

/// What the worker asks for with `AssumeRole`.
pub struct Wish {
    pub role: String,
    /// The name of the session.
    pub session: String,
    pub external_id: Option<String>,
    /// How long it is to last, as it was written.
    pub seconds: Option<String>,
}

/// What a caller under a role shows with each call.
pub struct Given {
    pub access_key: String,
    pub token: String,
}

/// A session under a role.
#[derive(Clone)]
struct Session {
    role: String,
    token: String,
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

/// Whether a session may have this name.
fn is_session(name: &str) -> bool {
    (2..=64).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte))
}

fn unknown_caller(code: &'static str) -> Refusal {
    Refusal { status: 403, ..Refusal::new(code, "The security token included in the request is invalid.") }
}

impl Callers {
    /// Begins a session of the worker under a role.
    pub fn assume(&mut self, headers: &HeaderMap, wish: Wish, now: Duration) -> Result<Given, Refusal> {
        let Wish { role, session, external_id, seconds } = wish;
        if access_key(headers) != Some(WORKER[0]) {
            return Err(unknown_caller("InvalidClientTokenId"));
        }
        let lasts = seconds.map_or(Some(LASTS), |seconds| seconds.parse().ok());
        let Some(lasts) = lasts.filter(|lasts| MAY_LAST.contains(lasts) && is_session(&session)) else {
            return Err(Refusal::new("ValidationError", "A session has no such name, or lasts not so long."));
        };
        let is_denied = self.denied.iter().any(|denied| denied.as_ref().is_none_or(|denied| role.ends_with(denied)));
        if is_denied || !role.starts_with("arn:aws:iam::") || !role.contains(":role/") {
            let message = format!("User: the worker is not authorized to perform: sts:AssumeRole on resource: {role}");
            return Err(Refusal { status: 403, ..Refusal::new("AccessDenied", message) });
        }
        let number = self.sessions.len();
        let (access_key, token) = (format!("ASIA{number}"), format!("token-{number}"));
        let ends_at = now + Duration::from_secs(lasts);
        self.sessions.insert(access_key.clone(), Session { role, token: token.clone(), external_id, ends_at });
        Ok(Given { access_key, token })
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
        let Some(Session { role, token, ends_at, .. }) = self.sessions.get(key) else {
            if key == WORKER[0] {
                return Err(Refusal::denied("the worker", action, &queue.arn()));
            }
            return Err(unknown_caller("UnrecognizedClientException"));
        };
        if headers.get("x-amz-security-token").is_none_or(|shown| shown.as_bytes() != token.as_bytes()) {
            return Err(unknown_caller("InvalidClientTokenId"));
        }
        if now >= *ends_at {
            let refusal = Refusal::new("ExpiredToken", "The security token included in the request is expired");
            return Err(Refusal { status: 403, ..refusal });
        }
        let denied = || Err(Refusal::denied(role, action, &queue.arn()));
        if self.denied.iter().any(|denied| denied.as_ref().is_none_or(|denied| role.ends_with(denied))) {
            return denied();
        }
        let ask = Ask { role_arn: role, role_id: None, action, queue_arn: &queue.arn(), settled: &[], meant: None };
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
