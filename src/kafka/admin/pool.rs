//! Connections to the brokers of one cluster.

use std::{
    collections::BTreeMap,
    pin::pin,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::{FutureExt, StreamExt, stream::FuturesUnordered};
use tokio::time::{Instant, sleep, timeout};

use super::{
    Error, Mechanism, Result, Settings,
    conn::{Conn, PATIENCE},
    msg::{Api, DescribeCluster, DescribeClusterReply},
    scram::Challenge,
};

/// Which broker a request goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum To {
    /// Any. Brokers pass writes on to the controller by themselves.
    Any,
    /// The broker with this id.
    Node(i32),
}

/// How long an answer may take until it is looked whether the broker is there.
const LOOK: Duration = Duration::from_secs(1);

/// How many idle connections are kept for one broker (and for the bootstrap servers together).
const IDLE_PER_NODE: usize = 4;

/// Idle connections, and the addresses of the brokers.
pub(crate) struct Pool {
    settings: Settings,
    state: Mutex<State>,
    /// The bootstrap server that worked last.
    start: AtomicUsize,
}

#[derive(Default)]
struct State {
    nodes: BTreeMap<i32, String>,
    /// The youngest last. `None` is a bootstrap server, whose id is not known.
    idle: Vec<(Option<i32>, Conn)>,
}

impl Pool {
    pub(crate) fn new(settings: Settings) -> Self {
        Self { settings, state: Mutex::default(), start: AtomicUsize::new(0) }
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Sends one request and waits for the answer.
    ///
    /// A connection that was idle is used only when its broker answers on it: what is sent to one that hangs would be
    /// waited for in vain, and done when it goes on.
    ///
    /// It is sent again once, on a new connection, when one that was idle turns out to be dead all the same; and where any
    /// broker will do, also when one does not answer in time. A write can so be done twice; all of administration bears
    /// that.
    pub(crate) async fn call<A: Api>(&self, to: To, request: &A) -> Result<A::Response> {
        while let Some((node, mut conn)) = self.take_idle(to) {
            if !conn.answers().await {
                self.forget(&conn.peer);
                continue;
            }
            match self.ask(&mut conn, request).await {
                Ok(reply) => {
                    self.give_back(node, conn);
                    return Ok(reply);
                }
                Err(error @ (Error::Io { .. } | Error::Timeout { .. })) => {
                    self.forget(&conn.peer);
                    if to != To::Any && matches!(error, Error::Timeout { .. }) {
                        return Err(error);
                    }
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        let (node, mut conn) = self.open(to).await?;
        let reply = self.ask(&mut conn, request).await?;
        // Only now: a call that was cancelled leaves an answer on the way, and its connection is dropped.
        self.give_back(node, conn);
        Ok(reply)
    }

    /// Asks on a connection. Where the answer takes its time, it is looked now and then whether the broker is there at all:
    /// one that hangs would be waited for until the end of the request's time.
    async fn ask<A: Api>(&self, conn: &mut Conn, request: &A) -> Result<A::Response> {
        let (peer, began) = (conn.peer.clone(), Instant::now());
        let mut call = pin!(conn.call(request));
        loop {
            tokio::select! {
                biased;
                reply = &mut call => return reply,
                is_there = async {
                    sleep(LOOK).await;
                    Conn::is_there(&peer, &self.settings).await
                } => if !is_there {
                    let after = began.elapsed();
                    tracing::warn!(broker = peer, api = A::NAME, ?after, "a broker hangs");
                    return Err(Error::Timeout { peer, what: A::NAME, after });
                },
            }
        }
    }

    /// The live brokers, as one of them sees it; their addresses are remembered.
    pub(crate) async fn cluster(&self, to: To) -> Result<DescribeClusterReply> {
        let request = DescribeCluster { include_cluster_authorized_operations: true };
        let mut reply = self.call(to, &request).await?;
        Error::check(DescribeCluster::NAME, reply.error_code, reply.error_message.take())?;
        let nodes = reply.brokers.iter().map(|broker| (broker.broker_id, address(&broker.host, broker.port))).collect();
        self.state().nodes = nodes;
        Ok(reply)
    }

    /// Asks any broker for the SCRAM challenge of a user, on a connection of its own.
    pub(crate) async fn scram_challenge(&self, user: &str, mechanism: Mechanism) -> Result<Option<Challenge>> {
        let asked = self.first_of_bootstrap(|address| async move {
            Conn::scram_challenge(&address, &self.settings, user, mechanism).await
        });
        Box::pin(asked).await
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing under the lock can leave it half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_idle(&self, to: To) -> Option<(Option<i32>, Conn)> {
        let mut state = self.state();
        state.idle.retain(|(_, conn)| conn.is_fresh());
        let at = state.idle.iter().rposition(|(node, _)| match to {
            To::Any => true,
            To::Node(id) => *node == Some(id),
        })?;
        Some(state.idle.remove(at))
    }

    /// Drops the idle connections to a broker: where one is dead, the others are too.
    fn forget(&self, peer: &str) {
        self.state().idle.retain(|(_, conn)| conn.peer != peer);
    }

    fn give_back(&self, node: Option<i32>, conn: Conn) {
        let mut state = self.state();
        if state.idle.iter().filter(|(other, _)| *other == node).count() < IDLE_PER_NODE {
            state.idle.push((node, conn));
        }
    }

    async fn open(&self, to: To) -> Result<(Option<i32>, Conn)> {
        match to {
            To::Any => {
                let opened =
                    self.first_of_bootstrap(|address| async move { Conn::open(&address, &self.settings).await });
                Ok((None, Box::pin(opened).await?))
            }
            To::Node(id) => {
                let known = self.state().nodes.get(&id).cloned();
                let address = match known {
                    Some(address) => address,
                    None => self.look_up(id).await?,
                };
                let opened = Conn::open(&address, &self.settings).await;
                if opened.is_err() {
                    // It may have moved.
                    self.state().nodes.remove(&id);
                }
                Ok((Some(id), opened?))
            }
        }
    }

    async fn look_up(&self, id: i32) -> Result<String> {
        // Boxed, because looking up is itself a call.
        Box::pin(self.cluster(To::Any)).await?;
        self.state().nodes.get(&id).cloned().ok_or(Error::NoNode(id))
    }

    /// Tries the bootstrap servers, and after them the brokers learned from them, until one can be used. One that keeps
    /// silent is not waited for alone: after [`PATIENCE`] the next is tried beside it (as RFC 8305 does with addresses).
    ///
    /// A refused login ends it: it would be refused everywhere, and some clusters lock out who tries on.
    async fn first_of_bootstrap<T, F>(&self, attempt: impl Fn(String) -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        let servers = &self.settings.bootstrap;
        let start = self.start.load(Ordering::Relaxed);
        let mut next = (0..servers.len()).map(|offset| (start + offset) % servers.len());
        let begin = |at: usize| attempt(servers[at].clone()).map(move |outcome| (at, outcome));
        let mut under_way: FuturesUnordered<_> = next.next().map(begin).into_iter().collect();
        let mut last = None;
        let mut tried = 0;
        while !under_way.is_empty() {
            let ended = timeout(PATIENCE, under_way.next()).await;
            match ended {
                Ok(Some((at, Ok(opened)))) => {
                    self.start.store(at, Ordering::Relaxed);
                    return Ok(opened);
                }
                Ok(Some((_, Err(error @ (Error::Auth { .. } | Error::Version { .. } | Error::Settings(_)))))) => {
                    return Err(error);
                }
                Ok(Some((_, Err(error)))) => (last, tried) = (Some(error), tried + 1),
                Ok(None) | Err(_) => {}
            }
            under_way.extend(next.next().map(begin));
        }
        let learned: Vec<_> =
            self.state().nodes.values().filter(|address| !servers.contains(address)).cloned().collect();
        for address in learned {
            if let Ok(opened) = attempt(address).await {
                return Ok(opened);
            }
        }
        Err(match last {
            None => Error::Settings("no bootstrap servers".into()),
            Some(error) if tried == 1 => error,
            Some(error) => Error::NoBootstrap { tried, last: Box::new(error) },
        })
    }
}

fn address(host: &str, port: i32) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}
