//! What is known of bridges, in the words of the pages.

use std::time::Duration;

use serde_json::Value;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::{
    domain::{
        bridge::{Desired, Direction, Status},
        queue_url::QueueUrl,
    },
    manager::bridges::{Bridge, Grade, QueueCheck, Readiness, Route, Side},
    web::ui::{ChainStep, Moment, State, StepState, Tone},
};

/// How a bridge fares, as a status; its reason where there is room for it.
pub(super) fn state(bridge: &Bridge, with_reason: bool) -> State {
    let told = || told(&bridge.status_reason, bridge.routes.iter().map(|route| &route.queue)).0;
    let why = || if with_reason { told() } else { String::new() };
    match bridge.status {
        Status::Draft => State::Draft,
        Status::Provisioning => State::Provisioning,
        Status::Running => State::Running,
        Status::Waiting => State::Waiting(why()),
        Status::Reconfiguring => State::Reconfiguring,
        Status::Stopped => State::Stopped,
        Status::Misconfigured => State::Misconfigured(why()),
        Status::Halted => State::Halted(why()),
    }
}

/// What the status means, and what to do.
pub(super) struct Line {
    pub tone: Tone,
    pub title: String,
    /// What else is said of it.
    pub more: String,
    pub cure: &'static str,
}

/// One line on how a bridge fares.
pub(super) fn line(bridge: &Bridge) -> Line {
    let (told, more) = told(&bridge.status_reason, bridge.routes.iter().map(|route| &route.queue));
    let reason = |otherwise: &str| if told.is_empty() { otherwise.to_owned() } else { told.clone() };
    let (tone, title, cure) = match (bridge.desired, bridge.status) {
        (Desired::Deleted, _) => (
            Tone::Wait,
            "This bridge is being taken away.".to_owned(),
            "Its lanes end first, then its role in AWS goes. This page ends with it.",
        ),
        (Desired::Draft, _) | (_, Status::Draft) => (
            Tone::Quiet,
            "A draft: nothing is moved yet.".to_owned(),
            "Choose its business events, save the queues, check, then start it.",
        ),
        (Desired::Stopped, Status::Stopped) => (
            Tone::Quiet,
            reason("Stopped: it moves nothing."),
            "Started again, it goes on where it stopped. Events wait in their channels and queues, no longer than \
             these keep them.",
        ),
        (Desired::Stopped, _) => {
            (Tone::Wait, "It is stopping: what is under way is finished first.".to_owned(), "This takes a few seconds.")
        }
        (Desired::Running, Status::Running) if !bridge.status_reason.is_empty() => (
            Tone::Warn,
            reason(""),
            "Mend what is named, under Edit events and queues or at the queue. It tries again by itself.",
        ),
        (Desired::Running, Status::Running) if bridge.dead_letters > 0 => {
            (Tone::Ok, reason("It moves events."), "Some could not be delivered: see below.")
        }
        (Desired::Running, Status::Running) => (Tone::Ok, reason("It moves events."), "Nothing to do."),
        (Desired::Running, Status::Provisioning | Status::Stopped) => {
            (Tone::Wait, reason("It is being started."), "Usually it runs within ten seconds; the steps are below.")
        }
        (Desired::Running, Status::Reconfiguring) => (
            Tone::Wait,
            reason("It takes on its new events and queues."),
            "Where that fails it goes back to what it had, and says why here.",
        ),
        (Desired::Running, Status::Waiting) => (
            Tone::Wait,
            reason("Kafka or AWS does not answer."),
            "It goes on by itself once they answer again, from where it stood: nothing is lost by waiting.",
        ),
        (Desired::Running, Status::Misconfigured) => (
            Tone::Warn,
            reason("It cannot start as it is configured."),
            "Mend what is named, under Edit events and queues or at the queue; then check. It tries again by itself.",
        ),
        (Desired::Running, Status::Halted) if bridge.gap => (
            Tone::Fail,
            reason("Events are gone that it has not moved."),
            "It waits for your decision. It then goes on with the first event that is still there; the history keeps \
             what was said here.",
        ),
        (Desired::Running, Status::Halted) if bridge.stuck.is_some() => (
            Tone::Fail,
            reason("The queue refuses one event."),
            "It is tried again by itself, and those behind it wait. Set aside, it is kept as a dead letter, and they go on.",
        ),
        (Desired::Running, Status::Halted) => (
            Tone::Fail,
            reason("It has stopped itself."),
            "Mend what is named. It tries again by itself and goes on where it stood; nothing was skipped.",
        ),
    };
    // What is not about the reason has no more to say than its own words.
    let more = if title == told { more } else { String::new() };
    Line { tone, title, more, cure }
}

/// What the worker says, in the sentence that tells most and all the rest. It names a queue by its address; people know
/// it by its name.
fn told<'a>(reason: &str, queues: impl Iterator<Item = &'a QueueUrl>) -> (String, String) {
    for queue in queues {
        let said = reason.strip_prefix(queue.to_string().as_str()).and_then(|rest| rest.strip_prefix(": "));
        let Some(said) = said else { continue };
        let (first, rest) = said.split_once(". ").unwrap_or((said, ""));
        let first = format!("Queue {}: {}.", queue.name(), first.trim_end_matches('.'));
        return (first, rest.to_owned());
    }
    (reason.to_owned(), String::new())
}

/// How long the oldest event waits that was not moved: `12 s`; `—` where none waits.
pub(super) fn behind(delay: Option<Duration>) -> String {
    delay.map_or_else(|| "—".to_owned(), span)
}

/// A span of time in one unit, as the pages say distances: `12 s`, `3 min`.
pub(super) fn span(span: Duration) -> String {
    if span < Duration::from_secs(1) {
        return "<1 s".to_owned();
    }
    let now = OffsetDateTime::UNIX_EPOCH;
    Moment::new(now + span, now).distance()
}

/// `2 to SQS, 1 from SQS`.
pub(super) fn routes(routes: &[Route]) -> String {
    let count = |direction: Direction| {
        let n = routes.iter().filter(|r| r.direction == direction).count();
        (n > 0).then(|| format!("{n} {}", direction.label()))
    };
    let parts: Vec<_> = [Direction::Outbound, Direction::Inbound].into_iter().filter_map(count).collect();
    if parts.is_empty() { "None yet".to_owned() } else { parts.join(", ") }
}

/// `1,234,567`.
pub(super) fn grouped(n: i64) -> String {
    let digits = n.unsigned_abs().to_string();
    let mut out = if n < 0 { "-".to_owned() } else { String::new() };
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// When an event was last moved on any route.
pub(super) fn last_moved(bridge: &Bridge) -> Option<OffsetDateTime> {
    bridge.routes.iter().filter_map(|r| r.last_moved_at).max()
}

/// The steps of the newest start.
pub(super) fn steps(steps: &Value, now: OffsetDateTime) -> Vec<ChainStep> {
    let step = |step: &Value| {
        let text = |key: &str| step[key].as_str().unwrap_or_default();
        let (title, ahead) = match text("step") {
            "access" => ("Access to AWS", "The bridge takes on its role."),
            "queue" => ("Queues", "Each queue answers."),
            "kafka" => ("Kafka", "The channels let the bridge in."),
            "lane" => ("Events", "Events are moved."),
            _ => return None,
        };
        let state = match text("state") {
            "current" => StepState::Working,
            "done" => StepState::Done,
            "failed" => StepState::Failed,
            _ => StepState::Todo,
        };
        let at = OffsetDateTime::parse(text("at"), &Rfc3339).ok().map(|at| Moment::new(at, now));
        let said = match (text("text"), state, at) {
            ("", StepState::Done, Some(at)) => format!("Done {}.", at.words()),
            ("", StepState::Working, Some(at)) => format!("{ahead} For {} now.", at.distance()),
            ("", StepState::Failed, _) => "It failed.".to_owned(),
            ("", ..) => ahead.to_owned(),
            (said, ..) => said.to_owned(),
        };
        Some(ChainStep::new(state, title, said))
    };
    steps.as_array().into_iter().flatten().filter_map(step).collect()
}

/// What the check of a queue comes to.
pub(super) fn readiness(readiness: Readiness) -> (Tone, &'static str) {
    match readiness {
        Readiness::Ready => (Tone::Ok, "Ready"),
        Readiness::Unknown => (Tone::Warn, "Not sure"),
        Readiness::NotYet => (Tone::Wait, "Not visible yet"),
        Readiness::NotReady => (Tone::Fail, "Access missing"),
    }
}

/// What was found of one action: hue, word, and more where there is more to say.
pub(super) fn grade(grade: &Grade) -> (Tone, &'static str, String) {
    match grade {
        Grade::Proved => (Tone::Ok, "Proved", String::new()),
        Grade::ReadFromPolicies => (Tone::Ok, "Read from the policies", String::new()),
        Grade::SeenAtFirstUse => {
            (Tone::Info, "Seen at first use", "No harmless call shows it: the first event will.".to_owned())
        }
        Grade::Missing { side, text } => {
            (Tone::Fail, "Missing", format!("{} Look at {}.", super::super::sentence(text), whose(*side)))
        }
        Grade::NotVisibleYet => (
            Tone::Wait,
            "Not visible yet",
            "If the statement was just added to the queue's policy, AWS takes up to 90 seconds to show it: check again in a \
             minute."
                .to_owned(),
        ),
        Grade::CouldNotCheck { why } => (Tone::Warn, "Could not check", super::super::sentence(why)),
    }
}

/// Whose policy a refusal comes from, and who changes it.
fn whose(side: Side) -> &'static str {
    match side {
        Side::Queue => "the access policy of the queue: its owner changes it",
        Side::Role => "the policy of the bridge's role: the operator of this installation sees to it",
        Side::Boundary => "the permissions boundary of the role: the operator of this installation sees to it",
        Side::Organization => "the policies of the AWS organization: those who run it see to them",
        Side::Trust => "the trust of the bridge's role: the operator of this installation sees to it",
        Side::Key => "the policy of the queue's key: its owner changes it",
        Side::Unknown => "both sides, the queue and the role: AWS does not say which it is",
    }
}

/// What a check of all queues says in one sentence, and whether all are ready.
pub(super) fn outcome(checks: &[QueueCheck]) -> (bool, String) {
    let names = |wanted: Readiness| {
        let names: Vec<_> = checks.iter().filter(|c| c.readiness() == wanted).map(|c| c.queue.name()).collect();
        (!names.is_empty()).then(|| names.join(", "))
    };
    let mut parts = Vec::new();
    if let Some(names) = names(Readiness::NotReady) {
        parts.push(format!("Access is missing: {names}."));
    }
    if let Some(names) = names(Readiness::NotYet) {
        parts.push(format!("Not visible yet: {names}; check again in a minute."));
    }
    if let Some(names) = names(Readiness::Unknown) {
        parts.push(format!("Could not be checked: {names}."));
    }
    if parts.is_empty() { (true, "Checked: every queue is ready.".to_owned()) } else { (false, parts.join(" ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_a_queue_begins_with_its_name() {
        let url = |name: &str| format!("https://sqs.eu-central-1.amazonaws.com/123456789012/{name}");
        let queues: Vec<QueueUrl> = ["bills", "bills-2.fifo"].map(|name| url(name).parse().unwrap()).into();
        let said = |reason: &str| told(reason, queues.iter());
        assert_eq!(
            said(&format!("{}: no access. The event is at offset 7.", url("bills-2.fifo"))),
            ("Queue bills-2.fifo: no access.".to_owned(), "The event is at offset 7.".to_owned())
        );
        assert_eq!(said(&format!("{}: it is gone.", url("bills"))).0, "Queue bills: it is gone.");
        // Of a queue that is not the bridge's any more, and of none.
        for other in
            [format!("{}: it is gone.", url("others")), "Kafka is away. It comes back.".to_owned(), String::new()]
        {
            assert_eq!(said(&other), (other.clone(), String::new()));
        }
    }

    #[test]
    fn large_numbers_are_read_in_groups() {
        let said: Vec<_> = [0, 999, 1000, 1_234_567].into_iter().map(grouped).collect();
        assert_eq!(said, ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn steps_are_told_in_words() {
        let steps = steps(
            &serde_json::json!([
                { "step": "access", "state": "done", "at": "2026-01-01T00:00:00Z", "text": "" },
                { "step": "queue", "state": "failed", "at": null, "text": "orders is gone." },
                { "step": "kafka", "state": "todo", "at": null, "text": "" },
                { "step": "unheard-of", "state": "todo" },
            ]),
            time::macros::datetime!(2026-01-01 0:03 UTC),
        );
        let told: Vec<_> = steps.iter().map(|s| (s.state, s.text.as_str())).collect();
        assert_eq!(
            told,
            [
                (StepState::Done, "Done 3 min ago."),
                (StepState::Failed, "orders is gone."),
                (StepState::Todo, "The channels let the bridge in."),
            ]
        );
    }
}
