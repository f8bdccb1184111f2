//! Access control lists.

use super::Admin;
use crate::kafka::admin::{
    Acl, AclFilter, Code, Error, Refusal, Result, To,
    msg::{AclResource, AclRow, Api, CreateAcls, DeleteAcls, DeletedAcls, DescribeAcls},
};

/// The ACLs of one request: a thousand were the fastest on a real cluster; each is one record for the controller.
const CREATED: usize = 1_000;

/// The filters of one request. The controller compares each with every ACL there is and does nothing else in the
/// meantime: with 89,000 ACLs ten took 0.9 s, two hundred 24 s.
const DELETED: usize = 20;

impl Admin {
    /// The ACLs a filter lets through, as one broker sees them.
    ///
    /// # Errors
    ///
    /// [`Error::Broker`] with [`Code::CLUSTER_AUTHORIZATION_FAILED`] if this login may not read them, and with
    /// [`Code::SECURITY_DISABLED`] if the broker has no authorizer.
    pub async fn acls(&self, to: To, filter: AclFilter) -> Result<Vec<Acl>> {
        let reply = self.pool().call(to, &filter.request()).await?;
        Error::check(DescribeAcls::NAME, reply.error_code, reply.error_message)?;
        Ok(reply.resources.into_iter().flat_map(of_resource).collect())
    }

    /// Makes ACLs; what became of each, in order. One that is there already is not an error.
    ///
    /// Kafka takes almost anything, even an operation that makes no sense for the resource.
    pub async fn create_acls(&self, acls: &[Acl]) -> Result<Vec<std::result::Result<(), Refusal>>> {
        let mut done = Vec::with_capacity(acls.len());
        for batch in acls.chunks(CREATED) {
            let request = CreateAcls { creations: batch.iter().map(Acl::row).collect() };
            let reply = self.pool().call(To::Any, &request).await?;
            // The answers carry no names: they are in the order of the question.
            let mut answers = reply.results.into_iter();
            done.extend(batch.iter().map(|_| {
                let answer = answers.next().ok_or_else(Refusal::unanswered)?;
                Refusal::check(answer.error_code, answer.error_message)
            }));
        }
        Ok(done)
    }

    /// Deletes exactly these ACLs; for each, in order, whether it was there.
    ///
    /// An ACL with a part this client [does not know](Acl::is_known) is refused here, so that no number can act as a
    /// wildcard. Takes long on a cluster with many ACLs, and goes in small steps: a step that timed out may still be
    /// done later.
    pub async fn delete_acls(&self, acls: &[Acl]) -> Result<Vec<std::result::Result<bool, Refusal>>> {
        let known: Vec<_> = acls.iter().filter(|acl| acl.is_known()).map(Acl::exact_filter).collect();
        let mut answers = Vec::with_capacity(known.len());
        for batch in known.chunks(DELETED) {
            let mut batch_answers = self.delete_matching(batch).await?.into_iter();
            answers.extend(batch.iter().map(|_| {
                batch_answers.next().unwrap_or_else(|| Err(Refusal::unanswered())).map(|deleted| !deleted.is_empty())
            }));
        }
        let mut answers = answers.into_iter();
        let mut answer = |acl: &Acl| {
            if acl.is_known() {
                answers.next().unwrap_or_else(|| Err(Refusal::unanswered()))
            } else {
                Err(Refusal::new(
                    Code::INVALID_REQUEST,
                    Some("not deleted: this client does not know all of it".into()),
                ))
            }
        };
        Ok(acls.iter().map(&mut answer).collect())
    }

    /// Deletes every ACL of one principal, named as `User:` and a name; which ones those were.
    ///
    /// One pass over the cluster's ACLs, however many are deleted.
    ///
    /// # Errors
    ///
    /// [`Error::Broker`] with [`Code::INVALID_REQUEST`] if there are more than 10,000 of them: Kafka 4.x then deletes
    /// none, and they have to be named one by one.
    pub async fn delete_acls_of(&self, principal: &str) -> Result<Vec<Acl>> {
        let filter = AclFilter::Principal(principal.to_owned()).request();
        let answer = self.delete_matching(&[filter]).await?.pop().unwrap_or_else(|| Err(Refusal::unanswered()));
        answer.map_err(|refusal| Error::Broker { api: DeleteAcls::NAME, refusal })
    }

    async fn delete_matching(&self, filters: &[DescribeAcls]) -> Result<Vec<std::result::Result<Vec<Acl>, Refusal>>> {
        let _one_at_a_time = self.shared.deleting_acls.lock().await;
        let reply = self.pool().call(To::Any, &DeleteAcls { filters: filters.to_vec() }).await?;
        Ok(reply.filter_results.into_iter().map(deleted).collect())
    }
}

fn of_resource(resource: AclResource) -> impl Iterator<Item = Acl> {
    let AclResource { resource_type, resource_name, pattern_type, acls } = resource;
    acls.into_iter().map(move |acl| {
        Acl::from_row(AclRow {
            resource_type,
            resource_name: resource_name.clone(),
            pattern_type,
            principal: acl.principal,
            host: acl.host,
            operation: acl.operation,
            permission_type: acl.permission_type,
        })
    })
}

fn deleted(answer: DeletedAcls) -> std::result::Result<Vec<Acl>, Refusal> {
    Refusal::check(answer.error_code, answer.error_message)?;
    let acls = answer.matching_acls.into_iter().map(|acl| {
        Refusal::check(acl.error_code, acl.error_message)?;
        Ok(Acl::from_row(AclRow {
            resource_type: acl.resource_type,
            resource_name: acl.resource_name,
            pattern_type: acl.pattern_type,
            principal: acl.principal,
            host: acl.host,
            operation: acl.operation,
            permission_type: acl.permission_type,
        }))
    });
    acls.collect()
}
