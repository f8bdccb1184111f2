//! Narrowing a list. The address is the state: a form that is sent with GET.

use leptos::prelude::*;

use super::{Choice, Glyph, Icon, field_id, fields::options, some};

/// The form above a list: search, the lists to choose from, and the way back to all.
#[component]
pub fn FilterBar(
    /// The page of the list.
    #[prop(into)]
    action: String,
    /// What is searched: `Search apps`.
    #[prop(into)]
    label: String,
    /// What was searched for, sent as `q`.
    #[prop(optional, into)]
    query: String,
    /// Whether anything narrows the list now.
    #[prop(optional)]
    narrowed: bool,
    /// Each a `FilterSelect` or a `FilterField`.
    #[prop(optional)]
    children: Option<Children>,
) -> AnyView {
    view! {
        <form class="filter-bar" method="get" action=action role="search" aria-label=label.clone()>
            <div class="search">
                <Icon glyph=Glyph::Search/>
                <input type="search" name="q" value=query aria-label=label.clone() placeholder=label.clone() autocomplete="off"/>
            </div>
            {children.map(|children| children())}
            <button type="submit" class="button"><span>"Apply"</span></button>
            {narrowed.then(|| view! { <a class="button quiet" href=action.clone()><span>"Clear"</span></a> })}
        </form>
    }
    .into_any()
}

/// One of the lists to choose from.
#[component]
pub fn FilterSelect(
    /// What is chosen: `Space`.
    #[prop(into)]
    label: String,
    /// What the form sends it as.
    #[prop(into)]
    name: String,
    /// The answers.
    choices: Vec<Choice>,
    /// The chosen one.
    #[prop(optional, into)]
    value: String,
    /// The answer that does not narrow: `Any Space`.
    #[prop(optional, into)]
    any: String,
) -> AnyView {
    let any = some(any).unwrap_or_else(|| format!("Any {label}"));
    view! {
        <select id=field_id(&name) name=name aria-label=label>
            <option value="">{any}</option>
            {options(choices, &value)}
        </select>
    }
    .into_any()
}

/// Something to type that narrows the list.
#[component]
pub fn FilterField(
    /// What is typed: `Service`.
    #[prop(into)]
    label: String,
    /// What the form sends it as.
    #[prop(into)]
    name: String,
    /// What was typed.
    #[prop(optional, into)]
    value: String,
    /// `text`, or `date`, whose label is in sight, since it shows none of its own.
    #[prop(default = "text", into)]
    kind: &'static str,
    /// What stands there while nothing is typed.
    #[prop(optional, into)]
    hint: String,
) -> AnyView {
    let id = field_id(&name);
    let unseen = if kind == "date" { "" } else { "unseen" };
    view! {
        <span class="filter-field">
            <label for=id.clone() class=unseen>{label}</label>
            <input type=kind id=id.clone() name=name value=value placeholder=some(hint) autocomplete="off"/>
        </span>
    }
    .into_any()
}
