//! What the address of a page asks for, and the parts that lists of the landscape share.

use std::{collections::BTreeMap, convert::Infallible, str::FromStr};

use axum::{
    extract::{FromRequestParts, Path},
    http::request::Parts,
    response::Response,
};
use leptos::prelude::*;
use uuid::Uuid;

use crate::{
    domain::names::{AppKey, ServiceKey, SpaceName},
    manager::{Error, Manager, Page, catalogue::Filter},
    web::{
        paths,
        refusal::status,
        ui::{Action, Choice, FilterBar, FilterSelect, Notice, PageHead, Paging, Section, Tone},
        visit::{Place, Visit},
    },
};

/// Rows of a page where nobody says how many.
const LIMIT: i64 = 50;
/// Rows of a page at most.
const MAX_LIMIT: i64 = 200;
/// Characters of a text that is searched for at most.
const MAX_TEXT: usize = 200;

/// The parameters of a page, as they stand in its address. What a page does not know, it does not look at.
#[derive(Clone, Debug, Default)]
pub struct Asked(BTreeMap<String, String>);

impl<S: Sync> FromRequestParts<S> for Asked {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::read(parts.uri.query().unwrap_or_default()))
    }
}

impl Asked {
    fn read(query: &str) -> Self {
        let mut asked = BTreeMap::new();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            // Of several, the first: as forms are read.
            asked.entry(name.into_owned()).or_insert_with(|| value.into_owned());
        }
        Self(asked)
    }

    /// A text; empty where it is not there.
    pub fn text(&self, name: &str) -> Result<&str, Error> {
        let text = self.0.get(name).map(|text| text.trim()).unwrap_or_default();
        if text.chars().any(char::is_control) {
            return Err(Error::field(name, "must hold printable characters only"));
        }
        if text.chars().count() > MAX_TEXT {
            return Err(Error::field(name, format!("is too long: at most {MAX_TEXT} characters")));
        }
        Ok(text)
    }

    /// A value of its own form; `None` where it is not there or empty.
    pub fn parsed<T: FromStr>(&self, name: &str, form: &str) -> Result<Option<T>, Error> {
        let text = self.text(name)?;
        if text.is_empty() {
            return Ok(None);
        }
        text.parse().map(Some).map_err(|_| Error::field(name, format!("must be {form}")))
    }

    /// A whole number from 1 on.
    pub fn number(&self, name: &str, most: i64) -> Result<Option<i64>, Error> {
        match self.parsed::<i64>(name, "a whole number")? {
            Some(number) if !(1..=most).contains(&number) => {
                Err(Error::field(name, format!("must be a whole number from 1 to {most}")))
            }
            number => Ok(number),
        }
    }

    /// `limit`: rows of a page.
    pub fn limit(&self) -> Result<i64, Error> {
        Ok(self.number("limit", MAX_LIMIT)?.unwrap_or(LIMIT))
    }

    /// How a list of the landscape is narrowed, and where its page begins.
    pub fn filter(&self, is_cursor: fn(&str) -> bool) -> Result<Filter, Error> {
        let space = self.parsed::<SpaceName>("space", "the name of a Space")?;
        let app = self.parsed::<AppKey>("app", "the key of an app")?;
        let after = Some(self.text("after")?).filter(|after| !after.is_empty());
        if after.is_some_and(|after| !is_cursor(after)) {
            return Err(Error::field("after", "is not where a page of the list begins"));
        }
        Ok(Filter {
            q: self.text("q")?.to_owned(),
            space: space.map(|s| s.to_string()),
            app: app.map(|a| a.to_string()),
            after: after.map(str::to_owned),
            limit: self.limit()?,
        })
    }

    /// The same page with other values of some parameters; an empty value takes a parameter away.
    pub fn with(&self, path: &str, changes: &[(&str, &str)]) -> String {
        let mut asked: BTreeMap<&str, &str> = self.0.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        asked.extend(changes.iter().copied());
        asked.retain(|_, value| !value.is_empty());
        let pairs: Vec<_> = asked.iter().map(|(n, v)| format!("{}={}", paths::escape(n), paths::escape(v))).collect();
        if pairs.is_empty() { path.to_owned() } else { format!("{path}?{}", pairs.join("&")) }
    }
}

/// The page of a list that was asked for what cannot be; what else may go wrong has pages of its own.
pub async fn refused(
    visit: &Visit,
    section: Section,
    title: &'static str,
    path: &'static str,
    error: Error,
) -> Response {
    let Error::Invalid(_) = &error else { return visit.refusal(error).await };
    let text = error.to_string();
    let place = Place::new(section, title).under(title, path).titled("Not understood");
    visit
        .page_as(status(&error), place, move || {
            let action = Some(Action::new("Open the list anew", path));
            view! {
                <PageHead title="The address cannot be read"/>
                <Notice tone=Tone::Fail title=format!("In the address, {text}.") announce=true action=action/>
            }
            .into_any()
        })
        .await
}

/// A place in a list that is sorted by a text, then an id.
pub fn text_and_id(after: &str) -> bool {
    after.rsplit_once('~').is_some_and(|(_, id)| id.parse::<Uuid>().is_ok())
}

/// A place in a list that is sorted by the key of a service.
pub fn service_key(after: &str) -> bool {
    after.parse::<ServiceKey>().is_ok()
}

/// A part of the path; `None` where it cannot be what it stands for.
pub struct At<T>(pub Option<T>);

impl<S: Send + Sync, T: FromStr> FromRequestParts<S> for At<T> {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        Ok(Self(path.ok().and_then(|Path(text)| text.parse().ok())))
    }
}

/// What a list of the landscape can be narrowed by.
#[derive(Clone, Debug)]
pub struct Narrowing {
    spaces: Vec<Choice>,
    apps: Vec<Choice>,
}

impl Narrowing {
    /// The Spaces.
    pub fn spaces(&self) -> &[Choice] {
        &self.spaces
    }

    /// The apps.
    pub fn apps(&self) -> &[Choice] {
        &self.apps
    }

    /// The Spaces, and the apps that define something.
    pub async fn load(visit: &Visit, manager: &Manager) -> Result<Self, Error> {
        let spaces = manager.list_spaces(&visit.actor()).await?;
        let apps = manager.list_defining_apps(&visit.actor()).await?;
        Ok(Self {
            spaces: spaces.iter().map(|s| Choice::new(s.space.name.as_str(), s.space.name.as_str())).collect(),
            apps: apps.into_iter().map(|(key, name)| Choice::new(key, name)).collect(),
        })
    }
}

/// The form above a list of the landscape.
pub fn filter_bar(path: &'static str, label: &'static str, filter: &Filter, narrowing: &Narrowing) -> AnyView {
    let space = filter.space.clone().unwrap_or_default();
    let app = filter.app.clone().unwrap_or_default();
    let spaces = with_chosen(&narrowing.spaces, &space);
    let apps = with_chosen(&narrowing.apps, &app);
    let narrowed = is_narrowed(filter);
    view! {
        <FilterBar action=path label=label query=filter.q.clone() narrowed=narrowed>
            <FilterSelect label="Space" name="space" choices=spaces value=space any="Any Space"/>
            <FilterSelect label="App" name="app" choices=apps value=app any="Any app"/>
        </FilterBar>
    }
    .into_any()
}

/// What is chosen stays in sight, though there is nothing of that name.
pub fn with_chosen(choices: &[Choice], chosen: &str) -> Vec<Choice> {
    let mut choices = choices.to_vec();
    if !chosen.is_empty() && choices.iter().all(|choice| choice.value != chosen) {
        choices.push(Choice::new(chosen, chosen));
    }
    choices
}

/// Whether a list does not show all there is.
pub fn is_narrowed(filter: &Filter) -> bool {
    !filter.q.is_empty() || filter.space.is_some() || filter.app.is_some()
}

/// The end of a list's page.
pub fn paging<T>(path: &str, asked: &Asked, noun: [&str; 2], page: &Page<T>, place: &str) -> AnyView {
    let count = page.items.len();
    let noun = if count == 1 { noun[0] } else { noun[1] };
    let more = if page.next.is_some() { ", and there are more" } else { "" };
    let shown = format!("{count} {noun}{more}");
    let next = page.next.as_ref().map(|next| asked.with(path, &[(place, next)]));
    let is_first = asked.0.get(place).is_none_or(String::is_empty);
    let first = (!is_first).then(|| asked.with(path, &[(place, "")]));
    view! { <Paging shown=shown first=first next=next/> }.into_any()
}

/// Spaces as links.
pub fn space_chips(spaces: &[String]) -> AnyView {
    if spaces.is_empty() {
        return view! { <span class="secondary">"None yet"</span> }.into_any();
    }
    let chips = spaces.iter().map(|space| view! { <a class="chip" href=paths::space(space)>{space.clone()}</a> });
    view! { <span class="chips">{chips.collect_view()}</span> }.into_any()
}

/// The app that defines something, as a link.
pub fn defined_by(app: Option<&String>) -> AnyView {
    match app {
        Some(app) => view! { <a href=paths::app(app)>{app.clone()}</a> }.into_any(),
        None => view! { <span class="secondary">"Uploaded"</span> }.into_any(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonsense_in_an_address_is_refused() {
        for bad in ["limit=0", "limit=201", "limit=x", "limit=99999999999999999999", "after=x", "after=a~b", "q=%00"] {
            assert!(Asked::read(bad).filter(text_and_id).is_err(), "{bad}");
        }
        for bad in ["space=a.b", "app=A", "app=a%0Ab"] {
            assert!(Asked::read(bad).filter(service_key).is_err(), "{bad}");
        }
        let filter = Asked::read("q=+a+&space=&limit=&x=1").filter(text_and_id).unwrap();
        assert_eq!((filter.q.as_str(), filter.space, filter.limit), ("a", None, LIMIT));
    }

    #[test]
    fn an_address_is_made_anew_with_one_change() {
        let asked = Asked::read("q=a+b&after=x");
        assert_eq!(asked.with("/c", &[("after", "")]), "/c?q=a%20b");
        assert_eq!(asked.with("/c", &[("after", "y~1"), ("q", "")]), "/c?after=y~1");
    }
}
