//! The buttons of a whole page that copy.

use leptos::prelude::*;

/// Once per page, by the shell of a page that has islands.
///
/// One island listens for all copy buttons: a long table has many, and a part of a page that [`super::Live`] draws anew brings new ones.
/// The buttons are hidden by the style sheet until `data-clipboard` stands on the root, which is only where the browser lets a page
/// write to the clipboard (https or localhost).
#[island]
pub fn PageKeys() -> impl IntoView {
    let said = RwSignal::new(String::new());
    #[cfg(feature = "hydrate")]
    browser::listen(said);
    view! { <span class="unseen" role="status">{said}</span> }
}

#[cfg(feature = "hydrate")]
mod browser {
    use std::time::Duration;

    use leptos::{ev, prelude::*, task::spawn_local};
    use wasm_bindgen::JsCast;
    use web_sys::Element;

    pub(super) fn listen(said: RwSignal<String>) {
        if !window().is_secure_context() {
            return;
        }
        if let Some(root) = document().document_element() {
            let _ = root.set_attribute("data-clipboard", "");
        }
        window_event_listener(ev::click, move |event| {
            let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
            if let Some(button) = target.and_then(|target| target.closest(".copy").ok().flatten()) {
                spawn_local(copy(button, said));
            }
        });
    }

    async fn copy(button: Element, said: RwSignal<String>) {
        let Some(text) = text_of(&button) else { return };
        if window().navigator().clipboard().write_text(&text).await.is_err() {
            said.set("The browser did not let this page copy".to_owned());
            return;
        }
        let _ = button.set_attribute("data-copied", "");
        said.set("Copied".to_owned());
        let rest = move || {
            let _ = button.remove_attribute("data-copied");
            said.set(String::new());
        };
        set_timeout(rest, Duration::from_secs(2));
    }

    fn text_of(button: &Element) -> Option<String> {
        button.get_attribute("data-copy").filter(|text| !text.is_empty()).or_else(|| {
            let around = button.closest("[data-copyable]").ok()??;
            around.query_selector("[data-copy-text]").ok()??.text_content()
        })
    }
}
