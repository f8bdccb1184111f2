//! Uploading a service in steps: choose its document, verify what was read, choose Spaces.
//!
//! Nothing is stored before the last step: each carries the document along in its form.

mod document;
mod spaces;
mod verified;

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use leptos::prelude::*;

use super::super::brought::Brought;
use crate::{
    manager::{Error, FieldError, Manager, actor::Right},
    web::{
        paths,
        refusal::{beside_fields, status},
        ui::{Errors, Section, StepState, WizardStep, WizardSteps},
        visit::{Place, Visit},
    },
};
use document::First;

/// The first step.
pub(super) async fn new(visit: Visit, State(manager): State<Manager>) -> Response {
    match manager.may(&visit.actor(), Right::Upload).await {
        Ok(may) => match may.refusal {
            None => document::page(&visit, StatusCode::OK, First::default()).await,
            Some(why) => visit.refusal(Error::Forbidden(why)).await,
        },
        Err(error) => visit.refusal(error).await,
    }
}

/// The address of the last step, opened anew: the document is no longer there.
pub(super) async fn again() -> Response {
    Redirect::to(paths::UPLOAD_SERVICE).into_response()
}

/// The second step: what was read.
pub(super) async fn verify(visit: Visit, State(manager): State<Manager>, brought: Brought) -> Response {
    let document = match brought.document() {
        Ok(document) => document,
        Err(errors) => return document::page(&visit, StatusCode::UNPROCESSABLE_ENTITY, First::wrong(errors)).await,
    };
    match manager.upload_service(&visit.actor(), document.to_vec(), &[], true).await {
        Ok(upload) => verified::page(&visit, &document, upload).await,
        Err(error) => refused(&visit, &document, error).await,
    }
}

/// The third step, and with `create` the end.
pub(super) async fn spaces(visit: Visit, State(manager): State<Manager>, brought: Brought) -> Response {
    let document = match brought.document() {
        Ok(document) => document,
        Err(errors) => return document::page(&visit, StatusCode::UNPROCESSABLE_ENTITY, First::wrong(errors)).await,
    };
    let (chosen, creates) = (brought.typed.all("spaces"), brought.typed.has("create"));
    let upload = match manager.upload_service(&visit.actor(), document.to_vec(), &[], true).await {
        Ok(upload) => upload,
        Err(error) => return refused(&visit, &document, error).await,
    };
    let all = match manager.list_spaces(&visit.actor()).await {
        Ok(all) => all,
        Err(error) => return visit.refusal(error).await,
    };
    if !creates {
        let chosen = upload.spaces.clone();
        let asked = spaces::Asked { document, upload, all, chosen, errors: Errors::default() };
        return spaces::page(&visit, StatusCode::OK, asked).await;
    }
    match manager.upload_service(&visit.actor(), document.to_vec(), &chosen, false).await {
        Ok(done) => {
            let contract = &done.contract;
            let text = if done.changes.is_empty() {
                format!("{} {} was there already: nothing has changed.", contract.title, contract.version)
            } else {
                format!("{} {} is uploaded for {}.", contract.title, contract.version, done.spaces.join(", "))
            };
            visit.done(&paths::service(contract.service.as_str()), text).await
        }
        Err(error @ Error::Forbidden(_)) => visit.refusal(error).await,
        Err(error) => {
            let status = status(&error);
            let errors = match error {
                Error::Invalid(_) if chosen.is_empty() => {
                    std::iter::once(("", "Choose at least one Space.".to_owned())).collect()
                }
                Error::Invalid(fields) => said(fields),
                error => match beside_fields(&error) {
                    Some(errors) => errors,
                    None => return visit.refusal(error).await,
                },
            };
            spaces::page(&visit, status, spaces::Asked { document, upload, all, chosen, errors }).await
        }
    }
}

/// What is wrong with the choice, as one sentence: its boxes are not fields of their own.
fn said(fields: Vec<FieldError>) -> Errors {
    let all: Vec<_> = fields.into_iter().map(|wrong| format!("{} {}", wrong.field, wrong.message)).collect();
    std::iter::once(("", format!("Not uploaded: {}.", all.join("; ")))).collect()
}

/// Back to the first step with all that is wrong, and the text as it was read.
async fn refused(visit: &Visit, document: &[u8], error: Error) -> Response {
    let status = status(&error);
    let text = std::str::from_utf8(document).unwrap_or_default().to_owned();
    let first = match error {
        Error::Forbidden(_) => return visit.refusal(error).await,
        Error::Invalid(problems) => First { text, problems, errors: Errors::default() },
        error => match beside_fields(&error) {
            Some(errors) => First { text, problems: Vec::new(), errors },
            None => return visit.refusal(error).await,
        },
    };
    document::page(visit, status, first).await
}

fn place() -> Place {
    Place::new(Section::Services, "Upload a service").under("Services", paths::SERVICES)
}

/// The steps, the one shown counted from 1, with what was answered before.
fn steps(shown: usize, service: &str) -> AnyView {
    let step = |nth: usize, label: &str, summary: &str| WizardStep {
        label: label.to_owned(),
        summary: summary.to_owned(),
        state: match nth.cmp(&shown) {
            std::cmp::Ordering::Less => StepState::Done,
            std::cmp::Ordering::Equal => StepState::Current,
            std::cmp::Ordering::Greater => StepState::Todo,
        },
        href: (nth == 1 && shown > 1).then(|| paths::UPLOAD_SERVICE.to_owned()),
    };
    let steps = vec![step(1, "Document", service), step(2, "Verify", ""), step(3, "Spaces", "")];
    view! { <WizardSteps steps/> }.into_any()
}
