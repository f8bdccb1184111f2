//! Nothing there yet.

use leptos::prelude::*;

use super::{Action, ButtonKind, ButtonLink, Glyph, Icon};

/// Says what would stand here and how to get it.
#[component]
pub fn EmptyState(
    /// What is missing.
    glyph: Glyph,
    /// One line: that there is none.
    #[prop(into)]
    title: String,
    /// What it is and what it is for.
    #[prop(into)]
    text: String,
    /// The next step.
    #[prop(optional_no_strip)]
    action: Option<Action>,
) -> AnyView {
    view! {
        <div class="empty">
            <span class="empty-icon"><Icon glyph/></span>
            <p class="empty-title">{title}</p>
            <p class="empty-text">{text}</p>
            {action.map(|action| view! { <ButtonLink kind=ButtonKind::Primary href=action.href>{action.label}</ButtonLink> })}
        </div>
    }
    .into_any()
}
