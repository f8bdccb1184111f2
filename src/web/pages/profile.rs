//! One's own profile: who one is, and one's own tokens.

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    http::StatusCode,
    response::{Redirect, Response},
    routing::get,
};
use leptos::prelude::*;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{asked::Asked, parts::Typed, secrets};
use crate::{
    domain::{ids::TokenId, member::Role},
    manager::{
        Error, Manager,
        tokens::{For, Listed},
    },
    web::{
        Web, paths,
        refusal::{beside_fields, status},
        ui::{
            ButtonKind, ButtonLink, Choice, Column, Confirm, ErrorSummary, Errors, Fact, Facts, Field, Glyph, Moment,
            Name, PageHead, Panel, Select, Submit, Table, When,
        },
        visit::{Place, Visit},
    },
};

/// Where tokens of one's own are made.
const TOKENS: &str = "/profile/tokens";
/// Days after which a token ends by itself, as they are offered.
const DAYS: [i64; 3] = [30, 90, 365];

pub(super) fn router() -> Router<Web> {
    Router::new().route(paths::PROFILE, get(show)).route(TOKENS, get(to_profile).post(create))
}

/// After signing in again one comes back here by `GET`.
async fn to_profile() -> Redirect {
    Redirect::to(paths::PROFILE)
}

async fn show(visit: Visit, State(manager): State<Manager>, asked: Asked) -> Response {
    let revoke = match asked.parsed::<TokenId>("revoke", "the id of a token") {
        Ok(revoke) => revoke,
        Err(error) => return visit.refusal(error).await,
    };
    page(&visit, &manager, StatusCode::OK, revoke, Typed::of([("expires", "90".to_owned())]), Errors::default()).await
}

async fn page(
    visit: &Visit,
    manager: &Manager,
    status: StatusCode,
    revoke: Option<TokenId>,
    typed: Typed,
    errors: Errors,
) -> Response {
    let tokens = match manager.list_tokens(&visit.actor(), None).await {
        Ok(tokens) => tokens,
        Err(error) => return visit.refusal(error).await,
    };
    let apps = match manager.list_own_apps(&visit.actor()).await {
        Ok(apps) => apps,
        Err(error) => return visit.refusal(error).await,
    };
    let revoke = match revoke {
        None => None,
        Some(id) => match tokens.iter().find(|token| token.id == id) {
            Some(token) => Some(token.clone()),
            None => return visit.refusal(Error::NotFound("token")).await,
        },
    };
    let (member, now) = (visit.member.clone(), visit.now());
    visit
        .page_as(status, Place::apart("Your profile"), move || {
            let role = match member.role {
                Role::Admin => "Admin: may do everything",
                Role::Viewer => "Viewer: may look, and act for apps as their technical contact",
            };
            let (name, email) = (member.name.clone(), member.email.to_string());
            view! {
                <PageHead title="Your profile">
                    <ButtonLink href=paths::API glyph=Glyph::Service>"What the API can do"</ButtonLink>
                </PageHead>
                <ErrorSummary errors=errors.clone()/>
                {revoke.as_ref().map(ask_to_revoke)}
                <Facts>
                    <Fact label="Name">{name}</Fact>
                    <Fact label="E-mail">{email}</Fact>
                    <Fact label="Role">{role}</Fact>
                </Facts>
                {apps_panel(&apps)}
                {tokens_panel(&tokens, now)}
                {form(&typed, &errors)}
            }
            .into_any()
        })
        .await
}

/// For browsers that cannot open the dialog.
fn ask_to_revoke(token: &Listed) -> AnyView {
    view! {
        <section class="confirm" aria-labelledby="revoke-title">
            <h2 id="revoke-title">{format!("Revoke “{}”?", name_of(token))}</h2>
            <p>"Programs that use it are refused at once."</p>
            <form method="post" action=paths::revoke_token(token.id) class="row">
                <input type="hidden" name="next" value=paths::PROFILE/>
                <Submit kind=ButtonKind::Danger>"Revoke"</Submit>
                <ButtonLink href=paths::PROFILE kind=ButtonKind::Quiet>"Cancel"</ButtonLink>
            </form>
        </section>
    }
    .into_any()
}

/// The apps that one may act for.
fn apps_panel(apps: &[(String, String)]) -> AnyView {
    let body = if apps.is_empty() {
        view! { <p class="secondary">"None. An admin makes you a technical contact, at the app."</p> }.into_any()
    } else {
        let app = |(key, name): &(String, String)| {
            let more = (key != name).then(|| view! { <span class="secondary">{key.clone()}</span> });
            view! { <a class="chip" href=paths::app(key)>{name.clone()}{more}</a> }
        };
        view! { <span class="chips">{apps.iter().map(app).collect_view()}</span> }.into_any()
    };
    view! { <Panel id="apps" title="Your apps" lead="Those that you may act for, as their technical contact.">{body}</Panel> }
        .into_any()
}

fn name_of(token: &Listed) -> String {
    if token.name.is_empty() { "Token".to_owned() } else { token.name.clone() }
}

fn tokens_panel(tokens: &[Listed], now: OffsetDateTime) -> AnyView {
    let body = if tokens.is_empty() {
        view! { <p class="secondary">"None yet. Scripts and tools sign in to the API with one."</p> }.into_any()
    } else {
        let columns = vec![
            Column::new("Name"),
            Column::new("Made"),
            Column::new("Ends"),
            Column::new("Last used"),
            Column::new("Actions").hidden(),
        ];
        let rows = tokens.iter().map(|token| row(token, now)).collect_view();
        view! { <Table caption="Your tokens" columns stacked=true>{rows}</Table> }.into_any()
    };
    view! {
        <Panel id="tokens" title="Your tokens" lead="Each may do over the API all that you may do here. They end with your membership.">
            {body}
        </Panel>
    }
    .into_any()
}

fn row(token: &Listed, now: OffsetDateTime) -> impl IntoView + use<> {
    let when = |at: Option<OffsetDateTime>, never: &'static str| match at {
        Some(at) => view! { <When moment=Moment::new(at, now)/> }.into_any(),
        None => view! { <span class="secondary">{never}</span> }.into_any(),
    };
    let ends = match token.expires_at {
        Some(at) if at <= now => view! { <span class="secondary">"Has ended"</span> }.into_any(),
        at => when(at, "Never"),
    };
    let name = name_of(token);
    view! {
        <tr>
            <th scope="row"><Name text=name.clone()/></th>
            <td data-label="Made"><When moment=Moment::new(token.created_at, now)/></td>
            <td data-label="Ends">{ends}</td>
            <td data-label="Last used">{when(token.last_used_at, "Never")}</td>
            <td><span class="actions">
                <Confirm id=format!("revoke-{}", token.id) label="Revoke" title=format!("Revoke “{name}”?")
                    action=paths::revoke_token(token.id) page=format!("{}?revoke={}", paths::PROFILE, token.id) confirm="Revoke"
                    fields=vec![("next".to_owned(), paths::PROFILE.to_owned())]>
                    <p>"Programs that use it are refused at once."</p>
                </Confirm>
            </span></td>
        </tr>
    }
}

fn form(typed: &Typed, errors: &Errors) -> AnyView {
    let mut choices: Vec<_> =
        DAYS.iter().map(|days| Choice::new(days.to_string(), format!("In {days} days"))).collect();
    choices.push(Choice::new("never", "Never"));
    let (name, expires) = (typed.get("name"), typed.get("expires"));
    let (wrong_name, wrong_expires) = (errors.get("name"), errors.get("expires"));
    view! {
        <Panel id="new-token" title="New token" lead="It is shown once, right after it is made.">
            <form method="post" action=TOKENS class="form">
                <input type="hidden" name="id" value=TokenId(Uuid::now_v7()).to_string()/>
                <Field label="Name" name="name" value=name error=wrong_name required=false maxlength=100_u32
                    hint="Where it is used, so that you know it again." placeholder="Terraform on my laptop"/>
                <Select label="Ends by itself" name="expires" choices=choices value=expires error=wrong_expires/>
                <p class="actions"><Submit kind=ButtonKind::Primary>"Create token"</Submit></p>
            </form>
        </Panel>
    }
    .into_any()
}

/// When a token ends that shall last as long as was chosen.
fn ends(chosen: &str, now: OffsetDateTime) -> Result<Option<OffsetDateTime>, Error> {
    match chosen {
        "" | "never" => Ok(None),
        days => match days.parse().ok().filter(|days| DAYS.contains(days)) {
            Some(days) => Ok(Some(now + Duration::days(days))),
            None => Err(Error::field("expires", "must be one of those offered")),
        },
    }
}

async fn create(visit: Visit, State(manager): State<Manager>, typed: Typed) -> Response {
    let made = match ends(&typed.get("expires"), visit.now()) {
        Ok(ends) => {
            let what = For::Member(visit.member.id);
            let id = typed.find("id").and_then(|id| id.parse().ok()).unwrap_or_else(|| TokenId(Uuid::now_v7()));
            manager.create_token_as(&visit.actor(), id, what, typed.get("name").trim(), ends).await
        }
        Err(error) => Err(error),
    };
    match made {
        Ok(minted) => {
            let minted = Arc::new(minted);
            let place = Place::apart("New token").under("Your profile", paths::PROFILE).with_islands();
            visit
                .page(place, move || {
                    let lead = "It signs in to the API as you: send it as “Authorization: Bearer …”.".to_owned();
                    view! {
                        <PageHead title="New token">
                            <ButtonLink href=paths::PROFILE>"I have copied it"</ButtonLink>
                        </PageHead>
                        {secrets::once("Token", &minted.value, lead)}
                    }
                    .into_any()
                })
                .await
        }
        Err(error) => match beside_fields(&error) {
            Some(errors) => page(&visit, &manager, status(&error), None, typed, errors).await,
            None => visit.refusal(error).await,
        },
    }
}
