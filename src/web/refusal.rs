//! A refusal of the manager, as a page or beside the fields of a form.

use axum::{
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use leptos::prelude::*;

use super::{
    paths,
    ui::{Action, Errors, Notice, PageHead, Section, Tone},
    visit::{Place, Visit},
};
use crate::manager::Error;

/// The status that fits a refusal.
pub fn status(error: &Error) -> StatusCode {
    match error {
        Error::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
        Error::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
        Error::NotFound(_) => StatusCode::NOT_FOUND,
        Error::Unauthenticated => StatusCode::UNAUTHORIZED,
        Error::Forbidden(_) => StatusCode::FORBIDDEN,
        Error::Conflict { .. } => StatusCode::CONFLICT,
        Error::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
        Error::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        Error::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// What is wrong, beside the fields of a form. What belongs to no field stands above them.
///
/// `None` for refusals that leave no form to correct: they are pages of their own.
pub fn beside_fields(error: &Error) -> Option<Errors> {
    match error {
        Error::Invalid(fields) => {
            Some(fields.iter().map(|f| (f.field.clone(), sentence(&f.field, &f.message))).collect())
        }
        Error::Conflict { .. }
        | Error::Forbidden(_)
        | Error::TooLarge(_)
        | Error::TooMany(_)
        | Error::Unavailable(_) => Some(std::iter::once(("", capital(&error.to_string()))).collect()),
        Error::NotFound(_) | Error::Unauthenticated | Error::Internal(_) => None,
    }
}

/// `key` and `is missing` → `Key is missing.`
fn sentence(field: &str, message: &str) -> String {
    let name = field.rsplit('/').find(|part| part.parse::<usize>().is_err()).unwrap_or(field);
    capital(&format!("{} {message}", name.replace('_', " ")))
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    let mut out: String = chars.next().map(|c| c.to_uppercase().chain(chars).collect()).unwrap_or_default();
    if !out.ends_with(['.', '!', '?']) {
        out.push('.');
    }
    out
}

impl Visit {
    /// The page that says why something was refused, with its status.
    pub async fn refusal(&self, error: Error) -> Response {
        let status = status(&error);
        let (title, text) = match &error {
            Error::NotFound(what) => {
                ("Not found".to_owned(), format!("The {what} does not exist, or you may not see it."))
            }
            // The session ended, or the member was blocked, while the page was open.
            Error::Unauthenticated => return Redirect::to(paths::SIGN_IN).into_response(),
            Error::Forbidden(why) => ("Not allowed".to_owned(), capital(why)),
            Error::Internal(source) => {
                let trace = uuid::Uuid::new_v4();
                tracing::error!(%trace, error = ?source, "an internal error");
                (
                    "Something went wrong".to_owned(),
                    format!("Nothing was changed. Try again; if it stays, tell the operator this number: {trace}"),
                )
            }
            Error::Unavailable(why) => ("Not available".to_owned(), capital(why)),
            other => ("That did not work".to_owned(), capital(&other.to_string())),
        };
        let place = Place::new(Section::Overview, title.clone());
        self.page_as(status, place, move || {
            view! {
                <PageHead title=title.clone()/>
                <Notice tone=Tone::Fail title=text.clone() announce=true action=Some(Action::new("To the overview", paths::OVERVIEW))/>
            }
            .into_any()
        })
        .await
    }

    /// After an act on a page: back to it, with what was done or why it was not.
    pub async fn after_act(&self, to: &str, result: Result<(), Error>, done: String) -> Response {
        match result {
            Ok(()) => self.done(to, done).await,
            Err(error) => self.act_refused(to, error).await,
        }
    }

    /// After an act that was refused: back to its page with the reason, or a page of its own.
    pub async fn act_refused(&self, to: &str, error: Error) -> Response {
        match &error {
            Error::Conflict { .. } | Error::Unavailable(_) | Error::Invalid(_) => {
                self.refused(to, capital(&error.to_string())).await
            }
            _ => self.refusal(error).await,
        }
    }
}
