//! The top of a page and its parts.

use leptos::prelude::*;

use super::some;

/// The title of the page, its state, and what can be done with the whole of it.
#[component]
pub fn PageHead(
    /// The only `h1`.
    #[prop(into)]
    title: String,
    /// One sentence under it.
    #[prop(optional, into)]
    lead: String,
    /// Pills and chips beside the title.
    #[prop(optional)]
    status: Option<AnyView>,
    /// Buttons; the primary one last.
    #[prop(optional)]
    children: Option<Children>,
) -> AnyView {
    view! {
        <header class="page-head">
            <div class="page-title">
                <div class="row">
                    <h1>{title}</h1>
                    {status}
                </div>
                {some(lead).map(|lead| view! { <p class="lead">{lead}</p> })}
            </div>
            {children.map(|children| view! { <div class="actions">{children()}</div> })}
        </header>
    }
    .into_any()
}

/// A part of a page with a heading.
#[component]
pub fn Panel(
    /// Unique in the page; also where links lead.
    #[prop(into)]
    id: String,
    /// The `h2`.
    #[prop(into)]
    title: String,
    /// One sentence under it.
    #[prop(optional, into)]
    lead: String,
    /// What can be done with the part.
    #[prop(optional)]
    actions: Option<AnyView>,
    /// The part.
    children: Children,
) -> AnyView {
    let title_id = format!("{id}-title");
    view! {
        <section class="panel" id=id aria-labelledby=title_id>
            <header class="panel-head">
                <div>
                    <h2 id=title_id.clone()>{title}</h2>
                    {some(lead).map(|lead| view! { <p class="lead">{lead}</p> })}
                </div>
                {actions.map(|actions| view! { <div class="actions">{actions}</div> })}
            </header>
            {children()}
        </section>
    }
    .into_any()
}
