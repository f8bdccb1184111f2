//! The words of the product as types: what may exist, and what may become of it.
//!
//! Pure: no I/O, no clock, no randomness; time and ids are handed in. Compiled for the server and, where an
//! island needs it, for the browser. Refuses to know how anything is stored, sent or shown.

pub mod bridge;
pub mod channel;
pub mod cloud_event;
pub mod contract;
pub mod dead_letter;
pub mod decision;
pub mod grant;
pub mod history;
pub mod ids;
pub mod isolation;
pub mod landscape;
pub mod member;
pub mod names;
pub mod principal;
pub mod queue_url;
