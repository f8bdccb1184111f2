//! What breaks on the way: `faults.md` says which fault is shown where.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

mod killed;

use std::env;

/// How often a fault is tried: a few times in every run, and often where `FAULTS=full` asks for it.
pub fn tries(ordinary: usize, full: usize) -> usize {
    if env::var("FAULTS").is_ok_and(|wanted| wanted == "full") { full } else { ordinary }
}
