//! The grades of a check, and how they follow from what was seen. Pure.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    aws::{
        error::Error,
        evaluate::{Unreadable, Verdict},
        queue::QueueAttributes,
        role::{OwnSide, Simulated},
        side::Side,
    },
    domain::{bridge::Direction, queue_url::QueueUrl},
};

/// A change in IAM may take this long to be seen everywhere (IAM User Guide, "Troubleshoot IAM: Changes that I make are
/// not always immediately visible"; SQS names 60 s for a queue's policy).
const SETTLES_WITHIN: Duration = Duration::from_secs(90);

/// A bridge must be able to stand still for a day without losing messages.
const SHORT_RETENTION: Duration = Duration::from_hours(24);
/// Fewer receives than this leave no room for retries before a message goes to the owner's dead-letter queue (AWS
/// Lambda Developer Guide, "Creating and configuring an Amazon SQS event source mapping", gives the same advice).
const LOW_RECEIVE_COUNT: u32 = 5;
/// An event of 64 KiB must fit with room for its attributes, or encoded as Base64.
const SMALL_MESSAGE_SIZE: u32 = 96 * 1024;

/// What a check of one queue found. Kept as JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QueueCheck {
    /// The queue.
    pub queue: QueueUrl,
    /// Each action of each direction; those on the queue's key too where it has one.
    pub actions: Vec<ActionCheck>,
    /// What will work and yet may end badly.
    pub warnings: Vec<Warning>,
    /// The queue's attributes, its present policy among them, where they could be read.
    pub attributes: Option<QueueAttributes>,
}

/// One action of one direction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionCheck {
    /// The direction that needs it.
    pub direction: Direction,
    /// `sqs:SendMessage`.
    pub action: String,
    /// How it fares.
    #[serde(flatten)]
    pub grade: Grade,
}

/// How an action fares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "grade", rename_all = "snake_case")]
pub enum Grade {
    /// A harmless call was allowed.
    Proved,
    /// The policies allow it, on both sides where both count.
    ReadFromPolicies,
    /// It can only show when the first message passes.
    SeenAtFirstUse,
    /// It is not allowed.
    Missing {
        /// Whose policy lacks it, or denies it.
        side: Side,
        /// What to do.
        text: String,
    },
    /// Refused, but so soon after a change that this says nothing.
    NotVisibleYet,
    /// It could not be found out.
    CouldNotCheck {
        /// Why.
        why: String,
    },
}

/// Something to know about the queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// A stable word: `short_retention`, `low_max_receive_count`, `small_max_message_size`.
    pub code: String,
    /// For people.
    pub text: String,
}

/// What a check comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Readiness {
    /// All is allowed, as far as it can show before the first message.
    Ready,
    /// Something could not be found out; people may vouch for it.
    Unknown,
    /// Check again in a minute.
    NotYet,
    /// Something is missing.
    NotReady,
}

impl QueueCheck {
    /// What it comes to: the worst of its actions.
    pub fn readiness(&self) -> Readiness {
        self.actions.iter().map(|action| action.grade.readiness()).max().unwrap_or(Readiness::Unknown)
    }
}

impl Grade {
    /// What the action alone comes to.
    pub fn readiness(&self) -> Readiness {
        match self {
            Self::Proved | Self::ReadFromPolicies | Self::SeenAtFirstUse => Readiness::Ready,
            Self::CouldNotCheck { .. } => Readiness::Unknown,
            Self::NotVisibleYet => Readiness::NotYet,
            Self::Missing { .. } => Readiness::NotReady,
        }
    }
}

/// What bears on one action.
pub(super) struct Seen<'a> {
    pub action: &'a str,
    /// Whether the role could be assumed.
    pub assumed: Result<(), &'a Error>,
    /// A harmless call of this action; `None` where there is none.
    pub tried: Option<Result<(), &'a Error>>,
    /// What the queue's policy says; `None` where it could not be read.
    pub verdict: Option<Result<Verdict, Unreadable>>,
    /// What the role's own side says; `None` inside where the simulation left it out.
    pub simulated: Result<Option<&'a Simulated>, &'a Error>,
    /// Whether the queue is another account's.
    pub foreign: bool,
    /// Time since the role or its policies were changed.
    pub role_age: Duration,
}

/// Grades an action.
pub(super) fn grade(seen: &Seen<'_>) -> Grade {
    if let Err(error) = seen.assumed {
        return refused(error, Side::Trust, seen);
    }
    let consent = match &seen.verdict {
        None => None,
        Some(Err(unreadable)) => return Grade::CouldNotCheck { why: unreadable.to_string() },
        Some(Ok(verdict)) => Some(consent(verdict, seen.action)),
    };
    match (seen.tried, consent) {
        // What the policy says beats what happened to work: access that nobody gave to this role may go any time.
        (_, Some(Consent::None(text))) => Grade::Missing { side: Side::Queue, text },
        (Some(Err(error @ Error::AccessDenied { message, .. })), Some(Consent::Given | Consent::Hangs(_))) => {
            // The policy is there, and SQS does not go by it yet; or another side forbids.
            match Side::of_queue_call(message, seen.foreign) {
                Side::Queue | Side::Unknown => Grade::NotVisibleYet,
                side => refused(error, side, seen),
            }
        }
        (Some(Err(error)), _) => refused(error, Side::Queue, seen),
        (Some(Ok(())), _) => Grade::Proved,
        (None, None) => Grade::CouldNotCheck {
            why: "the queue's policy cannot be read until sqs:GetQueueAttributes is allowed".into(),
        },
        (None, Some(Consent::Hangs(why))) => Grade::CouldNotCheck { why },
        (None, Some(Consent::Given)) => own_side(seen),
    }
}

/// A call that failed.
fn refused(error: &Error, side: Side, seen: &Seen<'_>) -> Grade {
    match error {
        Error::AccessDenied { .. } | Error::QueueGone { .. } if seen.role_age < SETTLES_WITHIN => Grade::NotVisibleYet,
        Error::AccessDenied { message, .. } => {
            let side = match Side::of_queue_call(message, seen.foreign) {
                Side::Unknown => side,
                said => said,
            };
            Grade::Missing { side, text: error.to_string() }
        }
        Error::QueueGone { .. } | Error::OtherPartition { .. } => Grade::Missing { side, text: error.to_string() },
        error => Grade::CouldNotCheck { why: error.to_string() },
    }
}

/// What the queue's owner has said.
enum Consent {
    Given,
    /// It hangs on something.
    Hangs(String),
    /// None, and what to do.
    None(String),
}

fn consent(verdict: &Verdict, action: &str) -> Consent {
    match verdict {
        Verdict::Allowed { .. } => Consent::Given,
        Verdict::Conditional { by, denies, keys } => {
            let does = if *denies { "denies" } else { "allows" };
            let keys = keys.join(", ");
            Consent::Hangs(format!("\"{by}\" of the queue's policy {does} {action} under a condition ({keys})"))
        }
        Verdict::Denied { by } => Consent::None(format!(
            "\"{by}\" of the queue's policy denies {action}, whatever else is there: except the bridge's role from it"
        )),
        Verdict::Recreated { by, principal } => Consent::None(format!(
            "\"{by}\" of the queue's policy was made for a role that no longer exists ({principal}): replace it by the \
             bridge's statement"
        )),
        Verdict::WiderOnly { by } => Consent::None(format!(
            "\"{by}\" of the queue's policy lets in everybody or a whole account, which is not taken as consent: add the \
             bridge's statement for {action}"
        )),
        Verdict::Missing => Consent::None(format!(
            "no statement of the queue's policy lets the bridge's role do {action}: add the bridge's statement"
        )),
    }
}

/// The role's own side, for an action that the queue's side allows and that cannot be tried.
///
/// In one account the queue's statement suffices, unless something denies it, or a permissions boundary leaves it out
/// (IAM User Guide, "Permissions boundaries for IAM entities"). Across accounts the role's policy must allow it too.
fn own_side(seen: &Seen<'_>) -> Grade {
    let missing = |side, text: String| Grade::Missing { side, text };
    let action = seen.action;
    match seen.simulated.map(|own| own.map(|own| own.says)) {
        Ok(Some(OwnSide::Denies)) => missing(Side::Role, format!("a policy of the bridge's role denies {action}")),
        Ok(Some(OwnSide::OutsideBoundary)) => {
            missing(Side::Boundary, format!("the permissions boundary of the bridge's role leaves out {action}"))
        }
        Ok(Some(OwnSide::OutsideOrganization)) => {
            missing(Side::Organization, format!("a policy of the AWS organization forbids {action}"))
        }
        Ok(Some(OwnSide::Allows)) => Grade::ReadFromPolicies,
        _ if !seen.foreign => Grade::ReadFromPolicies,
        Ok(Some(OwnSide::Silent)) if seen.role_age < SETTLES_WITHIN => Grade::NotVisibleYet,
        Ok(Some(OwnSide::Silent)) => missing(
            Side::Role,
            format!(
                "the queue is in another account, and the policy of the bridge's role does not allow {action} there"
            ),
        ),
        Ok(None) => Grade::CouldNotCheck { why: format!("AWS's simulation of the role says nothing of {action}") },
        Err(error) => Grade::CouldNotCheck { why: error.to_string() },
    }
}

/// The grade of an action on the queue's key, which no harmless call shows.
pub(super) fn key_grade(key: &str, foreign: bool) -> Grade {
    let is_managed = key == "alias/aws/sqs" || key.ends_with(":alias/aws/sqs");
    if is_managed && foreign {
        // Amazon SQS Developer Guide, "Key management": the policy of an AWS managed key cannot be changed.
        return Grade::Missing {
            side: Side::Key,
            text: "the queue is encrypted with alias/aws/sqs, which nobody of another account can use: have the queue \
                   encrypted with SSE-SQS or with a customer-managed key"
                .into(),
        };
    }
    Grade::SeenAtFirstUse
}

/// What may end badly.
pub(super) fn warnings(attributes: &QueueAttributes, directions: &[Direction]) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let mut warn = |code: &str, text| warnings.push(Warning { code: code.into(), text });
    if attributes.retention < SHORT_RETENTION {
        let seconds = attributes.retention.as_secs();
        warn(
            "short_retention",
            format!("the queue keeps messages for {seconds} s only; what is not read by then is lost"),
        );
    }
    if let Some(count) = attributes.max_receive_count.filter(|&count| count < LOW_RECEIVE_COUNT)
        && directions.contains(&Direction::Inbound)
    {
        warn(
            "low_max_receive_count",
            format!(
                "after {count} receives a message goes to the queue's own dead-letter queue: raise maxReceiveCount to {LOW_RECEIVE_COUNT} or more"
            ),
        );
    }
    if attributes.max_message_size < SMALL_MESSAGE_SIZE && directions.contains(&Direction::Outbound) {
        let size = attributes.max_message_size;
        warn(
            "small_max_message_size",
            format!("the queue takes messages of {size} bytes at most; larger events become dead letters"),
        );
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: Duration = Duration::from_secs(90);
    const YOUNG: Duration = Duration::from_secs(89);

    fn denied(message: &str) -> Error {
        Error::AccessDenied { what: "sqs:GetQueueAttributes", message: message.into() }
    }

    fn simulated(says: OwnSide) -> Simulated {
        Simulated { action: String::new(), says }
    }

    fn seen<'a>(
        tried: Option<Result<(), &'a Error>>,
        verdict: Option<Verdict>,
        own: Option<&'a Simulated>,
    ) -> Seen<'a> {
        Seen {
            action: "sqs:SendMessage",
            assumed: Ok(()),
            tried,
            verdict: verdict.map(Ok),
            simulated: Ok(own),
            foreign: false,
            role_age: OLD,
        }
    }

    fn yes() -> Verdict {
        Verdict::Allowed { by: "S".into() }
    }

    fn side(grade: &Grade) -> Option<Side> {
        if let Grade::Missing { side, .. } = grade { Some(*side) } else { None }
    }

    #[test]
    fn what_was_tried_and_consented_to_is_proved() {
        assert_eq!(grade(&seen(Some(Ok(())), Some(yes()), None)), Grade::Proved);
        let hangs = Verdict::Conditional { by: "S".into(), denies: false, keys: vec!["aws:SourceVpc".into()] };
        assert_eq!(grade(&seen(Some(Ok(())), Some(hangs.clone()), None)), Grade::Proved);
        assert!(matches!(grade(&seen(None, Some(hangs), None)), Grade::CouldNotCheck { .. }));
    }

    #[test]
    fn access_without_consent_is_missing_even_where_it_works() {
        let by = || "S".to_owned();
        for verdict in [
            Verdict::Missing,
            Verdict::WiderOnly { by: by() },
            Verdict::Denied { by: by() },
            Verdict::Recreated { by: by(), principal: "AROAX".into() },
        ] {
            for tried in [Some(Ok(())), None] {
                assert_eq!(side(&grade(&seen(tried, Some(verdict.clone()), None))), Some(Side::Queue), "{verdict:?}");
            }
        }
    }

    #[test]
    fn a_refusal_soon_after_a_change_says_nothing_yet() {
        let error = denied("no text");
        let mut seen = seen(Some(Err(&error)), None, None);
        assert_eq!(side(&grade(&seen)), Some(Side::Queue));
        seen.role_age = YOUNG;
        assert_eq!(grade(&seen), Grade::NotVisibleYet);
        seen.tried = Some(Ok(()));
        seen.assumed = Err(&error);
        assert_eq!(grade(&seen), Grade::NotVisibleYet);
        seen.role_age = OLD;
        assert_eq!(side(&grade(&seen)), Some(Side::Trust));
    }

    #[test]
    fn a_policy_that_allows_what_sqs_still_refuses_is_not_visible_yet() {
        let error = denied("because no resource-based policy allows the sqs:deletemessage action");
        assert_eq!(grade(&seen(Some(Err(&error)), Some(yes()), None)), Grade::NotVisibleYet);
        let error = denied("with an explicit deny in a service control policy");
        assert_eq!(side(&grade(&seen(Some(Err(&error)), Some(yes()), None))), Some(Side::Organization));
    }

    #[test]
    fn in_one_account_a_refusal_that_names_the_role_means_the_queue() {
        let error = denied("because no identity-based policy allows the sqs:deletemessage action");
        let mut seen = seen(Some(Err(&error)), None, None);
        assert_eq!(side(&grade(&seen)), Some(Side::Queue));
        seen.foreign = true;
        assert_eq!(side(&grade(&seen)), Some(Side::Role));
        let error = denied("with an explicit deny in an identity-based policy");
        seen.tried = Some(Err(&error));
        seen.foreign = false;
        assert_eq!(side(&grade(&seen)), Some(Side::Role));
    }

    #[test]
    fn in_one_account_the_queue_s_side_suffices_and_across_accounts_both_count() {
        let (no, allowed) = (simulated(OwnSide::Silent), simulated(OwnSide::Allows));
        assert_eq!(grade(&seen(None, Some(yes()), Some(&no))), Grade::ReadFromPolicies);
        let mut foreign = seen(None, Some(yes()), Some(&no));
        foreign.foreign = true;
        assert_eq!(side(&grade(&foreign)), Some(Side::Role));
        foreign.role_age = YOUNG;
        assert_eq!(grade(&foreign), Grade::NotVisibleYet);
        foreign.simulated = Ok(Some(&allowed));
        assert_eq!(grade(&foreign), Grade::ReadFromPolicies);
        let error = denied("x");
        foreign.simulated = Err(&error);
        assert!(matches!(grade(&foreign), Grade::CouldNotCheck { .. }));
        foreign.foreign = false;
        assert_eq!(grade(&foreign), Grade::ReadFromPolicies);
    }

    #[test]
    fn a_boundary_or_a_deny_of_the_own_side_counts_in_one_account_too() {
        let bounded = simulated(OwnSide::OutsideBoundary);
        assert_eq!(side(&grade(&seen(None, Some(yes()), Some(&bounded)))), Some(Side::Boundary));
        let denied = simulated(OwnSide::Denies);
        assert_eq!(side(&grade(&seen(None, Some(yes()), Some(&denied)))), Some(Side::Role));
    }

    #[test]
    fn the_key_of_aws_itself_cannot_serve_another_account() {
        assert_eq!(side(&key_grade("alias/aws/sqs", true)), Some(Side::Key));
        assert_eq!(side(&key_grade("arn:aws:kms:eu-central-1:1:alias/aws/sqs", true)), Some(Side::Key));
        assert_eq!(key_grade("alias/aws/sqs", false), Grade::SeenAtFirstUse);
        assert_eq!(key_grade("alias/mine", true), Grade::SeenAtFirstUse);
    }

    #[test]
    fn a_queue_that_may_lose_messages_is_warned_of() {
        let attributes = QueueAttributes {
            retention: Duration::from_hours(1),
            max_receive_count: Some(1),
            max_message_size: 1_024,
            ..QueueAttributes::default()
        };
        let codes = |directions: &[Direction]| -> Vec<_> {
            warnings(&attributes, directions).into_iter().map(|w| w.code).collect()
        };
        assert_eq!(codes(&[Direction::Inbound]), ["short_retention", "low_max_receive_count"]);
        assert_eq!(codes(&[Direction::Outbound]), ["short_retention", "small_max_message_size"]);
    }

    #[test]
    fn the_result_is_kept_as_json() {
        let check = QueueCheck {
            queue: crate::aws::testing::queue("eu-central-1"),
            actions: vec![
                ActionCheck {
                    direction: Direction::Outbound,
                    action: "sqs:SendMessage".into(),
                    grade: Grade::ReadFromPolicies,
                },
                ActionCheck {
                    direction: Direction::Outbound,
                    action: "sqs:GetQueueAttributes".into(),
                    grade: Grade::Missing { side: Side::Queue, text: "add it".into() },
                },
            ],
            warnings: Vec::new(),
            attributes: None,
        };
        insta::assert_json_snapshot!(check, @r#"
        {
          "queue": "https://sqs.eu-central-1.amazonaws.com/123456789012/orders",
          "actions": [
            {
              "direction": "outbound",
              "action": "sqs:SendMessage",
              "grade": "read_from_policies"
            },
            {
              "direction": "outbound",
              "action": "sqs:GetQueueAttributes",
              "grade": "missing",
              "side": "queue",
              "text": "add it"
            }
          ],
          "warnings": [],
          "attributes": null
        }
        "#);
        assert_eq!(serde_json::from_value::<QueueCheck>(serde_json::to_value(&check).unwrap()).unwrap(), check);
        assert_eq!(check.readiness(), Readiness::NotReady);
    }
}
