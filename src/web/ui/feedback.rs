//! Messages of a page.

use leptos::prelude::*;

use super::{ButtonLink, Icon, Tone};

/// A link that says what to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// A verb and what it acts on.
    pub label: String,
    /// Where it leads.
    pub href: String,
}

impl Action {
    /// A link with these words.
    pub fn new(label: impl Into<String>, href: impl Into<String>) -> Self {
        Self { label: label.into(), href: href.into() }
    }
}

/// What the act before this page did; shown once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flash {
    /// The hue.
    pub tone: Tone,
    /// One sentence.
    pub text: String,
}

impl Flash {
    /// Something was done.
    pub fn ok(text: impl Into<String>) -> Self {
        Self { tone: Tone::Ok, text: text.into() }
    }

    /// Something could not be done.
    pub fn fail(text: impl Into<String>) -> Self {
        Self { tone: Tone::Fail, text: text.into() }
    }
}

/// What stands above every page until someone does something about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Banner {
    /// Its name for those who listen.
    pub label: String,
    /// One sentence.
    pub text: String,
    /// Where it is told what to do.
    pub action: Action,
}

impl Banner {
    /// A region with a name, by which those who listen find it. It is not announced: it has not just happened, and would
    /// be said again on every page.
    pub(super) fn view(self) -> AnyView {
        let (tone, Self { label, text, action }) = (Tone::Fail, self);
        view! {
            <section class="banner" data-tone=tone.name() aria-label=label>
                <Icon glyph=tone.glyph()/>
                <p>{text}" "<a href=action.href>{action.label}</a></p>
            </section>
        }
        .into_any()
    }
}

/// A message that belongs to the page: what happened, and what to do.
#[component]
pub fn Notice(
    /// The hue.
    #[prop(optional)]
    tone: Tone,
    /// One sentence.
    #[prop(into)]
    title: String,
    /// What to do next.
    #[prop(optional_no_strip)]
    action: Option<Action>,
    /// Says it at once to those who listen: for what happened just now, not for what is always on the page.
    #[prop(optional)]
    announce: bool,
    /// More words.
    #[prop(optional)]
    children: Option<Children>,
) -> AnyView {
    let role = announce.then_some(if tone == Tone::Fail { "alert" } else { "status" });
    view! {
        <div class="notice" data-tone=tone.name() role=role>
            <Icon glyph=tone.glyph()/>
            <div class="notice-words">
                <p class="notice-title">{title}</p>
                {children.map(|children| view! { <div class="notice-body">{children()}</div> })}
            </div>
            {action.map(|action| view! { <ButtonLink href=action.href>{action.label}</ButtonLink> })}
        </div>
    }
    .into_any()
}
