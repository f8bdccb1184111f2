//! The checksums that SQS answers with (Amazon SQS Developer Guide, "Calculating the MD5 message digest for message
//! attributes").

use md5::{Digest, Md5};

/// The MD5 of a body, in hex.
pub fn of_body(body: &str) -> String {
    hex(&Md5::digest(body.as_bytes()))
}

/// The MD5 of attributes that are texts, in hex; they must come sorted by name. `None` where there are none.
pub fn of_attributes<'a>(attributes: impl Iterator<Item = (&'a str, &'a str)>) -> Option<String> {
    let (mut sum, mut any) = (Md5::new(), false);
    for (name, value) in attributes {
        any = true;
        for (mark, part) in [(None, name), (None, "String"), (Some([1_u8]), value)] {
            if let Some(mark) = mark {
                sum.update(mark);
            }
            // A message ends at 1 MiB.
            sum.update(u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
            sum.update(part.as_bytes());
        }
    }
    any.then(|| hex(&sum.finalize()))
}

fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| char::from(b"0123456789abcdef"[usize::from(digit)])).collect()
}
