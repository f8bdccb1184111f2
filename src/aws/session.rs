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
/// Reference, `AssumeRole`).
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

    /// The credentials that are there; [`Session::ready`] comes before every call.
    pub(super) fn credentials(&self) -> Option<Credentials> {
        self.held().map(|held| held.credentials)
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

/// Hands the credentials that are there to the SDK.
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
            self.0.credentials().ok_or_else(|| CredentialsError::not_loaded("no session yet")),
        )
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    use futures::future::join_all;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;
    use crate::aws::{Endpoints, Keys, Settings, client, testing};

    /// A server that counts, and that refuses on demand: what the real ones cannot show.
    #[derive(Default)]
    struct Sts {
        calls: AtomicUsize,
        refuses: AtomicBool,
    }

    impl Sts {
        async fn start() -> (Arc<Self>, Session) {
            let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let endpoint = format!("http://{}", server.local_addr().unwrap());
            let sts = Arc::new(Self::default());
            tokio::spawn({
                let sts = sts.clone();
                async move {
                    while let Ok((mut connection, _)) = server.accept().await {
                        let _ = connection.read(&mut [0; 8_192]).await;
                        let _ = connection.write_all(sts.answer().as_bytes()).await;
                    }
                }
            });
            let settings = Settings {
                account_id: "123456789012".into(),
                region: "eu-central-1".parse().unwrap(),
                worker_arn: "arn:aws:iam::123456789012:user/worker".into(),
                console: None,
                worker: Some(Keys { access_key_id: "AKIATEST".into(), secret_access_key: "secret".into() }),
                permissions_boundary: None,
                shared_role_arn: None,
                endpoints: Endpoints { sts: Some(endpoint), ..Endpoints::default() },
                allow_private: false,
            };
            let client = client::sts(&settings, &client::Http::new(false)).await;
            (sts, Session::new(client, testing::bridge(), "x", &testing::role("aws")))
        }

        fn answer(&self) -> String {
            let call = self.calls.fetch_add(1, Ordering::SeqCst);
            let (status, body) = if self.refuses.load(Ordering::SeqCst) {
                let text =
                    "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>";
                (403, text.to_owned())
            } else {
                let text = format!(
                    "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIA{call}</AccessKeyId>\
                     <SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>\
                     <Expiration>2030-01-01T00:00:00Z</Expiration></Credentials><AssumedRoleUser>\
                     <AssumedRoleId>AROA1:ebm</AssumedRoleId><Arn>a</Arn></AssumedRoleUser>\
                     </AssumeRoleResult></AssumeRoleResponse>"
                );
                (200, text)
            };
            let length = body.len();
            format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}")
        }

        fn calls(&self) -> usize {
            self.calls.load(Ordering::SeqCst)
        }
    }

    /// Moves both limits of what is held.
    fn set_limits(session: &Session, due: Instant, ends: Instant) {
        session.keep(session.held().map(|held| Temporary { due, ends, ..held }));
    }

    #[tokio::test]
    async fn many_calls_at_once_fetch_credentials_once() {
        let (sts, session) = Sts::start().await;
        for answer in join_all((0..50).map(|_| session.ready())).await {
            assert_eq!(answer.unwrap(), "AROA1");
        }
        assert_eq!(sts.calls(), 1);
        session.forget();
        session.ready().await.unwrap();
        assert_eq!(sts.calls(), 2, "credentials that AWS no longer takes are fetched anew");
    }

    #[tokio::test]
    async fn old_credentials_serve_while_new_ones_are_refused_and_no_longer() {
        let (sts, session) = Sts::start().await;
        session.ready().await.unwrap();
        sts.refuses.store(true, Ordering::SeqCst);
        let now = Instant::now();
        set_limits(&session, now, now + DURATION);
        session.ready().await.expect("they have not ended");
        assert_eq!(sts.calls(), 2);
        session.ready().await.unwrap();
        assert_eq!(sts.calls(), 2, "the next try comes later");
        set_limits(&session, now, now);
        assert!(matches!(session.ready().await, Err(Error::AccessDenied { what: "sts:AssumeRole", .. })));
        assert_eq!(sts.calls(), 3);
        sts.refuses.store(false, Ordering::SeqCst);
        session.ready().await.expect("a refusal is not kept");
    }
}
