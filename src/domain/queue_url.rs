//! The address of an SQS queue: only the canonical form, so that what is called follows from region and account.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// An AWS partition: roles do not reach from one into another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Partition {
    /// `aws`: the commercial regions.
    #[serde(rename = "aws")]
    Aws,
    /// `aws-cn`: China.
    #[serde(rename = "aws-cn")]
    China,
    /// `aws-us-gov`: US government.
    #[serde(rename = "aws-us-gov")]
    UsGov,
    /// `aws-eusc`: European sovereign cloud.
    #[serde(rename = "aws-eusc")]
    Eusc,
}

impl Partition {
    /// The name in ARNs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::China => "aws-cn",
            Self::UsGov => "aws-us-gov",
            Self::Eusc => "aws-eusc",
        }
    }

    /// The DNS suffix of its endpoints.
    pub fn dns_suffix(self) -> &'static str {
        match self {
            Self::Aws | Self::UsGov => "amazonaws.com",
            Self::China => "amazonaws.com.cn",
            Self::Eusc => "amazonaws.eu",
        }
    }
}

/// An AWS region, by its name: `eu-central-1`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Region(String);

/// Why a region was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not the name of an AWS region: write it as eu-central-1")]
pub struct NotARegion;

impl Region {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The partition it belongs to, by its first part.
    pub fn partition(&self) -> Partition {
        if self.0.starts_with("cn-") {
            Partition::China
        } else if self.0.starts_with("us-gov-") {
            Partition::UsGov
        } else if self.0.starts_with("eusc-") {
            Partition::Eusc
        } else {
            Partition::Aws
        }
    }
}

impl FromStr for Region {
    type Err = NotARegion;

    /// Takes the shape of all names in use: two or more words of letters, then a number.
    fn from_str(text: &str) -> Result<Self, NotARegion> {
        let (words, number) = text.rsplit_once('-').ok_or(NotARegion)?;
        let number_ok = (1..=2).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit());
        let words_ok = words.contains('-')
            && words
                .split('-')
                .all(|word| (2..=12).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_lowercase()));
        if number_ok && words_ok && text.len() <= 32 { Ok(Self(text.to_owned())) } else { Err(NotARegion) }
    }
}

impl TryFrom<String> for Region {
    type Error = NotARegion;

    fn try_from(text: String) -> Result<Self, NotARegion> {
        text.parse()
    }
}

impl From<Region> for String {
    fn from(region: Region) -> Self {
        region.0
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The address of a queue, in its canonical form.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct QueueUrl {
    fips: bool,
    region: Region,
    account: String,
    name: String,
}

/// Why an address was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// Not the form of a queue's address at all.
    #[error("is not the address of an SQS queue: write it as https://sqs.<region>.amazonaws.com/<account>/<name>")]
    Form,
    /// Not https.
    #[error("must begin with https://")]
    Scheme,
    /// A user, port, query or fragment in it.
    #[error("must not hold a user, a port, a query or a fragment: only host, account and queue name")]
    Extra,
    /// Another host than SQS's own.
    #[error("names the host {0}, which is not an SQS endpoint")]
    Host(String),
    /// A form of the host that AWS keeps for old or special clients.
    #[error("uses a host that is not the canonical one: write {0}")]
    NotCanonical(String),
    /// The account is not 12 digits.
    #[error("must name the account as 12 digits")]
    Account,
    /// The queue's name is outside SQS's rule.
    #[error(
        "must name a queue of 1 to 80 letters, digits, hyphens and underscores, with .fifo at the end if it is one"
    )]
    Name,
    /// The queue lies in another region than the bridge.
    #[error("lies in {queue}, the bridge in {bridge}: choose a queue of {bridge}, or make a bridge in {queue}")]
    OtherRegion {
        /// The queue's region.
        queue: Region,
        /// The bridge's region.
        bridge: Region,
    },
    /// The queue lies in another partition than the installation.
    #[error(
        "lies in the AWS partition {queue}; this installation works in {ours}, and no role reaches from one into the other"
    )]
    OtherPartition {
        /// The queue's partition.
        queue: &'static str,
        /// The installation's.
        ours: &'static str,
    },
}

impl QueueUrl {
    /// The queue's region.
    pub fn region(&self) -> &Region {
        &self.region
    }

    /// The owner's account: 12 digits.
    pub fn account(&self) -> &str {
        &self.account
    }

    /// The queue's name, with `.fifo` where it has it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is a FIFO queue: known by its name (Amazon SQS Developer Guide, "FIFO queue name suffix").
    pub fn is_fifo(&self) -> bool {
        has_fifo_suffix(&self.name)
    }

    /// The queue's ARN.
    pub fn arn(&self) -> String {
        format!("arn:{}:sqs:{}:{}:{}", self.region.partition().as_str(), self.region, self.account, self.name)
    }

    /// Refuses a queue that a bridge in `region` cannot use.
    pub fn require_region(&self, region: &Region) -> Result<(), Invalid> {
        let (queue, ours) = (self.region.partition(), region.partition());
        if queue != ours {
            return Err(Invalid::OtherPartition { queue: queue.as_str(), ours: ours.as_str() });
        }
        if &self.region != region {
            return Err(Invalid::OtherRegion { queue: self.region.clone(), bridge: region.clone() });
        }
        Ok(())
    }
}

/// SQS knows the suffix in lower case only; `.FIFO` is an invalid name.
fn has_fifo_suffix(name: &str) -> bool {
    name.strip_suffix(".fifo").is_some()
}

impl FromStr for QueueUrl {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        // A look at the raw text, before any URL library could normalise it.
        if text.len() > 300 || !text.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(Invalid::Form);
        }
        let rest = text.strip_prefix("https://").ok_or(if text.starts_with("http://") {
            Invalid::Scheme
        } else {
            Invalid::Form
        })?;
        if rest.contains(['?', '#', '@']) {
            return Err(Invalid::Extra);
        }
        let mut parts = rest.split('/');
        let (Some(host), Some(account), Some(name), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Invalid::Form);
        };
        if host.contains(':') && !host.contains('[') {
            return Err(Invalid::Extra);
        }
        let (fips, region) = parse_host(host, account, name)?;
        if account.len() != 12 || !account.bytes().all(|b| b.is_ascii_digit()) {
            return Err(Invalid::Account);
        }
        let stem = name.strip_suffix(".fifo").unwrap_or(name);
        let name_ok = !stem.is_empty()
            && name.len() <= 80
            && stem.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        if !name_ok {
            return Err(Invalid::Name);
        }
        Ok(Self { fips, region, account: account.to_owned(), name: name.to_owned() })
    }
}

/// Reads `sqs.<region>.<suffix>` or `sqs-fips.<region>.<suffix>`; names the canonical address for the legacy
/// (`<region>.queue.<suffix>`, `queue.<suffix>`) and dual-stack (`sqs.<region>.api.aws`) hosts (AWS General
/// Reference, "Amazon SQS endpoints and quotas").
fn parse_host(host: &str, account: &str, name: &str) -> Result<(bool, Region), Invalid> {
    let unknown = || Invalid::Host(host.chars().take(80).collect());
    let canonical = |region: &Region| {
        let suffix = region.partition().dns_suffix();
        Invalid::NotCanonical(format!("https://sqs.{region}.{suffix}/{account}/{name}"))
    };
    let (label, rest) = host.split_once('.').ok_or_else(unknown)?;
    if label == "sqs" || label == "sqs-fips" {
        let (region, suffix) = rest.split_once('.').ok_or_else(unknown)?;
        let region: Region = region.parse().map_err(|_| unknown())?;
        return match suffix {
            "api.aws" | "api.amazonwebservices.com.cn" => Err(canonical(&region)),
            suffix if suffix == region.partition().dns_suffix() => Ok((label == "sqs-fips", region)),
            _ => Err(unknown()),
        };
    }
    match (label, rest) {
        ("queue", "amazonaws.com") => Err(canonical(&Region("us-east-1".into()))),
        (region, "queue.amazonaws.com" | "queue.amazonaws.com.cn") => {
            Err(canonical(&region.parse().map_err(|_| unknown())?))
        }
        _ => Err(unknown()),
    }
}

impl TryFrom<String> for QueueUrl {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl From<QueueUrl> for String {
    fn from(url: QueueUrl) -> Self {
        url.to_string()
    }
}

impl fmt::Display for QueueUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let service = if self.fips { "sqs-fips" } else { "sqs" };
        let suffix = self.region.partition().dns_suffix();
        write!(f, "https://{service}.{}.{suffix}/{}/{}", self.region, self.account, self.name)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_canonical_address_is_taken_and_written_back_the_same() {
        for url in [
            "https://sqs.eu-central-1.amazonaws.com/123456789012/orders",
            "https://sqs.eu-central-1.amazonaws.com/123456789012/orders.fifo",
            "https://sqs-fips.us-gov-west-1.amazonaws.com/123456789012/o_r-1",
            "https://sqs.cn-north-1.amazonaws.com.cn/123456789012/orders",
            "https://sqs.eusc-de-east-1.amazonaws.eu/123456789012/orders",
        ] {
            let queue: QueueUrl = url.parse().unwrap_or_else(|e| panic!("{url}: {e}"));
            assert_eq!(queue.to_string(), url);
        }
        let queue: QueueUrl = "https://sqs.cn-north-1.amazonaws.com.cn/123456789012/orders".parse().unwrap();
        assert_eq!(queue.arn(), "arn:aws-cn:sqs:cn-north-1:123456789012:orders");
    }

    /// Names are those of the corpus of bad input; others of a class must fare as well.
    #[test]
    fn anything_else_is_refused() {
        let host = "https://sqs.eu-central-1.amazonaws.com";
        let long = format!("{host}/123456789012/{}", "a".repeat(81));
        for (case, url) in [
            ("Q02 http", "http://sqs.eu-central-1.amazonaws.com/123456789012/orders"),
            ("Q03 other scheme", "ftp://sqs.eu-central-1.amazonaws.com/123456789012/orders"),
            ("Q04 user", "https://sqs.eu-central-1.amazonaws.com@evil.test/123456789012/orders"),
            ("Q05 suffix of the host", "https://sqs.eu-central-1.amazonaws.com.evil.test/123456789012/orders"),
            ("Q06 port", "https://sqs.eu-central-1.amazonaws.com:8443/123456789012/orders"),
            ("Q07 query", "https://sqs.eu-central-1.amazonaws.com/123456789012/orders?Action=x"),
            ("Q08 fragment", "https://sqs.eu-central-1.amazonaws.com/123456789012/orders#x"),
            ("Q09 address", "https://169.254.169.254/123456789012/orders"),
            ("Q10 octal address", "https://0251.0376.0251.0376/123456789012/orders"),
            ("Q11 IPv6", "https://[::ffff:169.254.169.254]/123456789012/orders"),
            ("Q12 localhost", "https://localhost/123456789012/orders"),
            ("Q13 full-width dot", "https://sqs\u{ff0e}eu-central-1.amazonaws.com/123456789012/orders"),
            ("Q15 account", "https://sqs.eu-central-1.amazonaws.com/12345678901/orders"),
            ("Q16 long name", long.as_str()),
            ("Q17 star", "https://sqs.eu-central-1.amazonaws.com/123456789012/*"),
            ("Q18 question mark", "https://sqs.eu-central-1.amazonaws.com/123456789012/or?ers"),
            ("Q19 variable", "https://sqs.eu-central-1.amazonaws.com/123456789012/${aws:username}"),
            ("Q20 quote", "https://sqs.eu-central-1.amazonaws.com/123456789012/or\"\\ders"),
            ("Q21 path up", "https://sqs.eu-central-1.amazonaws.com/123456789012/../orders"),
            ("path after", "https://sqs.eu-central-1.amazonaws.com/123456789012/orders/"),
            ("upper case", "https://SQS.eu-central-1.amazonaws.com/123456789012/orders"),
            ("percent", "https://sqs.eu-central-1.amazonaws.com/123456789012/or%64ers"),
            ("only suffix", "https://sqs.eu-central-1.amazonaws.com/123456789012/.fifo"),
            ("suffix of another partition", "https://sqs.eu-central-1.amazonaws.com.cn/123456789012/orders"),
            ("blank", " https://sqs.eu-central-1.amazonaws.com/123456789012/orders"),
            ("nothing", ""),
        ] {
            assert!(url.parse::<QueueUrl>().is_err(), "{case}: {url}");
        }
    }

    #[test]
    fn a_legacy_or_dual_stack_host_is_answered_with_the_canonical_address() {
        let canonical = Invalid::NotCanonical("https://sqs.eu-west-1.amazonaws.com/123456789012/orders".into());
        for url in [
            "https://eu-west-1.queue.amazonaws.com/123456789012/orders",
            "https://sqs.eu-west-1.api.aws/123456789012/orders",
        ] {
            assert_eq!(url.parse::<QueueUrl>(), Err(canonical.clone()));
        }
    }

    #[test]
    fn region_and_partition_must_be_the_bridges() {
        let bridge: Region = "eu-central-1".parse().unwrap();
        let near: QueueUrl = "https://sqs.eu-central-1.amazonaws.com/123456789012/orders".parse().unwrap();
        let far: QueueUrl = "https://sqs.eu-west-1.amazonaws.com/123456789012/orders".parse().unwrap();
        let china: QueueUrl = "https://sqs.cn-north-1.amazonaws.com.cn/123456789012/orders".parse().unwrap();
        assert_eq!(near.require_region(&bridge), Ok(()));
        assert!(matches!(far.require_region(&bridge), Err(Invalid::OtherRegion { .. })));
        assert!(matches!(china.require_region(&bridge), Err(Invalid::OtherPartition { .. })));
    }

    proptest! {
        #[test]
        fn what_parses_is_written_back_byte_for_byte(text in "https://sqs(-fips)?\\.[a-z0-9.-]{1,40}/[0-9]{12}/[A-Za-z0-9._-]{1,85}") {
            if let Ok(queue) = text.parse::<QueueUrl>() {
                prop_assert_eq!(queue.to_string(), text);
            }
        }
    }
}
