//! Names and values.

use leptos::prelude::*;

/// A list of names and values.
#[component]
pub fn Facts(
    /// Each a `Fact`.
    children: Children,
) -> AnyView {
    view! { <dl class="facts">{children()}</dl> }.into_any()
}

/// A name and its value.
#[component]
pub fn Fact(
    /// The name.
    #[prop(into)]
    label: String,
    /// The value.
    children: Children,
) -> AnyView {
    view! { <div class="fact"><dt>{label}</dt><dd>{children()}</dd></div> }.into_any()
}
