//! A service: its events, its channels, where it flows, and its contract as a file.

use std::sync::Arc;

use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use leptos::prelude::*;
use time::OffsetDateTime;

use super::{
    super::{
        asked::{Asked, At, defined_by},
        events::others_may,
        parts::followed,
        sentence,
    },
    delete,
};
use crate::{
    domain::{ids::ChannelId, names::ServiceKey},
    manager::{
        Error, Manager,
        actor::{May, Right},
        services::{ListedEvent, Notation, Place as Where, ServiceView},
    },
    web::{
        paths,
        ui::{
            ButtonLink, Column, CopyValue, EmptyState, Fact, Facts, Glyph, Moment, Name, PageHead, Panel, Refused,
            Section, Status, Table, When,
        },
        visit::{Place, Visit},
    },
};

pub(super) async fn show(visit: Visit, State(manager): State<Manager>, At(key): At<ServiceKey>) -> Response {
    let loaded = async {
        let key = key.ok_or(Error::NotFound("service"))?;
        let service = manager.load_service(&visit.actor(), key.as_str()).await?;
        Ok((service, manager.may(&visit.actor(), Right::Upload).await?))
    };
    match loaded.await {
        Ok(model) => {
            let place = Place::new(Section::Services, model.0.title.clone()).under("Services", paths::SERVICES);
            let (model, now) = (Arc::new(model), visit.now());
            visit.page(place.with_islands(), move || view(&model.0, &model.1, now)).await
        }
        Err(error) => visit.refusal(error).await,
    }
}

/// The contract as a file.
pub(super) async fn download(
    visit: Visit,
    State(manager): State<Manager>,
    At(key): At<ServiceKey>,
    asked: Asked,
) -> Response {
    let loaded = async {
        let key = key.ok_or(Error::NotFound("service"))?;
        let notation = match asked.text("format")? {
            "" => Notation::Yaml,
            word => Notation::from_word(word).ok_or_else(|| Error::field("format", "must be json or yaml"))?,
        };
        Ok((manager.load_asyncapi(&visit.actor(), key.as_str(), notation).await?, key, notation))
    };
    match loaded.await {
        Ok((text, key, notation)) => {
            let file = format!("attachment; filename=\"{key}.{}\"", notation.word());
            let kind = format!("{}; charset=utf-8", notation.media_type());
            ([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, file)], text).into_response()
        }
        Err(error) => visit.refusal(error).await,
    }
}

fn view(service: &ServiceView, may_upload: &May, now: OffsetDateTime) -> AnyView {
    let (key, version) = (service.key.clone(), service.contract_version.clone());
    let app = defined_by(service.app.as_ref());
    let lead = match &service.app {
        Some(app) => format!("A contract that {app} defines by its deployments."),
        None => "A contract that was uploaded: no app here defines it.".to_owned(),
    };
    let description = (!service.description.is_empty()).then(|| {
        let text = service.description.clone();
        view! { <p class="secondary">{text}</p> }
    });
    let newer = service.app.is_none().then(|| match &may_upload.refusal {
        None => {
            view! { <ButtonLink href=paths::UPLOAD_SERVICE glyph=Glyph::Upload>"Upload a newer version"</ButtonLink> }
                .into_any()
        }
        Some(why) => view! { <Refused id="upload" label="Upload a newer version" reason=sentence(why)/> }.into_any(),
    });
    let (yaml, json) = (paths::asyncapi(&key, "yaml"), paths::asyncapi(&key, "json"));
    let (title, events, channels, places) =
        (service.title.clone(), events(&service.events), channels(&service.channels), places(service, now));
    view! {
        <PageHead title=title lead=lead>
            {newer}
            <ButtonLink href=json glyph=Glyph::Download>"AsyncAPI as JSON"</ButtonLink>
            <ButtonLink href=yaml glyph=Glyph::Download>"AsyncAPI as YAML"</ButtonLink>
        </PageHead>
        {description}
        <Facts>
            <Fact label="Key"><CopyValue label="key" value=key/></Fact>
            <Fact label="Version">{version}</Fact>
            <Fact label="Defined by">{app}</Fact>
        </Facts>
        <Panel id="events" title="Events">{events}</Panel>
        <Panel id="channels" title="Channels" lead="Where its events flow; each is a topic of its own in each Space.">{channels}</Panel>
        <Panel id="spaces" title="Spaces">{places}</Panel>
    }
    .into_any()
}

fn events(events: &[ListedEvent]) -> AnyView {
    if events.is_empty() {
        return view! { <p class="secondary">"It has no events."</p> }.into_any();
    }
    let rows = events.iter().map(|event| {
        let (name, title) = (event.name.clone(), event.title.clone());
        let (page, channel, may) = (paths::event(&event.service, &event.name), event.channel, others_may(event));
        let count = event.attributes.len();
        view! {
            <tr>
                <th scope="row"><a href=page><Name text=name/></a><span class="under">{title}</span></th>
                <td data-label="Others may">{may}</td>
                <td data-label="Channel">{channel_link(channel)}</td>
                <td data-label="Attributes" class="number">{count}</td>
            </tr>
        }
    });
    let rows = rows.collect_view();
    let columns = vec![
        Column::new("Event"),
        Column::new("Others may"),
        Column::new("Channel"),
        Column::new("Attributes").numeric(),
    ];
    view! { <Table caption="Events" columns stacked=true>{rows}</Table> }.into_any()
}

fn channel_link(channel: ChannelId) -> AnyView {
    let whole = channel.to_string();
    let short: String = whole.chars().take(8).collect();
    view! { <a href=paths::channel(channel)><code title=whole>{short}"…"</code></a> }.into_any()
}

fn channels(channels: &[(ChannelId, String)]) -> AnyView {
    let rows = channels.iter().map(|(id, address)| {
        let (id, whole, address) = (*id, id.to_string(), address.clone());
        view! {
            <tr>
                <th scope="row"><a href=paths::channel(id)><code>{whole}</code></a></th>
                <td data-label="In the document"><code>{address}</code></td>
            </tr>
        }
    });
    let rows = rows.collect_view();
    let columns = vec![Column::new("Channel"), Column::new("In the document")];
    view! { <Table caption="Channels" columns stacked=true>{rows}</Table> }.into_any()
}

fn places(service: &ServiceView, now: OffsetDateTime) -> AnyView {
    if service.places.is_empty() {
        return view! {
            <EmptyState glyph=Glyph::Space title="In no Space yet"
                text="Its channels come into being in a Space when an environment there is deployed that defines it, or when it is uploaded for it."
                action=None/>
        }
        .into_any();
    }
    let is_uploaded = service.app.is_none();
    let mut columns = vec![Column::new("Space"), Column::new("Topics").numeric(), Column::new("Kafka")];
    if is_uploaded {
        columns.extend([Column::new("Uploaded by"), Column::new("Uploaded"), Column::new("Acts").hidden()]);
    }
    let rows = service.places.iter().enumerate().map(|(nth, (place, may))| {
        let (name, topics, state) = (place.name.clone(), place.topics, followed(&place.followed, now));
        let upload = is_uploaded.then(|| upload(service, place, may, nth, now));
        view! {
            <tr>
                <th scope="row"><a href=paths::space(&name)>{name.clone()}</a></th>
                <td data-label="Topics" class="number">{topics}</td>
                <td data-label="Kafka"><Status state/></td>
                {upload}
            </tr>
        }
    });
    let rows = rows.collect_view();
    view! { <Table caption="Spaces" columns stacked=true>{rows}</Table> }.into_any()
}

/// The cells of an upload: by whom, when, and taking it away.
fn upload(service: &ServiceView, place: &Where, may: &May, nth: usize, now: OffsetDateTime) -> AnyView {
    let nobody = || view! { <span class="secondary">"—"</span> }.into_any();
    let who = place.uploader_email.clone().map_or_else(nobody, |email| view! { <Name text=email/> }.into_any());
    let when = place.uploaded_at.map_or_else(nobody, |at| view! { <When moment=Moment::new(at, now)/> }.into_any());
    let id = format!("delete-{nth}");
    let act = match &may.refusal {
        None => delete::button(id, &service.key, &place.name),
        Some(why) => view! { <Refused id=id label="Delete" reason=sentence(why)/> }.into_any(),
    };
    view! {
        <td data-label="Uploaded by">{who}</td>
        <td data-label="Uploaded">{when}</td>
        <td>{act}</td>
    }
    .into_any()
}
