//! Apps and environments from a file: all of them, or none.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    Actor, Error, Manager, Result,
    actor::Right,
    apps::{AppDraft, Put, claim_app, parse_environment, put_environment, switch_app, switch_environment},
    commit,
    error::{Check, FieldError},
};
use crate::{
    contract::{self, shape},
    domain::member::Email,
    store,
};

/// Apps of one file at most.
const MAX_APPS: usize = 1_000;
/// Environments of one app at most.
const MAX_ENVIRONMENTS: usize = 50;

/// What a file says.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Import {
    apps: Vec<ImportedApp>,
}

/// An app in a file. What is left out stays as it is, or as it is at first.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ImportedApp {
    key: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    plan: String,
    #[serde(default)]
    contacts: Option<Vec<String>>,
    /// Whether the event broker is enabled for it.
    #[serde(default)]
    broker: Option<bool>,
    #[serde(default)]
    environments: Vec<ImportedEnvironment>,
}

/// An environment in a file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ImportedEnvironment {
    key: String,
    #[serde(default)]
    name: String,
    /// Whether the event broker is enabled for it.
    #[serde(default)]
    broker: Option<bool>,
}

/// What an import does to one app or environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// `app` or `environment`.
    pub kind: &'static str,
    /// `order-portal`, `order-portal.acceptance`.
    pub name: String,
    /// What was done, in words: `registered`, `changed`, `enabled`, `disabled`.
    pub done: Vec<&'static str>,
}

/// What an import did.
#[derive(Debug)]
pub struct Imported {
    /// What it changed, in the order of the file.
    pub steps: Vec<Step>,
    /// How many apps and environments were as they shall be.
    pub unchanged: usize,
    /// People who were invited because their address was unknown, with their one-time links.
    pub invited: Vec<(Email, secrecy::SecretString)>,
}

impl Import {
    /// Reads a file: YAML 1.2 or JSON, of at most 1 MiB. It may take some hundred milliseconds, and holds nobody up.
    ///
    /// # Errors
    /// What is wrong, at its field, with its line where it is known.
    pub async fn read(bytes: Vec<u8>) -> Result<Self> {
        tokio::task::spawn_blocking(move || Self::parse(&bytes)).await.map_err(Error::internal)?
    }

    fn parse(bytes: &[u8]) -> Result<Self> {
        let (value, lines) = match contract::value(bytes) {
            Ok(read) => read,
            Err(refused) => return Err(Error::document("", refused.problems())),
        };
        let read: Self = shape::read(value).map_err(|(field, why)| {
            let line = lines.line(&format!("/{field}")).map(|line| format!(" (line {line})")).unwrap_or_default();
            Error::field(field, format!("{why}{line}"))
        })?;
        read.require_sizes()?;
        Ok(read)
    }

    fn require_sizes(&self) -> Result<()> {
        let mut wrong = Vec::new();
        if self.apps.len() > MAX_APPS {
            wrong.push(FieldError::new("apps", format!("may be at most {MAX_APPS}: split the file")));
        }
        for (i, app) in self.apps.iter().enumerate().filter(|(_, app)| app.environments.len() > MAX_ENVIRONMENTS) {
            let why = format!("of {} may be at most {MAX_ENVIRONMENTS}", app.key);
            wrong.push(FieldError::new(format!("apps/{i}/environments"), why));
        }
        if wrong.is_empty() { Ok(()) } else { Err(Error::Invalid(wrong)) }
    }
}

impl Manager {
    /// Registers apps and environments, brings those that are there up to date, and enables or disables where the file
    /// says so: all of it, or nothing. Repeating changes nothing. With `dry_run` it only says what would be done.
    pub async fn import(&self, actor: &Actor, import: &Import, dry_run: bool) -> Result<Imported> {
        let mut check = Check::default();
        let mut parsed = Vec::new();
        for (i, app) in import.apps.iter().enumerate() {
            let draft = AppDraft {
                key: app.key.clone(),
                name: app.name.clone(),
                plan: app.plan.clone(),
                contacts: app.contacts.clone(),
            };
            let new = draft.parse(&mut check, &format!("apps/{i}/"));
            if import.apps[..i].iter().any(|other| other.key == app.key) {
                check.add(format!("apps/{i}/key"), format!("is there twice: {}", app.key));
            }
            let mut environments = Vec::new();
            for (j, environment) in app.environments.iter().enumerate() {
                let at = format!("apps/{i}/environments/{j}/");
                let new = parse_environment(&mut check, &at, &environment.key, &environment.name);
                if app.environments[..j].iter().any(|other| other.key == environment.key) {
                    check.add(format!("{at}key"), format!("is there twice: {}", environment.key));
                }
                environments.extend(new.map(|new| (new, environment.broker)));
            }
            parsed.extend(new.map(|new| (new, app.broker, environments)));
        }
        check.finish()?;

        let mut tx = self.begin().await?;
        actor.require(Right::Administer, &mut tx).await?;
        let mut imported = Imported { steps: Vec::new(), unchanged: 0, invited: Vec::new() };
        // All apps first, in the order of their keys: two files that name the same ones do not wait for each other.
        let by_key: BTreeMap<_, _> = parsed.iter().map(|(new, ..)| (new.key().to_string(), new)).collect();
        let mut created = BTreeMap::new();
        for (key, new) in by_key {
            created.insert(key, claim_app(&mut tx, new).await?);
        }
        for (new, broker, environments) in parsed {
            let key = new.key().to_string();
            let is_new = created.get(&key).copied().unwrap_or_default();
            let registered = self.put_app(&mut tx, actor, new, is_new).await?;
            let put = match (registered.created, registered.changed) {
                (true, _) => Put::Created,
                (false, true) => Put::Changed,
                (false, false) => Put::Same,
            };
            let mut app = registered.app;
            imported.invited.extend(registered.invited);
            let mut switched = None;
            if let Some(enabled) = broker
                && switch_app(&mut tx, actor, &app, enabled).await?
            {
                app.broker_enabled = enabled;
                switched = Some(enabled);
            }
            imported.note("app", key.clone(), put, switched);
            for (new, broker) in environments {
                let (env, name) = (new.0.to_string(), format!("{key}.{}", new.0));
                let put = put_environment(&mut tx, actor, &app, new).await?;
                let mut switched = None;
                if let Some(enabled) = broker {
                    let found = store::apps::find_environment(&mut tx, &key, &env).await?;
                    let environment = found.ok_or(Error::NotFound("environment"))?;
                    let changed = switch_environment(&mut tx, actor, &app, &environment, enabled).await?;
                    switched = changed.then_some(enabled);
                }
                imported.note("environment", name, put, switched);
            }
        }
        // Of a dry run nothing stays, its links neither.
        if dry_run {
            drop(tx);
        } else {
            commit(tx).await?;
        }
        Ok(imported)
    }
}

impl Imported {
    fn note(&mut self, kind: &'static str, name: String, put: Put, switched: Option<bool>) {
        let put = match put {
            Put::Created => Some("registered"),
            Put::Changed => Some("changed"),
            Put::Same => None,
        };
        let switched = switched.map(|enabled| if enabled { "enabled" } else { "disabled" });
        let done: Vec<_> = put.into_iter().chain(switched).collect();
        if done.is_empty() {
            self.unchanged += 1;
        } else {
            self.steps.push(Step { kind, name, done });
        }
    }
}
