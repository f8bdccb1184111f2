//! The people: list, inviting, one member's role, block and one-time link.

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    http::StatusCode,
    response::{Redirect, Response},
    routing::get,
};
use leptos::prelude::*;
use secrecy::{ExposeSecret, SecretString};
use time::OffsetDateTime;

use super::{asked::At, parts::Typed};
use crate::{
    domain::{
        ids::MemberId,
        member::{Member, Role},
    },
    manager::{Error, Manager, members::Listed},
    web::{
        Web, paths,
        refusal::{beside_fields, status},
        ui::{
            ButtonKind, ButtonLink, Choice, Code, Column, ErrorSummary, Errors, Fact, Facts, Field, Glyph, Moment,
            Name, Notice, PageHead, Panel, Pill, Radio, Refused, Section, Submit, Table, Tone, When,
        },
        visit::{Place, Visit},
    },
};

pub(super) fn router() -> Router<Web> {
    Router::new()
        .route(paths::PEOPLE, get(list).post(invite))
        .route("/people/{member}", get(show).post(change))
        .route("/people/{member}/link", get(to_member).post(renew_link))
}

async fn list(visit: Visit, State(manager): State<Manager>) -> Response {
    list_page(&visit, &manager, StatusCode::OK, Typed::of([("role", "viewer".to_owned())]), Errors::default()).await
}

async fn list_page(visit: &Visit, manager: &Manager, status: StatusCode, typed: Typed, errors: Errors) -> Response {
    match manager.list_members(&visit.actor()).await {
        Ok(members) => {
            let (own, now) = (visit.member.id, visit.now());
            visit
                .page_as(status, Place::new(Section::People, "People"), move || {
                    list_view(&members, own, now, &typed, &errors)
                })
                .await
        }
        Err(error) => visit.refusal(error).await,
    }
}

fn list_view(members: &[Listed], own: MemberId, now: OffsetDateTime, typed: &Typed, errors: &Errors) -> AnyView {
    let columns = vec![
        Column::new("Person"),
        Column::new("Role"),
        Column::new("Technical contact of"),
        Column::new("State"),
        Column::new("Invited"),
        Column::new("Actions").hidden(),
    ];
    let rows = members.iter().map(|listed| row(listed, own, now)).collect_view();
    view! {
        <PageHead title="People" lead="Who may sign in. Admins may do everything; viewers look, and act for the apps whose technical contact they are.">
            <ButtonLink href="#invite" kind=ButtonKind::Primary glyph=Glyph::Plus>"Invite"</ButtonLink>
        </PageHead>
        <ErrorSummary errors=errors.clone()/>
        <Panel id="members" title="Members">
            <Table caption="People" columns stacked=true>{rows}</Table>
        </Panel>
        {invite_form(typed, errors)}
    }
    .into_any()
}

fn row(listed: &Listed, own: MemberId, now: OffsetDateTime) -> impl IntoView + use<> {
    let member = &listed.member;
    let you = (member.id == own).then(|| view! { " "<span class="secondary">"you"</span> });
    let href = paths::member(member.id);
    let label = format!("Change {}", member.name);
    view! {
        <tr>
            <th scope="row">
                <a href=href.clone()>{member.name.clone()}</a>{you}
                <span class="under"><Name text=member.email.to_string()/></span>
            </th>
            <td data-label="Role">{role(member.role)}</td>
            <td data-label="Contact of">{contact_of(&listed.contact_of)}</td>
            <td data-label="State">{state(listed)}</td>
            <td data-label="Invited"><When moment=Moment::new(listed.created_at, now)/></td>
            <td><span class="actions"><a class="button quiet" href=href aria-label=label><span>"Change"</span></a></span></td>
        </tr>
    }
}

fn role(role: Role) -> &'static str {
    match role {
        Role::Admin => "Admin",
        Role::Viewer => "Viewer",
    }
}

fn contact_of(apps: &[String]) -> AnyView {
    if apps.is_empty() {
        return view! { <span class="secondary">"No app"</span> }.into_any();
    }
    let chips = apps.iter().map(|app| view! { <a class="chip" href=paths::app(app)>{app.clone()}</a> });
    view! { <span class="chips">{chips.collect_view()}</span> }.into_any()
}

fn state(listed: &Listed) -> AnyView {
    match (listed.member.blocked, listed.has_password) {
        (true, _) => view! { <Pill tone=Tone::Fail glyph=Glyph::Lock label="Blocked"/> },
        (false, true) => view! { <Pill tone=Tone::Ok label="Password set"/> },
        (false, false) => view! { <Pill tone=Tone::Wait label="Invited"/> },
    }
    .into_any()
}

fn roles(value: String, error: Option<String>) -> AnyView {
    let choices = vec![
        Choice::new("viewer", "Viewer")
            .hint("Sees the landscape, and acts for the apps whose technical contact he is."),
        Choice::new("admin", "Admin").hint("Registers apps and people, decides access, may do everything."),
    ];
    view! { <Radio label="Role" name="role" choices=choices value=value error=error/> }.into_any()
}

fn invite_form(typed: &Typed, errors: &Errors) -> AnyView {
    let (email, name) = (typed.get("email"), typed.get("name"));
    let (wrong_email, wrong_name) = (errors.get("email"), errors.get("name"));
    let roles = roles(typed.get("role"), errors.get("role"));
    view! {
        <Panel id="invite" title="Invite" lead="You get a one-time link to send; by it the person sets a password.">
            <form method="post" action=paths::PEOPLE class="form">
                <Field label="E-mail" name="email" kind="email" value=email error=wrong_email maxlength=254_u32 placeholder="ann.lee@example.com"/>
                <Field label="Name" name="name" value=name error=wrong_name required=false maxlength=100_u32
                    hint="Made from the address where it is left empty."/>
                {roles}
                <p class="actions"><Submit kind=ButtonKind::Primary>"Invite"</Submit></p>
            </form>
        </Panel>
    }
    .into_any()
}

async fn invite(visit: Visit, State(manager): State<Manager>, typed: Typed) -> Response {
    let email = typed.get("email").trim().to_owned();
    match manager.invite(&visit.actor(), &email, &typed.get("name"), &typed.get("role")).await {
        Ok(invited) => match invited.link {
            Some(link) => link_page(&visit, format!("{email} is invited"), invited.id, email, link).await,
            None => visit.done(&paths::member(invited.id), format!("{email} is a member already.")).await,
        },
        Err(error @ Error::Forbidden(_)) => visit.refusal(error).await,
        Err(error) => match beside_fields(&error) {
            Some(errors) => list_page(&visit, &manager, status(&error), typed, errors).await,
            None => visit.refusal(error).await,
        },
    }
}

/// The link is a secret: shown in this answer, and nowhere else.
async fn link_page(visit: &Visit, title: String, id: MemberId, email: String, link: SecretString) -> Response {
    let link = Arc::new(link);
    let place = Place::new(Section::People, title.clone()).under("People", paths::PEOPLE).with_islands();
    visit
        .page(place, move || {
            let text = link.expose_secret().to_owned();
            view! {
                <PageHead title=title.clone()/>
                <Notice tone=Tone::Warn announce=true
                    title="Send the link to its person now: it is shown this once, works once, and ends after 72 hours.">
                    <p>"A newer link replaces it."</p>
                </Notice>
                <Code id="link" label=format!("One-time link for {email}") text=text/>
                <p class="row">
                    <ButtonLink href=paths::PEOPLE kind=ButtonKind::Primary>"Back to the people"</ButtonLink>
                    <ButtonLink href=paths::member(id) kind=ButtonKind::Quiet>"Look at this member"</ButtonLink>
                </p>
            }
            .into_any()
        })
        .await
}

async fn find(visit: &Visit, manager: &Manager, id: Option<MemberId>) -> Result<Listed, Error> {
    let members = manager.list_members(&visit.actor()).await?;
    members.into_iter().find(|listed| Some(listed.member.id) == id).ok_or(Error::NotFound("member"))
}

async fn show(visit: Visit, State(manager): State<Manager>, At(id): At<MemberId>) -> Response {
    match find(&visit, &manager, id).await {
        Ok(listed) => {
            let role = listed.member.role;
            member_page(&visit, StatusCode::OK, listed, role, Errors::default()).await
        }
        Err(error) => visit.refusal(error).await,
    }
}

/// The page of a member, with the role that is ticked.
async fn member_page(visit: &Visit, status: StatusCode, listed: Listed, role: Role, errors: Errors) -> Response {
    let place = Place::new(Section::People, listed.member.name.clone()).under("People", paths::PEOPLE);
    let (own, now) = (visit.member.id, visit.now());
    visit.page_as(status, place, move || member_view(&listed, role, own, now, &errors)).await
}

fn member_view(listed: &Listed, role: Role, own: MemberId, now: OffsetDateTime, errors: &Errors) -> AnyView {
    let member = &listed.member;
    let (email, version) = (member.email.to_string(), member.version.to_string());
    let history = format!("{}?object={}", paths::HISTORY, member.id);
    let (save, renew) = (paths::member(member.id), paths::member_link(member.id));
    let (roles, block) = (roles(role.as_str().to_owned(), None), block(member, own));
    let (contact_of, invited) = (contact_of(&listed.contact_of), Moment::new(listed.created_at, now));
    view! {
        <PageHead title=member.name.clone() lead=email status=state(listed)>
            <ButtonLink href=history glyph=Glyph::History>"History"</ButtonLink>
        </PageHead>
        <ErrorSummary errors=errors.clone()/>
        <Facts>
            <Fact label="Contact of">{contact_of}</Fact>
            <Fact label="Invited"><When moment=invited/></Fact>
        </Facts>
        <Panel id="role" title="What this member may do">
            <form method="post" action=save class="form">
                <input type="hidden" name="version" value=version/>
                {roles}
                <p class="actions"><Submit>"Save role"</Submit></p>
            </form>
        </Panel>
        <Panel id="link" title="One-time link" lead="For a password that was never set, or is lost. The old password works until the link is used.">
            <form method="post" action=renew>
                <Submit glyph=Glyph::Key>"Make a new link"</Submit>
            </form>
        </Panel>
        {block}
    }
    .into_any()
}

fn block(member: &Member, own: MemberId) -> AnyView {
    let (action, version) = (paths::member(member.id), member.version.to_string());
    let verb = format!("Block {}", member.name);
    if member.id == own {
        return view! {
            <Panel id="block" title="Block">
                <Refused id="block-own" label="Block" reason="You cannot block yourself: another admin can."/>
            </Panel>
        }
        .into_any();
    }
    if member.blocked {
        return view! {
            <Panel id="block" title="Blocked" lead="May not sign in; sessions are ended and tokens refused.">
                <form method="post" action=action>
                    <input type="hidden" name="version" value=version/>
                    <input type="hidden" name="blocked" value="false"/>
                    <Submit>"Unblock"</Submit>
                </form>
            </Panel>
        }
        .into_any();
    }
    view! {
        <Panel id="block" title="Block" lead="Ends the member's sessions at once, and refuses tokens until the member is unblocked.">
            <form method="post" action=action>
                <input type="hidden" name="version" value=version/>
                <input type="hidden" name="blocked" value="true"/>
                <Submit kind=ButtonKind::Danger glyph=Glyph::Lock>{verb}</Submit>
            </form>
        </Panel>
    }
    .into_any()
}

/// What a form says of a member; what it does not name stays.
fn wanted(typed: &Typed) -> Result<(i64, Option<Role>, Option<bool>), Error> {
    let version = typed.number("version").ok_or_else(|| Error::field("version", "is missing: open the page anew"))?;
    let role = match typed.find("role") {
        None => None,
        Some(word) => Some(Role::from_word(word).ok_or_else(|| Error::field("role", "must be admin or viewer"))?),
    };
    let blocked = match typed.find("blocked") {
        None => None,
        Some("true") => Some(true),
        Some("false") => Some(false),
        Some(_) => return Err(Error::field("blocked", "must be true or false")),
    };
    Ok((version, role, blocked))
}

async fn change(visit: Visit, State(manager): State<Manager>, At(id): At<MemberId>, typed: Typed) -> Response {
    let listed = match find(&visit, &manager, id).await {
        Ok(listed) => listed,
        Err(error) => return visit.refusal(error).await,
    };
    let (id, name, back) = (listed.member.id, listed.member.name, paths::member(listed.member.id));
    let (version, role, blocked) = match wanted(&typed) {
        Ok(wanted) => wanted,
        Err(error) => return visit.refusal(error).await,
    };
    match manager.change_member(&visit.actor(), id, Some(version), role, blocked).await {
        Ok(()) => {
            let text = match (role, blocked) {
                (_, Some(true)) => format!("{name} is blocked."),
                (_, Some(false)) => format!("{name} may sign in again."),
                (Some(Role::Admin), None) => format!("{name} is an admin."),
                (Some(Role::Viewer), None) => format!("{name} is a viewer."),
                (None, None) => "Nothing was to be changed.".to_owned(),
            };
            // Who is an admin no more may not see the page of a member.
            let own = id == visit.member.id && role == Some(Role::Viewer);
            visit.done(if own { paths::OVERVIEW } else { &back }, text).await
        }
        // As it is now, with what was chosen.
        Err(error @ Error::Conflict { code: "stale", .. }) => match find(&visit, &manager, Some(id)).await {
            Ok(listed) => {
                let role = role.unwrap_or(listed.member.role);
                member_page(&visit, status(&error), listed, role, beside_fields(&error).unwrap_or_default()).await
            }
            Err(error) => visit.refusal(error).await,
        },
        Err(error) => visit.act_refused(&back, error).await,
    }
}

/// After signing in again one comes back here by `GET`.
async fn to_member(At(id): At<MemberId>) -> Redirect {
    Redirect::to(&id.map_or_else(|| paths::PEOPLE.to_owned(), paths::member))
}

async fn renew_link(visit: Visit, State(manager): State<Manager>, At(id): At<MemberId>) -> Response {
    let listed = match find(&visit, &manager, id).await {
        Ok(listed) => listed,
        Err(error) => return visit.refusal(error).await,
    };
    let (id, email) = (listed.member.id, listed.member.email.to_string());
    match manager.renew_link(&visit.actor(), id).await {
        Ok(link) => link_page(&visit, format!("New link for {email}"), id, email, link).await,
        Err(error) => visit.act_refused(&paths::member(id), error).await,
    }
}
