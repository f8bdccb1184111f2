//! Apps, their contacts and their environments.

use std::collections::HashMap;

use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    Columns, Error, Page, PgConnection, Result, Sorting,
    error::parsed,
    sorted::{Key, Listing},
    spaces::Followed,
};
use crate::domain::{
    ids::{AppId, ChannelId, EnvironmentId, MemberId, SpaceId},
    landscape::{App, Enabling, Environment, Plan, Space},
    member::Email,
    names::{AppKey, EnvKey, Title},
};

#[derive(sqlx::FromRow)]
struct AppRow {
    id: Uuid,
    key: String,
    name: String,
    plan: String,
    broker_enabled: bool,
    version: i64,
}

impl TryFrom<AppRow> for App {
    type Error = Error;

    fn try_from(row: AppRow) -> Result<Self> {
        Ok(Self {
            id: row.id.into(),
            key: parsed(row.key.parse().ok(), "app.key")?,
            name: parsed(row.name.parse().ok(), "app.name")?,
            plan: parsed(Plan::from_word(&row.plan), "app.plan")?,
            broker_enabled: row.broker_enabled,
            version: row.version,
        })
    }
}

/// Adds an app, disabled. Gives false when one with this key exists.
pub async fn insert(db: &mut PgConnection, id: AppId, key: &AppKey, name: &Title, plan: Plan) -> Result<bool> {
    let done = sqlx::query!(
        "insert into app (id, key, name, plan) values ($1, $2, $3, $4) on conflict (key) do nothing",
        id.0,
        key.as_str(),
        name.as_str(),
        plan.as_str()
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Changes an app's name.
pub async fn rename(db: &mut PgConnection, id: AppId, name: &Title) -> Result<()> {
    sqlx::query!("update app set name = $2, version = version + 1 where id = $1", id.0, name.as_str())
        .execute(db)
        .await?;
    Ok(())
}

/// The app with this key.
pub async fn find(db: &mut PgConnection, key: &str) -> Result<Option<App>> {
    sqlx::query_as!(AppRow, "select id, key, name, plan, broker_enabled, version from app where key = $1", key)
        .fetch_optional(db)
        .await?
        .map(App::try_from)
        .transpose()
}

/// The key of an app.
pub async fn load_key(db: &mut PgConnection, id: AppId) -> Result<String> {
    sqlx::query_scalar!("select key from app where id = $1", id.0)
        .fetch_optional(db)
        .await?
        .ok_or(Error::Missing("app"))
}

/// The app with this key, locked until the transaction ends.
pub async fn load_for_update(db: &mut PgConnection, key: &str) -> Result<App> {
    sqlx::query_as!(
        AppRow,
        "select id, key, name, plan, broker_enabled, version from app where key = $1 for update",
        key
    )
    .fetch_optional(db)
    .await?
    .ok_or(Error::Missing("app"))?
    .try_into()
}

/// Enables or disables the broker on the app's level. Environments are locked in the order of their ids, here and
/// wherever several are.
pub async fn set_broker(db: &mut PgConnection, id: AppId, enabled: bool) -> Result<()> {
    sqlx::query!("update app set broker_enabled = $2, version = version + 1 where id = $1", id.0, enabled)
        .execute(&mut *db)
        .await?;
    sqlx::query!(
        "update environment set access_changed_at = now(), access_applied_at = null, access_failure = null
         where id in (select id from environment where app_id = $1 and broker_enabled order by id for no key update)",
        id.0
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "update principal p set changed_at = now(), applied_at = null, failure = null
         from environment e where e.id = p.environment_id and e.app_id = $1 and e.broker_enabled",
        id.0
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Replaces an app's contacts.
pub async fn set_contacts(db: &mut PgConnection, id: AppId, members: &[MemberId]) -> Result<()> {
    let members: Vec<Uuid> = members.iter().map(|m| m.0).collect();
    sqlx::query!("delete from app_contact where app_id = $1 and member_id <> all($2)", id.0, &members)
        .execute(&mut *db)
        .await?;
    sqlx::query!(
        "insert into app_contact (app_id, member_id) select $1, unnest($2::uuid[]) on conflict do nothing",
        id.0,
        &members
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Addresses of an app's contacts, in order.
pub async fn list_contacts(db: &mut PgConnection, id: AppId) -> Result<Vec<Email>> {
    sqlx::query_scalar!(
        "select m.email from app_contact c join member m on m.id = c.member_id where c.app_id = $1 order by m.email",
        id.0
    )
    .fetch_all(db)
    .await?
    .into_iter()
    .map(|email| parsed(email.parse().ok(), "member.email"))
    .collect()
}

/// Whether the member is a technical contact of the app.
pub async fn is_contact(db: &mut PgConnection, app: AppId, member: MemberId) -> Result<bool> {
    Ok(sqlx::query_scalar!(
        r#"select exists (select from app_contact where app_id = $1 and member_id = $2) as "yes!""#,
        app.0,
        member.0
    )
    .fetch_one(db)
    .await?)
}

/// Whether the member is a technical contact of any app.
pub async fn is_contact_of_any(db: &mut PgConnection, member: MemberId) -> Result<bool> {
    Ok(sqlx::query_scalar!(r#"select exists (select from app_contact where member_id = $1) as "yes!""#, member.0)
        .fetch_one(db)
        .await?)
}

/// Whether the member is a technical contact of an app that has an environment in the Space.
pub async fn is_contact_in_space(db: &mut PgConnection, space: SpaceId, member: MemberId) -> Result<bool> {
    Ok(sqlx::query_scalar!(
        r#"select exists (select from app_contact c join environment e on e.app_id = c.app_id
                          where c.member_id = $2 and e.space_id = $1) as "yes!""#,
        space.0,
        member.0
    )
    .fetch_one(db)
    .await?)
}

/// Spaces in which the member is a contact of an app; all Spaces where no member is given. By name.
pub async fn list_spaces_of_contact(db: &mut PgConnection, member: Option<MemberId>) -> Result<Vec<Space>> {
    sqlx::query!(
        "select s.id, s.name from space s
         where $1::uuid is null
            or exists (select from app_contact c join environment e on e.app_id = c.app_id
                       where c.member_id = $1 and e.space_id = s.id)
         order by lower(s.name)",
        member.map(|m| m.0)
    )
    .fetch_all(db)
    .await?
    .into_iter()
    .map(|r| Ok(Space { id: r.id.into(), name: parsed(r.name.parse().ok(), "space.name")? }))
    .collect()
}

struct EnvironmentRow {
    id: Uuid,
    app_id: Uuid,
    app_key: String,
    key: String,
    name: String,
    app_enabled: bool,
    broker_enabled: bool,
    space_id: Option<Uuid>,
    space_name: Option<String>,
    version: i64,
}

impl TryFrom<EnvironmentRow> for Environment {
    type Error = Error;

    fn try_from(row: EnvironmentRow) -> Result<Self> {
        let space = match (row.space_id, row.space_name) {
            (Some(id), Some(name)) => Some(Space { id: id.into(), name: parsed(name.parse().ok(), "space.name")? }),
            _ => None,
        };
        Ok(Self {
            id: row.id.into(),
            app: row.app_id.into(),
            app_key: parsed(row.app_key.parse().ok(), "app.key")?,
            key: parsed(row.key.parse().ok(), "environment.key")?,
            name: parsed(row.name.parse().ok(), "environment.name")?,
            enabling: Enabling { app: row.app_enabled, environment: row.broker_enabled },
            space,
            version: row.version,
        })
    }
}

/// Adds an environment, disabled. Gives false when the app has one with this key.
pub async fn insert_environment(
    db: &mut PgConnection,
    id: EnvironmentId,
    app: AppId,
    key: &EnvKey,
    name: &Title,
) -> Result<bool> {
    let done = sqlx::query!(
        "insert into environment (id, app_id, key, name) values ($1, $2, $3, $4) on conflict (app_id, key) do nothing",
        id.0,
        app.0,
        key.as_str(),
        name.as_str()
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Changes an environment's name. Its Space keeps its own.
pub async fn rename_environment(db: &mut PgConnection, id: EnvironmentId, name: &Title) -> Result<()> {
    sqlx::query!("update environment set name = $2, version = version + 1 where id = $1", id.0, name.as_str())
        .execute(db)
        .await?;
    Ok(())
}

/// The environment with these keys.
pub async fn find_environment(db: &mut PgConnection, app: &str, environment: &str) -> Result<Option<Environment>> {
    sqlx::query_as!(
        EnvironmentRow,
        r#"select e.id, e.app_id, a.key as app_key, e.key, e.name, a.broker_enabled as app_enabled, e.broker_enabled,
                  e.space_id, s.name as "space_name?", e.version
           from environment e join app a on a.id = e.app_id left join space s on s.id = e.space_id
           where a.key = $1 and e.key = $2"#,
        app,
        environment
    )
    .fetch_optional(db)
    .await?
    .map(Environment::try_from)
    .transpose()
}

/// The environment with this id.
pub async fn load_environment(db: &mut PgConnection, id: EnvironmentId) -> Result<Environment> {
    sqlx::query_as!(
        EnvironmentRow,
        r#"select e.id, e.app_id, a.key as app_key, e.key, e.name, a.broker_enabled as app_enabled, e.broker_enabled,
                  e.space_id, s.name as "space_name?", e.version
           from environment e join app a on a.id = e.app_id left join space s on s.id = e.space_id
           where e.id = $1"#,
        id.0
    )
    .fetch_optional(db)
    .await?
    .ok_or(Error::Missing("environment"))?
    .try_into()
}

/// Environments of an app that are enabled on their own level and have no Space yet.
pub async fn list_without_space(db: &mut PgConnection, app: AppId) -> Result<Vec<Environment>> {
    sqlx::query_as!(
        EnvironmentRow,
        r#"select e.id, e.app_id, a.key as app_key, e.key, e.name, a.broker_enabled as app_enabled, e.broker_enabled,
                  e.space_id, null as "space_name?: String", e.version
           from environment e join app a on a.id = e.app_id
           where e.app_id = $1 and e.broker_enabled and e.space_id is null order by e.key"#,
        app.0
    )
    .fetch_all(db)
    .await?
    .into_iter()
    .map(Environment::try_from)
    .collect()
}

/// Enables or disables the broker on the environment's level.
pub async fn set_environment_broker(db: &mut PgConnection, id: EnvironmentId, enabled: bool) -> Result<()> {
    sqlx::query!(
        "update environment set broker_enabled = $2, version = version + 1,
                access_changed_at = now(), access_applied_at = null, access_failure = null
         where id = $1",
        id.0,
        enabled
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "update principal set changed_at = now(), applied_at = null, failure = null where environment_id = $1",
        id.0
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Puts an environment into a Space.
pub async fn set_space(db: &mut PgConnection, id: EnvironmentId, space: SpaceId) -> Result<()> {
    sqlx::query!(
        "update environment set space_id = $2, version = version + 1,
                access_changed_at = now(), access_applied_at = null, access_failure = null
         where id = $1",
        id.0,
        space.0
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Says that what an environment may do has changed: Kafka has to follow.
pub async fn touch_access(db: &mut PgConnection, id: EnvironmentId) -> Result<()> {
    sqlx::query!(
        "update environment set access_changed_at = now(), access_applied_at = null, access_failure = null
         where id = $1",
        id.0
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Says the same of every environment of the Space that has a grant on an event of these channels.
pub async fn touch_access_of_channels(db: &mut PgConnection, space: SpaceId, channels: &[ChannelId]) -> Result<()> {
    let channels: Vec<Uuid> = channels.iter().map(|c| c.0).collect();
    sqlx::query!(
        "update environment set access_changed_at = now(), access_applied_at = null, access_failure = null
         where id in (
            select e.id from environment e
            where e.space_id = $1 and exists (
                select from access_grant g join event v on v.id = g.event_id
                where g.environment_id = e.id and v.channel_id = any($2))
            order by e.id for no key update)",
        space.0,
        &channels
    )
    .execute(db)
    .await?;
    Ok(())
}

/// An environment as lists and the app's page show it.
#[derive(Clone, Debug)]
pub struct ListedEnvironment {
    /// The environment.
    pub environment: Environment,
    /// When its credentials were made or last rotated.
    pub credentials_at: Option<OffsetDateTime>,
    /// Version and time of the newest deployment.
    pub deployed: Option<(String, OffsetDateTime)>,
    /// When its client last showed itself by its heartbeat.
    pub seen_at: Option<OffsetDateTime>,
    /// Whether Kafka has followed: access, and the credentials where there are any.
    pub followed: Followed,
}

/// Environments of an app, by key.
pub async fn list_environments(db: &mut PgConnection, app: AppId) -> Result<Vec<ListedEnvironment>> {
    list_environments_of(db, &[app.0]).await
}

/// Environments of some apps, by key of the app, then their own.
async fn list_environments_of(db: &mut PgConnection, apps: &[Uuid]) -> Result<Vec<ListedEnvironment>> {
    sqlx::query!(
        r#"select e.id, e.app_id, a.key as app_key, e.key, e.name, a.broker_enabled as app_enabled, e.broker_enabled,
                  e.space_id, s.name as "space_name?", e.version,
                  e.access_changed_at, e.access_applied_at, e.access_failure, e.seen_at,
                  p.changed_at as "changed_at?", p.applied_at as "applied_at?", p.failure as "failure?",
                  p.rotated_at as "rotated_at?", d.app_version as "app_version?", d.deployed_at as "deployed_at?"
           from environment e
           join app a on a.id = e.app_id
           left join space s on s.id = e.space_id
           left join principal p on p.environment_id = e.id
           left join lateral (select app_version, deployed_at from deployment
                              where environment_id = e.id order by deployed_at desc limit 1) d on true
           where e.app_id = any($1) order by a.key, e.key"#,
        apps
    )
    .fetch_all(db)
    .await?
    .into_iter()
    .map(|r| {
        let access = Followed::of(r.access_changed_at, r.access_applied_at, r.access_failure);
        let followed = match r.changed_at {
            Some(changed_at) => access.and(Followed::of(changed_at, r.applied_at, r.failure)),
            None => access,
        };
        let row = EnvironmentRow {
            id: r.id,
            app_id: r.app_id,
            app_key: r.app_key,
            key: r.key,
            name: r.name,
            app_enabled: r.app_enabled,
            broker_enabled: r.broker_enabled,
            space_id: r.space_id,
            space_name: r.space_name,
            version: r.version,
        };
        Ok(ListedEnvironment {
            environment: row.try_into()?,
            credentials_at: r.rotated_at,
            deployed: r.app_version.zip(r.deployed_at),
            seen_at: r.seen_at,
            followed,
        })
    })
    .collect()
}

/// An app in the list.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The app.
    pub app: App,
    /// Its environments.
    pub environments: Vec<ListedEnvironment>,
}

/// Columns that apps can be sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AppsBy {
    /// Their keys.
    #[default]
    App,
    /// Whether the event broker is enabled for them; those where it is come first.
    Broker,
    /// How many environments they have.
    Environments,
}

impl Columns for AppsBy {
    const ALL: &'static [Self] = &[Self::App, Self::Broker, Self::Environments];

    fn column(self) -> (&'static str, &'static [Key]) {
        match self {
            Self::App => ("app", &[Key::Text("a.key")]),
            Self::Broker => ("broker", &[Key::Number("(not a.broker_enabled)::int::bigint"), Key::Text("a.key")]),
            Self::Environments => (
                "environments",
                &[Key::Number("(select count(*) from environment e where e.app_id = a.id)"), Key::Text("a.key")],
            ),
        }
    }
}

/// Which apps a list shows, and in which order.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Text that must be in key or name.
    pub q: String,
    /// Name of a Space that an environment of the app is in.
    pub space: Option<String>,
    /// A technical contact of the app.
    pub contact: Option<MemberId>,
    /// The order, and where the page begins.
    pub sorting: Sorting<AppsBy>,
    /// Rows at most.
    pub limit: i64,
}

/// A page of the apps.
pub async fn list(db: &mut PgConnection, filter: &Filter) -> Result<Page<Listed>> {
    let mut listing = Listing::select("a.id, a.key, a.name, a.plan, a.broker_enabled, a.version", &filter.sorting);
    listing
        .push("from app a where true")
        .holding(&filter.q, &["strpos(a.key, $) > 0", "strpos(lower(a.name), $) > 0"])
        .only(
            "exists (select from environment e join space p on p.id = e.space_id
                 where e.app_id = a.id and lower(p.name) = lower($))",
            filter.space.as_deref(),
        )
        .only(
            "exists (select from app_contact c where c.app_id = a.id and c.member_id = $::uuid)",
            filter.contact.map(|member| member.0.to_string()).as_deref(),
        );
    let page = listing.read::<AppRow>(&mut *db, &filter.sorting, filter.limit).await?;
    let ids: Vec<Uuid> = page.items.iter().map(|row| row.id).collect();
    let mut environments = HashMap::<AppId, Vec<_>>::new();
    for listed in list_environments_of(db, &ids).await? {
        environments.entry(listed.environment.app).or_default().push(listed);
    }
    page.map(|row| {
        let app: App = row.try_into()?;
        let environments = environments.remove(&app.id).unwrap_or_default();
        Ok(Listed { app, environments })
    })
}

/// Those environments that there are, of keys of apps and keys of their own, side by side: both keys.
pub async fn list_keys_of(db: &mut PgConnection, apps: &[String], keys: &[String]) -> Result<Vec<(String, String)>> {
    let rows = sqlx::query!(
        "select a.key as app, e.key as environment from unnest($1::text[], $2::text[]) as k (app, key)
         join app a on a.key = k.app join environment e on e.app_id = a.id and e.key = k.key",
        apps,
        keys
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|r| (r.app, r.environment)).collect())
}

/// Keys and names of the apps that the member is a technical contact of, by key; the first 500.
pub async fn list_of_contact(db: &mut PgConnection, member: MemberId) -> Result<Vec<(String, String)>> {
    let rows = sqlx::query!(
        "select a.key, a.name from app a join app_contact c on c.app_id = a.id
         where c.member_id = $1 order by a.key limit 500",
        member.0
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|r| (r.key, r.name)).collect())
}

/// Keys and names of the apps that have an environment in a Space, by key; the first 500.
pub async fn list_in_spaces(db: &mut PgConnection) -> Result<Vec<(String, String)>> {
    let rows = sqlx::query!(
        "select a.key, a.name from app a
         where exists (select from environment e where e.app_id = a.id and e.space_id is not null)
         order by a.key limit 500"
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|r| (r.key, r.name)).collect())
}
