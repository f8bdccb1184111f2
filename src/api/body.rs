//! JSON bodies: bounded, strict, and refused with the place of what is wrong.

use std::time::Duration;

use axum::{
    body::{Body, Bytes},
    extract::{FromRequest, Request},
    http::{HeaderMap, StatusCode, header},
};
use futures::StreamExt;
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::Value;
use time::{OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};

use super::problem::{Problem, Result};
use crate::contract::{
    json::{self, JsonKind, JsonProblem},
    shape::{self, escaped},
};

/// Bytes of a body at most.
const MAX: usize = 64 * 1024;
/// Bytes of a deployment at most: several documents of 1 MiB. An event of SQS has at most one, in base64.
const MAX_LARGE: usize = 8 * 1024 * 1024;
/// Bytes of a file at most.
const MAX_FILE: usize = crate::contract::MAX_BYTES;
/// Values and names in a body at most: what bounds the memory that a body of many tiny values takes.
const MAX_VALUES: usize = 500_000;
/// How long a body may take to arrive.
const MAX_TIME: Duration = Duration::from_secs(30);

/// A body of at most 64 KiB.
pub struct Json<T>(pub T);

/// The same, which may be left out.
pub struct OptionalJson<T>(pub T);

/// A file of YAML or JSON, not yet read.
pub struct File(pub Bytes);

/// A body of several documents or of a whole event, not yet read as one: at most 8 MiB.
pub struct Large(pub Value);

impl<S: Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self> {
        require_json(request.headers())?;
        Ok(Self(read(parse(collect(request, MAX).await?).await?)?))
    }
}

impl<S: Sync, T: DeserializeOwned + Default> FromRequest<S> for OptionalJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self> {
        let is_json = require_json(request.headers());
        let bytes = collect(request, MAX).await?;
        if bytes.is_empty() {
            return Ok(Self(T::default()));
        }
        is_json?;
        Ok(Self(read(parse(bytes).await?)?))
    }
}

impl<S: Sync> FromRequest<S> for Large {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self> {
        require_json(request.headers())?;
        Ok(Self(parse(collect(request, MAX_LARGE).await?).await?))
    }
}

impl<S: Sync> FromRequest<S> for File {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self> {
        if require_json(request.headers()).is_err() && !is_yaml(request.headers()) {
            let what = "send YAML or JSON, with the header \"Content-Type: application/yaml\" or \"application/json\"";
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", what));
        }
        Ok(Self(collect(request, MAX_FILE).await?))
    }
}

/// RFC 9512 registers the first; the others are older habits.
fn is_yaml(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    ["application/yaml", "application/x-yaml", "text/yaml"].contains(&kind.as_str())
        && !headers.contains_key(header::CONTENT_ENCODING)
}

fn require_json(headers: &HeaderMap) -> Result<()> {
    require_plain(headers)?;
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_json = kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"));
    if is_json { Ok(()) } else { Err(unsupported("send JSON, with the header \"Content-Type: application/json\"")) }
}

/// Refuses a body that is packed.
pub fn require_plain(headers: &HeaderMap) -> Result<()> {
    match headers.get(header::CONTENT_ENCODING) {
        Some(encoding) if encoding != "identity" => {
            Err(unsupported("send the body as it is, without Content-Encoding"))
        }
        _ => Ok(()),
    }
}

/// The body is of a kind that is not read here.
pub fn unsupported(what: &str) -> Problem {
    Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", what)
}

/// Reads the body up to its limit. What announces itself as larger is refused unread.
pub async fn collect(request: Request, max: usize) -> Result<Bytes> {
    let too_large = || Problem::too_large(format!("the body may have at most {max} bytes"));
    let announced = request.headers().get(header::CONTENT_LENGTH).and_then(|n| n.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|n| usize::try_from(n).is_ok_and(|n| n > max)) {
        return Err(too_large());
    }
    tokio::time::timeout(MAX_TIME, append(request.into_body(), max))
        .await
        .unwrap_or_else(|_| {
            Err(Problem::new(
                StatusCode::REQUEST_TIMEOUT,
                "body-timeout",
                "the body did not arrive in time: send it again",
            ))
        })?
        .ok_or_else(too_large)
}

/// `None` as soon as there is more than the limit.
async fn append(body: Body, max: usize) -> Result<Option<Bytes>> {
    let mut stream = body.into_data_stream();
    let mut all = Vec::new();
    while let Some(part) = stream.next().await {
        let broken = |_| Problem::new(StatusCode::BAD_REQUEST, "body-broken", "the body broke off: send it again");
        let part = part.map_err(broken)?;
        if all.len() + part.len() > max {
            return Ok(None);
        }
        all.extend_from_slice(&part);
    }
    Ok(Some(all.into()))
}

/// Parses a body strictly; a large one where it holds nobody up.
async fn parse(bytes: Bytes) -> Result<Value> {
    let parsed = if bytes.len() <= MAX {
        json::parse(&bytes, MAX_VALUES)
    } else {
        let parsed = tokio::task::spawn_blocking(move || json::parse(&bytes, MAX_VALUES)).await;
        parsed.map_err(|error| Problem::internal(&error))?
    };
    let value = parsed.map_err(|problem| not_json(&problem))?;
    // PostgreSQL keeps no such character, neither in text nor in jsonb (manual, sections 8.3 and 8.14).
    match find_nul(&value) {
        None => Ok(value),
        Some(at) => Err(Problem::field(at, "holds the character U+0000, which cannot be kept: take it out")),
    }
}

fn not_json(problem: &JsonProblem) -> Problem {
    let code = match problem.kind {
        JsonKind::TooMany => {
            return Problem::too_large(format!("the body may hold at most {MAX_VALUES} values and names"));
        }
        JsonKind::Encoding => "json-encoding",
        JsonKind::Syntax => "json-syntax",
        JsonKind::DuplicateName => "json-duplicate-name",
        JsonKind::TooDeep => "json-too-deep",
        JsonKind::LoneSurrogate => "json-lone-surrogate",
    };
    Problem::new(StatusCode::BAD_REQUEST, code, format!("the body {problem}"))
}

fn find_nul(value: &Value) -> Option<String> {
    let inside = |part: &dyn std::fmt::Display, inner: &Value| {
        find_nul(inner).map(|rest| if rest.is_empty() { part.to_string() } else { format!("{part}/{rest}") })
    };
    match value {
        Value::String(text) => text.contains('\0').then(String::new),
        Value::Array(list) => list.iter().enumerate().find_map(|(index, inner)| inside(&index, inner)),
        Value::Object(object) => object.iter().find_map(|(name, inner)| {
            if name.contains('\0') { Some(String::new()) } else { inside(&escaped(name), inner) }
        }),
        _ => None,
    }
}

/// Reads a value as what a route takes.
pub fn read<T: DeserializeOwned>(value: Value) -> Result<T> {
    shape::read(value).map_err(|(field, sentence)| Problem::field(field, sentence))
}

/// Reads a field that may be left out, but not be null: null would have to mean something.
pub fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> std::result::Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

/// Reads a text that may be left out, but not be empty.
pub fn filled<'de, D: Deserializer<'de>>(from: D) -> std::result::Result<String, D::Error> {
    let text = String::deserialize(from)?;
    if text.is_empty() { Err(serde::de::Error::custom("must not be empty")) } else { Ok(text) }
}

/// Reads a time (RFC 3339), as UTC.
pub fn instant<'de, D: Deserializer<'de>>(from: D) -> std::result::Result<OffsetDateTime, D::Error> {
    let refuse = serde::de::Error::custom;
    let text = String::deserialize(from)?;
    let time = OffsetDateTime::parse(&text, &Rfc3339)
        .map_err(|_| refuse("must be a time with its offset, as 2026-07-01T12:00:00Z"))?;
    // Years with more or fewer than four digits have no form in RFC 3339; an offset can lead there.
    let time = time.checked_to_offset(UtcOffset::UTC).filter(|time| (1970..=9998).contains(&time.year()));
    time.ok_or_else(|| refuse("must lie in the years 1970 to 9998"))
}

/// The same, where it may be left out.
pub fn instant_given<'de, D: Deserializer<'de>>(from: D) -> std::result::Result<Option<OffsetDateTime>, D::Error> {
    instant(from).map(Some)
}
