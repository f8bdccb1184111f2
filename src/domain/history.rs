//! What was done: the words of a history row.

use serde_json::Value;
use uuid::Uuid;

/// The kinds of objects that acts are on, in the order of the navigation.
pub const OBJECT_KINDS: &[&str] =
    &["app", "environment", "space", "channel", "event", "service", "bridge", "member", "token", "cluster"];

/// An act on one object.
#[derive(Clone, Debug, PartialEq)]
pub struct Act {
    /// What was done, as `<noun>.<participle>`: `environment.enabled`.
    pub name: &'static str,
    /// The kind of object: one of [`OBJECT_KINDS`].
    pub object_kind: &'static str,
    /// The object's id.
    pub object_id: Uuid,
    /// The object's name for people, as it is now.
    pub object_name: String,
    /// The object before, without secrets; `None` when it was made.
    pub before: Option<Value>,
    /// The object after, without secrets; `None` when it was taken away.
    pub after: Option<Value>,
}
