//! What someone changed in Kafka by hand, and was set back: each with a row in the history of what it belongs to.

use std::collections::BTreeMap;

use serde_json::json;
use uuid::Uuid;

use super::{
    apply::{Applied, Item},
    brake::Decided,
    desired::principal,
    plan::{Desired, Observed, Plan},
};
use crate::{
    domain::{
        channel::{heartbeat_topic, topic_name},
        history::Act,
    },
    kafka::admin::Permission,
    store::desired as store,
};

/// Lines of one row at most.
const LINES: usize = 100;

/// Whose a thing in Kafka is: kind, id and name of the object. What is nobody's alone is the cluster's.
type Owner = (&'static str, Uuid, String);

/// What was set back, as acts of the objects it belongs to.
pub fn repaired(
    source: &store::Desired,
    plan: &Plan,
    applied: &Applied,
    (desired, observed): (&Desired, &Observed),
    decided: &Decided<'_>,
) -> Vec<Act> {
    let mut owners = BTreeMap::<String, Owner>::new();
    let mut found = BTreeMap::<String, Vec<String>>::new();
    let mut add = |of: &str, item: &Item, text: String| {
        if !applied.refused.contains_key(item) {
            found.entry(of.to_owned()).or_default().push(text);
        }
    };
    // A foreign rule that an admin wants away is none of it.
    let ours = plan.revoke.iter().filter(|(principal, _)| desired.acls.contains_key(*principal));
    for (principal, revocation) in ours.filter(|(principal, _)| !decided.has_principal(principal)) {
        for acl in &revocation.acls {
            let what = if acl.permission == Permission::Deny { "denial" } else { "rule" };
            add(principal, &Item::Acl(acl.clone()), format!("a {what} was added: {acl}"));
        }
    }
    for acl in plan.grant.iter().filter(|acl| !decided.has_principal(&acl.principal)) {
        add(&acl.principal, &Item::Acl(acl.clone()), format!("a rule was taken away: {acl}"));
    }
    for user in plan.upsert_users.iter().filter(|user| !decided.has_user(user)) {
        let what = if observed.users.contains_key(user) { "the password was changed" } else { "the user was deleted" };
        add(&principal(user), &Item::User(user.clone()), what.to_owned());
    }
    for (user, mechanism) in plan.drop_users.iter().filter(|(user, _)| !decided.has_user(user)) {
        let text = format!("a credential was added: {}", mechanism.name());
        add(&principal(user), &Item::User(user.clone()), text);
    }
    for (topic, changes) in plan.alter_configs.iter().filter(|(topic, _)| !decided.has_topic(topic)) {
        let keys: Vec<_> = changes.iter().map(|(key, _)| key.as_str()).collect();
        add(topic, &Item::Topic(topic.clone()), format!("the configuration was changed: {}", keys.join(", ")));
    }
    // Topics of channels that are gone are never made again unasked.
    for topic in plan.create_topics.iter().filter(|topic| !decided.has_topic(&topic.name)) {
        add(&topic.name, &Item::Topic(topic.name.clone()), "the topic for signs of life was deleted".to_owned());
    }
    if found.is_empty() {
        return Vec::new();
    }
    for topic in &source.topics {
        let name = topic_name(topic.channel, &topic.space_name);
        owners.insert(name.clone(), ("channel", topic.channel.0, name));
    }
    let mut beats = Vec::new();
    for environment in &source.environments {
        let Some(credentials) = &environment.principal else { continue };
        let owner = ("environment", environment.id.0, format!("{}.{}", environment.app, environment.key));
        let beat = heartbeat_topic(&environment.app, &environment.key);
        if !environment.is_applied {
            beats.push(beat.clone());
        }
        owners.insert(beat, owner.clone());
        owners.insert(principal(&credentials.username), owner);
    }
    let acts = found.into_iter().filter(|(of, _)| !beats.contains(of)).map(|(of, mut lines)| {
        if lines.len() > LINES {
            let more = lines.len() - LINES;
            lines.truncate(LINES);
            lines.push(format!("and {more} more"));
        }
        // The rules of the worker stand for all bridges.
        let (object_kind, object_id, object_name) =
            owners.remove(&of).unwrap_or_else(|| ("cluster", Uuid::nil(), "Kafka".to_owned()));
        let name = match object_kind {
            "environment" => "environment.drift-repaired",
            "channel" => "channel.drift-repaired",
            _ => "cluster.drift-repaired",
        };
        Act { name, object_kind, object_id, object_name, before: None, after: Some(json!({ "set back": lines })) }
    });
    acts.collect()
}
