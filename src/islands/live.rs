//! A page that keeps itself true.

use leptos::prelude::*;

#[cfg(feature = "hydrate")]
mod renew;
#[cfg(feature = "hydrate")]
mod stream;
#[cfg(feature = "hydrate")]
mod turn;

/// Draws parts of the page anew when the server says that something changed.
///
/// The server sends events at `url`, each with the topic of a change as its data. When `topic` comes, the page is fetched again and every
/// element with `data-live` and an id takes over what the new page has there. Such a part holds no island: nobody would wake it. A part in
/// which someone types or has something open waits until that is over.
///
/// All pages of a browser share one stream, and hidden pages have none; when the browser gives up, a timer opens it again, later each
/// time. Without script a reload shows what is new, and the page says so.
#[island]
pub fn Live(
    /// The address of the event stream, of this origin.
    #[prop(into)]
    url: String,
    /// What the page is about.
    #[prop(into)]
    topic: String,
) -> impl IntoView {
    let state = RwSignal::new("off");
    Effect::new(move || {
        #[cfg(feature = "hydrate")]
        stream::Stream::start(url.clone(), topic.clone(), state);
        #[cfg(not(feature = "hydrate"))]
        let _ = (&url, &topic);
    });
    let word = move || match state.get() {
        "open" => "Live",
        "lost" => "Reconnecting",
        _ => "Reload to see changes",
    };
    view! { <p class="live" data-state=state>{word}</p> }
}
