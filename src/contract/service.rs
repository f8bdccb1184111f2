//! What a document says about the service as a whole (section "Info Object").

use super::{display, reader::Reader, reference::Found};
use crate::domain::names::ServiceKey;

/// The member that names a service's key, in `info` or at the root.
pub const KEY: &str = "x-ebm-service";

/// Characters in a title.
const MAX_TITLE: usize = 200;
/// Characters in a version.
const MAX_VERSION: usize = 100;
/// Characters in a description, of a service or an event.
pub const MAX_DESCRIPTION: usize = 10_000;

/// A service, without its channels.
pub struct Service {
    /// Its key.
    pub key: ServiceKey,
    /// Its title.
    pub title: String,
    /// Its version.
    pub version: String,
    /// Its description.
    pub description: String,
}

/// Reads `info`; `None` with a problem.
pub fn read(reader: &mut Reader<'_>) -> Option<Service> {
    let root = Found { pointer: String::new(), value: reader.root };
    let info = root.member("info")?;
    let title = display::line(info.text("title")?, MAX_TITLE);
    let version = display::line(info.text("version")?, MAX_VERSION);
    let description = display::paragraphs(info.text("description").unwrap_or_default(), MAX_DESCRIPTION);
    if title.is_empty() {
        reader.problems.add("/info/title", "is empty: give the service a name");
        return None;
    }
    let key = match info.member(KEY).or_else(|| root.member(KEY)) {
        Some(key) => chosen(reader, &key)?,
        None => of_title(reader, &title)?,
    };
    Some(Service { key, title, version, description })
}

fn of_title(reader: &mut Reader<'_>, title: &str) -> Option<ServiceKey> {
    let key = ServiceKey::from_title(title);
    if key.is_none() {
        let message = format!("has no letter a-z or digit to make a key of: add {KEY} with a key beside it");
        reader.problems.add("/info/title", message);
    }
    key
}

fn chosen(reader: &mut Reader<'_>, key: &Found<'_>) -> Option<ServiceKey> {
    let Some(text) = key.value.as_str() else {
        reader.problems.add(&*key.pointer, "must be a text: the key of the service");
        return None;
    };
    text.parse()
        .map_err(|invalid| reader.problems.add(&*key.pointer, format!("as the key of a service {invalid}")))
        .ok()
}
