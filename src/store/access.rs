//! Access as people look at it: environment by environment, what is granted beside what is implemented.

use super::{Page, PgConnection, Result, error::parsed};
use crate::domain::{
    grant::Access,
    ids::{EnvironmentId, EventId},
};

/// Which environments a list shows.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Text that must be in the keys.
    pub q: String,
    /// Name of the Space.
    pub space: Option<String>,
    /// Key of the app.
    pub app: Option<String>,
    /// Only environments where granted and implemented differ.
    pub findings: bool,
    /// The last of the page before: `app.environment`.
    pub after: Option<String>,
    /// Rows at most.
    pub limit: i64,
}

/// An environment in the list.
#[derive(Clone, Debug)]
pub struct Standing {
    /// Key of the app.
    pub app: String,
    /// Key of the environment.
    pub environment: String,
    /// The Space it is in.
    pub space: Option<String>,
    /// Uses of events that are implemented and granted.
    pub fitting: i64,
    /// Implemented, but not granted: these will fail.
    pub missing: i64,
    /// Granted, but not implemented: more than is needed.
    pub spare: i64,
}

/// Environments that have or implement anything, by app and key.
pub async fn list(db: &mut PgConnection, filter: &Filter) -> Result<Page<Standing>> {
    let after = filter.after.clone().unwrap_or_default();
    let (after_app, after_key) = after.split_once('.').unwrap_or((&after, ""));
    let rows = sqlx::query_as!(
        Standing,
        r#"with used as (
             select environment_id, event_id, 'publish' as access, true as implemented, false as granted
             from implemented where publish
             union all
             select environment_id, event_id, 'subscribe', true, false from implemented where subscribe
             union all
             select environment_id, event_id, access, false, true from access_grant where environment_id is not null),
           uses as (
             select environment_id, bool_or(implemented) as implemented, bool_or(granted) as granted
             from used group by environment_id, event_id, access),
           standing as (
             select a.key as app, e.key as environment, p.name as space,
                    count(*) filter (where u.implemented and u.granted) as fitting,
                    count(*) filter (where u.implemented and not u.granted) as missing,
                    count(*) filter (where u.granted and not u.implemented) as spare
             from uses u
             join environment e on e.id = u.environment_id
             join app a on a.id = e.app_id
             left join space p on p.id = e.space_id
             group by a.key, e.key, p.name)
           select app, environment, space as "space?", fitting as "fitting!", missing as "missing!", spare as "spare!"
           from standing
           where (app, environment) > ($1, $2)
             and ($3 = '' or strpos(app || '.' || environment, lower($3)) > 0)
             and ($4::text is null or lower(space) = lower($4))
             and ($5::text is null or app = $5)
             and (not $6 or missing > 0 or spare > 0)
           order by app, environment limit $7"#,
        after_app,
        after_key,
        filter.q,
        filter.space,
        filter.app,
        filter.findings,
        filter.limit + 1
    )
    .fetch_all(db)
    .await?;
    Ok(Page::cut(rows, filter.limit, |row: &Standing| format!("{}.{}", row.app, row.environment)))
}

/// Where granted and implemented differ.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Key of the app.
    pub app: String,
    /// Key of the environment.
    pub environment: String,
    /// The Space it is in.
    pub space: Option<String>,
    /// Key of the service.
    pub service: String,
    /// The event.
    pub event: String,
    /// Publish or subscribe.
    pub access: Access,
    /// Implemented without a grant; granted without being implemented otherwise.
    pub is_missing: bool,
}

/// All findings that fit the filter, those that will fail first; at most `limit` after the first `skip`.
pub async fn list_findings(db: &mut PgConnection, filter: &Filter, skip: i64) -> Result<Vec<Finding>> {
    sqlx::query!(
        r#"with used as (
             select environment_id, event_id, 'publish' as access, true as implemented, false as granted
             from implemented where publish
             union all
             select environment_id, event_id, 'subscribe', true, false from implemented where subscribe
             union all
             select environment_id, event_id, access, false, true from access_grant where environment_id is not null)
           select a.key as app, e.key as environment, p.name as "space?", s.key as service, v.name as event,
                  u.access as "access!", bool_or(u.implemented) as "is_missing!"
           from used u
           join environment e on e.id = u.environment_id
           join app a on a.id = e.app_id
           left join space p on p.id = e.space_id
           join event v on v.id = u.event_id
           join service s on s.id = v.service_id
           where ($1 = '' or strpos(a.key || '.' || e.key, lower($1)) > 0 or strpos(lower(v.name), lower($1)) > 0)
             and ($2::text is null or lower(p.name) = lower($2))
             and ($3::text is null or a.key = $3)
           group by a.key, e.key, p.name, s.key, v.name, u.access
           having bool_or(u.implemented) <> bool_or(u.granted)
           order by bool_or(u.implemented) desc, a.key, e.key, s.key, v.name, u.access limit $4 offset $5"#,
        filter.q,
        filter.space,
        filter.app,
        filter.limit,
        skip
    )
    .fetch_all(db)
    .await?
    .into_iter()
    .map(|r| {
        Ok(Finding {
            app: r.app,
            environment: r.environment,
            space: r.space,
            service: r.service,
            event: r.event,
            access: parsed(Access::from_word(&r.access), "access")?,
            is_missing: r.is_missing,
        })
    })
    .collect()
}

/// Takes access to an event from an environment. Gives false when it had none.
pub async fn revoke(db: &mut PgConnection, environment: EnvironmentId, event: EventId, access: Access) -> Result<bool> {
    let done = sqlx::query!(
        "delete from access_grant where environment_id = $1 and event_id = $2 and access = $3",
        environment.0,
        event.0,
        access.as_str()
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}
