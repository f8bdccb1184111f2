//! Who acts, and what he may.

use super::{Error, Result};
use crate::{
    domain::{
        ids::{AppId, EnvironmentId, MemberId, SpaceId, TokenId},
        member::{Member, Role},
    },
    store::{self, PgConnection},
};

/// Who acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A member, signed in or by a token of his own.
    Member(MemberId),
    /// A pipeline, for one environment.
    Deploy {
        /// Its token.
        token: TokenId,
        /// The token's name.
        name: String,
        /// The environment it may report.
        environment: EnvironmentId,
    },
    /// Whoever runs a command where the program is installed.
    Operator,
    /// A part of the product itself, by its name.
    Product(&'static str),
}

/// What may be asked of an actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// To see the landscape.
    Look,
    /// To register, invite, decide.
    Administer,
    /// To act for an app: admin or its technical contact.
    ActFor(AppId),
    /// To act for bridges of a Space: admin or technical contact of an app with an environment in it.
    ActIn(SpaceId),
    /// To upload a service that is defined outside of all apps: admin or technical contact of any app.
    Upload,
    /// To report a deployment of an environment of this app.
    Deploy(EnvironmentId, AppId),
}

impl Actor {
    /// The member who acts, where it is one.
    pub fn member(&self) -> Option<MemberId> {
        match self {
            Self::Member(id) => Some(*id),
            _ => None,
        }
    }

    /// Fails unless the actor has the right. Inside a transaction the member's row is held until it ends, so that
    /// a role lowered or a block meanwhile waits, or is seen.
    ///
    /// Gives the member, where it is one.
    pub(super) async fn require(&self, right: Right, db: &mut PgConnection) -> Result<Option<Member>> {
        let member = match self {
            Self::Member(id) => store::members::find_for_share(db, *id).await?,
            _ => None,
        };
        self.judge(right, member, db).await
    }

    /// The same for who only looks: nothing is held, which would be a write.
    pub(super) async fn require_to_read(&self, right: Right, db: &mut PgConnection) -> Result<Option<Member>> {
        let member = match self {
            Self::Member(id) => store::members::find(db, *id).await?,
            _ => None,
        };
        self.judge(right, member, db).await
    }

    /// Whether the actor has the right, and why not. Nothing is held.
    pub(super) async fn may(&self, right: Right, db: &mut PgConnection) -> Result<May> {
        match self.require_to_read(right, db).await {
            Ok(_) => Ok(May::default()),
            Err(Error::Forbidden(why)) => Ok(May { refusal: Some(why) }),
            Err(error) => Err(error),
        }
    }

    async fn judge(&self, right: Right, member: Option<Member>, db: &mut PgConnection) -> Result<Option<Member>> {
        match self {
            Self::Operator | Self::Product(_) => Ok(None),
            Self::Deploy { environment, .. } => match right {
                Right::Deploy(asked, _) if asked == *environment => Ok(None),
                // Another environment answers as if it did not exist.
                Right::Deploy(..) => Err(Error::NotFound("environment")),
                _ => Err(Error::Forbidden("a deploy token may only report deployments of its environment".into())),
            },
            Self::Member(id) => {
                let member = member.filter(|m| !m.blocked).ok_or(Error::Unauthenticated)?;
                if member.role == Role::Admin {
                    return Ok(Some(member));
                }
                let refusal = match right {
                    Right::Look => return Ok(Some(member)),
                    Right::Administer => "only an admin may do this",
                    Right::ActFor(app) | Right::Deploy(_, app) => {
                        if store::apps::is_contact(db, app, *id).await? {
                            return Ok(Some(member));
                        }
                        "only a technical contact of the app or an admin may do this"
                    }
                    Right::Upload => {
                        if store::apps::is_contact_of_any(db, *id).await? {
                            return Ok(Some(member));
                        }
                        "only a technical contact of an app or an admin may do this"
                    }
                    Right::ActIn(space) => {
                        if store::apps::is_contact_in_space(db, space, *id).await? {
                            return Ok(Some(member));
                        }
                        "only a technical contact of an app in this Space or an admin may do this"
                    }
                };
                Err(Error::Forbidden(refusal.into()))
            }
        }
    }

    /// The actor in words, for the history.
    pub(super) async fn describe(&self, db: &mut PgConnection) -> Result<String> {
        Ok(match self {
            Self::Member(id) => {
                store::members::find(db, *id).await?.map_or_else(|| id.to_string(), |m| m.email.to_string())
            }
            Self::Deploy { name, .. } => format!("deploy token “{name}”"),
            Self::Operator => "operator".into(),
            Self::Product(part) => (*part).into(),
        })
    }
}

/// A page asks beforehand, to show what one may not do as disabled, with the reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct May {
    /// Why not; `None` when one may.
    pub refusal: Option<String>,
}

impl super::Manager {
    /// Whether the actor has the right, and why not.
    pub async fn may(&self, actor: &Actor, right: Right) -> Result<May> {
        actor.may(right, &mut *self.read().await?).await
    }
}
