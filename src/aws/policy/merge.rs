//! A queue's own policy with our statements in it.

use serde_json::value::RawValue;

use super::{
    json::{self, Object},
    statement::{Statement, is_ours},
};

/// The most bytes of a queue's policy (Amazon SQS Developer Guide, "Amazon SQS policy quotas").
pub const MAX_POLICY_BYTES: usize = 8_192;

/// The most statements of a queue's policy (same page).
pub const MAX_STATEMENTS: usize = 20;

/// The version of the policy language, given where a queue has no policy yet (IAM User Guide, "IAM JSON policy
/// elements: Version").
const VERSION: &str = "2012-10-17";

/// Why our statements could not be put into a policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// The queue's policy is not one that we can read.
    #[error("the queue's present policy cannot be read ({0}): add the statements to it by hand")]
    Unreadable(String),
    /// A queue takes one policy of 8,192 bytes and 20 statements.
    #[error(
        "the queue's policy would have {bytes} bytes and {statements} statements, and SQS takes {MAX_POLICY_BYTES} \
         bytes and {MAX_STATEMENTS} statements: remove what is no longer needed"
    )]
    TooLarge {
        /// Bytes without blanks.
        bytes: usize,
        /// How many statements.
        statements: usize,
        /// The statements of others, the most promising to remove first.
        remove: Vec<Removable>,
    },
}

/// A statement that could make room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removable {
    /// Its `Sid`, or `statement 3` where it has none.
    pub name: String,
    /// Bytes it takes.
    pub bytes: usize,
    /// Why it may be superfluous, where that can be told.
    pub why: Option<&'static str>,
}

/// Puts `ours` into the policy that a queue has, or makes a new one.
///
/// A statement with a `Sid` of `ours` is replaced where it stands; all others keep their place and every byte that
/// means something. The text is indented where it fits so, else without blanks.
///
/// # Errors
/// [`MergeError::TooLarge`] where SQS would not take the result; [`MergeError::Unreadable`] where `existing` is not
/// the JSON of a policy.
pub fn merge(existing: Option<&str>, ours: &[Statement]) -> Result<String, MergeError> {
    let existing = existing.map(str::trim).filter(|text| !text.is_empty());
    let policy: Object = serde_json::from_str(existing.unwrap_or("{}")).map_err(|e| unreadable(&e))?;
    let theirs = policy.get("Statement").map_or(Ok(Vec::new()), elements)?;

    let mut texts: Vec<(Option<String>, String, bool)> = Vec::new();
    let mut waiting: Vec<&Statement> = ours.iter().collect();
    for raw in theirs {
        let sid = sid_of(&raw)?;
        match sid.as_ref().and_then(|sid| waiting.iter().position(|statement| statement.sid == *sid)) {
            Some(at) => texts.push((sid, text_of(waiting.remove(at)), true)),
            // A second statement under a Sid that was replaced already would be refused by SQS.
            None if ours.iter().any(|statement| Some(&statement.sid) == sid.as_ref()) => {}
            None => texts.push((sid, json::compact(raw.get()), false)),
        }
    }
    texts.extend(waiting.into_iter().map(|statement| (Some(statement.sid.clone()), text_of(statement), true)));

    let all: Vec<&str> = texts.iter().map(|(_, text, _)| text.as_str()).collect();
    let compact = document(&policy, &all);
    if compact.len() > MAX_POLICY_BYTES || texts.len() > MAX_STATEMENTS {
        let remove = removable(&texts);
        return Err(MergeError::TooLarge { bytes: compact.len(), statements: texts.len(), remove });
    }
    let pretty = json::pretty(&compact);
    Ok(if pretty.len() <= MAX_POLICY_BYTES { pretty } else { compact })
}

fn unreadable(error: &serde_json::Error) -> MergeError {
    MergeError::Unreadable(error.to_string())
}

/// `Statement` may be one object or an array of them.
fn elements(raw: &RawValue) -> Result<Vec<Box<RawValue>>, MergeError> {
    if raw.get().starts_with('[') {
        serde_json::from_str(raw.get()).map_err(|e| unreadable(&e))
    } else {
        Ok(vec![raw.to_owned()])
    }
}

fn sid_of(raw: &RawValue) -> Result<Option<String>, MergeError> {
    let statement: Object = serde_json::from_str(raw.get()).map_err(|e| unreadable(&e))?;
    statement.get("Sid").map(|sid| serde_json::from_str(sid.get()).map_err(|e| unreadable(&e))).transpose()
}

fn text_of(statement: &Statement) -> String {
    // A struct of strings has no way to fail.
    serde_json::to_string(statement).unwrap_or_default()
}

/// The whole policy without blanks: its other members as they were, `Statement` in its old place.
fn document(policy: &Object, statements: &[&str]) -> String {
    let statements = format!("\"Statement\":[{}]", statements.join(","));
    let mut members: Vec<String> = policy
        .0
        .iter()
        .map(|(name, value)| match name.as_str() {
            "Statement" => statements.clone(),
            name => format!("{}:{}", serde_json::Value::from(name), json::compact(value.get())),
        })
        .collect();
    if policy.get("Version").is_none() && policy.0.is_empty() {
        members.push(format!("\"Version\":\"{VERSION}\""));
    }
    if policy.get("Statement").is_none() {
        members.push(statements);
    }
    format!("{{{}}}", members.join(","))
}

/// What could go, those with a reason first, then by size.
fn removable(texts: &[(Option<String>, String, bool)]) -> Vec<Removable> {
    let mut all: Vec<_> = texts
        .iter()
        .enumerate()
        .filter(|(_, (_, _, ours))| !ours)
        .map(|(index, (sid, text, _))| Removable {
            name: sid.clone().unwrap_or_else(|| format!("statement {}", index + 1)),
            bytes: text.len(),
            why: why_removable(sid.as_deref(), text),
        })
        .collect();
    all.sort_by_key(|r| (r.why.is_none(), std::cmp::Reverse(r.bytes)));
    all
}

/// SQS shows the unique id of a principal that was deleted in place of its ARN (IAM User Guide, "AWS JSON policy
/// elements: Principal").
fn why_removable(sid: Option<&str>, text: &str) -> Option<&'static str> {
    if text.contains("\"AROA") || text.contains("\"AIDA") {
        Some("it names a role or user that no longer exists")
    } else if sid.is_some_and(is_ours) {
        Some("it was made for another bridge: remove it if that bridge is gone")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        aws::{
            policy::statement,
            testing::{bridge, queue, role},
        },
        domain::bridge::Direction,
    };

    fn ours() -> Vec<Statement> {
        vec![statement(bridge(), &role("aws"), &queue("eu-central-1"), Direction::Outbound)]
    }

    #[test]
    fn a_queue_without_a_policy_gets_one() {
        insta::assert_snapshot!(merge(None, &ours()).unwrap(), @r#"
        {
          "Version": "2012-10-17",
          "Statement": [
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
            }
          ]
        }
        "#);
        assert_eq!(merge(Some(" "), &ours()), merge(None, &ours()));
    }

    #[test]
    fn statements_of_others_keep_their_order_and_every_number() {
        let theirs = r#"{"Version":"2008-10-17","Id":"mine","Statement":[
            {"Sid":"Z","Effect":"Deny","Principal":"*","Action":"SQS:*","Resource":"*","Condition":{"NumericLessThan":{"s3:TlsVersion":1.20}}},
            {"Resource":"*","Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":"sqs:SendMessage"}]}"#;
        insta::assert_snapshot!(merge(Some(theirs), &ours()).unwrap(), @r#"
        {
          "Version": "2008-10-17",
          "Id": "mine",
          "Statement": [
            {
              "Sid": "Z",
              "Effect": "Deny",
              "Principal": "*",
              "Action": "SQS:*",
              "Resource": "*",
              "Condition": {
                "NumericLessThan": {
                  "s3:TlsVersion": 1.20
                }
              }
            },
            {
              "Resource": "*",
              "Effect": "Allow",
              "Principal": {
                "AWS": "123456789012"
              },
              "Action": "sqs:SendMessage"
            },
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
            }
          ]
        }
        "#);
    }

    #[test]
    fn our_own_statement_is_replaced_where_it_stands() {
        let old = merge(Some(r#"{"Statement":[{"Sid":"A"},{"Sid":"B"}]}"#), &ours()).unwrap();
        let mut changed = ours();
        changed[0].resource = "arn:aws:sqs:eu-central-1:123456789012:other".into();
        let new: Value = serde_json::from_str(&merge(Some(&old), &changed).unwrap()).unwrap();
        let sids: Vec<_> = new["Statement"].as_array().unwrap().iter().map(|s| s["Sid"].as_str().unwrap()).collect();
        assert_eq!(sids, ["A", "B", changed[0].sid.as_str()]);
        assert_eq!(new["Statement"][2]["Resource"], changed[0].resource);
        assert_eq!(merge(Some(&old), &ours()).unwrap(), old, "merging twice changes nothing");
    }

    #[test]
    fn one_statement_without_an_array_is_kept() {
        let merged: Value =
            serde_json::from_str(&merge(Some(r#"{"Statement":{"Sid":"A"}}"#), &ours()).unwrap()).unwrap();
        assert_eq!(merged["Statement"].as_array().unwrap().len(), 2);
    }

    #[test]
    fn the_twenty_first_statement_is_too_many_and_what_to_remove_is_named() {
        let mut theirs: Vec<Value> = (0..18).map(|i| json!({"Sid": format!("S{i}")})).collect();
        theirs.push(json!({"Sid": "Old", "Principal": {"AWS": "AROAEXAMPLE"}}));
        theirs.push(json!({"Sid": "EbmBridge00000000000000000000000000000000Inbound"}));
        let refused = merge(Some(&json!({"Statement": theirs}).to_string()), &ours()).unwrap_err();
        let MergeError::TooLarge { statements, remove, .. } = refused else { panic!("{refused}") };
        assert_eq!(statements, 21);
        let first: Vec<_> = remove.iter().take(2).map(|r| r.name.as_str()).collect();
        assert_eq!(first, ["EbmBridge00000000000000000000000000000000Inbound", "Old"]);
        assert_eq!(remove.len(), 20);
    }

    #[test]
    fn a_policy_is_written_without_blanks_where_it_would_not_fit_otherwise() {
        let filler = |n: usize| json!({"Statement": [{"Sid": "A", "Resource": vec!["*"; n]}]}).to_string();
        let merged = merge(Some(&filler(1_800)), &ours()).unwrap();
        assert!(!merged.contains('\n') && merged.len() <= MAX_POLICY_BYTES);
        assert!(matches!(merge(Some(&filler(2_050)), &ours()), Err(MergeError::TooLarge { bytes: 8_193.., .. })));
    }

    #[test]
    fn a_policy_that_is_not_json_is_left_alone() {
        for bad in ["nonsense", "[]", r#"{"Statement":"x"}"#, r#"{"Statement":[1]}"#, r#"{"Statement":[{"Sid":3}]}"#] {
            assert!(matches!(merge(Some(bad), &ours()), Err(MergeError::Unreadable(_))), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_was_there_is_there_afterwards(sids in proptest::collection::btree_set("[A-Za-z0-9]{1,12}", 0..19), single in any::<bool>()) {
            let theirs: Vec<Value> = sids.iter().map(|sid| json!({"Sid": sid, "Effect": "Allow", "N": 1})).collect();
            let policy = if single && theirs.len() == 1 { json!({"Statement": theirs[0]}) } else { json!({"Statement": theirs}) };
            let merged: Value = serde_json::from_str(&merge(Some(&policy.to_string()), &ours()).unwrap()).unwrap();
            let merged = merged["Statement"].as_array().unwrap();
            prop_assert_eq!(&merged[..theirs.len()], &theirs[..]);
            prop_assert_eq!(merged.len(), theirs.len() + 1);
        }
    }
}
