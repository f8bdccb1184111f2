//! What an admin may decide about something that was found in Kafka.

use serde::{Deserialize, Serialize};

/// An answer to a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// Carry out the plan that was stopped, exactly as it is.
    Apply,
    /// Make the deleted topic anew, empty.
    Recreate,
    /// Take the topic that is there for ours.
    Adopt,
    /// Take the foreign rule away.
    Remove,
    /// Leave it, and say why.
    Accept,
}

impl Answer {
    /// All of them.
    pub const ALL: &[Self] = &[Self::Apply, Self::Recreate, Self::Adopt, Self::Remove, Self::Accept];

    /// The word that is stored and sent.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Apply => "apply",
            Self::Recreate => "recreate",
            Self::Adopt => "adopt",
            Self::Remove => "remove",
            Self::Accept => "accept",
        }
    }

    /// The answer of this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|answer| answer.as_str() == word)
    }

    /// What is on the button.
    pub fn label(self) -> &'static str {
        match self {
            Self::Apply => "Apply this plan",
            Self::Recreate => "Make the topic anew",
            Self::Adopt => "Take the topic over",
            Self::Remove => "Remove the rule",
            Self::Accept => "Accept",
        }
    }
}
