//! The pages, each with its form handlers and its private parts.

mod apps;
mod bridges;
mod environments;
mod parts;
mod secrets;
mod sign_in;

use axum::Router;

use super::Web;

/// All pages.
pub fn router() -> Router<Web> {
    Router::new().merge(sign_in::router()).merge(apps::router()).merge(environments::router()).merge(bridges::router())
}

/// A reason as a sentence.
fn sentence(why: &str) -> String {
    let mut chars = why.chars();
    let first: String = chars.next().map(|c| c.to_uppercase().collect()).unwrap_or_default();
    format!("{first}{}.", chars.as_str().trim_end_matches('.'))
}
