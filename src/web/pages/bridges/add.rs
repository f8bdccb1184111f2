//! Choosing events to add. What was typed before is carried along, and nothing is saved here.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    response::Response,
};
use leptos::prelude::*;

use super::{super::parts::Typed, load_to_change, place_under, rows::Rows};
use crate::{
    manager::{
        Manager, Page,
        bridges::Bridge,
        catalogue::{Filter, ListedEvent},
    },
    web::{
        paths,
        ui::{Action, ButtonKind, EmptyState, Field, Glyph, Notice, PageHead, PickItem, Picker, Submit, Tone},
        visit::Visit,
    },
};

/// Events shown at once; more are found by searching.
const SHOWN: i64 = 1000;

/// What is carried along.
struct Carried {
    rows: Rows,
    version: i64,
    chosen: Vec<String>,
    q: String,
}

pub(super) async fn show(visit: Visit, State(manager): State<Manager>, Path(id): Path<String>) -> Response {
    match load_to_change(&visit, &manager, &id).await {
        Ok(bridge) => {
            let rows = Rows::of_bridge(&bridge);
            let carried = Carried { rows, version: bridge.version, chosen: Vec::new(), q: String::new() };
            page(&visit, &manager, bridge, carried).await
        }
        Err(answer) => answer,
    }
}

pub(super) async fn carry(
    visit: Visit,
    State(manager): State<Manager>,
    Path(id): Path<String>,
    typed: Typed,
) -> Response {
    match load_to_change(&visit, &manager, &id).await {
        Ok(bridge) => {
            let carried = Carried {
                rows: Rows::of_typed(&typed),
                version: typed.number("version").unwrap_or(0),
                chosen: typed.all("chosen"),
                q: typed.get("q").trim().to_owned(),
            };
            page(&visit, &manager, bridge, carried).await
        }
        Err(answer) => answer,
    }
}

async fn page(visit: &Visit, manager: &Manager, bridge: Bridge, carried: Carried) -> Response {
    let space = Some(bridge.space.name.to_string());
    let filter = Filter { q: carried.q.clone(), space, limit: SHOWN, ..Filter::default() };
    let found = match manager.list_events(&visit.actor(), &filter).await {
        Ok(found) => found,
        Err(error) => return visit.refusal(error).await,
    };
    let place = place_under(&bridge, "Add business events");
    let model = Arc::new((bridge, carried, found));
    visit.page(place.with_islands(), move || view(&model.0, &model.1, &model.2)).await
}

fn view(bridge: &Bridge, carried: &Carried, found: &Page<ListedEvent>) -> AnyView {
    let here = paths::bridge_add_events(bridge.id);
    let lead = format!("Those that flow in {}. Directions and queues come next.", bridge.space.name);
    let is_searched = found.next.is_some() || !carried.q.is_empty();
    let items: Vec<_> = found.items.iter().map(|event| item(event, carried)).collect();
    // What was chosen and is not among the found stays chosen.
    let unseen: Vec<_> = carried.chosen.iter().filter(|key| !items.iter().any(|i| i.value == **key)).cloned().collect();
    let kept = unseen.into_iter().map(|key| view! { <input type="hidden" name="chosen" value=key/> }).collect_view();
    let search = is_searched.then(|| {
        let (q, action) = (carried.q.clone(), here.clone());
        view! {
            <div class="row pick-search">
                <Field label="Search all events" name="q" value=q required=false/>
                <Submit action=action glyph=Glyph::Search>"Search"</Submit>
            </div>
        }
    });
    let more = found.next.is_some().then(|| {
        let title = format!("The first {} events are shown. Search for the others.", items.len());
        view! { <Notice tone=Tone::Info title=title/> }
    });
    let nothing = items.is_empty();
    let body = match (nothing, carried.q.is_empty()) {
        (true, true) => {
            let text = "Events flow in a Space once an app that publishes them was deployed there.";
            view! {
                <EmptyState glyph=Glyph::Event title=format!("No events flow in {} yet", bridge.space.name) text=text
                    action=Some(Action::new("Go to events", paths::EVENTS))/>
            }
            .into_any()
        }
        (true, false) => {
            let text = "No name, service or title holds this text. Search for nothing to see all.";
            view! { <EmptyState glyph=Glyph::Search title="No event fits" text=text action=None/> }.into_any()
        }
        _ => view! { <Picker id="pick" label="Business events" name="chosen" items=items/> }.into_any(),
    };
    view! {
        <PageHead title="Add business events" lead=lead/>
        <form method="post" action=paths::bridge_events(bridge.id) class="stack">
            <button type="submit" class="unseen" tabindex="-1" aria-hidden="true" formaction=is_searched.then(|| here.clone())
                name="choose" value="1">"Add events"</button>
            <input type="hidden" name="version" value=carried.version.to_string()/>
            {carried.rows.hidden()}
            {kept}
            {search}
            {more}
            {body}
            <p class="row">
                {(!nothing).then(|| view! { <Submit kind=ButtonKind::Primary name="choose" value="1">"Add events"</Submit> })}
                <Submit kind=ButtonKind::Quiet name="back" value="1">"Cancel"</Submit>
            </p>
        </form>
    }
    .into_any()
}

fn item(event: &ListedEvent, carried: &Carried) -> PickItem {
    let key = format!("{}/{}", event.service, event.name);
    let ways = match (event.app_sends, event.app_receives) {
        (true, true) => "to SQS or from SQS",
        (true, false) => "to SQS",
        (false, true) => "from SQS",
        (false, false) => "",
    };
    let is_there = carried.rows.has(&key);
    let refused = if is_there {
        "It is there already."
    } else if ways.is_empty() {
        "The contract lets others neither subscribe to it nor publish it."
    } else {
        ""
    };
    let mut detail = format!("{} {}", event.service, event.contract_version);
    for more in [event.title.as_str(), ways] {
        if !more.is_empty() && more != event.name {
            detail = format!("{detail} · {more}");
        }
    }
    PickItem {
        checked: !is_there && carried.chosen.contains(&key),
        label: event.name.clone(),
        detail,
        refused: refused.to_owned(),
        value: key,
    }
}
