//! JSON as the API takes it: RFC 8259 with what RFC 7493 (I-JSON) adds, and a bound on depth.
//!
//! UTF-8 only, no duplicate names, at most 64 levels, nothing after the value, no `NaN`, no unpaired surrogate. One
//! byte order mark at the start is skipped, as RFC 8259 section 8.1 allows.

use std::{cell::Cell, fmt};

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// The deepest nesting of arrays and objects that is read.
pub const MAX_DEPTH: usize = 64;

/// Why a text was refused as JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonKind {
    /// Not UTF-8.
    Encoding,
    /// Not JSON, cut short, or followed by something else.
    Syntax,
    /// A name occurs twice in one object.
    DuplicateName,
    /// Deeper than [`MAX_DEPTH`].
    TooDeep,
    /// More values than are read.
    TooMany,
    /// A `\u` escape that is half of a surrogate pair.
    LoneSurrogate,
}

/// A text that is not JSON as this product takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonProblem {
    /// What sort of problem it is.
    pub kind: JsonKind,
    /// The line, from 1.
    pub line: u32,
    /// The column in bytes, from 1; 0 where only the line is known.
    pub column: u32,
    /// What is wrong, without the place.
    pub message: String,
}

impl fmt::Display for JsonProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (line {}, column {})", self.message, self.line, self.column)
    }
}

impl std::error::Error for JsonProblem {}

/// Parses JSON strictly.
///
/// # Errors
/// A [`JsonProblem`] with the kind, the line and the column of the first thing that is wrong.
pub fn strict_json(bytes: &[u8]) -> Result<Value, JsonProblem> {
    parse(bytes, usize::MAX)
}

/// [`strict_json`] with a bound on the number of values and names: what bounds the memory it takes.
///
/// # Errors
/// As [`strict_json`], and [`JsonKind::TooMany`].
pub fn parse(bytes: &[u8], max_nodes: usize) -> Result<Value, JsonProblem> {
    parse_bounded(bytes, max_nodes, usize::MAX)
}

/// [`parse`] with a bound on the objects among the values too.
pub(super) fn parse_bounded(bytes: &[u8], max_nodes: usize, max_objects: usize) -> Result<Value, JsonProblem> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = &bytes[..error.valid_up_to()];
        JsonProblem {
            kind: JsonKind::Encoding,
            line: line_at(before),
            column: column_at(before),
            message: not_utf8(bytes),
        }
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let limits = Limits { kind: Cell::new(None), nodes: Cell::new(max_nodes), objects: Cell::new(max_objects) };
    let mut reader = serde_json::Deserializer::from_str(text);
    let seed = Level { depth: 0, limits: &limits };
    seed.deserialize(&mut reader)
        .and_then(|value| reader.end().map(|()| value))
        .map_err(|error| problem(&error, &limits))
}

/// The sentence for bytes that are not UTF-8.
pub(super) fn not_utf8(bytes: &[u8]) -> String {
    let utf16 = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]);
    if utf16 { "is UTF-16: save it as UTF-8" } else { "is not UTF-8: save it as UTF-8" }.to_owned()
}

/// The line after these bytes, from 1.
pub(super) fn line_at(before: &[u8]) -> u32 {
    let lines = before.split(|&b| b == b'\n').count();
    u32::try_from(lines).unwrap_or(u32::MAX)
}

fn column_at(before: &[u8]) -> u32 {
    let column = before.iter().rev().take_while(|&&b| b != b'\n').count() + 1;
    u32::try_from(column).unwrap_or(u32::MAX)
}

fn problem(error: &serde_json::Error, limits: &Limits) -> JsonProblem {
    let full = error.to_string();
    // serde_json appends the place, which has fields of its own here.
    let message = full.rsplit_once(" at line ").map_or(full.as_str(), |(message, _)| message);
    let (kind, message) = match limits.kind.get() {
        Some(kind) => (kind, message.to_owned()),
        None if message.contains("surrogate") || message.contains("hex escape") => {
            (JsonKind::LoneSurrogate, "holds a \\u escape that is half of a surrogate pair".to_owned())
        }
        None if error.is_eof() => (JsonKind::Syntax, "ends before the JSON does".to_owned()),
        None if message == "trailing characters" => {
            (JsonKind::Syntax, "holds something after the JSON value".to_owned())
        }
        None => (JsonKind::Syntax, format!("is not JSON: {message}")),
    };
    let fit = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    JsonProblem { kind, line: fit(error.line()).max(1), column: fit(error.column()), message }
}

/// What is left to spend, and which rule was broken: a visitor's own error is only text.
struct Limits {
    kind: Cell<Option<JsonKind>>,
    nodes: Cell<usize>,
    objects: Cell<usize>,
}

impl Limits {
    fn refuse<E: de::Error>(&self, kind: JsonKind, message: impl fmt::Display) -> E {
        self.kind.set(Some(kind));
        E::custom(message)
    }

    fn spend<E: de::Error>(&self) -> Result<(), E> {
        self.take(&self.nodes)
    }

    fn take<E: de::Error>(&self, from: &Cell<usize>) -> Result<(), E> {
        let Some(left) = from.get().checked_sub(1) else {
            return Err(self.refuse(JsonKind::TooMany, "holds too many values"));
        };
        from.set(left);
        Ok(())
    }
}

/// Reads one value. Not through `Value`'s own reader: that one takes the last of two equal names, and has a meaning
/// of its own for one name while the feature `raw_value` is on.
#[derive(Clone, Copy)]
struct Level<'l> {
    depth: usize,
    limits: &'l Limits,
}

impl Level<'_> {
    fn deeper<E: de::Error>(self) -> Result<Self, E> {
        if self.depth == MAX_DEPTH {
            let message = format!("is nested deeper than {MAX_DEPTH} levels");
            return Err(self.limits.refuse(JsonKind::TooDeep, message));
        }
        Ok(Self { depth: self.depth + 1, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for Level<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Level<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E: de::Error>(self, v: bool) -> Result<Value, E> {
        self.limits.spend()?;
        Ok(Value::Bool(v))
    }

    fn visit_i64<E: de::Error>(self, v: i64) -> Result<Value, E> {
        self.limits.spend()?;
        Ok(v.into())
    }

    fn visit_u64<E: de::Error>(self, v: u64) -> Result<Value, E> {
        self.limits.spend()?;
        Ok(v.into())
    }

    fn visit_f64<E: de::Error>(self, v: f64) -> Result<Value, E> {
        self.limits.spend()?;
        Number::from_f64(v).map(Value::Number).ok_or_else(|| E::custom("holds a number that is not finite"))
    }

    fn visit_str<E: de::Error>(self, v: &str) -> Result<Value, E> {
        self.visit_string(v.to_owned())
    }

    fn visit_string<E: de::Error>(self, v: String) -> Result<Value, E> {
        self.limits.spend()?;
        Ok(Value::String(v))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        self.limits.spend()?;
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        self.limits.spend()?;
        let inner = self.deeper()?;
        let mut list = Vec::new();
        while let Some(value) = seq.next_element_seed(inner)? {
            list.push(value);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        self.limits.spend()?;
        self.limits.take(&self.limits.objects)?;
        let inner = self.deeper()?;
        let mut object = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            self.limits.spend()?;
            if object.contains_key(&name) {
                let shown = super::display::quoted(&name);
                return Err(self.limits.refuse(JsonKind::DuplicateName, format!("holds {shown} twice in one object")));
            }
            let value = map.next_value_seed(inner)?;
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }
}
