//! Which events go into the next request to a queue.
//!
//! Pure. A group (FIFO queues) is in flight in at most one request, with one entry, the earliest that is not
//! delivered; so the order within a group is that of the partition, whatever fails. Where a route is to go in batches,
//! as many of a group's entries go in one request as it holds, in their order: then the queue may take a later one when
//! it refuses an earlier one. Entries without a group go as they come.

use std::{
    collections::{BTreeSet, HashMap, HashSet, VecDeque},
    time::Duration,
};

/// The most entries in a request (*Amazon SQS API Reference*, `SendMessageBatch`).
pub const MAX_ENTRIES: usize = 10;

/// Requests are never made smaller than this many bytes; an entry that is larger goes alone.
const MIN_BYTES: usize = 64 * 1024;

/// Names an event while it is in flight.
pub type Ticket = u64;

/// The events that wait for one queue.
#[derive(Debug)]
pub struct Batcher {
    /// The most bytes in a request.
    max_bytes: usize,
    entries: HashMap<Ticket, Entry>,
    /// What may be sent now, in order.
    ready: VecDeque<Ticket>,
    /// What may be sent again, by when.
    later: BTreeSet<(Duration, Ticket)>,
    groups: HashMap<String, Line>,
}

#[derive(Debug)]
struct Entry {
    group: Option<String>,
    size: usize,
    /// Whether it may go together with others of its group.
    together: bool,
}

/// The entries of a group.
#[derive(Debug, Default)]
struct Line {
    /// All of them in order. The first ones are in flight; where none is, the first is ready, or waits.
    tickets: VecDeque<Ticket>,
    /// How many are in flight.
    sent: usize,
    /// Until when those wait that must be sent again.
    again: Option<Duration>,
}

impl Batcher {
    /// A batcher for requests of at most `max_bytes`.
    pub fn new(max_bytes: usize) -> Self {
        Self {
            max_bytes,
            entries: HashMap::new(),
            ready: VecDeque::new(),
            later: BTreeSet::new(),
            groups: HashMap::new(),
        }
    }

    /// Adds an event of `size` bytes behind all others of its group; `together` says whether it may be in one request
    /// with others of it.
    pub fn push(&mut self, ticket: Ticket, group: Option<String>, size: usize, together: bool) {
        let first = match &group {
            Some(group) => {
                let line = self.groups.entry(group.clone()).or_default();
                line.tickets.push_back(ticket);
                line.tickets.len() == 1
            }
            None => true,
        };
        self.entries.insert(ticket, Entry { group, size, together });
        if first {
            self.ready.push_back(ticket);
        }
    }

    /// Takes the next request's entries; empty when nothing may be sent at the time `now`.
    pub fn take(&mut self, now: Duration) -> Vec<Ticket> {
        while let Some(&(due, ticket)) = self.later.first() {
            if due > now {
                break;
            }
            self.later.pop_first();
            self.ready.push_front(ticket);
        }
        let (mut taken, mut bytes) = (Vec::new(), 0);
        while let Some(&ticket) = self.ready.front() {
            if !self.fits(ticket, &taken, &mut bytes) {
                break;
            }
            self.ready.pop_front();
            taken.push(ticket);
            self.take_others(ticket, &mut taken, &mut bytes);
        }
        taken
    }

    /// Whether one more entry goes into a request, whose bytes are counted.
    fn fits(&self, ticket: Ticket, taken: &[Ticket], bytes: &mut usize) -> bool {
        let size = self.entries.get(&ticket).map_or(0, |entry| entry.size);
        // One that is larger than all of a request goes alone: the queue is the judge of it.
        let fits = taken.is_empty() || (taken.len() < MAX_ENTRIES && *bytes + size <= self.max_bytes);
        *bytes += if fits { size } else { 0 };
        fits
    }

    /// Takes those of a group as well that may go together with its first entry.
    fn take_others(&mut self, first: Ticket, taken: &mut Vec<Ticket>, bytes: &mut usize) {
        let Some(Entry { group: Some(group), together, .. }) = self.entries.get(&first) else { return };
        let mut sent = 1;
        if *together {
            let line = self.groups.get(group).into_iter().flat_map(|line| line.tickets.iter().skip(1));
            for &ticket in line {
                let together = self.entries.get(&ticket).is_some_and(|entry| entry.together);
                if !together || !self.fits(ticket, taken, bytes) {
                    break;
                }
                taken.push(ticket);
                sent += 1;
            }
        }
        if let Some(line) = self.groups.get_mut(group) {
            line.sent = sent;
        }
    }

    /// Takes note that an entry that was taken needs no more sending; the next of its group may go.
    pub fn done(&mut self, ticket: Ticket) {
        let Some(Entry { group: Some(group), .. }) = self.entries.remove(&ticket) else { return };
        if let Some(line) = self.groups.get_mut(&group) {
            line.tickets.retain(|&other| other != ticket);
            line.sent = line.sent.saturating_sub(1);
        }
        self.go_on(&group);
    }

    /// Takes note that an entry that was taken must be sent again, not before `due`.
    pub fn again(&mut self, ticket: Ticket, due: Duration) {
        let Some(entry) = self.entries.get(&ticket) else { return };
        let Some(group) = entry.group.clone() else {
            self.later.insert((due, ticket));
            return;
        };
        if let Some(line) = self.groups.get_mut(&group) {
            line.sent = line.sent.saturating_sub(1);
            line.again = line.again.max(Some(due));
        }
        self.go_on(&group);
    }

    /// Lets the first entry of a group go, once none of it is in flight: when all that were refused may be sent again.
    fn go_on(&mut self, group: &str) {
        let Some(line) = self.groups.get_mut(group).filter(|line| line.sent == 0) else { return };
        match (line.tickets.front(), line.again.take()) {
            (Some(&next), Some(due)) => drop(self.later.insert((due, next))),
            (Some(&next), None) => self.ready.push_back(next),
            (None, _) => drop(self.groups.remove(group)),
        }
    }

    /// Halves what goes into a request: the queue said that it was too much.
    pub fn shrink(&mut self) {
        self.max_bytes = (self.max_bytes / 2).max(MIN_BYTES);
    }

    /// Forgets entries that are not to be sent from here any more. None of them may be in flight.
    pub fn forget(&mut self, gone: &HashSet<Ticket>) {
        self.ready.retain(|ticket| !gone.contains(ticket));
        self.later.retain(|(_, ticket)| !gone.contains(ticket));
        self.entries.retain(|ticket, _| !gone.contains(ticket));
        let ready = &mut self.ready;
        self.groups.retain(|_, line| {
            // Where some are in flight, these are the first.
            let head_gone = line.tickets.front().is_some_and(|ticket| gone.contains(ticket));
            line.tickets.retain(|ticket| !gone.contains(ticket));
            if head_gone {
                ready.extend(line.tickets.front());
            }
            !line.tickets.is_empty()
        });
    }

    /// When something that waits may be sent again; `None` when nothing waits, zero when something is ready.
    pub fn due(&self) -> Option<Duration> {
        if self.ready.is_empty() { self.later.first().map(|&(due, _)| due) } else { Some(Duration::ZERO) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::ZERO;

    #[test]
    fn a_request_has_ten_entries_and_a_sum() {
        let mut batcher = Batcher::new(100);
        (0..12).for_each(|ticket| batcher.push(ticket, None, 1, false));
        assert_eq!(batcher.take(NOW).len(), 10);
        assert_eq!(batcher.take(NOW), [10, 11]);
        for ticket in [20, 21, 22] {
            batcher.push(ticket, None, 40, false);
        }
        assert_eq!(batcher.take(NOW), [20, 21], "the third would be too much");
        batcher.push(23, None, 101, false);
        assert_eq!(batcher.take(NOW), [22]);
        assert_eq!(batcher.take(NOW), [23], "too large for any request: alone, for the queue to judge");
    }

    #[test]
    fn a_group_is_in_one_request_with_one_entry_in_order() {
        let mut batcher = Batcher::new(1000);
        for (ticket, group) in [(1, "a"), (2, "a"), (3, "b"), (4, "a")] {
            batcher.push(ticket, Some(group.into()), 1, false);
        }
        assert_eq!(batcher.take(NOW), [1, 3]);
        assert!(batcher.take(NOW).is_empty(), "both groups are in flight");
        batcher.done(3);
        batcher.again(1, Duration::from_secs(1));
        assert!(batcher.take(NOW).is_empty(), "2 waits for 1");
        assert_eq!(batcher.due(), Some(Duration::from_secs(1)));
        assert_eq!(batcher.take(Duration::from_secs(1)), [1]);
        batcher.done(1);
        assert_eq!(batcher.take(NOW), [2]);
        batcher.done(2);
        batcher.done(4);
        assert!(batcher.groups.is_empty() && batcher.entries.is_empty());
    }

    #[test]
    fn in_batches_a_group_is_in_one_request_in_order_until_all_of_it_is_answered() {
        let mut batcher = Batcher::new(1000);
        for (ticket, group) in [(1, "a"), (2, "b"), (3, "a"), (4, "a"), (5, "b")] {
            batcher.push(ticket, Some(group.into()), 1, true);
        }
        assert_eq!(batcher.take(NOW), [1, 3, 4, 2, 5]);
        batcher.push(6, Some("a".into()), 1, true);
        batcher.done(1);
        batcher.again(3, Duration::from_secs(2));
        assert!(batcher.take(Duration::from_secs(9)).is_empty(), "4 is in flight");
        batcher.again(4, Duration::from_secs(1));
        assert!(batcher.take(Duration::from_secs(1)).is_empty(), "3 comes before 4");
        assert_eq!(batcher.take(Duration::from_secs(2)), [3, 4, 6]);
        // One that does not go together ends the batch, and goes alone.
        batcher.push(7, Some("b".into()), 1, false);
        batcher.push(8, Some("b".into()), 1, true);
        for ticket in [2, 5, 3, 4, 6] {
            batcher.done(ticket);
        }
        assert_eq!(batcher.take(NOW), [7]);
        batcher.done(7);
        assert_eq!(batcher.take(NOW), [8]);
        batcher.done(8);
        assert!(batcher.groups.is_empty() && batcher.entries.is_empty());
    }

    #[test]
    fn in_batches_a_request_has_no_more_than_ten_entries_and_its_sum() {
        let mut batcher = Batcher::new(30);
        (0..25).for_each(|ticket| batcher.push(ticket, Some("a".into()), if ticket < 12 { 1 } else { 20 }, true));
        assert_eq!(batcher.take(NOW), (0..10).collect::<Vec<_>>());
        (0..10).for_each(|ticket| batcher.done(ticket));
        assert_eq!(batcher.take(NOW), [10, 11, 12]);
        batcher.forget(&(13..25).collect());
        for ticket in [10, 11, 12] {
            batcher.done(ticket);
        }
        assert!(batcher.groups.is_empty() && batcher.entries.is_empty());
    }

    #[test]
    fn what_is_forgotten_lets_the_next_of_its_group_go() {
        let mut batcher = Batcher::new(1000);
        for (ticket, group) in [(1, Some("a")), (2, Some("a")), (3, Some("a")), (4, None)] {
            batcher.push(ticket, group.map(str::to_owned), 1, false);
        }
        batcher.forget(&HashSet::from([1, 3, 4]));
        assert_eq!(batcher.take(NOW), [2]);
        batcher.done(2);
        assert!(batcher.groups.is_empty() && batcher.entries.is_empty());
    }
}
