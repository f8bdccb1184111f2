//! The API: rights, bad input, deployments, credentials, bridges, history.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

mod access;
mod cluster;
mod deployments;
mod description;
mod explain;
mod history;
mod import;
mod input;
mod moves;
mod revert;
mod rights;
mod secrets;
mod services;
