//! Configuration of topics and brokers.

use std::collections::{BTreeMap, HashMap};

use super::{Admin, PerItem, in_order};
use crate::kafka::admin::{
    Error, Refusal, Result, To,
    batch::{self, RECORDS},
    kind::kinds,
    msg::{AlterConfig, AlterResource, Api, ConfigResource, ConfigResult, DescribeConfigs, IncrementalAlterConfigs},
};

/// The number of a topic as a config resource (`ConfigResource.Type`).
const TOPIC: i8 = 2;
/// That of a broker.
const BROKER: i8 = 4;

/// The operations of KIP-339.
const SET: i8 = 0;
const DELETE: i8 = 1;

/// The topics of one request that reads, and of one that writes.
const READ: usize = 2_000;
const WRITTEN: usize = 1_000;

kinds! {
    /// Where the value of a configuration key comes from (`ConfigSource`).
    pub enum ConfigSource {
        /// Set for this topic.
        Topic = 1 "TOPIC",
        /// Set for this broker while it runs.
        Broker = 2 "BROKER",
        /// Set for all brokers while they run.
        AllBrokers = 3 "ALL_BROKERS",
        /// The broker's configuration file.
        File = 4 "FILE",
        /// Kafka's default.
        Default = 5 "DEFAULT",
    }
}

/// The value of a configuration key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigValue {
    /// The value; `None` if there is none, or if it is sensitive: Kafka does not show those.
    pub value: Option<String>,
    /// Where it comes from.
    pub source: ConfigSource,
    /// Whether Kafka hides it.
    pub sensitive: bool,
}

/// New values of configuration keys; `None` takes a key back to its default.
pub type Changes = Vec<(String, Option<String>)>;

/// Configuration by key.
pub type Configs = BTreeMap<String, ConfigValue>;

impl Admin {
    /// These configuration keys of topics: effective values, also where they are defaults.
    ///
    /// Every name is in the result. Keys Kafka does not know are left out.
    pub async fn topic_configs(
        &self,
        names: &[String],
        keys: &[&str],
    ) -> Result<BTreeMap<String, std::result::Result<Configs, Refusal>>> {
        self.topic_configs_on(To::Any, names, keys).await
    }

    /// The same, as one broker sees them.
    pub async fn topic_configs_on(
        &self,
        to: To,
        names: &[String],
        keys: &[&str],
    ) -> Result<BTreeMap<String, std::result::Result<Configs, Refusal>>> {
        let mut found = BTreeMap::new();
        for batch in names.chunks(READ) {
            let answers = self.describe_configs(to, TOPIC, batch, keys).await?;
            found.extend(in_order(batch.iter(), answers));
        }
        Ok(found)
    }

    /// These configuration keys of one broker, as it sees them itself.
    ///
    /// # Errors
    ///
    /// [`Error::Broker`] if this login may not read them.
    pub async fn broker_configs(&self, broker: i32, keys: &[&str]) -> Result<Configs> {
        let name = broker.to_string();
        let mut answers = self.describe_configs(To::Node(broker), BROKER, std::slice::from_ref(&name), keys).await?;
        answers
            .remove(&name)
            .unwrap_or_else(|| Err(Refusal::unanswered()))
            .map_err(|refusal| Error::Broker { api: DescribeConfigs::NAME, refusal })
    }

    async fn describe_configs(
        &self,
        to: To,
        resource_type: i8,
        names: &[String],
        keys: &[&str],
    ) -> Result<HashMap<String, std::result::Result<Configs, Refusal>>> {
        let keys: Vec<_> = keys.iter().map(|key| (*key).to_owned()).collect();
        let resources = names.iter().map(|name| ConfigResource {
            resource_type,
            resource_name: name.clone(),
            configuration_keys: Some(keys.clone()),
        });
        let request =
            DescribeConfigs { resources: resources.collect(), include_synonyms: false, include_documentation: false };
        let reply = self.pool().call(to, &request).await?;
        Ok(reply.results.into_iter().map(|result| (result.resource_name.clone(), configs(result))).collect())
    }

    /// Changes the configuration of topics; what became of each, in order.
    ///
    /// Keys that are not named stay as they are (KIP-339).
    pub async fn alter_topic_configs(&self, changes: &[(String, Changes)]) -> Result<PerItem> {
        let mut done = Vec::with_capacity(changes.len());
        for batch in batch::cut(changes, WRITTEN, RECORDS, |(_, keys)| keys.len()) {
            let resources = batch.iter().map(|(topic, keys)| AlterResource {
                resource_type: TOPIC,
                resource_name: topic.clone(),
                configs: keys
                    .iter()
                    .map(|(name, value)| AlterConfig {
                        name: name.clone(),
                        config_operation: if value.is_some() { SET } else { DELETE },
                        value: value.clone(),
                    })
                    .collect(),
            });
            let request = IncrementalAlterConfigs { resources: resources.collect(), validate_only: false };
            let reply = self.pool().call(To::Any, &request).await?;
            let answers = reply
                .responses
                .into_iter()
                .map(|topic| (topic.resource_name, Refusal::check(topic.error_code, topic.error_message)))
                .collect();
            done.extend(in_order(batch.iter().map(|(topic, _)| topic), answers));
        }
        Ok(done)
    }
}

fn configs(result: ConfigResult) -> std::result::Result<Configs, Refusal> {
    Refusal::check(result.error_code, result.error_message)?;
    let value = |value, source, sensitive| ConfigValue { value, source: ConfigSource::from_number(source), sensitive };
    Ok(result
        .configs
        .into_iter()
        .map(|entry| (entry.name, value(entry.value, entry.config_source, entry.is_sensitive)))
        .collect())
}
