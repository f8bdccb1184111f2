//! Interactive leaves: the only part of the console that runs in the browser.
//!
//! A page does everything without them. An island is given plain values and finds what it works on in the page around it, so that
//! nothing is sent twice: once as HTML and once as its properties.
//!
//! What touches the browser is compiled for the browser only (`hydrate`).

#![expect(clippy::needless_pass_by_value, reason = "a leaf owns its properties")]

mod filter;
mod live;
mod page_keys;

pub use filter::Filter;
pub use live::Live;
pub use page_keys::PageKeys;

/// Wakes the islands of the page. The start script calls it once the module is loaded.
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    leptos::mount::hydrate_islands();
}
