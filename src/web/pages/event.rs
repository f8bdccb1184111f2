//! One event: what it carries, who sends and who receives it in each Space.

use axum::{
    Router,
    extract::{Path, State, rejection::PathRejection},
    response::Response,
    routing::get,
};
use leptos::prelude::*;

use super::{
    asked::{defined_by, space_chips},
    events::{attributes, others_may, words},
    exchange::{Exchange, exchange_table},
};
use crate::{
    domain::channel::topic_name,
    manager::{Error, Manager, bridges::BridgeFilter, catalogue::ListedEvent},
    web::{
        Web, paths,
        ui::{Code, CopyValue, Fact, Facts, PageHead, Panel, Section},
        visit::{Place, Visit},
    },
};

/// Bridges that lead to or from its channel, as the page shows them at most.
const BRIDGES: i64 = 200;

pub(super) fn router() -> Router<Web> {
    Router::new().route("/events/{service}/{event}", get(show))
}

type Users = Vec<(String, Exchange)>;

async fn load(visit: &Visit, manager: &Manager, service: &str, name: &str) -> Result<(ListedEvent, Users), Error> {
    let event = manager.load_event(&visit.actor(), service, name).await?;
    let granted = manager.list_channel_uses(&visit.actor(), event.channel).await?;
    let filter = BridgeFilter { channel: Some(event.channel), limit: BRIDGES, ..BridgeFilter::default() };
    let bridges = manager.list_bridges(&visit.actor(), &filter).await?.items;
    let mut users = Vec::new();
    for space in &event.spaces {
        let here = granted.iter().filter(|(name, _)| name == space).map(|(_, used)| used);
        let leading = bridges.iter().filter(|bridge| bridge.space.name.as_str() == space);
        let found = Exchange::gather(here, leading).into_iter().filter(|found| found.is_of(service, name));
        users.extend(found.map(|found| (space.clone(), found)));
    }
    Ok((event, users))
}

async fn show(
    visit: Visit,
    State(manager): State<Manager>,
    path: Result<Path<(String, String)>, PathRejection>,
) -> Response {
    let Ok(Path((service, name))) = path else { return visit.refusal(Error::NotFound("event")).await };
    match load(&visit, &manager, &service, &name).await {
        Ok((event, users)) => {
            let place = Place::new(Section::Events, event.name.clone()).under("Events", paths::EVENTS);
            visit.page(place.with_islands(), move || event_view(&event, &users)).await
        }
        Err(error) => visit.refusal(error).await,
    }
}

fn event_view(event: &ListedEvent, users: &[(String, Exchange)]) -> AnyView {
    let (name, service) = (event.name.clone(), event.service.clone());
    let service_page = paths::service(&service);
    let service = format!("{service} {}", event.contract_version);
    let (words, app, chips) = (words(event), defined_by(event.app.as_ref()), space_chips(&event.spaces));
    let (channel, attributes) = (event.channel, attributes(&event.name, &event.attributes));
    let explained = explained(event, users);
    let users = if users.is_empty() {
        view! { <p class="secondary">"Nobody has access to it yet."</p> }.into_any()
    } else {
        exchange_table(users.iter().map(|(space, exchange)| (Some(space.as_str()), exchange)))
    };
    view! {
        <PageHead title=event.name.clone() lead=others_may(event)/>
        {words}
        <Facts>
            <Fact label="Type"><CopyValue label="ce_type" value=name/></Fact>
            <Fact label="Service"><a href=service_page>{service}</a></Fact>
            <Fact label="Defined by">{app}</Fact>
            <Fact label="Channel"><a href=paths::channel(channel)><code>{channel.to_string()}</code></a></Fact>
            <Fact label="Spaces">{chips}</Fact>
        </Facts>
        <Panel id="attributes" title="Attributes" lead="What its payload holds, by the contract.">{attributes}</Panel>
        <Panel id="users" title="Who publishes, who subscribes">{users}{explained}</Panel>
        {in_kafka(event)}
    }
    .into_any()
}

/// Where it is said why it does not arrive, for each environment that subscribes.
fn explained(event: &ListedEvent, users: &[(String, Exchange)]) -> Option<AnyView> {
    let links = users.iter().flat_map(|(_, exchange)| exchange.subscribing_environments()).filter_map(|name| {
        let (app, environment) = name.split_once('.')?;
        let href = paths::explain(app, environment, &event.service, &event.name);
        Some(view! { <a class="chip" href=href>{format!("At {name}")}</a> })
    });
    let links: Vec<_> = links.collect();
    (!links.is_empty()).then(|| {
        view! {
            <h3>"Why does it not arrive?"</h3>
            <p class="chips">{links}</p>
        }
        .into_any()
    })
}

/// What an app has to send, in Kafka's words: the event in binary mode, and where to (CloudEvents, "Kafka Protocol Binding",
/// section 3.2).
fn in_kafka(event: &ListedEvent) -> AnyView {
    let headers = format!(
        "ce_specversion: 1.0\n\
         ce_id: a new one for each event, such as a UUID\n\
         ce_source: who sends it, such as /{}\n\
         ce_type: {}\n\
         content-type: application/json\n",
        event.app.as_deref().unwrap_or("my-app"),
        event.name
    );
    let topics = event.spaces.iter().filter_map(|space| {
        let topic = topic_name(event.channel, &space.parse().ok()?);
        Some(view! { <Fact label=format!("Topic in {space}")><CopyValue label="topic" value=topic/></Fact> })
    });
    let topics = topics.collect_view();
    let lead = "A CloudEvent: its attributes are headers, its payload is the value of the record. No bridge \
                delivers a record without them.";
    view! {
        <Panel id="kafka" title="What it looks like in Kafka" lead=lead>
            <Code id="headers" label="Headers" text=headers/>
            <Facts>{topics}</Facts>
        </Panel>
    }
    .into_any()
}
