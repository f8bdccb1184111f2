//! What the address of a page asks for, and the parts that lists of the landscape share.

use std::{collections::BTreeMap, convert::Infallible, str::FromStr};

use axum::{
    extract::{FromRequestParts, Path},
    http::request::Parts,
    response::Response,
};
use leptos::prelude::*;
use time::{Date, macros::format_description};

use crate::{
    domain::{
        grant::Access,
        names::{AppKey, ServiceKey, SpaceName},
    },
    manager::{Columns, Error, Manager, Page, Sorting, catalogue::Filter},
    web::{
        paths,
        refusal::status,
        ui::{
            Action, Choice, Column, FilterBar, FilterField, FilterSelect, Notice, Order, PageHead, Paging, Section,
            Tone,
        },
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

    /// A day as forms send it: `2026-01-31`.
    pub fn day(&self, name: &str) -> Result<Option<Date>, Error> {
        let text = self.text(name)?;
        if text.is_empty() {
            return Ok(None);
        }
        let day = Date::parse(text, format_description!("[year]-[month]-[day]"));
        day.map(Some).map_err(|_| Error::field(name, "must be a day: year-month-day"))
    }

    /// `sort`: the column, `-` before it for the largest first; the list's own order where it is not there. And `after`
    /// or `before`: the row that the page begins after or ends before.
    pub fn sorting<By: Columns>(&self) -> Result<Sorting<By>, Error> {
        let text = self.text("sort")?;
        let word = text.strip_prefix('-').unwrap_or(text);
        let by = if text.is_empty() { Some(By::default()) } else { By::from_word(word) };
        let by = by.ok_or_else(|| {
            let words: Vec<_> = By::ALL.iter().map(|column| column.word()).collect();
            Error::field(
                "sort",
                format!("must be one of {}; with - before it for the other way round", words.join(", ")),
            )
        })?;
        let sorting = Sorting::new(by, word != text);
        let place = |name| self.0.get(name).map(|text| text.trim()).unwrap_or_default();
        let found = match (place("after"), place("before")) {
            ("", "") => return Ok(sorting),
            (after, "") => sorting.after(after).ok_or("after"),
            ("", before) => sorting.before(before).ok_or("before"),
            _ => return Err(Error::field("before", "must not be there together with after")),
        };
        found.map_err(|name| Error::field(name, "is not where a page of the list begins"))
    }

    /// The name of a Space that a list is narrowed to.
    pub fn space(&self) -> Result<Option<String>, Error> {
        Ok(self.parsed::<SpaceName>("space", "the name of a Space")?.map(|space| space.to_string()))
    }

    /// The key of an app that a list is narrowed to.
    pub fn app(&self) -> Result<Option<String>, Error> {
        Ok(self.parsed::<AppKey>("app", "the key of an app")?.map(|app| app.to_string()))
    }

    /// How a list of the landscape is narrowed and sorted, and where its page begins.
    pub fn filter<By: Columns>(&self) -> Result<Filter<By>, Error> {
        let open_to = match self.text("kind")? {
            "" => None,
            word => Some(Access::from_word(word).ok_or_else(|| Error::field("kind", "must be publish or subscribe"))?),
        };
        Ok(Filter {
            q: self.text("q")?.to_owned(),
            space: self.space()?,
            app: self.app()?,
            service: self.parsed::<ServiceKey>("service", "the key of a service")?.map(|service| service.to_string()),
            open_to,
            sorting: self.sorting()?,
            limit: self.limit()?,
        })
    }

    /// Whether the page is one further on in its list: no rows there does not mean that the list is empty.
    pub fn is_further_on(&self) -> bool {
        self.has("after") || self.has("before")
    }

    fn has(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|value| !value.trim().is_empty())
    }

    /// A heading that sorts the list at `path` by its column, and the other way round where it is sorted so already.
    pub fn column<By: Columns>(&self, path: &str, label: &'static str, by: By, sorting: &Sorting<By>) -> Column {
        let (href, order) = self.sorted_by(path, by, sorting);
        Column::new(label).sort(href, order)
    }

    /// The list from its beginning, sorted by a column, and how it is sorted by that column now.
    pub fn sorted_by<By: Columns>(&self, path: &str, by: By, sorting: &Sorting<By>) -> (String, Option<Order>) {
        let order = if sorting.descending { Order::Descending } else { Order::Ascending };
        let order = (sorting.by == by).then_some(order);
        let sort = match order {
            Some(Order::Ascending) => format!("-{}", by.word()),
            _ if by == By::default() => String::new(),
            _ => by.word().to_owned(),
        };
        (self.with(path, &[("sort", &sort), ("after", ""), ("before", "")]), order)
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

/// A part of the path; `None` where it cannot be what it stands for.
pub struct At<T>(pub Option<T>);

impl<S: Send + Sync, T: FromStr> FromRequestParts<S> for At<T> {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        Ok(Self(path.ok().and_then(|Path(text)| text.parse().ok())))
    }
}

/// Things that are offered to choose from at most: where there are more, their name is typed.
const CHOICES: usize = 100;

/// What a list of the landscape can be narrowed by.
#[derive(Clone, Debug, Default)]
pub struct Narrowing {
    spaces: Vec<Choice>,
    apps: Vec<Choice>,
    services: Vec<Choice>,
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

    /// The Spaces, the apps that define something, and the services.
    pub async fn load(visit: &Visit, manager: &Manager) -> Result<Self, Error> {
        let most = i64::try_from(CHOICES + 1).unwrap_or(i64::MAX);
        let all = manager.list_choices(&visit.actor(), most).await?;
        let alike = |name: &str| Choice::new(name, name);
        Ok(Self {
            spaces: all.spaces.iter().map(|space| alike(space.as_str())).collect(),
            apps: named(all.apps),
            services: all.services.iter().map(|key| alike(key)).collect(),
        })
    }

    /// The Spaces alone.
    pub async fn of_spaces(visit: &Visit, manager: &Manager) -> Result<Self, Error> {
        let spaces = manager.list_space_names(&visit.actor()).await?;
        let spaces = spaces.iter().map(|name| Choice::new(name.as_str(), name.as_str())).collect();
        Ok(Self { spaces, ..Self::default() })
    }
}

/// Keys and names as choices.
pub fn named(pairs: Vec<(String, String)>) -> Vec<Choice> {
    pairs.into_iter().map(|(key, name)| Choice::new(key, name)).collect()
}

/// What a list of the landscape is narrowed by besides its Space and app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Further {
    /// Nothing.
    Nothing,
    /// The service.
    Service,
    /// The service, and what others may do.
    ServiceAndKind,
}

/// The form above a list of the landscape. How the list is sorted stays as it is.
pub fn filter_bar<By: Columns>(
    path: &'static str,
    label: &'static str,
    filter: &Filter<By>,
    narrowing: &Narrowing,
    further: Further,
) -> AnyView {
    let (space, app) =
        (by_space(filter.space.as_deref(), &narrowing.spaces), by_app(filter.app.as_deref(), &narrowing.apps));
    let service = (further != Further::Nothing).then(|| by_service(filter.service.as_deref(), &narrowing.services));
    let kind = (further == Further::ServiceAndKind).then(|| {
        let kinds = vec![Choice::new("subscribe", "Open to subscribers"), Choice::new("publish", "Open to publishers")];
        let kind = filter.open_to.map(Access::as_str).unwrap_or_default();
        view! { <FilterSelect label="Open to" name="kind" choices=kinds value=kind any="Open to anyone"/> }
    });
    let (query, narrowed, sort) = (filter.q.clone(), is_narrowed(filter), sort_field(&filter.sorting));
    view! {
        <FilterBar action=path label=label query=query narrowed=narrowed>
            {sort}
            {space}
            {app}
            {service}
            {kind}
        </FilterBar>
    }
    .into_any()
}

/// The part of the form that narrows a list by a Space.
pub fn by_space(chosen: Option<&str>, spaces: &[Choice]) -> AnyView {
    by(["Space", "space", "Any Space", "Name of a Space"], chosen, spaces)
}

/// The part that narrows it by an app.
pub fn by_app(chosen: Option<&str>, apps: &[Choice]) -> AnyView {
    by(["App", "app", "Any app", "Key of an app"], chosen, apps)
}

fn by_service(chosen: Option<&str>, services: &[Choice]) -> AnyView {
    by(["Service", "service", "Any service", "Key of a service"], chosen, services)
}

/// Label, field, what stands for all, and what to type where there are too many to choose from.
fn by([label, name, any, hint]: [&'static str; 4], chosen: Option<&str>, choices: &[Choice]) -> AnyView {
    let value = chosen.unwrap_or_default().to_owned();
    if choices.len() > CHOICES {
        return view! { <FilterField label=label name=name value=value hint=hint/> }.into_any();
    }
    let choices = with_chosen(choices, &value);
    view! { <FilterSelect label=label name=name choices=choices value=value any=any/> }.into_any()
}

/// Keeps how a list is sorted while it is narrowed.
pub fn sort_field<By: Columns>(sorting: &Sorting<By>) -> Option<AnyView> {
    let is_own = sorting.by == By::default() && !sorting.descending;
    let value = format!("{}{}", if sorting.descending { "-" } else { "" }, sorting.by.word());
    (!is_own).then(|| view! { <input type="hidden" name="sort" value=value/> }.into_any())
}

/// What is chosen stays in sight, though there is nothing of that name.
fn with_chosen(choices: &[Choice], chosen: &str) -> Vec<Choice> {
    let mut choices = choices.to_vec();
    if !chosen.is_empty() && choices.iter().all(|choice| choice.value != chosen) {
        choices.push(Choice::new(chosen, chosen));
    }
    choices
}

/// Whether a list does not show all there is.
pub fn is_narrowed<By>(filter: &Filter<By>) -> bool {
    !filter.q.is_empty()
        || filter.space.is_some()
        || filter.app.is_some()
        || filter.service.is_some()
        || filter.open_to.is_some()
}

/// The end of a page of a list that is read forwards only: the next page is asked for with `place`.
pub fn paging<T>(path: &str, asked: &Asked, noun: [&str; 2], page: &Page<T>, place: &str) -> AnyView {
    let next = page.next.as_ref().map(|next| asked.with(path, &[(place, next)]));
    let first = asked.has(place).then(|| asked.with(path, &[(place, "")]));
    view! { <Paging shown=shown(noun, page) first=first next=next/> }.into_any()
}

/// The end of a page of a list that is read both ways; how it is narrowed and sorted stays.
pub fn both_ways<T>(path: &str, asked: &Asked, noun: [&str; 2], page: &Page<T>) -> AnyView {
    let next = page.next.as_ref().map(|next| asked.with(path, &[("after", next), ("before", "")]));
    let previous = page.previous.as_ref().map(|previous| asked.with(path, &[("before", previous), ("after", "")]));
    view! { <Paging shown=shown(noun, page) previous=previous next=next/> }.into_any()
}

fn shown<T>(noun: [&str; 2], page: &Page<T>) -> String {
    let count = page.items.len();
    let noun = if count == 1 { noun[0] } else { noun[1] };
    let more = if page.next.is_some() || page.previous.is_some() { ", and there are more" } else { "" };
    format!("{count} {noun}{more}")
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
    use crate::manager::{
        apps::AppsBy,
        catalogue::{ChannelsBy, EventsBy, ServicesBy},
    };

    /// Where a page of the channels begins: `["orders","00000000-0000-0000-0000-000000000000"]`.
    const PLACE: &str = "WyJvcmRlcnMiLCIwMDAwMDAwMC0wMDAwLTAwMDAtMDAwMC0wMDAwMDAwMDAwMDAiXQ";

    #[test]
    fn nonsense_in_an_address_is_refused() {
        for bad in [
            "limit=0",
            "limit=201",
            "limit=x",
            "limit=99999999999999999999",
            "after=x",
            "after=a~b",
            "before=x",
            "q=%00",
            "space=a.b",
            "app=A",
            "app=a%0Ab",
            "service=A",
            "kind=both",
            "sort=name;drop",
            "sort=--app",
            "sort=-",
            "sort=defined",
        ] {
            assert!(Asked::read(bad).filter::<ChannelsBy>().is_err(), "{bad}");
        }
        let filter = Asked::read("q=+a+&space=&limit=&x=1").filter::<ChannelsBy>().unwrap();
        assert_eq!((filter.q.as_str(), filter.space, filter.limit), ("a", None, LIMIT));
        for bad in ["from=x", "from=2026-02-30", "from=2026-1-1", "from=2026-01-01T00:00"] {
            assert!(Asked::read(bad).day("from").is_err(), "{bad}");
        }
        assert_eq!(Asked::read("from=").day("from").unwrap(), None);
    }

    #[test]
    fn a_page_begins_only_where_one_of_its_own_order_can() {
        let read = |query: &str| Asked::read(&query.replace('$', PLACE)).filter::<ChannelsBy>().is_ok();
        assert!(read("after=$") && read("before=$") && read("sort=-channel&after=$"));
        assert!(!read("after=$&before=$") && !read("sort=events&after=$") && !read("sort=app&before=$"));
        assert!(Asked::read(&format!("after={PLACE}")).filter::<ServicesBy>().is_err());
        assert!(Asked::read(&format!("after={PLACE}")).filter::<EventsBy>().is_ok());
    }

    #[test]
    fn a_heading_sorts_by_its_column_and_then_the_other_way_round() {
        let link = |query: &str, by: ChannelsBy| {
            let asked = Asked::read(&query.replace('$', PLACE));
            let sorting = asked.sorting().unwrap();
            asked.sorted_by("/c", by, &sorting)
        };
        let (channel, app) = (ChannelsBy::Channel, ChannelsBy::App);
        let (rising, falling) = (Some(Order::Ascending), Some(Order::Descending));
        assert_eq!(link("q=a&after=$", channel), ("/c?q=a&sort=-channel".to_owned(), rising));
        assert_eq!(link("q=a&sort=-channel", channel), ("/c?q=a".to_owned(), falling));
        assert_eq!(link("sort=-channel&before=$", app), ("/c?sort=app".to_owned(), None));
        assert_eq!(link("sort=app", app), ("/c?sort=-app".to_owned(), rising));
        assert_eq!(link("sort=-app", app), ("/c?sort=app".to_owned(), falling));
        assert_eq!(link("sort=app", channel), ("/c".to_owned(), None));
    }

    #[test]
    fn every_column_has_a_word_of_its_own() {
        fn check<By: Columns>() {
            let words: std::collections::BTreeSet<_> = By::ALL.iter().map(|column| column.word()).collect();
            assert_eq!(words.len(), By::ALL.len());
            assert!(By::ALL.iter().all(|column| By::from_word(column.word()) == Some(*column)));
            assert!(By::ALL.contains(&By::default()));
        }
        check::<AppsBy>();
        check::<ChannelsBy>();
        check::<EventsBy>();
        check::<ServicesBy>();
        check::<crate::manager::catalogue::SpacesBy>();
        check::<crate::manager::bridges::BridgesBy>();
    }

    #[test]
    fn an_address_is_made_anew_with_one_change() {
        let asked = Asked::read("q=a+b&after=x");
        assert_eq!(asked.with("/c", &[("after", "")]), "/c?q=a%20b");
        assert_eq!(asked.with("/c", &[("after", "y~1"), ("q", "")]), "/c?after=y~1");
    }
}
