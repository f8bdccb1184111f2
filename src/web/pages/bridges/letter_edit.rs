//! Changing the event of a dead letter, so that it can be delivered, and putting it back as it came.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use leptos::prelude::*;

use super::{super::parts::Typed, load_letter_to_change, place_under};
use crate::{
    domain::dead_letter::{Bytes, Kept},
    manager::{Error, FieldError, Manager, bridges::Bridge},
    web::{
        paths,
        refusal::{beside_fields, status},
        ui::{ButtonKind, ButtonLink, ErrorSummary, Errors, Field, PageHead, Submit, TextArea},
        visit::Visit,
    },
};

/// The largest body that is changed on a page, in bytes.
const MOST: usize = 256 * 1024;

/// Text that a line of a form carries unharmed.
fn line(bytes: &[u8]) -> Option<&str> {
    str::from_utf8(bytes).ok().filter(|text| !text.contains(char::is_control))
}

/// Text that several lines of a form carry unharmed, but for the kind of their ends.
fn lines(bytes: &[u8]) -> Option<&str> {
    let harmed = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    str::from_utf8(bytes).ok().filter(|text| !text.contains(harmed) && text.replace("\r\n", "").find('\r').is_none())
}

/// A header or attribute as a line `name: value`; `None` where it has to stay as it is.
fn pair(name: &str, value: Option<&[u8]>) -> Option<String> {
    let value = line(value?)?;
    let plain = !name.is_empty() && !name.contains(':') && line(name.as_bytes()).is_some() && name.trim() == name;
    (plain && value.trim() == value).then(|| format!("{name}: {value}"))
}

/// What of an event can be changed on the page; fields that are absent stay as they are.
fn shown(kept: &Kept) -> Typed {
    let mut typed = Typed::default();
    let (key, pairs, body): (_, Vec<_>, _) = match kept {
        Kept::Record(record) => {
            let key = record.key.as_ref().map_or(Some(String::new()), |key| line(&key.0).map(str::to_owned));
            let pairs = record.headers.iter().filter_map(|(name, value)| pair(name, value.as_ref().map(|v| &*v.0)));
            let body = record.value.as_ref().map_or(Some(String::new()), |value| lines(&value.0).map(str::to_owned));
            (key, pairs.collect(), body)
        }
        Kept::Message(message) => {
            let group = message.group.clone().unwrap_or_default();
            let pairs = message.attributes.iter().filter_map(|(name, value)| pair(name, Some(value.as_bytes())));
            let body = lines(message.body.as_bytes()).map(str::to_owned);
            (line(group.as_bytes()).map(str::to_owned), pairs.collect(), body)
        }
    };
    for (name, value) in [("key", key), ("pairs", Some(pairs.join("\n"))), ("body", body)] {
        if let Some(value) = value {
            typed.push(name.to_owned(), value);
        }
    }
    typed
}

/// The lines `name: value` that were typed.
fn pairs(typed: &str) -> Result<Vec<(String, String)>, Error> {
    let parted = |line: &str| {
        let (name, value) = line.split_once(':').filter(|(name, _)| !name.trim().is_empty()).ok_or_else(|| {
            let start: String = line.chars().take(40).collect();
            Error::Invalid(vec![FieldError::new("pairs", format!("has a line without a name and a colon: “{start}”"))])
        })?;
        Ok((name.trim().to_owned(), value.trim().to_owned()))
    };
    typed.lines().filter(|line| !line.trim().is_empty()).map(parted).collect()
}

/// A text with the line ends that the one before it had: forms make their own of them.
fn text(typed: &str, before: &str) -> String {
    let plain = typed.replace("\r\n", "\n");
    if plain == before.replace("\r\n", "\n") {
        before.to_owned()
    } else if before.contains("\r\n") {
        plain.replace('\n', "\r\n")
    } else {
        plain
    }
}

/// The event with what was typed.
fn changed(kept: Kept, typed: &Typed) -> Result<Kept, Error> {
    let before = shown(&kept);
    let typed_if_shown = |name: &str| before.find(name).and_then(|_| typed.find(name));
    let new_pairs = pairs(&typed.get("pairs"))?;
    Ok(match kept {
        Kept::Record(mut record) => {
            if let Some(key) = typed_if_shown("key") {
                let was_empty = record.key.as_ref().is_some_and(|key| key.0.is_empty());
                record.key = (!key.is_empty() || was_empty).then(|| Bytes(key.as_bytes().to_vec()));
            }
            // What no line can carry stays, behind those that one can.
            record.headers.retain(|(name, value)| pair(name, value.as_ref().map(|v| &*v.0)).is_none());
            let new = new_pairs.into_iter().map(|(name, value)| (name, Some(Bytes(value.into_bytes()))));
            record.headers = new.chain(std::mem::take(&mut record.headers)).collect();
            // Whoever changes it has seen which are there.
            record.headers_lost = false;
            if let Some(body) = typed_if_shown("body") {
                let before = record.value.as_ref().and_then(|value| str::from_utf8(&value.0).ok());
                let body = text(body, before.unwrap_or_default());
                record.value = (before.is_some() || !body.is_empty()).then(|| Bytes(body.into_bytes()));
            }
            Kept::Record(record)
        }
        Kept::Message(mut message) => {
            if let Some(group) = typed_if_shown("key") {
                message.group = Some(group.to_owned()).filter(|group| !group.is_empty());
            }
            message.attributes.retain(|(name, value)| pair(name, Some(value.as_bytes())).is_none());
            message.attributes = new_pairs.into_iter().chain(std::mem::take(&mut message.attributes)).collect();
            if let Some(body) = typed_if_shown("body") {
                message.body = text(body, &message.body);
            }
            Kept::Message(message)
        }
    })
}

struct Model {
    bridge: Bridge,
    number: i64,
    revision: i64,
    is_record: bool,
    typed: Typed,
    errors: Errors,
}

pub(super) async fn edit(
    visit: Visit,
    State(manager): State<Manager>,
    Path((bridge, number)): Path<(String, String)>,
) -> Response {
    let (bridge, number) = match load_letter_to_change(&visit, &manager, &bridge, &number).await {
        Ok(found) => found,
        Err(answer) => return answer,
    };
    let (letter, kept) = match manager.read_dead_letter(&visit.actor(), bridge.id, number).await {
        Ok(found) => found,
        Err(error) => return visit.refusal(error).await,
    };
    if kept.body().is_some_and(|body| body.len() > MOST) {
        let back = paths::dead_letter(bridge.id, number);
        return visit.refused(&back, "This event is too large to be changed on a page: use the API.".to_owned()).await;
    }
    let (typed, is_record) = (shown(&kept), matches!(kept, Kept::Record(_)));
    let model = Model { bridge, number, revision: letter.revision, is_record, typed, errors: Errors::default() };
    page(&visit, StatusCode::OK, model).await
}

pub(super) async fn save(
    visit: Visit,
    State(manager): State<Manager>,
    Path((bridge, number)): Path<(String, String)>,
    typed: Typed,
) -> Response {
    let (bridge, number) = match load_letter_to_change(&visit, &manager, &bridge, &number).await {
        Ok(found) => found,
        Err(answer) => return answer,
    };
    let revision = typed.number("revision");
    match manager.edit_dead_letter(&visit.actor(), bridge.id, number, revision, |kept| changed(kept, &typed)).await {
        Ok(()) => {
            let back = paths::dead_letter(bridge.id, number);
            visit.done(&back, "The event is changed. Send it again when it is right.".to_owned()).await
        }
        Err(error) => match beside_fields(&error) {
            Some(errors) => {
                let is_record = typed.has("record");
                let revision = revision.unwrap_or_default();
                let model = Model { bridge, number, revision, is_record, typed, errors };
                page(&visit, status(&error), model).await
            }
            None => visit.refusal(error).await,
        },
    }
}

pub(super) async fn restore(
    visit: Visit,
    State(manager): State<Manager>,
    Path((bridge, number)): Path<(String, String)>,
) -> Response {
    let (bridge, number) = match load_letter_to_change(&visit, &manager, &bridge, &number).await {
        Ok(found) => found,
        Err(answer) => return answer,
    };
    let result = manager.restore_dead_letter(&visit.actor(), bridge.id, number).await;
    let done = "The event is as it came again.".to_owned();
    visit.after_act(&paths::dead_letter(bridge.id, number), result, done).await
}

async fn page(visit: &Visit, status: StatusCode, model: Model) -> Response {
    let place = place_under(&model.bridge, "Change the event")
        .under("Dead letters", paths::dead_letters(model.bridge.id))
        .under(format!("Dead letter {}", model.number), paths::dead_letter(model.bridge.id, model.number));
    let model = Arc::new(model);
    visit.page_as(status, place, move || view(&model)).await
}

fn view(model: &Model) -> AnyView {
    let Model { bridge, number, revision, is_record, typed, errors } = model;
    let (key, what, of) =
        if *is_record { ("Key", "Headers", "the record") } else { ("Message group", "Attributes", "the message") };
    let key = typed.has("key").then(|| {
        view! { <Field label=key name="key" value=typed.get("key") error=errors.get("key") required=false mono=true/> }
    });
    let body = if typed.has("body") {
        view! { <TextArea label="Body" name="body" value=typed.get("body") error=errors.get("body") rows=16 required=false mono=true/> }
            .into_any()
    } else {
        view! { <p class="secondary">"The body is no text: it stays as it is."</p> }.into_any()
    };
    let hint = format!("One in a line, as “ce_type: OrderPlaced”. What no line can hold stays with {of} as it is.");
    view! {
        <PageHead title="Change the event" lead="It can be sent again afterwards, and be put back as it came. That it was changed stands in the history."/>
        <ErrorSummary errors=errors.clone()/>
        <form method="post" action=paths::dead_letter_act(bridge.id, *number, "edit") class="form">
            <input type="hidden" name="revision" value=revision.to_string()/>
            {is_record.then(|| view! { <input type="hidden" name="record" value="on"/> })}
            {key}
            <TextArea label=what name="pairs" value=typed.get("pairs") error=errors.get("pairs") rows=8 required=false mono=true hint=hint/>
            {body}
            <p class="row">
                <Submit kind=ButtonKind::Primary>"Save the event"</Submit>
                <ButtonLink href=paths::dead_letter(bridge.id, *number) kind=ButtonKind::Quiet>"Cancel"</ButtonLink>
            </p>
        </form>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::dead_letter::{KeptMessage, KeptRecord};

    fn record() -> KeptRecord {
        let bytes = |text: &[u8]| Some(Bytes(text.to_vec()));
        KeptRecord {
            topic: "t".into(),
            partition: 0,
            offset: 1,
            timestamp: 2,
            key: bytes(b"k"),
            headers: vec![
                ("ce_id".into(), bytes(b"1")),
                ("bytes".into(), bytes(b"\xff")),
                ("none".into(), None),
                ("spaced".into(), bytes(b" x ")),
                ("a:b".into(), bytes(b"x")),
                ("empty".into(), bytes(b"")),
            ],
            headers_lost: false,
            value: bytes(b"{\r\n}\r\n"),
        }
    }

    #[test]
    fn what_is_shown_and_not_touched_comes_back_as_it_was() {
        let mut untouched = record();
        let typed = shown(&Kept::Record(untouched.clone()));
        assert_eq!(typed.get("pairs"), "ce_id: 1\nempty: ");
        untouched.headers.sort_by(|a, b| a.0.cmp(&b.0));
        let Kept::Record(mut back) = changed(Kept::Record(record()), &typed).unwrap() else { panic!() };
        back.headers.sort_by(|a, b| a.0.cmp(&b.0));
        assert_eq!(back, untouched);
        // As a browser sends it.
        let sent =
            Typed::of([("key", "k".into()), ("pairs", "ce_id: 1\r\nempty: ".into()), ("body", "{\r\n}\r\n".into())]);
        let Kept::Record(mut back) = changed(Kept::Record(record()), &sent).unwrap() else { panic!() };
        back.headers.sort_by(|a, b| a.0.cmp(&b.0));
        assert_eq!(back, untouched);
    }

    #[test]
    fn what_was_typed_is_there_and_line_ends_stay_what_they_were() {
        let typed = Typed::of([
            ("key", String::new()),
            ("pairs", "ce_id: 2\n\n  ce_type :  a: b ".into()),
            ("body", "{\r\n1}\r\n".into()),
        ]);
        let mut unix = record();
        unix.value = Some(Bytes(b"{\n}\n".to_vec()));
        let Kept::Record(back) = changed(Kept::Record(unix), &typed).unwrap() else { panic!() };
        assert_eq!((back.key, back.value), (None, Some(Bytes(b"{\n1}\n".to_vec()))));
        let first: Vec<_> = back.headers.iter().take(2).cloned().collect();
        let pair = |name: &str, value: &str| (name.to_owned(), Some(Bytes(value.as_bytes().to_vec())));
        assert_eq!(first, [pair("ce_id", "2"), pair("ce_type", "a: b")]);
        let refused = changed(Kept::Record(record()), &Typed::of([("pairs", "no colon".into())])).unwrap_err();
        assert!(refused.to_string().contains("without a name and a colon: “no colon”"), "{refused}");
    }

    #[test]
    fn a_body_that_is_no_text_and_what_was_not_sent_stay() {
        let mut binary = record();
        binary.value = Some(Bytes(vec![0xff, 0]));
        assert!(!shown(&Kept::Record(binary.clone())).has("body"));
        let forged = Typed::of([("pairs", String::new()), ("body", "x".into())]);
        let Kept::Record(back) = changed(Kept::Record(binary.clone()), &forged).unwrap() else { panic!() };
        assert_eq!((back.key, back.value), (binary.key, binary.value));
        let message = KeptMessage {
            queue: "q".into(),
            message_id: "m".into(),
            group: Some("g".into()),
            attributes: vec![("a".into(), "x\ny".into())],
            binary: vec![("b".into(), Bytes(vec![1]))],
            body: "{}".into(),
        };
        let typed = Typed::of([("key", String::new()), ("pairs", "c: d".into()), ("body", "[]".into())]);
        let Kept::Message(back) = changed(Kept::Message(message.clone()), &typed).unwrap() else { panic!() };
        assert_eq!((back.group, back.body.as_str(), back.binary), (None, "[]", message.binary));
        assert_eq!(back.attributes, [("c".to_owned(), "d".to_owned()), ("a".to_owned(), "x\ny".to_owned())]);
    }
}
