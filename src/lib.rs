//! Event Broker Manager: a console over Postgres (what people want), Apache Kafka (what is enforced)
//! and AWS SQS (where bridges lead).
//!
//! | module | owns |
//! |---|---|
//! | [`domain`] | the words of the product as types; pure |
//! | [`store`] | every SQL statement |
//! | [`kafka`] | everything spoken to Kafka |
//! | [`aws`] | everything spoken to AWS, and the text of policies |
//! | [`contract`] | documents people bring (`AsyncAPI`) |
//! | [`history`] | the chain of the history |
//! | [`manager`] | use cases: authorise, decide, store, record, wake |
//! | [`reconcile`] | the loop that makes Kafka agree with Postgres |
//! | [`bridge`] | the workers that move events |
//! | [`api`], [`web`] | HTTP: `/api/v1` and the console |
//! | [`islands`] | the few leaves of the console that run in the browser |
//!
//! Who may know whom is written in `ARCHITECTURE.md` and kept by the test `boundaries`.

pub mod domain;
pub mod islands;

#[cfg(feature = "ssr")]
pub mod api;
#[cfg(feature = "ssr")]
pub mod aws;
#[cfg(feature = "ssr")]
pub mod bridge;
#[cfg(feature = "ssr")]
pub mod config;
#[cfg(feature = "ssr")]
pub mod contract;
#[cfg(feature = "ssr")]
pub mod history;
#[cfg(feature = "ssr")]
pub mod kafka;
#[cfg(feature = "ssr")]
pub mod manager;
#[cfg(feature = "ssr")]
pub mod reconcile;
#[cfg(feature = "ssr")]
pub mod runtime;
#[cfg(feature = "ssr")]
pub mod secrets;
#[cfg(feature = "ssr")]
pub mod store;
#[cfg(feature = "ssr")]
pub mod web;
