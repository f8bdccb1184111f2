//! From bytes to a value: which notation it is, and the bounds that hold for either.

use serde_json::Value;

use super::{
    display,
    json::{self, JsonKind, MAX_DEPTH},
    places::{Places, join},
    problems::Refused,
    yaml,
};
use crate::domain::contract::Problem;

/// Values and keys in a document.
pub const MAX_NODES: usize = 200_000;

/// Objects among them. An object takes about 700 bytes in memory however few members it has.
pub const MAX_OBJECTS: usize = 30_000;

/// Bytes in one string.
const MAX_STRING: usize = 65_536;

/// Bytes in one key.
const MAX_KEY: usize = 1_024;

/// What a file is when its first bytes are these.
const SIGNATURES: &[(&[u8], &str)] = &[
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"%PDF", "a PDF"),
    (b"PK\x03\x04", "a ZIP archive or an office document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"MZ", "a Windows program"),
    (b"\x7fELF", "a program"),
];

/// Parses YAML or JSON text.
pub fn parse(bytes: &[u8]) -> Result<(Value, Places), Problem> {
    let whole = |message: String| Problem { pointer: String::new(), line: None, message };
    if let Some((_, what)) = SIGNATURES.iter().find(|(first, _)| bytes.starts_with(first)) {
        return Err(whole(format!("is {what}, not text: bring a .yaml, .yml or .json file")));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| Problem {
        pointer: String::new(),
        line: Some(json::line_at(&bytes[..error.valid_up_to()])),
        message: json::not_utf8(bytes),
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim().is_empty() {
        return Err(whole("is empty".into()));
    }
    let (value, places) =
        if text.trim_start().starts_with(['{', '[']) { json_or_yaml(text)? } else { yaml::parse(text)? };
    if value.is_null() {
        return Err(whole("is empty".into()));
    }
    lengths(&value).map_err(|(pointer, message)| Problem { line: places.line(&pointer), pointer, message })?;
    Ok((value, places))
}

/// A text in braces is JSON, or YAML in its flow style, which is not always JSON.
fn json_or_yaml(text: &str) -> Result<(Value, Places), Problem> {
    match json::parse_bounded(text.as_bytes(), MAX_NODES, MAX_OBJECTS) {
        Ok(value) => Ok((value, Places::of_json(text))),
        Err(problem) => {
            let message = if problem.kind == JsonKind::TooMany { too_many() } else { problem.message };
            let refused = Problem { pointer: String::new(), line: Some(problem.line), message };
            match problem.kind {
                JsonKind::Syntax => yaml::parse(text).map_err(|_| refused),
                _ => Err(refused),
            }
        }
    }
}

/// The same bounds for a value that was parsed by somebody else.
pub fn check(value: &Value) -> Result<(), Refused> {
    let refuse = |(pointer, message)| Refused::Invalid(vec![Problem { pointer, line: None, message }]);
    let mut size = Size { bytes: 0, nodes: 0, objects: 0 };
    size.add(value, 0).map_err(|message| refuse((String::new(), message)))?;
    if size.bytes > super::MAX_BYTES {
        return Err(Refused::TooLarge { limit: super::MAX_BYTES });
    }
    lengths(value).map_err(refuse)
}

/// What a value would take as text without any blanks, or a little less.
struct Size {
    bytes: usize,
    nodes: usize,
    objects: usize,
}

impl Size {
    fn add(&mut self, value: &Value, depth: usize) -> Result<(), String> {
        self.nodes += 1;
        self.objects += usize::from(value.is_object());
        if self.nodes > MAX_NODES || self.objects > MAX_OBJECTS {
            return Err(too_many());
        }
        if depth > MAX_DEPTH {
            return Err(format!("is nested deeper than {MAX_DEPTH} levels"));
        }
        match value {
            Value::String(text) => self.bytes += text.len() + 2,
            Value::Array(list) => {
                self.bytes += list.len() + 1;
                list.iter().try_for_each(|inner| self.add(inner, depth + 1))?;
            }
            Value::Object(object) => {
                self.bytes += object.len() + 1;
                for (name, inner) in object {
                    self.bytes += name.len() + 3;
                    self.nodes += 1;
                    self.add(inner, depth + 1)?;
                }
            }
            _ => self.bytes += 1,
        }
        Ok(())
    }
}

/// The sentence for more values than are read.
pub fn too_many() -> String {
    format!("holds more than {MAX_NODES} values or {MAX_OBJECTS} objects: split it into several services")
}

/// Refuses a string or key that nobody would read.
fn lengths(value: &Value) -> Result<(), (String, String)> {
    match value {
        Value::String(text) if text.len() > MAX_STRING => {
            Err((String::new(), format!("is a text of {} bytes: at most {MAX_STRING}", text.len())))
        }
        Value::Array(list) => list.iter().enumerate().try_for_each(|(index, inner)| {
            lengths(inner).map_err(|(pointer, message)| (format!("/{index}{pointer}"), message))
        }),
        Value::Object(object) => object.iter().try_for_each(|(name, inner)| {
            if name.len() > MAX_KEY {
                let message =
                    format!("holds the key {} of {} bytes: at most {MAX_KEY}", display::quoted(name), name.len());
                return Err((String::new(), message));
            }
            lengths(inner).map_err(|(pointer, message)| (join("", name) + &pointer, message))
        }),
        _ => Ok(()),
    }
}
