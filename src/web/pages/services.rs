//! The services: what each defines, and where it flows.

mod delete;
mod show;
mod upload;

use axum::{Router, extract::State, response::Response, routing::get};
use leptos::prelude::*;
use time::OffsetDateTime;

use super::{
    asked::{Asked, Further, Narrowing, both_ways, defined_by, filter_bar, is_narrowed, refused, space_chips},
    sentence,
};
use crate::{
    manager::{
        Error, Manager, Page,
        actor::{May, Right},
        catalogue::{Filter, ListedService, ServicesBy},
    },
    web::{
        Web, paths,
        ui::{
            Action, ButtonKind, ButtonLink, Column, EmptyState, Glyph, Moment, Name, PageHead, Refused, Section, Table,
            When,
        },
        visit::{Place, Visit},
    },
};

pub(super) fn router() -> Router<Web> {
    Router::new()
        .route(paths::SERVICES, get(list))
        .route("/services/{service}", get(show::show))
        .route("/services/{service}/asyncapi", get(show::download))
        .route("/services/{service}/spaces/{space}/delete", get(delete::ask).post(delete::delete))
}

/// Uploading, step by step.
pub(super) fn uploads() -> Router<Web> {
    Router::new()
        .route(paths::UPLOAD_SERVICE, get(upload::new).post(upload::verify))
        .route(paths::UPLOAD_SPACES, get(upload::again).post(upload::spaces))
}

async fn load(
    visit: &Visit,
    manager: &Manager,
    asked: &Asked,
) -> Result<(Filter<ServicesBy>, Page<ListedService>, Narrowing, May), Error> {
    let filter = asked.filter()?;
    let page = manager.list_services(&visit.actor(), &filter).await?;
    let may = manager.may(&visit.actor(), Right::Upload).await?;
    Ok((filter, page, Narrowing::load(visit, manager).await?, may))
}

async fn list(visit: Visit, State(manager): State<Manager>, asked: Asked) -> Response {
    match load(&visit, &manager, &asked).await {
        Ok((filter, page, narrowing, may)) => {
            let now = visit.now();
            visit
                .page(Place::new(Section::Services, "Services"), move || {
                    list_view(&asked, &filter, &page, &narrowing, &may, now)
                })
                .await
        }
        Err(error) => refused(&visit, Section::Services, "Services", paths::SERVICES, error).await,
    }
}

fn list_view(
    asked: &Asked,
    filter: &Filter<ServicesBy>,
    page: &Page<ListedService>,
    narrowing: &Narrowing,
    may: &May,
    now: OffsetDateTime,
) -> AnyView {
    let body = match (page.items.is_empty(), is_narrowed(filter) || asked.is_further_on()) {
        (true, false) => view! {
            <EmptyState glyph=Glyph::Service title="No services yet"
                text="A service is a contract: a named set of events with a version. It comes with the first deployment of the app that defines it; what is defined outside of all apps is uploaded."
                action=Some(Action::new("Go to the apps", paths::APPS))/>
        }
        .into_any(),
        (true, true) => view! {
            <EmptyState glyph=Glyph::Search title="No service fits" text="Take a part of the filter away, or look at all of them."
                action=Some(Action::new("Show all services", paths::SERVICES))/>
        }
        .into_any(),
        (false, _) => {
            let by = |label, by: ServicesBy| asked.column(paths::SERVICES, label, by, &filter.sorting);
            let columns = vec![
                by("Service", ServicesBy::Service),
                by("Version", ServicesBy::Version),
                by("Defined by", ServicesBy::App),
                by("Events", ServicesBy::Events).numeric(),
                Column::new("Spaces"),
                by("First defined", ServicesBy::Defined),
            ];
            let rows = page.items.iter().map(|item| row(item, now)).collect_view();
            view! {
                <Table caption="Services" columns stacked=true>{rows}</Table>
                {both_ways(paths::SERVICES, asked, ["service", "services"], page)}
            }
            .into_any()
        }
    };
    let upload = upload_button(may);
    view! {
        <PageHead title="Services" lead="The contracts that say which events there are.">{upload}</PageHead>
        {filter_bar(paths::SERVICES, "Search services", filter, narrowing, Further::Nothing)}
        {body}
    }
    .into_any()
}

/// Leads to uploading, or says who may.
fn upload_button(may: &May) -> AnyView {
    match &may.refusal {
        None => view! {
            <ButtonLink href=paths::UPLOAD_SERVICE kind=ButtonKind::Primary glyph=Glyph::Upload>"Upload a service"</ButtonLink>
        }
        .into_any(),
        Some(why) => view! { <Refused id="upload" label="Upload a service" reason=sentence(why)/> }.into_any(),
    }
}

fn row(item: &ListedService, now: OffsetDateTime) -> impl IntoView + use<> {
    let key = item.key.clone();
    let page = paths::service(&key);
    view! {
        <tr>
            <th scope="row"><a href=page><Name text=item.title.clone()/></a><span class="under"><code>{key.clone()}</code></span></th>
            <td data-label="Version">{item.contract_version.clone()}</td>
            <td data-label="Defined by">{defined_by(item.app.as_ref())}</td>
            <td data-label="Events" class="number"><a href=paths::narrowed(paths::EVENTS, &key)>{item.events}</a></td>
            <td data-label="Spaces">{space_chips(&item.spaces)}</td>
            <td data-label="First defined"><When moment=Moment::new(item.created_at, now)/></td>
        </tr>
    }
}
