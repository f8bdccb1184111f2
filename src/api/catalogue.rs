//! Spaces, channels, events, services: what there is.

use axum::{Json, extract::State, http::StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    answer::{at, page, page_of, reader, with_status},
    body,
    caller::Caller,
    extract::{At, Chosen, Params},
    problem::{Problem, Result},
};
use crate::{
    domain::{
        ids::ChannelId,
        names::{AppKey, EnvKey, SpaceName},
    },
    manager::{
        Columns, Manager,
        catalogue::{Filter, ListedChannel, ListedEvent, ListedSpace},
        moves::Rehearsal,
    },
};

/// `GET /spaces`
pub async fn list_spaces(caller: Caller, State(manager): State<Manager>, params: Params) -> Result<Json<Value>> {
    let mut spaces = manager.list_spaces(&caller.0).await?;
    if let Some(q) = params.text("q") {
        let q = q.to_lowercase();
        spaces.retain(|listed| listed.space.name.as_str().to_lowercase().contains(&q));
    }
    let show = |listed: &ListedSpace| {
        json!({
            "name": listed.space.name,
            "environments": listed.environments,
            "channels": listed.channels,
            "bridges": listed.bridges,
        })
    };
    page_of(&spaces, &params, |listed| listed.space.name.to_string(), show)
}

/// `GET /spaces/{space}`
pub async fn load_space(
    caller: Caller,
    State(manager): State<Manager>,
    At(name): At<SpaceName>,
) -> Result<Json<Value>> {
    let view = manager.load_space(&caller.0, name.as_str(), OF_SPACE).await?;
    let uses = view.uses.iter().map(|used| {
        json!({
            "app": used.app,
            "environment": used.environment,
            "service": used.service,
            "event": used.event,
            "channel": used.channel,
            "publish": used.publish,
            "subscribe": used.subscribe,
        })
    });
    Ok(Json(json!({
        "name": view.space.name,
        "uses": uses.collect::<Vec<_>>(),
        "channels": view.channels.iter().map(channel).collect::<Vec<_>>(),
    })))
}

/// Events and channels of a Space in one answer at most; lists have all of them.
const OF_SPACE: i64 = 1000;

/// `{}`: the name stands in the path.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpaceBody {}

/// `PUT /spaces/{space}`
pub async fn create_space(
    caller: Caller,
    State(manager): State<Manager>,
    Chosen(name): Chosen<String>,
    body::OptionalJson(SpaceBody {}): body::OptionalJson<SpaceBody>,
) -> Result<(StatusCode, Json<Value>)> {
    let created = manager.create_space(&caller.0, &name).await;
    let created = created.map_err(|error| Problem::from(error).renamed("name", "space"))?;
    Ok((if created { StatusCode::CREATED } else { StatusCode::OK }, Json(json!({ "name": name }))))
}

/// `DELETE /spaces/{space}`: an empty one.
pub async fn delete_space(
    caller: Caller,
    State(manager): State<Manager>,
    At(name): At<SpaceName>,
) -> Result<StatusCode> {
    manager.delete_space(&caller.0, name.as_str()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `{app, env, dry_run?, plan_version?}`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Move {
    app: AppKey,
    env: EnvKey,
    #[serde(default)]
    dry_run: bool,
    #[serde(default, deserialize_with = "body::given")]
    plan_version: Option<String>,
}

/// `POST /spaces/{space}/moves`: moves an environment into this Space; with `dry_run` says what that would do.
pub async fn move_environment(
    caller: Caller,
    State(manager): State<Manager>,
    At(to): At<SpaceName>,
    body::Json(Move { app, env, dry_run, plan_version }): body::Json<Move>,
) -> Result<Json<Rehearsal>> {
    let (app, env, to) = (app.as_str(), env.as_str(), to.as_str());
    let moved = match (dry_run, plan_version) {
        (true, _) => manager.rehearse_move(&caller.0, app, env, to).await,
        (false, Some(version)) => manager.move_environment(&caller.0, app, env, to, &version).await,
        (false, None) => {
            return Err(Problem::field("plan_version", "is missing: rehearse the move first, with \"dry_run\": true"));
        }
    };
    Ok(Json(moved.map_err(|error| Problem::from(error).renamed("to", "space"))?))
}

/// `GET /channels`
pub async fn list_channels(caller: Caller, State(manager): State<Manager>, params: Params) -> Result<Json<Value>> {
    Ok(page(&manager.list_channels(&caller.0, &filter(&params)?).await?, channel))
}

/// `GET /channels/{channel}`
pub async fn load_channel(
    caller: Caller,
    State(manager): State<Manager>,
    At(id): At<ChannelId>,
) -> Result<Json<Value>> {
    let found = manager.load_channel(&caller.0, id).await?;
    let mut shown = channel(&found.listed);
    shown["address"] = found.address.as_str().into();
    shown["events"] = found.events.iter().map(event).collect();
    let topics = found.topics.iter().map(|topic| {
        let shown = json!({
            "space": topic.space,
            "partitions": topic.partitions,
            "replicas": topic.replicas,
            "config": topic.config,
        });
        with_status(shown, &topic.followed)
    });
    shown["topics"] = topics.collect();
    let readers = manager.list_channel_readers(&caller.0, id).await?;
    let readers = readers.iter().map(|found| {
        let mut shown = reader(&found.reader);
        (shown["space"], shown["app"], shown["environment"]) =
            (json!(found.space), json!(found.app), json!(found.environment));
        shown
    });
    shown["consumer_groups"] = readers.collect();
    Ok(Json(shown))
}

/// `GET /events`
pub async fn list_events(caller: Caller, State(manager): State<Manager>, params: Params) -> Result<Json<Value>> {
    Ok(page(&manager.list_events(&caller.0, &filter(&params)?).await?, event))
}

/// `GET /services`
pub async fn list_services(caller: Caller, State(manager): State<Manager>, params: Params) -> Result<Json<Value>> {
    let found = manager.list_services(&caller.0, &filter(&params)?).await?;
    Ok(page(&found, |service| {
        json!({
            "key": service.key,
            "title": service.title,
            "version": service.contract_version,
            "app": service.app,
            "events": service.events,
            "spaces": service.spaces,
            "created_at": at(service.created_at),
        })
    }))
}

fn filter<By: Columns>(params: &Params) -> Result<Filter<By>> {
    let text = |name| params.text(name).map(str::to_owned);
    let (space, app) = (text("space"), text("app"));
    // What cannot be a name finds nothing, and is more likely a mistake.
    if let Some(Err(why)) = space.as_deref().map(str::parse::<SpaceName>) {
        return Err(Problem::field("space", why));
    }
    if let Some(Err(why)) = app.as_deref().map(str::parse::<AppKey>) {
        return Err(Problem::field("app", why));
    }
    let (q, sorting, limit) = (text("q").unwrap_or_default(), params.cursor()?, params.limit()?);
    Ok(Filter { q, space, app, sorting, limit, ..Filter::default() })
}

fn channel(channel: &ListedChannel) -> Value {
    let shown = json!({
        "id": channel.id,
        "service": channel.service,
        "title": channel.title,
        "app": channel.app,
        "events": channel.events,
        "spaces": channel.spaces,
    });
    with_status(shown, &channel.followed)
}

fn event(event: &ListedEvent) -> Value {
    json!({
        "name": event.name,
        "title": event.title,
        "description": event.description,
        "service": event.service,
        "service_version": event.contract_version,
        "app": event.app,
        "channel": event.channel,
        // What apps other than the defining one may do, by its contract.
        "others_may_subscribe": event.app_sends,
        "others_may_publish": event.app_receives,
        "attributes": event.attributes,
        "spaces": event.spaces,
    })
}
