//! Identifiers. Each noun has its own, so that one cannot be passed for another.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }
    )+};
}

ids! {
    /// An app.
    AppId
    /// An environment of an app.
    EnvironmentId
    /// A Space.
    SpaceId
    /// A service.
    ServiceId
    /// An event of a service.
    EventId
    /// A channel: the UUID in its topics' names.
    ChannelId
    /// A bridge.
    BridgeId
    /// A route of a bridge.
    RouteId
    /// A person who signs in.
    MemberId
    /// A bearer token (its row, never its value).
    TokenId
}
