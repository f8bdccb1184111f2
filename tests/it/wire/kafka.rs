//! Kafka's frames, as far as a proxy must know them (Apache Kafka, *Protocol Guide*): which request is which, and which
//! one is answered.
//!
//! A broker tells its clients where brokers are, and a client that learns the real address goes round the proxy. In
//! every version of the answers that tell it, host and port lie side by side, and both the broker and the proxy listen
//! at addresses of the same length. So the one is put in the place of the other without reading the rest: no version
//! need be known here, none be forbidden to clients, and no frame changes its length.

use std::{collections::HashMap, io, net::SocketAddr, sync::Mutex};

use tokio::{
    io::{AsyncRead, AsyncReadExt},
    net::tcp::ReadHalf,
};

use super::{hold::Holds, state::Way};

/// The longest frame that is believed, in bytes.
const LONGEST: usize = 256 << 20;

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ApiKey(i16);

impl ApiKey {
    pub const PRODUCE: Self = Self(0);
    pub const FETCH: Self = Self(1);
    pub const METADATA: Self = Self(3);
    pub const OFFSET_COMMIT: Self = Self(8);
    pub const FIND_COORDINATOR: Self = Self(10);
    pub const JOIN_GROUP: Self = Self(11);
    pub const HEARTBEAT: Self = Self(12);
    pub const SYNC_GROUP: Self = Self(14);
    pub const DESCRIBE_CLUSTER: Self = Self(60);

    /// Whether the answer says where brokers are.
    fn tells_addresses(self) -> bool {
        [Self::METADATA, Self::FIND_COORDINATOR, Self::DESCRIBE_CLUSTER].contains(&self)
    }
}

/// What every request begins with.
#[derive(Clone, Debug)]
pub struct Request {
    pub api: ApiKey,
    pub version: i16,
    /// The number that its answer bears.
    pub correlation: i32,
    /// What the client calls itself.
    pub client: String,
}

impl Request {
    /// Reads the beginning of a frame; `None` where it is no request.
    fn read(frame: &[u8]) -> Option<Self> {
        let (_length, rest) = frame.split_first_chunk::<4>()?;
        let (api, rest) = rest.split_first_chunk()?;
        let (version, rest) = rest.split_first_chunk()?;
        let (correlation, rest) = rest.split_first_chunk()?;
        let (length, rest) = rest.split_first_chunk()?;
        // A client without a name has the length -1.
        let client = rest.get(..usize::try_from(i16::from_be_bytes(*length)).unwrap_or(0))?;
        Some(Self {
            api: ApiKey(i16::from_be_bytes(*api)),
            version: i16::from_be_bytes(*version),
            correlation: i32::from_be_bytes(*correlation),
            client: String::from_utf8_lossy(client).into_owned(),
        })
    }
}

/// The requests of a connection that are not answered yet, by their number.
pub type Asked = Mutex<HashMap<i32, Request>>;

/// How the frames between clients and a broker are read.
pub struct Frames {
    /// Address of the broker, as answers tell it.
    broker: Vec<u8>,
    /// The same of the proxy.
    proxy: Vec<u8>,
    pub holds: Holds,
    requests: Mutex<HashMap<ApiKey, u64>>,
}

impl Frames {
    pub fn new(broker: SocketAddr, proxy: SocketAddr) -> Self {
        let [broker, proxy] = [broker, proxy].map(told);
        assert_eq!(broker.len(), proxy.len(), "the broker must listen at an address as long as 127.0.0.1");
        Self { broker, proxy, holds: Holds::default(), requests: Mutex::default() }
    }

    /// How many requests of a kind came.
    pub fn requests(&self, api: ApiKey) -> u64 {
        self.requests.lock().unwrap().get(&api).copied().unwrap_or(0)
    }

    /// The next frame, with its length in front; `None` at the end. Comes back when the test lets it pass.
    ///
    /// # Errors
    /// The connection broke, or the test breaks it off.
    pub async fn next(&self, way: Way, from: &mut ReadHalf<'_>, asked: &Asked) -> io::Result<Option<Vec<u8>>> {
        let Some(mut frame) = frame(from).await? else { return Ok(None) };
        let request = match way {
            Way::ToServer => Request::read(&frame).inspect(|request| {
                *self.requests.lock().unwrap().entry(request.api).or_default() += 1;
                asked.lock().unwrap().insert(request.correlation, request.clone());
            }),
            Way::ToClient => answers(&frame).and_then(|number| asked.lock().unwrap().remove(&number)),
        };
        if let Some(request) = request {
            if way == Way::ToClient && request.api.tells_addresses() {
                self.readdress(&mut frame);
            }
            self.holds.pass(way, &request).await?;
        }
        Ok(Some(frame))
    }

    fn readdress(&self, frame: &mut [u8]) {
        let mut from = 0;
        while let Some(found) = frame[from..].windows(self.broker.len()).position(|part| part == self.broker) {
            let place = from + found;
            from = place + self.proxy.len();
            frame[place..from].copy_from_slice(&self.proxy);
        }
    }
}

/// An address as answers tell it: the host, and behind it the port in four bytes.
fn told(address: SocketAddr) -> Vec<u8> {
    [address.ip().to_string().as_bytes(), &i32::from(address.port()).to_be_bytes()].concat()
}

/// The number of the request that a frame answers.
fn answers(frame: &[u8]) -> Option<i32> {
    let (_length, rest) = frame.split_first_chunk::<4>()?;
    rest.first_chunk().map(|number| i32::from_be_bytes(*number))
}

async fn frame(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Vec<u8>>> {
    let mut head = [0; 4];
    if from.read(&mut head[..1]).await? == 0 {
        return Ok(None);
    }
    from.read_exact(&mut head[1..]).await?;
    let length = usize::try_from(u32::from_be_bytes(head)).unwrap();
    if length > LONGEST {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut frame = vec![0; head.len() + length];
    frame[..head.len()].copy_from_slice(&head);
    from.read_exact(&mut frame[head.len()..]).await?;
    Ok(Some(frame))
}
