//! Whose policy a refusal comes from.

use serde::{Deserialize, Serialize};

/// Which policy a refusal comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The queue's access policy: its owner.
    Queue,
    /// The policies of the bridge's role: the operator of this installation.
    Role,
    /// The role's permissions boundary: the operator.
    Boundary,
    /// A service or resource control policy of an organization: whoever runs it.
    Organization,
    /// The role's trust policy, or the worker's right to assume it: the operator.
    Trust,
    /// The queue's encryption key: its owner.
    Key,
    /// AWS does not say.
    Unknown,
}

impl Side {
    /// As [`Side::of_message`], for a call on a queue.
    ///
    /// In one account either side suffices, and where neither allows AWS names the role's: there the queue's is meant,
    /// since a role has no Allow for queues of its own account.
    pub(super) fn of_queue_call(message: &str, foreign: bool) -> Self {
        match Self::of_message(message) {
            Self::Role if !foreign && !message.contains("explicit deny") => Self::Queue,
            side => side,
        }
    }

    /// Reads AWS's text (IAM User Guide, "Troubleshoot access denied error messages").
    pub(super) fn of_message(message: &str) -> Self {
        let has = |text: &str| message.to_ascii_lowercase().contains(text);
        if has("resource-based policy") {
            Self::Queue
        } else if has("permissions boundary") {
            Self::Boundary
        } else if has("service control policy") || has("resource control policy") {
            Self::Organization
        } else if has("identity-based policy") || has("session policy") {
            Self::Role
        } else if has("role trust policy") {
            Self::Trust
        } else {
            Self::Unknown
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_side_is_read_from_aws_own_text() {
        for (text, side) in [
            ("… because no resource-based policy allows the sqs:sendmessage action", Side::Queue),
            ("… with an explicit deny in a resource-based policy", Side::Queue),
            ("… because no identity-based policy allows the sqs:sendmessage action", Side::Role),
            ("… because no permissions boundary allows the action", Side::Boundary),
            ("… with an explicit deny in a service control policy", Side::Organization),
            ("Access to the resource is denied", Side::Unknown),
        ] {
            assert_eq!(Side::of_message(text), side, "{text}");
        }
    }
}
