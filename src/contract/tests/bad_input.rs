//! Named bad inputs: each with what must become of it, answered within a second.

use std::{
    fmt::Write,
    time::{Duration, Instant},
};

use super::{
    super::{JsonKind, MAX_BYTES, Reading, Refused, on_its_own_stack, read, read_here, strict_json},
    ONE, document,
};

/// What must become of a document.
enum Answer {
    Ok,
    TooLarge,
    Version(&'static str),
    /// A problem whose sentence holds this text.
    Invalid(&'static str),
    Duplicate(&'static str),
}

use Answer::{Duplicate, Invalid, Ok as Taken, TooLarge, Version};

struct Case {
    name: &'static str,
    bytes: Vec<u8>,
    answer: Answer,
}

fn case(name: &'static str, text: impl Into<Vec<u8>>, answer: Answer) -> Case {
    Case { name, bytes: text.into(), answer }
}

fn padded(size: usize, line: &str) -> String {
    let mut text = document(ONE);
    while text.len() + line.len() < size {
        text.push_str(line);
    }
    let rest = size - text.len();
    text.push_str(&"#".repeat(rest.saturating_sub(1)));
    text.push_str(if rest > 0 { "\n" } else { "" });
    assert_eq!(text.len(), size);
    text
}

/// A payload of so many attributes that the text has this size.
fn many_attributes(size: usize) -> String {
    let mut text = document(ONE);
    let mut number = 0;
    while text.len() < size - 100 {
        writeln!(text, "            attribute{number}: {{type: string, format: date-time}}").unwrap();
        number += 1;
    }
    text.push_str(&" ".repeat(size - text.len()));
    text
}

fn messages(count: usize) -> String {
    let mut text = document("channels:\n");
    for number in 0..count {
        writeln!(text, "  c{number}:\n    subscribe:\n      message: {{name: m{number}, payload: {{type: object}}}}")
            .unwrap();
    }
    text
}

fn payload(schema: &str) -> String {
    document(&format!(
        "channels:\n  orders:\n    subscribe:\n      message:\n        name: OrderPlaced\n        payload: {schema}\n"
    ))
}

fn components(channels: &str, components: &str) -> String {
    document(&format!("{channels}components:\n{components}"))
}

const REFERRING: &str =
    "channels:\n  orders:\n    subscribe:\n      message: {name: a, payload: {$ref: '#/components/schemas/s0'}}\n";

fn chain(length: usize) -> String {
    let mut schemas = "  schemas:\n".to_owned();
    for number in 0..length {
        writeln!(schemas, "    s{number}: {{$ref: '#/components/schemas/s{}'}}", number + 1).unwrap();
    }
    writeln!(schemas, "    s{length}: {{type: object}}").unwrap();
    components(REFERRING, &schemas)
}

/// Schemas that each hold the next one twice: two to the power of `length` if put together carelessly.
fn doubling(keyword: &str, length: usize) -> String {
    let mut schemas = "  schemas:\n".to_owned();
    for number in 0..length {
        let next = number + 1;
        writeln!(schemas, "    s{number}: {{{keyword}: [{{$ref: '#/components/schemas/s{next}'}}, {{$ref: '#/components/schemas/s{next}'}}]}}").unwrap();
    }
    writeln!(schemas, "    s{length}: {{type: object, properties: {{a: {{type: string}}}}}}").unwrap();
    components(REFERRING, &schemas)
}

/// The same with lists of messages, without one message at the end.
fn doubling_messages(length: usize) -> String {
    let mut messages = "  messages:\n".to_owned();
    for number in 0..length {
        let next = number + 1;
        writeln!(messages, "    m{number}: {{oneOf: [{{$ref: '#/components/messages/m{next}'}}, {{$ref: '#/components/messages/m{next}'}}]}}").unwrap();
    }
    writeln!(messages, "    m{length}: {{oneOf: []}}").unwrap();
    components("channels:\n  orders:\n    subscribe:\n      message: {$ref: '#/components/messages/m0'}\n", &messages)
}

fn nested(open: &str, inner: &str, close: &str, levels: usize) -> String {
    open.repeat(levels) + inner + &close.repeat(levels)
}

/// A schema of very many properties.
fn wide(kind: &str) -> String {
    let properties = (0..28_000).fold(String::new(), |text, n| text + &format!("p{n}: {{type: {kind}}}, "));
    format!("{{properties: {{{properties}}}}}")
}

/// A thousand messages that each refer to one large schema.
fn shared_payload() -> String {
    let mut text = document("channels:\n");
    for number in 0..1_000 {
        writeln!(text, "  c{number}:\n    subscribe:\n      message: {{name: m{number}, payload: {{$ref: '#/components/schemas/big'}}}}").unwrap();
    }
    text.push_str("components:\n  schemas:\n    big:\n      type: object\n      properties:\n");
    for number in 0..20_000 {
        writeln!(text, "        attribute{number}: {{type: string}}").unwrap();
    }
    text
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn cases() -> Vec<Case> {
    let png = [b"\x89PNG\r\n\x1a\n".as_slice(), &[0, 0, 0, 13, 0xff, 0xfe]].concat();
    let json = r#"{"asyncapi": "2.6.0", "info": {"title": "Orders", "version": "1"}, "channels": {"a/b": {"publish": {"message": {"name": "A"}}}}}"#;
    let bomb = (1..30)
        .fold("a0: &a0 [x, x]\n".to_owned(), |text, n| format!("{text}a{n}: &a{n} [*a{0}, *a{0}, *a{0}]\n", n - 1));
    let anchors = (0..100_000).fold(String::new(), |mut text, n| {
        writeln!(text, "- &a{n}").unwrap();
        text
    });
    let wrong_elements = payload(&format!("{{type: object, required: [{}]}}", "1, ".repeat(100_000)));
    vec![
        case("Y01-1048576 of comments", padded(MAX_BYTES, "# nothing but a remark that goes on\n"), Taken),
        case("Y01-1048576 of one comment", padded(MAX_BYTES, &format!("# {}\n", "x".repeat(MAX_BYTES - 1_000))), Taken),
        case("Y01-1048576 of blank lines", padded(MAX_BYTES, "\n"), Taken),
        case("Y01-1048576 of attributes", many_attributes(MAX_BYTES), Taken),
        case("Y01-1048576 as JSON", format!("{json}{}", " ".repeat(MAX_BYTES - json.len())), Taken),
        case("Y02-1048577", padded(MAX_BYTES + 1, "\n"), TooLarge),
        case("Y04-self-alias", document("channels: &a\n  orders: *a\n"), Invalid("alias")),
        case("Y04-self-alias in a list", "a: &a [*a]\n", Invalid("alias")),
        case("Y05-100k-anchors", anchors, Invalid("anchors")),
        case("Y05-alias bomb", bomb, Invalid("alias")),
        case(
            "Y05-alias of alias of a large value",
            document(&format!("x-a: &a [{}]\nx-b: [{}]\n{ONE}", "1, ".repeat(10_000), "*a, ".repeat(900))),
            Invalid("alias"),
        ),
        case("Y07-10k-documents", "a: 1\n---\n".repeat(10_000), Invalid("several YAML documents")),
        case("Y07-10k-empty-documents", "---\n".repeat(10_000), Invalid("several YAML documents")),
        case("Y07-two-documents", format!("{0}---\n{0}", document(ONE)), Invalid("several YAML documents")),
        case(
            "Y08-unknown-tag",
            document(&ONE.replace("name: OrderPlaced", "name: !secret OrderPlaced")),
            Invalid("tag"),
        ),
        case("Y08-python-tag", "!!python/object/apply:os.system [ls]\n", Invalid("tag")),
        case("Y08-global-tag", "!<tag:example.com,2026:x> {a: 1}\n", Invalid("tag")),
        case(
            "Y10-ref-metadata-ip",
            payload("{$ref: 'http://169.254.169.254/latest/meta-data/'}"),
            Invalid("only references inside the document"),
        ),
        case(
            "Y10-ref to a host in a property",
            payload("{type: object, properties: {a: {$ref: 'https://example.com/a.json#/b'}}}"),
            Invalid("only references inside the document"),
        ),
        case(
            "Y10-ref of a channel",
            document("channels:\n  orders: {$ref: 'http://169.254.169.254/c'}\n"),
            Invalid("only references inside the document"),
        ),
        case("Y11-ref-file", payload("{$ref: 'file:///etc/passwd'}"), Invalid("only references inside the document")),
        case("Y11-ref-relative", payload("{$ref: '../../etc/passwd'}"), Invalid("only references inside the document")),
        case(
            "Y11-ref in a component nobody uses",
            components(ONE, "  schemas:\n    s: {properties: {a: {$ref: './s.yaml'}}}\n"),
            Invalid("only references inside the document"),
        ),
        case("Y11-ref to nothing", payload("{$ref: '#/components/schemas/Missing'}"), Invalid("not in the document")),
        case("Y13-ref-chain-10k", chain(10_000), Invalid("a reference to a reference")),
        case(
            "Y13-ref-chain-10k nobody uses",
            chain(10_000).replace("$ref: '#/components/schemas/s0'", "type: object"),
            Invalid("a reference to a reference"),
        ),
        case("Y13-ref-chain-2", chain(2), Taken),
        case(
            "Y13-ref-circle",
            components(
                REFERRING,
                "  schemas:\n    s0: {$ref: '#/components/schemas/s1'}\n    s1: {$ref: '#/components/schemas/s0'}\n",
            ),
            Invalid("in a circle"),
        ),
        case(
            "Y13-ref-to-itself",
            payload("{$ref: '#/channels/orders/subscribe/message/payload'}"),
            Invalid("in a circle"),
        ),
        case("Y13-doubling allOf", doubling("allOf", 60), Taken),
        case("Y13-doubling oneOf", doubling("oneOf", 60), Taken),
        case(
            "Y13-doubling anyOf in a property",
            doubling("anyOf", 60)
                .replace("payload: {$ref", "payload: {properties: {p: {$ref")
                .replace("s0'}}", "s0'}}}}"),
            Taken,
        ),
        case("Y13-doubling lists of messages", doubling_messages(40), Invalid("too deep")),
        case("Y13-doubling shallow lists of messages", doubling_messages(14), Invalid("no message")),
        case(
            "Y13-recursive schema",
            components(
                REFERRING,
                "  schemas:\n    s0: {type: object, properties: {inner: {type: array, items: {$ref: '#/components/schemas/s0'}}}}\n",
            ),
            Taken,
        ),
        case(
            "Y13-allOf in a circle",
            components(
                REFERRING,
                "  schemas:\n    s0: {allOf: [{$ref: '#/components/schemas/s0'}], properties: {a: {type: string}}}\n",
            ),
            Taken,
        ),
        case(
            "Y13-array of itself",
            components(
                REFERRING,
                "  schemas:\n    s0: {type: object, properties: {a: {$ref: '#/components/schemas/s1'}}}\n    s1: {type: array, items: {$ref: '#/components/schemas/s1'}}\n",
            ),
            Taken,
        ),
        case("Y13-one large payload for 1000 messages", shared_payload(), Invalid("more than 50000 attributes")),
        case("Y14-json-in-yaml", json, Taken),
        case(
            "Y14-json-in-yaml with tabs and surrogate pairs",
            json.replace(", ", ",\n\t").replace("Orders", r"Orders \ud83d\ude00 \/ x"),
            Taken,
        ),
        case(
            "Y14-flow style",
            "{asyncapi: '2.6.0', info: {title: Orders, version: '1'}, channels: {a: {publish: {message: {name: A}}}}}",
            Taken,
        ),
        case("Y14-json with a byte order mark", format!("\u{feff}{json}"), Taken),
        case("Y16-dup-keys", document(&format!("{ONE}channels: {{}}\n")), Invalid("twice")),
        case(
            "Y16-dup-keys inside",
            document(&ONE.replace("name: OrderPlaced", "name: OrderPlaced\n        name: Other")),
            Invalid("\"name\" twice"),
        ),
        case(
            "Y16-dup-keys in JSON",
            json.replace("\"name\": \"A\"", "\"name\": \"A\", \"name\": \"B\""),
            Invalid("\"name\" twice"),
        ),
        case("Y16-dup-keys by notation", payload("{1: a, '1': b}"), Invalid("twice")),
        case(
            "Y16-dup-keys by escape in JSON",
            json.replace("\"name\": \"A\"", "\"name\": \"A\", \"n\\u0061me\": \"B\""),
            Invalid("\"name\" twice"),
        ),
        case("Y17-version-3", document(ONE).replace("2.6.0", "3.0.0"), Version("3.0.0")),
        case("Y17-version-3.1 in JSON", json.replace("2.6.0", "3.1.0"), Version("3.1.0")),
        case("Y17-version-1.2", document(ONE).replace("2.6.0", "1.2.0"), Version("1.2.0")),
        case("Y17-version-2.7", document(ONE).replace("2.6.0", "2.7.0"), Version("2.7.0")),
        case("Y17-version as a number", document(ONE).replace("'2.6.0'", "3.0"), Version("3.0")),
        case(
            "Y17-version 2.6 as a number",
            document(ONE).replace("'2.6.0'", "2.6"),
            Invalid("must be written \"2.6.0\""),
        ),
        case("Y17-no version", document(ONE).replace("asyncapi: '2.6.0'\n", ""), Invalid("member asyncapi")),
        case("Y17-OpenAPI", "openapi: 3.1.0\ninfo: {title: a, version: b}\npaths: {}\n", Invalid("OpenAPI")),
        case("Y19-no-messages", document("channels: {}\n"), Invalid("no message")),
        case(
            "Y19-no-messages in a channel",
            document("channels:\n  orders: {description: nothing}\n"),
            Invalid("no message"),
        ),
        case(
            "Y19-no-messages in an operation",
            document("channels:\n  orders: {subscribe: {summary: nothing}}\n"),
            Invalid("no message"),
        ),
        case(
            "Y19-no-messages but a component",
            components("channels: {}\n", "  messages: {A: {payload: {type: object}}}\n"),
            Invalid("no message"),
        ),
        case(
            "Y20-dup-message-name",
            document(
                "channels:\n  a: {subscribe: {message: {name: X, payload: {type: object}}}}\n  b: {subscribe: {message: {name: X, payload: {type: string}}}}\n",
            ),
            Duplicate("\"X\""),
        ),
        case(
            "Y20-dup-message-name, equal messages in two channels",
            document("channels:\n  a: {subscribe: {message: {name: X}}}\n  b: {subscribe: {message: {name: X}}}\n"),
            Duplicate("\"X\""),
        ),
        case(
            "Y20-dup-message-name in a list",
            document("channels:\n  a: {subscribe: {message: {oneOf: [{name: X}, {name: X}]}}}\n"),
            Duplicate("\"X\""),
        ),
        case(
            "Y20-dup-message-name of components",
            components(
                "channels:\n  a: {subscribe: {message: {oneOf: [{$ref: '#/components/messages/P'}, {$ref: '#/components/messages/Q'}]}}}\n",
                "  messages:\n    P: {name: X, payload: {type: object}}\n    Q: {name: X, payload: {type: object}}\n",
            ),
            Duplicate("\"X\""),
        ),
        case(
            "Y20-other problems count more",
            document(
                "channels:\n  a: {subscribe: {message: {oneOf: [{name: X}, {name: X}, {payload: {type: what}}]}}}\n",
            ),
            Invalid("what"),
        ),
        case("Y22-1000-messages", messages(1_000), Taken),
        case("Y22-1001-messages", messages(1_001), Invalid("more than 1000 messages")),
        case("Y23-bad-attribute-type", payload("{type: object, properties: {a: {type: strin}}}"), Invalid("\"strin\"")),
        case(
            "Y23-bad-attribute-type in a component",
            components(REFERRING, "  schemas:\n    s0: {type: object, properties: {a: {type: datetime}}}\n"),
            Invalid("\"datetime\""),
        ),
        case(
            "Y23-bad-attribute-type in a component message",
            components(
                "channels:\n  a: {publish: {message: {$ref: '#/components/messages/M'}}}\n",
                "  messages:\n    M: {payload: {type: object, properties: {a: {type: 5}}}}\n",
            ),
            Invalid("is 5, but"),
        ),
        case("Y25-png-as-yml", png, Invalid("PNG picture")),
        case("Y25-zip-as-yml", b"PK\x03\x04abc".as_slice(), Invalid("ZIP")),
        case("Y26-exe as yml", b"MZ\x90\x00\x03".as_slice(), Invalid("program")),
        case(
            "Y28-redos-pattern",
            payload("{type: object, properties: {a: {type: string, pattern: '^(a+)+$'}}}"),
            Taken,
        ),
        case(
            "Y28-pattern that is none",
            payload(
                "{type: object, properties: {a: {type: string, pattern: '(['}}, patternProperties: {'(((a{1,9999}){1,9999})': {}}}",
            ),
            Taken,
        ),
        case(
            "Y28-large pattern",
            payload(&format!("{{type: string, pattern: '{}'}}", "(a{1,999}){1,999}".repeat(3_000))),
            Taken,
        ),
        case("Y29-invalid-utf8", [document(ONE).as_bytes(), b"x-a: \xc3\x28\n"].concat(), Invalid("not UTF-8")),
        case("Y29-utf16", document(ONE).encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>(), Invalid("")),
        case(
            "Y29-utf16 with a byte order mark",
            [vec![0xff, 0xfe], document(ONE).encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>()].concat(),
            Invalid("UTF-16"),
        ),
        case("Y31-crlf", document(ONE).replace('\n', "\r\n"), Taken),
        case("Y31-crlf in JSON", json.replace(", ", ",\r\n"), Taken),
        case(
            "Y32-900KB-scalar",
            document(&format!("  description: {}\n{ONE}", "x".repeat(900_000))),
            Invalid("bytes: at most"),
        ),
        case(
            "Y32-900KB-scalar as a name",
            document(&ONE.replace("OrderPlaced", &"x".repeat(900_000))),
            Invalid("bytes: at most"),
        ),
        case("Y32-900KB-scalar in JSON", json.replace("Orders", &"x".repeat(900_000)), Invalid("bytes: at most")),
        case(
            "Y32-900KB-scalar in quotes of many lines",
            document(&format!("  description: \"{}\"\n{ONE}", "x\n\n   ".repeat(150_000))),
            Invalid("bytes: at most"),
        ),
        case(
            "Y32-900KB-key",
            payload(&format!("{{type: object, properties: {{{}: {{}}}}}}", "k".repeat(900_000))),
            Invalid(""),
        ),
        case(
            "Y32-900KB-key in JSON",
            json.replace("\"a/b\"", &format!("\"{}\"", "k".repeat(900_000))),
            Invalid("bytes: at most"),
        ),
        case("Y34-empty-file", "", Invalid("empty")),
        case("Y34-blanks", " \r\n\t\n", Invalid("empty")),
        case("Y34-remarks only", "# nothing\n---\n# more\n", Invalid("empty")),
        case("Y34-null", "~\n", Invalid("empty")),
        case("not an object: a list", "- a\n- b\n", Invalid("must be an object")),
        case("not an object: a text", "hello there\n", Invalid("must be an object")),
        case("not YAML", "a: [1, 2\nb: }", Invalid("not YAML")),
        case("not JSON", "{\"a\": 1,, }", Invalid("not JSON")),
        case("not finite", document(&format!("x-a: .nan\n{ONE}")), Invalid("not finite")),
        case("deep list", nested("[", "1", "]", 100_000), Invalid("deeper")),
        case("deep list in YAML", format!("a: {}", nested("[", "b", "]", 100_000)), Invalid("")),
        case("deep map", (0..1_000).map(|n| " ".repeat(n) + "a:\n").collect::<String>(), Invalid("deeper")),
        case("deep, but right", payload(&nested("{allOf: [", "{type: object}", "]}", 27)), Taken),
        case(
            "deep lists of messages",
            document(&format!(
                "channels:\n  a:\n    publish:\n      message: {}\n",
                nested("{oneOf: [", "{name: X}", "]}", 27)
            )),
            Invalid("too deep"),
        ),
        case("deep and wrong at the end", payload(&nested("{items: ", "{type: what}", "}", 50)), Invalid("what")),
        case(
            "deep anyOf and wrong at the end",
            payload(&nested("{anyOf: [", "{type: what}", "]}", 25)),
            Invalid("what"),
        ),
        case("very many values", format!("x: [{}]", "0,".repeat(520_000)), Invalid("values")),
        case("as many texts as may be", document(&format!("{ONE}x-a: [{}]\n", "a,".repeat(190_000))), Taken),
        case("as many objects as may be", document(&format!("{ONE}x-a: [{}]\n", "{a: b},".repeat(29_000))), Taken),
        case("very many objects", document(&format!("{ONE}x-a: [{}]\n", "{a: b},".repeat(45_000))), Invalid("objects")),
        case("very many objects in JSON", format!("[{}0]", "{},".repeat(45_000)), Invalid("objects")),
        case("deep and wide", payload(&nested("{not: ", &wide("string"), "}", 50)), Taken),
        case("deep and wide and wrong", payload(&nested("{items: ", &wide("strin"), "}", 50)), Invalid("strin")),
        case("deep anyOf, wide and wrong", payload(&nested("{anyOf: [", &wide("strin"), "]}", 25)), Invalid("strin")),
        case("very many values in JSON", format!("[{}0]", "0,".repeat(520_000)), Invalid("values")),
        case("very many wrong values", wrong_elements, Invalid("text")),
        case(
            "very many unknown members",
            document(&format!("{ONE}{}", (0..50_000).fold(String::new(), |text, n| text + &format!("k{n}: 1\n")))),
            Invalid("not known here"),
        ),
        case(
            "very many references to nothing",
            document(&format!(
                "{ONE}components:\n  schemas:\n{}",
                (0..20_000).fold(String::new(), |text, n| text + &format!("    s{n}: {{$ref: '#/a'}}\n"))
            )),
            Invalid("not in the document"),
        ),
        case(
            "long keys and very many wrong values",
            payload(&format!(
                "{}{{required: [{}]}}{}",
                format!("{{properties: {{{}: ", "k".repeat(1_000)).repeat(20),
                "1,".repeat(100_000),
                "}}".repeat(20)
            )),
            Invalid("text"),
        ),
        case(
            "merge keys",
            document(&format!(
                "x-a: &a {{type: string}}\n{}",
                ONE.replace("{type: string}", "{<<: *a, format: email}")
            )),
            Taken,
        ),
        case(
            "several problems at once",
            document("channels:\n  a: {subscribe: {message: 5}, unknown: 1}\nother: 1\n"),
            Invalid("other"),
        ),
    ]
}

/// The answer and the processor time it took; the time by the clock where the system does not tell.
fn timed(bytes: &[u8]) -> (Result<Reading, Refused>, Duration) {
    let busy = || {
        let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
        text.split(' ').next()?.parse().ok().map(Duration::from_nanos)
    };
    if bytes.len() > MAX_BYTES {
        return (read(bytes), Duration::ZERO);
    }
    on_its_own_stack(|| {
        let (began, busy_before) = (Instant::now(), busy());
        let got = read_here(bytes);
        let took =
            busy().zip(busy_before).map_or_else(|| began.elapsed(), |(after, before)| after.saturating_sub(before));
        (got, took)
    })
}

#[test]
fn every_named_document_is_answered_as_it_must_be() {
    let mut wrong = Vec::new();
    // The promise is about the program as it is shipped.
    let limit = Duration::from_secs(if cfg!(debug_assertions) { 20 } else { 1 });
    for Case { name, bytes, answer } in cases() {
        let (got, took) = timed(&bytes);
        let met = match (&answer, &got) {
            (Taken, Ok(_)) | (TooLarge, Err(Refused::TooLarge { limit: MAX_BYTES })) => true,
            (Version(expected), Err(Refused::Version { found })) => found == expected,
            (Invalid(part), Err(Refused::Invalid(problems))) | (Duplicate(part), Err(Refused::Duplicate(problems))) => {
                problems.len() <= 50 && problems.iter().any(|problem| problem.message.contains(part))
            }
            _ => false,
        };
        let said = match &got {
            Ok(_) => "taken".to_owned(),
            Err(refused) => refused.to_string().chars().take(600).collect(),
        };
        println!("{:>5} ms  {name}: {}", took.as_millis(), said.lines().next().unwrap_or_default());
        if !met {
            wrong.push(format!("{name}: {said}"));
        }
        if took > limit {
            wrong.push(format!("{name}: took {took:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn json_is_read_strictly() {
    let deep = |levels| nested("[", "1", "]", levels).into_bytes();
    let utf16: Vec<u8> = "{}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let cases: Vec<(&str, Vec<u8>, Option<JsonKind>)> = vec![
        ("J01-not-json", b"hello".to_vec(), Some(JsonKind::Syntax)),
        ("J01-empty", Vec::new(), Some(JsonKind::Syntax)),
        ("J01-cut", b"{\"a\": [1".to_vec(), Some(JsonKind::Syntax)),
        ("J01-single quotes", b"{'a': 1}".to_vec(), Some(JsonKind::Syntax)),
        ("J01-remark", b"{} // x".to_vec(), Some(JsonKind::Syntax)),
        ("J01-last comma", b"[1,]".to_vec(), Some(JsonKind::Syntax)),
        ("J01-line end in a string", b"\"a\nb\"".to_vec(), Some(JsonKind::Syntax)),
        ("J04-dup-keys", b"{\"a\":1,\"a\":1}".to_vec(), Some(JsonKind::DuplicateName)),
        ("J04-dup-keys inside", b"[{\"b\":{\"a\":1,\"a\":2}}]".to_vec(), Some(JsonKind::DuplicateName)),
        ("J04-dup-keys by escape", br#"{"a":1,"\u0061":2}"#.to_vec(), Some(JsonKind::DuplicateName)),
        ("J04-equal keys of two objects", b"[{\"a\":1},{\"a\":1}]".to_vec(), None),
        ("J05-depth-64", deep(64), None),
        ("J05-depth-65", deep(65), Some(JsonKind::TooDeep)),
        ("J05-depth-65 of objects", nested("{\"a\":", "1", "}", 65).into_bytes(), Some(JsonKind::TooDeep)),
        ("J05-depth-100k", deep(100_000), Some(JsonKind::TooDeep)),
        ("J11-lone-surrogate, high", br#"{"a":"\ud800"}"#.to_vec(), Some(JsonKind::LoneSurrogate)),
        ("J11-lone-surrogate, low", br#"{"a":"\udc00 x"}"#.to_vec(), Some(JsonKind::LoneSurrogate)),
        ("J11-lone-surrogate, twice high", br#"{"a":"\ud800\ud800"}"#.to_vec(), Some(JsonKind::LoneSurrogate)),
        ("J11-lone-surrogate in a name", br#"{"\ud800":1}"#.to_vec(), Some(JsonKind::LoneSurrogate)),
        ("J11-surrogate as bytes", b"\"\xed\xa0\x80\"".to_vec(), Some(JsonKind::Encoding)),
        ("J11-pair", br#"{"a":"\ud83d\ude00"}"#.to_vec(), None),
        ("J13-utf16", utf16, Some(JsonKind::Syntax)),
        ("J13-utf16 with a byte order mark", vec![0xff, 0xfe, b'{', 0, b'}', 0], Some(JsonKind::Encoding)),
        ("J13-latin1", b"\"caf\xe9\"".to_vec(), Some(JsonKind::Encoding)),
        ("J14-NaN", b"{\"a\":NaN}".to_vec(), Some(JsonKind::Syntax)),
        ("J14-Infinity", b"[-Infinity]".to_vec(), Some(JsonKind::Syntax)),
        ("J14-1e999", b"[1e999]".to_vec(), Some(JsonKind::Syntax)),
        ("J17-trailing-garbage", b"{} x".to_vec(), Some(JsonKind::Syntax)),
        ("J17-second value", b"{}{}".to_vec(), Some(JsonKind::Syntax)),
        ("J17-blanks", b" {} \r\n".to_vec(), None),
        ("a name that another reader gives a meaning", br#"{"$serde_json::private::RawValue":"[1"}"#.to_vec(), None),
    ];
    for (name, bytes, expected) in cases {
        let began = Instant::now();
        let got = strict_json(&bytes);
        assert_eq!(got.as_ref().err().map(|problem| problem.kind), expected, "{name}: {got:?}");
        assert!(began.elapsed() < Duration::from_secs(1), "{name}");
        if expected.is_none() {
            assert!(!got.unwrap().to_string().is_empty(), "{name}");
        }
    }
}

#[test]
fn a_json_problem_says_where() {
    let problem = strict_json(b"{\n  \"a\": 1,\n  \"a\": 2\n}").unwrap_err();
    assert_eq!((problem.kind, problem.line), (JsonKind::DuplicateName, 3), "{problem}");
    assert_eq!(problem.message, "holds \"a\" twice in one object");
    let problem = strict_json(b"{\n\"a\": \"caf\xe9\"}").unwrap_err();
    assert_eq!((problem.kind, problem.line, problem.column), (JsonKind::Encoding, 2, 10));
}
