//! Apps and environments from a file.

use axum::{Json, extract::State};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::{body, caller::Caller, extract::Params, problem::Result};
use crate::manager::{Manager, import::Import};

/// `POST /import?dry_run=true`: registers what a file of YAML or JSON holds, all of it or nothing.
pub async fn import(
    caller: Caller,
    State(manager): State<Manager>,
    params: Params,
    body::File(bytes): body::File,
) -> Result<Json<Value>> {
    let dry_run = params.flag("dry_run")?;
    let import = Import::read(bytes.into()).await?;
    let done = manager.import(&caller.0, &import, dry_run).await?;
    // Of a dry run nothing stays: its links lead nowhere.
    let invited = done.invited.iter().map(|(email, link)| {
        if dry_run { json!({ "email": email }) } else { json!({ "email": email, "link": link.expose_secret() }) }
    });
    Ok(Json(json!({
        "dry_run": dry_run,
        "steps": done.steps,
        "unchanged": done.unchanged,
        "invited": invited.collect::<Vec<_>>(),
    })))
}
