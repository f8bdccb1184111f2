//! Parts of an object, each with an address of its own.

use leptos::prelude::*;

/// A tab: a link.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tab {
    /// What it holds.
    pub label: String,
    /// Its page.
    pub href: String,
    /// Whether it is the one shown.
    pub current: bool,
    /// How many there are in it.
    pub count: Option<u64>,
}

impl Tab {
    /// A tab without a count.
    pub fn new(label: impl Into<String>, href: impl Into<String>, current: bool) -> Self {
        Self { label: label.into(), href: href.into(), current, count: None }
    }

    /// Says how many there are in it.
    #[must_use]
    pub fn count(mut self, count: u64) -> Self {
        self.count = Some(count);
        self
    }
}

/// A row of tabs.
#[component]
pub fn Tabs(
    /// Whose parts they are.
    #[prop(into)]
    label: String,
    /// The tabs.
    tabs: Vec<Tab>,
) -> AnyView {
    let link = |tab: Tab| {
        view! {
            <li>
                <a href=tab.href aria-current=tab.current.then_some("page")>
                    {tab.label}
                    {tab.count.map(|count| view! { <span class="count">{count}</span> })}
                </a>
            </li>
        }
    };
    view! { <nav class="tabs" aria-label=label><ul>{tabs.into_iter().map(link).collect_view()}</ul></nav> }.into_any()
}
