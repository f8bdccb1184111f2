//! The stream that says what has changed: one per browser, for all its pages.

use std::convert::Infallible;

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures::StreamExt;
use tokio::sync::broadcast::error::RecvError;

use super::{Web, visit::Visit};

/// What pages are about that keep themselves true.
const SHOWN: [&str; 4] = ["environment", "channel", "bridge", "cluster"];

/// Sends the topic of each object that changes. First, and after the listener was behind, it sends `*`: what was missed
/// is unknown then, and looking again is right.
pub(super) async fn stream(visit: Option<Visit>, State(web): State<Web>, headers: HeaderMap) -> Response {
    // A page of another site could open the stream with the member's cookie, and learn when something changes.
    let says = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if says("origin").is_some_and(|origin| origin != web.origin)
        || says("sec-fetch-site").is_some_and(|site| site != "same-origin")
    {
        return StatusCode::FORBIDDEN.into_response();
    }
    if visit.is_none() {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let changes = futures::stream::unfold(web.manager.changes(), |mut changes| async move {
        match changes.recv().await {
            Ok(topic) => Some((topic, changes)),
            Err(RecvError::Lagged(_)) => Some(("*".to_owned(), changes)),
            Err(RecvError::Closed) => None,
        }
    });
    // An object may have changed between drawing its page and opening the stream: look once more now.
    let first = futures::stream::once(async { "*".to_owned() });
    let events = first.chain(changes).filter_map(|topic: String| async move {
        let kind = topic.split_once(':').map_or("*", |(kind, _)| kind);
        let hit = kind == "*" || SHOWN.contains(&kind);
        hit.then(|| Ok::<_, Infallible>(Event::default().data(topic)))
    });
    Sse::new(events).keep_alive(KeepAlive::default()).into_response()
}
