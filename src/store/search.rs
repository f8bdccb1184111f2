//! Finding anything by a part of what people call it.

use super::{PgConnection, Result, error::parsed};
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

/// What has the text in its key, name or id, at most `limit` of each kind. What is called exactly so comes first, then
/// what begins with it, then by name. The name of a topic finds its channel, that of a Kafka user its environment.
pub async fn find(db: &mut PgConnection, text: &str, searcher: Searcher, limit: i64) -> Result<Vec<Hit>> {
    sqlx::query!(
        r#"with asked as (select lower($1) as q),
           found (kind, key, within, title, exact, starts) as (
             select 'app', a.key, '', a.name, a.key = q or lower(a.name) = q,
                    starts_with(a.key, q) or starts_with(lower(a.name), q)
             from app a, asked where strpos(a.key, q) > 0 or strpos(lower(a.name), q) > 0
             union all
             select 'environment', e.key, a.key, e.name, a.key || '.' || e.key = q, starts_with(a.key || '.' || e.key, q)
             from environment e join app a on a.id = e.app_id, asked
             where strpos(a.key || '.' || e.key, q) > 0 or strpos(lower(e.name), q) > 0
             union all
             select 'space', s.name, '', s.name, lower(s.name) = q, starts_with(lower(s.name), q)
             from space s, asked where strpos(lower(s.name), q) > 0
             union all
             select 'channel', c.id::text, s.key, s.title, c.id::text = q, starts_with(c.id::text, q)
             from channel c join service s on s.id = c.service_id, asked
             where strpos(c.id::text, q) > 0 or strpos(q, c.id::text) > 0 or strpos(s.key, q) > 0
                or strpos(lower(s.title), q) > 0
             union all
             select 'event', v.name, s.key, v.title, lower(v.name) = q, starts_with(lower(v.name), q)
             from event v join service s on s.id = v.service_id, asked
             where strpos(lower(v.name), q) > 0 or strpos(lower(v.title), q) > 0
             union all
             select 'service', s.key, coalesce(a.key, ''), s.title, s.key = q or lower(s.title) = q,
                    starts_with(s.key, q) or starts_with(lower(s.title), q)
             from service s left join app a on a.id = s.app_id, asked
             where strpos(s.key, q) > 0 or strpos(lower(s.title), q) > 0
             union all
             select 'bridge', b.id::text, p.name, b.name, b.id::text = q or lower(b.name) = q, starts_with(lower(b.name), q)
             from bridge b join space p on p.id = b.space_id, asked
             where (strpos(lower(b.name), q) > 0 or strpos(b.id::text, q) > 0 or strpos(q, b.id::text) > 0
                    or exists (select from route r where r.bridge_id = b.id and strpos(lower(r.queue_url), q) > 0))
               and (b.desired in ('running', 'stopped') or b.desired = 'draft' and ($3 or b.created_by = $2))
             union all
             select 'member', m.email, '', m.name, m.email = q, starts_with(m.email, q) or starts_with(lower(m.name), q)
             from member m, asked
             where $3 and (strpos(m.email, q) > 0 or strpos(lower(m.name), q) > 0)),
           ranked as (
             select *, row_number() over (partition by kind order by exact desc, starts desc, within, lower(title), key) as place
             from found)
           select kind as "kind!", key as "key!", within as "within!", title as "title!"
           from ranked where place <= $4 order by kind, place"#,
        text,
        searcher.member.map(|m| m.0),
        searcher.is_admin,
        limit
    )
    .fetch_all(db)
    .await?
    .into_iter()
    .map(|r| {
        let kind = Kind::ALL.iter().copied().find(|kind| kind.word() == r.kind);
        Ok(Hit { kind: parsed(kind, "kind")?, key: r.key, within: r.within, title: r.title })
    })
    .collect()
}
