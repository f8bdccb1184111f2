//! What it costs to make Kafka agree with Postgres, beside Kafka's own client: see `README.md`.

mod calls;
mod child;
mod contestant;
mod data;
#[path = "../database.rs"]
mod database;
#[path = "../figures.rs"]
mod figures;
mod proxy;
#[path = "../system.rs"]
mod system;
mod table;
mod took;
mod wanted;

use std::{env, path::PathBuf, process::Command};

use serde::Serialize;

use calls::Calls;
use contestant::Contestant;
use data::{Data, Size};
use figures::median;
use proxy::Proxy;
use took::Took;
use wanted::Wanted;

/// The same as of `ebm`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What a benchmark may fail with: it says why, and ends.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Passes over what has converged.
const PASSES: u32 = 9;
/// Changes of each kind.
const CHANGES: u32 = 50;
/// ACLs for each channel: of the contest, and of the process whose memory is looked at besides.
const ACLS: u32 = 2;
const MANY_ACLS: u32 = 5;

fn main() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let arguments: Vec<_> = env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    runtime.block_on(async {
        match arguments[..] {
            ["converge"] => say(&child::converge().await?),
            ["alone"] => say(&child::alone().await?),
            ["shown"] => say(&child::shown().await?),
            ["look", passes] => say(&child::look(passes.parse()?).await?),
            ["change", times] => say(&child::change(times.parse()?).await?),
            ["drop", seconds] => say(&child::drop_after(seconds.parse()?).await?),
            ["hash"] => say(&child::hash()),
            _ => measure().await,
        }
    })
}

/// The answer of a process to the one that has started it.
fn say(answer: &impl Serialize) -> Result<()> {
    println!("{}", serde_json::to_string(answer)?);
    Ok(())
}

/// A database, and a broker that is empty again and again.
struct Stage {
    proxy: Proxy,
    data: Data,
}

/// A pass that was dropped, and the one that went on.
struct Dropped {
    /// At which part of the time that all of it takes.
    at: f64,
    before: Calls,
    after: Calls,
}

async fn measure() -> Result<()> {
    let (rounds, channels) = (number("ROUNDS", 3)?, number("CHANNELS", 10_000)?);
    if rounds == 0 || channels == 0 || channels % 10 > 0 {
        return Err("ROUNDS must be at least 1, and CHANNELS a multiple of 10".into());
    }
    let proxy = Proxy::start(&setting("BENCH_PROXY")?, setting("BENCH_BROKER")?).await?;
    let size = Size { channels, acls: ACLS * channels };
    let stage = Stage { proxy, data: Data::fill("bench_reconcile", size).await? };

    eprintln!("what is to be made");
    stage.empty().await?;
    stage.converge().await?;
    let wanted = Wanted::read(&child::admin()?, stage.data.users().await?).await?;
    wanted.write()?;
    table::wanted(&wanted);

    let mut results: Vec<_> = contestant::ALL.map(|contestant| (contestant, Vec::new())).into();
    for round in 1..=rounds {
        for (contestant, results) in &mut results {
            eprintln!("round {round} of {rounds}: {}", contestant.name);
            stage.empty().await?;
            results.push(stage.run(contestant).await?);
        }
    }
    table::contest(&results);
    let undisturbed = &results[0].1;
    let wall = median(undisturbed.iter().map(|(took, _)| took.wall));

    let mut dropped = Vec::new();
    for round in 1..=rounds {
        eprintln!("dropped half-way, {round} of {rounds}");
        dropped.push(stage.dropped(wall).await?);
    }
    table::dropped(&undisturbed[0].1, &dropped);

    eprintln!("what has converged");
    let (looks, looking) = stage.look().await?;
    table::looks(&looks);
    eprintln!("changes");
    let (changes, changing) = stage.change().await?;
    table::changes(&changes);
    let kinds = u32::try_from(changes.len())?;
    table::calls(&[("a pass", &looking, PASSES), ("a change", &changing, CHANGES * kinds)]);

    let hashing = contestant::ask(process("hash", &[])?).await?;
    table::hashing(hashing, &results, wanted.users.len());

    let converged = median(undisturbed.iter().map(|(took, _)| f64::from(took.peak)));
    let mut memory = vec![(size, converged, most(&looks))];
    let size = Size { channels, acls: MANY_ACLS * channels };
    let stage = Stage { proxy: stage.proxy, data: Data::fill("bench_reconcile_many", size).await? };
    eprintln!("memory");
    stage.empty().await?;
    let (took, _) = stage.converge().await?;
    let (looks, _) = stage.look().await?;
    memory.push((size, f64::from(took.peak), most(&looks)));
    table::memory(&memory);
    Ok(())
}

impl Stage {
    /// A broker with nothing in it, and a database that knows so.
    async fn empty(&self) -> Result<()> {
        let mut broker = Command::new(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("bench/reconcile/broker"));
        broker.arg("fresh").stdout(std::io::stderr());
        let status = tokio::task::spawn_blocking(move || broker.status()).await??;
        if !status.success() {
            return Err("the broker did not start".into());
        }
        self.data.forget().await
    }

    async fn run(&self, contestant: &Contestant) -> Result<(Took, Calls)> {
        let command = contestant.command(&self.data.url)?;
        self.proxy.take();
        let took = contestant::ask(command).await?;
        Ok((took, self.proxy.take()))
    }

    async fn converge(&self) -> Result<(Took, Calls)> {
        self.run(&contestant::ALL[0]).await
    }

    /// Drops a pass at a random point of the time that it would take, and converges.
    async fn dropped(&self, wall: f64) -> Result<Dropped> {
        self.empty().await?;
        let at = 0.05 + 0.9 * f64::from(ebm::secrets::random::<1>()[0]) / 255.0;
        self.proxy.take();
        let _: Took = contestant::ask(self.child("drop", &[&(wall * at).to_string()])?).await?;
        let before = self.proxy.take();
        let (_, after) = self.converge().await?;
        Ok(Dropped { at, before, after })
    }

    async fn look(&self) -> Result<(Vec<Took>, Calls)> {
        self.proxy.take();
        let looks = contestant::ask(self.child("look", &[&PASSES.to_string()])?).await?;
        Ok((looks, self.proxy.take()))
    }

    async fn change(&self) -> Result<(Vec<child::Change>, Calls)> {
        self.proxy.take();
        let changes = contestant::ask(self.child("change", &[&CHANGES.to_string()])?).await?;
        Ok((changes, self.proxy.take()))
    }

    fn child(&self, role: &str, arguments: &[&str]) -> Result<Command> {
        let mut command = process(role, arguments)?;
        command.env("BENCH_DATABASE", &self.data.url);
        Ok(command)
    }
}

/// This program as a process of its own.
fn process(role: &str, arguments: &[&str]) -> Result<Command> {
    let mut command = Command::new(env::current_exe()?);
    command.arg(role).args(arguments);
    Ok(command)
}

/// What `run` has set.
fn setting(name: &str) -> Result<String> {
    env::var(name).map_err(|_| format!("{name} is not set: start bench/reconcile/run").into())
}

fn number(name: &str, otherwise: u32) -> Result<u32> {
    env::var(name).map_or(Ok(otherwise), |text| Ok(text.parse()?))
}

/// The most memory of any of them.
fn most(looks: &[Took]) -> f64 {
    looks.iter().map(|took| f64::from(took.peak)).fold(0.0, f64::max)
}
