//! Calls of the data path, as events go through them: signed and read by AWS's own parts, and without what AWS's whole
//! client does around them, which takes more than all else that an event costs (`bench/bridge`).
//!
//! Follows *AWS JSON 1.0 protocol* as SQS speaks it (Amazon SQS Developer Guide, "Making Query API requests using AWS
//! JSON protocol"). One try per call, no redirects, no private addresses: as of all clients here.

use std::{sync::Arc, time::Duration};

use aws_credential_types::provider::error::CredentialsError;
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningParams, SigningSettings, sign},
    sign::v4,
};
use aws_smithy_runtime_api::client::{
    http::{HttpConnector as _, SharedHttpConnector},
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
};
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http_body_util::BodyExt as _;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::time::SystemTime;
use tokio::time::timeout;

use crate::aws::{
    error::{Error, Result, Source},
    session::Session,
};

const JSON: &str = "application/x-amz-json-1.0";
const AGENT: &str = concat!("ebm/", env!("CARGO_PKG_VERSION"));

/// Calls SQS in the region of a queue, under a bridge's role.
#[derive(Clone)]
pub(super) struct Caller {
    connector: SharedHttpConnector,
    session: Arc<Session>,
    /// `https://host/`
    endpoint: Arc<str>,
    region: Arc<str>,
}

impl Caller {
    pub(super) fn new(connector: SharedHttpConnector, session: Arc<Session>, endpoint: &str, region: &str) -> Self {
        let endpoint = format!("{}/", endpoint.trim_end_matches('/')).into();
        Self { connector, session, endpoint, region: region.into() }
    }

    /// Makes a call, `what` for people and `action` for SQS, and reads its answer.
    ///
    /// # Errors
    /// All of [`Error`]; after one of the connection it may have been carried out.
    pub(super) async fn call<A: DeserializeOwned>(
        &self,
        what: &'static str,
        action: &str,
        question: &impl Serialize,
        limit: Duration,
    ) -> Result<A> {
        let unusable = |error: Source| Error::Network { what, source: error };
        let body = serde_json::to_vec(question).map_err(|error| unusable(error.into()))?;
        let request = self.signed(what, action, body)?;
        let answered = async {
            let response = self.connector.call(request).await.map_err(|error| failed(what, error))?;
            read(what, response).await
        };
        let body = timeout(limit, answered).await.map_err(|_| Error::Timeout { what })??;
        // SQS says nothing at all where nothing is to be said.
        let text: &[u8] = if body.is_empty() { b"{}" } else { &body };
        serde_json::from_slice(text).map_err(|error| unusable(error.into()))
    }

    fn signed(&self, what: &'static str, action: &str, body: Vec<u8>) -> Result<HttpRequest> {
        let unsigned = |source: Source| Error::NoCredentials { what, source: Some(source) };
        let held = self.session.credentials();
        let identity = held.ok_or_else(|| unsigned(CredentialsError::not_loaded("no session yet").into()))?.into();
        let signing: SigningParams<'_> = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name("sqs")
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()
            .map_err(|error| unsigned(error.into()))?
            .into();
        let target = format!("AmazonSQS.{action}");
        // The older codes of errors tell more: `KMS.DisabledException`.
        let headers = [("content-type", JSON), ("x-amz-target", target.as_str()), ("x-amzn-query-mode", "true")];
        let signable = SignableRequest::new("POST", &*self.endpoint, headers.into_iter(), SignableBody::Bytes(&body))
            .and_then(|request| sign(request, &signing))
            .map_err(|error| unsigned(error.into()))?;
        let (signature, _) = signable.into_parts();
        let mut request = HttpRequest::new(SdkBody::from(body));
        let made = request.set_method("POST").and_then(|()| request.set_uri(&*self.endpoint));
        made.map_err(|error| Error::Network { what, source: error.into() })?;
        let all = request.headers_mut();
        all.insert("user-agent", AGENT);
        for (name, value) in headers {
            all.insert(name, value.to_owned());
        }
        for (name, value) in signature.headers() {
            all.insert(name.to_owned(), value.to_owned());
        }
        Ok(request)
    }
}

fn failed(what: &'static str, error: ConnectorError) -> Error {
    if error.is_timeout() { Error::Timeout { what } } else { Error::unreached(what, error.into()) }
}

/// The body of a good answer.
async fn read(what: &'static str, response: HttpResponse) -> Result<Bytes> {
    let status = response.status().as_u16();
    if (300..400).contains(&status) {
        return Err(Error::Redirected { what, status });
    }
    // `Code;Fault`, the codes by their older names (AWS query compatible).
    let older = response.headers().get("x-amzn-query-error").and_then(|code| code.split(';').next()).map(str::to_owned);
    let body = response.into_body().collect().await;
    let body = body.map_err(|error| Error::Network { what, source: error })?.to_bytes();
    if (200..300).contains(&status) {
        return Ok(body);
    }
    // What stands before SQS may answer with no JSON.
    let refusal: Refusal = serde_json::from_slice(&body).unwrap_or_default();
    let code = older.or(refusal.code).unwrap_or_default();
    Err(Error::answered(what, status, &code, &refusal.message.unwrap_or_default()))
}

#[derive(Default, Deserialize)]
struct Refusal {
    #[serde(rename = "__type")]
    code: Option<String>,
    #[serde(alias = "Message")]
    message: Option<String>,
}
