//! The subcommands of `ebm`, and the wiring of the real parts.

use std::{
    io::{Read, Write},
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

use clap::{Parser, Subcommand};
use ebm::{
    api,
    aws::{self, Aws},
    bridge::{Means, Worker},
    config::{Compression, Config, Security},
    domain::member::Role,
    kafka::{
        admin::{self, Admin, Login, Sasl, Tls},
        stream,
    },
    manager::{Actor, KafkaForApps, Manager, Parts, TopicLimits, history::Verdict, tokens::For},
    reconcile::{self, Reconciler},
    runtime::Runtime,
    secrets::{Vault, parse_key},
    store,
    web::{self, Web},
};
use leptos::config::LeptosOptions;
use secrecy::{ExposeSecret, SecretString};
use tokio::net::TcpListener;

mod ops;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Event Broker Manager: a console for business events on Apache Kafka.
#[derive(Parser)]
#[command(version)]
pub struct Arguments {
    /// Configuration file (TOML). Every key can also be a variable: `kafka.username` is `EBM_KAFKA__USERNAME`.
    #[arg(long, env = "EBM_CONFIG", global = true)]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run everything: console and API, reconciler, bridges.
    Serve {
        /// Leave out the reconciler: another process runs it.
        #[arg(long)]
        no_reconcile: bool,
        /// Leave out the bridges: other processes run them.
        #[arg(long)]
        no_bridges: bool,
    },
    /// Run the reconciler alone. Several stand by for each other.
    Reconcile,
    /// Run the bridges alone. Several share the work.
    Bridge,
    /// Bring the database to this version's shape.
    Migrate,
    /// Look whether something is as it should be.
    #[command(subcommand)]
    Check(Check),
    /// People.
    #[command(subcommand)]
    User(User),
    /// Bearer tokens.
    #[command(subcommand)]
    Token(Token),
    /// Print the description of the API as JSON (`OpenAPI` 3.1).
    Openapi,
}

#[derive(Subcommand)]
enum Check {
    /// Walk the history: name the first row that was edited, deleted, inserted or moved.
    History,
    /// Print the AWS policies that the console's and the worker's own identities need.
    Aws,
}

#[derive(Subcommand)]
enum User {
    /// Make a member, and print the one-time link to set a password. One who is there is left as he is.
    Create {
        /// Make an admin.
        #[arg(long, conflicts_with = "viewer")]
        admin: bool,
        /// Make a viewer (the default).
        #[arg(long)]
        viewer: bool,
        /// Name for people.
        #[arg(long, default_value = "")]
        name: String,
        /// Read the password from standard input instead of printing a link.
        #[arg(long)]
        password_stdin: bool,
        /// E-mail address.
        email: String,
    },
}

#[derive(Subcommand)]
enum Token {
    /// Make a token that may do all a member may, and print it.
    Create {
        /// The member's e-mail address.
        #[arg(long)]
        member: String,
        /// What it is for.
        #[arg(long, default_value = "made by the operator")]
        name: String,
    },
}

/// Runs a subcommand.
pub async fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    if matches!(arguments.command, Command::Openapi) {
        // Who reads only its beginning has closed the pipe: no fault of anybody.
        let _ = writeln!(std::io::stdout(), "{:#}", api::openapi::document());
        return Ok(ExitCode::SUCCESS);
    }
    let (config, warnings) = Config::read(arguments.config.as_deref(), std::env::vars())?;
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    let pool = store::pool(config.database.url.expose_secret(), config.database.max_connections)?;
    match arguments.command {
        Command::Openapi => {}
        Command::Migrate => store::migrate(&pool).await?,
        Command::Serve { no_reconcile, no_bridges } => {
            return serve(&config, pool, Run { console: true, reconcile: !no_reconcile, bridges: !no_bridges }).await;
        }
        Command::Reconcile => return serve(&config, pool, Run { reconcile: true, ..Run::default() }).await,
        Command::Bridge => return serve(&config, pool, Run { bridges: true, ..Run::default() }).await,
        Command::Check(Check::History) => return check_history(&config, pool).await,
        Command::Check(Check::Aws) => check_aws(&config)?,
        Command::User(User::Create { admin, name, password_stdin, email, .. }) => {
            let role = if admin { Role::Admin } else { Role::Viewer };
            let password = password_stdin.then(read_password).transpose()?;
            let invited = manager(&config, pool).await?.create_member(&email, &name, role, password).await?;
            match invited.link {
                Some(link) => println!("{}", link.expose_secret()),
                None => eprintln!("{email} is a member"),
            }
        }
        Command::Token(Token::Create { member, name }) => {
            let manager = manager(&config, pool).await?;
            let member = manager.find_member_by_email(&member).await?;
            let minted = manager.create_token(&Actor::Operator, For::Member(member.id), &name, None).await?;
            println!("{}", minted.value.expose_secret());
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn read_password() -> Result<SecretString, Failure> {
    let mut text = String::new();
    std::io::stdin().take(4096).read_to_string(&mut text)?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned().into())
}

async fn check_history(config: &Config, pool: store::PgPool) -> Result<ExitCode, Failure> {
    Ok(match manager(config, pool).await?.check_history().await? {
        Verdict::Sound { rows } => {
            println!("the history is sound: {rows} rows");
            ExitCode::SUCCESS
        }
        Verdict::Broken { number, why } => {
            println!("the history is broken at row {number}: {why}");
            ExitCode::FAILURE
        }
    })
}

fn check_aws(config: &Config) -> Result<(), Failure> {
    let aws = config.aws.as_ref().ok_or("[aws] is not configured")?;
    let partition = aws.region.parse::<ebm::domain::queue_url::Region>()?.partition();
    let console = aws::policy::console_policy(partition, &aws.account_id, aws.permissions_boundary.as_deref());
    println!("For the console's identity:\n{console}\n");
    println!("For the worker's identity:\n{}", aws::policy::worker_policy(partition, &aws.account_id));
    Ok(())
}

/// The parts that one process runs.
#[derive(Clone, Copy, Default)]
struct Run {
    console: bool,
    reconcile: bool,
    bridges: bool,
}

async fn serve(config: &Config, pool: store::PgPool, run: Run) -> Result<ExitCode, Failure> {
    let runtime = Runtime::default();
    let vault = Vault::new(&config.secrets.key)?;
    let aws = connect_aws(config).await?;
    let admin = Admin::new(admin_settings(config)?);
    let manager = new_manager(config, pool.clone(), aws.clone(), Some(admin.clone()))?;
    if run.console || run.reconcile {
        // Where the database is away, this is asked again until it is back.
        runtime.spawn("key", manager.clone().require_key(runtime.shutdown()));
    }

    let metrics = ops::install_metrics()?;
    let listener = TcpListener::bind(config.http.ops_listen).await?;
    runtime.spawn("ops", ops::serve(listener, manager.clone(), metrics, runtime.shutdown()));
    if run.reconcile {
        let kafka = &config.kafka;
        let settings =
            reconcile::Settings::new(kafka.worker_username.clone(), kafka.username.clone(), kafka.replication);
        let history_key = parse_key(&config.secrets.history_key)?;
        let reconciler = Reconciler::new(pool.clone(), vault.clone(), history_key, admin, settings);
        runtime.spawn("reconciler", reconciler.run(runtime.shutdown()));
    }
    if run.bridges
        && let Some(aws) = &aws
    {
        let rest = Duration::from_secs(config.bridge.rest_seconds.into());
        let means = Means::new(pool.clone(), vault, stream_settings(config), rest)?;
        let worker = Worker::new(means, aws.clone(), slot(config)?);
        let shutdown = runtime.shutdown();
        runtime.spawn("bridges", async move {
            Box::pin(worker.run(shutdown)).await;
            Ok::<_, Failure>(())
        });
    }
    if run.console {
        runtime.spawn("sweeper", manager.clone().sweep(runtime.shutdown()));
        runtime.spawn("changes", manager.clone().pass_on_changes(runtime.shutdown()));
        let listener = TcpListener::bind(config.http.listen).await?;
        let router = console(config, manager)?;
        let shutdown = runtime.shutdown();
        runtime.spawn("console", async move {
            axum::serve(listener, router).with_graceful_shutdown(shutdown.cancelled_owned()).await
        });
        tracing::info!(url = config.http.public_url, "the console is open");
    }
    let finished = runtime.wait().await?;
    Ok(if finished { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn console(config: &Config, manager: Manager) -> Result<axum::Router, Failure> {
    // Leptos draws on tasks of its own, and nobody else says on which runtime.
    let _ = any_spawner::Executor::init_tokio();
    // The names of the page's files hold a hash of what is in them; the list of these lies with the files.
    let site = std::path::absolute(&config.http.site_root)?;
    let names = site.join("hash.txt");
    if !names.is_file() {
        return Err(
            format!("http.site_root: {} is missing: build the page's files with dev/page", names.display()).into()
        );
    }
    let leptos = LeptosOptions::builder()
        .output_name("ebm")
        .site_root(site.to_string_lossy().into_owned())
        .site_pkg_dir("pkg")
        .hash_files(true)
        .hash_file(std::sync::Arc::from(names.to_string_lossy().as_ref()))
        .build();
    let api = axum::Router::new().nest("/api/v1", api::router(manager.clone()));
    let origin = config.http.public_url.clone();
    let web = Web { manager, leptos, origin, api: api::openapi::document(), session: config.session };
    Ok(api.merge(web::console::router(web)?))
}

async fn manager(config: &Config, pool: store::PgPool) -> Result<Manager, Failure> {
    let aws = connect_aws(config).await?;
    new_manager(config, pool, aws, None)
}

fn new_manager(
    config: &Config,
    pool: store::PgPool,
    aws: Option<Aws>,
    admin: Option<Admin>,
) -> Result<Manager, Failure> {
    let kafka = &config.kafka;
    let parts = Parts {
        vault: Vault::new(&config.secrets.key)?,
        history_key: parse_key(&config.secrets.history_key)?,
        default_access: config.access.into(),
        topics: TopicLimits {
            partitions: kafka.partitions,
            max_partitions: kafka.max_partitions,
            replication: kafka.replication,
        },
        kafka: KafkaForApps {
            bootstrap_servers: kafka.app_bootstrap_servers().to_owned(),
            security_protocol: kafka.security.protocol(),
        },
        admin,
        aws,
        public_url: config.http.public_url.clone(),
        dead_letter_days: config.bridge.dead_letter_days,
    };
    Ok(Manager::new(pool, parts))
}

async fn connect_aws(config: &Config) -> Result<Option<Aws>, Failure> {
    let Some(aws) = &config.aws else { return Ok(None) };
    let keys = |id: &Option<String>, secret: &Option<SecretString>| {
        Some(aws::Keys { access_key_id: id.clone()?, secret_access_key: secret.clone()? })
    };
    let settings = aws::Settings {
        account_id: aws.account_id.clone(),
        region: aws.region.parse()?,
        worker_arn: aws.worker_arn.clone(),
        console: keys(&aws.console_access_key_id, &aws.console_secret_access_key),
        worker: keys(&aws.worker_access_key_id, &aws.worker_secret_access_key),
        permissions_boundary: aws.permissions_boundary.clone(),
        shared_role_arn: aws.shared_role_arn.clone(),
        endpoints: aws::Endpoints {
            iam: aws.endpoint_url_iam.clone(),
            sts: aws.endpoint_url_sts.clone(),
            sqs: aws.endpoint_url_sqs.clone(),
        },
        allow_private: aws.allow_private_addresses,
    };
    Ok(Some(Aws::new(settings).await))
}

fn admin_settings(config: &Config) -> Result<admin::Settings, Failure> {
    let kafka = &config.kafka;
    let servers = kafka.bootstrap_servers.split(',').map(|server| server.trim().to_owned()).collect();
    let tls = match kafka.security {
        Security::SaslPlaintext => None,
        Security::SaslSsl => Some(Tls::trusting(kafka.ca_file.as_deref())?),
    };
    let login = Login::new(kafka.username.clone(), kafka.password.clone());
    // One broker that does not answer must not hold up what all the others have done.
    let request_timeout = Duration::from_secs(10);
    Ok(admin::Settings { sasl: Some(Sasl::Scram512(login)), tls, request_timeout, ..admin::Settings::new(servers) })
}

fn stream_settings(config: &Config) -> stream::Settings {
    let kafka = &config.kafka;
    stream::Settings {
        bootstrap_servers: kafka.bootstrap_servers.clone(),
        security: match kafka.security {
            Security::SaslSsl => stream::Security::SaslSsl,
            Security::SaslPlaintext => stream::Security::SaslPlaintext,
        },
        username: kafka.worker_username.clone(),
        password: kafka.worker_password.clone(),
        ca_file: kafka.ca_file.clone(),
        compression: match config.bridge.compression {
            Compression::None => "none",
            Compression::Gzip => "gzip",
            Compression::Lz4 => "lz4",
            Compression::Zstd => "zstd",
        },
    }
}

/// Names this process among the workers: the same after a restart, so that Kafka gives it back its partitions.
fn slot(config: &Config) -> Result<String, Failure> {
    // Not every shell passes its HOSTNAME on.
    let host = || std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let shell = || std::env::var("HOSTNAME").ok().filter(|name| !name.trim().is_empty());
    let told = config.bridge.slot.clone().or_else(shell).or_else(host);
    let slot = told.unwrap_or_default().trim().to_owned();
    // It is a `group.instance.id`: what Kafka takes for the name of a topic (KIP-345).
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if slot.is_empty() || slot.len() > 249 || !slot.chars().all(is_plain) {
        let why =
            format!("bridge.slot: “{slot}” cannot name a worker: take letters, digits, dots, hyphens and underscores");
        return Err(why.into());
    }
    Ok(slot)
}
