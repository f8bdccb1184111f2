//! The Spaces: list, and one with who exchanges what in it.

pub(super) mod graph;
mod manage;

use axum::{Router, extract::State, response::Response, routing::get};
use leptos::prelude::*;
use time::OffsetDateTime;

use super::{
    asked::{Asked, At, both_ways, by_app, named, refused, sort_field},
    channels,
    exchange::{Exchange, bridge_state, exchange_table},
};
use crate::{
    domain::names::SpaceName,
    manager::{
        Error, Manager, Page,
        bridges::{Bridge, BridgeFilter},
        catalogue::{Inhabitant, ListedSpace, SpaceFilter, SpaceView, SpacesBy},
    },
    web::{
        Web, paths,
        ui::{
            Action, ButtonKind, ButtonLink, Choice, Column, EmptyState, FilterBar, Glyph, Name, PageHead, Panel, Pill,
            Refused, Section, Status, Table, Tone,
        },
        visit::{Place, Visit},
    },
};

/// Bridges that the page of a Space shows at most.
const BRIDGES: i64 = 200;
/// Environments, events and channels that the page of a Space shows at most, of each.
const FIRST: usize = 50;

pub(super) fn router() -> Router<Web> {
    Router::new().route(paths::SPACES, get(list)).route("/spaces/{space}", get(show)).merge(manage::router())
}

type Found = (SpaceFilter, Page<ListedSpace>, Vec<Choice>);

async fn load_list(visit: &Visit, manager: &Manager, asked: &Asked) -> Result<Found, Error> {
    let (q, app, sorting) = (asked.text("q")?.to_owned(), asked.app()?, asked.sorting()?);
    let filter = SpaceFilter { q, app, sorting, limit: asked.limit()? };
    let page = manager.list_spaces_in_pages(&visit.actor(), &filter).await?;
    Ok((filter, page, named(manager.list_apps_in_spaces(&visit.actor()).await?)))
}

async fn list(visit: Visit, State(manager): State<Manager>, asked: Asked) -> Response {
    match load_list(&visit, &manager, &asked).await {
        Ok((filter, page, apps)) => {
            let admin = visit.is_admin();
            visit
                .page(Place::new(Section::Spaces, "Spaces"), move || list_view(&asked, &filter, &page, &apps, admin))
                .await
        }
        Err(error) => refused(&visit, Section::Spaces, "Spaces", paths::SPACES, error).await,
    }
}

fn list_view(asked: &Asked, filter: &SpaceFilter, page: &Page<ListedSpace>, apps: &[Choice], admin: bool) -> AnyView {
    let new = if admin {
        view! { <ButtonLink href=paths::NEW_SPACE glyph=Glyph::Plus>"New Space"</ButtonLink> }.into_any()
    } else {
        view! { <Refused id="new-space" label="New Space" reason="Only an admin makes Spaces by hand."/> }.into_any()
    };
    let narrowed = !filter.q.is_empty() || filter.app.is_some();
    let body = match (page.items.is_empty(), narrowed || asked.is_further_on()) {
        (true, false) => view! {
            <EmptyState glyph=Glyph::Space title="No Spaces yet"
                text="Environments in one Space may exchange events. A Space is made when the event broker is enabled for the first environment of its name."
                action=Some(Action::new("Go to the apps", paths::APPS))/>
        }
        .into_any(),
        (true, true) => view! {
            <EmptyState glyph=Glyph::Search title="No Space fits" text="Take a part of the filter away, or look at all of them."
                action=Some(Action::new("Show all Spaces", paths::SPACES))/>
        }
        .into_any(),
        (false, _) => {
            let by = |label, by: SpacesBy| asked.column(paths::SPACES, label, by, &filter.sorting);
            let columns = vec![
                by("Space", SpacesBy::Space),
                by("Enabled environments", SpacesBy::Environments).numeric(),
                by("Channels", SpacesBy::Channels).numeric(),
                by("Bridges", SpacesBy::Bridges).numeric(),
            ];
            let rows = page.items.iter().map(|listed| {
                let name = listed.space.name.to_string();
                view! {
                    <tr>
                        <th scope="row"><a href=paths::space(&name)>{name.clone()}</a></th>
                        <td data-label="Environments" class="number">{listed.environments}</td>
                        <td data-label="Channels" class="number">{listed.channels}</td>
                        <td data-label="Bridges" class="number">{listed.bridges}</td>
                    </tr>
                }
            });
            let rows = rows.collect_view();
            view! {
                <Table caption="Spaces" columns stacked=true>{rows}</Table>
                {both_ways(paths::SPACES, asked, ["Space", "Spaces"], page)}
            }
            .into_any()
        }
    };
    let app = by_app(filter.app.as_deref(), apps);
    let (query, sort) = (filter.q.clone(), sort_field(&filter.sorting));
    view! {
        <PageHead title="Spaces" lead="Environments exchange events within a Space, and never across.">{new}</PageHead>
        <FilterBar action=paths::SPACES label="Search Spaces" query=query narrowed=narrowed>
            {sort}
            {app}
        </FilterBar>
        {body}
    }
    .into_any()
}

async fn load(visit: &Visit, manager: &Manager, name: &SpaceName) -> Result<(SpaceView, Vec<Bridge>), Error> {
    let space = manager.load_space(&visit.actor(), name.as_str(), i64::try_from(FIRST).unwrap_or(i64::MAX)).await?;
    let here = BridgeFilter { space: Some(space.space.name.to_string()), limit: BRIDGES, ..BridgeFilter::default() };
    let bridges = manager.list_bridges(&visit.actor(), &here).await?.items;
    Ok((space, bridges))
}

async fn show(visit: Visit, State(manager): State<Manager>, At(name): At<SpaceName>) -> Response {
    let Some(name) = name else { return visit.refusal(Error::NotFound("Space")).await };
    match load(&visit, &manager, &name).await {
        Ok((space, bridges)) => {
            let place = Place::new(Section::Spaces, space.space.name.to_string()).under("Spaces", paths::SPACES);
            let now = visit.now();
            let admin = visit.is_admin();
            visit.page(place, move || space_view(&space, &bridges, admin, now)).await
        }
        Err(error) => visit.refusal(error).await,
    }
}

fn space_view(view: &SpaceView, bridges: &[Bridge], admin: bool, now: OffsetDateTime) -> AnyView {
    let name = view.space.name.to_string();
    let exchanges = Exchange::gather(view.uses.iter(), bridges.iter());
    let body = if exchanges.is_empty() {
        view! {
            <EmptyState glyph=Glyph::Event title="No events are exchanged yet"
                text="Environments get access with their first deployment: it says what they publish and subscribe."
                action=Some(Action::new("Go to the apps", paths::APPS))/>
        }
        .into_any()
    } else {
        // A bridge may route events that are beyond the first ones.
        let all = is_cut(view).then(|| all_of("events", "events", paths::EVENTS, &name));
        view! {
            {graph::graph(&Exchange::streams(&exchanges))}
            {exchange_table(exchanges.iter().map(|exchange| (None, exchange)))}
            {all}
        }
        .into_any()
    };
    let empty = view.environments.is_empty() && view.channels.is_empty() && bridges.is_empty();
    let (environments, bridges) = (environments(&view.environments, &name, admin), bridges_of(bridges));
    let channels = channels_of(view, &name, now);
    let delete = match (empty, admin) {
        (true, true) => view! {
            <ButtonLink href=paths::delete_space(&name) kind=ButtonKind::Danger glyph=Glyph::Trash>"Delete Space"</ButtonLink>
        }
        .into_any(),
        (true, false) => view! { <Refused id="delete" label="Delete Space" reason="Only an admin deletes Spaces."/> }.into_any(),
        (false, _) => ().into_any(),
    };
    view! {
        <PageHead title=name lead="Environments and bridges in this Space may exchange events with each other, and with nobody else.">{delete}</PageHead>
        <Panel id="exchange" title="Who publishes, who subscribes">{body}</Panel>
        <Panel id="environments" title="Environments">{environments}</Panel>
        <Panel id="channels" title="Channels">{channels}</Panel>
        <Panel id="bridges" title="Bridges">{bridges}</Panel>
    }
    .into_any()
}

fn environments(environments: &[Inhabitant], space: &str, admin: bool) -> AnyView {
    if environments.is_empty() {
        return view! { <p class="secondary">"None is in this Space."</p> }.into_any();
    }
    let columns =
        vec![Column::new("Environment"), Column::new("Deployed"), Column::new("State"), Column::new("Act").hidden()];
    let all = (environments.len() > FIRST).then(|| all_of("environments", "apps", paths::APPS, space));
    let rows = environments.iter().take(FIRST).map(|e| {
        let name = format!("{}.{}", e.app, e.environment);
        let href = paths::environment(&e.app, &e.environment);
        let (tone, state) = if e.is_enabled { (Tone::Ok, "Enabled") } else { (Tone::Quiet, "Not enabled") };
        let deployed = match &e.deployed {
            Some(version) => view! { {version.clone()} }.into_any(),
            None => view! { <span class="secondary">"Not yet"</span> }.into_any(),
        };
        let act = if admin {
            let to = paths::reassign(&e.app, &e.environment);
            let which = format!(" {name}");
            view! { <ButtonLink href=to kind=ButtonKind::Quiet>"Reassign"<span class="unseen">{which}</span></ButtonLink> }
                .into_any()
        } else {
            let id = format!("reassign-{}-{}", e.app, e.environment);
            view! { <Refused id=id label="Reassign" reason="Only an admin moves environments between Spaces."/> }.into_any()
        };
        view! {
            <tr>
                <th scope="row"><a href=href><Name text=name/></a></th>
                <td data-label="Deployed">{deployed}</td>
                <td data-label="State"><Pill tone label=state/></td>
                <td><div class="actions">{act}</div></td>
            </tr>
        }
    });
    let rows = rows.collect_view();
    view! { <Table caption="Environments" columns stacked=true>{rows}</Table>{all} }.into_any()
}

/// Whether more events flow in the Space than its page shows.
fn is_cut(view: &SpaceView) -> bool {
    view.channels.iter().map(|channel| channel.events.len()).sum::<usize>() > FIRST
}

/// Where all of them are, of a part that shows the first ones.
fn all_of(shown: &str, listed: &str, list: &str, space: &str) -> AnyView {
    let href = format!("{list}?space={}", paths::escape(space));
    view! { <p>{format!("The first {FIRST} {shown}. ")}<a href=href>{format!("All {listed} of this Space")}</a></p> }
        .into_any()
}

fn channels_of(view: &SpaceView, name: &str, now: OffsetDateTime) -> AnyView {
    if view.channels.is_empty() {
        return view! { <p class="secondary">"None yet. A channel comes with the deployment of an app that defines or publishes events."</p> }
            .into_any();
    }
    let all = (view.channels.len() >= FIRST).then(|| all_of("channels", "channels", paths::CHANNELS, name));
    view! { {channels::table(&view.channels, now)}{all} }.into_any()
}

fn bridges_of(bridges: &[Bridge]) -> AnyView {
    if bridges.is_empty() {
        return view! {
            <p class="secondary">"None. A bridge exchanges events of this Space with queues outside. "<a href=paths::BRIDGES>"Go to the bridges"</a></p>
        }
        .into_any();
    }
    let columns = vec![Column::new("Bridge"), Column::new("Routes").numeric(), Column::new("State")];
    let rows = bridges.iter().map(|bridge| {
        let state = bridge_state(bridge.status, &bridge.status_reason);
        let moved: i64 = bridge.routes.iter().map(|route| route.moved).sum();
        let moved_words = if moved == 1 { "1 event moved".to_owned() } else { format!("{moved} events moved") };
        view! {
            <tr>
                <th scope="row"><a href=paths::bridge(bridge.id)><Name text=bridge.name.to_string()/></a><span class="under">{moved_words}</span></th>
                <td data-label="Routes" class="number">{bridge.routes.len()}</td>
                <td data-label="State"><Status state/></td>
            </tr>
        }
    });
    let rows = rows.collect_view();
    view! { <Table caption="Bridges" columns stacked=true>{rows}</Table> }.into_any()
}
