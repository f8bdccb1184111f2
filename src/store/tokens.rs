//! Bearer tokens: only the SHA-256 of each is kept.

use time::OffsetDateTime;

use super::{PgConnection, Result};
use crate::domain::ids::{EnvironmentId, MemberId, TokenId};

/// What a token opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All that a member may do.
    Member(MemberId),
    /// To report deployments of one environment.
    Deploy(EnvironmentId),
}

/// A token as it is shown in lists: never its value.
#[derive(Clone, Debug)]
pub struct Listed {
    /// Id.
    pub id: TokenId,
    /// `member` or `deploy`.
    pub kind: String,
    /// What it was named.
    pub name: String,
    /// The member's address, or `<app>.<environment>`.
    pub scope: String,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// When it ends by itself.
    pub expires_at: Option<OffsetDateTime>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<OffsetDateTime>,
}

/// Adds a token.
pub async fn insert(
    db: &mut PgConnection,
    id: TokenId,
    scope: Scope,
    name: &str,
    hash: &[u8],
    created_by: Option<MemberId>,
    expires_at: Option<OffsetDateTime>,
) -> Result<()> {
    let (kind, member, environment) = match scope {
        Scope::Member(member) => ("member", Some(member.0), None),
        Scope::Deploy(environment) => ("deploy", None, Some(environment.0)),
    };
    sqlx::query!(
        "insert into token (id, kind, name, member_id, environment_id, hash, created_by, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        id.0,
        kind,
        name,
        member,
        environment,
        hash,
        created_by.map(|m| m.0),
        expires_at
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The token with this hash, while it is good; says that it was used, at most once a minute.
pub async fn find_by_hash(db: &mut PgConnection, hash: &[u8]) -> Result<Option<(TokenId, String, Scope)>> {
    let row = sqlx::query!(
        "select id, name, member_id, environment_id, last_used_at < now() - interval '1 minute' as stale
         from token where hash = $1 and revoked_at is null and (expires_at is null or expires_at > now())",
        hash
    )
    .fetch_optional(&mut *db)
    .await?;
    let Some(row) = row else { return Ok(None) };
    if row.stale.unwrap_or(true) {
        sqlx::query!("update token set last_used_at = now() where id = $1", row.id).execute(db).await?;
    }
    let scope = match (row.member_id, row.environment_id) {
        (Some(member), _) => Scope::Member(member.into()),
        (None, Some(environment)) => Scope::Deploy(environment.into()),
        (None, None) => return Ok(None),
    };
    Ok(Some((row.id.into(), row.name, scope)))
}

/// The scope of a token that is not revoked.
pub async fn find(db: &mut PgConnection, id: TokenId) -> Result<Option<(String, Scope)>> {
    let row =
        sqlx::query!("select name, member_id, environment_id from token where id = $1 and revoked_at is null", id.0)
            .fetch_optional(db)
            .await?;
    Ok(row.and_then(|r| match (r.member_id, r.environment_id) {
        (Some(member), _) => Some((r.name, Scope::Member(member.into()))),
        (None, Some(environment)) => Some((r.name, Scope::Deploy(environment.into()))),
        (None, None) => None,
    }))
}

/// Ends a token. Gives false when it has ended already.
pub async fn revoke(db: &mut PgConnection, id: TokenId) -> Result<bool> {
    let done = sqlx::query!("update token set revoked_at = now() where id = $1 and revoked_at is null", id.0)
        .execute(db)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Tokens that are not revoked: of one member, of one environment, or all where neither is given; newest first.
pub async fn list(
    db: &mut PgConnection,
    member: Option<MemberId>,
    environment: Option<EnvironmentId>,
) -> Result<Vec<Listed>> {
    let rows = sqlx::query!(
        r#"select t.id, t.kind, t.name, t.created_at, t.expires_at, t.last_used_at,
                  coalesce(m.email, a.key || '.' || e.key) as "scope!"
           from token t
           left join member m on m.id = t.member_id
           left join environment e on e.id = t.environment_id
           left join app a on a.id = e.app_id
           where t.revoked_at is null
             and ($1::uuid is null or t.member_id = $1)
             and ($2::uuid is null or t.environment_id = $2)
           order by t.created_at desc"#,
        member.map(|m| m.0),
        environment.map(|e| e.0)
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|r| Listed {
            id: r.id.into(),
            kind: r.kind,
            name: r.name,
            scope: r.scope,
            created_at: r.created_at,
            expires_at: r.expires_at,
            last_used_at: r.last_used_at,
        })
        .collect())
}
