//! Taking a change back: what it is now and would be then, and the button.

use axum::{
    extract::{Path, State, rejection::PathRejection},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use leptos::prelude::*;
use serde_json::Value;

use super::{super::sentence, compared, what};
use crate::{
    manager::{Error, Manager, revert::Reversal},
    web::{
        paths,
        refusal::status,
        ui::{Action, ButtonKind, ButtonLink, Glyph, Notice, PageHead, Refused, Section, Submit, Tone},
        visit::{Place, Visit},
    },
};

type Number = Result<Path<i64>, PathRejection>;

async fn load(visit: &Visit, manager: &Manager, number: Number) -> Result<Reversal, Error> {
    let Ok(Path(number)) = number else { return Err(Error::NotFound("change")) };
    manager.rehearse_revert(&visit.actor(), number).await
}

pub(super) async fn ask(visit: Visit, State(manager): State<Manager>, number: Number) -> Response {
    match load(&visit, &manager, number).await {
        Ok(reversal) => match &reversal.moves {
            // A move has more to show than what it was before.
            Some((app, key, space)) => Redirect::to(&paths::reassign_to(app, key, space)).into_response(),
            None => asked(&visit, reversal).await,
        },
        Err(error) => refused(&visit, error).await,
    }
}

pub(super) async fn revert(visit: Visit, State(manager): State<Manager>, number: Number) -> Response {
    let Ok(Path(number)) = number else { return visit.refusal(Error::NotFound("change")).await };
    match manager.revert(&visit.actor(), number).await {
        Ok(Reversal { change, again, .. }) => {
            let text = match again {
                Some(number) => format!("No. {number} is done again, of {}.", change.object_name),
                None => format!("Taken back: {} of {}.", what(&change.act).to_lowercase(), change.object_name),
            };
            visit.done(paths::HISTORY, text).await
        }
        Err(error) => refused(&visit, error).await,
    }
}

fn place(title: &'static str) -> Place {
    Place::new(Section::History, title).under("History", paths::HISTORY)
}

async fn asked(visit: &Visit, reversal: Reversal) -> Response {
    let verb = if reversal.again.is_some() { "Do it again" } else { "Take back" };
    let page = move || {
        let Reversal { change, now, then, may, again, .. } = &reversal;
        let action = paths::revert(change.number);
        let did = format!("{} of {}, by {}.", what(&change.act), change.object_name, change.actor);
        let (title, lead) = match again {
            Some(number) => (format!("Do No. {number} again?"), format!("No. {} took it back: {did}", change.number)),
            None => (format!("Take back No. {}?", change.number), did),
        };
        let sides = [Some(("Now", now)), Some(("Afterwards", then))].map(|side| side.filter(|(_, v)| !is_nothing(v)));
        let table = compared(change.number, "Now and afterwards", sides);
        let act = match may.refusal.clone() {
            Some(why) => view! { <Refused id="revert" label=verb reason=sentence(&why)/> }.into_any(),
            None => view! { <Submit kind=ButtonKind::Primary glyph=Glyph::History>{verb}</Submit> }.into_any(),
        };
        view! {
            <PageHead title=title lead=lead/>
            {table}
            <p class="secondary">"This is a change like any other: it needs the same rights, and stands in the history."</p>
            <form method="post" action=action class="row">
                {act}
                <ButtonLink href=paths::HISTORY kind=ButtonKind::Quiet>"Cancel"</ButtonLink>
            </form>
        }
        .into_any()
    };
    visit.page(place(verb), page).await
}

/// Why it is not taken back, with the way on.
async fn refused(visit: &Visit, error: Error) -> Response {
    let status = status(&error);
    let mut text = match error {
        Error::Conflict { message, .. } => message,
        // What was before may not be possible any more: an event or a Space that is gone.
        Error::Invalid(_) => format!("what it was before is not possible any more: {error}"),
        other => return visit.refusal(other).await,
    };
    text = sentence(&text);
    let status = if status.is_success() { StatusCode::CONFLICT } else { status };
    let page = move || {
        view! {
            <PageHead title="This cannot be taken back"/>
            <Notice tone=Tone::Fail title=text.clone() announce=true action=Some(Action::new("Back to the history", paths::HISTORY))/>
        }
        .into_any()
    };
    visit.page_as(status, place("Take back"), page).await
}

fn is_nothing(value: &Value) -> bool {
    value.is_null() || value.as_object().is_some_and(serde_json::Map::is_empty)
}
