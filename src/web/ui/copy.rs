//! Values one takes elsewhere.

use leptos::prelude::*;

use super::{Glyph, Icon};

/// The button that copies. It is seen when the island `PageKeys` runs and the browser has a clipboard to offer.
///
/// It copies `text`, or where that is none the text of the part marked `data-copy-text` in the nearest `data-copyable`.
pub(super) fn copy_button(label: String, text: Option<String>) -> impl IntoView {
    let label = format!("Copy {label}");
    view! {
        <button type="button" class="copy" data-copy=text.unwrap_or_default() aria-label=label.clone() title=label>
            <Icon glyph=Glyph::Copy/>
            <Icon glyph=Glyph::Check/>
        </button>
    }
}

/// A value in one piece with a button that copies it.
///
/// A value that was shortened for the eye is copied whole.
#[component]
pub fn CopyValue(
    /// What it is: `bootstrap servers`. The button reads `Copy bootstrap servers`.
    #[prop(into)]
    label: String,
    /// The whole value.
    #[prop(into)]
    value: String,
    /// How many characters of it are shown; all where it is 0.
    #[prop(optional)]
    shorten: usize,
) -> AnyView {
    let whole = shorten == 0 || value.chars().count() <= shorten;
    if whole {
        view! {
            <span class="copyable" data-copyable="">
                <code data-copy-text="">{value}</code>
                {copy_button(label, None)}
            </span>
        }
        .into_any()
    } else {
        let short = value.chars().take(shorten).chain(['…']).collect::<String>();
        view! {
            <span class="copyable" data-copyable="">
                <code title=value.clone()>{short}</code>
                {copy_button(label, Some(value))}
            </span>
        }
        .into_any()
    }
}
