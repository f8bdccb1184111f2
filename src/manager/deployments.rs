//! Deployments: what a pipeline says now runs where, and what follows from it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    Actor, Error, Followed, Manager, Result,
    actor::Right,
    commit,
    contracts::{self, Definition, Read},
    credentials::require_enabled,
    error::FieldError,
    members::sha256,
};
use crate::{
    domain::{
        channel::topic_name,
        grant::Access,
        history::Act,
        ids::{ChannelId, EventId},
        landscape::{Environment, Space},
        principal::group_prefix,
    },
    store::{self, PgConnection},
};

pub use contracts::Document;

/// How far a pipeline's clock may be ahead of ours.
const CLOCK_SKEW: time::Duration = time::Duration::minutes(10);

/// What a pipeline reports.
#[derive(Clone, Debug)]
pub struct Report {
    /// Version of the app.
    pub version: String,
    /// When it was deployed, by the pipeline's clock.
    pub deployed_at: OffsetDateTime,
    /// Contracts that the app defines.
    pub defines: Vec<Document>,
    /// What it does with events of other services.
    pub implements: Vec<Implements>,
}

/// What an app does with an event of another service.
#[derive(Clone, Debug)]
pub struct Implements {
    /// Key of the service.
    pub service: String,
    /// The event.
    pub event: String,
    /// Publish or subscribe.
    pub access: Access,
}

/// What became of a report.
#[derive(Clone, Debug)]
pub struct Answer {
    /// What changed, in sentences; empty when nothing did.
    pub changes: Vec<String>,
    /// What the app may do now, and where.
    pub topics: Vec<TopicFor>,
    /// How far Kafka has followed.
    pub followed: Followed,
    /// Version that runs now.
    pub version: String,
    /// When it was deployed.
    pub deployed_at: OffsetDateTime,
    /// The Space.
    pub space: String,
    /// Remarks on the documents.
    pub notes: Vec<String>,
}

/// Where an app publishes or subscribes an event.
#[derive(Clone, Debug, serde::Serialize)]
pub struct TopicFor {
    /// Key of the service.
    pub service: String,
    /// The event.
    pub event: String,
    /// Publish or subscribe.
    pub access: Access,
    /// The topic; `None` while the channel has none in the Space.
    pub topic: Option<String>,
    /// What the names of its consumer groups must begin with.
    pub group_prefix: String,
    /// Whether there is a grant: without it Kafka refuses.
    pub granted: bool,
}

/// What a report comes to while it is worked on.
#[derive(Default)]
struct Outcome {
    changes: Vec<String>,
    implemented: BTreeMap<EventId, (bool, bool)>,
    /// Events that the app defines itself.
    own: BTreeSet<EventId>,
    channels: Vec<ChannelId>,
}

impl Manager {
    /// Takes a report: services, events, channels, what is implemented and the default grants, in one transaction.
    ///
    /// The same report again has no further effect. With `dry_run` the answer says what would change, and nothing
    /// does.
    pub async fn report_deployment(
        &self,
        actor: &Actor,
        app: &str,
        key: &str,
        report: Report,
        dry_run: bool,
    ) -> Result<Answer> {
        // Reading documents is work for the processor, and needs no transaction open.
        let fingerprint = fingerprint(&report);
        let (version, deployed_at) = (report.version.clone(), report.deployed_at);
        if version.is_empty() || version.chars().count() > 100 || version.chars().any(char::is_control) {
            return Err(Error::field("version", "must be 1 to 100 printable characters"));
        }
        if deployed_at > OffsetDateTime::now_utc() + CLOCK_SKEW {
            return Err(Error::field("deployed_at", "lies in the future: check the pipeline's clock"));
        }

        let mut tx = self.begin().await?;
        let environment = store::apps::find_environment(&mut tx, app, key).await?;
        let environment = environment.ok_or(Error::NotFound("environment"))?;
        actor.require(Right::Deploy(environment.id, environment.app), &mut tx).await?;
        // The app's row orders reports of all its environments, and enabling and disabling against them.
        store::apps::load_for_update(&mut tx, app).await?;
        let environment = store::apps::load_environment(&mut tx, environment.id).await?;
        require_enabled(&environment)?;
        let Some(space) = environment.space.clone() else {
            return Err(Error::internal("an enabled environment has no Space"));
        };
        if let Some(newest) = store::deployments::find_newest(&mut tx, environment.id).await? {
            if newest.fingerprint == fingerprint {
                let answer = self.answer(&mut tx, &environment, &space, newest.app_version, newest.deployed_at).await?;
                return Ok(answer);
            }
            if deployed_at < newest.deployed_at {
                return Err(Error::conflict(
                    "older-deployment",
                    format!("version {} was deployed here later than this: report the newest last", newest.app_version),
                ));
            }
        }
        let (read, notes) = tokio::task::spawn_blocking(move || (read_all(&report.defines), report.implements))
            .await
            .map_err(Error::internal)
            .and_then(|(read, implements)| Ok((read?, implements)))
            .map(|((read, notes), implements)| ((read, implements), notes))?;
        let (read, implements) = read;

        let mut outcome = Outcome::default();
        for (i, document) in read.iter().enumerate() {
            self.take(&mut tx, &environment, &space, i, document, &mut outcome).await?;
        }
        implement(&mut tx, &environment, &implements, &mut outcome).await?;
        self.grant_defaults(&mut tx, &environment, &mut outcome).await?;
        let implemented: Vec<_> = outcome.implemented.iter().map(|(event, (p, s))| (*event, *p, *s)).collect();
        store::grants::set_implemented(&mut tx, environment.id, &implemented).await?;
        // A channel that has just come into this Space wakes grants that slept here.
        store::apps::touch_access_of_channels(&mut tx, space.id, &outcome.channels).await?;
        store::apps::touch_access(&mut tx, environment.id).await?;

        let report = json!({
            "services": read.iter().map(|r| json!({ "service": r.contract.service, "version": r.contract.version })).collect::<Vec<_>>(),
            "changes": outcome.changes,
        });
        let id = Uuid::now_v7();
        store::deployments::insert(&mut tx, id, environment.id, &version, deployed_at, &fingerprint, &report).await?;
        let mut answer = self.answer(&mut tx, &environment, &space, version.clone(), deployed_at).await?;
        answer.changes = outcome.changes;
        answer.notes = notes;
        if dry_run {
            return Ok(answer);
        }
        let act = Act {
            name: "environment.deployed",
            object_kind: "environment",
            object_id: environment.id.0,
            object_name: format!("{app}.{key}"),
            before: None,
            after: Some(json!({ "version": version, "report": report })),
        };
        tx.record(actor, act);
        commit(tx).await?;
        Ok(answer)
    }

    /// What was last accepted for an environment, and how far Kafka has followed; `None` before the first report.
    pub async fn find_deployment(&self, actor: &Actor, app: &str, key: &str) -> Result<Option<Answer>> {
        let mut db = self.read().await?;
        let environment =
            store::apps::find_environment(&mut db, app, key).await?.ok_or(Error::NotFound("environment"))?;
        match actor {
            Actor::Deploy { .. } => actor.require(Right::Deploy(environment.id, environment.app), &mut db).await?,
            _ => actor.require(Right::Look, &mut db).await?,
        };
        let Some(newest) = store::deployments::find_newest(&mut db, environment.id).await? else { return Ok(None) };
        let Some(space) = environment.space.clone() else { return Ok(None) };
        Ok(Some(self.answer(&mut db, &environment, &space, newest.app_version, newest.deployed_at).await?))
    }

    async fn answer(
        &self,
        db: &mut PgConnection,
        environment: &Environment,
        space: &Space,
        version: String,
        deployed_at: OffsetDateTime,
    ) -> Result<Answer> {
        let uses = store::grants::list_uses(db, environment.id).await?;
        let channels: Vec<_> = uses.iter().map(|u| u.channel).collect();
        let followed = store::deployments::followed(db, environment.id, &channels).await?;
        let prefix = group_prefix(&environment.app_key, &environment.key);
        let topics = uses
            .into_iter()
            .filter(|u| u.implemented)
            .map(|u| TopicFor {
                topic: u.has_topic.then(|| topic_name(u.channel, &space.name)),
                service: u.service,
                event: u.event,
                access: u.access,
                group_prefix: prefix.clone(),
                granted: u.granted,
            })
            .collect();
        let (changes, notes) = (Vec::new(), Vec::new());
        Ok(Answer { changes, topics, followed, version, deployed_at, space: space.name.to_string(), notes })
    }

    /// Takes one contract that the app defines.
    async fn take(
        &self,
        db: &mut PgConnection,
        environment: &Environment,
        space: &Space,
        index: usize,
        read: &Read,
        outcome: &mut Outcome,
    ) -> Result<()> {
        let (owner, field) = (Some(environment.app), format!("defines/{index}"));
        let spaces = std::slice::from_ref(space);
        let defined = self.define(db, Definition { owner, spaces, field: &field, read }).await?;
        outcome.changes.extend(defined.changes);
        outcome.channels.extend(defined.channels);
        for (event, sends, receives) in defined.events {
            outcome.own.insert(event);
            let entry = outcome.implemented.entry(event).or_default();
            *entry = (entry.0 || sends, entry.1 || receives);
        }
        Ok(())
    }

    /// Grants what has come new with this deployment. What was implemented before and has no grant was decided so.
    async fn grant_defaults(
        &self,
        db: &mut PgConnection,
        environment: &Environment,
        outcome: &mut Outcome,
    ) -> Result<()> {
        let before = store::grants::list_implemented(db, environment.id).await?;
        let before: BTreeMap<EventId, (bool, bool)> = before.into_iter().map(|(e, p, s)| (e, (p, s))).collect();
        for (event, (publish, subscribe)) in &outcome.implemented {
            let defines = outcome.own.contains(event);
            let was = before.get(event).copied().unwrap_or_default();
            for (implemented, access) in
                [(*publish && !was.0, Access::Publish), (*subscribe && !was.1, Access::Subscribe)]
            {
                if implemented && self.parts.default_access.grants(defines, access) {
                    store::grants::insert(db, environment.id, *event, access).await?;
                }
            }
        }
        Ok(())
    }
}

/// Adds what the app does with events of other services.
async fn implement(
    db: &mut PgConnection,
    environment: &Environment,
    implements: &[Implements],
    outcome: &mut Outcome,
) -> Result<()> {
    let mut wrong = Vec::new();
    for (i, item) in implements.iter().enumerate() {
        let field = format!("implements/{i}");
        let Some(event) = store::catalogue::find_event(db, &item.service, &item.event).await? else {
            let why = format!("names the event {} of {}, which nobody has defined yet", item.event, item.service);
            wrong.push(FieldError::new(field, why));
            continue;
        };
        if event.app == Some(environment.app) {
            wrong.push(FieldError::new(
                field,
                "names an event of the app's own: what it does follows from its contract",
            ));
            continue;
        }
        let (may, verb) = match item.access {
            Access::Publish => (event.app_receives, "publish"),
            Access::Subscribe => (event.app_sends, "subscribe to"),
        };
        if !may {
            let why = format!("may not be: the contract of {} does not let others {verb} {}", item.service, item.event);
            wrong.push(FieldError::new(format!("{field}/access"), why));
            continue;
        }
        let entry = outcome.implemented.entry(event.id).or_default();
        match item.access {
            Access::Publish => entry.0 = true,
            Access::Subscribe => entry.1 = true,
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(Error::Invalid(wrong)) }
}

/// Reads all documents; every problem of every one is said at once.
fn read_all(documents: &[Document]) -> Result<(Vec<Read>, Vec<String>)> {
    let (mut all, mut wrong, mut notes) = (Vec::new(), Vec::new(), Vec::new());
    let mut seen = BTreeMap::new();
    for (i, document) in documents.iter().enumerate() {
        let field = format!("defines/{i}");
        match contracts::read(document, &field) {
            Ok(mut read) => {
                if let Some(first) = seen.insert(read.contract.service.clone(), i) {
                    let why = format!("defines the service {} again: defines/{first} did", read.contract.service);
                    wrong.push(FieldError::new(&field, why));
                }
                notes.append(&mut read.notes);
                all.push(read);
            }
            Err(Error::Invalid(fields)) => wrong.extend(fields),
            Err(other) => return Err(other),
        }
    }
    if wrong.is_empty() { Ok((all, notes)) } else { Err(Error::Invalid(wrong)) }
}

/// The same for reports that mean the same.
fn fingerprint(report: &Report) -> Vec<u8> {
    let defines: Vec<_> = report
        .defines
        .iter()
        .map(|document| match document {
            Document::Object(value) => json!({ "object": value }),
            Document::Text(text) => json!({ "text": text }),
        })
        .collect();
    let mut implements: Vec<_> =
        report.implements.iter().map(|i| json!([i.service, i.event, i.access.as_str()])).collect();
    implements.sort_by_key(Value::to_string);
    let at = report.deployed_at.unix_timestamp_nanos().to_string();
    sha256(json!([report.version, at, defines, implements]).to_string().as_bytes())
}
