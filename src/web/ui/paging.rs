//! From one page of a list to the next.

use leptos::prelude::*;

use super::{Glyph, Icon};

/// Links to the pages before and after; lists are read by key, so there are no page numbers.
#[component]
pub fn Paging(
    /// What is shown: `50 of 10,000 channels`.
    #[prop(into)]
    shown: String,
    /// The page before, where there is one.
    #[prop(optional_no_strip)]
    previous: Option<String>,
    /// The first page, for a list that is read forwards only; in place of the page before.
    #[prop(optional_no_strip)]
    first: Option<String>,
    /// The page after, where there is one.
    #[prop(optional_no_strip)]
    next: Option<String>,
) -> AnyView {
    let alone = previous.is_none() && first.is_none() && next.is_none();
    let step = |href: Option<String>, rel: &'static str, label: &'static str, glyph: Glyph| {
        view! {
            <a class="button" href=href.clone() rel=rel role=href.is_none().then_some("link") aria-disabled=href.is_none().then_some("true")>
                <Icon glyph/>
                <span>{label}</span>
            </a>
        }
    };
    view! {
        <div class="paging">
            <p>{shown}</p>
            {(!alone).then(|| view! {
                <nav aria-label="Pages">
                    {match first {
                        Some(first) => step(Some(first), "first", "First page", Glyph::ChevronLeft),
                        None => step(previous, "prev", "Previous", Glyph::ChevronLeft),
                    }}
                    {step(next, "next", "Next", Glyph::ChevronRight)}
                </nav>
            })}
        </div>
    }
    .into_any()
}
