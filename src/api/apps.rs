//! Apps and environments: registering, enabling, credentials.

use axum::{Json, extract::State, http::StatusCode};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    answer::{at, at_or_null, page, reader, with_status},
    body,
    caller::Caller,
    extract::{At, Chosen, Params},
    problem::{Problem, Result},
};
use crate::{
    domain::{
        landscape::App,
        names::{AppKey, EnvKey},
    },
    manager::{
        Manager,
        apps::{AppDraft, AppView, EnvironmentView, Filter, ListedEnvironment},
    },
};

/// `{name?, plan?, contacts?}`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppBody {
    #[serde(default, deserialize_with = "body::filled")]
    name: String,
    #[serde(default, deserialize_with = "body::filled")]
    plan: String,
    #[serde(default, deserialize_with = "body::given")]
    contacts: Option<Vec<String>>,
}

/// `{name?}`
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnvironmentBody {
    #[serde(default, deserialize_with = "body::filled")]
    name: String,
}

/// `{enabled}`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Broker {
    enabled: bool,
}

/// `GET /apps`
pub async fn list(caller: Caller, State(manager): State<Manager>, params: Params) -> Result<Json<Value>> {
    let q = params.text("q").unwrap_or_default().to_owned();
    let filter = Filter { q, sorting: params.cursor()?, limit: params.limit()?, ..Filter::default() };
    let found = manager.list_apps(&caller.0, &filter).await?;
    Ok(page(&found, |listed| {
        let mut shown = app(&listed.app);
        shown["environments"] = listed.environments.iter().map(environment).collect();
        shown
    }))
}

/// `GET /apps/{app}`
pub async fn load(caller: Caller, State(manager): State<Manager>, At(key): At<AppKey>) -> Result<Json<Value>> {
    Ok(Json(app_view(&manager.load_app(&caller.0, key.as_str()).await?)))
}

/// `PUT /apps/{app}`
pub async fn register(
    caller: Caller,
    State(manager): State<Manager>,
    Chosen(key): Chosen<String>,
    body::Json(AppBody { name, plan, contacts }): body::Json<AppBody>,
) -> Result<(StatusCode, Json<Value>)> {
    let draft = AppDraft { key, name, plan, contacts };
    let registered =
        manager.register_app(&caller.0, &draft).await.map_err(|e| Problem::from(e).renamed("key", "app"))?;
    let mut shown = app_view(&manager.load_app(&caller.0, registered.app.key.as_str()).await?);
    shown["invited"] = registered
        .invited
        .iter()
        .map(|(email, link)| json!({ "email": email, "link": link.expose_secret() }))
        .collect();
    Ok((created(registered.created), Json(shown)))
}

/// `PUT /apps/{app}/broker`
pub async fn set_broker(
    caller: Caller,
    State(manager): State<Manager>,
    At(key): At<AppKey>,
    body::Json(Broker { enabled }): body::Json<Broker>,
) -> Result<Json<Value>> {
    manager.set_app_broker(&caller.0, key.as_str(), enabled).await?;
    Ok(Json(app_view(&manager.load_app(&caller.0, key.as_str()).await?)))
}

/// `GET /apps/{app}/environments/{env}`
pub async fn load_environment(
    caller: Caller,
    State(manager): State<Manager>,
    At((app, env)): At<(AppKey, EnvKey)>,
) -> Result<Json<Value>> {
    Ok(Json(environment_view(&manager.load_environment(&caller.0, app.as_str(), env.as_str()).await?)))
}

/// `PUT /apps/{app}/environments/{env}`
pub async fn register_environment(
    caller: Caller,
    State(manager): State<Manager>,
    Chosen((app, env)): Chosen<(String, String)>,
    body::OptionalJson(EnvironmentBody { name }): body::OptionalJson<EnvironmentBody>,
) -> Result<(StatusCode, Json<Value>)> {
    // An app by this name cannot be, so that the name is wrong rather than the app missing.
    if let Err(why) = app.parse::<AppKey>() {
        return Err(Problem::field("app", why));
    }
    let is_new = manager.register_environment(&caller.0, &app, &env, &name).await;
    let is_new = is_new.map_err(|e| Problem::from(e).renamed("key", "env"))?;
    Ok((created(is_new), Json(environment_view(&manager.load_environment(&caller.0, &app, &env).await?))))
}

/// `PUT /apps/{app}/environments/{env}/broker`
pub async fn set_environment_broker(
    caller: Caller,
    State(manager): State<Manager>,
    At((app, env)): At<(AppKey, EnvKey)>,
    body::Json(Broker { enabled }): body::Json<Broker>,
) -> Result<Json<Value>> {
    manager.set_environment_broker(&caller.0, app.as_str(), env.as_str(), enabled).await?;
    Ok(Json(environment_view(&manager.load_environment(&caller.0, app.as_str(), env.as_str()).await?)))
}

/// `POST /apps/{app}/environments/{env}/credentials`: shows the password, this once.
pub async fn create_credentials(
    caller: Caller,
    State(manager): State<Manager>,
    At((app, env)): At<(AppKey, EnvKey)>,
) -> Result<Json<Value>> {
    let made = manager.create_credentials(&caller.0, app.as_str(), env.as_str()).await?;
    Ok(Json(json!({
        "username": made.username,
        "password": made.password.expose_secret(),
        "bootstrap_servers": made.bootstrap_servers,
        "security_protocol": made.security_protocol,
        "sasl_mechanism": "SCRAM-SHA-512",
        "space": made.space,
        "group_prefix": made.group_prefix,
        "heartbeat_topic": made.heartbeat_topic,
        "created": made.created,
    })))
}

fn created(is_new: bool) -> StatusCode {
    if is_new { StatusCode::CREATED } else { StatusCode::OK }
}

fn app(app: &App) -> Value {
    json!({
        "key": app.key,
        "name": app.name,
        "plan": app.plan,
        "broker_enabled": app.broker_enabled,
        "version": app.version,
    })
}

fn app_view(view: &AppView) -> Value {
    let mut shown = app(&view.app);
    shown["contacts"] = json!(view.contacts);
    shown["environments"] = view.environments.iter().map(environment).collect();
    shown
}

fn environment(listed: &ListedEnvironment) -> Value {
    let environment = &listed.environment;
    let deployed = listed
        .deployed
        .as_ref()
        .map(|(version, deployed_at)| json!({ "version": version, "deployed_at": at(*deployed_at) }));
    let shown = json!({
        "app": environment.app_key,
        "key": environment.key,
        "name": environment.name,
        "broker_enabled": environment.enabling.environment,
        // At both levels: only then it does anything.
        "enabled": environment.enabling.is_enabled(),
        "space": environment.space.as_ref().map(|space| &space.name),
        "credentials_at": at_or_null(listed.credentials_at),
        "deployed": deployed,
        "seen_at": at_or_null(listed.seen_at),
        "version": environment.version,
    });
    with_status(shown, &listed.followed)
}

fn environment_view(view: &EnvironmentView) -> Value {
    let mut shown = environment(&view.listed);
    shown["app_name"] = json!(view.app_name);
    shown["credentials"] = view.principal.as_ref().map_or(Value::Null, |principal| {
        let shown = json!({ "username": principal.username, "rotated_at": at(principal.rotated_at) });
        with_status(shown, &principal.followed)
    });
    let uses = view.uses.iter().map(|used| {
        json!({
            "service": used.service,
            "event": used.event,
            "channel": used.channel,
            "access": used.access,
            "implemented": used.implemented,
            "granted": used.granted,
            "has_topic": used.has_topic,
        })
    });
    shown["access"] = uses.collect();
    let readers = view.readers.iter().map(|found| {
        let mut shown = reader(found);
        shown["channel"] = json!(found.channel);
        shown
    });
    shown["consumer_groups"] = readers.collect();
    let deployments = view.deployments.iter().map(|deployment| {
        json!({
            "version": deployment.app_version,
            "deployed_at": at(deployment.deployed_at),
            "received_at": at(deployment.received_at),
        })
    });
    shown["deployments"] = deployments.collect();
    shown
}
