//! What was sent and what came. A million events fit: of each, only hashes and numbers are kept.

use std::{collections::HashMap, fmt};

use aws_lc_rs::digest::{Context, SHA256};
use rdkafka::Message;

use super::{
    event::Event,
    topic::Topic,
    verdict::{HEAD, Verdict},
};

/// Not carried, but counted on by every bridge.
const HOPS: &str = "ebmhops";
/// How much of what is wrong is told one by one.
const TOLD: usize = 10;

/// The first half of a SHA-256.
type Hash = [u8; 16];

/// An event that was sent.
struct Sent {
    data: Hash,
    attributes: Hash,
    /// Place of its key, where it has one.
    key: Option<u32>,
    /// Which of its key it is, from 1.
    sequence: u32,
    arrivals: u32,
}

// With its name beside its place, about 100 bytes in all.
const _: () = assert!(size_of::<Sent>() <= 48);

/// A key, and how far its events have come.
struct Key {
    text: Vec<u8>,
    sent: u32,
    /// The latest that has arrived.
    arrived: u32,
}

/// The ledger. What is sent must be noted before it can come.
#[derive(Default)]
pub struct Ledger {
    sent: Vec<Sent>,
    /// Places in `sent`, by the hash of source and id.
    places: HashMap<Hash, u32>,
    keys: Vec<Key>,
    key_places: HashMap<Vec<u8>, u32>,
    arrivals: u64,
    arrived: usize,
    /// All but how many were sent, and how many are missing.
    counts: Verdict,
    findings: Vec<String>,
}

impl Ledger {
    /// Notes an event that is sent. Those of a key are noted in the order in which they are sent.
    pub fn sent(&mut self, event: &Event) {
        let place = u32::try_from(self.sent.len()).unwrap();
        let earlier = self.places.insert(name(event), place);
        assert!(earlier.is_none(), "{} of {} is sent twice", event.attribute("id"), event.attribute("source"));
        let key = event.key.as_ref().map(|key| self.key(key));
        let sequence = key.map_or(0, |key| {
            let key = &mut self.keys[key as usize];
            key.sent += 1;
            key.sent
        });
        self.sent.push(Sent { data: data(event), attributes: attributes(event), key, sequence, arrivals: 0 });
    }

    fn key(&mut self, text: &[u8]) -> u32 {
        if let Some(&place) = self.key_places.get(text) {
            return place;
        }
        let place = u32::try_from(self.keys.len()).unwrap();
        self.keys.push(Key { text: text.to_vec(), sent: 0, arrived: 0 });
        self.key_places.insert(text.to_vec(), place);
        place
    }

    /// Notes what came at a place, in the order of its coming; what cannot be read came as well.
    pub fn received(&mut self, place: fmt::Arguments<'_>, event: Result<Event, String>) {
        self.arrivals += 1;
        let event = match event {
            Ok(event) => event,
            Err(why) => return self.foreign(place, &why),
        };
        let Some(&sent) = self.places.get(&name(&event)) else {
            let whose = format!("nobody sent {} of {}", event.attribute("id"), event.attribute("source"));
            return self.foreign(place, &whose);
        };
        let sent = &mut self.sent[sent as usize];
        sent.arrivals += 1;
        let key = sent.key.map(|key| &mut self.keys[key as usize]);
        let is_key = key.as_ref().is_none_or(|key| event.key.as_ref().is_none_or(|came| *came == key.text));
        let mut wrong = Vec::new();
        if sent.arrivals > 1 {
            self.counts.duplicates += 1;
            wrong.push("it has come before");
        } else {
            self.arrived += 1;
            match key {
                Some(key) if sent.sequence < key.arrived => {
                    self.counts.out_of_order += 1;
                    wrong.push("a later one of its key came before");
                }
                Some(key) => key.arrived = sent.sequence,
                None => {}
            }
        }
        let same = [is_key, data(&event) == sent.data, attributes(&event) == sent.attributes];
        self.counts.corrupt += usize::from(same.contains(&false));
        let parts = ["its key is another", "its data are others", "its attributes are others"];
        wrong.extend(parts.iter().zip(same).filter(|(_, same)| !same).map(|(part, _)| part));
        if !wrong.is_empty() {
            self.find(place, &format!("{}: {}", event.attribute("id"), wrong.join(", ")));
        }
    }

    fn foreign(&mut self, place: fmt::Arguments<'_>, why: &str) {
        self.counts.foreign += 1;
        self.find(place, why);
    }

    fn find(&mut self, place: fmt::Arguments<'_>, what: &str) {
        if self.findings.len() < TOLD {
            self.findings.push(format!("arrival {} ({place}): {what}", self.arrivals));
        }
    }

    /// Notes the records that are new in a topic as sent: whoever sent them need not say what Kafka has accepted.
    pub async fn sent_to(&mut self, topic: &mut Topic) {
        topic.read(|record| self.sent(&Event::from_record(record).unwrap())).await;
    }

    /// Notes the records that are new in a topic as received.
    pub async fn received_from(&mut self, topic: &mut Topic) {
        topic
            .read(|record| {
                let place = (record.partition(), record.offset());
                self.received(format_args!("partition and offset {place:?}"), Event::from_record(record));
            })
            .await;
    }

    /// Notes what a queue took, in the order of its journal: attributes, body and group of each message.
    pub fn received_by_queue<'a, A>(&mut self, journal: impl IntoIterator<Item = (A, &'a str, Option<&'a str>)>)
    where
        A: IntoIterator<Item = (&'a str, &'a str)>,
    {
        for (attributes, body, group) in journal {
            self.received(format_args!("queue"), Event::from_message(attributes, body, group));
        }
    }

    /// The numbers so far.
    pub fn verdict(&self) -> Verdict {
        Verdict { sent: self.sent.len(), missing: self.sent.len() - self.arrived, ..self.counts }
    }

    /// All has come as it was sent, and no more than so many arrivals were of what had come before.
    #[track_caller]
    pub fn assert_none_lost(&self, duplicates: usize) -> Verdict {
        let verdict = self.verdict();
        let is_lost = (verdict.missing, verdict.corrupt, verdict.foreign) != (0, 0, 0);
        assert!(!is_lost && verdict.duplicates <= duplicates, "at most {duplicates} duplicates:\n{}", self.report());
        verdict
    }

    /// The events of every key came first in the order in which they were sent.
    #[track_caller]
    pub fn assert_in_order(&self) {
        assert_eq!(self.counts.out_of_order, 0, "{}", self.report());
    }

    /// The numbers, and the first of what is wrong.
    fn report(&self) -> String {
        let missing = self.sent.iter().filter(|sent| sent.arrivals == 0).take(TOLD).map(|sent| match sent.key {
            Some(key) => {
                format!("missing: the {}. of key {}", sent.sequence, self.keys[key as usize].text.escape_ascii())
            }
            None => "missing: one without a key".to_owned(),
        });
        let lines = [HEAD.to_owned(), self.verdict().to_string()];
        lines.into_iter().chain(self.findings.iter().cloned()).chain(missing).collect::<Vec<_>>().join("\n")
    }
}

/// Hashes parts so that none runs into the next.
fn hash<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Hash {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(&part.len().to_be_bytes());
        context.update(part);
    }
    let mut half = Hash::default();
    half.copy_from_slice(&context.finish().as_ref()[..size_of::<Hash>()]);
    half
}

/// Who it is: an event is known by its source and its id (`CloudEvents` 1.0, "id").
fn name(event: &Event) -> Hash {
    hash([event.attribute("source").as_bytes(), event.attribute("id").as_bytes()])
}

fn data(event: &Event) -> Hash {
    hash(event.data.as_deref())
}

fn attributes(event: &Event) -> Hash {
    let carried = event.present().filter(|(name, _)| *name != HOPS);
    hash(carried.flat_map(|(name, value)| [name.as_bytes(), value.as_bytes()]))
}
