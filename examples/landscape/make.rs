//! Builds the company.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339};

use super::{
    Result,
    api::Api,
    by_hand,
    clients::Client,
    company::{ANSWERS, APPS, App, Bridge, CARRIER, INVOICES, NEW, State, UNUSED, stage_name},
    contracts,
    kept::{self, Kept, Login},
    queues::Queues,
};

/// Events of each kind that every app publishes once before anyone looks.
const FIRST: usize = 3;

/// Builds what is not there yet.
pub async fn make() -> Result<()> {
    if kept::load()?.is_some() {
        println!("the landscape is there already");
        return Ok(());
    }
    let api = Api::from_settings()?;
    if api.get("/apps?limit=1").await?["items"].as_array().is_some_and(|apps| !apps.is_empty()) {
        println!("there are apps already: the landscape is left out");
        return Ok(());
    }
    for app in APPS {
        register(&api, app).await?;
    }
    let mut logins = BTreeMap::new();
    for app in APPS {
        for (environment, state) in app.environments.iter().map(|e| (e.key, e.state)) {
            if state != State::Registered {
                logins.insert((app.key, environment), log_in(&api, app.key, environment).await?);
            }
        }
    }
    // Before anyone implements an event it must be defined.
    for app in APPS {
        deploy_everywhere(&api, app, &mut logins, false).await?;
    }
    for app in APPS {
        deploy_everywhere(&api, app, &mut logins, true).await?;
    }
    decide(&api).await?;
    let kept = Kept { logins: logins.into_values().collect() };
    let left = by_hand::meddle(&kept).await?;
    let queues = Queues::from_settings().await?;
    for bridge in [INVOICES, ANSWERS, CARRIER] {
        start(&api, &queues, &bridge).await?;
    }
    queues.forget_policy("carrier-shipments").await?;
    queues.put_answer("PartnerOrderAnswer").await?;
    queues.put_answer("PartnerOrderReceipt").await?;
    flow_once(&kept).await?;
    let bridge = async |bridge: &Bridge, what: &str, wanted: fn(&Value) -> bool| {
        let path = format!("/bridges?q={}", bridge.name.replace(' ', "%20"));
        api.wait(&path, what, |found| wanted(&found["items"][0])).await
    };
    bridge(&INVOICES, "running", |bridge| bridge["status"] == "running").await?;
    bridge(&ANSWERS, "with a dead letter", |bridge| bridge["dead_letters"] == 1).await?;
    bridge(&CARRIER, "halted", |bridge| bridge["status"] == "halted").await?;
    let found = |cluster: &Value| cluster["findings"].as_array().is_some_and(|all| all.len() == left);
    api.wait("/cluster", "as it was left", found).await?;
    api.wait("/findings", "two findings", |found| found["items"].as_array().is_some_and(|all| all.len() == 2)).await?;
    kept::save(&kept)?;
    println!("{} apps, {} environments with credentials, 3 bridges", APPS.len(), kept.logins.len());
    Ok(())
}

async fn register(api: &Api, app: &App) -> Result<()> {
    let path = format!("/apps/{}", app.key);
    api.put(&path, &json!({ "name": app.name, "plan": "licensed", "contacts": app.contacts })).await?;
    api.put(&format!("{path}/broker"), &json!({ "enabled": true })).await?;
    for environment in app.environments {
        let path = format!("{path}/environments/{}", environment.key);
        api.put(&path, &json!({ "name": stage_name(environment.key) })).await?;
        if environment.state != State::Registered {
            api.put(&format!("{path}/broker"), &json!({ "enabled": true })).await?;
        }
    }
    Ok(())
}

async fn log_in(api: &Api, app: &str, environment: &str) -> Result<Login> {
    let made = api.post(&format!("/apps/{app}/environments/{environment}/credentials"), &Value::Null).await?;
    Ok(serde_json::from_value(made)?)
}

type Logins = BTreeMap<(&'static str, &'static str), Login>;

/// Reports what runs: a first version that only defines, then the one of today.
async fn deploy_everywhere(api: &Api, app: &App, logins: &mut Logins, today: bool) -> Result<()> {
    let defines: Vec<_> = app.defines.iter().map(|service| contracts::text(service)).collect::<Result<_>>()?;
    for environment in app.environments.iter().filter(|environment| environment.state == State::Runs) {
        let mut implements: Vec<_> = app.implements.iter().copied().filter(|_| today).collect();
        let (new_app, new_environment, service, event, access) = NEW;
        if today && (app.key, environment.key) == (new_app, new_environment) {
            implements.push((service, event, access));
        }
        let implements: Vec<_> = implements
            .into_iter()
            .map(|(service, event, access)| json!({ "service": service, "event": event, "access": access }))
            .collect();
        let ago = if today { Duration::hours(2) } else { Duration::days(9) };
        let report = json!({
            "version": if today { app.version } else { "0.1.0" },
            "deployed_at": (OffsetDateTime::now_utc() - ago).format(&Rfc3339)?,
            "defines": defines,
            "implements": implements,
        });
        let path = format!("/apps/{}/environments/{}/deployment", app.key, environment.key);
        let answer = api.put(&path, &report).await?;
        if let Some(login) = logins.get_mut(&(app.key, environment.key)) {
            // Where nobody of the stage defines an event there is no topic for it. What the newest version may not do
            // yet it does not try.
            let topics = answer["topics"].as_array().into_iter().flatten();
            let topics = topics.filter(|topic| topic["topic"].is_string() && topic["event"] != event).cloned();
            login.topics = serde_json::from_value(Value::Array(topics.collect()))?;
        }
    }
    for environment in app.environments.iter().filter(|environment| environment.state == State::Runs) {
        let path = format!("/apps/{}/environments/{}/deployment", app.key, environment.key);
        api.wait(&path, "applied", |found| found["status"] == "applied").await?;
    }
    Ok(())
}

/// What an admin has decided over access.
async fn decide(api: &Api) -> Result<()> {
    let (app, env, service, event, access) = UNUSED;
    let grant = json!({ "app": app, "env": env, "service": service, "event": event, "access": [access] });
    api.put(&format!("/spaces/{env}/grants"), &grant).await?;
    Ok(())
}

/// Makes a bridge and its queues, lets it in, checks and starts it.
async fn start(api: &Api, queues: &Queues, bridge: &Bridge) -> Result<()> {
    let mut routes = Vec::new();
    for (service, event, direction, queue) in bridge.routes {
        let url = queues.create(queue).await?;
        routes.push(json!({ "service": service, "event": event, "direction": direction, "queue_url": url }));
    }
    let body =
        json!({ "name": bridge.name, "space": bridge.space, "kind": "sqs", "region": queues.region, "routes": routes });
    let made = api.post("/bridges", &body).await?;
    let path = format!("/bridges/{}", made["id"].as_str().unwrap_or_default());
    let policy = api.get(&format!("{path}/policy")).await?;
    for queue in policy["queues"].as_array().into_iter().flatten() {
        let statement = queue["statement"].as_str().unwrap_or_default();
        queues.allow(queue["queue_url"].as_str().unwrap_or_default(), statement).await?;
    }
    let checked = api.post(&format!("{path}/check"), &Value::Null).await?;
    if checked["readiness"] != "ready" {
        return Err(format!("the queues of {} are not ready: {checked}", bridge.name).into());
    }
    api.post(&format!("{path}/start"), &Value::Null).await?;
    api.wait(&path, "running", |found| found["status"] == "running").await?;
    Ok(())
}

/// Lets every app publish a little.
async fn flow_once(kept: &Kept) -> Result<()> {
    for login in &kept.logins {
        let client = Client::new(login)?;
        client.say_alive().await?;
        for _ in 0..FIRST {
            for topic in login.topics.iter().filter(|topic| topic.access == "publish") {
                client.publish(topic).await?;
            }
        }
    }
    Ok(())
}
