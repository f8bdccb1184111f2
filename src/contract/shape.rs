//! A value read as what is expected there, strictly; what is wrong is named with its place.

use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::Segment;

/// Characters of a sentence that repeats what was given.
const MAX_SENTENCE: usize = 300;

/// Reads a value.
///
/// # Errors
/// The place of what is wrong, as a JSON Pointer without its first slash, and a sentence that follows its name.
pub fn read<T: DeserializeOwned>(value: Value) -> Result<T, (String, String)> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let parts = error.path().iter().filter_map(|segment| match segment {
            Segment::Seq { index } => Some(index.to_string()),
            Segment::Map { key } => Some(escaped(key)),
            Segment::Enum { .. } | Segment::Unknown => None,
        });
        let mut parts: Vec<_> = parts.collect();
        let (missing, sentence) = sentence(&error.inner().to_string());
        parts.extend(missing);
        (parts.join("/"), sentence)
    })
}

/// A name as part of a JSON Pointer (RFC 6901, section 3).
pub fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// What serde says, as a sentence that follows the field's name; and the field that is missing, where one is.
fn sentence(said: &str) -> (Option<String>, String) {
    if let Some(name) = said.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`')) {
        return (Some(escaped(name)), "is missing".into());
    }
    let expected = said.rsplit_once(", expected ").map(|(_, expected)| expected.replace('`', "\""));
    let sentence = match (said, expected) {
        (said, Some(expected)) if said.starts_with("unknown field") => {
            format!("is not known here: expected {expected}")
        }
        (said, Some(expected)) if said.starts_with("unknown variant") => format!("must be {expected}"),
        (said, Some(expected)) if said.starts_with("invalid ") => {
            format!("must be {}{}", wanted(&expected), but(said))
        }
        (said, None) if said.starts_with("unknown field") => "is not known here: nothing is expected".into(),
        (said, _) => said.into(),
    };
    (None, sentence.chars().take(MAX_SENTENCE).collect())
}

fn wanted(expected: &str) -> &str {
    match expected {
        "a string" => "a text",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "i64" | "u64" | "i32" | "u32" => "a whole number",
        struct_ if struct_.starts_with("struct ") => "an object",
        other => other,
    }
}

fn but(said: &str) -> &'static str {
    let kinds = [
        ("null", ", but is null: leave it out"),
        ("string", ", but is a text"),
        ("integer", ", but is a number"),
        ("floating point", ", but is a number with a fraction"),
        ("boolean", ", but is true or false"),
        ("map", ", but is an object"),
        ("sequence", ", but is a list"),
    ];
    let given = said.split_once(": ").map_or("", |(_, given)| given);
    kinds.iter().find(|(kind, _)| given.starts_with(kind)).map_or("", |(_, but)| but)
}
