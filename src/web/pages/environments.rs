//! An environment: the way to being enabled, credentials, access, deployments, deploy tokens.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Path, Query, State},
    response::Response,
    routing::get,
};
use leptos::prelude::*;
use serde::Deserialize;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    apps::enabling,
    parts::{Question, Typed, followed},
    readers, reassign, secrets, sentence,
};
use crate::{
    domain::{
        channel::heartbeat_topic,
        grant::Access,
        ids::{ChannelId, TokenId},
        landscape::Environment,
        principal::group_prefix,
    },
    islands::Live,
    manager::{
        Error, Manager,
        actor::{May, Right},
        apps::{EnvironmentView, Reader, Use},
        credentials::version,
        tokens::{For, Listed as Token},
    },
    web::{
        Web, paths,
        ui::{
            ButtonKind, ButtonLink, Chain, ChainStep, Column, Confirm, CopyValue, EmptyState, Fact, Facts, Field,
            Glyph, Moment, Name, Notice, PageHead, Panel, Pill, Refused, Section, Status, StepState, Submit, Table,
            Tone, When,
        },
        visit::{Place, Visit},
    },
};

pub(super) fn router() -> Router<Web> {
    Router::new()
        .route("/apps/{app}/environments/{environment}", get(show))
        .route("/apps/{app}/environments/{environment}/broker", get(ask_disable).post(set_broker))
        .route("/apps/{app}/environments/{environment}/credentials", get(ask_credentials).post(make_credentials))
        .route("/apps/{app}/environments/{environment}/tokens", get(ask_token).post(make_token))
        .route("/tokens/{token}/revoke", get(ask_revoke).post(revoke_token))
}

type Keys = Path<(String, String)>;

fn place(view: &EnvironmentView) -> Place {
    let e = &view.listed.environment;
    Place::new(Section::Apps, e.name.to_string())
        .under("Apps", paths::APPS)
        .under(view.app_name.to_string(), paths::app(e.app_key.as_str()))
}

async fn load(visit: &Visit, manager: &Manager, app: &str, key: &str) -> Result<(EnvironmentView, May), Error> {
    let view = manager.load_environment(&visit.actor(), app, key).await?;
    let may = manager.may(&visit.actor(), Right::ActFor(view.listed.environment.app)).await?;
    Ok((view, may))
}

async fn show(visit: Visit, State(manager): State<Manager>, Path((app, key)): Keys) -> Response {
    let (view, may) = match load(&visit, &manager, &app, &key).await {
        Ok(loaded) => loaded,
        Err(error) => return visit.refusal(error).await,
    };
    let tokens = match &may.refusal {
        Some(_) => Ok(Vec::new()),
        None => manager.list_tokens(&visit.actor(), Some((&app, &key))).await,
    };
    let tokens = match tokens {
        Ok(tokens) => tokens,
        Err(error) => return visit.refusal(error).await,
    };
    let undo = match reassign::undo(&visit, &manager, &view).await {
        Ok(undo) => undo,
        Err(error) => return visit.refusal(error).await,
    };
    let (now, admin) = (visit.now(), visit.is_admin());
    visit
        .page(place(&view).with_islands(), move || {
            let space = reassign::panel(&view, admin, undo.as_ref());
            environment_view(&view, &may, space, &tokens, now)
        })
        .await
}

fn environment_view(
    view: &EnvironmentView,
    may: &May,
    space: AnyView,
    tokens: &[Token],
    now: OffsetDateTime,
) -> AnyView {
    let e = &view.listed.environment;
    let topic = format!("environment:{}", e.id);
    let title = format!("{} · {}", view.app_name, e.name);
    let status = view! { <Status state=enabling(e)/> }.into_any();
    view! {
        <PageHead title=title lead=format!("{}.{}", e.app_key, e.key) status=status>
            <Live url=paths::LIVE topic=topic/>
        </PageHead>
        <div id="chain" data-live="">{chain(view, may, now)}</div>
        {space}
        {credentials_panel(view, may, now)}
        <div id="connected-live" data-live="">{connected(view, now)}</div>
        <div id="access-live" data-live="">{access(view, now)}</div>
        {deployments(view, now)}
        {deploy_tokens(view, may, tokens, now)}
    }
    .into_any()
}

/// The steps from nothing to the first event.
fn chain(view: &EnvironmentView, may: &May, now: OffsetDateTime) -> AnyView {
    let e = &view.listed.environment;
    let app = e.app_key.as_str();
    // The first step that is not done is the one to take now.
    let mut before = true;
    let mut state = |done: bool| match (done, std::mem::replace(&mut before, done)) {
        (true, _) => StepState::Done,
        (false, true) => StepState::Current,
        (false, false) => StepState::Todo,
    };
    let on_app = ChainStep::new(
        state(e.enabling.app),
        "Enabled for the app",
        if e.enabling.app { "" } else { "Without it nothing happens in Kafka." },
    );
    let on_app = if e.enabling.app {
        on_app
    } else {
        on_app.action(view! { <ButtonLink href=paths::app(app)>"Go to the app"</ButtonLink> })
    };
    let text = match (&e.space, e.enabling.environment) {
        (Some(space), true) if e.enabling.app => format!("It is in the Space {}.", space.name),
        (_, true) => "It joins its Space once the app is enabled too.".into(),
        (Some(space), false) => format!("It returns to the Space {} when enabled again.", space.name),
        (None, false) => "It joins the Space named after it.".into(),
    };
    let on_environment =
        ChainStep::new(state(e.enabling.environment), "Enabled for this environment", text).action(switch(view, may));
    let credentials = match &view.principal {
        Some(principal) => ChainStep::new(
            state(true),
            "Credentials created",
            format!("For {}, {}.", principal.username, Moment::new(principal.rotated_at, now).words()),
        ),
        None => ChainStep::new(state(false), "Credentials", "A user of Kafka for this environment alone."),
    };
    let deployed = match view.deployments.first() {
        Some(d) => ChainStep::new(
            state(true),
            "Deployed",
            format!("Version {}, {}.", d.app_version, Moment::new(d.deployed_at, now).words()),
        ),
        None => ChainStep::new(
            state(false),
            "Waiting for first deployment",
            "The pipeline reports it with a deploy token; channels come into being from it.",
        ),
    };
    let kafka = if e.enabling.is_enabled() {
        let text = match &view.listed.followed {
            crate::manager::Followed::Applied => "What is wanted here is in force on every broker.".to_owned(),
            crate::manager::Followed::Pending(since) => {
                format!("Pending since {}.", Moment::new(*since, now).distance())
            }
            crate::manager::Followed::Failed(why) => why.clone(),
        };
        let mark = match &view.listed.followed {
            crate::manager::Followed::Applied => StepState::Done,
            crate::manager::Followed::Pending(_) => StepState::Working,
            crate::manager::Followed::Failed(_) => StepState::Failed,
        };
        ChainStep::new(mark, "Applied to Kafka", text)
    } else {
        ChainStep::new(StepState::Todo, "Applied to Kafka", "Nothing is in force while the environment is not enabled.")
    };
    let (steps, missing) = (vec![on_app, on_environment, credentials, deployed, kafka], missing(view));
    view! {
        <Panel id="enabling" title="Way to the first event">
            <Chain label="Steps" steps=steps/>
            {missing}
        </Panel>
    }
    .into_any()
}

/// Says which of the two levels is missing.
fn missing(view: &EnvironmentView) -> Option<AnyView> {
    let e = &view.listed.environment;
    let text = match (e.enabling.app, e.enabling.environment) {
        (true, false) => {
            format!("The app is enabled, this environment is not: nothing happens in Kafka yet. Enable {}.", e.key)
        }
        (false, true) => {
            format!("This environment is enabled, the app is not: nothing happens in Kafka yet. Enable {}.", e.app_key)
        }
        _ => return None,
    };
    Some(view! { <Notice tone=Tone::Warn title=text/> }.into_any())
}

fn switch(view: &EnvironmentView, may: &May) -> AnyView {
    let e = &view.listed.environment;
    let (app, key) = (e.app_key.as_str(), e.key.as_str());
    let enabled = e.enabling.environment;
    if let Some(why) = &may.refusal {
        let label = if enabled { "Disable" } else { "Enable" };
        return view! { <Refused id="environment-switch" label=label reason=sentence(why)/> }.into_any();
    }
    if !enabled {
        return view! {
            <form method="post" action=paths::environment_broker(app, key)>
                <input type="hidden" name="enabled" value="true"/>
                <Submit kind=ButtonKind::Primary>{format!("Enable {key}")}</Submit>
            </form>
        }
        .into_any();
    }
    view! {
        <Confirm id="disable-environment" label="Disable" title=format!("Disable the event broker for {app}.{key}?")
            action=paths::environment_broker(app, key) page=paths::environment_broker(app, key) confirm="Disable"
            fields=vec![("enabled".to_owned(), "false".to_owned())]>
            <p>"Its access goes first, then its user: every request of its clients is refused within seconds."</p>
            <p>"Channels and their events stay. Enabling again restores access and the same credentials."</p>
        </Confirm>
    }
    .into_any()
}

fn credentials_panel(view: &EnvironmentView, may: &May, now: OffsetDateTime) -> AnyView {
    let e = &view.listed.environment;
    let (app, key) = (e.app_key.as_str(), e.key.as_str());
    let label = if view.principal.is_some() { "Rotate credentials" } else { "Create credentials" };
    let action = match (&may.refusal, e.enabling.is_enabled()) {
        (Some(why), _) => view! { <Refused id="make-credentials" label=label reason=sentence(why)/> }.into_any(),
        (None, false) => {
            view! { <Refused id="make-credentials" label=label reason="Enable the event broker for the app and this environment first."/> }.into_any()
        }
        (None, true) if view.principal.is_some() => {
            view! { <ButtonLink href=paths::credentials(app, key) glyph=Glyph::Refresh>{label}</ButtonLink> }.into_any()
        }
        (None, true) => view! {
            <form method="post" action=paths::credentials(app, key)>
                <input type="hidden" name="seen" value=version(None)/>
                <Submit kind=ButtonKind::Primary glyph=Glyph::Key>{label}</Submit>
            </form>
        }
        .into_any(),
    };
    let body = match &view.principal {
        None => view! {
            <EmptyState glyph=Glyph::Key title="No credentials yet"
                text="They are made when you ask for them, and shown once." action=None/>
        }
        .into_any(),
        Some(principal) => {
            let (moment, username) = (Moment::new(principal.rotated_at, now), principal.username.clone());
            let (groups, heartbeat) = (group_prefix(&e.app_key, &e.key), heartbeat_topic(&e.app_key, &e.key));
            let state = followed(&principal.followed, now);
            view! {
                <Facts>
                    <Fact label="User"><CopyValue label="user" value=username/></Fact>
                    <Fact label="Password"><span class="secondary">"Shown once, not kept"</span></Fact>
                    <Fact label="Made"><When moment/></Fact>
                    <Fact label="Group prefix"><CopyValue label="group prefix" value=groups/></Fact>
                    <Fact label="Heartbeat topic"><CopyValue label="heartbeat topic" value=heartbeat/></Fact>
                    <Fact label="Kafka"><Status state/></Fact>
                </Facts>
            }
            .into_any()
        }
    };
    view! {
        <Panel id="credentials" title="Credentials" lead="SCRAM-SHA-512, for this environment alone." actions=action>
            {body}
        </Panel>
    }
    .into_any()
}

/// What its clients show of themselves: when they were last seen, and how far they have read.
fn connected(view: &EnvironmentView, now: OffsetDateTime) -> Option<AnyView> {
    view.principal.as_ref()?;
    let seen = match view.listed.seen_at {
        Some(at) => view! { <When moment=Moment::new(at, now)/> }.into_any(),
        None => view! {
            <span class="secondary">"Not yet: its client shows itself by its heartbeat topic, or in a consumer group"</span>
        }
        .into_any(),
    };
    // By channel: Kafka counts by topic, whatever events are in it.
    let mut channels: Vec<(ChannelId, Vec<&Use>)> = Vec::new();
    for item in &view.uses {
        if item.access == Access::Subscribe && item.granted && item.has_topic {
            match channels.iter_mut().find(|(channel, _)| *channel == item.channel) {
                Some((_, events)) => events.push(item),
                None => channels.push((item.channel, vec![item])),
            }
        }
    }
    let rows: Vec<_> = channels
        .iter()
        .flat_map(|(channel, events)| {
            let mut readers: Vec<_> = view.readers.iter().filter(|r| r.channel == *channel).map(Some).collect();
            if readers.is_empty() {
                readers.push(None);
            }
            readers.into_iter().map(move |reader| reader_row(events, reader, now))
        })
        .collect();
    let table = (!rows.is_empty()).then(|| {
        let columns = readers::columns(&["Events of a channel"]);
        view! { <Table caption="What it reads, and how far" columns stacked=true>{rows}</Table> }
    });
    let lead = "What its clients show of themselves in Kafka, as it was last looked at. Lag is how many events of the \
                channel are still to be read.";
    let panel = view! {
        <Panel id="connected" title="Connected" lead=lead>
            <Facts>
                <Fact label="Last seen"><span id="last-seen">{seen}</span></Fact>
            </Facts>
            {table}
        </Panel>
    };
    Some(panel.into_any())
}

fn reader_row(events: &[&Use], reader: Option<&Reader>, now: OffsetDateTime) -> AnyView {
    let event = |item: &&Use| {
        view! { <div><a href=paths::event(&item.service, &item.event)><Name text=item.event.clone()/></a></div> }
    };
    let events = events.iter().map(event).collect_view();
    view! { <tr><th scope="row">{events}</th>{readers::cells(reader, now)}</tr> }.into_any()
}

fn access(view: &EnvironmentView, now: OffsetDateTime) -> AnyView {
    let body = if view.uses.is_empty() {
        view! {
            <EmptyState glyph=Glyph::Event title="No events yet"
                text="What the environment publishes and subscribes is known from its first deployment on." action=None/>
        }
        .into_any()
    } else {
        let columns = vec![
            Column::new("Event"),
            Column::new("Access"),
            Column::new("Granted and implemented"),
            Column::new("Channel"),
        ];
        let rows = view.uses.iter().map(|item| use_row(&view.listed.environment, item)).collect_view();
        view! { <Table caption="Access" columns stacked=true>{rows}</Table> }.into_any()
    };
    let e = &view.listed.environment;
    let edit = (!view.uses.is_empty()).then(|| {
        let to = paths::environment_access(e.app_key.as_str(), e.key.as_str());
        view! { <ButtonLink href=to glyph=Glyph::Access>"Look at access"</ButtonLink> }
    });
    let state = e.enabling.is_enabled().then(|| {
        let state = followed(&view.listed.followed, now);
        view! { <Status state/> }
    });
    let state = view! { {state}{edit} }.into_any();
    view! {
        <Panel id="access" title="Events" lead="What this environment may do, compared with what its deployment says it does."
            actions=state>
            {body}
        </Panel>
    }
    .into_any()
}

fn use_row(e: &Environment, item: &Use) -> impl IntoView + use<> {
    let finding = match (item.implemented, item.granted) {
        (true, true) => view! { <span class="secondary">"As implemented"</span> }.into_any(),
        (true, false) => view! { <Pill tone=Tone::Fail label="Implemented but no access"/> }.into_any(),
        (false, _) => view! { <Pill tone=Tone::Warn label="Has access but not implemented"/> }.into_any(),
    };
    let channel = if item.has_topic {
        view! { <a href=paths::channel(item.channel)><code>{item.channel.to_string().chars().take(8).collect::<String>()}</code></a> }
            .into_any()
    } else {
        view! { <Pill tone=Tone::Wait label="Not in this Space yet"/> }.into_any()
    };
    let verb = match item.access {
        Access::Publish => "Publish".into_any(),
        Access::Subscribe => {
            let why = paths::explain(e.app_key.as_str(), e.key.as_str(), &item.service, &item.event);
            let label = format!("Explain whether it receives {}", item.event);
            view! { "Subscribe " <a class="explain" href=why aria-label=label>"Explain"</a> }.into_any()
        }
    };
    view! {
        <tr>
            <th scope="row"><a href=paths::event(&item.service, &item.event)><Name text=item.event.clone()/></a><span class="under">{item.service.clone()}</span></th>
            <td data-label="Access">{verb}</td>
            <td data-label="Granted and implemented">{finding}</td>
            <td data-label="Channel">{channel}</td>
        </tr>
    }
}

fn deployments(view: &EnvironmentView, now: OffsetDateTime) -> AnyView {
    let body = if view.deployments.is_empty() {
        let e = &view.listed.environment;
        let example = format!("PUT /api/v1/apps/{}/environments/{}/deployment", e.app_key, e.key);
        view! {
            <EmptyState glyph=Glyph::Upload title="Waiting for first deployment"
                text="Make a deploy token below and let the pipeline report what it has deployed." action=None/>
            <p class="secondary"><code>{example}</code></p>
        }
        .into_any()
    } else {
        let columns =
            vec![Column::new("Version"), Column::new("Deployed"), Column::new("Services"), Column::new("What changed")];
        let rows = view
            .deployments
            .iter()
            .map(|d| {
                let list = |name: &str, item: fn(&serde_json::Value) -> Option<String>| {
                    d.report[name].as_array().into_iter().flatten().filter_map(item).collect::<Vec<_>>()
                };
                let services =
                    list("services", |s| Some(format!("{} {}", s["service"].as_str()?, s["version"].as_str()?)));
                let changes = list("changes", |c| c.as_str().map(str::to_owned));
                let changes = if changes.is_empty() { "Nothing".to_owned() } else { changes.join("; ") };
                let moment = Moment::new(d.deployed_at, now);
                view! {
                    <tr>
                        <th scope="row"><Name text=d.app_version.clone()/></th>
                        <td data-label="Deployed"><When moment/></td>
                        <td data-label="Services">{services.join(", ")}</td>
                        <td data-label="What changed">{changes}</td>
                    </tr>
                }
            })
            .collect_view();
        view! { <Table caption="Deployments" columns stacked=true>{rows}</Table> }.into_any()
    };
    view! { <Panel id="deployments" title="Deployments">{body}</Panel> }.into_any()
}

fn deploy_tokens(view: &EnvironmentView, may: &May, tokens: &[Token], now: OffsetDateTime) -> AnyView {
    let e = &view.listed.environment;
    let (app, key) = (e.app_key.as_str(), e.key.as_str());
    let action = match &may.refusal {
        Some(why) => view! { <Refused id="new-token" label="Create deploy token" reason=sentence(why)/> }.into_any(),
        None => view! { <ButtonLink href=paths::deploy_tokens(app, key) glyph=Glyph::Plus>"Create deploy token"</ButtonLink> }
            .into_any(),
    };
    let body = if tokens.is_empty() {
        view! { <p class="secondary">"None. A pipeline needs one to report deployments of this environment."</p> }
            .into_any()
    } else {
        let columns =
            vec![Column::new("Name"), Column::new("Made"), Column::new("Last used"), Column::new("Actions").hidden()];
        let rows = tokens
            .iter()
            .map(|token| {
                let used = match token.last_used_at {
                    Some(at) => view! { <When moment=Moment::new(at, now)/> }.into_any(),
                    None => view! { <span class="secondary">"Never"</span> }.into_any(),
                };
                let name = if token.name.is_empty() { "Deploy token".to_owned() } else { token.name.clone() };
                let back = paths::environment(app, key);
                let fields = vec![("next".to_owned(), back.clone())];
                view! {
                    <tr>
                        <th scope="row"><Name text=name.clone()/></th>
                        <td data-label="Made"><When moment=Moment::new(token.created_at, now)/></td>
                        <td data-label="Last used">{used}</td>
                        <td><span class="actions">
                            <Confirm id=format!("revoke-{}", token.id) label="Revoke" title=format!("Revoke “{name}”?")
                                action=paths::revoke_token(token.id) page=paths::ask_revoke_token(token.id, &back) confirm="Revoke" fields=fields>
                                <p>"Pipelines that use it are refused at once."</p>
                            </Confirm>
                        </span></td>
                    </tr>
                }
            })
            .collect_view();
        view! { <Table caption="Deploy tokens" columns stacked=true>{rows}</Table> }.into_any()
    };
    view! {
        <Panel id="tokens" title="Deploy tokens" lead="Each may report deployments of this environment, and nothing else." actions=action>
            {body}
        </Panel>
    }
    .into_any()
}

/// Before disabling, where the dialog cannot be opened.
async fn ask_disable(visit: Visit, State(manager): State<Manager>, Path((app, key)): Keys) -> Response {
    let view = match manager.load_environment(&visit.actor(), &app, &key).await {
        Ok(view) => view,
        Err(error) => return visit.refusal(error).await,
    };
    let question = Question {
        title: format!("Disable the event broker for {app}.{key}?"),
        text: vec![
            "Its access goes first, then its user: every request of its clients is refused within seconds.",
            "Channels and their events stay. Enabling again restores access and the same credentials.",
        ],
        action: paths::environment_broker(&app, &key),
        confirm: "Disable",
        fields: vec![("enabled", "false".into())],
        back: paths::environment(&app, &key),
    };
    let place = place(&view).under(view.listed.environment.name.to_string(), paths::environment(&app, &key));
    question.ask(&visit, place).await
}

#[derive(Deserialize)]
struct Back {
    next: Option<String>,
}

/// Before revoking a token, where the dialog cannot be opened.
async fn ask_revoke(visit: Visit, Path(token): Path<String>, Query(Back { next }): Query<Back>) -> Response {
    let Ok(token) = token.parse::<TokenId>() else { return visit.refusal(Error::NotFound("token")).await };
    let back = paths::local(next.as_deref()).to_owned();
    let question = Question {
        title: "Revoke this token?".into(),
        text: vec!["Whatever uses it is refused at once."],
        action: paths::revoke_token(token),
        confirm: "Revoke",
        fields: vec![("next", back.clone())],
        back,
    };
    question.ask(&visit, Place::new(Section::Apps, "")).await
}

async fn set_broker(visit: Visit, State(manager): State<Manager>, Path((app, key)): Keys, typed: Typed) -> Response {
    let enabled = typed.get("enabled") == "true";
    let back = paths::environment(&app, &key);
    match manager.set_environment_broker(&visit.actor(), &app, &key, enabled).await {
        Ok(()) => {
            let text = if enabled { "is enabled" } else { "is disabled" };
            visit.done(&back, format!("The event broker {text} for {app}.{key}.")).await
        }
        Err(error) => visit.act_refused(&back, error).await,
    }
}

/// Before rotating: what it does to clients that are connected.
async fn ask_credentials(visit: Visit, State(manager): State<Manager>, Path((app, key)): Keys) -> Response {
    let (view, may) = match load(&visit, &manager, &app, &key).await {
        Ok(loaded) => loaded,
        Err(error) => return visit.refusal(error).await,
    };
    if let Some(why) = may.refusal {
        return visit.refusal(Error::Forbidden(why)).await;
    }
    let (rotates, seen) = (view.principal.is_some(), version(view.principal.as_ref()));
    let title = if rotates { "Rotate credentials" } else { "Create credentials" };
    let here = place(&view).under(view.listed.environment.name.to_string(), paths::environment(&app, &key));
    let here = here.titled(title);
    visit
        .page(here, move || {
            let lead = rotates.then(|| view! {
                <Notice tone=Tone::Warn title="The old password is refused for new connections at once.">
                    <p>"Connections that are open now last until Kafka asks them to sign in again. Have the new password ready where the app reads it, and restart the app."</p>
                </Notice>
            });
            view! {
                <PageHead title=title lead=format!("For {app}.{key}")/>
                {lead}
                <form method="post" action=paths::credentials(&app, &key) class="row">
                    <input type="hidden" name="seen" value=seen.clone()/>
                    <Submit kind=ButtonKind::Primary glyph=Glyph::Key>{title}</Submit>
                    <ButtonLink href=paths::environment(&app, &key) kind=ButtonKind::Quiet>"Cancel"</ButtonLink>
                </form>
            }
            .into_any()
        })
        .await
}

async fn make_credentials(
    visit: Visit,
    State(manager): State<Manager>,
    Path((app, key)): Keys,
    typed: Typed,
) -> Response {
    let view = match manager.load_environment(&visit.actor(), &app, &key).await {
        Ok(view) => view,
        Err(error) => return visit.refusal(error).await,
    };
    let made = match manager.create_credentials_after(&visit.actor(), &app, &key, typed.find("seen")).await {
        Ok(made) => Arc::new(made),
        Err(error) => return visit.act_refused(&paths::environment(&app, &key), error).await,
    };
    let here = place(&view).under(view.listed.environment.name.to_string(), paths::environment(&app, &key));
    visit
        .page(here.titled("New credentials").with_islands(), move || {
            let back = paths::environment(&app, &key);
            view! {
                <PageHead title="New credentials" lead=format!("For {app}.{key}")>
                    <ButtonLink href=back>"I have copied them"</ButtonLink>
                </PageHead>
                {secrets::credentials(&made)}
            }
            .into_any()
        })
        .await
}

async fn ask_token(visit: Visit, State(manager): State<Manager>, Path((app, key)): Keys) -> Response {
    let (view, may) = match load(&visit, &manager, &app, &key).await {
        Ok(loaded) => loaded,
        Err(error) => return visit.refusal(error).await,
    };
    if let Some(why) = may.refusal {
        return visit.refusal(Error::Forbidden(why)).await;
    }
    let here = place(&view).under(view.listed.environment.name.to_string(), paths::environment(&app, &key));
    visit
        .page(here.titled("Create deploy token"), move || {
            view! {
                <PageHead title="Create deploy token" lead=format!("It may report deployments of {app}.{key}, and nothing else.")/>
                <form method="post" action=paths::deploy_tokens(&app, &key) class="form">
                    <input type="hidden" name="id" value=TokenId(Uuid::now_v7()).to_string()/>
                    <Field label="Name" name="name" required=false maxlength=100_u32 hint="Where it is used, so that you know it again." placeholder="GitLab, order-portal"/>
                    <p class="row">
                        <Submit kind=ButtonKind::Primary>"Create deploy token"</Submit>
                        <ButtonLink href=paths::environment(&app, &key) kind=ButtonKind::Quiet>"Cancel"</ButtonLink>
                    </p>
                </form>
            }
            .into_any()
        })
        .await
}

async fn make_token(visit: Visit, State(manager): State<Manager>, Path((app, key)): Keys, typed: Typed) -> Response {
    let view = match manager.load_environment(&visit.actor(), &app, &key).await {
        Ok(view) => view,
        Err(error) => return visit.refusal(error).await,
    };
    let what = For::Deploy { app: &app, environment: &key };
    let id = typed.find("id").and_then(|id| id.parse().ok()).unwrap_or_else(|| TokenId(Uuid::now_v7()));
    let minted = match manager.create_token_as(&visit.actor(), id, what, &typed.get("name"), None).await {
        Ok(minted) => Arc::new(minted),
        Err(error) => return visit.act_refused(&paths::environment(&app, &key), error).await,
    };
    let here = place(&view).under(view.listed.environment.name.to_string(), paths::environment(&app, &key));
    visit
        .page(here.titled("New deploy token").with_islands(), move || {
            let (lead, back) = (format!("For deployments of {app}.{key}"), paths::environment(&app, &key));
            view! {
                <PageHead title="New deploy token">
                    <ButtonLink href=back>"I have copied it"</ButtonLink>
                </PageHead>
                {secrets::once("Deploy token", &minted.value, lead)}
            }
            .into_any()
        })
        .await
}

async fn revoke_token(
    visit: Visit,
    State(manager): State<Manager>,
    Path(token): Path<String>,
    typed: Typed,
) -> Response {
    let back = paths::local(typed.find("next")).to_owned();
    let Ok(token) = token.parse::<TokenId>() else { return visit.refusal(Error::NotFound("token")).await };
    match manager.revoke_token(&visit.actor(), token).await {
        Ok(()) => visit.done(&back, "The token is revoked.").await,
        Err(error) => visit.act_refused(&back, error).await,
    }
}
