//! How values lie in a frame: the flexible encoding of KIP-482, and the older one where it is still in use.
//!
//! A reader never trusts a count: it is compared with the bytes that are left before anything is allocated,
//! and bytes that are left over after a message are an error, because they mean that the two sides
//! do not agree on its layout.

use secrecy::zeroize::Zeroize;
use uuid::Uuid;

/// Why bytes are not the message they should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Malformed(pub(crate) &'static str);

/// A cursor over one frame.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn left(&self) -> usize {
        self.rest.len()
    }

    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(Malformed("the frame ends inside a value"))?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or(Malformed("the frame ends inside a value"))?;
        self.rest = rest;
        Ok(*taken)
    }

    /// An unsigned varint of at most 32 bits.
    pub(crate) fn varint(&mut self) -> Result<u32, Malformed> {
        let mut value = 0_u32;
        for shift in [0, 7, 14, 21, 28] {
            let [byte] = self.array()?;
            let bits = u32::from(byte & 0x7f);
            if shift == 28 && bits > 0x0f {
                break;
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Malformed("a varint is longer than 32 bits"))
    }

    /// The count of a compact string or array: 0 stands for null, n + 1 for n.
    fn compact_count(&mut self, min_bytes: usize) -> Result<Option<usize>, Malformed> {
        let Some(count) = self.varint()?.checked_sub(1) else {
            return Ok(None);
        };
        self.fits(i64::from(count), min_bytes).map(Some)
    }

    /// A count is believed only when so many items of `min_bytes` each can still be there.
    fn fits(&self, count: i64, min_bytes: usize) -> Result<usize, Malformed> {
        usize::try_from(count)
            .ok()
            .filter(|count| count.checked_mul(min_bytes).is_some_and(|bytes| bytes <= self.left()))
            .ok_or(Malformed("a count is larger than the frame"))
    }

    /// Passes over the tagged fields at the end of a struct; this client needs hardly any of them.
    pub(crate) fn skip_tags(&mut self) -> Result<(), Malformed> {
        for _ in 0..self.varint()? {
            self.varint()?;
            let size = self.varint()?;
            self.take(size as usize)?;
        }
        Ok(())
    }

    /// Ends the reading.
    pub(crate) fn finish(self) -> Result<(), Malformed> {
        if self.rest.is_empty() { Ok(()) } else { Err(Malformed("bytes are left over after the message")) }
    }
}

/// Writes an unsigned varint.
pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u32) {
    while value > 0x7f {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push((value & 0x7f) as u8);
}

fn put_count(out: &mut Vec<u8>, count: usize) {
    // Every list is made of batches of this client, some thousands at most.
    put_varint(out, u32::try_from(count + 1).expect("a list of this client is shorter than 4 G"));
}

/// A value with a place in a message.
pub(crate) trait Wire: Sized {
    /// The fewest bytes a value takes; bounds what a count may promise.
    const MIN_BYTES: usize;
    fn write(&self, out: &mut Vec<u8>);
    fn read(from: &mut Reader<'_>) -> Result<Self, Malformed>;
}

macro_rules! wire_numbers {
    ($($ty:ty),*) => {$(
        impl Wire for $ty {
            const MIN_BYTES: usize = size_of::<$ty>();
            fn write(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_be_bytes());
            }
            fn read(from: &mut Reader<'_>) -> Result<Self, Malformed> {
                from.array().map(<$ty>::from_be_bytes)
            }
        }
    )*};
}

wire_numbers!(u8, i8, i16, i32, i64, f64);

impl Wire for bool {
    const MIN_BYTES: usize = 1;
    fn write(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }
    fn read(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        u8::read(from).map(|byte| byte != 0)
    }
}

impl Wire for Uuid {
    const MIN_BYTES: usize = 16;
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.as_bytes());
    }
    fn read(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        from.array().map(Uuid::from_bytes)
    }
}

fn text(bytes: &[u8]) -> Result<String, Malformed> {
    str::from_utf8(bytes).map(str::to_owned).map_err(|_| Malformed("a string is not UTF-8"))
}

impl Wire for Option<String> {
    const MIN_BYTES: usize = 1;
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Some(string) => string.write(out),
            None => put_varint(out, 0),
        }
    }
    fn read(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        let Some(length) = from.compact_count(1)? else {
            return Ok(None);
        };
        text(from.take(length)?).map(Some)
    }
}

impl Wire for String {
    const MIN_BYTES: usize = 1;
    fn write(&self, out: &mut Vec<u8>) {
        put_count(out, self.len());
        out.extend_from_slice(self.as_bytes());
    }
    fn read(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        Option::<String>::read(from)?.ok_or(Malformed("a string is null where it may not be"))
    }
}

impl<T: Wire> Wire for Option<Vec<T>> {
    const MIN_BYTES: usize = 1;
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Some(items) => items.write(out),
            None => put_varint(out, 0),
        }
    }
    fn read(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        let Some(count) = from.compact_count(T::MIN_BYTES)? else {
            return Ok(None);
        };
        let mut items = Vec::with_capacity(count);
        for _ in 0..count {
            items.push(T::read(from)?);
        }
        Ok(Some(items))
    }
}

/// A list; as `Vec<u8>` it is what the guide calls `COMPACT_BYTES`, which has the same layout.
impl<T: Wire> Wire for Vec<T> {
    const MIN_BYTES: usize = 1;
    fn write(&self, out: &mut Vec<u8>) {
        put_count(out, self.len());
        for item in self {
            item.write(out);
        }
    }
    fn read(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        Option::<Vec<T>>::read(from)?.ok_or(Malformed("a list is null where it may not be"))
    }
}

/// Bytes that may be a secret: not shown, wiped when dropped.
#[derive(Clone, Default, PartialEq)]
pub(crate) struct Hidden(pub(crate) Vec<u8>);

impl std::fmt::Debug for Hidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[hidden]")
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl Wire for Hidden {
    const MIN_BYTES: usize = 1;
    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
    }
    fn read(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        Wire::read(from).map(Self)
    }
}

/// A string with a two-byte length, as it was before KIP-482.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct OldString(pub(crate) String);

impl Wire for OldString {
    const MIN_BYTES: usize = 2;
    fn write(&self, out: &mut Vec<u8>) {
        let length = i16::try_from(self.0.len()).expect("names of this client are shorter than 32 KiB");
        length.write(out);
        out.extend_from_slice(self.0.as_bytes());
    }
    fn read(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        let length = i16::read(from)?;
        let length = from.fits(length.into(), 1)?;
        text(from.take(length)?).map(Self)
    }
}

/// A list with a four-byte count, as it was before KIP-482.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct OldList<T>(pub(crate) Vec<T>);

impl<T: Wire> Wire for OldList<T> {
    const MIN_BYTES: usize = 4;
    fn write(&self, out: &mut Vec<u8>) {
        let count = i32::try_from(self.0.len()).expect("lists of this client are short");
        count.write(out);
        for item in &self.0 {
            item.write(out);
        }
    }
    fn read(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        let count = i32::read(from)?;
        let count = from.fits(count.into(), T::MIN_BYTES)?;
        let mut items = Vec::with_capacity(count);
        for _ in 0..count {
            items.push(T::read(from)?);
        }
        Ok(Self(items))
    }
}

/// Structs of flexible messages: the fields in order, then the tagged fields (none are sent, all are skipped).
macro_rules! wire_structs {
    ($( $(#[$meta:meta])* $name:ident { $($field:ident: $ty:ty),* $(,)? } )*) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, Default, PartialEq)]
        #[allow(clippy::struct_field_names, reason = "the names are Kafka's")]
        pub(crate) struct $name { $(pub(crate) $field: $ty),* }

        impl Wire for $name {
            const MIN_BYTES: usize = 1 $(+ <$ty as Wire>::MIN_BYTES)*;
            fn write(&self, out: &mut Vec<u8>) {
                $(self.$field.write(out);)*
                put_varint(out, 0);
            }
            fn read(from: &mut Reader<'_>) -> Result<Self, Malformed> {
                $(let $field = Wire::read(from)?;)*
                from.skip_tags()?;
                Ok(Self { $($field),* })
            }
        }
    )*};
}
pub(crate) use wire_structs;

#[cfg(test)]
mod tests;
