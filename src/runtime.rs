//! Start, logs and shutdown.
