//! The SCRAM user of an environment: made or rotated, shown once, never kept.

use std::num::NonZeroU32;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::{Actor, Error, Manager, Result, actor::Right, commit};
use crate::{
    domain::{channel::heartbeat_topic, history::Act, landscape::Environment, principal},
    kafka::admin::{Mechanism, salted_password},
    secrets::random,
    store::{
        self,
        principals::{Principal, Verifier},
    },
};

/// Rounds of PBKDF2: the least that Kafka takes for SCRAM-SHA-512, and enough for a password of 256 random bits.
const ITERATIONS: NonZeroU32 = NonZeroU32::new(4096).unwrap();

/// Everything an app needs to connect. Holds the password: show it once.
#[derive(Debug)]
pub struct Credentials {
    /// `<app>.<environment>`
    pub username: String,
    /// The password.
    pub password: SecretString,
    /// `host:port,host:port`
    pub bootstrap_servers: String,
    /// `SASL_SSL` or `SASL_PLAINTEXT`.
    pub security_protocol: &'static str,
    /// Name of the Space.
    pub space: String,
    /// What the names of its consumer groups must begin with.
    pub group_prefix: String,
    /// The topic for signs of life.
    pub heartbeat_topic: String,
    /// Whether there were none before.
    pub created: bool,
}

impl Manager {
    /// Makes the credentials of an enabled environment, or replaces them: the old password is refused for new
    /// connections as soon as Kafka has followed; connections already open last until they authenticate again.
    pub async fn create_credentials(&self, actor: &Actor, app: &str, key: &str) -> Result<Credentials> {
        self.create_credentials_after(actor, app, key, None).await
    }

    /// The same, if no others were made since someone has seen [`version`]: a form that is sent twice makes none twice.
    pub async fn create_credentials_after(
        &self,
        actor: &Actor,
        app: &str,
        key: &str,
        seen: Option<&str>,
    ) -> Result<Credentials> {
        // Rights first, hashing second, and both again: the hash takes milliseconds, and no transaction waits for it.
        let environment = self.enabled_environment(&mut *self.read().await?, actor, app, key).await?;
        let password = SecretString::from(URL_SAFE_NO_PAD.encode(random::<32>()));
        let salt: [u8; 32] = random();
        let salted = {
            let password = password.clone();
            tokio::task::spawn_blocking(move || salted_password(Mechanism::Sha512, &password, &salt, ITERATIONS))
                .await
                .map_err(Error::internal)?
        };
        let sealed = self.parts.vault.seal("principal", &environment.id.to_string(), salted.expose_secret());

        let mut tx = self.begin().await?;
        store::apps::load_for_update(&mut tx, app).await?;
        let environment = self.enabled_environment(&mut tx, actor, app, key).await?;
        let Some(space) = &environment.space else {
            return Err(Error::internal("an enabled environment has no Space"));
        };
        if let Some(seen) = seen {
            let now = store::principals::find(&mut tx, environment.id).await?;
            if version(now.as_ref()) != seen {
                return Err(made_already("credentials", "password"));
            }
        }
        let username = principal::username(&environment.app_key, &environment.key);
        let iterations = i32::try_from(ITERATIONS.get()).map_err(Error::internal)?;
        let verifier = Verifier { iterations, salt: &salt, sealed: &sealed };
        let created = store::principals::upsert(&mut tx, environment.id, &username, verifier).await?;
        store::apps::touch_access(&mut tx, environment.id).await?;
        let act = Act {
            name: if created { "credentials.created" } else { "credentials.rotated" },
            object_kind: "environment",
            object_id: environment.id.0,
            object_name: username.clone(),
            before: None,
            after: Some(json!({ "username": username })),
        };
        tx.record(actor, act);
        let credentials = Credentials {
            username,
            password,
            bootstrap_servers: self.parts.kafka.bootstrap_servers.clone(),
            security_protocol: self.parts.kafka.security_protocol,
            space: space.name.to_string(),
            group_prefix: principal::group_prefix(&environment.app_key, &environment.key),
            heartbeat_topic: heartbeat_topic(&environment.app_key, &environment.key),
            created,
        };
        commit(tx).await?;
        Ok(credentials)
    }

    async fn enabled_environment(
        &self,
        db: &mut store::PgConnection,
        actor: &Actor,
        app: &str,
        key: &str,
    ) -> Result<Environment> {
        let environment = store::apps::find_environment(db, app, key).await?.ok_or(Error::NotFound("environment"))?;
        actor.require(Right::ActFor(environment.app), db).await?;
        require_enabled(&environment)?;
        Ok(environment)
    }
}

/// What tells credentials from those that were there before; it is no secret.
pub fn version(principal: Option<&Principal>) -> String {
    principal.map_or_else(|| "none".to_owned(), |principal| principal.rotated_at.unix_timestamp_nanos().to_string())
}

/// The refusal of a form that was sent before.
pub(super) fn made_already(what: &str, secret: &str) -> Error {
    let message = format!(
        "this form has made its {what} already: the {secret} was shown once, and nothing more was made now. To make others, \
         begin anew"
    );
    Error::conflict("made-already", message)
}

/// Refuses an environment that is not enabled, and says at which level.
pub(super) fn require_enabled(environment: &Environment) -> Result<()> {
    let (app, key) = (&environment.app_key, &environment.key);
    let missing = match (environment.enabling.app, environment.enabling.environment) {
        (true, true) => return Ok(()),
        (true, false) => format!("for the environment {key}"),
        (false, true) => format!("for the app {app}"),
        (false, false) => format!("for the app {app}, nor for its environment {key}"),
    };
    Err(Error::conflict(
        "environment-not-enabled",
        format!("the event broker is not enabled {missing}: enable it first"),
    ))
}
