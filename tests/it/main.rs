//! Integration tests.

mod api;
mod kafka_admin;
mod support;
