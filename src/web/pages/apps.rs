//! The apps: list, registering, an app's page.

use axum::{
    Router,
    extract::{Path, State},
    http::StatusCode,
    response::Response,
    routing::get,
};
use leptos::prelude::*;
use secrecy::ExposeSecret;

use super::{
    asked::{Asked, Narrowing, both_ways, by_space, refused, sort_field},
    parts::{Question, Typed, followed},
};
use crate::{
    domain::{landscape::Environment, member::Email},
    manager::{
        Error, Manager, Page,
        actor::{May, Right},
        apps::{AppDraft, AppView, AppsBy, Filter, Listed, ListedEnvironment, Registered},
    },
    web::{
        Web, paths,
        refusal::{beside_fields, status},
        ui::{
            Action, ButtonKind, ButtonLink, Code, Column, Confirm, EmptyState, ErrorSummary, Errors, Fact, Facts,
            Field, FilterBar, Glyph, Notice, PageHead, Panel, Pill, Refused, Section, State as Shown, Status, Submit,
            Tab, Table, Tabs, TextArea, Tone, When,
        },
        visit::{Place, Visit},
    },
};

pub(super) fn router() -> Router<Web> {
    Router::new()
        .route(paths::APPS, get(list))
        .route(paths::NEW_APP, get(new).post(register))
        .route("/apps/{app}", get(show))
        .route("/apps/{app}/edit", get(edit).post(change))
        .route("/apps/{app}/broker", get(ask_disable).post(set_broker))
        .route("/apps/{app}/environments/new", get(new_environment).post(register_environment))
}

/// What narrows the list to the apps that one is a technical contact of.
const MINE: &str = "mine";

/// The apps, what they may be narrowed by, and whether the member has apps.
type Found = (Filter, Page<Listed>, Narrowing, bool);

async fn load_list(visit: &Visit, manager: &Manager, asked: &Asked) -> Result<Found, Error> {
    let (q, space, sorting) = (asked.text("q")?.to_owned(), asked.space()?, asked.sorting()?);
    let contact = match asked.text(MINE)? {
        "" => None,
        "1" => Some(visit.member.id),
        _ => return Err(Error::field(MINE, "must be 1, or be left out")),
    };
    let filter = Filter { q, space, contact, sorting, limit: asked.limit()? };
    let page = manager.list_apps(&visit.actor(), &filter).await?;
    let has_apps = !manager.list_own_apps(&visit.actor()).await?.is_empty();
    Ok((filter, page, Narrowing::of_spaces(visit, manager).await?, has_apps))
}

async fn list(visit: Visit, State(manager): State<Manager>, asked: Asked) -> Response {
    match load_list(&visit, &manager, &asked).await {
        Ok((filter, page, narrowing, has_apps)) => {
            let (admin, now) = (visit.is_admin(), visit.now());
            visit
                .page(Place::new(Section::Apps, "Apps"), move || {
                    let whose = whose(&filter, &asked, has_apps);
                    list_view(&asked, &filter, &page, &narrowing, whose, admin, now)
                })
                .await
        }
        Err(error) => refused(&visit, Section::Apps, "Apps", paths::APPS, error).await,
    }
}

/// All apps, or one's own: those first, for who has any.
fn whose(filter: &Filter, asked: &Asked, has_apps: bool) -> Option<AnyView> {
    let is_mine = filter.contact.is_some();
    let tab = |label: &str, mine: &str, current| {
        let href = asked.with(paths::APPS, &[(MINE, mine), ("after", ""), ("before", "")]);
        Tab::new(label, href, current)
    };
    let tabs = vec![tab("Mine", "1", is_mine), tab("All apps", "", !is_mine)];
    (has_apps || is_mine).then(|| view! { <Tabs label="Whose apps" tabs/> }.into_any())
}

fn list_view(
    asked: &Asked,
    filter: &Filter,
    page: &Page<Listed>,
    narrowing: &Narrowing,
    whose: Option<AnyView>,
    admin: bool,
    now: time::OffsetDateTime,
) -> AnyView {
    let action = if admin {
        view! {
            <ButtonLink href=paths::IMPORT glyph=Glyph::Upload>"Import"</ButtonLink>
            <ButtonLink href=paths::NEW_APP kind=ButtonKind::Primary glyph=Glyph::Plus>"Register app"</ButtonLink>
        }
        .into_any()
    } else {
        view! { <Refused id="register" label="Register app" reason="Only an admin registers apps."/> }.into_any()
    };
    let narrowed = !filter.q.is_empty() || filter.space.is_some();
    let is_mine = filter.contact.is_some();
    let body = match (page.items.is_empty(), narrowed || asked.is_further_on()) {
        (true, false) if is_mine => {
            let next = Some(Action::new("Show all apps", paths::APPS));
            view! {
                <EmptyState glyph=Glyph::App title="You are no technical contact of any app"
                    text="Whoever is may act for the app. An admin makes you one, at the app." action=next/>
            }
            .into_any()
        }
        (true, false) => {
            let next = admin.then(|| Action::new("Register app", paths::NEW_APP));
            view! {
                <EmptyState glyph=Glyph::App title="No apps yet"
                    text="An app is what sends and receives events. Register it, then enable the event broker for it and its environments."
                    action=next/>
            }
            .into_any()
        }
        (true, true) => {
            let next = Some(Action::new("Show all apps", paths::APPS));
            view! { <EmptyState glyph=Glyph::Search title="No app fits" text="Take a part of the filter away, or look at all of them." action=next/> }
                .into_any()
        }
        (false, _) => {
            let rows = page.items.iter().map(|item| row(item, now)).collect_view();
            let by = |label, by: AppsBy| asked.column(paths::APPS, label, by, &filter.sorting);
            let columns = vec![
                by("App", AppsBy::App),
                by("Event broker", AppsBy::Broker),
                by("Environments and their Spaces", AppsBy::Environments),
            ];
            view! {
                <Table caption="Apps" columns stacked=true>{rows}</Table>
                {both_ways(paths::APPS, asked, ["app", "apps"], page)}
            }
            .into_any()
        }
    };
    let space = by_space(filter.space.as_deref(), narrowing.spaces());
    let (query, sort) = (filter.q.clone(), sort_field(&filter.sorting));
    let mine = is_mine.then(|| view! { <input type="hidden" name=MINE value="1"/> });
    view! {
        <PageHead title="Apps" lead="What sends and receives events.">{action}</PageHead>
        {whose}
        <FilterBar action=paths::APPS label="Filter apps" query=query narrowed=narrowed>
            {sort}
            {mine}
            {space}
        </FilterBar>
        {body}
    }
    .into_any()
}

fn row(item: &Listed, now: time::OffsetDateTime) -> impl IntoView + use<> {
    let key = item.app.key.to_string();
    let chips = item
        .environments
        .iter()
        .map(|listed| {
            let e = &listed.environment;
            let href = paths::environment(e.app_key.as_str(), e.key.as_str());
            let space = e.space.as_ref().filter(|_| e.enabling.is_enabled());
            let words = space.map_or_else(|| "not enabled".to_owned(), |s| format!("in {}", s.name));
            let failed = matches!(followed(&listed.followed, now), Shown::Failed(_)) && e.enabling.is_enabled();
            let tone = if failed {
                Tone::Fail
            } else if e.enabling.is_enabled() {
                Tone::Ok
            } else {
                Tone::Quiet
            };
            view! { <a class="chip" href=href data-tone=tone.name()>{e.key.to_string()}<span class="secondary">{words}</span></a> }
        })
        .collect_view();
    let none = item.environments.is_empty().then(|| view! { <span class="secondary">"None yet"</span> });
    view! {
        <tr>
            <th scope="row"><a href=paths::app(&key)>{item.app.name.to_string()}</a><span class="under"><code>{key.clone()}</code></span></th>
            <td data-label="Event broker"><Status state=if item.app.broker_enabled { Shown::Enabled } else { Shown::Disabled }/></td>
            <td data-label="Environments"><span class="chips">{chips}{none}</span></td>
        </tr>
    }
}

fn draft(typed: &Typed, key: String) -> AppDraft {
    let contacts = Some(addresses(&typed.get("contacts")));
    AppDraft { key, name: typed.get("name"), plan: String::new(), contacts }
}

/// The addresses of a text: parted by lines, commas and semicolons; by blanks only where each part may be an address. What
/// is none stays whole, and is named whole.
fn addresses(text: &str) -> Vec<String> {
    let whole = text.split([',', ';', '\n', '\r']).map(str::trim).filter(|part| !part.is_empty());
    let parted = whole.flat_map(|part| {
        let words: Vec<_> = part.split_whitespace().collect();
        if words.iter().all(|word| word.contains('@')) { words } else { vec![part] }
    });
    parted.map(str::to_owned).collect()
}

/// Errors of single contacts, said at the field that holds them all.
fn contacts_in_one(mut errors: Errors, typed: &Typed) -> Errors {
    if errors.take_parts("contacts") {
        for contact in addresses(&typed.get("contacts")) {
            if contact.parse::<Email>().is_err() {
                errors.add_also("contacts", format!("“{contact}” is not an e-mail address."));
            }
        }
    }
    errors
}

async fn new(visit: Visit, State(manager): State<Manager>) -> Response {
    match manager.may(&visit.actor(), Right::Administer).await {
        Ok(May { refusal: None }) => form(&visit, StatusCode::OK, None, Typed::default(), Errors::default()).await,
        Ok(May { refusal: Some(why) }) => visit.refusal(Error::Forbidden(why)).await,
        Err(error) => visit.refusal(error).await,
    }
}

async fn register(visit: Visit, State(manager): State<Manager>, typed: Typed) -> Response {
    match manager.add_app(&visit.actor(), &draft(&typed, typed.get("key"))).await {
        Err(Error::Conflict { code: "app-exists", .. }) => {
            let errors = std::iter::once(("key", "An app with this key is registered already.")).collect();
            form(&visit, StatusCode::CONFLICT, None, typed, errors).await
        }
        outcome => registered(&visit, outcome, None, typed).await,
    }
}

async fn edit(visit: Visit, State(manager): State<Manager>, Path(app): Path<String>) -> Response {
    match manager.load_app(&visit.actor(), &app).await {
        Ok(_) if !visit.is_admin() => visit.refusal(Error::Forbidden("only an admin may do this".into())).await,
        Ok(view) => {
            let contacts: Vec<_> = view.contacts.iter().map(ToString::to_string).collect();
            let typed = Typed::of([("name", view.app.name.to_string()), ("contacts", contacts.join("\n"))]);
            form(&visit, StatusCode::OK, Some(app), typed, Errors::default()).await
        }
        Err(error) => visit.refusal(error).await,
    }
}

async fn change(visit: Visit, State(manager): State<Manager>, Path(app): Path<String>, typed: Typed) -> Response {
    // What is not there is not made by changing it.
    if let Err(error) = manager.load_app(&visit.actor(), &app).await {
        return visit.refusal(error).await;
    }
    registered(&visit, manager.register_app(&visit.actor(), &draft(&typed, app.clone())).await, Some(app), typed).await
}

async fn registered(visit: &Visit, outcome: Result<Registered, Error>, app: Option<String>, typed: Typed) -> Response {
    match outcome {
        Ok(done) if done.invited.is_empty() => {
            let key = done.app.key.as_str();
            let text = if done.created { format!("{key} is registered.") } else { format!("{key} is changed.") };
            visit.done(&paths::app(key), text).await
        }
        // The links are secrets: shown in this answer, and nowhere else.
        Ok(done) => {
            let place = Place::new(Section::Apps, "People invited").under("Apps", paths::APPS).with_islands();
            let done = std::sync::Arc::new(done);
            visit.page(place, move || invited_view(&done)).await
        }
        Err(error) => match beside_fields(&error) {
            Some(errors) => {
                let errors = contacts_in_one(errors, &typed);
                form(visit, status(&error), app, typed, errors).await
            }
            None => visit.refusal(error).await,
        },
    }
}

async fn form(visit: &Visit, status: StatusCode, app: Option<String>, typed: Typed, errors: Errors) -> Response {
    let title = app.as_ref().map_or_else(|| "Register app".to_owned(), |key| format!("Edit {key}"));
    let mut place = Place::new(Section::Apps, title.clone()).under("Apps", paths::APPS);
    if let Some(key) = &app {
        place = place.under(key, paths::app(key));
    }
    visit
        .page_as(status, place, move || {
            let action = app.as_ref().map_or_else(|| paths::NEW_APP.to_owned(), |key| paths::edit_app(key));
            let back = app.as_ref().map_or_else(|| paths::APPS.to_owned(), |key| paths::app(key));
            let verb = if app.is_some() { "Save" } else { "Register app" };
            let key_field = app.is_none().then(|| {
                view! {
                    <Field label="Key" name="key" value=typed.get("key") error=errors.get("key") maxlength=40_u32 mono=true
                        hint="Part of user names and consumer groups, and never changed. Lower-case letters, digits and hyphens."
                        placeholder="order-portal"/>
                }
            });
            view! {
                <PageHead title=title.clone()/>
                <ErrorSummary errors=errors.clone()/>
                <form method="post" action=action class="form">
                    {key_field}
                    <Field label="Name" name="name" value=typed.get("name") error=errors.get("name") maxlength=64_u32 placeholder="Order Portal"/>
                    <TextArea label="Technical contacts" name="contacts" value=typed.get("contacts") error=errors.get("contacts")
                        rows=3_u32 required=false
                        hint="E-mail addresses, one per line. Whoever is new gets a one-time link to set a password."/>
                    <p class="row">
                        <Submit kind=ButtonKind::Primary>{verb}</Submit>
                        <ButtonLink href=back kind=ButtonKind::Quiet>"Cancel"</ButtonLink>
                    </p>
                </form>
            }
            .into_any()
        })
        .await
}

fn invited_view(done: &Registered) -> AnyView {
    let key = done.app.key.to_string();
    let links = done
        .invited
        .iter()
        .enumerate()
        .map(|(i, (email, link))| {
            view! { <Code id=format!("link-{i}") label=format!("One-time link for {email}") text=link.expose_secret().to_owned()/> }
        })
        .collect_view();
    view! {
        <PageHead title=format!("{key} is saved") lead="New contacts set their password by these links."/>
        <Notice tone=Tone::Warn title="Send each link to its person now: it is shown this once, works once, and ends after 72 hours."/>
        <Panel id="links" title="Links">{links}</Panel>
        <p><ButtonLink href=paths::app(&key) kind=ButtonKind::Primary>{format!("Go to {key}")}</ButtonLink></p>
    }
    .into_any()
}

async fn show(visit: Visit, State(manager): State<Manager>, Path(app): Path<String>) -> Response {
    let view = match manager.load_app(&visit.actor(), &app).await {
        Ok(view) => view,
        Err(error) => return visit.refusal(error).await,
    };
    let may = match manager.may(&visit.actor(), Right::ActFor(view.app.id)).await {
        Ok(may) => may,
        Err(error) => return visit.refusal(error).await,
    };
    let place = Place::new(Section::Apps, view.app.name.to_string()).under("Apps", paths::APPS);
    let (admin, now) = (visit.is_admin(), visit.now());
    visit.page(place, move || app_view(&view, &may, admin, now)).await
}

fn app_view(view: &AppView, may: &May, admin: bool, now: time::OffsetDateTime) -> AnyView {
    let app = &view.app;
    let key = app.key.as_str();
    let edit = if admin {
        view! { <ButtonLink href=paths::edit_app(key) glyph=Glyph::Pencil>"Edit"</ButtonLink> }.into_any()
    } else {
        view! { <Refused id="edit" label="Edit" reason="Only an admin changes name and contacts."/> }.into_any()
    };
    let state = if app.broker_enabled { Shown::Enabled } else { Shown::Disabled };
    let contacts = if view.contacts.is_empty() {
        "None yet".to_owned()
    } else {
        view.contacts.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    };
    let on_app = if app.broker_enabled { "Enabled" } else { "Disabled" };
    view! {
        <PageHead title=app.name.to_string() lead=format!("{key}, {}", app.plan.as_str()) status=view! { <Status state/> }.into_any()>
            {edit}
        </PageHead>
        {half_enabled(view)}
        <Panel id="broker" title="Event broker" lead="An environment is enabled when the broker is enabled here and for the environment."
            actions=broker_switch(view, may)>
            <Facts>
                <Fact label="On the app">{on_app}</Fact>
                <Fact label="Technical contacts">{contacts}</Fact>
            </Facts>
        </Panel>
        {environments(view, admin, now)}
    }
    .into_any()
}

/// What is missing where only one of the two levels is enabled.
fn half_enabled(view: &AppView) -> Option<AnyView> {
    let app = &view.app;
    let enabled_below: Vec<_> = view
        .environments
        .iter()
        .filter(|e| e.environment.enabling.environment)
        .map(|e| e.environment.key.as_str())
        .collect();
    let text = match (app.broker_enabled, enabled_below.is_empty()) {
        (true, true) => {
            "The app is enabled, but none of its environments is: nothing happens in Kafka yet. Enable an environment."
                .to_owned()
        }
        (false, false) => format!(
            "Enabled for {}, but not for the app: nothing happens in Kafka yet. Enable the app.",
            enabled_below.join(", ")
        ),
        _ => return None,
    };
    Some(view! { <Notice tone=Tone::Warn title=text/> }.into_any())
}

fn broker_switch(view: &AppView, may: &May) -> AnyView {
    let (app, enabled) = (&view.app, view.app.broker_enabled);
    let key = app.key.as_str();
    let label = if enabled { "Disable" } else { "Enable" };
    if let Some(why) = &may.refusal {
        return view! { <Refused id="broker-switch" label=label reason=super::sentence(why)/> }.into_any();
    }
    if !enabled {
        return view! {
            <form method="post" action=paths::app_broker(key)>
                <input type="hidden" name="enabled" value="true"/>
                <Submit kind=ButtonKind::Primary>"Enable for this app"</Submit>
            </form>
        }
        .into_any();
    }
    let cut: Vec<_> = view
        .environments
        .iter()
        .filter(|e| e.environment.enabling.is_enabled())
        .map(|e| e.environment.key.to_string())
        .collect();
    let lost = if cut.is_empty() {
        "No environment is enabled, so nothing is cut off.".to_owned()
    } else {
        format!("Cut off from Kafka: {}. Their access goes first, then their credentials.", cut.join(", "))
    };
    view! {
        <Confirm id="disable-app" label="Disable" title=format!("Disable the event broker for {key}?") action=paths::app_broker(key)
            page=paths::app_broker(key) confirm="Disable" fields=vec![("enabled".to_owned(), "false".to_owned())]>
            <p>{lost}</p>
            <p>"Channels and their events stay. Enabling again restores access and the same credentials."</p>
        </Confirm>
    }
    .into_any()
}

fn environments(view: &AppView, admin: bool, now: time::OffsetDateTime) -> AnyView {
    let key = view.app.key.as_str();
    let action = if admin {
        view! { <ButtonLink href=paths::new_environment(key) glyph=Glyph::Plus>"Register environment"</ButtonLink> }
            .into_any()
    } else {
        view! { <Refused id="new-environment" label="Register environment" reason="Only an admin registers environments."/> }
            .into_any()
    };
    let body = if view.environments.is_empty() {
        let next = admin.then(|| Action::new("Register environment", paths::new_environment(key)));
        view! {
            <EmptyState glyph=Glyph::Space title="No environments yet"
                text="Register the stages the app is deployed in: test, acceptance, production." action=next/>
        }
        .into_any()
    } else {
        let columns = vec![
            Column::new("Environment"),
            Column::new("Event broker"),
            Column::new("Space"),
            Column::new("Deployed"),
            Column::new("Credentials"),
            Column::new("Kafka"),
        ];
        let rows = view.environments.iter().map(|e| environment_row(e, now)).collect_view();
        view! { <Table caption="Environments" columns stacked=true>{rows}</Table> }.into_any()
    };
    view! { <Panel id="environments" title="Environments" actions=action>{body}</Panel> }.into_any()
}

/// Where an environment stands on its way to being enabled.
pub(super) fn enabling(environment: &Environment) -> Shown {
    match (environment.enabling.app, environment.enabling.environment) {
        (true, true) => Shown::Enabled,
        (false, true) => Shown::HalfEnabled("Not enabled for the app".into()),
        (_, false) => Shown::Disabled,
    }
}

fn environment_row(listed: &ListedEnvironment, now: time::OffsetDateTime) -> impl IntoView + use<> {
    let e = &listed.environment;
    let href = paths::environment(e.app_key.as_str(), e.key.as_str());
    let space = e.space.as_ref().map(|s| {
        let name = s.name.to_string();
        view! { <a href=paths::space(&name)>{name.clone()}</a> }
    });
    let deployed = match &listed.deployed {
        Some((version, at)) => {
            let moment = crate::web::ui::Moment::new(*at, now);
            view! { <span>{version.clone()}<span class="under"><When moment/></span></span> }.into_any()
        }
        None if e.enabling.is_enabled() => view! { <Status state=Shown::AwaitingDeployment/> }.into_any(),
        None => view! { <span class="secondary">"—"</span> }.into_any(),
    };
    let credentials = match listed.credentials_at {
        Some(at) => view! { <When moment=crate::web::ui::Moment::new(at, now)/> }.into_any(),
        None => view! { <span class="secondary">"None"</span> }.into_any(),
    };
    let kafka = if e.enabling.is_enabled() || matches!(listed.followed, crate::manager::Followed::Failed(_)) {
        view! { <Status state=followed(&listed.followed, now)/> }.into_any()
    } else {
        view! { <Pill tone=Tone::Quiet label="Nothing to do"/> }.into_any()
    };
    view! {
        <tr>
            <th scope="row"><a href=href>{e.name.to_string()}</a><span class="under"><code>{e.key.to_string()}</code></span></th>
            <td data-label="Event broker"><Status state=enabling(e)/></td>
            <td data-label="Space">{space}</td>
            <td data-label="Deployed">{deployed}</td>
            <td data-label="Credentials">{credentials}</td>
            <td data-label="Kafka">{kafka}</td>
        </tr>
    }
}

/// Before disabling, where the dialog cannot be opened.
async fn ask_disable(visit: Visit, State(manager): State<Manager>, Path(app): Path<String>) -> Response {
    let view = match manager.load_app(&visit.actor(), &app).await {
        Ok(view) => view,
        Err(error) => return visit.refusal(error).await,
    };
    let place =
        Place::new(Section::Apps, "").under("Apps", paths::APPS).under(view.app.name.to_string(), paths::app(&app));
    let question = Question {
        title: format!("Disable the event broker for {app}?"),
        text: vec![
            "All its environments are cut off from Kafka: their access goes first, then their credentials.",
            "Channels and their events stay. Enabling again restores access and the same credentials.",
        ],
        action: paths::app_broker(&app),
        confirm: "Disable",
        fields: vec![("enabled", "false".into())],
        back: paths::app(&app),
    };
    question.ask(&visit, place).await
}

async fn set_broker(visit: Visit, State(manager): State<Manager>, Path(app): Path<String>, typed: Typed) -> Response {
    let enabled = typed.get("enabled") == "true";
    match manager.set_app_broker(&visit.actor(), &app, enabled).await {
        Ok(()) => {
            let text = if enabled { "is enabled" } else { "is disabled" };
            visit.done(&paths::app(&app), format!("The event broker {text} for {app}.")).await
        }
        Err(error) => visit.act_refused(&paths::app(&app), error).await,
    }
}

async fn new_environment(visit: Visit, State(manager): State<Manager>, Path(app): Path<String>) -> Response {
    match manager.load_app(&visit.actor(), &app).await {
        Ok(_) if !visit.is_admin() => visit.refusal(Error::Forbidden("only an admin may do this".into())).await,
        Ok(_) => environment_form(&visit, StatusCode::OK, app, Typed::default(), Errors::default()).await,
        Err(error) => visit.refusal(error).await,
    }
}

async fn register_environment(
    visit: Visit,
    State(manager): State<Manager>,
    Path(app): Path<String>,
    typed: Typed,
) -> Response {
    let key = typed.get("key");
    match manager.add_environment(&visit.actor(), &app, &key, &typed.get("name")).await {
        Err(Error::Conflict { code: "environment-exists", .. }) => {
            let errors = std::iter::once(("key", "The app has an environment with this key already.")).collect();
            environment_form(&visit, StatusCode::CONFLICT, app, typed, errors).await
        }
        Ok(()) => visit.done(&paths::app(&app), format!("{app}.{key} is registered.")).await,
        Err(error) => match beside_fields(&error) {
            Some(errors) => environment_form(&visit, status(&error), app, typed, errors).await,
            None => visit.refusal(error).await,
        },
    }
}

async fn environment_form(visit: &Visit, status: StatusCode, app: String, typed: Typed, errors: Errors) -> Response {
    let place =
        Place::new(Section::Apps, "Register environment").under("Apps", paths::APPS).under(&app, paths::app(&app));
    visit
        .page_as(status, place, move || {
            view! {
                <PageHead title="Register environment" lead=format!("A stage that {app} is deployed in.")/>
                <ErrorSummary errors=errors.clone()/>
                <form method="post" action=paths::new_environment(&app) class="form">
                    <Field label="Key" name="key" value=typed.get("key") error=errors.get("key") maxlength=40_u32 mono=true
                        hint="Part of user names and consumer groups, and never changed." placeholder="acceptance"/>
                    <Field label="Name" name="name" value=typed.get("name") error=errors.get("name") maxlength=64_u32
                        hint="When it is first enabled, the environment joins the Space of this name." placeholder="Acceptance"/>
                    <p class="row">
                        <Submit kind=ButtonKind::Primary>"Register environment"</Submit>
                        <ButtonLink href=paths::app(&app) kind=ButtonKind::Quiet>"Cancel"</ButtonLink>
                    </p>
                </form>
            }
            .into_any()
        })
        .await
}
