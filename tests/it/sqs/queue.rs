//! The messages of a queue: who sees which when, what is given twice and what is taken once (*Amazon SQS Developer Guide*,
//! "Amazon SQS visibility timeout", "Exactly-once processing in Amazon SQS").

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    time::Duration,
};

use uuid::Uuid;

use super::{
    message::{Attributes, Draft, MOST_BYTES, sha256_of_body},
    refusal::Refusal,
};

/// How long a FIFO queue knows a deduplication id.
const KNOWN_FOR: Duration = Duration::from_mins(5);
/// The longest that a message stays hidden after it was received.
const LONGEST: Duration = Duration::from_hours(12);
/// Before every receipt.
const RECEIPT: &str = "AQEB";

/// A message that was accepted from a caller.
#[derive(Clone, Debug)]
pub struct Accepted {
    pub body: String,
    pub attributes: Attributes,
    pub group: Option<String>,
}

/// How many messages are left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    pub visible: usize,
    pub in_flight: usize,
    pub delayed: usize,
}

/// A message in a queue.
pub struct Kept {
    pub id: String,
    pub draft: Draft,
    pub sequence: Option<String>,
    pub sent_at: Duration,
    /// How often it was given.
    pub receives: u32,
    visible_at: Duration,
    /// Of when it was given last, if it was.
    receipt: Option<String>,
    received_at: Duration,
}

/// What the queue answers of a message that it took.
#[derive(Clone)]
pub struct Taken {
    pub id: String,
    pub sequence: Option<String>,
}

/// A queue.
pub struct Queue {
    pub account: String,
    pub name: String,
    pub attributes: BTreeMap<String, String>,
    /// In each of its receipts: one of another queue, or of a queue of this name before, is not taken.
    mark: Uuid,
    /// In the order of their coming.
    messages: BTreeMap<u64, Kept>,
    /// Those that were given and may still be hidden.
    under_way: HashSet<u64>,
    /// What each receipt that was given stands for.
    receipts: HashMap<String, u64>,
    next: u64,
    known: HashMap<String, (Duration, Taken)>,
    pub accepted: Vec<Accepted>,
    pub deduplicated: usize,
    /// Deletes by a receipt that was not the newest: they do nothing.
    pub stale_deletes: usize,
}

impl Queue {
    pub fn new(account: &str, name: &str) -> Self {
        Self {
            account: account.to_owned(),
            name: name.to_owned(),
            attributes: BTreeMap::new(),
            mark: Uuid::new_v4(),
            messages: BTreeMap::new(),
            under_way: HashSet::new(),
            receipts: HashMap::new(),
            next: 0,
            known: HashMap::new(),
            accepted: Vec::new(),
            deduplicated: 0,
            stale_deletes: 0,
        }
    }

    pub fn is_fifo(&self) -> bool {
        // Part of the name, not the ending of a file.
        self.name.strip_suffix(".fifo").is_some()
    }

    pub fn arn(&self) -> String {
        format!("arn:aws:sqs:eu-central-1:{}:{}", self.account, self.name)
    }

    fn number(&self, attribute: &str, otherwise: u64) -> u64 {
        self.attributes.get(attribute).map_or(otherwise, |value| value.parse().unwrap())
    }

    /// The most bytes of a message.
    pub fn most(&self) -> usize {
        usize::try_from(self.number("MaximumMessageSize", MOST_BYTES as u64)).unwrap()
    }

    /// How long a message that was given is hidden, where nothing is said.
    pub fn hidden_for(&self) -> Duration {
        Duration::from_secs(self.number("VisibilityTimeout", 30))
    }

    /// After how many receives a message is thrown to the dead-letter queue.
    pub fn most_receives(&self) -> Option<(u32, String)> {
        let policy: serde_json::Value = serde_json::from_str(self.attributes.get("RedrivePolicy")?).unwrap();
        let count = &policy["maxReceiveCount"];
        // A number, or a number in quotes: SQS takes both.
        let count = count.as_u64().or_else(|| count.as_str()?.parse().ok()).unwrap();
        Some((u32::try_from(count).unwrap(), policy["deadLetterTargetArn"].as_str().unwrap().to_owned()))
    }

    /// Takes a message; `true` where it is a new one.
    pub fn take(&mut self, mut draft: Draft, now: Duration) -> Result<(Taken, bool), Refusal> {
        let by_content = self.attributes.get("ContentBasedDeduplication").is_some_and(|value| value == "true");
        draft.check(self.is_fifo(), by_content, self.most())?;
        if self.is_fifo() {
            let id = draft.deduplication.get_or_insert_with(|| sha256_of_body(&draft.body)).clone();
            self.known.retain(|_, (at, _)| now < *at + KNOWN_FOR);
            if let Some((_, taken)) = self.known.get(&id) {
                self.deduplicated += 1;
                return Ok((taken.clone(), false));
            }
            let taken = self.keep(draft, now);
            self.known.insert(id, (now, taken.clone()));
            return Ok((taken, true));
        }
        Ok((self.keep(draft, now), true))
    }

    fn keep(&mut self, draft: Draft, now: Duration) -> Taken {
        let (place, delay) = (self.next, Duration::from_secs(self.number("DelaySeconds", 0)));
        self.next += 1;
        let taken = Taken { id: format!("{}-{place}", self.name), sequence: self.sequence(place) };
        let kept = Kept {
            id: taken.id.clone(),
            draft,
            sequence: taken.sequence.clone(),
            sent_at: now,
            receives: 0,
            visible_at: now + delay,
            receipt: None,
            received_at: now,
        };
        self.messages.insert(place, kept);
        taken
    }

    fn sequence(&self, place: u64) -> Option<String> {
        self.is_fifo().then(|| format!("{place:020}"))
    }

    /// Takes a message that another queue has thrown out. It stays the message that it was.
    pub fn take_over(&mut self, kept: Kept, now: Duration) {
        let place = self.next;
        self.next += 1;
        let kept = Kept { sequence: self.sequence(place), visible_at: now, receipt: None, received_at: now, ..kept };
        self.messages.insert(place, kept);
    }

    /// Gives up to so many messages and hides them; what was given to the limit already is given to nobody, and comes
    /// second.
    pub fn give(
        &mut self,
        most: usize,
        hide: Duration,
        limit: Option<u32>,
        now: Duration,
    ) -> (Vec<(String, &Kept)>, Vec<Kept>) {
        let is_fifo = self.is_fifo();
        let (mut places, mut spent) = (Vec::new(), Vec::new());
        let messages = &self.messages;
        self.under_way.retain(|place| messages.get(place).is_some_and(|kept| kept.visible_at > now));
        // While one of a group is under way none of it is given, also none before that one.
        let under_way = self.under_way.iter().filter(|_| is_fifo);
        let mut blocked: HashSet<&str> =
            under_way.filter_map(|place| self.messages[place].draft.group.as_deref()).collect();
        for (place, kept) in &self.messages {
            if places.len() == most {
                break;
            }
            let group = if is_fifo { kept.draft.group.as_deref() } else { None };
            if kept.visible_at > now {
                // Nor does one overtake another that is delayed.
                blocked.extend(group);
            } else if !group.is_some_and(|group| blocked.contains(group)) {
                if limit.is_some_and(|limit| kept.receives >= limit) {
                    spent.push(*place);
                } else {
                    places.push(*place);
                }
            }
        }
        let spent = spent.into_iter().map(|place| self.messages.remove(&place).unwrap()).collect();
        for place in &places {
            let kept = self.messages.get_mut(place).unwrap();
            kept.receives += 1;
            let receipt = format!("{RECEIPT}.{}.{place}.{}", self.mark.simple(), kept.receives);
            (kept.visible_at, kept.received_at, kept.receipt) = (now + hide, now, Some(receipt.clone()));
            self.receipts.insert(receipt, *place);
            self.under_way.insert(*place);
        }
        let given = places.iter().map(|place| &self.messages[place]);
        (given.map(|kept| (kept.receipt.clone().unwrap(), kept)).collect(), spent)
    }

    /// When the next message shows that is hidden now.
    pub fn shows_at(&self, now: Duration) -> Option<Duration> {
        self.messages.values().map(|kept| kept.visible_at).filter(|at| *at > now).min()
    }

    /// The message of a receipt; `None` where it is gone.
    fn of_receipt(&self, receipt: &str) -> Result<Option<u64>, Refusal> {
        let Some(place) = self.receipts.get(receipt) else {
            let message = format!("The input receipt handle \"{receipt}\" is not a valid receipt handle.");
            return Err(Refusal::new("ReceiptHandleIsInvalid", message));
        };
        Ok(Some(*place).filter(|place| self.messages.contains_key(place)))
    }

    /// Deletes a message; whether there was one.
    pub fn delete(&mut self, receipt: &str, now: Duration) -> Result<bool, Refusal> {
        // To delete what is gone is no error.
        let Some(place) = self.of_receipt(receipt)? else { return Ok(false) };
        let kept = &self.messages[&place];
        let is_newest = kept.receipt.as_deref() == Some(receipt);
        if self.is_fifo() && (!is_newest || kept.visible_at <= now) {
            self.stale_deletes += 1;
            return Err(Refusal::parameter(format!(
                "Value {receipt} for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired."
            )));
        }
        if !is_newest {
            self.stale_deletes += 1;
            return Ok(false);
        }
        self.messages.remove(&place);
        Ok(true)
    }

    /// Hides a message that was received for so long from now on.
    pub fn hide(&mut self, receipt: &str, time: Duration, now: Duration) -> Result<(), Refusal> {
        let invalid = |why: &str| {
            Refusal::parameter(format!("Value {receipt} for parameter ReceiptHandle is invalid. Reason: {why}"))
        };
        let Some(place) = self.of_receipt(receipt)? else {
            return Err(invalid("Message does not exist or is not available for visibility timeout change."));
        };
        let kept = self.messages.get_mut(&place).unwrap();
        if kept.receipt.as_deref() != Some(receipt) {
            return Err(invalid("The receipt handle has expired."));
        }
        if kept.visible_at <= now {
            return Err(Refusal::new("MessageNotInflight", "The message referred to isn't in flight."));
        }
        if now + time > kept.received_at + LONGEST {
            return Err(invalid("Total VisibilityTimeout for the message is beyond the limit [43200 seconds]."));
        }
        kept.visible_at = now + time;
        Ok(())
    }

    /// How many messages are left.
    pub fn left(&self, now: Duration) -> Left {
        let mut left = Left { visible: 0, in_flight: 0, delayed: 0 };
        for kept in self.messages.values() {
            let count = match (kept.visible_at <= now, kept.receives) {
                (true, _) => &mut left.visible,
                (false, 0) => &mut left.delayed,
                (false, _) => &mut left.in_flight,
            };
            *count += 1;
        }
        left
    }

    /// What it says of itself (*Amazon SQS API Reference*, `GetQueueAttributes`).
    pub fn described(&self, now: Duration) -> BTreeMap<String, String> {
        let left = self.left(now);
        let mut all = BTreeMap::from(
            [
                ("QueueArn", self.arn()),
                ("VisibilityTimeout", self.hidden_for().as_secs().to_string()),
                ("MaximumMessageSize", self.most().to_string()),
                ("MessageRetentionPeriod", "345600".to_owned()),
                ("DelaySeconds", "0".to_owned()),
                ("ReceiveMessageWaitTimeSeconds", "0".to_owned()),
                ("ApproximateNumberOfMessages", left.visible.to_string()),
                ("ApproximateNumberOfMessagesNotVisible", left.in_flight.to_string()),
                ("ApproximateNumberOfMessagesDelayed", left.delayed.to_string()),
                ("SqsManagedSseEnabled", "true".to_owned()),
            ]
            .map(|(name, value)| (name.to_owned(), value)),
        );
        if self.is_fifo() {
            all.insert("FifoQueue".to_owned(), "true".to_owned());
            all.insert("ContentBasedDeduplication".to_owned(), "false".to_owned());
        }
        all.extend(self.attributes.clone());
        all
    }
}
