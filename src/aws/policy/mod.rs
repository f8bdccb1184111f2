//! The text of policies: what the owner of a queue is asked to add, and what goes into IAM.
//!
//! Pure. Owns which actions a direction needs and nothing more than those. Refuses to know whether a policy works:
//! that is [`super::evaluate`] and [`super::check`].

mod format;
mod identity;
mod json;
mod merge;
mod statement;

pub use format::{Format, Snippet, render};
pub use identity::{ForeignAccess, console_policy, foreign_queues, trust, worker_policy};
pub use merge::{MAX_POLICY_BYTES, MAX_STATEMENTS, MergeError, Removable, merge};
pub use statement::{Statement, actions, is_ours, key_actions, key_statement, sid, statement};
