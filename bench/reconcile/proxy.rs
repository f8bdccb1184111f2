//! A proxy between clients and a broker: passes bytes on as they are, and counts the calls.
//!
//! The broker tells its clients the proxy's address, so that none of them goes round it.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use crate::{Result, calls::Calls};

/// How much is passed on at once, at most.
const PIECE: usize = 64 * 1024;
/// What a request begins with: its length (four bytes, without these), and its api key.
const HEAD: usize = 6;

/// A running proxy. It ends when this is dropped.
pub struct Proxy {
    calls: Arc<Mutex<Calls>>,
    listening: JoinHandle<()>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

impl Proxy {
    /// Listens at an address, in front of a broker that need not be there yet.
    pub async fn start(address: &str, broker: String) -> Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let calls = Arc::<Mutex<Calls>>::default();
        let counted = Arc::clone(&calls);
        let listening = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass_on(client, broker.clone(), Arc::clone(&counted)));
            }
        });
        Ok(Self { calls, listening })
    }

    /// The calls since this was last asked.
    pub fn take(&self) -> Calls {
        std::mem::take(&mut *self.calls.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Serves one connection, until either side ends it.
async fn pass_on(client: TcpStream, broker: String, calls: Arc<Mutex<Calls>>) {
    let Ok(server) = TcpStream::connect(&broker).await else { return };
    // Nothing waits here for more to come.
    if client.set_nodelay(true).is_err() || server.set_nodelay(true).is_err() {
        return;
    }
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let requests = async {
        let (mut requests, mut piece) = (Requests::default(), vec![0_u8; PIECE]);
        while let Ok(read @ 1..) = from_client.read(&mut piece).await {
            requests.see(&piece[..read], |key| calls.lock().unwrap_or_else(PoisonError::into_inner).add(key));
            if to_server.write_all(&piece[..read]).await.is_err() {
                break;
            }
        }
    };
    tokio::select! {
        () = requests => {}
        _ = copy(&mut from_server, &mut to_client) => {}
    }
}

/// Finds where requests begin in what a client sends.
#[derive(Default)]
struct Requests {
    head: [u8; HEAD],
    /// Bytes of the head that are there.
    have: usize,
    /// Bytes until the next head.
    left: usize,
}

impl Requests {
    fn see(&mut self, mut bytes: &[u8], mut begins: impl FnMut(i16)) {
        while !bytes.is_empty() {
            let of_body = self.left.min(bytes.len());
            self.left -= of_body;
            bytes = &bytes[of_body..];

            let of_head = (HEAD - self.have).min(bytes.len());
            self.head[self.have..self.have + of_head].copy_from_slice(&bytes[..of_head]);
            self.have += of_head;
            bytes = &bytes[of_head..];
            if self.have == HEAD {
                let [a, b, c, d, high, low] = self.head;
                begins(i16::from_be_bytes([high, low]));
                let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX);
                // The api key is of the body already.
                (self.have, self.left) = (0, length.saturating_sub(2));
            }
        }
    }
}
