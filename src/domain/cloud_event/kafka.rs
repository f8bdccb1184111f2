//! Kafka's side: headers and value.

use std::borrow::Cow;

use super::{CONTENT_TYPE, DATA, DATA_BASE64, DATA_CONTENT_TYPE, Event, PREFIX, Undeliverable, is_structured, json};

/// A header of a record: its name, and its value, which may be null.
pub type Header = (String, Option<Vec<u8>>);

fn is_content_type(name: &str) -> bool {
    name.eq_ignore_ascii_case(CONTENT_TYPE)
}

fn text(value: Option<&Vec<u8>>) -> Option<&str> {
    value.and_then(|value| str::from_utf8(value).ok())
}

/// The `type` of a record, as far as it can be had without judging the record. An empty one counts as absent.
pub fn kind<'a>(headers: &'a [Header], value: Option<&[u8]>) -> Option<Cow<'a, str>> {
    let content_type =
        headers.iter().find(|(name, _)| is_content_type(name)).and_then(|(_, value)| text(value.as_ref()));
    if content_type.is_some_and(|content_type| is_structured(content_type) == Some(true)) {
        return json::kind(value?).filter(|kind| !kind.is_empty()).map(Cow::Owned);
    }
    let mut types = headers.iter().filter(|(name, _)| name.strip_prefix(PREFIX) == Some("type"));
    let (_, value) = types.find(|(_, value)| value.as_ref().is_some_and(|value| !value.is_empty()))?;
    text(value.as_ref()).map(Cow::Borrowed)
}

impl Event {
    /// Reads a record (*Kafka Protocol Binding*, 3.2 binary and 3.3 structured mode).
    ///
    /// Headers with a null or empty value count as absent. Only `ce_` headers and the content type may not be given
    /// twice; of any other name the last one counts, as Kafka's own clients have it.
    pub fn from_kafka(headers: &[Header], value: Option<Vec<u8>>) -> Result<Self, Undeliverable> {
        let mut attributes: Vec<(String, String)> = Vec::with_capacity(headers.len());
        let mut foreign: Vec<(String, String)> = Vec::new();
        let mut content_type: Option<String> = None;
        for (name, value) in headers {
            let value = value.as_deref().filter(|value| !value.is_empty());
            let text = |value: &[u8]| str::from_utf8(value).map(str::to_owned).map_err(|_| not_text(name));
            if is_content_type(name) || name.strip_prefix(PREFIX) == Some(DATA_CONTENT_TYPE) {
                let Some(value) = value else { continue };
                if content_type.replace(text(value)?).is_some() {
                    return Err(Undeliverable::Headers("the content type is there twice".into()));
                }
            } else if let Some(attribute) = name.strip_prefix(PREFIX) {
                if matches!(attribute, "" | DATA | DATA_BASE64) {
                    return Err(Undeliverable::NotCloudEvent(format!("{name} cannot be the name of an attribute")));
                }
                let Some(value) = value else { continue };
                if attributes.iter().any(|(earlier, _)| earlier == attribute) {
                    return Err(Undeliverable::Headers(format!("{name} is there twice")));
                }
                attributes.push((attribute.to_owned(), text(value)?));
            } else if let Some(value) = value.and_then(|value| text(value).ok()) {
                foreign.retain(|(earlier, _)| earlier != name);
                foreign.push((name.clone(), value));
            }
        }
        match content_type.as_deref().map_or(Some(false), is_structured) {
            None => Err(Undeliverable::NotCloudEvent("only the JSON form of structured mode can be carried".into())),
            Some(true) => {
                let body =
                    value.ok_or_else(|| Undeliverable::NotCloudEvent("the structured body is missing".into()))?;
                Self::from_structured(content_type.unwrap_or_default(), body, &attributes, foreign)
            }
            Some(false) => Self { attributes, content_type, data: value, foreign, structured: None }.require(),
        }
    }

    /// Reads the JSON form; attributes beside it must say the same.
    pub(super) fn from_structured(
        content_type: String,
        body: Vec<u8>,
        beside: &[(String, String)],
        foreign: Vec<(String, String)>,
    ) -> Result<Self, Undeliverable> {
        let mut event = json::read(content_type, body)?;
        if let Some((name, _)) = beside.iter().find(|(name, value)| event.attribute(name) != Some(value)) {
            return Err(Undeliverable::Conflict(format!("{PREFIX}{name} beside the body is not what the body says")));
        }
        event.foreign = foreign;
        Ok(event)
    }

    /// The event as a record in binary mode: headers and value.
    pub fn into_kafka(self) -> (Vec<Header>, Option<Vec<u8>>) {
        let attributes = self.attributes.into_iter().map(|(name, value)| (format!("{PREFIX}{name}"), value));
        let content_type = self.content_type.map(|value| (CONTENT_TYPE.to_owned(), value));
        let headers = attributes
            .chain(content_type)
            .chain(self.foreign)
            .map(|(name, value)| (name, Some(value.into_bytes())))
            .collect();
        (headers, self.data)
    }
}

fn not_text(name: &str) -> Undeliverable {
    Undeliverable::NotCloudEvent(format!("{name} is not UTF-8"))
}
