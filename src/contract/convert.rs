//! An `AsyncAPI` 2.6 document made from a contract, for whoever wants to import it elsewhere.

use serde_json::{Map, Value, json};

use super::{channel, payload, service::KEY};
use crate::domain::contract::{Attribute, Channel, Contract, Event, TopicWishes};

/// Makes the document.
///
/// Reading it gives the contract again, if in each channel the events that the app sends come before those it only
/// receives, and the channels come in the order of their addresses. A channel with an id is written under its id.
/// An event that the app neither sends nor receives cannot be written and is left out.
pub fn document(contract: &Contract) -> Value {
    let mut info = json!({ "title": contract.title, "version": contract.version });
    if !contract.description.is_empty() {
        info["description"] = json!(contract.description);
    }
    info[KEY] = json!(contract.service);
    let mut messages = Map::new();
    let mut channels = Map::new();
    for one in &contract.channels {
        channels.insert(address(one), item(one, &mut messages));
    }
    json!({
        "asyncapi": "2.6.0",
        "info": info,
        "defaultContentType": "application/json",
        "channels": channels,
        "components": { "messages": messages },
    })
}

/// A document as YAML text.
pub fn yaml(document: &Value) -> String {
    // JSON is YAML too: it stands in where the writer refuses.
    serde_saphyr::to_string(document).unwrap_or_else(|_| document.to_string())
}

fn address(one: &Channel) -> String {
    match one.id {
        Some(id) if channel::id(&one.address) != Some(id) => id.to_string(),
        _ => one.address.clone(),
    }
}

fn item(channel: &Channel, messages: &mut Map<String, Value>) -> Value {
    let mut sent = Vec::new();
    let mut received = Vec::new();
    for event in channel.events.iter().filter(|event| event.app_sends || event.app_receives) {
        let key = component(&event.name, messages);
        let reference = json!({ "$ref": format!("#/components/messages/{key}") });
        if event.app_sends {
            sent.push(reference.clone());
        }
        if event.app_receives {
            received.push(reference);
        }
        messages.insert(key, message(event));
    }
    let mut item = json!({});
    for (operation, mut list) in [("subscribe", sent), ("publish", received)] {
        match list.len() {
            0 => {}
            1 => item[operation] = json!({ "message": list.remove(0) }),
            _ => item[operation] = json!({ "message": { "oneOf": list } }),
        }
    }
    if channel.topic != TopicWishes::default() {
        item["bindings"] = json!({ "kafka": binding(&channel.topic) });
    }
    item
}

/// A key for a component (section "Components Object": `^[a-zA-Z0-9\.\-_]+$`) that is not taken.
fn component(name: &str, taken: &Map<String, Value>) -> String {
    let key: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || ".-_".contains(c) { c } else { '_' }).collect();
    let mut free = key.clone();
    let mut number = 2;
    while taken.contains_key(&free) {
        free = format!("{key}-{number}");
        number += 1;
    }
    free
}

fn message(event: &Event) -> Value {
    let mut message = json!({
        "name": event.name,
        "contentType": "application/json",
        // CloudEvents, Kafka protocol binding, section 3.2: the attributes travel as headers.
        "headers": {
            "type": "object",
            "required": ["ce_specversion", "ce_id", "ce_source", "ce_type"],
            "properties": {
                "ce_specversion": { "type": "string", "const": "1.0" },
                "ce_id": { "type": "string" },
                "ce_source": { "type": "string", "format": "uri-reference" },
                "ce_type": { "type": "string", "const": event.name },
            },
        },
        "payload": object(&event.attributes),
    });
    if !event.title.is_empty() {
        message["title"] = json!(event.title);
    }
    if !event.description.is_empty() {
        message["description"] = json!(event.description);
    }
    message
}

fn object(attributes: &[Attribute]) -> Value {
    let properties: Map<String, Value> =
        attributes.iter().map(|attribute| (attribute.name.clone(), schema(&attribute.kind))).collect();
    let required: Vec<_> =
        attributes.iter().filter(|attribute| attribute.required).map(|attribute| &attribute.name).collect();
    let mut object = json!({ "type": "object", "properties": properties });
    if !required.is_empty() {
        object["required"] = json!(required);
    }
    object
}

/// The schema of a kind in words; words that a schema cannot say are kept beside it.
fn schema(kind: &str) -> Value {
    plain(kind).unwrap_or_else(|| json!({ payload::KIND: kind }))
}

fn plain(kind: &str) -> Option<Value> {
    if let Some(items) = kind.strip_prefix("array of ") {
        return Some(json!({ "type": "array", "items": plain(items)? }));
    }
    match kind {
        "string" | "number" | "integer" | "boolean" | "object" | "array" | "null" => {
            return Some(json!({ "type": kind }));
        }
        "any" => return Some(json!({})),
        _ => {}
    }
    let (name, format) = kind.strip_suffix(')')?.split_once(" (")?;
    let known = ["string", "number", "integer"].contains(&name);
    let short = !format.is_empty()
        && format.len() <= 40
        && format.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    (known && short).then(|| json!({ "type": name, "format": format }))
}

fn binding(wishes: &TopicWishes) -> Value {
    let mut binding = json!({ "bindingVersion": "0.4.0" });
    if let Some(partitions) = wishes.partitions {
        binding["partitions"] = json!(partitions);
    }
    if let Some(replicas) = wishes.replicas {
        binding["replicas"] = json!(replicas);
    }
    let config: Map<String, Value> =
        wishes.config.iter().map(|(name, value)| (name.clone(), setting(name, value))).collect();
    if !config.is_empty() {
        binding["topicConfiguration"] = Value::Object(config);
    }
    binding
}

fn setting(name: &str, value: &str) -> Value {
    if name == "cleanup.policy" {
        return value.split(',').filter(|policy| !policy.is_empty()).collect();
    }
    value.parse::<i64>().map_or_else(|_| json!(value), Value::from)
}
