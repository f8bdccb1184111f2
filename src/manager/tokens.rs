//! Bearer tokens: `ebm_`, 256 random bits, and a checksum that tells a typing error from a token that has ended.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Actor, Error, Manager, Result, actor::Right, commit, credentials::made_already, members::sha256};
use crate::{
    domain::{
        history::Act,
        ids::{MemberId, TokenId},
    },
    secrets::random,
    store::{self, tokens::Scope},
};

pub use store::tokens::Listed;

/// What every token begins with.
const PREFIX: &str = "ebm_";

/// A token that was just made.
#[derive(Debug)]
pub struct Minted {
    /// Id.
    pub id: TokenId,
    /// The value: shown once.
    pub value: SecretString,
}

/// What a new token shall open.
#[derive(Clone, Copy, Debug)]
pub enum For<'a> {
    /// All that the member may do.
    Member(MemberId),
    /// To report deployments of one environment.
    Deploy {
        /// Key of the app.
        app: &'a str,
        /// Key of the environment.
        environment: &'a str,
    },
}

impl Manager {
    /// Makes a token: a member one of his own, a contact or admin one for a pipeline.
    pub async fn create_token(
        &self,
        actor: &Actor,
        what: For<'_>,
        name: &str,
        expires_at: Option<OffsetDateTime>,
    ) -> Result<Minted> {
        self.create_token_as(actor, TokenId(Uuid::now_v7()), what, name, expires_at).await
    }

    /// The same with an id that a form has brought: a form that is sent twice makes none twice.
    pub async fn create_token_as(
        &self,
        actor: &Actor,
        id: TokenId,
        what: For<'_>,
        name: &str,
        expires_at: Option<OffsetDateTime>,
    ) -> Result<Minted> {
        if name.chars().count() > 100 || name.chars().any(char::is_control) {
            return Err(Error::field("name", "must have at most 100 printable characters"));
        }
        if expires_at.is_some_and(|at| at <= OffsetDateTime::now_utc()) {
            return Err(Error::field("expires_at", "is in the past: give a time to come, or leave it out"));
        }
        let mut tx = self.begin().await?;
        let (scope, owner) = match what {
            For::Member(member) => {
                actor.require(Right::Look, &mut tx).await?;
                if actor.member().is_some_and(|own| own != member) {
                    return Err(Error::Forbidden("a member's token can only be made by himself".into()));
                }
                let member = store::members::find(&mut tx, member).await?.ok_or(Error::NotFound("member"))?;
                (Scope::Member(member.id), member.email.to_string())
            }
            For::Deploy { app, environment } => {
                let environment = store::apps::find_environment(&mut tx, app, environment).await?;
                let environment = environment.ok_or(Error::NotFound("environment"))?;
                actor.require(Right::ActFor(environment.app), &mut tx).await?;
                (Scope::Deploy(environment.id), format!("{}.{}", environment.app_key, environment.key))
            }
        };
        store::take_turn(&mut tx, &format!("token {id}")).await?;
        if store::tokens::find(&mut tx, id).await?.is_some() {
            return Err(made_already("token", "token"));
        }
        let value = mint();
        let hash = sha256(value.expose_secret().as_bytes());
        store::tokens::insert(&mut tx, id, scope, name, &hash, actor.member(), expires_at).await?;
        tx.record(actor, act("token.created", id, name, &owner));
        commit(tx).await?;
        Ok(Minted { id, value })
    }

    /// Who comes with a token; `None` when it is none of ours, or has ended.
    pub async fn find_actor(&self, token: &str) -> Result<Option<Actor>> {
        if !is_whole(token) {
            return Ok(None);
        }
        let mut db = self.read().await?;
        let found = store::tokens::find_by_hash(&mut db, &sha256(token.as_bytes())).await?;
        Ok(match found {
            None => None,
            Some((_, _, Scope::Member(member))) => {
                store::members::find(&mut db, member).await?.filter(|m| !m.blocked).map(|m| Actor::Member(m.id))
            }
            Some((token, name, Scope::Deploy(environment))) => Some(Actor::Deploy { token, name, environment }),
        })
    }

    /// The member's own tokens; the deploy tokens of an environment where its keys are given.
    pub async fn list_tokens(&self, actor: &Actor, environment: Option<(&str, &str)>) -> Result<Vec<Listed>> {
        let mut db = self.read().await?;
        let Some((app, key)) = environment else {
            actor.require(Right::Look, &mut db).await?;
            return Ok(store::tokens::list(&mut db, actor.member(), None).await?);
        };
        let environment =
            store::apps::find_environment(&mut db, app, key).await?.ok_or(Error::NotFound("environment"))?;
        actor.require(Right::ActFor(environment.app), &mut db).await?;
        Ok(store::tokens::list(&mut db, None, Some(environment.id)).await?)
    }

    /// Ends a token at once.
    pub async fn revoke_token(&self, actor: &Actor, id: TokenId) -> Result<()> {
        let mut tx = self.begin().await?;
        let missing = || Error::NotFound("token");
        let (name, scope) = store::tokens::find(&mut tx, id).await?.ok_or_else(missing)?;
        let owner = match scope {
            Scope::Member(member) => {
                let own = actor.require(Right::Look, &mut tx).await?;
                if actor.member() != Some(member) && own.is_some() {
                    actor.require(Right::Administer, &mut tx).await.map_err(|_| missing())?;
                }
                store::members::find(&mut tx, member).await?.ok_or_else(missing)?.email.to_string()
            }
            Scope::Deploy(environment) => {
                let environment = store::apps::load_environment(&mut tx, environment).await?;
                actor.require(Right::ActFor(environment.app), &mut tx).await?;
                format!("{}.{}", environment.app_key, environment.key)
            }
        };
        if !store::tokens::revoke(&mut tx, id).await? {
            return Err(missing());
        }
        tx.record(actor, act("token.revoked", id, &name, &owner));
        commit(tx).await
    }
}

fn act(name: &'static str, id: TokenId, token: &str, owner: &str) -> Act {
    Act {
        name,
        object_kind: "token",
        object_id: id.0,
        object_name: format!("{token} ({owner})"),
        before: None,
        after: Some(json!({ "name": token, "for": owner })),
    }
}

fn mint() -> SecretString {
    let body = URL_SAFE_NO_PAD.encode(random::<32>());
    let check = checksum(&body);
    format!("{PREFIX}{body}{check}").into()
}

/// Six characters over the body: enough to tell a typing error without asking the database.
fn checksum(body: &str) -> String {
    URL_SAFE_NO_PAD.encode(&sha256(body.as_bytes())[..4])
}

fn is_whole(token: &str) -> bool {
    let Some(rest) = token.strip_prefix(PREFIX) else { return false };
    rest.is_ascii()
        && rest.len() == 49
        && rest.split_at_checked(43).is_some_and(|(body, check)| checksum(body) == check)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_proves_that_it_was_typed_right() {
        let token = mint();
        let token = token.expose_secret();
        assert!(is_whole(token));
        assert!(!is_whole(&token.replace("ebm_", "ebn_")));
        assert!(!is_whole(&format!("{token}\n")));
        assert!(!is_whole(&token[..token.len() - 1]));
        assert!(!is_whole(""));
    }
}
