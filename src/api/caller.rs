//! Who calls: a bearer token, and nothing else. Cookies mean nothing here.

use axum::{
    extract::{FromRequestParts, Request, State},
    http::{HeaderMap, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::problem::{Problem, Result};
use crate::manager::{Actor, Manager};

/// Whoever came with a good token; put into the request by [`authenticate`].
#[derive(Clone)]
struct Authenticated(Actor);

/// Lets nobody through without a good token, whatever the path.
pub async fn authenticate(State(manager): State<Manager>, mut request: Request, next: Next) -> Response {
    match find_actor(&manager, request.headers()).await {
        Ok(actor) => {
            request.extensions_mut().insert(Authenticated(actor));
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    }
}

async fn find_actor(manager: &Manager, headers: &HeaderMap) -> Result<Actor> {
    let token = bearer(headers).ok_or_else(|| {
        Problem::unauthenticated("send a token in one header: \"Authorization: Bearer ebm_…\"; a cookie does not count")
    })?;
    let actor = manager.find_actor(token).await?;
    actor.ok_or_else(|| Problem::unauthenticated("this token is none of ours, or has ended: make a new one"))
}

/// The token of the one `Authorization` header. The scheme is matched without regard to case (RFC 9110, section 11.1).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(only), None) = (all.next(), all.next()) else { return None };
    let (scheme, token) = only.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}

/// A member. Deploy tokens are refused before anything is read, so that they cannot find out what exists.
pub struct Caller(pub Actor);

/// A member or a deploy token: for the routes of deployments only.
pub struct Reporter(pub Actor);

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        match Reporter::from_request_parts(parts, state).await?.0 {
            Actor::Deploy { .. } => Err(Problem::new(
                StatusCode::FORBIDDEN,
                "forbidden",
                "a deploy token may only report and read the deployments of its environment",
            )),
            actor => Ok(Self(actor)),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Reporter {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        let found = parts.extensions.get::<Authenticated>();
        found.map(|found| Self(found.0.clone())).ok_or_else(|| Problem::unauthenticated("send a token"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_one_bearer_header_counts() {
        let of = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::AUTHORIZATION, value.parse().unwrap());
            }
            bearer(&headers).map(str::to_owned)
        };
        assert_eq!(of(&["Bearer a"]).as_deref(), Some("a"));
        assert_eq!(of(&["bearer a"]).as_deref(), Some("a"));
        for bad in [&[][..], &["Basic a"], &["Bearer"], &["a"], &["Bearer a", "Bearer b"]] {
            assert_eq!(of(bad), None, "{bad:?}");
        }
    }
}
