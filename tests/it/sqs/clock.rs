//! A time that tests may let pass: nobody waits for a message to show again.

use std::{sync::Arc, time::Duration};

use tokio::{sync::watch, time::Instant};

/// The queues' clock. It goes as other clocks do, and further when a test wants it.
#[derive(Clone)]
pub struct Clock {
    began: Instant,
    ahead: Arc<watch::Sender<Duration>>,
}

impl Clock {
    pub fn new() -> Self {
        Self { began: Instant::now(), ahead: Arc::new(watch::Sender::new(Duration::ZERO)) }
    }

    /// Since its beginning.
    pub fn now(&self) -> Duration {
        self.began.elapsed() + *self.ahead.borrow()
    }

    /// Lets time pass.
    pub fn advance(&self, by: Duration) {
        self.ahead.send_modify(|ahead| *ahead += by);
    }

    /// Hears of every such leap from now on.
    pub fn leaps(&self) -> watch::Receiver<Duration> {
        self.ahead.subscribe()
    }
}
