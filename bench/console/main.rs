//! The console under load, beside a server written by hand with the same statements: see `README.md`.

mod data;
#[path = "../database.rs"]
mod database;
#[path = "../figures.rs"]
mod figures;
mod load;
mod peer;
mod process;
#[path = "../system.rs"]
mod system;
mod table;

use std::time::Duration;

use load::Client;
use process::Server;

/// The same as of `ebm`, so that the servers differ in what they do and not in this.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What a benchmark may fail with: it says why, and ends.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Requests per second while latency is measured: of lists, and of pages that gather from everywhere.
const LISTS: u32 = 200;
const GATHERED: u32 = 20;
/// How long each round measures latency, and then what a CPU second gives.
const ROUND: Duration = Duration::from_secs(8);
/// Numbers of channels.
const SIZES: [u32; 2] = [100, 10_000];

fn main() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match std::env::args().nth(1).as_deref() {
        Some("peer") => runtime.block_on(peer::serve()),
        _ => runtime.block_on(measure()),
    }
}

/// Both servers over a database of one size.
struct Stage {
    size: u32,
    ebm: Server,
    peer: Server,
    client: Client,
    pages: Vec<(&'static str, u32, String)>,
    churn: tokio::task::JoinHandle<()>,
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.churn.abort();
    }
}

async fn measure() -> Result<()> {
    let rounds: usize = std::env::var("ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(5);
    let mut stages = Vec::new();
    for size in SIZES {
        eprintln!("filling a database with {size} channels");
        stages.push(prepare(size).await?);
    }
    table::bytes(&sizes(&stages[1]).await?);

    let mut timings = vec![Vec::new(); stages.len()];
    let mut rates = vec![[const { Vec::new() }; 2]; stages.len()];
    for round in 1..=rounds {
        eprintln!("round {round} of {rounds}");
        for (n, stage) in stages.iter().enumerate() {
            for (name, rate, path) in &stage.pages {
                let timing = stage.client.at_rate(&stage.ebm.url(path), *rate, ROUND / 4).await?;
                timings[n].push(((*name, *rate), timing));
            }
            let channels = &stage.pages[0].2;
            for (server, rates) in [&stage.ebm, &stage.peer].into_iter().zip(&mut rates[n]) {
                rates.push(pages_per_cpu_second(&stage.client, server, channels).await?);
            }
        }
    }
    table::latency(&SIZES, &timings);
    table::rates(&SIZES, &rates);
    let memory: Vec<_> = stages.iter().map(|stage| (stage.size, stage.ebm.memory())).collect();
    table::memory(&memory);
    Ok(())
}

async fn prepare(size: u32) -> Result<Stage> {
    let data = data::fill(size).await?;
    let ebm = Server::ebm(&data.url)?;
    let peer = Server::peer(&data.url)?;
    ebm.ready().await?;
    peer.ready().await?;
    let client = Client::sign_in(&ebm, &data.email, &data.password).await?;
    let pages = vec![
        ("channels", LISTS, "/channels".to_owned()),
        ("channels, deep", LISTS, format!("/channels?after={}", data.deep)),
        ("channels, searched", LISTS, "/channels?q=shipment".to_owned()),
        ("channels of a Space", LISTS, "/channels?space=space-7".to_owned()),
        ("events", LISTS, "/events".to_owned()),
        ("services", LISTS, "/services".to_owned()),
        ("apps", LISTS, "/apps".to_owned()),
        ("bridges", LISTS, "/bridges".to_owned()),
        ("a Space", GATHERED, "/spaces/space-7".to_owned()),
        ("a channel", GATHERED, format!("/channels/{}", data.channel)),
        ("overview", GATHERED, "/".to_owned()),
        ("search", GATHERED, "/search?q=order".to_owned()),
    ];
    let churn = tokio::spawn(data::churn(data.pool, size));
    Ok(Stage { size, ebm, peer, client, pages, churn })
}

/// Bytes of each page as sent, and of a first load with its files.
async fn sizes(stage: &Stage) -> Result<Vec<(&'static str, load::Size)>> {
    let mut sizes = Vec::new();
    for (name, _, path) in &stage.pages {
        sizes.push((*name, stage.client.size(&stage.ebm, path).await?));
    }
    Ok(sizes)
}

async fn pages_per_cpu_second(client: &Client, server: &Server, path: &str) -> Result<f64> {
    let url = server.url(path);
    let before = server.cpu();
    let pages = client.as_fast_as_can_be(&url, ROUND / 2).await?;
    Ok(f64::from(pages) / server.cpu().saturating_sub(before).as_secs_f64())
}
