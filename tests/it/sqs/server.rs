//! The queues, and what tests do with them.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard},
    thread,
    time::Duration,
};

use axum::{Router, extract::DefaultBodyLimit, serve::ListenerExt};
use tokio::{net::TcpListener, runtime::Builder, sync::watch};
use tokio_util::sync::CancellationToken;

use super::{
    callers::{Callers, WORKER},
    clock::Clock,
    faults::{Asked, Decide, Fault, Hold, Holds, Moment},
    http::{self, MOST_BYTES},
    message::{Attribute, Draft},
    queue::{Accepted, Left, Queue},
};

/// A message that its owner puts into a queue.
pub struct Put {
    pub body: String,
    /// Names and texts.
    pub attributes: Vec<(String, String)>,
    pub group: Option<String>,
}

/// All queues, and who calls.
pub struct State {
    pub clock: Clock,
    /// By their addresses.
    pub queues: BTreeMap<String, Queue>,
    pub callers: Callers,
    pub journal: Vec<Asked>,
    /// How many calls were refused as a whole.
    pub refused: usize,
    pub decide: Option<Decide>,
    pub accepted: watch::Sender<u64>,
    pub deleted: watch::Sender<u64>,
    puts: u64,
}

/// What all calls share.
pub struct Shared {
    state: Mutex<State>,
    pub clock: Clock,
    pub holds: Holds,
    /// Tells those who wait for a message that something is different.
    pub changes: watch::Sender<()>,
}

impl Shared {
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub fn changed(&self) {
        self.changes.send_replace(());
    }
}

/// A running SQS, with an STS. It ends when this is dropped.
pub struct Sqs {
    shared: Arc<Shared>,
    address: SocketAddr,
    end: CancellationToken,
}

impl Drop for Sqs {
    fn drop(&mut self) {
        self.end.cancel();
    }
}

impl Sqs {
    /// Starts one without queues. It has a thread of its own, so that nothing stands still where a test blocks.
    pub fn start() -> Self {
        let clock = Clock::new();
        let state = State {
            clock: clock.clone(),
            queues: BTreeMap::new(),
            callers: Callers::default(),
            journal: Vec::new(),
            refused: 0,
            decide: None,
            accepted: watch::Sender::default(),
            deleted: watch::Sender::default(),
            puts: 0,
        };
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            clock,
            holds: Holds::default(),
            changes: watch::Sender::default(),
        });
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let (address, end) = (listener.local_addr().unwrap(), CancellationToken::new());
        let router = Router::new().fallback(http::answer).layer(DefaultBodyLimit::max(MOST_BYTES));
        let (router, ends) = (router.with_state(Arc::clone(&shared)), end.clone());
        thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(ends.run_until_cancelled(async {
                // An answer does not wait for more to come.
                let listener = TcpListener::from_std(listener).unwrap();
                let listener = listener.tap_io(|connection| drop(connection.set_nodelay(true)));
                axum::serve(listener, router).await.unwrap();
            }));
        });
        Self { shared, address, end }
    }

    /// Where both are called: `http://host:port`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The worker's access key: its id and its secret.
    pub fn key() -> [&'static str; 2] {
        WORKER
    }

    /// The clock of visibility, deduplication and sessions.
    pub fn clock(&self) -> Clock {
        self.shared.clock.clone()
    }

    /// Makes a queue of an account, FIFO where its name ends so; gives its address.
    pub fn create(&self, account: &str, name: &str) -> String {
        let url = format!("https://sqs.eu-central-1.amazonaws.com/{account}/{name}");
        self.shared.state().queues.insert(url.clone(), Queue::new(account, name));
        url
    }

    /// Deletes a queue with all that is in it.
    pub fn delete_queue(&self, url: &str) {
        self.shared.state().queues.remove(url).unwrap();
        self.shared.changed();
    }

    fn of<T>(&self, url: &str, act: impl FnOnce(&mut Queue, Duration) -> T) -> T {
        let now = self.shared.clock.now();
        act(self.shared.state().queues.get_mut(url).unwrap(), now)
    }

    /// Sets an attribute of a queue, such as `Policy` or `VisibilityTimeout`; an empty value takes it away.
    pub fn set_attribute(&self, url: &str, name: &str, value: &str) {
        self.of(url, |queue, _| match value {
            "" => queue.attributes.remove(name),
            value => queue.attributes.insert(name.to_owned(), value.to_owned()),
        });
    }

    /// Puts messages into a queue as its owner does; each is a new one.
    pub fn put_many(&self, url: &str, messages: Vec<Put>) {
        let (mut state, now) = (self.shared.state(), self.shared.clock.now());
        for Put { body, attributes, group } in messages {
            state.puts += 1;
            let put = state.puts;
            let queue = state.queues.get_mut(url).unwrap();
            let attributes = attributes.into_iter().map(|(name, text)| (name, Attribute::of_text(&text))).collect();
            let deduplication = queue.is_fifo().then(|| format!("put-{put}"));
            let (_, is_new) = queue.take(Draft { body, attributes, group, deduplication }, now).unwrap();
            assert!(is_new);
        }
        drop(state);
        self.shared.changed();
    }

    /// What a queue has accepted from callers since this was asked last, in its order; what a FIFO queue knew already is
    /// not in it.
    pub fn take_accepted(&self, url: &str) -> Vec<Accepted> {
        self.of(url, |queue, _| std::mem::take(&mut queue.accepted))
    }

    /// How many messages were sent to a FIFO queue that knew them already.
    pub fn deduplicated(&self, url: &str) -> usize {
        self.of(url, |queue, _| queue.deduplicated)
    }

    /// How many deletes were by a receipt that was not the newest.
    pub fn stale_deletes(&self, url: &str) -> usize {
        self.of(url, |queue, _| queue.stale_deletes)
    }

    /// How many messages are left in a queue.
    pub fn left(&self, url: &str) -> Left {
        self.of(url, |queue, now| queue.left(now))
    }

    /// How many calls of an action there were.
    pub fn calls(&self, action: &str) -> usize {
        self.shared.state().journal.iter().filter(|asked| asked.action == action).count()
    }

    /// How many calls were refused as a whole.
    pub fn refused(&self) -> usize {
        self.shared.state().refused
    }

    /// The external ids with which a role was taken on.
    pub fn external_ids(&self, role: &str) -> Vec<Option<String>> {
        self.shared.state().callers.external_ids(role)
    }

    /// Decides on every call from now on.
    pub fn fault(&self, decide: impl FnMut(&Asked) -> Fault + Send + 'static) {
        self.shared.state().decide = Some(Box::new(decide));
    }

    /// Denies this role, or all of them, everything from now on.
    pub fn deny(&self, role: Option<&str>) {
        self.shared.state().callers.denied.push(role.map(str::to_owned));
    }

    /// Nothing fails or is denied any more.
    pub fn mend(&self) {
        let mut state = self.shared.state();
        state.decide = None;
        state.callers.denied.clear();
    }

    /// Holds the next call at this moment.
    pub fn hold(&self, moment: Moment) -> Hold {
        self.shared.holds.arm(moment)
    }

    /// How many messages were accepted from callers, by all queues.
    pub fn accepted_count(&self) -> watch::Receiver<u64> {
        self.shared.state().accepted.subscribe()
    }

    /// How many messages were deleted, in all queues.
    pub fn deleted_count(&self) -> watch::Receiver<u64> {
        self.shared.state().deleted.subscribe()
    }
}
