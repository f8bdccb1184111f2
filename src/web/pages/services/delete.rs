//! Taking an uploaded service away from a Space: asks first, and says what is lost.

use axum::{
    extract::{Path, State, rejection::PathRejection},
    http::StatusCode,
    response::Response,
};
use leptos::prelude::*;

use super::super::parts::Typed;
use crate::{
    manager::{Error, Manager},
    web::{
        paths,
        refusal::{beside_fields, status},
        ui::{ButtonKind, ButtonLink, Confirm, ErrorSummary, Errors, Field, Glyph, PageHead, Section, Submit},
        visit::{Place, Visit},
    },
};

/// What goes, and what stays.
fn lost() -> AnyView {
    view! {
        <ul class="lost">
            <li>"Its events flow in this Space no longer; nobody uses them there now."</li>
            <li>"With its last Space goes the service, with its documents."</li>
            <li>"The topics stay in Kafka with what is in them. Nobody has access to them."</li>
        </ul>
    }
    .into_any()
}

/// The button that asks.
pub(super) fn button(id: String, service: &str, space: &str) -> AnyView {
    let action = paths::delete_service(service, space);
    let (title, lost, page) = (format!("Delete {service} in {space}?"), lost(), action.clone());
    view! {
        <Confirm id=id label="Delete" title=title action=action page=page confirm="Delete service" typed=service kind=ButtonKind::Quiet
            glyph=Glyph::Trash>
            {lost}
        </Confirm>
    }
    .into_any()
}

/// The service and the Space, as they are called; refused where there is nothing to delete, or not by this member.
async fn find(
    visit: &Visit,
    manager: &Manager,
    path: Result<Path<(String, String)>, PathRejection>,
) -> Result<(String, String), Error> {
    let Ok(Path((service, space))) = path else { return Err(Error::NotFound("service")) };
    let found = manager.load_service(&visit.actor(), &service).await?;
    let place = found.places.into_iter().find(|(place, _)| place.name.eq_ignore_ascii_case(&space));
    let (place, may) = place.ok_or(Error::NotFound("service in this Space"))?;
    match may.refusal {
        Some(why) => Err(Error::Forbidden(why)),
        None => Ok((found.key, place.name)),
    }
}

pub(super) async fn ask(
    visit: Visit,
    State(manager): State<Manager>,
    path: Result<Path<(String, String)>, PathRejection>,
) -> Response {
    match find(&visit, &manager, path).await {
        Ok((service, space)) => page(&visit, StatusCode::OK, service, space, Errors::default()).await,
        Err(error) => visit.refusal(error).await,
    }
}

pub(super) async fn delete(
    visit: Visit,
    State(manager): State<Manager>,
    path: Result<Path<(String, String)>, PathRejection>,
    typed: Typed,
) -> Response {
    let (service, space) = match find(&visit, &manager, path).await {
        Ok(found) => found,
        Err(error) => return visit.refusal(error).await,
    };
    if typed.get("typed").trim() != service {
        let errors = std::iter::once(("typed", format!("Type the key exactly: {service}"))).collect();
        return page(&visit, StatusCode::UNPROCESSABLE_ENTITY, service, space, errors).await;
    }
    match manager.delete_upload(&visit.actor(), &service, &space).await {
        Ok(true) => visit.done(paths::SERVICES, format!("The service {service} is deleted.")).await,
        Ok(false) => {
            visit.done(&paths::service(&service), format!("The service {service} is deleted in {space}.")).await
        }
        Err(error @ Error::Forbidden(_)) => visit.refusal(error).await,
        Err(error) => match beside_fields(&error) {
            Some(errors) => page(&visit, status(&error), service, space, errors).await,
            None => visit.refusal(error).await,
        },
    }
}

async fn page(visit: &Visit, status: StatusCode, service: String, space: String, errors: Errors) -> Response {
    let place = Place::new(Section::Services, "Delete")
        .under("Services", paths::SERVICES)
        .under(&service, paths::service(&service));
    visit
        .page_as(status, place, move || {
            let (action, back) = (paths::delete_service(&service, &space), paths::service(&service));
            let (title, label) = (format!("Delete {service} in {space}?"), format!("Type {service} to confirm"));
            let (summary, typed, lost) = (errors.clone(), errors.get("typed"), lost());
            view! {
                <PageHead title=title lead="Only where nobody uses it: no environment implements one of its events or has access to one, no bridge has a route."/>
                <ErrorSummary errors=summary/>
                {lost}
                <form method="post" action=action class="form confirm">
                    <Field label=label name="typed" error=typed mono=true/>
                    <p class="row">
                        <Submit kind=ButtonKind::Danger glyph=Glyph::Trash>"Delete service"</Submit>
                        <ButtonLink href=back kind=ButtonKind::Quiet>"Cancel"</ButtonLink>
                    </p>
                </form>
            }
            .into_any()
        })
        .await
}
