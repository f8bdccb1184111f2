//! Whether Kafka keeps the Spaces apart at all: looked at now and then, shown on the page of the cluster.

use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

use crate::kafka::admin::{Admin, Broker};

/// How long lies between two looks.
const APART: Duration = Duration::from_mins(5);

/// One thing that has to be so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What it is about, by Kafka's name.
    pub setting: &'static str,
    /// Whether it is as it has to be; `None` where Kafka does not tell.
    pub holds: Option<bool>,
    /// What that means, and what to do.
    pub text: &'static str,
}

/// Looks, and keeps what was seen.
#[derive(Debug, Default)]
pub struct Preflight {
    last: Option<(Instant, Vec<Check>)>,
}

impl Preflight {
    /// What was last seen, looked at anew when that is some time ago.
    pub async fn checks(&mut self, admin: &Admin, brokers: &[Broker]) -> Vec<Check> {
        if let Some((at, checks)) = &self.last
            && at.elapsed() < APART
        {
            return checks.clone();
        }
        let Some(broker) = brokers.first() else { return Vec::new() };
        let keys = ["authorizer.class.name", "auto.create.topics.enable", "connections.max.reauth.ms"];
        let found = match admin.broker_configs(broker.id, &keys).await {
            Ok(found) => found,
            Err(error) => {
                tracing::debug!(%error, "the settings of a broker could not be read");
                return Vec::new();
            }
        };
        let value = |key: &str| found.get(key).and_then(|value| value.value.clone());
        let checks = judge(&keys.map(value));
        self.last = Some((Instant::now(), checks.clone()));
        checks
    }
}

fn judge([authorizer, auto_create, reauth]: &[Option<String>; 3]) -> Vec<Check> {
    let check = |setting, holds: Option<bool>, good, bad| {
        let text = if holds == Some(false) { bad } else { good };
        Check { setting, holds, text }
    };
    vec![
        check(
            "authorizer.class.name",
            authorizer.as_deref().map(|name| !name.trim().is_empty()),
            "Kafka asks an authorizer before it lets anyone do anything.",
            "Kafka has no authorizer: everyone may do everything, and Spaces are not kept apart. Set one on every broker.",
        ),
        check(
            "auto.create.topics.enable",
            auto_create.as_deref().map(|value| value == "false"),
            "Topics come into being by deployments only.",
            "Whoever names a topic makes it. Set it to false on every broker.",
        ),
        check(
            "connections.max.reauth.ms",
            reauth.as_deref().map(|value| value.parse::<i64>().is_ok_and(|ms| ms > 0)),
            "A client whose credentials were taken away loses its live connections too.",
            "A client whose credentials were taken away keeps its live connections. Access ends at once all the same. \
             Set it, for example to one hour.",
        ),
        Check {
            setting: "allow.everyone.if.no.acl.found",
            holds: None,
            text: "Kafka does not show it. It must be false: else whoever finds a topic without a rule may use it.",
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_as_it_has_to_be_is_said_with_its_cure() {
        let holds = |values: [Option<&str>; 3]| -> Vec<Option<bool>> {
            judge(&values.map(|value| value.map(str::to_owned))).iter().map(|check| check.holds).collect()
        };
        let authorizer = Some("org.apache.kafka.metadata.authorizer.StandardAuthorizer");
        assert_eq!(holds([authorizer, Some("false"), Some("60000")]), [Some(true), Some(true), Some(true), None]);
        assert_eq!(holds([Some(""), Some("true"), Some("0")]), [Some(false), Some(false), Some(false), None]);
        assert_eq!(holds([None, None, None]), [None; 4]);
    }
}
