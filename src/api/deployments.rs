//! Deployments: what a pipeline reports, and how far Kafka has followed.

use std::time::Duration;

use axum::{Json, extract::State, http::StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use time::OffsetDateTime;
use tokio::time::Instant;

use super::{
    answer::{at, with_status},
    body,
    caller::Reporter,
    extract::{At, Params},
    problem::{Problem, Result},
};
use crate::{
    domain::{
        grant::Access,
        names::{AppKey, EnvKey, ServiceKey},
    },
    manager::{
        Actor, FieldError, Followed, Manager,
        deployments::{Answer, Document, Implements, Report},
    },
};

/// Seconds that a request may wait for Kafka.
const MAX_WAIT: i64 = 30;
/// How often it looks meanwhile.
const LOOK: Duration = Duration::from_millis(200);
/// Documents of one report.
const MAX_DOCUMENTS: usize = 100;
/// Events of other services in one report.
const MAX_IMPLEMENTS: usize = 2000;
/// Characters in the name of an event.
const MAX_EVENT: usize = 256;

/// `{version, deployed_at, implements?}`; `defines` is taken out before: documents have a form of their own.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    version: String,
    #[serde(deserialize_with = "body::instant")]
    deployed_at: OffsetDateTime,
    #[serde(default)]
    implements: Vec<Implement>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Implement {
    service: String,
    event: String,
    access: Access,
}

/// `PUT /apps/{app}/environments/{env}/deployment`
pub async fn report(
    reporter: Reporter,
    State(manager): State<Manager>,
    At((app, env)): At<(AppKey, EnvKey)>,
    params: Params,
    body::Large(body): body::Large,
) -> Result<Json<Value>> {
    let dry_run = params.flag("dry_run")?;
    let wait = params.number("wait", 0, MAX_WAIT)?.unwrap_or(0);
    let report = read(body)?;
    let mut answer = manager.report_deployment(&reporter.0, app.as_str(), env.as_str(), report, dry_run).await?;
    if !dry_run {
        let until = Instant::now() + Duration::from_secs(wait.unsigned_abs());
        follow(&manager, &reporter.0, (&app, &env), &mut answer, until).await?;
    }
    let mut shown = show(&answer);
    shown["dry_run"] = dry_run.into();
    Ok(Json(shown))
}

/// `GET /apps/{app}/environments/{env}/deployment`
pub async fn load(
    reporter: Reporter,
    State(manager): State<Manager>,
    At((app, env)): At<(AppKey, EnvKey)>,
) -> Result<Json<Value>> {
    let found = manager.find_deployment(&reporter.0, app.as_str(), env.as_str()).await?;
    let missing = || Problem::new(StatusCode::NOT_FOUND, "not-found", "nothing was deployed here yet");
    Ok(Json(show(&found.ok_or_else(missing)?)))
}

/// Waits until Kafka has followed or refused, or until the time is over.
async fn follow(
    manager: &Manager,
    actor: &Actor,
    (app, env): (&AppKey, &EnvKey),
    answer: &mut Answer,
    until: Instant,
) -> Result<()> {
    while matches!(answer.followed, Followed::Pending(_)) && Instant::now() + LOOK <= until {
        tokio::time::sleep(LOOK).await;
        let Some(now) = manager.find_deployment(actor, app.as_str(), env.as_str()).await? else { break };
        answer.followed = now.followed;
    }
    Ok(())
}

fn read(mut body: Value) -> Result<Report> {
    let documents = body.as_object_mut().and_then(|object| object.remove("defines"));
    let body: Body = body::read(body)?;
    let defines = match documents {
        None => Vec::new(),
        Some(Value::Array(documents)) => read_documents(documents)?,
        Some(_) => return Err(Problem::field("defines", "must be a list of documents")),
    };
    if body.implements.len() > MAX_IMPLEMENTS {
        return Err(Problem::field("implements", format!("may name at most {MAX_IMPLEMENTS} events")));
    }
    let wrong: Vec<_> = body.implements.iter().enumerate().flat_map(|(i, item)| check(i, item)).collect();
    if !wrong.is_empty() {
        return Err(Problem::invalid(wrong));
    }
    let implements = body
        .implements
        .into_iter()
        .map(|Implement { service, event, access }| Implements { service, event, access })
        .collect();
    Ok(Report { version: body.version, deployed_at: body.deployed_at, defines, implements })
}

fn read_documents(documents: Vec<Value>) -> Result<Vec<Document>> {
    if documents.len() > MAX_DOCUMENTS {
        return Err(Problem::field("defines", format!("may hold at most {MAX_DOCUMENTS} documents")));
    }
    let read = |(i, document)| match document {
        Value::String(text) => Ok(Document::Text(text)),
        Value::Object(_) => Ok(Document::Object(document)),
        _ => Err(Problem::field(format!("defines/{i}"), "must be an AsyncAPI document: an object, or its text")),
    };
    documents.into_iter().enumerate().map(read).collect()
}

/// Names that no service or event can have.
fn check(i: usize, item: &Implement) -> Vec<FieldError> {
    let mut wrong = Vec::new();
    if let Err(why) = item.service.parse::<ServiceKey>() {
        wrong.push(FieldError::new(format!("implements/{i}/service"), why));
    }
    if item.event.is_empty() || item.event.chars().count() > MAX_EVENT || item.event.chars().any(char::is_control) {
        let why = format!("must be 1 to {MAX_EVENT} printable characters");
        wrong.push(FieldError::new(format!("implements/{i}/event"), why));
    }
    wrong
}

fn show(answer: &Answer) -> Value {
    let shown = json!({
        "version": answer.version,
        "deployed_at": at(answer.deployed_at),
        "space": answer.space,
        "changes": answer.changes,
        "topics": answer.topics,
        "notes": answer.notes,
    });
    with_status(shown, &answer.followed)
}
