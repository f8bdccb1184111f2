//! The console's router: its layers and its static files. The routes of a page are with the page.

use std::time::Duration;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use tower_http::{
    catch_panic::CatchPanicLayer,
    compression::{
        CompressionLayer, Predicate,
        predicate::{DefaultPredicate, NotForContentType},
    },
    csrf::CsrfLayer,
    limit::RequestBodyLimitLayer,
    services::ServeDir,
    set_header::SetResponseHeaderLayer,
    timeout::TimeoutLayer,
};
use tower_sessions::{Expiry, SessionManagerLayer, cookie::SameSite};

use super::{
    Web, compress, live, pages, paths,
    visit::{Guest, Visit},
};
use crate::manager::Error;

/// The largest form.
const FORM_MAX: usize = 256 * 1024;
/// The largest form with a document of 1 MiB: it is carried from step to step in base64, or as text whose lines
/// browsers end by two characters.
const UPLOAD_MAX: usize = 3 * 1024 * 1024;
/// How long a page may take. AWS answers within this, or the page says that it did not.
const PAGE_TIMEOUT: Duration = Duration::from_mins(1);

/// Why the console cannot be served.
#[derive(Debug, thiserror::Error)]
#[error("http.public_url is not an origin: {0}")]
pub struct NotAnOrigin(String);

/// The console.
pub fn router(web: Web) -> Result<Router, NotAnOrigin> {
    let secure = web.origin.starts_with("https://");
    let idle = time::Duration::minutes(i64::from(web.session.idle_minutes));
    let sessions = SessionManagerLayer::new(web.manager.sessions())
        // The prefix makes browsers refuse the cookie from anywhere but this host over https (RFC 6265bis).
        .with_name(if secure { "__Host-ebm" } else { "ebm" })
        .with_secure(secure)
        .with_http_only(true)
        .with_same_site(SameSite::Lax)
        .with_path("/")
        .with_expiry(Expiry::OnInactivity(idle));
    let csrf = CsrfLayer::new().add_trusted_origin(&web.origin).map_err(|e| NotAnOrigin(e.to_string()))?;

    // Not a layer that answers by itself: the page says what is too large.
    let uploads = pages::uploads().layer(DefaultBodyLimit::max(UPLOAD_MAX));
    let pages = pages::router()
        .fallback(not_found)
        .layer(RequestBodyLimitLayer::new(FORM_MAX))
        .merge(uploads)
        .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, PAGE_TIMEOUT));
    let dynamic = pages
        // A stream lasts as long as its page; no time limit.
        .route(paths::LIVE, get(live::stream))
        .layer(sessions)
        .layer(csrf)
        .layer(middleware::from_fn(require_origin))
        .layer(SetResponseHeaderLayer::if_not_present(header::CACHE_CONTROL, HeaderValue::from_static("no-store")));

    let site = std::path::PathBuf::from(web.leptos.site_root.as_ref());
    let pkg = ServeDir::new(site.join(web.leptos.site_pkg_dir.as_ref())).precompressed_br().precompressed_gzip();
    let files = Router::new()
        .nest_service("/pkg", Router::new().fallback_service(pkg).layer(middleware::map_response(keep_for_ever)))
        .route_service("/favicon.svg", tower_http::services::ServeFile::new(site.join("favicon.svg")))
        .route("/healthz", get(|| async { "ok\n" }));

    // Event streams are not compressed: an event would wait for a full buffer.
    let compress = DefaultPredicate::new().and(NotForContentType::const_new("text/event-stream"));
    Ok(dynamic
        .merge(files)
        .with_state(web)
        .layer(middleware::from_fn(compress::pages))
        .layer(CompressionLayer::new().compress_when(compress))
        .layer(SetResponseHeaderLayer::if_not_present(
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ))
        .layer(SetResponseHeaderLayer::if_not_present(header::REFERRER_POLICY, HeaderValue::from_static("same-origin")))
        .layer(SetResponseHeaderLayer::if_not_present(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")))
        .layer(SetResponseHeaderLayer::if_not_present(
            HeaderName::from_static("cross-origin-opener-policy"),
            HeaderValue::from_static("same-origin"),
        ))
        .layer(CatchPanicLayer::custom(panicked)))
}

/// The names of files hold a hash of what is in them.
async fn keep_for_ever(mut response: Response) -> Response {
    if response.status().is_success() {
        let value = HeaderValue::from_static("public, max-age=31536000, immutable");
        response.headers_mut().insert(header::CACHE_CONTROL, value);
    }
    response
}

/// An act without a word on where it comes from is refused: browsers always say it, and the layer against forged
/// requests lets such a request pass.
async fn require_origin(request: Request, next: Next) -> Response {
    let is_safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let says_origin = request.headers().contains_key("origin") || request.headers().contains_key("sec-fetch-site");
    if !is_safe && !says_origin {
        return (StatusCode::FORBIDDEN, "refused: the request does not say where it comes from\n").into_response();
    }
    next.run(request).await
}

async fn not_found(visit: Option<Visit>, guest: Guest, State(_): State<Web>) -> Response {
    if let Some(visit) = visit {
        return visit.refusal(Error::NotFound("page")).await;
    }
    let text = "There is no such page.";
    guest.render(StatusCode::NOT_FOUND, "Not found", false, move || super::visit::notice(text.into())).await
}

#[expect(clippy::needless_pass_by_value, reason = "the layer hands it over")]
fn panicked(panic: Box<dyn std::any::Any + Send>) -> Response {
    let trace = uuid::Uuid::new_v4();
    // The text may hold anything, a secret too: only its kind is said.
    let is_text = panic.is::<String>() || panic.is::<&str>();
    tracing::error!(%trace, is_text, "a handler panicked");
    let text = format!("Something went wrong. Tell the operator this number: {trace}\n");
    (StatusCode::INTERNAL_SERVER_ERROR, text).into_response()
}
