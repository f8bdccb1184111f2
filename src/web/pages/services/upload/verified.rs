//! The second step: what was read, before anything is stored.

use axum::{http::StatusCode, response::Response};
use leptos::prelude::*;
use std::sync::Arc;

use super::{
    super::super::{brought::carried, events::may},
    place, steps,
};
use crate::{
    domain::contract::{Channel, Event},
    manager::services::Upload,
    web::{
        paths,
        ui::{ButtonKind, ButtonLink, Column, Fact, Facts, Glyph, Name, Notice, PageHead, Panel, Submit, Table, Tone},
        visit::Visit,
    },
};

pub(super) async fn page(visit: &Visit, document: &[u8], upload: Upload) -> Response {
    let model = Arc::new((carried(document), upload));
    visit.page_as(StatusCode::OK, place(), move || view(&model.0, &model.1)).await
}

fn view(document: &str, upload: &Upload) -> AnyView {
    let contract = &upload.contract;
    let (key, title, version) = (contract.service.to_string(), contract.title.clone(), contract.version.clone());
    let summary = format!("{title} {version}");
    let description = (!contract.description.is_empty()).then(|| {
        let text = contract.description.clone();
        view! { <p class="secondary">{text}</p> }
    });
    let rows = contract.channels.iter().flat_map(|channel| channel.events.iter().map(|event| row(channel, event)));
    let rows = rows.collect_view();
    let columns = vec![
        Column::new("Event"),
        Column::new("Others may"),
        Column::new("Channel in the document"),
        Column::new("Attributes"),
    ];
    let notes = (!upload.notes.is_empty()).then(|| {
        let lines = upload.notes.iter().map(|note| view! { <li>{note.clone()}</li> }).collect_view();
        view! { <Notice tone=Tone::Info title="How the document was understood"><ul>{lines}</ul></Notice> }
    });
    let known = (!upload.is_new).then(|| known(upload));
    let document = document.to_owned();
    view! {
        <PageHead title="Upload a service" lead="This is what was read. Nothing is stored yet."/>
        {steps(2, &summary)}
        {known}
        <Facts>
            <Fact label="Service"><code>{key}</code></Fact>
            <Fact label="Title">{title}</Fact>
            <Fact label="Version">{version}</Fact>
        </Facts>
        {description}
        <Panel id="events" title="Events">
            <Table caption="Events" columns stacked=true>{rows}</Table>
        </Panel>
        {notes}
        <form method="post" action=paths::UPLOAD_SPACES enctype="multipart/form-data">
            <input type="hidden" name="document" value=document/>
            <p class="row">
                <Submit kind=ButtonKind::Primary glyph=Glyph::ArrowRight>"Choose Spaces"</Submit>
                <ButtonLink href=paths::UPLOAD_SERVICE kind=ButtonKind::Quiet>"Choose another document"</ButtonLink>
            </p>
        </form>
    }
    .into_any()
}

/// What becomes of a service that is there already.
fn known(upload: &Upload) -> AnyView {
    let key = upload.contract.service.to_string();
    if upload.changes.is_empty() {
        let title = format!("{key} is here already, with this very document. More Spaces can be added.");
        return view! { <Notice tone=Tone::Info title=title/> }.into_any();
    }
    let lines = upload.changes.iter().map(|change| view! { <li>{change.clone()}</li> }).collect_view();
    let title = format!("{key} is here already: this document takes the place of its contract in all its Spaces.");
    view! { <Notice tone=Tone::Warn title=title><ul>{lines}</ul></Notice> }.into_any()
}

fn row(channel: &Channel, event: &Event) -> impl IntoView + use<> {
    let (name, address) = (event.name.clone(), channel.address.clone());
    let others = may(event.app_sends, event.app_receives);
    let attributes = match event.attributes.as_slice() {
        [] => view! { <span class="secondary">"None named"</span> }.into_any(),
        named => {
            let lines = named.iter().map(|attribute| {
                let (name, kind) = (attribute.name.clone(), attribute.kind.clone());
                view! { <div><code>{name}</code>" "<span class="secondary">{kind}</span></div> }
            });
            view! { <div>{lines.collect_view()}</div> }.into_any()
        }
    };
    view! {
        <tr>
            <th scope="row"><Name text=name/></th>
            <td data-label="Others may">{others}</td>
            <td data-label="Channel in the document"><code>{address}</code></td>
            <td data-label="Attributes">{attributes}</td>
        </tr>
    }
}
