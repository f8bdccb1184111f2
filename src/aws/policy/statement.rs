//! The one statement that a queue's owner adds for a bridge and a direction.

use serde::{Deserialize, Serialize};

use crate::domain::{bridge::Direction, ids::BridgeId, queue_url::QueueUrl};

/// What every `Sid` of ours begins with.
const SID_PREFIX: &str = "EbmBridge";

/// An `Allow` statement of a queue's or key's policy, in the order of fields that AWS's own examples use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Statement {
    /// Names bridge and direction; letters and digits only.
    pub sid: String,
    /// Always `Allow`.
    pub effect: String,
    /// Always the bridge's role.
    pub principal: Principal,
    /// Exactly what the direction needs.
    pub action: Vec<String>,
    /// The queue's ARN; `*` in a key's policy, where it means the key itself.
    pub resource: String,
}

/// The principal of a statement: one IAM role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Principal {
    /// The ARN of the role.
    #[serde(rename = "AWS")]
    pub aws: String,
}

/// The actions that a direction needs on its queue, and no others.
///
/// The `…Batch` calls are covered by the single action (Amazon SQS Developer Guide, "Amazon SQS API permissions:
/// Actions and resource reference").
pub fn actions(direction: Direction) -> &'static [&'static str] {
    match direction {
        Direction::Outbound => &["sqs:SendMessage", "sqs:GetQueueAttributes"],
        Direction::Inbound => {
            &["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes"]
        }
    }
}

/// The actions that a direction needs on a customer-managed key of an encrypted queue (Amazon SQS Developer Guide,
/// "Key management": a producer needs both, a consumer only `kms:Decrypt`).
pub fn key_actions(direction: Direction) -> &'static [&'static str] {
    match direction {
        Direction::Outbound => &["kms:GenerateDataKey", "kms:Decrypt"],
        Direction::Inbound => &["kms:Decrypt"],
    }
}

/// The `Sid`: `EbmBridge<uuid without hyphens>Outbound`. SQS and KMS take letters and digits (IAM User Guide,
/// "IAM JSON policy elements: Sid").
pub fn sid(bridge: BridgeId, direction: Direction) -> String {
    let direction = match direction {
        Direction::Outbound => "Outbound",
        Direction::Inbound => "Inbound",
    };
    format!("{SID_PREFIX}{}{direction}", bridge.0.simple())
}

/// Whether a `Sid` is one that we make, for whatever bridge.
pub fn is_ours(sid: &str) -> bool {
    let Some(rest) = sid.strip_prefix(SID_PREFIX) else { return false };
    let Some((id, direction)) = rest.split_at_checked(32) else { return false };
    id.bytes().all(|b| b.is_ascii_hexdigit())
        && matches!(direction, "Outbound" | "Inbound" | "OutboundKey" | "InboundKey")
}

/// The statement for a queue's access policy.
pub fn statement(bridge: BridgeId, role_arn: &str, queue: &QueueUrl, direction: Direction) -> Statement {
    allow(sid(bridge, direction), role_arn, actions(direction), queue.arn())
}

/// The statement for the policy of the queue's customer-managed key. There `Resource` is `*`: the key that the policy
/// belongs to (AWS KMS Developer Guide, "Key policies").
pub fn key_statement(bridge: BridgeId, role_arn: &str, direction: Direction) -> Statement {
    allow(format!("{}Key", sid(bridge, direction)), role_arn, key_actions(direction), "*".into())
}

fn allow(sid: String, role_arn: &str, actions: &[&str], resource: String) -> Statement {
    Statement {
        sid,
        effect: "Allow".into(),
        principal: Principal { aws: role_arn.to_owned() },
        action: actions.iter().map(|&action| action.to_owned()).collect(),
        resource,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::testing::{bridge, queue, role};

    #[test]
    fn a_statement_names_one_role_one_queue_and_only_what_the_direction_needs() {
        let both = [Direction::Outbound, Direction::Inbound]
            .map(|direction| statement(bridge(), &role("aws"), &queue("eu-central-1"), direction));
        insta::assert_json_snapshot!(both, @r#"
        [
          {
            "Sid": "EbmBridge0199c0de000070008000000000000001Outbound",
            "Effect": "Allow",
            "Principal": {
              "AWS": "arn:aws:iam::111122223333:role/event-broker/ebm-0199c0de-0000-7000-8000-000000000001"
            },
            "Action": [
              "sqs:SendMessage",
              "sqs:GetQueueAttributes"
            ],
            "Resource": "arn:aws:sqs:eu-central-1:123456789012:orders"
          },
          {
            "Sid": "EbmBridge0199c0de000070008000000000000001Inbound",
            "Effect": "Allow",
            "Principal": {
              "AWS": "arn:aws:iam::111122223333:role/event-broker/ebm-0199c0de-0000-7000-8000-000000000001"
            },
            "Action": [
              "sqs:ReceiveMessage",
              "sqs:DeleteMessage",
              "sqs:ChangeMessageVisibility",
              "sqs:GetQueueAttributes"
            ],
            "Resource": "arn:aws:sqs:eu-central-1:123456789012:orders"
          }
        ]
        "#);
    }

    #[test]
    fn the_statement_for_a_key_speaks_of_the_key_itself() {
        let both =
            [Direction::Outbound, Direction::Inbound].map(|direction| key_statement(bridge(), &role("aws"), direction));
        insta::assert_json_snapshot!(both, @r#"
        [
          {
            "Sid": "EbmBridge0199c0de000070008000000000000001OutboundKey",
            "Effect": "Allow",
            "Principal": {
              "AWS": "arn:aws:iam::111122223333:role/event-broker/ebm-0199c0de-0000-7000-8000-000000000001"
            },
            "Action": [
              "kms:GenerateDataKey",
              "kms:Decrypt"
            ],
            "Resource": "*"
          },
          {
            "Sid": "EbmBridge0199c0de000070008000000000000001InboundKey",
            "Effect": "Allow",
            "Principal": {
              "AWS": "arn:aws:iam::111122223333:role/event-broker/ebm-0199c0de-0000-7000-8000-000000000001"
            },
            "Action": [
              "kms:Decrypt"
            ],
            "Resource": "*"
          }
        ]
        "#);
    }

    #[test]
    fn each_partition_has_its_own_arns() {
        let resources: Vec<_> = [
            ("aws", "eu-central-1"),
            ("aws-cn", "cn-north-1"),
            ("aws-us-gov", "us-gov-west-1"),
            ("aws-eusc", "eusc-de-east-1"),
        ]
        .map(|(partition, region)| {
            let statement = statement(bridge(), &role(partition), &queue(region), Direction::Outbound);
            format!("{} -> {}", statement.principal.aws, statement.resource)
        })
        .into();
        insta::assert_json_snapshot!(resources, @r#"
        [
          "arn:aws:iam::111122223333:role/event-broker/ebm-0199c0de-0000-7000-8000-000000000001 -> arn:aws:sqs:eu-central-1:123456789012:orders",
          "arn:aws-cn:iam::111122223333:role/event-broker/ebm-0199c0de-0000-7000-8000-000000000001 -> arn:aws-cn:sqs:cn-north-1:123456789012:orders",
          "arn:aws-us-gov:iam::111122223333:role/event-broker/ebm-0199c0de-0000-7000-8000-000000000001 -> arn:aws-us-gov:sqs:us-gov-west-1:123456789012:orders",
          "arn:aws-eusc:iam::111122223333:role/event-broker/ebm-0199c0de-0000-7000-8000-000000000001 -> arn:aws-eusc:sqs:eusc-de-east-1:123456789012:orders"
        ]
        "#);
    }

    #[test]
    fn our_own_sids_are_known_again() {
        for direction in [Direction::Outbound, Direction::Inbound] {
            assert!(is_ours(&sid(bridge(), direction)));
            assert!(is_ours(&key_statement(bridge(), "x", direction).sid));
            assert!(sid(bridge(), direction).bytes().all(|b| b.is_ascii_alphanumeric()));
        }
        for other in ["", "EbmBridge", "EbmBridgeOutbound", "AllowEverybody", "EbmBridge\u{e9}0199Outbound"] {
            assert!(!is_ours(other), "{other}");
        }
    }
}
