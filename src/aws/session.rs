//! Credentials under a bridge's role.

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use aws_credential_types::{
    Credentials,
    provider::{ProvideCredentials, error::CredentialsError, future},
};
use tokio::{sync::Mutex, time::Instant};

use super::error::{Error, Result};
use crate::domain::{bridge::role_name, ids::BridgeId};

/// How long a session lasts: the default limit of a role, and all that a role may give to a role (AWS STS API
/// Reference, "AssumeRole").
const DURATION: Duration = Duration::from_hours(1);
/// New credentials are fetched this long before the old ones end.
const EARLY: Duration = Duration::from_mins(10);
/// After a failure, while the old ones still serve, the next try comes this much later.
const PAUSE: Duration = Duration::from_secs(30);

/// A session under a role: fetched when first needed, renewed early, shared by all calls on a queue.
///
/// A failure is not kept: the next call tries again, so that a repaired trust policy works at once.
pub(super) struct Session {
    sts: aws_sdk_sts::Client,
    role_arn: String,
    external_id: String,
    name: String,
    /// Held while credentials are fetched, so that many calls at once make one request.
    fetching: Mutex<()>,
    held: RwLock<Option<Temporary>>,
}

#[derive(Clone)]
struct Temporary {
    credentials: Credentials,
    role_id: String,
    /// Renew from here on.
    due: Instant,
    /// Useless from here on.
    ends: Instant,
}

impl Session {
    pub(super) fn new(sts: aws_sdk_sts::Client, bridge: BridgeId, external_id: &str, role_arn: &str) -> Self {
        Self {
            sts,
            role_arn: role_arn.to_owned(),
            external_id: external_id.to_owned(),
            name: role_name(bridge),
            fetching: Mutex::new(()),
            held: RwLock::new(None),
        }
    }

    /// Sees to it that there are credentials; answers the role's unique id (`AROA…`).
    pub(super) async fn ready(&self) -> Result<String> {
        if let Some(held) = self.fresh() {
            return Ok(held.role_id);
        }
        let _fetching = self.fetching.lock().await;
        // Another call may have fetched them meanwhile.
        if let Some(held) = self.fresh() {
            return Ok(held.role_id);
        }
        match self.assume().await {
            Ok(new) => {
                let id = new.role_id.clone();
                self.keep(Some(new));
                Ok(id)
            }
            Err(error) => match self.held().filter(|held| Instant::now() < held.ends) {
                Some(mut old) => {
                    tracing::warn!(role = self.role_arn, %error, "the session of a role could not be renewed yet");
                    old.due = Instant::now() + PAUSE;
                    let id = old.role_id.clone();
                    self.keep(Some(old));
                    Ok(id)
                }
                None => Err(error),
            },
        }
    }

    /// AWS no longer takes the credentials: the next call fetches new ones.
    pub(super) fn forget(&self) {
        self.keep(None);
    }

    async fn assume(&self) -> Result<Temporary> {
        const WHAT: &str = "sts:AssumeRole";
        let now = Instant::now();
        let answer = self
            .sts
            .assume_role()
            .role_arn(&self.role_arn)
            .role_session_name(&self.name)
            .external_id(&self.external_id)
            .duration_seconds(i32::try_from(DURATION.as_secs()).unwrap_or(i32::MAX))
            .send()
            .await
            .map_err(|error| Error::of(WHAT, error))?;
        let Some(given) = answer.credentials else { return Err(Error::incomplete(WHAT)) };
        let credentials = Credentials::new(
            given.access_key_id,
            given.secret_access_key,
            Some(given.session_token),
            None,
            "the bridge's role",
        );
        // `AROA…:session name`.
        let user = answer.assumed_role_user.map(|user| user.assumed_role_id).unwrap_or_default();
        let role_id = user.split(':').next().unwrap_or_default().to_owned();
        Ok(Temporary { credentials, role_id, due: now + DURATION.saturating_sub(EARLY), ends: now + DURATION })
    }

    fn fresh(&self) -> Option<Temporary> {
        self.held().filter(|held| Instant::now() < held.due)
    }

    fn held(&self) -> Option<Temporary> {
        self.held.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, temporary: Option<Temporary>) {
        *self.held.write().unwrap_or_else(PoisonError::into_inner) = temporary;
    }
}

/// Hands the credentials that are there to the SDK; [`Session::ready`] comes before every call.
pub(super) struct Held(pub Arc<Session>);

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Held").field(&self.0.role_arn).finish()
    }
}

impl ProvideCredentials for Held {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::ready(
            self.0.held().map(|held| held.credentials).ok_or_else(|| CredentialsError::not_loaded("no session yet")),
        )
    }
}
