//! Who makes Kafka hold what it should, each in a process of its own.

use std::process::{Command, Stdio};

use serde::de::DeserializeOwned;

use crate::{Result, process, setting};

/// Who makes it.
#[derive(Clone, Copy)]
pub struct Contestant {
    /// What it is called.
    pub name: &'static str,
    /// Which part of everything it makes: 10 for a tenth. What it takes is multiplied by that.
    pub part: u32,
    how: How,
}

#[derive(Clone, Copy)]
enum How {
    /// This program in this role.
    Own(&'static str),
    /// Kafka's own client: topics, ACLs and users of a batch, and how long it waits for more, in milliseconds.
    Java { batch: [u32; 3], linger: u32 },
}

/// EBM first; second whom all are compared with.
pub const ALL: [Contestant; 6] = [
    Contestant { name: "EBM's reconciler", part: 1, how: How::Own("converge") },
    Contestant {
        name: "Java client, ideal batches",
        part: 1,
        how: How::Java { batch: [1_000, 1_000, 100], linger: 0 },
    },
    Contestant { name: "EBM's client, the same batches and nothing else", part: 1, how: How::Own("alone") },
    Contestant { name: "the same, until the broker shows all", part: 1, how: How::Own("shown") },
    Contestant {
        name: "Java client, one a call (a tenth, times 10)",
        part: 10,
        how: How::Java { batch: [1; 3], linger: 0 },
    },
    Contestant {
        name: "Java client, 100 a call, 100 ms linger (a tenth, times 10)",
        part: 10,
        how: How::Java { batch: [100; 3], linger: 100 },
    },
];

impl Contestant {
    /// The process. EBM works from a database.
    pub fn command(&self, database: &str) -> Result<Command> {
        match self.how {
            How::Own(role) => {
                let mut command = process(role, &[])?;
                command.env("BENCH_DATABASE", database);
                Ok(command)
            }
            How::Java { batch, linger } => {
                let mut command = Command::new("java");
                command.args(["-Xmx512m", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp"]);
                command.arg(setting("BENCH_CLASSES")?);
                command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/bench/reconcile/Batches.java"));
                command.args([setting("BENCH_PROPERTIES")?, setting("BENCH_WANTED")?]);
                command.args(batch.map(|size| size.to_string()));
                command.args([linger, self.part].map(|number| number.to_string()));
                Ok(command)
            }
        }
    }
}

/// Runs a process to its end, and reads what it says.
pub async fn ask<T: DeserializeOwned>(mut command: Command) -> Result<T> {
    command.stdin(Stdio::null()).stderr(Stdio::inherit());
    let output = tokio::task::spawn_blocking(move || command.output()).await??;
    if !output.status.success() {
        return Err(format!("a process ended with {}", output.status).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}
