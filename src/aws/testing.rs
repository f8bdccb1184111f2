//! Names for tests.

use uuid::Uuid;

use crate::domain::{bridge::role_name, ids::BridgeId, queue_url::QueueUrl};

/// A bridge.
pub(super) fn bridge() -> BridgeId {
    Uuid::from_u128(0x0199_c0de_0000_7000_8000_0000_0000_0001).into()
}

/// The bridge's role in a partition, in account 111122223333.
pub(super) fn role(partition: &str) -> String {
    format!("arn:{partition}:iam::111122223333:role/event-broker/{}", role_name(bridge()))
}

/// A queue of account 123456789012 in a region.
pub(super) fn queue(region: &str) -> QueueUrl {
    let suffix = match region.split('-').next() {
        Some("cn") => "amazonaws.com.cn",
        Some("eusc") => "amazonaws.eu",
        _ => "amazonaws.com",
    };
    format!("https://sqs.{region}.{suffix}/123456789012/orders").parse().unwrap_or_else(|e| panic!("{region} {e}"))
}
