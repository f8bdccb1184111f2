//! The stream that says what has changed: one per tab, about one object.

use std::convert::Infallible;

use axum::{
    extract::{Query, State},
    http::{HeaderMap, StatusCode},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures::StreamExt;
use serde::Deserialize;
use tokio::sync::broadcast::error::RecvError;

use super::{Web, visit::Visit};

#[derive(Deserialize)]
pub(super) struct About {
    about: String,
}

/// Sends the topic each time the object changes, and once more after the listener was behind: what it missed is
/// unknown then, and looking again is right.
pub(super) async fn stream(
    visit: Option<Visit>,
    State(web): State<Web>,
    headers: HeaderMap,
    Query(About { about }): Query<About>,
) -> Response {
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
            Ok(topic) => Some((Some(topic), changes)),
            Err(RecvError::Lagged(_)) => Some((None, changes)),
            Err(RecvError::Closed) => None,
        }
    });
    // The object may have changed between drawing the page and opening the stream: look once more now.
    let first = futures::stream::once(async { None });
    let events = first.chain(changes).filter_map(move |topic: Option<String>| {
        let about = about.clone();
        let hit = topic.is_none_or(|topic| topic == about);
        async move { hit.then(|| Ok::<_, Infallible>(Event::default().data(about))) }
    });
    Sse::new(events).keep_alive(KeepAlive::default()).into_response()
}
