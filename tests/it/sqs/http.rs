//! A call, from its bytes to its answer.

use std::{io, sync::Arc};

use axum::{
    body::{Body, Bytes},
    extract,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use futures::stream;
use tokio::time::sleep;
use url::form_urlencoded;

use super::{
    callers::{Given, Wish, iam_action},
    calls::{entries, nothing, read, wait_of},
    faults::{Asked, Fault, When},
    refusal::{JSON, Refusal},
    server::Shared,
    shapes::OfQueue,
};

/// The most bytes of a call: all messages, and what is around them.
pub const MOST_BYTES: usize = 8 << 20;

/// Answers a call of SQS, which its header names; STS is called without.
pub async fn answer(extract::State(shared): extract::State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let Some(target) = headers.get("x-amz-target") else { return of_sts(&shared, &headers, &body) };
    let Some(action) = target.to_str().ok().and_then(|target| target.strip_prefix("AmazonSQS.")) else {
        return Refusal::new("UnknownOperationException", "").answer();
    };
    let fault = {
        let mut state = shared.state();
        let asked = Asked { action: action.to_owned(), entries: entries(action, &body) };
        state.journal.push(asked.clone());
        state.decide.as_mut().map_or(Fault::None, |decide| decide(&asked))
    };
    shared.holds.pass(action, When::Asked).await;
    if let Fault::Wait(time) = fault {
        sleep(time).await;
    }
    if let Some(refusal) = fault.refusal() {
        return refusal.answer();
    }
    match fault {
        Fault::CutBefore => return cut(),
        Fault::Redirect => {
            return (StatusCode::MOVED_PERMANENTLY, [("location", "http://127.0.0.1:9/")]).into_response();
        }
        _ => {}
    }
    let done = carry_out(&shared, &headers, action, &body, &fault).await;
    shared.holds.pass(action, When::Done).await;
    match done {
        _ if matches!(fault, Fault::LoseReply) => cut(),
        Ok(json) => ([("content-type", JSON)], json).into_response(),
        Err(refusal) => {
            shared.state().refused += 1;
            refusal.answer()
        }
    }
}

/// An answer that ends before it has begun.
fn cut() -> Response {
    let broken = stream::once(async { Err::<Bytes, _>(io::Error::from(io::ErrorKind::ConnectionReset)) });
    ([("content-type", JSON), ("content-length", "1000")], Body::from_stream(broken)).into_response()
}

async fn carry_out(
    shared: &Shared,
    headers: &HeaderMap,
    action: &str,
    body: &[u8],
    fault: &Fault,
) -> Result<Vec<u8>, Refusal> {
    let url = read::<OfQueue>(body)?.queue_url.ok_or_else(|| Refusal::missing("QueueUrl"))?;
    let wait = if action == "ReceiveMessage" { Some(wait_of(body)?) } else { None };
    // Before anything is looked at, so that nothing is missed.
    let (mut changes, mut leaps) = (shared.changes.subscribe(), shared.clock.leaps());
    let until = shared.clock.now() + wait.unwrap_or_default();
    loop {
        changes.mark_unchanged();
        leaps.mark_unchanged();
        let shows_at = {
            let mut state = shared.state();
            let now = shared.clock.now();
            let Some(queue) = state.queues.get(&url) else {
                return Err(Refusal::new("QueueDoesNotExist", "The specified queue does not exist."));
            };
            state.callers.authorize(headers, &iam_action(action), queue, now)?;
            if let Some(answer) = state.carry_out(action, &url, body, fault)? {
                drop(state);
                shared.changed();
                return Ok(answer);
            }
            if now >= until {
                return Ok(nothing());
            }
            state.queues[&url].shows_at(now).map_or(until, |at| at.min(until)).saturating_sub(now)
        };
        tokio::select! {
            () = sleep(shows_at) => {}
            _ = changes.changed() => {}
            _ = leaps.changed() => {}
        }
    }
}

fn of_sts(shared: &Shared, headers: &HeaderMap, body: &[u8]) -> Response {
    let form: Vec<(String, String)> = form_urlencoded::parse(body).into_owned().collect();
    let field = |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    let (Some("AssumeRole"), Some(role)) = (field("Action").as_deref(), field("RoleArn")) else {
        return Refusal::new("InvalidAction", "Could not find operation").answer_of_sts();
    };
    let session = field("RoleSessionName").unwrap_or_default();
    let wish = Wish {
        role: role.clone(),
        session: session.clone(),
        external_id: field("ExternalId"),
        seconds: field("DurationSeconds"),
    };
    let assumed = shared.state().callers.assume(headers, wish, shared.clock.now());
    let Given { access_key, token } = match assumed {
        Ok(given) => given,
        Err(refusal) => return refusal.answer_of_sts(),
    };
    let (account, name) = (role.split(':').nth(4).unwrap_or_default(), role.rsplit('/').next().unwrap_or_default());
    let body = format!(
        "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult><Credentials>\
         <AccessKeyId>{access_key}</AccessKeyId><SecretAccessKey>secret</SecretAccessKey><SessionToken>{token}</SessionToken>\
         <Expiration>2099-01-01T00:00:00Z</Expiration></Credentials><AssumedRoleUser><AssumedRoleId>AROA{name}:{session}\
         </AssumedRoleId><Arn>arn:aws:sts::{account}:assumed-role/{name}/{session}</Arn></AssumedRoleUser>\
         </AssumeRoleResult></AssumeRoleResponse>"
    );
    ([("content-type", "text/xml")], body).into_response()
}
