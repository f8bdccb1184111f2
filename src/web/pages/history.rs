//! The history: who did what, when, and what it was before.

use axum::{Router, extract::State, response::Response, routing::get};
use leptos::prelude::*;
use serde_json::Value;
use time::{OffsetDateTime, format_description::well_known::Rfc3339, macros::format_description};
use uuid::Uuid;

use super::{
    asked::{Asked, paging, refused},
    capitalised,
};
use crate::{
    manager::{Error, Manager, Page, history::Change},
    web::{
        Web, paths,
        ui::{
            Action, Code, Column, EmptyState, FilterBar, Glyph, Icon, Moment, Name, Notice, PageHead, Section, Table,
            Tone,
        },
        visit::{Place, Visit},
    },
};

pub(super) fn router() -> Router<Web> {
    Router::new().route(paths::HISTORY, get(list))
}

type Found = (String, Option<Uuid>, Page<Change>);

async fn load(visit: &Visit, manager: &Manager, asked: &Asked) -> Result<Found, Error> {
    let q = asked.text("q")?.to_owned();
    let object = asked.parsed::<Uuid>("object", "the id of an object")?;
    let before = asked.number("before", i64::MAX)?;
    let page = manager.list_changes(&visit.actor(), object, &q, before, asked.limit()?).await?;
    Ok((q, object, page))
}

async fn list(visit: Visit, State(manager): State<Manager>, asked: Asked) -> Response {
    match load(&visit, &manager, &asked).await {
        Ok((q, object, page)) => {
            let (now, admin) = (visit.now(), visit.is_admin());
            visit
                .page(Place::new(Section::History, "History").with_islands(), move || {
                    list_view(&asked, &q, object, &page, now, admin)
                })
                .await
        }
        Err(error) => refused(&visit, Section::History, "History", paths::HISTORY, error).await,
    }
}

fn list_view(
    asked: &Asked,
    q: &str,
    object: Option<Uuid>,
    page: &Page<Change>,
    now: OffsetDateTime,
    admin: bool,
) -> AnyView {
    let narrowed = !q.is_empty() || object.is_some();
    let body = match (page.items.is_empty(), narrowed) {
        (true, false) => view! {
            <EmptyState glyph=Glyph::History title="Nothing was done yet"
                text="Every change will stand here: who made it, when, and what it was before. Rows are never changed or deleted."
                action=Some(Action::new("Go to the apps", paths::APPS))/>
        }
        .into_any(),
        (true, true) => view! {
            <EmptyState glyph=Glyph::Search title="No change fits" text="No person, act or name holds this text, or nothing was done with this object."
                action=Some(Action::new("Show all changes", paths::HISTORY))/>
        }
        .into_any(),
        (false, _) => {
            let entries = page.items.iter().map(|change| entry(change, now, admin)).collect_view();
            view! {
                <ul class="entries changes">{entries}</ul>
                {paging(paths::HISTORY, asked, ["change", "changes"], page, "before")}
            }
            .into_any()
        }
    };
    let only = object.map(|id| {
        let name = page.items.first().map_or_else(|| id.to_string(), |change| change.object_name.clone());
        view! {
            <Notice tone=Tone::Info title=format!("Only changes of {name}.") action=Some(Action::new("Show all changes", paths::HISTORY))/>
        }
    });
    let kept = object.map(|id| view! { <input type="hidden" name="object" value=id.to_string()/> });
    view! {
        <PageHead title="History" lead="Every change: who made it, when, and what it was before. Times are in UTC."/>
        <FilterBar action=paths::HISTORY label="Search person, act or name" query=q.to_owned() narrowed=narrowed>{kept}</FilterBar>
        {only}
        {body}
    }
    .into_any()
}

fn entry(change: &Change, now: OffsetDateTime, admin: bool) -> impl IntoView + use<> {
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
                    {links(change, now, admin)}
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

fn links(change: &Change, now: OffsetDateTime, admin: bool) -> impl IntoView + use<> {
    let page =
        href(change, admin).map(|href| view! { <a href=href>{format!("Go to this {}", change.object_kind)}</a> });
    let all = change.object_id.map(|id| {
        let href = format!("{}?object={id}", paths::HISTORY);
        view! { <a href=href>{format!("All changes of this {}", change.object_kind)}</a> }
    });
    let number = format!("No. {}, {}", change.number, Moment::new(change.at, now).words());
    view! { <p class="row"><span class="secondary">{number}</span>{page}{all}</p> }
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
    let empty = serde_json::Map::new();
    let (before, after) = (change.before.as_ref(), change.after.as_ref());
    let members = |value: Option<&Value>| match value {
        None | Some(Value::Null) => Some(empty.clone()),
        Some(Value::Object(map)) => Some(map.clone()),
        Some(_) => None,
    };
    if before.is_none() && after.is_none() {
        return view! { <p class="secondary">"Nothing more is kept of this change."</p> }.into_any();
    }
    let (Some(old), Some(new)) = (members(before), members(after)) else {
        let text = |value: Option<&Value>| value.map(|v| serde_json::to_string_pretty(v).unwrap_or_default());
        let code = |name: &str, value: Option<&Value>| {
            let id = format!("{name}-{}", change.number);
            text(value).map(|text| view! { <Code id=id label=name.to_owned() text=text/> })
        };
        return view! { {code("Before", before)}{code("After", after)} }.into_any();
    };
    let keys: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let rows = keys.into_iter().map(|key| {
        let (was, is) = (old.get(key), new.get(key));
        let changed = before.is_some() && after.is_some() && was != is;
        view! {
            <tr data-changed=changed.then_some("")>
                <th scope="row">{key.replace('_', " ")}</th>
                {before.is_some().then(|| view! { <td data-label="Before">{value(was)}</td> })}
                {after.is_some().then(|| view! { <td data-label="After">{value(is)}</td> })}
            </tr>
        }
    });
    let rows = rows.collect_view();
    let mut columns = vec![Column::new("What")];
    columns.extend(before.is_some().then(|| Column::new("Before")));
    columns.extend(after.is_some().then(|| Column::new("After")));
    view! { <Table caption="Before and after" columns stacked=true>{rows}</Table> }.into_any()
}

/// A value as people read it; what has parts of its own as JSON.
fn value(value: Option<&Value>) -> AnyView {
    let quiet = |text: &'static str| view! { <span class="secondary">{text}</span> }.into_any();
    match value {
        None | Some(Value::Null) => quiet("—"),
        Some(Value::Bool(true)) => "yes".into_any(),
        Some(Value::Bool(false)) => "no".into_any(),
        Some(Value::String(text)) if text.is_empty() => quiet("empty"),
        Some(Value::String(text)) => view! { <Name text=text.clone()/> }.into_any(),
        Some(Value::Number(number)) => number.to_string().into_any(),
        Some(Value::Array(items)) if items.is_empty() => quiet("none"),
        Some(Value::Array(items)) if items.iter().all(Value::is_string) => {
            let lines = items.iter().filter_map(Value::as_str).map(|text| view! { <div>{text.to_owned()}</div> });
            view! { <div>{lines.collect_view()}</div> }.into_any()
        }
        Some(other) => {
            view! { <pre class="json">{serde_json::to_string_pretty(other).unwrap_or_default()}</pre> }.into_any()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::what;

    #[test]
    fn acts_are_said_in_words() {
        assert_eq!(what("environment.enabled"), "Environment enabled");
        assert_eq!(what("member.role-changed"), "Member role changed");
        assert_eq!(what(""), "");
    }
}
