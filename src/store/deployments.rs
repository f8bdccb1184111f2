//! What pipelines reported.

use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{PgConnection, Result, spaces::Followed};
use crate::domain::ids::{ChannelId, EnvironmentId};

/// A deployment.
#[derive(Clone, Debug)]
pub struct Deployment {
    /// Version of the app.
    pub app_version: String,
    /// When it was deployed, by the pipeline's clock.
    pub deployed_at: OffsetDateTime,
    /// When it was reported.
    pub received_at: OffsetDateTime,
    /// SHA-256 of the report's meaning.
    pub fingerprint: Vec<u8>,
    /// What the answer said.
    pub report: Value,
}

/// The newest deployment of an environment.
pub async fn find_newest(db: &mut PgConnection, environment: EnvironmentId) -> Result<Option<Deployment>> {
    Ok(sqlx::query_as!(
        Deployment,
        "select app_version, deployed_at, received_at, fingerprint, report from deployment
         where environment_id = $1 order by deployed_at desc, received_at desc limit 1",
        environment.0
    )
    .fetch_optional(db)
    .await?)
}

/// Deployments of an environment, newest first, 20 at most.
pub async fn list(db: &mut PgConnection, environment: EnvironmentId) -> Result<Vec<Deployment>> {
    Ok(sqlx::query_as!(
        Deployment,
        "select app_version, deployed_at, received_at, fingerprint, report from deployment
         where environment_id = $1 order by deployed_at desc, received_at desc limit 20",
        environment.0
    )
    .fetch_all(db)
    .await?)
}

/// Adds a deployment.
pub async fn insert(
    db: &mut PgConnection,
    id: Uuid,
    environment: EnvironmentId,
    app_version: &str,
    deployed_at: OffsetDateTime,
    fingerprint: &[u8],
    report: &Value,
) -> Result<()> {
    sqlx::query!(
        "insert into deployment (id, environment_id, app_version, deployed_at, fingerprint, report)
         values ($1, $2, $3, $4, $5, $6)",
        id,
        environment.0,
        app_version,
        deployed_at,
        fingerprint,
        report
    )
    .execute(db)
    .await?;
    Ok(())
}

/// How far Kafka has followed with these channels in the environment's Space, and with its access.
pub async fn followed(db: &mut PgConnection, environment: EnvironmentId, channels: &[ChannelId]) -> Result<Followed> {
    let channels: Vec<Uuid> = channels.iter().map(|c| c.0).collect();
    let access = sqlx::query!(
        "select access_changed_at, access_applied_at, access_failure from environment where id = $1",
        environment.0
    )
    .fetch_one(&mut *db)
    .await?;
    let topics = sqlx::query!(
        "select t.changed_at, t.applied_at, t.failure from channel_topic t
         join environment e on e.space_id = t.space_id where e.id = $1 and t.channel_id = any($2)",
        environment.0,
        &channels
    )
    .fetch_all(db)
    .await?;
    let access = Followed::of(access.access_changed_at, access.access_applied_at, access.access_failure);
    Ok(topics.into_iter().fold(access, |all, t| all.and(Followed::of(t.changed_at, t.applied_at, t.failure))))
}
