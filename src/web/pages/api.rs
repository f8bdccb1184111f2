//! The description of the API, to read: what can be called, with what, and what is answered.

use axum::{Router, extract::State, response::Response, routing::get};
use leptos::prelude::*;
use serde_json::Value;

use crate::web::{
    Web, paths,
    ui::{ButtonLink, Code, Column, Glyph, Icon, PageHead, Panel, Table},
    visit::{Place, Visit},
};

pub(super) fn router() -> Router<Web> {
    Router::new().route(paths::API, get(show))
}

/// Methods in the order in which they are shown.
const METHODS: [&str; 5] = ["get", "put", "post", "patch", "delete"];

async fn show(visit: Visit, State(web): State<Web>) -> Response {
    let (document, origin) = (web.api, web.origin);
    let place = Place::apart("API").under("Your profile", paths::PROFILE).with_islands();
    visit.page(place, move || view(document, &origin)).await
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

/// What a reference leads to; anything else is itself.
fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str() {
        Some(to) => document.pointer(to.trim_start_matches('#')).unwrap_or(value),
        None => value,
    }
}

fn view(document: &'static Value, origin: &str) -> AnyView {
    let base = text(&document["servers"][0], "url");
    let tags = document["tags"].as_array().map(Vec::as_slice).unwrap_or_default();
    let contents = tags.iter().map(|tag| {
        let name = text(tag, "name");
        view! { <li><a class="chip" href=format!("#{}", id(name))>{name}</a></li> }
    });
    let contents = contents.collect_view();
    let about = paragraphs(text(&document["info"], "description"));
    let parts = tags.iter().map(|tag| part(document, base, tag)).collect_view();
    let example = format!("curl {origin}{base}/apps -H \"Authorization: Bearer $TOKEN\"");
    view! {
        <PageHead title="API" lead="Everything that can be done here can be done by programs.">
            <ButtonLink href=paths::PROFILE glyph=Glyph::Key>"Create a token"</ButtonLink>
            <ButtonLink href=format!("{base}/openapi.json") glyph=Glyph::Download>"OpenAPI 3.1"</ButtonLink>
        </PageHead>
        <Panel id="about" title="How it works">
            {about}
            <Code id="first" label="A first call" text=example/>
            <nav aria-label="Parts of the API"><ul class="chips">{contents}</ul></nav>
        </Panel>
        {parts}
    }
    .into_any()
}

/// Paragraphs of a text whose emphasis is Markdown's.
fn paragraphs(text: &str) -> Vec<AnyView> {
    let paragraph = |text: &str| view! { <p class="prose">{marked(text)}</p> }.into_any();
    text.split("\n\n").map(str::trim).filter(|text| !text.is_empty()).map(paragraph).collect()
}

/// A text with code between back-ticks and strong words between two stars.
fn marked(text: &str) -> Vec<AnyView> {
    let mut parts = Vec::new();
    for (i, piece) in text.replace('\n', " ").split('`').enumerate() {
        if i % 2 == 1 {
            let code = piece.to_owned();
            parts.push(view! { <code>{code}</code> }.into_any());
            continue;
        }
        for (j, word) in piece.split("**").enumerate() {
            // A single star is a weaker emphasis, which plain words do without.
            let word = word.replace('*', "");
            parts.push(if j % 2 == 1 { view! { <strong>{word}</strong> }.into_any() } else { word.into_any() });
        }
    }
    parts
}

fn id(name: &str) -> String {
    name.to_lowercase().replace(' ', "-")
}

fn part(document: &'static Value, base: &'static str, tag: &'static Value) -> AnyView {
    let name = text(tag, "name");
    let paths = document["paths"].as_object().into_iter().flatten();
    let operations = paths.flat_map(|(path, item)| {
        METHODS.iter().filter_map(move |method| {
            let operation = item.get(*method)?;
            let is_here = operation["tags"].as_array()?.iter().any(|tag| tag == name);
            is_here.then(|| self::operation(document, base, path, method, item, operation))
        })
    });
    let operations = operations.collect_view();
    view! {
        <Panel id=id(name) title=name lead=text(tag, "description")>
            <ul class="entries calls">{operations}</ul>
        </Panel>
    }
    .into_any()
}

fn operation(
    document: &'static Value,
    base: &'static str,
    path: &'static str,
    method: &'static str,
    item: &'static Value,
    operation: &'static Value,
) -> AnyView {
    let name = text(operation, "operationId");
    let about = paragraphs(text(operation, "description"));
    let all = [item, operation].into_iter().filter_map(|place| place["parameters"].as_array()).flatten();
    let parameters: Vec<_> = all.map(|parameter| row(document, resolved(document, parameter))).collect();
    let parameters = (!parameters.is_empty()).then(|| {
        let columns = vec![Column::new("Parameter"), Column::new("In"), Column::new("What it is")];
        view! { <Table caption=format!("Parameters of {name}") columns=columns stacked=true>{parameters}</Table> }
    });
    let body = body(document, name, &operation["requestBody"]);
    let answers = answers(document, name, &operation["responses"]);
    view! {
        <li>
            <details id=name>
                <summary>
                    <Icon glyph=Glyph::ChevronRight/>
                    <code class="entry-name">{method.to_uppercase()}</code>
                    <code class="entry-part">{format!("{base}{path}")}</code>
                    <span class="entry-part">{text(operation, "summary")}</span>
                </summary>
                <div class="entry-body">
                    {about}
                    {parameters}
                    {body}
                    {answers}
                </div>
            </details>
        </li>
    }
    .into_any()
}

fn row(document: &'static Value, parameter: &'static Value) -> AnyView {
    let required = parameter["required"] == true && parameter["in"] == "query";
    let needed = required.then_some(" (needed)");
    let schema = resolved(document, &parameter["schema"]);
    let choices = schema["enum"].as_array().map(|all| {
        let all: Vec<_> = all.iter().filter_map(Value::as_str).collect();
        format!(" One of {}.", all.join(", "))
    });
    view! {
        <tr>
            <th scope="row"><code>{text(parameter, "name")}</code>{needed}</th>
            <td data-label="In">{text(parameter, "in")}</td>
            <td data-label="What it is"><span>{marked(text(parameter, "description"))}{choices}</span></td>
        </tr>
    }
    .into_any()
}

/// The example of something, or of the first that it offers.
fn example(content: &'static Value) -> Option<&'static Value> {
    let offered = || content["examples"].as_object()?.values().next()?.get("value");
    content.get("example").or_else(offered)
}

fn body(document: &'static Value, name: &'static str, body: &'static Value) -> Option<AnyView> {
    let (media, content) = resolved(document, body)["content"].as_object()?.iter().next()?;
    let id = format!("{name}-body");
    Some(match example(content) {
        Some(example) => view! { <Code id=id label=format!("Body, {media}") text=format!("{example:#}")/> }.into_any(),
        None => view! { <p class="secondary">{format!("Takes a body: {media}.")}</p> }.into_any(),
    })
}

fn answers(document: &'static Value, name: &'static str, responses: &'static Value) -> AnyView {
    let all = responses.as_object().into_iter().flatten();
    let rows = all.clone().map(|(status, response)| {
        let about = marked(text(resolved(document, response), "description"));
        let status = if status == "default" { "any other" } else { status };
        view! {
            <tr>
                <th scope="row">{status}</th>
                <td data-label="When"><span>{about}</span></td>
            </tr>
        }
    });
    let rows = rows.collect_view();
    let shown = all.clone().filter(|(status, _)| status.starts_with('2')).find_map(|(status, response)| {
        let content = resolved(document, response)["content"].as_object()?.values().next()?;
        Some((status, example(content)?))
    });
    let shown = shown.map(|(status, example)| {
        let label = format!("Answer {status}");
        view! { <Code id=format!("{name}-answer") label=label text=format!("{example:#}")/> }
    });
    let columns = vec![Column::new("Answer"), Column::new("When")];
    view! {
        <Table caption=format!("Answers of {name}") columns=columns stacked=true>{rows}</Table>
        {shown}
    }
    .into_any()
}
