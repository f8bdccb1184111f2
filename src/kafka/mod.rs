//! Everything spoken to Kafka.

pub mod admin;
