//! What was sent beside what came: a ledger that stands outside of the product and uses none of its code.
//!
//! | module | owns |
//! |---|---|
//! | `event` | an event as Kafka and SQS show it, read anew from both specifications |
//! | `generator` | events of all kinds, decided by a seed that each run prints |
//! | `ledger` | what was sent and what came, a few dozen bytes an event |
//! | `verdict` | the numbers, and who judges them |
//! | `topic` | reading and writing a topic of Kafka past the product |

mod event;
mod generator;
mod ledger;
mod planted;
mod readings;
mod topic;
mod verdict;

pub use event::Event;
pub use generator::Generator;
pub use ledger::Ledger;
pub use topic::{Topic, send};
