//! All bridges.

use std::{collections::HashMap, sync::Arc};

use axum::{extract::State, response::Response};
use leptos::prelude::*;
use time::OffsetDateTime;

use super::{
    super::{
        asked::{Asked, Narrowing, both_ways, by_app, by_space, refused, sort_field},
        capitalised,
        parts::{followed, sparkline},
    },
    words,
};
use crate::{
    domain::{
        bridge::{Desired, Status as BridgeStatus},
        ids::BridgeId,
    },
    manager::{
        Error, Followed, Manager, Minutes, Page,
        bridges::{Bridge, BridgeFilter, BridgesBy},
        catalogue::Filter,
    },
    web::{
        paths,
        ui::{
            Action, ButtonKind, ButtonLink, Choice, Column, EmptyState, FilterBar, FilterSelect, Glyph, Moment, Name,
            PageHead, Pill, Refused, Section, Status, Table, Tone, When,
        },
        visit::{Place, Visit},
    },
};

/// What keeps a member from making bridges, and what leads on.
pub(super) enum Making {
    /// Nothing.
    Free,
    /// This, and nothing he could do.
    Barred(&'static str),
    /// There is nothing to connect yet.
    Early,
}

/// Whether the member can make a bridge now.
pub(super) async fn making(visit: &Visit, manager: &Manager) -> Result<Making, Error> {
    if manager.home_region().is_none() {
        return Ok(Making::Barred(
            "This installation is not connected to AWS yet: its operator sets that in the configuration.",
        ));
    }
    if manager.list_spaces_for_bridges(&visit.actor()).await?.is_empty() {
        return Ok(if visit.is_admin() {
            Making::Early
        } else {
            Making::Barred("Only a technical contact of an app with an environment in a Space, or an admin.")
        });
    }
    let filter = Filter { limit: 1, ..Filter::default() };
    let channels = manager.list_channels(&visit.actor(), &filter).await?;
    Ok(if channels.items.is_empty() { Making::Early } else { Making::Free })
}

/// What the list shows.
struct Model {
    asked: Asked,
    filter: BridgeFilter,
    page: Page<Bridge>,
    flow: HashMap<BridgeId, Minutes>,
    narrowing: Narrowing,
    making: Making,
    now: OffsetDateTime,
}

async fn load(visit: &Visit, manager: &Manager, asked: Asked) -> Result<Model, Error> {
    let status = match asked.text("status")? {
        "" => None,
        word => Some(
            BridgeStatus::from_word(word).ok_or_else(|| Error::field("status", "is none that a bridge can have"))?,
        ),
    };
    let filter = BridgeFilter {
        q: asked.text("q")?.to_owned(),
        space: asked.space()?,
        app: asked.app()?,
        status,
        sorting: asked.sorting()?,
        limit: asked.limit()?,
        ..BridgeFilter::default()
    };
    let page = manager.list_bridges(&visit.actor(), &filter).await?;
    let ids: Vec<_> = page.items.iter().map(|bridge| bridge.id).collect();
    let flow = manager.flow_by_bridge(&visit.actor(), &ids).await?;
    let narrowing = Narrowing::load(visit, manager).await?;
    Ok(Model { asked, filter, page, flow, narrowing, making: making(visit, manager).await?, now: visit.now() })
}

pub(super) async fn list(visit: Visit, State(manager): State<Manager>, asked: Asked) -> Response {
    match load(&visit, &manager, asked).await {
        Ok(model) => {
            let model = Arc::new(model);
            visit.page(Place::new(Section::Bridges, "Bridges"), move || view(&model)).await
        }
        Err(error) => refused(&visit, Section::Bridges, "Bridges", paths::BRIDGES, error).await,
    }
}

/// The form above the list.
fn filter_bar(model: &Model, narrowed: bool) -> AnyView {
    let space = by_space(model.filter.space.as_deref(), model.narrowing.spaces());
    let status = model.filter.status.map(BridgeStatus::as_str).unwrap_or_default();
    let app = by_app(model.filter.app.as_deref(), model.narrowing.apps());
    let (query, sort) = (model.filter.q.clone(), sort_field(&model.filter.sorting));
    let statuses =
        BridgeStatus::ALL.iter().map(|status| Choice::new(status.as_str(), capitalised(status.as_str()))).collect();
    view! {
        <FilterBar action=paths::BRIDGES label="Search bridges" query=query narrowed=narrowed>
            {sort}
            {space}
            {app}
            <FilterSelect label="Status" name="status" choices=statuses value=status any="Any status"/>
        </FilterBar>
    }
    .into_any()
}

fn view(model: &Model) -> AnyView {
    let Model { making, now, .. } = model;
    let (bridges, now) = (&model.page.items, *now);
    let filter = &model.filter;
    let narrowed = !filter.q.is_empty() || filter.space.is_some() || filter.app.is_some() || filter.status.is_some();
    let is_part = narrowed || model.asked.is_further_on();
    let filters = (is_part || !bridges.is_empty()).then(|| filter_bar(model, narrowed));
    let action = match making {
        Making::Free => view! {
            <ButtonLink href=paths::NEW_BRIDGE kind=ButtonKind::Primary glyph=Glyph::Plus>"New bridge"</ButtonLink>
        }
        .into_any(),
        Making::Barred(why) => view! { <Refused id="new-bridge" label="New bridge" reason=*why/> }.into_any(),
        Making::Early => {
            let reason = "There is no channel to connect yet: deploy an app that publishes events first.";
            view! { <Refused id="new-bridge" label="New bridge" reason=reason/> }.into_any()
        }
    };
    let body = if bridges.is_empty() && is_part {
        view! {
            <EmptyState glyph=Glyph::Search title="No bridge fits" text="Take a part of the filter away, or look at all of them."
                action=Some(Action::new("Show all bridges", paths::BRIDGES))/>
        }
        .into_any()
    } else if bridges.is_empty() {
        let (text, next) = match making {
            Making::Free => (
                "A bridge carries business events from a Space to queues of AWS SQS, and from queues into a Space.",
                Some(Action::new("New bridge", paths::NEW_BRIDGE)),
            ),
            Making::Early => (
                "A bridge needs a Space with a channel. Register an app, enable its environment, deploy it; then come back.",
                Some(Action::new("Go to apps", paths::APPS)),
            ),
            Making::Barred(_) => (
                "A bridge carries business events from a Space to queues of AWS SQS, and from queues into a Space.",
                None,
            ),
        };
        view! { <EmptyState glyph=Glyph::Bridge title="No bridges yet" text=text action=next/> }.into_any()
    } else {
        let by = |label, by: BridgesBy| model.asked.column(paths::BRIDGES, label, by, &filter.sorting);
        let columns = vec![
            by("Bridge", BridgesBy::Bridge),
            by("Status", BridgesBy::Status),
            by("Routes", BridgesBy::Routes),
            by("Moved", BridgesBy::Moved).numeric(),
            Column::new("Last hour"),
            Column::new("Behind").numeric(),
            by("Last event", BridgesBy::LastEvent),
            by("Dead letters", BridgesBy::DeadLetters).numeric(),
        ];
        let rows = bridges.iter().map(|bridge| row(bridge, model.flow.get(&bridge.id), now)).collect_view();
        view! {
            <Table caption="Bridges" columns stacked=true>{rows}</Table>
            {both_ways(paths::BRIDGES, &model.asked, ["bridge", "bridges"], &model.page)}
        }
        .into_any()
    };
    view! {
        <PageHead title="Bridges" lead="What connects Spaces with queues outside.">{action}</PageHead>
        {filters}
        {body}
    }
    .into_any()
}

fn row(bridge: &Bridge, flow: Option<&Minutes>, now: OffsetDateTime) -> impl IntoView + use<> {
    let draft = bridge.desired == Desired::Draft;
    let href = if draft { paths::bridge_events(bridge.id) } else { paths::bridge(bridge.id) };
    let under = format!("{} · {}", bridge.space.name, bridge.region);
    let since = format!("for {}", Moment::new(bridge.status_since, now).distance());
    let moved = (!draft).then(|| words::grouped(bridge.routes.iter().map(|r| r.moved).sum()));
    let flow = (!draft).then(|| sparkline(flow));
    let behind = (!draft).then(|| words::behind(bridge.delay));
    let last = words::last_moved(bridge).map(|at| view! { <When moment=Moment::new(at, now)/> });
    let none = last.is_none().then(|| view! { <span class="secondary">{if draft { "—" } else { "None yet" }}</span> });
    let letters = if bridge.dead_letters > 0 {
        let see = paths::dead_letters(bridge.id);
        view! { <a href=see><Pill tone=Tone::Warn label=words::grouped(bridge.dead_letters)/></a> }.into_any()
    } else {
        view! { <span class="secondary">"0"</span> }.into_any()
    };
    // How it should be is not worth a column.
    let kafka = (!draft && bridge.followed != Followed::Applied).then(|| {
        let state = followed(&bridge.followed, now);
        view! { <span class="under">"In Kafka: "</span><Status state=state/> }
    });
    view! {
        <tr>
            <th scope="row"><a href=href><Name text=bridge.name.to_string()/></a><span class="under">{under}</span></th>
            <td data-label="Status"><div class="bridge-status"><Status state=words::state(bridge, true)/><span class="under">{since}</span>{kafka}</div></td>
            <td data-label="Routes">{words::routes(&bridge.routes)}</td>
            <td data-label="Moved" class="number">{moved}</td>
            <td data-label="Last hour">{flow}</td>
            <td data-label="Behind" class="number">{behind}</td>
            <td data-label="Last event">{last}{none}</td>
            <td data-label="Dead letters" class="number">{letters}</td>
        </tr>
    }
}
