//! What a FIFO queue wants to know of an event: its group, and its deduplication id.
//!
//! Rules from the *Amazon SQS API Reference*, `SendMessageBatchRequestEntry`: at most 128 characters, letters, digits
//! and punctuation of ASCII.

use std::fmt::Write as _;

use aws_lc_rs::digest::{Context, SHA256};

const MAX: usize = 128;

/// The group: the record's key, hashed where SQS would not take it; without a key the partition, so that order
/// is kept there as well.
pub fn group(key: Option<&[u8]>, partition: i32) -> String {
    let key = key.unwrap_or_default();
    if key.is_empty() {
        return format!("p{partition}");
    }
    match str::from_utf8(key) {
        Ok(text) if text.len() <= MAX && text.bytes().all(|b| b.is_ascii_graphic()) => text.to_owned(),
        _ => hash([key]),
    }
}

/// The deduplication id: the same whenever the same record is sent again, and another one for every other record.
///
/// `cluster` names the Kafka cluster. The time stamp tells a record from the one at the same offset of a topic that
/// was deleted and made again under its name.
pub fn deduplication(cluster: &str, topic: &str, partition: i32, offset: i64, timestamp: i64) -> String {
    let numbers = [i64::from(partition).to_be_bytes(), offset.to_be_bytes(), timestamp.to_be_bytes()];
    hash([cluster.as_bytes(), b"\0", topic.as_bytes(), b"\0", &numbers.concat()])
}

fn hash<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut context = Context::new(&SHA256);
    parts.into_iter().for_each(|part| context.update(part));
    context.finish().as_ref().iter().fold(String::with_capacity(64), |mut out, byte| {
        write!(out, "{byte:02x}").expect("a String takes any text");
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_the_key_where_sqs_takes_it() {
        assert_eq!(group(Some(b"order-7"), 3), "order-7");
        assert_eq!(group(None, 3), "p3", "B05");
        assert_eq!(group(Some(b""), 3), "p3");
        for hashed in [&"é".repeat(3).into_bytes()[..], b"a b", b"\xff", &[b'k'; 129]] {
            let group = group(Some(hashed), 3);
            assert!(group.len() == 64 && group.bytes().all(|b| b.is_ascii_hexdigit()), "B07: {group}");
        }
        assert_eq!(group(Some(&[b'k'; 128]), 3).len(), 128);
    }

    #[test]
    fn a_deduplication_id_names_one_record() {
        let id = deduplication("c", "t", 1, 2, 3);
        assert_eq!(id, deduplication("c", "t", 1, 2, 3));
        for other in
            [("d", "t", 1, 2, 3), ("c", "u", 1, 2, 3), ("c", "t", 2, 2, 3), ("c", "t", 1, 3, 3), ("c", "t", 1, 2, 4)]
        {
            assert_ne!(id, deduplication(other.0, other.1, other.2, other.3, other.4));
        }
    }
}
