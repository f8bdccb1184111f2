//! Which consumer groups environments have, and how far they have come: looked at together with the traffic.
//!
//! Only groups that begin with the group prefix of an environment with credentials are looked at; of what other groups
//! there are, nothing but the name is ever read. However many there are, the loop of the reconciler does not wait for
//! them: they are looked at a few hundred at a time, each time is written down by itself, and what was not reached comes
//! first the next time.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::Error;
use crate::{
    domain::{
        ids::{ChannelId, EnvironmentId, SpaceId},
        principal::user_of_group,
    },
    kafka::admin::{Admin, Group, TopicLag},
    store::{
        self, PgPool,
        groups::{self, Seen},
    },
};

/// Groups of an environment that are looked at: those that somebody is in first. An app that makes a new group at each
/// start leaves them behind by the hundred.
const OF_ENVIRONMENT: usize = 50;

/// Groups that are looked at at a time.
const AT_A_TIME: usize = 500;

/// The longest name of a group that is looked at. Kafka takes far longer ones; an index of Postgres does not.
const NAME: usize = 255;

/// Topics of channels, by name.
pub type Topics = BTreeMap<String, (ChannelId, SpaceId)>;

/// Looks at groups.
#[derive(Debug, Default)]
pub struct Groups {
    /// The last group that was looked at: the next look begins behind it.
    last: String,
}

impl Groups {
    /// Looks at all of them, and at how far they have come in these topics. May be dropped at any point.
    pub async fn look(&mut self, pool: &PgPool, admin: &Admin, topics: &Topics) -> Result<(), Error> {
        let owners = groups::list_owners(pool).await?;
        if owners.is_empty() {
            return Ok(());
        }
        let mut ours = of_environments(admin.groups().await?, &owners);
        note_listed(pool, &ours).await?;
        let names: BTreeSet<_> = topics.keys().cloned().collect();
        let behind = ours.partition_point(|(_, group)| group.id <= self.last);
        ours.rotate_left(behind);
        for some in ours.chunks(AT_A_TIME) {
            let listed: Vec<_> = some.iter().map(|(_, group)| group.clone()).collect();
            let found = admin.lags(&listed, &names).await?;
            note_lags(pool, some, &found, topics).await?;
            if let Some(last) = listed.last() {
                self.last.clone_from(&last.id);
            }
        }
        Ok(())
    }
}

/// The groups of environments among all there are, by name.
fn of_environments(all: Vec<Group>, owners: &HashMap<String, EnvironmentId>) -> Vec<(EnvironmentId, Group)> {
    let mut by_owner = BTreeMap::<EnvironmentId, Vec<Group>>::new();
    for group in all {
        let owner = user_of_group(&group.id).and_then(|user| owners.get(user)).copied();
        // Postgres takes no U+0000.
        let is_plain = group.id.len() <= NAME && !group.id.chars().any(char::is_control);
        if let Some(owner) = owner.filter(|_| is_plain && group.is_of_consumers()) {
            by_owner.entry(owner).or_default().push(group);
        }
    }
    let mut ours = Vec::new();
    for (owner, mut groups) in by_owner {
        groups.sort_by(|a, b| (!a.has_members(), &a.id).cmp(&(!b.has_members(), &b.id)));
        groups.truncate(OF_ENVIRONMENT);
        ours.extend(groups.into_iter().map(|group| (owner, group)));
    }
    ours.sort_by(|(_, a), (_, b)| a.id.cmp(&b.id));
    ours
}

/// Writes down which groups there are, and whose clients are there.
async fn note_listed(pool: &PgPool, ours: &[(EnvironmentId, Group)]) -> Result<(), Error> {
    let names: Vec<_> = ours.iter().map(|(owner, group)| (*owner, group.id.clone())).collect();
    let present = ours.iter().filter(|(_, group)| group.has_members()).map(|(owner, _)| *owner);
    let present: Vec<_> = present.collect::<BTreeSet<_>>().into_iter().collect();
    let mut tx = store::begin(pool).await?;
    groups::keep_only(&mut tx, &names).await?;
    groups::note_present(&mut tx, &present).await?;
    tx.commit().await.map_err(store::Error::from)?;
    Ok(())
}

/// Writes down how far some of them have come. Those of which that is not known stay as they were.
async fn note_lags(
    pool: &PgPool,
    some: &[(EnvironmentId, Group)],
    found: &BTreeMap<String, Vec<TopicLag>>,
    topics: &Topics,
) -> Result<(), Error> {
    let (mut known, mut seen) = (Vec::new(), Vec::new());
    for (owner, group) in some {
        let Some(lags) = found.get(&group.id) else { continue };
        known.push((*owner, group.id.clone()));
        seen.extend(lags.iter().filter_map(|lag| {
            let (channel, space) = *topics.get(&lag.topic)?;
            let members = i32::try_from(lag.members).unwrap_or(i32::MAX);
            Some(Seen { environment: *owner, group: group.id.clone(), channel, space, members, lag: lag.lag })
        }));
    }
    let mut tx = store::begin(pool).await?;
    groups::note(&mut tx, &known, &seen).await?;
    tx.commit().await.map_err(store::Error::from)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn group(id: impl Into<String>, state: &str) -> Group {
        Group { id: id.into(), kind: "classic".into(), state: state.into(), coordinator: 1 }
    }

    fn found(all: Vec<Group>) -> Vec<String> {
        let owners = HashMap::from([("shop.test".to_owned(), EnvironmentId(Uuid::nil()))]);
        of_environments(all, &owners).into_iter().map(|(_, group)| group.id).collect()
    }

    #[test]
    fn groups_of_others_are_not_looked_at() {
        let shares = Group { kind: "share".into(), ..group("shop.test.shares", "Stable") };
        let all = ["shop.test.b", "shop.testing.a", "shop.test", "shop", "ebm.bridge.1", "shop.test.a", "shop.test.\0"];
        let all = all
            .into_iter()
            .map(|id| group(id, "Stable"))
            .chain([shares, group(format!("shop.test.{}", "x".repeat(300)), "Stable")]);
        assert_eq!(found(all.collect()), ["shop.test.a", "shop.test.b"]);
    }

    #[test]
    fn of_very_many_groups_those_that_somebody_is_in_come_first() {
        let mut all: Vec<_> = (0..1000).map(|n| group(format!("shop.test.{n:03}"), "Empty")).collect();
        all.push(group("shop.test.zebra", "Stable"));
        let found = found(all);
        assert_eq!((found.len(), found[0].as_str()), (OF_ENVIRONMENT, "shop.test.000"));
        assert_eq!(found.last().unwrap(), "shop.test.zebra");
    }
}
