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

/// The user whose consumer group this can be: what stands before the second dot. `None` for a name without one.
///
/// Keys are free of dots, so that a name has one reading.
pub fn user_of_group(group: &str) -> Option<&str> {
    let (end, _) = group.match_indices('.').nth(1)?;
    Some(&group[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_belongs_to_the_user_whose_prefix_it_begins_with() {
        let (app, environment) = ("orders".parse().unwrap(), "test".parse().unwrap());
        let group = format!("{}mailer.2", group_prefix(&app, &environment));
        assert_eq!(user_of_group(&group), Some(username(&app, &environment).as_str()));
        assert_eq!(user_of_group("orders.test."), Some("orders.test"));
        assert_eq!(user_of_group("orders.testing.mailer"), Some("orders.testing"));
        for foreign in ["orders.test", "orders", "", "ebm"] {
            assert_eq!(user_of_group(foreign), None, "{foreign}");
        }
    }
}
