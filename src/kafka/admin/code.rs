//! Kafka's error codes ("Error codes" in the Kafka protocol guide).

use std::fmt;

use super::wire::{Malformed, Reader, Wire};

/// The number with which a broker says what went wrong; 0 is "nothing".
///
/// Displays as `NAME(number)`, and as `UNKNOWN(number)` for one that is not in the table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(pub i16);

macro_rules! codes {
    ($($name:ident = $number:literal,)*) => {
        #[expect(missing_docs, reason = "the names are Kafka's own, explained in its protocol guide")]
        impl Code {
            $(pub const $name: Code = Code($number);)*

            /// Kafka's name of the code, if this client knows it.
            pub fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($number => Some(stringify!($name)),)*
                    _ => None,
                }
            }
        }
    };
}

codes! {
    UNKNOWN_SERVER_ERROR = -1,
    NONE = 0,
    OFFSET_OUT_OF_RANGE = 1,
    UNKNOWN_TOPIC_OR_PARTITION = 3,
    LEADER_NOT_AVAILABLE = 5,
    NOT_LEADER_OR_FOLLOWER = 6,
    REQUEST_TIMED_OUT = 7,
    BROKER_NOT_AVAILABLE = 8,
    REPLICA_NOT_AVAILABLE = 9,
    NETWORK_EXCEPTION = 13,
    COORDINATOR_LOAD_IN_PROGRESS = 14,
    COORDINATOR_NOT_AVAILABLE = 15,
    NOT_COORDINATOR = 16,
    INVALID_TOPIC_EXCEPTION = 17,
    UNKNOWN_MEMBER_ID = 25,
    INVALID_SESSION_TIMEOUT = 26,
    REBALANCE_IN_PROGRESS = 27,
    TOPIC_AUTHORIZATION_FAILED = 29,
    GROUP_AUTHORIZATION_FAILED = 30,
    CLUSTER_AUTHORIZATION_FAILED = 31,
    UNSUPPORTED_SASL_MECHANISM = 33,
    ILLEGAL_SASL_STATE = 34,
    UNSUPPORTED_VERSION = 35,
    TOPIC_ALREADY_EXISTS = 36,
    INVALID_PARTITIONS = 37,
    INVALID_REPLICATION_FACTOR = 38,
    INVALID_REPLICA_ASSIGNMENT = 39,
    INVALID_CONFIG = 40,
    NOT_CONTROLLER = 41,
    INVALID_REQUEST = 42,
    UNSUPPORTED_FOR_MESSAGE_FORMAT = 43,
    POLICY_VIOLATION = 44,
    TRANSACTIONAL_ID_AUTHORIZATION_FAILED = 53,
    SECURITY_DISABLED = 54,
    KAFKA_STORAGE_ERROR = 56,
    SASL_AUTHENTICATION_FAILED = 58,
    REASSIGNMENT_IN_PROGRESS = 60,
    DELEGATION_TOKEN_AUTHORIZATION_FAILED = 65,
    NON_EMPTY_GROUP = 68,
    GROUP_ID_NOT_FOUND = 69,
    LISTENER_NOT_FOUND = 72,
    TOPIC_DELETION_DISABLED = 73,
    FENCED_LEADER_EPOCH = 74,
    UNKNOWN_LEADER_EPOCH = 75,
    OFFSET_NOT_AVAILABLE = 78,
    GROUP_SUBSCRIBED_TO_TOPIC = 86,
    UNSTABLE_OFFSET_COMMIT = 88,
    THROTTLING_QUOTA_EXCEEDED = 89,
    RESOURCE_NOT_FOUND = 91,
    DUPLICATE_RESOURCE = 92,
    UNACCEPTABLE_CREDENTIAL = 93,
    UNKNOWN_TOPIC_ID = 100,
    TRANSACTIONAL_ID_NOT_FOUND = 105,
}

impl Code {
    /// Whether there is no error.
    pub fn is_none(self) -> bool {
        self == Self::NONE
    }

    /// Whether the same request may succeed a little later, as the protocol guide has it.
    pub fn is_retriable(self) -> bool {
        matches!(
            self,
            Self::UNKNOWN_TOPIC_OR_PARTITION
                | Self::LEADER_NOT_AVAILABLE
                | Self::NOT_LEADER_OR_FOLLOWER
                | Self::REQUEST_TIMED_OUT
                | Self::REPLICA_NOT_AVAILABLE
                | Self::NETWORK_EXCEPTION
                | Self::COORDINATOR_LOAD_IN_PROGRESS
                | Self::COORDINATOR_NOT_AVAILABLE
                | Self::NOT_COORDINATOR
                | Self::NOT_CONTROLLER
                | Self::KAFKA_STORAGE_ERROR
                | Self::LISTENER_NOT_FOUND
                | Self::FENCED_LEADER_EPOCH
                | Self::UNKNOWN_LEADER_EPOCH
                | Self::OFFSET_NOT_AVAILABLE
                | Self::UNSTABLE_OFFSET_COMMIT
                | Self::THROTTLING_QUOTA_EXCEEDED
                | Self::UNKNOWN_TOPIC_ID
        )
    }

    /// Whether an authorizer said no.
    pub fn is_denied(self) -> bool {
        matches!(
            self,
            Self::TOPIC_AUTHORIZATION_FAILED
                | Self::GROUP_AUTHORIZATION_FAILED
                | Self::CLUSTER_AUTHORIZATION_FAILED
                | Self::TRANSACTIONAL_ID_AUTHORIZATION_FAILED
                | Self::DELEGATION_TOKEN_AUTHORIZATION_FAILED
        )
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({})", self.name().unwrap_or("UNKNOWN"), self.0)
    }
}

impl Wire for Code {
    const MIN_BYTES: usize = 2;
    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
    }
    fn read(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        i16::read(from).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_shown_by_name_and_number() {
        assert_eq!(Code::CLUSTER_AUTHORIZATION_FAILED.to_string(), "CLUSTER_AUTHORIZATION_FAILED(31)");
        assert_eq!(Code(-1).to_string(), "UNKNOWN_SERVER_ERROR(-1)");
        assert_eq!(Code(999).to_string(), "UNKNOWN(999)");
    }

    #[test]
    fn no_code_is_both_denied_and_worth_a_retry() {
        for code in (i16::MIN..=i16::MAX).map(Code) {
            assert!(!(code.is_denied() && code.is_retriable()), "{code}");
            if code.is_denied() {
                assert!(code.name().unwrap().ends_with("AUTHORIZATION_FAILED"), "{code}");
            }
        }
    }
}
