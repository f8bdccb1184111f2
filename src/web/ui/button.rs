//! Buttons, links that look like them, and what one may not do.

use leptos::prelude::*;

use super::{Glyph, Icon, some};

/// How much a button asks for attention.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ButtonKind {
    /// The one thing the page is for; once per page.
    Primary,
    /// Everything else.
    #[default]
    Plain,
    /// Destroys something.
    Danger,
    /// Inside rows and headings.
    Quiet,
}

impl ButtonKind {
    /// The class of the button.
    pub const fn class(self) -> &'static str {
        match self {
            Self::Primary => "button primary",
            Self::Plain => "button",
            Self::Danger => "button danger",
            Self::Quiet => "button quiet",
        }
    }
}

/// A link that looks like a button.
#[component]
pub fn ButtonLink(
    /// Where it leads.
    #[prop(into)]
    href: String,
    /// How much it asks for attention.
    #[prop(optional)]
    kind: ButtonKind,
    /// An icon before the words.
    #[prop(optional)]
    glyph: Option<Glyph>,
    /// The words.
    children: Children,
) -> AnyView {
    view! {
        <a class=kind.class() href=href>
            {glyph.map(|glyph| view! { <Icon glyph/> })}
            <span>{children()}</span>
        </a>
    }
    .into_any()
}

/// The button that sends the surrounding form.
#[component]
pub fn Submit(
    /// How much it asks for attention.
    #[prop(optional)]
    kind: ButtonKind,
    /// An icon before the words.
    #[prop(optional)]
    glyph: Option<Glyph>,
    /// A field that says which button was used.
    #[prop(optional, into)]
    name: String,
    /// The value of that field.
    #[prop(optional, into)]
    value: String,
    /// Another path for the form, with this button only.
    #[prop(optional, into)]
    action: String,
    /// The words.
    children: Children,
) -> AnyView {
    view! {
        <button type="submit" class=kind.class() name=some(name) value=some(value) formaction=some(action)>
            {glyph.map(|glyph| view! { <Icon glyph/> })}
            <span>{children()}</span>
        </button>
    }
    .into_any()
}

/// Something one may not do: shown, not hidden, and pressing it says why.
#[component]
pub fn Refused(
    /// Unique in the page.
    #[prop(into)]
    id: String,
    /// What the button would say.
    #[prop(into)]
    label: String,
    /// Why not, and who may.
    #[prop(into)]
    reason: String,
) -> AnyView {
    let reason_id = format!("{id}-reason");
    view! {
        <button
            type="button"
            class="button"
            id=id
            aria-disabled="true"
            aria-describedby=reason_id.clone()
            popovertarget=reason_id.clone()
        >
            <Icon glyph=Glyph::Lock/>
            <span>{label}</span>
        </button>
        <p class="tip" id=reason_id popover="auto">{reason}</p>
    }
    .into_any()
}
