//! Documents people bring: `AsyncAPI` 2.0–2.6 as YAML or JSON, read into a [`Contract`] or refused with every
//! reason, and the way back.
//!
//! Owns what is accepted (size, depth, number of nodes, references) and what a document means. Everything here is
//! pure: no file is opened, no address is called and no pattern of a document is compiled or run, whatever a
//! document says. Refuses to know who brought it and what is done with it.
//!
//! | module | owns |
//! |---|---|
//! | [`json`] | JSON as the API takes it, stricter than most readers |
//! | `text`, `yaml`, `places` | from bytes to a value, and where each value stood |
//! | `official`, `explain` | whether it is what the official schema says, and if not, why |
//! | `reference` | `$ref` inside the document |
//! | `service`, `channel`, `message`, `payload`, `topic` | what it means |
//! | [`shape`] | a value read as what is expected, strictly |
//! | [`convert`] | a document made from a contract |

mod channel;
pub mod convert;
mod display;
mod explain;
pub mod json;
mod message;
mod official;
mod payload;
mod places;
mod problems;
mod reader;
mod reference;
mod service;
pub mod shape;
mod text;
mod topic;
mod yaml;

#[cfg(test)]
mod tests;

pub use json::{JsonKind, JsonProblem, strict_json};
pub use problems::Refused;

use crate::domain::contract::Contract;
pub use places::Places;

/// The largest document that is read, in bytes: 1 MiB.
pub const MAX_BYTES: usize = 1_048_576;

/// Bytes of stack for reading one document. Memory is taken only as it is used.
const STACK: usize = 16 * 1_048_576;

/// A document that was understood.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// What it says about one service.
    pub contract: Contract,
    /// The document as a value; the bytes are the caller's to keep.
    pub document: serde_json::Value,
    /// Sentences for the page: how the document was understood, and what in it is not used.
    pub notes: Vec<String>,
}

/// Reads a document brought as text: YAML 1.2, or JSON, in UTF-8, at most [`MAX_BYTES`].
///
/// Every problem is listed (at most 50) with its JSON Pointer and, where it is known, its line. A large document takes
/// some hundred milliseconds of one processor: call it where blocking is allowed.
pub fn read(bytes: &[u8]) -> Result<Reading, Refused> {
    if bytes.len() > MAX_BYTES {
        return Err(Refused::TooLarge { limit: MAX_BYTES });
    }
    on_its_own_stack(|| read_here(bytes))
}

/// Reads any document as a value, under the same bounds; with the lines of what stands in it.
pub fn value(bytes: &[u8]) -> Result<(serde_json::Value, Places), Refused> {
    if bytes.len() > MAX_BYTES {
        return Err(Refused::TooLarge { limit: MAX_BYTES });
    }
    on_its_own_stack(|| text::parse(bytes).map_err(|problem| Refused::Invalid(vec![problem])))
}

fn read_here(bytes: &[u8]) -> Result<Reading, Refused> {
    let (document, places) = text::parse(bytes).map_err(|problem| Refused::Invalid(vec![problem]))?;
    reader::read(document, &places)
}

/// Reads a document brought as a JSON value inside another document, for example in a deployment.
///
/// The same rules as [`read`], without lines. A value has no order of its own here: channels come sorted by address.
pub fn read_value(document: serde_json::Value) -> Result<Reading, Refused> {
    on_its_own_stack(|| {
        text::check(&document)?;
        reader::read(document, &Places::default())
    })
}

/// Runs on a thread with room for the deepest document: parsers and validators call themselves level by level, and
/// the caller's stack may be small and partly used.
fn on_its_own_stack<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("contract".into()).stack_size(STACK).spawn_scoped(scope, work);
        match thread.expect("the system has room for one more thread").join() {
            Ok(done) => done,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}
