//! How long an event takes through a contestant: one that comes alone, and one of many.

use std::time::Duration;

use ebm::domain::bridge::Direction;
use tokio::time::timeout;

use crate::{
    Result,
    contestant::Contestant,
    double::Setup,
    kafka::{self, Topic},
    trial::Stage,
};

/// Events that come first, so that all connections are there.
const WARM: u32 = 20;
/// Attributes of each event.
const ATTRIBUTES: usize = 4;
/// How long events take at most, all of them together, beyond the time over which they come.
const PATIENCE: Duration = Duration::from_mins(2);

/// Lets so many events come at a pace. Gives how long each took from being there to having arrived, in milliseconds.
pub async fn measure(
    stage: &Stage,
    contestant: Contestant,
    direction: Direction,
    events: u32,
    pace: Duration,
) -> Result<Vec<f64>> {
    let topic = Topic::create().await?;
    let (all, pace_us) = (WARM + events, Some(u64::try_from(pace.as_micros())?));
    let setup = Setup { events: all, attributes: ATTRIBUTES, latency_ms: 0, warm: WARM, pace_us };
    stage.queue.set(&setup).await?;
    let mut processes = contestant.start(&stage.workers, &stage.queue, direction, &topic).await?;
    let moved = async {
        match direction {
            Direction::Outbound => {
                let producer = kafka::producer("0")?;
                topic.write(&producer, 0..WARM, ATTRIBUTES, Duration::ZERO).await?;
                stage.follow(direction, WARM, &mut processes).await?;
                topic.write(&producer, WARM..all, ATTRIBUTES, pace).await?;
                stage.follow(direction, all, &mut processes).await?;
                stage.queue.latencies().await
            }
            Direction::Inbound => {
                let moved = async {
                    stage.follow(direction, WARM, &mut processes).await?;
                    stage.queue.begin().await?;
                    stage.follow(direction, all, &mut processes).await
                };
                let (_, latencies) = tokio::try_join!(moved, topic.listen(all, WARM))?;
                Ok(latencies)
            }
        }
    };
    let latencies = timeout(PATIENCE + pace * events, Box::pin(moved)).await??;
    processes.stop().await?;
    topic.delete().await?;
    Ok(latencies.into_iter().map(|latency| f64::from(latency) / 1000.0).collect())
}
