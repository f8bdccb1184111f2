//! Integration tests: real Postgres, real Kafka, the stand-in of AWS. `dev/test` starts them.

#![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

mod api;
mod at_once;
mod aws;
mod boundaries;
mod bridges;
mod commit;
mod console;
mod faults;
mod kafka_admin;
mod lanes;
mod lists;
mod lock_order;
mod oracle;
mod process;
mod reconcile;
mod sqs;
mod support;
mod transactions;
mod wire;
