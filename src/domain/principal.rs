//! The Kafka identity of an environment.

use super::names::{AppKey, EnvKey};

/// The SCRAM user of an environment: `<app>.<environment>`.
pub fn username(app: &AppKey, environment: &EnvKey) -> String {
    format!("{app}.{environment}")
}

/// The prefix of every consumer group of an environment, with its closing dot: without it `order` would reach into
/// the groups of `orders`.
pub fn group_prefix(app: &AppKey, environment: &EnvKey) -> String {
    format!("{app}.{environment}.")
}
