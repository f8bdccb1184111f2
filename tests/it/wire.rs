//! The network between a client and a server, which a test makes slow, deaf or broken while it is used.
//!
//! | module | owns |
//! |---|---|
//! | `proxy` | where clients connect, and what a test does to them |
//! | `state` | how the network is now, and what it has seen |
//! | `connection` | one connection, from its beginning to whichever end it is given |
//! | `pipe` | one direction of a connection |
//! | `kafka` | the frames of Kafka: which request is which, who answers it, and where brokers are said to be |
//! | `hold` | a request or an answer that waits for the test |

mod broker;
mod connection;
mod hold;
mod kafka;
mod pipe;
mod plain;
mod proxy;
mod state;

pub use kafka::ApiKey;
pub use proxy::Proxy;
pub use state::Way;
