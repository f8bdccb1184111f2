//! What each call does to queues. All but a receive that waits are done at once.

use std::{collections::HashSet, time::Duration};

use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;

use super::{
    faults::Fault,
    message::MOST_BYTES,
    names::{check_described, check_told},
    queue::{Accepted, Queue},
    refusal::Refusal,
    server::State,
    shapes::{Batch, Describe, Done, Failed, Given, Handle, Outcomes, Receive, Received, Send},
};

/// The most entries of a batch.
const MOST_ENTRIES: usize = 10;
/// The longest that a message is hidden, in seconds.
const LONGEST_HIDDEN: i64 = 43_200;
/// The longest that a receive waits, in seconds.
const LONGEST_WAIT: i64 = 20;

/// Reads a call.
pub fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| Refusal::new("SerializationException", error.to_string()))
}

fn written(answer: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(answer).unwrap()
}

/// How many entries a call has.
pub fn entries(action: &str, body: &[u8]) -> usize {
    if !action.ends_with("Batch") {
        return 1;
    }
    read::<Batch<serde::de::IgnoredAny>>(body).map_or(0, |batch| batch.entries.len())
}

impl State {
    /// Carries out a call at a queue, but for entries that a test wants to fail. `None` where a receive has to wait.
    ///
    /// # Errors
    /// It is refused as a whole.
    pub fn carry_out(
        &mut self,
        action: &str,
        url: &str,
        body: &[u8],
        fault: &Fault,
    ) -> Result<Option<Vec<u8>>, Refusal> {
        let now = self.clock.now();
        let answer = match action {
            "SendMessage" => {
                let send: Send = read(body)?;
                written(&self.send(url, send, now)?)
            }
            "SendMessageBatch" => {
                let Batch { entries } = read::<Batch<Send>>(body)?;
                check_batch(entries.iter().map(|entry| &entry.id))?;
                let drafts = read::<Batch<Send>>(body)?.entries.into_iter().map(Send::draft);
                let bytes: usize = drafts.flatten().map(|draft| draft.bytes()).sum();
                if bytes > MOST_BYTES {
                    let message = format!(
                        "Batch requests cannot be longer than {MOST_BYTES} bytes. You have sent {bytes} bytes."
                    );
                    return Err(Refusal::new("BatchRequestTooLong", message));
                }
                let each = |state: &mut Self, entry| state.send(url, entry, now);
                written(&self.each(entries, fault, |entry| entry.id.clone(), each))
            }
            "DeleteMessage" => {
                let handle: Handle = read(body)?;
                self.delete(url, &handle, now)?;
                Vec::new()
            }
            "DeleteMessageBatch" => {
                let Batch { entries } = read::<Batch<Handle>>(body)?;
                check_batch(entries.iter().map(|entry| &entry.id))?;
                let each = |state: &mut Self, entry: Handle| state.delete(url, &entry, now);
                written(&self.each(entries, fault, |entry| entry.id.clone(), each))
            }
            "ChangeMessageVisibility" => {
                let handle: Handle = read(body)?;
                self.hide(url, &handle, now)?;
                Vec::new()
            }
            "ChangeMessageVisibilityBatch" => {
                let Batch { entries } = read::<Batch<Handle>>(body)?;
                check_batch(entries.iter().map(|entry| &entry.id))?;
                let each = |state: &mut Self, entry: Handle| state.hide(url, &entry, now);
                written(&self.each(entries, fault, |entry| entry.id.clone(), each))
            }
            "ReceiveMessage" => return self.receive(url, &read(body)?, now),
            "GetQueueAttributes" => {
                let Describe { attribute_names } = read(body)?;
                check_described(&attribute_names)?;
                let mut all = self.queue(url).described(now);
                all.retain(|name, _| attribute_names.iter().any(|wanted| wanted == "All" || wanted == name));
                written(&json!({ "Attributes": all }))
            }
            other => {
                let message = format!("The operation {other} is not known here");
                return Err(Refusal::new("UnknownOperationException", message));
            }
        };
        Ok(Some(answer))
    }

    fn queue(&mut self, url: &str) -> &mut Queue {
        self.queues.get_mut(url).unwrap()
    }

    /// Does something to each entry, but for those that a test wants to fail.
    fn each<E>(
        &mut self,
        entries: Vec<E>,
        fault: &Fault,
        id: impl Fn(&E) -> String,
        mut act: impl FnMut(&mut Self, E) -> Result<Done, Refusal>,
    ) -> Outcomes {
        let mut outcomes = Outcomes { successful: Vec::new(), failed: Vec::new() };
        for (place, entry) in entries.into_iter().enumerate() {
            let id = id(&entry);
            let done = match fault {
                Fault::Partly { failed, code, sender } if failed.contains(&place) => {
                    Err(Refusal { sender: *sender, ..Refusal::new(code, "a test wants it so") })
                }
                _ => act(self, entry),
            };
            match done {
                Ok(done) => outcomes.successful.push(done.named(id)),
                Err(refusal) => outcomes.failed.push(Failed::of(id, refusal)),
            }
        }
        outcomes
    }

    fn send(&mut self, url: &str, send: Send, now: Duration) -> Result<Done, Refusal> {
        let draft = send.draft()?;
        let queue = self.queue(url);
        let (taken, is_new) = queue.take(draft.clone(), now)?;
        let done = Done::taken(&draft.body, &draft.attributes, taken);
        if is_new {
            queue.accepted.push(Accepted { body: draft.body, attributes: draft.attributes, group: draft.group });
            self.accepted.send_modify(|count| *count += 1);
        }
        Ok(done)
    }

    fn delete(&mut self, url: &str, handle: &Handle, now: Duration) -> Result<Done, Refusal> {
        let receipt = handle.receipt_handle.as_deref().ok_or_else(|| Refusal::missing("ReceiptHandle"))?;
        if self.queue(url).delete(receipt, now)? {
            self.deleted.send_modify(|count| *count += 1);
        }
        Ok(Done::default())
    }

    fn hide(&mut self, url: &str, handle: &Handle, now: Duration) -> Result<Done, Refusal> {
        let receipt = handle.receipt_handle.as_deref().ok_or_else(|| Refusal::missing("ReceiptHandle"))?;
        let time = handle.visibility_timeout.ok_or_else(|| Refusal::missing("VisibilityTimeout"))?;
        self.queue(url).hide(receipt, seconds("VisibilityTimeout", time, LONGEST_HIDDEN)?, now)?;
        Ok(Done::default())
    }

    fn receive(&mut self, url: &str, asked: &Receive, now: Duration) -> Result<Option<Vec<u8>>, Refusal> {
        let most = asked.max_number_of_messages.unwrap_or(1);
        let most = usize::try_from(most).ok().filter(|most| (1..=MOST_ENTRIES).contains(most)).ok_or_else(|| {
            Refusal::parameter(format!(
                "Value {most} for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided."
            ))
        })?;
        let hide = match asked.visibility_timeout {
            Some(time) => seconds("VisibilityTimeout", time, LONGEST_HIDDEN)?,
            None => self.queue(url).hidden_for(),
        };
        check_told(&asked.message_system_attribute_names)?;
        // Where there is nowhere to throw them, messages are given on and on.
        let limit = self.queue(url).most_receives();
        let limit = limit.filter(|(_, arn)| self.queues.values().any(|queue| queue.arn() == *arn));
        let most_receives = limit.as_ref().map(|(most_receives, _)| *most_receives);
        let (given, spent) = self.queue(url).give(most, hide, most_receives, now);
        let messages: Vec<_> = given.into_iter().map(|(receipt, kept)| Given::new(receipt, kept, asked)).collect();
        if let Some((_, arn)) = limit {
            let target = self.queues.values_mut().find(|queue| queue.arn() == arn).unwrap();
            for kept in spent {
                target.take_over(kept, now);
            }
        }
        Ok((!messages.is_empty()).then(|| written(&Received { messages })))
    }
}

/// How long a receive waits for a message.
pub fn wait_of(body: &[u8]) -> Result<Duration, Refusal> {
    let Receive { wait_time_seconds, .. } = read(body)?;
    seconds("WaitTimeSeconds", wait_time_seconds.unwrap_or(0), LONGEST_WAIT)
}

/// The answer of a receive that waited in vain.
pub fn nothing() -> Vec<u8> {
    written(&Received { messages: Vec::new() })
}

fn seconds(name: &str, value: i64, most: i64) -> Result<Duration, Refusal> {
    if !(0..=most).contains(&value) {
        let message =
            format!("Value {value} for parameter {name} is invalid. Reason: Must be >= 0 and <= {most}, if provided.");
        return Err(Refusal::parameter(message));
    }
    Ok(Duration::from_secs(u64::try_from(value).unwrap()))
}

fn check_batch<'a>(ids: impl ExactSizeIterator<Item = &'a String> + Clone) -> Result<(), Refusal> {
    let count = ids.len();
    if count == 0 {
        return Err(Refusal::new("EmptyBatchRequest", "There should be at least one entry in the request."));
    }
    if count > MOST_ENTRIES {
        let message = format!("Maximum number of entries per request are 10. You have sent {count}.");
        return Err(Refusal::new("TooManyEntriesInBatchRequest", message));
    }
    let is_id = |id: &&String| {
        (1..=80).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
    };
    if !ids.clone().all(|id| is_id(&id)) {
        let message = "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.";
        return Err(Refusal::new("InvalidBatchEntryId", message));
    }
    if ids.collect::<HashSet<_>>().len() < count {
        return Err(Refusal::new(
            "BatchEntryIdsNotDistinct",
            "Two or more batch entries in the request have the same Id.",
        ));
    }
    Ok(())
}
