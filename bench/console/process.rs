//! The servers that are measured, each a process of its own, and what the system says of them.

use std::{
    io::Write,
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::{Result, system};

/// A running server. It ends when this is dropped.
pub struct Server {
    child: Child,
    port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    /// `ebm serve` over a database: console and API only.
    pub fn ebm(database: &str) -> Result<Self> {
        let (port, ops) = (free_port()?, free_port()?);
        let child = ebm(database)
            .args(["serve", "--no-reconcile", "--no-bridges"])
            .env("EBM_HTTP__LISTEN", format!("127.0.0.1:{port}"))
            .env("EBM_HTTP__OPS_LISTEN", format!("127.0.0.1:{ops}"))
            .env("EBM_HTTP__PUBLIC_URL", format!("http://127.0.0.1:{port}"))
            .env("RUST_LOG", "warn")
            .spawn()?;
        Ok(Self { child, port })
    }

    /// The server written by hand, over the same database.
    pub fn peer(database: &str) -> Result<Self> {
        let port = free_port()?;
        let child = Command::new(std::env::current_exe()?)
            .args(["peer"])
            .env("BENCH_DATABASE", database)
            .env("BENCH_PORT", port.to_string())
            .spawn()?;
        Ok(Self { child, port })
    }

    /// The address of a page.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Waits until it answers.
    pub async fn ready(&self) -> Result<()> {
        let until = Instant::now() + Duration::from_secs(30);
        while tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await.is_err() {
            if Instant::now() > until {
                return Err("a server did not start".into());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// CPU time of all its threads so far.
    pub fn cpu(&self) -> Duration {
        system::cpu(self.child.id())
    }

    /// Memory it holds now, and held at most, in KiB.
    pub fn memory(&self) -> [u64; 2] {
        system::memory(self.child.id())
    }
}

/// Runs a command of `ebm` to its end.
pub fn run_ebm(database: &str, arguments: &[&str], input: &str) -> Result<()> {
    let mut child = ebm(database).args(arguments).stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?;
    child.stdin.take().ok_or("no standard input")?.write_all(input.as_bytes())?;
    let status = child.wait()?;
    if status.success() { Ok(()) } else { Err(format!("ebm {} ended with {status}", arguments.join(" ")).into()) }
}

fn ebm(database: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ebm"));
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    command.current_dir(&root).env("EBM_DATABASE__URL", database).env("EBM_HTTP__SITE_ROOT", root.join("target/site"));
    command
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
