//! A member of a consumer group, on a thread of its own: librdkafka's calls block, and its callbacks come from polling.
//!
//! Refuses to commit by itself, to choose where reading begins, and to receive more than it was given credit for.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicI64, Ordering},
        mpsc,
    },
    time::{Duration, Instant},
};

use rdkafka::{
    ClientConfig, Message, TopicPartitionList,
    consumer::{BaseConsumer, CommitMode, Consumer as _},
    error::{KafkaError, RDKafkaErrorCode as Code},
    message::{BorrowedMessage, Headers},
};
use tokio::sync::{mpsc as events, oneshot};

use super::{
    Error, Offset, Partition, Record, Settings,
    context::{Member, Reason, list_of},
};

/// How long the coordinator keeps the partitions of a member that is gone without a word: a worker that was killed
/// and does not come back is replaced after this time.
const SESSION: Duration = Duration::from_secs(10);
/// How long one poll may take: commands wait as long at most while nothing comes in.
const POLL: Duration = Duration::from_millis(50);
/// Bytes of one fetch; a larger batch of records comes alone and whole. At 5 kB a second that takes 26 s.
const FETCH: usize = 128 << 10;
/// The most records that are told together.
const BURST: usize = 64;
/// How long everything waits for a lane that has no credit, before its partitions are paused: fetched records are
/// thrown away by pausing, so a short wait is the cheaper.
const GRACE: Duration = Duration::from_millis(250);
/// How often brokers that were away are asked whether they are back.
const AWAY: Duration = Duration::from_secs(2);
const WATERMARKS: Duration = Duration::from_secs(10);

/// What a member of a group tells.
#[derive(Debug)]
pub enum Event {
    /// Partitions are read from these offsets on.
    Assigned(Vec<Offset>),
    /// Records, as they were received.
    Records(Vec<Record>),
    /// Partitions will be given up as soon as the answer is there: the offsets to commit before that.
    Revoking {
        /// Which.
        partitions: Vec<Partition>,
        /// The way for the answer; the consumer does not wait longer than some seconds.
        reply: mpsc::Sender<Vec<Offset>>,
    },
    /// Partitions were given up.
    Lost(Vec<Partition>),
    /// How many records are behind what was committed.
    Lag(Vec<Offset>),
    /// Kafka is away; the consumer goes on by itself.
    Away(String),
    /// Kafka is back.
    Back,
    /// The consumer has ended. The last event.
    Failed(Error),
}

/// How much may be received.
#[derive(Debug)]
pub struct Credit {
    /// Events per topic.
    events: HashMap<Arc<str>, AtomicI64>,
    /// Bytes in all.
    bytes: AtomicI64,
    most_events: i64,
}

impl Credit {
    fn new(topics: &[Arc<str>], events: usize, bytes: usize) -> Self {
        let most_events = i64::try_from(events).unwrap_or(i64::MAX);
        Self {
            events: topics.iter().map(|topic| (topic.clone(), AtomicI64::new(most_events))).collect(),
            bytes: AtomicI64::new(i64::try_from(bytes).unwrap_or(i64::MAX)),
            most_events,
        }
    }

    fn take(&self, record: &Record) {
        if let Some(left) = self.events.get(&record.partition.topic) {
            left.fetch_sub(1, Ordering::Relaxed);
        }
        self.bytes.fetch_sub(i64::try_from(record.size()).unwrap_or(i64::MAX), Ordering::Relaxed);
    }

    /// Gives credit back.
    pub fn give(&self, events: &HashMap<Arc<str>, usize>, bytes: usize) {
        for (topic, count) in events {
            if let Some(left) = self.events.get(topic) {
                left.fetch_add(i64::try_from(*count).unwrap_or(i64::MAX), Ordering::Relaxed);
            }
        }
        self.bytes.fetch_add(i64::try_from(bytes).unwrap_or(i64::MAX), Ordering::Relaxed);
    }

    fn is_spent(&self, topic: &str) -> bool {
        self.bytes.load(Ordering::Relaxed) <= 0
            || self.events.get(topic).is_some_and(|left| left.load(Ordering::Relaxed) <= 0)
    }

    /// Whether a paused topic may go on: with some credit, so that it does not stop at once again.
    fn is_ample(&self, topic: &str) -> bool {
        self.bytes.load(Ordering::Relaxed) > 0
            && self.events.get(topic).is_none_or(|left| left.load(Ordering::Relaxed) * 2 >= self.most_events)
    }
}

enum Command {
    Commit(Vec<Offset>, oneshot::Sender<Result<(), Error>>),
    Close(oneshot::Sender<()>),
}

/// What is to be read.
#[derive(Debug)]
pub struct Subscription {
    /// Group.
    pub group: String,
    /// Name of this member, the same after a restart (KIP-345): the group does not rebalance then.
    pub instance: String,
    /// Topics.
    pub topics: Vec<Arc<str>>,
    /// Where reading begins where the group has not come further; 0 in partitions that are not named.
    pub starts: HashMap<Partition, i64>,
    /// The most events per topic that are received and not given back.
    pub events: usize,
    /// The same in bytes for all topics; one record may be above.
    pub bytes: usize,
}

/// A member of a consumer group. Dropped without [`Consumer::close`], it stops where it is and commits nothing.
#[derive(Debug)]
pub struct Consumer {
    commands: mpsc::Sender<Command>,
    events: events::UnboundedReceiver<Event>,
    credit: Arc<Credit>,
}

impl Consumer {
    /// Joins the group. What becomes of it is told by events.
    pub fn open(settings: &Settings, subscription: Subscription) -> Result<Self, Error> {
        let (commands, orders) = mpsc::channel();
        let (tell, events) = events::unbounded_channel();
        let credit = Arc::new(Credit::new(&subscription.topics, subscription.events, subscription.bytes));
        let config = config(settings, &subscription);
        let member = Member {
            events: tell,
            records: Mutex::default(),
            topics: subscription.topics,
            starts: subscription.starts,
            reason: Reason::default(),
            leaving: AtomicBool::new(false),
            failure: Mutex::new(None),
            places: Mutex::new(HashMap::new()),
        };
        let thread_credit = credit.clone();
        std::thread::Builder::new()
            .name("kafka-consumer".into())
            .spawn(move || Thread::start(&config, member, orders, thread_credit))
            .map_err(|error| Error::Other(error.to_string()))?;
        Ok(Self { commands, events, credit })
    }

    /// The next event. Safe to cancel.
    pub async fn next(&mut self) -> Event {
        self.events.recv().await.unwrap_or_else(|| Event::Failed(Error::Other("the consumer's thread ended".into())))
    }

    /// The next event if it is there.
    pub fn try_next(&mut self) -> Option<Event> {
        self.events.try_recv().ok()
    }

    /// What may be received.
    pub fn credit(&self) -> &Arc<Credit> {
        &self.credit
    }

    /// Commits offsets; done when the coordinator has stored them.
    pub fn commit(&self, offsets: Vec<Offset>) -> impl Future<Output = Result<(), Error>> + Send + use<> {
        let (reply, answer) = oneshot::channel();
        let sent = self.commands.send(Command::Commit(offsets, reply));
        async move {
            let gone = || Error::Other("the consumer's thread ended".into());
            sent.map_err(|_| gone())?;
            answer.await.map_err(|_| gone())?
        }
    }

    /// Leaves the group; done when the connection is closed.
    pub async fn close(self) {
        let (reply, answer) = oneshot::channel();
        if self.commands.send(Command::Close(reply)).is_ok() {
            let _ = answer.await;
        }
    }
}

fn config(settings: &Settings, subscription: &Subscription) -> ClientConfig {
    let mut config = settings.client();
    config
        .set("group.id", &subscription.group)
        .set("group.instance.id", &subscription.instance)
        .set("group.protocol", "classic")
        .set("partition.assignment.strategy", "cooperative-sticky")
        .set("session.timeout.ms", SESSION.as_millis().to_string())
        .set("heartbeat.interval.ms", "2000")
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        // A record that is gone is an error that is told, never a jump.
        .set("auto.offset.reset", "error")
        .set("isolation.level", "read_committed")
        .set("check.crcs", "true")
        .set("allow.auto.create.topics", "false")
        .set("topic.metadata.refresh.interval.ms", "30000")
        .set("statistics.interval.ms", "5000")
        // Fetched ahead: what is needed to keep a window full, and a bound in bytes.
        .set("queued.min.messages", "1000")
        .set("queued.max.messages.kbytes", "8192")
        // Once there is enough, a partition is fetched from again when there is not: by itself only after a second.
        .set("fetch.queue.backoff.ms", "5")
        // An answer has to come within its time on a slow line too, or it is asked for without end: a fetch is small.
        // The largest message is only named since no fetch may be smaller (librdkafka, `fetch.max.bytes`).
        .set("fetch.message.max.bytes", FETCH.to_string())
        .set("fetch.max.bytes", FETCH.to_string())
        .set("message.max.bytes", FETCH.to_string())
        .set("socket.timeout.ms", "30000")
        .set("fetch.wait.max.ms", "100")
        .set("fetch.error.backoff.ms", "200");
    config
}

struct Thread {
    consumer: BaseConsumer<Member>,
    orders: mpsc::Receiver<Command>,
    credit: Arc<Credit>,
    /// Topics whose partitions are paused.
    paused: HashSet<Arc<str>>,
    /// Since when a topic has had no credit.
    spent: Option<Instant>,
    /// Records that came after the credit was spent.
    stash: VecDeque<Record>,
    /// When brokers that are away are asked again.
    away: Option<Instant>,
}

impl Thread {
    fn start(config: &ClientConfig, member: Member, orders: mpsc::Receiver<Command>, credit: Arc<Credit>) {
        let tell = member.events.clone();
        let topics = member.topics.clone();
        let consumer: BaseConsumer<Member> = match config.create_with_context(member) {
            Ok(consumer) => consumer,
            Err(error) => return drop(tell.send(Event::Failed(Error::new(&error, None)))),
        };
        let names: Vec<&str> = topics.iter().map(AsRef::as_ref).collect();
        if let Err(error) = consumer.subscribe(&names) {
            return drop(tell.send(Event::Failed(Error::new(&error, None))));
        }
        let mut thread =
            Self { consumer, orders, credit, paused: HashSet::new(), spent: None, stash: VecDeque::new(), away: None };
        let end = thread.run();
        thread.consumer.context().leaving.store(true, Ordering::Relaxed);
        // Before the consumer is closed, which may take long when brokers are away.
        if let End::Failed(error) = &end {
            let _ = tell.send(Event::Failed(error.clone()));
        }
        drop(thread);
        if let End::Closed(reply) = end {
            let _ = reply.send(());
        }
    }

    fn run(&mut self) -> End {
        loop {
            loop {
                match self.orders.try_recv() {
                    Ok(order) => {
                        if let Some(end) = self.obey(order) {
                            return end;
                        }
                    }
                    Err(mpsc::TryRecvError::Empty) => break,
                    // The lane was dropped: this is no orderly end, so nothing is committed.
                    Err(mpsc::TryRecvError::Disconnected) => return End::Dropped,
                }
            }
            match self.hold_back() {
                Ok(false) => {}
                Ok(true) => {
                    match self.orders.recv_timeout(Duration::from_millis(5)) {
                        Ok(order) => {
                            if let Some(end) = self.obey(order) {
                                return end;
                            }
                        }
                        Err(mpsc::RecvTimeoutError::Timeout) => {}
                        Err(mpsc::RecvTimeoutError::Disconnected) => return End::Dropped,
                    }
                    continue;
                }
                Err(error) => return End::Failed(self.explain(&error)),
            }
            if let Err(error) = self.poll() {
                return End::Failed(error);
            }
        }
    }

    fn obey(&mut self, order: Command) -> Option<End> {
        match order {
            Command::Commit(offsets, reply) => {
                let _ = reply.send(self.commit(offsets));
                None
            }
            Command::Close(reply) => Some(End::Closed(reply)),
        }
    }

    fn commit(&self, offsets: Vec<Offset>) -> Result<(), Error> {
        let offsets = self.consumer.context().committable(offsets);
        if !offsets.is_empty() {
            self.consumer.commit(&list_of(&offsets), CommitMode::Sync).map_err(|error| self.explain(&error))?;
            self.consumer.context().committed(&offsets);
        }
        Ok(())
    }

    fn explain(&self, error: &KafkaError) -> Error {
        self.consumer.context().reason.explain(error)
    }

    /// Whether to wait before the next poll. Pauses topics that have been without credit for long, so that the
    /// others go on and the group hears of us, and resumes them when there is credit again.
    fn hold_back(&mut self) -> Result<bool, KafkaError> {
        let resumed: Vec<_> = self.paused.iter().filter(|topic| self.credit.is_ample(topic)).cloned().collect();
        if !resumed.is_empty() {
            self.consumer.resume(&self.assigned(&resumed)?)?;
            self.paused.retain(|topic| !resumed.contains(topic));
        }
        while let Some(record) = self.stash.front() {
            if self.credit.is_spent(&record.partition.topic) {
                break;
            }
            if let Some(record) = self.stash.pop_front() {
                self.deliver(record);
            }
        }
        self.consumer.context().tell_records();
        let topics = &self.consumer.context().topics;
        let spent = |topic: &&Arc<str>| self.credit.is_spent(topic) && !self.paused.contains(*topic);
        let spent: Vec<_> = topics.iter().filter(spent).cloned().collect();
        if spent.is_empty() {
            self.spent = None;
            return Ok(false);
        }
        if self.spent.get_or_insert_with(Instant::now).elapsed() < GRACE {
            return Ok(true);
        }
        self.consumer.pause(&self.assigned(&spent)?)?;
        self.paused.extend(spent);
        self.spent = None;
        Ok(false)
    }

    fn assigned(&self, topics: &[Arc<str>]) -> Result<TopicPartitionList, KafkaError> {
        let all = self.consumer.assignment()?;
        let mut list = TopicPartitionList::new();
        for element in all.elements().iter().filter(|e| topics.iter().any(|topic| **topic == *e.topic())) {
            list.add_partition(element.topic(), element.partition());
        }
        Ok(list)
    }

    /// Receives what is there, and waits a while where nothing is.
    fn poll(&mut self) -> Result<(), Error> {
        let mut wait = POLL;
        let mut result = Ok(());
        for _ in 0..BURST {
            match self.poll_one(wait) {
                Ok(true) => wait = Duration::ZERO,
                Ok(false) => break,
                Err(error) => {
                    result = Err(error);
                    break;
                }
            }
        }
        self.consumer.context().tell_records();
        result
    }

    /// Receives a record; gives whether there may be more that may be received.
    fn poll_one(&mut self, wait: Duration) -> Result<bool, Error> {
        let polled = self.consumer.poll(wait).map(|result| result.map(|m| record(&m, self.consumer.context())));
        // A stashed record of a partition that was given up must not come after the partition is read anew.
        if !self.stash.is_empty() {
            let places = self.consumer.context().places();
            self.stash.retain(|record| places.contains_key(&record.partition));
        }
        if let Some(error) = self.consumer.context().failure.lock().unwrap_or_else(PoisonError::into_inner).take() {
            return Err(error);
        }
        match polled {
            None if wait.is_zero() => Ok(false),
            None => self.look_after_brokers().map(|()| false),
            Some(Ok(record)) => {
                if self.away.take().is_some() {
                    self.back();
                }
                // Only when records were already on their way at the time the credit ended.
                if self.credit.is_spent(&record.partition.topic) || !self.stash.is_empty() {
                    // Of a partition that was assigned after its topic was paused: to be paused as well.
                    self.paused.remove(&record.partition.topic);
                    self.stash.push_back(record);
                    return Ok(false);
                }
                let topic = record.partition.topic.clone();
                self.deliver(record);
                Ok(!self.credit.is_spent(&topic))
            }
            Some(Err(error)) => self.judge(&error).map(|()| false),
        }
    }

    fn deliver(&self, record: Record) {
        self.credit.take(&record);
        self.consumer.context().receive(record);
    }

    fn tell(&self, event: Event) {
        self.consumer.context().tell(event);
    }

    fn judge(&mut self, error: &KafkaError) -> Result<(), Error> {
        match error.rdkafka_error_code() {
            Some(Code::AutoOffsetReset | Code::OffsetOutOfRange | Code::NoOffset) => {
                Err(self.find_gap().unwrap_or_else(|| Error::Misplaced(error.to_string())))
            }
            _ if matches!(error, KafkaError::MessageConsumptionFatal(_)) => Err(self.explain(error)),
            _ => match self.explain(error) {
                Error::Unreachable(why) => {
                    if self.away.is_none() {
                        self.tell(Event::Away(why));
                        self.away = Some(Instant::now());
                    }
                    Ok(())
                }
                Error::Rebalancing => Ok(()),
                error => Err(error),
            },
        }
    }

    /// Which partition has lost records that were wanted.
    fn find_gap(&self) -> Option<Error> {
        let member = self.consumer.context();
        let places = member.places().clone();
        for element in self.consumer.position().ok()?.elements() {
            let partition = Partition { topic: member.topic(element.topic()), number: element.partition() };
            // The second where nothing was read yet.
            let ((rdkafka::Offset::Offset(wanted), _) | (_, Some(&wanted))) =
                (element.offset(), places.get(&partition))
            else {
                continue;
            };
            let found = self.consumer.fetch_watermarks(&partition.topic, partition.number, WATERMARKS);
            let Ok((first, end)) = found else { continue };
            if wanted < first {
                return Some(Error::Gap { partition, wanted, first, missing: first - wanted });
            }
            if wanted > end {
                return Some(Error::Recreated { partition, wanted, end });
            }
        }
        None
    }

    /// Asks brokers that were away whether they are back: without records no other sign comes.
    fn look_after_brokers(&mut self) -> Result<(), Error> {
        if self.away.is_none_or(|asked| asked.elapsed() < AWAY) {
            return Ok(());
        }
        let topic = self.consumer.context().topics.first().cloned();
        match self.consumer.fetch_metadata(topic.as_deref(), AWAY) {
            Ok(_) => {
                self.away = None;
                self.back();
            }
            Err(error) => {
                self.away = Some(Instant::now());
                match self.explain(&error) {
                    Error::Unreachable(why) => self.tell(Event::Away(why)),
                    Error::Rebalancing => {}
                    error => return Err(error),
                }
            }
        }
        Ok(())
    }

    fn back(&self) {
        self.consumer.context().reason.clear();
        self.tell(Event::Back);
    }
}

enum End {
    Closed(oneshot::Sender<()>),
    Dropped,
    Failed(Error),
}

fn record(message: &BorrowedMessage<'_>, member: &Member) -> Record {
    // The crate panics at a name that is not UTF-8, and any client may write one.
    let headers = catch_unwind(AssertUnwindSafe(|| {
        let headers = message.headers().map(|headers| headers.iter()).into_iter().flatten();
        headers.map(|header| (header.key.to_owned(), header.value.map(<[u8]>::to_vec))).collect::<Vec<_>>()
    }));
    Record {
        partition: Partition { topic: member.topic(message.topic()), number: message.partition() },
        offset: message.offset(),
        timestamp: message.timestamp().to_millis().unwrap_or(0),
        key: message.key().map(<[u8]>::to_vec),
        headers_readable: headers.is_ok(),
        headers: headers.unwrap_or_default(),
        value: message.payload().map(<[u8]>::to_vec),
    }
}
