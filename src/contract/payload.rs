//! The attributes of an event, from the schema of its payload (section "Schema Object", JSON Schema draft-07).

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::{
    display::{self, quoted},
    reader::Reader,
    reference::Found,
};
use crate::domain::contract::Attribute;

/// The member of a property's schema that gives its kind in words, for kinds that a schema cannot say.
pub const KIND: &str = "x-ebm-kind";

/// Attributes in a document.
const MAX_ATTRIBUTES: usize = 50_000;
/// Characters in the name of an attribute.
const MAX_NAME: usize = 255;
/// Characters in a kind.
pub const MAX_KIND: usize = 200;
/// How deep a kind is told: `array of array of …`.
const MAX_DEPTH: usize = 4;
/// Alternatives that are told of one kind; more would not fit in a line.
const MAX_ALTERNATIVES: usize = 10;

/// The attributes of payloads that were read, by their place. Many messages may share one payload.
#[derive(Default)]
pub struct Payloads {
    known: HashMap<String, Vec<Attribute>>,
    /// Attributes over all messages.
    told: usize,
}

/// The attributes of the payload of the event `event`, in the order of the text.
pub fn attributes<'a>(
    reader: &mut Reader<'a>,
    payload: Found<'a>,
    event: &str,
    format: Option<&str>,
    content: Option<&str>,
) -> Vec<Attribute> {
    if !is_json_schema(format) {
        let format = quoted(format.unwrap_or_default());
        reader.note(format!(
            "The attributes of the event {} are not shown: its payload is described as {format}.",
            quoted(event)
        ));
        return Vec::new();
    }
    // A payload among the components was validated with the document.
    if payload.value.get("$ref").is_none() {
        reader.version.schema_object().validate(payload.value, &payload.pointer, &mut reader.problems);
    }
    let whole = match content {
        Some("application/cloudevents+json") => data(reader, &payload),
        _ => None,
    };
    let Some(schema) = reader.follow(whole.unwrap_or(payload)) else { return Vec::new() };
    let pointer = schema.pointer.clone();
    if !reader.payloads.known.contains_key(&pointer) {
        let mut shape = Shape::default();
        shape.merge(reader, schema, true);
        let attributes = shape.finish(reader);
        reader.payloads.known.insert(pointer.clone(), attributes);
    }
    let Payloads { known, told } = &mut reader.payloads;
    let attributes = known.get(&pointer).map(Vec::as_slice).unwrap_or_default();
    *told += attributes.len();
    if *told > MAX_ATTRIBUTES {
        reader.problems.add(
            "",
            format!("has more than {MAX_ATTRIBUTES} attributes over all messages: split it into several services"),
        );
        return Vec::new();
    }
    attributes.to_vec()
}

/// The data of a `CloudEvent` whose whole envelope is described (`CloudEvents` JSON format, section 3).
fn data<'a>(reader: &mut Reader<'a>, payload: &Found<'a>) -> Option<Found<'a>> {
    let properties = reader.follow(payload.clone())?.member("properties")?;
    properties.value.get("specversion")?;
    properties.member("data")
}

/// Notations that are JSON Schema (section "Schema formats table"); nothing said is `AsyncAPI`'s own, a superset.
fn is_json_schema(format: Option<&str>) -> bool {
    let Some(format) = format else { return true };
    let media_type = format.split(';').next().unwrap_or_default().trim();
    [
        "application/vnd.aai.asyncapi",
        "application/vnd.aai.asyncapi+json",
        "application/vnd.aai.asyncapi+yaml",
        "application/schema+json",
        "application/schema+yaml",
    ]
    .contains(&media_type)
}

/// What several schemas together say.
#[derive(Default)]
struct Shape<'a> {
    names: Vec<&'a str>,
    schemas: HashMap<&'a str, Found<'a>>,
    required: HashSet<&'a str>,
    /// Schemas that were merged: a second time they would say nothing new.
    merged: HashSet<String>,
}

impl<'a> Shape<'a> {
    /// `certain`: the payload must match this schema, which is not one of several.
    fn merge(&mut self, reader: &mut Reader<'a>, schema: Found<'a>, certain: bool) {
        let Some(schema) = reader.follow(schema) else { return };
        if !self.merged.insert(schema.pointer.clone()) {
            return;
        }
        if let Some(properties) = schema.member("properties")
            && let Some(object) = properties.value.as_object()
        {
            for (name, _) in reader.places.ordered(&properties.pointer, object) {
                if !reader.step() || self.names.len() == MAX_ATTRIBUTES {
                    return;
                }
                if let Some(found) = properties.member(name)
                    && !self.schemas.contains_key(name.as_str())
                {
                    self.names.push(name);
                    self.schemas.insert(name, found);
                }
            }
        }
        if certain {
            let required = schema.value.get("required").and_then(Value::as_array);
            self.required.extend(required.into_iter().flatten().filter_map(Value::as_str));
        }
        for (keyword, certain) in [("allOf", certain), ("oneOf", false), ("anyOf", false)] {
            for part in schema.member(keyword).iter().flat_map(Found::elements) {
                self.merge(reader, part, certain);
            }
        }
    }

    fn finish(mut self, reader: &mut Reader<'a>) -> Vec<Attribute> {
        let mut attributes = Vec::with_capacity(self.names.len());
        for name in self.names {
            let Some(schema) = self.schemas.remove(name) else { continue };
            let kind = kind(reader, schema, 0);
            attributes.push(Attribute {
                name: display::line(name, MAX_NAME),
                kind,
                required: self.required.contains(name),
            });
        }
        attributes
    }
}

/// The kind of a value in words.
fn kind<'a>(reader: &mut Reader<'a>, schema: Found<'a>, depth: usize) -> String {
    display::line(&whole_kind(reader, schema, depth), MAX_KIND)
}

fn whole_kind<'a>(reader: &mut Reader<'a>, schema: Found<'a>, depth: usize) -> String {
    let any = || "any".to_owned();
    if depth == MAX_DEPTH {
        return any();
    }
    let Some(schema) = reader.follow(schema) else { return any() };
    if let Some(told) = schema.text(KIND).filter(|told| !told.trim().is_empty()) {
        return told.to_owned();
    }
    if let Some(fixed) = schema.value.get("const") {
        return format!("enum of {}", shown(fixed));
    }
    if let Some(Value::Array(choices)) = schema.value.get("enum") {
        let shown: Vec<_> = choices.iter().take(20).map(shown).collect();
        let more = if choices.len() > shown.len() { ", …" } else { "" };
        return format!("enum of {}{more}", shown.join(", "));
    }
    match schema.value.get("type") {
        Some(Value::String(one)) => typed(reader, &schema, one, depth),
        Some(Value::Array(several)) => {
            let kinds = several
                .iter()
                .take(MAX_ALTERNATIVES)
                .filter_map(Value::as_str)
                .map(|one| typed(reader, &schema, one, depth))
                .collect();
            alternatives(kinds)
        }
        _ => composed(reader, &schema, depth),
    }
}

fn typed<'a>(reader: &mut Reader<'a>, schema: &Found<'a>, name: &str, depth: usize) -> String {
    match (name, schema.text("format"), schema.member("items")) {
        ("array", _, Some(items)) if items.value.is_object() => format!("array of {}", kind(reader, items, depth + 1)),
        ("string" | "number" | "integer", Some(format), _) => format!("{name} ({})", display::line(format, 40)),
        _ => name.to_owned(),
    }
}

/// The kind of a schema that does not say its type itself.
fn composed<'a>(reader: &mut Reader<'a>, schema: &Found<'a>, depth: usize) -> String {
    if schema.value.get("properties").is_some() {
        return "object".into();
    }
    if schema.value.get("items").is_some() {
        return typed(reader, schema, "array", depth);
    }
    for part in schema.member("allOf").iter().flat_map(Found::elements) {
        let kind = kind(reader, part, depth + 1);
        if kind != "any" {
            return kind;
        }
    }
    let mut kinds = Vec::new();
    for part in ["oneOf", "anyOf"].into_iter().filter_map(|keyword| schema.member(keyword)) {
        for part in part.elements().take(MAX_ALTERNATIVES) {
            kinds.push(kind(reader, part, depth + 1));
        }
    }
    alternatives(kinds)
}

fn alternatives(kinds: Vec<String>) -> String {
    let mut once: Vec<String> = Vec::new();
    for kind in kinds {
        if !once.contains(&kind) {
            once.push(kind);
        }
    }
    if once.is_empty() { "any".into() } else { once.join(" or ") }
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => display::line(text, 40),
        other => display::line(&other.to_string(), 40),
    }
}
