//! Everything spoken to Kafka.
