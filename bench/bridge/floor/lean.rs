//! The queue by a client that knows three calls and no more: it writes and borrows their JSON, signs with AWS's own
//! signer, and has one connection for each call under way.

use std::{
    borrow::Cow,
    sync::{Mutex, PoisonError},
    time::SystemTime,
};

use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningParams, SigningSettings, sign},
    sign::v4,
};
use aws_smithy_runtime_api::client::identity::Identity;
use bytes::Bytes;
use http::{
    Request,
    header::{CONTENT_TYPE, HOST},
};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use serde::{Serialize, de::IgnoredAny};
use tokio::net::TcpStream;

use super::{BATCH, Client, Message, Received};
use crate::{
    Result,
    wire::{self, Attribute, Batch, Entry, Handle, JSON, Outcomes, QUEUE, REGION, TARGET},
};

/// The client written by hand.
pub struct Lean {
    address: String,
    host: String,
    identity: Identity,
    /// Connections that no call is on.
    idle: Mutex<Vec<SendRequest<Full<Bytes>>>>,
}

impl Lean {
    /// A client of the SQS at this address.
    pub fn new(address: &str) -> Self {
        Self {
            address: format!("{address}/"),
            host: address.trim_start_matches("http://").to_owned(),
            identity: Credentials::new("AKIABENCH", "secret", None, None, "bench").into(),
            idle: Mutex::default(),
        }
    }

    async fn call(&self, name: &str, body: Vec<u8>) -> Result<Bytes> {
        let request = self.signed(name, body)?;
        let mut connection = self.connection().await?;
        let answer = connection.send_request(request).await?;
        let status = answer.status();
        let body = answer.into_body().collect().await?.to_bytes();
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        if status.is_success() { Ok(body) } else { Err(format!("{name} answered {status}").into()) }
    }

    /// A call of which each entry must have succeeded.
    async fn batch<E: Serialize>(&self, name: &str, entries: Vec<E>) -> Result<()> {
        let wanted = entries.len();
        let body = serde_json::to_vec(&Batch { queue_url: QUEUE, entries })?;
        let answer = self.call(name, body).await?;
        let outcomes: Outcomes<IgnoredAny> = serde_json::from_slice(&answer)?;
        if outcomes.successful.len() == wanted && outcomes.failed.is_empty() {
            Ok(())
        } else {
            Err(format!("{name} did not succeed with all entries").into())
        }
    }

    async fn connection(&self) -> Result<SendRequest<Full<Bytes>>> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        if let Some(mut connection) = idle {
            connection.ready().await?;
            return Ok(connection);
        }
        let stream = TcpStream::connect(&self.host).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(sender)
    }

    fn signed(&self, name: &str, body: Vec<u8>) -> Result<Request<Full<Bytes>>> {
        let target = format!("{TARGET}{name}");
        let signing: SigningParams<'_> = v4::SigningParams::builder()
            .identity(&self.identity)
            .region(REGION)
            .name("sqs")
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()?
            .into();
        let headers = [("content-type", JSON), ("x-amz-target", target.as_str())];
        let signable =
            SignableRequest::new("POST", self.address.as_str(), headers.into_iter(), SignableBody::Bytes(&body))?;
        let (signature, _) = sign(signable, &signing)?.into_parts();
        let mut request = Request::post("/")
            .header(HOST, &self.host)
            .header(CONTENT_TYPE, JSON)
            .header("x-amz-target", &target)
            .body(Full::new(Bytes::from(body)))?;
        signature.apply_to_request_http1x(&mut request);
        Ok(request)
    }
}

impl Client for Lean {
    type Received = Bytes;

    async fn send(&self, messages: &[Message<'_>]) -> Result<()> {
        self.batch("SendMessageBatch", messages.iter().enumerate().map(entry).collect()).await
    }

    async fn receive(&self) -> Result<Bytes> {
        let body = format!(
            "{{\"QueueUrl\":\"{QUEUE}\",\"MaxNumberOfMessages\":{BATCH},\"WaitTimeSeconds\":8,\
             \"VisibilityTimeout\":60,\"MessageAttributeNames\":[\"All\"]}}"
        );
        self.call("ReceiveMessage", body.into_bytes()).await
    }

    async fn delete(&self, receipts: &[&str]) -> Result<()> {
        self.batch("DeleteMessageBatch", receipts.iter().enumerate().map(handle).collect()).await
    }
}

fn entry<'a>((place, message): (usize, &'a Message<'_>)) -> Entry<'a> {
    let attributes = message.attributes.iter().map(|(name, value)| (*name, Attribute::text(&**value)));
    let message_body = Cow::Borrowed(&*message.body);
    Entry { id: place.to_string().into(), message_body, message_attributes: attributes.collect() }
}

fn handle<'a>((place, receipt): (usize, &&'a str)) -> Handle<'a> {
    Handle { id: place.to_string().into(), receipt_handle: Cow::Borrowed(*receipt), visibility_timeout: None }
}

impl Received for Bytes {
    fn messages(&self) -> Result<Vec<(Cow<'_, str>, Message<'_>)>> {
        let received: wire::Received<'_> = serde_json::from_slice(self)?;
        let messages = received.messages.into_iter().map(|message| {
            let attributes = message.message_attributes.into_iter();
            let attributes = attributes.map(|(name, value)| (name, value.string_value)).collect();
            (message.receipt_handle, Message { attributes, body: message.body })
        });
        Ok(messages.collect())
    }
}
