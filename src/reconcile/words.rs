//! What Kafka's refusals mean, for people: what was refused, and what to do about it.
//!
//! A broker's own message can show its internals, so it goes to the log and never here.

use super::{
    Error,
    apply::{Item, Refused},
    plan::{Desired, Lost},
};
use crate::kafka::admin::{self, Code};

/// Why an object is not as it should be.
pub fn failure(item: &Item, why: &Refused, desired: &Desired, brokers: usize) -> String {
    let code = match why {
        Refused::Sealed(error) => {
            return format!("The stored credentials cannot be used: {error}. Or create new credentials.");
        }
        Refused::Lost(Lost::Gone) => {
            return "The topic was deleted in Kafka, with all events in it. An admin makes it anew on the Cluster page."
                .to_owned();
        }
        Refused::Lost(Lost::Replaced) => {
            return "The topic was deleted in Kafka and made anew by someone else. An admin takes it over on the Cluster \
                    page."
                .to_owned();
        }
        Refused::Kafka(refusal) => refusal.code,
    };
    if code.is_denied() {
        return format!(
            "Kafka does not let this console's own user {}. Give that user its rights; it is tried again by itself.",
            match item {
                Item::Topic(_) => "make or change topics",
                Item::User(_) => "change users",
                Item::Acl(_) => "change access rules",
            }
        );
    }
    match (item, code) {
        (_, Code::POLICY_VIOLATION) => {
            "A policy of the Kafka cluster forbids this. Ask who runs the cluster what it allows.".to_owned()
        }
        (Item::Topic(name), code) => topic(name, code, desired, brokers),
        (Item::User(_), Code::UNACCEPTABLE_CREDENTIAL) => {
            "Kafka does not accept this kind of password hash. Create new credentials.".to_owned()
        }
        (Item::Acl(_), Code::SECURITY_DISABLED) => {
            "The Kafka cluster checks no access: it has no authorizer. Switch one on; until then everybody may do \
             everything."
                .to_owned()
        }
        (Item::User(_), code) => format!("Kafka refused the user with {code}. It is tried again by itself."),
        (Item::Acl(_), code) => format!("Kafka refused an access rule with {code}. It is tried again by itself."),
    }
}

fn topic(name: &str, code: Code, desired: &Desired, brokers: usize) -> String {
    let Some(topic) = desired.topics.get(name) else {
        return format!("Kafka refused the topic with {code}. It is tried again by itself.");
    };
    match code {
        Code::INVALID_REPLICATION_FACTOR => format!(
            "The topic is to have {}, but {} running. Start more brokers, or lower the replication that is configured \
             for this installation.",
            counted(usize::try_from(topic.replicas).unwrap_or(0), "replica", "replicas"),
            counted(brokers, "broker is", "brokers are"),
        ),
        Code::INVALID_PARTITIONS => {
            format!("Kafka does not accept {} partitions. Ask for another number in the contract.", topic.partitions)
        }
        Code::INVALID_CONFIG => {
            let asked: Vec<_> = topic.config.iter().map(|(key, value)| format!("{key}={value}")).collect();
            format!(
                "Kafka does not accept the topic's configuration ({}). Correct it in the contract.",
                asked.join(", ")
            )
        }
        Code::INVALID_TOPIC_EXCEPTION => {
            "Kafka does not accept the topic's name: one that differs only in dots and underscores exists.".to_owned()
        }
        code => format!("Kafka refused the topic with {code}. It is tried again by itself."),
    }
}

/// Why a whole pass failed, for the page of the cluster.
pub fn of_pass(error: &Error) -> String {
    match error {
        Error::Kafka(error) => of_kafka(error),
        Error::Store(error) if error.is_transient() => "The database cannot be reached.".to_owned(),
        Error::Store(error) => format!("The database: {error}."),
        Error::RightsUnknown | Error::RightMissing(_) => format!("{error}."),
    }
}

fn of_kafka(error: &admin::Error) -> String {
    match error {
        admin::Error::Auth { .. } => {
            "Kafka refuses the login of this console. Check the user and the password that are configured.".to_owned()
        }
        admin::Error::Broker { refusal, .. } if refusal.code == Code::SECURITY_DISABLED => {
            "Kafka checks no access: it has no authorizer. Until it has one, nothing is changed in it.".to_owned()
        }
        admin::Error::Broker { api, refusal } if refusal.code.is_denied() => {
            format!("Kafka does not let this console's own user do what it must ({api}). Give that user its rights.")
        }
        admin::Error::Broker { api, refusal } => format!("Kafka refused {api} with {}.", refusal.code),
        admin::Error::Io { .. } | admin::Error::Timeout { .. } | admin::Error::NoBootstrap { .. }
            if error.is_transient() =>
        {
            "Kafka cannot be reached. What is pending follows when it is back.".to_owned()
        }
        error => format!("Kafka: {error}."),
    }
}

fn counted(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{super::plan::Topic, *};
    use crate::kafka::admin::Refusal;

    fn refused(code: Code) -> Refused {
        Refused::Kafka(Refusal { code, message: Some("java.lang.secret".into()) })
    }

    #[test]
    fn a_refusal_says_what_to_do_and_nothing_of_the_brokers_inside() {
        let config = BTreeMap::from([("retention.ms".to_owned(), "soon".to_owned())]);
        let topic = Topic { partitions: 3, replicas: 3, config: config.into(), id: None };
        let desired = Desired { topics: BTreeMap::from([("t".to_owned(), topic)]), ..Desired::default() };
        let said = |item: &Item, code| failure(item, &refused(code), &desired, 1);
        let topic = Item::Topic("t".into());
        insta::assert_snapshot!(said(&topic, Code::INVALID_REPLICATION_FACTOR), @"The topic is to have 3 replicas, but 1 broker is running. Start more brokers, or lower the replication that is configured for this installation.");
        insta::assert_snapshot!(said(&topic, Code::INVALID_CONFIG), @"Kafka does not accept the topic's configuration (retention.ms=soon). Correct it in the contract.");
        insta::assert_snapshot!(said(&topic, Code::TOPIC_AUTHORIZATION_FAILED), @"Kafka does not let this console's own user make or change topics. Give that user its rights; it is tried again by itself.");
        insta::assert_snapshot!(said(&Item::User("u".into()), Code(999)), @"Kafka refused the user with UNKNOWN(999). It is tried again by itself.");
        for code in (i16::MIN..=i16::MAX).map(Code) {
            assert!(!said(&topic, code).contains("java"), "{code}");
        }
    }
}
