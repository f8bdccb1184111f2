//! Contracts: documents read, and what follows from one wherever it comes from: service, channels, events, topics.

use serde_json::Value;
use uuid::Uuid;

use super::{Error, Manager, Result, TopicLimits, error::FieldError, members::sha256};
use crate::{
    contract::{self, Refused},
    domain::{
        contract::{Contract, TOPIC_KEYS, TopicWishes},
        ids::{AppId, ChannelId, EventId, ServiceId},
        landscape::Space,
    },
    store::{
        self, PgConnection,
        catalogue::{NewEvent, NewTopic, Service},
    },
};

/// A contract as it was brought.
#[derive(Clone, Debug)]
pub enum Document {
    /// Inside a report.
    Object(Value),
    /// As text, YAML or JSON, whose bytes are kept.
    Text(String),
}

/// A document that was understood.
pub(super) struct Read {
    /// What it says.
    pub contract: Contract,
    /// The document, to be kept.
    pub bytes: Vec<u8>,
    /// Remarks on it.
    pub notes: Vec<String>,
}

/// Reads a document that was given in `field`; every problem is said at once. It is work for the processor.
pub(super) fn read(document: &Document, field: &str) -> Result<Read> {
    match document {
        Document::Text(text) => read_bytes(text.as_bytes().to_vec(), field),
        Document::Object(value) => {
            understood(contract::read_value(value.clone()), value.to_string().into_bytes(), field)
        }
    }
}

/// The same of text as it came.
pub(super) fn read_bytes(bytes: Vec<u8>, field: &str) -> Result<Read> {
    understood(contract::read(&bytes), bytes, field)
}

fn understood(reading: std::result::Result<contract::Reading, Refused>, bytes: Vec<u8>, field: &str) -> Result<Read> {
    match reading {
        Ok(contract::Reading { contract, notes, .. }) => Ok(Read { contract, bytes, notes }),
        Err(refused @ Refused::TooLarge { .. }) => Err(Error::TooLarge(format!("{field}: {refused}"))),
        Err(refused @ Refused::Duplicate(_)) => Err(Error::conflict("duplicate-event", format!("{field}: {refused}"))),
        Err(refused) => Err(Error::document(field, refused.problems())),
    }
}

/// A contract that is to be in force.
pub(super) struct Definition<'a> {
    /// The app that defines it; `None` when it is uploaded.
    pub owner: Option<AppId>,
    /// The Spaces in which its channels are to have topics.
    pub spaces: &'a [Space],
    /// Where the document was given.
    pub field: &'a str,
    /// The document.
    pub read: &'a Read,
}

/// What came of it.
pub(super) struct Defined {
    /// The service.
    pub service: ServiceId,
    /// Whether the service is new.
    pub is_new: bool,
    /// Whether another document was in force before.
    pub is_changed: bool,
    /// What changed, in sentences.
    pub changes: Vec<String>,
    /// Its channels.
    pub channels: Vec<ChannelId>,
    /// Its events, and whether the defining app sends and receives each.
    pub events: Vec<(EventId, bool, bool)>,
}

impl Manager {
    /// Brings a contract into force: service, channels, events, topics.
    ///
    /// Locks the Spaces first and then the service, so that names stay unique in a Space whoever brings them, and no
    /// two wait for each other.
    pub(super) async fn define(&self, db: &mut PgConnection, definition: Definition<'_>) -> Result<Defined> {
        let Definition { owner, spaces, field, read } = definition;
        let mut ordered: Vec<_> = spaces.iter().collect();
        ordered.sort_by_key(|space| space.id.0);
        for space in ordered {
            if !store::spaces::lock(db, space.id).await? {
                return Err(Error::NotFound("Space"));
            }
        }
        let mut defined = claim(db, owner, &read.contract).await?;
        defined.is_changed =
            store::catalogue::keep_document(db, defined.service, &sha256(&read.bytes), &read.bytes).await?;
        for channel in &read.contract.channels {
            let topic = topic_of(&channel.topic, self.parts.topics).map_err(|mut wrong| {
                let escaped = contract::shape::escaped(&channel.address);
                wrong.field = format!("{field}/channels/{escaped}/bindings/kafka/{}", wrong.field);
                Error::Invalid(vec![wrong])
            })?;
            let id = find_channel(db, defined.service, channel.id, &channel.address).await?;
            for space in spaces {
                if store::catalogue::upsert_topic(db, id, space.id, &topic).await? {
                    defined.changes.push(format!("channel {id} has a topic in {}", space.name));
                }
            }
            defined.channels.push(id);
            for event in &channel.events {
                for space in spaces {
                    require_unique(db, space, defined.service, &event.name).await?;
                }
                let new = NewEvent {
                    name: &event.name,
                    title: &event.title,
                    description: &event.description,
                    app_sends: event.app_sends,
                    app_receives: event.app_receives,
                    attributes: &event.attributes,
                };
                let event_id = store::catalogue::upsert_event(db, defined.service, id, &new).await?;
                defined.events.push((event_id, event.app_sends, event.app_receives));
            }
        }
        Ok(defined)
    }
}

/// Makes the service, or brings it up to date where it is the owner's.
async fn claim(db: &mut PgConnection, owner: Option<AppId>, contract: &Contract) -> Result<Defined> {
    let (key, version) = (&contract.service, &contract.version);
    let mut service = Service {
        id: ServiceId(Uuid::now_v7()),
        key: key.clone(),
        app: owner,
        title: contract.title.clone(),
        contract_version: version.clone(),
        description: contract.description.clone(),
    };
    let is_new = store::catalogue::insert_service(db, &service).await?;
    let mut changes = Vec::new();
    if is_new {
        changes.push(format!("service {key} {version} is new"));
    } else {
        let known = store::catalogue::find_service_for_update(db, key.as_str()).await?;
        // It was there a moment ago: whoever takes it away at this very time has come first.
        let known = known.ok_or_else(Error::stale)?;
        if known.app != owner {
            let whose = if known.app.is_some() { "is defined by another app" } else { "was uploaded" };
            let whose = if owner.is_none() { "is defined by an app" } else { whose };
            return Err(Error::conflict(
                "service-of-another-app",
                format!("the service {key} {whose}: give this one a key of its own with x-ebm-service"),
            ));
        }
        if known.contract_version != *version {
            changes.push(format!("service {key} is now version {version}"));
        }
        service.id = known.id;
        store::catalogue::update_service(db, &service).await?;
    }
    let (channels, events) = (Vec::new(), Vec::new());
    Ok(Defined { service: service.id, is_new, is_changed: true, changes, channels, events })
}

/// The channel of a service with this id, where the document gives one, or with this address; made where there is none.
async fn find_channel(
    db: &mut PgConnection,
    service: ServiceId,
    given: Option<ChannelId>,
    address: &str,
) -> Result<ChannelId> {
    if let Some(given) = given {
        match store::catalogue::find_channel_owner(db, given).await? {
            // A document that was downloaded here names channels by their ids, whatever the original called them.
            Some(owner) if owner == service => return Ok(given),
            Some(_) => {
                return Err(Error::conflict(
                    "channel-of-another-service",
                    format!("the channel {given} belongs to another service: give this one a channel of its own"),
                ));
            }
            None => {}
        }
    }
    let minted = given.unwrap_or_else(|| ChannelId(Uuid::new_v4()));
    Ok(store::catalogue::find_or_insert_channel(db, minted, service, address).await?)
}

async fn require_unique(db: &mut PgConnection, space: &Space, service: ServiceId, event: &str) -> Result<()> {
    match store::catalogue::find_rival(db, space.id, service, event).await? {
        None => Ok(()),
        Some(rival) => Err(Error::conflict(
            "event-exists",
            format!("the event {event} exists in {} already, from the service {rival}", space.name),
        )),
    }
}

/// The topic that a contract's wishes come to, within the installation's limits.
fn topic_of(wishes: &TopicWishes, limits: TopicLimits) -> std::result::Result<NewTopic, FieldError> {
    let partitions = wishes.partitions.unwrap_or(limits.partitions);
    if !(1..=limits.max_partitions).contains(&partitions) {
        return Err(FieldError::new("partitions", format!("must be 1 to {}, the limit here", limits.max_partitions)));
    }
    if let Some(replicas) = wishes.replicas
        && replicas != limits.replication
    {
        let why = format!("must be {}, as for every topic here, or be left out", limits.replication);
        return Err(FieldError::new("replicas", why));
    }
    if let Some(key) = wishes.config.keys().find(|key| !TOPIC_KEYS.contains(&key.as_str())) {
        let why = format!("cannot be set by a contract; these can: {}", TOPIC_KEYS.join(", "));
        return Err(FieldError::new(format!("topicConfiguration/{key}"), why));
    }
    Ok(NewTopic { partitions, replicas: limits.replication, config: wishes.config.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: TopicLimits = TopicLimits { partitions: 3, max_partitions: 12, replication: 2 };

    fn wishes(partitions: Option<i32>, replicas: Option<i16>, config: &[(&str, &str)]) -> TopicWishes {
        let config = config.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        TopicWishes { partitions, replicas, config }
    }

    #[test]
    fn a_contract_that_says_nothing_gets_what_the_installation_gives() {
        let topic = topic_of(&wishes(None, None, &[]), LIMITS).unwrap();
        assert_eq!((topic.partitions, topic.replicas), (3, 2));
    }

    #[test]
    fn wishes_beyond_the_limits_are_refused_by_name() {
        for (wishes, field) in [
            (wishes(Some(13), None, &[]), "partitions"),
            (wishes(Some(0), None, &[]), "partitions"),
            (wishes(None, Some(3), &[]), "replicas"),
            (wishes(None, None, &[("min.insync.replicas", "1")]), "topicConfiguration/min.insync.replicas"),
        ] {
            assert_eq!(topic_of(&wishes, LIMITS).unwrap_err().field, field);
        }
    }
}
