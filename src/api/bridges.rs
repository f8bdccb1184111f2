//! Bridges: making, changing, checking, starting, stopping, taking away.

use axum::{Json, extract::State, http::StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    answer::{at, at_or_null, page, with_status},
    body,
    caller::Caller,
    extract::{At, Params},
    problem::{Problem, Result},
};
use crate::{
    domain::{
        bridge::{Direction, Mode},
        ids::BridgeId,
        names::SpaceName,
    },
    manager::{
        Manager,
        bridges::{Bridge, BridgeDraft, BridgeFilter, PolicyFormat, QueueCheck, Route, RouteDraft, checks},
    },
};

/// `{name, space, kind, region, routes?}`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewBridge {
    name: String,
    space: SpaceName,
    #[expect(dead_code, reason = "there is one kind so far; naming another is refused")]
    kind: Kind,
    region: String,
    #[serde(default)]
    routes: Vec<RouteBody>,
}

/// The same, whole, with the version that was read before.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangedBridge {
    version: i64,
    name: String,
    space: SpaceName,
    #[expect(dead_code, reason = "there is one kind so far; naming another is refused")]
    kind: Kind,
    region: String,
    routes: Vec<RouteBody>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Sqs,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RouteBody {
    service: String,
    event: String,
    direction: Direction,
    queue_url: String,
    #[serde(default)]
    mode: Mode,
}

impl From<RouteBody> for RouteDraft {
    fn from(RouteBody { service, event, direction, queue_url, mode }: RouteBody) -> Self {
        Self { service, event, direction, queue_url, mode }
    }
}

/// `{vouched?, version?}`
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Start {
    #[serde(default)]
    vouched: bool,
    #[serde(default, deserialize_with = "body::given")]
    version: Option<i64>,
}

/// `{version?}`
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stop {
    #[serde(default, deserialize_with = "body::given")]
    version: Option<i64>,
}

/// `POST /bridges`
pub async fn create(
    caller: Caller,
    State(manager): State<Manager>,
    body::Json(new): body::Json<NewBridge>,
) -> Result<(StatusCode, Json<Value>)> {
    let draft = BridgeDraft { name: new.name, space: new.space.to_string(), region: new.region };
    let routes: Vec<_> = new.routes.into_iter().map(RouteDraft::from).collect();
    let id = manager.create_bridge_with_routes(&caller.0, &draft, &routes).await?;
    Ok((StatusCode::CREATED, Json(bridge(&manager.load_bridge(&caller.0, id).await?))))
}

/// `GET /bridges`
pub async fn list(caller: Caller, State(manager): State<Manager>, params: Params) -> Result<Json<Value>> {
    let filter = BridgeFilter {
        q: params.text("q").unwrap_or_default().to_owned(),
        space: params.parsed::<SpaceName>("space", "the name of a Space")?.map(|space| space.to_string()),
        sorting: params.cursor()?,
        limit: params.limit()?,
        ..BridgeFilter::default()
    };
    Ok(page(&manager.list_bridges(&caller.0, &filter).await?, bridge))
}

/// `GET /bridges/{bridge}`
pub async fn load(caller: Caller, State(manager): State<Manager>, At(id): At<BridgeId>) -> Result<Json<Value>> {
    answer(&manager, &caller, id).await
}

/// `PUT /bridges/{bridge}`: replaces the whole configuration.
pub async fn replace(
    caller: Caller,
    State(manager): State<Manager>,
    At(id): At<BridgeId>,
    body::Json(changed): body::Json<ChangedBridge>,
) -> Result<Json<Value>> {
    let draft = BridgeDraft { name: changed.name, space: changed.space.to_string(), region: changed.region };
    let routes: Vec<_> = changed.routes.into_iter().map(RouteDraft::from).collect();
    manager.replace_bridge(&caller.0, id, changed.version, &draft, &routes).await?;
    answer(&manager, &caller, id).await
}

/// `DELETE /bridges/{bridge}`: its lanes end first, so this is only the beginning.
pub async fn delete(
    caller: Caller,
    State(manager): State<Manager>,
    At(id): At<BridgeId>,
    params: Params,
) -> Result<StatusCode> {
    manager.delete_bridge(&caller.0, id, params.number("version", 0, i64::MAX)?).await?;
    Ok(StatusCode::ACCEPTED)
}

/// `GET /bridges/{bridge}/policy?format=json|terraform|cloudformation`
pub async fn policy(
    caller: Caller,
    State(manager): State<Manager>,
    At(id): At<BridgeId>,
    params: Params,
) -> Result<Json<Value>> {
    let (word, format) = match params.text("format") {
        None | Some("json") => ("json", PolicyFormat::Json),
        Some("terraform") => ("terraform", PolicyFormat::Terraform),
        Some("cloudformation") => ("cloudformation", PolicyFormat::CloudFormation),
        Some(_) => return Err(Problem::field("format", "must be json, terraform or cloudformation")),
    };
    let policy = manager.bridge_policy(&caller.0, id, format).await?;
    let queues = policy.queues.iter().map(|queue| {
        json!({
            "queue_url": queue.queue,
            "directions": queue.directions,
            "statement": queue.statement,
            "warning": queue.warning,
            "merged": queue.merged,
            "problem": queue.problem,
        })
    });
    Ok(Json(json!({
        "format": word,
        "queues": queues.collect::<Vec<_>>(),
        "role_settles_at": at_or_null(policy.role_settles_at),
    })))
}

/// `POST /bridges/{bridge}/check`
pub async fn check(caller: Caller, State(manager): State<Manager>, At(id): At<BridgeId>) -> Result<Json<Value>> {
    let found = manager.check_bridge(&caller.0, id).await?;
    let readiness = found.iter().map(QueueCheck::readiness).max();
    Ok(Json(json!({ "readiness": readiness, "queues": found.iter().map(queue).collect::<Vec<_>>() })))
}

/// `POST /bridges/{bridge}/start`
pub async fn start(
    caller: Caller,
    State(manager): State<Manager>,
    At(id): At<BridgeId>,
    body::OptionalJson(Start { vouched, version }): body::OptionalJson<Start>,
) -> Result<Json<Value>> {
    manager.start_bridge(&caller.0, id, version, vouched).await?;
    answer(&manager, &caller, id).await
}

/// `POST /bridges/{bridge}/stop`
pub async fn stop(
    caller: Caller,
    State(manager): State<Manager>,
    At(id): At<BridgeId>,
    body::OptionalJson(Stop { version }): body::OptionalJson<Stop>,
) -> Result<Json<Value>> {
    manager.stop_bridge(&caller.0, id, version).await?;
    answer(&manager, &caller, id).await
}

/// `POST /bridges/{bridge}/go-on`
pub async fn go_on(
    caller: Caller,
    State(manager): State<Manager>,
    At(id): At<BridgeId>,
    body::OptionalJson(Stop { version }): body::OptionalJson<Stop>,
) -> Result<Json<Value>> {
    manager.go_on_bridge(&caller.0, id, version).await?;
    answer(&manager, &caller, id).await
}

/// `POST /bridges/{bridge}/set-aside`
pub async fn set_aside(
    caller: Caller,
    State(manager): State<Manager>,
    At(id): At<BridgeId>,
    body::OptionalJson(Stop { version }): body::OptionalJson<Stop>,
) -> Result<Json<Value>> {
    manager.set_event_aside(&caller.0, id, version).await?;
    answer(&manager, &caller, id).await
}

async fn answer(manager: &Manager, caller: &Caller, id: BridgeId) -> Result<Json<Value>> {
    Ok(Json(bridge(&manager.load_bridge(&caller.0, id).await?)))
}

fn bridge(bridge: &Bridge) -> Value {
    let reason = (!bridge.status_reason.is_empty()).then_some(&bridge.status_reason);
    json!({
        "id": bridge.id,
        "name": bridge.name,
        "space": bridge.space.name,
        "kind": "sqs",
        "region": bridge.region,
        "status": bridge.status,
        "status_reason": reason,
        "status_since": at(bridge.status_since),
        "gap": bridge.gap,
        "stuck": bridge.stuck,
        "desired": bridge.desired,
        "version": bridge.version,
        "created_at": at(bridge.created_at),
        "role_arn": bridge.role_arn,
        "routes": bridge.routes.iter().map(route).collect::<Vec<_>>(),
        "queues": checks(bridge).iter().map(queue).collect::<Vec<_>>(),
        "dead_letters": bridge.dead_letters,
        "delay_seconds": bridge.delay.map(|delay| delay.as_secs_f64()),
        "steps": bridge.steps,
        "kafka": with_status(json!({}), &bridge.followed),
    })
}

fn route(route: &Route) -> Value {
    json!({
        "id": route.id,
        "service": route.service,
        "service_version": route.contract_version,
        "event": route.event,
        "app": route.app,
        "channel": route.channel,
        "direction": route.direction,
        "queue_url": route.queue,
        "mode": route.mode,
        "granted": route.granted,
        "moved": route.moved,
        "last_moved_at": at_or_null(route.last_moved_at),
        "reordered": route.reordered,
    })
}

/// The result of Check for one queue. The queue's own policy is left out: viewers see this.
fn queue(check: &QueueCheck) -> Value {
    json!({
        "queue_url": check.queue,
        "readiness": check.readiness(),
        "actions": check.actions,
        "warnings": check.warnings,
    })
}
