//! What something takes: time, CPU, memory.

use std::{process, time::Instant};

use serde::{Deserialize, Serialize};

use crate::system;

/// What something took.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Took {
    /// Seconds by the clock.
    pub wall: f64,
    /// CPU seconds of its process meanwhile.
    pub cpu: f64,
    /// CPU seconds that went into hashing passwords, in neither of the above.
    #[serde(default)]
    pub hashing: f64,
    /// The most memory that its process has held so far, in KiB; 0 where nobody looked.
    #[serde(default)]
    pub peak: u32,
}

/// Measures this process from its start on.
pub struct Stopwatch {
    wall: Instant,
    cpu: f64,
}

impl Stopwatch {
    /// Starts.
    pub fn start() -> Self {
        Self { cpu: cpu(), wall: Instant::now() }
    }

    /// What it took so far.
    pub fn read(&self) -> Took {
        Took { wall: self.wall.elapsed().as_secs_f64(), cpu: cpu() - self.cpu, hashing: 0.0, peak: peak() }
    }
}

fn cpu() -> f64 {
    system::cpu(process::id()).as_secs_f64()
}

fn peak() -> u32 {
    let [_, most] = system::memory(process::id());
    u32::try_from(most).unwrap_or(u32::MAX)
}
