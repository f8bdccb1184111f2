//! What a message may be (*Amazon SQS Developer Guide*, "Amazon SQS message metadata" and "Amazon SQS message quotas"), and
//! the checksums of what was taken.

use std::{collections::BTreeMap, fmt::Write};

use aws_lc_rs::digest::{SHA256, digest};
use md5::{Digest, Md5};

use super::refusal::Refusal;

/// The most bytes of a message, and of all messages of a call.
pub const MOST_BYTES: usize = 1 << 20;
const MOST_ATTRIBUTES: usize = 10;
/// The most bytes of the name of an attribute, and of its type.
const LONGEST_NAME: usize = 256;
/// The most digits of a number.
const MOST_DIGITS: usize = 38;
/// The most characters of a group and of a deduplication id.
const LONGEST_ID: usize = 128;

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    Text(String),
    Binary(Vec<u8>),
}

/// An attribute of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    pub data_type: String,
    pub value: Value,
}

impl Attribute {
    pub fn of_text(text: &str) -> Self {
        Self { data_type: "String".to_owned(), value: Value::Text(text.to_owned()) }
    }

    /// Its text; it must be one.
    pub fn text(&self) -> &str {
        match &self.value {
            Value::Text(text) => text,
            Value::Binary(bytes) => panic!("{bytes:?} is no text"),
        }
    }

    fn bytes(&self) -> &[u8] {
        match &self.value {
            Value::Text(text) => text.as_bytes(),
            Value::Binary(bytes) => bytes,
        }
    }
}

pub type Attributes = BTreeMap<String, Attribute>;

/// What someone wants a queue to take.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    pub body: String,
    pub attributes: Attributes,
    pub group: Option<String>,
    pub deduplication: Option<String>,
}

impl Draft {
    /// Bytes as SQS counts them: the body, and of each attribute name, type and value.
    pub fn bytes(&self) -> usize {
        let attributes = self.attributes.iter();
        let of_each = attributes.map(|(name, value)| name.len() + value.data_type.len() + value.bytes().len());
        self.body.len() + of_each.sum::<usize>()
    }

    /// Refuses what no queue takes, and what one of this kind and size does not.
    pub fn check(&self, is_fifo: bool, by_content: bool, most: usize) -> Result<(), Refusal> {
        if self.body.is_empty() {
            return Err(Refusal::missing("MessageBody"));
        }
        if !self.body.chars().all(is_allowed) {
            return Err(Refusal::new(
                "InvalidMessageContents",
                "Invalid binary character was found in the message body",
            ));
        }
        if self.attributes.len() > MOST_ATTRIBUTES {
            let message =
                format!("Number of message attributes [{}] exceeds the allowed maximum [10].", self.attributes.len());
            return Err(Refusal::parameter(message));
        }
        for (name, attribute) in &self.attributes {
            check_name(name)?;
            check_value(name, attribute)?;
        }
        if self.bytes() > most {
            return Err(Refusal::parameter(format!("Message must be shorter than {most} bytes.")));
        }
        for (what, id) in [("MessageGroupId", &self.group), ("MessageDeduplicationId", &self.deduplication)] {
            let is_one =
                |id: &String| (1..=LONGEST_ID).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic());
            if !id.as_ref().is_none_or(is_one) {
                return Err(Refusal::parameter(format!(
                    "{what} can only include alphanumeric and punctuation characters. 1 to 128 in length."
                )));
            }
        }
        match (is_fifo, &self.group, &self.deduplication) {
            (true, None, _) => Err(Refusal::missing("MessageGroupId")),
            (true, _, None) if !by_content => Err(Refusal::parameter(
                "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly",
            )),
            (false, _, Some(_)) => Err(Refusal::parameter(
                "The request include parameter that is not valid for this queue type: MessageDeduplicationId",
            )),
            _ => Ok(()),
        }
    }
}

/// A character of XML 1.0 (its section 2.2), as SQS takes it.
fn is_allowed(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..='\u{10ffff}')
}

fn check_name(name: &str) -> Result<(), Refusal> {
    let lower = name.to_ascii_lowercase();
    let is_one = (1..=LONGEST_NAME).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
        && !name.starts_with('.')
        && !name.ends_with('.')
        && !name.contains("..")
        && !lower.starts_with("aws.")
        && !lower.starts_with("amazon.");
    if is_one { Ok(()) } else { Err(Refusal::parameter(format!("The message attribute name '{name}' is invalid."))) }
}

fn check_value(name: &str, attribute: &Attribute) -> Result<(), Refusal> {
    let kind = attribute.data_type.split('.').next().unwrap_or_default();
    let refuse = |why: &str| Err(Refusal::parameter(format!("The message attribute '{name}' {why}.")));
    if attribute.data_type.len() > LONGEST_NAME {
        return refuse("has a type that is too long");
    }
    match (&attribute.value, kind) {
        (Value::Text(text), "String" | "Number") => {
            if text.is_empty() {
                return refuse("must contain non-empty message attribute value for message attribute type 'String'");
            }
            if !text.chars().all(is_allowed) {
                return Err(Refusal::new(
                    "InvalidMessageContents",
                    "Invalid binary character was found in an attribute",
                ));
            }
            if kind == "Number" && !is_number(text) {
                return refuse("must be a number");
            }
            Ok(())
        }
        (Value::Binary(bytes), "Binary") if !bytes.is_empty() => Ok(()),
        (Value::Binary(_), "Binary") => refuse("must contain a non-empty value"),
        _ => refuse("has a type that does not fit its value"),
    }
}

/// A number as SQS takes it: no infinity, and no more digits than it keeps.
fn is_number(text: &str) -> bool {
    let mantissa = text.split(['e', 'E']).next().unwrap_or_default();
    text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte))
        && mantissa.bytes().filter(u8::is_ascii_digit).count() <= MOST_DIGITS
        && text.parse::<f64>().is_ok_and(f64::is_finite)
}

/// SHA-256 of a body, in hex: the deduplication id of a message where its content decides.
pub fn sha256_of_body(body: &str) -> String {
    hex(digest(&SHA256, body.as_bytes()).as_ref())
}

/// MD5 of a body, in hex.
pub fn md5_of_body(body: &str) -> String {
    hex(&Md5::digest(body.as_bytes()))
}

/// MD5 of attributes, in hex; none has none (*Amazon SQS Developer Guide*, "Calculating the MD5 message digest for message
/// attributes").
pub fn md5_of_attributes(attributes: &Attributes) -> Option<String> {
    let mut all = Vec::new();
    for (name, attribute) in attributes {
        frame(&mut all, name.as_bytes());
        frame(&mut all, attribute.data_type.as_bytes());
        all.push(if matches!(attribute.value, Value::Text(_)) { 1 } else { 2 });
        frame(&mut all, attribute.bytes());
    }
    (!attributes.is_empty()).then(|| hex(&Md5::digest(&all)))
}

/// Bytes behind their length.
fn frame(all: &mut Vec<u8>, bytes: &[u8]) {
    all.extend(u32::try_from(bytes.len()).unwrap().to_be_bytes());
    all.extend(bytes);
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut all, byte| {
        write!(all, "{byte:02x}").unwrap();
        all
    })
}
