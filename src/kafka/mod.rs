//! Everything spoken to Kafka.

pub mod admin;
pub mod stream;
