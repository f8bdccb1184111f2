//! How the network is now, and what it has seen. A test changes it while connections use it.

use std::{
    io,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::sync::{broadcast, watch};

use super::kafka::Frames;

/// A direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// What clients send.
    ToServer,
    /// What the server answers.
    ToClient,
}

/// How all connections are from now on.
#[derive(Clone, Copy, Default)]
pub struct Conditions {
    /// How long bytes travel, each way.
    pub latency: Duration,
    /// Bytes a second, each way of each connection; as fast as it goes where there is none.
    pub rate: Option<u64>,
    /// Bytes are taken and never passed on.
    pub blackhole: bool,
    /// Nobody listens.
    pub refuses: bool,
}

/// What is done to the connections there are.
#[derive(Clone, Copy)]
pub enum Act {
    /// Both sides are told at once that it is over.
    Reset,
    /// The server is told that it is over, and the client is not.
    HalfOpen,
}

/// What the test and all connections share.
pub struct State {
    /// `host:port` of the server.
    pub target: String,
    /// How Kafka is read, where it is Kafka.
    pub frames: Option<Frames>,
    pub conditions: watch::Sender<Conditions>,
    pub acts: broadcast::Sender<Act>,
    /// After how many more bytes of a direction a connection is reset.
    pub cut: Mutex<Option<(Way, u64)>>,
    pub connections: AtomicU64,
    to_server: AtomicU64,
    to_client: AtomicU64,
}

impl State {
    pub fn new(target: String, frames: Option<Frames>) -> Self {
        Self {
            target,
            frames,
            conditions: watch::Sender::default(),
            acts: broadcast::Sender::new(16),
            cut: Mutex::default(),
            connections: AtomicU64::default(),
            to_server: AtomicU64::default(),
            to_client: AtomicU64::default(),
        }
    }

    /// How it is now.
    pub fn now(&self) -> Conditions {
        *self.conditions.borrow()
    }

    /// Comes back when a state of the network is reached.
    pub async fn reached(&self, wanted: impl Fn(&Conditions) -> bool) {
        // It cannot end while this is there.
        let _ = self.conditions.subscribe().wait_for(wanted).await;
    }

    /// Of so many bytes, how many may pass before the connection is to be reset; `None` where it is not.
    pub fn cut_within(&self, way: Way, bytes: usize) -> Option<usize> {
        let mut cut = self.cut.lock().unwrap();
        let (_, left) = cut.as_mut().filter(|(of, _)| *of == way)?;
        if let Some(more) = left.checked_sub(bytes as u64).filter(|more| *more > 0) {
            *left = more;
            return None;
        }
        let last = usize::try_from(*left).unwrap();
        *cut = None;
        Some(last)
    }

    pub fn bytes(&self, way: Way) -> &AtomicU64 {
        match way {
            Way::ToServer => &self.to_server,
            Way::ToClient => &self.to_client,
        }
    }

    pub fn count(&self, way: Way, bytes: usize) {
        self.bytes(way).fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

/// How a connection ends that is broken off.
pub fn reset() -> io::Error {
    io::ErrorKind::ConnectionReset.into()
}
