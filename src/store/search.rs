//! Finding anything by a part of what people call it.

use uuid::Uuid;

use super::{
    PgConnection, Result,
    error::parsed,
    sorted::{holds, literal},
};
use crate::domain::ids::MemberId;

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// An app.
    App,
    /// An environment.
    Environment,
    /// A Space.
    Space,
    /// A channel.
    Channel,
    /// An event.
    Event,
    /// A service.
    Service,
    /// A bridge.
    Bridge,
    /// A person.
    Member,
}

impl Kind {
    /// All kinds, in the order of the navigation.
    pub const ALL: &[Self] = &[
        Self::App,
        Self::Environment,
        Self::Space,
        Self::Channel,
        Self::Event,
        Self::Service,
        Self::Bridge,
        Self::Member,
    ];

    fn word(self) -> &'static str {
        match self {
            Self::App => "app",
            Self::Environment => "environment",
            Self::Space => "space",
            Self::Channel => "channel",
            Self::Event => "event",
            Self::Service => "service",
            Self::Bridge => "bridge",
            Self::Member => "member",
        }
    }
}

/// One thing that was found.
#[derive(Clone, Debug)]
pub struct Hit {
    /// Its kind.
    pub kind: Kind,
    /// Key, name or id, as its address has it.
    pub key: String,
    /// Key of what it belongs to: the app of an environment, the service of an event or a channel, the Space of a
    /// bridge; empty for others.
    pub within: String,
    /// What people call it.
    pub title: String,
}

/// Whom a search is for.
#[derive(Clone, Copy, Debug)]
pub struct Searcher {
    /// The member: his own drafts of bridges are found.
    pub member: Option<MemberId>,
    /// An admin finds people and all drafts as well.
    pub is_admin: bool,
}

/// Letters that a part of a name must have at least: fewer are found where names begin with them only.
const PART: usize = 3;

/// What has the text in its key, name or id, at most `limit` of each kind. What is called exactly so comes first, then
/// what begins with it, then by name. The name of a topic finds its channel, that of a Kafka user its environment.
///
/// Of events there are many: those that begin with the text are read by an index in their order, and of those that only
/// hold it some, not all, are looked at.
pub async fn find(db: &mut PgConnection, text: &str, searcher: Searcher, limit: i64) -> Result<Vec<Hit>> {
    let lower = text.to_lowercase();
    let begins = format!("{}%", literal(&lower));
    let has = if lower.chars().count() < PART { begins.clone() } else { holds(&lower) };
    // An id, or a name that an id is in.
    let id = lower.split(|c: char| !c.is_ascii_hexdigit() && c != '-').find_map(|part| part.parse::<Uuid>().ok());
    // The beginning of an id.
    let id_begins = (lower.len() >= 4 && lower.chars().all(|c| c.is_ascii_hexdigit() || c == '-')).then_some(&begins);
    let found = sqlx::query!(
        r#"with found (kind, key, within, title, exact, starts) as (
             select 'app', a.key, '', a.name, a.key = $1 or lower(a.name) = $1,
                    starts_with(a.key, $1) or starts_with(lower(a.name), $1)
             from app a where a.key like $6 or lower(a.name) like $6
             union all
             select 'environment', e.key, a.key, e.name, a.key || '.' || e.key = $1, starts_with(a.key || '.' || e.key, $1)
             from environment e join app a on a.id = e.app_id
             where a.key || '.' || e.key like $6 or lower(e.name) like $6
             union all
             select 'space', s.name, '', s.name, lower(s.name) = $1, starts_with(lower(s.name), $1)
             from space s where lower(s.name) like $6
             union all
             (select 'channel', c.id::text, s.key, s.title, false, starts_with(s.key, $1)
              from service s join channel c on c.service_id = s.id
              where s.key like $6 or lower(s.title) like $6 order by s.key, c.id limit $4)
             union all
             select 'channel', c.id::text, s.key, s.title, true, true
             from channel c join service s on s.id = c.service_id where c.id = $7
             union all
             (select 'channel', c.id::text, s.key, s.title, true, true
              from channel c join service s on s.id = c.service_id
              where c.id <> $7 is not false and c.id::text like $8 order by c.id limit $4)
             union all
             (select 'event', v.name, s.key, v.title, lower(v.name) = $1, true
              from (select * from event v where lower(v.name) collate "C" like $5
                    order by lower(v.name) collate "C" limit $4) v join service s on s.id = v.service_id)
             union all
             select 'service', s.key, coalesce(a.key, ''), s.title, s.key = $1 or lower(s.title) = $1,
                    starts_with(s.key, $1) or starts_with(lower(s.title), $1)
             from service s left join app a on a.id = s.app_id
             where s.key like $6 or lower(s.title) like $6
             union all
             select 'bridge', b.id::text, p.name, b.name, b.id = $7 or lower(b.name) = $1, starts_with(lower(b.name), $1)
             from bridge b join space p on p.id = b.space_id
             where (lower(b.name) like $6 or b.id = $7 or b.id::text like $8
                    or b.id in (select r.bridge_id from route r where lower(r.queue_url) like $6))
               and (b.desired in ('running', 'stopped') or b.desired = 'draft' and ($3 or b.created_by = $2))
             union all
             select 'member', m.email, '', m.name, m.email = $1, starts_with(m.email, $1) or starts_with(lower(m.name), $1)
             from member m where $3 and (m.email like $6 or lower(m.name) like $6)),
           ranked as (
             select *, row_number() over (partition by kind order by exact desc, starts desc, within, lower(title), key) as place
             from found)
           select kind as "kind!", key as "key!", within as "within!", title as "title!"
           from ranked where place <= $4 order by kind, place"#,
        lower,
        searcher.member.map(|m| m.0),
        searcher.is_admin,
        limit,
        begins,
        has,
        id,
        id_begins
    )
    .fetch_all(&mut *db)
    .await?;
    let mut hits = found
        .into_iter()
        .map(|r| {
            let kind = Kind::ALL.iter().copied().find(|kind| kind.word() == r.kind);
            Ok(Hit { kind: parsed(kind, "kind")?, key: r.key, within: r.within, title: r.title })
        })
        .collect::<Result<Vec<_>>>()?;
    let events = hits.iter().filter(|hit| hit.kind == Kind::Event).count();
    let missing = limit - i64::try_from(events).unwrap_or(limit);
    if missing > 0 && has != begins {
        hits.extend(events_with(db, &lower, &has, missing).await?);
    }
    Ok(hits)
}

/// Events that hold the text in their name or title, and do not begin with it.
async fn events_with(db: &mut PgConnection, lower: &str, has: &str, limit: i64) -> Result<Vec<Hit>> {
    Ok(sqlx::query!(
        "with few as (select * from event v where lower(v.name) like $2 or lower(v.title) like $2 limit 500)
         select v.name, s.key, v.title from few v join service s on s.id = v.service_id
         where not starts_with(lower(v.name), $1) order by s.key, lower(v.title), v.name limit $3",
        lower,
        has,
        limit
    )
    .fetch_all(db)
    .await?
    .into_iter()
    .map(|r| Hit { kind: Kind::Event, key: r.name, within: r.key, title: r.title })
    .collect())
}
