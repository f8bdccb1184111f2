//! Transactional ids.

use super::Admin;
use crate::kafka::admin::{
    Code, Error, Refusal, Result, To,
    msg::{Api, DescribeTransactions},
};

impl Admin {
    /// Whether this login may see a transactional id, as one broker judges.
    ///
    /// There need be none of that name: the authorizer is asked first, and nothing is made.
    pub async fn may_see_transactional_id(&self, to: To, id: &str) -> Result<bool> {
        let request = DescribeTransactions { transactional_ids: vec![id.to_owned()] };
        let mut reply = self.pool().call(to, &request).await?;
        match reply.transaction_states.pop().map(|state| state.error_code) {
            Some(Code::TRANSACTIONAL_ID_AUTHORIZATION_FAILED) => Ok(false),
            // What is said to who was let in: there is none, or another broker would know.
            Some(
                Code::NONE
                | Code::TRANSACTIONAL_ID_NOT_FOUND
                | Code::NOT_COORDINATOR
                | Code::COORDINATOR_NOT_AVAILABLE
                | Code::COORDINATOR_LOAD_IN_PROGRESS,
            ) => Ok(true),
            other => {
                let refusal = other.map_or_else(Refusal::unanswered, |code| Refusal::new(code, None));
                Err(Error::Broker { api: DescribeTransactions::NAME, refusal })
            }
        }
    }
}
