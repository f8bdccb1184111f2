//! The official JSON Schemas of `AsyncAPI` and of its Kafka bindings, and what they say about a value.
//!
//! The schemas are those of the `AsyncAPI` Initiative (`schemas/`, Apache-2.0, package `@asyncapi/specs` 6.11), as
//! published. Each is compiled when it is first needed. The verdict is that of the crate `jsonschema`; the reasons are
//! found by `explain`, because collecting them there copies parts of the document for every branch and level.

use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::{Value, json};

use super::{
    explain,
    problems::{MAX_PROBLEMS, Problems},
};

/// A schema and its compiled form.
pub struct Official {
    schema: Value,
    validator: Validator,
}

impl Official {
    fn new(schema: Value) -> Self {
        let validator = jsonschema::options()
            .offline()
            .with_draft(jsonschema::Draft::Draft7)
            .should_validate_formats(true)
            // A document's own patterns are text here. Compiling one can cost any amount of time and memory.
            .with_format("regex", |_: &str| true)
            .build(&schema)
            .expect("a vendored schema compiles; a test compiles each");
        Self { schema, validator }
    }

    /// Adds every reason why `value`, found at `pointer`, is not what the schema says.
    pub fn validate(&self, value: &Value, pointer: &str, problems: &mut Problems<'_>) {
        if self.validator.is_valid(value) {
            return;
        }
        let faults = explain::faults(&self.schema, value, MAX_PROBLEMS + 1);
        if faults.is_empty() {
            problems.add(pointer, "is not what the official schema allows");
        }
        for fault in faults {
            problems.add(format!("{pointer}{}", fault.pointer), fault.message);
        }
    }
}

fn vendored(text: &str) -> Value {
    serde_json::from_str(text).expect("a vendored schema is JSON; a test reads each")
}

fn document(text: &str) -> Value {
    let mut schema = vendored(text);
    // Until 2.4.0 the schema takes a reference in place of a parameter for two things at once, a reference and a
    // parameter, and so for none. From 2.5.0 on a parameter has no such member.
    if let Some(parameter) = schema["definitions"]["parameter"]["properties"].as_object_mut() {
        parameter.remove("$ref");
    }
    schema
}

/// A minor version of `AsyncAPI` 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version(usize);

const TEXTS: [&str; 7] = [
    include_str!("schemas/asyncapi-2.0.0.json"),
    include_str!("schemas/asyncapi-2.1.0.json"),
    include_str!("schemas/asyncapi-2.2.0.json"),
    include_str!("schemas/asyncapi-2.3.0.json"),
    include_str!("schemas/asyncapi-2.4.0.json"),
    include_str!("schemas/asyncapi-2.5.0.json"),
    include_str!("schemas/asyncapi-2.6.0.json"),
];

impl Version {
    /// The version a document names, `2.0.0` to `2.6.0`.
    pub fn of(text: &str) -> Option<Self> {
        let minor = text.strip_prefix("2.")?.strip_suffix(".0")?;
        let minor = minor.parse().ok().filter(|&minor| minor < TEXTS.len())?;
        // `2.01.0` and `2.+1.0` are numbers to the parser, but not versions.
        (format!("2.{minor}.0") == text).then_some(Self(minor))
    }

    /// The schema of the whole document.
    pub fn document(self) -> &'static Official {
        static ALL: [LazyLock<Official>; TEXTS.len()] = [
            LazyLock::new(|| Official::new(document(TEXTS[0]))),
            LazyLock::new(|| Official::new(document(TEXTS[1]))),
            LazyLock::new(|| Official::new(document(TEXTS[2]))),
            LazyLock::new(|| Official::new(document(TEXTS[3]))),
            LazyLock::new(|| Official::new(document(TEXTS[4]))),
            LazyLock::new(|| Official::new(document(TEXTS[5]))),
            LazyLock::new(|| Official::new(document(TEXTS[6]))),
        ];
        &ALL[self.0]
    }

    /// The schema of a Schema Object. The one of the document leaves the payload of a message open, because it may
    /// be in any notation (section "Message Object", field `schemaFormat`).
    pub fn schema_object(self) -> &'static Official {
        static ALL: [LazyLock<Official>; TEXTS.len()] = [
            LazyLock::new(|| Official::new(schema_object(TEXTS[0]))),
            LazyLock::new(|| Official::new(schema_object(TEXTS[1]))),
            LazyLock::new(|| Official::new(schema_object(TEXTS[2]))),
            LazyLock::new(|| Official::new(schema_object(TEXTS[3]))),
            LazyLock::new(|| Official::new(schema_object(TEXTS[4]))),
            LazyLock::new(|| Official::new(schema_object(TEXTS[5]))),
            LazyLock::new(|| Official::new(schema_object(TEXTS[6]))),
        ];
        &ALL[self.0]
    }
}

fn schema_object(text: &str) -> Value {
    let mut document = document(text);
    json!({ "$ref": "#/definitions/schema", "definitions": document["definitions"].take() })
}

/// The versions of the Kafka channel binding whose fields are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KafkaBinding {
    /// Topic, partitions, replicas.
    V0_3_0,
    /// And a topic configuration.
    V0_4_0,
}

impl KafkaBinding {
    /// The schema of a channel binding object.
    pub fn channel(self) -> &'static Official {
        static V0_3_0: LazyLock<Official> = LazyLock::new(|| kafka(include_str!("schemas/kafka-channel-0.3.0.json")));
        static V0_4_0: LazyLock<Official> = LazyLock::new(|| kafka(include_str!("schemas/kafka-channel-0.4.0.json")));
        match self {
            Self::V0_3_0 => &V0_3_0,
            Self::V0_4_0 => &V0_4_0,
        }
    }
}

/// The binding's schema names that of a specification extension by its address; it allows everything.
fn kafka(text: &str) -> Official {
    let mut schema = vendored(text);
    if let Some(patterns) = schema["patternProperties"].as_object_mut() {
        patterns.values_mut().for_each(|extension| *extension = json!(true));
    }
    Official::new(schema)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_vendored_schema_compiles() {
        for minor in 0..TEXTS.len() {
            let version = Version::of(&format!("2.{minor}.0")).unwrap();
            assert_eq!(version.document().schema["properties"]["asyncapi"]["enum"][0], format!("2.{minor}.0"));
            assert!(version.schema_object().validator.is_valid(&json!({"type": "string"})), "2.{minor}");
            assert!(!version.schema_object().validator.is_valid(&json!({"type": "text"})), "2.{minor}");
        }
        for binding in [KafkaBinding::V0_3_0, KafkaBinding::V0_4_0] {
            assert!(binding.channel().validator.is_valid(&json!({"partitions": 3, "x-a": 1})));
            assert!(!binding.channel().validator.is_valid(&json!({"partitions": 0})));
        }
    }

    #[test]
    fn a_version_is_written_in_one_way() {
        for no in ["2.7.0", "2.6.1", "2.06.0", "2.+6.0", "2.6", "3.0.0", "1.2.0", ""] {
            assert_eq!(Version::of(no), None, "{no}");
        }
    }

    #[test]
    fn a_pattern_of_a_document_is_not_compiled() {
        // As a regular expression this has an unclosed group.
        let version = Version::of("2.6.0").unwrap();
        assert!(version.schema_object().validator.is_valid(&json!({"type": "string", "pattern": "("})));
    }
}
