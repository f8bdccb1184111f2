//! Dead letters that someone wants sent again: each goes to the place that failed, and leaves when that place has it.
//!
//! Refuses to try by itself: what failed again waits until someone asks again.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use metrics::counter;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use super::{
    fifo,
    inbound::{self, event},
    lane::Entry,
    letter,
    means::Means,
    outbound::REQUEST,
    queue::{Access, Facts, Queue, Queues},
};
use crate::{
    domain::{
        bridge::{Direction, Mode},
        channel::topic_name,
        dead_letter::{Kept, KeptMessage, KeptRecord},
        ids::{BridgeId, RouteId},
        queue_url::QueueUrl,
    },
    kafka::stream::producer::Producer,
    store::{
        self,
        dead_letters::{self, ToRedrive},
        lanes::{self, Configuration, Route},
    },
};

/// How often is looked.
const PERIOD: Duration = Duration::from_secs(1);

/// Sends what is to be sent again, until `shutdown`.
pub async fn run(means: Means, queues: Arc<dyn Queues>, shutdown: CancellationToken) {
    let mut period = interval(PERIOD);
    period.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = period.tick() => {}
        }
        // What is being sent at the end is given up: its row is free again, and it is sent once more.
        let round = tokio::select! {
            () = shutdown.cancelled() => return,
            round = round(&means, &queues) => round,
        };
        if let Err(error) = round {
            tracing::warn!(%error, "dead letters could not be sent again yet");
        }
    }
}

/// Sends all that is there now.
async fn round(means: &Means, queues: &Arc<dyn Queues>) -> store::Result<()> {
    let bridges = dead_letters::list_bridges_to_redrive(&mut *means.pool.acquire().await?).await?;
    for bridge in bridges {
        let Some(configuration) = lanes::find_configuration(&means.pool, bridge).await? else { continue };
        let mut courier = Courier::new(means.clone(), queues.clone(), configuration);
        while courier.send_next().await? {}
    }
    Ok(())
}

/// Sends the letters of one bridge, one after the other.
struct Courier {
    means: Means,
    queues: Arc<dyn Queues>,
    configuration: Configuration,
    /// Queues in use.
    opened: BTreeMap<QueueUrl, (Arc<dyn Queue>, Facts)>,
    producer: Option<Producer>,
}

impl Courier {
    fn new(means: Means, queues: Arc<dyn Queues>, configuration: Configuration) -> Self {
        Self { means, queues, configuration, opened: BTreeMap::new(), producer: None }
    }

    fn bridge(&self) -> BridgeId {
        self.configuration.id
    }

    /// Sends the oldest; gives whether there was one. Nobody else has it until this is done. A kill in between leaves
    /// it to be sent once more.
    async fn send_next(&mut self) -> store::Result<bool> {
        let pool = self.means.pool.clone();
        let mut tx = store::begin(&pool).await?;
        let Some(letter) = dead_letters::take_to_redrive(&mut tx, self.bridge()).await? else { return Ok(false) };
        let opened = letter::open(&self.means.vault, self.bridge(), &letter.source, &letter.event);
        let sent = match opened {
            Ok(Kept::Record(record)) => self.send_to_queue(&letter, record).await,
            Ok(Kept::Message(message)) => self.send_to_topic(message).await,
            Err(why) => Err(why),
        };
        let outcome = if sent.is_ok() { "sent" } else { "failed" };
        counter!("ebm_bridge_redriven_total", "bridge" => self.bridge().to_string(), "outcome" => outcome).increment(1);
        match &sent {
            Ok(_) => dead_letters::delete(&mut tx, letter.id).await?,
            Err(why) => {
                tracing::info!(bridge = %self.bridge(), letter = letter.id, why, "a dead letter could not be sent again");
                dead_letters::set_redrive_failure(&mut tx, letter.id, &letter::without_nul(why)).await?;
            }
        }
        lanes::tell_changed(&mut tx, self.bridge()).await?;
        tx.commit().await?;
        if let Ok(route) = sent {
            lanes::add_moved(&pool, self.bridge(), &[(route, 1)]).await?;
        }
        Ok(true)
    }

    async fn send_to_queue(&mut self, letter: &ToRedrive, kept: KeptRecord) -> Result<RouteId, String> {
        if kept.headers_lost {
            return Err("the event has a header whose name is not UTF-8".into());
        }
        let event = kept.event().map_err(|why| format!("the event {why}"))?;
        let same = |route: &&Route| {
            route.direction == Direction::Outbound
                && route.kind == event.kind()
                && self.topic(route).is_ok_and(|topic| *topic == *kept.topic)
        };
        let route = self.configuration.routes.iter().find(same).ok_or_else(|| no_route(event.kind()))?;
        let mode = route.mode;
        let (route, url) = (route.id, route.queue.parse::<QueueUrl>().map_err(|e| format!("the queue's address {e}"))?);
        let (queue, facts) = self.queue(&url).await?;
        let message = event.into_queue(facts.max_message).map_err(|why| format!("the event {why}"))?;
        let fifo = url.is_fifo();
        let key = kept.key.map(|key| key.0);
        let entry = Entry {
            ticket: 0,
            route,
            message: Arc::new(message),
            group: (fifo || mode == Mode::Fair).then(|| fifo::group(key.as_deref(), kept.partition)),
            // Its own for each letter as it is: sent twice after a kill it is one, and changed it is another.
            deduplication: fifo
                .then(|| fifo::deduplication("dead-letter", &letter.source, 0, letter.id, letter.revision)),
        };
        let answer = timeout(REQUEST, queue.send(&[entry])).await.map_err(|_| "SQS did not answer in time")?;
        let results = answer.map_err(|fault| fault.to_string())?;
        let result = results.into_iter().next().ok_or("SQS does not say what became of the event")?;
        result.map(|()| route).map_err(|fault| fault.to_string())
    }

    async fn send_to_topic(&mut self, kept: KeptMessage) -> Result<RouteId, String> {
        let mut routes = HashMap::new();
        for route in &self.configuration.routes {
            if route.direction == Direction::Inbound && route.queue == kept.queue {
                let target = inbound::Target { route: route.id, topic: self.topic(route)?.into() };
                routes.insert(route.kind.clone(), target);
            }
        }
        let message = letter::message(kept);
        let (event, target) = event::read(&message, &routes).map_err(|(why, _)| format!("the event {why}"))?;
        let (key, headers, value) = event::record(event, &message);
        let producer = self.producer()?;
        let sent = producer.send(&target.topic, key.as_deref().map(str::as_bytes), &headers, value.as_deref()).await;
        sent.map(|()| target.route).map_err(|error| {
            // What a producer does not know it never learns.
            self.producer = None;
            error.to_string()
        })
    }

    async fn queue(&mut self, url: &QueueUrl) -> Result<(Arc<dyn Queue>, Facts), String> {
        if let Some((queue, facts)) = self.opened.get(url) {
            return Ok((queue.clone(), *facts));
        }
        let Configuration { id, role_arn, external_id, .. } = &self.configuration;
        let role_arn = role_arn.clone().ok_or("the bridge has no role")?;
        let access = Access { bridge: *id, role_arn, external_id: external_id.clone() };
        let queue = self.queues.open(&access, url).map_err(|fault| fault.to_string())?;
        let facts = timeout(REQUEST, queue.facts()).await.map_err(|_| "SQS did not answer in time")?;
        let facts = facts.map_err(|fault| fault.to_string())?;
        self.opened.insert(url.clone(), (queue.clone(), facts));
        Ok((queue, facts))
    }

    /// Each record alone: brokers judge the size of a batch.
    fn producer(&mut self) -> Result<Producer, String> {
        if let Some(producer) = &self.producer {
            return Ok(producer.clone());
        }
        let made = Producer::one_by_one(&self.means.kafka).map_err(|error| error.to_string())?;
        Ok(self.producer.insert(made).clone())
    }

    fn topic(&self, route: &Route) -> Result<String, String> {
        let space = self.configuration.space.parse().map_err(|error| format!("the Space's name {error}"))?;
        Ok(topic_name(route.channel, &space))
    }
}

fn no_route(kind: &str) -> String {
    format!("the bridge has no route for {kind} from there any more")
}
