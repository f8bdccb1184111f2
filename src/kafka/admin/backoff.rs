//! Waiting a little longer each time, up to a deadline.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// Pauses between attempts: 10 ms, doubled up to 320 ms, none beyond the deadline.
pub(crate) struct Backoff {
    deadline: Instant,
    next: Duration,
}

impl Backoff {
    const FIRST: Duration = Duration::from_millis(10);
    const LAST: Duration = Duration::from_millis(320);

    pub(crate) fn until(deadline: Instant) -> Self {
        Self { deadline, next: Self::FIRST }
    }

    /// Waits for the next attempt, at least as long as the last one took; `false` when there is no time left for one.
    pub(crate) async fn again(&mut self, took: Duration) -> bool {
        let pause = self.next.max(took);
        if Instant::now() + pause >= self.deadline {
            return false;
        }
        sleep(pause).await;
        self.next = (self.next * 2).min(Self::LAST);
        true
    }
}
