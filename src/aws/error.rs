//! What can go wrong in a call to AWS, told apart by what is to be done about it.

use std::{error::Error as StdError, fmt};

use super::{guard::PrivateAddress, side::Side};
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sqs::{
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
};

/// Any error underneath.
pub(super) type Source = Box<dyn StdError + Send + Sync>;

/// The result of a call.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a call failed. The text says what to do; none of it holds a secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// AWS refused the call.
    #[error("AWS refused {what}{}. {}", why_denied(message), cure_of_denial(what, message))]
    AccessDenied {
        /// The action: `sqs:SendMessage`.
        what: &'static str,
        /// AWS's own text.
        message: String,
    },
    /// There is no such queue, or this account may not know of it.
    #[error(
        "AWS knows no such queue, or does not let this bridge see it: check the address, and that the queue's policy \
         holds the bridge's statement ({message})"
    )]
    QueueGone {
        /// AWS's own text.
        message: String,
    },
    /// The queue's key cannot be used.
    #[error("the queue's encryption key cannot be used ({code}): {message}. Check the key and its key policy")]
    Key {
        /// AWS's code.
        code: String,
        /// AWS's own text.
        message: String,
    },
    /// Too many calls, or too many messages in flight: wait.
    #[error("AWS asks to slow down at {what} ({code})")]
    Throttled {
        /// The action.
        what: &'static str,
        /// AWS's code.
        code: String,
    },
    /// The account has as many roles as it may.
    #[error(
        "the AWS account has reached its quota of IAM roles: delete unused bridges, or have the quota \"Roles per \
         account\" raised ({message})"
    )]
    RoleQuota {
        /// AWS's own text.
        message: String,
    },
    /// The role was made before and is no longer there.
    #[error(
        "the IAM role {name} of this bridge was deleted outside of this console. A new one would not be trusted by the \
         queues, which knew the old one: delete this bridge and make a new one"
    )]
    RoleGone {
        /// The role's name.
        name: String,
    },
    /// The role was deleted and made again by somebody: queues trust the old one only.
    #[error(
        "the IAM role {name} of this bridge was deleted and made again outside of this console (its id was {was} and is \
         {is}): queues trust the old one only. Add the statements to the queues again, or make a new bridge"
    )]
    RoleChanged {
        /// The role's name.
        name: String,
        /// The id known.
        was: String,
        /// The id found.
        is: String,
    },
    /// A role of the bridge's name is there that this installation did not make.
    #[error("an IAM role named {name} exists that this installation did not make: have it removed ({why})")]
    RoleForeign {
        /// The role's name.
        name: String,
        /// By what that was seen.
        why: &'static str,
    },
    /// The policy that the role would need is longer than IAM allows.
    #[error(
        "the role would need a policy of {characters} characters for its queues in other accounts, and IAM allows \
         10,240: use fewer queues in this bridge"
    )]
    RolePolicyTooLarge {
        /// Characters without blanks.
        characters: usize,
    },
    /// The queue lies in another partition than the installation.
    #[error("the queue lies in the AWS partition {queue}; this installation works in {ours}")]
    OtherPartition {
        /// The queue's partition.
        queue: &'static str,
        /// The installation's partition.
        ours: &'static str,
    },
    /// No identity to sign with.
    #[error(
        "{what} could not be signed: the installation has no valid AWS credentials for it. Check its configuration"
    )]
    NoCredentials {
        /// The action.
        what: &'static str,
        /// What the chain of providers said.
        source: Option<Source>,
    },
    /// The clock of this machine is wrong.
    #[error("AWS does not take the time of this machine at {what}: set its clock ({message})")]
    Clock {
        /// The action.
        what: &'static str,
        /// AWS's own text.
        message: String,
    },
    /// The temporary credentials of the role ended before their time; the next call gets new ones.
    #[error("the temporary credentials of the role are no longer valid at {what} ({code})")]
    SessionEnded {
        /// The action.
        what: &'static str,
        /// AWS's code.
        code: String,
    },
    /// AWS could not be reached, or broke off.
    #[error("AWS could not be reached for {what}: {}", innermost(source.as_ref()))]
    Network {
        /// The action.
        what: &'static str,
        /// What the connection said.
        source: Source,
    },
    /// AWS answered that it is out of order.
    #[error("AWS is out of order at {what} (HTTP {status})")]
    Unavailable {
        /// The action.
        what: &'static str,
        /// HTTP status.
        status: u16,
    },
    /// No answer in time. Whether the call was carried out is not known.
    #[error("AWS did not answer {what} in time")]
    Timeout {
        /// The action.
        what: &'static str,
    },
    /// The endpoint sent us elsewhere; we do not go.
    #[error(
        "the endpoint answered {what} with a redirect (HTTP {status}), which is not followed: check the network's proxy"
    )]
    Redirected {
        /// The action.
        what: &'static str,
        /// HTTP status.
        status: u16,
    },
    /// The endpoint's name leads to a private address.
    #[error(
        "{what} was not called: {source}. Where AWS is reached over private endpoints, the operator must allow private \
         addresses"
    )]
    Private {
        /// The action.
        what: &'static str,
        /// Name and address.
        source: PrivateAddress,
    },
    /// Anything else AWS answers.
    #[error("AWS refused {what} ({code}): {message}")]
    Other {
        /// The action.
        what: &'static str,
        /// AWS's code.
        code: String,
        /// AWS's own text.
        message: String,
    },
}

impl Error {
    /// Whether trying again without a change by anybody may help.
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Throttled { .. }
                | Self::SessionEnded { .. }
                | Self::Network { .. }
                | Self::Unavailable { .. }
                | Self::Timeout { .. }
        )
    }

    /// An answer that lacks what AWS's own description promises.
    pub(super) fn incomplete(what: &'static str) -> Self {
        Self::Other { what, code: "IncompleteAnswer".into(), message: "a required part is missing".into() }
    }

    /// A connection that could not be made, or broke off.
    pub(super) fn unreached(what: &'static str, source: Source) -> Self {
        match find::<PrivateAddress>(&*source) {
            Some(private) => Self::Private { what, source: private.clone() },
            None => Self::Network { what, source },
        }
    }

    /// Turns what the SDK says about a call into ours.
    pub(super) fn of<E>(what: &'static str, error: SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        if let Some(private) = find::<PrivateAddress>(&error) {
            return Self::Private { what, source: private.clone() };
        }
        if find::<CredentialsError>(&error).is_some() {
            return Self::NoCredentials { what, source: Some(error.into()) };
        }
        if let Some(status) = error.raw_response().map(|raw| raw.status().as_u16()).filter(|s| (300..400).contains(s)) {
            return Self::Redirected { what, status };
        }
        match error {
            SdkError::TimeoutError(_) => Self::Timeout { what },
            SdkError::DispatchFailure(failure) if failure.is_timeout() => Self::Timeout { what },
            SdkError::ServiceError(service) => {
                let status = service.raw().status().as_u16();
                let meta = service.err().meta();
                Self::answered(what, status, meta.code().unwrap_or_default(), meta.message().unwrap_or_default())
            }
            SdkError::ResponseError(response) if response.raw().status().as_u16() >= 500 => {
                Self::Unavailable { what, status: response.raw().status().as_u16() }
            }
            other => Self::Network { what, source: other.into() },
        }
    }

    /// Sorts AWS's codes (Amazon SQS API Reference, "Common Error Types", and the errors of each action; AWS STS and
    /// IAM API References likewise). SQS answers old and new names of the same error.
    pub(super) fn answered(what: &'static str, status: u16, code: &str, message: &str) -> Self {
        let short = code.rsplit(['.', '#']).next().unwrap_or(code);
        let (code, message) = (short.to_owned(), clean(message));
        match short {
            "AccessDenied" | "AccessDeniedException" | "AuthorizationError" | "UnauthorizedOperation" => {
                Self::AccessDenied { what, message }
            }
            "NonExistentQueue" | "QueueDoesNotExist" | "QueueDeletedRecently" => Self::QueueGone { message },
            "Throttling"
            | "ThrottlingException"
            | "ThrottledException"
            | "RequestThrottled"
            | "TooManyRequestsException"
            | "RequestLimitExceeded"
            | "SlowDown"
            | "OverLimit"
            | "KmsThrottled"
            | "ConcurrentModification" => Self::Throttled { what, code },
            "RequestTimeTooSkewed" | "RequestExpired" | "RequestInTheFuture" => Self::Clock { what, message },
            "InvalidSignatureException" | "SignatureDoesNotMatch" if speaks_of_time(&message) => {
                Self::Clock { what, message }
            }
            "ExpiredToken" | "ExpiredTokenException" if what.starts_with("sqs:") => Self::SessionEnded { what, code },
            "InvalidClientTokenId" | "UnrecognizedClientException" | "InvalidAccessKeyId"
                if what.starts_with("sqs:") =>
            {
                Self::SessionEnded { what, code }
            }
            "InvalidClientTokenId"
            | "UnrecognizedClientException"
            | "SignatureDoesNotMatch"
            | "ExpiredToken"
            | "InvalidSignatureException"
            | "InvalidAccessKeyId"
            | "ExpiredTokenException" => {
                Self::NoCredentials { what, source: Some(format!("{code}: {message}").into()) }
            }
            _ if short.starts_with("Kms") => Self::Key { code, message },
            _ if status >= 500 => Self::Unavailable { what, status },
            _ => Self::Other { what, code, message },
        }
    }
}

/// Of AWS's text what the action's name does not say already: who asked for what is known here.
fn why_denied(message: &str) -> String {
    match message.split_once(" because ") {
        Some((asked, because)) if asked.contains("is not authorized to perform") => format!(" because {because}"),
        _ => format!(": {message}"),
    }
}

fn cure_of_denial(what: &str, message: &str) -> &'static str {
    match (Side::of_message(message), what) {
        (_, "sts:AssumeRole") => {
            "Check that the worker's identity may assume roles of bridges and that the role trusts it"
        }
        (_, what) if what.starts_with("iam:") => "Give the console's identity the policy that \"ebm check\" prints",
        (Side::Role, _) => {
            "Add the bridge's statement to the queue's access policy; for a queue in another account, check the bridge \
             again, so that its role gets its side"
        }
        (Side::Boundary, _) => "The permissions boundary of the bridges' roles does not allow it",
        (Side::Organization, _) => "A policy of the AWS organization forbids it",
        _ => "Add the bridge's statement to the queue's access policy",
    }
}

fn speaks_of_time(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    ["expired", "not yet current", "skew"].iter().any(|word| message.contains(word))
}

/// AWS's text as one line without its final stop; long ones are cut.
fn clean(message: &str) -> String {
    let line: String = message.split_whitespace().collect::<Vec<_>>().join(" ");
    line.trim_end_matches('.').chars().take(600).collect()
}

/// The first error of a type in a chain of sources.
fn find<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    std::iter::successors(Some(error), |&error| error.source()).find_map(|error| error.downcast_ref())
}

/// The text of the last error of a chain: the SDK's own texts ("dispatch failure") say nothing.
fn innermost(error: &(dyn StdError + Send + Sync + 'static)) -> impl fmt::Display {
    let mut last: &dyn StdError = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_sorted_by_what_is_to_be_done() {
        let kind = |code: &str, status| {
            let error = Error::answered("sqs:SendMessage", status, code, "text");
            let name = format!("{error:?}");
            let name = name.split([' ', '{']).next().unwrap_or_default().to_owned();
            format!("{code} {status}: {name}, transient {}", error.is_transient())
        };
        let kinds = [
            ("AccessDeniedException", 403),
            ("AccessDenied", 403),
            ("AWS.SimpleQueueService.NonExistentQueue", 400),
            ("com.amazonaws.sqs#QueueDoesNotExist", 400),
            ("OverLimit", 403),
            ("ThrottlingException", 400),
            ("KmsThrottled", 400),
            ("KmsAccessDenied", 400),
            ("ExpiredToken", 403),
            ("RequestExpired", 400),
            ("InvalidParameterValue", 400),
            ("ServiceUnavailable", 503),
            ("", 500),
        ]
        .map(|(code, status)| kind(code, status));
        insta::assert_snapshot!(kinds.join("\n"), @r"
        AccessDeniedException 403: AccessDenied, transient false
        AccessDenied 403: AccessDenied, transient false
        AWS.SimpleQueueService.NonExistentQueue 400: QueueGone, transient false
        com.amazonaws.sqs#QueueDoesNotExist 400: QueueGone, transient false
        OverLimit 403: Throttled, transient true
        ThrottlingException 400: Throttled, transient true
        KmsThrottled 400: Throttled, transient true
        KmsAccessDenied 400: Key, transient false
        ExpiredToken 403: SessionEnded, transient true
        RequestExpired 400: Clock, transient false
        InvalidParameterValue 400: Other, transient false
        ServiceUnavailable 503: Unavailable, transient true
         500: Unavailable, transient true
        ");
    }

    #[test]
    fn a_text_of_aws_is_one_line_and_bounded() {
        assert_eq!(clean("a\n  b. "), "a b");
        assert_eq!(clean(&"x".repeat(9_000)).len(), 600);
    }
}
