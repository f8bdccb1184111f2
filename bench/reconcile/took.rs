//! What something takes: time, CPU, memory.

use std::{fs::read_to_string, time::Instant};

use serde::{Deserialize, Serialize};

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

/// CPU seconds of all threads (proc(5), fields 14 and 15 of `stat`; 100 ticks a second).
fn cpu() -> f64 {
    let stat = read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks: u32 = after_name.split_whitespace().skip(11).take(2).filter_map(|n| n.parse::<u32>().ok()).sum();
    f64::from(ticks) / 100.0
}

/// The most memory held, in KiB (proc(5), `VmHWM`).
fn peak() -> u32 {
    let status = read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}
