//! A proxy that a test changes while it is used. It has a thread of its own, so that nothing stands still where a test
//! blocks.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::Ordering,
        mpsc::{self, Sender},
    },
    thread,
    time::Duration,
};

use tokio::{
    net::{TcpListener, TcpSocket},
    runtime::Builder,
};
use tokio_util::sync::CancellationToken;

use super::{
    connection,
    hold::Held,
    kafka::{ApiKey, Frames},
    state::{Act, Conditions, State, Way},
};

/// A running proxy. It ends, and with it all its connections, when this is dropped.
pub struct Proxy {
    state: Arc<State>,
    address: SocketAddr,
    end: CancellationToken,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.end.cancel();
    }
}

impl Proxy {
    /// In front of any server at `host:port`.
    pub fn before(target: impl Into<String>) -> Self {
        Self::start(target.into(), |_| None)
    }

    /// In front of a broker at `127.0.0.1:port`, which clients then find at the proxy alone.
    pub fn before_kafka(broker: &str) -> Self {
        let address: SocketAddr = broker.parse().expect("the broker is one, at an IP address");
        Self::start(broker.to_owned(), |proxy| Some(Frames::new(address, proxy)))
    }

    fn start(target: String, frames: impl FnOnce(SocketAddr) -> Option<Frames>) -> Self {
        // Bound and never listening: the port stays ours while nobody listens at it.
        let reserved = bind((Ipv4Addr::LOCALHOST, 0).into());
        let address = reserved.local_addr().unwrap();
        let state = Arc::new(State::new(target, frames(address)));
        let (end, (ready, is_ready)) = (CancellationToken::new(), mpsc::channel());
        let (shared, ends) = (Arc::clone(&state), end.clone());
        thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(ends.run_until_cancelled(serve(address, shared, ready)));
            drop(reserved);
        });
        is_ready.recv().unwrap();
        Self { state, address, end }
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    fn set(&self, change: impl FnOnce(&mut Conditions)) {
        self.state.conditions.send_modify(change);
    }

    /// From now on bytes travel for so long, each way.
    pub fn latency(&self, each_way: Duration) {
        self.set(|now| now.latency = each_way);
    }

    /// From now on no more than so many bytes a second (at least one) pass, each way of each connection.
    pub fn rate(&self, bytes: Option<u64>) {
        self.set(|now| now.rate = bytes);
    }

    /// From now on bytes are taken and passed on to nobody, neither is the end of a connection; or that is over. Then
    /// connections that something was sent on are reset, since it is lost, and the others go on.
    pub fn blackhole(&self, is_one: bool) {
        self.set(|now| now.blackhole = is_one);
    }

    /// From now on nobody listens; or that is over. Connections that there are go on.
    pub fn refuse(&self, refuses: bool) {
        self.set(|now| now.refuses = refuses);
    }

    /// Resets all connections (RST), on both sides.
    pub fn reset(&self) {
        self.act(Act::Reset);
    }

    /// Ends all connections towards the server, and tells no client: what one sends is taken and answered by nobody.
    pub fn half_open(&self) {
        self.act(Act::HalfOpen);
    }

    fn act(&self, act: Act) {
        // Without connections there is nobody to hear it.
        let _ = self.state.acts.send(act);
    }

    /// Resets the connection over which the last of so many bytes (at least one) passes this way, behind that byte.
    pub fn cut_after(&self, way: Way, bytes: u64) {
        *self.state.cut.lock().unwrap() = Some((way, bytes));
    }

    /// How many connections there have been.
    pub fn connections(&self) -> u64 {
        self.state.connections.load(Ordering::Relaxed)
    }

    /// How many bytes have passed.
    pub fn bytes(&self, way: Way) -> u64 {
        self.state.bytes(way).load(Ordering::Relaxed)
    }

    /// How many requests of a kind came.
    pub fn requests(&self, api: ApiKey) -> u64 {
        self.frames().requests(api)
    }

    /// Holds the next request of a kind before it reaches the broker, and what its client sends behind it.
    pub fn hold_request(&self, api: ApiKey) -> Held {
        self.frames().holds.arm(Way::ToServer, api)
    }

    /// Holds the answer to a request of a kind before it reaches the client, and what the broker answers behind it.
    pub fn hold_answer(&self, api: ApiKey) -> Held {
        self.frames().holds.arm(Way::ToClient, api)
    }

    fn frames(&self) -> &Frames {
        self.state.frames.as_ref().expect("the proxy is in front of Kafka")
    }
}

/// Takes connections while it does not refuse them.
async fn serve(address: SocketAddr, state: Arc<State>, ready: Sender<()>) {
    loop {
        state.reached(|now| !now.refuses).await;
        let listener = bind(address).listen(1_024).unwrap();
        let _ = ready.send(());
        tokio::select! {
            () = accept(&listener, &state) => {}
            () = state.reached(|now| now.refuses) => {}
        }
    }
}

async fn accept(listener: &TcpListener, state: &Arc<State>) {
    loop {
        let (client, _) = listener.accept().await.unwrap();
        if state.now().refuses {
            // It came before the door was shut; it is reset, as those are that wait behind it.
            return client.set_zero_linger().unwrap();
        }
        state.connections.fetch_add(1, Ordering::Relaxed);
        tokio::spawn(connection::serve(client, Arc::clone(state)));
    }
}

/// A socket at this address that others of this process may share.
fn bind(address: SocketAddr) -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.set_reuseport(true).unwrap();
    socket.bind(address).unwrap();
    socket
}
