use proptest::prelude::*;

use super::*;

fn written<T: Wire>(value: &T) -> Vec<u8> {
    let mut out = Vec::new();
    value.write(&mut out);
    out
}

fn read<T: Wire>(bytes: &[u8]) -> Result<T, Malformed> {
    let mut from = Reader::new(bytes);
    let value = T::read(&mut from)?;
    from.finish()?;
    Ok(value)
}

#[test]
fn varints_are_those_of_the_guide() {
    for (value, bytes) in [
        (0, &[0_u8][..]),
        (127, &[0x7f]),
        (128, &[0x80, 0x01]),
        (300, &[0xac, 0x02]),
        (u32::MAX, &[0xff, 0xff, 0xff, 0xff, 0x0f]),
    ] {
        let mut out = Vec::new();
        put_varint(&mut out, value);
        assert_eq!(out, bytes);
        assert_eq!(Reader::new(bytes).varint(), Ok(value));
    }
}

#[test]
fn a_varint_that_is_too_long_or_cut_is_refused() {
    for bytes in [&[0xff_u8, 0xff, 0xff, 0xff, 0x10][..], &[0x80, 0x80, 0x80, 0x80, 0x80, 0x00], &[0x80], &[]] {
        assert!(Reader::new(bytes).varint().is_err(), "{bytes:?}");
    }
}

#[test]
fn a_count_without_the_items_is_refused_before_anything_is_allocated() {
    // Four billion of anything, in five bytes.
    let bomb = [0xff, 0xff, 0xff, 0xff, 0x0f, 1, 2, 3];
    assert!(read::<Vec<i8>>(&bomb).is_err());
    assert!(read::<Vec<String>>(&bomb).is_err());
    assert!(read::<Option<Vec<Vec<u8>>>>(&bomb).is_err());
    assert!(read::<String>(&bomb).is_err());
    // Three items of eight bytes need more than the three bytes that are left.
    assert!(read::<Vec<i64>>(&[4, 1, 2, 3]).is_err());
    for count in [i32::MAX, -1, i32::MIN, 4] {
        let mut bytes = count.to_be_bytes().to_vec();
        bytes.extend([0; 3]);
        assert!(read::<OldList<i8>>(&bytes).is_err(), "{count}");
    }
    assert!(read::<OldString>(&[0x7f, 0xff, b'a']).is_err());
    assert!(read::<OldString>(&[0xff, 0xff]).is_err());
}

#[test]
fn null_is_refused_where_it_may_not_be() {
    assert!(read::<String>(&[0]).is_err());
    assert!(read::<Vec<i8>>(&[0]).is_err());
    assert_eq!(read::<Option<String>>(&[0]), Ok(None));
    assert_eq!(read::<Option<Vec<i8>>>(&[0]), Ok(None));
}

#[test]
fn a_string_that_is_not_utf8_is_refused() {
    assert!(read::<String>(&[3, 0xc3, 0x28]).is_err());
}

#[test]
fn tags_are_passed_over_and_bytes_left_over_are_refused() {
    wire_structs! { One { number: i8 } }
    assert_eq!(read(&[7, 2, 0, 2, 9, 9, 5, 0]), Ok(One { number: 7 }));
    assert!(read::<One>(&[7, 0, 0]).is_err());
    // A tag that claims more than there is, and more tags than there are.
    assert!(read::<One>(&[7, 1, 0, 9, 1]).is_err());
    assert!(read::<One>(&[7, 0xff, 0xff, 0xff, 0xff, 0x0f]).is_err());
}

#[test]
fn a_secret_is_not_shown() {
    assert_eq!(format!("{:?}", Hidden(b"pencil".to_vec())), "[hidden]");
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        number in any::<i64>(), small in any::<i16>(), flag in any::<bool>(), text in prop::option::of(".{0,9}"),
        list in prop::collection::vec(".{0,9}", 0..4), bytes in prop::collection::vec(any::<u8>(), 0..200), id in any::<u128>(),
    ) {
        wire_structs! {
            All { number: i64, small: i16, flag: bool, text: Option<String>, list: Vec<String>, bytes: Vec<u8>, id: Uuid }
        }
        let all = All { number, small, flag, text, list, bytes, id: Uuid::from_u128(id) };
        let bytes = written(&all);
        prop_assert!(bytes.len() >= All::MIN_BYTES);
        prop_assert_eq!(read(&bytes), Ok(all));
        // Cut anywhere, it is refused.
        for end in 0..bytes.len() {
            prop_assert!(read::<All>(&bytes[..end]).is_err());
        }
    }

    #[test]
    fn the_older_forms_are_read_as_written(list in prop::collection::vec(".{0,9}", 0..9)) {
        let list = OldList(list.into_iter().map(OldString).collect());
        prop_assert_eq!(read(&written(&list)), Ok(list));
    }
}
