//! A cluster of three brokers, of which the third can be held back or killed.
//!
//! Broker 1, which is the controller too and which clients find first, is left alone.

use std::{path::Path, process::Command};

use tokio::sync::{Mutex, MutexGuard};

use super::kafka::variable;

/// The broker that is meddled with.
pub const THIRD: i32 = 3;

static TURN: Mutex<()> = Mutex::const_new(());

/// One test has the brokers at a time: what it does to one of them, another test would see.
pub async fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().await
}

/// `host:port` of all three.
pub fn three_servers() -> String {
    variable("EBM_TEST_CLUSTER__BOOTSTRAP")
}

/// That a broker does not run as it should. However the test ends, it runs again afterwards.
pub struct Absence;

impl Absence {
    /// The broker keeps its connections and does nothing. For the controller it stays live, for a while.
    pub fn held_back() -> Self {
        Self::begin("hold")
    }

    /// The broker is killed.
    pub fn down() -> Self {
        Self::begin("kill")
    }

    fn begin(how: &str) -> Self {
        let absence = Self;
        assert!(meddle(how), "the broker cannot be meddled with");
        absence
    }
}

impl Drop for Absence {
    fn drop(&mut self) {
        if !meddle("start") {
            eprintln!("the broker could not be started again");
        }
    }
}

fn meddle(how: &str) -> bool {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("dev/broker");
    Command::new(program).args([how, &THIRD.to_string()]).status().is_ok_and(|status| status.success())
}
