//! Bridges: the wizard's draft, its role and policy, Check, Start, Stop, taking one away.

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    Actor, Error, Manager, Result,
    actor::Right,
    commit,
    error::{Check, FieldError},
    history::stale,
};
use crate::{
    aws::{
        self, Aws,
        policy::{self, ForeignAccess},
    },
    domain::{
        bridge::{Desired, Direction, Mode, Status},
        history::Act,
        ids::{BridgeId, EventId, RouteId},
        landscape::Space,
        names::Title,
        queue_url::{QueueUrl, Region},
    },
    secrets::random,
    store::{self, Page, bridges::Drafts, traffic::Minutes},
};

pub use aws::{ActionCheck, Grade, QueueCheck, Readiness, Side, policy::Format as PolicyFormat};
pub use store::bridges::{Bridge, BridgesBy, Filter as BridgeFilter, Route};

/// Drafts that a member may have at once.
const MAX_DRAFTS: i64 = 10;
/// Routes of one bridge.
const MAX_ROUTES: usize = 100;
/// Version of a bridge that was just made.
const FIRST_VERSION: i64 = 1;
/// How long AWS needs to show a new role everywhere: a queue's policy that names it is refused before
/// (IAM User Guide, "Changes that I make are not always immediately visible").
const ROLE_SETTLES: Duration = Duration::from_secs(10);

/// What a form or a request says of a bridge.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BridgeDraft {
    /// Name.
    pub name: String,
    /// Name of the Space.
    pub space: String,
    /// AWS region.
    pub region: String,
}

/// A route as a form or a request says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteDraft {
    /// Key of the service.
    pub service: String,
    /// The event.
    pub event: String,
    /// Direction.
    pub direction: Direction,
    /// The queue's address.
    pub queue_url: String,
    /// How events go there.
    pub mode: Mode,
}

/// The statement to be added to one queue's policy.
#[derive(Clone, Debug)]
pub struct QueuePolicy {
    /// The queue.
    pub queue: QueueUrl,
    /// Directions the bridge uses it in.
    pub directions: Vec<Direction>,
    /// The text to copy.
    pub statement: String,
    /// What goes wrong if it is used carelessly.
    pub warning: Option<&'static str>,
    /// The queue's own policy with the statement in it, once that could be read.
    pub merged: Option<String>,
    /// Why it cannot be put in: too big, and what to remove.
    pub problem: Option<String>,
}

/// The access policy of a bridge.
#[derive(Clone, Debug)]
pub struct BridgePolicy {
    /// One per queue.
    pub queues: Vec<QueuePolicy>,
    /// Until when AWS may still refuse a policy that names the role, because it is so new.
    pub role_settles_at: Option<OffsetDateTime>,
}

/// How far a bridge is behind.
#[derive(Clone, Debug, Default)]
pub struct Delay {
    /// In each minute the longest that an event had waited, in seconds.
    pub minutes: Minutes,
    /// The same of late; `None` where no event waits.
    pub now: Option<Duration>,
    /// How long topics and queues keep events that wait, the shortest of them, where that is known.
    pub kept: Option<Duration>,
}

impl Delay {
    /// In which time events are lost that wait now, where more than half of their time is over.
    pub fn until_loss(&self) -> Option<Duration> {
        let (now, kept) = (self.now?, self.kept?);
        (now > kept / 2).then(|| kept.saturating_sub(now))
    }
}

impl Manager {
    /// The first steps of the wizard: makes a draft. The same once more gives the draft that is there, while nothing was
    /// done to it.
    pub async fn draft_bridge(&self, actor: &Actor, draft: &BridgeDraft) -> Result<BridgeId> {
        self.create_bridge(actor, draft, false).await
    }

    async fn create_bridge(&self, actor: &Actor, draft: &BridgeDraft, is_to_be_new: bool) -> Result<BridgeId> {
        self.aws()?;
        let (name, region) = self.parse_bridge(draft)?;
        let mut tx = self.begin().await?;
        let space = find_space(&mut tx, &draft.space).await?;
        if let Some(member) = actor.member() {
            store::take_turn(&mut tx, &format!("drafts of {member}")).await?;
        }
        actor.require(Right::ActIn(space.id), &mut tx).await?;
        if let Some(member) = actor.member() {
            if !is_to_be_new
                && let Some(same) = store::bridges::find_same_draft(&mut tx, member, &name, space.id, &region).await?
            {
                return Ok(same);
            }
            if store::bridges::count_drafts(&mut tx, member).await? >= MAX_DRAFTS {
                return Err(Error::conflict(
                    "too-many-drafts",
                    format!("you have {MAX_DRAFTS} drafts already: finish or delete one first"),
                ));
            }
        }
        let id = BridgeId(Uuid::now_v7());
        // Made here and never taken from a user: whoever chose it could reach through another's role.
        let external_id = Uuid::from_bytes(random()).simple().to_string();
        store::bridges::insert(&mut tx, id, &name, &space, &region, &external_id, actor.member()).await?;
        let act = act("bridge.drafted", id, &name, None, Some(json!({ "space": space.name, "region": region })));
        tx.record(actor, act);
        commit(tx).await?;
        Ok(id)
    }

    /// Changes name, Space and region of a draft. The Space and region of routes that are there bind.
    pub async fn change_bridge(&self, actor: &Actor, id: BridgeId, version: i64, draft: &BridgeDraft) -> Result<()> {
        let (name, region) = self.parse_bridge(draft)?;
        let mut tx = self.begin().await?;
        let bridge = self.bridge_to_change(&mut tx, actor, id, Some(version)).await?;
        let space = find_space(&mut tx, &draft.space).await?;
        actor.require(Right::ActIn(space.id), &mut tx).await?;
        let moves = space.id != bridge.space.id || region != bridge.region;
        if moves && bridge.desired != Desired::Draft {
            return Err(moves_only_as_draft());
        }
        if moves && !bridge.routes.is_empty() {
            return Err(Error::conflict(
                "bridge-has-events",
                "Space and region decide which events and queues there are: remove the business events first",
            ));
        }
        store::bridges::update(&mut tx, id, &name, &space, &region).await?;
        let after = Some(json!({ "name": name, "space": space.name, "region": region }));
        tx.record(actor, act("bridge.changed", id, &name, Some(shown_head(&bridge)), after));
        commit(tx).await
    }

    /// All steps of the wizard at once. Everything that can be known beforehand is looked at before anything is made.
    pub async fn create_bridge_with_routes(
        &self,
        actor: &Actor,
        draft: &BridgeDraft,
        routes: &[RouteDraft],
    ) -> Result<BridgeId> {
        {
            let (_, region) = self.parse_bridge(draft)?;
            let mut db = self.read().await?;
            let space = find_space(&mut db, &draft.space).await?;
            actor.require(Right::ActIn(space.id), &mut db).await?;
            self.parse_routes(&mut db, &space, &region, routes).await?;
        }
        let id = self.create_bridge(actor, draft, true).await?;
        if routes.is_empty() {
            return Ok(id);
        }
        if let Err(error) = self.save_routes(actor, id, FIRST_VERSION, routes).await {
            // Nobody asked for a draft without its routes. What fails here is swept with all drafts left alone.
            if let Err(error) = self.delete_bridge(actor, id, None).await {
                tracing::warn!(bridge = %id, %error, "a draft could not be taken back");
            }
            return Err(error);
        }
        Ok(id)
    }

    /// The third step: replaces the routes, gives the bridge the grants it needs, and sees to its role.
    pub async fn save_routes(&self, actor: &Actor, id: BridgeId, version: i64, routes: &[RouteDraft]) -> Result<()> {
        self.put_bridge(actor, id, version, None, routes).await
    }

    /// Replaces the whole configuration at once: name, Space and region (both only while it is a draft), routes.
    pub async fn replace_bridge(
        &self,
        actor: &Actor,
        id: BridgeId,
        version: i64,
        draft: &BridgeDraft,
        routes: &[RouteDraft],
    ) -> Result<()> {
        self.put_bridge(actor, id, version, Some(draft), routes).await
    }

    /// The role is made before anything is written: a queue's policy can only name a role that exists.
    async fn put_bridge(
        &self,
        actor: &Actor,
        id: BridgeId,
        version: i64,
        draft: Option<&BridgeDraft>,
        routes: &[RouteDraft],
    ) -> Result<()> {
        let aws = self.aws()?.clone();
        let bridge = {
            let mut db = self.read().await?;
            let bridge = self.find_bridge_for(&mut db, actor, id).await?;
            if bridge.version != version {
                return Err(stale(&mut db, id.0).await);
            }
            let (_, space, region) = self.head_of(&mut db, actor, &bridge, draft).await?;
            self.parse_routes(&mut db, &space, &region, routes).await?;
            bridge
        };
        let role = if routes.is_empty() {
            None
        } else {
            let known = bridge.role_id.as_deref().or(bridge.role_arn.as_deref());
            Some(aws.ensure_role(id, &bridge.external_id, known).await?)
        };

        let mut tx = self.begin().await?;
        let bridge = match self.bridge_to_change(&mut tx, actor, id, Some(version)).await {
            // Deleted meanwhile, its role perhaps before we made it: nobody else will come back for that.
            Err(error @ Error::NotFound(_)) => {
                aws.delete_role(id).await?;
                return Err(error);
            }
            other => other?,
        };
        let (name, space, region) = self.head_of(&mut tx, actor, &bridge, draft).await?;
        // What flows in the Space is not taken out of it before the routes are saved.
        if !store::spaces::lock(&mut tx, space.id).await? {
            return Err(Error::stale());
        }
        let parsed = self.parse_routes(&mut tx, &space, &region, routes).await?;
        let head_changed = (&name, space.id, &region) != (&bridge.name, bridge.space.id, &bridge.region);
        if head_changed {
            store::bridges::update(&mut tx, id, &name, &space, &region).await?;
        }
        let mut rows: Vec<_> = parsed.iter().map(|r| (r.event, r.direction, r.queue.clone(), r.mode)).collect();
        // In the order in which events are locked by whoever takes them away.
        rows.sort_by_key(|(event, ..)| event.0);
        store::bridges::set_routes(&mut tx, id, &rows).await?;
        if let Some(role) = &role
            && (role.created || role.changed || bridge.role_id.is_none())
        {
            store::bridges::set_role(&mut tx, id, &role.arn, &role.id).await?;
        }
        // While it runs it may have to go back to what it had: the worker takes the rest away once it runs the new one.
        if bridge.desired != Desired::Running {
            store::grants::delete_unused_of_bridge(&mut tx, id).await?;
        }
        for route in &parsed {
            if self.may_grant(&mut tx, actor, route).await? {
                store::grants::insert_for_bridge(&mut tx, id, route.event, route.direction.needs()).await?;
            }
        }
        let after = store::bridges::find(&mut tx, id).await?.ok_or(Error::NotFound("bridge"))?;
        if head_changed {
            let act = act("bridge.changed", id, &name, Some(shown_head(&bridge)), Some(shown_head(&after)));
            tx.record(actor, act);
        }
        let act = act("bridge.routes-saved", id, &name, Some(shown_routes(&bridge)), Some(shown_routes(&after)));
        tx.record(actor, act);
        commit(tx).await
    }

    /// Name, Space and region as they shall be; those of the bridge where no draft is given.
    async fn head_of(
        &self,
        db: &mut store::PgConnection,
        actor: &Actor,
        bridge: &Bridge,
        draft: Option<&BridgeDraft>,
    ) -> Result<(Title, Space, Region)> {
        let Some(draft) = draft else {
            return Ok((bridge.name.clone(), bridge.space.clone(), bridge.region.clone()));
        };
        let (name, region) = self.parse_bridge(draft)?;
        let space = find_space(db, &draft.space).await?;
        actor.require(Right::ActIn(space.id), db).await?;
        if (space.id, &region) != (bridge.space.id, &bridge.region) && bridge.desired != Desired::Draft {
            return Err(moves_only_as_draft());
        }
        Ok((name, space, region))
    }

    /// The statements to be added to the queues' policies.
    pub async fn bridge_policy(&self, actor: &Actor, id: BridgeId, format: PolicyFormat) -> Result<BridgePolicy> {
        let bridge = self.find_bridge_for(&mut *self.read().await?, actor, id).await?;
        let Some(role_arn) = &bridge.role_arn else {
            return Err(Error::conflict("no-queues", "save the queues first: the policy names the role made then"));
        };
        let checks = checks(&bridge);
        let queues = queues(&bridge)
            .into_iter()
            .map(|(queue, directions)| {
                let statements: Vec<_> =
                    directions.iter().map(|&d| policy::statement(id, role_arn, &queue, d)).collect();
                let present = checks.iter().find(|c| c.queue == queue).and_then(|c| c.attributes.as_ref());
                let (merged, problem) = match present.map(|a| policy::merge(a.policy.as_deref(), &statements)) {
                    None => (None, None),
                    Some(Ok(merged)) => (Some(merged), None),
                    Some(Err(error)) => (None, Some(error.to_string())),
                };
                let snippet = policy::render(format, &statements).map_err(Error::internal)?;
                Ok(QueuePolicy {
                    queue,
                    directions,
                    statement: snippet.text,
                    warning: snippet.warning,
                    merged,
                    problem,
                })
            })
            .collect::<Result<Vec<_>>>()?;
        let settles = bridge.role_changed_at.map(|at| at + ROLE_SETTLES).filter(|at| *at > OffsetDateTime::now_utc());
        Ok(BridgePolicy { queues, role_settles_at: settles })
    }

    /// Asks AWS, queue by queue and action by action, whether the bridge may do what it needs. Receives and sends
    /// nothing.
    pub async fn check_bridge(&self, actor: &Actor, id: BridgeId) -> Result<Vec<QueueCheck>> {
        let aws = self.aws()?.clone();
        let bridge = self.find_bridge_for(&mut *self.read().await?, actor, id).await?;
        let Some(role_arn) = bridge.role_arn.clone() else {
            return Err(Error::conflict("no-queues", "save the queues first: there is nothing to check yet"));
        };
        let queues = queues(&bridge);
        let known = checks(&bridge);
        let mut changed = self.allow_foreign(&aws, id, &queues, &known).await?;
        let role_age = match bridge.role_changed_at {
            Some(at) if !changed => Duration::try_from(OffsetDateTime::now_utc() - at).unwrap_or_default(),
            _ => Duration::ZERO,
        };
        let checks = futures::future::join_all(queues.iter().map(|(queue, directions)| {
            aws.check_queue(id, &bridge.external_id, &role_arn, queue, directions, role_age)
        }))
        .await;
        // A queue's key is known only now; the role needs it in its policy when the queue is another account's.
        changed |= self.allow_foreign(&aws, id, &queues, &checks).await?;
        let value = serde_json::to_value(&checks).map_err(Error::internal)?;
        let mut tx = self.begin().await?;
        self.bridge_to_change(&mut tx, actor, id, None).await?;
        if !store::bridges::set_checked(&mut tx, id, bridge.version, &value).await? {
            return Err(stale(&mut tx, id.0).await);
        }
        if changed {
            store::bridges::touch_role(&mut tx, id).await?;
        }
        commit(tx).await?;
        Ok(checks)
    }

    /// Queues of other accounts need the role's own policy as well; queues of this account need none.
    async fn allow_foreign(
        &self,
        aws: &Aws,
        id: BridgeId,
        queues: &[(QueueUrl, Vec<Direction>)],
        checks: &[QueueCheck],
    ) -> Result<bool> {
        let key = |queue: &QueueUrl| checks.iter().find(|c| c.queue == *queue)?.attributes.as_ref()?.kms_key.clone();
        let foreign: Vec<_> = queues
            .iter()
            .filter(|(queue, _)| !aws.is_own(queue))
            .flat_map(|(queue, directions)| {
                directions.iter().map(|&direction| ForeignAccess { queue: queue.clone(), direction, key: key(queue) })
            })
            .collect();
        Ok(aws.put_queue_policy(id, &foreign).await?)
    }

    /// Starts a bridge. Every queue must be ready by the newest Check; where a check cannot be made, the member
    /// vouches for the statements instead.
    pub async fn start_bridge(&self, actor: &Actor, id: BridgeId, version: Option<i64>, vouched: bool) -> Result<()> {
        let mut tx = self.begin().await?;
        let bridge = self.bridge_to_change(&mut tx, actor, id, version).await?;
        if bridge.desired == Desired::Running {
            return Ok(());
        }
        require_startable(&bridge, vouched)?;
        store::bridges::set_desired(&mut tx, id, Desired::Running, Status::Provisioning).await?;
        let after = Some(json!({ "vouched": vouched }));
        tx.record(actor, act("bridge.started", id, &bridge.name, None, after));
        commit(tx).await
    }

    /// Stops a bridge. It goes on later where it was.
    pub async fn stop_bridge(&self, actor: &Actor, id: BridgeId, version: Option<i64>) -> Result<()> {
        let mut tx = self.begin().await?;
        let bridge = self.bridge_to_change(&mut tx, actor, id, version).await?;
        if bridge.desired != Desired::Running {
            return Ok(());
        }
        // The status stays until the worker has drained the lanes and says so.
        store::grants::delete_unused_of_bridge(&mut tx, id).await?;
        store::bridges::set_desired(&mut tx, id, Desired::Stopped, bridge.status).await?;
        tx.record(actor, act("bridge.stopped", id, &bridge.name, None, None));
        commit(tx).await
    }

    /// Lets a bridge that is halted because events are gone, go on with the first there is. Nothing else is passed over.
    pub async fn go_on_bridge(&self, actor: &Actor, id: BridgeId, version: Option<i64>) -> Result<()> {
        let mut tx = self.begin().await?;
        let bridge = self.bridge_to_change(&mut tx, actor, id, version).await?;
        if !bridge.gap || bridge.desired != Desired::Running {
            return Err(Error::conflict("no-gap", "the bridge does not wait for a decision on events that are gone"));
        }
        store::bridges::go_on(&mut tx, id).await?;
        let before = Some(json!({ "reason": bridge.status_reason }));
        tx.record(actor, act("bridge.went-on", id, &bridge.name, before, None));
        commit(tx).await
    }

    /// Sets the event aside that a bridge is halted by: it is kept as a dead letter, and what is behind it goes on.
    pub async fn set_event_aside(&self, actor: &Actor, id: BridgeId, version: Option<i64>) -> Result<()> {
        let mut tx = self.begin().await?;
        let bridge = self.bridge_to_change(&mut tx, actor, id, version).await?;
        let Some(place) = bridge.stuck.as_ref().filter(|_| bridge.desired == Desired::Running) else {
            return Err(Error::conflict("not-stuck", "the bridge is not halted by one event alone"));
        };
        store::bridges::set_aside(&mut tx, id, place, &bridge.status_reason).await?;
        let what = Some(json!({ "topic": place.topic, "partition": place.partition, "offset": place.offset }));
        tx.record(actor, act("bridge.event-set-aside", id, &bridge.name, None, what));
        commit(tx).await
    }

    /// Takes a bridge away: its lanes end, then its role and its rows go. What Kafka and the queues hold stays.
    pub async fn delete_bridge(&self, actor: &Actor, id: BridgeId, version: Option<i64>) -> Result<()> {
        let mut tx = self.begin().await?;
        let bridge = self.bridge_to_change(&mut tx, actor, id, version).await?;
        let status = match bridge.desired {
            Desired::Draft => Status::Draft,
            _ => bridge.status,
        };
        store::bridges::set_desired(&mut tx, id, Desired::Deleted, status).await?;
        let before = Some(json!({ "space": bridge.space.name, "region": bridge.region }));
        tx.record(actor, act("bridge.deleted", id, &bridge.name, before, None));
        commit(tx).await
    }

    /// A page of the bridges; drafts only of the actor himself, or for an admin.
    pub async fn list_bridges(&self, actor: &Actor, filter: &BridgeFilter) -> Result<Page<Bridge>> {
        let mut db = self.read().await?;
        let member = actor.require(Right::Look, &mut db).await?;
        let is_admin = actor.require(Right::Administer, &mut db).await.is_ok();
        let drafts = if is_admin { Drafts::All } else { Drafts::Of(member.map(|m| m.id)) };
        Ok(store::bridges::list(&mut db, filter, drafts).await?)
    }

    /// What some bridges have moved, minute by minute; a bridge that moved nothing is left out.
    pub async fn flow_by_bridge(&self, actor: &Actor, bridges: &[BridgeId]) -> Result<HashMap<BridgeId, Minutes>> {
        let mut db = self.read_as(actor, Right::Look).await?;
        Ok(store::traffic::by_bridge(&mut db, bridges).await?)
    }

    /// What the routes of a bridge have moved, minute by minute; a route that moved nothing is left out.
    pub async fn flow_by_route(&self, actor: &Actor, bridge: BridgeId) -> Result<HashMap<RouteId, Minutes>> {
        let mut db = self.read_as(actor, Right::Look).await?;
        Ok(store::traffic::of_bridge(&mut db, bridge).await?)
    }

    /// How far a bridge is behind.
    pub async fn delay_of_bridge(&self, actor: &Actor, bridge: &Bridge) -> Result<Delay> {
        let mut db = self.read_as(actor, Right::Look).await?;
        let minutes = store::traffic::delays_of_bridge(&mut db, bridge.id).await?;
        let kept = store::traffic::shortest_retention(&mut db, bridge.id).await?;
        let inbound = checks(bridge)
            .into_iter()
            .filter(|check| bridge.routes.iter().any(|r| r.queue == check.queue && r.direction == Direction::Inbound));
        let kept = inbound.filter_map(|check| Some(check.attributes?.retention)).chain(kept).min();
        Ok(Delay { minutes, now: bridge.delay, kept })
    }

    /// A bridge to look at. Another member's draft answers as if it did not exist.
    pub async fn load_bridge(&self, actor: &Actor, id: BridgeId) -> Result<Bridge> {
        let mut db = self.read_as(actor, Right::Look).await?;
        visible(&mut db, actor, id).await
    }

    /// Spaces in which the actor may make bridges.
    pub async fn list_spaces_for_bridges(&self, actor: &Actor) -> Result<Vec<Space>> {
        let mut db = self.read().await?;
        let is_admin = actor.require(Right::Administer, &mut db).await.is_ok();
        let member = if is_admin { None } else { actor.member() };
        Ok(store::apps::list_spaces_of_contact(&mut db, member).await?)
    }

    /// The region that new bridges are offered first, and whether bridges can be made at all.
    pub fn home_region(&self) -> Option<&Region> {
        self.parts.aws.as_ref().map(|aws| &aws.settings().region)
    }

    /// Whether all bridges share one role.
    pub fn shares_role(&self) -> bool {
        self.parts.aws.as_ref().is_some_and(|aws| aws.settings().shared_role_arn.is_some())
    }

    fn aws(&self) -> Result<&Aws> {
        self.parts.aws.as_ref().ok_or_else(|| {
            Error::conflict(
                "no-aws",
                "this installation is not connected to AWS: the operator sets [aws] in its configuration",
            )
        })
    }

    fn parse_bridge(&self, draft: &BridgeDraft) -> Result<(Title, Region)> {
        let mut check = Check::default();
        let name = check.parse::<Title>("name", &draft.name);
        let region = check.parse::<Region>("region", &draft.region);
        if let (Some(region), Some(home)) = (&region, self.home_region())
            && region.partition() != home.partition()
        {
            check.add("region", format!("must be of the AWS partition {}", home.partition().as_str()));
        }
        match (name, region) {
            (Some(name), Some(region)) => check.finish().map(|()| (name, region)),
            _ => Err(check.refuse()),
        }
    }

    /// A bridge that the actor may act for.
    async fn find_bridge_for(&self, db: &mut store::PgConnection, actor: &Actor, id: BridgeId) -> Result<Bridge> {
        actor.require(Right::Look, db).await?;
        let bridge = visible(db, actor, id).await?;
        actor.require(Right::ActIn(bridge.space.id), db).await?;
        Ok(bridge)
    }

    /// The same, locked, and of the version that was looked at.
    async fn bridge_to_change(
        &self,
        db: &mut store::PgConnection,
        actor: &Actor,
        id: BridgeId,
        version: Option<i64>,
    ) -> Result<Bridge> {
        store::bridges::lock(db, id).await?;
        let bridge = self.find_bridge_for(db, actor, id).await?;
        if bridge.desired == Desired::Deleted {
            return Err(Error::NotFound("bridge"));
        }
        if version.is_some_and(|v| v != bridge.version) {
            return Err(stale(db, id.0).await);
        }
        Ok(bridge)
    }

    async fn parse_routes(
        &self,
        db: &mut store::PgConnection,
        space: &Space,
        region: &Region,
        routes: &[RouteDraft],
    ) -> Result<Vec<ParsedRoute>> {
        let mut wrong = Vec::new();
        if routes.len() > MAX_ROUTES {
            wrong.push(FieldError::new("routes", format!("may be at most {MAX_ROUTES}")));
        }
        let (mut parsed, mut seen) = (Vec::<ParsedRoute>::new(), BTreeSet::new());
        for (i, route) in routes.iter().take(MAX_ROUTES).enumerate() {
            let field = |name: &str| format!("routes/{i}/{name}");
            let queue = match route.queue_url.parse::<QueueUrl>() {
                Ok(queue) => queue.require_region(region).map(|()| queue),
                Err(error) => Err(error),
            };
            let queue = queue.map_err(|e| wrong.push(FieldError::new(field("queue_url"), e))).ok();
            let event = store::catalogue::find_event(db, &route.service, &route.event).await?;
            let Some(event) = event else {
                let why = format!("names an event that {} does not have", route.service);
                wrong.push(FieldError::new(field("event"), why));
                continue;
            };
            if !store::catalogue::has_topic(db, event.channel, space.id).await? {
                let why = format!("does not flow in {}: deploy an app that publishes it there first", space.name);
                wrong.push(FieldError::new(field("event"), why));
                continue;
            }
            // A bridge is outside every app: what its contract lets others do holds for it.
            let (may, verb) = match route.direction {
                Direction::Outbound => (event.app_sends, "subscribe to"),
                Direction::Inbound => (event.app_receives, "publish"),
            };
            if !may {
                let why = format!("cannot be chosen: the contract does not let others {verb} {}", event.name);
                wrong.push(FieldError::new(field("direction"), why));
            }
            if !seen.insert((event.id, route.direction)) {
                wrong.push(FieldError::new(field("direction"), "is there already for this event"));
            }
            if let Some(queue) = queue {
                let opposite = parsed.iter().any(|p| p.queue == queue && p.direction != route.direction);
                if opposite {
                    let why = "is used in the other direction too: events would go round for ever; use two queues";
                    wrong.push(FieldError::new(field("queue_url"), why));
                }
                if let Some(why) = route.mode.refusal(route.direction, queue.is_fifo()) {
                    wrong.push(FieldError::new(field("mode"), why));
                }
                let (owner, direction, mode) = (event.app, route.direction, route.mode);
                parsed.push(ParsedRoute { event: event.id, owner, direction, queue, mode, open: may });
            }
        }
        if wrong.is_empty() { Ok(parsed) } else { Err(Error::Invalid(wrong)) }
    }

    /// Whether the grant of a route comes with it: by default access, or because the actor decides over the event.
    async fn may_grant(&self, db: &mut store::PgConnection, actor: &Actor, route: &ParsedRoute) -> Result<bool> {
        if self.parts.default_access.bridges && route.open {
            return Ok(true);
        }
        let right = route.owner.map_or(Right::Administer, Right::ActFor);
        match actor.require(right, db).await {
            Ok(_) => Ok(true),
            Err(Error::Forbidden(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

struct ParsedRoute {
    event: EventId,
    owner: Option<crate::domain::ids::AppId>,
    direction: Direction,
    queue: QueueUrl,
    mode: Mode,
    open: bool,
}

async fn find_space(db: &mut store::PgConnection, name: &str) -> Result<Space> {
    let missing = || Error::field("space", "must be one of the Spaces there are");
    store::spaces::find(db, name).await?.ok_or_else(missing)
}

/// A bridge, unless it is a draft that the actor may not know.
pub(super) async fn visible(db: &mut store::PgConnection, actor: &Actor, id: BridgeId) -> Result<Bridge> {
    let bridge = store::bridges::find(db, id).await?.ok_or(Error::NotFound("bridge"))?;
    let own = actor.member().is_some() && bridge.created_by == actor.member();
    if bridge.desired == Desired::Draft && !own && actor.require(Right::Administer, db).await.is_err() {
        return Err(Error::NotFound("bridge"));
    }
    Ok(bridge)
}

/// The newest result of Check, as it was kept.
pub fn checks(bridge: &Bridge) -> Vec<QueueCheck> {
    bridge.checked.clone().and_then(|value| serde_json::from_value(value).ok()).unwrap_or_default()
}

/// The queues of a bridge, each with its directions.
fn queues(bridge: &Bridge) -> Vec<(QueueUrl, Vec<Direction>)> {
    let mut queues = std::collections::BTreeMap::<QueueUrl, BTreeSet<Direction>>::new();
    for route in &bridge.routes {
        queues.entry(route.queue.clone()).or_default().insert(route.direction);
    }
    queues.into_iter().map(|(queue, directions)| (queue, directions.into_iter().collect())).collect()
}

/// Why a bridge cannot be started as it is; `Ok` when it can.
pub fn require_startable(bridge: &Bridge, vouched: bool) -> Result<()> {
    if bridge.routes.is_empty() {
        return Err(Error::conflict("no-routes", "choose at least one business event first"));
    }
    if let Some(route) = bridge.routes.iter().find(|r| !r.granted) {
        return Err(Error::conflict(
            "no-grant",
            format!("the bridge has no access to {} yet: a contact of the app that defines it grants it", route.event),
        ));
    }
    let checks = checks(bridge);
    for (queue, _) in queues(bridge) {
        let name = queue.name();
        let readiness = checks.iter().find(|c| c.queue == queue).map(QueueCheck::readiness);
        let why = match readiness {
            Some(Readiness::Ready) => continue,
            Some(Readiness::Unknown) if vouched => continue,
            Some(Readiness::Unknown) => format!("{name} could not be checked: confirm that its statement was added"),
            Some(Readiness::NotYet) => format!("AWS does not show the access to {name} yet: check again in a minute"),
            Some(Readiness::NotReady) => format!("{name} does not let the bridge in: add the statement, then check"),
            None => format!("{name} was not checked since the queues were saved: check it first"),
        };
        return Err(Error::conflict("queue-not-ready", why));
    }
    Ok(())
}

fn moves_only_as_draft() -> Error {
    Error::conflict(
        "bridge-not-draft",
        "Space and region can only be changed while the bridge is a draft: make another bridge",
    )
}

/// What the history shows of a bridge itself.
fn shown_head(bridge: &Bridge) -> Value {
    json!({ "name": bridge.name, "space": bridge.space.name, "region": bridge.region })
}

/// What the history shows of its routes.
fn shown_routes(bridge: &Bridge) -> Value {
    let shown = |r: &Route| {
        let mut shown =
            json!({ "service": r.service, "event": r.event, "direction": r.direction, "queue_url": r.queue });
        if r.mode != Mode::Usual {
            shown["mode"] = r.mode.as_str().into();
        }
        shown
    };
    json!({ "routes": bridge.routes.iter().map(shown).collect::<Vec<_>>() })
}

fn act(name: &'static str, id: BridgeId, title: &Title, before: Option<Value>, after: Option<Value>) -> Act {
    Act { name, object_kind: "bridge", object_id: id.0, object_name: title.to_string(), before, after }
}

impl From<aws::Error> for Error {
    fn from(error: aws::Error) -> Self {
        tracing::warn!(error = ?error, "AWS did not do it");
        if error.is_transient() {
            Self::Unavailable(error.to_string())
        } else {
            Self::conflict("aws-refused", error.to_string())
        }
    }
}
