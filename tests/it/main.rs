//! Integration tests.

mod kafka_admin;
mod reconcile;
