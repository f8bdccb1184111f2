//! What a document asks of a channel's topic: the Kafka channel binding (`AsyncAPI` bindings, `kafka`, "Channel
//! Binding Object", versions 0.3.0 and 0.4.0).

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{display::quoted, official::KafkaBinding, places::join, reader::Reader, reference::Found};
use crate::domain::contract::TopicWishes;

/// Reads the wishes of a channel; what is wrong in them is a problem.
pub fn wishes<'a>(reader: &mut Reader<'a>, channel: &Found<'a>) -> TopicWishes {
    read(reader, channel).unwrap_or_default()
}

fn read<'a>(reader: &mut Reader<'a>, channel: &Found<'a>) -> Option<TopicWishes> {
    let bindings = reader.follow(channel.member("bindings")?)?;
    let found = reader.follow(bindings.member("kafka")?)?;
    let Some(binding) = found.value.as_object() else {
        reader.problems.add(found.pointer, "must be an object: the Kafka channel binding");
        return None;
    };
    let version = version(reader, &found)?;
    // `latest` and nothing mean the newest version known; the schema knows only its own number.
    let mut plain: Map<String, Value> = binding.clone();
    plain.remove("bindingVersion");
    version.channel().validate(&Value::Object(plain), &found.pointer, &mut reader.problems);

    if let Some(topic) = found.text("topic") {
        reader.note(format!(
            "The topic {} is not used: topics are named after the channel and the Space.",
            quoted(topic)
        ));
    }
    let mut wishes = TopicWishes {
        partitions: count(reader, &found, "partitions"),
        replicas: count(reader, &found, "replicas"),
        config: BTreeMap::new(),
    };
    if let Some(Value::Object(config)) = binding.get("topicConfiguration") {
        for (name, value) in config {
            if let Some(value) = setting(value) {
                wishes.config.insert(name.clone(), value);
            }
        }
    }
    Some(wishes)
}

fn version(reader: &mut Reader<'_>, binding: &Found<'_>) -> Option<KafkaBinding> {
    match binding.value.get("bindingVersion") {
        None => Some(KafkaBinding::V0_4_0),
        Some(Value::String(version)) => match version.as_str() {
            "latest" | "0.4.0" => Some(KafkaBinding::V0_4_0),
            "0.3.0" => Some(KafkaBinding::V0_3_0),
            // Before 0.3.0 a channel had no Kafka fields.
            "0.1.0" | "0.2.0" => None,
            _ => {
                let message = format!("is {}, but only 0.3.0, 0.4.0 and latest are read", quoted(version));
                reader.problems.add(join(&binding.pointer, "bindingVersion"), message);
                None
            }
        },
        Some(_) => {
            reader.problems.add(join(&binding.pointer, "bindingVersion"), "must be a text, such as \"0.4.0\"");
            None
        }
    }
}

/// A whole number that JSON may also write as `3.0`.
fn whole(value: &Value) -> Option<i64> {
    if let Some(number) = value.as_i64() {
        return Some(number);
    }
    let number = value.as_f64().filter(|number| number.fract() == 0.0 && number.abs() < 9e15)?;
    format!("{number:.0}").parse().ok()
}

fn count<N: TryFrom<i64>>(reader: &mut Reader<'_>, binding: &Found<'_>, name: &str) -> Option<N> {
    // What is no whole number at all is the schema's to refuse.
    let given = whole(binding.value.get(name)?)?;
    let number = N::try_from(given).ok();
    if number.is_none() {
        reader.problems.add(join(&binding.pointer, name), "is more than Kafka can count");
    }
    number
}

/// A setting as Kafka takes it.
fn setting(value: &Value) -> Option<String> {
    match value {
        Value::Array(list) => Some(list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(",")),
        Value::Number(_) => whole(value).map(|number| number.to_string()),
        _ => None,
    }
}
