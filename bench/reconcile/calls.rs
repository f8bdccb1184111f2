//! Calls to a broker, by what they ask.

use std::collections::BTreeMap;

/// The api keys of a login, of which every connection needs some.
const LOGIN: [i16; 3] = [17, 18, 36];
/// Those of what changes something.
const WRITES: [i16; 8] = [19, 20, 30, 31, 33, 37, 44, 51];

/// How many calls there were of each api key.
#[derive(Clone, Debug, Default)]
pub struct Calls(BTreeMap<i16, u32>);

impl Calls {
    /// Counts a call.
    pub fn add(&mut self, key: i16) {
        *self.0.entry(key).or_default() += 1;
    }

    /// Calls of one api key.
    pub fn of(&self, key: i16) -> u32 {
        self.0.get(&key).copied().unwrap_or_default()
    }

    /// The api keys that were called, but for those of logins.
    pub fn keys(&self) -> impl Iterator<Item = i16> {
        self.0.keys().copied().filter(|key| !LOGIN.contains(key))
    }

    /// All calls but those of logins.
    pub fn all(&self) -> u32 {
        self.keys().map(|key| self.of(key)).sum()
    }

    /// Calls that change something.
    pub fn writes(&self) -> u32 {
        WRITES.iter().map(|key| self.of(*key)).sum()
    }

    /// Calls that belong to logins, also to those that are only begun.
    pub fn logins(&self) -> u32 {
        LOGIN.iter().map(|key| self.of(*key)).sum()
    }

    /// What there would be of so many times as much to do: reading and logging in stay.
    #[must_use]
    pub fn times(mut self, factor: u32) -> Self {
        for (_, count) in self.0.iter_mut().filter(|(key, _)| WRITES.contains(key)) {
            *count *= factor;
        }
        self
    }
}

/// The name of an api key (Kafka protocol guide).
pub fn name(key: i16) -> String {
    let name = match key {
        2 => "ListOffsets",
        3 => "Metadata",
        9 => "OffsetFetch",
        10 => "FindCoordinator",
        15 => "DescribeGroups",
        16 => "ListGroups",
        19 => "CreateTopics",
        20 => "DeleteTopics",
        22 => "InitProducerId",
        29 => "DescribeAcls",
        30 => "CreateAcls",
        31 => "DeleteAcls",
        32 => "DescribeConfigs",
        33 => "AlterConfigs",
        37 => "CreatePartitions",
        44 => "IncrementalAlterConfigs",
        50 => "DescribeUserScramCredentials",
        51 => "AlterUserScramCredentials",
        60 => "DescribeCluster",
        69 => "ConsumerGroupDescribe",
        other => return format!("api key {other}"),
    };
    name.to_owned()
}
