//! Apps and environments from a file: choose it, look at what it would do, import.

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use leptos::prelude::*;
use secrecy::ExposeSecret;

use super::{
    brought::{Brought, Document, carried},
    capitalised,
    problems::problems,
};
use crate::{
    manager::{
        Error, FieldError, Manager,
        actor::Right,
        import::{Import, Imported},
    },
    web::{
        Web, paths,
        refusal::{beside_fields, status},
        ui::{
            ButtonKind, ButtonLink, Code, Column, ErrorSummary, Errors, Field, Glyph, Name, Notice, PageHead, Panel,
            Section, Submit, Table, TextArea, Tone,
        },
        visit::{Place, Visit},
    },
};

/// Where the import is done.
const DO: &str = "/import/do";

const EXAMPLE: &str = "apps:
  - key: order-portal
    name: Order portal
    contacts: [ann.lee@example.com]
    broker: true
    environments:
      - {key: acceptance, name: Acceptance, broker: true}
      - {key: production, name: Production}
";

pub(super) fn router() -> Router<Web> {
    Router::new().route(paths::IMPORT, get(choose).post(rehearse)).route(DO, post(import).get(again))
}

/// After signing in again the document is no longer there.
async fn again() -> Response {
    Redirect::to(paths::IMPORT).into_response()
}

fn place() -> Place {
    Place::new(Section::Apps, "Import apps").under("Apps", paths::APPS).with_islands()
}

/// What the first step shows.
#[derive(Default)]
struct First {
    /// The document as it was read, to be mended.
    text: String,
    problems: Vec<FieldError>,
    errors: Errors,
}

async fn choose(visit: Visit, State(manager): State<Manager>) -> Response {
    match manager.may(&visit.actor(), Right::Administer).await {
        Ok(may) => match may.refusal {
            None => first(&visit, StatusCode::OK, First::default()).await,
            Some(why) => visit.refusal(Error::Forbidden(why)).await,
        },
        Err(error) => visit.refusal(error).await,
    }
}

async fn first(visit: &Visit, status: StatusCode, shown: First) -> Response {
    let shown = Arc::new(shown);
    visit.page_as(status, place(), move || first_view(&shown)).await
}

fn first_view(shown: &First) -> AnyView {
    let is_new = shown.text.is_empty();
    let errors = shown.errors.clone();
    let (file_error, text_error) = (errors.get("file"), errors.get("text"));
    let next = if is_new { "Choose another file." } else { "Nothing is lost: the text stands below." };
    let wrong = (!shown.problems.is_empty()).then(|| problems(&shown.problems, "", next));
    let text = (!is_new).then(|| {
        let text = shown.text.clone();
        view! {
            <TextArea label="The file" name="text" value=text rows=20 mono=true required=false error=text_error
                hint="As it was read. Mend it here, or choose another file above: the file counts then."/>
        }
    });
    view! {
        <PageHead title="Import apps" lead="Registers apps and environments, or brings those that are there up to date."/>
        <ErrorSummary errors=errors/>
        {wrong}
        <form method="post" action=paths::IMPORT enctype="multipart/form-data" class="stack">
            <Field label="File" name="file" kind="file" accept=".yml,.yaml,.json" required=is_new error=file_error
                hint="YAML or JSON of at most 1 MiB. Nothing is changed yet."/>
            {text}
            <p class="row">
                <Submit kind=ButtonKind::Primary glyph=Glyph::Upload>"See what it does"</Submit>
                <ButtonLink href=paths::APPS kind=ButtonKind::Quiet>"Cancel"</ButtonLink>
            </p>
        </form>
        <Panel id="example" title="What a file looks like" lead="What is left out stays as it is. Importing it twice changes nothing more.">
            <Code id="example-file" label="apps.yaml" text=EXAMPLE/>
        </Panel>
    }
    .into_any()
}

/// Does what the document says, or only says what it would do; the answer where that cannot be.
async fn run(
    visit: &Visit,
    manager: &Manager,
    brought: &Brought,
    dry_run: bool,
) -> Result<(Document, Imported), Response> {
    let document = match brought.document() {
        Ok(document) => document,
        Err(errors) => {
            let shown = First { errors, ..First::default() };
            return Err(first(visit, StatusCode::UNPROCESSABLE_ENTITY, shown).await);
        }
    };
    let done = match Import::read(document.to_vec()).await {
        Ok(import) => manager.import(&visit.actor(), &import, dry_run).await,
        Err(error) => Err(error),
    };
    let error = match done {
        Ok(done) => return Ok((document, done)),
        Err(error) => error,
    };
    let text = std::str::from_utf8(&document).unwrap_or_default().to_owned();
    let status = status(&error);
    let shown = match error {
        Error::Invalid(problems) => First { text, problems, errors: Errors::default() },
        error => match beside_fields(&error) {
            Some(errors) => First { text, problems: Vec::new(), errors },
            None => return Err(visit.refusal(error).await),
        },
    };
    Err(first(visit, status, shown).await)
}

async fn rehearse(visit: Visit, State(manager): State<Manager>, brought: Brought) -> Response {
    match run(&visit, &manager, &brought, true).await {
        Ok((document, done)) => {
            let model = Arc::new((carried(&document), done));
            visit.page(place(), move || rehearsal(&model.0, &model.1)).await
        }
        Err(answer) => answer,
    }
}

fn rehearsal(document: &str, done: &Imported) -> AnyView {
    if done.steps.is_empty() {
        let title = format!("Nothing to do: all {} apps and environments are as the file says.", done.unchanged);
        return view! {
            <PageHead title="Import apps" lead="This is what the file would do. Nothing is changed yet."/>
            <Notice tone=Tone::Ok title=title/>
            <p class="row"><ButtonLink href=paths::APPS>"Back to the apps"</ButtonLink></p>
        }
        .into_any();
    }
    let invited = (!done.invited.is_empty()).then(|| {
        let people = done.invited.iter().map(|(email, _)| view! { <li>{email.to_string()}</li> }).collect_view();
        view! { <Notice tone=Tone::Info title="People who are invited, since nobody here has their address"><ul>{people}</ul></Notice> }
    });
    let (document, steps) = (document.to_owned(), steps(done));
    view! {
        <PageHead title="Import apps" lead="This is what the file would do. Nothing is changed yet."/>
        {invited}
        {steps}
        <form method="post" action=DO enctype="multipart/form-data">
            <input type="hidden" name="document" value=document/>
            <p class="row">
                <Submit kind=ButtonKind::Primary glyph=Glyph::Check>"Import"</Submit>
                <ButtonLink href=paths::IMPORT kind=ButtonKind::Quiet>"Choose another file"</ButtonLink>
            </p>
        </form>
    }
    .into_any()
}

fn steps(done: &Imported) -> AnyView {
    let rows = done.steps.iter().map(|step| {
        let (kind, name, what) = (capitalised(step.kind), step.name.clone(), capitalised(&step.done.join(", ")));
        view! {
            <tr>
                <th scope="row"><Name text=name/></th>
                <td data-label="Kind">{kind}</td>
                <td data-label="Change">{what}</td>
            </tr>
        }
    });
    let rows = rows.collect_view();
    let columns = vec![Column::new("Name"), Column::new("Kind"), Column::new("Change")];
    let rest = format!("{} more are as the file says.", done.unchanged);
    view! {
        <Table caption="What is changed" columns stacked=true>{rows}</Table>
        <p class="secondary">{rest}</p>
    }
    .into_any()
}

async fn import(visit: Visit, State(manager): State<Manager>, brought: Brought) -> Response {
    match run(&visit, &manager, &brought, false).await {
        Ok((_, done)) if done.invited.is_empty() => {
            visit.done(paths::APPS, format!("Imported: {} changes.", done.steps.len())).await
        }
        Ok((_, done)) => {
            let done = Arc::new(done);
            visit.page(place(), move || links(&done)).await
        }
        Err(answer) => answer,
    }
}

/// The one-time links, which are shown here and never again.
fn links(done: &Imported) -> AnyView {
    let links = done.invited.iter().enumerate().map(|(i, (email, link))| {
        let (label, link) = (format!("Link for {email}"), link.expose_secret().to_owned());
        view! { <Code id=format!("link-{i}") label=label text=link/> }
    });
    let links = links.collect_view();
    let steps = steps(done);
    view! {
        <PageHead title="Imported" lead="Send each person the link to set a password: it is shown once.">
            <ButtonLink href=paths::APPS kind=ButtonKind::Primary>"I have copied them"</ButtonLink>
        </PageHead>
        {links}
        <Panel id="changes" title="What was changed">{steps}</Panel>
    }
    .into_any()
}
