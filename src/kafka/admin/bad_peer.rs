//! Tests against peers that follow a script: what is no broker, breaks off, or lies.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};

use super::{
    Admin, Code, Error, Login, Mechanism, Sasl, Settings, Tls, To,
    conn::Conn,
    msg::{
        ApiRange, ApiVersionsReply, ClusterBroker, CreateAclsReply, DescribeCluster, DescribeClusterReply,
        ListOffsetsReply, ListedPartition, ListedTopic, MetadataPartition, MetadataReply, MetadataReplyTopic,
        SaslAuthenticateReply, SaslHandshakeReply,
    },
    wire::{Hidden, OldList, OldString, Wire},
};

/// A peer and how often it was connected to.
struct Peer {
    address: String,
    connections: Arc<AtomicUsize>,
}

impl Peer {
    /// Runs `script` for every connection, with its number from 0.
    async fn new<F>(script: impl Fn(usize, Side) -> F + Send + 'static) -> Self
    where
        F: Future<Output = Option<()>> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let connections = Arc::new(AtomicUsize::new(0));
        let counter = connections.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let number = counter.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(script(number, Side { stream }));
            }
        });
        Self { address, connections }
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    fn settings(&self) -> Settings {
        settings(&[&self.address])
    }
}

fn settings(servers: &[&str]) -> Settings {
    Settings {
        connect_timeout: Duration::from_secs(10),
        request_timeout: Duration::from_secs(10),
        ..Settings::new(servers.iter().map(|&server| server.to_owned()).collect())
    }
}

/// The peer's end of a connection. `None` means that the client hung up.
struct Side {
    stream: TcpStream,
}

/// What every broker of these tests serves.
const SERVED: [(i16, i16); 6] = [(2, 7), (3, 12), (17, 1), (30, 3), (36, 2), (60, 0)];

impl Side {
    /// Reads a request; its correlation id.
    async fn request(&mut self) -> Option<i32> {
        let length = self.stream.read_i32().await.ok()?;
        let mut frame = vec![0; usize::try_from(length).unwrap()];
        self.stream.read_exact(&mut frame).await.ok()?;
        Some(i32::from_be_bytes(frame[4..8].try_into().unwrap()))
    }

    async fn send(&mut self, bytes: &[u8]) -> Option<()> {
        self.stream.write_all(bytes).await.ok()
    }

    async fn answer(&mut self, correlation: i32, header_tags: &[u8], body: &impl Wire, more: &[u8]) -> Option<()> {
        let mut frame = correlation.to_be_bytes().to_vec();
        frame.extend(header_tags);
        body.write(&mut frame);
        frame.extend(more);
        let length = i32::try_from(frame.len()).unwrap().to_be_bytes();
        self.send(&[&length[..], &frame].concat()).await
    }

    /// Answers the next request, which is of a flexible version.
    async fn reply(&mut self, body: &impl Wire) -> Option<()> {
        let correlation = self.request().await?;
        self.answer(correlation, &[0], body, &[]).await
    }

    /// Answers the next request, which is of a version before KIP-482, or about versions.
    async fn old_reply(&mut self, body: &impl Wire) -> Option<()> {
        let correlation = self.request().await?;
        self.answer(correlation, &[], body, &[]).await
    }

    async fn greet(&mut self) -> Option<()> {
        self.old_reply(&versions(&SERVED)).await
    }

    async fn silence(mut self) -> Option<()> {
        let mut rest = Vec::new();
        self.stream.read_to_end(&mut rest).await.ok()?;
        None
    }
}

fn versions(served: &[(i16, i16)]) -> ApiVersionsReply {
    let range = |(api_key, version)| ApiRange { api_key, min_version: version, max_version: version };
    ApiVersionsReply { api_keys: served.iter().copied().map(range).collect(), ..ApiVersionsReply::default() }
}

fn cluster() -> DescribeClusterReply {
    DescribeClusterReply { cluster_id: "scripted".into(), ..DescribeClusterReply::default() }
}

async fn error_of(script: impl Fn(Side) -> Answer + Send + 'static) -> Error {
    let peer = Peer::new(move |_, side| script(side)).await;
    // Short, because some of these peers are waited for in vain.
    let (connect_timeout, request_timeout) = (Duration::from_millis(500), Duration::from_millis(500));
    Admin::new(Settings { connect_timeout, request_timeout, ..peer.settings() }).cluster().await.unwrap_err()
}

type Answer = std::pin::Pin<Box<dyn Future<Output = Option<()>> + Send>>;

/// Answers the first request with these bytes, then says nothing more.
async fn error_after(bytes: &'static [u8]) -> Error {
    error_of(move |mut side| {
        Box::pin(async move {
            side.request().await?;
            side.send(bytes).await?;
            side.silence().await
        })
    })
    .await
}

#[tokio::test]
async fn what_is_no_broker_is_told_by_its_first_bytes() {
    for (bytes, length) in [
        (&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], 1_213_486_160),
        // A TLS alert, as a TLS port sends to a client without TLS.
        (&[0x15, 3, 3, 0, 2, 2, 80], 0x1503_0300),
        (&[0x7f, 0xff, 0xff, 0xff, 0], i32::MAX),
        (&[0xff, 0xff, 0xff, 0xff], -1),
        (&[0, 0, 0, 0], 0),
        (&[0, 0, 0, 3], 3),
        // 60 MiB are too many for this answer.
        (&[3, 0xc0, 0, 0], 60 << 20),
    ] {
        let error = error_after(bytes).await;
        assert!(matches!(error, Error::Frame { length: told, .. } if told == length), "{error}");
        assert!(!error.is_transient());
    }
}

#[tokio::test]
async fn silence_is_a_time_out() {
    let silent = error_after(&[]).await;
    assert!(matches!(silent, Error::Timeout { what: "connecting", .. }) && silent.is_transient(), "{silent}");
    let in_a_frame = error_after(&[0, 0, 1, 0, 0, 0, 0, 1]).await;
    assert!(matches!(in_a_frame, Error::Timeout { .. }), "{in_a_frame}");
    let later = error_of(|mut side| {
        Box::pin(async move {
            side.greet().await?;
            side.silence().await
        })
    })
    .await;
    assert!(matches!(later, Error::Timeout { what: "DescribeCluster", .. }), "{later}");
}

#[tokio::test]
async fn a_peer_that_closes_is_an_io_error() {
    let at_once = error_of(|_| Box::pin(async { None })).await;
    assert!(matches!(at_once, Error::Io { .. }) && at_once.is_transient(), "{at_once}");
    let in_a_frame = error_of(|mut side| {
        Box::pin(async move {
            side.request().await?;
            side.send(&[0, 0, 0, 50, 0, 0, 0, 1, 0, 0]).await
        })
    })
    .await;
    assert!(matches!(in_a_frame, Error::Io { .. }), "{in_a_frame}");
}

#[tokio::test]
async fn an_answer_to_another_request_is_refused() {
    let error = error_of(|mut side| {
        Box::pin(async move {
            side.greet().await?;
            let correlation = side.request().await?;
            side.answer(correlation + 1, &[0], &cluster(), &[]).await
        })
    })
    .await;
    assert!(matches!(error, Error::Protocol { .. }), "{error}");
}

#[tokio::test]
async fn an_answer_of_the_wrong_size_is_refused() {
    let too_long = error_of(|mut side| {
        Box::pin(async move {
            side.greet().await?;
            let correlation = side.request().await?;
            side.answer(correlation, &[0], &cluster(), &[0]).await
        })
    })
    .await;
    assert!(matches!(too_long, Error::Decode { api: "DescribeCluster", .. }), "{too_long}");
    let too_short = error_of(|mut side| {
        Box::pin(async move {
            side.greet().await?;
            side.reply(&1_i64).await
        })
    })
    .await;
    assert!(matches!(too_short, Error::Decode { .. }), "{too_short}");
}

#[tokio::test]
async fn a_version_that_is_not_served_is_named() {
    let none = error_of(|mut side| {
        Box::pin(async move {
            // As KIP-511 has it: the answer of version 0.
            let correlation = side.request().await?;
            side.answer(correlation, &[], &Code::UNSUPPORTED_VERSION, &[0, 0, 0, 0]).await
        })
    })
    .await;
    assert!(matches!(none, Error::Version { api: "ApiVersions", .. }), "{none}");
    for (served, theirs) in [((60, 7), Some((7, 7))), ((59, 0), None)] {
        let old = error_of(move |mut side| Box::pin(async move { side.old_reply(&versions(&[served])).await })).await;
        assert!(matches!(old, Error::Version { ours: 0, theirs: told, .. } if told == theirs), "{old}");
    }
}

#[tokio::test]
async fn a_bootstrap_server_that_is_down_is_passed_over() {
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let down = gone.local_addr().unwrap().to_string();
    drop(gone);
    let up = Peer::new(|_, mut side| async move {
        side.greet().await?;
        side.reply(&cluster()).await
    })
    .await;
    let admin = Admin::new(settings(&[&down, &up.address]));
    assert_eq!(admin.cluster().await.unwrap().cluster_id, "scripted");

    let error = Admin::new(settings(&[&down])).cluster().await.unwrap_err();
    assert!(matches!(error, Error::Io { .. }), "{error}");
    let error = Admin::new(settings(&[&down, &down])).cluster().await.unwrap_err();
    assert!(matches!(error, Error::NoBootstrap { tried: 2, .. }) && error.is_transient(), "{error}");
    let error = Admin::new(settings(&[])).cluster().await.unwrap_err();
    assert!(matches!(error, Error::Settings(_)), "{error}");
}

fn plain(settings: Settings) -> Settings {
    Settings { sasl: Some(Sasl::Plain(Login::new("u", "p".to_owned().into()))), ..settings }
}

#[tokio::test]
async fn a_refused_login_is_not_tried_elsewhere() {
    let strict = Peer::new(|_, mut side| async move {
        side.greet().await?;
        side.old_reply(&SaslHandshakeReply::default()).await?;
        let error_code = Code::SASL_AUTHENTICATION_FAILED;
        side.reply(&SaslAuthenticateReply { error_code, ..SaslAuthenticateReply::default() }).await
    })
    .await;
    let other = Peer::new(|_, side| side.silence()).await;
    let admin = Admin::new(plain(settings(&[&strict.address, &other.address])));
    let error = admin.cluster().await.unwrap_err();
    assert!(matches!(error, Error::Auth { code: Some(Code::SASL_AUTHENTICATION_FAILED), .. }), "{error}");
    assert_eq!((strict.connections(), other.connections()), (1, 0));
}

#[tokio::test]
async fn a_mechanism_that_is_not_offered_is_refused_with_those_that_are() {
    let peer = Peer::new(|_, mut side| async move {
        side.greet().await?;
        let mechanisms = OldList(vec![OldString("SCRAM-SHA-512".into()), OldString("GSSAPI".into())]);
        side.old_reply(&SaslHandshakeReply { error_code: Code::UNSUPPORTED_SASL_MECHANISM, mechanisms }).await
    })
    .await;
    let error = Admin::new(plain(peer.settings())).cluster().await.unwrap_err();
    assert!(matches!(error, Error::Auth { code: Some(Code::UNSUPPORTED_SASL_MECHANISM), .. }), "{error}");
    assert!(error.to_string().ends_with("PLAIN is not among the mechanisms SCRAM-SHA-512, GSSAPI"), "{error}");
}

#[tokio::test]
async fn a_login_is_given_up_before_it_ends() {
    let peer = Peer::new(|number, mut side| async move {
        side.greet().await?;
        let mechanisms = OldList(vec![OldString("PLAIN".into())]);
        side.old_reply(&SaslHandshakeReply { mechanisms, ..SaslHandshakeReply::default() }).await?;
        // The first login has ended before it can be used again, the second lasts.
        let session_lifetime_ms = if number == 0 { 1 } else { 60_000 };
        side.reply(&SaslAuthenticateReply { session_lifetime_ms, ..SaslAuthenticateReply::default() }).await?;
        loop {
            side.reply(&cluster()).await?;
        }
    })
    .await;
    let admin = Admin::new(plain(peer.settings()));
    let started = tokio::time::Instant::now();
    while started.elapsed() < Duration::from_millis(1) || peer.connections() < 2 {
        admin.cluster().await.unwrap();
        assert!(started.elapsed() < Duration::from_secs(5));
    }
    for _ in 0..3 {
        admin.cluster().await.unwrap();
    }
    assert_eq!(peer.connections(), 2);
}

#[tokio::test]
async fn a_server_that_does_not_know_the_password_is_refused() {
    let peer = Peer::new(|_, mut side| async move {
        side.greet().await?;
        side.old_reply(&SaslHandshakeReply::default()).await?;
        // The client's nonce is the end of its first message, before the tags.
        let length = side.stream.read_i32().await.ok()?;
        let mut frame = vec![0; usize::try_from(length).unwrap()];
        side.stream.read_exact(&mut frame).await.ok()?;
        let nonce = String::from_utf8(frame[frame.len() - 33..frame.len() - 1].to_vec()).unwrap();
        let correlation = i32::from_be_bytes(frame[4..8].try_into().unwrap());
        let auth_bytes = Hidden(format!("r={nonce}more,s=c2FsdA==,i=4096").into_bytes());
        let first = SaslAuthenticateReply { auth_bytes, ..SaslAuthenticateReply::default() };
        side.answer(correlation, &[0], &first, &[]).await?;
        let auth_bytes = Hidden(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=".to_vec());
        side.reply(&SaslAuthenticateReply { auth_bytes, ..SaslAuthenticateReply::default() }).await?;
        side.reply(&cluster()).await
    })
    .await;
    let sasl = Some(Sasl::Scram256(Login::new("u", "p".to_owned().into())));
    let error = Admin::new(Settings { sasl, ..peer.settings() }).cluster().await.unwrap_err();
    assert!(matches!(error, Error::Auth { code: None, .. }), "{error}");
    // The same server shows a salt to who only asks for that.
    let salt = Admin::new(peer.settings()).stored_salt("u", Mechanism::Sha256).await.unwrap();
    assert_eq!(salt.as_deref(), Some(&b"salt"[..]));
}

#[tokio::test]
async fn a_dead_idle_connection_is_replaced_once() {
    // Every connection answers one request; the third none.
    let peer = Peer::new(|number, mut side| async move {
        side.greet().await?;
        if number < 2 {
            side.reply(&cluster()).await?;
        }
        None
    })
    .await;
    let admin = Admin::new(peer.settings());
    admin.cluster().await.unwrap();
    admin.cluster().await.unwrap();
    assert_eq!(peer.connections(), 2);
    // The idle one is dead, the new one dies too: that is the answer.
    let error = admin.cluster().await.unwrap_err();
    assert!(matches!(error, Error::Io { .. }), "{error}");
    assert_eq!(peer.connections(), 3);
}

#[tokio::test]
async fn a_broker_that_hangs_is_given_up_long_before_its_time_is_over() {
    // It greets once, and does nothing from then on.
    let peer = Peer::new(|number, mut side| async move {
        if number == 0 {
            side.greet().await?;
        }
        side.silence().await
    })
    .await;
    let (settings, began) = (peer.settings(), Instant::now());
    let limit = settings.request_timeout;
    let error = Admin::new(settings).cluster().await.unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }), "{error}");
    assert!(began.elapsed() < limit / 2, "{:?}", began.elapsed());
    assert_eq!(peer.connections(), 2);
}

#[tokio::test]
async fn a_broker_that_is_busy_is_waited_for() {
    let looks = Arc::new(Semaphore::new(0));
    let peer = Peer::new(move |number, mut side| {
        let looks = looks.clone();
        async move {
            side.greet().await?;
            if number > 0 {
                looks.add_permits(1);
                return side.silence().await;
            }
            let correlation = side.request().await?;
            // Until it was looked twice whether the broker is there.
            looks.acquire_many(2).await.ok()?.forget();
            side.answer(correlation, &[0], &cluster(), &[]).await
        }
    })
    .await;
    assert_eq!(Admin::new(peer.settings()).cluster().await.unwrap().cluster_id, "scripted");
}

#[tokio::test]
async fn a_bootstrap_server_that_hangs_is_not_waited_for_alone() {
    let hangs = Peer::new(|_, side| side.silence()).await;
    let works = Peer::new(|_, mut side| async move {
        side.greet().await?;
        side.reply(&cluster()).await
    })
    .await;
    let (settings, began) = (settings(&[&hangs.address, &works.address]), Instant::now());
    let limit = settings.connect_timeout;
    assert_eq!(Admin::new(settings).cluster().await.unwrap().cluster_id, "scripted");
    assert!(began.elapsed() < limit / 2, "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_call_that_was_cancelled_leaves_no_answer_for_the_next() {
    let peer = Peer::new(|number, mut side| async move {
        side.greet().await?;
        if number == 0 {
            side.reply(&cluster()).await?;
            return side.silence().await;
        }
        side.reply(&cluster()).await
    })
    .await;
    let admin = Admin::new(peer.settings());
    admin.cluster().await.unwrap();
    assert!(tokio::time::timeout(Duration::from_millis(50), admin.cluster()).await.is_err());
    admin.cluster().await.unwrap();
    assert_eq!(peer.connections(), 2);
}

#[tokio::test]
async fn a_broker_is_reached_at_the_address_the_cluster_tells() {
    let node = Peer::new(|_, mut side| async move {
        side.greet().await?;
        side.reply(&DescribeClusterReply { cluster_id: "node".into(), ..cluster() }).await
    })
    .await;
    let port = node.address.rsplit_once(':').unwrap().1.parse().unwrap();
    let bootstrap = Peer::new(move |_, mut side| async move {
        side.greet().await?;
        loop {
            let broker = ClusterBroker { broker_id: 4, host: "127.0.0.1".into(), port, rack: None };
            side.reply(&DescribeClusterReply { brokers: vec![broker], ..cluster() }).await?;
        }
    })
    .await;
    let admin = Admin::new(bootstrap.settings());
    assert_eq!(admin.cluster_on(To::Node(4)).await.unwrap().cluster_id, "node");
    assert!(matches!(admin.cluster_on(To::Node(5)).await, Err(Error::NoNode(5))));
}

#[tokio::test]
async fn an_item_the_answer_leaves_out_is_not_taken_for_done() {
    let peer = Peer::new(|_, mut side| async move {
        side.greet().await?;
        side.reply(&CreateAclsReply::default()).await
    })
    .await;
    let acl = super::Acl {
        principal: "User:u".into(),
        host: "*".into(),
        resource: super::ResourceKind::Topic,
        name: "t".into(),
        pattern: super::Pattern::Literal,
        operation: super::Operation::Read,
        permission: super::Permission::Allow,
    };
    let outcome = Admin::new(peer.settings()).create_acls(&[acl]).await.unwrap();
    assert_eq!(outcome[0].as_ref().unwrap_err().code, Code::UNKNOWN_SERVER_ERROR);
}

/// Leaders move: what is asked of the wrong broker is asked again, of the right one.
#[tokio::test]
async fn offsets_are_asked_again_where_the_leader_has_moved() {
    let peer = Peer::new(|number, mut side| async move {
        side.greet().await?;
        let port = side.stream.local_addr().ok()?.port().into();
        let partition = MetadataPartition { leader_id: 1, ..MetadataPartition::default() };
        let topic =
            MetadataReplyTopic { name: Some("t".into()), partitions: vec![partition], ..MetadataReplyTopic::default() };
        let metadata = MetadataReply { topics: vec![topic], ..MetadataReply::default() };
        let broker = ClusterBroker { broker_id: 1, host: "127.0.0.1".into(), port, rack: None };
        let cluster = DescribeClusterReply { brokers: vec![broker], ..cluster() };
        let offsets = |error_code, offset| {
            let partition = ListedPartition { error_code, offset, ..ListedPartition::default() };
            let topics = vec![ListedTopic { name: "t".into(), partitions: vec![partition] }];
            ListOffsetsReply { topics, ..ListOffsetsReply::default() }
        };
        // The first connection is the bootstrap server's, the second the leader's: it is used for everything then.
        if number == 0 {
            side.reply(&metadata).await?;
            side.reply(&cluster).await?;
            return side.silence().await;
        }
        side.reply(&offsets(Code::NOT_LEADER_OR_FOLLOWER, -1)).await?;
        side.reply(&metadata).await?;
        side.reply(&ListOffsetsReply::default()).await?;
        side.reply(&metadata).await?;
        side.reply(&offsets(Code::NONE, 9)).await
    })
    .await;
    let offsets = Admin::new(peer.settings()).offsets("t", super::At::Latest).await.unwrap();
    assert_eq!(offsets, [(0, 9)]);
}

#[tokio::test]
async fn a_throttled_connection_pauses() {
    let peer = Peer::new(|_, mut side| async move {
        side.greet().await?;
        side.reply(&DescribeClusterReply { throttle_time_ms: 60, ..cluster() }).await?;
        side.reply(&cluster()).await
    })
    .await;
    let mut conn = Conn::open(&peer.address, &peer.settings()).await.unwrap();
    let request = DescribeCluster { include_cluster_authorized_operations: false };
    conn.call(&request).await.unwrap();
    let started = tokio::time::Instant::now();
    conn.call(&request).await.unwrap();
    assert!(started.elapsed() > Duration::from_millis(50), "{:?}", started.elapsed());
}

/// A throw-away authority, made with `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 36500`.
const AUTHORITY: &str = "-----BEGIN CERTIFICATE-----
MIIBiTCCAS+gAwIBAgIUOwPwh+MddrLIw1j0/2/jr4qshUIwCgYIKoZIzj0EAwIw
GTEXMBUGA1UEAwwOVGVzdCBhdXRob3JpdHkwIBcNMjYxMTI1MjI1NzIwWhgPMjEy
NjExMDEyMjU3MjBaMBkxFzAVBgNVBAMMDlRlc3QgYXV0aG9yaXR5MFkwEwYHKoZI
zj0CAQYIKoZIzj0DAQcDQgAEr6/i2mDRLzpEpupvCQXxBDjJA5b2m6g5klInYyOz
Lbq1tZ/lKLhMyGjNSaiP1EzVsIKv+9NTW8prX6LtduK95KNTMFEwHQYDVR0OBBYE
FOh4yJCpAGX79mlp42Qo8OIQo/VhMB8GA1UdIwQYMBaAFOh4yJCpAGX79mlp42Qo
8OIQo/VhMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIgMLS0fx46
hOiG0cSDzfe2Dt2HOAdb/gUiSKqcCXFSWtoCIQCWJ+dDvPDVTIYVa7KXnoUNSUYT
LHGk0nSdQSdjXxABwQ==
-----END CERTIFICATE-----";

#[tokio::test]
async fn a_peer_without_tls_fails_at_once_when_tls_is_wanted() {
    let peer = Peer::new(|_, mut side| async move {
        side.send(b"HTTP/1.1 400 Bad Request\r\n\r\n").await?;
        side.silence().await
    })
    .await;
    let tls = Some(Tls::from_pem(AUTHORITY.as_bytes()).unwrap());
    let error = Admin::new(Settings { tls, ..peer.settings() }).cluster().await.unwrap_err();
    assert!(matches!(error, Error::Io { .. }) && !error.is_transient(), "{error}");
}

/// A future that runs on a thread pool must be allowed to move between threads.
#[tokio::test]
async fn calls_can_be_spawned() {
    fn is_send(_: impl Send) {}
    let admin = Admin::new(settings(&[]));
    is_send(admin.groups());
    is_send(admin.group("g"));
    is_send(admin.stored_salt("u", Mechanism::Sha512));
    is_send(admin.offsets("t", super::At::Latest));
    let names = ["t".to_owned()];
    is_send(admin.everywhere(Duration::ZERO, |to| {
        let (admin, names) = (&admin, &names);
        async move { Ok(admin.topics_on(to, names).await?.is_empty()) }
    }));
}
