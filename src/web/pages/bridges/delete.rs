//! Taking a bridge away: asks first, and says what is lost.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use leptos::prelude::*;

use super::{super::parts::Typed, load_to_change, place_under, words};
use crate::{
    domain::bridge::Desired,
    manager::{Error, Manager, bridges::Bridge},
    web::{
        paths,
        refusal::{beside_fields, status},
        ui::{ButtonKind, ButtonLink, Confirm, ErrorSummary, Errors, Field, Glyph, Notice, PageHead, Submit, Tone},
        visit::Visit,
    },
};

/// What goes, and what stays.
fn lost(bridge: &Bridge) -> AnyView {
    let what = words::routes(&bridge.routes);
    let moves = match (bridge.desired, bridge.routes.len()) {
        (Desired::Draft, _) => "Nothing was moved yet.".to_owned(),
        (Desired::Running, _) => format!("Its routes end: {what}. What is under way is finished first."),
        (_, 0) => "It has no routes.".to_owned(),
        _ => format!("Its routes go: {what}. It cannot be started again."),
    };
    let letters = (bridge.dead_letters > 0).then(|| {
        view! { <li>{format!("{} dead letters are lost.", words::grouped(bridge.dead_letters))}</li> }
    });
    let place = (bridge.desired != Desired::Draft).then(|| {
        view! { <li>"The place up to which it has read is lost: another bridge for the same events begins anew."</li> }
    });
    view! {
        <ul class="lost">
            <li>{moves}</li>
            {letters}
            {place}
            <li>"Its role in AWS is removed."</li>
            <li>"Queues and channels stay, with what is in them. So do the statements in the queues' policies: their owners remove them."</li>
        </ul>
    }
    .into_any()
}

/// The button that asks.
pub(super) fn button(bridge: &Bridge) -> AnyView {
    let action = paths::bridge_act(bridge.id, "delete");
    let name = bridge.name.to_string();
    let fields = vec![("version".to_owned(), bridge.version.to_string())];
    let lost = lost(bridge);
    view! {
        <Confirm id="delete" label="Delete" title=format!("Delete the bridge “{name}”?") action=action.clone() page=action
            confirm="Delete bridge" typed=name kind=ButtonKind::Danger glyph=Glyph::Trash fields=fields>
            {lost}
        </Confirm>
    }
    .into_any()
}

pub(super) async fn ask(visit: Visit, State(manager): State<Manager>, Path(id): Path<String>) -> Response {
    match load_to_change(&visit, &manager, &id).await {
        Ok(bridge) => page(&visit, StatusCode::OK, bridge, Errors::default()).await,
        Err(answer) => answer,
    }
}

pub(super) async fn delete(
    visit: Visit,
    State(manager): State<Manager>,
    Path(id): Path<String>,
    typed: Typed,
) -> Response {
    let bridge = match load_to_change(&visit, &manager, &id).await {
        Ok(bridge) => bridge,
        Err(answer) => return answer,
    };
    if bridge.desired != Desired::Draft && typed.get("typed").trim() != bridge.name.as_str() {
        let errors = std::iter::once(("typed", format!("Type the name exactly: {}", bridge.name))).collect();
        return page(&visit, StatusCode::UNPROCESSABLE_ENTITY, bridge, errors).await;
    }
    match manager.delete_bridge(&visit.actor(), bridge.id, typed.number("version")).await {
        Ok(()) if bridge.desired == Desired::Draft => {
            visit.done(paths::BRIDGES, format!("The draft {} is discarded.", bridge.name)).await
        }
        Ok(()) => visit.done(paths::BRIDGES, format!("{} is being taken away.", bridge.name)).await,
        Err(error @ Error::NotFound(_)) => visit.refusal(error).await,
        Err(error) => match beside_fields(&error) {
            Some(errors) => page(&visit, status(&error), bridge, errors).await,
            None => visit.refusal(error).await,
        },
    }
}

async fn page(visit: &Visit, status: StatusCode, bridge: Bridge, errors: Errors) -> Response {
    let place = place_under(&bridge, "Delete");
    let model = Arc::new((bridge, errors));
    visit.page_as(status, place, move || view(&model.0, &model.1)).await
}

fn view(bridge: &Bridge, errors: &Errors) -> AnyView {
    let is_draft = bridge.desired == Desired::Draft;
    let (title, verb) = if is_draft {
        (format!("Discard the draft “{}”?", bridge.name), "Discard")
    } else {
        (format!("Delete the bridge “{}”?", bridge.name), "Delete bridge")
    };
    let back = if is_draft { paths::bridge_events(bridge.id) } else { paths::bridge(bridge.id) };
    let asked = (!is_draft).then(|| {
        let label = format!("Type {} to confirm", bridge.name);
        view! { <Field label=label name="typed" error=errors.get("typed") mono=true/> }
    });
    let lost = lost(bridge);
    view! {
        <PageHead title=title/>
        <ErrorSummary errors=errors.clone()/>
        <Notice tone=Tone::Warn title="What happens">{lost}</Notice>
        <form method="post" action=paths::bridge_act(bridge.id, "delete") class="form confirm">
            <input type="hidden" name="version" value=bridge.version.to_string()/>
            {asked}
            <p class="row">
                <Submit kind=ButtonKind::Danger glyph=Glyph::Trash>{verb}</Submit>
                <ButtonLink href=back kind=ButtonKind::Quiet>"Cancel"</ButtonLink>
            </p>
        </form>
    }
    .into_any()
}
