//! Where each value of a document stood in its text: for the line of a problem, and for the order of the text, which
//! `serde_json::Value` does not keep.

use std::collections::HashMap;

/// The way from the root to a value, as a hash: a path can be long and a document may have very many.
///
/// Two ways with one hash would only make a line or an order wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Spot(u64);

impl Spot {
    /// The document itself.
    pub const ROOT: Self = Self(0xcbf2_9ce4_8422_2325);

    /// The member of this name, or the element of this number written in digits.
    pub fn child(self, name: &str) -> Self {
        // FNV-1a, with a byte that is never in UTF-8 between the segments.
        let mut hash = self.0;
        for byte in name.bytes().chain([0xff]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        Self(hash)
    }

    /// The element of this number.
    pub fn element(self, index: usize) -> Self {
        self.child(itoa(index, &mut [0; 20]))
    }

    /// The value at a JSON Pointer.
    pub fn at(pointer: &str) -> Self {
        segments(pointer).fold(Self::ROOT, |spot, segment| spot.child(&segment))
    }
}

fn itoa(mut n: usize, buffer: &mut [u8; 20]) -> &str {
    let mut start = buffer.len();
    loop {
        start -= 1;
        buffer[start] = b'0' + u8::try_from(n % 10).unwrap_or(0);
        n /= 10;
        if n == 0 {
            break;
        }
    }
    std::str::from_utf8(&buffer[start..]).unwrap_or("0")
}

/// The segments of a JSON Pointer (RFC 6901), unescaped.
pub fn segments(pointer: &str) -> impl Iterator<Item = String> {
    pointer.split('/').skip(1).map(|segment| segment.replace("~1", "/").replace("~0", "~"))
}

/// A pointer to a member of what `pointer` points to.
pub fn join(pointer: &str, name: &str) -> String {
    format!("{pointer}/{}", super::shape::escaped(name))
}

#[derive(Clone, Copy, Debug)]
struct Place {
    line: u32,
    rank: u32,
}

/// The places of a document; empty where there was no text.
#[derive(Debug, Default)]
pub struct Places {
    spots: HashMap<Spot, Place>,
}

impl Places {
    /// Notes the next value in the order of the text.
    pub fn add(&mut self, spot: Spot, line: u32) {
        let rank = u32::try_from(self.spots.len()).unwrap_or(u32::MAX);
        self.spots.insert(spot, Place { line, rank });
    }

    /// The line of what the pointer points to, or of the nearest thing around it that is in the text.
    pub fn line(&self, pointer: &str) -> Option<u32> {
        let mut pointer = pointer;
        loop {
            if let Some(place) = self.spots.get(&Spot::at(pointer)) {
                return Some(place.line);
            }
            pointer = &pointer[..pointer.rfind('/')?];
        }
    }

    /// The members of an object in the order of the text; by name where there was no text.
    pub fn ordered<'v>(
        &self,
        pointer: &str,
        object: &'v serde_json::Map<String, serde_json::Value>,
    ) -> Vec<(&'v String, &'v serde_json::Value)> {
        let spot = Spot::at(pointer);
        let mut members: Vec<_> = object.iter().collect();
        if !self.spots.is_empty() {
            members
                .sort_by_cached_key(|(name, _)| self.spots.get(&spot.child(name)).map_or(u32::MAX, |place| place.rank));
        }
        members
    }

    /// Scans JSON that has been parsed before; anything else gives places without meaning, but ends.
    pub fn of_json(text: &str) -> Self {
        let mut places = Self::default();
        Scan { bytes: text.as_bytes(), at: 0, line: 1, places: &mut places }.run(text);
        places
    }
}

/// An open array or object on the way through a text.
struct Open {
    spot: Spot,
    /// The number of the next element; `None` in an object.
    next: Option<usize>,
    /// The member whose value comes next.
    member: Option<Spot>,
}

struct Scan<'t> {
    bytes: &'t [u8],
    at: usize,
    line: u32,
    places: &'t mut Places,
}

impl Scan<'_> {
    fn run(&mut self, text: &str) {
        let mut open: Vec<Open> = Vec::new();
        while let Some(&byte) = self.bytes.get(self.at) {
            match byte {
                b'\n' => self.line = self.line.saturating_add(1),
                b' ' | b'\t' | b'\r' | b',' | b':' => {}
                b'}' | b']' => drop(open.pop()),
                b'"' if open.last().is_some_and(|o| o.next.is_none() && o.member.is_none()) => {
                    let start = self.at;
                    self.skip_string();
                    let name =
                        serde_json::from_str::<String>(&text[start..(self.at + 1).min(text.len())]).unwrap_or_default();
                    if let Some(object) = open.last_mut() {
                        let spot = object.spot.child(&name);
                        object.member = Some(spot);
                        self.places.add(spot, self.line);
                    }
                }
                _ => {
                    let spot = self.value_spot(&mut open);
                    match byte {
                        b'{' => open.push(Open { spot, next: None, member: None }),
                        b'[' => open.push(Open { spot, next: Some(0), member: None }),
                        b'"' => self.skip_string(),
                        _ => self.skip_word(),
                    }
                }
            }
            self.at += 1;
        }
    }

    /// Where the value that begins here belongs; a member was noted at its name.
    fn value_spot(&mut self, open: &mut [Open]) -> Spot {
        let spot = match open.last_mut() {
            None => Spot::ROOT,
            Some(Open { member, next: None, .. }) => return member.take().unwrap_or(Spot::ROOT),
            Some(Open { spot, next: Some(next), .. }) => {
                let element = spot.element(*next);
                *next += 1;
                element
            }
        };
        self.places.add(spot, self.line);
        spot
    }

    /// Moves to the closing quotation mark. JSON has no line ends inside a string.
    fn skip_string(&mut self) {
        self.at += 1;
        while let Some(&byte) = self.bytes.get(self.at) {
            match byte {
                b'"' => return,
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
    }

    /// Moves to the last byte of a number or a literal.
    fn skip_word(&mut self) {
        while self.bytes.get(self.at + 1).is_some_and(|b| !b" \t\r\n,:]}".contains(b)) {
            self.at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_leads_to_the_line_of_its_member() {
        let places = Places::of_json("{\n \"b\": [1,\n  {\"x/y\": \"}\\\"\"}],\n \"a\": 2\n}");
        for (pointer, line) in
            [("", 1), ("/b", 2), ("/b/0", 2), ("/b/1", 3), ("/b/1/x~1y", 3), ("/a", 4), ("/a/none", 4)]
        {
            assert_eq!(places.line(pointer), Some(line), "{pointer}");
        }
        let object = serde_json::json!({"a": 2, "b": []});
        let names: Vec<_> =
            places.ordered("", object.as_object().unwrap()).into_iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["b", "a"]);
    }
}
