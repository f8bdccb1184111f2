//! Integration tests.

mod aws;
mod boundaries;
mod kafka_admin;
mod lanes;
