//! The dead letters of a bridge: the list, and what can be done with all of them.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use leptos::prelude::*;
use time::OffsetDateTime;

use super::{
    super::{
        asked::{Asked, paging},
        parts::Typed,
        sentence,
    },
    load, load_to_change, place_under, words,
};
use crate::{
    domain::{bridge::Desired, ids::BridgeId},
    manager::{Error, Manager, Page, actor::May, bridges::Bridge, dead_letters::DeadLetter},
    web::{
        paths,
        refusal::{beside_fields, status},
        ui::{
            ButtonKind, ButtonLink, Column, EmptyState, ErrorSummary, Errors, Field, Glyph, Moment, Name, Notice,
            PageHead, Pill, Refused, Submit, Table, Tone, When,
        },
        visit::Visit,
    },
};

struct Model {
    bridge: Bridge,
    may: May,
    is_admin: bool,
    asked: Asked,
    page: Page<DeadLetter>,
    /// For how many days they are kept.
    days: Option<u32>,
}

pub(super) async fn list(
    visit: Visit,
    State(manager): State<Manager>,
    Path(id): Path<String>,
    asked: Asked,
) -> Response {
    let found = async {
        let (bridge, may) = load(&visit, &manager, &id).await?;
        let before = asked.number("before", i64::MAX)?;
        let page = manager.list_dead_letters(&visit.actor(), bridge.id, before, asked.limit()?).await?;
        Ok((bridge, may, page))
    };
    match found.await {
        Ok((bridge, may, page)) => {
            let place = place_under(&bridge, "Dead letters");
            let now = visit.now();
            let model = Arc::new(Model {
                is_admin: visit.is_admin(),
                bridge,
                may,
                asked,
                page,
                days: manager.dead_letter_days(),
            });
            visit.page(place, move || view(&model, now)).await
        }
        Err(error) => visit.refusal(error).await,
    }
}

fn view(model: &Model, now: OffsetDateTime) -> AnyView {
    let (bridge, here) = (&model.bridge, paths::dead_letters(model.bridge.id));
    let until = match model.days {
        Some(1) => "They wait here for a day, and are deleted then.".to_owned(),
        Some(days) => format!("They wait here for {days} days, and are deleted then."),
        None => "They wait here until someone sees to them.".to_owned(),
    };
    let lead = format!("Events that could not be delivered, as they came. {until}");
    if model.page.items.is_empty() {
        let text = "What a bridge cannot deliver, whatever is tried, is kept here instead of being lost.";
        return view! {
            <PageHead title="Dead letters" lead=lead.clone()/>
            <EmptyState glyph=Glyph::Bridge title="No dead letters" text=text action=None/>
        }
        .into_any();
    }
    let columns =
        vec![Column::new("Number"), Column::new("Why"), Column::new("From"), Column::new("Kept"), Column::new("State")];
    let rows = model.page.items.iter().map(|letter| row(bridge.id, letter, now)).collect_view();
    let acts = acts(model);
    view! {
        <PageHead title="Dead letters" lead=lead>{acts}</PageHead>
        <Table caption=format!("Dead letters of {}", bridge.name) columns=columns stacked=true>{rows}</Table>
        {paging(&here, &model.asked, ["dead letter", "dead letters"], &model.page, "before")}
    }
    .into_any()
}

fn acts(model: &Model) -> AnyView {
    let id = model.bridge.id;
    let again = match why_not(&model.bridge, &model.may) {
        Some(why) => view! { <Refused id="redrive" label="Send all again" reason=why/> }.into_any(),
        None => view! {
            <form method="post" action=paths::dead_letters_act(id, "redrive")>
                <Submit glyph=Glyph::Refresh>"Send all again"</Submit>
            </form>
        }
        .into_any(),
    };
    let purge = if model.is_admin {
        let ask = paths::dead_letters_act(id, "purge");
        view! { <ButtonLink href=ask kind=ButtonKind::Danger glyph=Glyph::Trash>"Delete all"</ButtonLink> }.into_any()
    } else {
        view! { <Refused id="purge" label="Delete all" reason="Only an admin may do this."/> }.into_any()
    };
    view! { <div class="actions">{purge}{again}</div> }.into_any()
}

/// Why letters of a bridge cannot be sent again just now.
pub(super) fn why_not(bridge: &Bridge, may: &May) -> Option<String> {
    let stopped = bridge.desired != Desired::Running;
    may.refusal
        .as_deref()
        .map(sentence)
        .or_else(|| stopped.then(|| "The bridge does not run: start it first.".to_owned()))
}

fn row(bridge: BridgeId, letter: &DeadLetter, now: OffsetDateTime) -> impl IntoView + use<> {
    let under = letter.route.as_ref().map(|(event, way)| {
        let text = format!("{event}, {}", way.label());
        view! { <span class="under">{text}</span> }
    });
    view! {
        <tr>
            <th scope="row"><a href=paths::dead_letter(bridge, letter.id)>{letter.id.to_string()}</a></th>
            <td data-label="Why"><div>{sentence(&format!("it {}", letter.detail))}{under}</div></td>
            <td data-label="From"><code><Name text=letter.source.clone()/></code></td>
            <td data-label="Kept"><When moment=Moment::new(letter.created_at, now)/></td>
            <td data-label="State">{fares(letter, now)}</td>
        </tr>
    }
}

/// What is being done about a letter.
pub(super) fn fares(letter: &DeadLetter, now: OffsetDateTime) -> AnyView {
    match (&letter.redrive_at, &letter.redrive_failure) {
        (Some(at), _) => {
            let since = format!("asked for {}", Moment::new(*at, now).words());
            view! { <span class="status"><Pill tone=Tone::Wait label="Being sent"/><span class="status-more">{since}</span></span> }
                .into_any()
        }
        (None, Some(why)) => {
            let why = sentence(why);
            view! { <span class="status"><Pill tone=Tone::Fail label="Failed again"/><span class="status-more">{why}</span></span> }
                .into_any()
        }
        (None, None) => view! { <Pill tone=Tone::Warn label="Waits"/> }.into_any(),
    }
}

pub(super) async fn redrive(visit: Visit, State(manager): State<Manager>, Path(id): Path<String>) -> Response {
    let bridge = match load_to_change(&visit, &manager, &id).await {
        Ok(bridge) => bridge,
        Err(answer) => return answer,
    };
    let back = paths::dead_letters(bridge.id);
    match manager.redrive_dead_letters(&visit.actor(), bridge.id, None).await {
        Ok(0) => visit.done(&back, "All of them are being sent already.").await,
        Ok(count) => {
            let text = match count {
                1 => "1 dead letter is being sent again.".to_owned(),
                n => format!("{n} dead letters are being sent again."),
            };
            visit.done(&back, text).await
        }
        Err(error) => visit.act_refused(&back, error).await,
    }
}

pub(super) async fn ask_purge(visit: Visit, State(manager): State<Manager>, Path(id): Path<String>) -> Response {
    match load_to_change(&visit, &manager, &id).await {
        Ok(bridge) if visit.is_admin() => {
            purge_page(&visit, &manager, StatusCode::OK, bridge, String::new(), Errors::default()).await
        }
        Ok(_) => visit.refusal(Error::Forbidden("only an admin may do this".into())).await,
        Err(answer) => answer,
    }
}

pub(super) async fn purge(
    visit: Visit,
    State(manager): State<Manager>,
    Path(id): Path<String>,
    typed: Typed,
) -> Response {
    let bridge = match load_to_change(&visit, &manager, &id).await {
        Ok(bridge) => bridge,
        Err(answer) => return answer,
    };
    let (up_to, count) = (typed.number("up_to").unwrap_or(0), typed.get("count"));
    let number = count.trim().parse().unwrap_or(-1);
    match manager.purge_dead_letters(&visit.actor(), bridge.id, up_to, number).await {
        Ok(()) => {
            let text = match number {
                1 => "1 dead letter is deleted.".to_owned(),
                n => format!("{} dead letters are deleted.", words::grouped(n)),
            };
            visit.done(&paths::dead_letters(bridge.id), text).await
        }
        Err(error) => match beside_fields(&error) {
            Some(errors) => purge_page(&visit, &manager, status(&error), bridge, count, errors).await,
            None => visit.refusal(error).await,
        },
    }
}

async fn purge_page(
    visit: &Visit,
    manager: &Manager,
    status: StatusCode,
    bridge: Bridge,
    typed: String,
    errors: Errors,
) -> Response {
    // Those that come while the page is read are not meant.
    let newest = match manager.list_dead_letters(&visit.actor(), bridge.id, None, 1).await {
        Ok(page) => page.items.first().map_or(0, |letter| letter.id),
        Err(error) => return visit.refusal(error).await,
    };
    let place = place_under(&bridge, "Delete dead letters").under("Dead letters", paths::dead_letters(bridge.id));
    let model = Arc::new((bridge, typed, errors));
    visit.page_as(status, place, move || purge_view(&model.0, newest, &model.1, &model.2)).await
}

fn purge_view(bridge: &Bridge, newest: i64, typed: &str, errors: &Errors) -> AnyView {
    let count = bridge.dead_letters;
    let title = format!("Delete {} dead letters of “{}”?", words::grouped(count), bridge.name);
    view! {
        <PageHead title=title/>
        <ErrorSummary errors=errors.clone()/>
        <Notice tone=Tone::Warn title="What happens">
            <p>"Their events are lost: nobody can send them again from here. That it was done stands in the history."</p>
        </Notice>
        <form method="post" action=paths::dead_letters_act(bridge.id, "purge") class="form confirm">
            <input type="hidden" name="up_to" value=newest.to_string()/>
            <Field label=format!("Type {count} to confirm") name="count" value=typed.to_owned() error=errors.get("count") mono=true/>
            <p class="row">
                <Submit kind=ButtonKind::Danger glyph=Glyph::Trash>"Delete dead letters"</Submit>
                <ButtonLink href=paths::dead_letters(bridge.id) kind=ButtonKind::Quiet>"Cancel"</ButtonLink>
            </p>
        </form>
    }
    .into_any()
}
