//! Taking over what a newer answer of the same page shows.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Document, DomParser, Element, HtmlElement, Response, SupportedType, js_sys::JsString};

#[derive(PartialEq, Eq)]
pub(super) enum Renewed {
    All,
    Busy,
}

/// Fetches the page and takes over its live parts. Nothing where that fails: the next change tries again.
pub(super) async fn renew() -> Option<Renewed> {
    let here = window().location().href().ok()?;
    let answer: Response = window().fetch_with_str(&here).await.ok()?.dyn_into().ok()?;
    // Another page, such as that of signing in, is not this page.
    if !answer.ok() || answer.redirected() {
        return None;
    }
    let text = answer.text().ok()?.await.ok()?;
    let text = text.dyn_ref::<JsString>().and_then(|text| text.as_string())?;
    let new = DomParser::new().ok()?.parse_from_string(&text, SupportedType::TextHtml).ok()?;
    let parts = document().query_selector_all("[data-live][id]").ok()?;
    let mut renewed = Renewed::All;
    for nth in 0..parts.length() {
        let Some(part) = parts.get(nth).and_then(|part| part.dyn_into::<Element>().ok()) else {
            continue;
        };
        if !take_over(&part, &new) {
            renewed = Renewed::Busy;
        }
    }
    Some(renewed)
}

/// Whether the part shows what the new page has there, or has nothing to show.
fn take_over(part: &Element, new: &Document) -> bool {
    let Some(other) = new.get_element_by_id(&part.id()) else {
        return true;
    };
    let html = other.inner_html();
    if html == part.inner_html() {
        return true;
    }
    if busy(part) {
        return false;
    }
    let focus = document().active_element().and_then(|active| Place::of(&active, part));
    part.set_inner_html(&html);
    if let Some(again) = focus.and_then(|place| place.find(part)) {
        let _ = again.focus();
    }
    true
}

fn busy(part: &Element) -> bool {
    // Not in one: a browser that does not know one of them refuses all.
    let is_there = |what: &str| part.query_selector(what).ok().flatten().is_some();
    is_there("input:focus, textarea:focus, select:focus, dialog[open]") || is_there(":popover-open")
}

/// Where the focus was in a part, to be found again in what took its place.
struct Place {
    name: String,
    id: String,
    /// Among those of its name.
    nth: u32,
}

impl Place {
    fn of(active: &Element, part: &Element) -> Option<Self> {
        let name = active.tag_name();
        let same = part.query_selector_all(&name).ok()?;
        let nth = (0..same.length()).find(|&nth| same.get(nth).is_some_and(|one| active.is_same_node(Some(&one))))?;
        Some(Self { name, id: active.id(), nth })
    }

    fn find(&self, part: &Element) -> Option<HtmlElement> {
        let by_id = if self.id.is_empty() { None } else { document().get_element_by_id(&self.id) };
        let found = match by_id {
            Some(found) => found,
            None => part.query_selector_all(&self.name).ok()?.get(self.nth)?.dyn_into().ok()?,
        };
        found.dyn_into().ok()
    }
}
