//! Small parts that several pages share, and the words they use for what the manager knows.

use axum::{
    Form,
    extract::{FromRequest, Request},
    response::{IntoResponse, Response},
};
use leptos::prelude::*;
use time::OffsetDateTime;

use crate::{
    manager::{Followed, Minutes},
    web::{
        ui::{ButtonKind, ButtonLink, Errors, Moment, Notice, PageHead, Sparkline, State, Submit, Tone},
        visit::{Place, Visit},
    },
};

/// The fields of a form as they were typed, in the order they came; a name may come several times.
#[derive(Clone, Debug, Default)]
pub struct Typed(Vec<(String, String)>);

impl Typed {
    /// Fields as a page first shows them.
    pub fn of<const N: usize>(fields: [(&str, String); N]) -> Self {
        Self(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    /// Adds a field.
    pub fn push(&mut self, name: String, value: String) {
        self.0.push((name, value));
    }

    /// The first value of a field; empty where it is missing.
    pub fn get(&self, name: &str) -> String {
        self.find(name).unwrap_or_default().to_owned()
    }

    /// The first value of a field.
    pub fn find(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// All values of a field.
    pub fn all(&self, name: &str) -> Vec<String> {
        self.0.iter().filter(|(n, _)| n == name).map(|(_, v)| v.clone()).collect()
    }

    /// Whether a box is ticked, or a button was used.
    pub fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// A whole number.
    pub fn number(&self, name: &str) -> Option<i64> {
        self.find(name)?.parse().ok()
    }
}

impl<S: Send + Sync> FromRequest<S> for Typed {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let Form(fields) =
            Form::<Vec<(String, String)>>::from_request(request, state).await.map_err(IntoResponse::into_response)?;
        Ok(Self(fields))
    }
}

/// What Kafka has made of something, as a status.
pub fn followed(followed: &Followed, now: OffsetDateTime) -> State {
    match followed {
        Followed::Applied => State::Applied,
        Followed::Pending(since) => State::Pending(Some(Moment::new(*since, now))),
        Followed::Failed(why) => State::Failed(why.clone()),
    }
}

/// An act that is asked about on a page of its own, for browsers that cannot open the dialog.
#[derive(Clone)]
pub struct Question {
    /// What is asked.
    pub title: String,
    /// What will be lost, in sentences.
    pub text: Vec<&'static str>,
    /// Where the answer goes.
    pub action: String,
    /// The button.
    pub confirm: &'static str,
    /// What goes along.
    pub fields: Vec<(&'static str, String)>,
    /// The page to go back to.
    pub back: String,
}

impl Question {
    /// The page.
    pub async fn ask(self, visit: &Visit, place: Place) -> Response {
        visit.page(place.titled(self.title.clone()), move || self.view()).await
    }

    fn view(&self) -> AnyView {
        let Self { title, text, action, confirm, fields, back } = self.clone();
        let text = text.into_iter().map(|line| view! { <p>{line}</p> }).collect_view();
        let fields = fields
            .into_iter()
            .map(|(name, value)| view! { <input type="hidden" name=name value=value/> })
            .collect_view();
        view! {
            <PageHead title=title/>
            <div class="confirm stack">
                {text}
                <form method="post" action=action class="row">
                    {fields}
                    <Submit kind=ButtonKind::Danger>{confirm}</Submit>
                    <ButtonLink href=back kind=ButtonKind::Quiet>"Cancel"</ButtonLink>
                </form>
            </div>
        }
        .into_any()
    }
}

/// What is wrong with a form as a whole: what belongs to none of its fields.
pub fn form_error(errors: &Errors) -> impl IntoView + use<> {
    errors.get("").map(|text| view! { <Notice tone=Tone::Fail title=text announce=true/> })
}

/// How much flowed in the last hour, as a line with its rate.
pub fn sparkline(flow: Option<&Minutes>) -> AnyView {
    let flow = flow.cloned().unwrap_or_default();
    view! { <Sparkline rate=flow.rate() minutes=flow.0/> }.into_any()
}
