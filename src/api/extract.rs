//! What stands in the path and in the query.

use std::collections::BTreeMap;

use axum::{
    extract::{FromRequestParts, Path},
    http::{Uri, request::Parts},
};
use serde::de::DeserializeOwned;
use url::form_urlencoded;

use super::problem::{Problem, Result};
use crate::manager::{Columns, FieldError, Sorting};

/// Rows of a page where nobody says how many.
const LIMIT: i64 = 50;
/// Rows of a page at most.
const MAX_LIMIT: i64 = 200;

/// Keys and ids in the path, of something that must exist: what cannot be the name of anything is not found.
pub struct At<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for At<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(at)) => Ok(Self(at)),
            Err(_) => Err(Problem::not_found()),
        }
    }
}

/// Keys in the path that someone chooses by this request. The manager says what is wrong with them.
pub struct Chosen<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Chosen<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(chosen)) => Ok(Self(chosen)),
            Err(_) => Err(Problem::field("", "holds a name that is not UTF-8")),
        }
    }
}

/// The query of a request, read by the router: each name is one that the route knows, and is there once.
#[derive(Clone, Debug, Default)]
pub struct Params(BTreeMap<String, String>);

impl Params {
    /// Reads the query of a route that knows these names.
    pub fn read(uri: &Uri, known: &[&str]) -> Result<Self> {
        let (mut params, mut wrong) = (BTreeMap::new(), Vec::new());
        for (name, value) in form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()) {
            if !known.contains(&name.as_ref()) {
                let shown: String = name.chars().filter(|c| !c.is_control()).take(60).collect();
                let why = match known {
                    [] => "is not known: this address has no parameters".into(),
                    known => format!("is not known: the parameters here are {}", known.join(", ")),
                };
                wrong.push(FieldError::new(shown, why));
            } else if value.chars().any(char::is_control) {
                wrong.push(FieldError::new(name, "must hold printable characters only"));
            } else if params.insert(name.clone().into_owned(), value.into_owned()).is_some() {
                wrong.push(FieldError::new(name, "is there twice"));
            }
        }
        if wrong.is_empty() { Ok(Self(params)) } else { Err(Problem::invalid(wrong)) }
    }

    /// A text; `None` where it is not there or empty.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|text| !text.is_empty())
    }

    /// A value of its own form.
    pub fn parsed<T: std::str::FromStr>(&self, name: &str, form: &str) -> Result<Option<T>> {
        let parse = |text: &str| text.parse().map_err(|_| Problem::field(name, format!("must be {form}")));
        self.text(name).map(parse).transpose()
    }

    /// A yes or no; no where it is not there.
    pub fn flag(&self, name: &str) -> Result<bool> {
        Ok(self.parsed(name, "true or false")?.unwrap_or(false))
    }

    /// A whole number within bounds.
    pub fn number(&self, name: &str, least: i64, most: i64) -> Result<Option<i64>> {
        let form = format!("a whole number from {least} to {most}");
        match self.parsed::<i64>(name, &form)? {
            Some(number) if !(least..=most).contains(&number) => Err(Problem::field(name, format!("must be {form}"))),
            number => Ok(number),
        }
    }

    /// `limit`.
    pub fn limit(&self) -> Result<i64> {
        Ok(self.number("limit", 1, MAX_LIMIT)?.unwrap_or(LIMIT))
    }

    /// `cursor` of a list in its own order; from the beginning where it is not there.
    pub fn cursor<By: Columns>(&self) -> Result<Sorting<By>> {
        let start = Sorting::default();
        let gone = || Problem::field("cursor", "is of no page there is: begin again without it");
        self.text("cursor").map_or(Ok(start.clone()), |cursor| start.after(cursor).ok_or_else(gone))
    }
}

impl<S: Sync> FromRequestParts<S> for Params {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| Problem::internal(&"the route read no query"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Result<Params> {
        Params::read(&format!("/x?{query}").parse().unwrap(), &["q", "limit", "dry_run"])
    }

    #[test]
    fn what_a_route_does_not_know_is_refused() {
        for bad in ["sort=name;drop", "limit=1&limit=2", "q=%00", "q=a%0Ab", "Limit=1"] {
            assert!(read(bad).is_err(), "{bad}");
        }
        assert_eq!(read("q=a%20b").unwrap().text("q"), Some("a b"));
        assert_eq!(read("").unwrap().text("q"), None);
    }

    #[test]
    fn a_limit_has_bounds() {
        for (query, limit) in [("", Some(50)), ("limit=1", Some(1)), ("limit=200", Some(200)), ("limit=", Some(50))] {
            assert_eq!(read(query).unwrap().limit().ok(), limit, "{query}");
        }
        for bad in ["limit=0", "limit=201", "limit=1e9", "limit=-1", "limit=1.0", "limit=99999999999999999999"] {
            assert!(read(bad).unwrap().limit().is_err(), "{bad}");
        }
        assert!(read("dry_run=yes").unwrap().flag("dry_run").is_err());
        assert!(read("dry_run=true").unwrap().flag("dry_run").unwrap());
    }
}
