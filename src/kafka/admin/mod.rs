//! A thin Kafka admin client in safe Rust: topics, ACLs, SCRAM users, offsets, groups and quotas.
//!
//! It owns the wire protocol of administration (the "Kafka protocol guide", KIP-482 for flexible
//! versions, KIP-152 and KIP-368 for authentication) and nothing else: it moves no events, keeps no
//! state but idle connections, and repairs nothing by itself.
//!
//! Three rules shape it:
//!
//! - A caller gets the broker's own error. A wrong password is [`Error::Auth`] at once, a denied read is
//!   [`Error::Broker`], never an empty list and never a time-out.
//! - Results are per item where Kafka answers per item. An `Err` of a whole call that writes means
//!   "outcome unknown": look before anything is done again.
//! - Reads can be addressed to one broker ([`To::Node`]), because a change that was acknowledged is applied
//!   on each broker a little later; [`Admin::everywhere`] waits for all of them.
//!
//! | module | owns |
//! |---|---|
//! | `wire`, `msg` | the bytes |
//! | `conn`, `pool` | connections, logins, time limits |
//! | `scram` | SCRAM (RFC 5802, RFC 7677) |
//! | `ops` | one method per task, in the words of the caller |
//! | `confirm` | "every broker has it" |

mod acl;
mod backoff;
mod batch;
mod code;
mod confirm;
mod conn;
mod error;
mod kind;
mod msg;
mod ops;
mod pool;
mod scram;
mod settings;
mod tls;
mod wire;

#[cfg(test)]
mod bad_peer;

pub use acl::{Acl, AclFilter, Operation, Pattern, Permission, ResourceKind};
pub use code::Code;
pub use confirm::Confirmation;
pub use error::{Error, Refusal, Result};
pub use ops::{
    Admin, At, Broker, Changes, Cluster, ConfigSource, ConfigValue, Configs, Group, GroupDetail, Member, NewTopic,
    Partition, PerItem, ScramInfo, ScramUser, Topic, TopicLag,
};
pub use pool::To;
pub use scram::{Mechanism, salted_password};
pub use settings::{Login, Sasl, Settings};
pub use tls::Tls;
