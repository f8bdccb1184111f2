//! JSON objects whose members keep their order and their bytes, and the two ways to write JSON text again.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

/// The members of an object as they stand in the text.
pub(super) struct Object(pub Vec<(String, Box<RawValue>)>);

impl Object {
    /// The value of a member.
    pub fn get(&self, name: &str) -> Option<&RawValue> {
        self.0.iter().find(|(member, _)| member == name).map(|(_, value)| &**value)
    }
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Object;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let mut members: Vec<(String, Box<RawValue>)> = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, Box<RawValue>>()? {
                    if members.iter().any(|(member, _)| *member == name) {
                        return Err(serde::de::Error::custom(format_args!("{name} is there twice")));
                    }
                    members.push((name, value));
                }
                Ok(Object(members))
            }
        }

        deserializer.deserialize_map(Members)
    }
}

/// Calls `each` with every character of valid JSON text and whether it lies within a string; blanks between tokens
/// are left out.
fn tokens(text: &str, mut each: impl FnMut(char, bool)) {
    let (mut inside, mut escaped) = (false, false);
    for c in text.chars() {
        if inside {
            each(c, true);
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => inside = false,
                _ => {}
            }
        } else if c == '"' {
            inside = true;
            each(c, true);
        } else if !c.is_ascii_whitespace() {
            each(c, false);
        }
    }
}

/// The same JSON without blanks between its tokens.
pub(super) fn compact(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    tokens(text, |c, _| out.push(c));
    out
}

/// The same JSON, every member and element on its own line, two blanks for each depth.
pub(super) fn pretty(text: &str) -> String {
    let (mut out, mut depth, mut opened) = (String::with_capacity(text.len() * 2), 0_usize, false);
    let line = |out: &mut String, depth: usize| {
        out.push('\n');
        out.extend(std::iter::repeat_n("  ", depth));
    };
    tokens(text, |c, inside| {
        if !inside && matches!(c, '}' | ']') {
            depth = depth.saturating_sub(1);
            if !opened {
                line(&mut out, depth);
            }
        } else if opened {
            line(&mut out, depth);
        }
        opened = false;
        out.push(c);
        if inside {
            return;
        }
        match c {
            '{' | '[' => {
                depth += 1;
                opened = true;
            }
            ',' => line(&mut out, depth),
            ':' => out.push(' '),
            _ => {}
        }
    });
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn text_is_set_out_without_touching_its_tokens() {
        let text = r#"{"a" : [ ], "b":{},"c":[1.50,"x : \" , [y"],"d":{"e":null}}"#;
        assert_eq!(compact(text), r#"{"a":[],"b":{},"c":[1.50,"x : \" , [y"],"d":{"e":null}}"#);
        insta::assert_snapshot!(pretty(text), @r#"
        {
          "a": [],
          "b": {},
          "c": [
            1.50,
            "x : \" , [y"
          ],
          "d": {
            "e": null
          }
        }
        "#);
    }

    #[test]
    fn a_member_given_twice_is_refused() {
        assert!(serde_json::from_str::<Object>(r#"{"a":1,"a":2}"#).is_err());
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "\\PC{0,8}|[\"\\\\ {},:\\[\\]]{0,6}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::btree_map("[a-z\" ]{0,3}", inner, 0..4).prop_map(|members| json!(members)),
            ]
        })
    }

    proptest! {
        #[test]
        fn both_ways_of_writing_mean_the_same(value in value()) {
            let text = value.to_string();
            prop_assert_eq!(compact(&pretty(&text)), compact(&text));
            prop_assert_eq!(serde_json::from_str::<Value>(&pretty(&text)).unwrap(), value);
        }
    }
}
