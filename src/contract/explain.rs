//! Why a value is not what an official schema says, in sentences for the person who wrote it.
//!
//! Knows the keywords the official schemas use (JSON Schema draft-07). Where a value may have one of several forms
//! (`oneOf`, `anyOf`), only the faults of the form that was most likely meant are told. Never decides whether a value
//! is valid, so a keyword it does not know costs a sentence, not a mistake.

use std::collections::HashMap;

use jsonschema::Validator;
use serde_json::{Map, Value, json};

use super::{
    display::{listed, quoted},
    places::join,
};

/// Values looked at, over all branches: a bound on time, far above what a document of 1 MiB with a slip needs.
const MAX_STEPS: usize = 2_000_000;

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where, from the value that was looked at.
    pub pointer: String,
    /// What, and what it should be.
    pub message: String,
    /// How much it speaks against this form having been meant, where it is at the value itself.
    weight: u32,
    depth: usize,
}

/// The faults of a value, at most `max`.
pub fn faults(schema: &Value, value: &Value, max: usize) -> Vec<Fault> {
    let mut explain = Explain { root: schema, steps: MAX_STEPS, max, leaves: HashMap::new() };
    let mut faults = Vec::new();
    explain.look(schema, value, &At::Root, &mut faults);
    faults.truncate(max);
    faults
}

/// Weight of a fault that shows the value to be of another kind altogether.
const OTHER_KIND: u32 = 100;
/// Weight of a fault at what tells forms apart.
const OTHER_FORM: u32 = 50;
/// Weight of something missing.
const MISSING: u32 = 10;
/// Weight of something too much.
const UNKNOWN: u32 = 5;

/// The way to a value, made into a pointer only for a fault.
enum At<'a> {
    Root,
    Member(&'a At<'a>, &'a str),
    Element(&'a At<'a>, usize),
}

impl At<'_> {
    fn pointer(&self) -> String {
        match self {
            Self::Root => String::new(),
            Self::Member(parent, name) => join(&parent.pointer(), name),
            Self::Element(parent, index) => format!("{}/{index}", parent.pointer()),
        }
    }

    fn depth(&self) -> usize {
        match self {
            Self::Root => 0,
            Self::Member(parent, _) | Self::Element(parent, _) => parent.depth() + 1,
        }
    }
}

struct Explain<'s> {
    root: &'s Value,
    steps: usize,
    max: usize,
    /// Compiled keywords that stand for themselves, by their text.
    leaves: HashMap<String, Option<Validator>>,
}

impl<'s> Explain<'s> {
    fn look(&mut self, schema: &'s Value, value: &Value, at: &At<'_>, faults: &mut Vec<Fault>) {
        let Some(left) = self.steps.checked_sub(1) else { return };
        self.steps = left;
        if faults.len() >= self.max {
            return;
        }
        let schema = match schema {
            Value::Object(schema) => schema,
            Value::Bool(false) => return tell(faults, at, OTHER_KIND, "is not allowed here"),
            _ => return,
        };
        if let Some(Value::String(reference)) = schema.get("$ref") {
            // In draft-07 nothing beside a reference counts.
            let root = self.root;
            if let Some(target) = reference.strip_prefix('#').and_then(|pointer| root.pointer(pointer)) {
                self.look(target, value, at, faults);
            }
            return;
        }
        if let Some(expected) = schema.get("type")
            && !is_type(value, expected)
        {
            let expected = names(expected);
            return tell(faults, at, OTHER_KIND, format!("must be {}, but is {}", listed(&expected), kind(value)));
        }
        choices(schema, value, at, faults);
        match value {
            Value::Object(object) => self.members(schema, object, at, faults),
            Value::Array(list) => {
                if let Some(items @ (Value::Object(_) | Value::Bool(_))) = schema.get("items") {
                    for (index, element) in list.iter().enumerate() {
                        self.look(items, element, &At::Element(at, index), faults);
                    }
                }
            }
            _ => {}
        }
        self.leaves(schema, value, at, faults);
        self.forms(schema, value, at, faults);
    }

    fn members(
        &mut self,
        schema: &'s Map<String, Value>,
        object: &Map<String, Value>,
        at: &At<'_>,
        faults: &mut Vec<Fault>,
    ) {
        for name in schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
            if !object.contains_key(name) {
                // These two are what another form of the same thing is known by.
                let weight = if name == "$ref" || name == "oneOf" { OTHER_KIND } else { MISSING };
                tell(faults, at, weight, format!("lacks {}", quoted(name)));
            }
        }
        let known = schema.get("properties").and_then(Value::as_object);
        let patterns = schema.get("patternProperties").and_then(Value::as_object);
        for (name, member) in object {
            let inside = At::Member(at, name);
            let mut met = false;
            if let Some(property) = known.and_then(|known| known.get(name)) {
                met = true;
                self.look(property, member, &inside, faults);
            }
            for (pattern, property) in patterns.into_iter().flatten() {
                if matches_name(pattern, name) {
                    met = true;
                    self.look(property, member, &inside, faults);
                }
            }
            match schema.get("additionalProperties") {
                Some(Value::Bool(false)) if !met => {
                    let before = faults.len();
                    tell(
                        faults,
                        &inside,
                        UNKNOWN,
                        format!("is not known here: {} has no meaning in this version", quoted(name)),
                    );
                    // It is a fault of the object, though the name is the place to look at.
                    faults[before..].iter_mut().for_each(|fault| fault.depth -= 1);
                }
                Some(other) if !met => self.look(other, member, &inside, faults),
                _ => {}
            }
            if let Some(names) = schema.get("propertyNames") {
                self.look(names, &Value::String(name.clone()), &inside, faults);
            }
        }
    }

    /// Keywords that need no explanation of their own insides.
    fn leaves(&mut self, schema: &Map<String, Value>, value: &Value, at: &At<'_>, faults: &mut Vec<Fault>) {
        for keyword in
            ["format", "pattern", "not", "uniqueItems", "minLength", "minItems", "minimum", "exclusiveMinimum"]
        {
            let Some(bound) = schema.get(keyword) else { continue };
            if keyword == "format" && bound == "regex" {
                continue;
            }
            let validator = self.leaves.entry(format!("{keyword} {bound}")).or_insert_with(|| {
                let schema = json!({ keyword: bound });
                jsonschema::options()
                    .offline()
                    .with_draft(jsonschema::Draft::Draft7)
                    .should_validate_formats(true)
                    .build(&schema)
                    .ok()
            });
            if validator.as_ref().is_some_and(|validator| !validator.is_valid(value)) {
                tell(faults, at, UNKNOWN, leaf(keyword, bound));
            }
        }
    }

    fn forms(&mut self, schema: &'s Map<String, Value>, value: &Value, at: &At<'_>, faults: &mut Vec<Fault>) {
        for part in schema.get("allOf").and_then(Value::as_array).into_iter().flatten() {
            self.look(part, value, at, faults);
        }
        if let (Some(condition), Some(then)) = (schema.get("if"), schema.get("then")) {
            let mut against = Vec::new();
            self.look(condition, value, at, &mut against);
            if against.is_empty() {
                self.look(then, value, at, faults);
            }
        }
        for keyword in ["anyOf", "oneOf"] {
            let Some(forms) = schema.get(keyword).and_then(Value::as_array) else { continue };
            let mut tried = Vec::with_capacity(forms.len());
            for form in forms {
                let mut against = Vec::new();
                self.look(form, value, at, &mut against);
                tried.push(against);
                if keyword == "anyOf" && tried.last().is_some_and(Vec::is_empty) {
                    break;
                }
            }
            match tried.iter().filter(|against| against.is_empty()).count() {
                0 => faults.extend(meant(tried, at)),
                1 => {}
                _ if keyword == "oneOf" => {
                    tell(faults, at, UNKNOWN, "can be read in two ways: remove what belongs to one of them");
                }
                _ => {}
            }
        }
    }
}

/// The faults of the form with the least against it.
fn meant(tried: Vec<Vec<Fault>>, at: &At<'_>) -> Vec<Fault> {
    let depth = at.depth();
    let against = |faults: &[Fault]| -> u32 {
        faults
            .iter()
            .map(|fault| match fault.depth.saturating_sub(depth) {
                0 => fault.weight,
                // What tells forms apart is often a member with a fixed value.
                1 if fault.weight == OTHER_FORM => OTHER_FORM,
                _ => 1,
            })
            .sum()
    };
    let of_other_kind =
        |faults: &[Fault]| faults.len() == 1 && faults[0].depth == depth && faults[0].weight == OTHER_KIND;
    if tried.len() > 1 && tried.iter().all(|faults| of_other_kind(faults)) {
        // None was meant: say them all.
        let mut messages: Vec<_> = tried.into_iter().flatten().collect();
        messages.dedup_by(|a, b| a.message == b.message);
        return messages;
    }
    tried.into_iter().min_by_key(|faults| against(faults)).unwrap_or_default()
}

fn tell(faults: &mut Vec<Fault>, at: &At<'_>, weight: u32, message: impl Into<String>) {
    faults.push(Fault { pointer: at.pointer(), message: message.into(), weight, depth: at.depth() });
}

/// `enum` and `const`.
fn choices(schema: &Map<String, Value>, value: &Value, at: &At<'_>, faults: &mut Vec<Fault>) {
    if let Some(Value::Array(choices)) = schema.get("enum")
        && !choices.contains(value)
    {
        let choices: Vec<_> = choices.iter().map(shown).collect();
        tell(faults, at, OTHER_FORM, format!("is {}, but must be {}", shown(value), listed(&choices)));
    }
    if let Some(fixed) = schema.get("const")
        && fixed != value
    {
        tell(faults, at, OTHER_FORM, format!("is {}, but must be {}", shown(value), shown(fixed)));
    }
}

fn leaf(keyword: &str, bound: &Value) -> String {
    match keyword {
        "format" => match bound.as_str().unwrap_or_default() {
            "email" => "must be an e-mail address".into(),
            "uri" => "must be a URI with its scheme, such as https://example.com".into(),
            "uri-reference" => "must be a URI or a reference such as #/components/messages/Name".into(),
            "uri-template" => "must be an address whose parameters stand in balanced braces".into(),
            other => format!("must be of the format {}", quoted(other)),
        },
        "pattern" => format!("must match {bound}"),
        "not" => "holds something that is not allowed in this combination".into(),
        "uniqueItems" => "holds an element twice".into(),
        "minLength" | "minItems" => "must not be empty".into(),
        "exclusiveMinimum" => format!("must be more than {bound}"),
        _ => format!("must be at least {bound}"),
    }
}

/// The patterns for names in the official schemas. Their `\w` is that of ECMA-262: ASCII.
fn matches_name(pattern: &str, name: &str) -> bool {
    let word = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b));
    match pattern {
        r"^x-[\w\d\.\x2d_]+$" => name.strip_prefix("x-").is_some_and(word),
        r"^[\w\d\.\-_]+$" => word(name),
        r"^\$ref$" => name == "$ref",
        "^x-" => name.starts_with("x-"),
        _ => false,
    }
}

fn is_type(value: &Value, expected: &Value) -> bool {
    match expected {
        Value::String(expected) => match (expected.as_str(), value) {
            ("object", Value::Object(_))
            | ("array", Value::Array(_))
            | ("string", Value::String(_))
            | ("boolean", Value::Bool(_))
            | ("null", Value::Null)
            | ("number", Value::Number(_)) => true,
            ("integer", Value::Number(n)) => !n.is_f64() || n.as_f64().is_some_and(|n| n.fract() == 0.0),
            _ => false,
        },
        Value::Array(any) => any.iter().any(|one| is_type(value, one)),
        _ => true,
    }
}

fn names(expected: &Value) -> Vec<&'static str> {
    let name = |text: &Value| match text.as_str().unwrap_or_default() {
        "object" => "an object",
        "array" => "a list",
        "string" => "a text",
        "boolean" => "true or false",
        "integer" => "a whole number",
        "number" => "a number",
        _ => "null",
    };
    match expected {
        Value::Array(any) => any.iter().map(name).collect(),
        one => vec![name(one)],
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "empty",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        Value::Array(_) | Value::Object(_) => kind(value).into(),
        other => other.to_string(),
    }
}
