//! The third step of the wizard, and how the events of a bridge are changed later.

use std::{collections::HashMap, sync::Arc};

use axum::{
    extract::{Path, Query, State},
    http::StatusCode,
    response::Response,
};
use leptos::prelude::*;
use serde::Deserialize;

use super::{
    super::{parts::Typed, sentence},
    check, load_to_change, place_under, policy,
    policy::Form,
    rows::{Rows, beside_rows},
    step,
};
use crate::{
    domain::bridge::{Desired, Direction},
    manager::{
        Error, Manager,
        bridges::{Bridge, BridgePolicy},
        catalogue::{Filter, ListedEvent},
    },
    web::{
        paths,
        refusal::status,
        ui::{
            ButtonKind, ButtonLink, Confirm, EmptyState, ErrorSummary, Errors, Glyph, Notice, PageHead, Panel, Submit,
            Tone,
        },
        visit::Visit,
    },
};

mod row;

/// Events read at once.
const AT_ONCE: i64 = 500;

/// What the page shows besides what is saved.
pub(super) struct Shown {
    pub status: StatusCode,
    pub rows: Rows,
    /// The version of the bridge that the rows come from.
    pub version: i64,
    pub errors: Errors,
    pub form: Form,
    /// The member has just said that the statements were added.
    pub vouched: bool,
}

impl Shown {
    /// What is saved.
    pub(super) fn saved(bridge: &Bridge) -> Self {
        Self {
            status: StatusCode::OK,
            rows: Rows::of_bridge(bridge),
            version: bridge.version,
            errors: Errors::default(),
            form: Form::default(),
            vouched: false,
        }
    }

    /// What is saved, and why an act was refused.
    pub(super) fn refused(bridge: &Bridge, status: StatusCode, errors: Errors) -> Self {
        Self { status, errors, ..Self::saved(bridge) }
    }
}

struct Model {
    bridge: Bridge,
    shown: Shown,
    events: HashMap<String, ListedEvent>,
    policy: Option<BridgePolicy>,
}

impl Model {
    fn is_saved(&self) -> bool {
        self.shown.rows == Rows::of_bridge(&self.bridge)
    }
}

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    format: String,
}

pub(super) async fn show(
    visit: Visit,
    State(manager): State<Manager>,
    Path(id): Path<String>,
    Query(Asked { format }): Query<Asked>,
) -> Response {
    match load_to_change(&visit, &manager, &id).await {
        Ok(bridge) => {
            let shown = Shown { form: Form::of_word(&format).unwrap_or_default(), ..Shown::saved(&bridge) };
            page(&visit, &manager, bridge, shown).await
        }
        Err(answer) => answer,
    }
}

pub(super) async fn save(
    visit: Visit,
    State(manager): State<Manager>,
    Path(id): Path<String>,
    typed: Typed,
) -> Response {
    let bridge = match load_to_change(&visit, &manager, &id).await {
        Ok(bridge) => bridge,
        Err(answer) => return answer,
    };
    let mut shown = Shown::saved(&bridge);
    shown.rows = Rows::of_typed(&typed);
    shown.version = typed.number("version").unwrap_or(0);
    if let Some(at) = typed.number("remove") {
        shown.rows.remove(usize::try_from(at).unwrap_or(usize::MAX));
    } else if typed.has("choose") {
        let before = shown.rows.0.len();
        shown.rows.add(&typed.all("chosen"));
        match look_up(&visit, &manager, &bridge, &shown.rows).await {
            Ok(events) => choose_the_only_way(&mut shown.rows, before, &events),
            Err(error) => return visit.refusal(error).await,
        }
    } else if !typed.has("back") {
        return save_rows(&visit, &manager, bridge, shown).await;
    }
    page(&visit, &manager, bridge, shown).await
}

/// An event that can go one way only goes that way.
fn choose_the_only_way(rows: &mut Rows, from: usize, events: &HashMap<String, ListedEvent>) {
    for row in rows.0.iter_mut().skip(from) {
        match events.get(&row.key()).map(|e| (e.app_sends, e.app_receives)) {
            Some((true, false)) => row.to.chosen = true,
            Some((false, true)) => row.from.chosen = true,
            _ => {}
        }
    }
}

async fn save_rows(visit: &Visit, manager: &Manager, bridge: Bridge, mut shown: Shown) -> Response {
    shown.errors = shown.rows.unfinished();
    if shown.rows.0.is_empty() && bridge.desired != Desired::Draft {
        shown.errors.add("", "A bridge needs a business event. To end it, stop it or delete it.");
    }
    if !shown.errors.is_empty() {
        shown.status = StatusCode::UNPROCESSABLE_ENTITY;
        return page(visit, manager, bridge, shown).await;
    }
    let here = paths::bridge_events(bridge.id);
    let settled = bridge.role_arn.is_some() && bridge.routes.iter().all(|r| r.granted);
    if shown.rows == Rows::of_bridge(&bridge) && (settled || bridge.routes.is_empty()) {
        return visit.done(&here, "Nothing was changed.").await;
    }
    let (routes, of) = shown.rows.routes();
    let error = match manager.save_routes(&visit.actor(), bridge.id, shown.version, &routes).await {
        Ok(()) if routes.is_empty() => return visit.done(&here, "The business events are removed.").await,
        Ok(()) => {
            let text = "The queues are saved. Add the statements below to their access policies.";
            return visit.done(&here, text).await;
        }
        Err(error) => error,
    };
    let Some(mut errors) = beside_rows(&error, &routes, &of) else { return visit.refusal(error).await };
    if matches!(&error, Error::Conflict { code: "stale", .. }) {
        let hint = "What you typed is still here: saving it now replaces what the other saved.";
        let text = format!("{} {hint}", sentence(&error.to_string()));
        errors = std::iter::once(("", text)).collect();
        shown.version = bridge.version;
    }
    (shown.status, shown.errors) = (status(&error), errors);
    page(visit, manager, bridge, shown).await
}

/// What the catalogue says of the events of rows, by key; only of those that flow in the bridge's Space.
pub(super) async fn look_up(
    visit: &Visit,
    manager: &Manager,
    bridge: &Bridge,
    rows: &Rows,
) -> Result<HashMap<String, ListedEvent>, Error> {
    let mut found = HashMap::new();
    let mut filter = Filter { space: Some(bridge.space.name.to_string()), limit: AT_ONCE, ..Filter::default() };
    while found.len() < rows.0.len() {
        let page = manager.list_events(&visit.actor(), &filter).await?;
        let keyed = page.items.into_iter().map(|e| (format!("{}/{}", e.service, e.name), e));
        found.extend(keyed.filter(|(key, _)| rows.has(key)));
        match page.next.and_then(|next| filter.sorting.after(&next)) {
            Some(sorting) => filter.sorting = sorting,
            None => break,
        }
    }
    Ok(found)
}

/// Draws the step.
pub(super) async fn page(visit: &Visit, manager: &Manager, bridge: Bridge, shown: Shown) -> Response {
    let events = match look_up(visit, manager, &bridge, &shown.rows).await {
        Ok(events) => events,
        Err(error) => return visit.refusal(error).await,
    };
    let mut model = Model { bridge, shown, events, policy: None };
    if model.is_saved() && !model.bridge.routes.is_empty() && model.bridge.role_arn.is_some() {
        let format = model.shown.form.format();
        match manager.bridge_policy(&visit.actor(), model.bridge.id, format).await {
            Ok(policy) => model.policy = Some(policy),
            Err(error) => return visit.refusal(error).await,
        }
    }
    let title = if model.bridge.desired == Desired::Draft { "Business events" } else { "Events and queues" };
    let place = place_under(&model.bridge, title).with_islands();
    let (status, now, model) = (model.shown.status, visit.now(), Arc::new(model));
    visit.page_as(status, place, move || view(&model, now)).await
}

fn view(model: &Model, now: time::OffsetDateTime) -> AnyView {
    let bridge = &model.bridge;
    let is_draft = bridge.desired == Desired::Draft;
    let head = if is_draft {
        let lead = "Step 3 of 3. The draft is kept for 7 days.";
        let discard = discard(bridge);
        view! { <PageHead title="New bridge" lead=lead>{discard}</PageHead> }.into_any()
    } else {
        let lead = format!("What {} moves in {}, and where to.", bridge.name, bridge.space.name);
        view! { <PageHead title="Events and queues" lead=lead/> }.into_any()
    };
    let steps = is_draft.then(|| step::steps(3, Some(bridge)));
    let after = match &model.policy {
        Some(policy) => view! {
            {policy::panel(bridge, policy, model.shown.form, now)}
            {check::panel(bridge, now)}
            {check::start(bridge, model.shown.vouched)}
        }
        .into_any(),
        None => ().into_any(),
    };
    view! {
        {head}
        {steps}
        <ErrorSummary errors=model.shown.errors.clone()/>
        {unsaved(model)}
        {events_form(model)}
        {after}
    }
    .into_any()
}

/// Throws a draft away.
pub(super) fn discard(bridge: &Bridge) -> AnyView {
    let (action, id) = (paths::bridge_act(bridge.id, "delete"), bridge.id);
    let title = format!("Discard the draft “{}”?", bridge.name);
    let fields = vec![("version".to_owned(), bridge.version.to_string())];
    view! {
        <Confirm id=format!("discard-{id}") label="Discard draft" kind=ButtonKind::Quiet glyph=Glyph::Trash title=title
            action=action.clone() page=action confirm="Discard" fields=fields>
            <p>"Nothing was moved yet. The role that was made for it in AWS is removed with it; statements that were added to queues stay there until their owners remove them."</p>
        </Confirm>
    }
    .into_any()
}

/// How what is shown differs from what is saved.
fn unsaved(model: &Model) -> Option<AnyView> {
    if model.is_saved() || !model.shown.errors.is_empty() {
        return None;
    }
    let saved = Rows::of_bridge(&model.bridge);
    let added = model.shown.rows.0.iter().filter(|r| !saved.has(&r.key())).count();
    let removed: Vec<_> = saved.0.iter().filter(|r| !model.shown.rows.has(&r.key())).map(|r| r.event.clone()).collect();
    let mut text = Vec::new();
    if added > 0 {
        text.push(format!("{added} added."));
    }
    if !removed.is_empty() {
        text.push(format!("Removed: {}.", removed.join(", ")));
    }
    text.push("Give each direction its queue, then save.".to_owned());
    let text = text.join(" ");
    Some(view! { <Notice tone=Tone::Info title="Not saved yet" announce=true><p>{text}</p></Notice> }.into_any())
}

fn events_form(model: &Model) -> AnyView {
    let bridge = &model.bridge;
    let (here, add_page) = (paths::bridge_events(bridge.id), paths::bridge_add_events(bridge.id));
    let rows = &model.shown.rows.0;
    let is_empty = rows.is_empty();
    let add_kind = if is_empty { ButtonKind::Primary } else { ButtonKind::Plain };
    let add = view! { <Submit glyph=Glyph::Plus kind=add_kind action=add_page name="add" value="1">"Add business events"</Submit> };
    let list = rows.iter().enumerate().map(|(i, row)| row::view(i, row, model)).collect_view();
    let body = if is_empty {
        view! {
            <EmptyState glyph=Glyph::Event title="No business events chosen"
                text=format!("Choose from the events that flow in {}; each then gets a direction and a queue.", bridge.space.name)
                action=None/>
        }
        .into_any()
    } else {
        view! { <ul class="routes">{list}</ul> }.into_any()
    };
    let running = (bridge.desired == Desired::Running).then(|| {
        let text = "Saving changes the bridge while it runs: it goes over to the new events and queues, and back if \
                    that fails.";
        view! { <p class="secondary">{text}</p> }
    });
    let save_kind = if model.is_saved() { ButtonKind::Plain } else { ButtonKind::Primary };
    // Nothing to save: neither chosen now nor saved before.
    let save =
        (!is_empty || !bridge.routes.is_empty()).then(|| view! { <Submit kind=save_kind>"Save queues"</Submit> });
    let back = (!model.is_saved()).then(|| {
        view! { <ButtonLink href=here.clone() kind=ButtonKind::Quiet>"Undo changes"</ButtonLink> }
    });
    view! {
        <form method="post" action=here.clone()>
            // Enter in a field saves, and does not remove the first row.
            <button type="submit" class="unseen" tabindex="-1" aria-hidden="true">"Save queues"</button>
            <input type="hidden" name="version" value=model.shown.version.to_string()/>
            <Panel id="events" title="Business events" lead="For each event the ways it goes, and for each way its queue. A FIFO queue keeps the events of a key in order; a standard queue promises no order." actions=add.into_any()>
                {body}
                <div class="routes-end">
                    {running}
                    <div class="actions">{back}{save}</div>
                </div>
            </Panel>
        </form>
    }
    .into_any()
}

/// Whether the contract lets others do what a direction needs.
fn is_allowed(event: &ListedEvent, direction: Direction) -> bool {
    match direction {
        Direction::Outbound => event.app_sends,
        Direction::Inbound => event.app_receives,
    }
}
