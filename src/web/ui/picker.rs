//! Choosing several from a long list.

use leptos::prelude::*;

use super::{Name, some};
use crate::islands::Filter;

/// A row of a picker.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PickItem {
    /// What the form sends when it is ticked.
    pub value: String,
    /// What people read.
    pub label: String,
    /// More about it: whose it is, which version.
    pub detail: String,
    /// Whether it is ticked.
    pub checked: bool,
    /// Why it cannot be chosen, where it cannot.
    pub refused: String,
}

/// A list of tick boxes that take part in the surrounding form, with a filter above it where islands run.
///
/// The filter hides rows and never removes one: what is ticked is sent, seen or not. Without script it is a plain list.
#[component]
pub fn Picker(
    /// Unique in the page.
    #[prop(into)]
    id: String,
    /// What is chosen: `Business events`.
    #[prop(into)]
    label: String,
    /// What the form sends the ticked ones as.
    #[prop(into)]
    name: String,
    /// The rows.
    items: Vec<PickItem>,
) -> AnyView {
    let rows = format!("{id}-rows");
    let row = |(nth, item): (usize, PickItem)| {
        let own = format!("{id}-{nth}");
        let refused = some(item.refused);
        view! {
            <li class="choice" data-row="">
                <input
                    type="checkbox"
                    id=own.clone()
                    name=name.clone()
                    value=item.value
                    checked=item.checked
                    disabled=refused.is_some()
                />
                <label for=own>
                    <span class="pick-label"><Name text=item.label/></span>
                    <span class="pick-detail"><Name text=item.detail/></span>
                    {refused.map(|why| view! { <span class="hint">{why}</span> })}
                </label>
            </li>
        }
    };
    let list = items.into_iter().enumerate().map(row).collect_view();
    view! {
        <fieldset class="picker">
            <legend>{label.clone()}</legend>
            <Filter rows=rows.clone() label=label/>
            <ul id=rows>{list}</ul>
        </fieldset>
    }
    .into_any()
}
