//! The description of the API in the form of `OpenAPI` 3.1, written by hand and held against real answers by the tests.

use std::sync::LazyLock;

use axum::Json;
use serde_json::Value;

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    let mut document: Value = serde_saphyr::from_str(include_str!("openapi.yaml")).expect("the description is YAML");
    document["info"]["x-ebm-version"] = env!("CARGO_PKG_VERSION").into();
    document
});

/// The description.
pub fn document() -> &'static Value {
    &DOCUMENT
}

/// `GET /openapi.json`. It holds no secret: whoever writes a client has no token yet.
pub async fn show() -> Json<&'static Value> {
    Json(document())
}
