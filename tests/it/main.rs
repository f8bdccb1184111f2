//! Integration tests.

mod aws;
mod kafka_admin;
mod lanes;
