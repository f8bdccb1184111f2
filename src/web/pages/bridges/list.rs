//! All bridges.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use leptos::prelude::*;
use time::OffsetDateTime;

use super::{super::parts::followed, words};
use crate::{
    domain::bridge::Desired,
    manager::{Error, Manager, bridges::Bridge, catalogue::Filter},
    web::{
        paths,
        ui::{
            Action, ButtonKind, ButtonLink, Column, EmptyState, Glyph, Moment, Name, PageHead, Pill, Refused, Section,
            Status, Table, Tone, When,
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

pub(super) async fn list(visit: Visit, State(manager): State<Manager>) -> Response {
    let loaded = async { Ok((manager.list_bridges(&visit.actor()).await?, making(&visit, &manager).await?)) }.await;
    let (bridges, making) = match loaded {
        Ok(loaded) => loaded,
        Err(error) => return visit.refusal(error).await,
    };
    let (model, now) = (Arc::new((bridges, making)), visit.now());
    visit.page(Place::new(Section::Bridges, "Bridges"), move || view(&model.0, &model.1, now)).await
}

fn view(bridges: &[Bridge], making: &Making, now: OffsetDateTime) -> AnyView {
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
    let body = if bridges.is_empty() {
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
        let columns = vec![
            Column::new("Bridge"),
            Column::new("Status"),
            Column::new("Routes"),
            Column::new("Moved").numeric(),
            Column::new("Last event"),
            Column::new("Dead letters").numeric(),
            Column::new("Kafka"),
        ];
        let rows = bridges.iter().map(|bridge| row(bridge, now)).collect_view();
        view! { <Table caption="Bridges" columns stacked=true>{rows}</Table> }.into_any()
    };
    view! {
        <PageHead title="Bridges" lead="What connects Spaces with queues outside.">{action}</PageHead>
        {body}
    }
    .into_any()
}

fn row(bridge: &Bridge, now: OffsetDateTime) -> impl IntoView + use<> {
    let draft = bridge.desired == Desired::Draft;
    let href = if draft { paths::bridge_events(bridge.id) } else { paths::bridge(bridge.id) };
    let under = format!("{} · {}", bridge.space.name, bridge.region);
    let since = format!("for {}", Moment::new(bridge.status_since, now).distance());
    let moved = (!draft).then(|| words::grouped(bridge.routes.iter().map(|r| r.moved).sum()));
    let last = words::last_moved(bridge).map(|at| view! { <When moment=Moment::new(at, now)/> });
    let none = last.is_none().then(|| view! { <span class="secondary">{if draft { "—" } else { "None yet" }}</span> });
    let letters = if bridge.dead_letters > 0 {
        view! { <Pill tone=Tone::Warn label=words::grouped(bridge.dead_letters)/> }.into_any()
    } else {
        view! { <span class="secondary">"0"</span> }.into_any()
    };
    let kafka = if draft {
        view! { <span class="secondary">"—"</span> }.into_any()
    } else {
        view! { <Status state=followed(&bridge.followed, now)/> }.into_any()
    };
    view! {
        <tr>
            <th scope="row"><a href=href><Name text=bridge.name.to_string()/></a><span class="under">{under}</span></th>
            <td data-label="Status"><div class="bridge-status"><Status state=words::state(bridge, true)/><span class="under">{since}</span></div></td>
            <td data-label="Routes">{words::routes(&bridge.routes)}</td>
            <td data-label="Moved" class="number">{moved}</td>
            <td data-label="Last event">{last}{none}</td>
            <td data-label="Dead letters" class="number">{letters}</td>
            <td data-label="Kafka">{kafka}</td>
        </tr>
    }
}
