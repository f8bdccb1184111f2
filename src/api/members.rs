//! People: inviting, roles, blocking.

use axum::{Json, extract::State, http::StatusCode};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    answer::{at, page_of},
    body,
    caller::Caller,
    extract::{At, Params},
    problem::Result,
};
use crate::{
    domain::{ids::MemberId, member::Role},
    manager::{Manager, members::Listed},
};

/// `{email, role, name?}`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Invitation {
    email: String,
    role: String,
    #[serde(default, deserialize_with = "body::filled")]
    name: String,
}

/// `{role?, blocked?, version?}`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    #[serde(default, deserialize_with = "body::given")]
    role: Option<Role>,
    #[serde(default, deserialize_with = "body::given")]
    blocked: Option<bool>,
    #[serde(default, deserialize_with = "body::given")]
    version: Option<i64>,
}

/// `POST /members`: shows the one-time link, this once.
pub async fn invite(
    caller: Caller,
    State(manager): State<Manager>,
    body::Json(Invitation { email, role, name }): body::Json<Invitation>,
) -> Result<(StatusCode, Json<Value>)> {
    let invited = manager.invite(&caller.0, &email, &name, &role).await?;
    let link = invited.link.as_ref().map(ExposeSecret::expose_secret);
    Ok((StatusCode::CREATED, Json(json!({ "id": invited.id, "email": email, "role": role, "link": link }))))
}

/// `GET /members`
pub async fn list(caller: Caller, State(manager): State<Manager>, params: Params) -> Result<Json<Value>> {
    let mut members = manager.list_members(&caller.0).await?;
    if let Some(q) = params.text("q") {
        let q = q.to_lowercase();
        members.retain(|m| m.member.email.as_str().contains(&q) || m.member.name.to_lowercase().contains(&q));
    }
    page_of(&members, &params, |listed| listed.member.id.to_string(), member)
}

/// `PATCH /members/{id}`
pub async fn change(
    caller: Caller,
    State(manager): State<Manager>,
    At(id): At<MemberId>,
    body::Json(Change { role, blocked, version }): body::Json<Change>,
) -> Result<StatusCode> {
    manager.change_member(&caller.0, id, version, role, blocked).await?;
    // Nothing is read back: whoever has just stopped being an admin may not.
    Ok(StatusCode::NO_CONTENT)
}

fn member(listed: &Listed) -> Value {
    json!({
        "id": listed.member.id,
        "email": listed.member.email,
        "name": listed.member.name,
        "role": listed.member.role,
        "blocked": listed.member.blocked,
        "has_password": listed.has_password,
        "contact_of": listed.contact_of,
        "created_at": at(listed.created_at),
        "version": listed.member.version,
    })
}
