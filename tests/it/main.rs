//! Integration tests: real Postgres, real Kafka, the stand-in of AWS. `dev/test` starts them.

mod api;
mod aws;
mod boundaries;
mod kafka_admin;
mod lanes;
mod reconcile;
mod support;
