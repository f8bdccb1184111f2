//! A queue that keeps nothing: it answers the calls of SQS and of STS as AWS does, after a wait that stands for the way
//! there and back, counts what it takes, and makes what it gives.

mod checksum;
mod supply;

use std::{
    borrow::Cow,
    collections::BTreeMap,
    io::{Read as _, stdin},
    net::Ipv4Addr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::{get, post},
    serve::ListenerExt,
};
use ebm::domain::cloud_event;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::{
    net::TcpListener,
    time::{Instant, sleep_until},
};

use crate::{
    Result, event,
    tally::{Sums, Tally},
    wire::{self, Attribute, Batch, Done, Entry, Handle, JSON, Outcomes, Receive, Received, Sent, TARGET},
};
use supply::Supply;

/// How long received messages are hidden where nothing is said (Amazon SQS API Reference, `VisibilityTimeout`).
const HIDDEN: u64 = 30;
/// The answer to `AssumeRole` (AWS STS API Reference).
const SESSION: &str = "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult>\
     <Credentials><AccessKeyId>ASIABENCH</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>\
     <SessionToken>token</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>\
     <AssumedRoleUser><AssumedRoleId>AROABENCH:bench</AssumedRoleId>\
     <Arn>arn:aws:sts::123456789012:assumed-role/bench/bench</Arn></AssumedRoleUser>\
     </AssumeRoleResult></AssumeRoleResponse>";

/// What one contestant is given, and how.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
pub struct Setup {
    /// How many events there are.
    pub events: u32,
    /// How many attributes each has.
    pub attributes: usize,
    /// How long each call waits for its answer, in milliseconds.
    pub latency_ms: u64,
    /// How many messages are there at once, whatever the pace; these are not timed.
    pub warm: u32,
    /// Microseconds between two of the others; where there is none, all are there at once and none is timed.
    pub pace_us: Option<u64>,
}

/// What the queue has seen.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
pub struct Counts {
    /// What was sent to it.
    pub sent: Sums,
    /// Messages that were deleted.
    pub deleted: u32,
    /// Calls of SQS.
    pub requests: u32,
    /// The most calls at a time that send or receive.
    pub most: u32,
    /// Seconds that such a call took on average.
    pub held: f64,
}

/// One contestant's turn.
struct Turn {
    setup: Setup,
    state: Mutex<Seen>,
}

struct Seen {
    tally: Tally,
    supply: Supply,
    /// From being made to being sent here, in microseconds.
    latencies: Vec<u32>,
    requests: u32,
    /// Of calls that send or receive: under way, at most, ended, and how long these took together.
    busy: u32,
    most: u32,
    ended: u32,
    held: Duration,
}

impl Turn {
    fn new(setup: Setup) -> Self {
        let Setup { events, attributes, .. } = setup;
        let state = Mutex::new(Seen {
            tally: Tally::new(events, attributes),
            supply: Supply::new(&setup),
            latencies: Vec::new(),
            requests: 0,
            busy: 0,
            most: 0,
            ended: 0,
            held: Duration::ZERO,
        });
        Self { setup, state }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The turn there is now.
type Double = Arc<Mutex<Arc<Turn>>>;

fn turn(double: &Double) -> Arc<Turn> {
    Arc::clone(&double.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Serves until the process that has started this one is gone, and says first where.
pub async fn serve() -> Result<()> {
    let double = Double::new(Mutex::new(Arc::new(Turn::new(Setup::default()))));
    let router = Router::new()
        .route("/setup", post(set))
        .route("/begin", post(begin))
        .route("/counts", get(counts))
        .route("/latencies", get(latencies))
        .fallback(call)
        .with_state(double);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    println!("http://{}", listener.local_addr()?);
    // An answer does not wait for more to come.
    let listener = listener.tap_io(|connection| drop(connection.set_nodelay(true)));
    let orphaned = tokio::task::spawn_blocking(|| stdin().read_to_end(&mut Vec::new()));
    tokio::select! {
        served = axum::serve(listener, router).into_future() => Ok(served?),
        _ = orphaned => Ok(()),
    }
}

async fn set(State(double): State<Double>, Json(setup): Json<Setup>) {
    *double.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(Turn::new(setup));
}

async fn begin(State(double): State<Double>) {
    turn(&double).seen().supply.begin();
}

async fn counts(State(double): State<Double>) -> Json<Counts> {
    let turn = turn(&double);
    let seen = turn.seen();
    Json(Counts {
        sent: seen.tally.sums(),
        deleted: seen.supply.gone(),
        requests: seen.requests,
        most: seen.most,
        held: seen.held.as_secs_f64() / f64::from(seen.ended.max(1)),
    })
}

async fn latencies(State(double): State<Double>) -> Json<Vec<u32>> {
    Json(turn(&double).seen().latencies.clone())
}

/// A call of SQS, which its header names; STS is called without.
async fn call(State(double): State<Double>, headers: HeaderMap, body: Bytes) -> Response {
    let Some(target) = headers.get("x-amz-target").and_then(|target| target.to_str().ok()) else {
        return ([(CONTENT_TYPE, "text/xml")], SESSION).into_response();
    };
    let turn = turn(&double);
    let (began, name) = (Instant::now(), target.trim_start_matches(TARGET));
    let moves = matches!(name, "SendMessageBatch" | "ReceiveMessage");
    {
        let mut seen = turn.seen();
        seen.requests += 1;
        seen.busy += u32::from(moves);
        seen.most = seen.most.max(seen.busy);
    }
    let answer = turn.answer(name, &body).await;
    if turn.setup.latency_ms > 0 {
        sleep_until(began + Duration::from_millis(turn.setup.latency_ms)).await;
    }
    if moves {
        let mut seen = turn.seen();
        seen.busy -= 1;
        seen.ended += 1;
        seen.held += began.elapsed();
    }
    match answer {
        Ok(json) => ([(CONTENT_TYPE, JSON)], json).into_response(),
        Err(error) => {
            let refusal = json!({ "__type": "com.amazonaws.sqs#InvalidParameterValue", "message": error.to_string() });
            (StatusCode::BAD_REQUEST, [(CONTENT_TYPE, JSON)], refusal.to_string()).into_response()
        }
    }
}

impl Turn {
    async fn answer(&self, name: &str, body: &[u8]) -> Result<Vec<u8>> {
        match name {
            "SendMessageBatch" => self.send(body),
            "ReceiveMessage" => self.receive(body).await,
            "DeleteMessageBatch" => self.handle(body, |supply, number, _| supply.delete(number)),
            "ChangeMessageVisibilityBatch" => self.handle(body, Supply::hide),
            "GetQueueAttributes" => {
                let attributes = json!({ "MaximumMessageSize": "1048576", "VisibilityTimeout": HIDDEN.to_string() });
                Ok(serde_json::to_vec(&json!({ "Attributes": attributes }))?)
            }
            other => Err(format!("{other} is not answered here").into()),
        }
    }

    fn send(&self, body: &[u8]) -> Result<Vec<u8>> {
        let Batch { entries, .. } = serde_json::from_slice::<Batch<Entry<'_>>>(body)?;
        let (now, is_timed) = (event::now(), self.setup.pace_us.is_some());
        let (mut successful, mut arrived) = (Vec::with_capacity(entries.len()), Vec::with_capacity(entries.len()));
        for Entry { id, message_body, message_attributes } in &entries {
            let attributes = || message_attributes.iter().map(|(name, value)| (*name, &*value.string_value));
            let read = event::read(attributes(), message_body);
            let timed = read.filter(|(number, _)| is_timed && *number >= self.setup.warm);
            let made = timed.and_then(|_| event::made_at(message_body));
            arrived.push((read, made.map(|made| now.saturating_sub(made))));
            successful.push(Sent {
                id,
                message_id: id,
                md5_of_body: checksum::of_body(message_body),
                md5_of_attributes: checksum::of_attributes(attributes()),
            });
        }
        let mut seen = self.seen();
        for (read, latency) in arrived {
            seen.tally.add(read);
            seen.latencies.extend(latency.map(|latency| u32::try_from(latency).unwrap_or(u32::MAX)));
        }
        drop(seen);
        Ok(serde_json::to_vec(&Outcomes { successful, failed: Vec::new() })?)
    }

    async fn receive(&self, body: &[u8]) -> Result<Vec<u8>> {
        let asked: Receive = serde_json::from_slice(body)?;
        let until = Instant::now() + Duration::from_secs(asked.wait_time_seconds);
        let hide = Duration::from_secs(asked.visibility_timeout.unwrap_or(HIDDEN));
        let taken = loop {
            let again = {
                let (mut seen, now) = (self.seen(), Instant::now());
                let taken = seen.supply.take(asked.max_number_of_messages.unwrap_or(1), hide, now);
                if !taken.is_empty() || now >= until {
                    break taken;
                }
                seen.supply.again(now)
            };
            sleep_until(again.min(until)).await;
        };
        let is_told = !asked.message_system_attribute_names.is_empty();
        let messages = taken.into_iter().map(|(number, at)| message(number, at, self.setup.attributes, is_told));
        Ok(serde_json::to_vec(&Received { messages: messages.collect() })?)
    }

    /// Does something to messages by their receipts.
    fn handle(&self, body: &[u8], act: impl Fn(&mut Supply, u32, Duration)) -> Result<Vec<u8>> {
        let Batch { entries, .. } = serde_json::from_slice::<Batch<Handle<'_>>>(body)?;
        let mut seen = self.seen();
        for Handle { receipt_handle, visibility_timeout, .. } in &entries {
            let number: u32 = receipt_handle.trim_start_matches('r').parse()?;
            act(&mut seen.supply, number, Duration::from_secs(visibility_timeout.unwrap_or_default()));
        }
        drop(seen);
        let successful: Vec<_> = entries.iter().map(|entry| Done { id: &entry.id }).collect();
        Ok(serde_json::to_vec(&Outcomes { successful, failed: Vec::new() })?)
    }
}

/// The message of an event. One with more attributes than a message takes has them in its body.
fn message(number: u32, at: u64, attributes: usize, is_told: bool) -> wire::Message<'static> {
    let (mut given, mut body): (BTreeMap<_, _>, _) =
        (event::attributes(number, attributes).collect(), event::data(number, at));
    if attributes > event::MOST_ATTRIBUTES {
        body = event::structured(given.iter().map(|(name, value)| (*name, &**value)), &body);
        given = BTreeMap::from([(cloud_event::CONTENT_TYPE, Cow::from(event::STRUCTURED))]);
    }
    let md5_of_attributes = checksum::of_attributes(given.iter().map(|(name, value)| (*name, &**value)));
    let told = [("ApproximateReceiveCount", "1"), ("SentTimestamp", "1700000000000")];
    wire::Message {
        message_id: format!("m{number}").into(),
        receipt_handle: format!("r{number}").into(),
        md5_of_body: checksum::of_body(&body).into(),
        body: body.into(),
        attributes: told.into_iter().filter(|_| is_told).collect(),
        md5_of_attributes: md5_of_attributes.map(Cow::from),
        message_attributes: given.into_iter().map(|(name, value)| (name, Attribute::text(value))).collect(),
    }
}
