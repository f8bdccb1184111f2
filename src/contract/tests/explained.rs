//! Problems as people read them: where, and about the form that was meant.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{
    super::{convert, official::Version, read_value},
    ONE, document, problems,
};

#[test]
fn every_problem_is_listed_with_its_line() {
    let text = "asyncapi: '2.6.0'\ninfo:\n  title: 5\n  licence: {name: x}\nchannels:\n  orders:\n    subscribe:\n      message:\n        name: A\n        tittle: B\n        payload: {type: object}\n        contentType: [a]\n";
    assert_eq!(
        problems(text),
        [
            "/info|2|lacks \"version\"",
            "/info/title|3|must be a text, but is a number",
            "/info/licence|4|is not known here: \"licence\" has no meaning in this version",
            "/channels/orders/subscribe/message/tittle|10|is not known here: \"tittle\" has no meaning in this version",
            "/channels/orders/subscribe/message/contentType|12|must be a text, but is a list",
        ]
    );
}

#[test]
fn the_form_that_was_meant_is_explained() {
    let message = |text: &str| document(&format!("channels:\n  orders:\n    subscribe:\n      message: {text}\n"));
    for (text, expected) in [
        (message("5"), vec!["/channels/orders/subscribe/message|8|must be an object, but is a number"]),
        (message("{$ref: 5}"), vec!["/channels/orders/subscribe/message/$ref|8|must be a text, but is a number"]),
        (
            message("{oneOf: {name: A}}"),
            vec!["/channels/orders/subscribe/message/oneOf|8|must be a list, but is an object"],
        ),
        (
            message("{oneOf: [{name: 5}]}"),
            vec!["/channels/orders/subscribe/message/oneOf/0/name|8|must be a text, but is a number"],
        ),
        (
            message("{name: A, payload: {type: object, properties: {a: {type: array, items: {type: text}}}}}"),
            vec![
                "/channels/orders/subscribe/message/payload/properties/a/items/type|8|is \"text\", but must be \"array\", \"boolean\", \"integer\", \"null\", \"number\", \"object\" or \"string\"",
            ],
        ),
        (
            message("{name: A, payload: {type: object, required: id}}"),
            vec!["/channels/orders/subscribe/message/payload/required|8|must be a list, but is a text"],
        ),
        (
            message("{name: A, payload: {items: 5}}"),
            vec![
                "/channels/orders/subscribe/message/payload/items|8|must be an object or true or false, but is a number",
                "/channels/orders/subscribe/message/payload/items|8|must be a list, but is a number",
            ],
        ),
        (
            document(&format!(
                "{ONE}components: {{securitySchemes: {{s: {{type: http, scheme: basic, bearerFormat: x}}}}}}\n"
            )),
            vec![
                "/components/securitySchemes/s/bearerFormat|14|is not known here: \"bearerFormat\" has no meaning in this version",
            ],
        ),
        (document(&format!("servers: {{s: {{url: 'kafka://a'}}}}\n{ONE}")), vec!["/servers/s|5|lacks \"protocol\""]),
        (
            document(&ONE.replace("  orders:", "  'orders/{id':")),
            vec!["/channels/orders~1{id|6|must be an address whose parameters stand in balanced braces"],
        ),
        (
            "asyncapi: '2.6.0'\ninfo: {title: a, version: b, contact: {email: nobody, url: x}}\n".to_owned() + ONE,
            vec![
                "/info/contact/email|2|must be an e-mail address",
                "/info/contact/url|2|must be a URI with its scheme, such as https://example.com",
            ],
        ),
    ] {
        assert_eq!(problems(&text), expected, "{text}");
    }
}

#[test]
fn at_most_fifty_problems_are_listed() {
    let many = (0..200).fold(String::new(), |text, n| text + &format!("k{n}: 1\n"));
    let found = problems(&document(&format!("{ONE}{many}")));
    assert_eq!(found.len(), 50);
    assert!(found[49].contains("more problems"), "{}", found[49]);
}

/// A document with all sorts of members, to be spoilt.
fn rich() -> Value {
    json!({
        "asyncapi": "2.6.0",
        "info": { "title": "Orders", "version": "1", "contact": { "email": "a@example.com", "url": "https://example.com" } },
        "servers": { "s": { "url": "kafka://a", "protocol": "kafka", "security": [{ "k": [] }], "variables": { "v": { "enum": ["a"], "default": "a" } } } },
        "tags": [{ "name": "a" }],
        "channels": { "a/{p}": {
            "parameters": { "p": { "schema": { "type": "string" }, "location": "$message.payload#/p" } },
            "subscribe": { "operationId": "o", "traits": [{ "summary": "x" }], "message": { "oneOf": [{ "$ref": "#/components/messages/m" }, { "name": "B", "headers": { "type": "object" }, "examples": [{ "payload": {} }] }] } },
            "bindings": { "kafka": { "partitions": 3 } },
        } },
        "components": {
            "messages": { "m": { "name": "A", "correlationId": { "location": "$message.header#/c" }, "payload": { "$ref": "#/components/schemas/s" } } },
            "schemas": { "s": { "type": "object", "required": ["a"], "properties": { "a": { "type": ["string", "null"], "minLength": 1 }, "b": { "type": "array", "items": [{ "type": "string" }], "minItems": 0 }, "c": { "anyOf": [{ "enum": [1] }, { "not": {} }] } } } },
            "securitySchemes": { "k": { "type": "scramSha512" }, "h": { "type": "http", "scheme": "bearer" }, "o": { "type": "oauth2", "flows": { "implicit": { "authorizationUrl": "https://a", "scopes": { "s": "t" } } } } },
        },
    })
}

/// Every pointer into a value.
fn pointers(value: &Value, at: &str, all: &mut Vec<String>) {
    all.push(at.to_owned());
    match value {
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(index, inner)| pointers(inner, &format!("{at}/{index}"), all));
        }
        Value::Object(object) => {
            object.iter().for_each(|(name, inner)| pointers(inner, &super::super::places::join(at, name), all));
        }
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn whatever_is_spoilt_is_found_and_explained(at in any::<prop::sample::Index>(), minor in 0..=6_usize, how in 0..9_usize) {
        let mut value = rich();
        value["asyncapi"] = json!(format!("2.{minor}.0"));
        let mut all = Vec::new();
        pointers(&value, "", &mut all);
        let pointer = at.get(&all);
        let Some(spoilt) = value.pointer_mut(pointer) else { unreachable!() };
        match how {
            0 => *spoilt = json!(5),
            1 => *spoilt = json!("text"),
            2 => *spoilt = json!([]),
            3 => *spoilt = json!({}),
            4 => *spoilt = Value::Null,
            5 => *spoilt = json!([{}, {}]),
            6 => *spoilt = json!({ "$ref": "#/info" }),
            7 => if let Some(object) = spoilt.as_object_mut() { object.insert("unknown".into(), json!(1)); },
            _ => if let Some(object) = spoilt.as_object_mut() { let first = object.keys().next().cloned(); first.and_then(|first| object.remove(&first)); },
        }
        // The verdict is the validator's; a refusal by it alone must come with a reason that was found.
        if let Err(refused) = read_value(value.clone()) {
            for problem in refused.problems() {
                prop_assert!(!problem.message.contains("official schema"), "{pointer} {how}: {problem:?}");
            }
        }
    }
}

#[test]
fn a_rich_document_is_right_in_every_version_it_was_written_for() {
    let contract = read_value(rich()).unwrap().contract;
    assert_eq!(contract.channels[0].events.len(), 2);
    assert!(Version::of(convert::document(&contract)["asyncapi"].as_str().unwrap()).is_some());
}
