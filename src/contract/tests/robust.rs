//! Whatever comes is answered.

use proptest::prelude::*;

use super::{
    super::{read, strict_json},
    ONE, document,
};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn random_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = read(&bytes);
        let _ = strict_json(&bytes);
    }

    #[test]
    fn random_notation_is_answered(text in "[\\[\\]{}:,&*!|>'\"#%@`?~$0-9a-c \n\t\\\\-]{0,200}") {
        let _ = read(text.as_bytes());
        let _ = read(document(&text).as_bytes());
        let _ = strict_json(text.as_bytes());
    }

    #[test]
    fn a_spoilt_document_is_answered(at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>()) {
        let mut bytes = document(ONE).into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _ = read(&bytes);
        bytes.truncate(cut.index(bytes.len()));
        let _ = read(&bytes);
    }

    #[test]
    fn strict_json_agrees_with_a_lenient_reader_where_both_read(text in "\\PC{0,40}|[\\[\\]{}:,\"0-9a-c -]{0,40}") {
        if let Ok(value) = strict_json(text.as_bytes()) {
            let lenient: serde_json::Value = serde_json::from_str(text.trim_start_matches('\u{feff}')).unwrap();
            prop_assert_eq!(value, lenient);
        }
    }
}
