//! From a value to a contract: the order of the steps, and what they share.

use serde_json::Value;

use super::{
    Reading, channel, display,
    official::Version,
    payload::Payloads,
    places::Places,
    problems::{Problems, Refused},
    reference::{self, Found},
    service,
};
use crate::domain::contract::Contract;

/// Values looked at while messages and payloads are put together. References can make a small document mean very
/// much; what no person would write ends here.
const MAX_STEPS: usize = 300_000;

/// What the steps of one reading share.
pub struct Reader<'a> {
    /// The document.
    pub root: &'a Value,
    /// Its version.
    pub version: Version,
    /// Where things stood.
    pub places: &'a Places,
    /// What is wrong.
    pub problems: Problems<'a>,
    /// What is to be said.
    pub notes: Vec<String>,
    /// The attributes of payloads that were read, by their place.
    pub payloads: Payloads,
    steps: usize,
}

impl<'a> Reader<'a> {
    /// Counts a step; `false` when there were too many, which is then a problem.
    pub fn step(&mut self) -> bool {
        if let Some(left) = self.steps.checked_sub(1) {
            self.steps = left;
            return true;
        }
        self.problems.add("", "is put together from too many parts: its references repeat too much");
        false
    }

    /// Follows references; `None` where they lead nowhere, which is then a problem.
    pub fn follow(&mut self, found: Found<'a>) -> Option<Found<'a>> {
        if !self.step() {
            return None;
        }
        reference::follow(self.root, found).map_err(|(pointer, message)| self.problems.add(pointer, message)).ok()
    }

    /// Adds a note, once.
    pub fn note(&mut self, note: impl Into<String>) {
        let note = note.into();
        if self.notes.len() < 50 && !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }
}

/// Reads a value.
pub fn read(document: Value, places: &Places) -> Result<Reading, Refused> {
    let (contract, notes) = understand(&document, places)?;
    Ok(Reading { contract, document, notes })
}

fn understand(document: &Value, places: &Places) -> Result<(Contract, Vec<String>), Refused> {
    let version = version(document, places)?;
    let mut problems = Problems::new(places);
    version.document().validate(document, "", &mut problems);
    reference::check(document, &mut problems);
    let mut reader = Reader {
        root: document,
        version,
        places,
        problems,
        notes: Vec::new(),
        payloads: Payloads::default(),
        steps: MAX_STEPS,
    };
    let service = service::read(&mut reader);
    let channels = channel::read(&mut reader);
    let Reader { problems, notes, .. } = reader;
    problems.finish()?;
    // Without a problem there is a service; without a service there was a problem.
    let Some(service) = service else { return Err(Refused::Invalid(Vec::new())) };
    let service::Service { key, title, version, description } = service;
    Ok((Contract { service: key, title, version, description, channels }, notes))
}

/// The version of the document (section "`AsyncAPI` Object", field `asyncapi`).
fn version(document: &Value, places: &Places) -> Result<Version, Refused> {
    let refuse = |pointer: &str, message: &str| {
        let mut problems = Problems::new(places);
        problems.add(pointer, message);
        problems.finish().err().unwrap_or(Refused::Invalid(Vec::new()))
    };
    if !document.is_object() {
        return Err(refuse("", "is not an AsyncAPI document: it must be an object with asyncapi, info and channels"));
    }
    let found = match document.get("asyncapi") {
        Some(Value::String(text)) => text.clone(),
        // Without quotation marks YAML reads a number.
        Some(Value::Number(number)) => number.to_string(),
        Some(_) => return Err(refuse("/asyncapi", "must be the version of AsyncAPI as a text, such as \"2.6.0\"")),
        None if document.get("openapi").is_some() || document.get("swagger").is_some() => {
            return Err(refuse("", "is an OpenAPI document: bring an AsyncAPI document, version 2.0.0 to 2.6.0"));
        }
        None => {
            return Err(refuse(
                "",
                "is not an AsyncAPI document: the member asyncapi with its version, such as \"2.6.0\", is missing",
            ));
        }
    };
    if let Some(version) = Version::of(&found) {
        return Ok(version);
    }
    if found.starts_with("2.") && Version::of(&format!("{found}.0")).is_some() {
        return Err(refuse("/asyncapi", &format!("is {found}, but must be written \"{found}.0\", in quotation marks")));
    }
    Err(Refused::Version { found: display::line(&found, 40) })
}
