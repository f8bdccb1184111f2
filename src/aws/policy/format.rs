//! A statement in the forms people keep policies in.

use std::fmt::Write as _;

use serde_json::Value;

use super::{
    merge::{MergeError, merge},
    statement::Statement,
};

/// How a statement is to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The statements alone, to be added to a policy.
    Json,
    /// A whole policy of only these statements, for a queue that has none.
    Policy,
    /// `statement` blocks of Terraform's `aws_iam_policy_document`.
    Terraform,
    /// Items of the `Statement` list of an `AWS::SQS::QueuePolicy`, as YAML.
    CloudFormation,
}

/// Text to copy, and what must be said with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snippet {
    /// The text.
    pub text: String,
    /// What goes wrong if it is used carelessly.
    pub warning: Option<&'static str>,
}

/// Terraform Registry, `aws_sqs_queue_policy`; AWS `CloudFormation` User Guide, `AWS::SQS::QueuePolicy`.
const REPLACES_WHOLE_TERRAFORM: &str = "aws_sqs_queue_policy replaces the whole policy of the queue. Add this statement to the aws_iam_policy_document \
     that the queue already uses; a document with this statement alone would take away everybody else's access.";
const REPLACES_WHOLE_CLOUDFORMATION: &str = "AWS::SQS::QueuePolicy replaces the whole policy of the queue, and a second one for the same queue replaces the \
     first. Add this item to the Statement list of the one that the queue already has.";
const REPLACES_WHOLE_POLICY: &str =
    "Saving this replaces the whole policy of the queue. Use it only where the queue has no policy yet.";

/// Writes statements in a format.
///
/// # Errors
/// Only [`Format::Policy`] can fail, where there are more statements than a queue takes.
pub fn render(format: Format, statements: &[Statement]) -> Result<Snippet, MergeError> {
    Ok(match format {
        Format::Json => Snippet { text: json(statements), warning: None },
        Format::Policy => Snippet { text: merge(None, statements)?, warning: Some(REPLACES_WHOLE_POLICY) },
        Format::Terraform => Snippet { text: terraform(statements), warning: Some(REPLACES_WHOLE_TERRAFORM) },
        Format::CloudFormation => {
            Snippet { text: cloud_formation(statements), warning: Some(REPLACES_WHOLE_CLOUDFORMATION) }
        }
    })
}

fn json(statements: &[Statement]) -> String {
    let texts: Vec<_> = statements.iter().map(|s| serde_json::to_string_pretty(s).unwrap_or_default()).collect();
    texts.join(",\n")
}

/// A double-quoted string: JSON's escapes are YAML's and HCL's too.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// HCL reads `${` and `%{` in a string as templates unless the sign is doubled (Terraform Language, "Strings and
/// Templates").
fn hcl(text: &str) -> String {
    quoted(text).replace("${", "$${").replace("%{", "%%{")
}

fn terraform(statements: &[Statement]) -> String {
    let mut out = String::new();
    for Statement { sid, effect, principal, action, resource } in statements {
        let actions: Vec<_> = action.iter().map(|action| hcl(action)).collect();
        let (sid, effect, role, resource) = (hcl(sid), hcl(effect), hcl(&principal.aws), hcl(resource));
        let actions = actions.join(", ");
        let separator = if out.is_empty() { "" } else { "\n" };
        // Writing to a String cannot fail.
        let _ = write!(
            out,
            "{separator}statement {{\n  sid       = {sid}\n  effect    = {effect}\n  actions   = [{actions}]\n  \
             resources = [{resource}]\n\n  principals {{\n    type        = \"AWS\"\n    identifiers = [{role}]\n  }}\n}}\n"
        );
    }
    out
}

fn cloud_formation(statements: &[Statement]) -> String {
    let mut out = String::new();
    for Statement { sid, effect, principal, action, resource } in statements {
        let (sid, effect, role, resource) = (quoted(sid), quoted(effect), quoted(&principal.aws), quoted(resource));
        let _ = write!(out, "- Sid: {sid}\n  Effect: {effect}\n  Principal:\n    AWS: {role}\n  Action:\n");
        for action in action {
            let _ = writeln!(out, "    - {}", quoted(action));
        }
        let _ = writeln!(out, "  Resource: {resource}");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        aws::{
            policy::statement,
            testing::{bridge, queue, role},
        },
        domain::bridge::Direction,
    };

    fn snippet(format: Format) -> Snippet {
        let inbound = statement(bridge(), &role("aws"), &queue("eu-central-1"), Direction::Inbound);
        render(format, &[inbound]).unwrap()
    }

    #[test]
    fn json_is_the_statement_alone() {
        insta::assert_snapshot!(snippet(Format::Json).text, @r#"
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
        "#);
        assert_eq!(snippet(Format::Json).warning, None);
    }

    #[test]
    fn terraform_is_a_block_of_a_policy_document() {
        insta::assert_snapshot!(snippet(Format::Terraform).text, @r#"
        statement {
          sid       = "EbmBridge0199c0de000070008000000000000001Inbound"
          effect    = "Allow"
          actions   = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes"]
          resources = ["arn:aws:sqs:eu-central-1:123456789012:orders"]

          principals {
            type        = "AWS"
            identifiers = ["arn:aws:iam::111122223333:role/event-broker/ebm-0199c0de-0000-7000-8000-000000000001"]
          }
        }
        "#);
        assert!(snippet(Format::Terraform).warning.is_some_and(|w| w.contains("whole policy")));
    }

    #[test]
    fn cloud_formation_is_an_item_of_the_list_of_statements() {
        insta::assert_snapshot!(snippet(Format::CloudFormation).text, @r#"
        - Sid: "EbmBridge0199c0de000070008000000000000001Inbound"
          Effect: "Allow"
          Principal:
            AWS: "arn:aws:iam::111122223333:role/event-broker/ebm-0199c0de-0000-7000-8000-000000000001"
          Action:
            - "sqs:ReceiveMessage"
            - "sqs:DeleteMessage"
            - "sqs:ChangeMessageVisibility"
            - "sqs:GetQueueAttributes"
          Resource: "arn:aws:sqs:eu-central-1:123456789012:orders"
        "#);
        assert!(snippet(Format::CloudFormation).warning.is_some_and(|w| w.contains("whole policy")));
    }

    #[test]
    fn a_template_sign_of_terraform_stays_text() {
        assert_eq!(hcl("a${b}%{c}\"$d"), r#""a$${b}%%{c}\"$d""#);
    }
}
