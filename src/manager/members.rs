//! People: inviting, signing in, setting a password, roles, blocking.

use std::sync::LazyLock;

use argon2::{Argon2, PasswordHasher, PasswordVerifier, password_hash::phc::PasswordHash};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use uuid::Uuid;

use super::{Actor, Error, Manager, Result, Work, actor::Right, commit, error::Check};
use crate::{
    domain::{
        history::Act,
        ids::MemberId,
        member::{Email, Member, Role},
    },
    secrets::random,
    store,
};

pub use store::members::Listed;

/// Failed sign-ins with one address within 15 minutes after which none is tried any more.
const MAX_FAILURES: i64 = 10;
/// Hours that a one-time link is good for.
const LINK_HOURS: i32 = 72;
/// Characters that a password has at least (NIST SP 800-63B, section 5.1.1: length, and no rules of composition).
const PASSWORD_MIN: usize = 12;
/// Bytes that a password has at most: more is no stronger, and costs us.
const PASSWORD_MAX: usize = 1024;

/// What verifying is done against where there is no member: as slow as with one.
static NOBODY: LazyLock<String> = LazyLock::new(|| hash(b"nobody").unwrap_or_default());

/// A member who was just invited.
#[derive(Debug)]
pub struct Invited {
    /// Id.
    pub id: MemberId,
    /// Where the password is set: once, within 72 hours. `None` for a member who exists already.
    pub link: Option<SecretString>,
}

impl Manager {
    /// Invites a person, or makes a new one-time link for one who is there.
    pub async fn invite(&self, actor: &Actor, email: &str, name: &str, role: &str) -> Result<Invited> {
        let mut check = Check::default();
        let email = check.parse::<Email>("email", email);
        let role = Role::from_word(role);
        if role.is_none() {
            check.add("role", "must be admin or viewer");
        }
        if name.chars().count() > 100 || name.chars().any(char::is_control) {
            check.add("name", "must have at most 100 printable characters");
        }
        let (Some(email), Some(role)) = (email, role) else { return Err(check.refuse()) };
        check.finish()?;
        let mut tx = self.begin().await?;
        actor.require(Right::Administer, &mut tx).await?;
        let invited = self.add_member(&mut tx, actor, &email, name, role).await?;
        if invited.link.is_none() {
            return Err(Error::conflict(
                "member-exists",
                format!("{email} is a member already: change the role on the People page, or make a new link there"),
            ));
        }
        commit(tx).await?;
        Ok(invited)
    }

    /// Makes a member and the link for the password, where the address is unknown.
    pub(super) async fn add_member(
        &self,
        tx: &mut Work,
        actor: &Actor,
        email: &Email,
        name: &str,
        role: Role,
    ) -> Result<Invited> {
        if let Some(member) = store::members::find_by_email(tx, email).await? {
            return Ok(Invited { id: member.id, link: None });
        }
        store::take_turn(tx, store::NAMES).await?;
        // Whoever had the turn before may have added just this one.
        if let Some(member) = store::members::find_by_email(tx, email).await? {
            return Ok(Invited { id: member.id, link: None });
        }
        let id = MemberId(Uuid::now_v7());
        let name = if name.trim().is_empty() { name_from(email) } else { name.trim().to_owned() };
        store::members::insert(tx, id, email, &name, role).await?;
        let link = self.add_link(tx, id).await?;
        let act = Act {
            name: "member.invited",
            object_kind: "member",
            object_id: id.0,
            object_name: email.to_string(),
            before: None,
            after: Some(json!({ "email": email, "name": name, "role": role })),
        };
        tx.record(actor, act);
        Ok(Invited { id, link: Some(link) })
    }

    async fn add_link(&self, db: &mut store::PgConnection, id: MemberId) -> Result<SecretString> {
        let secret = URL_SAFE_NO_PAD.encode(random::<32>());
        store::members::insert_password_link(db, id, &sha256(secret.as_bytes()), LINK_HOURS).await?;
        Ok(format!("{}/password/{secret}", self.parts.public_url).into())
    }

    /// A new one-time link, in place of older ones.
    pub async fn renew_link(&self, actor: &Actor, id: MemberId) -> Result<SecretString> {
        let mut tx = self.begin().await?;
        actor.require(Right::Administer, &mut tx).await?;
        let member = store::members::find(&mut tx, id).await?.ok_or(Error::NotFound("member"))?;
        let link = self.add_link(&mut tx, id).await?;
        let act = Act {
            name: "member.link-renewed",
            object_kind: "member",
            object_id: id.0,
            object_name: member.email.to_string(),
            before: None,
            after: None,
        };
        tx.record(actor, act);
        commit(tx).await?;
        Ok(link)
    }

    /// The member whose password a one-time link sets, while the link is good.
    pub async fn find_by_link(&self, secret: &str) -> Result<Option<Member>> {
        let mut db = self.read().await?;
        let member = store::members::find_by_password_link(&mut db, &sha256(secret.as_bytes())).await?;
        Ok(member.filter(|m| !m.blocked))
    }

    /// Sets a password by a one-time link, and uses the link up. Ends the member's sessions.
    pub async fn set_password(&self, secret: &str, password: SecretString) -> Result<MemberId> {
        check_password(&password)?;
        // The link first: whoever has none costs us no hashing.
        let member = self.find_by_link(secret).await?.ok_or(Error::NotFound("link"))?;
        let hashed = hash_password(password).await?;
        let mut tx = self.begin().await?;
        if !store::members::delete_password_link(&mut tx, &sha256(secret.as_bytes())).await? {
            return Err(Error::NotFound("link"));
        }
        store::members::set_password_hash(&mut tx, member.id, &hashed).await?;
        store::sessions::delete_of_member(&mut tx, member.id).await?;
        store::members::delete_failures(&mut tx, member.email.as_str()).await?;
        tx.record(&Actor::Member(member.id), password_set(&member));
        commit(tx).await?;
        Ok(member.id)
    }

    /// Makes a member with a password at once: for the operator's command line.
    ///
    /// Gives the link where no password was given. A member who is there is left as he is.
    pub async fn create_member(
        &self,
        email: &str,
        name: &str,
        role: Role,
        password: Option<SecretString>,
    ) -> Result<Invited> {
        let email: Email = email.parse().map_err(|e| Error::field("email", e))?;
        if let Some(password) = &password {
            check_password(password)?;
        }
        let hashed = match password {
            Some(password) => Some(hash_password(password).await?),
            None => None,
        };
        let mut tx = self.begin().await?;
        let mut invited = self.add_member(&mut tx, &Actor::Operator, &email, name, role).await?;
        if let (Some(hashed), Some(_)) = (&hashed, &invited.link) {
            store::members::set_password_hash(&mut tx, invited.id, hashed).await?;
            invited.link = None;
        }
        commit(tx).await?;
        Ok(invited)
    }

    /// Signs in by address and password.
    ///
    /// Takes as long, and says the same, whether the address is a member's, has no password yet, or is blocked.
    pub async fn sign_in(&self, email: &str, password: SecretString) -> Result<Member> {
        let key = email.trim().to_lowercase();
        let refused =
            || Error::field("password", "does not fit this address: check both, or ask an admin for a new link");
        if password.expose_secret().len() > PASSWORD_MAX || key.len() > 254 {
            return Err(refused());
        }
        let mut db = self.read().await?;
        if store::members::count_failures(&mut db, &key).await? >= MAX_FAILURES {
            return Err(Error::TooMany("too many failed sign-ins with this address: wait 15 minutes".into()));
        }
        let member = match key.parse::<Email>() {
            Ok(email) => store::members::find_by_email(&mut db, &email).await?,
            Err(_) => None,
        };
        let hashed = match &member {
            Some(member) => store::members::find_password_hash(&mut db, member.id).await?,
            None => None,
        };
        drop(db);
        let is_right = verify_password(password, hashed).await?;
        let mut db = self.read().await?;
        let Some(member) = member.filter(|m| is_right && !m.blocked) else {
            store::members::insert_failure(&mut db, &key).await?;
            return Err(refused());
        };
        store::members::delete_failures(&mut db, &key).await?;
        Ok(member)
    }

    /// The member, unless blocked or gone.
    pub async fn find_member(&self, id: MemberId) -> Result<Option<Member>> {
        Ok(store::members::find(&mut *self.read().await?, id).await?.filter(|m| !m.blocked))
    }

    /// The same, with what every page says: what lets Spaces see each other in Kafka, by Kafka's names of the settings.
    pub async fn find_visitor(&self, id: MemberId) -> Result<Option<(Member, Vec<String>)>> {
        Ok(store::members::find_visitor(&mut *self.read().await?, id).await?.filter(|(m, _)| !m.blocked))
    }

    /// The id of the member with this address: for the operator's command line.
    pub async fn find_member_by_email(&self, email: &str) -> Result<Member> {
        let email: Email = email.parse().map_err(|e| Error::field("email", e))?;
        store::members::find_by_email(&mut *self.read().await?, &email).await?.ok_or(Error::NotFound("member"))
    }

    /// All members, by address.
    pub async fn list_members(&self, actor: &Actor) -> Result<Vec<Listed>> {
        let mut db = self.read_as(actor, Right::Administer).await?;
        Ok(store::members::list(&mut db).await?)
    }

    /// Changes role or block. A block ends the member's sessions with the change itself.
    pub async fn change_member(
        &self,
        actor: &Actor,
        id: MemberId,
        version: Option<i64>,
        role: Option<Role>,
        blocked: Option<bool>,
    ) -> Result<()> {
        let mut tx = self.begin().await?;
        // Before the actor's row is held: of two admins who depose each other, one is none any more when it is his turn.
        store::take_turn(&mut tx, "roles").await?;
        actor.require(Right::Administer, &mut tx).await?;
        let admins = store::members::count_admins(&mut tx).await?;
        let member = store::members::find(&mut tx, id).await?.ok_or(Error::NotFound("member"))?;
        let (role, blocked) = (role.unwrap_or(member.role), blocked.unwrap_or(member.blocked));
        if (role, blocked) == (member.role, member.blocked) {
            return Ok(());
        }
        if actor.member() == Some(id) && blocked {
            return Err(Error::conflict("own-block", "you cannot block yourself: another admin can"));
        }
        let was_admin = member.role == Role::Admin && !member.blocked;
        if was_admin && (role != Role::Admin || blocked) && admins <= 1 {
            return Err(Error::conflict("last-admin", "this is the last admin: make another one first"));
        }
        if !store::members::update(&mut tx, id, version.unwrap_or(member.version), role, blocked).await? {
            return Err(super::history::stale(&mut tx, id.0).await);
        }
        if blocked {
            store::sessions::delete_of_member(&mut tx, id).await?;
        }
        let act = Act {
            name: match (member.blocked, blocked) {
                (false, true) => "member.blocked",
                (true, false) => "member.unblocked",
                _ => "member.role-changed",
            },
            object_kind: "member",
            object_id: id.0,
            object_name: member.email.to_string(),
            before: Some(json!({ "role": member.role, "blocked": member.blocked })),
            after: Some(json!({ "role": role, "blocked": blocked })),
        };
        tx.record(actor, act);
        commit(tx).await
    }
}

fn password_set(member: &Member) -> Act {
    Act {
        name: "member.password-set",
        object_kind: "member",
        object_id: member.id.0,
        object_name: member.email.to_string(),
        before: None,
        after: None,
    }
}

fn name_from(email: &Email) -> String {
    let local = email.as_str().split('@').next().unwrap_or_default();
    let words = local.split(['.', '_', '-', '+']).filter(|w| !w.is_empty()).map(|word| {
        let mut chars = word.chars();
        chars.next().map(|c| c.to_uppercase().chain(chars).collect::<String>()).unwrap_or_default()
    });
    words.collect::<Vec<_>>().join(" ")
}

fn check_password(password: &SecretString) -> Result<()> {
    let password = password.expose_secret();
    if password.chars().count() < PASSWORD_MIN {
        return Err(Error::field("password", format!("is too short: at least {PASSWORD_MIN} characters")));
    }
    if password.len() > PASSWORD_MAX {
        return Err(Error::field("password", format!("is too long: at most {PASSWORD_MAX} bytes")));
    }
    Ok(())
}

/// SHA-256.
pub(super) fn sha256(bytes: &[u8]) -> Vec<u8> {
    aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes).as_ref().to_vec()
}

fn hash(password: &[u8]) -> Option<String> {
    Argon2::default().hash_password_with_salt(password, &random::<16>()).ok().map(|hash| hash.to_string())
}

async fn hash_password(password: SecretString) -> Result<String> {
    tokio::task::spawn_blocking(move || hash(password.expose_secret().as_bytes()))
        .await
        .map_err(Error::internal)?
        .ok_or_else(|| Error::internal("the password could not be hashed"))
}

async fn verify_password(password: SecretString, hashed: Option<String>) -> Result<bool> {
    tokio::task::spawn_blocking(move || {
        let known = hashed.is_some();
        let hashed = hashed.as_deref().unwrap_or(&NOBODY);
        let verified = PasswordHash::new(hashed)
            .is_ok_and(|hash| Argon2::default().verify_password(password.expose_secret().as_bytes(), &hash).is_ok());
        known && verified
    })
    .await
    .map_err(Error::internal)
}
