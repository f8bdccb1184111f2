//! Integration tests.

mod kafka_admin;
