//! A queue that does as a test says: loses answers, refuses some entries or all, and remembers what it took.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use ebm::{
    bridge::{
        delivery::Fault,
        lane::{Answer, Entry},
        queue::{Access, Facts, Queue, Queues},
    },
    domain::{cloud_event::Message, queue_url::QueueUrl},
};
use tokio::sync::watch;

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
}

struct State {
    taken: HashMap<String, Vec<Taken>>,
    seen: HashSet<String>,
    plan: Plan,
    facts: Result<Facts, Fault>,
    requests: usize,
}

impl Script {
    pub fn new() -> Self {
        let state = State {
            taken: HashMap::new(),
            seen: HashSet::new(),
            plan: Box::new(|_, _| Reply::Take),
            facts: Ok(Facts { max_message: 1 << 20 }),
            requests: 0,
        };
        Self(Arc::new(Inner { state: Mutex::new(state), count: watch::Sender::new(0) }))
    }

    /// What it does from now on.
    pub fn plan(&self, plan: impl FnMut(usize, usize) -> Reply + Send + 'static) {
        self.0.state.lock().unwrap().plan = Box::new(plan);
    }

    /// What it says of itself from now on.
    pub fn facts(&self, facts: Result<Facts, Fault>) {
        self.0.state.lock().unwrap().facts = facts;
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
        self.script.0.state.lock().unwrap().facts.clone()
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
            Reply::Partly(places, fault) => {
                self.take(entries.iter().enumerate().filter(|(place, _)| !places.contains(place)).map(|(_, e)| e));
                let of = |place| if places.contains(&place) { Err(fault.clone()) } else { Ok(()) };
                Ok((0..entries.len()).map(of).collect())
            }
        }
    }
}

impl One {
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
