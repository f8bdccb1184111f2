//! What moving an event costs, beside floors and a peer: see `README.md`.

mod contestant;
#[path = "../database.rs"]
mod database;
mod double;
mod event;
#[path = "../figures.rs"]
mod figures;
mod floor;
mod idle;
mod kafka;
mod latency;
mod process;
mod queue;
mod row;
#[path = "../system.rs"]
mod system;
mod table;
mod tally;
mod trial;
mod wire;
mod workers;

use std::env;

use ebm::domain::bridge::Direction;

use contestant::Contestant;
use floor::{lean::Lean, sdk::Sdk};
use row::Row;
use trial::{Load, Stage};

/// The same as of `ebm`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What a benchmark may fail with: it says why, and ends.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Numbers of attributes: what a message can carry, and more than that.
const ATTRIBUTES: [usize; 2] = [4, 12];
/// Milliseconds that calls of the queue take, besides none.
const LATENCIES: [u64; 2] = [5, 20];
/// Which part of the events is moved where calls take time.
const SLOW_PART: u32 = 5;
/// Numbers of workers, besides one.
const WORKERS: [usize; 2] = [2, 4];

fn main() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let arguments: Vec<_> = env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    runtime.block_on(async {
        match arguments[..] {
            ["double"] => Box::pin(double::serve()).await,
            ["idle"] => Box::pin(idle::measure()).await,
            ["sdk", "outbound", topic, queue, _] => Box::pin(floor::outbound(&Sdk::new(queue), topic)).await,
            ["sdk", "inbound", topic, queue, compression] => {
                Box::pin(floor::inbound(&Sdk::new(queue), topic, compression)).await
            }
            ["lean", "outbound", topic, queue, _] => Box::pin(floor::outbound(&Lean::new(queue), topic)).await,
            ["lean", "inbound", topic, queue, compression] => {
                Box::pin(floor::inbound(&Lean::new(queue), topic, compression)).await
            }
            _ => Box::pin(measure()).await,
        }
    })
}

async fn measure() -> Result<()> {
    let (rounds, events) = (number("ROUNDS", 3)?, number("EVENTS", 500_000)?);
    if rounds == 0 || events == 0 || events % 1_000 > 0 {
        return Err("ROUNDS must be at least 1, and EVENTS a multiple of 1,000".into());
    }
    let [few, many] = ATTRIBUTES.map(|attributes| Load { events, attributes, latency_ms: 0 });
    let slow = LATENCIES.map(|latency_ms| Load { events: events / SLOW_PART, latency_ms, ..few });
    let loads: Vec<_> = [few, many].into_iter().chain(slow).collect();
    eprintln!("writing events");
    let stage = Stage::new(&loads).await?;
    for direction in Direction::ALL.iter().copied() {
        let mut rows: Vec<_> = contestant::all(direction).into_iter().map(Row::new).collect();
        let mut workers: Vec<_> = WORKERS.map(|workers| Row::new(Contestant::Ebm(workers))).into();
        for round in 1..=rounds {
            eprintln!("{}, round {round} of {rounds}", direction.label());
            for load in &loads {
                let rest: &mut [Row] = if *load == few { &mut workers[..] } else { &mut [] };
                for row in rows.iter_mut().chain(rest).filter(|row| row.contestant.is_here()) {
                    row.measure(&stage, direction, *load).await;
                }
            }
            for row in rows.iter_mut().filter(|row| row.contestant.is_here()) {
                row.wait(&stage, direction, few).await;
            }
        }
        table::cost(direction, &rows, [few, many]);
        table::rates(&rows, &[few, slow[0], slow[1]]);
        table::latencies(&rows);
        workers.insert(0, rows.swap_remove(0));
        table::workers(&workers, few);
    }
    Box::pin(idle::measure()).await
}

/// What `run` has set.
fn setting(name: &str) -> Result<String> {
    env::var(name).map_err(|_| format!("{name} is not set: start bench/bridge/run").into())
}

fn number(name: &str, otherwise: u32) -> Result<u32> {
    env::var(name).map_or(Ok(otherwise), |text| Ok(text.parse()?))
}
