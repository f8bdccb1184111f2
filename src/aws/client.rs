//! How AWS is reached: endpoints, identities, time limits, tries.

use std::time::Duration;

use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_sdk_sqs::config::{
    BehaviorVersion, IdentityCache, ProvideCredentials, Region, SharedAsyncSleep, SharedHttpClient,
    StalledStreamProtectionConfig, retry::RetryConfig, timeout::TimeoutConfig,
};
use aws_smithy_http_client::{
    Builder, Connector,
    tls::{Provider, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::http::{HttpConnectorSettings, SharedHttpConnector};
use futures::FutureExt as _;
use secrecy::ExposeSecret;

use super::{
    Keys, Settings,
    error::{Error, Result, Source},
    guard::Guard,
};
use crate::domain::queue_url::QueueUrl;

/// The longest a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(3);
/// The longest one try may take.
pub(super) const ATTEMPT: Duration = Duration::from_secs(10);
/// The longest a call may take with all its tries.
const OPERATION: Duration = Duration::from_secs(30);

/// The HTTP stacks: none follows redirects or reads proxies from the environment.
pub(super) struct Http {
    /// For AWS's own names.
    template: SharedHttpClient,
    /// For the operator's addresses.
    listed: SharedHttpClient,
    /// The same two for calls that are written out.
    connectors: [SharedHttpConnector; 2],
}

impl Http {
    pub(super) fn new(allow_private: bool) -> Self {
        let builder = || Builder::new().tls_provider(Provider::Rustls(CryptoMode::AwsLc));
        let listed = builder().build_https();
        let template = if allow_private { listed.clone() } else { builder().build_with_resolver(Guard) };
        let connector = || {
            let settings = HttpConnectorSettings::builder().connect_timeout(CONNECT).build();
            let builder = Connector::builder().connector_settings(settings).sleep_impl(TokioSleep);
            builder.tls_provider(Provider::Rustls(CryptoMode::AwsLc))
        };
        let to_listed = SharedHttpConnector::new(connector().build());
        let to_template = if allow_private {
            to_listed.clone()
        } else {
            SharedHttpConnector::new(connector().build_with_resolver(Guard))
        };
        Self { template, listed, connectors: [to_template, to_listed] }
    }

    /// What calls of SQS go over that are written out.
    pub(super) fn connector(&self, settings: &Settings) -> SharedHttpConnector {
        self.connectors[usize::from(settings.endpoints.sqs.is_some())].clone()
    }

    fn towards(&self, endpoint: Option<&str>) -> SharedHttpClient {
        if endpoint.is_some() { self.listed.clone() } else { self.template.clone() }
    }
}

/// The limits of one call.
fn limits(attempt: Duration, operation: Duration) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .operation_attempt_timeout(attempt)
        .operation_timeout(operation)
        .build()
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

/// Where SQS is for a queue: at the operator's address, or where AWS's own table says.
///
/// # Errors
/// [`Error::Network`] where that table has no such region.
pub(super) fn sqs_endpoint(settings: &Settings, queue: &QueueUrl) -> Result<String> {
    use aws_sdk_sqs::config::endpoint::{DefaultResolver, Params, ResolveEndpoint};
    if let Some(endpoint) = &settings.endpoints.sqs {
        return Ok(endpoint.clone());
    }
    let unknown = |source: Source| Error::Network { what: "sqs:GetQueueAttributes", source };
    let params = Params::builder().region(queue.region().to_string()).use_fips(is_fips(queue)).build();
    let params = params.map_err(|error| unknown(error.into()))?;
    let resolver = DefaultResolver::new();
    let endpoint = resolver.resolve_endpoint(&params).now_or_never();
    let endpoint = endpoint.ok_or_else(|| unknown("the table of endpoints does not answer".into()))?;
    Ok(endpoint.map_err(unknown)?.url().to_owned())
}

/// Whether people gave the queue's FIPS address.
fn is_fips(queue: &QueueUrl) -> bool {
    queue.to_string().starts_with("https://sqs-fips.")
}

async fn identity(keys: Option<&Keys>, settings: &Settings) -> SharedCredentialsProvider {
    let Some(Keys { access_key_id, secret_access_key }) = keys else {
        let region = Region::new(settings.region.to_string());
        return SharedCredentialsProvider::new(DefaultCredentialsChain::builder().region(region).build().await);
    };
    let secret = secret_access_key.expose_secret();
    SharedCredentialsProvider::new(Credentials::new(access_key_id, secret, None, None, "configuration"))
}

/// Tokio's timer for the SDK.
#[derive(Debug)]
struct TokioSleep;

impl aws_sdk_sqs::config::AsyncSleep for TokioSleep {
    fn sleep(&self, duration: Duration) -> aws_sdk_sqs::config::Sleep {
        aws_sdk_sqs::config::Sleep::new(tokio::time::sleep(duration))
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;
    use crate::aws::{Endpoints, testing};

    fn settings(region: &str, sqs: Option<String>) -> Settings {
        Settings {
            account_id: "123456789012".into(),
            region: region.parse().unwrap(),
            worker_arn: "arn:aws:iam::123456789012:user/worker".into(),
            console: None,
            worker: None,
            permissions_boundary: None,
            shared_role_arn: None,
            endpoints: Endpoints { sqs, ..Endpoints::default() },
            allow_private: false,
        }
    }

    fn keys() -> Credentials {
        Credentials::new("AKIATEST", "secret", None, None, "test")
    }

    macro_rules! endpoint {
        ($sdk:ident, $region:expr, $fips:expr) => {{
            use $sdk::config::endpoint::{DefaultResolver, Params, ResolveEndpoint};
            let params = Params::builder().region($region).use_fips($fips).build().unwrap();
            let resolver = DefaultResolver::new();
            let endpoint = resolver.resolve_endpoint(&params).now_or_never().unwrap().unwrap();
            endpoint.url().to_owned()
        }};
    }

    /// The addresses that the SDK's own table gives, so that an update which changes them is noticed.
    #[test]
    fn endpoints_follow_from_the_region() {
        let mut all = Vec::new();
        for region in ["eu-central-1", "cn-north-1", "us-gov-west-1", "eusc-de-east-1"] {
            let sqs = endpoint!(aws_sdk_sqs, region, false);
            let queue = testing::queue(region).to_string();
            assert!(queue.starts_with(&format!("{sqs}/")), "{queue} is not at {sqs}");
            all.push([sqs, endpoint!(aws_sdk_sts, region, false), endpoint!(aws_sdk_iam, region, false)].join(" "));
        }
        all.push(endpoint!(aws_sdk_sqs, "us-gov-west-1", true));
        insta::assert_snapshot!(all.join("\n"), @r"
        https://sqs.eu-central-1.amazonaws.com https://sts.eu-central-1.amazonaws.com https://iam.amazonaws.com
        https://sqs.cn-north-1.amazonaws.com.cn https://sts.cn-north-1.amazonaws.com.cn https://iam.cn-north-1.amazonaws.com.cn
        https://sqs.us-gov-west-1.amazonaws.com https://sts.us-gov-west-1.amazonaws.com https://iam.us-gov.amazonaws.com
        https://sqs.eusc-de-east-1.amazonaws.eu https://sts.eusc-de-east-1.amazonaws.eu https://iam.eusc-de-east-1.amazonaws.eu
        https://sqs.us-gov-west-1.amazonaws.com
        ");
    }

    #[tokio::test]
    async fn a_redirect_is_not_followed() {
        let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = server.local_addr().unwrap();
        let serving = tokio::spawn(async move {
            let (mut connection, _) = server.accept().await.unwrap();
            let _ = connection.read(&mut [0; 4096]).await.unwrap();
            let answer = format!(
                "HTTP/1.1 307 X\r\nLocation: http://{address}/x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            );
            connection.write_all(answer.as_bytes()).await.unwrap();
            drop(connection);
            // A second connection would be the redirect being followed.
            tokio::time::timeout(Duration::from_millis(200), server.accept()).await.is_ok()
        });
        let settings = settings("eu-central-1", Some(format!("http://{address}")));
        let client = sqs(&settings, &Http::new(false), &testing::queue("eu-central-1"), keys());
        let error = client.get_queue_attributes().queue_url("x").send().await.unwrap_err();
        assert!(matches!(Error::of("sqs:GetQueueAttributes", error), Error::Redirected { status: 307, .. }));
        assert!(!serving.await.unwrap(), "somebody followed");
    }

    #[tokio::test]
    async fn a_name_that_leads_to_a_private_address_is_not_called() {
        let http = Http::new(false);
        let settings = settings("eu-central-1", None);
        let none: Option<&str> = None;
        let config = common!(aws_sdk_sqs, http, none, settings.region);
        let config = config.endpoint_url("http://localhost:9").credentials_provider(keys());
        let client = aws_sdk_sqs::Client::from_conf(config.retry_config(RetryConfig::disabled()).build());
        let error = client.get_queue_attributes().queue_url("x").send().await.unwrap_err();
        let error = Error::of("sqs:GetQueueAttributes", error);
        assert!(matches!(&error, Error::Private { source, .. } if source.name == "localhost"), "{error}");
    }

    #[tokio::test]
    async fn nobody_there_is_a_network_error_that_says_so() {
        let settings = settings("eu-central-1", Some("http://127.0.0.1:9".into()));
        let client = sqs(&settings, &Http::new(false), &testing::queue("eu-central-1"), keys());
        let error = client.get_queue_attributes().queue_url("x").send().await.unwrap_err();
        let error = Error::of("sqs:GetQueueAttributes", error);
        assert!(error.is_transient());
        insta::assert_snapshot!(error, @"AWS could not be reached for sqs:GetQueueAttributes: Connection refused (os error 111)");
    }
}
