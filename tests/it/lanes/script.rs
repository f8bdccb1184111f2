//! A queue that does as a test says: loses answers, refuses some entries or all, and remembers what it took.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use ebm::{
    bridge::{
        delivery::Fault,
        lane::{Answer, Entry},
        queue::{Access, Facts, HIDDEN, Incoming, Queue, Queues},
    },
    domain::{cloud_event::Message, queue_url::QueueUrl},
};
use tokio::{
    sync::watch,
    time::{Instant, timeout_at},
};

/// What the queue does with a request.
pub enum Reply {
    /// Takes all.
    Take,
    /// Takes all, and its answer is lost.
    TakeAndLose,
    /// Takes none.
    Refuse(Fault),
    /// Refuses the entries at these places.
    Partly(HashSet<usize>, Fault),
    /// Nothing is taken, and no answer comes: only of what is sent.
    Never,
}

/// Decides on the `n`-th request (from 0) with so many entries.
pub type Plan = Box<dyn FnMut(usize, usize) -> Reply + Send>;

/// What was taken, with group and deduplication id.
#[derive(Clone)]
pub struct Taken {
    pub message: Message,
    pub group: Option<String>,
}

/// All queues of a test; each address is a queue.
#[derive(Clone)]
pub struct Script(Arc<Inner>);

struct Inner {
    state: Mutex<State>,
    count: watch::Sender<usize>,
    puts: watch::Sender<usize>,
    receives: watch::Sender<usize>,
}

/// How long a receive waits for the first message.
const LONG_POLL: Duration = Duration::from_secs(2);

/// A message in a queue that is received from.
struct Waiting {
    incoming: Incoming,
    hidden_until: Instant,
    receives: usize,
}

struct State {
    taken: HashMap<String, Vec<Taken>>,
    seen: HashSet<String>,
    plan: Plan,
    waiting: HashMap<String, Vec<Waiting>>,
    no_receive: Option<Fault>,
    delete_plan: Plan,
    deletes: usize,
    facts: Result<Facts, Fault>,
    /// Queues that say no more of themselves than why not.
    closed: HashMap<String, Fault>,
    requests: usize,
}

impl Script {
    pub fn new() -> Self {
        let state = State {
            taken: HashMap::new(),
            seen: HashSet::new(),
            plan: Box::new(|_, _| Reply::Take),
            waiting: HashMap::new(),
            no_receive: None,
            delete_plan: Box::new(|_, _| Reply::Take),
            deletes: 0,
            facts: Ok(Facts { max_message: 1 << 20 }),
            closed: HashMap::new(),
            requests: 0,
        };
        Self(Arc::new(Inner {
            state: Mutex::new(state),
            count: watch::Sender::new(0),
            puts: watch::Sender::new(0),
            receives: watch::Sender::new(0),
        }))
    }

    /// What it does from now on.
    pub fn plan(&self, plan: impl FnMut(usize, usize) -> Reply + Send + 'static) {
        self.0.state.lock().unwrap().plan = Box::new(plan);
    }

    /// What it does with deletes from now on.
    pub fn delete_plan(&self, plan: impl FnMut(usize, usize) -> Reply + Send + 'static) {
        self.0.state.lock().unwrap().delete_plan = Box::new(plan);
    }

    /// Puts messages into a queue.
    pub fn put(&self, queue: &str, messages: impl IntoIterator<Item = Incoming>) {
        let mut state = self.0.state.lock().unwrap();
        let now = Instant::now();
        let waiting = messages.into_iter().map(|incoming| Waiting { incoming, hidden_until: now, receives: 0 });
        state.waiting.entry(queue.to_owned()).or_default().extend(waiting);
        drop(state);
        self.0.puts.send_modify(|n| *n += 1);
    }

    /// Refuses every receive from now on, or none.
    pub fn refuse_receives(&self, fault: Option<Fault>) {
        self.0.state.lock().unwrap().no_receive = fault;
    }

    /// How many messages are still in a queue, and how often at most one of them was received.
    pub fn left(&self, queue: &str) -> (usize, usize) {
        let state = self.0.state.lock().unwrap();
        let left = state.waiting.get(queue).map_or(&[][..], Vec::as_slice);
        (left.len(), left.iter().map(|w| w.receives).max().unwrap_or_default())
    }

    /// Lets all messages of a queue be received again, as they are once their time is over.
    pub fn show_all(&self, queue: &str) {
        let mut state = self.0.state.lock().unwrap();
        let now = Instant::now();
        state.waiting.entry(queue.to_owned()).or_default().iter_mut().for_each(|w| w.hidden_until = now);
        drop(state);
        self.0.puts.send_modify(|n| *n += 1);
    }

    /// Counts what was put, deleted, hidden and shown, for waiting.
    pub fn changes(&self) -> watch::Receiver<usize> {
        self.0.puts.subscribe()
    }

    /// How many receives there were.
    pub fn receives(&self) -> usize {
        *self.0.receives.borrow()
    }

    /// Waits until there were so many receives.
    pub async fn received(&self, count: usize) {
        self.0.receives.subscribe().wait_for(|receives| *receives >= count).await.unwrap();
    }

    /// What it says of itself from now on.
    pub fn facts(&self, facts: Result<Facts, Fault>) {
        self.0.state.lock().unwrap().facts = facts;
    }

    /// Whether one queue says nothing of itself from now on, and why not.
    pub fn close(&self, queue: &str, fault: Option<Fault>) {
        let mut state = self.0.state.lock().unwrap();
        match fault {
            Some(fault) => state.closed.insert(queue.to_owned(), fault),
            None => state.closed.remove(queue),
        };
    }

    /// All that was taken from all lanes, in order per queue.
    pub fn taken(&self) -> Vec<Taken> {
        self.0.state.lock().unwrap().taken.values().flatten().cloned().collect()
    }

    /// What one queue took.
    pub fn taken_by(&self, queue: &str) -> Vec<Taken> {
        self.0.state.lock().unwrap().taken.get(queue).cloned().unwrap_or_default()
    }

    pub fn requests(&self) -> usize {
        self.0.state.lock().unwrap().requests
    }

    /// Counts what was taken, for waiting.
    pub fn count(&self) -> watch::Receiver<usize> {
        self.0.count.subscribe()
    }
}

impl Queues for Script {
    fn open(&self, _: &Access, queue: &QueueUrl) -> Result<Arc<dyn Queue>, Fault> {
        Ok(Arc::new(One { script: self.clone(), address: queue.to_string(), fifo: queue.is_fifo() }))
    }
}

struct One {
    script: Script,
    address: String,
    fifo: bool,
}

#[async_trait]
impl Queue for One {
    async fn facts(&self) -> Result<Facts, Fault> {
        let state = self.script.0.state.lock().unwrap();
        state.closed.get(&self.address).map_or_else(|| state.facts.clone(), |fault| Err(fault.clone()))
    }

    async fn send(&self, entries: &[Entry]) -> Answer {
        assert!((1..=10).contains(&entries.len()), "a request has 1 to 10 entries");
        let bytes: usize = entries.iter().map(|entry| entry.message.size()).sum();
        assert!(bytes <= 1 << 20, "a request has at most 1 MiB");
        // A real queue is not in the same task.
        tokio::task::yield_now().await;
        let reply = {
            let mut state = self.script.0.state.lock().unwrap();
            let state = &mut *state;
            state.requests += 1;
            (state.plan)(state.requests - 1, entries.len())
        };
        match reply {
            Reply::Take => {
                self.take(entries.iter());
                Ok(entries.iter().map(|_| Ok(())).collect())
            }
            Reply::TakeAndLose => {
                self.take(entries.iter());
                Err(Fault::Unreachable("the answer was lost".into()))
            }
            Reply::Refuse(fault) => Err(fault),
            Reply::Never => std::future::pending().await,
            Reply::Partly(places, fault) => {
                self.take(entries.iter().enumerate().filter(|(place, _)| !places.contains(place)).map(|(_, e)| e));
                let of = |place| if places.contains(&place) { Err(fault.clone()) } else { Ok(()) };
                Ok((0..entries.len()).map(of).collect())
            }
        }
    }

    async fn receive(&self) -> Result<Vec<Incoming>, Fault> {
        self.script.0.receives.send_modify(|n| *n += 1);
        let mut puts = self.script.0.puts.subscribe();
        let until = Instant::now() + LONG_POLL;
        loop {
            puts.borrow_and_update();
            let received = self.receive_now()?;
            if !received.is_empty() || timeout_at(until, puts.changed()).await.is_err() {
                return Ok(received);
            }
        }
    }

    async fn delete(&self, receipts: &[String]) -> Answer {
        tokio::task::yield_now().await;
        let answer = self.each(receipts, |waiting, receipt| waiting.retain(|w| w.incoming.receipt != receipt));
        // The next of a group can be received now.
        self.script.0.puts.send_modify(|n| *n += 1);
        answer
    }

    async fn hide(&self, receipts: &[String], time: Duration) -> Answer {
        let until = Instant::now() + time;
        let mut state = self.script.0.state.lock().unwrap();
        let waiting = state.waiting.entry(self.address.clone()).or_default();
        for waiting in waiting.iter_mut().filter(|w| receipts.contains(&w.incoming.receipt)) {
            waiting.hidden_until = until;
        }
        drop(state);
        self.script.0.puts.send_modify(|n| *n += 1);
        Ok(receipts.iter().map(|_| Ok(())).collect())
    }
}

impl One {
    /// Messages that nobody holds; of an ordered queue none whose group someone holds.
    fn receive_now(&self) -> Result<Vec<Incoming>, Fault> {
        let mut state = self.script.0.state.lock().unwrap();
        if let Some(fault) = &state.no_receive {
            return Err(fault.clone());
        }
        let (now, mut held, mut received) = (Instant::now(), HashSet::new(), Vec::new());
        let Some(waiting) = state.waiting.get_mut(&self.address) else { return Ok(received) };
        if self.fifo {
            held.extend(waiting.iter().filter(|w| w.hidden_until > now).map(|w| w.incoming.group.clone()));
        }
        for waiting in waiting.iter_mut().filter(|w| w.hidden_until <= now) {
            if received.len() < 10 && !held.contains(&waiting.incoming.group) {
                waiting.hidden_until = now + HIDDEN;
                waiting.receives += 1;
                received.push(waiting.incoming.clone());
            }
        }
        Ok(received)
    }

    /// Does with each of the messages what the plan for deletes lets it do.
    fn each(&self, receipts: &[String], act: impl Fn(&mut Vec<Waiting>, &str)) -> Answer {
        assert!((1..=10).contains(&receipts.len()), "a request has 1 to 10 entries");
        let mut state = self.script.0.state.lock().unwrap();
        let state = &mut *state;
        state.deletes += 1;
        let reply = (state.delete_plan)(state.deletes - 1, receipts.len());
        let waiting = state.waiting.entry(self.address.clone()).or_default();
        let none = HashSet::new();
        let (refused, fault) = match &reply {
            Reply::Refuse(fault) => return Err(fault.clone()),
            Reply::Partly(places, fault) => (places, Some(fault)),
            Reply::Take | Reply::TakeAndLose => (&none, None),
            Reply::Never => panic!("deletes and changes are answered"),
        };
        for (place, receipt) in receipts.iter().enumerate() {
            if !refused.contains(&place) {
                act(waiting, receipt);
            }
        }
        if matches!(reply, Reply::TakeAndLose) {
            return Err(Fault::Unreachable("the answer was lost".into()));
        }
        let of = |place| if refused.contains(&place) { Err(fault.cloned().unwrap()) } else { Ok(()) };
        Ok((0..receipts.len()).map(of).collect())
    }

    fn take<'a>(&self, entries: impl Iterator<Item = &'a Entry>) {
        let mut state = self.script.0.state.lock().unwrap();
        let mut count = 0;
        for entry in entries {
            assert_eq!(self.fifo, entry.group.is_some() && entry.deduplication.is_some());
            assert!(entry.message.attributes.len() <= 10 && !entry.message.body.is_empty());
            if entry.deduplication.as_ref().is_some_and(|id| !state.seen.insert(id.clone())) {
                continue;
            }
            let taken = Taken { message: (*entry.message).clone(), group: entry.group.clone() };
            state.taken.entry(self.address.clone()).or_default().push(taken);
            count += 1;
        }
        drop(state);
        self.script.0.count.send_modify(|all| *all += count);
    }
}
