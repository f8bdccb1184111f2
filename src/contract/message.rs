//! The messages of a document (section "Message Object"): each is an event.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::{
    display::{self, quoted},
    payload,
    places::segments,
    reader::Reader,
    reference::Found,
    service::MAX_DESCRIPTION,
};
use crate::domain::contract::Event;

/// Messages in a document.
pub const MAX_MESSAGES: usize = 1_000;
/// Characters in the name of an event.
const MAX_NAME: usize = 255;
/// Characters in the title of an event.
const MAX_TITLE: usize = 200;
/// How deep lists of messages may be in lists of messages.
const MAX_NESTING: usize = 16;

/// Which way a message goes, seen from the described app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// The operation is `subscribe`.
    Sends,
    /// The operation is `publish`.
    Receives,
}

/// An event and the channel it is in.
pub struct Placed<'a> {
    /// The number of the channel.
    pub channel: usize,
    /// The event.
    pub event: Event,
    message: Found<'a>,
}

/// The lists of messages of one operation. One that is met again would add nothing.
#[derive(Default)]
struct Lists {
    seen: HashSet<String>,
    depth: usize,
}

/// The events found so far.
#[derive(Default)]
pub struct Catalog<'a> {
    /// In the order they were found.
    pub events: Vec<Placed<'a>>,
    by_name: HashMap<String, usize>,
    /// By the place of the message itself, however it is referred to.
    by_place: HashMap<String, usize>,
}

impl<'a> Catalog<'a> {
    /// Adds the message or messages that an operation of a channel has.
    pub fn collect(&mut self, reader: &mut Reader<'a>, message: Found<'a>, way: Way, channel: usize) {
        self.descend(reader, message, way, channel, &mut Lists::default());
    }

    fn descend(&mut self, reader: &mut Reader<'a>, message: Found<'a>, way: Way, channel: usize, lists: &mut Lists) {
        let Some(message) = reader.follow(message) else { return };
        let Some(choices) = message.member("oneOf") else {
            // A reference that is still there is not a text: the schema says so.
            if message.value.is_object() && message.value.get("$ref").is_none() {
                self.register(reader, message, way, channel);
            }
            return;
        };
        if !lists.seen.insert(message.pointer) {
            return;
        }
        if lists.depth == MAX_NESTING {
            reader.problems.add(
                choices.pointer,
                "is a list of messages in lists of messages, too deep: list the messages themselves",
            );
            return;
        }
        lists.depth += 1;
        for choice in choices.elements() {
            if self.events.len() > MAX_MESSAGES {
                return;
            }
            self.descend(reader, choice, way, channel, lists);
        }
        lists.depth -= 1;
    }

    fn register(&mut self, reader: &mut Reader<'a>, message: Found<'a>, way: Way, channel: usize) {
        if self.events.len() > MAX_MESSAGES {
            return;
        }
        if let Some(&known) = self.by_place.get(&message.pointer) {
            self.again(reader, known, way, channel);
            return;
        }
        let read = Read::new(reader, message.clone());
        let Some(name) = read.name(reader) else { return };
        if let Some(&known) = self.by_name.get(&name) {
            self.by_place.insert(message.pointer.clone(), known);
            let first = &self.events[known];
            // A document without components writes the message twice where the app both sends and receives it.
            if first.channel == channel && !goes(&first.event, way) && first.message.value == message.value {
                self.again(reader, known, way, channel);
            } else {
                let text = format!(
                    "is a second, different event named {}; the first is at {}: names must be unique in a service",
                    quoted(&name),
                    first.message.pointer
                );
                reader.problems.add_duplicate(message.pointer, text);
            }
            return;
        }
        if self.events.len() == MAX_MESSAGES {
            reader.problems.add(
                "/channels",
                format!("hold more than {MAX_MESSAGES} messages: split the document into several services"),
            );
        }
        let event = read.event(reader, name.clone(), way);
        self.by_name.insert(name, self.events.len());
        self.by_place.insert(message.pointer.clone(), self.events.len());
        self.events.push(Placed { channel, event, message });
    }

    /// A message that is known is used once more.
    fn again(&mut self, reader: &mut Reader<'_>, known: usize, way: Way, channel: usize) {
        let placed = &mut self.events[known];
        match way {
            Way::Sends => placed.event.app_sends = true,
            Way::Receives => placed.event.app_receives = true,
        }
        if placed.channel != channel {
            let name = quoted(&placed.event.name);
            reader.note(format!(
                "The event {name} is in several channels of the document. It gets one channel: the first of them."
            ));
        }
    }
}

fn goes(event: &Event, way: Way) -> bool {
    match way {
        Way::Sends => event.app_sends,
        Way::Receives => event.app_receives,
    }
}

/// What the schema of the headers fixes `ce_type` to, by `const` or by an `enum` of one.
fn fixed_type<'a>(reader: &mut Reader<'a>, part: &Found<'a>) -> Option<&'a str> {
    let headers = reader.follow(part.member("headers")?)?;
    let schema = reader.follow(headers.member("properties")?.member("ce_type")?)?;
    let fixed = schema.value.get("const").or_else(|| match schema.value.get("enum")?.as_array()?.as_slice() {
        [one] => Some(one),
        _ => None,
    });
    fixed.and_then(Value::as_str)
}

/// A message with its traits (section "Message Trait Object": merged into the message, later ones last).
struct Read<'a> {
    message: Found<'a>,
    traits: Vec<Found<'a>>,
}

impl<'a> Read<'a> {
    fn new(reader: &mut Reader<'a>, message: Found<'a>) -> Self {
        let listed: Vec<_> = message.member("traits").map(|traits| traits.elements().collect()).unwrap_or_default();
        let traits = listed.into_iter().filter_map(|one| reader.follow(one)).collect();
        Self { message, traits }
    }

    /// The message and its traits, what counts more first.
    fn parts(&self) -> impl Iterator<Item = &Found<'a>> {
        self.traits.iter().rev().chain([&self.message])
    }

    fn text(&self, member: &str) -> Option<&'a str> {
        self.parts().find_map(|part| part.text(member))
    }

    /// The event's name: `name`, else `messageId`, else the key among the components, else what the header `ce_type`
    /// is fixed to (`CloudEvents` Kafka protocol binding, section 3.2.3).
    fn name(&self, reader: &mut Reader<'a>) -> Option<String> {
        let header = self.parts().find_map(|part| fixed_type(reader, part));
        let given = self.text("name").or_else(|| self.text("messageId"));
        let name = match (given, self.component(), header) {
            (Some(given), _, _) => given.to_owned(),
            (None, Some(component), _) => component,
            (None, None, Some(header)) => header.to_owned(),
            // A name that is not a text: the schema says so.
            (None, None, None)
                if self.parts().any(|part| part.value.get("name").or(part.value.get("messageId")).is_some()) =>
            {
                return None;
            }
            (None, None, None) => {
                reader.problems.add(
                    &*self.message.pointer,
                    "has no name: give the message a name, which is the ce_type of its events",
                );
                return None;
            }
        };
        let wrong = if name.is_empty() || name.trim() != name {
            "is empty or begins or ends with a blank"
        } else if name.chars().any(display::is_hidden) {
            "holds characters that cannot be seen"
        } else if name.chars().count() > MAX_NAME {
            "is longer than 255 characters"
        } else {
            if header.is_some_and(|header| header != name) {
                reader.note(format!(
                    "The message {} fixes its header ce_type to {}. The name counts: events must carry it as their ce_type.",
                    quoted(&name),
                    quoted(header.unwrap_or_default())
                ));
            }
            return Some(name);
        };
        reader.problems.add(&*self.message.pointer, format!("has a name that {wrong}: it is the ce_type of events"));
        None
    }

    fn component(&self) -> Option<String> {
        let mut segments = segments(&self.message.pointer);
        let found = segments.next()? == "components" && segments.next()? == "messages";
        let key = segments.next()?;
        (found && segments.next().is_none()).then_some(key)
    }

    fn event(&self, reader: &mut Reader<'a>, name: String, way: Way) -> Event {
        let summary = self.text("summary").unwrap_or_default();
        let title = display::line(self.text("title").unwrap_or(summary), MAX_TITLE);
        let description = match (self.text("description"), self.text("title")) {
            (Some(description), _) => description,
            (None, Some(_)) => summary,
            (None, None) => "",
        };
        let format = self.text("schemaFormat");
        let content = self.text("contentType").or_else(|| reader.root.get("defaultContentType")?.as_str());
        let attributes = match self.message.member("payload") {
            Some(payload) => payload::attributes(reader, payload, &name, format, content),
            None => Vec::new(),
        };
        Event {
            title,
            description: display::paragraphs(description, MAX_DESCRIPTION),
            app_sends: way == Way::Sends,
            app_receives: way == Way::Receives,
            attributes,
            name,
        }
    }
}
