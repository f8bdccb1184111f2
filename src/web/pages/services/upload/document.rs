//! The first step: choosing the document, and seeing what is wrong with it.

use std::sync::Arc;

use axum::{http::StatusCode, response::Response};
use leptos::prelude::*;

use super::{super::super::problems::problems, place, steps};
use crate::{
    manager::FieldError,
    web::{
        paths,
        ui::{ButtonKind, ButtonLink, ErrorSummary, Errors, Field, Glyph, PageHead, Submit, TextArea},
        visit::Visit,
    },
};

/// Lines of the text that are shown.
const ROWS: u32 = 24;

/// What the step shows.
#[derive(Default)]
pub(super) struct First {
    /// The document as it was read, to be mended here; empty before one was brought, or where it is not text.
    pub text: String,
    /// What is wrong with the document, place by place.
    pub problems: Vec<FieldError>,
    /// What is wrong with the form.
    pub errors: Errors,
}

impl First {
    /// The step anew, after no document could be made of the form.
    pub fn wrong(errors: Errors) -> Self {
        Self { errors, ..Self::default() }
    }
}

pub(super) async fn page(visit: &Visit, status: StatusCode, first: First) -> Response {
    let first = Arc::new(first);
    visit.page_as(status, place(), move || view(&first)).await
}

fn view(first: &First) -> AnyView {
    let is_new = first.text.is_empty();
    let (errors, summary) = (first.errors.clone(), first.errors.clone());
    let next = if is_new { "Choose another file." } else { "Nothing is lost: the text stands below." };
    let problems = (!first.problems.is_empty()).then(|| problems(&first.problems, "document", next));
    let text = (!is_new).then(|| {
        let text = first.text.clone();
        view! {
            <TextArea label="The document" name="text" value=text rows=ROWS mono=true required=false error=errors.get("text")
                hint="As it was read. Mend it here, or choose another file above: the file counts then."/>
        }
    });
    let hint = "AsyncAPI 2.0 to 2.6 as a .yml, .yaml or .json file of at most 1 MiB.";
    let file_error = errors.get("file");
    view! {
        <PageHead title="Upload a service" lead="A contract of events that no app here defines."/>
        {steps(1, "")}
        <ErrorSummary errors=summary/>
        {problems}
        <form method="post" action=paths::UPLOAD_SERVICE enctype="multipart/form-data" class="stack">
            <Field label="File" name="file" kind="file" accept=".yml,.yaml,.json" required=is_new error=file_error hint=hint/>
            {text}
            <p class="row">
                <Submit kind=ButtonKind::Primary glyph=Glyph::Upload>"Read the document"</Submit>
                <ButtonLink href=paths::SERVICES kind=ButtonKind::Quiet>"Cancel"</ButtonLink>
            </p>
        </form>
    }
    .into_any()
}
