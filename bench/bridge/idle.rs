//! What bridges cost that have nothing to move.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::{Result, kafka::Topic, process::Processes, queue::Queue, workers::Workers};

/// Numbers of bridges.
const COUNTS: [usize; 3] = [1, 100, 1_000];
/// How long they may take to run.
const PATIENCE: Duration = Duration::from_mins(5);
/// How often is looked whether they do.
const LOOK: Duration = Duration::from_millis(500);
/// For how long they rest before they are measured, and while they are.
const REST: Duration = Duration::from_secs(20);

/// Lets more and more bridges run on empty topics, and prints what their worker holds and uses.
pub async fn measure() -> Result<()> {
    let (queue, workers) = (Queue::start()?, Workers::new().await?);
    println!("\n## Without anything to move\n\n| bridges | memory, MiB | at most | threads | CPU-s in a minute |");
    println!("|---:|---:|---:|---:|---:|");
    for count in COUNTS {
        eprintln!("{count} bridges without anything to move");
        let topics = Topic::create_many(count, 1).await?;
        workers.want_idle(&topics).await?;
        let mut processes = Processes::start(vec![workers.command(1, &queue.address)?])?;
        let until = Instant::now() + PATIENCE;
        while workers.count_running().await? < count {
            processes.require()?;
            if Instant::now() > until {
                return Err(format!("not all of {count} bridges run").into());
            }
            sleep(LOOK).await;
        }
        sleep(REST).await;
        let before = processes.cpu();
        sleep(REST).await;
        let cpu = (processes.cpu() - before) * 60.0 / REST.as_secs_f64();
        let [now, most] = [processes.memory_now(), processes.memory()].map(|kib| kib / 1_024);
        println!("| {count} | {now} | {most} | {} | {cpu:.2} |", processes.threads());
        processes.stop().await?;
        Topic::delete_many(&topics).await?;
    }
    Ok(())
}
