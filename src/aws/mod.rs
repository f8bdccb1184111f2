//! Everything spoken to AWS.
