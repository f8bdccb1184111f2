//! The channels of a document (section "Channels Object") and who sends in them.

use std::collections::HashSet;

use uuid::Uuid;

use super::{
    display::{self, quoted},
    message::{Catalog, Way},
    reader::Reader,
    reference::Found,
    topic,
};
use crate::domain::{contract::Channel, ids::ChannelId};

/// Characters in an address.
const MAX_ADDRESS: usize = 255;

/// Reads all channels that carry an event.
pub fn read(reader: &mut Reader<'_>) -> Vec<Channel> {
    let root = Found { pointer: String::new(), value: reader.root };
    let Some(found) = root.member("channels") else { return Vec::new() };
    let Some(object) = found.value.as_object() else { return Vec::new() };
    let mut catalog = Catalog::default();
    let mut channels = Vec::new();
    let mut ids = HashSet::new();
    for (address, _) in reader.places.ordered(&found.pointer, object) {
        let Some(item) = found.member(address) else { continue };
        if address.chars().count() > MAX_ADDRESS {
            reader.problems.add(&*item.pointer, format!("has an address of more than {MAX_ADDRESS} characters"));
        } else if address.trim().is_empty() || address.chars().any(display::is_hidden) {
            reader.problems.add(&*item.pointer, "has an address that is empty or holds characters that cannot be seen");
        }
        let id = id(address);
        if id.is_some_and(|id| !ids.insert(id)) {
            reader.problems.add(&*item.pointer, "is the same UUID as another channel of this document");
        }
        // The Channel Item Object may refer to another one, which is then meant.
        let Some(target) = reader.follow(item.clone()) else { continue };
        let events_before = catalog.events.len();
        operations(reader, &mut catalog, channels.len(), &item, &target);
        let topic = topic::wishes(reader, &target);
        if catalog.events.len() == events_before {
            reader.note(format!("The channel {} is left out: it has no event of its own.", quoted(address)));
            continue;
        }
        channels.push(Channel { address: address.clone(), id, topic, events: Vec::new() });
    }
    if catalog.events.is_empty() && !reader.problems.any() {
        reader.problems.add(
            "/channels",
            "hold no message: give at least one channel an operation (subscribe or publish) with a message",
        );
    }
    explain(reader, &catalog);
    for placed in catalog.events {
        if let Some(channel) = channels.get_mut(placed.channel) {
            channel.events.push(placed.event);
        }
    }
    channels
}

/// What the described app sends comes first, whatever the order of the text.
fn operations<'a>(
    reader: &mut Reader<'a>,
    catalog: &mut Catalog<'a>,
    channel: usize,
    item: &Found<'a>,
    target: &Found<'a>,
) {
    for (operation, way) in [("subscribe", Way::Sends), ("publish", Way::Receives)] {
        let Some(operation) = item.member(operation).or_else(|| target.member(operation)) else { continue };
        match operation.member("message") {
            Some(message) => catalog.collect(reader, message, way, channel),
            None => {
                reader.note(format!("The operation {} has no message and is left out.", quoted(&operation.pointer)));
            }
        }
    }
}

/// The UUID that an address is, in its usual notation (RFC 9562, section 4).
pub fn id(address: &str) -> Option<ChannelId> {
    let uuid = (address.len() == 36).then(|| Uuid::try_parse(address).ok())??;
    Some(uuid.into())
}

/// How the document was understood. `AsyncAPI` 2.x describes an app from the outside (section "Channel Item Object").
fn explain(reader: &mut Reader<'_>, catalog: &Catalog<'_>) {
    if catalog.events.iter().any(|placed| placed.event.app_sends) {
        reader.note(
            "“subscribe” in AsyncAPI 2 means that the described app sends these events: others may subscribe to them.",
        );
    }
    if catalog.events.iter().any(|placed| placed.event.app_receives) {
        reader.note(
            "“publish” in AsyncAPI 2 means that the described app receives these events: others may publish them.",
        );
    }
    if reader.root.get("servers").is_some() {
        reader.note("The servers in the document are not used: the installation has its own.");
    }
}
