//! Channels and the names of their topics.

use super::{
    ids::ChannelId,
    names::{AppKey, EnvKey, SpaceName},
};

/// What every channel's topic begins with.
pub const TOPIC_PREFIX: &str = "businessevents.";

/// What every heartbeat topic begins with.
pub const HEARTBEAT_PREFIX: &str = "_mx_heartbeat.";

/// The topic of a channel in a Space: `businessevents.<uuid>.<space>`.
///
/// Neither part can hold a dot, so the name has exactly one reading; at most 116 characters of the 249 that Kafka
/// allows.
pub fn topic_name(channel: ChannelId, space: &SpaceName) -> String {
    format!("{TOPIC_PREFIX}{channel}.{space}")
}

/// The topic that an environment writes a sign of life to.
pub fn heartbeat_topic(app: &AppKey, environment: &EnvKey) -> String {
    format!("{HEARTBEAT_PREFIX}{app}.{environment}")
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_topic_is_named_by_channel_and_space() {
        let channel = ChannelId(Uuid::from_u128(7));
        let space = "acceptance".parse().unwrap();
        assert_eq!(topic_name(channel, &space), "businessevents.00000000-0000-0000-0000-000000000007.acceptance");
    }
}
