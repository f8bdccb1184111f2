//! The processes of a contestant, and what the system says of them.

use std::{
    fs,
    io::stderr,
    process::{Child, Command, Stdio},
    time::Duration,
};

use tokio::time::{Instant, sleep};

use crate::{Result, system};

/// How long a contestant may take to end in peace.
const END: Duration = Duration::from_secs(40);
/// How often is looked whether it has.
const LOOK: Duration = Duration::from_millis(20);

/// Running processes. They are killed when this is dropped.
pub struct Processes(Vec<Child>);

impl Drop for Processes {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Processes {
    /// Starts them.
    pub fn start(commands: Vec<Command>) -> Result<Self> {
        let mut started = Self(Vec::new());
        for mut command in commands {
            started.0.push(command.stdin(Stdio::null()).stdout(stderr()).spawn()?);
        }
        Ok(started)
    }

    /// CPU seconds of all of them and of what they have started.
    pub fn cpu(&self) -> f64 {
        self.families().map(|process| system::cpu(process).as_secs_f64()).sum()
    }

    /// The most memory that they have held, each at its own time, in KiB.
    pub fn memory(&self) -> u64 {
        self.families().map(|process| system::memory(process)[1]).sum()
    }

    /// The memory that they hold now, in KiB.
    pub fn memory_now(&self) -> u64 {
        self.families().map(|process| system::memory(process)[0]).sum()
    }

    /// How many threads they have.
    pub fn threads(&self) -> usize {
        self.families().map(|process| fs::read_dir(format!("/proc/{process}/task")).map_or(0, Iterator::count)).sum()
    }

    /// Fails where one has ended.
    pub fn require(&mut self) -> Result<()> {
        for child in &mut self.0 {
            if let Some(status) = child.try_wait()? {
                return Err(format!("it ended with {status}").into());
            }
        }
        Ok(())
    }

    /// Asks them to end, and waits for it; kills what takes too long.
    pub async fn stop(mut self) -> Result<()> {
        for child in &self.0 {
            Command::new("kill").args(["-TERM", &child.id().to_string()]).status()?;
        }
        let until = Instant::now() + END;
        for child in &mut self.0 {
            while child.try_wait()?.is_none() && Instant::now() < until {
                sleep(LOOK).await;
            }
        }
        Ok(())
    }

    fn families(&self) -> impl Iterator<Item = u32> {
        let parents = parents();
        self.0.iter().flat_map(move |child| family(child.id(), &parents))
    }
}

/// All processes there are, each with the one that has started it (proc(5), field 4 of `stat`).
fn parents() -> Vec<(u32, u32)> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let processes = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    processes.filter_map(|process| Some((process, system::stat(process).get(1)?.parse().ok()?))).collect()
}

/// A process and all that descend from it.
fn family(process: u32, parents: &[(u32, u32)]) -> Vec<u32> {
    let mut family = vec![process];
    let mut place = 0;
    while let Some(parent) = family.get(place).copied() {
        family.extend(parents.iter().filter(|(_, other)| *other == parent).map(|(child, _)| *child));
        place += 1;
    }
    family
}
