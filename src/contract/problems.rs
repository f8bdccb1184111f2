//! What is wrong with a document, collected and said.

use std::fmt;

use super::places::Places;
use crate::domain::contract::Problem;

/// Problems that are listed; more would not be read.
pub const MAX_PROBLEMS: usize = 50;

/// Why a document was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// More bytes than are read.
    TooLarge {
        /// The most bytes there may be.
        limit: usize,
    },
    /// A version of `AsyncAPI` other than 2.0–2.6.
    Version {
        /// The version as the document gives it, made fit for display.
        found: String,
    },
    /// Something in it is wrong; at least one problem.
    Invalid(Vec<Problem>),
    /// Everything is right but that two different messages are one event by name; at least one problem.
    Duplicate(Vec<Problem>),
}

impl Refused {
    /// Every problem; a single one about the whole for the kinds that have no list.
    pub fn problems(&self) -> Vec<Problem> {
        match self {
            Self::TooLarge { limit } => vec![Problem {
                pointer: String::new(),
                line: None,
                message: format!("is larger than {limit} bytes: split it into several services"),
            }],
            Self::Version { found } => vec![Problem {
                pointer: "/asyncapi".into(),
                line: None,
                message: format!(
                    "is AsyncAPI {found}, which is not supported: bring the document as AsyncAPI 2.0.0 to 2.6.0"
                ),
            }],
            Self::Invalid(problems) | Self::Duplicate(problems) => problems.clone(),
        }
    }
}

impl fmt::Display for Refused {
    /// One line a problem: place, line, sentence.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems().iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            let place = if problem.pointer.is_empty() { "the document" } else { &problem.pointer };
            match problem.line {
                Some(line) => write!(f, "{place} (line {line}): {}", problem.message)?,
                None => write!(f, "{place}: {}", problem.message)?,
            }
        }
        Ok(())
    }
}

impl std::error::Error for Refused {}

/// The problems found so far, each once.
pub struct Problems<'p> {
    places: &'p Places,
    list: Vec<Problem>,
    more: usize,
    /// Whether any of them is not about an event's name.
    invalid: bool,
}

impl<'p> Problems<'p> {
    /// None yet.
    pub fn new(places: &'p Places) -> Self {
        Self { places, list: Vec::new(), more: 0, invalid: false }
    }

    /// Adds one.
    pub fn add(&mut self, pointer: impl Into<String>, message: impl Into<String>) {
        self.invalid = true;
        self.push(pointer.into(), message.into());
    }

    /// Adds one that is about two messages of one name.
    pub fn add_duplicate(&mut self, pointer: impl Into<String>, message: impl Into<String>) {
        self.push(pointer.into(), message.into());
    }

    fn push(&mut self, pointer: String, message: String) {
        if self.list.iter().any(|known| known.pointer == pointer && known.message == message) {
            return;
        }
        if self.list.len() == MAX_PROBLEMS {
            self.more += 1;
            return;
        }
        let line = self.places.line(&pointer);
        self.list.push(Problem { pointer, line, message });
    }

    /// Whether there is one.
    pub fn any(&self) -> bool {
        !self.list.is_empty()
    }

    /// Whether no more are listed.
    pub fn full(&self) -> bool {
        self.more > 0
    }

    /// The refusal, in the order of the text; `Ok` where nothing was found.
    pub fn finish(mut self) -> Result<(), Refused> {
        if self.list.is_empty() {
            return Ok(());
        }
        self.list.sort_by_key(|problem| problem.line);
        if self.more > 0
            && let Some(last) = self.list.last_mut()
        {
            *last = Problem {
                pointer: String::new(),
                line: None,
                message: "has more problems than are listed here".into(),
            };
        }
        Err(if self.invalid { Refused::Invalid(self.list) } else { Refused::Duplicate(self.list) })
    }
}
