//! The console: pages that work as HTML first.
//!
//! | module | owns |
//! |---|---|
//! | [`console`] | the router, its layers, static files |
//! | [`paths`] | every address of the console |
//! | `visit` | who looks at a page: session, theme, message of the last act; rendering |
//! | `refusal` | a refusal of the manager as a page, or beside its fields |
//! | `compress` | pages as brotli |
//! | `live` | the stream that says what has changed |
//! | `pages` | the pages and their form handlers |
//! | [`ui`] | what pages are made of |

mod compress;
pub mod console;
mod live;
mod pages;
pub mod paths;
mod refusal;
pub mod ui;
mod visit;

use leptos::config::LeptosOptions;

use crate::manager::Manager;

/// What every page works with.
#[derive(Clone)]
pub struct Web {
    /// The use cases.
    pub manager: Manager,
    /// Names and places of scripts and styles.
    pub leptos: LeptosOptions,
    /// The origin people use: `https://events.example.com`.
    pub origin: String,
    /// The description of the API, as `api::openapi` has it.
    pub api: &'static serde_json::Value,
    /// How long a session lasts.
    pub session: crate::config::Session,
}

impl axum::extract::FromRef<Web> for Manager {
    fn from_ref(web: &Web) -> Self {
        web.manager.clone()
    }
}
