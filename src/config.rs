//! What an operator sets: command-line flags over `EBM_` variables over a file over defaults.
//!
//! A variable is named after its key: `kafka.bootstrap_servers` is `EBM_KAFKA__BOOTSTRAP_SERVERS`. An unknown key in
//! the file is an error, since the file is ours alone; an unknown variable is a warning, since other tools may use
//! the prefix.

use std::{net::SocketAddr, path::PathBuf};

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::domain::grant::DefaultAccess;

/// Everything that can be set.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The console's and the API's listener.
    #[serde(default)]
    pub http: Http,
    /// Postgres.
    pub database: Database,
    /// Apache Kafka.
    pub kafka: Kafka,
    /// AWS; bridges to SQS cannot be made without it.
    pub aws: Option<Aws>,
    /// Keys.
    pub secrets: Secrets,
    /// Moving events.
    #[serde(default)]
    pub bridge: Bridge,
    /// Which grants come by themselves.
    #[serde(default)]
    pub access: Access,
    /// Sign-in sessions.
    #[serde(default)]
    pub session: Session,
}

/// `[http]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Http {
    /// Address and port of the console and the API.
    pub listen: SocketAddr,
    /// Address and port of readiness and metrics: keep it private.
    pub ops_listen: SocketAddr,
    /// The address people use, without a path: links begin with it, and over https cookies are `Secure`.
    pub public_url: String,
    /// Folder of the built page assets.
    pub site_root: PathBuf,
}

impl Default for Http {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            ops_listen: SocketAddr::from(([127, 0, 0, 1], 8081)),
            public_url: "http://127.0.0.1:8080".into(),
            site_root: "target/site".into(),
        }
    }
}

/// `[database]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// `postgres://user:password@host/database`
    pub url: SecretString,
    /// The most connections of this process.
    #[serde(default = "max_connections")]
    pub max_connections: u32,
}

fn max_connections() -> u32 {
    16
}

/// `[kafka]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kafka {
    /// `host:port,host:port`
    pub bootstrap_servers: String,
    /// What apps are told to connect to, where it differs.
    pub app_bootstrap_servers: Option<String>,
    /// How to connect.
    #[serde(default)]
    pub security: Security,
    /// PEM file of the authorities to trust; the system's where it is absent.
    pub ca_file: Option<PathBuf>,
    /// The principal that administers topics, ACLs and users.
    pub username: String,
    /// Its password.
    pub password: SecretString,
    /// The principal that moves the events of bridges.
    pub worker_username: String,
    /// Its password.
    pub worker_password: SecretString,
    /// Partitions of a channel's topic where the contract says nothing.
    #[serde(default = "partitions")]
    pub partitions: i32,
    /// The most partitions a contract may ask for.
    #[serde(default = "max_partitions")]
    pub max_partitions: i32,
    /// Replicas of every topic.
    #[serde(default = "replication")]
    pub replication: i16,
}

fn partitions() -> i32 {
    3
}

fn max_partitions() -> i32 {
    64
}

fn replication() -> i16 {
    3
}

impl Kafka {
    /// What apps connect to.
    pub fn app_bootstrap_servers(&self) -> &str {
        self.app_bootstrap_servers.as_deref().unwrap_or(&self.bootstrap_servers)
    }
}

/// How Kafka is connected to. Both forms sign in by SCRAM-SHA-512.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Security {
    /// Over TLS.
    #[default]
    SaslSsl,
    /// Without encryption: for development, or inside an encrypted network.
    SaslPlaintext,
}

impl Security {
    /// Kafka's own word for it, as in `security.protocol`.
    pub fn protocol(self) -> &'static str {
        match self {
            Self::SaslSsl => "SASL_SSL",
            Self::SaslPlaintext => "SASL_PLAINTEXT",
        }
    }
}

/// `[aws]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Aws {
    /// The installation's own account: 12 digits.
    pub account_id: String,
    /// The region whose STS endpoint is used.
    pub region: String,
    /// ARN of the identity that the bridge worker runs as: the roles of bridges trust exactly this one.
    pub worker_arn: String,
    /// Access key of the console's identity (roles of bridges only); AWS's default chain where it is absent.
    pub console_access_key_id: Option<String>,
    /// The key's secret.
    pub console_secret_access_key: Option<SecretString>,
    /// Access key of the worker's identity (to assume those roles only); AWS's default chain where it is absent.
    pub worker_access_key_id: Option<String>,
    /// The key's secret.
    pub worker_secret_access_key: Option<SecretString>,
    /// ARN of the permissions boundary of every role made.
    pub permissions_boundary: Option<String>,
    /// ARN of the role that all bridges share, where this installation may not make roles: it must trust the worker, and
    /// may do on queues of other accounts what its own policies say.
    pub shared_role_arn: Option<String>,
    /// Whether AWS's names may lead to private addresses, as with interface endpoints in a VPC.
    #[serde(default)]
    pub allow_private_addresses: bool,
    /// Endpoint instead of AWS's own, for development; also read from `AWS_ENDPOINT_URL_IAM`.
    pub endpoint_url_iam: Option<String>,
    /// The same for STS; also read from `AWS_ENDPOINT_URL_STS`.
    pub endpoint_url_sts: Option<String>,
    /// The same for SQS; also read from `AWS_ENDPOINT_URL_SQS`.
    pub endpoint_url_sqs: Option<String>,
}

/// `[secrets]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Secrets {
    /// 32 bytes in base64: seals secrets at rest.
    pub key: SecretString,
    /// 32 bytes in base64: authenticates the history.
    pub history_key: SecretString,
}

/// `[bridge]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Bridge {
    /// Names this process among the workers: the same after a restart, and another one for each that runs at a time. The
    /// name of the host where it is absent.
    pub slot: Option<String>,
    /// How batches of records are packed that are written to topics.
    pub compression: Compression,
    /// For how many seconds a bridge has nothing to move before it leaves its consumer group; it is woken when something
    /// comes.
    pub rest_seconds: u32,
    /// For how many days dead letters are kept, at least one; until someone deletes them where it is absent.
    pub dead_letter_days: Option<u32>,
}

impl Default for Bridge {
    fn default() -> Self {
        Self { slot: None, compression: Compression::default(), rest_seconds: 600, dead_letter_days: None }
    }
}

/// How a batch of records is packed (Kafka's `compression.type`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// Not at all, as clients have it by themselves: every client reads it.
    #[default]
    None,
    /// Small, and twice the CPU of all else; every client reads it.
    Gzip,
    /// Cheap to pack; some clients (`KafkaJS`) need a module to read it.
    Lz4,
    /// Smaller than `lz4`, cheaper than `gzip`; the same holds.
    Zstd,
}

/// `[access]`: which grants come by themselves.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(clippy::struct_excessive_bools, reason = "four independent settings")]
pub struct Access {
    /// An app may use the events it defines.
    pub own_events: bool,
    /// An app may publish events of others that it implements.
    pub publish_implemented: bool,
    /// An app may subscribe to events of others that it implements.
    pub subscribe_implemented: bool,
    /// A bridge may use events whose contract lets others do so.
    pub bridges: bool,
}

impl Default for Access {
    fn default() -> Self {
        let DefaultAccess { own_events, publish_implemented, subscribe_implemented, bridges } =
            DefaultAccess::default();
        Self { own_events, publish_implemented, subscribe_implemented, bridges }
    }
}

impl From<Access> for DefaultAccess {
    fn from(access: Access) -> Self {
        let Access { own_events, publish_implemented, subscribe_implemented, bridges } = access;
        Self { own_events, publish_implemented, subscribe_implemented, bridges }
    }
}

/// `[session]`
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Session {
    /// Minutes without a request after which one signs in again.
    pub idle_minutes: u32,
    /// Hours after which one signs in again in any case.
    pub absolute_hours: u32,
}

impl Default for Session {
    fn default() -> Self {
        Self { idle_minutes: 30, absolute_hours: 12 }
    }
}

/// Every key there is. Kept true by a test.
const KEYS: &[&str] = &[
    "http.listen",
    "http.ops_listen",
    "http.public_url",
    "http.site_root",
    "database.url",
    "database.max_connections",
    "kafka.bootstrap_servers",
    "kafka.app_bootstrap_servers",
    "kafka.security",
    "kafka.ca_file",
    "kafka.username",
    "kafka.password",
    "kafka.worker_username",
    "kafka.worker_password",
    "kafka.partitions",
    "kafka.max_partitions",
    "kafka.replication",
    "aws.account_id",
    "aws.region",
    "aws.worker_arn",
    "aws.console_access_key_id",
    "aws.console_secret_access_key",
    "aws.worker_access_key_id",
    "aws.worker_secret_access_key",
    "aws.permissions_boundary",
    "aws.allow_private_addresses",
    "aws.endpoint_url_iam",
    "aws.endpoint_url_sts",
    "aws.endpoint_url_sqs",
    "secrets.key",
    "secrets.history_key",
    "bridge.slot",
    "bridge.compression",
    "access.own_events",
    "access.publish_implemented",
    "access.subscribe_implemented",
    "access.bridges",
    "session.idle_minutes",
    "session.absolute_hours",
];

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file or a variable does not say what it should, or something is missing.
    #[error("configuration: {0}")]
    Read(#[from] config::ConfigError),
    /// A value that is read but cannot be.
    #[error("configuration: {key} {why}")]
    Value {
        /// The key.
        key: &'static str,
        /// What is wrong and what to do.
        why: String,
    },
}

impl Config {
    /// Reads the file, where there is one, and lays the variables over it.
    ///
    /// Gives the configuration and a warning for each unknown `EBM_` variable.
    pub fn read(
        file: Option<&std::path::Path>,
        variables: impl Iterator<Item = (String, String)>,
    ) -> Result<(Self, Vec<String>), Error> {
        let mut builder = config::Config::builder();
        if let Some(file) = file {
            builder = builder.add_source(config::File::from(file).format(config::FileFormat::Toml));
        }
        let mut warnings = Vec::new();
        let mut endpoints = Endpoints::default();
        for (name, value) in variables {
            match name.as_str() {
                "EBM_CONFIG" => {}
                "AWS_ENDPOINT_URL_IAM" => endpoints.iam = Some(value),
                "AWS_ENDPOINT_URL_STS" => endpoints.sts = Some(value),
                "AWS_ENDPOINT_URL_SQS" => endpoints.sqs = Some(value),
                _ => {
                    let Some(key) = name.strip_prefix("EBM_") else { continue };
                    let key = key.replace("__", ".").to_ascii_lowercase();
                    if KEYS.contains(&key.as_str()) {
                        builder = builder.set_override(&key, value)?;
                    } else {
                        warnings.push(format!("the variable {name} is unknown and has no effect"));
                    }
                }
            }
        }
        let mut config: Self = builder.build()?.try_deserialize()?;
        // An endpoint alone, set for other tools, is no wish for bridges.
        if let Some(aws) = &mut config.aws {
            aws.endpoint_url_iam = aws.endpoint_url_iam.take().or(endpoints.iam);
            aws.endpoint_url_sts = aws.endpoint_url_sts.take().or(endpoints.sts);
            aws.endpoint_url_sqs = aws.endpoint_url_sqs.take().or(endpoints.sqs);
        }
        config.check()?;
        Ok((config, warnings))
    }

    fn check(&self) -> Result<(), Error> {
        let url = &self.http.public_url;
        let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
        if host.is_none_or(|host| host.is_empty() || host.contains('/')) {
            let why = "must be http:// or https:// and a host, without a path".into();
            return Err(Error::Value { key: "http.public_url", why });
        }
        for (key, value) in [("secrets.key", &self.secrets.key), ("secrets.history_key", &self.secrets.history_key)] {
            crate::secrets::parse_key(value).map_err(|e| Error::Value { key, why: format!(": {e}") })?;
        }
        if self.secrets.key.expose_secret() == self.secrets.history_key.expose_secret() {
            let why = "must differ from secrets.key: one seals, the other proves".into();
            return Err(Error::Value { key: "secrets.history_key", why });
        }
        if !(1..=self.kafka.max_partitions).contains(&self.kafka.partitions) {
            return Err(Error::Value { key: "kafka.partitions", why: "must be 1 to kafka.max_partitions".into() });
        }
        if self.bridge.rest_seconds == 0 {
            return Err(Error::Value { key: "bridge.rest_seconds", why: "must be at least 1".into() });
        }
        if self.bridge.dead_letter_days == Some(0) {
            let why = "must be at least 1, or absent: dead letters are kept until someone deletes them then".into();
            return Err(Error::Value { key: "bridge.dead_letter_days", why });
        }
        if let Some(aws) = &self.aws {
            if aws.account_id.len() != 12 || !aws.account_id.bytes().all(|b| b.is_ascii_digit()) {
                return Err(Error::Value { key: "aws.account_id", why: "must be 12 digits".into() });
            }
            if let Some(role) = &aws.shared_role_arn
                && !(role.starts_with("arn:") && role.contains(":iam::") && role.contains(":role/"))
            {
                let why = "must be the ARN of a role: arn:aws:iam::<account>:role/<name>".into();
                return Err(Error::Value { key: "aws.shared_role_arn", why });
            }
            if aws.region.parse::<crate::domain::queue_url::Region>().is_err() {
                return Err(Error::Value { key: "aws.region", why: "must be a region's name: eu-central-1".into() });
            }
        }
        Ok(())
    }
}

/// AWS's own variables for endpoints, so that one setting serves every AWS tool.
#[derive(Default)]
struct Endpoints {
    iam: Option<String>,
    sts: Option<String>,
    sqs: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(extra: &[(&str, &str)]) -> Vec<(String, String)> {
        let base = [
            ("EBM_DATABASE__URL", "postgres://ebm:canary@localhost/ebm"),
            ("EBM_KAFKA__BOOTSTRAP_SERVERS", "localhost:9092"),
            ("EBM_KAFKA__USERNAME", "console"),
            ("EBM_KAFKA__PASSWORD", "canary"),
            ("EBM_KAFKA__WORKER_USERNAME", "worker"),
            ("EBM_KAFKA__WORKER_PASSWORD", "canary"),
            ("EBM_SECRETS__KEY", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="),
            ("EBM_SECRETS__HISTORY_KEY", "AQECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="),
        ];
        base.iter().chain(extra).map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    fn read(extra: &[(&str, &str)]) -> Result<(Config, Vec<String>), Error> {
        Config::read(None, variables(extra).into_iter())
    }

    #[test]
    fn variables_alone_are_enough() {
        let (config, warnings) =
            read(&[("EBM_KAFKA__PARTITIONS", "6"), ("EBM_KAFKA__SECURITY", "sasl_plaintext")]).unwrap();
        assert_eq!(config.kafka.partitions, 6);
        assert_eq!(config.kafka.security, Security::SaslPlaintext);
        assert!(config.aws.is_none() && warnings.is_empty());
    }

    #[test]
    fn an_unknown_variable_is_a_warning_that_names_it() {
        let (_, warnings) = read(&[("EBM_URL", "http://x")]).unwrap();
        assert_eq!(warnings, ["the variable EBM_URL is unknown and has no effect"]);
    }

    #[test]
    fn an_endpoint_of_aws_alone_asks_for_no_bridges() {
        let endpoint = ("AWS_ENDPOINT_URL_SQS", "http://127.0.0.1:1");
        assert!(read(&[endpoint]).unwrap().0.aws.is_none());
        let aws = read(&[
            endpoint,
            ("EBM_AWS__ACCOUNT_ID", "012345678901"),
            ("EBM_AWS__REGION", "eu-central-1"),
            ("EBM_AWS__WORKER_ARN", "arn:aws:iam::012345678901:user/worker"),
        ]);
        let aws = aws.unwrap().0.aws.unwrap();
        assert_eq!(aws.endpoint_url_sqs.as_deref(), Some("http://127.0.0.1:1"));
        assert_eq!(aws.account_id, "012345678901");
    }

    #[test]
    fn what_is_wrong_is_named_with_its_key() {
        for (key, value, named) in [
            ("EBM_HTTP__PUBLIC_URL", "https://x/y", "http.public_url"),
            ("EBM_SECRETS__KEY", "short", "secrets.key"),
            ("EBM_KAFKA__PARTITIONS", "0", "kafka.partitions"),
            ("EBM_HTTP__LISTEN", "nowhere", "http.listen"),
            ("EBM_SECRETS__HISTORY_KEY", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "secrets.history_key"),
        ] {
            let error = read(&[(key, value)]).unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
        }
    }

    #[test]
    fn an_unknown_key_in_the_file_is_an_error_and_secrets_are_never_shown() {
        let file = std::env::temp_dir().join(format!("ebm-config-{}.toml", std::process::id()));
        std::fs::write(&file, "[kafka]\nbootstrap = \"x\"\n").unwrap();
        let error = Config::read(Some(&file), variables(&[]).into_iter()).unwrap_err().to_string();
        std::fs::remove_file(&file).unwrap();
        assert!(error.contains("bootstrap"), "{error}");
        assert!(!format!("{:?}", read(&[]).unwrap()).contains("canary"));
    }

    #[test]
    fn every_key_in_the_list_is_known_to_the_struct() {
        for key in KEYS {
            let name = format!("EBM_{}", key.replace('.', "__").to_ascii_uppercase());
            if let Err(error) = read(&[(&name, "1")]) {
                assert!(!error.to_string().contains("unknown field"), "{key}: {error}");
            }
        }
    }
}
