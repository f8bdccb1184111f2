//! What was measured of one contestant, over all rounds.

use std::time::Duration;

use ebm::domain::bridge::Direction;

use crate::{
    contestant::Contestant,
    figures::{median, percentile},
    latency,
    trial::{Load, Stage, Took},
};

/// Events that come alone, and how much time is between them.
const ALONE: (u32, Duration) = (40, Duration::from_millis(200));
/// How long events come at half of what a contestant can do.
const HALF_LOAD: Duration = Duration::from_secs(8);

/// All of one contestant.
pub struct Row {
    /// Who.
    pub contestant: Contestant,
    took: Vec<Took>,
    /// Milliseconds of events that came alone, and of those at half load.
    latencies: [Vec<f64>; 2],
}

impl Row {
    /// Nothing yet.
    pub fn new(contestant: Contestant) -> Self {
        Self { contestant, took: Vec::new(), latencies: [const { Vec::new() }; 2] }
    }

    /// Moves a load. What fails is said and left out.
    pub async fn measure(&mut self, stage: &Stage, direction: Direction, load: Load) {
        match Box::pin(stage.measure(self.contestant, direction, load)).await {
            Ok(took) => self.took.push(took),
            Err(error) => self.tell(error.as_ref()),
        }
    }

    /// Measures latencies; what half of its load is, this load has shown.
    pub async fn wait(&mut self, stage: &Stage, direction: Direction, load: Load) {
        let rate = self.median(load, Took::rate);
        if rate <= 0.0 {
            return;
        }
        // A microsecond, so that the double has a pace.
        let pace = Duration::from_secs_f64(2.0 / rate).max(Duration::from_micros(1));
        let half = u32::try_from(HALF_LOAD.as_micros() / pace.as_micros()).unwrap_or(u32::MAX);
        for (kind, (events, pace)) in [ALONE, (half, pace)].into_iter().enumerate() {
            match Box::pin(latency::measure(stage, self.contestant, direction, events, pace)).await {
                Ok(latencies) => self.latencies[kind].extend(latencies),
                Err(error) => self.tell(error.as_ref()),
            }
        }
    }

    fn tell(&self, error: &(dyn std::error::Error + Send + Sync)) {
        eprintln!("{} failed: {error}", self.contestant.name());
    }

    /// All rounds with a load.
    pub fn of(&self, load: Load) -> impl Iterator<Item = &Took> {
        self.took.iter().filter(move |took| took.load == load)
    }

    /// All rounds.
    pub fn all(&self) -> impl Iterator<Item = &Took> {
        self.took.iter()
    }

    /// The middle of the rounds with a load; zero where there was none.
    pub fn median(&self, load: Load, pick: fn(&Took) -> f64) -> f64 {
        median(self.of(load).map(pick))
    }

    /// Milliseconds within which so many of a hundred events arrived: of those that came alone, and at half load.
    pub fn latency(&self, percent: usize) -> [f64; 2] {
        [0, 1].map(|kind| percentile(self.latencies[kind].iter().copied(), percent))
    }
}
