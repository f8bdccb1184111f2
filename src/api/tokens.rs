//! Bearer tokens: made, listed, ended.

use axum::{Json, extract::State, http::StatusCode};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::{
    answer::{at, at_or_null, page_of},
    body,
    caller::Caller,
    extract::{At, Params},
    problem::{Problem, Result},
};
use crate::{
    domain::{
        ids::TokenId,
        names::{AppKey, EnvKey},
    },
    manager::{
        Manager,
        tokens::{For, Listed},
    },
};

/// `{kind, name?, app?, env?, expires_at?}`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    kind: Kind,
    #[serde(default, deserialize_with = "body::filled")]
    name: String,
    #[serde(default, deserialize_with = "body::given")]
    app: Option<AppKey>,
    #[serde(default, deserialize_with = "body::given")]
    env: Option<EnvKey>,
    #[serde(default, deserialize_with = "body::instant_given")]
    expires_at: Option<OffsetDateTime>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Member,
    Deploy,
}

/// `POST /tokens`: shows the value, this once.
pub async fn create(
    caller: Caller,
    State(manager): State<Manager>,
    body::Json(new): body::Json<NewToken>,
) -> Result<(StatusCode, Json<Value>)> {
    let (what, kind) = match (new.kind, &new.app, &new.env) {
        (Kind::Member, None, None) => {
            let member = caller.0.member().ok_or_else(|| Problem::field("kind", "cannot be made by this token"))?;
            (For::Member(member), "member")
        }
        (Kind::Member, Some(_), _) => return Err(Problem::field("app", "belongs to a deploy token only")),
        (Kind::Member, None, Some(_)) => return Err(Problem::field("env", "belongs to a deploy token only")),
        (Kind::Deploy, Some(app), Some(env)) => {
            (For::Deploy { app: app.as_str(), environment: env.as_str() }, "deploy")
        }
        (Kind::Deploy, None, _) => return Err(Problem::field("app", "is missing")),
        (Kind::Deploy, Some(_), None) => return Err(Problem::field("env", "is missing")),
    };
    let minted = manager.create_token(&caller.0, what, &new.name, new.expires_at).await?;
    let shown = json!({
        "id": minted.id,
        "kind": kind,
        "name": new.name,
        "token": minted.value.expose_secret(),
        "expires_at": at_or_null(new.expires_at),
    });
    Ok((StatusCode::CREATED, Json(shown)))
}

/// `GET /tokens`: one's own; those of an environment with `?app=&env=`.
pub async fn list(caller: Caller, State(manager): State<Manager>, params: Params) -> Result<Json<Value>> {
    let form = "the key of an app or environment";
    let environment = match (params.parsed::<AppKey>("app", form)?, params.parsed::<EnvKey>("env", form)?) {
        (None, None) => None,
        (Some(app), Some(env)) => Some((app, env)),
        (None, Some(_)) => return Err(Problem::field("app", "is missing")),
        (Some(_), None) => return Err(Problem::field("env", "is missing")),
    };
    let environment = environment.as_ref().map(|(app, env)| (app.as_str(), env.as_str()));
    let tokens = manager.list_tokens(&caller.0, environment).await?;
    page_of(&tokens, &params, |listed| listed.id.to_string(), token)
}

/// `DELETE /tokens/{id}`
pub async fn revoke(caller: Caller, State(manager): State<Manager>, At(id): At<TokenId>) -> Result<StatusCode> {
    manager.revoke_token(&caller.0, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn token(listed: &Listed) -> Value {
    json!({
        "id": listed.id,
        "kind": listed.kind,
        "name": listed.name,
        "scope": listed.scope,
        "created_at": at(listed.created_at),
        "expires_at": at_or_null(listed.expires_at),
        "last_used_at": at_or_null(listed.last_used_at),
    })
}
