//! The first two steps of the wizard: the service; Space, name and region.

use std::sync::Arc;

use axum::{
    extract::{Path, Query, State},
    http::StatusCode,
    response::Response,
};
use leptos::prelude::*;
use serde::Deserialize;

use super::{
    super::parts::Typed,
    list::{Making, making},
    load_to_change, place_under, step,
};
use crate::{
    domain::bridge::Desired,
    manager::{
        Error, Manager,
        bridges::{Bridge, BridgeDraft},
    },
    web::{
        paths,
        refusal::{beside_fields, status},
        ui::{
            Action, ButtonKind, ButtonLink, Choice, ErrorSummary, Errors, Fact, Facts, Field, Notice, PageHead, Radio,
            Section, Select, Submit, Tone,
        },
        visit::{Place, Visit},
    },
};

/// The kinds of bridges that work.
const KIND: &str = "sqs";

#[derive(Deserialize)]
pub(super) struct Chosen {
    kind: Option<String>,
}

/// Goes on only for someone who can make a bridge now.
async fn require_making(visit: &Visit, manager: &Manager) -> Result<(), Response> {
    let error = match making(visit, manager).await {
        Ok(Making::Free) => return Ok(()),
        Ok(Making::Barred(why)) if manager.home_region().is_none() => Error::conflict("no-aws", why),
        Ok(Making::Barred(why)) => Error::Forbidden(why.to_owned()),
        Ok(Making::Early) => {
            Error::conflict("no-channel", "there is no channel to connect yet: deploy an app that publishes first")
        }
        Err(error) => error,
    };
    Err(visit.refusal(error).await)
}

fn place_new(title: &str) -> Place {
    Place::new(Section::Bridges, title).under("Bridges", paths::BRIDGES)
}

pub(super) async fn service(
    visit: Visit,
    State(manager): State<Manager>,
    Query(Chosen { kind }): Query<Chosen>,
) -> Response {
    if let Err(answer) = require_making(&visit, &manager).await {
        return answer;
    }
    let chosen = kind.filter(|kind| kind == KIND).unwrap_or_else(|| KIND.to_owned());
    visit
        .page(place_new("New bridge"), move || {
            let hint = "Each event goes to a queue of its own, or comes from one; directions can be mixed. You need \
                        someone who may edit the queues' access policies.";
            let choices = vec![Choice::new(KIND, "AWS SQS").hint(hint)];
            view! {
                <PageHead title="New bridge" lead="Step 1 of 3: what the Space is connected with."/>
                {step::steps(1, None)}
                <form method="get" action=paths::NEW_BRIDGE_DETAILS class="form">
                    <Radio label="Service" name="kind" choices=choices value=chosen.clone()/>
                    <p class="row">
                        <Submit kind=ButtonKind::Primary>"Continue"</Submit>
                        <ButtonLink href=paths::BRIDGES kind=ButtonKind::Quiet>"Cancel"</ButtonLink>
                    </p>
                </form>
            }
            .into_any()
        })
        .await
}

pub(super) async fn new(
    visit: Visit,
    State(manager): State<Manager>,
    Query(Chosen { kind }): Query<Chosen>,
) -> Response {
    if let Err(answer) = require_making(&visit, &manager).await {
        return answer;
    }
    if kind.as_deref() != Some(KIND) {
        return no_service(&visit).await;
    }
    let region = manager.home_region().map(ToString::to_string).unwrap_or_default();
    let typed = Typed::of([("region", region)]);
    form(&visit, &manager, StatusCode::OK, None, typed, Errors::default()).await
}

/// The second step without the first.
async fn no_service(visit: &Visit) -> Response {
    visit
        .page_as(StatusCode::CONFLICT, place_new("New bridge"), || {
            let first = Some(Action::new("Choose a service", paths::NEW_BRIDGE));
            view! {
                <PageHead title="New bridge"/>
                <Notice tone=Tone::Warn title="No service is chosen yet, or one that does not work here." announce=true action=first>
                    <p>"The details depend on it: begin with the first step."</p>
                </Notice>
            }
            .into_any()
        })
        .await
}

fn draft(typed: &Typed) -> BridgeDraft {
    BridgeDraft {
        name: typed.get("name").trim().to_owned(),
        space: typed.get("space"),
        region: typed.get("region").trim().to_owned(),
    }
}

/// A Space that the list did not offer was not chosen in the form.
async fn offers(visit: &Visit, manager: &Manager, space: &str) -> Result<(), Error> {
    let spaces = manager.list_spaces_for_bridges(&visit.actor()).await?;
    let known = space.is_empty() || spaces.iter().any(|s| s.name.as_str() == space);
    if known { Ok(()) } else { Err(Error::NotFound("Space")) }
}

pub(super) async fn create(visit: Visit, State(manager): State<Manager>, typed: Typed) -> Response {
    if let Err(answer) = require_making(&visit, &manager).await {
        return answer;
    }
    if typed.find("kind") != Some(KIND) {
        return no_service(&visit).await;
    }
    let outcome = match offers(&visit, &manager, &typed.get("space")).await {
        Ok(()) => manager.draft_bridge(&visit.actor(), &draft(&typed)).await,
        Err(error) => Err(error),
    };
    match outcome {
        Ok(id) => {
            let text = "The draft is kept. Now choose its business events.";
            visit.done(&paths::bridge_events(id), text).await
        }
        Err(error) => match beside_fields(&error) {
            Some(errors) => form(&visit, &manager, status(&error), None, typed, errors).await,
            None => visit.refusal(error).await,
        },
    }
}

pub(super) async fn edit(visit: Visit, State(manager): State<Manager>, Path(id): Path<String>) -> Response {
    let bridge = match load_to_change(&visit, &manager, &id).await {
        Ok(bridge) => bridge,
        Err(answer) => return answer,
    };
    let typed = Typed::of([
        ("space", bridge.space.name.to_string()),
        ("name", bridge.name.to_string()),
        ("region", bridge.region.to_string()),
    ]);
    form(&visit, &manager, StatusCode::OK, Some(bridge), typed, Errors::default()).await
}

pub(super) async fn change(
    visit: Visit,
    State(manager): State<Manager>,
    Path(id): Path<String>,
    typed: Typed,
) -> Response {
    let bridge = match load_to_change(&visit, &manager, &id).await {
        Ok(bridge) => bridge,
        Err(answer) => return answer,
    };
    let version = typed.number("version").unwrap_or(0);
    let outcome = match offers(&visit, &manager, &typed.get("space")).await {
        Ok(()) => manager.change_bridge(&visit.actor(), bridge.id, version, &draft(&typed)).await,
        Err(error) => Err(error),
    };
    match outcome {
        Ok(()) => {
            let is_draft = bridge.desired == Desired::Draft;
            let next = if is_draft { paths::bridge_events(bridge.id) } else { paths::bridge(bridge.id) };
            visit.done(&next, "The details are saved.").await
        }
        Err(error) => match beside_fields(&error) {
            Some(errors) => form(&visit, &manager, status(&error), Some(bridge), typed, errors).await,
            None => visit.refusal(error).await,
        },
    }
}

async fn form(
    visit: &Visit,
    manager: &Manager,
    status: StatusCode,
    bridge: Option<Bridge>,
    typed: Typed,
    errors: Errors,
) -> Response {
    let spaces = match manager.list_spaces_for_bridges(&visit.actor()).await {
        Ok(spaces) => spaces,
        Err(error) => return visit.refusal(error).await,
    };
    let choices: Vec<_> = spaces.iter().map(|s| Choice::new(s.name.as_str(), s.name.as_str())).collect();
    let place = match &bridge {
        Some(bridge) => place_under(bridge, "Details"),
        None => place_new("New bridge"),
    };
    let model = Arc::new((bridge, typed, errors));
    visit.page_as(status, place, move || form_view(model.0.as_ref(), &model.1, &model.2, choices.clone())).await
}

fn form_view(bridge: Option<&Bridge>, typed: &Typed, errors: &Errors, choices: Vec<Choice>) -> AnyView {
    let is_draft = bridge.is_none_or(|b| b.desired == Desired::Draft);
    let (title, lead, verb) = match (bridge, is_draft) {
        (None, _) => ("New bridge", "Step 2 of 3: where it stands and what it is called.", "Continue"),
        (Some(_), true) => ("New bridge", "Step 2 of 3: where it stands and what it is called.", "Save and continue"),
        (Some(_), false) => ("Details", "What the bridge is called.", "Save"),
    };
    let action = bridge.map_or_else(|| paths::NEW_BRIDGE_DETAILS.to_owned(), |b| paths::bridge_details(b.id));
    let back = match (bridge, is_draft) {
        (None, _) => paths::BRIDGES.to_owned(),
        (Some(b), true) => paths::bridge_events(b.id),
        (Some(b), false) => paths::bridge(b.id),
    };
    let steps = is_draft.then(|| step::steps(2, bridge));
    let version = bridge.map(|b| view! { <input type="hidden" name="version" value=b.version.to_string()/> });
    let kind = bridge.is_none().then(|| view! { <input type="hidden" name="kind" value=KIND/> });
    let prompt = if choices.len() > 1 { "Choose a Space" } else { "" };
    // Space and region decide which events and queues there are: what is chosen binds them.
    let bound = bridge.filter(|b| !is_draft || !b.routes.is_empty());
    let (space, region) = match bound {
        Some(b) => (bound_view(b, is_draft), None),
        None => (
            view! {
                <Select label="Space" name="space" choices=choices value=typed.get("space") prompt=prompt error=errors.get("space")
                    hint="The bridge can use the events that flow in it."/>
            }
            .into_any(),
            Some(view! {
                <Field label="AWS region" name="region" value=typed.get("region") error=errors.get("region") maxlength=32_u32 mono=true
                    placeholder="eu-central-1" hint="All queues of the bridge lie in it."/>
            }),
        ),
    };
    view! {
        <PageHead title=title lead=lead/>
        {steps}
        <ErrorSummary errors=errors.clone()/>
        <form method="post" action=action class="form">
            {version}{kind}
            {space}
            <Field label="Name" name="name" value=typed.get("name") error=errors.get("name") maxlength=64_u32
                placeholder="invoices-to-erp" hint="Says what it connects; people read it in lists and in the history."/>
            {region}
            <p class="row">
                <Submit kind=ButtonKind::Primary>{verb}</Submit>
                <ButtonLink href=back kind=ButtonKind::Quiet>"Cancel"</ButtonLink>
            </p>
        </form>
    }
    .into_any()
}

/// Space and region where they can no longer be changed.
fn bound_view(bridge: &Bridge, is_draft: bool) -> AnyView {
    let (space, region) = (bridge.space.name.to_string(), bridge.region.to_string());
    let why = if is_draft {
        "They decide which events and queues there are. To change them, first remove the business events and save."
    } else {
        "They stay as they are once a bridge was started. Make another bridge for another Space or region."
    };
    view! {
        <input type="hidden" name="space" value=space.clone()/>
        <input type="hidden" name="region" value=region.clone()/>
        <div>
            <Facts>
                <Fact label="Space">{space}</Fact>
                <Fact label="AWS region"><code>{region}</code></Fact>
            </Facts>
            <p class="hint">{why}</p>
        </div>
    }
    .into_any()
}
