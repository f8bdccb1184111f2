//! What has arrived, counted event by event: a byte for each.

use serde::{Deserialize, Serialize};

/// How often each event has arrived.
pub struct Tally {
    attributes: usize,
    times: Vec<u8>,
    sums: Sums,
}

/// What it comes to.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Sums {
    /// Events that have arrived, each counted once.
    pub arrived: u32,
    /// Events that have not.
    pub missing: u32,
    /// How many came besides, of events that had arrived before.
    pub repeated: u32,
    /// How many came with fewer attributes than they had.
    pub reduced: u32,
    /// What came and is no event of ours.
    pub foreign: u32,
}

impl Tally {
    /// Nothing has arrived yet of so many events with so many attributes.
    pub fn new(events: u32, attributes: usize) -> Self {
        let sums = Sums { missing: events, ..Sums::default() };
        Self { attributes, times: vec![0; events as usize], sums }
    }

    /// Counts what arrived: the number of an event and its attributes, or something else.
    pub fn add(&mut self, arrived: Option<(u32, usize)>) {
        let place = arrived.and_then(|(number, count)| Some((self.times.get_mut(number as usize)?, count)));
        let Some((times, count)) = place else {
            self.sums.foreign += 1;
            return;
        };
        if *times == 0 {
            self.sums.arrived += 1;
            self.sums.missing -= 1;
        } else {
            self.sums.repeated += 1;
        }
        *times = times.saturating_add(1);
        self.sums.reduced += u32::from(count < self.attributes);
    }

    /// What it comes to.
    pub fn sums(&self) -> Sums {
        self.sums
    }
}
