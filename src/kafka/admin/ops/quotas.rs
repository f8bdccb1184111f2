//! Quotas of users (KIP-546, KIP-599).

use super::Admin;
use crate::kafka::admin::{
    Error, Result, To,
    msg::{AlterClientQuotas, Api, QuotaEntity, QuotaEntry, QuotaOp},
};

impl Admin {
    /// Lets a user, named without `User:`, make and delete so many partitions a second; `None` takes the limit away.
    ///
    /// What goes beyond is refused topic by topic, with [`Code::THROTTLING_QUOTA_EXCEEDED`]; brokers save up what was not
    /// used for some seconds.
    ///
    /// [`Code::THROTTLING_QUOTA_EXCEEDED`]: crate::kafka::admin::Code::THROTTLING_QUOTA_EXCEEDED
    pub async fn set_mutation_rate(&self, user: &str, rate: Option<f64>) -> Result<()> {
        let entity = vec![QuotaEntity { entity_type: "user".into(), entity_name: Some(user.to_owned()) }];
        let op =
            QuotaOp { key: "controller_mutation_rate".into(), value: rate.unwrap_or_default(), remove: rate.is_none() };
        let request = AlterClientQuotas { entries: vec![QuotaEntry { entity, ops: vec![op] }], validate_only: false };
        let reply = self.pool().call(To::Any, &request).await?;
        reply
            .entries
            .into_iter()
            .try_for_each(|entry| Error::check(AlterClientQuotas::NAME, entry.error_code, entry.error_message))
    }
}
