//! Access to events.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What one may do with an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// Send it.
    Publish,
    /// Receive it.
    Subscribe,
}

impl Access {
    /// The word used in the store and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Publish => "publish",
            Self::Subscribe => "subscribe",
        }
    }

    /// Reads the word; `None` for any other.
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "publish" => Some(Self::Publish),
            "subscribe" => Some(Self::Subscribe),
            _ => None,
        }
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Default access: which grants come with a deployment or a route by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "four independent settings of the installation")]
pub struct DefaultAccess {
    /// An app may use the events it defines.
    pub own_events: bool,
    /// An app may publish events of others that it implements.
    pub publish_implemented: bool,
    /// An app may subscribe to events of others that it implements.
    pub subscribe_implemented: bool,
    /// A bridge may use events whose contract lets others do so.
    pub bridges: bool,
}

impl Default for DefaultAccess {
    fn default() -> Self {
        Self { own_events: true, publish_implemented: false, subscribe_implemented: true, bridges: true }
    }
}

impl DefaultAccess {
    /// Whether an environment gets `access` to an event by implementing it.
    pub fn grants(self, defines: bool, access: Access) -> bool {
        match access {
            _ if defines => self.own_events,
            Access::Publish => self.publish_implemented,
            Access::Subscribe => self.subscribe_implemented,
        }
    }
}
