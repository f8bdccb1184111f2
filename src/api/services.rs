//! Services that are defined outside of all apps: uploaded and taken away; the contract of any.

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::{
    caller::Caller,
    extract::{At, Params},
    form::Uploaded,
    problem::{Problem, Result},
};
use crate::{
    domain::names::{ServiceKey, SpaceName},
    manager::{
        Manager,
        services::{Notation, Upload},
    },
};

/// `POST /services`: takes a document of a service that no app defines; with `dry_run` says what it holds.
pub async fn upload(
    caller: Caller,
    State(manager): State<Manager>,
    params: Params,
    Uploaded { document, spaces }: Uploaded,
) -> Result<(StatusCode, Json<Value>)> {
    let dry_run = params.flag("dry_run")?;
    let upload = manager.upload_service(&caller.0, document, &spaces, dry_run).await?;
    let status = if upload.is_new && !dry_run { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(show(&upload, dry_run))))
}

fn show(upload: &Upload, dry_run: bool) -> Value {
    let contract = &upload.contract;
    let events = contract.channels.iter().flat_map(|channel| {
        channel.events.iter().map(|event| {
            json!({
                "name": event.name,
                "title": event.title,
                "description": event.description,
                "address": channel.address,
                "others_may_subscribe": event.app_sends,
                "others_may_publish": event.app_receives,
                "attributes": event.attributes,
            })
        })
    });
    json!({
        "service": contract.service,
        "title": contract.title,
        "version": contract.version,
        "description": contract.description,
        "events": events.collect::<Vec<_>>(),
        "spaces": upload.spaces,
        "changes": upload.changes,
        "notes": upload.notes,
        "dry_run": dry_run,
    })
}

/// `DELETE /services/{service}/spaces/{space}`: an uploaded one that nobody uses there.
pub async fn delete(
    caller: Caller,
    State(manager): State<Manager>,
    At((service, space)): At<(ServiceKey, SpaceName)>,
) -> Result<StatusCode> {
    manager.delete_upload(&caller.0, service.as_str(), space.as_str()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /services/{service}/asyncapi`: its contract, to be imported elsewhere.
pub async fn asyncapi(
    caller: Caller,
    State(manager): State<Manager>,
    At(service): At<ServiceKey>,
    params: Params,
) -> Result<Response> {
    let notation = match params.text("format") {
        None => Notation::Json,
        Some(word) => {
            Notation::from_word(word).ok_or_else(|| Problem::field("format", "must be \"json\" or \"yaml\""))?
        }
    };
    let text = manager.load_asyncapi(&caller.0, service.as_str(), notation).await?;
    // The key of a service is letters, digits and hyphens: it needs no quoting.
    let file = format!("attachment; filename=\"{service}.{}\"", notation.word());
    let headers = [(header::CONTENT_TYPE, notation.media_type().to_owned()), (header::CONTENT_DISPOSITION, file)];
    Ok((headers, text).into_response())
}
