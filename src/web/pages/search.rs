//! The search over everything.

use axum::{Router, extract::State, response::Response, routing::get};
use leptos::prelude::*;

use super::asked::Asked;
use crate::{
    manager::{
        Error, Manager,
        search::{Found, Hit, Kind},
    },
    web::{
        Web, paths,
        refusal::status,
        ui::{EmptyState, Glyph, Icon, Name, Notice, PageHead, Tone},
        visit::{Place, Visit},
    },
};

pub(super) fn router() -> Router<Web> {
    Router::new().route(paths::SEARCH, get(search))
}

async fn search(visit: Visit, State(manager): State<Manager>, asked: Asked) -> Response {
    let found = match asked.text("q") {
        Ok(text) => manager.search(&visit.actor(), text).await.map(|found| (text.to_owned(), found)),
        Err(error) => Err(error),
    };
    match found {
        Ok((text, found)) => {
            let place = Place::apart("Search").searching(&text);
            visit.page(place, move || results(&text, &found)).await
        }
        Err(error @ Error::Invalid(_)) => {
            let (status, why) = (status(&error), error.to_string());
            let body = move || {
                view! {
                    <PageHead title="Search"/>
                    {again("")}
                    <Notice tone=Tone::Fail title=format!("In what is searched for, {why}.") announce=true/>
                }
                .into_any()
            };
            visit.page_as(status, Place::apart("Search"), body).await
        }
        Err(error) => visit.refusal(error).await,
    }
}

fn results(text: &str, found: &[Found]) -> AnyView {
    if text.is_empty() {
        return view! {
            <PageHead title="Search"/>
            {again(text)}
            <EmptyState glyph=Glyph::Search title="What are you looking for?"
                text="Apps, environments, Spaces, channels, events, services and bridges are found by a part of their name, key or id; a channel by the name of its topic, an environment by its Kafka user, a bridge by its queue."/>
        }
        .into_any();
    }
    let title = format!("Search: {text}");
    if found.is_empty() {
        return view! {
            <PageHead title/>
            {again(text)}
            <EmptyState glyph=Glyph::Search title="Nothing is called that"
                text="Try a part of the name. Upper and lower case make no difference."/>
        }
        .into_any();
    }
    let groups = found.iter().map(|found| group(text, found)).collect_view();
    view! {
        <PageHead title/>
        {again(text)}
        <div class="found">{groups}</div>
    }
    .into_any()
}

/// The field once more, where the one of the bar is folded away.
fn again(text: &str) -> impl IntoView + use<> {
    view! {
        <form class="search search-again" method="get" action=paths::SEARCH role="search" aria-label="Everything, again">
            <Icon glyph=Glyph::Search/>
            <input type="search" name="q" value=text.to_owned() aria-label="Search everything again" placeholder="Search" autocomplete="off"/>
        </form>
    }
}

fn group(text: &str, found: &Found) -> AnyView {
    let (label, glyph) = looks(found.kind);
    let hits = found.hits.iter().map(|hit| {
        let (href, title) = (address(hit), hit.title.clone());
        // The same in other letters says nothing twice.
        let more = Some(title.clone()).filter(|title| !title.is_empty() && !title.eq_ignore_ascii_case(&hit.key));
        let (name, within, under) = match hit.kind {
            Kind::Channel | Kind::Bridge => (title, hit.within.clone(), Some(hit.key.clone())),
            Kind::Environment => (format!("{}.{}", hit.within, hit.key), String::new(), more),
            _ => (hit.key.clone(), hit.within.clone(), more),
        };
        view! {
            <li>
                <a href=href><Name text=name/></a>
                {(!within.is_empty()).then(|| view! { <span class="secondary">{within}</span> })}
                {under.map(|under| view! { <span class="under">{under}</span> })}
            </li>
        }
    });
    let hits = hits.collect_view();
    let all = found.more.then(|| {
        let href = list(found.kind, text);
        view! { <p><a href=href>{format!("All {} that fit", label.to_lowercase())}</a></p> }
    });
    view! {
        <section class="found-kind">
            <h2><Icon glyph/>{label}</h2>
            <ul>{hits}</ul>
            {all}
        </section>
    }
    .into_any()
}

fn looks(kind: Kind) -> (&'static str, Glyph) {
    match kind {
        Kind::App => ("Apps", Glyph::App),
        Kind::Environment => ("Environments", Glyph::App),
        Kind::Space => ("Spaces", Glyph::Space),
        Kind::Channel => ("Channels", Glyph::Channel),
        Kind::Event => ("Events", Glyph::Event),
        Kind::Service => ("Services", Glyph::Service),
        Kind::Bridge => ("Bridges", Glyph::Bridge),
        Kind::Member => ("People", Glyph::People),
    }
}

fn address(hit: &Hit) -> String {
    match hit.kind {
        Kind::App => paths::app(&hit.key),
        Kind::Environment => paths::environment(&hit.within, &hit.key),
        Kind::Space => paths::space(&hit.key),
        Kind::Channel => format!("{}/{}", paths::CHANNELS, hit.key),
        Kind::Event => paths::event(&hit.within, &hit.key),
        Kind::Service => paths::service(&hit.key),
        Kind::Bridge => format!("{}/{}", paths::BRIDGES, hit.key),
        Kind::Member => format!("{}#{}", paths::PEOPLE, paths::escape(&hit.key)),
    }
}

/// The list that has all of a kind, where it can be narrowed by a text.
fn list(kind: Kind, text: &str) -> String {
    let path = match kind {
        Kind::App | Kind::Environment => paths::APPS,
        Kind::Channel => paths::CHANNELS,
        Kind::Event => paths::EVENTS,
        Kind::Service => paths::SERVICES,
        Kind::Bridge => paths::BRIDGES,
        Kind::Space => paths::SPACES,
        Kind::Member => paths::PEOPLE,
    };
    paths::narrowed(path, text)
}
