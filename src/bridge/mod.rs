//! The workers that move events between Kafka topics and queues, and lose none.
//!
//! | module | owns |
//! |---|---|
//! | [`supervisor`] | which bridges run: the [`Worker`] |
//! | `slot` | the worker's name, which no other process may have |
//! | [`runner`] | one bridge: start, trouble, change, rest |
//! | [`start`] | the steps before the lanes begin |
//! | `gap` | going on without events that are gone |
//! | `hibernation` | bridges that have had nothing to move for long |
//! | [`means`] | what the bridges of a worker have in common |
//! | [`outbound`] | the lanes from Kafka to queues, at work |
//! | [`lane`] | the same as a state machine, pure |
//! | [`inbound`] | the lanes from queues to Kafka |
//! | [`window`], [`batch`], [`delivery`], [`fifo`] | offsets, requests, errors and waits, groups; pure |
//! | [`queue`], `sqs` | the queue as a lane sees it, and AWS SQS as one |
//! | [`report`], [`letter`] | what is written to Postgres |
//! | `redrive` | dead letters that are to be sent again |

pub mod batch;
pub mod delivery;
pub mod fifo;
mod gap;
mod hibernation;
pub mod inbound;
pub mod lane;
pub mod letter;
pub mod means;
pub mod outbound;
pub mod queue;
mod redrive;
pub mod report;
pub mod runner;
mod slot;
mod sqs;
pub mod start;
pub mod supervisor;
pub mod window;

pub use means::Means;
pub use supervisor::Worker;
