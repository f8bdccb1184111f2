//! What documents mean.

use serde_json::json;

use super::{ONE, document, good, problems};
use crate::{contract::read_value, domain::contract::TopicWishes};

/// `name: flags, channel` of each event.
fn events(text: &str) -> Vec<String> {
    let flag = |on: bool, word: &'static str| if on { word } else { "" };
    let contract = good(text).contract;
    let of = |channel: &crate::domain::contract::Channel| {
        let address = channel.address.clone();
        channel
            .events
            .iter()
            .map(move |event| {
                format!("{}: {}{}, {address}", event.name, flag(event.app_sends, "S"), flag(event.app_receives, "R"))
            })
            .collect::<Vec<_>>()
    };
    contract.channels.iter().flat_map(of).collect()
}

fn attributes(payload: &str, rest: &str) -> Vec<String> {
    let text = document(&format!(
        "channels:\n  orders:\n    subscribe:\n      message:\n        name: A\n        payload: {payload}\n{rest}"
    ));
    let reading = good(&text);
    reading.contract.channels[0].events[0]
        .attributes
        .iter()
        .map(|a| format!("{}{}: {}", a.name, if a.required { "*" } else { "" }, a.kind))
        .collect()
}

#[test]
fn subscribe_is_what_the_app_sends_and_publish_what_it_receives() {
    let text = document("channels:\n  z: {publish: {message: {name: In}}}\n  a: {subscribe: {message: {name: Out}}}\n");
    // In the order of the text.
    assert_eq!(events(&text), ["In: R, z", "Out: S, a"]);
    let notes = good(&text).notes.join("\n");
    assert!(notes.contains("sends") && notes.contains("receives"), "{notes}");
}

#[test]
fn one_message_used_both_ways_is_one_event() {
    let by_reference = document(
        "channels:\n  c:\n    publish: {message: {$ref: '#/components/messages/A'}}\n    subscribe: {message: {oneOf: [{$ref: '#/components/messages/A'}, {$ref: '#/components/messages/B'}]}}\ncomponents:\n  messages:\n    A: {payload: {type: object}}\n    B: {payload: {type: object}}\n",
    );
    assert_eq!(events(&by_reference), ["A: SR, c", "B: S, c"]);
    let written_twice = document(
        "channels:\n  c:\n    publish: {message: {name: A, payload: {type: object}}}\n    subscribe: {message: {name: A, payload: {type: object}}}\n",
    );
    assert_eq!(events(&written_twice), ["A: SR, c"]);
}

#[test]
fn one_message_in_two_channels_is_an_event_of_the_first() {
    let text = document(
        "channels:\n  b: {subscribe: {message: {$ref: '#/components/messages/A'}}}\n  a: {publish: {message: {$ref: '#/components/messages/A'}}}\ncomponents:\n  messages:\n    A: {}\n",
    );
    assert_eq!(events(&text), ["A: SR, b"]);
    assert!(good(&text).notes.iter().any(|note| note.contains("several channels")));
}

#[test]
fn an_event_is_named_by_name_then_message_id_then_component_then_header() {
    let text = |message: &str| {
        document(&format!(
            "channels:\n  c: {{subscribe: {{message: {message}}}}}\ncomponents:\n  messages:\n    Key: {{title: x}}\n    Both: {{name: N, messageId: I}}\n  messageTraits:\n    T: {{name: OfTrait}}\n"
        ))
    };
    for (message, name) in [
        ("{$ref: '#/components/messages/Key'}", "Key"),
        ("{$ref: '#/components/messages/Both'}", "N"),
        ("{messageId: I}", "I"),
        ("{traits: [{$ref: '#/components/messageTraits/T'}]}", "OfTrait"),
        ("{headers: {type: object, properties: {ce_type: {type: string, const: com.example.A}}}}", "com.example.A"),
        ("{headers: {type: object, properties: {ce_type: {type: string, enum: [com.example.B]}}}}", "com.example.B"),
        ("{name: '<script>alert(1)</script>'}", "<script>alert(1)</script>"),
        ("{name: '${jndi:ldap://x}'}", "${jndi:ldap://x}"),
    ] {
        assert_eq!(events(&text(message)), [format!("{name}: S, c")], "{message}");
    }
    for (message, part) in [
        ("{payload: {type: object}}", "has no name"),
        ("{name: ''}", "is empty"),
        ("{name: ' a'}", "begins or ends with a blank"),
        ("{name: \"a\\u202eb\"}", "cannot be seen"),
        ("{name: \"a\\nb\"}", "cannot be seen"),
        (&format!("{{name: {}}}", "n".repeat(256)), "longer than 255"),
    ] {
        let found = problems(&text(message));
        assert!(found.len() == 1 && found[0].contains(part), "{message}: {found:?}");
    }
    let odd = good(&text("{name: A, headers: {type: object, properties: {ce_type: {const: B}}}}"));
    assert!(odd.notes.iter().any(|note| note.contains("ce_type to \"B\"")), "{:?}", odd.notes);
}

#[test]
fn an_export_with_uuid_addresses_keeps_its_channels() {
    let text = document(
        "channels:\n  5d9bd3b0-4e8c-4f43-9d2c-6f2b6a9f3c11:\n    subscribe:\n      message:\n        oneOf:\n          - $ref: '#/components/messages/Shipped'\n          - $ref: '#/components/messages/Returned'\ncomponents:\n  messages:\n    Shipped:\n      name: Shipped\n      contentType: application/json\n      headers: {type: object, properties: {ce_type: {type: string, enum: [Shipped]}}}\n      payload: {type: object, properties: {number: {type: integer, format: int64}}}\n    Returned:\n      name: Returned\n      payload: {type: object}\n",
    );
    let contract = good(&text).contract;
    assert_eq!(
        contract.channels[0].id.map(|id| id.to_string()).as_deref(),
        Some("5d9bd3b0-4e8c-4f43-9d2c-6f2b6a9f3c11")
    );
    assert_eq!(contract.channels[0].events.len(), 2);
    for not_one in ["orders", "urn:uuid:5d9bd3b0-4e8c-4f43-9d2c-6f2b6a9f3c11", "5d9bd3b04e8c4f439d2c6f2b6a9f3c11"] {
        let text = ONE.replace("  orders:", &format!("  '{not_one}':"));
        assert_eq!(good(&document(&text)).contract.channels[0].id, None, "{not_one}");
    }
    let twice = ONE.to_owned()
        + "  5D9BD3B0-4e8c-4f43-9d2c-6f2b6a9f3c11: {publish: {message: {name: B}}}\n  5d9bd3b0-4e8c-4f43-9d2c-6f2b6a9f3c11: {publish: {message: {name: C}}}\n";
    assert!(problems(&document(&twice))[0].contains("same UUID"));
}

#[test]
fn the_service_has_the_key_it_is_given_or_one_of_its_title() {
    let with = |info: &str, root: &str| {
        format!("asyncapi: '2.0.0'\ninfo: {{title: ' Order  Service ', version: '1', {info}}}\n{root}{ONE}")
    };
    for (info, root, key) in [
        ("x-a: 1", "", "order-service"),
        ("x-ebm-service: orders", "x-ebm-service: other\n", "orders"),
        ("x-a: 1", "x-ebm-service: other\n", "other"),
    ] {
        assert_eq!(good(&with(info, root)).contract.service.as_str(), key);
    }
    assert_eq!(good(&with("x-a: 1", "")).contract.title, "Order  Service");
    for (text, place) in [
        (with("x-ebm-service: Or ders", ""), "/info/x-ebm-service|2|"),
        (with("x-ebm-service: 5", ""), "/info/x-ebm-service|2|"),
        (with("x-a: 1", "x-ebm-service: -a\n"), "/x-ebm-service|3|"),
        (with("x-a: 1", "").replace(" Order  Service ", "発注"), "/info/title|2|"),
        (with("x-a: 1", "").replace(" Order  Service ", "  "), "/info/title|2|"),
    ] {
        let found = problems(&text);
        assert!(found.len() == 1 && found[0].starts_with(place), "{found:?}");
    }
}

#[test]
fn text_is_made_fit_for_display() {
    let info = "asyncapi: '2.6.0'\ninfo:\n  title: \"Or\\u202eders\\tand\\u0000more\"\n  version: '".to_owned()
        + &"9".repeat(150)
        + "'\n  description: \"a\\r\\nb\\u0007\"\n"
        + ONE;
    let contract = good(&info).contract;
    assert_eq!(contract.title, "Or\u{fffd}ders and\u{fffd}more");
    assert_eq!(contract.version.chars().count(), 100);
    assert_eq!(contract.description, "a\nb\u{fffd}");
    let long =
        document(&ONE.replace("name: OrderPlaced", &format!("name: OrderPlaced\n        title: {}", "t".repeat(300))));
    assert_eq!(good(&long).contract.channels[0].events[0].title.chars().count(), 200);
}

#[test]
fn title_and_description_of_an_event_fall_back_to_its_summary() {
    for (message, title, description) in [
        ("title: T, summary: S, description: D", "T", "D"),
        ("summary: S, description: D", "S", "D"),
        ("title: T, summary: S", "T", "S"),
        ("summary: S", "S", ""),
        ("x-a: 1", "", ""),
    ] {
        let event = &good(&document(&format!("channels: {{c: {{publish: {{message: {{name: A, {message}}}}}}}}}\n")))
            .contract
            .channels[0]
            .events[0];
        assert_eq!((event.title.as_str(), event.description.as_str()), (title, description), "{message}");
    }
}

#[test]
fn kinds_are_told_in_words_and_in_the_order_of_the_text() {
    let payload = "
          type: object
          required: [id, at]
          properties:
            z: {type: boolean}
            id: {type: integer, format: int64}
            at: {type: string, format: date-time}
            price: {type: number}
            lines: {type: array, items: {type: object, properties: {a: {type: string}}}}
            tags: {type: array, items: {type: array, items: {type: string}}}
            list: {type: array}
            state: {type: string, enum: [open, closed, 3]}
            fixed: {const: a}
            maybe: {type: [string, 'null']}
            either: {oneOf: [{type: string}, {type: integer}, {type: string}]}
            address: {$ref: '#/components/schemas/Address'}
            composed: {allOf: [{description: x}, {$ref: '#/components/schemas/When'}]}
            free: {}
            open: true
            implied: {properties: {a: {}}}";
    let components = "components:\n  schemas:\n    Address: {type: object}\n    When: {type: string, format: date}\n";
    assert_eq!(
        attributes(payload, components),
        [
            "z: boolean",
            "id*: integer (int64)",
            "at*: string (date-time)",
            "price: number",
            "lines: array of object",
            "tags: array of array of string",
            "list: array",
            "state: enum of open, closed, 3",
            "fixed: enum of a",
            "maybe: string or null",
            "either: string or integer",
            "address: object",
            "composed: string (date)",
            "free: any",
            "open: any",
            "implied: object",
        ]
    );
}

#[test]
fn a_payload_put_together_has_the_attributes_of_all_parts() {
    let components = "components:\n  schemas:\n    Base: {type: object, required: [id], properties: {id: {type: string}, a: {type: integer}}}\n";
    assert_eq!(
        attributes(
            "{allOf: [{$ref: '#/components/schemas/Base'}, {required: [b], properties: {b: {type: string}}}], properties: {a: {type: number}}}",
            components
        ),
        ["a: number", "id*: string", "b*: string"]
    );
    assert_eq!(
        attributes("{anyOf: [{$ref: '#/components/schemas/Base'}, {properties: {c: {type: string}}}]}", components),
        ["id: string", "a: integer", "c: string"]
    );
    assert_eq!(attributes("{$ref: '#/components/schemas/Base'}", components), ["id*: string", "a: integer"]);
    assert!(attributes("{type: string}", "").is_empty());
}

#[test]
fn only_json_schema_is_read_as_a_payload() {
    let avro = document(
        "channels: {c: {publish: {message: {name: A, schemaFormat: 'application/vnd.apache.avro;version=1.9.0', payload: {type: record, name: x, fields: []}}}}}\n",
    );
    let reading = good(&avro);
    assert!(reading.contract.channels[0].events[0].attributes.is_empty());
    assert!(reading.notes.iter().any(|note| note.contains("avro")), "{:?}", reading.notes);
    let json_schema =
        avro.replace("application/vnd.apache.avro;version=1.9.0", "application/schema+json;version=draft-07");
    assert!(problems(&json_schema)[0].contains("\"record\""));
}

#[test]
fn of_an_envelope_the_data_counts() {
    let payload = "{type: object, properties: {specversion: {type: string}, id: {type: string}, data: {type: object, required: [n], properties: {n: {type: integer}}}}}";
    let text = document(&format!(
        "channels: {{c: {{publish: {{message: {{name: A, contentType: application/cloudevents+json, payload: {payload}}}}}}}}}\n"
    ));
    let contract = good(&text).contract;
    assert_eq!(contract.channels[0].events[0].attributes.len(), 1);
    assert_eq!(contract.channels[0].events[0].attributes[0].name, "n");
}

#[test]
fn a_kafka_binding_says_what_the_topic_should_be() {
    let topic = |kafka: &str, components: &str| {
        good(&document(&format!("{ONE}    bindings: {{kafka: {kafka}}}\n{components}"))).contract.channels[0]
            .topic
            .clone()
    };
    let full = topic(
        "{topic: x, partitions: 12, replicas: 3, topicConfiguration: {cleanup.policy: [compact, delete], retention.ms: 604800000, retention.bytes: -1, delete.retention.ms: 0, max.message.bytes: 1048588}, bindingVersion: '0.4.0'}",
        "",
    );
    assert_eq!((full.partitions, full.replicas), (Some(12), Some(3)));
    let config: Vec<_> = full.config.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(
        config,
        [
            "cleanup.policy=compact,delete",
            "delete.retention.ms=0",
            "max.message.bytes=1048588",
            "retention.bytes=-1",
            "retention.ms=604800000"
        ]
    );
    for (kafka, partitions) in [
        ("{partitions: 2}", Some(2)),
        ("{partitions: 2, bindingVersion: latest}", Some(2)),
        ("{partitions: 2.0, bindingVersion: '0.3.0'}", Some(2)),
        ("{bindingVersion: '0.1.0'}", None),
        ("{}", None),
    ] {
        assert_eq!(topic(kafka, ""), TopicWishes { partitions, ..TopicWishes::default() }, "{kafka}");
    }
    let referred = document(&format!(
        "{ONE}    bindings: {{$ref: '#/components/channelBindings/k'}}\ncomponents: {{channelBindings: {{k: {{kafka: {{replicas: 2}}}}}}}}\n"
    ));
    assert_eq!(good(&referred).contract.channels[0].topic.replicas, Some(2));
}

#[test]
fn a_wrong_kafka_binding_is_a_problem_at_its_place() {
    for (kafka, pointer, part) in [
        ("{partitions: 0}", "/partitions", "at least 1"),
        ("{partitions: '3'}", "/partitions", "whole number"),
        ("{partitions: 1.5}", "/partitions", "whole number"),
        ("{partitions: 3000000000}", "/partitions", "more than Kafka can count"),
        ("{replicas: 40000}", "/replicas", "more than Kafka can count"),
        ("{replicas: 1, topicConfiguration: {segment.ms: 1}}", "/topicConfiguration/segment.ms", "not known"),
        (
            "{topicConfiguration: {cleanup.policy: [drop]}}",
            "/topicConfiguration/cleanup.policy/0",
            "\"compact\" or \"delete\"",
        ),
        ("{topicConfiguration: {retention.ms: 1}, bindingVersion: '0.3.0'}", "/topicConfiguration", "not known"),
        ("{bindingVersion: '9.9.9'}", "/bindingVersion", "only 0.3.0, 0.4.0"),
        ("{bindingVersion: 4}", "/bindingVersion", "must be a text"),
        ("[]", "", "must be an object"),
    ] {
        let found = problems(&document(&format!("{ONE}    bindings: {{kafka: {kafka}}}\n")));
        assert!(
            found.len() == 1
                && found[0].starts_with(&format!("/channels/orders/bindings/kafka{pointer}|14|"))
                && found[0].contains(part),
            "{kafka}: {found:?}"
        );
    }
}

#[test]
fn references_are_taken_wherever_the_specification_has_them() {
    for minor in 0..=6 {
        let text = format!(
            "asyncapi: '2.{minor}.0'\ninfo: {{title: T, version: '1'}}\nservers: {{s: {{url: 'kafka://x', protocol: kafka, security: [{{k: []}}]}}}}\nchannels:\n  'a/{{p}}':\n    parameters: {{p: {{$ref: '#/components/parameters/p'}}}}\n    subscribe:\n      traits: [{{$ref: '#/components/operationTraits/t'}}]\n      bindings: {{$ref: '#/components/operationBindings/b'}}\n      message: {{$ref: '#/components/messages/m'}}\ncomponents:\n  parameters: {{p: {{schema: {{$ref: '#/components/schemas/s'}}}}}}\n  operationTraits: {{t: {{operationId: o}}}}\n  operationBindings: {{b: {{kafka: {{clientId: {{type: string}}}}}}}}\n  messageTraits: {{t: {{contentType: application/json}}}}\n  correlationIds: {{c: {{location: '$message.header#/correlation'}}}}\n  securitySchemes: {{k: {{type: userPassword}}}}\n  messages:\n    m: {{$ref: '#/components/messages/n'}}\n    n:\n      headers: {{$ref: '#/components/schemas/h'}}\n      payload: {{$ref: '#/components/schemas/s'}}\n      correlationId: {{$ref: '#/components/correlationIds/c'}}\n      traits: [{{$ref: '#/components/messageTraits/t'}}]\n      examples: [{{payload: {{$ref: 'http://example.com/as-data'}}}}]\n  schemas: {{s: {{type: object, properties: {{$ref: {{type: string}}}}}}, h: {{type: object}}}}\n"
        );
        assert_eq!(events(&text), ["n: S, a/{p}"], "2.{minor}");
    }
}

#[test]
fn a_reference_may_be_percent_encoded_and_lead_through_lists() {
    let text = document(
        "channels:\n  'a/{b}': {publish: {message: {oneOf: [{name: A}, {name: B, payload: {type: object, properties: {x: {type: string}}}}]}}}\n  d: {subscribe: {message: {$ref: '#/channels/a~1%7Bb%7D/publish/message/oneOf/1'}}}\n",
    );
    assert_eq!(events(&text), ["A: R, a/{b}", "B: SR, a/{b}"]);
}

#[test]
fn a_value_is_read_as_a_text_is() {
    let value = json!({
        "asyncapi": "2.6.0", "info": { "title": "Order Service", "version": "1.0.0" },
        "channels": { "orders": { "subscribe": { "message": { "name": "OrderPlaced", "payload": { "type": "object", "properties": { "id": { "type": "string" } } } } } } },
    });
    assert_eq!(read_value(value.clone()).unwrap().contract, good(&document(ONE)).contract);
    assert_eq!(good(&serde_json::to_string_pretty(&value).unwrap()).contract, good(&document(ONE)).contract);
    let wrong = json!({ "asyncapi": "2.6.0", "info": { "title": "a" }, "channels": {} });
    let refused = read_value(wrong).unwrap_err();
    assert_eq!(refused.problems().len(), 1, "{refused}");
    assert_eq!((refused.problems()[0].pointer.as_str(), refused.problems()[0].line), ("/info", None));
}
