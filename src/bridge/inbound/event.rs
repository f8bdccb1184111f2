//! What a message becomes: its event, where that leads, and the record it is there.

use std::collections::HashMap;

use super::Target;
use crate::{
    bridge::queue::Incoming,
    domain::{
        cloud_event::{Event, Header, Undeliverable},
        ids::RouteId,
    },
};

/// The event of a message, and where it leads; or why it cannot be carried, and the route it would have taken.
#[expect(clippy::implicit_hasher, reason = "there is one kind of table here")]
pub fn read(
    message: &Incoming,
    routes: &HashMap<String, Target>,
) -> Result<(Event, Target), (Undeliverable, Option<RouteId>)> {
    if let Some((name, _)) = message.binary.iter().find(|(name, _)| name.starts_with("ce_")) {
        return Err((Undeliverable::NotCloudEvent(format!("{name} is not a text")), None));
    }
    let event = Event::from_queue(message.message.clone()).map_err(|reason| (reason, None))?;
    let Some(target) = routes.get(event.kind()) else {
        return Err((Undeliverable::WrongType { found: event.kind().to_owned() }, None));
    };
    let event = event.count_hop().map_err(|reason| (reason, Some(target.route)))?;
    Ok((event, target.clone()))
}

/// Key, headers and value of its record. The key keeps the order that the event asks for, else that of the queue.
pub fn record(event: Event, message: &Incoming) -> (Option<String>, Vec<Header>, Option<Vec<u8>>) {
    let key = event.attribute("partitionkey").map(str::to_owned).or_else(|| message.group.clone());
    let (headers, value) = event.into_kafka();
    (key, headers, value)
}
