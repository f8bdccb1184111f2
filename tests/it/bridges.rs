//! Real `ebm bridge` processes between a real Kafka behind a network that fails and a strict queue that fails. What was
//! sent is held beside what came, by a ledger that is not theirs. `faults.md` says which fault is shown where.

mod access;
mod brokers;
mod inbound;
mod killed;
mod long;
mod outbound;
mod shared;
mod stage;
