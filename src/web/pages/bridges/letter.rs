//! One dead letter: why it is there, the event as it came, and sending it again.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    response::Response,
};
use leptos::prelude::*;
use time::OffsetDateTime;

use super::{
    super::sentence,
    letters::{fares, why_not},
    load, load_letter_to_change, load_to_change, place_under,
};
use crate::{
    domain::dead_letter::{Bytes, Kept, KeptMessage, KeptRecord},
    manager::{Error, Manager, actor::May, bridges::Bridge, dead_letters::DeadLetter},
    web::{
        paths,
        ui::{
            ButtonKind, ButtonLink, Code, Column, Fact, Facts, Glyph, Moment, Name, Notice, PageHead, Panel, Refused,
            Submit, Table, Tone, When,
        },
        visit::Visit,
    },
};

struct Model {
    bridge: Bridge,
    may: May,
    letter: DeadLetter,
    /// For those who may see it.
    kept: Option<Kept>,
    is_admin: bool,
}

async fn find(visit: &Visit, manager: &Manager, bridge: &str, number: &str) -> Result<Model, Error> {
    let (bridge, may) = load(visit, manager, bridge).await?;
    let missing = || Error::NotFound("dead letter");
    let number: i64 = number.parse().map_err(|_| missing())?;
    if may.refusal.is_none() {
        let (letter, kept) = manager.read_dead_letter(&visit.actor(), bridge.id, number).await?;
        return Ok(Model { bridge, may, letter, kept: Some(kept), is_admin: visit.is_admin() });
    }
    let page = manager.list_dead_letters(&visit.actor(), bridge.id, Some(number.saturating_add(1)), 1).await?;
    let letter = page.items.into_iter().find(|letter| letter.id == number).ok_or_else(missing)?;
    Ok(Model { bridge, may, letter, kept: None, is_admin: visit.is_admin() })
}

pub(super) async fn show(
    visit: Visit,
    State(manager): State<Manager>,
    Path((bridge, number)): Path<(String, String)>,
) -> Response {
    match find(&visit, &manager, &bridge, &number).await {
        Ok(model) => {
            let title = format!("Dead letter {}", model.letter.id);
            let place = place_under(&model.bridge, &title)
                .under("Dead letters", paths::dead_letters(model.bridge.id))
                .with_islands();
            let (model, now) = (Arc::new(model), visit.now());
            visit.page(place, move || view(&model, now)).await
        }
        Err(error) => visit.refusal(error).await,
    }
}

pub(super) async fn redrive(
    visit: Visit,
    State(manager): State<Manager>,
    Path((bridge, number)): Path<(String, String)>,
) -> Response {
    let (bridge, number) = match load_letter_to_change(&visit, &manager, &bridge, &number).await {
        Ok(found) => found,
        Err(answer) => return answer,
    };
    let result = manager.redrive_dead_letters(&visit.actor(), bridge.id, Some(number)).await.map(drop);
    let done = format!("Dead letter {number} is being sent again.");
    visit.after_act(&paths::dead_letters(bridge.id), result, done).await
}

/// Before deleting: what is lost by it.
pub(super) async fn ask_delete(
    visit: Visit,
    State(manager): State<Manager>,
    Path((bridge, number)): Path<(String, String)>,
) -> Response {
    let bridge = match load_to_change(&visit, &manager, &bridge).await {
        Ok(bridge) if visit.is_admin() => bridge,
        Ok(_) => return visit.refusal(Error::Forbidden("only an admin may do this".into())).await,
        Err(answer) => return answer,
    };
    let Ok(number) = number.parse::<i64>() else { return visit.refusal(Error::NotFound("dead letter")).await };
    // Its event is not looked at for this.
    let before = Some(number.saturating_add(1));
    let found = match manager.list_dead_letters(&visit.actor(), bridge.id, before, 1).await {
        Ok(page) => page.items.into_iter().find(|letter| letter.id == number),
        Err(error) => return visit.refusal(error).await,
    };
    let Some(letter) = found else { return visit.refusal(Error::NotFound("dead letter")).await };
    let place = place_under(&bridge, "Delete dead letter").under("Dead letters", paths::dead_letters(bridge.id));
    let model = Arc::new((bridge, letter));
    visit.page(place, move || delete_view(&model.0, &model.1)).await
}

pub(super) async fn delete(
    visit: Visit,
    State(manager): State<Manager>,
    Path((bridge, number)): Path<(String, String)>,
) -> Response {
    let (bridge, number) = match load_letter_to_change(&visit, &manager, &bridge, &number).await {
        Ok(found) => found,
        Err(answer) => return answer,
    };
    match manager.purge_dead_letter(&visit.actor(), bridge.id, number).await {
        Ok(()) => visit.done(&paths::dead_letters(bridge.id), format!("Dead letter {number} is deleted.")).await,
        Err(error) => visit.refusal(error).await,
    }
}

fn delete_view(bridge: &Bridge, letter: &DeadLetter) -> AnyView {
    let (back, source) = (paths::dead_letter(bridge.id, letter.id), letter.source.clone());
    view! {
        <PageHead title=format!("Delete dead letter {}?", letter.id) lead=sentence(&format!("the event {}", letter.detail))/>
        <Facts>
            <Fact label="From"><code><Name text=source/></code></Fact>
        </Facts>
        <Notice tone=Tone::Warn title="What happens">
            <p>"Its event is lost: nobody can send it again from here. That it was done stands in the history."</p>
        </Notice>
        <form method="post" action=paths::dead_letter_act(bridge.id, letter.id, "delete") class="row">
            <Submit kind=ButtonKind::Danger glyph=Glyph::Trash>"Delete dead letter"</Submit>
            <ButtonLink href=back kind=ButtonKind::Quiet>"Cancel"</ButtonLink>
        </form>
    }
    .into_any()
}

fn view(model: &Model, now: OffsetDateTime) -> AnyView {
    let Model { bridge, may, letter, kept, is_admin } = model;
    let act = match (why_not(bridge, may), letter.redrive_at) {
        (Some(why), _) => view! { <Refused id="redrive" label="Send again" reason=why/> }.into_any(),
        (None, Some(_)) => {
            view! { <Refused id="redrive" label="Send again" reason="It is being sent already."/> }.into_any()
        }
        (None, None) => view! {
            <form method="post" action=paths::dead_letter_act(bridge.id, letter.id, "redrive")>
                <Submit glyph=Glyph::Refresh>"Send again"</Submit>
            </form>
        }
        .into_any(),
    };
    let delete = if *is_admin {
        let ask = paths::dead_letter_act(bridge.id, letter.id, "delete");
        view! { <ButtonLink href=ask kind=ButtonKind::Danger glyph=Glyph::Trash>"Delete"</ButtonLink> }.into_any()
    } else {
        view! { <Refused id="delete" label="Delete" reason="Only an admin may do this."/> }.into_any()
    };
    let edit = match (may.refusal.is_none(), letter.redrive_at) {
        (true, None) => {
            let edit = paths::dead_letter_act(bridge.id, letter.id, "edit");
            view! { <ButtonLink href=edit glyph=Glyph::Pencil>"Change the event"</ButtonLink> }.into_any()
        }
        (true, Some(_)) => {
            view! { <Refused id="edit" label="Change the event" reason="It is being sent already."/> }.into_any()
        }
        (false, _) => {
            let why = sentence(may.refusal.as_deref().unwrap_or_default());
            view! { <Refused id="edit" label="Change the event" reason=why/> }.into_any()
        }
    };
    let edited = letter.edited_at.map(|at| {
        let at = Moment::new(at, now);
        let restore = (may.refusal.is_none() && letter.redrive_at.is_none()).then(|| {
            view! {
                <form method="post" action=paths::dead_letter_act(bridge.id, letter.id, "restore") class="row">
                    <Submit glyph=Glyph::Refresh>"Put it back as it came"</Submit>
                </form>
            }
        });
        view! {
            <Notice tone=Tone::Info title="The event was changed since it came.">
                <p>"It was changed "<When moment=at/>"; by whom stands in the history."</p>
                {restore}
            </Notice>
        }
    });
    let route = match &letter.route {
        Some((event, way)) => format!("{event}, {}", way.label()),
        None => "None that is known".to_owned(),
    };
    let event = match kept {
        Some(Kept::Record(kept)) => record(kept, letter),
        Some(Kept::Message(kept)) => message(kept, letter),
        None => {
            let why = may.refusal.clone().unwrap_or_default();
            view! { <Notice tone=Tone::Info title="The event is not shown."><p>{sentence(&why)}</p></Notice> }
                .into_any()
        }
    };
    let (state, reason, source) = (fares(letter, now), letter.reason.clone(), letter.source.clone());
    let kept_at = Moment::new(letter.created_at, now);
    view! {
        <PageHead title=format!("Dead letter {}", letter.id) lead=sentence(&format!("the event {}", letter.detail))>
            <div class="actions">{delete}{edit}{act}</div>
        </PageHead>
        {edited}
        <Panel id="letter" title="Details">
            <Facts>
                <Fact label="State">{state}</Fact>
                <Fact label="Reason"><code>{reason}</code></Fact>
                <Fact label="Route">{route}</Fact>
                <Fact label="From"><code><Name text=source/></code></Fact>
                <Fact label="Kept"><When moment=kept_at/></Fact>
            </Facts>
        </Panel>
        {event}
    }
    .into_any()
}

/// Bytes as people can read them.
fn shown(bytes: &[u8]) -> String {
    match str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => hex(bytes),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}

fn form(bytes: &[u8]) -> &'static str {
    if str::from_utf8(bytes).is_ok() { "" } else { ", not text: shown as hexadecimal bytes" }
}

fn record(kept: &KeptRecord, letter: &DeadLetter) -> AnyView {
    let text = |bytes: &Option<Bytes>| bytes.as_ref().map_or_else(|| "none".to_owned(), |bytes| shown(&bytes.0));
    let headers: Vec<_> = kept.headers.iter().map(|(name, value)| (name.clone(), text(value))).collect();
    let value = kept.value.as_ref().map(|bytes| (shown(&bytes.0), form(&bytes.0)));
    let facts = vec![("Key", text(&kept.key))];
    event(letter, facts, "Header", headers, value)
}

fn message(kept: &KeptMessage, letter: &DeadLetter) -> AnyView {
    let texts = kept.attributes.iter().cloned();
    let binary = kept.binary.iter().map(|(name, bytes)| (name.clone(), format!("{} (bytes)", hex(&bytes.0))));
    let facts = kept.group.iter().map(|group| ("Message group", group.clone())).collect();
    event(letter, facts, "Attribute", texts.chain(binary).collect(), Some((kept.body.clone(), "")))
}

fn event(
    letter: &DeadLetter,
    facts: Vec<(&'static str, String)>,
    what: &'static str,
    pairs: Vec<(String, String)>,
    body: Option<(String, &'static str)>,
) -> AnyView {
    let facts: Vec<_> = facts
        .into_iter()
        .map(|(label, text)| view! { <Fact label=label><code><Name text=text/></code></Fact> })
        .collect();
    let rows = pairs.into_iter().map(|(name, value)| {
        view! {
            <tr>
                <th scope="row"><code><Name text=name/></code></th>
                <td data-label="Value"><code><Name text=value/></code></td>
            </tr>
        }
    });
    let rows: Vec<_> = rows.collect();
    let table = if rows.is_empty() {
        view! { <p class="secondary">"It came without any."</p> }.into_any()
    } else {
        let columns = vec![Column::new(what), Column::new("Value")];
        view! { <Table caption="What came with the event" columns=columns stacked=true>{rows}</Table> }.into_any()
    };
    let body = match body {
        Some((text, form)) => view! { <Code id="body" label=format!("Body{form}") text=text/> }.into_any(),
        None => view! { <p class="secondary">"It has no body: a tombstone."</p> }.into_any(),
    };
    let title = if letter.edited_at.is_some() { "The event as it was changed" } else { "The event as it came" };
    view! {
        <Panel id="event" title=title lead="That it was looked at stands in the history.">
            {(!facts.is_empty()).then(|| view! { <Facts>{facts}</Facts> })}
            {table}
            {body}
        </Panel>
    }
    .into_any()
}
