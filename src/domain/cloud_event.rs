//! `CloudEvents` as they travel: on Kafka, on SQS, and between the two.
