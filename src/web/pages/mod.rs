//! The pages, each with its form handlers and its private parts.

mod access;
mod api;
mod apps;
mod asked;
mod bridges;
mod brought;
mod channels;
mod cluster;
mod environments;
mod event;
mod events;
mod exchange;
mod explain;
mod history;
mod import;
mod overview;
mod parts;
mod people;
mod problems;
mod profile;
mod readers;
mod reassign;
mod search;
mod secrets;
mod services;
mod sign_in;
mod spaces;

use axum::Router;

use super::Web;

/// All pages.
pub fn router() -> Router<Web> {
    Router::new()
        .merge(sign_in::router())
        .merge(overview::router())
        .merge(apps::router())
        .merge(environments::router())
        .merge(bridges::router())
        .merge(access::router())
        .merge(spaces::router())
        .merge(reassign::router())
        .merge(channels::router())
        .merge(events::router())
        .merge(event::router())
        .merge(services::router())
        .merge(people::router())
        .merge(profile::router())
        .merge(history::router())
        .merge(cluster::router())
        .merge(search::router())
        .merge(api::router())
        .merge(explain::router())
}

/// The pages that take documents: their forms are larger than others.
pub fn uploads() -> Router<Web> {
    services::uploads().merge(import::router())
}

/// A text that begins with a capital.
fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// A reason as a sentence.
fn sentence(why: &str) -> String {
    format!("{}.", capitalised(why).trim_end_matches('.'))
}
