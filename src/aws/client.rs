//! How AWS is reached: endpoints, identities, time limits, tries.

use std::time::Duration;

use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_sdk_sqs::config::{
    BehaviorVersion, IdentityCache, ProvideCredentials, Region, SharedAsyncSleep, SharedHttpClient,
    StalledStreamProtectionConfig, retry::RetryConfig, timeout::TimeoutConfig,
};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, rustls_provider::CryptoMode},
};
use secrecy::ExposeSecret;

use super::{Keys, Settings, guard::Guard};
use crate::domain::queue_url::QueueUrl;

/// The longest a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(3);
/// The longest one try may take.
const ATTEMPT: Duration = Duration::from_secs(10);
/// The longest a call may take with all its tries.
const OPERATION: Duration = Duration::from_secs(30);

/// The HTTP stacks: none follows redirects or reads proxies from the environment.
pub(super) struct Http {
    /// For AWS's own names.
    template: SharedHttpClient,
    /// For the operator's addresses.
    listed: SharedHttpClient,
}

impl Http {
    pub(super) fn new(allow_private: bool) -> Self {
        let builder = || Builder::new().tls_provider(Provider::Rustls(CryptoMode::AwsLc));
        let listed = builder().build_https();
        let template = if allow_private { listed.clone() } else { builder().build_with_resolver(Guard) };
        Self { template, listed }
    }

    fn towards(&self, endpoint: Option<&str>) -> SharedHttpClient {
        if endpoint.is_some() { self.listed.clone() } else { self.template.clone() }
    }
}

/// The limits of one call.
pub(super) fn limits(attempt: Duration, operation: Duration) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .operation_attempt_timeout(attempt)
        .operation_timeout(operation)
        .build()
}

/// The limits of a call that waits at AWS's side for so long.
pub(super) fn long_limits(wait: Duration) -> TimeoutConfig {
    limits(ATTEMPT + wait, ATTEMPT + wait)
}

/// What every client has in common. The SDK's own loading of settings is not used: it would read endpoints from the
/// environment and from profiles.
macro_rules! common {
    ($sdk:ident, $http:expr, $endpoint:expr, $region:expr) => {{
        let mut config = $sdk::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new($region.to_string()))
            .http_client($http.towards($endpoint))
            .sleep_impl(SharedAsyncSleep::new(TokioSleep))
            .timeout_config(limits(ATTEMPT, OPERATION))
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
        config.set_endpoint_url($endpoint.map(str::to_owned));
        config
    }};
}

/// IAM with the console's identity. Calls are few; the SDK tries again by itself and slows down when asked to.
pub(super) async fn iam(settings: &Settings, http: &Http) -> aws_sdk_iam::Client {
    let identity = identity(settings.console.as_ref(), settings).await;
    let endpoint = settings.endpoints.iam.as_deref();
    let config = common!(aws_sdk_iam, http, endpoint, settings.region);
    let config = config.credentials_provider(identity).retry_config(RetryConfig::adaptive());
    aws_sdk_iam::Client::from_conf(config.build())
}

/// STS with the worker's identity, at the home region's endpoint.
pub(super) async fn sts(settings: &Settings, http: &Http) -> aws_sdk_sts::Client {
    let identity = identity(settings.worker.as_ref(), settings).await;
    let endpoint = settings.endpoints.sts.as_deref();
    let config = common!(aws_sdk_sts, http, endpoint, settings.region);
    let config = config.credentials_provider(identity).retry_config(RetryConfig::standard());
    aws_sdk_sts::Client::from_conf(config.build())
}

/// SQS in the queue's region under a role. One try per call: who calls decides whether to try again, since a send
/// whose answer was lost may have been carried out.
pub(super) fn sqs(
    settings: &Settings,
    http: &Http,
    queue: &QueueUrl,
    credentials: impl ProvideCredentials + 'static,
) -> aws_sdk_sqs::Client {
    let endpoint = settings.endpoints.sqs.as_deref();
    let config = common!(aws_sdk_sqs, http, endpoint, queue.region())
        .credentials_provider(credentials)
        // The session keeps them, and knows better when they are due.
        .identity_cache(IdentityCache::no_cache())
        // A development server has no other endpoint, and the SDK refuses the two together.
        .use_fips(is_fips(queue) && endpoint.is_none())
        .retry_config(RetryConfig::disabled());
    aws_sdk_sqs::Client::from_conf(config.build())
}

/// Whether people gave the queue's FIPS address.
fn is_fips(queue: &QueueUrl) -> bool {
    queue.to_string().starts_with("https://sqs-fips.")
}

async fn identity(keys: Option<&Keys>, settings: &Settings) -> SharedCredentialsProvider {
    match keys {
        Some(Keys { access_key_id, secret_access_key }) => SharedCredentialsProvider::new(Credentials::new(
            access_key_id,
            secret_access_key.expose_secret(),
            None,
            None,
            "configuration",
        )),
        None => {
            let region = Region::new(settings.region.to_string());
            SharedCredentialsProvider::new(DefaultCredentialsChain::builder().region(region).build().await)
        }
    }
}

/// Tokio's timer for the SDK.
#[derive(Debug)]
struct TokioSleep;

impl aws_sdk_sqs::config::AsyncSleep for TokioSleep {
    fn sleep(&self, duration: Duration) -> aws_sdk_sqs::config::Sleep {
        aws_sdk_sqs::config::Sleep::new(tokio::time::sleep(duration))
    }
}
