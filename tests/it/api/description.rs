//! The description of the API names every route, and nothing else.

use std::collections::BTreeSet;

use ebm::api::{openapi::document, routes};
use serde_json::Value;
use sqlx::PgPool;

use crate::support::World;

#[test]
fn every_route_is_described_with_its_parameters() {
    let document = document();
    let mut described = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in ["get", "put", "post", "patch", "delete"] {
            if item.get(method).is_some() {
                described.insert(format!("{} {path}", method.to_uppercase()));
            }
        }
    }
    assert!(described.remove("GET /openapi.json"));
    let routes: BTreeSet<_> = routes().iter().map(|route| format!("{} {}", route.method, route.path)).collect();
    assert_eq!(described, routes);

    let resolve = |parameter: &Value| match parameter["$ref"].as_str() {
        Some(to) => document.pointer(to.trim_start_matches('#')).unwrap().clone(),
        None => parameter.clone(),
    };
    for route in ebm::api::routes() {
        let item = &document["paths"][route.path];
        let operation = &item[route.method.as_str().to_lowercase()];
        let all = [item, operation].into_iter().filter_map(|place| place["parameters"].as_array()).flatten();
        let (mut query, mut path) = (BTreeSet::new(), BTreeSet::new());
        for parameter in all.map(resolve) {
            let name = parameter["name"].as_str().unwrap().to_owned();
            if parameter["in"] == "query" {
                query.insert(name)
            } else {
                path.insert(format!("{{{name}}}"))
            };
        }
        let known: BTreeSet<_> = route.query.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(query, known, "{} {}", route.method, route.path);
        let parts: BTreeSet<_> = route.path.split('/').filter(|p| p.starts_with('{')).map(str::to_owned).collect();
        assert_eq!(path, parts, "{} {}", route.method, route.path);
    }
}

#[test]
fn every_reference_leads_somewhere() {
    let document = document();
    let (mut open, mut lost) = (vec![document], Vec::new());
    while let Some(value) = open.pop() {
        if let Some(to) = value["$ref"].as_str()
            && document.pointer(to.trim_start_matches('#')).is_none()
        {
            lost.push(to);
        }
        match value {
            Value::Object(members) => open.extend(members.values()),
            Value::Array(items) => open.extend(items),
            _ => {}
        }
    }
    assert_eq!(lost, [""; 0]);
}

#[sqlx::test]
async fn the_description_needs_no_token(pool: PgPool) {
    let world = World::new(pool, false).await;
    let document = world.api.get("", "/openapi.json").await.expect(200);
    assert_eq!(document["openapi"], "3.1.0");
}
