//! What the system says of a process that runs (proc(5)).

use std::{fs::read_to_string, time::Duration};

/// The fields of `stat` that come after the program's name: the third is the first. None where there is no such process.
pub fn stat(process: u32) -> Vec<String> {
    let stat = read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    after_name.split_whitespace().map(str::to_owned).collect()
}

/// CPU time of all its threads so far (fields 14 and 15 of `stat`; 100 ticks a second).
pub fn cpu(process: u32) -> Duration {
    let ticks: u64 = stat(process).iter().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

/// Memory it holds now, and held at most, in KiB (`VmRSS` and `VmHWM` of `status`).
pub fn memory(process: u32) -> [u64; 2] {
    let status = read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    ["VmRSS:", "VmHWM:"].map(|name| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or_default()
    })
}
