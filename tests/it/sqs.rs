//! A strict SQS: it judges what bridges do, so it refuses whatever the real one refuses (*Amazon SQS API Reference* and
//! *Developer Guide*; *AWS STS API Reference*), and fails when and how a test wants. Signatures are not verified.
//!
//! | module | owns |
//! |---|---|
//! | `server` | the queues, and what tests do with them |
//! | `http` | a call, from its bytes to its answer |
//! | `faults` | what a test makes of calls, and where it holds them |
//! | `callers` | who calls, and what he may do |
//! | `calls` | what each call does to queues |
//! | `queue` | the messages of a queue: who sees which when |
//! | `message` | what a message may be, and its checksums |
//! | `names` | what callers may ask a queue to say |
//! | `shapes` | the JSON of calls and answers |
//! | `refusal` | how a call is refused |
//! | `clock` | a time that tests may let pass |

mod callers;
mod calls;
mod clock;
mod faults;
mod http;
mod message;
mod names;
mod queue;
mod refusal;
mod rules;
mod server;
mod shapes;

pub use faults::{Fault, Moment, When};
pub use server::{Put, Sqs};
