//! The access of one environment: a draft of ticks, the difference that it makes, and then its application.
//!
//! The draft lives in the form, so that nothing half-decided is kept anywhere, and works without script.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use axum::{
    Router,
    extract::{Path, State},
    http::StatusCode,
    response::Response,
    routing::get,
};
use leptos::prelude::*;

use super::{super::parts::Typed, verb};
use crate::{
    domain::{grant::Access, landscape::Environment},
    manager::{
        Error, Manager,
        access::{Difference, Wanted},
        actor::Right,
        apps::EnvironmentView,
        catalogue::{Filter, ListedEvent},
        moves::Reach,
    },
    web::{
        Web, paths,
        refusal::{beside_fields, status},
        ui::{
            Action, ButtonKind, ButtonLink, Column, EmptyState, ErrorSummary, Errors, Glyph, Name, Notice, PageHead,
            Panel, Pill, Refused, Section, Submit, Table, Tone,
        },
        visit::{Place, Visit},
    },
};

/// Events of the Space that are offered at most; those in use are there in any case.
const EVENTS: i64 = 200;

pub(super) fn router() -> Router<Web> {
    Router::new().route("/access/{app}/{environment}", get(show).post(change))
}

type Keys = Path<(String, String)>;

/// One event as the environment uses it, or could.
#[derive(Clone, Debug, Default)]
struct Row {
    publish: Tick,
    subscribe: Tick,
    flows: bool,
    /// Other events of its channel: Kafka opens them with it.
    shared: usize,
}

#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "what is, what was said, what may be, what is ticked")]
struct Tick {
    granted: bool,
    implemented: bool,
    /// The contract lets the app.
    allowed: bool,
    ticked: bool,
}

type Rows = BTreeMap<(String, String), Row>;

struct Model {
    view: EnvironmentView,
    rows: Rows,
    version: String,
    refusal: Option<String>,
    difference: Option<Difference>,
    errors: Errors,
}

async fn show(visit: Visit, State(manager): State<Manager>, Path((app, key)): Keys) -> Response {
    match load(&visit, &manager, &app, &key).await {
        Ok(model) => page(&visit, StatusCode::OK, model).await,
        Err(error) => visit.refusal(error).await,
    }
}

async fn load(visit: &Visit, manager: &Manager, app: &str, key: &str) -> Result<Model, Error> {
    let actor = visit.actor();
    let view = manager.load_environment(&actor, app, key).await?;
    let version = manager.access_version(&actor, app, key).await?;
    let mut rows = Rows::new();
    for used in &view.uses {
        let row = rows.entry((used.service.clone(), used.event.clone())).or_default();
        row.flows = used.has_topic;
        let tick = match used.access {
            Access::Publish => &mut row.publish,
            Access::Subscribe => &mut row.subscribe,
        };
        (tick.granted, tick.implemented, tick.ticked, tick.allowed) =
            (used.granted, used.implemented, used.granted, true);
    }
    if let Some(space) = &view.listed.environment.space {
        let filter = Filter { space: Some(space.name.to_string()), limit: EVENTS, ..Filter::default() };
        let events = manager.list_events(&actor, &filter).await?.items;
        for event in &events {
            let row = rows.entry((event.service.clone(), event.name.clone())).or_default();
            let own = event.app.as_deref() == Some(app);
            row.flows = true;
            row.publish.allowed |= own || event.app_receives;
            row.subscribe.allowed |= own || event.app_sends;
            row.shared = shared(event, &events);
        }
    }
    let refusal = manager.may(&actor, Right::Administer).await?.refusal;
    Ok(Model { view, rows, version, refusal, difference: None, errors: Errors::default() })
}

fn shared(event: &ListedEvent, events: &[ListedEvent]) -> usize {
    events.iter().filter(|other| other.channel == event.channel && other.id != event.id).count()
}

/// The draft: of each row that was shown what is ticked.
fn draft(typed: &Typed) -> Vec<Wanted> {
    let [publish, subscribe] =
        ["publish", "subscribe"].map(|name| typed.all(name).into_iter().collect::<BTreeSet<_>>());
    let wanted = |key: String| {
        let (service, event) = key.split_once('/')?;
        let (service, event) = (service.to_owned(), event.to_owned());
        Some(Wanted { publish: publish.contains(&key), subscribe: subscribe.contains(&key), service, event })
    };
    typed.all("row").into_iter().collect::<BTreeSet<_>>().into_iter().filter_map(wanted).collect()
}

async fn change(visit: Visit, State(manager): State<Manager>, Path((app, key)): Keys, typed: Typed) -> Response {
    let wanted = draft(&typed);
    let outcome = async {
        if typed.has("apply") {
            let seen = typed.get("version");
            return manager.change_access(&visit.actor(), &app, &key, Some(&seen), &wanted).await.map(Some);
        }
        Ok(None)
    };
    let error = match outcome.await {
        Ok(Some(difference)) if difference.is_empty() => {
            return visit.done(&paths::environment_access(&app, &key), "Nothing was changed.").await;
        }
        Ok(Some(_)) => {
            let text = format!("The access of {app}.{key} is changed. Kafka follows within seconds.");
            return visit.done(&paths::environment_access(&app, &key), text).await;
        }
        Ok(None) => None,
        Err(error @ Error::Forbidden(_)) => return visit.refusal(error).await,
        Err(error) => Some(error),
    };
    let mut model = match load(&visit, &manager, &app, &key).await {
        Ok(model) => model,
        Err(error) => return visit.refusal(error).await,
    };
    for wanted in &wanted {
        if let Some(row) = model.rows.get_mut(&(wanted.service.clone(), wanted.event.clone())) {
            (row.publish.ticked, row.subscribe.ticked) = (wanted.publish, wanted.subscribe);
        }
    }
    let compared = manager.compare_access(&visit.actor(), &app, &key, &wanted).await;
    let mut code = StatusCode::OK;
    for refused in error.into_iter().chain(match compared {
        Ok(difference) => {
            model.difference = Some(difference);
            None
        }
        Err(error) => Some(error),
    }) {
        code = status(&refused);
        match beside_fields(&refused) {
            Some(_) if matches!(&refused, Error::Conflict { code: "stale", .. }) => {
                let hint = "Your ticks are still here; the difference is to what is in force now.";
                let text = format!("{} {hint}", super::super::sentence(&refused.to_string()));
                model.errors = std::iter::once(("", text)).collect();
            }
            // A row has no place for a sentence: they all stand above.
            Some(_) if matches!(&refused, Error::Invalid(_)) => {
                let Error::Invalid(fields) = &refused else { continue };
                model.errors = fields.iter().map(|f| (String::new(), super::super::sentence(&f.message))).collect();
            }
            Some(errors) => model.errors = errors,
            None => return visit.refusal(refused).await,
        }
    }
    page(&visit, code, model).await
}

async fn page(visit: &Visit, status: StatusCode, model: Model) -> Response {
    let e = &model.view.listed.environment;
    let place = Place::new(Section::Access, format!("{}.{}", e.app_key, e.key)).under("Access", paths::ACCESS);
    let model = Arc::new(model);
    visit.page_as(status, place, move || view(&model)).await
}

fn view(model: &Model) -> AnyView {
    let e = &model.view.listed.environment;
    let (app, key) = (e.app_key.as_str(), e.key.as_str());
    let lead = match &e.space {
        Some(space) => format!("What it may publish and subscribe, in {} and wherever else it goes.", space.name),
        None => "It is in no Space yet: what is granted takes effect once it is.".to_owned(),
    };
    let to = view! { <ButtonLink href=paths::environment(app, key)>"Go to the environment"</ButtonLink> };
    let body = if model.rows.is_empty() {
        view! {
            <EmptyState glyph=Glyph::Event title="No events within reach"
                text="No event flows in its Space yet. Deploy an app that defines some."
                action=Some(Action::new("Go to the apps", paths::APPS))/>
        }
        .into_any()
    } else {
        form(model, paths::environment_access(app, key))
    };
    view! {
        <PageHead title=format!("Access of {app}.{key}") lead=lead>{to}</PageHead>
        <ErrorSummary errors=model.errors.clone()/>
        {body}
    }
    .into_any()
}

fn form(model: &Model, action: String) -> AnyView {
    let columns = vec![
        Column::new("Event"),
        Column::new("Publish"),
        Column::new("Subscribe"),
        Column::new("Compared with its deployment"),
    ];
    let fixed = model.refusal.is_some();
    let environment = &model.view.listed.environment;
    let rows = model.rows.iter().map(|((service, event), row)| row_view(environment, service, event, row, fixed));
    let rows = rows.collect_view();
    let buttons = match &model.refusal {
        Some(why) => {
            let why = super::super::sentence(why);
            view! { <Refused id="difference" label="Show the difference" reason=why/> }.into_any()
        }
        None if model.difference.as_ref().is_some_and(|d| !d.is_empty()) => {
            let cancel = action.clone();
            view! {
                <ButtonLink href=cancel kind=ButtonKind::Quiet>"Undo changes"</ButtonLink>
                <Submit name="compare" value="1">"Show the difference"</Submit>
                <Submit kind=ButtonKind::Primary name="apply" value="1">"Apply changes"</Submit>
            }
            .into_any()
        }
        None => view! { <Submit kind=ButtonKind::Primary name="compare" value="1">"Show the difference"</Submit> }
            .into_any(),
    };
    let difference = model.difference.as_ref().map(|difference| difference_view(difference, &model.rows));
    view! {
        <form method="post" action=action class="stack">
            <input type="hidden" name="version" value=model.version.clone()/>
            {difference}
            <Panel id="events" title="Events">
                <Table caption="Access" columns stacked=true>{rows}</Table>
                <div class="actions">{buttons}</div>
            </Panel>
        </form>
    }
    .into_any()
}

fn row_view(environment: &Environment, service: &str, event: &str, row: &Row, fixed: bool) -> AnyView {
    let key = format!("{service}/{event}");
    let tick = |name: &'static str, word: &'static str, tick: Tick| {
        let disabled = fixed || (!tick.allowed && !tick.granted);
        let label = format!("{word} {event}");
        let title = (!tick.allowed && !tick.granted).then_some("The contract does not let others do this.");
        view! {
            <input type="checkbox" name=name value=key.clone() checked=tick.ticked disabled=disabled aria-label=label title=title/>
        }
        .into_any()
    };
    let findings = [(Access::Publish, row.publish), (Access::Subscribe, row.subscribe)].map(|(access, tick)| {
        let word = verb(access);
        match (tick.implemented, tick.granted) {
            (true, false) => {
                Some(view! { <Pill tone=Tone::Fail label=format!("{word}: implemented but no access")/> }.into_any())
            }
            (false, true) => {
                Some(view! { <Pill tone=Tone::Warn label=format!("{word}: access but not implemented")/> }.into_any())
            }
            _ => None,
        }
    });
    let used = row.publish.implemented || row.subscribe.implemented;
    let fits = findings.iter().all(Option::is_none).then(|| {
        view! { <span class="secondary">{if used { "As implemented" } else { "Not implemented" }}</span> }
    });
    let may_receive = row.subscribe.allowed || row.subscribe.granted || row.subscribe.implemented;
    let why = (row.flows && may_receive).then(|| {
        let href = paths::explain(environment.app_key.as_str(), environment.key.as_str(), service, event);
        view! { <a href=href aria-label=format!("Does it arrive? {event}")>"Does it arrive?"</a> }
    });
    let asleep = (!row.flows).then(|| view! { <Pill tone=Tone::Wait label="Not in this Space"/> });
    view! {
        <tr>
            <th scope="row">
                <a href=paths::event(service, event)><Name text=event.to_owned()/></a>
                <span class="under">{service.to_owned()}</span>
                <input type="hidden" name="row" value=key.clone()/>
            </th>
            <td data-label="Publish">{tick("publish", "Publish", row.publish)}</td>
            <td data-label="Subscribe">{tick("subscribe", "Subscribe", row.subscribe)}</td>
            <td data-label="Compared with its deployment"><span class="chips">{findings.into_iter().flatten().collect_view()}{fits}{asleep}{why}</span></td>
        </tr>
    }
    .into_any()
}

fn difference_view(difference: &Difference, rows: &Rows) -> AnyView {
    if difference.is_empty() {
        return view! { <Notice tone=Tone::Info title="Nothing differs from what is in force." announce=true/> }
            .into_any();
    }
    let line = |reach: &Reach, word: &'static str, tone: Tone| {
        let text = format!("{} {} of {}", verb(reach.access), reach.event, reach.service);
        view! { <li><Pill tone label=word/>" "{text}</li> }
    };
    let added = difference.added.iter().map(|reach| line(reach, "Added", Tone::Ok)).collect_view();
    let removed = difference.removed.iter().map(|reach| line(reach, "Removed", Tone::Warn)).collect_view();
    let opens = difference
        .added
        .iter()
        .any(|reach| rows.get(&(reach.service.clone(), reach.event.clone())).is_some_and(|row| row.shared > 0));
    let opens = opens.then(|| {
        view! { <p>"Kafka grants access per topic: with an event the others of its channel are within reach too."</p> }
    });
    let asleep = (!difference.asleep.is_empty()).then(|| {
        let names: Vec<_> = difference.asleep.iter().map(|reach| reach.event.clone()).collect();
        view! { <p>{format!("Sleeps until the event flows in its Space: {}.", names.join(", "))}</p> }
    });
    let revoked = difference.removed.iter().any(|reach| reach.access == Access::Subscribe).then(|| {
        view! {
            <p>"Clients lose what is removed within seconds. A consumer group of the new protocol that also reads other topics stops as a whole until it no longer asks for the removed one."</p>
        }
    });
    view! {
        <Notice tone=Tone::Info title="This will change, at once:" announce=true>
            <ul class="changes-list">{added}{removed}</ul>
            {opens}{asleep}{revoked}
        </Notice>
    }
    .into_any()
}
