//! Making a Space, and deleting one that is empty.

use axum::{
    Router,
    extract::{Path, State},
    http::StatusCode,
    response::Response,
    routing::get,
};
use leptos::prelude::*;

use super::super::parts::Typed;
use crate::{
    manager::{Error, Manager, actor::Right},
    web::{
        Web, paths,
        refusal::{beside_fields, status},
        ui::{ButtonKind, ButtonLink, ErrorSummary, Errors, Field, Glyph, PageHead, Section, Submit},
        visit::{Place, Visit},
    },
};

pub(super) fn router() -> Router<Web> {
    Router::new().route(paths::NEW_SPACE, get(new).post(create)).route("/spaces/{space}/delete", get(ask).post(delete))
}

async fn require_admin(visit: &Visit, manager: &Manager) -> Result<(), Error> {
    match manager.may(&visit.actor(), Right::Administer).await?.refusal {
        Some(why) => Err(Error::Forbidden(why)),
        None => Ok(()),
    }
}

async fn new(visit: Visit, State(manager): State<Manager>) -> Response {
    match require_admin(&visit, &manager).await {
        Ok(()) => form(&visit, StatusCode::OK, String::new(), Errors::default()).await,
        Err(error) => visit.refusal(error).await,
    }
}

async fn create(visit: Visit, State(manager): State<Manager>, typed: Typed) -> Response {
    let name = typed.get("name");
    let error = match manager.create_space(&visit.actor(), &name).await {
        Ok(true) => return visit.done(&paths::space(&name), format!("The Space {name} is made.")).await,
        Ok(false) => Error::conflict("space-exists", format!("there is a Space {name} already")),
        Err(error @ Error::Forbidden(_)) => return visit.refusal(error).await,
        Err(error) => error,
    };
    match beside_fields(&error) {
        Some(errors) => form(&visit, status(&error), name, errors).await,
        None => visit.refusal(error).await,
    }
}

async fn form(visit: &Visit, status: StatusCode, name: String, errors: Errors) -> Response {
    let place = Place::new(Section::Spaces, "New Space").under("Spaces", paths::SPACES);
    visit
        .page_as(status, place, move || {
            view! {
                <PageHead title="New Space" lead="Spaces come by themselves when environments are enabled; one that is made here waits for environments to be moved into it."/>
                <ErrorSummary errors=errors.clone()/>
                <form method="post" action=paths::NEW_SPACE class="form">
                    <Field label="Name" name="name" value=name.clone() error=errors.get("name") maxlength=64_u32 mono=true placeholder="acceptance-2"
                        hint="The end of the names of its topics, and never changed. Letters, digits and hyphens."/>
                    <p class="row">
                        <Submit kind=ButtonKind::Primary>"Make the Space"</Submit>
                        <ButtonLink href=paths::SPACES kind=ButtonKind::Quiet>"Cancel"</ButtonLink>
                    </p>
                </form>
            }
            .into_any()
        })
        .await
}

async fn ask(visit: Visit, State(manager): State<Manager>, Path(name): Path<String>) -> Response {
    let found = async {
        require_admin(&visit, &manager).await?;
        manager.load_space(&visit.actor(), &name, 1).await
    };
    match found.await {
        Ok(found) => deletion(&visit, StatusCode::OK, found.space.name.to_string(), Errors::default()).await,
        Err(error) => visit.refusal(error).await,
    }
}

async fn delete(visit: Visit, State(manager): State<Manager>, Path(name): Path<String>, typed: Typed) -> Response {
    let name = match manager.load_space(&visit.actor(), &name, 1).await {
        Ok(found) => found.space.name.to_string(),
        Err(error) => return visit.refusal(error).await,
    };
    if visit.is_admin() && typed.get("typed").trim() != name {
        let errors = std::iter::once(("typed", format!("Type the name exactly: {name}"))).collect();
        return deletion(&visit, StatusCode::UNPROCESSABLE_ENTITY, name, errors).await;
    }
    match manager.delete_space(&visit.actor(), &name).await {
        Ok(()) => visit.done(paths::SPACES, format!("The Space {name} is deleted.")).await,
        Err(error @ Error::Forbidden(_)) => visit.refusal(error).await,
        Err(error) => match beside_fields(&error) {
            Some(errors) => deletion(&visit, status(&error), name, errors).await,
            None => visit.refusal(error).await,
        },
    }
}

async fn deletion(visit: &Visit, status: StatusCode, name: String, errors: Errors) -> Response {
    let place = Place::new(Section::Spaces, "Delete").under("Spaces", paths::SPACES).under(&name, paths::space(&name));
    visit
        .page_as(status, place, move || {
            view! {
                <PageHead title=format!("Delete the Space “{name}”?") lead="Only a Space that is empty can be deleted: no environment, no channel, no bridge. It comes again when an environment of its name is enabled."/>
                <ErrorSummary errors=errors.clone()/>
                <form method="post" action=paths::delete_space(&name) class="form confirm">
                    <Field label=format!("Type {name} to confirm") name="typed" error=errors.get("typed") mono=true/>
                    <p class="row">
                        <Submit kind=ButtonKind::Danger glyph=Glyph::Trash>"Delete Space"</Submit>
                        <ButtonLink href=paths::space(&name) kind=ButtonKind::Quiet>"Cancel"</ButtonLink>
                    </p>
                </form>
            }
            .into_any()
        })
        .await
}
