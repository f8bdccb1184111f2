//! The first page: what needs someone, how much there is, what was done last.

use std::collections::BTreeMap;

use super::{Actor, Manager, Minutes, Result, actor::Right, catalogue::ListedSpace, cluster::find_report};
use crate::{
    domain::{
        isolation::{Check, Isolation, Severity},
        names::AppKey,
    },
    store::{self, changes::Change},
};

pub use store::overview::{Bridge as BridgeInNeed, Counts, Environment as EnvironmentInNeed, Topic as TopicInNeed};

/// Rows of each kind at most: who has more to do than this begins with these.
const MOST: i64 = 25;
/// Spaces shown.
const SPACES: usize = 8;
/// Changes shown.
const CHANGES: i64 = 8;

/// What the first page shows.
#[derive(Clone, Debug)]
pub struct Overview {
    /// How much there is.
    pub counts: Counts,
    /// Bridges that do not fare as they should.
    pub bridges: Vec<BridgeInNeed>,
    /// Topics that Kafka does not follow.
    pub topics: Vec<TopicInNeed>,
    /// Environments that are not where they should be.
    pub environments: Vec<EnvironmentInNeed>,
    /// Apps that are enabled while none of their environments is.
    pub idle_apps: Vec<AppKey>,
    /// What the cluster has: each kind of finding that nobody has answered, and how many of it.
    pub findings: BTreeMap<String, usize>,
    /// Whether Kafka keeps the Spaces apart.
    pub isolation: Isolation,
    /// What else is not as it has to be in Kafka.
    pub warnings: Vec<Check>,
    /// The Spaces with most traffic, and what was produced in them in the last hour.
    pub spaces: Vec<(ListedSpace, Minutes)>,
    /// The newest changes.
    pub changes: Vec<Change>,
    /// Whether bridges can be made in this installation.
    pub can_bridge: bool,
}

impl Overview {
    /// Whether there may be more in need than is shown.
    pub fn is_cut(&self) -> bool {
        let full = |len: usize| i64::try_from(len).is_ok_and(|len| len >= MOST);
        full(self.bridges.len())
            || full(self.topics.len())
            || full(self.environments.len())
            || full(self.idle_apps.len())
    }
}

impl Manager {
    /// What needs someone, how much there is, what was done last. Asks the database alone.
    pub async fn load_overview(&self, actor: &Actor) -> Result<Overview> {
        let mut db = self.read_as(actor, Right::Look).await?;
        let mut flow = store::traffic::by_space(&mut db).await?;
        let spaces = store::spaces::list(&mut db).await?.into_iter();
        let mut spaces: Vec<_> = spaces
            .map(|listed| {
                let minutes = flow.remove(&listed.space.id).unwrap_or_default();
                (listed, minutes)
            })
            .collect();
        spaces.sort_by_key(|(_, minutes)| std::cmp::Reverse(minutes.0.iter().sum::<i64>()));
        spaces.truncate(SPACES);
        let report = find_report(&mut db).await?.map(|(_, report)| report).unwrap_or_default();
        let isolation = report.isolation();
        let warnings = report.checks.into_iter().filter(|check| check.is_amiss(Severity::Warning)).collect();
        let mut findings = BTreeMap::new();
        for finding in report.findings.into_iter().filter(|finding| finding.decision.is_none()) {
            *findings.entry(finding.kind).or_default() += 1;
        }
        let newest = store::changes::Filter { limit: CHANGES, ..Default::default() };
        Ok(Overview {
            findings,
            isolation,
            warnings,
            spaces,
            counts: store::overview::count(&mut db).await?,
            bridges: store::overview::list_bridges(&mut db, MOST).await?,
            topics: store::overview::list_topics(&mut db, MOST).await?,
            environments: store::overview::list_environments(&mut db, MOST).await?,
            idle_apps: store::overview::list_idle_apps(&mut db, MOST).await?,
            changes: store::changes::list(&mut db, &newest).await?.items,
            can_bridge: self.home_region().is_some(),
        })
    }
}
