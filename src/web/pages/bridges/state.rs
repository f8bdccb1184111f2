//! The parts of a bridge's page that keep themselves true: its state, its acts, its steps, its routes.

use std::collections::HashMap;

use leptos::prelude::*;
use time::{Duration, OffsetDateTime};

use super::{
    super::{parts::sparkline, sentence},
    delete, events, words,
};
use crate::{
    domain::{
        bridge::{Desired, Mode, Status as Fares},
        ids::RouteId,
    },
    manager::{
        Minutes,
        actor::May,
        bridges::{Bridge, Delay, Route, require_startable},
    },
    web::{
        paths,
        ui::{
            Action, ButtonKind, ButtonLink, Chain, Column, EmptyState, Glyph, Moment, Name, Notice, Panel, Pill, Plot,
            Refused, Submit, Table, Tone, When,
        },
    },
};

/// How long the steps of a start that went well are still shown.
const STEPS_STAY: Duration = Duration::minutes(10);

/// How the bridge fares, why, since when, and what to do.
pub(super) fn line(bridge: &Bridge, may: &May, now: OffsetDateTime) -> AnyView {
    let words::Line { tone, title, more, cure } = words::line(bridge);
    let since = Moment::new(bridge.status_since, now);
    let next = match (bridge.desired, bridge.status) {
        _ if may.refusal.is_some() || bridge.gap => None,
        (Desired::Draft, _) => Some(Action::new("Continue", paths::bridge_events(bridge.id))),
        (Desired::Running, Fares::Misconfigured | Fares::Halted) => {
            Some(Action::new("Check the queues", paths::bridge_events_at(bridge.id, "json", "checks")))
        }
        _ => None,
    };
    let decide = if may.refusal.is_none() { decide(bridge) } else { None };
    view! {
        <Notice tone=tone title=title action=next>
            {(!more.is_empty()).then(|| view! { <p>{more}</p> })}
            <p>{cure}" "<span class="secondary">"Began "<When moment=since/>"."</span></p>
            {decide}
        </Notice>
    }
    .into_any()
}

/// What can be decided about events that a bridge cannot move: where they are gone, and where it is one alone.
fn decide(bridge: &Bridge) -> Option<AnyView> {
    let (act, label) = match (bridge.gap, &bridge.stuck) {
        (true, _) => ("go-on", "Go on without them"),
        (false, Some(_)) => ("set-aside", "Set this event aside"),
        (false, None) => return None,
    };
    let form = view! {
        <form method="post" action=paths::bridge_act(bridge.id, act) class="row">
            <input type="hidden" name="version" value=bridge.version.to_string()/>
            <Submit kind=ButtonKind::Primary glyph=Glyph::Play>{label}</Submit>
        </form>
    };
    Some(form.into_any())
}

/// What can be done with the bridge.
pub(super) fn acts(bridge: &Bridge, may: &May) -> AnyView {
    if bridge.desired == Desired::Deleted {
        return ().into_any();
    }
    if let Some(why) = &may.refusal {
        let why = sentence(why);
        let verb = if bridge.desired == Desired::Running { "Stop" } else { "Start" };
        return view! {
            <Refused id="edit" label="Edit events and queues" reason=why.clone()/>
            <Refused id="delete" label="Delete" reason=why.clone()/>
            <Refused id="switch" label=verb reason=why/>
        }
        .into_any();
    }
    let edit = paths::bridge_events(bridge.id);
    if bridge.desired == Desired::Draft {
        return view! {
            {events::discard(bridge)}
            <ButtonLink href=edit kind=ButtonKind::Primary>"Continue"</ButtonLink>
        }
        .into_any();
    }
    view! {
        <ButtonLink href=edit glyph=Glyph::Pencil>"Edit events and queues"</ButtonLink>
        {delete::button(bridge)}
        {switch(bridge)}
    }
    .into_any()
}

fn switch(bridge: &Bridge) -> AnyView {
    if bridge.desired == Desired::Running {
        return view! {
            <form method="post" action=paths::bridge_act(bridge.id, "stop")>
                <Submit glyph=Glyph::Stop>"Stop"</Submit>
            </form>
        }
        .into_any();
    }
    match require_startable(bridge, false) {
        Ok(()) => view! {
            <form method="post" action=paths::bridge_act(bridge.id, "start")>
                <input type="hidden" name="version" value=bridge.version.to_string()/>
                <Submit kind=ButtonKind::Primary glyph=Glyph::Play>"Start"</Submit>
            </form>
        }
        .into_any(),
        // What is missing is done there, and the bridge started from there.
        Err(_) => view! {
            <ButtonLink href=paths::bridge_events_at(bridge.id, "json", "checks") kind=ButtonKind::Primary glyph=Glyph::Eye>"Check and start"</ButtonLink>
        }
        .into_any(),
    }
}

/// The steps of the newest start, while they tell something.
pub(super) fn steps(bridge: &Bridge, now: OffsetDateTime) -> AnyView {
    let settled = bridge.status == Fares::Running && now - bridge.status_since > STEPS_STAY;
    let steps = words::steps(&bridge.steps, now);
    if settled || bridge.desired != Desired::Running || (steps.is_empty() && bridge.status != Fares::Provisioning) {
        return ().into_any();
    }
    let body = if steps.is_empty() {
        view! { <p class="secondary">"The worker takes it on within a few seconds."</p> }.into_any()
    } else {
        view! { <Chain label="Steps of the start" steps=steps/> }.into_any()
    };
    view! { <Panel id="steps" title="Start">{body}</Panel> }.into_any()
}

/// What is moved.
pub(super) fn routes(bridge: &Bridge, flow: &HashMap<RouteId, Minutes>, now: OffsetDateTime) -> AnyView {
    let letters = (bridge.dead_letters > 0).then(|| {
        let n = words::grouped(bridge.dead_letters);
        let (title, text) = if bridge.dead_letters == 1 {
            (
                "1 event could not be delivered and is kept as a dead letter.".to_owned(),
                "It is not lost: it waits here until someone sees to it.",
            )
        } else {
            (
                format!("{n} events could not be delivered and are kept as dead letters."),
                "They are not lost: they wait here until someone sees to them.",
            )
        };
        let see = Some(Action::new("See the dead letters", paths::dead_letters(bridge.id)));
        view! { <Notice tone=Tone::Warn title=title action=see><p>{text}</p></Notice> }
    });
    let body = if bridge.routes.is_empty() {
        view! {
            <EmptyState glyph=Glyph::Event title="No routes yet" text="Each business event of the bridge is a route to a queue or from one." action=None/>
        }
        .into_any()
    } else {
        let columns = vec![
            Column::new("Event"),
            Column::new("Direction"),
            Column::new("Queue"),
            Column::new("Moved").numeric(),
            Column::new("Last hour"),
            Column::new("Last event"),
            Column::new("Access"),
        ];
        let rows = bridge.routes.iter().map(|r| route(r, flow.get(&r.id), now)).collect_view();
        let all: Minutes = flow.values().sum();
        let plot = (!all.is_quiet()).then(|| view! { <Plot minutes=all.0 what="events moved"/> });
        view! { {plot}<Table caption="Events with their queues" columns=columns stacked=true>{rows}</Table> }.into_any()
    };
    view! { <Panel id="routes" title="Routes">{letters}{body}</Panel> }.into_any()
}

/// How far it is behind.
pub(super) fn delay(bridge: &Bridge, delay: &Delay) -> AnyView {
    if bridge.desired != Desired::Running && delay.minutes.is_quiet() {
        return ().into_any();
    }
    let lead = match delay.now {
        Some(now) => format!("Lately the oldest event had waited for {}.", words::span(now)),
        None => "No event waits that the workers know of.".to_owned(),
    };
    let threat = delay.until_loss().map(|left| {
        let title = if left.is_zero() {
            "Events that wait are being deleted.".to_owned()
        } else {
            format!("In about {} events are lost that wait now.", words::span(left))
        };
        let kept = words::span(delay.kept.unwrap_or_default());
        view! {
            <Notice tone=Tone::Fail title=title>
                <p>{format!("They are kept for {kept} where they wait. Mend what holds the bridge up, or let them be kept for longer.")}</p>
            </Notice>
        }
    });
    let plot = (!delay.minutes.is_quiet()).then(|| {
        view! { <Plot minutes=delay.minutes.0.clone() what="behind" unit="s"/> }
    });
    view! { <Panel id="delay" title="Behind" lead=lead>{threat}{plot}</Panel> }.into_any()
}

fn route(route: &Route, flow: Option<&Minutes>, now: OffsetDateTime) -> impl IntoView + use<> {
    let under = format!("{} {}", route.service, route.contract_version);
    let last = match route.last_moved_at {
        Some(at) => view! { <When moment=Moment::new(at, now)/> }.into_any(),
        None => view! { <span class="secondary">"None yet"</span> }.into_any(),
    };
    let access = if route.granted {
        view! { <Pill tone=Tone::Ok label="Granted"/> }.into_any()
    } else {
        let by = route.app.as_ref().map_or_else(
            || "An admin grants it.".to_owned(),
            |app| format!("A contact of {app}, or an admin, grants it."),
        );
        view! { <span class="status"><Pill tone=Tone::Wait label="Requested"/><span class="status-more">{by}</span></span> }
            .into_any()
    };
    let order = match (route.queue.is_fifo(), route.mode) {
        (true, Mode::Batched) => "FIFO, in batches: in order unless the queue refuses one",
        (true, _) => "FIFO: each key in order",
        (false, Mode::Fair) => "standard, fair by key: no order promised",
        (false, _) => "standard: no order promised",
    };
    let account = format!("account {} · {order}", route.queue.account());
    let reordered = (route.reordered > 0).then(|| {
        let text = format!("{} out of order", words::grouped(route.reordered));
        view! { <span class="under">{text}</span> }
    });
    view! {
        <tr>
            <th scope="row"><a href=paths::event(&route.service, &route.event)><Name text=route.event.clone()/></a><span class="under">{under}</span></th>
            <td data-label="Direction">{route.direction.label()}</td>
            <td data-label="Queue"><div><code title=route.queue.to_string()><Name text=route.queue.name()/></code><span class="under">{account}</span></div></td>
            <td data-label="Moved" class="number"><div>{words::grouped(route.moved)}{reordered}</div></td>
            <td data-label="Last hour">{sparkline(flow)}</td>
            <td data-label="Last event">{last}</td>
            <td data-label="Access">{access}</td>
        </tr>
    }
}
