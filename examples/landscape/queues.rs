//! The queues of the company's partners, past the console.

use std::time::Duration;

use aws_config::BehaviorVersion;
use aws_sdk_sqs::{
    Client,
    types::{MessageAttributeValue, QueueAttributeName},
};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::{
    Result,
    company::{ANSWERS, INVOICES},
    contracts::{self, below},
    setting,
};

/// A queue's policy that names a role just made is refused for a while (IAM User Guide, "Changes that I make are not
/// always immediately visible").
const SETTLES: Duration = Duration::from_secs(30);

/// SQS.
pub struct Queues {
    client: Client,
    account: String,
    /// The region.
    pub region: String,
}

impl Queues {
    /// From the settings; endpoints and keys by the names that AWS gave them.
    pub async fn from_settings() -> Result<Self> {
        let config = aws_config::defaults(BehaviorVersion::latest()).load().await;
        Ok(Self { client: Client::new(&config), account: setting("AWS_ACCOUNT_ID")?, region: setting("AWS_REGION")? })
    }

    /// Makes a queue; gives the address that people type.
    pub async fn create(&self, name: &str) -> Result<String> {
        self.client.create_queue().queue_name(name).send().await?;
        Ok(format!("https://sqs.{}.amazonaws.com/{}/{name}", self.region, self.account))
    }

    async fn url(&self, name: &str) -> Result<String> {
        let found = self.client.get_queue_url().queue_name(name).send().await?;
        Ok(found.queue_url.unwrap_or_default())
    }

    /// Makes a statement the access policy of a queue.
    pub async fn allow(&self, address: &str, statement: &str) -> Result<()> {
        let statement: Value = serde_json::from_str(statement)?;
        let policy = json!({ "Version": "2012-10-17", "Statement": statement }).to_string();
        let url = self.url(address.rsplit('/').next().unwrap_or_default()).await?;
        let until = Instant::now() + SETTLES;
        loop {
            let set = self.client.set_queue_attributes().queue_url(&url);
            match set.attributes(QueueAttributeName::Policy, &policy).send().await {
                Ok(_) => return Ok(()),
                Err(error) if Instant::now() > until => return Err(error.into()),
                Err(_) => sleep(Duration::from_secs(1)).await,
            }
        }
    }

    /// Takes the access policy of a queue away.
    pub async fn forget_policy(&self, name: &str) -> Result<()> {
        let url = self.url(name).await?;
        let set = self.client.set_queue_attributes().queue_url(url).attributes(QueueAttributeName::Policy, "");
        set.send().await?;
        Ok(())
    }

    /// A partner answers.
    pub async fn put_answer(&self, event: &str) -> Result<()> {
        let url = self.url(ANSWERS.routes[0].3).await?;
        let payload = contracts::payload("partner-orders", "PartnerOrderAnswer")?;
        let id = uuid::Uuid::now_v7().to_string();
        let attributes = [
            ("ce_id", id.as_str()),
            ("ce_source", "https://partner.example/orders"),
            ("ce_specversion", "1.0"),
            ("ce_type", event),
            ("content-type", "application/json"),
        ];
        let mut message = self.client.send_message().queue_url(url).message_body(payload.to_string());
        for (name, text) in attributes {
            let value = MessageAttributeValue::builder().data_type("String").string_value(text).build()?;
            message = message.message_attributes(name, value);
        }
        message.send().await?;
        Ok(())
    }

    /// Partners answer now and then, for ever.
    pub async fn answer(&self) -> Result<()> {
        loop {
            self.put_answer("PartnerOrderAnswer").await?;
            sleep(Duration::from_secs(4 + below(12) as u64)).await;
        }
    }

    /// The group's ledger takes what the console sends, for ever.
    pub async fn drain(&self) -> Result<()> {
        let mut urls = Vec::new();
        for (_, _, _, queue) in INVOICES.routes {
            urls.push(self.url(queue).await?);
        }
        loop {
            for url in &urls {
                let received =
                    self.client.receive_message().queue_url(url).max_number_of_messages(10).wait_time_seconds(5).send();
                for message in received.await?.messages.unwrap_or_default() {
                    let receipt = message.receipt_handle.unwrap_or_default();
                    self.client.delete_message().queue_url(url).receipt_handle(receipt).send().await?;
                }
            }
        }
    }
}
