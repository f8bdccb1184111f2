//! Why an app does not receive an event.

use axum::{Json, extract::State};
use serde_json::{Value, json};

use super::{caller::Caller, extract::At, problem::Result};
use crate::{
    domain::names::{AppKey, EnvKey},
    manager::Manager,
};

/// `GET /apps/{app}/environments/{env}/events/{service}/{event}/explain`: the chain from the event to the app.
pub async fn explain(
    caller: Caller,
    State(manager): State<Manager>,
    At((app, env, service, event)): At<(AppKey, EnvKey, String, String)>,
) -> Result<Json<Value>> {
    let found = manager.explain(&caller.0, app.as_str(), env.as_str(), &service, &event).await?;
    let steps = found
        .steps
        .iter()
        .map(|step| json!({ "link": step.link, "holds": step.holds, "text": step.text, "cure": step.cure }));
    Ok(Json(json!({
        "app": app,
        "env": env,
        "service": found.event.service,
        "event": found.event.name,
        "broken": found.broken().map(|step| step.link),
        "steps": steps.collect::<Vec<_>>(),
    })))
}
