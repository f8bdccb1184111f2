//! The cluster itself.

use std::collections::BTreeSet;

use super::Admin;
use crate::kafka::admin::{
    Error, Operation, Result, To,
    msg::{Api, ApiVersions},
};

/// A cluster as a broker sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    /// The id the cluster was formatted with.
    pub cluster_id: String,
    /// The live brokers, by id.
    pub brokers: Vec<Broker>,
    /// In a `KRaft` cluster any live broker, chosen at random: of no use for finding the controller.
    pub controller_id: i32,
    /// What this login may do with the cluster; `None` if the broker did not say.
    pub operations: Option<BTreeSet<Operation>>,
}

/// Where a broker listens for this client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broker {
    /// Its id.
    pub id: i32,
    /// The host it advertises.
    pub host: String,
    /// The port it advertises.
    pub port: i32,
}

impl Admin {
    /// The cluster and its live brokers.
    pub async fn cluster(&self) -> Result<Cluster> {
        self.cluster_on(To::Any).await
    }

    /// The same, as one broker sees it.
    pub async fn cluster_on(&self, to: To) -> Result<Cluster> {
        let reply = self.pool().cluster(to).await?;
        let mut brokers: Vec<_> = reply
            .brokers
            .into_iter()
            .map(|broker| Broker { id: broker.broker_id, host: broker.host, port: broker.port })
            .collect();
        brokers.sort_unstable_by_key(|broker| broker.id);
        Ok(Cluster {
            cluster_id: reply.cluster_id,
            brokers,
            controller_id: reply.controller_id,
            operations: Operation::from_bits(reply.cluster_authorized_operations),
        })
    }

    /// The highest level of a feature such as `metadata.version` that the software of one broker supports (KIP-584);
    /// `None` if it does not say.
    ///
    /// It tells which release the software is of, and not which patch of it: no request does.
    pub async fn supported_level(&self, broker: i32, feature: &str) -> Result<Option<i16>> {
        let reply = self.pool().call(To::Node(broker), &ApiVersions::ours()).await?;
        Error::check(ApiVersions::NAME, reply.error_code, None)?;
        let found = reply.supported_features.into_iter().find(|found| found.name == feature);
        Ok(found.map(|found| found.max_version))
    }
}
