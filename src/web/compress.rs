//! Pages as brotli, in one piece.
//!
//! The layer that compresses everything else works on streams, and lays out a window of several megabytes for each:
//! filling that with zeros costs more than compressing a page does (`bench/console`). A page is there as a whole.

use axum::{
    body::{Body, to_bytes},
    extract::Request,
    http::{HeaderMap, HeaderValue, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use brotli::enc::BrotliEncoderParams;

/// Where more effort takes longer than it saves.
const QUALITY: i32 = 4;
/// A window of 256 KiB, as a power of two: most pages fit into it.
const WINDOW: i32 = 18;
/// What fits into one packet gains nothing.
const SMALLEST: usize = 1024;

/// Compresses pages for browsers that take brotli.
pub async fn pages(request: Request, next: Next) -> Response {
    let takes_brotli = takes_brotli(request.headers());
    let mut response = next.run(request).await;
    let headers = response.headers();
    let is_page = headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if !is_page || headers.contains_key(header::CONTENT_ENCODING) {
        return response;
    }
    response.headers_mut().append(header::VARY, HeaderValue::from_static("accept-encoding"));
    if !takes_brotli {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let page = match to_bytes(body, usize::MAX).await {
        Ok(page) => page,
        Err(error) => {
            tracing::error!(%error, "a page could not be drawn to its end");
            return axum::http::StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
    };
    if page.len() < SMALLEST {
        return Response::from_parts(parts, Body::from(page));
    }
    let params = BrotliEncoderParams {
        quality: QUALITY,
        lgwin: WINDOW,
        size_hint: page.len(),
        ..BrotliEncoderParams::default()
    };
    let mut small = Vec::with_capacity(page.len() / 4);
    match brotli::BrotliCompress(&mut page.as_ref(), &mut small, &params) {
        Ok(_) => {
            parts.headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("br"));
            parts.headers.remove(header::CONTENT_LENGTH);
            Response::from_parts(parts, Body::from(small))
        }
        Err(error) => {
            tracing::error!(%error, "a page could not be compressed");
            Response::from_parts(parts, Body::from(page))
        }
    }
}

/// Whether brotli is among what is accepted (RFC 9110, section 12.5.3).
fn takes_brotli(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, "q=1"));
        let weight = weight.trim().strip_prefix("q=").and_then(|weight| weight.parse::<f32>().ok());
        name.trim().eq_ignore_ascii_case("br") && weight.is_some_and(|weight| weight > 0.0)
    })
}

#[cfg(test)]
mod tests {
    use axum::{Router, http::Request, middleware, response::Html, routing::get};
    use tower::ServiceExt;

    use super::*;

    #[test]
    fn brotli_is_sent_to_who_takes_it() {
        let takes = |value: &'static str| {
            takes_brotli(&HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(value))]))
        };
        for yes in ["br", "gzip, deflate, br, zstd", "gzip;q=0.5, BR;q=0.1"] {
            assert!(takes(yes), "{yes}");
        }
        for no in ["", "gzip", "br;q=0", "br;q=0.0", "*", "brotli", "br;x"] {
            assert!(!takes(no), "{no}");
        }
        assert!(!takes_brotli(&HeaderMap::new()));
    }

    #[tokio::test]
    async fn a_page_comes_out_as_it_went_in() {
        let page = "<p>Grüße an alle Kanäle</p>".repeat(5000);
        let (long, short) = (page.clone(), "<p>".to_owned());
        let router = Router::new()
            .route("/long", get(async || Html(long)))
            .route("/short", get(async || Html(short)))
            .route("/text", get(async || "text"))
            .layer(middleware::from_fn(pages));
        let ask = async |path: &str, coding: &str| {
            let request = Request::get(path).header("accept-encoding", coding).body(Body::empty()).unwrap();
            let (parts, body) = router.clone().oneshot(request).await.unwrap().into_parts();
            (parts.headers, to_bytes(body, usize::MAX).await.unwrap())
        };
        let (headers, small) = ask("/long", "gzip, br").await;
        assert_eq!(
            (&headers["content-encoding"], &headers["vary"]),
            (&"br".parse().unwrap(), &"accept-encoding".parse().unwrap())
        );
        assert!(small.len() < page.len() / 50);
        let mut whole = Vec::new();
        brotli::BrotliDecompress(&mut small.as_ref(), &mut whole).unwrap();
        assert_eq!(whole, page.as_bytes());
        let (headers, plain) = ask("/long", "gzip").await;
        assert!(!headers.contains_key("content-encoding") && headers.contains_key("vary"));
        assert_eq!(plain, page.as_bytes());
        assert_eq!(ask("/short", "br").await.1, "<p>".as_bytes());
        assert!(!ask("/text", "br").await.0.contains_key("vary"));
    }
}
