//! The real `ebm`, killed while it commits what someone asked it to do over HTTP: that is wholly done or wholly absent, and
//! asking again has one effect.

use std::{
    env, fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use ebm::{domain::member::Role, manager::history::Verdict};
use reqwest::{Client, Response};
use serde_json::json;
use sqlx::{ConnectOptions, PgPool};
use tokio::time::timeout;
use uuid::Uuid;

use super::tries;
use crate::{
    process::free_address,
    reconcile::within,
    support::{
        Api, HISTORY_KEY, KEY,
        gate::{Gate, Moment},
        manager,
    },
};

/// How long a console may take to start, or a strike to come.
const PATIENCE: Duration = Duration::from_secs(30);

/// A folder of page files that are never asked for.
struct Site(PathBuf);

impl Site {
    fn new() -> Self {
        let folder = env::temp_dir().join(format!("ebm-site-{}", Uuid::new_v4()));
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("hash.txt"), "").unwrap();
        Self(folder)
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// `ebm serve` in a process of its own: console and API only. It is killed when this is dropped.
struct Console {
    process: Arc<Mutex<Child>>,
    http: Client,
    listens: SocketAddr,
}

impl Drop for Console {
    fn drop(&mut self) {
        kill(&self.process);
    }
}

/// By SIGKILL: nothing in the process hears of it.
fn kill(process: &Mutex<Child>) {
    let mut process = process.lock().unwrap();
    let _ = process.kill();
    let _ = process.wait();
}

impl Console {
    /// Starts one over this database, and waits until it answers.
    async fn start(database: &str, site: &Path) -> Self {
        let (listens, ops) = (free_address().await, free_address().await);
        // It sees nothing of what this test was given, and finds no Kafka: nobody asks it for one.
        let process = Command::new(env!("CARGO_BIN_EXE_ebm"))
            .args(["serve", "--no-reconcile", "--no-bridges"])
            .env_clear()
            .env("RUST_LOG", "error")
            .env("EBM_DATABASE__URL", database)
            .env("EBM_HTTP__LISTEN", listens.to_string())
            .env("EBM_HTTP__OPS_LISTEN", ops.to_string())
            .env("EBM_HTTP__PUBLIC_URL", format!("http://{listens}"))
            .env("EBM_HTTP__SITE_ROOT", site)
            .env("EBM_KAFKA__BOOTSTRAP_SERVERS", "127.0.0.1:9")
            .env("EBM_KAFKA__SECURITY", "sasl_plaintext")
            .env("EBM_KAFKA__USERNAME", "console")
            .env("EBM_KAFKA__PASSWORD", "none")
            .env("EBM_KAFKA__WORKER_USERNAME", "worker")
            .env("EBM_KAFKA__WORKER_PASSWORD", "none")
            .env("EBM_SECRETS__KEY", KEY)
            .env("EBM_SECRETS__HISTORY_KEY", STANDARD.encode(HISTORY_KEY))
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let http = Client::builder().no_proxy().build().unwrap();
        let console = Self { process: Arc::new(Mutex::new(process)), http, listens };
        let ready = [format!("http://{ops}/readyz"), format!("http://{listens}/api/v1/openapi.json")];
        within(PATIENCE, "the console has started", async || {
            for url in &ready {
                // Whatever it says of the second, it says it: it listens.
                if console.http.get(url).send().await.is_err() {
                    return false;
                }
            }
            true
        })
        .await;
        console
    }

    /// Registers an app.
    async fn register(&self, token: &str, app: &str) -> reqwest::Result<Response> {
        let url = format!("http://{}/api/v1/apps/{app}", self.listens);
        self.http.put(url).bearer_auth(token).json(&json!({})).send().await
    }
}

/// How many apps have this key, and how often the history says that it was registered.
async fn found(pool: &PgPool, app: &str) -> (i64, i64) {
    let sql = "select (select count(*) from app where key = $1),
                      (select count(*) from change where object_name = $1 and act = 'app.registered')";
    sqlx::query_as(sql).bind(app).fetch_one(pool).await.unwrap()
}

#[sqlx::test]
async fn a_console_that_is_killed_while_it_commits_has_done_all_of_it_or_nothing(pool: PgPool) {
    let manager = manager(&pool, false).await;
    let (_, token) = Api::new(manager.clone()).member("admin@example.com", Role::Admin).await;
    let (site, gate) = (Site::new(), Gate::before(&pool).await);
    let database = gate.options().to_url_lossy().to_string();

    let (rounds, mut done, mut half, mut missing, mut extra) = (tries(4, 200), 0, 0, 0, 0);
    for round in 0..rounds {
        for moment in [Moment::Before, Moment::During, Moment::After] {
            let app = format!("app-{round}-{}", format!("{moment:?}").to_lowercase());
            let console = Console::start(&database, &site.0).await;
            let process = Arc::clone(&console.process);
            let struck = gate.arm(moment, &app, move || kill(&process));
            let told = console.register(&token, &app).await;
            timeout(PATIENCE, struck).await.expect("there is a COMMIT").unwrap();
            assert!(told.is_err(), "{moment:?}: nobody was left to answer, and still it was {told:?}");

            let there = found(&pool, &app).await;
            half += u32::from(there.0 != there.1);
            done += u32::from(there == (1, 1));
            // Of what Postgres has acknowledged nothing is lost, and what did not reach it is not there.
            missing += u32::from(moment == Moment::After && there != (1, 1));
            extra += u32::from(moment == Moment::Before && there != (0, 0));

            // Asked again, it is there once.
            let console = Console::start(&database, &site.0).await;
            let status = console.register(&token, &app).await.unwrap().status().as_u16();
            assert_eq!(status, if there.0 == 1 { 200 } else { 201 }, "{moment:?}");
            match found(&pool, &app).await {
                (1, 1) => {}
                (0, _) | (_, 0) => missing += 1,
                _ => extra += 1,
            }
        }
    }
    println!(
        "console killed at a COMMIT: {} tries, {done} done before they were asked for again, {half} half, {missing} missing, {extra} extra",
        3 * rounds
    );
    assert_eq!((half, missing, extra), (0, 0, 0));
    let rows: i64 = sqlx::query_scalar("select count(*) from change").fetch_one(&pool).await.unwrap();
    assert_eq!(manager.check_history().await.unwrap(), Verdict::Sound { rows });
}
