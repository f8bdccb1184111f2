//! The list of channels, written by hand with axum and maud: what a page costs where nothing is general.
//!
//! It asks the database what the console asks for the same page, and draws the same frame, filter, rows and paging.

use std::{collections::HashMap, sync::Arc};

use axum::{
    Router,
    extract::{Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use ebm::store::{
    self, Page, PgPool, Sorting,
    catalogue::{ChannelsBy, Filter, ListedChannel},
};
use maud::{DOCTYPE, Markup, html};
use tower_http::compression::CompressionLayer;

use crate::Result;

struct Peer {
    pool: PgPool,
}

/// Serves until the process is ended.
pub async fn serve() -> Result<()> {
    let pool = store::pool(&std::env::var("BENCH_DATABASE")?, 16)?;
    let router = Router::new()
        .route("/channels", get(channels))
        .layer(CompressionLayer::new())
        .with_state(Arc::new(Peer { pool }));
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{}", std::env::var("BENCH_PORT")?)).await?;
    Ok(axum::serve(listener, router).await?)
}

async fn channels(
    State(peer): State<Arc<Peer>>,
    headers: HeaderMap,
    Query(asked): Query<HashMap<String, String>>,
) -> Response {
    match draw(&peer, &headers, &asked).await {
        Ok(Some(page)) => ([(header::CACHE_CONTROL, "no-store")], Html(page.into_string())).into_response(),
        Ok(None) => StatusCode::UNAUTHORIZED.into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

async fn draw(peer: &Peer, headers: &HeaderMap, asked: &HashMap<String, String>) -> Result<Option<Markup>> {
    let mut db = peer.pool.acquire().await?;
    let cookie = headers.get(header::COOKIE).and_then(|c| c.to_str().ok()).unwrap_or_default();
    let Some(id) = cookie.strip_prefix("ebm=").and_then(|id| id.parse::<tower_sessions::session::Id>().ok()) else {
        return Ok(None);
    };
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &id.0.to_be_bytes());
    let Some((session, _)) = store::sessions::find(&mut db, hash.as_ref()).await? else { return Ok(None) };
    let member = session.get("member").and_then(|m| m.as_str()?.parse().ok());
    let Some(member) = member else { return Ok(None) };
    let Some(member) = store::members::find(&mut db, member).await? else { return Ok(None) };
    let filter = Filter {
        q: asked.get("q").cloned().unwrap_or_default(),
        space: asked.get("space").cloned(),
        app: asked.get("app").cloned(),
        sorting: asked.get("after").and_then(|after| Sorting::default().after(after)).unwrap_or_default(),
        limit: 50,
        ..Filter::default()
    };
    let page = store::catalogue::list_channels(&mut db, &filter).await?;
    let choices = store::catalogue::list_choices(&mut db, 101).await?;
    let spaces: Vec<_> = choices.spaces.iter().map(ToString::to_string).collect();
    Ok(Some(document(&member.name, &filter, &spaces, &choices.apps, &page)))
}

const SECTIONS: [(&str, &str); 11] = [
    ("/", "Overview"),
    ("/apps", "Apps"),
    ("/spaces", "Spaces"),
    ("/channels", "Channels"),
    ("/events", "Events"),
    ("/services", "Services"),
    ("/access", "Access"),
    ("/bridges", "Bridges"),
    ("/people", "People"),
    ("/history", "History"),
    ("/cluster", "Cluster"),
];

fn document(
    member: &str,
    filter: &Filter<ChannelsBy>,
    spaces: &[String],
    apps: &[(String, String)],
    page: &Page<ListedChannel>,
) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Channels · Event Broker Manager" }
                link rel="stylesheet" href="/pkg/ebm.css";
            }
            body {
                a.skip href="#main" { "Skip to content" }
                div.app {
                    nav #nav.nav aria-label="Main" {
                        ul { @for (href, label) in SECTIONS { li { a href=(href) { (icon()) span { (label) } } } } }
                    }
                    div.column {
                        header.topbar {
                            nav.crumbs aria-label="Breadcrumb" { ol { li { span aria-current="page" { "Channels" } } } }
                            form.search method="get" action="/search" { input type="search" name="q" placeholder="Search"; }
                            button.avatar type="button" { (member) }
                            form.theme method="post" action="/theme" {
                                @for theme in ["system", "light", "dark"] { button name="theme" value=(theme) { (icon()) span { (theme) } } }
                            }
                        }
                        main #main {
                            header { h1 { "Channels" } p { "Where the events of a service flow." } }
                            form.filter-bar method="get" action="/channels" {
                                input type="search" name="q" value=(filter.q);
                                select name="space" { @for space in spaces { option value=(space) selected[filter.space.as_ref() == Some(space)] { (space) } } }
                                select name="app" { @for (key, name) in apps.iter().filter(|_| apps.len() <= 100) { option value=(key) selected[filter.app.as_ref() == Some(key)] { (name) } } }
                                button type="submit" { "Apply" }
                            }
                            div.table { table {
                                caption.unseen { "Channels" }
                                thead { tr { @for head in ["Channel", "Events", "Defined by", "Spaces", "Kafka"] { th scope="col" { (head) } } } }
                                tbody { @for channel in &page.items { (row(channel)) } }
                            } }
                            @if let Some(next) = &page.next { nav { a href={ "/channels?after=" (next) } { "Next" } } }
                        }
                    }
                }
            }
        }
    }
}

fn row(channel: &ListedChannel) -> Markup {
    let id = channel.id.to_string();
    html! {
        tr {
            th scope="row" {
                a href={ "/channels/" (id) } { span.name { (channel.title) } }
                span.under { code { (channel.service) } " · " code title=(id) { (id[..8]) "…" } }
            }
            td data-label="Events" { @for event in &channel.events { div { span.name { (event) } } } }
            td data-label="Defined by" { @if let Some(app) = &channel.app { a href={ "/apps/" (app) } { (app) } } @else { "Uploaded" } }
            td data-label="Spaces" { span.chips { @for space in &channel.spaces { a.chip href={ "/spaces/" (space) } { (space) } } } }
            td data-label="Kafka" { span.pill { (icon()) (channel.followed.word()) } }
        }
    }
}

fn icon() -> Markup {
    html! { svg.icon viewBox="0 0 24 24" width="16" height="16" aria-hidden="true" { path d="M20 6 9 17l-5-5" {} } }
}
