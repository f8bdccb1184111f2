//! The numbers of a ledger.

use std::fmt;

/// What the columns of a line are.
pub const HEAD: &str = "|      sent |   missing | duplicates | out of order |   corrupt |   foreign |";

/// What became of the events that were sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Events sent.
    pub sent: usize,
    /// Of these, events that did not come.
    pub missing: usize,
    /// Arrivals of events that had come before.
    pub duplicates: usize,
    /// First arrivals after that of a later event of their key.
    pub out_of_order: usize,
    /// Arrivals whose key, data or attributes are not those sent; but for the counter of hops.
    pub corrupt: usize,
    /// Arrivals that nobody sent, or that are no events.
    pub foreign: usize,
}

/// A line of a table.
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sent, missing, duplicates, out_of_order, corrupt, foreign } = self;
        write!(f, "| {sent:>9} | {missing:>9} | {duplicates:>10} | {out_of_order:>12} | {corrupt:>9} | {foreign:>9} |")
    }
}
