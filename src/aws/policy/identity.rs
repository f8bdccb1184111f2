//! Policies of identities: what a bridge's role trusts and may do, and what the installation's own identities need.

use serde_json::{Value, json};

use super::statement::{actions, key_actions};
use crate::domain::{
    bridge::{Direction, ROLE_PATH},
    queue_url::{Partition, QueueUrl},
};

/// A queue of another account, and what the role must be allowed there by its own policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignAccess {
    /// The queue.
    pub queue: QueueUrl,
    /// The direction.
    pub direction: Direction,
    /// The queue's customer-managed key as SQS shows it: a key ARN, a key id, or an alias with or without its ARN.
    pub key: Option<String>,
}

/// Who may assume a bridge's role: the worker alone, and only with the bridge's external id (IAM User Guide, "Access
/// to AWS accounts owned by third parties").
pub fn trust(worker_arn: &str, external_id: &str) -> Value {
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Sid": "EbmWorker",
            "Effect": "Allow",
            "Principal": {"AWS": worker_arn},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"sts:ExternalId": external_id}},
        }],
    })
}

/// The inline policy of a role: exactly the actions on queues of *other* accounts, and on their keys. `None` where
/// there are no such queues.
///
/// Across accounts both sides must allow; inside one account the queue's statement alone suffices (IAM User Guide,
/// "Cross-account resource access in IAM" and "Policy evaluation logic"), so that there its removal ends the access.
pub fn foreign_queues(own_account: &str, access: &[ForeignAccess]) -> Option<Value> {
    let mut statements = Vec::new();
    for direction in [Direction::Outbound, Direction::Inbound] {
        let foreign: Vec<_> =
            access.iter().filter(|a| a.direction == direction && a.queue.account() != own_account).collect();
        let mut queues: Vec<_> = foreign.iter().map(|a| a.queue.arn()).collect();
        queues.sort();
        queues.dedup();
        if !queues.is_empty() {
            statements.push(json!({"Effect": "Allow", "Action": actions(direction), "Resource": Value::from(queues)}));
        }
        let mut keys: Vec<_> = foreign.iter().filter_map(|a| Some((&a.queue, a.key.as_deref()?))).collect();
        keys.sort();
        keys.dedup();
        statements.extend(keys.into_iter().map(|(queue, key)| key_access(queue, key, direction)));
    }
    (!statements.is_empty()).then(|| json!({"Version": "2012-10-17", "Statement": statements}))
}

/// A key known by an alias is allowed by the alias, since an alias's ARN does not name a key in a policy (AWS KMS
/// Developer Guide, "Use aliases to control access to KMS keys").
fn key_access(queue: &QueueUrl, key: &str, direction: Direction) -> Value {
    let partition = queue.region().partition().as_str();
    let keys = format!("arn:{partition}:kms:{}:{}:key/", queue.region(), queue.account());
    let alias = key.rsplit_once(":alias/").map(|(_, name)| name).or_else(|| key.strip_prefix("alias/"));
    match alias {
        Some(name) => json!({
            "Effect": "Allow",
            "Action": key_actions(direction),
            "Resource": format!("{keys}*"),
            "Condition": {"ForAnyValue:StringEquals": {"kms:ResourceAliases": format!("alias/{name}")}},
        }),
        None => json!({
            "Effect": "Allow",
            "Action": key_actions(direction),
            "Resource": if key.starts_with("arn:") { key.to_owned() } else { format!("{keys}{key}") },
        }),
    }
}

/// What the console's own identity needs, limited to roles of bridges; indented JSON.
///
/// `ListRoles` knows no narrower resource (Service Authorization Reference, "Actions, resources, and condition keys
/// for AWS Identity and Access Management"). With a permissions boundary, roles can be made only with it.
pub fn console_policy(partition: Partition, account: &str, permissions_boundary: Option<&str>) -> String {
    let roles = roles(partition, account);
    let mut create = json!({"Sid": "EbmMakeRoles", "Effect": "Allow", "Action": "iam:CreateRole", "Resource": roles});
    if let Some(boundary) = permissions_boundary {
        create["Condition"] = json!({"StringEquals": {"iam:PermissionsBoundary": boundary}});
    }
    let manage = json!({
        "Sid": "EbmManageRoles",
        "Effect": "Allow",
        "Action": [
            "iam:TagRole", "iam:GetRole", "iam:UpdateAssumeRolePolicy", "iam:PutRolePolicy", "iam:GetRolePolicy",
            "iam:ListRolePolicies", "iam:DeleteRolePolicy", "iam:DeleteRole", "iam:SimulatePrincipalPolicy",
        ],
        "Resource": roles,
    });
    let find = json!({"Sid": "EbmFindRoles", "Effect": "Allow", "Action": "iam:ListRoles", "Resource": "*"});
    indented(&json!({"Version": "2012-10-17", "Statement": [create, manage, find]}))
}

/// What the worker's own identity needs: to assume roles of bridges, nothing else; indented JSON.
pub fn worker_policy(partition: Partition, account: &str) -> String {
    let assume = json!({
        "Sid": "EbmAssumeRoles", "Effect": "Allow", "Action": "sts:AssumeRole", "Resource": roles(partition, account),
    });
    indented(&json!({"Version": "2012-10-17", "Statement": [assume]}))
}

fn roles(partition: Partition, account: &str) -> String {
    format!("arn:{}:iam::{account}:role{ROLE_PATH}*", partition.as_str())
}

fn indented(policy: &Value) -> String {
    format!("{policy:#}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::testing::queue;

    fn access(region: &str, direction: Direction, key: Option<&str>) -> ForeignAccess {
        ForeignAccess { queue: queue(region), direction, key: key.map(Into::into) }
    }

    #[test]
    fn a_role_trusts_the_worker_with_the_external_id_only() {
        insta::assert_json_snapshot!(trust("arn:aws:iam::111122223333:user/ebm-worker", "x-1"), @r#"
        {
          "Statement": [
            {
              "Action": "sts:AssumeRole",
              "Condition": {
                "StringEquals": {
                  "sts:ExternalId": "x-1"
                }
              },
              "Effect": "Allow",
              "Principal": {
                "AWS": "arn:aws:iam::111122223333:user/ebm-worker"
              },
              "Sid": "EbmWorker"
            }
          ],
          "Version": "2012-10-17"
        }
        "#);
    }

    #[test]
    fn a_queue_of_the_own_account_gets_no_allow_at_all() {
        let own = [access("eu-central-1", Direction::Outbound, Some("alias/mine"))];
        assert_eq!(foreign_queues(queue("eu-central-1").account(), &own), None);
    }

    #[test]
    fn a_queue_of_another_account_gets_exactly_the_actions_once() {
        let all = [
            access("eu-central-1", Direction::Outbound, None),
            access("eu-central-1", Direction::Outbound, None),
            access("eu-central-1", Direction::Inbound, Some("1234abcd-12ab-34cd-56ef-1234567890ab")),
        ];
        insta::assert_json_snapshot!(foreign_queues("999999999999", &all), @r#"
        {
          "Statement": [
            {
              "Action": [
                "sqs:SendMessage",
                "sqs:GetQueueAttributes"
              ],
              "Effect": "Allow",
              "Resource": [
                "arn:aws:sqs:eu-central-1:123456789012:orders"
              ]
            },
            {
              "Action": [
                "sqs:ReceiveMessage",
                "sqs:DeleteMessage",
                "sqs:ChangeMessageVisibility",
                "sqs:GetQueueAttributes"
              ],
              "Effect": "Allow",
              "Resource": [
                "arn:aws:sqs:eu-central-1:123456789012:orders"
              ]
            },
            {
              "Action": [
                "kms:Decrypt"
              ],
              "Effect": "Allow",
              "Resource": "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
            }
          ],
          "Version": "2012-10-17"
        }
        "#);
    }

    #[test]
    fn a_key_is_named_by_its_arn_or_by_its_alias() {
        let keys: Vec<_> = [
            "alias/orders",
            "arn:aws-cn:kms:cn-north-1:123456789012:alias/orders",
            "arn:aws-cn:kms:cn-north-1:123456789012:key/1",
        ]
        .map(|key| key_access(&queue("cn-north-1"), key, Direction::Outbound))
        .into();
        insta::assert_json_snapshot!(keys, @r#"
        [
          {
            "Action": [
              "kms:GenerateDataKey",
              "kms:Decrypt"
            ],
            "Condition": {
              "ForAnyValue:StringEquals": {
                "kms:ResourceAliases": "alias/orders"
              }
            },
            "Effect": "Allow",
            "Resource": "arn:aws-cn:kms:cn-north-1:123456789012:key/*"
          },
          {
            "Action": [
              "kms:GenerateDataKey",
              "kms:Decrypt"
            ],
            "Condition": {
              "ForAnyValue:StringEquals": {
                "kms:ResourceAliases": "alias/orders"
              }
            },
            "Effect": "Allow",
            "Resource": "arn:aws-cn:kms:cn-north-1:123456789012:key/*"
          },
          {
            "Action": [
              "kms:GenerateDataKey",
              "kms:Decrypt"
            ],
            "Effect": "Allow",
            "Resource": "arn:aws-cn:kms:cn-north-1:123456789012:key/1"
          }
        ]
        "#);
    }

    #[test]
    fn the_console_may_only_touch_roles_of_bridges() {
        insta::assert_snapshot!(console_policy(Partition::Eusc, "111122223333", Some("arn:aws-eusc:iam::111122223333:policy/limit")), @r#"
        {
          "Statement": [
            {
              "Action": "iam:CreateRole",
              "Condition": {
                "StringEquals": {
                  "iam:PermissionsBoundary": "arn:aws-eusc:iam::111122223333:policy/limit"
                }
              },
              "Effect": "Allow",
              "Resource": "arn:aws-eusc:iam::111122223333:role/event-broker/*",
              "Sid": "EbmMakeRoles"
            },
            {
              "Action": [
                "iam:TagRole",
                "iam:GetRole",
                "iam:UpdateAssumeRolePolicy",
                "iam:PutRolePolicy",
                "iam:GetRolePolicy",
                "iam:ListRolePolicies",
                "iam:DeleteRolePolicy",
                "iam:DeleteRole",
                "iam:SimulatePrincipalPolicy"
              ],
              "Effect": "Allow",
              "Resource": "arn:aws-eusc:iam::111122223333:role/event-broker/*",
              "Sid": "EbmManageRoles"
            },
            {
              "Action": "iam:ListRoles",
              "Effect": "Allow",
              "Resource": "*",
              "Sid": "EbmFindRoles"
            }
          ],
          "Version": "2012-10-17"
        }
        "#);
        insta::assert_snapshot!(worker_policy(Partition::Aws, "111122223333"), @r#"
        {
          "Statement": [
            {
              "Action": "sts:AssumeRole",
              "Effect": "Allow",
              "Resource": "arn:aws:iam::111122223333:role/event-broker/*",
              "Sid": "EbmAssumeRoles"
            }
          ],
          "Version": "2012-10-17"
        }
        "#);
    }
}
