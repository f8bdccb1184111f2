//! What of ours Kafka's own names stand for: topics for channels, users and signs of life for environments.

use std::collections::{BTreeSet, HashMap, HashSet};

use uuid::Uuid;

use super::{Actor, Manager, Result, actor::Right, cluster::Finding};
use crate::{
    domain::{
        channel::{HEARTBEAT_PREFIX, TOPIC_PREFIX},
        ids::ChannelId,
    },
    store,
};

/// Something of ours.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Named {
    /// A channel.
    Channel {
        /// Its id.
        id: ChannelId,
        /// Key of its service.
        service: String,
    },
    /// An environment.
    Environment {
        /// Key of its app.
        app: String,
        /// Its own key.
        key: String,
    },
}

/// What there is of all that findings name.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Keys of the channels' services.
    channels: HashMap<Uuid, String>,
    /// Keys of the environments' apps, and their own.
    environments: HashSet<(String, String)>,
}

/// What a name of Kafka's could stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meant<'a> {
    Channel(Uuid),
    Environment(&'a str, &'a str),
}

impl<'a> Meant<'a> {
    /// The names in a line of a finding.
    fn all(line: &'a str) -> impl Iterator<Item = Self> {
        line.split_whitespace().filter_map(|word| Self::of(word.trim_end_matches([':', ','])))
    }

    fn of(word: &'a str) -> Option<Self> {
        if let Some(rest) = word.strip_prefix(TOPIC_PREFIX) {
            return rest.split('.').next()?.parse().ok().map(Self::Channel);
        }
        let user = word.strip_prefix(HEARTBEAT_PREFIX).or_else(|| word.strip_prefix("User:")).unwrap_or(word);
        // A group begins with its environment's name, and goes on after a dot.
        let mut parts = user.split('.');
        let (app, key) = (parts.next()?, parts.next()?);
        (!app.is_empty() && !key.is_empty()).then_some(Self::Environment(app, key))
    }
}

impl Known {
    /// What of it a line names, each once.
    pub fn named(&self, line: &str) -> BTreeSet<Named> {
        let known = |meant: Meant<'_>| match meant {
            Meant::Channel(id) => {
                let service = self.channels.get(&id)?.clone();
                Some(Named::Channel { id: id.into(), service })
            }
            Meant::Environment(app, key) => {
                let (app, key) = self.environments.get(&(app.to_owned(), key.to_owned()))?.clone();
                Some(Named::Environment { app, key })
            }
        };
        Meant::all(line).filter_map(known).collect()
    }
}

impl Manager {
    /// What there is of what these findings name.
    pub async fn find_named(&self, actor: &Actor, findings: &[Finding]) -> Result<Known> {
        let (channels, environments) = meant(findings);
        let (apps, keys): (Vec<String>, Vec<String>) = environments.into_iter().unzip();
        let mut db = self.read_as(actor, Right::Look).await?;
        Ok(Known {
            channels: store::catalogue::list_services_of_channels(&mut db, &channels).await?.into_iter().collect(),
            environments: store::apps::list_keys_of(&mut db, &apps, &keys).await?.into_iter().collect(),
        })
    }
}

/// What findings could mean, each once: channels, and environments by the keys of their apps and their own.
fn meant(findings: &[Finding]) -> (Vec<Uuid>, BTreeSet<(String, String)>) {
    let (mut channels, mut environments) = (BTreeSet::new(), BTreeSet::new());
    for line in findings.iter().flat_map(|finding| finding.lines.iter().chain([&finding.text])) {
        for meant in Meant::all(line) {
            match meant {
                Meant::Channel(id) => {
                    channels.insert(id);
                }
                Meant::Environment(app, key) => {
                    environments.insert((app.to_owned(), key.to_owned()));
                }
            }
        }
    }
    (channels.into_iter().collect(), environments)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_a_line_are_read() {
        let id = Uuid::from_u128(7);
        let line = format!("ALLOW User:shop.test from * READ on TOPIC LITERAL businessevents.{id}.acceptance");
        let meant: Vec<_> = Meant::all(&line).collect();
        assert_eq!(meant, [Meant::Environment("shop", "test"), Meant::Channel(id)]);
        assert_eq!(Meant::of("_mx_heartbeat.shop.test"), Some(Meant::Environment("shop", "test")));
        assert_eq!(Meant::of("shop.test."), Some(Meant::Environment("shop", "test")));
        for other in ["businessevents.", "businessevents.x.y", "User:mallory", "*", ".", "kafka-cluster"] {
            assert_eq!(Meant::of(other), None, "{other}");
        }
    }

    #[test]
    fn only_what_there_is_is_known() {
        let id = Uuid::from_u128(7);
        let known = Known {
            channels: [(id, "orders".to_owned())].into(),
            environments: [("shop".to_owned(), "test".to_owned())].into(),
        };
        let line = format!("User:shop.test User:shop.test User:mallory.test businessevents.{id}.a: 4");
        let named: Vec<_> = known.named(&line).into_iter().collect();
        let environment = Named::Environment { app: "shop".into(), key: "test".into() };
        assert_eq!(named, [Named::Channel { id: id.into(), service: "orders".into() }, environment]);
    }
}
