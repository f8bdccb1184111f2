//! Whether a bridge may do all it needs on a queue, found out without touching a message.
//!
//! Nothing is received, sent or deleted. What can be tried harmlessly is tried: reading attributes, and deleting and
//! hiding by a receipt that cannot exist. What cannot is read from the policies of both sides. Refuses to take access
//! that nobody gave to this role by name for consent.

mod grade;

use std::time::Duration;

pub use grade::{ActionCheck, Grade, QueueCheck, Readiness, Warning};

use self::grade::{Seen, grade, key_grade, warnings};
use super::{
    Aws,
    error::{Error, Result},
    evaluate::{Ask, Unreadable, Verdict, evaluate},
    policy,
    queue::{Queue, QueueAttributes},
    role::Simulated,
};
use crate::domain::{bridge::Direction, ids::BridgeId, queue_url::QueueUrl};

/// A receipt that SQS never gave.
const NO_RECEIPT: &str = "ebm-check-of-access";

/// The codes by which SQS shows that it looked at the receipt, and so had let the call in (Amazon SQS API Reference,
/// `DeleteMessage` and `ChangeMessageVisibility`).
const BAD_RECEIPT: [&str; 4] =
    ["ReceiptHandleIsInvalid", "InvalidParameterValue", "InvalidParameterValueException", "MessageNotInflight"];

impl Aws {
    /// Checks a queue for a bridge in each direction, action by action.
    ///
    /// `role_age` is the time since the role or its policies were last changed: a refusal soon after says nothing yet.
    /// A failure to find out is an answer too, so this has no errors.
    pub async fn check_queue(
        &self,
        bridge: BridgeId,
        external_id: &str,
        role_arn: &str,
        queue: &QueueUrl,
        directions: &[Direction],
        role_age: Duration,
    ) -> QueueCheck {
        let mut found = match self.queue(bridge, external_id, role_arn, queue) {
            // A queue of its own, and so a session of its own: the trust is proved anew each time.
            // Boxed: five calls of the SDK at once make a large future.
            Ok(queue) => Box::pin(Found::look(self, &queue, role_arn, directions)).await,
            Err(error) => Found::nothing(error),
        };
        let shares = self.settings().shared_role_arn.is_some();
        found.meant = shares.then(|| Direction::ALL.iter().map(|&direction| policy::sid(bridge, direction)).collect());
        let foreign = !self.is_own(queue);
        let mut actions = Vec::new();
        for &direction in directions {
            for action in policy::actions(direction) {
                let seen = found.seen(action, role_arn, queue, foreign, role_age);
                actions.push(ActionCheck { direction, action: (*action).to_owned(), grade: grade(&seen) });
            }
            let key = found.attributes.as_ref().ok().and_then(|attributes| attributes.kms_key.as_deref());
            for action in key.map_or(&[][..], |_| policy::key_actions(direction)) {
                let grade = key_grade(key.unwrap_or_default(), foreign);
                actions.push(ActionCheck { direction, action: (*action).to_owned(), grade });
            }
        }
        let attributes = found.attributes.ok();
        let warnings = attributes.as_ref().map(|attributes| warnings(attributes, directions)).unwrap_or_default();
        QueueCheck { queue: queue.clone(), actions, warnings, attributes }
    }
}

/// What was found out about a queue.
struct Found {
    /// The role's unique id, or why it could not be assumed.
    role_id: Result<String>,
    attributes: Result<QueueAttributes>,
    /// Deleting and hiding; `None` where not tried.
    delete: Option<Result<()>>,
    extend: Option<Result<()>>,
    simulated: Result<Vec<Simulated>>,
    /// The names of the bridge's statements, where it shares its role with others.
    meant: Option<Vec<String>>,
}

impl Found {
    fn nothing(error: Error) -> Self {
        let not_tried = || Err(Error::incomplete("sqs:GetQueueAttributes"));
        let (attributes, simulated) = (not_tried(), Ok(Vec::new()));
        Self { role_id: Err(error), attributes, delete: None, extend: None, simulated, meant: None }
    }

    async fn look(aws: &Aws, queue: &Queue, role_arn: &str, directions: &[Direction]) -> Self {
        let role_id = match queue.assume().await {
            Ok(id) => id,
            Err(error) => return Self::nothing(error),
        };
        let receives = directions.contains(&Direction::Inbound);
        let silent: Vec<&str> = directions.iter().flat_map(|&d| policy::actions(d)).copied().collect();
        let arn = queue.url().arn();
        let (attributes, delete, extend, simulated) = tokio::join!(
            queue.attributes(),
            async { if receives { Some(allowed(queue.try_delete(NO_RECEIPT).await)) } else { None } },
            async { if receives { Some(allowed(queue.try_extend(NO_RECEIPT).await)) } else { None } },
            aws.simulate(role_arn, &silent, &arn),
        );
        Self { role_id: Ok(role_id), attributes, delete, extend, simulated, meant: None }
    }

    /// What bears on one action.
    fn seen<'a>(
        &'a self,
        action: &'a str,
        role_arn: &'a str,
        queue: &QueueUrl,
        foreign: bool,
        role_age: Duration,
    ) -> Seen<'a> {
        let tried = match action {
            "sqs:GetQueueAttributes" => Some(self.attributes.as_ref().map(drop)),
            "sqs:DeleteMessage" => self.delete.as_ref().map(|tried| tried.as_ref().copied()),
            "sqs:ChangeMessageVisibility" => self.extend.as_ref().map(|tried| tried.as_ref().copied()),
            _ => None,
        };
        let simulated =
            self.simulated.as_ref().map(|all| all.iter().find(|one| one.action.eq_ignore_ascii_case(action)));
        Seen {
            action,
            assumed: self.role_id.as_ref().map(drop),
            tried,
            verdict: self.verdict(action, role_arn, queue),
            simulated,
            foreign,
            role_age,
        }
    }

    /// What the queue's policy says; `None` where it could not be read.
    fn verdict(&self, action: &str, role_arn: &str, queue: &QueueUrl) -> Option<Result<Verdict, Unreadable>> {
        let attributes = self.attributes.as_ref().ok()?;
        let Some(policy) = &attributes.policy else { return Some(Ok(Verdict::Missing)) };
        let arn = queue.arn();
        let role_id = self.role_id.as_deref().ok();
        let judge = |action: &str, settled: &[String]| {
            let meant = self.meant.as_deref();
            evaluate(policy, &Ask { role_arn, role_id, action, queue_arn: &arn, settled, meant })
        };
        // The attributes could be read, so the conditions that this hung on came out in our favour.
        let mut settled = Vec::new();
        while let Ok(Verdict::Conditional { by, .. }) = judge("sqs:GetQueueAttributes", &settled) {
            settled.push(by);
        }
        Some(judge(action, &settled))
    }
}

/// A refusal of the receipt means that the call itself was allowed.
fn allowed(tried: Result<()>) -> Result<()> {
    match tried {
        Err(Error::Other { code, .. }) if BAD_RECEIPT.contains(&code.as_str()) => Ok(()),
        tried => tried,
    }
}
