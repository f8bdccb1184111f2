//! Access: grants, and where they differ from what is implemented.

use axum::{Json, extract::State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    body,
    caller::Caller,
    extract::{At, Params},
    problem::{Problem, Result},
};
use crate::{
    domain::{
        grant::Access,
        names::{AppKey, EnvKey, SpaceName},
    },
    manager::{
        Manager,
        access::{AccessFilter, Finding, Wanted},
    },
};

/// `{app, env, service, event, access: [..]}`: all that the environment may do with the event from then on.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grants {
    app: AppKey,
    env: EnvKey,
    service: String,
    event: String,
    access: Vec<Access>,
}

/// `PUT /spaces/{space}/grants`
pub async fn set(
    caller: Caller,
    State(manager): State<Manager>,
    At(space): At<SpaceName>,
    body::Json(Grants { app, env, service, event, access }): body::Json<Grants>,
) -> Result<Json<Value>> {
    let (app, env) = (app.as_str(), env.as_str());
    let is_here = |name: &SpaceName| name.as_str().eq_ignore_ascii_case(space.as_str());
    let environment = manager.load_environment(&caller.0, app, env).await?.listed.environment;
    if !environment.space.as_ref().is_some_and(|of| is_here(&of.name)) {
        return Err(Problem::field("env", format!("is not in the Space {space}")));
    }
    let has = |wanted| access.contains(&wanted);
    let wanted = [Wanted { publish: has(Access::Publish), subscribe: has(Access::Subscribe), service, event }];
    let difference = manager.change_access(&caller.0, app, env, None, &wanted).await;
    let difference = difference.map_err(|error| Problem::from(error).renamed("events/0", "event"))?;
    Ok(Json(json!({
        "added": difference.added,
        "removed": difference.removed,
        "asleep": difference.asleep,
    })))
}

/// `GET /findings`: what will fail first.
pub async fn findings(caller: Caller, State(manager): State<Manager>, params: Params) -> Result<Json<Value>> {
    let limit = params.limit()?;
    let skip = params.number("cursor", 0, i64::from(u32::MAX))?.unwrap_or(0);
    let filter = AccessFilter {
        q: params.text("q").unwrap_or_default().to_owned(),
        space: params.parsed::<SpaceName>("space", "the name of a Space")?.map(|space| space.to_string()),
        app: params.parsed::<AppKey>("app", "the key of an app")?.map(|app| app.to_string()),
        limit: limit + 1,
        ..AccessFilter::default()
    };
    let mut found = manager.list_findings(&caller.0, &filter, skip).await?;
    let size = usize::try_from(limit).unwrap_or(usize::MAX);
    let next = (found.len() > size).then(|| (skip + limit).to_string());
    found.truncate(size);
    Ok(Json(json!({ "items": found.iter().map(finding).collect::<Vec<_>>(), "next_cursor": next })))
}

fn finding(finding: &Finding) -> Value {
    json!({
        "app": finding.app,
        "env": finding.environment,
        "space": finding.space,
        "service": finding.service,
        "event": finding.event,
        "access": finding.access,
        "finding": if finding.is_missing { "implemented-no-access" } else { "access-not-implemented" },
    })
}
