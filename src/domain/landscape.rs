//! Apps, their environments and the Spaces these live in.

use serde::{Deserialize, Serialize};

use super::{
    ids::{AppId, EnvironmentId, SpaceId},
    names::{AppKey, EnvKey, SpaceName, Title},
};

/// What an app may publish to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Plan {
    /// Publishes to channels of its own.
    Licensed,
    /// Shares the one company channel with all other free apps.
    Free,
}

impl Plan {
    /// The word used in the store and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Licensed => "licensed",
            Self::Free => "free",
        }
    }

    /// Reads the word; `None` for any other.
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "licensed" => Some(Self::Licensed),
            "free" => Some(Self::Free),
            _ => None,
        }
    }
}

/// A deployable application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct App {
    /// Id.
    pub id: AppId,
    /// Key, unique in the installation.
    pub key: AppKey,
    /// Name for people.
    pub name: Title,
    /// Plan.
    pub plan: Plan,
    /// Whether the broker is enabled on the level of the app.
    pub broker_enabled: bool,
    /// Raised by each change.
    pub version: i64,
}

/// One deployed stage of an app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environment {
    /// Id.
    pub id: EnvironmentId,
    /// The app it is a stage of.
    pub app: AppId,
    /// The app's key.
    pub app_key: AppKey,
    /// Key, unique in the app.
    pub key: EnvKey,
    /// Name for people.
    pub name: Title,
    /// Whether the broker is enabled at both levels.
    pub enabling: Enabling,
    /// The Space it joined when it was first enabled.
    pub space: Option<Space>,
    /// Raised by each change.
    pub version: i64,
}

/// A set of environments that may exchange events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Space {
    /// Id.
    pub id: SpaceId,
    /// Name, unique without regard to case.
    pub name: SpaceName,
}

/// At which of the two levels the broker is enabled for an environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Enabling {
    /// On the app.
    pub app: bool,
    /// On the environment.
    pub environment: bool,
}

impl Enabling {
    /// Whether the environment is enabled: only both levels together do anything.
    pub fn is_enabled(self) -> bool {
        self.app && self.environment
    }
}
