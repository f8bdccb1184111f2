//! Who sends and who receives an event: environments and bridges side by side.

use std::collections::BTreeMap;

use leptos::prelude::*;

use crate::{
    domain::{
        bridge::{Desired, Direction, Status},
        ids::ChannelId,
    },
    manager::{bridges::Bridge, catalogue::SpaceUse},
    web::{
        pages::spaces::graph::{End, Stream},
        paths,
        ui::{Column, Glyph, Icon, Name, State, Table},
    },
};

/// An event, and who has access to it in one Space.
#[derive(Clone, Debug)]
pub struct Exchange {
    service: String,
    event: String,
    /// The channel it flows in.
    pub channel: ChannelId,
    publishers: Vec<User>,
    subscribers: Vec<User>,
}

/// An environment or a bridge.
#[derive(Clone, Debug)]
struct User {
    name: String,
    href: String,
    glyph: Option<Glyph>,
}

impl Exchange {
    /// What environments, and routes of bridges that are no drafts, have access to; by service and event.
    pub fn gather<'a>(
        granted: impl Iterator<Item = &'a SpaceUse>,
        bridges: impl Iterator<Item = &'a Bridge>,
    ) -> Vec<Self> {
        let mut found = BTreeMap::new();
        for used in granted {
            let exchange = Self::of(&mut found, &used.service, &used.event, used.channel);
            let user = User {
                name: format!("{}.{}", used.app, used.environment),
                href: paths::environment(&used.app, &used.environment),
                glyph: None,
            };
            if used.publish {
                exchange.publishers.push(user.clone());
            }
            if used.subscribe {
                exchange.subscribers.push(user);
            }
        }
        for bridge in bridges.filter(|bridge| bridge.desired != Desired::Draft) {
            for route in bridge.routes.iter().filter(|route| route.granted) {
                let exchange = Self::of(&mut found, &route.service, &route.event, route.channel);
                let user = User {
                    name: format!("{} ({})", bridge.name, route.direction.label()),
                    href: paths::bridge(bridge.id),
                    glyph: Some(Glyph::Bridge),
                };
                match route.direction {
                    Direction::Outbound => exchange.subscribers.push(user),
                    Direction::Inbound => exchange.publishers.push(user),
                }
            }
        }
        found.into_values().collect()
    }

    /// What flows, channel by channel, for the drawing.
    pub fn streams(exchanges: &[Self]) -> Vec<Stream> {
        let mut streams = BTreeMap::<ChannelId, (Stream, usize)>::new();
        for exchange in exchanges {
            let (stream, events) = streams.entry(exchange.channel).or_default();
            *events += 1;
            if *events == 1 {
                stream.channel = End { name: exchange.event.clone(), href: paths::channel(exchange.channel) };
            }
            for (ends, users) in
                [(&mut stream.publishers, &exchange.publishers), (&mut stream.subscribers, &exchange.subscribers)]
            {
                for user in users {
                    let end = End { name: user.name.clone(), href: user.href.clone() };
                    if !ends.contains(&end) {
                        ends.push(end);
                    }
                }
            }
        }
        let named = streams.into_values().map(|(mut stream, events)| {
            if events > 1 {
                stream.channel.name = format!("{} and {} more", stream.channel.name, events - 1);
            }
            stream
        });
        named.collect()
    }

    /// Environments that subscribe: `<app>.<environment>`.
    pub fn subscribing_environments(&self) -> impl Iterator<Item = &str> {
        // A bridge has a sign.
        self.subscribers.iter().filter(|user| user.glyph.is_none()).map(|user| user.name.as_str())
    }

    /// Whether it is about this event.
    pub fn is_of(&self, service: &str, event: &str) -> bool {
        self.service == service && self.event == event
    }

    fn of<'a>(
        found: &'a mut BTreeMap<(String, String), Self>,
        service: &str,
        event: &str,
        channel: ChannelId,
    ) -> &'a mut Self {
        found.entry((service.to_owned(), event.to_owned())).or_insert_with(|| Self {
            service: service.to_owned(),
            event: event.to_owned(),
            channel,
            publishers: Vec::new(),
            subscribers: Vec::new(),
        })
    }
}

/// Who publishes and who subscribes; with a column for the Space where one is given.
pub fn exchange_table<'a>(exchanges: impl Iterator<Item = (Option<&'a str>, &'a Exchange)>) -> AnyView {
    let mut with_space = false;
    let rows: Vec<_> = exchanges
        .map(|(space, exchange)| {
            with_space |= space.is_some();
            row(space, exchange)
        })
        .collect();
    let mut columns = vec![Column::new("Event")];
    if with_space {
        columns.push(Column::new("Space"));
    }
    columns.extend([Column::new("Published by"), Column::new("Subscribed by")]);
    if !with_space {
        columns.push(Column::new("Channel"));
    }
    view! { <div class="exchange"><Table caption="Who publishes, who subscribes" columns stacked=true>{rows}</Table></div> }
        .into_any()
}

fn row(space: Option<&str>, exchange: &Exchange) -> AnyView {
    let shown = space.map(|space| {
        view! { <td data-label="Space"><a href=paths::space(space)>{space.to_owned()}</a></td> }
    });
    let channel = space.is_none().then(|| {
        let short: String = exchange.channel.to_string().chars().take(8).collect();
        view! { <td data-label="Channel" class="short"><a href=paths::channel(exchange.channel)><code>{short}"…"</code></a></td> }
    });
    view! {
        <tr>
            <th scope="row">
                <a href=paths::event(&exchange.service, &exchange.event)><Name text=exchange.event.clone()/></a>
                <span class="under">{exchange.service.clone()}</span>
            </th>
            {shown}
            <td data-label="Published by">{chips(&exchange.publishers)}</td>
            <td data-label="Subscribed by">{chips(&exchange.subscribers)}</td>
            {channel}
        </tr>
    }
    .into_any()
}

fn chips(users: &[User]) -> AnyView {
    if users.is_empty() {
        return view! { <span class="secondary">"Nobody"</span> }.into_any();
    }
    let chips = users.iter().map(|user| {
        let icon = user.glyph.map(|glyph| view! { <Icon glyph/> });
        view! { <a class="chip" href=user.href.clone()>{icon}{user.name.clone()}</a> }
    });
    view! { <span class="chips">{chips.collect_view()}</span> }.into_any()
}

/// How a bridge fares, as a status.
pub fn bridge_state(status: Status, reason: &str) -> State {
    match status {
        Status::Draft => State::Draft,
        Status::Provisioning => State::Provisioning,
        Status::Running => State::Running,
        Status::Waiting => State::Waiting(reason.to_owned()),
        Status::Reconfiguring => State::Reconfiguring,
        Status::Stopped => State::Stopped,
        Status::Misconfigured => State::Misconfigured(reason.to_owned()),
        Status::Halted => State::Halted(reason.to_owned()),
    }
}
