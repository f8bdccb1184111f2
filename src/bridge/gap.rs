//! How far topics are read: what is gone of them, whether anything is left; and going on without events that are gone,
//! once people have said so.
//!
//! A gap: records were deleted before they were read, or their topic was deleted and made again. Refuses to pass over
//! anything that is still there.

use std::{collections::BTreeMap, ops::Range, sync::Arc};

use uuid::Uuid;

use super::{
    hibernation::Ends,
    lane::{self, Start},
    means::Means,
    report::Step,
    start::{Trouble, of_database, of_kafka},
};
use crate::{
    domain::ids::ChannelId,
    kafka::stream::{self, Offset, Partition, probe},
    store::lanes::{self, Route, Starts},
};

/// Where a route goes on, and which places of the group have to go back for it.
#[derive(Debug, PartialEq, Eq)]
struct Way {
    starts: Starts,
    back: BTreeMap<i32, i64>,
}

impl Way {
    /// `place` gives how far the group has come in a partition.
    fn find(
        route: &Route,
        topic: Uuid,
        ranges: &BTreeMap<i32, Range<i64>>,
        place: impl Fn(i32) -> Option<i64>,
    ) -> Self {
        let is_same = route.topic.is_none_or(|known| known == topic);
        let mut way =
            Self { starts: if is_same { route.starts.clone() } else { Starts::new() }, back: BTreeMap::new() };
        for (&partition, range) in ranges {
            let start = if is_same { route.starts.get(&partition).copied() } else { None };
            let place = place(partition);
            // Nothing was read there yet, and what is there is not this route's.
            let Some(start) = start.map_or(Some(0), |kept| kept.or(place)) else { continue };
            let reached = place.unwrap_or(0).max(start);
            // A log that ends before the place is another log.
            let is_other = !is_same || reached > range.end;
            if is_other || reached < range.start {
                way.starts.insert(partition, Some(range.start));
            }
            if is_other && place.is_some_and(|place| place > range.start) {
                way.back.insert(partition, range.start);
            }
        }
        way
    }
}

/// Where these topics end, if all of them are read up to there.
pub fn nothing<'a>(
    topics: impl Iterator<Item = &'a Arc<str>>,
    routes: &[lane::Route],
    found: &probe::Findings,
) -> Option<Ends> {
    if routes.iter().flat_map(|route| route.starts.values()).any(|start| matches!(start, Start::NotBefore(_))) {
        return None;
    }
    let mut all = Ends::new();
    for topic in topics {
        let (starts, ranges) = (lane::begins(routes, topic), found.ranges.get(topic)?);
        let place = |number| found.place(&Partition { topic: topic.clone(), number }, starts.get(&number).copied());
        if ranges.iter().any(|(&number, range)| place(number) < range.end) {
            return None;
        }
        all.insert(topic.clone(), ranges.iter().map(|(&number, range)| (number, range.end)).collect());
    }
    Some(all)
}

/// What is gone of a topic that is to be read from `starts` on, where nothing was committed beyond.
pub fn find(topic: &Arc<str>, starts: &BTreeMap<i32, i64>, found: &probe::Findings) -> Option<stream::Error> {
    found.ranges.get(topic)?.iter().find_map(|(&number, range)| {
        let partition = Partition { topic: topic.clone(), number };
        let wanted = found.place(&partition, starts.get(&number).copied());
        if wanted < range.start {
            let (first, missing) = (range.start, range.start - wanted);
            return Some(stream::Error::Gap { partition, wanted, first, missing });
        }
        (wanted > range.end).then_some(stream::Error::Recreated { partition, wanted, end: range.end })
    })
}

/// Lets the routes of which people have said so go on with the first event there is. Gives them as they are then, and
/// puts right how far the group has come.
///
/// # Errors
/// Those of Kafka and of the database: nothing is passed over, and it is tried again.
pub async fn go_on(
    mut routes: Vec<Route>,
    means: &Means,
    group: &str,
    topic_of: impl Fn(ChannelId) -> Arc<str>,
    found: &mut probe::Findings,
) -> Result<Vec<Route>, Trouble> {
    for route in routes.iter_mut().filter(|route| route.goes_on) {
        let topic = topic_of(route.channel);
        let (Some(&id), Some(ranges)) = (found.ids.get(&topic), found.ranges.get(&topic)) else { continue };
        let at = |number| Partition { topic: topic.clone(), number };
        let way = Way::find(route, id, ranges, |number| found.committed.get(&at(number)).copied());
        let back: Vec<_> = way.back.iter().map(|(&number, &offset)| Offset { partition: at(number), offset }).collect();
        if !back.is_empty() {
            // Kafka lets nobody do it while a worker is in the group: all of them leave it for that.
            let refused = |error| Trouble { must_rest: true, ..of_kafka(&error, Step::Kafka) };
            probe::put_back(&means.kafka, group, back.clone()).await.map_err(refused)?;
            found.committed.extend(back.into_iter().map(|place| (place.partition, place.offset)));
        }
        lanes::go_on(&means.pool, route.id, id, &way.starts).await.map_err(|error| of_database(&error, Step::Kafka))?;
        tracing::info!(route = %route.id.0, starts = ?way.starts, "a route goes on without events that are gone");
        (route.topic, route.starts, route.goes_on) = (Some(id), way.starts, false);
    }
    Ok(routes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        bridge::{Direction, Mode},
        ids::RouteId,
    };

    const SAME: Uuid = Uuid::from_u128(1);

    fn route(starts: &[(i32, Option<i64>)]) -> Route {
        Route {
            id: RouteId(Uuid::nil()),
            kind: "order.placed".into(),
            channel: ChannelId(Uuid::nil()),
            direction: Direction::Outbound,
            queue: String::new(),
            mode: Mode::Usual,
            topic: Some(SAME),
            starts: starts.iter().copied().collect(),
            goes_on: true,
        }
    }

    fn find(
        route: &Route,
        topic: Uuid,
        ranges: &[Range<i64>],
        places: &[Option<i64>],
    ) -> (Vec<Option<i64>>, Vec<(i32, i64)>) {
        let ranges: BTreeMap<_, _> = (0..).zip(ranges.iter().cloned()).collect();
        let way = Way::find(route, topic, &ranges, |number| places[usize::try_from(number).unwrap()]);
        (way.starts.values().copied().collect(), way.back.into_iter().collect())
    }

    #[test]
    fn only_where_records_are_gone_it_goes_on_with_the_first_there_is() {
        let route = route(&[(0, Some(5)), (1, Some(5)), (2, Some(5)), (3, None)]);
        let ranges = [30..90, 30..90, 30..90, 30..90];
        let (starts, back) = find(&route, SAME, &ranges, &[Some(20), Some(30), None, None]);
        assert_eq!(starts, [Some(30), Some(5), Some(30), None]);
        assert!(back.is_empty());
    }

    #[test]
    fn what_is_gone_is_found_before_anything_is_read() {
        let topic: Arc<str> = "orders".into();
        let gap = |starts: &[(i32, i64)], committed: Option<i64>, range: Range<i64>| {
            let at = Partition { topic: topic.clone(), number: 0 };
            let found = probe::Findings {
                cluster: String::new(),
                ids: [].into(),
                ranges: [(topic.clone(), BTreeMap::from([(0, range)]))].into(),
                committed: committed.map(|offset| (at, offset)).into_iter().collect(),
                refused: [].into(),
            };
            super::find(&topic, &starts.iter().copied().collect(), &found)
        };
        assert_eq!(gap(&[(0, 5)], None, 5..9), None);
        assert_eq!(gap(&[(0, 5)], Some(7), 7..7), None);
        assert!(matches!(gap(&[(0, 5)], Some(7), 8..9), Some(stream::Error::Gap { missing: 1, .. })));
        assert!(matches!(gap(&[(0, 5)], None, 0..4), Some(stream::Error::Recreated { end: 4, .. })));
        assert!(matches!(gap(&[], None, 3..4), Some(stream::Error::Gap { missing: 3, .. })), "an added partition");
    }

    #[test]
    fn a_partition_that_was_added_begins_with_its_first_record() {
        let (starts, _) = find(&route(&[(0, Some(5))]), SAME, &[0..9, 3..9], &[Some(7), None]);
        assert_eq!(starts, [Some(5), Some(3)]);
    }

    #[test]
    fn another_topic_is_read_from_its_first_record_on() {
        let (starts, back) =
            find(&route(&[(0, Some(50)), (1, Some(50))]), Uuid::from_u128(2), &[0..90, 4..9], &[Some(60), None]);
        assert_eq!(starts, [Some(0), Some(4)]);
        assert_eq!(
            back,
            [(0, 0)],
            "what was committed counts in a log that is not there any more, or passed over some of it"
        );
    }

    #[test]
    fn a_log_that_ends_before_the_place_is_read_from_its_first_record_on() {
        let (starts, back) = find(&route(&[(0, Some(5)), (1, Some(5))]), SAME, &[0..40, 0..40], &[Some(60), Some(40)]);
        assert_eq!((starts, back), (vec![Some(0), Some(5)], vec![(0, 0)]));
    }
}
