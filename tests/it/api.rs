//! The API: rights, bad input, deployments, credentials, bridges, history.

mod deployments;
mod history;
mod input;
mod rights;
mod secrets;
