//! Events of all kinds that a bridge must carry.

use std::{collections::BTreeMap, env, fmt::Write};

use super::event::Event;

/// How many keys there are.
pub const KEYS: u64 = 1_000;
/// The most bytes of data.
pub const MOST: u64 = 64 * 1024;
/// Characters of one to four bytes.
const WORDS: &str = "Grüße aus 東京\t🚚 ";

/// Events without end, decided by a seed. Their ids are numbers from 0, their source is of the seed.
pub struct Generator {
    dice: Dice,
    kind: String,
    source: String,
    next: u64,
}

impl Generator {
    /// Events of a type, by the seed in `EBM_SEED`, or by any; it is printed.
    pub fn new(kind: &str) -> Self {
        let any = || u64::from_be_bytes(ebm::secrets::random());
        let seed = env::var("EBM_SEED").map_or_else(|_| any(), |seed| seed.parse().expect("EBM_SEED is a number"));
        println!("the events are those of EBM_SEED={seed}");
        Self::with_seed(kind, seed)
    }

    /// Events of a type, by this seed.
    pub fn with_seed(kind: &str, seed: u64) -> Self {
        Self { dice: Dice(seed), kind: kind.to_owned(), source: format!("/seed/{seed}"), next: 0 }
    }

    /// Four attributes, ten or twelve; of those that may be left out, an empty one now and then.
    fn attributes(&mut self, key: &str, content_type: &str) -> BTreeMap<String, String> {
        let mut all = vec![
            ("specversion", "1.0".to_owned()),
            ("id", self.next.to_string()),
            ("source", self.source.clone()),
            ("type", self.kind.clone()),
        ];
        let count = [4, 4, 10, 12][self.dice.place(4)];
        if count > 4 {
            let subject = ["", "orders/17", "Bestellung/Straße/東京/🚚"][self.dice.place(3)];
            all.extend([
                ("datacontenttype", content_type.to_owned()),
                ("subject", subject.to_owned()),
                ("time", format!("2026-02-28T23:59:59.{:03}+01:00", self.next % 1_000)),
                ("dataschema", "https://example.com/schema?version=1.00&a=b#order".to_owned()),
                ("tenant", format!("Größe \"{}\" \\ <&>", self.dice.below(100))),
                (["x", "traceid2", "averylongnameofanextension01"][self.dice.place(3)], "-0.50".to_owned()),
            ]);
        }
        if count > 10 {
            all.extend([("partitionkey", key.to_owned()), ("note", " \t outer blanks ".to_owned())]);
        }
        all.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// Data and of what content type. What is longer than some bytes is different each time.
    fn data(&mut self) -> (Option<Vec<u8>>, &'static str) {
        let size = self.size();
        match self.dice.below(40) {
            0 => (None, ""),
            1 => (Some(Vec::new()), "application/json"),
            2..6 => (Some(self.dice.bytes(size)), "application/octet-stream"),
            6..12 => (Some(self.text(size)), "text/plain; charset=utf-8"),
            _ => (Some(self.json(size)), "application/json"),
        }
    }

    /// About 1 KiB; now and then a few bytes, or any number up to [`MOST`].
    fn size(&mut self) -> usize {
        match self.dice.below(50) {
            0 => self.dice.place(MOST + 1),
            1 => self.dice.place(16),
            _ => 512 + self.dice.place(1_024),
        }
    }

    fn text(&self, size: usize) -> Vec<u8> {
        let mut text = format!("{} ", self.next);
        text.extend(WORDS.chars().cycle().take(size));
        text.truncate(text.floor_char_boundary(size));
        text.into_bytes()
    }

    /// A value whose numbers and texts no program would write again as they are.
    fn json(&mut self, size: usize) -> Vec<u8> {
        let mut text = format!(
            r#"{{"number":{}.00,"rate":1E-7,"large":9007199254740993.10,"name":"Gr\u00fc\u00dfe 東京","more":""#,
            self.next
        );
        let end = "\"}";
        let Some(size) = size.checked_sub(end.len()).filter(|size| *size >= text.len()) else {
            return format!("{}.00", self.next).into_bytes();
        };
        while text.len() < size {
            write!(text, "{:016x}", self.dice.next()).unwrap();
        }
        text.truncate(size);
        text.push_str(end);
        text.into_bytes()
    }
}

impl Iterator for Generator {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        let key = format!("k{}", self.dice.below(KEYS));
        let (data, content_type) = self.data();
        let attributes = self.attributes(&key, content_type);
        self.next += 1;
        Some(Event { key: Some(key.into_bytes()), attributes, data })
    }
}

/// `SplitMix64` (Steele, Lea and Flood, *Fast Splittable Pseudorandom Number Generators*, 2014).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, most: u64) -> u64 {
        self.next() % most
    }

    fn place(&mut self, most: u64) -> usize {
        usize::try_from(self.below(most)).unwrap()
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes: Vec<_> = (0..count.div_ceil(8)).flat_map(|_| self.next().to_be_bytes()).collect();
        bytes.truncate(count);
        bytes
    }
}
