//! The checksums that SQS answers with, computed by us: the SDK does not compare them.

use md5::{Digest, Md5};

/// The MD5 of a body, in hex.
pub(super) fn body(text: &str) -> String {
    hex(&Md5::digest(text.as_bytes()))
}

/// A message attribute as the checksum sees it.
pub(super) struct Part<'a> {
    /// Name.
    pub name: &'a str,
    /// `String`, `Number`, `Binary`, each with a label after a dot where there is one.
    pub data_type: &'a str,
    /// The value.
    pub value: Value<'a>,
}

/// The value of an attribute on the wire.
pub(super) enum Value<'a> {
    /// Transport type 1: `String` and `Number`.
    Text(&'a str),
    /// Transport type 2.
    Binary(&'a [u8]),
}

/// The MD5 of message attributes, in hex; `None` where there are none, as SQS then answers none (Amazon SQS Developer
/// Guide, "Calculating the MD5 message digest for message attributes").
pub(super) fn attributes(mut parts: Vec<Part<'_>>) -> Option<String> {
    if parts.is_empty() {
        return None;
    }
    parts.sort_by_key(|part| part.name);
    let mut hash = Md5::new();
    let lengthed = |hash: &mut Md5, bytes: &[u8]| {
        // SQS messages end at 1 MiB, far below 4 GiB.
        hash.update(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
        hash.update(bytes);
    };
    for Part { name, data_type, value } in parts {
        lengthed(&mut hash, name.as_bytes());
        lengthed(&mut hash, data_type.as_bytes());
        match value {
            Value::Text(text) => {
                hash.update([1]);
                lengthed(&mut hash, text.as_bytes());
            }
            Value::Binary(bytes) => {
                hash.update([2]);
                lengthed(&mut hash, bytes);
            }
        }
    }
    Some(hex(&hash.finalize()))
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|b| [DIGITS[usize::from(b >> 4)], DIGITS[usize::from(b & 15)]]).map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_has_the_md5_of_its_bytes() {
        assert_eq!(body("hello world"), "5eb63bbbe01eeed093cb22bb8f5acdc3");
    }

    /// The expected value was computed from the published algorithm by other means; the same is compared with a real
    /// server's answer in the integration tests.
    #[test]
    fn attributes_are_sorted_by_name_and_framed_by_length() {
        let parts = || {
            vec![
                Part { name: "b", data_type: "Binary", value: Value::Binary(&[0, 255]) },
                Part { name: "a", data_type: "String", value: Value::Text("é") },
            ]
        };
        let framed =
            b"\0\0\0\x01a\0\0\0\x06String\x01\0\0\0\x02\xc3\xa9\0\0\0\x01b\0\0\0\x06Binary\x02\0\0\0\x02\0\xff";
        assert_eq!(attributes(parts()), Some(hex(&Md5::digest(framed))));
        assert_eq!(attributes(Vec::new()), None);
    }
}
