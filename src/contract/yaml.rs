//! YAML 1.2 into JSON values, under budgets.
//!
//! `AsyncAPI` 2.x, section "Format", narrows YAML: tags of the JSON schema ruleset only, keys are strings. Anchors,
//! aliases and merge keys are read, but few of them: a document of 1 MiB must stay one in memory.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use serde_saphyr::{Error, Options, Spanned, budget::BudgetBreach};

use super::{
    display,
    json::MAX_DEPTH,
    places::{Places, Spot},
    text::{MAX_NODES, MAX_OBJECTS, too_many},
};
use crate::domain::contract::Problem;

/// Anchors, aliases and merge keys, each.
const MAX_ANCHORS: usize = 1_000;

/// What aliases may repeat, in all, in parser events: a value, the beginning or the end of a list or an object.
const MAX_REPLAYED: usize = 50_000;

fn options() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: MAX_DEPTH,
            flow_nesting_limit: MAX_DEPTH + 1,
            max_nodes: MAX_NODES,
            max_events: 2 * MAX_NODES,
            max_anchors: MAX_ANCHORS,
            max_aliases: MAX_ANCHORS,
            max_merge_keys: MAX_ANCHORS,
            max_recorded_anchor_events: MAX_REPLAYED,
            max_recorded_anchor_bytes: super::MAX_BYTES,
            max_documents: 1,
            max_total_scalar_bytes: super::MAX_BYTES,
            max_inclusion_depth: 0,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: MAX_REPLAYED,
            max_replay_stack_depth: 16,
        },
        emit_comments: false,
        strict_booleans: true,
        reject_unsupported_tags: true,
        with_snippet: false,
    }
}

/// Parses one YAML document.
pub fn parse(text: &str) -> Result<(Value, Places), Problem> {
    let At { line, value }: At<Node> =
        serde_saphyr::from_str_with_options(text, options()).map_err(|error| problem(&error))?;
    let mut places = Places::default();
    places.add(Spot::ROOT, line);
    let value = plant(value, Spot::ROOT, &mut places, &mut Planted::default())?;
    Ok((value, places))
}

/// A value and the line it is used on (of an alias: the alias, not the anchor).
struct At<T> {
    line: u32,
    value: T,
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for At<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<T>::deserialize(deserializer)?;
        let line = u32::try_from(spanned.referenced.line()).unwrap_or(u32::MAX);
        Ok(Self { line, value: spanned.value })
    }
}

/// A node of YAML, with the order of its members.
enum Node {
    Scalar(Value),
    List(Vec<At<Node>>),
    Map(Vec<(At<Key>, At<Node>)>),
}

/// A key: any scalar, as it is written.
struct Key(String);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self)
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value that JSON has too")
    }

    fn visit_bool<E: de::Error>(self, v: bool) -> Result<Node, E> {
        Ok(Node::Scalar(v.into()))
    }

    fn visit_i64<E: de::Error>(self, v: i64) -> Result<Node, E> {
        Ok(Node::Scalar(v.into()))
    }

    fn visit_u64<E: de::Error>(self, v: u64) -> Result<Node, E> {
        Ok(Node::Scalar(v.into()))
    }

    fn visit_f64<E: de::Error>(self, v: f64) -> Result<Node, E> {
        let number = Number::from_f64(v).ok_or_else(|| E::custom("a number that is not finite"))?;
        Ok(Node::Scalar(Value::Number(number)))
    }

    fn visit_str<E: de::Error>(self, v: &str) -> Result<Node, E> {
        self.visit_string(v.to_owned())
    }

    fn visit_string<E: de::Error>(self, v: String) -> Result<Node, E> {
        Ok(Node::Scalar(Value::String(v)))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Node, E> {
        Ok(Node::Scalar(Value::Null))
    }

    fn visit_none<E: de::Error>(self) -> Result<Node, E> {
        self.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        Node::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Node, A::Error> {
        let mut list = Vec::new();
        while let Some(node) = seq.next_element()? {
            list.push(node);
        }
        // Most lists are short, and room for four elements is made at once.
        list.shrink_to_fit();
        Ok(Node::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        members.shrink_to_fit();
        Ok(Node::Map(members))
    }
}

/// How much has become a value.
#[derive(Default)]
struct Planted {
    nodes: usize,
    objects: usize,
}

/// Turns nodes into values. Counts again: what an alias repeats was one node to the parser.
fn plant(node: Node, spot: Spot, places: &mut Places, planted: &mut Planted) -> Result<Value, Problem> {
    planted.nodes += 1;
    planted.objects += usize::from(matches!(node, Node::Map(_)));
    if planted.nodes > MAX_NODES || planted.objects > MAX_OBJECTS {
        return Err(Problem { pointer: String::new(), line: None, message: too_many() });
    }
    match node {
        Node::Scalar(value) => Ok(value),
        Node::List(nodes) => {
            let mut list = Vec::with_capacity(nodes.len());
            for (index, node) in nodes.into_iter().enumerate() {
                let spot = spot.element(index);
                places.add(spot, node.line);
                list.push(plant(node.value, spot, places, planted)?);
            }
            Ok(Value::Array(list))
        }
        Node::Map(members) => {
            let mut object = Map::new();
            for (key, node) in members {
                let spot = spot.child(&key.value.0);
                places.add(spot, key.line);
                if object.contains_key(&key.value.0) {
                    let shown = display::quoted(&key.value.0);
                    let message = format!("holds {shown} twice in one object: keep one of them");
                    return Err(Problem { pointer: String::new(), line: Some(key.line), message });
                }
                let value = plant(node.value, spot, places, planted)?;
                object.insert(key.value.0, value);
            }
            Ok(Value::Object(object))
        }
    }
}

fn problem(error: &Error) -> Problem {
    let error = error.without_snippet();
    let line = error.location().and_then(|at| u32::try_from(at.line()).ok()).filter(|&line| line > 0);
    Problem { pointer: String::new(), line, message: sentence(error) }
}

fn sentence(error: &Error) -> String {
    match error {
        Error::AliasError { error, .. } => sentence(error),
        Error::Budget { breach, .. } => match breach {
            BudgetBreach::Depth { .. } => format!("is nested deeper than {MAX_DEPTH} levels"),
            BudgetBreach::Documents { .. } => "holds several YAML documents: bring one".into(),
            BudgetBreach::Nodes { .. } | BudgetBreach::Events { .. } => too_many(),
            BudgetBreach::Anchors { .. }
            | BudgetBreach::Aliases { .. }
            | BudgetBreach::AliasAnchorRatio { .. }
            | BudgetBreach::MergeKeys { .. }
            | BudgetBreach::RecordedAnchorEvents { .. } => {
                format!(
                    "holds too many YAML anchors, aliases or merge keys (at most {MAX_ANCHORS}): write the values out, or use $ref"
                )
            }
            _ => "is more than can be read".into(),
        },
        Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. }
        | Error::AliasReplayCounterOverflow { .. } => {
            "repeats too much by YAML aliases: write the values out, or use $ref".into()
        }
        Error::RecursiveReferencesRequireWeakTypes { .. } => "holds a YAML alias that contains itself".into(),
        Error::MultipleDocuments { .. } => "holds several YAML documents: bring one".into(),
        Error::DuplicateMappingKey { key, .. } => match key {
            Some(key) => format!("holds {} twice in one object: keep one of them", display::quoted(key)),
            None => "holds a key twice in one object: keep one of them".into(),
        },
        Error::UnsupportedTag { tag, .. } => {
            format!("holds the YAML tag {}, which has no meaning here: remove it", display::quoted(tag))
        }
        Error::UnknownAnchor { .. } => "holds a YAML alias without an anchor of that name".into(),
        Error::NonFiniteFloat { .. } => "holds a number that is not finite".into(),
        Error::Eof { .. } => "is empty".into(),
        other => {
            let text = other.to_string();
            let text = text.split(" at line ").next().unwrap_or(&text);
            format!("is not YAML: {}", display::line(text, 200))
        }
    }
}
