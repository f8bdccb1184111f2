//! The queue by AWS's own client.

use std::borrow::Cow;

use aws_credential_types::Credentials;
use aws_sdk_sqs::{
    Config,
    config::{BehaviorVersion, Region, StalledStreamProtectionConfig, retry::RetryConfig},
    operation::receive_message::ReceiveMessageOutput,
    types::{self, DeleteMessageBatchRequestEntry, MessageAttributeValue, SendMessageBatchRequestEntry},
};

use super::{BATCH, Client, Message, Received};
use crate::{
    Result,
    wire::{QUEUE, REGION},
};

/// AWS's client. One try per call, and no watch over slow answers: a floor does without.
pub struct Sdk(aws_sdk_sqs::Client);

impl Sdk {
    /// A client of the SQS at this address.
    pub fn new(address: &str) -> Self {
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(REGION))
            .endpoint_url(address)
            .credentials_provider(Credentials::new("AKIABENCH", "secret", None, None, "bench"))
            .retry_config(RetryConfig::disabled())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
        Self(aws_sdk_sqs::Client::from_conf(config.build()))
    }
}

impl Client for Sdk {
    type Received = ReceiveMessageOutput;

    async fn send(&self, messages: &[Message<'_>]) -> Result<()> {
        let mut call = self.0.send_message_batch().queue_url(QUEUE);
        for (place, message) in messages.iter().enumerate() {
            let mut entry = SendMessageBatchRequestEntry::builder().id(place.to_string()).message_body(&*message.body);
            for (name, value) in &message.attributes {
                let value = MessageAttributeValue::builder().data_type("String").string_value(&**value).build()?;
                entry = entry.message_attributes(*name, value);
            }
            call = call.entries(entry.build()?);
        }
        let answer = call.send().await?;
        if answer.successful.len() == messages.len() { Ok(()) } else { Err("not all messages were taken".into()) }
    }

    async fn receive(&self) -> Result<ReceiveMessageOutput> {
        let call = self.0.receive_message().queue_url(QUEUE).message_attribute_names("All");
        let call = call.max_number_of_messages(i32::try_from(BATCH)?).wait_time_seconds(8).visibility_timeout(60);
        Ok(call.send().await?)
    }

    async fn delete(&self, receipts: &[&str]) -> Result<()> {
        let mut call = self.0.delete_message_batch().queue_url(QUEUE);
        for (place, receipt) in receipts.iter().enumerate() {
            let entry = DeleteMessageBatchRequestEntry::builder().id(place.to_string()).receipt_handle(*receipt);
            call = call.entries(entry.build()?);
        }
        let answer = call.send().await?;
        if answer.successful.len() == receipts.len() { Ok(()) } else { Err("not all messages were deleted".into()) }
    }
}

impl Received for ReceiveMessageOutput {
    fn messages(&self) -> Result<Vec<(Cow<'_, str>, Message<'_>)>> {
        self.messages.iter().flatten().map(read).collect()
    }
}

fn read(given: &types::Message) -> Result<(Cow<'_, str>, Message<'_>)> {
    let attributes = given.message_attributes.iter().flatten();
    let attributes = attributes.filter_map(|(name, value)| Some((name.as_str(), value.string_value()?.into())));
    let receipt = given.receipt_handle().ok_or("a message without a receipt")?;
    let body = given.body().ok_or("a message without a body")?;
    Ok((receipt.into(), Message { attributes: attributes.collect(), body: body.into() }))
}
