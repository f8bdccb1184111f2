//! The proxy in front of servers whose words it does not know: one that sends back what it is sent, and Postgres.

use std::{
    io::{self, ErrorKind},
    net::SocketAddr,
    time::Duration,
};

use sqlx::{PgPool, postgres::PgPoolOptions};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy},
    net::{TcpListener, TcpStream},
    sync::watch,
    time::{Instant, timeout},
};

use super::{Proxy, Way};
use crate::reconcile::within;

const PATIENCE: Duration = Duration::from_secs(20);
/// Long enough for everything that comes at all.
const MOMENT: Duration = Duration::from_millis(300);

/// A server that sends back what it is sent, and the proxy in front of it.
struct Echo {
    proxy: Proxy,
    /// How many of its connections have ended.
    ended: watch::Receiver<u64>,
}

impl Echo {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Proxy::before(listener.local_addr().unwrap().to_string());
        let (count, ended) = watch::channel(0);
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let count = count.clone();
                tokio::spawn(async move {
                    let (mut from, mut to) = client.split();
                    let _ = copy(&mut from, &mut to).await;
                    count.send_modify(|ended| *ended += 1);
                });
            }
        });
        Self { proxy, ended }
    }

    fn address(&self) -> SocketAddr {
        self.proxy.address()
    }

    /// A connection that is known to lead to the server.
    async fn connect(&self) -> TcpStream {
        let mut client = TcpStream::connect(self.address()).await.unwrap();
        echo(&mut client, b"hello").await.unwrap();
        client
    }

    /// Waits until so many connections have ended at the server.
    async fn ended(&self, count: u64) {
        timeout(PATIENCE, self.ended.clone().wait_for(|ended| *ended == count)).await.unwrap().unwrap();
    }
}

/// Sends bytes, and reads as many.
async fn echo(client: &mut TcpStream, bytes: &[u8]) -> io::Result<()> {
    let (mut from, mut to) = client.split();
    let mut back = vec![0; bytes.len()];
    tokio::try_join!(to.write_all(bytes), from.read_exact(&mut back))?;
    assert!(bytes == back, "the bytes are others");
    Ok(())
}

/// What comes until the connection ends, and how it ends.
async fn rest(client: &mut TcpStream) -> (Vec<u8>, io::Result<usize>) {
    let mut bytes = Vec::new();
    let end = timeout(PATIENCE, client.read_to_end(&mut bytes)).await.expect("the connection ends");
    (bytes, end)
}

#[track_caller]
fn assert_reset(end: io::Result<usize>) {
    assert_eq!(end.unwrap_err().kind(), ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn bytes_and_ends_pass_both_ways_and_are_counted() {
    let server = Echo::start().await;
    let bytes: Vec<u8> = (0..1_000_000_u32).flat_map(u32::to_be_bytes).collect();
    let mut client = TcpStream::connect(server.address()).await.unwrap();
    echo(&mut client, &bytes).await.unwrap();
    client.shutdown().await.unwrap();
    assert_eq!(rest(&mut client).await.1.unwrap(), 0);
    server.ended(1).await;
    let proxy = &server.proxy;
    assert_eq!((proxy.bytes(Way::ToServer), proxy.bytes(Way::ToClient)), (4_000_000, 4_000_000));
    server.connect().await;
    assert_eq!(proxy.connections(), 2);
}

#[tokio::test]
async fn latency_is_waited_for_each_way_and_once_for_all_that_is_on_its_way() {
    let server = Echo::start().await;
    let mut client = server.connect().await;
    server.proxy.latency(Duration::from_millis(100));
    let began = Instant::now();
    echo(&mut client, b"there and back").await.unwrap();
    assert!(began.elapsed() >= Duration::from_millis(200), "{:?}", began.elapsed());
    // Were each piece to wait for the one before, a hundred of them would take ten seconds each way.
    let began = Instant::now();
    echo(&mut client, &vec![7_u8; 100 * 64 * 1024]).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}

#[tokio::test]
async fn no_more_passes_than_the_rate_allows() {
    let server = Echo::start().await;
    let mut client = server.connect().await;
    server.proxy.rate(Some(100_000));
    let began = Instant::now();
    echo(&mut client, &vec![7_u8; 40_000]).await.unwrap();
    assert!(began.elapsed() >= Duration::from_millis(350), "{:?}", began.elapsed());
    server.proxy.rate(None);
    echo(&mut client, &vec![7_u8; 10_000_000]).await.unwrap();
}

#[tokio::test]
async fn a_black_hole_takes_everything_and_ends_what_has_lost_something() {
    let server = Echo::start().await;
    let (mut losing, mut idle) = (server.connect().await, server.connect().await);
    server.proxy.blackhole(true);
    losing.write_all(b"lost").await.unwrap();
    let mut late = TcpStream::connect(server.address()).await.unwrap();
    late.write_all(b"lost as well").await.unwrap();
    assert!(timeout(MOMENT, losing.read_u8()).await.is_err() && timeout(MOMENT, late.read_u8()).await.is_err());
    server.proxy.blackhole(false);
    assert_reset(rest(&mut losing).await.1);
    assert_reset(rest(&mut late).await.1);
    echo(&mut idle, b"nothing was lost here").await.unwrap();
    server.connect().await;
}

#[tokio::test]
async fn the_end_of_a_connection_is_lost_in_a_black_hole() {
    let server = Echo::start().await;
    let client = server.connect().await;
    server.proxy.blackhole(true);
    drop(client);
    assert!(timeout(MOMENT, server.ended.clone().changed()).await.is_err(), "the server has heard of it");
    server.proxy.blackhole(false);
    server.ended(1).await;
}

#[tokio::test]
async fn nobody_listens_while_it_refuses_and_the_port_stays_its_own() {
    let server = Echo::start().await;
    let mut client = server.connect().await;
    for _ in 0..3 {
        server.proxy.refuse(true);
        within(PATIENCE, "connections are refused", async || {
            let refused = TcpStream::connect(server.address()).await;
            refused.is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused)
        })
        .await;
        echo(&mut client, b"still there").await.unwrap();
        server.proxy.refuse(false);
        within(PATIENCE, "connections are taken", async || TcpStream::connect(server.address()).await.is_ok()).await;
    }
    server.connect().await;
}

#[tokio::test]
async fn a_connection_is_cut_behind_the_byte_that_is_said() {
    let server = Echo::start().await;
    let (mut client, mut other) = (server.connect().await, server.connect().await);
    server.proxy.cut_after(Way::ToClient, 10);
    client.write_all(&[7; 100]).await.unwrap();
    let (bytes, end) = rest(&mut client).await;
    assert_eq!(bytes, [7; 10]);
    assert_reset(end);
    echo(&mut other, &[7; 100]).await.unwrap();

    let passed = server.proxy.bytes(Way::ToServer);
    server.proxy.cut_after(Way::ToServer, 25);
    let (written, (_, end)) = (other.write_all(&[7; 100]).await, rest(&mut other).await);
    written.unwrap();
    assert_reset(end);
    assert_eq!(server.proxy.bytes(Way::ToServer) - passed, 25);
    server.ended(2).await;
}

#[tokio::test]
async fn a_reset_is_one_for_both_sides() {
    let server = Echo::start().await;
    let mut clients = [server.connect().await, server.connect().await];
    server.proxy.reset();
    for client in &mut clients {
        assert_reset(rest(client).await.1);
    }
    server.ended(2).await;
    server.connect().await;
}

#[tokio::test]
async fn of_a_half_open_connection_the_server_alone_knows_that_it_is_over() {
    let server = Echo::start().await;
    let mut client = server.connect().await;
    server.proxy.half_open();
    server.ended(1).await;
    client.write_all(b"is anybody there?").await.unwrap();
    assert!(timeout(MOMENT, client.read_u8()).await.is_err(), "somebody answers");
    client.write_all(b"is anybody there?").await.unwrap();
    server.connect().await;
    server.proxy.reset();
    assert_reset(rest(&mut client).await.1);
}

#[sqlx::test]
async fn postgres_is_reached_by_it(pool: PgPool) {
    let options = (*pool.connect_options()).clone();
    let proxy = Proxy::before(format!("{}:{}", options.get_host(), options.get_port()));
    let options = options.host("127.0.0.1").port(proxy.address().port());
    let by_proxy = PgPoolOptions::new().max_connections(1).connect_with(options).await.unwrap();
    let one = async || sqlx::query_scalar::<_, i32>("select 1").fetch_one(&by_proxy).await;
    for connections in 1..=3 {
        let is_new = async || one().await.is_ok() && proxy.connections() == connections;
        within(PATIENCE, "Postgres answers on a new connection", is_new).await;
        proxy.reset();
    }
}
