//! What to do about an error of the other side, and how long to wait before the next try.
//!
//! Pure. Only errors of an *event* make dead letters, and those are found before anything is sent
//! ([`crate::domain::cloud_event::Undeliverable`]); whatever the queue says, the event is kept and tried again.

use std::time::Duration;

/// What went wrong with a call or with one entry of it. Each text is whole: what happened and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Too many calls or messages for now, or more in flight than the queue allows.
    #[error("SQS asks to slow down")]
    Throttled,
    /// The service has a fault of its own.
    #[error("{0}")]
    Unavailable(String),
    /// No answer: whether the call had an effect is not known.
    #[error("{0}")]
    Unreachable(String),
    /// The bridge's role may not be assumed.
    #[error("{0}")]
    Role(String),
    /// The role may not do it.
    #[error("{0}")]
    AccessDenied(String),
    /// The queue is not there, or not for this role.
    #[error("{0}")]
    QueueGone(String),
    /// The queue's encryption key cannot be used.
    #[error("{0}")]
    Key(String),
    /// The worker has no valid credentials of its own, or its clock is wrong.
    #[error("{0}")]
    Credentials(String),
    /// The endpoint is not one that may be spoken to: a redirect, a private address, another partition.
    #[error("{0}")]
    Address(String),
    /// All entries of a request together are too large.
    #[error("the request was too large")]
    TooLarge,
    /// The receipt of a message does not count any more: the message comes again, with a newer one.
    #[error("{0}")]
    Receipt(String),
    /// The service calls it the sender's fault.
    #[error("{0}")]
    Refused(String),
    /// Anything that is not known here.
    #[error("{0}")]
    Other(String),
}

/// What to do about a fault. The event is kept in each case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// Slow down and go on; nothing to tell anybody.
    SlowDown,
    /// Try again; if it lasts, the lane is *Waiting*.
    Wait,
    /// Somebody must mend it: the lane is *Halted*, and tries again by itself.
    Halt,
    /// Send less at a time.
    Split,
}

impl Fault {
    /// The policy for a call that failed whole, or an entry that failed alone.
    pub fn policy(&self) -> Policy {
        match self {
            Self::Throttled => Policy::SlowDown,
            Self::Unavailable(_) | Self::Unreachable(_) | Self::Receipt(_) => Policy::Wait,
            Self::TooLarge => Policy::Split,
            Self::Role(_)
            | Self::AccessDenied(_)
            | Self::QueueGone(_)
            | Self::Key(_)
            | Self::Credentials(_)
            | Self::Address(_)
            | Self::Refused(_)
            | Self::Other(_) => Policy::Halt,
        }
    }
}

/// The longest wait between two tries.
pub const MAX_BACKOFF: Duration = Duration::from_secs(30);
/// The shortest first wait.
pub const FIRST_BACKOFF: Duration = Duration::from_millis(100);

/// How long to wait after the `failures`-th failure in a row, counted from 1: doubled each time up to
/// [`MAX_BACKOFF`], and spread by `chance` (0 to 1) over the upper half, so that many lanes do not call at once.
pub fn backoff(failures: u32, chance: f64) -> Duration {
    let whole = FIRST_BACKOFF.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(MAX_BACKOFF);
    whole.mul_f64(0.5 + chance.clamp(0.0, 1.0) / 2.0)
}

/// How fast one queue is called: as many calls at a time as go well, one at a time while none does.
#[derive(Debug)]
pub struct Pace {
    /// How many calls may be in flight.
    width: usize,
    in_flight: usize,
    /// Failures since the last success, not counting calls that were already on their way at the time of one.
    failures: u32,
    not_before: Duration,
    /// Raised with each failure that counts.
    round: u64,
    successes: usize,
}

/// The most calls to one queue at a time.
const MAX_WIDTH: usize = 16;

/// A call that is in flight.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    round: u64,
}

impl Default for Pace {
    fn default() -> Self {
        Self { width: MAX_WIDTH, in_flight: 0, failures: 0, not_before: Duration::ZERO, round: 0, successes: 0 }
    }
}

impl Pace {
    /// Begins a call if one may be made at the time `now`.
    pub fn begin(&mut self, now: Duration) -> Option<Call> {
        let width = if self.failures > 0 { 1 } else { self.width };
        if self.in_flight >= width || now < self.not_before {
            return None;
        }
        self.in_flight += 1;
        Some(Call { round: self.round })
    }

    /// Takes note that a call was answered, whatever became of its entries.
    pub fn succeeded(&mut self) {
        self.in_flight -= 1;
        self.failures = 0;
        self.not_before = Duration::ZERO;
        self.successes += 1;
        if self.successes >= self.width && self.width < MAX_WIDTH {
            self.width += 1;
            self.successes = 0;
        }
    }

    /// Takes note that a call failed.
    pub fn failed(&mut self, call: Call, now: Duration, chance: f64) {
        self.in_flight -= 1;
        // Calls that were on their way when another one failed tell nothing new.
        if call.round == self.round {
            self.round += 1;
            self.failures += 1;
            self.width = (self.width / 2).max(2);
            self.successes = 0;
            self.not_before = now + backoff(self.failures, chance);
        }
    }

    /// Failures since the last success.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// When the next call may begin; `None` while too many are in flight.
    pub fn due(&self) -> Option<Duration> {
        let width = if self.failures > 0 { 1 } else { self.width };
        (self.in_flight < width).then_some(self.not_before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_are_spread_and_have_a_cap() {
        assert_eq!(backoff(1, 1.0), Duration::from_millis(100));
        assert_eq!(backoff(1, 0.0), Duration::from_millis(50));
        assert_eq!(backoff(4, 1.0), Duration::from_millis(800));
        assert_eq!(backoff(40, 1.0), MAX_BACKOFF);
        assert_eq!(backoff(u32::MAX, 0.0), MAX_BACKOFF / 2);
    }

    /// A queue that answers nothing is called ten times less often, at the least.
    #[test]
    fn in_a_full_outage_the_calls_become_few() {
        let (mut pace, mut now, mut calls) = (Pace::default(), Duration::ZERO, 0);
        while now < Duration::from_mins(1) {
            while let Some(call) = pace.begin(now) {
                calls += 1;
                pace.failed(call, now, 0.5);
            }
            now += Duration::from_millis(10);
        }
        assert!(calls <= 12, "{calls} calls in a minute");
    }

    #[test]
    fn calls_that_were_on_their_way_count_once() {
        let mut pace = Pace::default();
        let calls: Vec<_> = std::iter::from_fn(|| pace.begin(Duration::ZERO)).collect();
        assert_eq!(calls.len(), MAX_WIDTH);
        for call in calls {
            pace.failed(call, Duration::ZERO, 1.0);
        }
        assert_eq!(pace.failures(), 1);
        assert!(pace.begin(Duration::from_millis(99)).is_none());
        assert!(pace.begin(Duration::from_millis(100)).is_some());
        assert!(pace.begin(Duration::from_millis(100)).is_none(), "one at a time until it goes well");
        pace.succeeded();
        assert!(pace.begin(Duration::from_millis(100)).is_some());
    }
}
