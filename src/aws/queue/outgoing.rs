//! Messages to send, and what became of each entry of a batch.

use super::wire::{Done, Entry, Outcomes, Taken, Texts};
use crate::aws::checksum::{self, Part, Value};

/// A message to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outgoing<'a> {
    /// The body: at least one character of XML 1.0.
    pub body: &'a str,
    /// Message attributes of type `String`, name and value; at most ten, no name twice.
    pub attributes: &'a [(String, String)],
    /// `MessageGroupId`.
    pub group: Option<&'a str>,
    /// `MessageDeduplicationId`: FIFO queues only.
    pub dedup: Option<&'a str>,
}

/// What became of one message of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendOutcome {
    /// The queue has it, with the bytes that were sent.
    Sent {
        /// SQS's id of the message.
        message_id: String,
        /// `SequenceNumber` of a FIFO queue.
        sequence: Option<String>,
    },
    /// The queue does not have it.
    Failed {
        /// AWS's code.
        code: String,
        /// AWS's own text.
        message: String,
        /// What AWS calls the sender's fault; that includes causes that no event is guilty of.
        sender_fault: bool,
    },
    /// SQS did not say, or what it took has another checksum: it may be there.
    Unknown {
        /// Why.
        why: &'static str,
    },
}

/// What became of one receipt of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryOutcome {
    /// Done.
    Done,
    /// Not done.
    Failed {
        /// AWS's code.
        code: String,
        /// AWS's own text.
        message: String,
        /// What AWS calls the sender's fault.
        sender_fault: bool,
    },
    /// SQS did not say.
    Unknown,
}

/// The checksums that SQS must answer for an entry.
pub(super) struct Sums {
    body: String,
    attributes: Option<String>,
}

impl Sums {
    pub(super) fn of(entry: &Outgoing<'_>) -> Self {
        let parts = entry.attributes.iter();
        let parts = parts.map(|(name, value)| Part { name, data_type: "String", value: Value::Text(value) });
        Self { body: checksum::body(entry.body), attributes: checksum::attributes(parts.collect()) }
    }
}

/// An entry as the call wants it; its place is its id.
pub(super) fn request_entry<'a>((place, entry): (usize, &Outgoing<'a>)) -> Entry<'a> {
    Entry {
        id: place.to_string(),
        body: entry.body,
        attributes: Texts(entry.attributes),
        group: entry.group,
        dedup: entry.dedup,
    }
}

/// Each entry must be in exactly one of the two lists.
pub(super) fn outcomes(sums: &[Sums], answer: Outcomes<Taken>) -> Vec<SendOutcome> {
    let mut outcomes: Vec<Option<SendOutcome>> = sums.iter().map(|_| None).collect();
    let mut put = |id: &str, outcome: SendOutcome| {
        if let Some(place) = id.parse::<usize>().ok().and_then(|index| outcomes.get_mut(index)) {
            let twice = SendOutcome::Unknown { why: "SQS answered it twice" };
            *place = Some(if place.is_some() { twice } else { outcome });
        }
    };
    for entry in answer.successful {
        let sums = entry.id.parse::<usize>().ok().and_then(|index| sums.get(index));
        let is_same = sums.is_some_and(|sums| sums.body == entry.body_sum && sums.attributes == entry.attributes_sum);
        let outcome = if is_same {
            SendOutcome::Sent { message_id: entry.message_id, sequence: entry.sequence_number }
        } else {
            SendOutcome::Unknown { why: "SQS took it with another checksum" }
        };
        put(&entry.id, outcome);
    }
    for entry in answer.failed {
        let outcome = SendOutcome::Failed {
            code: entry.code,
            message: entry.message.unwrap_or_default(),
            sender_fault: entry.sender_fault,
        };
        put(&entry.id, outcome);
    }
    let silent = SendOutcome::Unknown { why: "SQS did not answer it" };
    outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(|| silent.clone())).collect()
}

/// As [`outcomes`], for receipts.
pub(super) fn done(count: usize, answer: Outcomes<Done>) -> Vec<EntryOutcome> {
    let mut outcomes = vec![EntryOutcome::Unknown; count];
    let mut put = |id: &str, outcome| {
        if let Some(place) = id.parse::<usize>().ok().and_then(|index| outcomes.get_mut(index)) {
            *place = outcome;
        }
    };
    for entry in answer.successful {
        put(&entry.id, EntryOutcome::Done);
    }
    for entry in answer.failed {
        let message = entry.message.unwrap_or_default();
        put(&entry.id, EntryOutcome::Failed { code: entry.code, message, sender_fault: entry.sender_fault });
    }
    outcomes
}

#[cfg(test)]
mod tests {
    use super::{super::wire::Refused, *};

    fn sums(bodies: &[&str]) -> Vec<Sums> {
        let entry = |body: &&str| Sums::of(&Outgoing { body, attributes: &[], group: None, dedup: None });
        bodies.iter().map(entry).collect()
    }

    fn taken(id: &str, body: &str) -> Taken {
        let body_sum = checksum::body(body);
        Taken { id: id.into(), message_id: "m".into(), body_sum, attributes_sum: None, sequence_number: None }
    }

    fn refused(id: &str) -> Refused {
        Refused { id: id.into(), code: "C".into(), message: None, sender_fault: false }
    }

    #[test]
    fn every_entry_has_an_outcome_whatever_sqs_answers() {
        let sums = sums(&["a", "b", "c", "d"]);
        let answered = vec![taken("0", "a"), taken("1", "other"), taken("3", "d"), taken("9", "x"), taken("?", "x")];
        let outcomes = outcomes(&sums, Outcomes { successful: answered, failed: vec![refused("3")] });
        let sent = SendOutcome::Sent { message_id: "m".into(), sequence: None };
        let unknown = |why| SendOutcome::Unknown { why };
        assert_eq!(
            outcomes,
            [
                sent,
                unknown("SQS took it with another checksum"),
                unknown("SQS did not answer it"),
                unknown("SQS answered it twice")
            ]
        );
        let failed = EntryOutcome::Failed { code: "C".into(), message: String::new(), sender_fault: false };
        let successful = ["0", "7"].map(|id| Done { id: id.into() }).into();
        let done = done(3, Outcomes { successful, failed: vec![refused("2")] });
        assert_eq!(done, [EntryOutcome::Done, EntryOutcome::Unknown, failed]);
    }

    #[test]
    fn attributes_that_sqs_did_not_confirm_are_another_checksum() {
        let attributes = [("n".to_owned(), "v".to_owned())];
        let entry = Outgoing { body: "a", attributes: &attributes, group: None, dedup: None };
        let answer = Outcomes { successful: vec![taken("0", "a")], failed: Vec::new() };
        let outcomes = outcomes(&[Sums::of(&entry)], answer);
        assert!(matches!(outcomes[0], SendOutcome::Unknown { .. }));
    }
}
