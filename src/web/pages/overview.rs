//! The first page: the way to the first bridge, what needs someone, how much there is, what was done last.

use axum::{Router, extract::State, response::Response, routing::get};
use leptos::prelude::*;
use time::OffsetDateTime;

use super::{
    exchange::bridge_state,
    history::{href, what},
    parts::{followed, sparkline},
};
use crate::{
    domain::bridge::Status as Fares,
    manager::{
        Followed, Manager, Minutes,
        catalogue::ListedSpace,
        cluster::Isolation,
        history::Change,
        overview::{BridgeInNeed, EnvironmentInNeed, Overview, TopicInNeed},
    },
    web::{
        Web, paths,
        ui::{
            ButtonKind, ButtonLink, Chain, ChainStep, Column, Glyph, Icon, Moment, Name, PageHead, Panel, Pill,
            Refused, Section, State as Shown, Status, StepState, Table, Tone, When,
        },
        visit::{Place, Visit},
    },
};

pub(super) fn router() -> Router<Web> {
    Router::new().route(paths::OVERVIEW, get(show))
}

async fn show(visit: Visit, State(manager): State<Manager>) -> Response {
    match manager.load_overview(&visit.actor()).await {
        Ok(overview) => {
            let (admin, now) = (visit.is_admin(), visit.now());
            visit.page(Place::new(Section::Overview, "Overview"), move || view(&overview, admin, now)).await
        }
        Err(error) => visit.refusal(error).await,
    }
}

fn view(overview: &Overview, admin: bool, now: OffsetDateTime) -> AnyView {
    let needs = needs(overview, now);
    let started = overview.counts.apps > 0;
    let needs = started.then(|| needs_panel(needs, overview.is_cut()));
    view! {
        <PageHead title="Overview"/>
        {way(overview, admin)}
        {needs}
        {started.then(|| counts(overview))}
        {(!overview.spaces.is_empty()).then(|| spaces(&overview.spaces))}
        {changes(&overview.changes, admin, now)}
    }
    .into_any()
}

/// From nothing to the first bridge; `None` once all of it was done.
fn way(overview: &Overview, admin: bool) -> Option<AnyView> {
    let counts = &overview.counts;
    let mut steps: Vec<(bool, &'static str, &'static str, AnyView)> = vec![
        (
            counts.apps > 0,
            "Register an app",
            "What sends and receives events, with its environments: test, acceptance, production.",
            if admin {
                link("Register app", paths::NEW_APP.to_owned())
            } else {
                view! { <Refused id="register" label="Register app" reason="Only an admin registers apps."/> }
                    .into_any()
            },
        ),
        (
            counts.enabled > 0,
            "Enable the event broker",
            "For the app, and for an environment of it: only both together do anything.",
            link("Choose an app", paths::APPS.to_owned()),
        ),
        (
            counts.credentials > 0,
            "Create credentials",
            "A user of Kafka for one environment. The password is shown once.",
            link("Go to the environment", first(overview, |e| e.enabled && e.app_enabled && !e.has_credentials)),
        ),
        (
            counts.deployed > 0,
            "Deploy",
            "The pipeline reports what the app publishes and subscribes, with a deploy token.",
            link("Go to the environment", first(overview, |e| e.enabled && e.app_enabled && !e.is_deployed)),
        ),
        (
            counts.channels > 0,
            "See the channel",
            "It comes into being with the first deployment that defines events.",
            link("Go to the channels", paths::CHANNELS.to_owned()),
        ),
    ];
    if overview.can_bridge {
        steps.push((
            counts.bridges > 0,
            "Create a bridge",
            "Exchanges events with queues outside.",
            link("Go to the bridges", paths::BRIDGES.to_owned()),
        ));
    }
    if steps.iter().all(|(done, ..)| *done) {
        return None;
    }
    let mut before = true;
    let steps = steps.into_iter().map(|(done, title, text, action)| {
        let state = match (done, before) {
            (true, _) => StepState::Done,
            (false, true) => StepState::Current,
            (false, false) => StepState::Todo,
        };
        before &= done;
        let step = ChainStep::new(state, title, if done { "" } else { text });
        if state == StepState::Current { step.action(action) } else { step }
    });
    let steps: Vec<_> = steps.collect();
    Some(
        view! {
            <Panel id="way" title="Way to the first event outside" lead="Done once for the installation; each step builds on the one before.">
                <Chain label="Steps" steps=steps/>
            </Panel>
        }
        .into_any(),
    )
}

fn link(label: &'static str, href: String) -> AnyView {
    view! { <ButtonLink href=href kind=ButtonKind::Primary>{label}</ButtonLink> }.into_any()
}

/// The first environment that waits for a step; the apps where none does.
fn first(overview: &Overview, waits: fn(&EnvironmentInNeed) -> bool) -> String {
    overview
        .environments
        .iter()
        .find(|e| waits(e))
        .map_or_else(|| paths::APPS.to_owned(), |e| paths::environment(e.app.as_str(), e.key.as_str()))
}

/// Something that someone should look at.
struct Need {
    /// The smaller, the worse.
    rank: u8,
    state: AnyView,
    name: String,
    href: String,
    text: String,
}

/// Does not work.
const BROKEN: u8 = 0;
/// Works, but something is missing.
const MISSING: u8 = 1;
/// Should come by itself.
const LATE: u8 = 2;

/// What is not as it has to be in Kafka, and what was found there and waits for an answer.
fn of_cluster(overview: &Overview) -> Vec<Need> {
    let need = |rank, tone, label: &'static str, text: String| Need {
        rank,
        state: view! { <Pill tone label/> }.into_any(),
        name: "Kafka".to_owned(),
        href: paths::CLUSTER.to_owned(),
        text,
    };
    let open = (overview.isolation == Isolation::NotEnforced)
        .then(|| need(BROKEN, Tone::Fail, "Open", "Kafka does not keep the Spaces apart.".to_owned()));
    let warnings = overview.warnings.iter().map(|check| need(MISSING, Tone::Warn, "To set", check.text.clone()));
    let found = overview.findings.iter().map(|(kind, count)| {
        let text = if *count == 1 { format!("{kind}.") } else { format!("{kind}: {count} of these.") };
        need(MISSING, Tone::Warn, "To decide", text)
    });
    open.into_iter().chain(warnings).chain(found).collect()
}

/// What is worst comes first.
fn needs(overview: &Overview, now: OffsetDateTime) -> Vec<Need> {
    let mut needs: Vec<_> = overview.bridges.iter().map(|bridge| of_bridge(bridge, now)).collect();
    needs.extend(overview.topics.iter().map(|topic| of_topic(topic, now)));
    needs.extend(of_cluster(overview));
    needs.extend(overview.environments.iter().map(|environment| of_environment(environment, now)));
    needs.extend(overview.idle_apps.iter().map(|app| Need {
        rank: MISSING,
        state: view! { <Pill tone=Tone::Warn label="Half enabled"/> }.into_any(),
        name: app.to_string(),
        href: paths::app(app.as_str()),
        text: "The app is enabled, but none of its environments is: nothing happens in Kafka yet.".to_owned(),
    }));
    needs.sort_by_key(|need| need.rank);
    needs
}

fn of_bridge(bridge: &BridgeInNeed, now: OffsetDateTime) -> Need {
    let since = format!("for {}", Moment::new(bridge.since, now).distance());
    let letters = match bridge.dead_letters {
        1 => "1 event could not be delivered and is kept as a dead letter.".to_owned(),
        n => format!("{n} events could not be delivered and are kept as dead letters."),
    };
    let mut href = paths::bridge(bridge.id);
    let (rank, state, text) = match (bridge.status, &bridge.followed) {
        (Fares::Halted | Fares::Misconfigured, _) => {
            let reason =
                if bridge.reason.is_empty() { "It moves no events.".to_owned() } else { bridge.reason.clone() };
            (BROKEN, pill(&bridge_state(bridge.status, ""), Some(since)), reason)
        }
        (_, Followed::Failed(why)) => (BROKEN, pill(&Shown::Failed(String::new()), None), why.clone()),
        (_, Followed::Pending(at)) => {
            (LATE, pending(*at, now), "Kafka has not followed what the bridge may do.".to_owned())
        }
        (_, Followed::Applied) => {
            href = paths::dead_letters(bridge.id);
            (MISSING, view! { <Pill tone=Tone::Warn label="Dead letters"/> }.into_any(), letters)
        }
    };
    Need { rank, state, name: format!("{} in {}", bridge.name, bridge.space), href, text }
}

fn of_topic(topic: &TopicInNeed, now: OffsetDateTime) -> Need {
    let (rank, state, text) = match &topic.followed {
        Followed::Failed(why) => (BROKEN, pill(&Shown::Failed(String::new()), None), why.clone()),
        Followed::Pending(at) => {
            (LATE, pending(*at, now), "Kafka has not followed how the topic of this channel shall be.".to_owned())
        }
        Followed::Applied => (LATE, view! { <Status state=Shown::Applied/> }.into_any(), String::new()),
    };
    Need { rank, state, name: format!("{} in {}", topic.title, topic.space), href: paths::channel(topic.channel), text }
}

/// The first of what is missing: the rest follows from it, and the page of the environment shows all.
fn of_environment(e: &EnvironmentInNeed, now: OffsetDateTime) -> Need {
    let warn = |label: &'static str| view! { <Pill tone=Tone::Warn label=label/> }.into_any();
    let (rank, state, text) = match &e.followed {
        Followed::Failed(why) => (BROKEN, pill(&Shown::Failed(String::new()), None), why.clone()),
        _ if e.enabled && !e.app_enabled => {
            let text = "The environment is enabled, its app is not: nothing happens in Kafka yet.";
            (MISSING, warn("Half enabled"), text.to_owned())
        }
        Followed::Pending(at) => {
            (LATE, pending(*at, now), "Kafka has not followed what the environment may do.".to_owned())
        }
        Followed::Applied if !e.has_credentials => {
            (MISSING, warn("No credentials"), "The environment is enabled, but has no user of Kafka yet.".to_owned())
        }
        Followed::Applied if e.lacks_access > 0 => {
            let text = match e.lacks_access {
                1 => "The deployment implements 1 use of an event without access to it: that will fail.".to_owned(),
                n => format!("The deployment implements {n} uses of events without access to them: those will fail."),
            };
            (BROKEN, view! { <Pill tone=Tone::Fail label="No access"/> }.into_any(), text)
        }
        Followed::Applied => {
            let state = view! { <Status state=Shown::AwaitingDeployment/> }.into_any();
            (LATE, state, "Channels and access come with the first deployment.".to_owned())
        }
    };
    let (app, key) = (e.app.as_str(), e.key.as_str());
    Need { rank, state, name: format!("{app}.{key}"), href: paths::environment(app, key), text }
}

/// The pill alone: the reason stands beside it as the text of the need.
fn pill(state: &Shown, more: Option<String>) -> AnyView {
    let label = match state {
        Shown::Halted(_) => "Halted",
        Shown::Misconfigured(_) => "Misconfigured",
        _ => "Failed",
    };
    let more = more.map(|more| view! { <span class="status-more">{more}</span> });
    view! { <span class="status"><Pill tone=state.tone() label=label/>{more}</span> }.into_any()
}

fn pending(at: OffsetDateTime, now: OffsetDateTime) -> AnyView {
    view! { <Status state=followed(&Followed::Pending(at), now)/> }.into_any()
}

fn needs_panel(needs: Vec<Need>, cut: bool) -> AnyView {
    let body = if needs.is_empty() {
        view! { <p class="row"><Pill tone=Tone::Ok label="All well"/><span class="secondary">"Nothing failed, nothing waits for anyone."</span></p> }
            .into_any()
    } else {
        let rows = needs.into_iter().map(|need| {
            view! {
                <li>
                    <span class="need-state">{need.state}</span>
                    <a class="need-name" href=need.href><Name text=need.name/></a>
                    <span class="need-text">{need.text}</span>
                </li>
            }
        });
        view! { <ul class="needs">{rows.collect_view()}</ul> }.into_any()
    };
    let more = cut.then(|| view! { <p class="secondary">"There are more; the first of each kind are shown."</p> });
    view! { <Panel id="needs" title="Needs someone">{body}{more}</Panel> }.into_any()
}

fn counts(overview: &Overview) -> AnyView {
    let c = &overview.counts;
    let of = |n: i64, one: &'static str, many: &'static str| format!("{n} {}", if n == 1 { one } else { many });
    let tiles = [
        (Glyph::App, "Apps", paths::APPS, c.apps, of(c.enabled, "environment enabled", "environments enabled")),
        (Glyph::Space, "Spaces", paths::SPACES, c.spaces, String::new()),
        (Glyph::Channel, "Channels", paths::CHANNELS, c.channels, of(c.events, "event", "events")),
        (Glyph::Bridge, "Bridges", paths::BRIDGES, c.bridges, format!("{} running", c.running)),
    ];
    let tiles = tiles.into_iter().map(|(glyph, label, href, count, more)| {
        view! {
            <li>
                <a href=href>
                    <span class="tile-label"><Icon glyph/>{label}</span>
                    <span class="tile-count">{count}</span>
                    <span class="tile-more">{more}</span>
                </a>
            </li>
        }
    });
    view! { <Panel id="landscape" title="Landscape"><ul class="tiles">{tiles.collect_view()}</ul></Panel> }.into_any()
}

fn spaces(spaces: &[(ListedSpace, Minutes)]) -> AnyView {
    let columns = vec![
        Column::new("Space"),
        Column::new("Environments").numeric(),
        Column::new("Channels").numeric(),
        Column::new("Bridges").numeric(),
        Column::new("Events in the last hour"),
    ];
    let rows = spaces.iter().map(|(listed, flow)| {
        let name = listed.space.name.to_string();
        view! {
            <tr>
                <th scope="row"><a href=paths::space(&name)><Name text=name.clone()/></a></th>
                <td data-label="Environments" class="number">{listed.environments}</td>
                <td data-label="Channels" class="number">{listed.channels}</td>
                <td data-label="Bridges" class="number">{listed.bridges}</td>
                <td data-label="Events in the last hour">{sparkline(Some(flow))}</td>
            </tr>
        }
    });
    let rows = rows.collect_view();
    view! { <Panel id="spaces" title="Spaces"><Table caption="Spaces" columns stacked=true>{rows}</Table></Panel> }
        .into_any()
}

fn changes(changes: &[Change], admin: bool, now: OffsetDateTime) -> Option<AnyView> {
    if changes.is_empty() {
        return None;
    }
    let rows = changes.iter().map(|change| {
        let name = change.object_name.clone();
        let object = match href(change, admin) {
            Some(href) => view! { <a href=href><Name text=name/></a> }.into_any(),
            None => view! { <Name text=name/> }.into_any(),
        };
        view! {
            <li>
                <span class="change-what">{what(&change.act)}</span>
                <span class="change-object">{object}</span>
                <span class="change-who"><Name text=change.actor.clone()/></span>
                <When moment=Moment::new(change.at, now)/>
            </li>
        }
    });
    let all = view! { <ButtonLink href=paths::HISTORY kind=ButtonKind::Quiet>"All changes"</ButtonLink> }.into_any();
    let rows = rows.collect_view();
    Some(
        view! { <Panel id="changes" title="Latest changes" actions=all><ul class="latest">{rows}</ul></Panel> }
            .into_any(),
    )
}
