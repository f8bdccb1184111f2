//! The bridges: list, wizard, a bridge's page, and the acts on it.

mod acts;
mod add;
mod check;
mod delete;
mod details;
mod events;
mod letter;
mod letter_edit;
mod letters;
mod list;
mod policy;
mod rows;
mod show;
mod state;
mod step;
mod words;

use axum::{
    Router,
    response::Response,
    routing::{get, post},
};

use crate::{
    domain::ids::BridgeId,
    manager::{
        Error, Manager,
        actor::{May, Right},
        bridges::Bridge,
    },
    web::{Web, paths, ui::Section, visit::Place, visit::Visit},
};

pub(super) fn router() -> Router<Web> {
    Router::new()
        .route(paths::BRIDGES, get(list::list))
        .route(paths::NEW_BRIDGE, get(details::service))
        .route(paths::NEW_BRIDGE_DETAILS, get(details::new).post(details::create))
        .route("/bridges/{bridge}", get(show::show))
        .route("/bridges/{bridge}/details", get(details::edit).post(details::change))
        .route("/bridges/{bridge}/events", get(events::show).post(events::save))
        .route("/bridges/{bridge}/events/add", get(add::show).post(add::carry))
        .route("/bridges/{bridge}/policy", get(policy::download))
        .route("/bridges/{bridge}/check", post(acts::check))
        .route("/bridges/{bridge}/start", post(acts::start))
        .route("/bridges/{bridge}/stop", post(acts::stop))
        .route("/bridges/{bridge}/go-on", post(acts::go_on))
        .route("/bridges/{bridge}/set-aside", post(acts::set_aside))
        .route("/bridges/{bridge}/dead-letters", get(letters::list))
        .route("/bridges/{bridge}/dead-letters/redrive", post(letters::redrive))
        .route("/bridges/{bridge}/dead-letters/purge", get(letters::ask_purge).post(letters::purge))
        .route("/bridges/{bridge}/dead-letters/{number}", get(letter::show))
        .route("/bridges/{bridge}/dead-letters/{number}/redrive", post(letter::redrive))
        .route("/bridges/{bridge}/dead-letters/{number}/edit", get(letter_edit::edit).post(letter_edit::save))
        .route("/bridges/{bridge}/dead-letters/{number}/restore", post(letter_edit::restore))
        .route("/bridges/{bridge}/dead-letters/{number}/delete", get(letter::ask_delete).post(letter::delete))
        .route("/bridges/{bridge}/delete", get(delete::ask).post(delete::delete))
}

/// The bridge of an address, and whether the member may act for it.
async fn load(visit: &Visit, manager: &Manager, id: &str) -> Result<(Bridge, May), Error> {
    let id = id.parse::<BridgeId>().map_err(|_| Error::NotFound("bridge"))?;
    let bridge = manager.load_bridge(&visit.actor(), id).await?;
    let may = manager.may(&visit.actor(), Right::ActIn(bridge.space.id)).await?;
    Ok((bridge, may))
}

/// The bridge of an address, for someone who may act for it; else the answer.
async fn load_to_change(visit: &Visit, manager: &Manager, id: &str) -> Result<Bridge, Response> {
    let error = match load(visit, manager, id).await {
        Ok((bridge, May { refusal: None })) => return Ok(bridge),
        Ok((_, May { refusal: Some(why) })) => Error::Forbidden(why),
        Err(error) => error,
    };
    Err(visit.refusal(error).await)
}

/// The bridge and the number of one of its dead letters, for someone who may act for it; else the answer.
async fn load_letter_to_change(
    visit: &Visit,
    manager: &Manager,
    bridge: &str,
    number: &str,
) -> Result<(Bridge, i64), Response> {
    let bridge = load_to_change(visit, manager, bridge).await?;
    match number.parse() {
        Ok(number) => Ok((bridge, number)),
        Err(_) => Err(visit.refusal(Error::NotFound("dead letter")).await),
    }
}

/// A page about a bridge, under its own page.
fn place_under(bridge: &Bridge, title: &str) -> Place {
    Place::new(Section::Bridges, title)
        .under("Bridges", paths::BRIDGES)
        .under(bridge.name.to_string(), paths::bridge(bridge.id))
}
