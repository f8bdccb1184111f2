//! Everything spoken to AWS, and the text of policies.
//!
//! Owns the roles of bridges (IAM), the sessions under them (STS), the queues (SQS) and what their policies say. The
//! only code that names an `aws-*` crate. Refuses addresses that people type: an endpoint follows from region and
//! partition, or from the operator's configuration.
//!
//! | module | owns |
//! |---|---|
//! | [`policy`] | the text of statements and policies; pure |
//! | [`evaluate`] | what a queue's policy says about a role; pure |
//! | `role` | a bridge's IAM role, from making to deleting |
//! | `session` | credentials under a role |
//! | `queue` | one queue as a bridge sees it: attributes, send, receive, delete, extend |
//! | `check` | whether a bridge may do all it needs on a queue, without touching a message |
//! | `client`, `guard` | how AWS is reached: endpoints, time limits, no private addresses |

mod check;
mod checksum;
mod client;
mod error;
pub mod evaluate;
mod guard;
pub mod policy;
mod queue;
mod role;
mod session;
mod side;
#[cfg(test)]
mod testing;

use std::sync::Arc;

use secrecy::SecretString;

pub use check::{ActionCheck, Grade, QueueCheck, Readiness, Warning};
pub use error::{Error, Result};
pub use guard::PrivateAddress;
pub use queue::{
    Attribute, AttributeValue, EntryOutcome, Incoming, MAX_BATCH, Outgoing, Queue, QueueAttributes, SendOutcome,
};
pub use role::{RoleFound, RoleMade};
pub use side::Side;

use crate::domain::{
    bridge::{ROLE_PATH, role_name},
    ids::BridgeId,
    queue_url::{QueueUrl, Region},
};

/// What the operator configures.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The installation's AWS account: 12 digits.
    pub account_id: String,
    /// The home region: IAM and STS are called there. Its partition is the installation's.
    pub region: Region,
    /// The ARN of the worker's user or role: the only one that bridges' roles trust.
    pub worker_arn: String,
    /// The keys of the console's identity; else the default chain (environment, profile, container, instance).
    pub console: Option<Keys>,
    /// The keys of the worker's identity; else the default chain.
    pub worker: Option<Keys>,
    /// The ARN of the permissions boundary of all bridges' roles.
    pub permissions_boundary: Option<String>,
    /// The ARN of the role that all bridges share, where no roles may be made.
    pub shared_role_arn: Option<String>,
    /// Other addresses for AWS: development servers.
    pub endpoints: Endpoints,
    /// Whether AWS's names may lead to private addresses, as with private endpoints in a VPC.
    pub allow_private: bool,
}

/// An access key.
#[derive(Clone, Debug)]
pub struct Keys {
    /// Its id.
    pub access_key_id: String,
    /// Its secret.
    pub secret_access_key: SecretString,
}

/// The operator's addresses in place of AWS's own (`AWS_ENDPOINT_URL_IAM` and so on). Never anything a user typed.
#[derive(Clone, Debug, Default)]
pub struct Endpoints {
    /// For IAM.
    pub iam: Option<String>,
    /// For STS.
    pub sts: Option<String>,
    /// For SQS.
    pub sqs: Option<String>,
}

/// AWS, as this installation uses it. A clone is cheap and shares connections.
#[derive(Clone)]
pub struct Aws {
    inner: Arc<Inner>,
}

struct Inner {
    settings: Settings,
    http: client::Http,
    /// IAM with the console's identity.
    iam: aws_sdk_iam::Client,
    /// STS with the worker's identity.
    sts: aws_sdk_sts::Client,
}

impl Aws {
    /// Prepares the clients. Nothing is called yet: wrong keys show at the first call.
    pub async fn new(settings: Settings) -> Self {
        let http = client::Http::new(settings.allow_private);
        let iam = client::iam(&settings, &http).await;
        let sts = client::sts(&settings, &http).await;
        Self { inner: Arc::new(Inner { settings, http, iam, sts }) }
    }

    /// What it was made with.
    pub fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    /// The ARN that a bridge's role has or will have.
    pub fn role_arn(&self, bridge: BridgeId) -> String {
        let Settings { region, account_id, .. } = self.settings();
        format!("arn:{}:iam::{account_id}:role{ROLE_PATH}{}", region.partition().as_str(), role_name(bridge))
    }

    /// Whether a queue is one of the installation's own account, where the queue's statement alone gives access.
    pub fn is_own(&self, queue: &QueueUrl) -> bool {
        queue.account() == self.settings().account_id
    }

    /// A queue under a bridge's role. Nothing is called yet.
    ///
    /// # Errors
    /// [`Error::OtherPartition`]: no role reaches into another partition.
    pub fn queue(&self, bridge: BridgeId, external_id: &str, role_arn: &str, queue: &QueueUrl) -> Result<Queue> {
        self.require_partition(queue)?;
        let session = Arc::new(session::Session::new(self.inner.sts.clone(), bridge, external_id, role_arn));
        let endpoint = client::sqs_endpoint(self.settings(), queue)?;
        Ok(Queue::new(self.clone(), &endpoint, session, queue.clone()))
    }

    fn require_partition(&self, queue: &QueueUrl) -> Result<()> {
        let (theirs, ours) = (queue.region().partition(), self.settings().region.partition());
        if theirs == ours { Ok(()) } else { Err(Error::OtherPartition { queue: theirs.as_str(), ours: ours.as_str() }) }
    }
}
