//! Messages to be received: made when they are asked for, all at once or at a pace, and again where they are not
//! deleted.

use std::{collections::HashMap, time::Duration};

use tokio::time::Instant;

use super::Setup;
use crate::event;

/// How long until is looked again, where nothing is known of when there will be more.
const LOOK: Duration = Duration::from_millis(20);

/// What there is to receive.
pub struct Supply {
    events: u32,
    warm: u32,
    pace: Option<Duration>,
    opened: Instant,
    /// The same moment, in microseconds since 1970.
    opened_at: u64,
    begun: Option<Instant>,
    next: u32,
    /// Until when those are hidden that were received and not deleted.
    hidden: HashMap<u32, Instant>,
    deleted: Vec<bool>,
    gone: u32,
}

impl Supply {
    /// Nothing was received yet.
    pub fn new(setup: &Setup) -> Self {
        let Setup { events, warm, .. } = *setup;
        Self {
            events,
            warm,
            pace: setup.pace_us.map(Duration::from_micros),
            opened: Instant::now(),
            opened_at: event::now(),
            begun: None,
            next: 0,
            hidden: HashMap::new(),
            deleted: vec![false; events as usize],
            gone: 0,
        }
    }

    /// From now on messages come at their pace.
    pub fn begin(&mut self) {
        self.begun = Some(Instant::now());
    }

    /// When a message is there; `None` where that is not known yet.
    fn due(&self, number: u32) -> Option<Instant> {
        match self.pace {
            Some(pace) if number >= self.warm => Some(self.begun? + pace * (number - self.warm)),
            _ => Some(self.opened),
        }
    }

    /// Takes some messages, which are then hidden for so long: their numbers, and when they came into the queue, in
    /// microseconds since 1970.
    pub fn take(&mut self, most: usize, hide: Duration, now: Instant) -> Vec<(u32, u64)> {
        let mut taken = Vec::with_capacity(most);
        while taken.len() < most && self.next < self.events {
            let Some(due) = self.due(self.next).filter(|due| *due <= now) else { break };
            taken.push((self.next, self.at(due)));
            self.next += 1;
        }
        if taken.is_empty() && self.next == self.events {
            let back = self.hidden.iter().filter(|(_, until)| **until <= now);
            taken.extend(back.map(|(number, _)| (*number, self.opened_at)).take(most));
        }
        self.hidden.extend(taken.iter().map(|(number, _)| (*number, now + hide)));
        taken
    }

    /// When to look again for more.
    pub fn again(&self, now: Instant) -> Instant {
        let due = if self.next < self.events { self.due(self.next) } else { None };
        due.map_or(now + LOOK, |due| due.min(now + LOOK))
    }

    /// Deletes a message; one that is gone already stays so.
    pub fn delete(&mut self, number: u32) {
        self.hidden.remove(&number);
        if let Some(deleted) = self.deleted.get_mut(number as usize)
            && !*deleted
        {
            *deleted = true;
            self.gone += 1;
        }
    }

    /// Hides a message for so long from now on.
    pub fn hide(&mut self, number: u32, time: Duration) {
        if let Some(until) = self.hidden.get_mut(&number) {
            *until = Instant::now() + time;
        }
    }

    /// How many were deleted.
    pub fn gone(&self) -> u32 {
        self.gone
    }

    fn at(&self, due: Instant) -> u64 {
        let since = u64::try_from((due - self.opened).as_micros()).unwrap_or(u64::MAX);
        self.opened_at.saturating_add(since)
    }
}
