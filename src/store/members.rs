//! Members, their passwords and one-time links.

use time::OffsetDateTime;
use uuid::Uuid;

use super::{Error, PgConnection, Result, error::parsed};
use crate::domain::{
    ids::MemberId,
    member::{Email, Member, Role},
};

struct Row {
    id: Uuid,
    email: String,
    name: String,
    role: String,
    blocked: bool,
    version: i64,
}

impl TryFrom<Row> for Member {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: row.id.into(),
            email: parsed(row.email.parse().ok(), "member.email")?,
            name: row.name,
            role: parsed(Role::from_word(&row.role), "member.role")?,
            blocked: row.blocked,
            version: row.version,
        })
    }
}

/// Adds a member without a password.
pub async fn insert(db: &mut PgConnection, id: MemberId, email: &Email, name: &str, role: Role) -> Result<()> {
    sqlx::query!(
        "insert into member (id, email, name, role) values ($1, $2, $3, $4)",
        id.0,
        email.as_str(),
        name,
        role.as_str()
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The member, held as it is until the transaction ends: a role lowered or a block meanwhile waits, or is seen.
pub async fn find_for_share(db: &mut PgConnection, id: MemberId) -> Result<Option<Member>> {
    sqlx::query_as!(Row, "select id, email, name, role, blocked, version from member where id = $1 for share", id.0)
        .fetch_optional(db)
        .await?
        .map(Member::try_from)
        .transpose()
}

/// The member with this id.
pub async fn find(db: &mut PgConnection, id: MemberId) -> Result<Option<Member>> {
    sqlx::query_as!(Row, "select id, email, name, role, blocked, version from member where id = $1", id.0)
        .fetch_optional(db)
        .await?
        .map(Member::try_from)
        .transpose()
}

/// The member with this id, and what every page says to whoever looks at it: what lets Spaces see each other in Kafka,
/// by Kafka's names of the settings.
pub async fn find_visitor(db: &mut PgConnection, id: MemberId) -> Result<Option<(Member, Vec<String>)>> {
    let row = sqlx::query!(
        r#"select id, email, name, role, blocked, version,
                  coalesce((select breaches from cluster_report), '{}') as "breaches!"
           from member where id = $1"#,
        id.0
    )
    .fetch_optional(db)
    .await?;
    row.map(|r| -> Result<_> {
        let row = Row { id: r.id, email: r.email, name: r.name, role: r.role, blocked: r.blocked, version: r.version };
        Ok((Member::try_from(row)?, r.breaches))
    })
    .transpose()
}

/// The member with this address.
pub async fn find_by_email(db: &mut PgConnection, email: &Email) -> Result<Option<Member>> {
    sqlx::query_as!(Row, "select id, email, name, role, blocked, version from member where email = $1", email.as_str())
        .fetch_optional(db)
        .await?
        .map(Member::try_from)
        .transpose()
}

/// A member as people see it on the People page.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The member.
    pub member: Member,
    /// Whether a password was set: before that, the one-time link is open or has expired.
    pub has_password: bool,
    /// Keys of the apps whose technical contact the member is.
    pub contact_of: Vec<String>,
    /// When it was invited.
    pub created_at: OffsetDateTime,
}

/// All members, by address.
pub async fn list(db: &mut PgConnection) -> Result<Vec<Listed>> {
    sqlx::query!(
        r#"select m.id, m.email, m.name, m.role, m.blocked, m.version, m.created_at,
                  m.password_hash is not null as "has_password!",
                  array(select a.key from app_contact c join app a on a.id = c.app_id
                        where c.member_id = m.id order by a.key) as "contact_of!"
           from member m order by m.email"#
    )
    .fetch_all(db)
    .await?
    .into_iter()
    .map(|r| {
        let row = Row { id: r.id, email: r.email, name: r.name, role: r.role, blocked: r.blocked, version: r.version };
        Ok(Listed {
            member: row.try_into()?,
            has_password: r.has_password,
            contact_of: r.contact_of,
            created_at: r.created_at,
        })
    })
    .collect()
}

/// Changes role and block of the version that was read. Gives false when it is another version by now.
pub async fn update(db: &mut PgConnection, id: MemberId, version: i64, role: Role, blocked: bool) -> Result<bool> {
    let done = sqlx::query!(
        "update member set role = $3, blocked = $4, version = version + 1 where id = $1 and version = $2",
        id.0,
        version,
        role.as_str(),
        blocked
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// How many admins there are who are not blocked.
pub async fn count_admins(db: &mut PgConnection) -> Result<i64> {
    Ok(sqlx::query_scalar!(r#"select count(*) as "n!" from member where role = 'admin' and not blocked"#)
        .fetch_one(db)
        .await?)
}

/// The password's hash; `None` where none was set.
pub async fn find_password_hash(db: &mut PgConnection, id: MemberId) -> Result<Option<String>> {
    Ok(sqlx::query_scalar!("select password_hash from member where id = $1", id.0).fetch_optional(db).await?.flatten())
}

/// Sets the password's hash.
pub async fn set_password_hash(db: &mut PgConnection, id: MemberId, hash: &str) -> Result<()> {
    sqlx::query!("update member set password_hash = $2, version = version + 1 where id = $1", id.0, hash)
        .execute(db)
        .await?;
    Ok(())
}

/// Keeps the hash of a one-time link for `hours`, in place of an older one of the member.
pub async fn insert_password_link(db: &mut PgConnection, id: MemberId, hash: &[u8], hours: i32) -> Result<()> {
    sqlx::query!(
        "insert into password_link (hash, member_id, expires_at) values ($1, $2, now() + make_interval(hours => $3))
         on conflict on constraint password_link_once
         do update set hash = excluded.hash, expires_at = excluded.expires_at, created_at = now()",
        hash,
        id.0,
        hours
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The member that a link belongs to, while the link is good.
pub async fn find_by_password_link(db: &mut PgConnection, hash: &[u8]) -> Result<Option<Member>> {
    sqlx::query_as!(
        Row,
        "select m.id, m.email, m.name, m.role, m.blocked, m.version
         from password_link l join member m on m.id = l.member_id
         where l.hash = $1 and l.expires_at > now()",
        hash
    )
    .fetch_optional(db)
    .await?
    .map(Member::try_from)
    .transpose()
}

/// Uses a link up. Gives false when someone else did, or it has expired.
pub async fn delete_password_link(db: &mut PgConnection, hash: &[u8]) -> Result<bool> {
    let done =
        sqlx::query!("delete from password_link where hash = $1 and expires_at > now()", hash).execute(db).await?;
    Ok(done.rows_affected() == 1)
}

/// Failed sign-ins with this address in the last 15 minutes.
pub async fn count_failures(db: &mut PgConnection, email: &str) -> Result<i64> {
    Ok(sqlx::query_scalar!(
        r#"select count(*) as "n!" from sign_in_failure where email = $1 and at > now() - interval '15 minutes'"#,
        email
    )
    .fetch_one(db)
    .await?)
}

/// Counts a failed sign-in.
pub async fn insert_failure(db: &mut PgConnection, email: &str) -> Result<()> {
    sqlx::query!("insert into sign_in_failure (email) values ($1)", email).execute(&mut *db).await?;
    sqlx::query!("delete from sign_in_failure where at < now() - interval '1 day'").execute(db).await?;
    Ok(())
}

/// Forgets failed sign-ins: after one that succeeded.
pub async fn delete_failures(db: &mut PgConnection, email: &str) -> Result<()> {
    sqlx::query!("delete from sign_in_failure where email = $1", email).execute(db).await?;
    Ok(())
}
