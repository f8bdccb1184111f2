//! Moving an environment to another Space: choose it, see what is gained and lost, apply.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Path, State},
    http::StatusCode,
    response::Response,
    routing::get,
};
use leptos::prelude::*;

use super::{asked::Asked, parts::Typed};
use crate::{
    domain::grant::Access,
    manager::{
        Error, Manager,
        actor::Right,
        apps::EnvironmentView,
        moves::{Reach, Rehearsal, Unread},
    },
    web::{
        Web, paths,
        refusal::{beside_fields, status},
        ui::{
            Action, ButtonKind, ButtonLink, Choice, Column, EmptyState, ErrorSummary, Errors, Fact, Facts, Glyph, Name,
            Notice, PageHead, Panel, Refused, Section, Select, Submit, Table, Tone,
        },
        visit::{Place, Visit},
    },
};

pub(super) fn router() -> Router<Web> {
    Router::new().route("/apps/{app}/environments/{environment}/space", get(rehearse).post(apply))
}

type Keys = Path<(String, String)>;

/// What the page shows.
struct Model {
    view: EnvironmentView,
    spaces: Vec<Choice>,
    to: String,
    rehearsal: Option<Rehearsal>,
    errors: Errors,
}

async fn rehearse(visit: Visit, State(manager): State<Manager>, Path((app, key)): Keys, asked: Asked) -> Response {
    let to = match asked.text("to") {
        Ok(to) => to.to_owned(),
        Err(error) => return visit.refusal(error).await,
    };
    page(&visit, &manager, (&app, &key), to, Errors::default(), StatusCode::OK).await
}

async fn apply(visit: Visit, State(manager): State<Manager>, Path((app, key)): Keys, typed: Typed) -> Response {
    let (to, version) = (typed.get("to"), typed.get("plan_version"));
    match manager.move_environment(&visit.actor(), &app, &key, &to, &version).await {
        Ok(rehearsal) => {
            let text = format!("{app}.{key} is in the Space {} now; it was in {}.", rehearsal.to, rehearsal.from);
            visit.done(&paths::environment(&app, &key), text).await
        }
        Err(error @ Error::Forbidden(_)) => visit.refusal(error).await,
        Err(error) => match beside_fields(&error) {
            Some(errors) => page(&visit, &manager, (&app, &key), to, errors, status(&error)).await,
            None => visit.refusal(error).await,
        },
    }
}

async fn page(
    visit: &Visit,
    manager: &Manager,
    (app, key): (&str, &str),
    to: String,
    errors: Errors,
    status: StatusCode,
) -> Response {
    match load(visit, manager, (app, key), to, errors).await {
        Ok(model) => {
            let e = &model.view.listed.environment;
            let place = Place::new(Section::Apps, "Reassign")
                .under("Apps", paths::APPS)
                .under(model.view.app_name.to_string(), paths::app(app))
                .under(e.name.to_string(), paths::environment(app, key));
            let status = if status == StatusCode::OK && !model.errors.is_empty() {
                StatusCode::UNPROCESSABLE_ENTITY
            } else {
                status
            };
            let model = Arc::new(model);
            visit.page_as(status, place, move || view(&model)).await
        }
        Err(error) => visit.refusal(error).await,
    }
}

async fn load(
    visit: &Visit,
    manager: &Manager,
    (app, key): (&str, &str),
    to: String,
    mut errors: Errors,
) -> Result<Model, Error> {
    if let Some(why) = manager.may(&visit.actor(), Right::Administer).await?.refusal {
        return Err(Error::Forbidden(why));
    }
    let view = manager.load_environment(&visit.actor(), app, key).await?;
    let here = view.listed.environment.space.as_ref().map(|space| space.name.clone());
    let spaces = manager.list_spaces(&visit.actor()).await?;
    let spaces = spaces.iter().map(|listed| listed.space.name.clone()).filter(|name| Some(name) != here.as_ref());
    let spaces = spaces.map(|name| Choice::new(name.as_str(), name.as_str())).collect();
    let rehearsal = if to.is_empty() {
        None
    } else {
        match manager.rehearse_move(&visit.actor(), app, key, &to).await {
            Ok(rehearsal) => Some(rehearsal),
            Err(error) => {
                let Some(more) = beside_fields(&error) else { return Err(error) };
                if errors.is_empty() {
                    errors = more;
                }
                None
            }
        }
    };
    Ok(Model { view, spaces, to, rehearsal, errors })
}

fn view(model: &Model) -> AnyView {
    let e = &model.view.listed.environment;
    let (app, key) = (e.app_key.as_str(), e.key.as_str());
    let action = paths::reassign(app, key);
    let Some(space) = &e.space else {
        return view! {
            <PageHead title=format!("Reassign {app}.{key}")/>
            <EmptyState glyph=Glyph::Space title="It is in no Space yet"
                text="An environment joins a Space when the event broker is enabled for it and for its app."
                action=Some(Action::new("Go to the environment", paths::environment(app, key)))/>
        }
        .into_any();
    };
    let lead = format!("It is in {}. In another Space it exchanges events with others.", space.name);
    let rehearsal = model.rehearsal.as_ref().map(|rehearsal| rehearsed(rehearsal, action.clone()));
    view! {
        <PageHead title=format!("Reassign {app}.{key}") lead=lead/>
        <ErrorSummary errors=model.errors.clone()/>
        <form method="get" action=action class="form row-form">
            <Select label="To the Space" name="to" choices=model.spaces.clone() value=model.to.clone() prompt="Choose a Space"
                error=model.errors.get("to")/>
            <p class="row">
                <Submit>"Show what would change"</Submit>
                <ButtonLink href=paths::environment(app, key) kind=ButtonKind::Quiet>"Cancel"</ButtonLink>
            </p>
        </form>
        {rehearsal}
    }
    .into_any()
}

fn rehearsed(rehearsal: &Rehearsal, action: String) -> AnyView {
    let Rehearsal { from, to, plan_version, .. } = rehearsal;
    let refused = (!rehearsal.rivals.is_empty()).then(|| {
        let text = format!(
            "{to} has events of another service by the same name: {}. Names are unique in a Space.",
            rehearsal.rivals.join(", ")
        );
        view! { <Notice tone=Tone::Fail title=text/> }
    });
    let apply = rehearsal.rivals.is_empty().then(|| {
        view! {
            <form method="post" action=action class="row">
                <input type="hidden" name="to" value=to.to_string()/>
                <input type="hidden" name="plan_version" value=plan_version.clone()/>
                <Submit kind=ButtonKind::Primary>{format!("Move to {to}")}</Submit>
            </form>
        }
    });
    let left = format!(
        "What its consumer groups have not read yet stays in the topics of {from}: in {to} they read other topics."
    );
    let unread = unread(rehearsal.unread.as_deref());
    let order = "The old access ends in Kafka before the new one begins.";
    let (gained, lost, kept) = (reaches(&rehearsal.gained), reaches(&rehearsal.lost), reaches(&rehearsal.kept));
    let (peers_lost, peers_gained) = (names(&rehearsal.peers_lost), names(&rehearsal.peers_gained));
    let (bridges_lost, bridges_gained) = (names(&rehearsal.bridges_lost), names(&rehearsal.bridges_gained));
    let topics = names(&rehearsal.topics);
    view! {
        <Panel id="gained" title="Gained" lead=format!("Within reach in {to}, not in {from}.")>{gained}</Panel>
        <Panel id="lost" title="Lost" lead=format!("Within reach in {from}, not in {to}. The grants stay and sleep.")>{lost}</Panel>
        <Panel id="kept" title="Goes on, with others" lead="Within reach in both Spaces, by a topic of its own in each.">{kept}</Panel>
        <Panel id="peers" title="Who it exchanges events with">
            <Facts>
                <Fact label="Not any more">{peers_lost}</Fact>
                <Fact label="From then on">{peers_gained}</Fact>
                <Fact label="Bridges, not any more">{bridges_lost}</Fact>
                <Fact label="Bridges, from then on">{bridges_gained}</Fact>
                <Fact label="Topics made">{topics}</Fact>
            </Facts>
        </Panel>
        <Panel id="unread" title="Left behind" lead=left>{unread}</Panel>
        {refused}
        <Notice tone=Tone::Info title=order/>
        {apply}
    }
    .into_any()
}

fn reaches(reaches: &[Reach]) -> AnyView {
    if reaches.is_empty() {
        return view! { <p class="secondary">"Nothing."</p> }.into_any();
    }
    let columns = vec![Column::new("Event"), Column::new("Access")];
    let rows = reaches.iter().map(|reach| {
        let verb = match reach.access {
            Access::Publish => "Publish",
            Access::Subscribe => "Subscribe",
        };
        view! {
            <tr>
                <th scope="row"><a href=paths::event(&reach.service, &reach.event)><Name text=reach.event.clone()/></a><span class="under">{reach.service.clone()}</span></th>
                <td data-label="Access">{verb}</td>
            </tr>
        }
    });
    let rows = rows.collect_view();
    view! { <Table caption="Events" columns stacked=true>{rows}</Table> }.into_any()
}

/// What stays behind unread, group by group.
fn unread(unread: Option<&[Unread]>) -> AnyView {
    let unread = match unread {
        None => {
            return view! { <p class="secondary">"Not known: Kafka did not say it in time. Looking again may help."</p> }
                .into_any();
        }
        Some([]) => {
            return view! { <p class="secondary">"Nothing: none of its consumer groups has read anything here."</p> }
                .into_any();
        }
        Some(unread) => unread,
    };
    let columns = vec![
        Column::new("Consumer group"),
        Column::new("Events of a channel"),
        Column::new("Members").numeric(),
        Column::new("Unread").numeric(),
    ];
    let rows = unread.iter().map(|row| {
        view! {
            <tr>
                <th scope="row"><code><Name text=row.group.clone()/></code></th>
                <td data-label="Events of a channel"><a href=paths::channel(row.channel)>{row.events.join(", ")}</a></td>
                <td data-label="Members" class="number">{row.members}</td>
                <td data-label="Unread" class="number">{row.unread}</td>
            </tr>
        }
    });
    let rows = rows.collect_view();
    view! { <Table caption="Left behind" columns stacked=true>{rows}</Table> }.into_any()
}

fn names(names: &[String]) -> AnyView {
    if names.is_empty() {
        return view! { <span class="secondary">"Nobody"</span> }.into_any();
    }
    let chips = names.iter().map(|name| view! { <span class="chip"><Name text=name.clone()/></span> });
    view! { <span class="chips">{chips.collect_view()}</span> }.into_any()
}

/// What would take back the newest move of an environment, for an admin and while nothing newer was done to it.
pub(super) async fn undo(visit: &Visit, manager: &Manager, view: &EnvironmentView) -> Result<Option<Rehearsal>, Error> {
    if !visit.is_admin() {
        return Ok(None);
    }
    manager.find_undo_of_move(&visit.actor(), &view.listed.environment).await
}

/// The Space of an environment on its page, with the way to another one and back.
pub(super) fn panel(view: &EnvironmentView, admin: bool, undo: Option<&Rehearsal>) -> AnyView {
    let e = &view.listed.environment;
    let Some(space) = &e.space else { return ().into_any() };
    let (app, key) = (e.app_key.as_str(), e.key.as_str());
    let act = if admin {
        view! { <ButtonLink href=paths::reassign(app, key) glyph=Glyph::Space>"Reassign"</ButtonLink> }.into_any()
    } else {
        view! { <Refused id="reassign" label="Reassign" reason="Only an admin moves environments between Spaces."/> }
            .into_any()
    };
    let undo = undo.map(|undo| {
        let fields = [("to", undo.to.to_string()), ("plan_version", undo.plan_version.clone())];
        let fields = fields.map(|(name, value)| view! { <input type="hidden" name=name value=value/> });
        view! {
            <form method="post" action=paths::reassign(app, key) class="row">
                {fields.collect_view()}
                <span class="secondary">{format!("It was moved here from {}.", undo.to)}</span>
                <Submit>"Undo the move"</Submit>
            </form>
        }
    });
    let name = space.name.to_string();
    view! {
        <Panel id="space" title="Space" lead="The environments and bridges it may exchange events with." actions=act>
            <p><a href=paths::space(&name)>{name.clone()}</a></p>
            {undo}
        </Panel>
    }
    .into_any()
}
