//! A real `ebm bridge`, which a test stops, ends and kills as an operator or a machine does.

use std::{
    env,
    fs::{self, File},
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::Client;
use sqlx::{ConnectOptions, PgPool};
use tokio::net::TcpListener;
use uuid::Uuid;

use crate::{
    reconcile::within,
    support::{
        HISTORY_KEY, KEY,
        kafka::{servers, variable},
    },
};

/// How long it may take to start, and to end when it is asked to.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long an answer may take that comes at all.
const MOMENT: Duration = Duration::from_secs(1);
/// How much of a log is shown.
const LINES: usize = 200;

/// An address at which nobody listens.
pub async fn free_address() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    listener.local_addr().unwrap()
}

/// What a bridge process is given.
#[derive(Clone, Copy)]
pub struct Servers<'a> {
    /// `postgres://user:password@host/database`, in this version's shape.
    pub database: &'a str,
    /// `host:port` of Kafka, where it signs in as a super user.
    pub kafka: &'a str,
    /// `http://host:port`
    pub sqs: &'a str,
    /// `http://host:port`
    pub sts: &'a str,
    /// The worker's access key in AWS: its id and its secret.
    pub key: [&'a str; 2],
}

/// `ebm bridge` in a process of its own. Dropped, it is killed; where the test has failed, its log is shown.
pub struct Bridge {
    process: Child,
    ops: SocketAddr,
    http: Client,
    log: PathBuf,
}

impl Drop for Bridge {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        if thread::panicking() {
            let log = self.log();
            let lines: Vec<_> = log.lines().collect();
            eprintln!("the end of the log of a bridge:\n{}", lines[lines.len().saturating_sub(LINES)..].join("\n"));
        }
        let _ = fs::remove_file(&self.log);
    }
}

impl Bridge {
    /// Starts one in a slot, and waits until it answers. The slot names it in its groups, also after a restart.
    pub async fn start(servers: Servers<'_>, slot: &str) -> Self {
        let ops = free_address().await;
        let log = env::temp_dir().join(format!("ebm-bridge-{}.log", Uuid::new_v4()));
        let file = File::create(&log).unwrap();
        let (user, password) = (variable("KAFKA_ADMIN_USER"), variable("KAFKA_ADMIN_PASSWORD"));
        let [key, secret] = servers.key;
        // It sees nothing else of what the test was given.
        let process = Command::new(env!("CARGO_BIN_EXE_ebm"))
            .arg("bridge")
            .env_clear()
            .env("RUST_LOG", "info")
            .env("HOSTNAME", slot)
            .env("EBM_DATABASE__URL", servers.database)
            .env("EBM_HTTP__OPS_LISTEN", ops.to_string())
            .env("EBM_KAFKA__BOOTSTRAP_SERVERS", servers.kafka)
            .env("EBM_KAFKA__SECURITY", "sasl_plaintext")
            .env("EBM_KAFKA__USERNAME", &user)
            .env("EBM_KAFKA__PASSWORD", &password)
            .env("EBM_KAFKA__WORKER_USERNAME", &user)
            .env("EBM_KAFKA__WORKER_PASSWORD", &password)
            .env("EBM_AWS__ACCOUNT_ID", "123456789012")
            .env("EBM_AWS__REGION", "eu-central-1")
            .env("EBM_AWS__WORKER_ARN", "arn:aws:iam::123456789012:user/worker")
            .env("EBM_AWS__WORKER_ACCESS_KEY_ID", key)
            .env("EBM_AWS__WORKER_SECRET_ACCESS_KEY", secret)
            .env("EBM_AWS__ENDPOINT_URL_SQS", servers.sqs)
            .env("EBM_AWS__ENDPOINT_URL_STS", servers.sts)
            .env("EBM_SECRETS__KEY", KEY)
            .env("EBM_SECRETS__HISTORY_KEY", STANDARD.encode(HISTORY_KEY))
            .stdin(Stdio::null())
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .spawn()
            .unwrap();
        let http = Client::builder().no_proxy().timeout(MOMENT).build().unwrap();
        let mut bridge = Self { process, ops, http, log };
        within(PATIENCE, "the bridge has started", async || {
            let ended = bridge.process.try_wait().unwrap();
            assert!(ended.is_none(), "it has ended: {}", bridge.log());
            bridge.answers().await
        })
        .await;
        bridge
    }

    /// Whether it answers, and soon.
    pub async fn answers(&self) -> bool {
        self.http
            .get(format!("http://{}/healthz", self.ops))
            .send()
            .await
            .is_ok_and(|answer| answer.status().is_success())
    }

    /// All that it has written so far.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Memory that it holds now, in bytes (proc(5), `VmRSS`).
    pub fn memory(&self) -> u64 {
        self.status("VmRSS:").trim_end_matches(" kB").parse::<u64>().unwrap() * 1_024
    }

    /// A line of what the system says of it (proc(5), `/proc/pid/status`).
    fn status(&self, name: &str) -> String {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        status.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned()
    }

    /// Ends it by SIGKILL: nothing in it hears of that.
    pub fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Holds it back by SIGSTOP: it keeps its connections and does nothing.
    pub async fn stop(&self) {
        self.signal("STOP");
        within(PATIENCE, "the bridge stands still", async || self.status("State:").starts_with('T')).await;
    }

    /// Lets it go on.
    pub fn cont(&self) {
        self.signal("CONT");
    }

    /// Ends it by SIGTERM, and gives the time that it took.
    pub async fn terminate(&mut self) -> Duration {
        let began = Instant::now();
        self.signal("TERM");
        let mut ended = None;
        within(PATIENCE, "the bridge has ended", async || {
            ended = self.process.try_wait().unwrap();
            ended.is_some()
        })
        .await;
        let took = began.elapsed();
        assert!(ended.unwrap().success(), "it gave up what it had begun: {ended:?}");
        took
    }

    /// Nobody else has the number of this process as long as it was not waited for.
    fn signal(&self, name: &str) {
        let status = Command::new("kill").args(["-s", name, &self.process.id().to_string()]).status().unwrap();
        assert!(status.success(), "kill -s {name}: {status}");
    }
}

/// Servers of which there is Postgres alone.
fn only(database: &str) -> Servers<'_> {
    let nowhere = "http://127.0.0.1:9";
    Servers { database, kafka: "127.0.0.1:9", sqs: nowhere, sts: nowhere, key: ["AKIATEST", "secret"] }
}

#[sqlx::test]
async fn a_bridge_stands_still_goes_on_ends_and_is_killed(pool: PgPool) {
    let database = pool.connect_options().to_url_lossy().to_string();
    let mut bridge = Bridge::start(Servers { kafka: &servers(), ..only(&database) }, "one").await;
    let memory = bridge.memory();
    assert!((1 << 20..1 << 30).contains(&memory), "{memory} bytes");

    bridge.stop().await;
    assert!(!bridge.answers().await, "it stands still");
    bridge.cont();
    within(PATIENCE, "it goes on", async || bridge.answers().await).await;

    let took = bridge.terminate().await;
    assert!(took < PATIENCE && bridge.log().contains("stopping"), "{took:?}: {}", bridge.log());
    assert!(!bridge.answers().await, "it has ended");

    let mut bridge = Bridge::start(only(&database), "one").await;
    bridge.kill();
    assert!(!bridge.answers().await && !bridge.log().contains("stopping"), "it is killed: {}", bridge.log());
}

#[tokio::test]
#[should_panic(expected = "it has ended: ebm: ")]
async fn a_bridge_that_cannot_start_says_why() {
    Bridge::start(only("no address"), "one").await;
}
