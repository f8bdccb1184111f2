//! The channels: list, and one with its topics, events and who uses it.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use axum::{Router, extract::State, response::Response, routing::get};
use leptos::prelude::*;
use time::OffsetDateTime;

use super::{
    asked::{Asked, At, Further, Narrowing, both_ways, defined_by, filter_bar, is_narrowed, refused, space_chips},
    events::{attributes, others_may, words},
    exchange::{Exchange, exchange_table},
    parts::{followed, sparkline},
    readers,
};
use crate::{
    domain::{channel::topic_name, ids::ChannelId},
    islands::Live,
    manager::{
        Error, Followed, Manager, Minutes, Page,
        bridges::BridgeFilter,
        catalogue::{Channel, ChannelReader, ChannelsBy, Filter, ListedChannel, ListedEvent, ListedTopic, SpaceUse},
    },
    web::{
        Web, paths,
        ui::{
            Action, Column, CopyValue, EmptyState, Fact, Facts, Glyph, Name, PageHead, Panel, Pill, Section, Status,
            Table, Tone,
        },
        visit::{Place, Visit},
    },
};

/// Bridges that lead to or from a channel, as its page shows them at most.
const BRIDGES: i64 = 200;
/// Names of events in a row of the list at most.
const NAMES: usize = 3;

pub(super) fn router() -> Router<Web> {
    Router::new().route(paths::CHANNELS, get(list)).route("/channels/{channel}", get(show))
}

type Found = (Filter<ChannelsBy>, Page<ListedChannel>, Narrowing);

async fn load_list(visit: &Visit, manager: &Manager, asked: &Asked) -> Result<Found, Error> {
    let filter = asked.filter()?;
    let page = manager.list_channels(&visit.actor(), &filter).await?;
    Ok((filter, page, Narrowing::load(visit, manager).await?))
}

async fn list(visit: Visit, State(manager): State<Manager>, asked: Asked) -> Response {
    match load_list(&visit, &manager, &asked).await {
        Ok((filter, page, narrowing)) => {
            let now = visit.now();
            visit
                .page(Place::new(Section::Channels, "Channels"), move || {
                    list_view(&asked, &filter, &page, &narrowing, now)
                })
                .await
        }
        Err(error) => refused(&visit, Section::Channels, "Channels", paths::CHANNELS, error).await,
    }
}

fn list_view(
    asked: &Asked,
    filter: &Filter<ChannelsBy>,
    page: &Page<ListedChannel>,
    narrowing: &Narrowing,
    now: OffsetDateTime,
) -> AnyView {
    let body = match (page.items.is_empty(), is_narrowed(filter) || asked.is_further_on()) {
        (true, false) => view! {
            <EmptyState glyph=Glyph::Channel title="No channels yet"
                text="The events of a service flow in a channel. It comes into being with the first deployment of an app that defines events."
                action=Some(Action::new("Go to the apps", paths::APPS))/>
        }
        .into_any(),
        (true, true) => view! {
            <EmptyState glyph=Glyph::Search title="No channel fits" text="Take a part of the filter away, or look at all of them."
                action=Some(Action::new("Show all channels", paths::CHANNELS))/>
        }
        .into_any(),
        (false, _) => view! {
            {rows(headings(asked, filter), &page.items, now)}
            {both_ways(paths::CHANNELS, asked, ["channel", "channels"], page)}
        }
        .into_any(),
    };
    view! {
        <PageHead title="Channels" lead="Where the events of a service flow; in each Space it is a topic of its own."/>
        {filter_bar(paths::CHANNELS, "Search channels", filter, narrowing, Further::Service)}
        {body}
    }
    .into_any()
}

/// Headings that sort the list.
fn headings(asked: &Asked, filter: &Filter<ChannelsBy>) -> Vec<Column> {
    let by = |label, by: ChannelsBy| asked.column(paths::CHANNELS, label, by, &filter.sorting);
    vec![
        by("Channel", ChannelsBy::Channel),
        by("Events", ChannelsBy::Events),
        by("Defined by", ChannelsBy::App),
        Column::new("Spaces"),
        by("Kafka", ChannelsBy::Kafka),
    ]
}

/// Channels as rows, in the order in which they come.
pub(super) fn table(channels: &[ListedChannel], now: OffsetDateTime) -> AnyView {
    let columns = ["Channel", "Events", "Defined by", "Spaces", "Kafka"].map(Column::new);
    rows(columns.into(), channels, now)
}

fn rows(columns: Vec<Column>, channels: &[ListedChannel], now: OffsetDateTime) -> AnyView {
    let rows = channels.iter().map(|channel| row(channel, now)).collect_view();
    view! { <Table caption="Channels" columns stacked=true>{rows}</Table> }.into_any()
}

fn row(item: &ListedChannel, now: OffsetDateTime) -> impl IntoView + use<> {
    let short: String = item.id.to_string().chars().take(8).collect();
    let more = item.events.len().saturating_sub(NAMES);
    let names = item.events.iter().take(NAMES).map(|name| view! { <div><Name text=name.clone()/></div> });
    let names = names.collect_view();
    let more = (more > 0).then(|| view! { <div class="secondary">{format!("and {more} more")}</div> });
    // Why stands on the page of the channel: the list is for looking over.
    let state = match &item.followed {
        Followed::Failed(_) => view! { <Pill tone=Tone::Fail label="Failed"/> }.into_any(),
        other => view! { <Status state=followed(other, now)/> }.into_any(),
    };
    view! {
        <tr>
            <th scope="row">
                <a href=paths::channel(item.id)><Name text=item.title.clone()/></a>
                <span class="under"><code>{item.service.clone()}</code>" · "<code title=item.id.to_string()>{short}"…"</code></span>
            </th>
            <td data-label="Events"><div>{names}{more}</div></td>
            <td data-label="Defined by">{defined_by(item.app.as_ref())}</td>
            <td data-label="Spaces">{space_chips(&item.spaces)}</td>
            <td data-label="Kafka">{state}</td>
        </tr>
    }
}

type Flow = HashMap<String, Minutes>;

/// What the page of a channel shows.
struct Model {
    channel: Channel,
    /// Who may publish and subscribe, each with the name of the Space.
    uses: Vec<(String, SpaceUse)>,
    exchanges: Vec<(String, Exchange)>,
    readers: Vec<ChannelReader>,
    flow: Flow,
}

async fn load(visit: &Visit, manager: &Manager, id: ChannelId) -> Result<Model, Error> {
    let channel = manager.load_channel(&visit.actor(), id).await?;
    let uses = manager.list_channel_uses(&visit.actor(), id).await?;
    let leading = BridgeFilter { channel: Some(id), limit: BRIDGES, ..BridgeFilter::default() };
    let bridges = manager.list_bridges(&visit.actor(), &leading).await?.items;
    let mut exchanges = Vec::new();
    for topic in &channel.topics {
        let space = topic.space.as_str();
        let here = uses.iter().filter(|(name, _)| name == space).map(|(_, used)| used);
        let here = Exchange::gather(here, bridges.iter().filter(|b| b.space.name.as_str() == space));
        exchanges.extend(here.into_iter().filter(|e| e.channel == id).map(|e| (space.to_owned(), e)));
    }
    let readers = manager.list_channel_readers(&visit.actor(), id).await?;
    let flow = manager.flow_of_channel(&visit.actor(), id).await?;
    Ok(Model { channel, uses, exchanges, readers, flow })
}

async fn show(visit: Visit, State(manager): State<Manager>, At(id): At<ChannelId>) -> Response {
    let Some(id) = id else { return visit.refusal(Error::NotFound("channel")).await };
    match load(&visit, &manager, id).await {
        Ok(model) => {
            let title = model.channel.listed.title.clone();
            let place = Place::new(Section::Channels, title).under("Channels", paths::CHANNELS);
            let (now, model) = (visit.now(), Arc::new(model));
            visit.page(place.with_islands(), move || channel_view(&model, now)).await
        }
        Err(error) => visit.refusal(error).await,
    }
}

fn channel_view(model: &Model, now: OffsetDateTime) -> AnyView {
    let Model { channel, uses, exchanges, readers, flow } = model;
    let listed = &channel.listed;
    let topic = format!("channel:{}", listed.id);
    let services = paths::service(&listed.service);
    let events = match channel.events.len() {
        1 => "One event flows in this channel.".to_owned(),
        n => format!("{n} events flow in this channel, told apart by their type."),
    };
    let (id, service, address) = (listed.id.to_string(), listed.service.clone(), channel.address.clone());
    let (title, app) = (listed.title.clone(), defined_by(listed.app.as_ref()));
    let topics = topics(listed.id, &channel.topics, flow, now);
    let (users, events_panel) = (users(exchanges, channel.events.len()), events_panel(&channel.events));
    let readers = readers_panel(uses, readers, now);
    view! {
        <PageHead title=title lead=events>
            <Live url=paths::LIVE topic=topic/>
        </PageHead>
        <Facts>
            <Fact label="Channel"><CopyValue label="channel" value=id/></Fact>
            <Fact label="Service"><a href=services>{service}</a></Fact>
            <Fact label="Defined by">{app}</Fact>
            <Fact label="In the document"><code>{address}</code></Fact>
        </Facts>
        <Panel id="topics" title="Topics" lead="One in each Space, as it shall be.">
            <div id="topics-live" data-live="">{topics}</div>
        </Panel>
        {users}
        <div id="readers-live" data-live="">{readers}</div>
        {events_panel}
    }
    .into_any()
}

fn topics(id: ChannelId, topics: &[ListedTopic], flow: &Flow, now: OffsetDateTime) -> AnyView {
    if topics.is_empty() {
        view! {
            <EmptyState glyph=Glyph::Space title="In no Space yet"
                text="The channel comes into being in a Space when an environment there is deployed that defines or publishes its events." action=None/>
        }
        .into_any()
    } else {
        let columns = vec![
            Column::new("Space"),
            Column::new("Topic"),
            Column::new("Partitions").numeric(),
            Column::new("Replicas").numeric(),
            Column::new("Configuration"),
            Column::new("Last hour"),
            Column::new("Kafka"),
        ];
        let rows = topics.iter().map(|topic| topic_row(id, topic, flow, now)).collect_view();
        view! { <Table caption="Topics" columns stacked=true>{rows}</Table> }.into_any()
    }
}

fn topic_row(id: ChannelId, topic: &ListedTopic, flow: &Flow, now: OffsetDateTime) -> impl IntoView + use<> {
    let space = topic.space.to_string();
    let flow = sparkline(flow.get(&space));
    let name = topic_name(id, &topic.space);
    let config = if topic.config.is_empty() {
        view! { <span class="secondary">"Kafka's defaults"</span> }.into_any()
    } else {
        let lines = topic.config.iter().map(|(key, value)| {
            let said = said(key, value).map(|said| view! { <span class="secondary">" "{said}</span> });
            view! { <div><code>{format!("{key}=")}<wbr/>{value.clone()}</code>{said}</div> }
        });
        view! { <div>{lines.collect_view()}</div> }.into_any()
    };
    let state = followed(&topic.followed, now);
    view! {
        <tr>
            <th scope="row"><a href=paths::space(&space)>{space.clone()}</a></th>
            <td data-label="Topic"><CopyValue label=format!("topic in {space}") value=name/></td>
            <td data-label="Partitions" class="number">{topic.partitions}</td>
            <td data-label="Replicas" class="number">{topic.replicas}</td>
            <td data-label="Configuration">{config}</td>
            <td data-label="Last hour">{flow}</td>
            <td data-label="Kafka"><Status state/></td>
        </tr>
    }
}

/// A time of a topic's configuration in words: `(7 days)`.
fn said(key: &str, value: &str) -> Option<String> {
    // Kafka's own names: those that end so are milliseconds.
    let (_, "ms") = key.rsplit_once('.')? else { return None };
    let ms: i64 = value.parse().ok()?;
    match ms {
        -1 => Some("(for ever)".to_owned()),
        ms if ms >= 172_800_000 && ms % 86_400_000 == 0 => Some(format!("({} days)", ms / 86_400_000)),
        ms if ms >= 3_600_000 && ms % 3_600_000 == 0 => Some(format!("({} h)", ms / 3_600_000)),
        ms if ms >= 60_000 && ms % 60_000 == 0 => Some(format!("({} min)", ms / 60_000)),
        _ => None,
    }
}

fn users(exchanges: &[(String, Exchange)], events: usize) -> AnyView {
    let body = if exchanges.is_empty() {
        view! { <p class="secondary">"Nobody has access to its events yet."</p> }.into_any()
    } else {
        exchange_table(exchanges.iter().map(|(space, exchange)| (Some(space.as_str()), exchange)))
    };
    let lead = if events > 1 {
        "Kafka grants access per topic: whoever has access to one of these events reaches the others too."
    } else {
        ""
    };
    view! { <Panel id="users" title="Who publishes, who subscribes" lead=lead>{body}</Panel> }.into_any()
}

/// How far each subscribing environment has read; nothing where none subscribes.
fn readers_panel(uses: &[(String, SpaceUse)], found: &[ChannelReader], now: OffsetDateTime) -> Option<AnyView> {
    let subscribers: BTreeSet<_> = uses
        .iter()
        .filter(|(_, used)| used.subscribe)
        .map(|(space, used)| (space.as_str(), used.app.as_str(), used.environment.as_str()))
        .collect();
    let rows: Vec<_> = subscribers
        .into_iter()
        .flat_map(|(space, app, environment)| {
            let theirs = |r: &&ChannelReader| r.space == space && r.app == app && r.environment == environment;
            let mut readers: Vec<_> = found.iter().filter(theirs).map(|found| Some(&found.reader)).collect();
            if readers.is_empty() {
                readers.push(None);
            }
            readers.into_iter().map(move |reader| {
                view! {
                    <tr>
                        <th scope="row">
                            <a href=paths::environment(app, environment)><Name text=format!("{app}.{environment}")/></a>
                        </th>
                        <td data-label="Space"><a href=paths::space(space)>{space.to_owned()}</a></td>
                        {readers::cells(reader, now)}
                    </tr>
                }
                .into_any()
            })
        })
        .collect();
    if rows.is_empty() {
        return None;
    }
    let columns = readers::columns(&["Subscriber", "Space"]);
    let lead =
        "Consumer groups, as they were last looked at. Lag is how many events of the channel are still to be read.";
    let panel = view! {
        <Panel id="readers" title="How far its subscribers have read" lead=lead>
            <Table caption="How far its subscribers have read" columns stacked=true>{rows}</Table>
        </Panel>
    };
    Some(panel.into_any())
}

fn events_panel(events: &[ListedEvent]) -> AnyView {
    let body = if events.is_empty() {
        view! { <p class="secondary">"No contract declares an event in this channel any more."</p> }.into_any()
    } else {
        let blocks = events.iter().map(|event| {
            view! {
                <article class="event-block">
                    <header class="row">
                        <h3><Name text=event.name.clone()/></h3>
                        <span class="secondary">{others_may(event)}</span>
                    </header>
                    {words(event)}
                    {attributes(&event.name, &event.attributes)}
                </article>
            }
        });
        blocks.collect_view().into_any()
    };
    view! { <Panel id="events" title="Events">{body}</Panel> }.into_any()
}

#[cfg(test)]
mod tests {
    use super::said;

    #[test]
    fn times_of_a_topic_are_said_in_words() {
        assert_eq!(said("retention.ms", "604800000").as_deref(), Some("(7 days)"));
        assert_eq!(said("retention.ms", "86400000").as_deref(), Some("(24 h)"));
        assert_eq!(said("retention.ms", "-1").as_deref(), Some("(for ever)"));
        assert_eq!(said("retention.bytes", "60000"), None);
        assert_eq!(said("retention.ms", "1234"), None);
    }
}
