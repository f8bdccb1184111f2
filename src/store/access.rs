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
        // Counted environment by environment, in the order of the list: a page needs not look at all of them.
        r#"select a.key as app, e.key as environment, p.name as "space?", u.fitting as "fitting!",
                  u.missing as "missing!", u.spare as "spare!"
           from app a
           join environment e on e.app_id = a.id
           left join space p on p.id = e.space_id
           cross join lateral (
             select count(*) filter (where implemented and granted) as fitting,
                    count(*) filter (where implemented and not granted) as missing,
                    count(*) filter (where granted and not implemented) as spare
             from (select bool_or(implemented) as implemented, bool_or(granted) as granted
                   from (select i.event_id, w.access, true as implemented, false as granted
                         from implemented i
                         cross join lateral (values ('publish', i.publish), ('subscribe', i.subscribe)) w (access, wanted)
                         where i.environment_id = e.id and w.wanted
                         union all
                         select g.event_id, g.access, false, true from access_grant g where g.environment_id = e.id) used
                   group by event_id, access) uses) u
           where a.key >= $1 and (a.key, e.key) > ($1, $2)
             and ($3 = '' or strpos(a.key || '.' || e.key, lower($3)) > 0)
             and ($4::text is null or lower(p.name) = lower($4))
             and ($5::text is null or a.key = $5)
             and u.missing + u.spare + case when $6 then 0 else u.fitting end > 0
           order by a.key, e.key limit $7"#,
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
        r#"with found as (
             select i.environment_id, i.event_id, w.access, true as is_missing
             from implemented i
             cross join lateral (values ('publish', i.publish), ('subscribe', i.subscribe)) w (access, wanted)
             where w.wanted and not exists (select from access_grant g where g.environment_id = i.environment_id
                                            and g.event_id = i.event_id and g.access = w.access)
             union all
             select g.environment_id, g.event_id, g.access, false
             from access_grant g
             where g.environment_id is not null
               and not exists (select from implemented i
                               where i.environment_id = g.environment_id and i.event_id = g.event_id
                                 and case g.access when 'publish' then i.publish else i.subscribe end))
           select a.key as app, e.key as environment, p.name as "space?", s.key as service, v.name as event,
                  f.access as "access!", f.is_missing as "is_missing!"
           from found f
           join environment e on e.id = f.environment_id
           join app a on a.id = e.app_id
           left join space p on p.id = e.space_id
           join event v on v.id = f.event_id
           join service s on s.id = v.service_id
           where ($1 = '' or strpos(a.key || '.' || e.key, lower($1)) > 0 or strpos(lower(v.name), lower($1)) > 0)
             and ($2::text is null or lower(p.name) = lower($2))
             and ($3::text is null or a.key = $3)
           order by f.is_missing desc, a.key, e.key, s.key, v.name, f.access limit $4 offset $5"#,
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
