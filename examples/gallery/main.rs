//! A living style guide: every part of `web::ui`, and three pages as they are meant to look, without database or broker.
//!
//! `cargo run --example gallery -- 4000`, then `http://localhost:4000/`; `?theme=dark` for the other theme. Islands wake where
//! `target/site/pkg` holds the built module.

mod apps;
mod environment;
mod parts;
mod wizard;

use std::{convert::Infallible, time::Duration};

use axum::{
    Form, Router,
    body::Body,
    extract::{Query, Request, State},
    http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue},
    response::{
        IntoResponse, Redirect, Response,
        sse::{Event, Sse},
    },
    routing::{get, post},
};
use ebm::web::ui::{
    Crumb, ErrorSummary, Errors, Field, Frame, MemberView, NavItem, Notice, SearchBox, Section, Submit, Theme, Tone,
    bare, document,
};
use futures::stream::{self, Stream};
use leptos::{nonce::use_nonce, prelude::*};
use leptos_axum::ResponseOptions;
use serde::Deserialize;
use tower_http::services::{ServeDir, ServeFile};

#[derive(Deserialize)]
struct Look {
    theme: Option<String>,
}

impl Look {
    fn theme(&self) -> Theme {
        self.theme.as_deref().and_then(|word| word.parse().ok()).unwrap_or_default()
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    any_spawner::Executor::init_tokio()?;
    let port: u16 = std::env::args().nth(1).map_or(Ok(4000), |port| port.parse())?;
    let options = LeptosOptions::builder().output_name("ebm").site_root("target/site").site_pkg_dir("pkg").build();
    let app = Router::new()
        .route("/", page(parts::page))
        .route("/apps", page(apps::page))
        .route("/apps/order-portal/acceptance", page(environment::page))
        .route("/bridges/new/events", page(wizard::page))
        .route("/sign-in", get(sign_in))
        .route("/changes", get(changes))
        .route("/theme", post(change_theme))
        .route("/pkg/ebm.css", get(style))
        .route_service("/favicon.svg", ServeFile::new("public/favicon.svg"))
        .nest_service("/pkg", ServeDir::new("target/site/pkg"))
        .with_state(options);
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    println!("http://{}", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}

type Page = fn() -> (Frame, AnyView);

fn page(page: Page) -> axum::routing::MethodRouter<LeptosOptions> {
    get(move |State(options): State<LeptosOptions>, Query(look): Query<Look>, request: Request| async move {
        let theme = look.theme();
        let path = request.uri().path().to_owned();
        render(request, move || {
            let (frame, body) = page();
            document(options.clone(), Frame { theme, current_path: path.clone(), ..frame }, body)
        })
        .await
    })
}

async fn sign_in(State(options): State<LeptosOptions>, Query(look): Query<Look>, request: Request) -> Response {
    let theme = look.theme();
    render(request, move || {
        let errors = Errors::from_iter([("", "That address and password do not belong together.")]);
        let body = view! {
            <h1>"Sign in"</h1>
            <ErrorSummary errors/>
            <form class="form" method="post">
                <Field label="Email" name="email" kind="email" autocomplete="username" value="maria@example.com"/>
                <Field label="Password" name="password" kind="password" autocomplete="current-password"/>
                <Submit kind=ebm::web::ui::ButtonKind::Primary>"Sign in"</Submit>
            </form>
            <Notice tone=Tone::Info title="First time here?">"An admin can send you a link to set a password."</Notice>
        };
        bare(options.clone(), "Sign in", theme, None, body)
    })
    .await
}

/// Renders with the policy the console itself uses, so that what it forbids shows here.
async fn render<V: IntoView + 'static>(
    request: Request,
    app: impl Fn() -> V + Clone + Send + Sync + 'static,
) -> Response {
    let app = move || {
        if let (Some(nonce), Some(response)) = (use_nonce(), use_context::<ResponseOptions>()) {
            let policy = format!(
                "default-src 'none'; script-src 'nonce-{nonce}' 'strict-dynamic' 'wasm-unsafe-eval'; style-src 'self'; \
                 img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
            );
            response.insert_header(CONTENT_SECURITY_POLICY, HeaderValue::from_str(&policy).expect("ASCII"));
        }
        app()
    };
    let (parts, _) = request.into_parts();
    leptos_axum::render_app_async_with_context(|| (), app)(Request::from_parts(parts, Body::empty())).await
}

/// Says every few seconds that the environment changed, so that its page shows how it keeps itself true.
async fn changes() -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let beat = |()| async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        Some((Ok(Event::default().data(environment::TOPIC)), ()))
    };
    Sse::new(stream::unfold((), beat))
}

#[derive(Deserialize)]
struct ThemeForm {
    theme: String,
    next: Option<String>,
}

async fn change_theme(Form(form): Form<ThemeForm>) -> Redirect {
    Redirect::to(&format!("{}?theme={}", form.next.unwrap_or_default(), form.theme))
}

/// The style sheet, put together at each request: an edit shows at the next reload.
async fn style() -> Response {
    match std::fs::read_to_string("style/main.css") {
        Ok(main) => ([(CONTENT_TYPE, "text/css")], bundle(&main)).into_response(),
        Err(error) => error.to_string().into_response(),
    }
}

/// Puts each imported file in its layer.
fn bundle(main: &str) -> String {
    let import = |line: &str| {
        let (file, rest) = line.strip_prefix("@import url(\"")?.split_once("\") layer(")?;
        let layer = rest.strip_suffix(");")?;
        let text = std::fs::read_to_string(format!("style/{file}")).ok()?;
        Some(format!("@layer {layer} {{\n{text}}}"))
    };
    main.lines().map(|line| import(line).unwrap_or_else(|| line.to_owned())).collect::<Vec<_>>().join("\n")
}

/// What the sample pages have in common.
fn frame(title: &str, section: Section, crumbs: Vec<Crumb>) -> Frame {
    let mut nav = vec![
        NavItem::new(Section::Overview, "/"),
        NavItem::new(Section::Apps, "/apps"),
        NavItem::new(Section::Spaces, "/spaces"),
        NavItem::new(Section::Channels, "/channels"),
        NavItem::new(Section::Events, "/events"),
        NavItem::new(Section::Access, "/access"),
        NavItem::new(Section::Bridges, "/bridges/new/events"),
        NavItem::new(Section::People, "/people"),
        NavItem::new(Section::History, "/history"),
        NavItem::new(Section::Cluster, "/cluster"),
    ];
    nav[6].attention = 1;
    Frame {
        title: title.to_owned(),
        section: Some(section),
        nav,
        crumbs,
        member: Some(MemberView {
            name: "Maria Jansen".to_owned(),
            email: "maria.jansen@example.com".to_owned(),
            role: "Viewer, contact of order-portal and erp".to_owned(),
        }),
        islands: true,
        search: Some(SearchBox { action: "/search".to_owned(), query: String::new() }),
        ..Frame::default()
    }
}

/// A moment so many minutes ago. The gallery has a clock of its own, so that its pictures can be compared.
fn ago(minutes: i64) -> ebm::web::ui::Moment {
    let now = time::macros::datetime!(2025-11-25 22:31:07 UTC);
    ebm::web::ui::Moment::new(now - time::Duration::minutes(minutes), now)
}
