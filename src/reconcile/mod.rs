//! The loop that makes Kafka agree with Postgres.
//!
//! A pass takes no input: it reads what should be and what is, carries out the difference, reads back, and writes down
//! how far Kafka has followed. So a first start, a change, drift and the recovery from a crash are one path. Wake-ups
//! are hints; without them the same happens a period later. Owns topics and principals of the product's tables, and
//! touches nothing else: not a foreign topic, user or ACL, and no topic is ever deleted.
//!
//! | module | owns |
//! |---|---|
//! | [`plan`] | the difference, pure |
//! | `desired` | what people want, in Kafka's words |
//! | `observe` | what Kafka holds |
//! | `extent` | how much of it a pass looks at |
//! | `apply` | carrying out a plan |
//! | `acknowledged` | what was carried out and is not shown yet |
//! | `brake` | what is not done unasked |
//! | `drift` | what was set back, for the history |
//! | `objects`, `confirm` | what is pending, applied or refused |
//! | `findings`, `report`, `words` | what people are told |
//! | `preflight` | whether Kafka keeps Spaces apart at all |
//! | `traffic` | how much flows, who shows himself |
//! | `groups` | which consumer groups read, and how far |

mod acknowledged;
mod apply;
mod brake;
mod confirm;
mod desired;
mod drift;
mod extent;
mod findings;
mod groups;
mod objects;
mod observe;
pub mod plan;
mod preflight;
mod report;
mod traffic;
mod words;

use std::{collections::BTreeSet, time::Duration};

use secrecy::SecretSlice;
use time::OffsetDateTime;
use tokio::{sync::watch, time::Instant};
use tokio_util::sync::CancellationToken;

use self::{
    acknowledged::Acknowledged,
    apply::{Item, Refused},
    brake::Decided,
    extent::Extent,
    findings::subject,
    objects::{Touched, Watched},
    observe::Scope,
    plan::{Desired, Observed, Plan, plan},
};
pub use self::{
    brake::Held,
    findings::Finding,
    report::{Observer, PassReport},
};
use crate::{
    domain::{
        channel::topic_name,
        history::Act,
        isolation::{Check, Severity},
    },
    history,
    kafka::admin::{self, Admin, Cluster, Operation},
    secrets::{self, Vault, random},
    store::{
        self, PgPool,
        desired::{Hints, Lead, Outcome},
    },
};

/// Outcomes that are written down in one transaction.
const OUTCOMES: usize = 500;

/// Steps that a report keeps.
const STEPS: usize = 50;

/// How long a pass may still go on once the process is to stop.
const GRACE: Duration = Duration::from_secs(3);

/// By how many periods a look at everything may be put off by changes.
const OVERDUE: f32 = 1.5;

/// How often one that stands by looks whether it is needed.
const STANDBY: Duration = Duration::from_secs(2);

/// What an installation decides.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The user that moves the events of bridges. Its access is ours; the user itself is the operator's.
    pub worker_username: String,
    /// Other users of the product itself, such as the console's: their rights are no findings.
    pub own_users: Vec<String>,
    /// The user that is made without any right now and then, to see that it is refused, and deleted again.
    pub canary: String,
    /// Replicas of topics that no contract speaks of.
    pub replication: i16,
    /// How often everything is looked at without a hint.
    pub period: Duration,
    /// How long a pass waits for the brokers to show a change.
    pub confirm_within: Duration,
    /// Passwords that are compared with Kafka's in each pass, in turn; each is a login that is begun and left.
    pub passwords_per_pass: usize,
    /// How long lies between two looks at the traffic at least.
    pub traffic_apart: Duration,
}

impl Settings {
    /// With a period of 30 s.
    pub fn new(worker_username: String, console_username: String, replication: i16) -> Self {
        Self {
            worker_username,
            // No environment's user has such a name: their keys hold no such character.
            canary: format!("{console_username}_preflight"),
            own_users: vec![console_username],
            replication,
            period: Duration::from_secs(30),
            confirm_within: Duration::from_secs(2),
            passwords_per_pass: 25,
            traffic_apart: Duration::from_secs(10),
        }
    }
}

/// Why a pass failed. Nothing is lost by it: the next one finds the same difference, or what is left of it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// Kafka.
    #[error(transparent)]
    Kafka(#[from] admin::Error),
    /// A read that may be incomplete.
    #[error("Kafka does not say what this console's own user may do, so what it shows may be incomplete")]
    RightsUnknown,
    /// The console's own user lacks a right.
    #[error("this console's own Kafka user lacks the right {0} on the cluster: give it that right")]
    RightMissing(Operation),
}

impl Error {
    /// Whether the next pass may succeed without anybody changing anything.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Store(error) => error.is_transient(),
            Self::Kafka(error) => error.is_transient(),
            Self::RightsUnknown | Self::RightMissing(_) => false,
        }
    }
}

/// When a pass began.
struct Began {
    at: OffsetDateTime,
    since: Instant,
}

impl Began {
    fn now() -> Self {
        Self { at: OffsetDateTime::now_utc(), since: Instant::now() }
    }
}

/// How much there should be in Kafka.
struct Sizes {
    topics: usize,
    users: usize,
    acls: usize,
}

impl Sizes {
    fn of(desired: &Desired) -> Self {
        Self {
            topics: desired.topics.len(),
            users: desired.users.values().flatten().count(),
            acls: desired.acls.values().map(BTreeSet::len).sum(),
        }
    }
}

/// What a pass has read.
struct Seen {
    source: store::desired::Desired,
    desired: Desired,
    objects: Vec<Watched>,
    sizes: Sizes,
    /// What was looked at, where it was not everything; then the desired state, the objects and what was observed are of
    /// it alone.
    scope: Option<Scope>,
    observed: Observed,
    cluster: Cluster,
}

/// Makes Kafka agree with Postgres.
pub struct Reconciler {
    pool: PgPool,
    vault: Vault,
    history_key: SecretSlice<u8>,
    admin: Admin,
    settings: Settings,
    report: watch::Sender<PassReport>,
    acknowledged: Acknowledged,
    /// When everything was looked at last, and nothing failed.
    looked: Option<Instant>,
    /// The user whose password was compared last.
    compared: String,
    traffic: traffic::Traffic,
    preflight: preflight::Preflight,
}

/// The end of the time that a pass is given to finish after the shutdown was asked for.
async fn after_grace(shutdown: CancellationToken) {
    shutdown.cancelled_owned().await;
    tokio::time::sleep(GRACE).await;
}

impl Reconciler {
    /// A reconciler. Does nothing yet.
    pub fn new(pool: PgPool, vault: Vault, history_key: SecretSlice<u8>, admin: Admin, settings: Settings) -> Self {
        let (report, acknowledged, looked, compared, traffic, preflight) = Default::default();
        Self { pool, vault, history_key, admin, settings, report, acknowledged, looked, compared, traffic, preflight }
    }

    /// Shows what the newest pass found and did, also after [`Reconciler::run`] has taken the reconciler.
    pub fn observer(&self) -> Observer {
        Observer(self.report.subscribe())
    }

    /// Reconciles until the shutdown, while no other process of the installation does; stands by otherwise.
    ///
    /// Errors are reported and tried again, with pauses of up to ten seconds.
    #[expect(clippy::manual_async_fn, reason = "that it can be spawned is checked here, not where it is spawned")]
    pub fn run(mut self, shutdown: CancellationToken) -> impl Future<Output = Result<(), Error>> + Send {
        async move {
            let mut pause = Pause::default();
            while !shutdown.is_cancelled() {
                let wait = match Box::pin(self.lead(shutdown.clone(), &mut pause)).await {
                    Ok(()) => STANDBY,
                    Err(error) => {
                        self.note(&error);
                        pause.longer()
                    }
                };
                tokio::select! {
                    () = shutdown.cancelled() => {}
                    () = tokio::time::sleep(wait) => {}
                }
            }
            Ok(())
        }
    }

    /// Takes the lead and keeps it until the shutdown, or until the database is lost. Returns at once when another has
    /// the lead.
    async fn lead(&mut self, shutdown: CancellationToken, pause: &mut Pause) -> Result<(), Error> {
        let Some(mut lead) = Lead::take(&self.pool).await? else {
            self.report.send_if_modified(|report| std::mem::take(&mut report.leads));
            return Ok(());
        };
        let mut hints = Hints::listen(&self.pool).await?;
        self.report.send_modify(|report| report.leads = true);
        self.looked = None;
        let (mut next, mut hints_count) = (Extent::Everything, true);
        while !shutdown.is_cancelled() {
            lead.check().await?;
            let extent = if self.is_overdue() { Extent::Everything } else { next };
            // A change does not wait until all has been read; that begins anew after it.
            let may_wait = extent == Extent::Everything && hints_count && !self.is_overdue();
            let began = Began::now();
            let seen = tokio::select! {
                biased;
                seen = self.look(extent) => seen,
                hint = hints.next(), if may_wait => {
                    hint?;
                    next = Extent::Open;
                    continue;
                }
                () = after_grace(shutdown.clone()) => break,
            };
            let pass = tokio::select! {
                biased;
                pass = self.act(began, seen) => pass,
                () = after_grace(shutdown.clone()) => break,
            };
            self.publish().await;
            let is_calm = pass.is_ok();
            let wait;
            (wait, next, hints_count) = match pass {
                Ok(report) if report.pending > 0 => (pause.longer(), extent, true),
                Ok(_) => {
                    *pause = Pause::default();
                    let due = self.looked.map_or(Duration::ZERO, |looked| {
                        (looked + self.settings.period).saturating_duration_since(Instant::now())
                    });
                    (due, Extent::Everything, true)
                }
                // A hint makes nothing better; one is kept until the pause is over.
                Err(_) => (pause.longer(), Extent::Everything, false),
            };
            // A change does not wait until all of this was looked at.
            let rest = async {
                self.look_at_isolation().await;
                if is_calm {
                    self.look_at_traffic().await;
                }
                tokio::time::sleep(wait).await;
            };
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = rest => {}
                hint = hints.next(), if hints_count => {
                    hint?;
                    next = Extent::Open;
                }
            }
        }
        Ok(lead.leave().await?)
    }

    /// Whether everything has to be looked at now, whatever else there is to do.
    fn is_overdue(&self) -> bool {
        self.looked.is_none_or(|looked| looked.elapsed() >= self.settings.period.mul_f32(OVERDUE))
    }

    /// Looks once at everything and does what is to be done.
    ///
    /// May be dropped at any point, and may run in two processes at once: every step is safe to do again, and the next
    /// pass goes on from what is there.
    ///
    /// # Errors
    /// When Postgres or Kafka cannot be reached, or Kafka does not show all there is. The objects stay as they are.
    pub async fn pass(&mut self) -> Result<PassReport, Error> {
        let began = Began::now();
        let seen = Box::pin(self.look(Extent::Everything)).await;
        self.act(began, seen).await
    }

    /// Does what is to be done by what was seen, and reports it.
    async fn act(&mut self, began: Began, seen: Result<Seen, Error>) -> Result<PassReport, Error> {
        let done = match seen {
            Ok(seen) => self.carry_out(seen).await,
            Err(error) => Err(error),
        };
        match done {
            Ok(mut report) => {
                (report.at, report.succeeded_at, report.took) = (Some(began.at), Some(began.at), began.since.elapsed());
                report.leads = self.report.borrow().leads;
                if report.written > 0 {
                    let PassReport { written, pending, failed, took, .. } = report;
                    tracing::info!(written, pending, failed, ?took, steps = ?report.steps, "Kafka was changed");
                }
                self.report.send_replace(report.clone());
                Ok(report)
            }
            Err(error) => {
                self.note(&error);
                self.report.send_modify(|report| (report.at, report.took) = (Some(began.at), began.since.elapsed()));
                Err(error)
            }
        }
    }

    /// Looks at how much flows, who shows himself, and how far consumer groups have come, unless that was just done.
    /// Nothing rests on it. May be dropped at any point.
    pub async fn look_at_traffic(&mut self) {
        self.traffic.sample(&self.pool, &self.admin, self.settings.traffic_apart).await;
    }

    /// Looks whether Kafka keeps the Spaces apart, unless that was just done, and publishes what it found. May be dropped
    /// at any point.
    pub async fn look_at_isolation(&mut self) {
        if !self.preflight.is_due() {
            return;
        }
        match store::desired::load(&self.pool).await {
            Ok(source) => {
                self.preflight.look(&self.admin, &self.vault, &self.settings.canary, &source.environments).await;
                self.write_report(None).await;
            }
            Err(error) => tracing::debug!(%error, "whether Kafka keeps the Spaces apart could not be looked at"),
        }
    }

    /// Writes the newest report down, for the pages: what was found and done, and what was last seen of whether Kafka
    /// keeps the Spaces apart. Nothing rests on it.
    pub async fn publish(&mut self) {
        let pass = self.report.borrow().pass();
        self.write_report(pass.as_ref()).await;
    }

    /// The same; with the pass, where it was not written down before.
    async fn write_report(&self, pass: Option<&store::passes::Pass>) {
        if let Err(error) = self.note_report(pass).await {
            tracing::debug!(%error, "the report of a pass could not be written");
        }
    }

    async fn note_report(&self, pass: Option<&store::passes::Pass>) -> store::Result<()> {
        let checks = match self.preflight.checks() {
            Some(checks) => checks.to_vec(),
            // Kafka could not be looked at since this process began: what was seen before stands.
            None => self.noted_checks().await?,
        };
        let breaches: Vec<_> = checks
            .iter()
            .filter(|check| check.is_amiss(Severity::Isolation))
            .map(|check| check.setting.clone())
            .collect();
        let report = self.report.borrow().clone();
        store::passes::note(&self.pool, &report.shown(&checks), &breaches, pass).await
    }

    /// The checks of the report that was written last.
    async fn noted_checks(&self) -> store::Result<Vec<Check>> {
        let mut db = self.pool.acquire().await.map_err(store::Error::from)?;
        let report = store::passes::find_report(&mut db).await?;
        let checks = report.and_then(|(_, mut report)| serde_json::from_value(report.get_mut("checks")?.take()).ok());
        Ok(checks.unwrap_or_default())
    }

    /// Keeps the error for people, and logs it when it is another than before.
    fn note(&self, error: &Error) {
        let text = words::of_pass(error);
        self.report.send_modify(|report| {
            if report.error.as_ref() != Some(&text) {
                tracing::warn!(%error, "a pass of the reconciler failed; it is tried again");
            }
            report.error = Some(text);
        });
    }

    /// Reads what should be and what is. Changes nothing, so it may be dropped without loss.
    async fn look(&mut self, extent: Extent) -> Result<Seen, Error> {
        let source = store::desired::load(&self.pool).await?;
        let mut desired = desired::desired(&source, &self.settings);
        let mut objects = objects::all(&source, &desired, &self.settings);
        let sizes = Sizes::of(&desired);
        // What an admin has decided, or is asked, may concern anything.
        let is_asked = !source.decisions.is_empty() || self.report.borrow().is_held();
        let scope = if extent == Extent::Open && !is_asked { extent::open(&mut objects) } else { None };
        let (mut observed, cluster) = if let Some(scope) = &scope {
            desired = desired.only(scope);
            let changed = |name: &&String| matches!(desired.users.get(*name), Some(Some(user)) if user.is_changed);
            let salts_of = scope.users.iter().filter(changed).filter(|name| !self.acknowledged.has_user(name));
            let salts_of: Vec<_> = salts_of.cloned().collect();
            Box::pin(observe::read_only(&self.admin, &desired, scope, &salts_of)).await?
        } else {
            let salts_of = self.passwords_to_compare(&desired);
            Box::pin(observe::read(&self.admin, &desired, &salts_of)).await?
        };
        self.acknowledged.lay_over(&mut observed, Instant::now());
        Ok(Seen { source, desired, objects, sizes, scope, observed, cluster })
    }

    /// Carries out the difference, reads back, and writes down how far Kafka has followed.
    async fn carry_out(&mut self, seen: Seen) -> Result<PassReport, Error> {
        let Seen { source, desired, objects, sizes, scope, observed, cluster } = seen;
        let decided = Decided::by(&objects);
        let mut plan = plan(&desired, &observed);
        let held = brake::held(&plan, &decided, &desired, &observed);
        let is_released = |held: &Held| source.decisions.contains_key(&subject::of_plan(&held.version));
        let held = held.filter(|held| !is_released(held));
        if let Some(held) = &held {
            if !self.report.borrow().findings.contains(&Finding::Held(held.clone())) {
                let Held { acls, users, .. } = held;
                tracing::warn!(acls, users, "a plan was stopped: nobody decided to take away that much");
            }
            plan = plan.only_decided(&decided);
        }

        let mut applied = apply::apply(&self.admin, &plan, self.passwords(&source, &plan)).await?;
        self.acknowledged.note(&plan, &applied, (&desired, &observed), Instant::now());
        applied.refused.extend(plan.lost.iter().map(|(name, lost)| (Item::Topic(name.clone()), Refused::Lost(*lost))));
        let drift = drift::repaired(&source, &plan, &applied, (&desired, &observed), &decided);
        let (outcomes, waiting, pending) =
            self.outcomes(&objects, &desired, &observed, &plan, &applied, cluster.brokers.len()).await?;
        self.acknowledged.keep(&waiting, scope.as_ref());
        self.write_down(&outcomes).await?;
        self.record(drift).await?;
        let findings = if scope.is_none() {
            let mut findings = findings::findings(&plan, &desired, &observed, &self.settings);
            findings.splice(0..0, held.map(Finding::Held));
            self.forget(&source, &desired, &observed, &findings).await?;
            self.looked = Some(Instant::now());
            findings
        } else {
            self.report.borrow().findings.clone()
        };

        Ok(PassReport {
            cluster_id: Some(cluster.cluster_id),
            brokers: cluster.brokers,
            topics: sizes.topics,
            users: sizes.users,
            acls: sizes.acls,
            written: applied.written,
            steps: plan.to_string().lines().take(STEPS).map(str::to_owned).collect(),
            pending,
            failed: outcomes.iter().filter(|outcome| outcome.failure.is_some()).count(),
            findings,
            ..PassReport::default()
        })
    }

    /// How the open objects stand, what those need that not all brokers have shown, and how many are pending.
    async fn outcomes(
        &self,
        objects: &[Watched],
        desired: &Desired,
        observed: &Observed,
        plan: &Plan,
        applied: &apply::Applied,
        brokers: usize,
    ) -> Result<(Vec<Outcome>, Scope, usize), Error> {
        let touched = Touched::by(plan);
        let (refused, written): (Vec<_>, Vec<_>) = objects
            .iter()
            .filter(|object| object.is_open(&touched))
            .partition(|object| object.is_refused(desired, applied));
        let rewritten: Vec<_> =
            plan.upsert_users.iter().filter(|user| observed.users.contains_key(*user)).cloned().collect();
        let within = self.settings.confirm_within;
        let (confirmed, ids) = confirm::confirm(&self.admin, desired, &written, &rewritten, within).await?;

        let failures = refused.iter().filter_map(|object| {
            let failure = object.failure(desired, applied, brokers)?;
            Some(object.outcome(Some(failure), None))
        });
        let mut waiting = Scope::default();
        let unseen = written.iter().zip(&confirmed).filter(|(_, confirmed)| !**confirmed).map(|(object, _)| object);
        refused.iter().chain(unseen).for_each(|object| object.look(&mut waiting));
        let followed = written.iter().zip(&confirmed).filter(|(_, confirmed)| **confirmed);
        let id = |object: &Watched| ids.get(object.topic()?).copied();
        let followed = followed.map(|(object, _)| object.outcome(None, id(object)));
        let outcomes: Vec<_> = failures.chain(followed).collect();
        let pending = refused.len() + written.len() - outcomes.len();
        Ok((outcomes, waiting, pending))
    }

    async fn write_down(&self, outcomes: &[Outcome]) -> Result<(), Error> {
        for outcomes in outcomes.chunks(OUTCOMES) {
            let mut tx = store::begin(&self.pool).await?;
            store::desired::set_followed(&mut tx, outcomes).await?;
            tx.commit().await.map_err(store::Error::from)?;
        }
        Ok(())
    }

    /// Writes what was set back into the history.
    async fn record(&self, drift: Vec<Act>) -> Result<(), Error> {
        if drift.is_empty() {
            return Ok(());
        }
        let mut tx = store::begin(&self.pool).await?;
        for act in drift {
            let changed = format!("{}:{}", act.object_kind, act.object_id);
            history::append(&mut tx, &self.history_key, None, "reconciler".to_owned(), act).await?;
            store::notify(&mut tx, store::CHANGED, &changed).await?;
        }
        tx.commit().await.map_err(store::Error::from)?;
        Ok(())
    }

    /// Forgets decisions that have been carried out, or whose occasion is gone: should it come again, it is asked anew.
    async fn forget(
        &self,
        source: &store::desired::Desired,
        desired: &Desired,
        observed: &Observed,
        findings: &[Finding],
    ) -> Result<(), Error> {
        if source.decisions.is_empty() {
            return Ok(());
        }
        let mut alive: BTreeSet<_> = findings.iter().map(Finding::subject).collect();
        // Until the id of the topic that is there has been kept.
        for topic in &source.topics {
            let name = topic_name(topic.channel, &topic.space_name);
            let is_kept = observed.topics.get(&name).is_some_and(|found| Some(found.id) == topic.id);
            if !is_kept && desired.topics.contains_key(&name) {
                alive.insert(subject::of_topic(&name));
            }
        }
        let done: Vec<_> = source.decisions.keys().filter(|about| !alive.contains(*about)).cloned().collect();
        if !done.is_empty() {
            let mut db = self.pool.acquire().await.map_err(store::Error::from)?;
            store::decisions::delete(&mut db, &done).await?;
        }
        Ok(())
    }

    /// Users whose salt is to be looked at: those with a new password, and a few of the others in turn.
    fn passwords_to_compare(&mut self, desired: &Desired) -> Vec<String> {
        let wanted = || desired.users.iter().filter_map(|(name, user)| Some((name, user.as_ref()?)));
        let mut names: Vec<_> = wanted().filter(|(_, user)| user.is_changed).map(|(name, _)| name.clone()).collect();
        let later = wanted().filter(|(name, _)| **name > self.compared);
        names.retain(|name| !self.acknowledged.has_user(name));
        let others: Vec<_> = later
            .chain(wanted().filter(|(name, _)| **name <= self.compared))
            .filter(|(_, user)| !user.is_changed)
            .map(|(name, _)| name.clone())
            .take(self.settings.passwords_per_pass)
            .collect();
        if let Some(last) = others.last() {
            self.compared.clone_from(last);
        }
        names.extend(others);
        names
    }

    /// Opens the stored passwords of the users that the plan stores.
    fn passwords(&self, source: &store::desired::Desired, plan: &Plan) -> Vec<(String, apply::Password)> {
        let wanted: BTreeSet<_> = plan.upsert_users.iter().collect();
        let stored = source.environments.iter().filter_map(|e| Some((e.id, e.principal.as_ref()?)));
        stored
            .filter(|(_, principal)| wanted.contains(&principal.username))
            .map(|(environment, principal)| {
                let open = || {
                    let salted = self.vault.open("principal", &environment.to_string(), &principal.sealed)?;
                    apply::scram_user(&principal.username, principal.iterations, &principal.salt, salted)
                        .ok_or(secrets::Error::Damaged)
                };
                (principal.username.clone(), open())
            })
            .collect()
    }
}

/// Pauses between attempts: from a quarter of a second, doubled up to ten seconds; a random part is left out, so that
/// several processes do not keep step.
#[derive(Debug, Default)]
struct Pause {
    doubled: u32,
}

impl Pause {
    const FIRST: Duration = Duration::from_millis(250);
    const LAST: Duration = Duration::from_secs(10);

    fn longer(&mut self) -> Duration {
        let whole = Self::FIRST.saturating_mul(1 << self.doubled.min(8)).min(Self::LAST);
        self.doubled += 1;
        whole.mul_f32(1.0 - f32::from(random::<1>()[0]) / 1024.0)
    }
}
