//! Logs and the two-stage shutdown.

use std::{io::IsTerminal, time::Duration};

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing_subscriber::EnvFilter;

/// How long the soft stage may take before the hard one begins.
const SOFT_DEADLINE: Duration = Duration::from_secs(20);

/// Sends logs to standard error: as text on a terminal, else as JSON. `RUST_LOG` chooses what is said.
pub fn init_logs() {
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new("info,aws_config=warn,librdkafka=warn,sqlx=warn"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if std::io::stderr().is_terminal() {
        builder.with_target(false).init();
    } else {
        builder.json().flatten_event(true).init();
    }
}

/// The parts that run side by side, and their end.
///
/// The first signal, or the failure of any part, asks all parts to finish what they have begun (soft); a second
/// signal or a deadline ends them where they are (hard), from which every part recovers at its next start.
pub struct Runtime {
    soft: CancellationToken,
    tasks: TaskTracker,
}

impl Default for Runtime {
    fn default() -> Self {
        Self { soft: CancellationToken::new(), tasks: TaskTracker::new() }
    }
}

impl Runtime {
    /// Asks to finish.
    pub fn shutdown(&self) -> CancellationToken {
        self.soft.clone()
    }

    /// Runs a part until it ends. One that fails takes the others with it.
    pub fn spawn<E: std::fmt::Display>(
        &self,
        name: &'static str,
        part: impl Future<Output = Result<(), E>> + Send + 'static,
    ) {
        let soft = self.soft.clone();
        self.tasks.spawn(async move {
            if let Err(error) = part.await {
                tracing::error!(part = name, %error, "a part failed");
            }
            soft.cancel();
        });
    }

    /// Waits for a signal, then for the parts to finish. Gives whether all did.
    pub async fn wait(self) -> std::io::Result<bool> {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            () = self.soft.cancelled() => {}
        }
        tracing::info!("stopping: finishing what has begun");
        self.soft.cancel();
        self.tasks.close();
        tokio::select! {
            () = self.tasks.wait() => Ok(true),
            _ = interrupt.recv() => Ok(false),
            _ = terminate.recv() => Ok(false),
            () = tokio::time::sleep(SOFT_DEADLINE) => Ok(false),
        }
    }
}
