//! An event of a bridge in the form: its directions, each with its queue.

use leptos::prelude::*;

use super::{Model, is_allowed};
use crate::{
    domain::bridge::{Direction, Mode},
    web::{
        pages::{
            bridges::rows::{Row, Rows, field, mode_field, url_field, word},
            sentence,
        },
        ui::{ButtonKind, Errors, Icon, Name, Pill, Tone, field_id},
    },
};

pub(super) fn view(i: usize, row: &Row, model: &Model) -> impl IntoView + use<> {
    let event = model.events.get(&row.key());
    let under = event.map_or_else(|| row.service.clone(), |e| format!("{} {}", e.service, e.contract_version));
    let added =
        (!Rows::of_bridge(&model.bridge).has(&row.key())).then(|| view! { <Pill tone=Tone::Info label="Added"/> });
    let space = &model.bridge.space.name;
    let gone = event.is_none().then(|| {
        let text = format!("No longer flows in {space}: remove it, or deploy an app that publishes it.");
        view! { <p class="hint">{text}</p> }
    });
    let region = &model.bridge.region;
    let example = format!("https://sqs.{region}.{}/<account>/<queue>", region.partition().dns_suffix());
    let directions = Direction::ALL.iter().map(|&direction| {
        let allowed = event.is_none_or(|e| is_allowed(e, direction));
        let ungranted = model
            .bridge
            .routes
            .iter()
            .find(|r| r.service == row.service && r.event == row.event && r.direction == direction && !r.granted);
        let waiting = ungranted.map(|r| match &r.app {
            Some(app) => format!("Access is requested: a contact of {app}, or an admin, grants it."),
            None => "Access is requested: an admin grants it.".to_owned(),
        });
        way(i, row, direction, allowed, waiting, example.clone(), &model.shown.errors)
    });
    let directions = directions.collect_view();
    let remove = format!("Remove {}", row.event);
    view! {
        <li class="route">
            <div class="route-event">
                <span><Name text=row.event.clone()/></span>
                <span class="under">{under}</span>
                {added}
                {gone}
                <input type="hidden" name=field(i, "event") value=row.key()/>
            </div>
            <div class="route-directions">{directions}</div>
            <button type="submit" class=ButtonKind::Quiet.class() name="remove" value=i.to_string() aria-label=remove><span>"Remove"</span></button>
        </li>
    }
}

fn way(
    i: usize,
    row: &Row,
    direction: Direction,
    allowed: bool,
    waiting: Option<String>,
    example: String,
    errors: &Errors,
) -> impl IntoView + use<> {
    let way = row.way(direction);
    let (name, url_name) = (field(i, word(direction)), url_field(i, direction));
    let (id, url_id) = (field_id(&name), field_id(&url_name));
    // The summary names event and direction; beside the field they are in sight.
    let beside = |field: &str| {
        let text = errors.get(field)?;
        let event =
            text.strip_prefix(&row.event).map_or(text.as_str(), |rest| rest.trim_start_matches([',', ':', ' ']));
        let text = event.strip_prefix(direction.label()).and_then(|rest| rest.strip_prefix(": ")).unwrap_or(event);
        Some(sentence(text))
    };
    let (wrong, url_wrong) = (beside(&name), beside(&url_name));
    // What is chosen and no longer allowed can still be given up.
    let refused = !allowed && !way.chosen;
    let why = refused.then_some(match direction {
        Direction::Outbound => "The contract does not let others subscribe to it.",
        Direction::Inbound => "The contract does not let others publish it.",
    });
    let why_id = format!("{id}-why");
    let described = match (&wrong, refused) {
        (Some(_), _) => Some(format!("{id}-error")),
        (None, true) => Some(why_id.clone()),
        (None, false) => None,
    };
    let url_described = url_wrong.is_some().then(|| format!("{url_id}-error"));
    let invalid = |wrong: &Option<String>| wrong.is_some().then_some("true");
    let (wrong_now, url_wrong_now) = (invalid(&wrong), invalid(&url_wrong));
    let label = direction.label();
    let of = format!(", {}", row.event);
    let url_label = format!("Queue URL {label}, {}", row.event);
    let queue = if refused {
        view! { <p class="hint route-why" id=why_id>{why}</p> }.into_any()
    } else {
        view! {
            <div class="route-queue field">
                <label class="unseen" for=url_id.clone()>{url_label}</label>
                <input class="mono" id=url_id.clone() type="text" inputmode="url" name=url_name value=way.url.clone() placeholder=example
                    maxlength="512" autocomplete="off" spellcheck="false" autocapitalize="none"
                    aria-invalid=url_wrong_now aria-describedby=url_described/>
                {error(&url_id, url_wrong)}
                {(direction == Direction::Outbound).then(|| mode(i, row, errors))}
                {waiting.map(|text| view! { <p class="hint">{text}</p> })}
            </div>
        }
        .into_any()
    };
    view! {
        <div class="route-direction">
            <div class="field">
                <div class="choice">
                    <input type="checkbox" id=id.clone() name=name checked=way.chosen disabled=refused
                        aria-invalid=wrong_now aria-describedby=described/>
                    <label for=id.clone()>{label}<span class="unseen">{of}</span></label>
                </div>
            </div>
            {queue}
            {wrong.map(|wrong| view! { <div class="route-error">{error(&id, Some(wrong))}</div> })}
        </div>
    }
}

/// How the events go to their queue.
fn mode(i: usize, row: &Row, errors: &Errors) -> impl IntoView + use<> {
    let name = mode_field(i);
    let id = field_id(&name);
    let wrong = errors.get(&name).map(|text| sentence(&text));
    let invalid = wrong.is_some().then_some("true");
    let described = wrong.is_some().then(|| format!("{id}-error"));
    let options = Mode::ALL.iter().map(|mode| {
        let chosen = *mode == row.to.mode;
        view! { <option value=mode.as_str() selected=chosen>{mode.label()}</option> }
    });
    let options = options.collect_view();
    view! {
        <div class="route-mode">
            <label for=id.clone()>"Send "<span class="unseen">{row.event.clone()}</span></label>
            <select id=id.clone() name=name aria-invalid=invalid aria-describedby=described>{options}</select>
        </div>
        {error(&id, wrong)}
    }
}

fn error(id: &str, wrong: Option<String>) -> impl IntoView + use<> {
    let id = format!("{id}-error");
    wrong.map(|wrong| view! { <p class="field-error" id=id><Icon glyph=Tone::Fail.glyph()/><span>{wrong}</span></p> })
}
