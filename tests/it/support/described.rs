//! Every answer of every test is held against the description of the API.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex},
};

use ebm::api::openapi::document;
use jsonschema::Validator;
use serde_json::{Value, json};

/// The path of a request without its query, as the description writes it.
fn template(path: &str) -> Option<&'static str> {
    let parts: Vec<_> = path.split('?').next()?.split('/').collect();
    let fits = |template: &str| {
        let wanted: Vec<_> = template.split('/').collect();
        wanted.len() == parts.len() && wanted.iter().zip(&parts).all(|(w, p)| w.starts_with('{') || w == p)
    };
    let paths = document()["paths"].as_object().unwrap().keys().map(String::as_str);
    // A path without parameters goes before one with.
    paths.filter(|template| fits(template)).min_by_key(|template| template.matches('{').count())
}

fn resolved(value: &'static Value) -> &'static Value {
    match value["$ref"].as_str() {
        Some(to) => document().pointer(to.trim_start_matches('#')).unwrap_or_else(|| panic!("{to} leads nowhere")),
        None => value,
    }
}

/// Schemas that were compiled, by what they are of.
type Compiled = Mutex<HashMap<String, Arc<Validator>>>;

fn validator(name: String, schema: &Value) -> Arc<Validator> {
    static COMPILED: LazyLock<Compiled> = LazyLock::new(Compiled::default);
    let compile = || {
        let mut schema = schema.clone();
        schema["components"] = document()["components"].clone();
        schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
        Arc::new(jsonschema::validator_for(&schema).unwrap())
    };
    COMPILED.lock().unwrap().entry(name).or_insert_with(compile).clone()
}

fn hold(name: &str, schema: &Value, instance: &Value) {
    let validator = validator(name.to_owned(), schema);
    let wrong: Vec<_> = validator.iter_errors(instance).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert!(wrong.is_empty(), "{name} is not as described:\n{}\n{instance:#}", wrong.join("\n"));
}

/// Checks what was answered to a request with this body (null where it had none).
pub fn check(method: &str, path: &str, body: &Value, status: u16, media: &str, answer: &Value) {
    let Some(template) = template(path) else {
        assert_eq!(status, if answer["code"] == "unauthenticated" { 401 } else { 404 }, "{path} is not described");
        return;
    };
    let operation = &document()["paths"][template][method.to_lowercase()];
    let name = format!("{method} {template}");
    if operation.is_null() {
        assert!([401, 405].contains(&status), "{name} is not described");
        return;
    }
    let responses = &operation["responses"];
    let response = match &responses[status.to_string()] {
        Value::Null if status >= 400 => &responses["default"],
        response => response,
    };
    let response = resolved(response);
    assert!(response.is_object(), "{name}: an answer {status} is not described");
    match &response["content"] {
        Value::Null => assert!(answer.is_null(), "{name}: {status} is described as empty: {answer:#}"),
        content => {
            let schema = &content[media]["schema"];
            assert!(schema.is_object(), "{name}: {status} as {media} is not described");
            hold(&format!("the answer {status} of {name} as {media}"), schema, answer);
        }
    }
    if status < 300 && !body.is_null() {
        let schema = &resolved(&operation["requestBody"])["content"]["application/json"]["schema"];
        assert!(schema.is_object(), "{name}: a body is not described");
        hold(&format!("the body of {name}"), schema, body);
    }
}

#[test]
#[should_panic(expected = "is not as described")]
fn an_answer_that_is_not_as_described_is_found() {
    let answer = json!({ "name": "acceptance", "colour": "red" });
    check("PUT", "/spaces/acceptance", &Value::Null, 200, "application/json", &answer);
}
