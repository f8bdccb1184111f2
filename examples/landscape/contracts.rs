//! The contracts, and events as they describe them.

use proptest::{
    strategy::{Strategy as _, ValueTree as _},
    test_runner::TestRunner,
};
use serde_json::{Map, Value, json};

use super::Result;

/// The texts, by the key of the service.
const TEXTS: &[(&str, &str)] = &[
    ("orders", include_str!("contracts/orders.yaml")),
    ("quotes", include_str!("contracts/quotes.yaml")),
    ("invoices", include_str!("contracts/invoices.yaml")),
    ("products", include_str!("contracts/products.yaml")),
    ("stock", include_str!("contracts/stock.yaml")),
    ("shipments", include_str!("contracts/shipments.yaml")),
    ("tickets", include_str!("contracts/tickets.yaml")),
    ("work-orders", include_str!("contracts/work-orders.yaml")),
    ("partner-orders", include_str!("contracts/partner-orders.yaml")),
];

/// The contract of a service.
pub fn text(service: &str) -> Result<&'static str> {
    let found = TEXTS.iter().find(|(key, _)| *key == service);
    Ok(found.ok_or_else(|| format!("there is no contract of {service}"))?.1)
}

/// The payload of an event, made after its schema.
pub fn payload(service: &str, event: &str) -> Result<Value> {
    let document: Value = serde_saphyr::from_str(text(service)?)?;
    let message = find_message(&document, event).ok_or_else(|| format!("{service} has no event {event}"))?;
    Ok(value(&document, "", &message["payload"], 0))
}

fn find_message<'a>(document: &'a Value, event: &str) -> Option<&'a Value> {
    let mut open = vec![document];
    while let Some(next) = open.pop() {
        match next {
            Value::Object(members) => {
                if members.get("name").and_then(Value::as_str) == Some(event) && members.contains_key("payload") {
                    return Some(next);
                }
                open.extend(members.values());
            }
            Value::Array(items) => open.extend(items),
            _ => {}
        }
    }
    None
}

/// A value that the schema allows; `name` is what it is called.
fn value(document: &Value, name: &str, schema: &Value, depth: usize) -> Value {
    if let Some(to) = schema["$ref"].as_str() {
        let target = document.pointer(to.trim_start_matches('#')).unwrap_or(&Value::Null);
        return if depth < 8 { value(document, name, target, depth + 1) } else { Value::Null };
    }
    for given in ["const", "default"] {
        if let Some(given) = schema.get(given) {
            return given.clone();
        }
    }
    if let Some(choices) = schema["enum"].as_array() {
        return choices[below(choices.len())].clone();
    }
    if let Some(examples) = schema["examples"].as_array().filter(|examples| !examples.is_empty()) {
        return examples[below(examples.len())].clone();
    }
    match schema["type"].as_str() {
        Some("object") => {
            let members = schema["properties"].as_object().into_iter().flatten();
            let members = members.map(|(name, schema)| (name.clone(), value(document, name, schema, depth + 1)));
            Value::Object(members.collect::<Map<_, _>>())
        }
        Some("array") => {
            let item = |_| value(document, name, &schema["items"], depth + 1);
            Value::Array((0..=below(2)).map(item).collect())
        }
        Some("integer") => json!(1 + below(40)),
        Some("number") => json!(f64::from(u32::try_from(below(250_000)).unwrap_or_default()) / 100.0),
        Some("boolean") => json!(below(2) == 0),
        _ => match schema["pattern"].as_str() {
            Some(pattern) => matching(pattern),
            None => text_value(name, schema["format"].as_str()),
        },
    }
}

/// A text that a pattern of a schema allows.
fn matching(pattern: &str) -> Value {
    let text = proptest::string::string_regex(pattern.trim_start_matches('^').trim_end_matches('$'))
        .ok()
        .and_then(|texts| texts.new_tree(&mut TestRunner::default()).ok())
        .map(|text| text.current());
    text.map_or(Value::Null, Value::String)
}

fn text_value(name: &str, format: Option<&str>) -> Value {
    let now = time::OffsetDateTime::now_utc();
    match format {
        Some("date-time") => json!(now.format(&time::format_description::well_known::Rfc3339).unwrap_or_default()),
        Some("date") => json!(now.date().to_string()),
        Some("uuid") => json!(uuid::Uuid::new_v4()),
        Some("email") => json!(format!("customer{}@example.com", below(900))),
        Some("uri") => json!(format!("https://halden.example/{name}/{}", below(9_000))),
        _ if name == "currency" => json!("EUR"),
        _ => json!(format!("{}-{:05}", name.chars().take(3).collect::<String>().to_uppercase(), below(90_000))),
    }
}

/// A number below another.
pub fn below(end: usize) -> usize {
    u32::from_le_bytes(ebm::secrets::random()) as usize % end.max(1)
}
