//! What of one partition is in flight, and up to where everything is finished.
//!
//! Pure. Refuses to go back: the offset to commit never falls.

use std::collections::VecDeque;

/// The most events of one lane that are received and not yet committed: what a kill can make twice.
pub const MAX_IN_FLIGHT: usize = 1_000;

/// The offsets of one partition that were received and are not committed, in order.
#[derive(Debug)]
pub struct Window {
    /// Received and not committed; ascending.
    open: VecDeque<Slot>,
    /// How many at the front are finished.
    done: usize,
    /// The offset after the last received one.
    next: i64,
    /// The offset that was committed last, or where reading began.
    committed: i64,
}

#[derive(Debug)]
struct Slot {
    offset: i64,
    /// When the event came to its topic: milliseconds since 1970, 0 where that is not known.
    at: i64,
    finished: bool,
}

impl Window {
    /// A window over a partition that is read from `begin` on.
    pub fn new(begin: i64) -> Self {
        Self { open: VecDeque::new(), done: 0, next: begin, committed: begin }
    }

    /// Takes a received offset, of an event that came to its topic `at` this time (milliseconds since 1970, 0 where that
    /// is not known); `false` when it was received before.
    ///
    /// Offsets in between do not exist: compaction and the marks of transactions leave gaps.
    pub fn accept(&mut self, offset: i64, at: i64) -> bool {
        if offset < self.next {
            return false;
        }
        self.open.push_back(Slot { offset, at, finished: false });
        self.next = offset + 1;
        true
    }

    /// Marks an offset as finished: at the destination, among the dead letters, or of no concern.
    pub fn finish(&mut self, offset: i64) {
        if let Ok(at) = self.open.binary_search_by_key(&offset, |slot| slot.offset) {
            self.open[at].finished = true;
        }
        while self.open.get(self.done).is_some_and(|slot| slot.finished) {
            self.done += 1;
        }
    }

    /// The offset to commit: everything before it is finished. `None` when nothing is new since the last commit.
    pub fn to_commit(&self) -> Option<i64> {
        let position = self.open.get(self.done).map_or(self.next, |slot| slot.offset);
        (position > self.committed).then_some(position)
    }

    /// Takes note that `offset` was committed, and gives how many events are no longer in flight.
    pub fn committed(&mut self, offset: i64) -> usize {
        if offset <= self.committed {
            return 0;
        }
        self.committed = offset;
        let before = self.open.len();
        while self.done > 0 && self.open.front().is_some_and(|slot| slot.offset < offset) {
            self.open.pop_front();
            self.done -= 1;
        }
        before - self.open.len()
    }

    /// The offset that was committed last, or where reading began.
    pub fn place(&self) -> i64 {
        self.committed
    }

    /// How many events were received and are not committed.
    pub fn in_flight(&self) -> usize {
        self.open.len()
    }

    /// When the first event that is not finished came to its topic, where there is one and that is known.
    pub fn waiting_since(&self) -> Option<i64> {
        self.open.get(self.done).map(|slot| slot.at).filter(|at| *at > 0)
    }

    /// The highest offset that is finished and not committed.
    pub fn last_finished(&self) -> Option<i64> {
        self.open.iter().rev().find(|slot| slot.finished).map(|slot| slot.offset)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn offsets_that_do_not_exist_hold_nothing_up() {
        let mut window = Window::new(10);
        assert!(window.accept(12, 0) && window.accept(20, 0));
        assert_eq!(window.to_commit(), Some(12), "nothing lies between 10 and 12");
        window.finish(20);
        assert_eq!(window.to_commit(), Some(12));
        window.finish(12);
        assert_eq!(window.to_commit(), Some(21));
        assert_eq!(window.committed(21), 2);
        assert_eq!((window.to_commit(), window.in_flight()), (None, 0));
    }

    #[test]
    fn a_repeated_offset_is_told() {
        let mut window = Window::new(0);
        assert!(window.accept(0, 0));
        assert!(!window.accept(0, 0));
    }

    #[test]
    fn the_first_that_is_not_finished_is_what_waits() {
        let mut window = Window::new(0);
        assert_eq!(window.waiting_since(), None);
        assert!(window.accept(0, 100) && window.accept(1, 200) && window.accept(2, 0));
        window.finish(1);
        assert_eq!(window.waiting_since(), Some(100));
        window.finish(0);
        assert_eq!(window.waiting_since(), None, "when it came is not known");
        window.finish(2);
        assert_eq!(window.waiting_since(), None);
    }

    #[derive(Clone, Debug)]
    enum Step {
        Accept(i64),
        Finish(prop::sample::Index),
        Commit,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (1..4i64).prop_map(Step::Accept),
            any::<prop::sample::Index>().prop_map(Step::Finish),
            Just(Step::Commit),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        /// The naive model: all that was received, all that is finished.
        #[test]
        fn only_what_is_finished_without_a_gap_is_committed(steps in prop::collection::vec(step(), 0..80)) {
            let (mut window, mut next, mut last) = (Window::new(5), 5, 5);
            let (mut received, mut finished) = (BTreeSet::new(), BTreeSet::new());
            for step in steps {
                match step {
                    Step::Accept(gap) => {
                        next += gap;
                        prop_assert!(window.accept(next, 0));
                        received.insert(next);
                    }
                    Step::Finish(which) if !received.is_empty() => {
                        let all: Vec<_> = received.iter().copied().collect();
                        let offset = *which.get(&all);
                        window.finish(offset);
                        finished.insert(offset);
                    }
                    Step::Finish(_) => {}
                    Step::Commit => if let Some(offset) = window.to_commit() {
                        prop_assert!(offset > last, "never lower");
                        prop_assert!(received.range(..offset).all(|o| finished.contains(o)));
                        let expected = received.iter().find(|o| !finished.contains(*o)).copied()
                            .unwrap_or_else(|| received.last().map_or(5, |o| o + 1));
                        prop_assert_eq!(offset, expected, "and all that can be");
                        window.committed(offset);
                        last = offset;
                    }
                }
                prop_assert_eq!(window.in_flight(), received.range(last..).count());
                prop_assert_eq!(window.last_finished(), finished.range(last..).next_back().copied());
            }
        }
    }
}
