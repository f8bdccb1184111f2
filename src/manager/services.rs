//! Services: those that are defined outside of all apps and uploaded, and what is shown of any.

use serde_json::json;

use super::{
    Actor, Error, Manager, Result,
    actor::{May, Right},
    commit,
    contracts::{self, Definition, Read},
    error::FieldError,
};
use crate::{
    contract::{self, convert},
    domain::{
        contract::Contract,
        history::Act,
        ids::{ChannelId, MemberId, ServiceId},
        landscape::Space,
        member::Role,
        names::SpaceName,
    },
    store::{self, PgConnection, catalogue::Service},
};

pub use store::{catalogue::ListedEvent, uploads::Place};

/// The largest document that is taken, in bytes.
pub const MAX_DOCUMENT: usize = contract::MAX_BYTES;
/// What the names of documents may end with.
const ENDINGS: [&str; 3] = ["yml", "yaml", "json"];
/// Spaces that one upload may name.
const MAX_SPACES: usize = 500;
/// Users that a refusal names.
const NAMED: usize = 5;

/// Whether a file of this name may be a document.
pub fn is_document(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, end)| ENDINGS.iter().any(|known| end.eq_ignore_ascii_case(known)))
}

/// What a document that is uploaded comes to.
#[derive(Clone, Debug)]
pub struct Upload {
    /// What was read.
    pub contract: Contract,
    /// Whether the service is new.
    pub is_new: bool,
    /// What changes, in sentences; empty when nothing does.
    pub changes: Vec<String>,
    /// Remarks on the document.
    pub notes: Vec<String>,
    /// Names of the Spaces the service has topics in then.
    pub spaces: Vec<String>,
}

/// A service with all its page shows.
#[derive(Clone, Debug)]
pub struct ServiceView {
    /// Id.
    pub id: ServiceId,
    /// Key.
    pub key: String,
    /// Title.
    pub title: String,
    /// Version of the contract.
    pub contract_version: String,
    /// Description; empty where there is none.
    pub description: String,
    /// Key of the app that defines it; `None` when it was uploaded.
    pub app: Option<String>,
    /// Its events, by name.
    pub events: Vec<ListedEvent>,
    /// Its channels: id, and key in the document.
    pub channels: Vec<(ChannelId, String)>,
    /// Where it flows, and whether the actor may take it away there.
    pub places: Vec<(Place, May)>,
}

/// How a document is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notation {
    /// JSON.
    Json,
    /// YAML.
    Yaml,
}

impl Notation {
    /// The notation with this name, which is also the ending of its files.
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "json" => Some(Self::Json),
            "yaml" => Some(Self::Yaml),
            _ => None,
        }
    }

    /// Its name.
    pub fn word(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Yaml => "yaml",
        }
    }

    /// Its media type (RFC 8259; RFC 9512).
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Yaml => "application/yaml",
        }
    }
}

impl Manager {
    /// Takes a document of a service that no app defines, for at least one Space. The same document again for more
    /// Spaces adds these; another document of the same service takes its place in all its Spaces.
    ///
    /// With `dry_run` the answer says what would change, nothing does, and Spaces may be left out.
    pub async fn upload_service(
        &self,
        actor: &Actor,
        document: Vec<u8>,
        spaces: &[String],
        dry_run: bool,
    ) -> Result<Upload> {
        actor.require(Right::Upload, &mut *self.read().await?).await?;
        let read = tokio::task::spawn_blocking(move || contracts::read_bytes(document, "document"));
        let read = read.await.map_err(Error::internal)?;
        let mut tx = self.begin().await?;
        actor.require(Right::Upload, &mut tx).await?;
        let chosen = choose(&mut tx, spaces).await;
        let (read, chosen) = both(read, chosen)?;
        if chosen.is_empty() && !dry_run {
            return Err(Error::field("spaces", "are missing: choose at least one"));
        }

        let all = with_places(&mut tx, &read.contract, chosen.clone()).await?;
        let definition = Definition { owner: None, spaces: &all, field: "document", read: &read };
        let defined = self.define(&mut tx, definition).await?;
        let (mut changes, mut notes) = (defined.changes, read.notes);
        if defined.is_changed && !defined.is_new && changes.is_empty() {
            changes.push(format!("service {} has another document", read.contract.service));
        }
        let named: Vec<_> =
            read.contract.channels.iter().flat_map(|c| c.events.iter().map(|e| e.name.clone())).collect();
        let (gone, kept) = store::uploads::delete_unnamed_events(&mut tx, defined.service, &named).await?;
        changes.extend(gone.iter().map(|event| format!("event {event} is gone")));
        notes.extend(kept.iter().map(|event| {
            format!("The event {event} is no longer in the document. It stays, since it is used somewhere.")
        }));
        for space in &chosen {
            if store::uploads::insert(&mut tx, defined.service, space.id, actor.member()).await? {
                changes.push(format!("uploaded for {}", space.name));
            }
        }
        for space in &all {
            // A channel that has just come into this Space wakes grants that slept here.
            store::apps::touch_access_of_channels(&mut tx, space.id, &defined.channels).await?;
        }
        let places = store::uploads::list_places(&mut tx, defined.service).await?;
        if places.iter().any(|place| all.iter().all(|space| space.id != place.space)) {
            // Someone has brought it to one more Space between our look and our lock.
            return Err(Error::stale());
        }
        let spaces: Vec<_> = places.into_iter().map(|place| place.name).collect();
        let contract = read.contract;
        let is_new = defined.is_new;
        if !dry_run && !changes.is_empty() {
            let act = Act {
                name: "service.uploaded",
                object_kind: "service",
                object_id: defined.service.0,
                object_name: contract.service.to_string(),
                before: None,
                after: Some(json!({ "version": contract.version, "spaces": spaces, "changes": changes })),
            };
            tx.record(actor, act);
            commit(tx).await?;
        }
        Ok(Upload { contract, is_new, changes, notes, spaces })
    }

    /// Takes an uploaded service away from a Space where nobody uses it. With its last Space goes the service, where
    /// nothing refers to it any more. Gives whether it is gone.
    pub async fn delete_upload(&self, actor: &Actor, service: &str, space: &str) -> Result<bool> {
        let mut tx = self.begin().await?;
        let member = actor.require(Right::Upload, &mut tx).await?;
        let space = store::spaces::find(&mut tx, space).await?.ok_or(Error::NotFound("Space"))?;
        // In the order in which contracts are brought.
        store::spaces::lock(&mut tx, space.id).await?;
        let found = store::catalogue::find_service_for_update(&mut tx, service).await?;
        let service = found.ok_or(Error::NotFound("service"))?;
        let places = store::uploads::list_places(&mut tx, service.id).await?;
        let place = places.iter().find(|place| place.space == space.id);
        let place = place.ok_or(Error::NotFound("the service in this Space"))?;
        if service.app.is_some() {
            return Err(Error::conflict(
                "service-of-an-app",
                format!("the service {} is defined by an app, not uploaded", service.key),
            ));
        }
        let own = |id: MemberId, role: Role| role == Role::Admin || place.uploader == Some(id);
        if member.is_some_and(|member| !own(member.id, member.role)) {
            return Err(Error::Forbidden(NOT_OWN.into()));
        }
        // Whoever is just coming to use one of its events is waited for, and seen.
        store::uploads::lock_events(&mut tx, service.id).await?;
        let users = store::uploads::list_users(&mut tx, service.id, space.id).await?;
        if !users.is_empty() {
            return Err(Error::conflict(
                "service-in-use",
                format!("the service {} is used in {} by {}", service.key, space.name, named(&users)),
            ));
        }
        store::uploads::delete(&mut tx, service.id, space.id).await?;
        let is_last = places.len() == 1;
        let is_gone = is_last && store::uploads::delete_service(&mut tx, service.id).await?;
        let act = Act {
            name: "service.deleted",
            object_kind: "service",
            object_id: service.id.0,
            object_name: service.key.to_string(),
            before: Some(json!({ "version": service.contract_version, "space": space.name })),
            after: None,
        };
        tx.record(actor, act);
        commit(tx).await?;
        Ok(is_gone)
    }

    /// A service with its events, channels and Spaces.
    pub async fn load_service(&self, actor: &Actor, key: &str) -> Result<ServiceView> {
        let mut db = self.read().await?;
        let member = actor.require(Right::Look, &mut db).await?;
        let service = find(&mut db, key).await?;
        let events = store::catalogue::list_events_of_service(&mut db, service.id).await?;
        let channels = store::catalogue::list_addresses(&mut db, service.id).await?;
        let places = store::uploads::list_places(&mut db, service.id).await?;
        let app = match service.app {
            Some(id) => Some(store::apps::load_key(&mut db, id).await?),
            None => None,
        };
        let may_upload = actor.require(Right::Upload, &mut db).await.is_ok();
        let may = |place: &Place| {
            let own = member.as_ref().is_none_or(|m| m.role == Role::Admin || place.uploader == Some(m.id));
            May { refusal: (!own || !may_upload).then(|| NOT_OWN.to_owned()) }
        };
        let places = places.into_iter().map(|place| (may(&place), place)).map(|(may, place)| (place, may)).collect();
        Ok(ServiceView {
            id: service.id,
            key: service.key.to_string(),
            title: service.title,
            contract_version: service.contract_version,
            description: service.description,
            app,
            events,
            channels,
            places,
        })
    }

    /// The contract of a service as an `AsyncAPI` 2.6 document: its channels under their ids, ready to be imported.
    pub async fn load_asyncapi(&self, actor: &Actor, key: &str, notation: Notation) -> Result<String> {
        let (document, channels) = {
            let mut db = self.read_as(actor, Right::Look).await?;
            let service = find(&mut db, key).await?;
            let document = store::catalogue::find_document(&mut db, service.id).await?;
            let document = document.ok_or(Error::NotFound("the contract of this service"))?;
            (document, store::catalogue::list_addresses(&mut db, service.id).await?)
        };
        let written = tokio::task::spawn_blocking(move || write(document, &channels, notation));
        written.await.map_err(Error::internal)?
    }
}

/// Why someone may not take a service away from a Space.
const NOT_OWN: &str = "only who uploaded it for this Space or an admin may delete it there";

async fn find(db: &mut PgConnection, key: &str) -> Result<Service> {
    store::catalogue::find_service(db, key).await?.ok_or(Error::NotFound("service"))
}

/// The Spaces that were chosen by name, each once.
async fn choose(db: &mut PgConnection, names: &[String]) -> Result<Vec<Space>> {
    if names.len() > MAX_SPACES {
        return Err(Error::field("spaces", format!("may be at most {MAX_SPACES}")));
    }
    let (mut chosen, mut wrong) = (Vec::<Space>::new(), Vec::new());
    for (i, name) in names.iter().enumerate() {
        let field = format!("spaces/{i}");
        match name.parse::<SpaceName>() {
            Err(why) => wrong.push(FieldError::new(field, why)),
            Ok(name) => match store::spaces::find(db, name.as_str()).await? {
                None => wrong.push(FieldError::new(field, "must be one of the Spaces there are")),
                Some(space) if chosen.iter().any(|c| c.id == space.id) => {}
                Some(space) => chosen.push(space),
            },
        }
    }
    if wrong.is_empty() { Ok(chosen) } else { Err(Error::Invalid(wrong)) }
}

/// Both, or all that is wrong with either.
fn both(read: Result<Read>, chosen: Result<Vec<Space>>) -> Result<(Read, Vec<Space>)> {
    match (read, chosen) {
        (Ok(read), Ok(chosen)) => Ok((read, chosen)),
        (Err(Error::Invalid(mut wrong)), Err(Error::Invalid(more))) => {
            wrong.extend(more);
            Err(Error::Invalid(wrong))
        }
        (Err(error), _) | (_, Err(error)) => Err(error),
    }
}

/// Adds the Spaces that an uploaded service is in already: one contract stands for all.
async fn with_places(db: &mut PgConnection, contract: &Contract, mut spaces: Vec<Space>) -> Result<Vec<Space>> {
    let known = store::catalogue::find_service(db, contract.service.as_str()).await?;
    // Where it is an app's, nothing comes of this.
    if let Some(known) = known.filter(|known| known.app.is_none()) {
        for place in store::uploads::list_places(db, known.id).await? {
            if spaces.iter().all(|space| space.id != place.space) {
                spaces.push(store::spaces::load(db, place.space).await?);
            }
        }
    }
    Ok(spaces)
}

fn named(users: &[String]) -> String {
    let first = users.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    match users.len().saturating_sub(NAMED) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

/// Writes a document that was taken before in the form in which all are written.
fn write(document: Vec<u8>, channels: &[(ChannelId, String)], notation: Notation) -> Result<String> {
    let mut contract = contracts::read_bytes(document, "document").map_err(Error::internal)?.contract;
    for channel in &mut contract.channels {
        let known = channels.iter().find(|(_, address)| *address == channel.address);
        channel.id = channel.id.or(known.map(|(id, _)| *id));
    }
    let document = convert::document(&contract);
    match notation {
        Notation::Json => serde_json::to_string_pretty(&document).map_err(Error::internal),
        Notation::Yaml => Ok(convert::yaml(&document)),
    }
}
