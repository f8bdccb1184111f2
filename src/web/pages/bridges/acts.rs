//! Check, start, stop, go on, set an event aside.

use axum::{
    extract::{Path, State},
    response::Response,
};

use super::{
    super::parts::Typed,
    events::{self, Shown},
    load_to_change, words,
};
use crate::{
    domain::bridge::Desired,
    manager::{Error, Manager, bridges::Bridge},
    web::{
        paths,
        refusal::{beside_fields, status},
        visit::Visit,
    },
};

/// An act that was refused for what is missing: the step where that is done, with the reason.
async fn refused(visit: &Visit, manager: &Manager, bridge: Bridge, error: Error, vouched: bool) -> Response {
    match beside_fields(&error) {
        Some(errors) => {
            let shown = Shown { vouched, ..Shown::refused(&bridge, status(&error), errors) };
            events::page(visit, manager, bridge, shown).await
        }
        None => visit.refusal(error).await,
    }
}

/// A step was opened before those ahead of it are filled in.
pub(super) async fn missing(
    visit: &Visit,
    manager: &Manager,
    bridge: Bridge,
    code: &'static str,
    what: &str,
) -> Response {
    refused(visit, manager, bridge, Error::conflict(code, what), false).await
}

pub(super) async fn check(visit: Visit, State(manager): State<Manager>, Path(id): Path<String>) -> Response {
    let bridge = match load_to_change(&visit, &manager, &id).await {
        Ok(bridge) => bridge,
        Err(answer) => return answer,
    };
    if bridge.routes.is_empty() {
        let what = "choose business events and save their queues first: there is nothing to check yet";
        return missing(&visit, &manager, bridge, "no-queues", what).await;
    }
    match manager.check_bridge(&visit.actor(), bridge.id).await {
        Ok(checks) => {
            let to = format!("{}#checks", paths::bridge_events(bridge.id));
            match words::outcome(&checks) {
                (true, text) => visit.done(&to, text).await,
                (false, text) => visit.refused(&to, text).await,
            }
        }
        Err(error) => refused(&visit, &manager, bridge, error, false).await,
    }
}

pub(super) async fn start(
    visit: Visit,
    State(manager): State<Manager>,
    Path(id): Path<String>,
    typed: Typed,
) -> Response {
    let bridge = match load_to_change(&visit, &manager, &id).await {
        Ok(bridge) => bridge,
        Err(answer) => return answer,
    };
    let vouched = typed.has("vouched");
    match manager.start_bridge(&visit.actor(), bridge.id, typed.number("version"), vouched).await {
        Ok(()) => {
            let text = format!("{} is being started.", bridge.name);
            visit.done(&paths::bridge(bridge.id), text).await
        }
        Err(error) => refused(&visit, &manager, bridge, error, vouched).await,
    }
}

pub(super) async fn stop(visit: Visit, State(manager): State<Manager>, Path(id): Path<String>) -> Response {
    let bridge = match load_to_change(&visit, &manager, &id).await {
        Ok(bridge) => bridge,
        Err(answer) => return answer,
    };
    let back = paths::bridge(bridge.id);
    // Whatever was changed meanwhile: what shall stop stops.
    match manager.stop_bridge(&visit.actor(), bridge.id, None).await {
        Ok(()) if bridge.desired == Desired::Running => {
            visit.done(&back, format!("{} is stopping: what is under way is finished first.", bridge.name)).await
        }
        Ok(()) => visit.done(&back, format!("{} was not running.", bridge.name)).await,
        Err(error) => visit.act_refused(&back, error).await,
    }
}

pub(super) async fn go_on(
    visit: Visit,
    State(manager): State<Manager>,
    Path(id): Path<String>,
    typed: Typed,
) -> Response {
    let bridge = match load_to_change(&visit, &manager, &id).await {
        Ok(bridge) => bridge,
        Err(answer) => return answer,
    };
    let result = manager.go_on_bridge(&visit.actor(), bridge.id, typed.number("version")).await;
    let done = format!("{} goes on with the first event there is.", bridge.name);
    visit.after_act(&paths::bridge(bridge.id), result, done).await
}

pub(super) async fn set_aside(
    visit: Visit,
    State(manager): State<Manager>,
    Path(id): Path<String>,
    typed: Typed,
) -> Response {
    let bridge = match load_to_change(&visit, &manager, &id).await {
        Ok(bridge) => bridge,
        Err(answer) => return answer,
    };
    let result = manager.set_event_aside(&visit.actor(), bridge.id, typed.number("version")).await;
    let done = "The event is being kept as a dead letter; those behind it go on.".to_owned();
    visit.after_act(&paths::bridge(bridge.id), result, done).await
}
