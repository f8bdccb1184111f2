//! The named cases of both sides, and properties.

use proptest::prelude::*;

use super::*;

const MIB: usize = 1 << 20;

fn headers(pairs: &[(&str, &str)]) -> Vec<Header> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), Some(value.as_bytes().to_vec()))).collect()
}

fn required() -> Vec<Header> {
    headers(&[("ce_id", "1"), ("ce_source", "/orders"), ("ce_specversion", "1.0"), ("ce_type", "order.placed")])
}

fn with(more: &[(&str, &str)]) -> Vec<Header> {
    [required(), headers(more)].concat()
}

fn to_queue(headers: &[Header], value: Option<&[u8]>) -> Result<Message, Undeliverable> {
    Event::from_kafka(headers, value.map(<[u8]>::to_vec))?.into_queue(MIB)
}

fn structured(message: &Message) -> bool {
    message
        .attributes
        .iter()
        .any(|(name, value)| name == "content-type" && value.starts_with("application/cloudevents"))
}

/// What a record becomes after the queue, read by a bridge that leads back.
fn there_and_back(headers: &[Header], value: Option<&[u8]>) -> (Vec<Header>, Option<Vec<u8>>) {
    Event::from_queue(to_queue(headers, value).unwrap()).unwrap().into_kafka()
}

#[test]
fn a_record_in_binary_mode_becomes_attributes_and_body() {
    let message =
        to_queue(&with(&[("content-type", "application/json"), ("traceparent", "00-1")]), Some(b"{\"a\":1.0}"));
    insta::assert_json_snapshot!(
        message.map(|m| (m.attributes, m.body)).unwrap(),
        @r#"
    [
      [
        [
          "ce_id",
          "1"
        ],
        [
          "ce_source",
          "/orders"
        ],
        [
          "ce_specversion",
          "1.0"
        ],
        [
          "ce_type",
          "order.placed"
        ],
        [
          "content-type",
          "application/json"
        ],
        [
          "traceparent",
          "00-1"
        ]
      ],
      "{\"a\":1.0}"
    ]
    "#
    );
}

#[test]
fn what_does_not_fit_travels_in_structured_mode_and_comes_back_the_same() {
    let eleven: Vec<_> = (0..7).map(|n| (format!("ce_ext{n}"), n.to_string())).collect();
    let eleven: Vec<_> = eleven.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let json = "{\"n\":1.00,\"n\":1e400,\"s\":\"\\u00e9\"}";
    for (case, headers, value) in [
        ("B04 eleven attributes", with(&eleven), Some(json.as_bytes())),
        ("B10 U+0001 in the data", required(), Some(&b"a\x01b"[..])),
        ("B10 U+FFFF in the data", required(), Some("\"\u{ffff}\"".as_bytes())),
        ("B10 U+0001 in an attribute", with(&[("ce_subject", "a\u{1}b\u{ffff}")]), Some(b"{}")),
        ("B11 invalid UTF-8", required(), Some(b"\xff\xfe")),
        ("no data", required(), None),
        ("empty data", required(), Some(b"")),
        ("null as data", with(&[("ce_a.", "1")]), Some(b"null")),
        ("white space around JSON", with(&[("ce_a..b", "1")]), Some(b" {} \n")),
        ("text that looks like JSON", with(&[("content-type", "text/plain"), ("ce_a.", "1")]), Some(b"42")),
        ("a JSON string as text", with(&[("content-type", "text/plain"), ("ce_a.", "1")]), Some(b"\"42\"")),
        ("a JSON string as JSON", with(&[("content-type", "application/json"), ("ce_a.", "1")]), Some(b"\"4\\u0032\"")),
        ("a name with a blank", with(&[("ce_a b", "1")]), Some(b"x")),
    ] {
        let message = to_queue(&headers, value).unwrap_or_else(|e| panic!("{case}: {e}"));
        assert!(structured(&message), "{case}: {message:?}");
        assert!(message.body.chars().all(is_xml), "{case}: {message:?}");
        let (mut back, data) = there_and_back(&headers, value);
        let mut came = headers;
        came.sort();
        back.sort();
        assert_eq!(back, came, "{case}");
        assert_eq!(data.as_deref(), value, "{case}");
    }
    let message = to_queue(&with(&eleven), Some(json.as_bytes())).unwrap();
    assert!(message.body.contains(&format!("\"data\":{json}")), "spliced as it stands: {}", message.body);
}

#[test]
fn structured_mode_goes_on_as_it_came() {
    for content_type in
        ["application/cloudevents+json", "Application/CloudEvents+JSON; charset=utf-8", "application/cloudevents"]
    {
        let body =
            "{ \"specversion\":\"1.0\", \"id\":\"1\",\"source\":\"/s\",\"type\":\"t\",\"seq\":7,\"data\":{\"n\":1.0} }";
        let record = headers(&[("content-type", content_type), ("ce_id", "1"), ("tracestate", "x")]);
        assert_eq!(kind(&record, Some(body.as_bytes())).as_deref(), Some("t"));
        let message = to_queue(&record, Some(body.as_bytes())).unwrap();
        assert_eq!(message.body, body);
        assert_eq!(message.attributes[0], ("content-type".to_owned(), content_type.to_owned()));
        assert_eq!(message.attributes[1], ("tracestate".to_owned(), "x".to_owned()));
        let (back, data) = Event::from_queue(message).unwrap().into_kafka();
        assert!(back.contains(&("ce_seq".to_owned(), Some(b"7".to_vec()))), "{back:?}");
        assert_eq!(data.as_deref(), Some(&b"{\"n\":1.0}"[..]));
    }
}

#[test]
fn an_event_that_cannot_be_delivered_is_named_by_its_reason() {
    let ce =
        |members: &str| format!("{{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\",\"type\":\"t\"{members}}}");
    let json = |headers_beside: &[(&str, &str)]| {
        [headers(&[("content-type", "application/cloudevents+json")]), headers(headers_beside)].concat()
    };
    let big = vec![b'x'; MIB];
    let twice = ce(",\"id\":\"2\"");
    let (both, bad64) = (ce(",\"data\":1,\"data_base64\":\"\""), ce(",\"data_base64\":\"?\""));
    let (object, plain) = (ce(",\"ext\":{}"), ce(""));
    let mut null_id = required();
    null_id[0].1 = None;
    let mut bytes = required();
    bytes[1].1 = Some(vec![0xff]);
    for (case, headers, value, code) in [
        ("B01 too large", required(), Some(&big[..]), "oversize"),
        ("B13 a ce_ header twice", with(&[("ce_id", "1")]), Some(b"x"), "headers"),
        (
            "B13 the content type twice",
            with(&[("content-type", "a/b"), ("Content-Type", "a/b")]),
            Some(b"x"),
            "headers",
        ),
        (
            "the content type as attribute too",
            with(&[("content-type", "a/b"), ("ce_datacontenttype", "a/b")]),
            None,
            "headers",
        ),
        ("B14 no attributes", headers(&[("content-type", "application/json")]), Some(b"{}"), "not-ce"),
        ("B14 no headers", vec![], Some(b"{}"), "not-ce"),
        ("B14 a null id", null_id, Some(b"x"), "not-ce"),
        (
            "an empty type",
            headers(&[("ce_id", "1"), ("ce_source", "/"), ("ce_specversion", "1.0"), ("ce_type", "")]),
            None,
            "not-ce",
        ),
        (
            "specversion 0.3",
            headers(&[("ce_id", "1"), ("ce_source", "/"), ("ce_specversion", "0.3"), ("ce_type", "t")]),
            None,
            "not-ce",
        ),
        ("source not UTF-8", bytes, Some(b"x"), "not-ce"),
        ("an attribute named data", with(&[("ce_data", "1")]), Some(b"x"), "not-ce"),
        ("a batch", headers(&[("content-type", "application/cloudevents-batch+json")]), Some(b"[]"), "not-ce"),
        ("avro", headers(&[("content-type", "application/cloudevents+avro")]), Some(b"x"), "not-ce"),
        ("structured without body", json(&[]), None, "not-ce"),
        ("structured, not JSON", json(&[]), Some(b"{"), "not-ce"),
        ("structured, an array", json(&[]), Some(b"[]"), "not-ce"),
        ("structured, a member twice", json(&[]), Some(twice.as_bytes()), "not-ce"),
        ("structured, both kinds of data", json(&[]), Some(both.as_bytes()), "not-ce"),
        ("structured, bad base64", json(&[]), Some(bad64.as_bytes()), "not-ce"),
        ("structured, an object as attribute", json(&[]), Some(object.as_bytes()), "not-ce"),
        ("structured, another id beside it", json(&[("ce_id", "2")]), Some(plain.as_bytes()), "conflict"),
        ("structured, an attribute only beside it", json(&[("ce_subject", "2")]), Some(plain.as_bytes()), "conflict"),
    ] {
        let result = to_queue(&headers, value);
        assert_eq!(result.as_ref().map_err(Undeliverable::code), Err(code), "{case}");
    }
}

#[test]
fn an_empty_optional_attribute_counts_as_absent() {
    let message =
        to_queue(&[with(&[("ce_subject", "")]), vec![("ce_time".into(), None)]].concat(), Some(b"x")).unwrap();
    assert_eq!(message.attributes.len(), 4, "{message:?}");
}

#[test]
fn other_headers_may_repeat_and_never_make_a_message_too_large() {
    let message = to_queue(&with(&[("x", "1"), ("x", "2"), ("AWS.y", "1"), ("bad name", "1")]), Some(b"x")).unwrap();
    assert_eq!(message.attributes[4..], [("x".to_owned(), "2".to_owned())]);
    let size = to_queue(&required(), Some(b"x")).unwrap().size();
    let tight = Event::from_kafka(&with(&[("x", "1")]), Some(b"x".to_vec())).unwrap().into_queue(size).unwrap();
    assert_eq!(tight.attributes.len(), 4);
    let over = Event::from_kafka(&required(), Some(b"x".to_vec())).unwrap().into_queue(size - 1);
    assert_eq!(over, Err(Undeliverable::Oversize { size, max: size - 1 }));
}

#[test]
fn a_message_is_read_by_the_same_rules() {
    let message = |pairs: &[(&str, &str)], body: &str| Message {
        attributes: pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect(),
        body: body.to_owned(),
    };
    let good = [("ce_id", "1"), ("ce_source", "/"), ("ce_specversion", "1.0"), ("ce_type", "t"), ("ce_n", "7")];
    assert_eq!(Event::from_queue(message(&good, "x")).unwrap().attribute("n"), Some("7"));
    let s01 = Event::from_queue(message(&[], "plain"));
    assert_eq!(s01.as_ref().map_err(Undeliverable::code), Err("not-ce"));
    let body = "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/\",\"type\":\"t\"}";
    let s05 = Event::from_queue(message(&[("content-type", "application/cloudevents+json"), ("ce_id", "2")], body));
    assert_eq!(s05.as_ref().map_err(Undeliverable::code), Err("conflict"));
}

#[test]
fn passages_are_counted_and_end_a_loop() {
    let event =
        |hops: &str| Event::from_kafka(&with(&[("ce_ebmhops", hops)]), Some(b"x".to_vec())).unwrap().count_hop();
    assert_eq!(event("15").unwrap().attribute(HOPS), Some("16"));
    assert_eq!(event("-9").unwrap().attribute(HOPS), Some("1"));
    assert_eq!(event("16"), Err(Undeliverable::Loop));
    let first = Event::from_kafka(&required(), None).unwrap().count_hop().unwrap();
    assert_eq!(first.attribute(HOPS), Some("1"));
}

proptest! {
    #[test]
    fn bytes_and_attributes_survive_the_queue(
        extensions in proptest::collection::btree_map("[a-z][a-z0-9_.-]{0,8}", any::<String>(), 0..12),
        content_type in proptest::option::of(prop_oneof![
            Just("application/json".to_owned()), Just("text/plain".to_owned()), "[a-z]{1,5}/[a-z+]{1,8}"]),
        value in proptest::option::of(prop_oneof![
            any::<Vec<u8>>(), any::<String>().prop_map(String::into_bytes),
            "[ ]?(\\{\"a\":[0-9]{1,30}(\\.0)?\\}|null|\"[a-z]\"|[0-9]{1,20})".prop_map(String::into_bytes)]),
    ) {
        prop_assume!(!["data", "id", "source", "type", "specversion", "datacontenttype", "data_base64"].iter().any(|n| extensions.contains_key(*n)));
        let mut came = required();
        came.extend(extensions.iter().filter(|(_, v)| !v.is_empty()).map(|(n, v)| (format!("ce_{n}"), Some(v.as_bytes().to_vec()))));
        came.extend(content_type.map(|t| ("content-type".to_owned(), Some(t.into_bytes()))));
        let message = to_queue(&came, value.as_deref()).unwrap();
        prop_assert!(message.attributes.len() <= 10 && is_carriable(&message.body));
        prop_assert!(message.attributes.iter().all(|(_, value)| is_carriable(value)));
        let (mut back, data) = Event::from_queue(message).unwrap().into_kafka();
        back.sort();
        came.sort();
        prop_assert_eq!(back, came);
        prop_assert_eq!(data, value);
    }

    #[test]
    fn whatever_a_record_holds_it_is_carried_or_refused(
        headers in proptest::collection::vec(("(ce_)?[a-z-]{0,8}|ce_type|content-type", proptest::option::of(any::<Vec<u8>>())), 0..8),
        value in proptest::option::of(any::<Vec<u8>>()),
    ) {
        let _ = kind(&headers, value.as_deref());
        let _ = Event::from_kafka(&headers, value).and_then(|event| event.into_queue(MIB));
    }
}

#[test]
fn an_empty_type_is_none() {
    assert_eq!(kind(&headers(&[("ce_type", "")]), None), None);
    assert_eq!(kind(&headers(&[("ce_type", ""), ("ce_type", "order.placed")]), None).as_deref(), Some("order.placed"));
    let structured = headers(&[("content-type", "application/cloudevents+json")]);
    assert_eq!(kind(&structured, Some(br#"{"type":""}"#)), None);
    assert_eq!(kind(&structured, Some(br#"{"type":"order.placed"}"#)).as_deref(), Some("order.placed"));
}
