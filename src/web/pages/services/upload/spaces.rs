//! The third step: the Spaces that the service is for.

use std::sync::Arc;

use axum::{http::StatusCode, response::Response};
use leptos::prelude::*;

use super::{
    super::super::{
        brought::{Document, carried},
        parts::form_error,
    },
    place, steps,
};
use crate::{
    manager::{catalogue::ListedSpace, services::Upload},
    web::{
        paths,
        ui::{Action, ButtonKind, EmptyState, Errors, Glyph, PageHead, PickItem, Picker, Submit},
        visit::Visit,
    },
};

/// What the step shows.
pub(super) struct Asked {
    /// The document, carried along.
    pub document: Document,
    /// What it comes to.
    pub upload: Upload,
    /// All Spaces.
    pub all: Vec<ListedSpace>,
    /// Names of those that are ticked.
    pub chosen: Vec<String>,
    /// What is wrong.
    pub errors: Errors,
}

pub(super) async fn page(visit: &Visit, status: StatusCode, asked: Asked) -> Response {
    let model = Arc::new((carried(&asked.document), asked));
    visit.page_as(status, place().with_islands(), move || view(&model.0, &model.1)).await
}

fn view(document: &str, asked: &Asked) -> AnyView {
    let contract = &asked.upload.contract;
    let summary = format!("{} {}", contract.title, contract.version);
    let lead = "Its channels come into being in each of them, each as a topic of its own.";
    let items: Vec<_> = asked.all.iter().map(|space| item(space, asked)).collect();
    let wrong = form_error(&asked.errors);
    let document = document.to_owned();
    let body = if items.is_empty() {
        view! {
            <EmptyState glyph=Glyph::Space title="No Spaces yet" text="A Space comes by itself when the first environment is enabled."
                action=Some(Action::new("Go to the apps", paths::APPS))/>
        }
        .into_any()
    } else {
        view! {
            <Picker id="spaces" label="Spaces" name="spaces" items=items/>
            <p class="row">
                <Submit kind=ButtonKind::Primary glyph=Glyph::Upload name="create" value="1">"Upload the service"</Submit>
                <Submit kind=ButtonKind::Quiet action=paths::UPLOAD_SERVICE>"Back"</Submit>
            </p>
        }
        .into_any()
    };
    view! {
        <PageHead title="Upload a service" lead=lead/>
        {steps(3, &summary)}
        {wrong}
        <form method="post" action=paths::UPLOAD_SPACES enctype="multipart/form-data" class="stack">
            <input type="hidden" name="document" value=document/>
            {body}
        </form>
    }
    .into_any()
}

fn item(listed: &ListedSpace, asked: &Asked) -> PickItem {
    let name = listed.space.name.to_string();
    let counted = |count: i64, noun: &str| format!("{count} {noun}{}", if count == 1 { "" } else { "s" });
    let mut detail =
        format!("{} · {}", counted(listed.environments, "environment"), counted(listed.channels, "channel"));
    if asked.upload.spaces.contains(&name) {
        detail.push_str(" · it is there already");
    }
    let checked = asked.chosen.iter().any(|chosen| chosen.eq_ignore_ascii_case(&name));
    PickItem { value: name.clone(), label: name, detail, checked, refused: String::new() }
}
