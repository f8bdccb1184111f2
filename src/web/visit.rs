//! Who looks at a page, and how the page is drawn for him.

use axum::{
    body::Body,
    extract::{FromRequestParts, OptionalFromRequestParts},
    http::{HeaderValue, Request, StatusCode, header, request::Parts},
    response::{IntoResponse, Redirect, Response},
};
use leptos::{
    nonce::use_nonce,
    prelude::{AnyView, expect_context},
};
use leptos_axum::ResponseOptions;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use tower_sessions::Session;

use super::{
    Web, paths,
    ui::{self, Action, Banner, Crumb, Flash, Frame, MemberView, NavItem, SearchBox, Section, Theme, Tone},
};
use crate::{
    domain::member::{Member, Role},
    manager::{Actor, sessions},
};

/// The cookie that holds the theme: nothing secret, read where the page is drawn so that nothing flashes.
pub const THEME_COOKIE: &str = "theme";
/// The message of the last act, in the session.
const FLASH: &str = "flash";
/// When the member signed in, in the session: seconds since 1970.
const SIGNED_IN: &str = "signed_in";
/// When the session was last written, in the session: it lives on from there.
const SEEN: &str = "seen";

/// What is known of a request before anyone is signed in.
#[derive(Clone)]
pub struct Guest {
    web: Web,
    session: Session,
    /// Light or dark.
    pub theme: Theme,
    /// Path and query.
    pub path: String,
    /// Now.
    pub now: OffsetDateTime,
}

/// A signed-in member who looks at a page.
#[derive(Clone)]
pub struct Visit {
    guest: Guest,
    /// The member.
    pub member: Member,
    /// What lets Spaces see each other in Kafka, by Kafka's names of the settings.
    breaches: Vec<String>,
    flash: Option<Flash>,
}

#[derive(Serialize, Deserialize)]
struct StoredFlash {
    ok: bool,
    text: String,
}

impl FromRequestParts<Web> for Guest {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Response> {
        let session = <Session as FromRequestParts<Web>>::from_request_parts(parts, web)
            .await
            .map_err(IntoResponse::into_response)?;
        let cookies = parts.headers.get_all(header::COOKIE).iter().filter_map(|v| v.to_str().ok());
        let theme = cookies
            .flat_map(|line| line.split(';'))
            .find_map(|pair| pair.trim().strip_prefix(THEME_COOKIE)?.strip_prefix('=')?.parse().ok())
            .unwrap_or_default();
        let path = parts.uri.path_and_query().map_or_else(|| paths::OVERVIEW.to_owned(), ToString::to_string);
        Ok(Self { web: web.clone(), session, theme, path, now: OffsetDateTime::now_utc() })
    }
}

impl FromRequestParts<Web> for Visit {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Response> {
        let guest = Guest::from_request_parts(parts, web).await?;
        match guest.signed_in().await {
            Ok(Some((member, breaches))) => {
                // A page that another tab fetches to keep itself true would take the message of this one.
                let is_seen = parts.headers.get("sec-fetch-dest").is_none_or(|dest| dest == "document");
                let flash = if is_seen { guest.take_flash().await } else { None };
                Ok(Self { guest, member, breaches, flash })
            }
            Ok(None) => {
                // After signing in one comes back to a page, never to an act.
                let next = if parts.method == axum::http::Method::GET { &guest.path } else { paths::OVERVIEW };
                Err(Redirect::to(&paths::sign_in_for(next)).into_response())
            }
            Err(response) => Err(response),
        }
    }
}

impl OptionalFromRequestParts<Web> for Visit {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Option<Self>, Response> {
        let guest = Guest::from_request_parts(parts, web).await?;
        Ok(guest.signed_in().await?.map(|(member, breaches)| Self { guest, member, breaches, flash: None }))
    }
}

impl Guest {
    /// The member, and what every page says.
    async fn signed_in(&self) -> Result<Option<(Member, Vec<String>)>, Response> {
        let fault = |error: &dyn std::fmt::Display| {
            tracing::warn!(%error, "the session could not be read");
            let text = "The console cannot reach its database. Try again in a moment.";
            self.render(StatusCode::SERVICE_UNAVAILABLE, "Not available", false, move || notice(text.into()))
        };
        let id = match self.session.get(sessions::MEMBER).await {
            Ok(Some(id)) => id,
            Ok(None) => return Ok(None),
            Err(error) => return Err(fault(&error).await),
        };
        let now = self.now.unix_timestamp();
        let since = self.session.get::<i64>(SIGNED_IN).await.ok().flatten().unwrap_or(0);
        if now - since > i64::from(self.web.session.absolute_hours) * 3600 {
            let _ = self.session.flush().await;
            return Ok(None);
        }
        // Writing the session lets it live on; once a minute is enough for that.
        if now - self.session.get::<i64>(SEEN).await.ok().flatten().unwrap_or(0) > 60 {
            let _ = self.session.insert(SEEN, now).await;
        }
        match self.web.manager.find_visitor(id).await {
            Ok(visitor) => Ok(visitor),
            Err(error) => Err(fault(&error).await),
        }
    }

    /// The message of the last act, once. Removing what is not there would write the session on every page.
    async fn take_flash(&self) -> Option<Flash> {
        let StoredFlash { ok, text } = self.session.get(FLASH).await.ok().flatten()?;
        let _ = self.session.remove_value(FLASH).await;
        Some(if ok { Flash::ok(text) } else { Flash::fail(text) })
    }

    /// Signs a member in: a new session id, so that one set beforehand is worth nothing.
    pub async fn sign_in(&self, member: &Member) -> Result<(), tower_sessions::session::Error> {
        self.session.flush().await?;
        self.session.insert(sessions::MEMBER, member.id).await?;
        self.session.insert(SIGNED_IN, self.now.unix_timestamp()).await?;
        self.session.insert(SEEN, self.now.unix_timestamp()).await
    }

    /// Signs whoever it is out; the session ends on the server.
    pub async fn sign_out(&self) -> Result<(), tower_sessions::session::Error> {
        self.session.flush().await
    }

    /// Draws a page for someone who is not signed in.
    pub fn render(
        &self,
        status: StatusCode,
        title: &'static str,
        cached: bool,
        body: impl Fn() -> AnyView + Clone + Send + Sync + 'static,
    ) -> impl Future<Output = Response> + Send + 'static {
        let (options, theme) = (self.web.leptos.clone(), self.theme);
        draw(status, cached, move || ui::bare(options.clone(), title, theme, None, body()))
    }
}

/// What a page is called and where it stands.
#[derive(Clone, Debug, Default)]
pub struct Place {
    section: Option<Section>,
    title: String,
    crumbs: Vec<Crumb>,
    islands: bool,
    searched: String,
}

impl Place {
    /// A page of a part of the console.
    pub fn new(section: Section, title: impl Into<String>) -> Self {
        Self { section: Some(section), title: title.into(), ..Self::default() }
    }

    /// A page that belongs to no part of the console.
    pub fn apart(title: impl Into<String>) -> Self {
        Self { title: title.into(), ..Self::default() }
    }

    /// A page above this one, the highest first.
    pub fn under(mut self, label: impl Into<String>, href: impl Into<String>) -> Self {
        self.crumbs.push(Crumb::new(label, href));
        self
    }

    /// The same place, with another title.
    pub fn titled(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// The page has parts that run in the browser: copy buttons, filters, live status.
    pub fn with_islands(mut self) -> Self {
        self.islands = true;
        self
    }

    /// The page shows what was found for this text.
    pub fn searching(mut self, text: &str) -> Self {
        text.clone_into(&mut self.searched);
        self
    }
}

impl Visit {
    /// Who acts.
    pub fn actor(&self) -> Actor {
        Actor::Member(self.member.id)
    }

    /// Now: the moment from which the page looks at times.
    pub fn now(&self) -> OffsetDateTime {
        self.guest.now
    }

    /// Whether the member is an admin.
    pub fn is_admin(&self) -> bool {
        self.member.role == Role::Admin
    }

    /// After an act: goes to a page, which says once what was done.
    pub async fn done(&self, to: &str, text: impl Into<String>) -> Response {
        self.leave(to, StoredFlash { ok: true, text: text.into() }).await
    }

    /// After an act that was refused: goes to the page it belongs to, which says once why.
    pub async fn refused(&self, to: &str, text: impl Into<String>) -> Response {
        self.leave(to, StoredFlash { ok: false, text: text.into() }).await
    }

    async fn leave(&self, to: &str, flash: StoredFlash) -> Response {
        // Without its message the page still shows what is true now.
        let _ = self.guest.session.insert(FLASH, flash).await;
        Redirect::to(to).into_response()
    }

    /// Draws a page.
    pub async fn page(&self, place: Place, body: impl Fn() -> AnyView + Clone + Send + Sync + 'static) -> Response {
        self.page_as(StatusCode::OK, place, body).await
    }

    /// Draws a page with another status: 422 for a form with errors, 404, 409.
    pub async fn page_as(
        &self,
        status: StatusCode,
        place: Place,
        body: impl Fn() -> AnyView + Clone + Send + Sync + 'static,
    ) -> Response {
        let Place { section, title, mut crumbs, islands, searched } = place;
        crumbs.push(Crumb::here(title.clone()));
        let frame = Frame {
            title,
            section,
            nav: self.navigation(),
            crumbs,
            member: Some(MemberView {
                name: self.member.name.clone(),
                email: self.member.email.to_string(),
                role: match self.member.role {
                    Role::Admin => "Admin".into(),
                    Role::Viewer => "Viewer".into(),
                },
            }),
            theme: self.guest.theme,
            banner: self.banner(),
            flash: self.flash.clone(),
            islands,
            current_path: self.guest.path.clone(),
            search: Some(SearchBox { action: paths::SEARCH.to_owned(), query: searched }),
        };
        let options = self.guest.web.leptos.clone();
        draw(status, false, move || ui::document(options.clone(), frame.clone(), body())).await
    }

    /// As of the newest report: no page asks Kafka.
    fn banner(&self) -> Option<Banner> {
        (!self.breaches.is_empty()).then(|| Banner {
            label: "Warning about Kafka".to_owned(),
            text: format!(
                "Isolation is not enforced: Kafka does not keep the Spaces apart ({}).",
                self.breaches.join(", ")
            ),
            action: Action::new("See what to do", paths::CLUSTER_ISOLATION),
        })
    }

    fn navigation(&self) -> Vec<NavItem> {
        let mut nav = vec![
            NavItem::new(Section::Overview, paths::OVERVIEW),
            NavItem::new(Section::Apps, paths::APPS),
            NavItem::new(Section::Spaces, paths::SPACES),
            NavItem::new(Section::Channels, paths::CHANNELS),
            NavItem::new(Section::Events, paths::EVENTS),
            NavItem::new(Section::Services, paths::SERVICES),
            NavItem::new(Section::Access, paths::ACCESS),
            NavItem::new(Section::Bridges, paths::BRIDGES),
        ];
        if self.is_admin() {
            nav.push(NavItem::new(Section::People, paths::PEOPLE));
        }
        nav.push(NavItem::new(Section::History, paths::HISTORY));
        nav.push(NavItem::new(Section::Cluster, paths::CLUSTER));
        nav
    }
}

/// A page of one message.
pub fn notice(text: String) -> AnyView {
    use leptos::prelude::*;
    view! { <ui::Notice tone=Tone::Fail title=text announce=true/> }.into_any()
}

/// Draws a document, and sets the policy that lets exactly its own scripts run.
fn draw(
    status: StatusCode,
    cached: bool,
    document: impl Fn() -> AnyView + Clone + Send + Sync + 'static,
) -> impl Future<Output = Response> + Send + 'static {
    let app = move || {
        if let Some(nonce) = use_nonce()
            && let Ok(policy) = HeaderValue::from_str(&policy(&nonce))
        {
            expect_context::<ResponseOptions>().insert_header(header::CONTENT_SECURITY_POLICY, policy);
        }
        document()
    };
    async move {
        let render = leptos_axum::render_app_async_with_context(|| {}, app);
        let mut response = render(Request::new(Body::empty())).await;
        *response.status_mut() = status;
        if !cached {
            response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
        response
    }
}

/// Nothing but what the page itself brings (W3C, "Content Security Policy Level 3").
fn policy(nonce: &str) -> String {
    format!(
        "default-src 'none'; script-src 'nonce-{nonce}' 'strict-dynamic' 'wasm-unsafe-eval'; style-src 'self'; \
         img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; \
         frame-ancestors 'none'"
    )
}
