//! The loop that makes Kafka agree with Postgres.
