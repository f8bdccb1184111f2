//! The events: what each carries, who may use it, where it flows.

use axum::{Router, extract::State, response::Response, routing::get};
use leptos::prelude::*;

use super::asked::{Asked, Further, Narrowing, both_ways, defined_by, filter_bar, is_narrowed, refused, space_chips};
use crate::{
    domain::contract::Attribute,
    manager::{
        Error, Manager, Page,
        catalogue::{EventsBy, Filter, ListedEvent},
    },
    web::{
        Web, paths,
        ui::{Action, Column, EmptyState, Fact, Facts, Glyph, Icon, Name, Order, PageHead, Section, Table},
        visit::{Place, Visit},
    },
};

/// So few events are shown with all their details.
const FEW: usize = 3;

pub(super) fn router() -> Router<Web> {
    Router::new().route(paths::EVENTS, get(list))
}

type Found = (Filter<EventsBy>, Page<ListedEvent>, Narrowing);

async fn load(visit: &Visit, manager: &Manager, asked: &Asked) -> Result<Found, Error> {
    let filter = asked.filter()?;
    let page = manager.list_events(&visit.actor(), &filter).await?;
    Ok((filter, page, Narrowing::load(visit, manager).await?))
}

async fn list(visit: Visit, State(manager): State<Manager>, asked: Asked) -> Response {
    match load(&visit, &manager, &asked).await {
        Ok((filter, page, narrowing)) => {
            visit
                .page(Place::new(Section::Events, "Events"), move || list_view(&asked, &filter, &page, &narrowing))
                .await
        }
        Err(error) => refused(&visit, Section::Events, "Events", paths::EVENTS, error).await,
    }
}

fn list_view(asked: &Asked, filter: &Filter<EventsBy>, page: &Page<ListedEvent>, narrowing: &Narrowing) -> AnyView {
    let body = match (page.items.is_empty(), is_narrowed(filter) || asked.is_further_on()) {
        (true, false) => view! {
            <EmptyState glyph=Glyph::Event title="No events yet"
                text="Events are declared by services. They come with the first deployment of an app that defines some."
                action=Some(Action::new("Go to the apps", paths::APPS))/>
        }
        .into_any(),
        (true, true) => view! {
            <EmptyState glyph=Glyph::Search title="No event fits" text="Take a part of the filter away, or look at all of them."
                action=Some(Action::new("Show all events", paths::EVENTS))/>
        }
        .into_any(),
        (false, _) => {
            let open = page.items.len() <= FEW;
            let entries = page.items.iter().map(|event| entry(event, open)).collect_view();
            view! {
                {sorts(asked, filter)}
                <ul class="entries events">{entries}</ul>
                {both_ways(paths::EVENTS, asked, ["event", "events"], page)}
            }
            .into_any()
        }
    };
    view! {
        <PageHead title="Events" lead="What apps tell each other. Each flows in the channel of its service."/>
        {filter_bar(paths::EVENTS, "Search events", filter, narrowing, Further::ServiceAndKind)}
        {body}
    }
    .into_any()
}

/// How the list is sorted: it is no table, so the links that sort it stand above.
fn sorts(asked: &Asked, filter: &Filter<EventsBy>) -> AnyView {
    let link = |label: &'static str, by: EventsBy| {
        let (href, order) = asked.sorted_by(paths::EVENTS, by, &filter.sorting);
        let (glyph, way) = match order {
            Some(Order::Ascending) => (Glyph::ArrowUp, ", from A to Z"),
            Some(Order::Descending) => (Glyph::ArrowDown, ", from Z to A"),
            None => (Glyph::ChevronsUpDown, ""),
        };
        let current = order.is_some().then_some("true");
        view! { <a class="sort" href=href aria-current=current>{label}<span class="unseen">{way}</span><Icon glyph=glyph/></a> }
    };
    let links = [link("Event", EventsBy::Event), link("Service", EventsBy::Service), link("Defined by", EventsBy::App)];
    let links = links.into_iter().collect_view();
    view! {
        <nav class="sorts" aria-label="Sort events">
            <span class="secondary">"Sorted by"</span>
            {links}
        </nav>
    }
    .into_any()
}

fn entry(event: &ListedEvent, open: bool) -> impl IntoView + use<> {
    let spaces = if event.spaces.is_empty() { "In no Space yet".to_owned() } else { event.spaces.join(", ") };
    let service = format!("{} {}", event.service, event.contract_version);
    let (channel, name, may) = (event.channel, event.name.clone(), others_may(event));
    let (words, attributes) = (words(event), attributes(&event.name, &event.attributes));
    let page = paths::event(&event.service, &event.name);
    let (app, chips) = (defined_by(event.app.as_ref()), space_chips(&event.spaces));
    view! {
        <li>
            <details open=open>
                <summary>
                    <Icon glyph=Glyph::ChevronRight/>
                    <span class="entry-name"><Name text=name/></span>
                    <span class="entry-part"><Name text=service/></span>
                    <span class="entry-part">{spaces}</span>
                    <span class="entry-part">{may}</span>
                </summary>
                <div class="entry-body">
                    {words}
                    <Facts>
                        <Fact label="Defined by">{app}</Fact>
                        <Fact label="Channel"><a href=paths::channel(channel)><code>{channel.to_string()}</code></a></Fact>
                        <Fact label="Spaces">{chips}</Fact>
                        <Fact label="Who uses it"><a href=page>"Publishers and subscribers"</a></Fact>
                    </Facts>
                    {attributes}
                </div>
            </details>
        </li>
    }
}

/// What apps other than the defining one may do, by its contract.
pub(super) fn others_may(event: &ListedEvent) -> &'static str {
    may(event.app_sends, event.app_receives)
}

/// The same, of an event that its app sends or receives.
pub(super) fn may(app_sends: bool, app_receives: bool) -> &'static str {
    match (app_sends, app_receives) {
        (true, true) => "Others may subscribe and publish",
        (true, false) => "Others may subscribe",
        (false, true) => "Others may publish",
        (false, false) => "For its own app only",
    }
}

/// Title and description, where the contract gives any.
pub(super) fn words(event: &ListedEvent) -> Option<AnyView> {
    // `Order placed` says no more than `OrderPlaced`.
    let letters =
        |text: &str| text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect::<String>();
    let title = Some(event.title.clone()).filter(|title| !title.is_empty() && letters(title) != letters(&event.name));
    let description = Some(event.description.clone()).filter(|text| !text.is_empty() && Some(text) != title.as_ref());
    (title.is_some() || description.is_some()).then(|| {
        let title = title.map(|title| view! { <p><strong>{title}</strong></p> });
        let description = description.map(|text| view! { <p class="secondary">{text}</p> });
        view! { <div>{title}{description}</div> }.into_any()
    })
}

/// The attributes of an event's payload.
pub(super) fn attributes(event: &str, attributes: &[Attribute]) -> AnyView {
    if attributes.is_empty() {
        return view! { <p class="secondary">"The contract names no attributes."</p> }.into_any();
    }
    let columns = vec![Column::new("Attribute"), Column::new("Type"), Column::new("Required")];
    let rows = attributes.iter().map(|attribute| {
        let required = if attribute.required { "Required" } else { "Optional" };
        view! {
            <tr>
                <th scope="row"><code>{attribute.name.clone()}</code></th>
                <td>{attribute.kind.clone()}</td>
                <td class=(!attribute.required).then_some("secondary")>{required}</td>
            </tr>
        }
    });
    let rows = rows.collect_view();
    view! { <Table caption=format!("Attributes of {event}") columns>{rows}</Table> }.into_any()
}
