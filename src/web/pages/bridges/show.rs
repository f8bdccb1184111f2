//! A bridge: how it fares, what it moves, what it is made of.

use std::{collections::HashMap, sync::Arc};

use axum::{
    extract::{Path, State},
    response::Response,
};
use leptos::prelude::*;
use time::OffsetDateTime;

use super::{super::parts::followed, load, state, words};
use crate::{
    domain::{
        bridge::{Desired, consumer_group},
        ids::RouteId,
    },
    islands::Live,
    manager::{
        Manager, Minutes,
        actor::May,
        bridges::{Bridge, Delay},
    },
    web::{
        paths,
        ui::{ButtonLink, CopyValue, Fact, Facts, Glyph, Moment, PageHead, Panel, Section, Status, When},
        visit::{Place, Visit},
    },
};

pub(super) async fn show(visit: Visit, State(manager): State<Manager>, Path(id): Path<String>) -> Response {
    let loaded = async {
        let (bridge, may) = load(&visit, &manager, &id).await?;
        let flow = manager.flow_by_route(&visit.actor(), bridge.id).await?;
        let delay = manager.delay_of_bridge(&visit.actor(), &bridge).await?;
        Ok(Model { bridge, may, flow, delay, shares_role: manager.shares_role() })
    };
    let model = match loaded.await {
        Ok(loaded) => loaded,
        Err(error) => return visit.refusal(error).await,
    };
    let place =
        Place::new(Section::Bridges, model.bridge.name.to_string()).under("Bridges", paths::BRIDGES).with_islands();
    let (model, now) = (Arc::new(model), visit.now());
    visit.page(place, move || view(&model, now)).await
}

struct Model {
    bridge: Bridge,
    may: May,
    flow: HashMap<RouteId, Minutes>,
    delay: Delay,
    shares_role: bool,
}

fn view(model: &Model, now: OffsetDateTime) -> AnyView {
    let Model { bridge, may, flow, delay, .. } = model;
    let topic = format!("bridge:{}", bridge.id);
    let fares = view! { <span id="bridge-status" data-live=""><Status state=words::state(bridge, false)/></span> };
    let acts = state::acts(bridge, may);
    let lead = format!("AWS SQS · {} · {}", bridge.space.name, bridge.region);
    view! {
        <PageHead title=bridge.name.to_string() lead=lead status=fares.into_any()>
            <Live url=paths::LIVE topic=topic/>
            <div class="actions" id="bridge-acts" data-live="">{acts}</div>
        </PageHead>
        <div id="bridge-line" data-live="">{state::line(bridge, may, now)}</div>
        <div id="bridge-steps" data-live="">{state::steps(bridge, now)}</div>
        <div id="bridge-routes" data-live="">{state::routes(bridge, flow, now)}</div>
        <div id="bridge-delay" data-live="">{state::delay(bridge, delay)}</div>
        {facts(model, now)}
    }
    .into_any()
}

fn facts(Model { bridge, may, shares_role, .. }: &Model, now: OffsetDateTime) -> AnyView {
    let space = bridge.space.name.to_string();
    let role = match &bridge.role_arn {
        Some(arn) => {
            let shared = shares_role.then(|| {
                let text = "All bridges share it: that a queue is meant for this one is seen by the name of its statement \
                            alone, which a check looks for.";
                view! { <span class="under">{text}</span> }
            });
            view! { <div><CopyValue label="role" value=arn.clone()/>{shared}</div> }.into_any()
        }
        None => view! { <span class="secondary">"Made when the queues are saved"</span> }.into_any(),
    };
    let kafka = if bridge.desired == Desired::Draft {
        view! { <span class="secondary">"Nothing while it is a draft"</span> }.into_any()
    } else {
        view! { <Status state=followed(&bridge.followed, now)/> }.into_any()
    };
    let (id, region) = (bridge.id, bridge.region.to_string());
    let made = Moment::new(bridge.created_at, now);
    // What is being taken away is not changed any more.
    let links = (may.refusal.is_none() && bridge.desired != Desired::Deleted).then(|| {
        let policy = bridge.role_arn.is_some().then(|| {
            let to = paths::bridge_events_at(id, "json", "policy");
            view! { <ButtonLink href=to glyph=Glyph::Access>"Policy and check"</ButtonLink> }
        });
        view! {
            {policy}
            <ButtonLink href=paths::bridge_details(id) glyph=Glyph::Pencil>"Edit details"</ButtonLink>
        }
        .into_any()
    });
    view! {
        <Panel id="details" title="Details" actions=links.into_any()>
            <Facts>
                <Fact label="Space"><a href=paths::space(&space)>{space.clone()}</a></Fact>
                <Fact label="AWS region"><code>{region}</code></Fact>
                <Fact label="Role in AWS">{role}</Fact>
                <Fact label="Consumer group"><CopyValue label="consumer group" value=consumer_group(id)/></Fact>
                <Fact label="Kafka"><span id="bridge-kafka" data-live="">{kafka}</span></Fact>
                <Fact label="Made"><When moment=made/></Fact>
            </Facts>
        </Panel>
    }
    .into_any()
}
