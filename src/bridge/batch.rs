//! Which events go into the next request to a queue.
//!
//! Pure. A group (FIFO queues) is in flight in at most one request, with one entry, the earliest that is not
//! delivered; so the order within a group is that of the partition, whatever fails. Entries without a group go as
//! they come.

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
    /// Per group all entries in order; the first is ready, waiting or in flight.
    groups: HashMap<String, VecDeque<Ticket>>,
}

#[derive(Debug)]
struct Entry {
    group: Option<String>,
    size: usize,
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

    /// Adds an event of `size` bytes behind all others of its group.
    pub fn push(&mut self, ticket: Ticket, group: Option<String>, size: usize) {
        let first = match &group {
            Some(group) => {
                let line = self.groups.entry(group.clone()).or_default();
                line.push_back(ticket);
                line.len() == 1
            }
            None => true,
        };
        self.entries.insert(ticket, Entry { group, size });
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
        while let Some(ticket) = self.ready.front() {
            let size = self.entries.get(ticket).map_or(0, |entry| entry.size);
            // One that is larger than all of a request goes alone: the queue is the judge of it.
            if taken.len() == MAX_ENTRIES || (!taken.is_empty() && bytes + size > self.max_bytes) {
                break;
            }
            bytes += size;
            taken.extend(self.ready.pop_front());
        }
        taken
    }

    /// Takes note that an entry needs no more sending; the next of its group may go.
    pub fn done(&mut self, ticket: Ticket) {
        let Some(Entry { group: Some(group), .. }) = self.entries.remove(&ticket) else { return };
        let Some(line) = self.groups.get_mut(&group) else { return };
        line.retain(|&other| other != ticket);
        match line.front() {
            Some(&next) => self.ready.push_back(next),
            None => drop(self.groups.remove(&group)),
        }
    }

    /// Takes note that an entry that was taken must be sent again, not before `due`.
    pub fn again(&mut self, ticket: Ticket, due: Duration) {
        if self.entries.contains_key(&ticket) {
            self.later.insert((due, ticket));
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
            let head_gone = line.front().is_some_and(|ticket| gone.contains(ticket));
            line.retain(|ticket| !gone.contains(ticket));
            if head_gone {
                ready.extend(line.front());
            }
            !line.is_empty()
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
        (0..12).for_each(|ticket| batcher.push(ticket, None, 1));
        assert_eq!(batcher.take(NOW).len(), 10);
        assert_eq!(batcher.take(NOW), [10, 11]);
        for ticket in [20, 21, 22] {
            batcher.push(ticket, None, 40);
        }
        assert_eq!(batcher.take(NOW), [20, 21], "the third would be too much");
        batcher.push(23, None, 101);
        assert_eq!(batcher.take(NOW), [22]);
        assert_eq!(batcher.take(NOW), [23], "too large for any request: alone, for the queue to judge");
    }

    #[test]
    fn a_group_is_in_one_request_with_one_entry_in_order() {
        let mut batcher = Batcher::new(1000);
        for (ticket, group) in [(1, "a"), (2, "a"), (3, "b"), (4, "a")] {
            batcher.push(ticket, Some(group.into()), 1);
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
    fn what_is_forgotten_lets_the_next_of_its_group_go() {
        let mut batcher = Batcher::new(1000);
        for (ticket, group) in [(1, Some("a")), (2, Some("a")), (3, Some("a")), (4, None)] {
            batcher.push(ticket, group.map(str::to_owned), 1);
        }
        batcher.forget(&HashSet::from([1, 3, 4]));
        assert_eq!(batcher.take(NOW), [2]);
        batcher.done(2);
        assert!(batcher.groups.is_empty() && batcher.entries.is_empty());
    }
}
