//! A bridge's IAM role, from making to deleting, with the console's identity.

use aws_sdk_iam::{
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
    types::{ContextEntry, PolicyEvaluationDecisionType, Role, Tag},
};
use percent_encoding::percent_decode_str;
use serde_json::Value;
use time::OffsetDateTime;

use super::{
    Aws,
    error::{Error, Result},
    policy::{self, ForeignAccess},
};
use crate::domain::{
    bridge::{ROLE_PATH, role_name},
    ids::BridgeId,
};

/// The name of the one inline policy that we put into a role.
const INLINE: &str = "ebm-queues";
/// The tag that names the bridge.
const TAG: &str = "ebm:bridge";
/// The most characters of all inline policies of a role, blanks not counted (IAM User Guide, "IAM and AWS STS quotas").
const MAX_INLINE: usize = 10_240;

/// A bridge's role as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleMade {
    /// Its ARN.
    pub arn: String,
    /// Its unique id (`AROA…`): keep it, and hand it in the next time. Queues trust this id, not the name.
    pub id: String,
    /// Whether it was made just now.
    pub created: bool,
    /// Whether anything was changed just now: AWS shows it everywhere only some seconds later.
    pub changed: bool,
}

/// A role of a bridge that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoleFound {
    /// The bridge that it was made for.
    pub bridge: BridgeId,
    /// When it was made, by AWS's clock.
    pub made: OffsetDateTime,
}

impl Aws {
    /// Sees to it that a bridge has its role: path `/event-broker/`, name `ebm-<bridge-id>`, tagged, trusting exactly
    /// the worker with the bridge's external id, within the permissions boundary.
    ///
    /// `known` is what an earlier call answered: the role's unique id or, where that was not kept, its ARN. Where it is
    /// given, a role that is gone is not replaced: the queues would not trust it (IAM User Guide, "AWS JSON policy
    /// elements: Principal"). The id also shows a role that somebody made again; the ARN does not. A trust policy that
    /// differs is put right; that also mends the case of a worker that was made again.
    ///
    /// Where all bridges share a role, that is the one: it is the operator's, and nothing of it is looked at.
    ///
    /// # Errors
    /// [`Error::RoleGone`], [`Error::RoleChanged`], [`Error::RoleForeign`], [`Error::RoleQuota`], and all of a call.
    pub async fn ensure_role(&self, bridge: BridgeId, external_id: &str, known: Option<&str>) -> Result<RoleMade> {
        if let Some(shared) = &self.settings().shared_role_arn {
            return Ok(RoleMade { arn: shared.clone(), id: shared.clone(), created: false, changed: false });
        }
        let name = role_name(bridge);
        let trust = policy::trust(&self.settings().worker_arn, external_id);
        let (role, created) = match known {
            Some(known) => match self.find_role(&name).await? {
                Some(role) if role.role_id == known || role.arn == known => (role, false),
                Some(role) => return Err(Error::RoleChanged { name, was: known.to_owned(), is: role.role_id }),
                None => return Err(Error::RoleGone { name }),
            },
            None => match self.create_role(bridge, &name, &trust).await? {
                Some(role) => (role, true),
                // Made by another request, or by one whose answer was lost.
                None => (self.find_role(&name).await?.ok_or_else(|| Error::RoleGone { name: name.clone() })?, false),
            },
        };
        if role.path != ROLE_PATH {
            return Err(Error::RoleForeign { name, why: "its path is another" });
        }
        if !created && !is_tagged(&role, bridge) {
            return Err(Error::RoleForeign { name, why: "it lacks the tag of this bridge" });
        }
        let drifted = !created && document(role.assume_role_policy_document.as_deref()) != Some(trust.clone());
        if drifted {
            self.repair_trust(&name, &trust).await?;
        }
        Ok(RoleMade { arn: role.arn, id: role.role_id, created, changed: created || drifted })
    }

    /// Gives a bridge's role exactly the actions on those of `access` that lie in other accounts, and takes everything
    /// else away. Answers whether anything was changed.
    ///
    /// # Errors
    /// [`Error::RolePolicyTooLarge`], and all of a call.
    pub async fn put_queue_policy(&self, bridge: BridgeId, access: &[ForeignAccess]) -> Result<bool> {
        // What a shared role may do is the operator's business.
        if self.settings().shared_role_arn.is_some() {
            return Ok(false);
        }
        let name = role_name(bridge);
        let wanted = policy::foreign_queues(&self.settings().account_id, access);
        let present = self.inline_policy(&name).await?;
        match wanted {
            wanted if wanted == present => Ok(false),
            None => {
                self.delete_inline(&name, INLINE).await?;
                Ok(true)
            }
            Some(wanted) => {
                let text = wanted.to_string();
                let characters = text.chars().filter(|c| !c.is_whitespace()).count();
                if characters > MAX_INLINE {
                    return Err(Error::RolePolicyTooLarge { characters });
                }
                let call = self.inner.iam.put_role_policy().role_name(&name).policy_name(INLINE).policy_document(text);
                call.send().await.map_err(|error| of_role("iam:PutRolePolicy", &name, error))?;
                Ok(true)
            }
        }
    }

    /// Deletes a bridge's role with its inline policies. A role that is not there is no error, and a shared one stays.
    pub async fn delete_role(&self, bridge: BridgeId) -> Result<()> {
        if self.settings().shared_role_arn.is_some() {
            return Ok(());
        }
        let name = role_name(bridge);
        let mut pages = self.inner.iam.list_role_policies().role_name(&name).into_paginator().items().send();
        let mut inline = Vec::new();
        while let Some(policy) = pages.next().await {
            match policy {
                Ok(policy) => inline.push(policy),
                Err(error) => return self.unless_absent(&name, "iam:ListRolePolicies", error).await,
            }
        }
        for policy in inline {
            self.delete_inline(&name, &policy).await?;
        }
        match self.inner.iam.delete_role().role_name(&name).send().await {
            Ok(_) => Ok(()),
            Err(error) => self.unless_absent(&name, "iam:DeleteRole", error).await,
        }
    }

    /// The roles of bridges that are there, to find those whose bridge is gone. Only roles that trust exactly this
    /// installation's worker: another installation in the same account has its own.
    pub async fn list_roles(&self) -> Result<Vec<RoleFound>> {
        let mut pages = self.inner.iam.list_roles().path_prefix(ROLE_PATH).into_paginator().items().send();
        let mut found = Vec::new();
        while let Some(role) = pages.next().await {
            let role = role.map_err(|error| Error::of("iam:ListRoles", error))?;
            let trusted = document(role.assume_role_policy_document.as_deref())
                .is_some_and(|trust| trust["Statement"][0]["Principal"]["AWS"] == self.settings().worker_arn);
            if let (true, Some(bridge)) = (trusted, bridge_of(&role.role_name)) {
                let made = OffsetDateTime::from_unix_timestamp(role.create_date.secs());
                found.push(RoleFound { bridge, made: made.unwrap_or(OffsetDateTime::UNIX_EPOCH) });
            }
        }
        Ok(found)
    }

    /// What the policies of a role's own side say about actions on a resource (IAM API Reference,
    /// `SimulatePrincipalPolicy`; a queue's policy cannot be simulated for a role).
    pub(super) async fn simulate(&self, role_arn: &str, actions: &[&str], resource: &str) -> Result<Vec<Simulated>> {
        const WHAT: &str = "iam:SimulatePrincipalPolicy";
        let secure = ContextEntry::builder()
            .context_key_name("aws:SecureTransport")
            .context_key_values("true")
            .context_key_type(aws_sdk_iam::types::ContextKeyTypeEnum::Boolean)
            .build();
        let answer = self
            .inner
            .iam
            .simulate_principal_policy()
            .policy_source_arn(role_arn)
            .set_action_names(Some(actions.iter().map(|&action| action.to_owned()).collect()))
            .resource_arns(resource)
            .context_entries(secure)
            .send()
            .await
            .map_err(|error| Error::of(WHAT, error))?;
        Ok(answer
            .evaluation_results
            .unwrap_or_default()
            .into_iter()
            .map(|result| {
                let in_boundary =
                    result.permissions_boundary_decision_detail.is_none_or(|d| d.allowed_by_permissions_boundary);
                let in_organization = result.organizations_decision_detail.is_none_or(|d| d.allowed_by_organizations);
                let says = match result.eval_decision {
                    PolicyEvaluationDecisionType::ExplicitDeny => OwnSide::Denies,
                    _ if !in_boundary => OwnSide::OutsideBoundary,
                    _ if !in_organization => OwnSide::OutsideOrganization,
                    PolicyEvaluationDecisionType::Allowed => OwnSide::Allows,
                    _ => OwnSide::Silent,
                };
                Simulated { action: result.eval_action_name, says }
            })
            .collect())
    }

    async fn find_role(&self, name: &str) -> Result<Option<Role>> {
        match self.inner.iam.get_role().role_name(name).send().await {
            Ok(answer) => Ok(answer.role),
            Err(error) => self.unless_absent(name, "iam:GetRole", error).await.map(|()| None),
        }
    }

    /// Forgives the failure of a call on a role that is not there.
    ///
    /// IAM knows the path of a role only while it exists, so an identity that is limited to a path is *refused* where
    /// the role is absent. Then the list of roles tells.
    async fn unless_absent<E>(&self, name: &str, what: &'static str, error: SdkError<E, HttpResponse>) -> Result<()>
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        if is_absent(&error) {
            return Ok(());
        }
        let error = Error::of(what, error);
        if !matches!(error, Error::AccessDenied { .. }) {
            return Err(error);
        }
        let mut pages = self.inner.iam.list_roles().path_prefix(ROLE_PATH).into_paginator().items().send();
        while let Some(role) = pages.next().await {
            if role.map_err(|error| Error::of("iam:ListRoles", error))?.role_name == name {
                return Err(error);
            }
        }
        Ok(())
    }

    /// `None` where a role of the name is there already.
    async fn create_role(&self, bridge: BridgeId, name: &str, trust: &Value) -> Result<Option<Role>> {
        const WHAT: &str = "iam:CreateRole";
        let tag = Tag::builder().key(TAG).value(bridge.to_string()).build().map_err(|_| Error::incomplete(WHAT))?;
        let answer = self
            .inner
            .iam
            .create_role()
            .path(ROLE_PATH)
            .role_name(name)
            .description("Event Broker Manager: what one bridge may do on its queues")
            .assume_role_policy_document(trust.to_string())
            .set_permissions_boundary(self.settings().permissions_boundary.clone())
            .tags(tag)
            .send()
            .await;
        match answer {
            Ok(answer) => answer.role.map(Some).ok_or_else(|| Error::incomplete(WHAT)),
            Err(error) => match error.code() {
                Some("EntityAlreadyExists") => Ok(None),
                Some("LimitExceeded") => {
                    Err(Error::RoleQuota { message: error.message().unwrap_or_default().to_owned() })
                }
                _ => Err(Error::of(WHAT, error)),
            },
        }
    }

    async fn repair_trust(&self, name: &str, trust: &Value) -> Result<()> {
        let call = self.inner.iam.update_assume_role_policy().role_name(name).policy_document(trust.to_string());
        call.send().await.map(drop).map_err(|error| of_role("iam:UpdateAssumeRolePolicy", name, error))
    }

    async fn inline_policy(&self, name: &str) -> Result<Option<Value>> {
        match self.inner.iam.get_role_policy().role_name(name).policy_name(INLINE).send().await {
            // A text that is no JSON is as good as another policy: it will be replaced.
            Ok(answer) => Ok(Some(document(Some(&answer.policy_document)).unwrap_or(Value::Null))),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(Error::of("iam:GetRolePolicy", error)),
        }
    }

    async fn delete_inline(&self, name: &str, policy: &str) -> Result<()> {
        match self.inner.iam.delete_role_policy().role_name(name).policy_name(policy).send().await {
            Ok(_) => Ok(()),
            Err(error) if is_absent(&error) => Ok(()),
            Err(error) => Err(Error::of("iam:DeleteRolePolicy", error)),
        }
    }
}

/// What a role's own side says about an action.
pub(super) struct Simulated {
    pub action: String,
    pub says: OwnSide,
}

/// The weightiest thing that a role's own side says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OwnSide {
    /// A policy of the role denies it.
    Denies,
    /// The permissions boundary leaves it out.
    OutsideBoundary,
    /// The organization's policies leave it out.
    OutsideOrganization,
    /// A policy of the role allows it.
    Allows,
    /// Nothing speaks of it.
    Silent,
}

fn is_absent<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> bool {
    error.code() == Some("NoSuchEntity")
}

/// A call on a role that must be there.
fn of_role<E>(what: &'static str, name: &str, error: SdkError<E, HttpResponse>) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    if is_absent(&error) { Error::RoleGone { name: name.to_owned() } } else { Error::of(what, error) }
}

fn is_tagged(role: &Role, bridge: BridgeId) -> bool {
    role.tags().iter().any(|tag| tag.key == TAG && tag.value == bridge.to_string())
}

/// IAM answers policies percent-encoded (IAM API Reference, `GetRole`).
fn document(encoded: Option<&str>) -> Option<Value> {
    let text = percent_decode_str(encoded?).decode_utf8().ok()?;
    serde_json::from_str(&text).ok()
}

fn bridge_of(role: &str) -> Option<BridgeId> {
    let bridge: BridgeId = role.strip_prefix("ebm-")?.parse().ok()?;
    // Other spellings of a UUID are not ours.
    (role_name(bridge) == role).then_some(bridge)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::testing::bridge;

    #[test]
    fn a_role_is_known_by_its_exact_name() {
        assert_eq!(bridge_of(&role_name(bridge())), Some(bridge()));
        for other in
            ["ebm-", "ebm-x", "other", &role_name(bridge()).replace('-', ""), &role_name(bridge()).to_uppercase()]
        {
            assert_eq!(bridge_of(other), None, "{other}");
        }
    }

    #[test]
    fn a_policy_is_read_percent_encoded_or_plain() {
        assert_eq!(document(Some("%7B%22a%22%3A%20%22b+c%22%7D")), Some(serde_json::json!({"a": "b+c"})));
        assert_eq!(document(Some("{\"a\":1}")), Some(serde_json::json!({"a": 1})));
        assert_eq!(document(Some("nonsense")), None);
    }
}
