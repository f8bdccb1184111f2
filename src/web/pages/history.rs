//! The history: who did what, when, and what it was before.

mod revert;

use std::collections::HashMap;

use axum::{Router, extract::State, response::Response, routing::get};
use leptos::prelude::*;
use serde_json::Value;
use time::{Date, OffsetDateTime, Time, format_description::well_known::Rfc3339, macros::format_description};
use uuid::Uuid;

use super::{
    asked::{Asked, paging, refused},
    capitalised,
};
use crate::{
    domain::history::OBJECT_KINDS,
    manager::{
        Error, Manager, Page,
        history::{Change, Filter},
        revert::is_revertible,
    },
    web::{
        Web, paths,
        ui::{
            Action, Choice, Code, Column, EmptyState, FilterBar, FilterField, FilterSelect, Glyph, Icon, Moment, Name,
            Notice, PageHead, Section, Table, Tone,
        },
        visit::{Place, Visit},
    },
};

pub(super) fn router() -> Router<Web> {
    Router::new()
        .route(paths::HISTORY, get(list))
        .route("/history/{number}/revert", get(revert::ask).post(revert::revert))
}

/// What the address asks for.
#[derive(Clone)]
struct Wanted {
    filter: Filter,
    /// The first and the last day.
    days: [Option<Date>; 2],
}

impl Wanted {
    fn read(asked: &Asked) -> Result<Self, Error> {
        let kind = match asked.text("kind")? {
            "" => None,
            word => {
                let kind = OBJECT_KINDS.iter().copied().find(|kind| *kind == word);
                Some(kind.ok_or_else(|| Error::field("kind", format!("must be one of {}", OBJECT_KINDS.join(", "))))?)
            }
        };
        let days = [asked.day("from")?, asked.day("to")?];
        if let [Some(from), Some(to)] = days
            && to < from
        {
            return Err(Error::field("to", "must not be before from"));
        }
        let begins = |day: Date| OffsetDateTime::new_utc(day, Time::MIDNIGHT);
        let filter = Filter {
            q: asked.text("q")?.to_owned(),
            who: asked.text("who")?.to_owned(),
            kind,
            object: asked.parsed::<Uuid>("object", "the id of an object")?,
            from: days[0].map(begins),
            // The whole of the last day; after the last day of the calendar comes nothing.
            until: days[1].and_then(Date::next_day).map(begins),
            before: asked.number("before", i64::MAX)?,
            limit: asked.limit()?,
        };
        Ok(Self { filter, days })
    }

    fn is_narrowed(&self) -> bool {
        let Filter { q, who, kind, object, .. } = &self.filter;
        let is_of_days = self.days.iter().any(Option::is_some);
        !q.is_empty() || !who.is_empty() || kind.is_some() || object.is_some() || is_of_days
    }
}

/// Changes that took back another one, each with the number of that one.
type TakenBack = HashMap<i64, i64>;

async fn load(visit: &Visit, manager: &Manager, asked: &Asked) -> Result<(Wanted, Page<Change>, TakenBack), Error> {
    let wanted = Wanted::read(asked)?;
    let page = manager.list_changes(&visit.actor(), &wanted.filter).await?;
    let taken_back = manager.list_taken_back(&visit.actor(), &page.items).await?;
    Ok((wanted, page, taken_back))
}

async fn list(visit: Visit, State(manager): State<Manager>, asked: Asked) -> Response {
    match load(&visit, &manager, &asked).await {
        Ok((wanted, page, taken_back)) => {
            let (now, admin) = (visit.now(), visit.is_admin());
            visit
                .page(Place::new(Section::History, "History").with_islands(), move || {
                    list_view(&asked, &wanted, &page, &taken_back, now, admin)
                })
                .await
        }
        Err(error) => refused(&visit, Section::History, "History", paths::HISTORY, error).await,
    }
}

fn list_view(
    asked: &Asked,
    wanted: &Wanted,
    page: &Page<Change>,
    taken_back: &TakenBack,
    now: OffsetDateTime,
    admin: bool,
) -> AnyView {
    let body = match (page.items.is_empty(), wanted.is_narrowed() || asked.is_further_on()) {
        (true, false) => view! {
            <EmptyState glyph=Glyph::History title="Nothing was done yet"
                text="Every change will stand here: who made it, when, and what it was before. Rows are never changed or deleted."
                action=Some(Action::new("Go to the apps", paths::APPS))/>
        }
        .into_any(),
        (true, true) => view! {
            <EmptyState glyph=Glyph::Search title="No change fits" text="Take a part of the filter away, or look at all of them."
                action=Some(Action::new("Show all changes", paths::HISTORY))/>
        }
        .into_any(),
        (false, _) => {
            let entry = |change: &Change| entry(change, taken_back.get(&change.number).copied(), now, admin);
            let entries = page.items.iter().map(entry).collect_view();
            view! {
                <ul class="entries changes">{entries}</ul>
                {paging(paths::HISTORY, asked, ["change", "changes"], page, "before")}
            }
            .into_any()
        }
    };
    let only = wanted.filter.object.map(|id| {
        let name = page.items.first().map_or_else(|| id.to_string(), |change| change.object_name.clone());
        view! {
            <Notice tone=Tone::Info title=format!("Only changes of {name}.") action=Some(Action::new("Show all changes", paths::HISTORY))/>
        }
    });
    view! {
        <PageHead title="History" lead="Every change: who made it, when, and what it was before. Times are in UTC."/>
        {filter_bar(wanted)}
        {only}
        {body}
    }
    .into_any()
}

/// The form above the list.
fn filter_bar(wanted: &Wanted) -> AnyView {
    let Filter { q, who, kind, object, .. } = &wanted.filter;
    let kept = object.map(|id| view! { <input type="hidden" name="object" value=id.to_string()/> });
    let kinds: Vec<_> = OBJECT_KINDS.iter().map(|kind| Choice::new(*kind, capitalised(kind))).collect();
    let (kind, who, query) = (kind.unwrap_or_default(), who.clone(), q.clone());
    let [from, to] = wanted.days.map(|day| day.map(|day| day.to_string()).unwrap_or_default());
    let narrowed = wanted.is_narrowed();
    view! {
        <FilterBar action=paths::HISTORY label="Search person, act or name" query=query narrowed=narrowed>
            {kept}
            <FilterField label="Who" name="who" value=who hint="Who"/>
            <FilterSelect label="Kind" name="kind" choices=kinds value=kind any="Anything"/>
            <FilterField label="From" name="from" value=from kind="date"/>
            <FilterField label="To" name="to" value=to kind="date"/>
        </FilterBar>
    }
    .into_any()
}

fn entry(change: &Change, again: Option<i64>, now: OffsetDateTime, admin: bool) -> impl IntoView + use<> {
    let what = what(&change.act);
    let object = change.object_name.clone();
    view! {
        <li>
            <details>
                <summary>
                    <Icon glyph=Glyph::ChevronRight/>
                    <span class="entry-name">{what}</span>
                    <span class="entry-part"><Name text=object/></span>
                    <span class="entry-part"><Name text=change.actor.clone()/></span>
                    <span class="entry-part">{exact(change.at)}</span>
                </summary>
                <div class="entry-body">
                    {links(change, again, now, admin)}
                    {differences(change)}
                </div>
            </details>
        </li>
    }
}

/// `2025-11-25 22:31:07`
fn exact(at: OffsetDateTime) -> impl IntoView {
    let at = at.to_offset(time::UtcOffset::UTC);
    let format = format_description!("[year]-[month]-[day] [hour]:[minute]:[second]");
    let shown = at.format(format).unwrap_or_default();
    view! { <time datetime=at.format(&Rfc3339).unwrap_or_default()>{shown}</time> }
}

/// `environment.role-changed` → `Environment role changed`
pub(super) fn what(act: &str) -> String {
    capitalised(&act.replace(['.', '-'], " "))
}

fn links(change: &Change, again: Option<i64>, now: OffsetDateTime, admin: bool) -> impl IntoView + use<> {
    let page =
        href(change, admin).map(|href| view! { <a href=href>{format!("Go to this {}", change.object_kind)}</a> });
    let all = change.object_id.map(|id| {
        let href = format!("{}?object={id}", paths::HISTORY);
        view! { <a href=href>{format!("All changes of this {}", change.object_kind)}</a> }
    });
    let back = is_revertible(change).then(|| {
        // What took another one back is not taken back itself: that one is done again.
        let label = again.map_or_else(|| "Take this change back".to_owned(), |number| format!("Do No. {number} again"));
        view! { <a href=paths::revert(change.number)>{label}</a> }
    });
    let number = format!("No. {}, {}", change.number, Moment::new(change.at, now).words());
    view! { <p class="row"><span class="secondary">{number}</span>{page}{all}{back}</p> }
}

/// The page of the object, where objects of its kind have one. It may be gone by now.
pub(super) fn href(change: &Change, admin: bool) -> Option<String> {
    let id = change.object_id?;
    match change.object_kind.as_str() {
        "app" => Some(paths::app(&change.object_name)),
        "environment" => change.object_name.split_once('.').map(|(app, key)| paths::environment(app, key)),
        // A bridge may be gone by now, as may an uploaded service; all the others stay.
        "channel" => Some(paths::channel(id.into())),
        "space" => Some(paths::space(&change.object_name)),
        "service" => Some(paths::service(&change.object_name)),
        "member" if admin => Some(paths::member(id.into())),
        _ => None,
    }
}

fn differences(change: &Change) -> AnyView {
    let side = |name, value: &'_ Option<Value>| value.clone().map(|value| (name, value));
    let [before, after] = [side("Before", &change.before), side("After", &change.after)];
    if before.is_none() && after.is_none() {
        return view! { <p class="secondary">"Nothing more is kept of this change."</p> }.into_any();
    }
    let sides = [&before, &after].map(|side| side.as_ref().map(|(name, value)| (*name, value)));
    compared(change.number, "Before and after", sides)
}

/// What something was and is, side by side, each under its heading; as JSON where it has no parts.
fn compared(number: i64, caption: &'static str, sides: [Option<(&'static str, &Value)>; 2]) -> AnyView {
    let members = |side: Option<(&'static str, &Value)>| match side {
        None | Some((_, Value::Null)) => Some(serde_json::Map::new()),
        Some((_, Value::Object(map))) => Some(map.clone()),
        Some(_) => None,
    };
    let (Some(old), Some(new)) = (members(sides[0]), members(sides[1])) else {
        let code = |(name, value): (&'static str, &Value)| {
            let id = format!("{}-{number}", name.to_lowercase());
            view! { <Code id=id label=name.to_owned() text=serde_json::to_string_pretty(value).unwrap_or_default()/> }
        };
        return sides.into_iter().flatten().map(code).collect_view().into_any();
    };
    let keys: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let rows = keys.into_iter().map(|key| {
        let (was, is) = (old.get(key), new.get(key));
        let changed = sides.iter().all(Option::is_some) && was != is;
        let cell = |side: Option<(&'static str, &Value)>, shown| {
            side.map(|(name, _)| view! { <td data-label=name>{value(shown)}</td> })
        };
        view! {
            <tr data-changed=changed.then_some("")>
                <th scope="row">{key.replace('_', " ")}</th>
                {cell(sides[0], was)}
                {cell(sides[1], is)}
            </tr>
        }
    });
    let rows = rows.collect_view();
    let mut columns = vec![Column::new("What")];
    columns.extend(sides.into_iter().flatten().map(|(name, _)| Column::new(name)));
    view! { <Table caption=caption columns stacked=true>{rows}</Table> }.into_any()
}

/// A value as people read it: parts a line each, and parts of parts in one line.
fn value(value: Option<&Value>) -> AnyView {
    let quiet = |text: &'static str| view! { <span class="secondary">{text}</span> }.into_any();
    let lines = |lines: Vec<String>| {
        let lines = lines.into_iter().map(|line| view! { <div><Name text=line/></div> });
        view! { <div>{lines.collect_view()}</div> }.into_any()
    };
    match value {
        None | Some(Value::Null) => quiet("—"),
        Some(Value::String(text)) if text.is_empty() => quiet("empty"),
        Some(Value::Array(items)) if items.is_empty() => quiet("none"),
        Some(Value::Object(members)) if members.is_empty() => quiet("none"),
        Some(Value::Array(items)) => lines(items.iter().map(in_line).collect()),
        Some(Value::Object(members)) => lines(members.iter().map(member).collect()),
        Some(Value::String(text)) => view! { <Name text=text.clone()/> }.into_any(),
        Some(other) => in_line(other).into_any(),
    }
}

/// A value in one line.
fn in_line(value: &Value) -> String {
    match value {
        Value::Null => "—".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(in_line).collect::<Vec<_>>().join(", "),
        Value::Object(members) => members.iter().map(member).collect::<Vec<_>>().join(", "),
    }
}

/// `role_arn` and a value → `role arn: …`
fn member((name, value): (&String, &Value)) -> String {
    format!("{}: {}", name.replace('_', " "), in_line(value))
}

#[cfg(test)]
mod tests {
    use axum::extract::FromRequestParts;

    use super::*;

    async fn read(query: &str) -> Result<Wanted, Error> {
        let request = axum::http::Request::get(format!("/history?{query}")).body(()).unwrap();
        let Ok(asked) = Asked::from_request_parts(&mut request.into_parts().0, &()).await;
        Wanted::read(&asked)
    }

    #[tokio::test]
    async fn days_are_whole_days_and_nonsense_is_refused() {
        let wanted = read("who=+anna+&kind=bridge&from=2026-01-31&to=2026-01-31").await.unwrap();
        let (from, until) = (wanted.filter.from.unwrap(), wanted.filter.until.unwrap());
        assert_eq!((from.to_string(), (until - from).whole_hours()), ("2026-01-31 0:00:00.0 +00:00:00".to_owned(), 24));
        assert_eq!((wanted.filter.who.as_str(), wanted.filter.kind), ("anna", Some("bridge")));
        assert!(!read("q=&who=&kind=&from=&to=").await.unwrap().is_narrowed());
        for bad in ["kind=x", "from=x", "to=2026-13-01", "from=2026-02-02&to=2026-02-01", "object=1", "before=0"] {
            assert!(read(bad).await.is_err(), "{bad}");
        }
    }

    #[test]
    fn a_value_with_parts_is_one_line_of_words() {
        let routes =
            serde_json::json!({ "queue_url": "q", "granted": true, "tries": 2, "ways": ["in", "out"], "by": null });
        assert_eq!(in_line(&routes), "by: —, granted: yes, queue url: q, tries: 2, ways: in, out");
    }

    #[test]
    fn acts_are_said_in_words() {
        assert_eq!(what("environment.enabled"), "Environment enabled");
        assert_eq!(what("member.role-changed"), "Member role changed");
        assert_eq!(what(""), "");
    }
}
