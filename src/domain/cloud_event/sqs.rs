//! The queue's side: message attributes and body.
//!
//! Rules from the *Amazon SQS Developer Guide*, "Amazon SQS message metadata" and "Amazon SQS message quotas".

use super::{
    CONTENT_TYPE, DATA, DATA_BASE64, DATA_CONTENT_TYPE, Event, PREFIX, Undeliverable, is_carriable, is_structured, json,
};

/// The most attributes a message may have.
const MAX_ATTRIBUTES: usize = 10;
/// The most characters in an attribute's name.
const MAX_NAME: usize = 256;
/// The data type of all our attributes; SQS counts its length as well.
const DATA_TYPE: &str = "String";
const STRUCTURED: &str = "application/cloudevents+json";

/// A message: attributes of type `String`, and a body of at least one character.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Names and values.
    pub attributes: Vec<(String, String)>,
    /// Body.
    pub body: String,
}

impl Message {
    /// Size in bytes as SQS counts it: the body, and names, types and values of the attributes.
    pub fn size(&self) -> usize {
        self.body.len() + self.attributes.iter().map(|(name, value)| attribute_size(name, value)).sum::<usize>()
    }
}

fn attribute_size(name: &str, value: &str) -> usize {
    name.len() + DATA_TYPE.len() + value.len()
}

/// Whether SQS takes the name of an attribute.
fn is_name(name: &str) -> bool {
    let reserved = |prefix: &str| name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    is_end_of_name(name, 0) && !name.starts_with('.') && !reserved("AWS.") && !reserved("Amazon.")
}

/// Whether SQS takes a name that ends like this, after a good beginning of so many bytes.
fn is_end_of_name(end: &str, before: usize) -> bool {
    (1..=MAX_NAME - before).contains(&end.len())
        && end.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
        && !end.ends_with('.')
        && !end.contains("..")
}

impl Event {
    /// The event as a message of at most `max` bytes.
    ///
    /// In binary mode where SQS can carry it so, else in structured mode. Foreign headers go along where there is
    /// room.
    ///
    /// # Errors
    /// [`Undeliverable::Oversize`] when it is larger than `max`.
    pub fn into_queue(mut self, max: usize) -> Result<Message, Undeliverable> {
        let foreign = std::mem::take(&mut self.foreign);
        let mut message = match self.structured.take() {
            Some(as_it_came) if is_carriable(&as_it_came.text) && is_carriable(&as_it_came.content_type) => {
                Message { attributes: vec![(CONTENT_TYPE.to_owned(), as_it_came.content_type)], body: as_it_came.text }
            }
            None if self.fits_binary() => self.binary(),
            _ => {
                Message { attributes: vec![(CONTENT_TYPE.to_owned(), STRUCTURED.to_owned())], body: json::write(&self) }
            }
        };
        let mut size = message.size();
        if size > max {
            return Err(Undeliverable::Oversize { size, max });
        }
        for (name, value) in foreign {
            let more = attribute_size(&name, &value);
            if message.attributes.len() < MAX_ATTRIBUTES && size + more <= max && is_name(&name) && is_carriable(&value)
            {
                size += more;
                message.attributes.push((name, value));
            }
        }
        Ok(message)
    }

    fn fits_binary(&self) -> bool {
        self.attributes.len() + usize::from(self.content_type.is_some()) <= MAX_ATTRIBUTES
            && self.attributes.iter().all(|(name, value)| is_end_of_name(name, PREFIX.len()) && is_carriable(value))
            && self.content_type.as_deref().is_none_or(is_carriable)
            && self.data.as_deref().and_then(|data| str::from_utf8(data).ok()).is_some_and(is_carriable)
    }

    fn binary(self) -> Message {
        let attributes = self.attributes.into_iter().map(|(name, value)| (format!("{PREFIX}{name}"), value));
        let content_type = self.content_type.map(|value| (CONTENT_TYPE.to_owned(), value));
        Message {
            attributes: attributes.chain(content_type).collect(),
            // Checked to be UTF-8 before.
            body: self.data.and_then(|data| String::from_utf8(data).ok()).unwrap_or_default(),
        }
    }

    /// Reads a message; the values of attributes of type `Number` are taken as text.
    pub fn from_queue(message: Message) -> Result<Self, Undeliverable> {
        let mut attributes = Vec::with_capacity(message.attributes.len());
        let mut foreign = Vec::new();
        let mut content_type: Option<String> = None;
        for (name, value) in message.attributes {
            if value.is_empty() {
                continue;
            }
            if name.eq_ignore_ascii_case(CONTENT_TYPE) || name.strip_prefix(PREFIX) == Some(DATA_CONTENT_TYPE) {
                if content_type.replace(value).is_some() {
                    return Err(Undeliverable::Headers("the content type is there twice".into()));
                }
            } else if let Some(attribute) = name.strip_prefix(PREFIX) {
                if matches!(attribute, "" | DATA | DATA_BASE64) {
                    return Err(Undeliverable::NotCloudEvent(format!("{name} cannot be the name of an attribute")));
                }
                attributes.push((attribute.to_owned(), value));
            } else {
                foreign.push((name, value));
            }
        }
        match content_type.as_deref().map_or(Some(false), is_structured) {
            None => Err(Undeliverable::NotCloudEvent("only the JSON form of structured mode can be carried".into())),
            Some(true) => {
                Self::from_structured(content_type.unwrap_or_default(), message.body.into_bytes(), &attributes, foreign)
            }
            Some(false) => {
                Self { attributes, content_type, data: Some(message.body.into_bytes()), foreign, structured: None }
                    .require()
            }
        }
    }
}
