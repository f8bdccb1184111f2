//! Which topic a name stands for: one that is deleted and made again has the same name and another id (KIP-516). And where
//! topics end, for many of them at once.
//!
//! librdkafka does not tell ids, so that this speaks to Kafka through [`admin`], as the worker.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use tokio::time::{sleep, timeout};
use uuid::Uuid;

use super::{Error, Security, Settings};
use crate::kafka::admin::{self, Admin, At, Code, Login, Sasl, Tls};

/// How often is looked whether topics are still the same.
const PERIOD: Duration = Duration::from_secs(15);
/// How long a look may take that explains an end.
const LOOK: Duration = Duration::from_secs(5);

/// Asks for the ids of topics.
pub struct Identities(Admin);

impl Identities {
    /// Connects to nothing yet.
    ///
    /// # Errors
    /// [`Error::Other`] where the authorities to trust cannot be read.
    pub fn new(settings: &Settings) -> Result<Self, Error> {
        let unusable = |error: admin::Error| Error::Other(error.to_string());
        let tls = match settings.security {
            Security::SaslSsl => Some(Tls::trusting(settings.ca_file.as_deref()).map_err(unusable)?),
            Security::SaslPlaintext | Security::Plaintext => None,
        };
        let login = || Sasl::Scram512(Login::new(settings.username.clone(), settings.password.clone()));
        let sasl = (settings.security != Security::Plaintext).then(login);
        let servers = settings.bootstrap_servers.split(',').map(|server| server.trim().to_owned()).collect();
        let request_timeout = Duration::from_secs(10);
        let settings = admin::Settings {
            sasl,
            tls,
            request_timeout,
            client_id: "ebm-worker".into(),
            ..admin::Settings::new(servers)
        };
        Ok(Self(Admin::new(settings)))
    }

    /// The ids of these topics.
    ///
    /// # Errors
    /// [`Error::NoTopic`], [`Error::Unauthorized`], [`Error::Authentication`], [`Error::Unreachable`].
    pub async fn of(&self, topics: &[Arc<str>]) -> Result<HashMap<Arc<str>, Uuid>, Error> {
        let names: Vec<String> = topics.iter().map(ToString::to_string).collect();
        let found = self.0.topics(Some(&names)).await.map_err(unreached)?;
        let mut ids = HashMap::with_capacity(topics.len());
        for topic in found {
            match topic.error {
                None => {}
                Some(Code::UNKNOWN_TOPIC_OR_PARTITION) => return Err(Error::NoTopic(topic.name)),
                Some(Code::TOPIC_AUTHORIZATION_FAILED) => {
                    return Err(Error::Unauthorized(format!("reading the topic {}", topic.name)));
                }
                Some(code) => return Err(Error::Unreachable(format!("{}: {code}", topic.name))),
            }
            if let Some(name) = topics.iter().find(|name| ***name == *topic.name) {
                ids.insert(name.clone(), topic.id);
            }
        }
        Ok(ids)
    }

    /// Where the partitions of these topics end, for who reads what is committed. A topic that cannot be looked at is
    /// left out.
    ///
    /// # Errors
    /// [`Error::Authentication`], [`Error::Unreachable`].
    pub async fn ends(&self, topics: &[Arc<str>]) -> Result<Offsets, Error> {
        let names: Vec<String> = topics.iter().map(ToString::to_string).collect();
        let mut found = self.0.offsets_of(&names, At::Latest).await.map_err(unreached)?;
        let ends = topics.iter().filter_map(|topic| {
            let ends = found.remove(&**topic)?.ok()?;
            Some((topic.clone(), ends.into_iter().collect()))
        });
        Ok(ends.collect())
    }

    /// Takes a member out of its group, now that its consumer is closed: its partitions need not wait for its session to
    /// end, and it may come again for other topics, which as a member that it knows Kafka would not give it.
    ///
    /// # Errors
    /// [`Error::Authentication`], [`Error::Unreachable`]: it stays in it until its session ends.
    pub async fn leave(&self, group: &str, instance: &str) -> Result<(), Error> {
        self.0.leave_group(group, instance).await.map_err(unreached)
    }

    /// How far a group has come in these topics; nothing of partitions of which nothing is committed.
    ///
    /// # Errors
    /// [`Error::Authentication`], [`Error::Unreachable`].
    pub async fn committed(&self, group: &str, topics: &[Arc<str>]) -> Result<Offsets, Error> {
        let mut committed = Offsets::new();
        for ((name, partition), offset) in self.0.committed(group).await.map_err(unreached)? {
            if let Some(topic) = topics.iter().find(|topic| ***topic == *name) {
                committed.entry(topic.clone()).or_default().insert(partition, offset);
            }
        }
        Ok(committed)
    }
}

fn unreached(error: admin::Error) -> Error {
    match error {
        admin::Error::Auth { .. } => Error::Authentication(error.to_string()),
        error => Error::Unreachable(error.to_string()),
    }
}

/// Offsets by topic and partition.
type Offsets = BTreeMap<Arc<str>, BTreeMap<i32, i64>>;

/// Topics that are to stay the same.
pub struct Watch {
    identities: Arc<Identities>,
    topics: HashMap<Arc<str>, Uuid>,
}

impl Watch {
    /// Watches topics with the ids they have; they are the same now.
    ///
    /// # Errors
    /// [`Error::Replaced`], and those of [`Identities`].
    pub async fn begin(identities: Arc<Identities>, topics: HashMap<Arc<str>, Uuid>) -> Result<Self, Error> {
        let watch = Self { identities, topics };
        watch.look().await.map(|()| watch)
    }

    async fn look(&self) -> Result<(), Error> {
        let names: Vec<_> = self.topics.keys().cloned().collect();
        let found = self.identities.of(&names).await?;
        match self.topics.iter().find(|(name, id)| found.get(*name).is_some_and(|found| found != *id)) {
            Some((topic, _)) => Err(Error::Replaced(topic.to_string())),
            None => Ok(()),
        }
    }

    /// Why reading has ended: that a topic is another one shows as something else first, such as an offset that is not
    /// there. Waits 5 s at most.
    pub async fn explain(&self, error: Error) -> Error {
        match timeout(LOOK, self.look()).await {
            Ok(Err(replaced @ Error::Replaced(_))) => replaced,
            _ => error,
        }
    }

    /// Waits until one of them is another one than it was; while Kafka does not tell, none is.
    pub async fn until_replaced(&self) -> Error {
        loop {
            sleep(PERIOD).await;
            if let Err(error @ Error::Replaced(_)) = self.look().await {
                return error;
            }
        }
    }
}
