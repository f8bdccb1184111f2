//! Dead letters as the worker keeps them.

use ebm::{
    domain::{
        dead_letter::{Kept, KeptMessage},
        ids::BridgeId,
    },
    secrets::Vault,
    store::lanes::dead_letter_row,
};
use sqlx::PgPool;

use super::KEY;

/// A message that is no event, since it has no id.
pub fn without_id() -> Kept {
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    Kept::Message(KeptMessage {
        queue: "q".into(),
        message_id: "m".into(),
        group: Some("g".into()),
        attributes: vec![
            pair("ce_type", "OrderPlaced"),
            pair("ce_source", "/shop"),
            pair("ce_specversion", "1.0"),
            pair("note", "two\nlines"),
        ],
        binary: Vec::new(),
        body: "{\r\n}".into(),
    })
}

/// Keeps one, sealed with the key of the tests' managers. Gives its number.
pub async fn insert(pool: &PgPool, bridge: BridgeId, source: &str, kept: &Kept) -> i64 {
    let vault = Vault::new(&KEY.to_owned().into()).unwrap();
    let sealed = vault.seal("dead_letter", &dead_letter_row(bridge, source), &serde_json::to_vec(kept).unwrap());
    sqlx::query_scalar(
        "insert into dead_letter (bridge_id, reason, detail, source, event)
         values ($1, 'not-ce', 'is not a CloudEvent: id is missing or empty', $2, $3) returning id",
    )
    .bind(bridge.0)
    .bind(source)
    .bind(sealed)
    .fetch_one(pool)
    .await
    .unwrap()
}
