//! One connection: opened, logged in, and used for one request at a time.

use std::{collections::HashMap, io, time::Duration};

use secrecy::{ExposeSecret, SecretSlice, zeroize::Zeroize};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, sleep_until, timeout},
};

use super::{
    Code, Error, Login, Mechanism, Result, Sasl, Settings,
    error::Refusal,
    msg::{Api, ApiVersions, SaslAuthenticate, SaslHandshake},
    scram::{Broken, Challenge, Start, salted_password},
    wire::{Hidden, Malformed, OldString, Reader, Wire, put_varint},
};

/// The longest a broker's wish to be left alone (`throttle_time_ms`) is respected.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Connections are given up before a broker closes them (`connections.max.idle.ms`, by default 10 minutes).
const LONGEST_IDLE: Duration = Duration::from_mins(4);

/// One that was used so shortly ago is taken to work.
const FRESH: Duration = Duration::from_millis(250);

/// What is worth a line in the log: all that is asked for is there in milliseconds.
const SLOW: Duration = Duration::from_secs(3);

/// How long a broker may take to say that it is there.
pub(crate) const PATIENCE: Duration = Duration::from_secs(1);

trait Stream: AsyncRead + AsyncWrite + Send + Sync + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Stream for T {}

/// A logged-in connection.
///
/// After an error, or when a call was cancelled, request and answer may be out of step: drop it.
pub(crate) struct Conn {
    stream: Box<dyn Stream>,
    /// The broker's address, for errors.
    pub(crate) peer: String,
    client_id: String,
    request_timeout: Duration,
    correlation: i32,
    /// API key to lowest and highest version.
    served: HashMap<i16, (i16, i16)>,
    /// When the login ends (KIP-368).
    expires: Option<Instant>,
    last_used: Instant,
    /// The broker does not read from this connection before (KIP-219).
    paused_until: Option<Instant>,
}

impl Conn {
    /// Connects and logs in within `connect_timeout`.
    pub(crate) async fn open(address: &str, settings: &Settings) -> Result<Self> {
        within(address, "connecting", settings.connect_timeout, async {
            let mut conn = Self::reach(address, settings).await?;
            if let Some(sasl) = &settings.sasl {
                conn.log_in(sasl).await?;
            }
            Ok(conn)
        })
        .await
    }

    /// Asks a broker for the SCRAM challenge of a user and hangs up: shows the stored salt without a password.
    ///
    /// `None` if the broker has no credential for the user.
    pub(crate) async fn scram_challenge(
        address: &str,
        settings: &Settings,
        user: &str,
        mechanism: Mechanism,
    ) -> Result<Option<Challenge>> {
        within(address, "connecting", settings.connect_timeout, async {
            let mut conn = Self::reach(address, settings).await?;
            conn.handshake(mechanism.name()).await?;
            match conn.challenge(user).await {
                Ok(challenge) => Ok(Some(challenge)),
                Err(Error::Auth { code: Some(Code::SASL_AUTHENTICATION_FAILED), .. }) => Ok(None),
                Err(error) => Err(error),
            }
        })
        .await
    }

    /// Whether a broker answers who connects, within [`PATIENCE`].
    pub(crate) async fn is_there(address: &str, settings: &Settings) -> bool {
        matches!(timeout(PATIENCE, Box::pin(Self::reach(address, settings))).await, Ok(Ok(_)))
    }

    /// Connects, and learns which versions are served.
    async fn reach(address: &str, settings: &Settings) -> Result<Self> {
        let host = host_of(address)?;
        let io = |source| Error::Io { peer: address.to_owned(), source };
        let tcp = TcpStream::connect(address).await.map_err(io)?;
        tcp.set_nodelay(true).map_err(io)?;
        let stream: Box<dyn Stream> = match &settings.tls {
            None => Box::new(tcp),
            Some(tls) => {
                let name = rustls_pki_types::ServerName::try_from(host.to_owned())
                    .map_err(|_| Error::Settings(format!("{host} is not a name that TLS can check")))?;
                let connector = tokio_rustls::TlsConnector::from(tls.config.clone());
                Box::new(connector.connect(name, tcp).await.map_err(io)?)
            }
        };
        let mut conn = Self {
            stream,
            peer: address.to_owned(),
            client_id: settings.client_id.clone(),
            request_timeout: settings.request_timeout,
            correlation: 0,
            served: HashMap::new(),
            expires: None,
            last_used: Instant::now(),
            paused_until: None,
        };
        let reply = conn.exchange(&ApiVersions::ours()).await?;
        if !reply.error_code.is_none() {
            return Err(conn.version_error::<ApiVersions>(None));
        }
        conn.served =
            reply.api_keys.into_iter().map(|range| (range.api_key, (range.min_version, range.max_version))).collect();
        Ok(conn)
    }

    async fn log_in(&mut self, sasl: &Sasl) -> Result<()> {
        self.handshake(sasl.mechanism()).await?;
        let lifetime = match sasl {
            Sasl::Plain(login) => {
                let token = format!("\0{}\0{}", login.user, login.password.expose_secret());
                self.authenticate(token.into_bytes()).await?.1
            }
            Sasl::Scram256(login) => self.scram(Mechanism::Sha256, login).await?,
            Sasl::Scram512(login) => self.scram(Mechanism::Sha512, login).await?,
            Sasl::Salted(user) => {
                let challenge = self.challenge(&user.name).await?;
                if (&challenge.salt, challenge.iterations) != (&user.salt, user.iterations) {
                    return Err(self.broken(Broken("the password is another than the salted one that is known")));
                }
                self.prove(challenge, user.mechanism, &user.salted_password).await?
            }
        };
        if let Some(lifetime) = u64::try_from(lifetime).ok().filter(|millis| *millis > 0) {
            // A tenth is left for the request under way.
            self.expires = Some(Instant::now() + Duration::from_millis(lifetime) * 9 / 10);
        }
        Ok(())
    }

    async fn handshake(&mut self, mechanism: &str) -> Result<()> {
        let reply = self.checked(&SaslHandshake { mechanism: OldString(mechanism.to_owned()) }).await?;
        if reply.error_code.is_none() {
            return Ok(());
        }
        let offered: Vec<_> = reply.mechanisms.0.into_iter().map(|mechanism| mechanism.0).collect();
        let why = format!("{}: {mechanism} is not among the mechanisms {}", reply.error_code, offered.join(", "));
        Err(Error::Auth { peer: self.peer.clone(), code: Some(reply.error_code), why })
    }

    /// One step of the login: our token to the server's, and how long a login lasts, in milliseconds.
    async fn authenticate(&mut self, token: Vec<u8>) -> Result<(Vec<u8>, i64)> {
        let mut reply = self.checked(&SaslAuthenticate { auth_bytes: Hidden(token) }).await?;
        Refusal::check(reply.error_code, reply.error_message.take()).map_err(|refusal| Error::Auth {
            peer: self.peer.clone(),
            code: Some(refusal.code),
            why: refusal.to_string(),
        })?;
        Ok((std::mem::take(&mut reply.auth_bytes.0), reply.session_lifetime_ms))
    }

    async fn challenge(&mut self, user: &str) -> Result<Challenge> {
        let start = Start::new(user).map_err(|broken| self.broken(broken))?;
        let (server_first, _) = self.authenticate(start.client_first()).await?;
        start.challenge(&server_first).map_err(|broken| self.broken(broken))
    }

    async fn scram(&mut self, mechanism: Mechanism, login: &Login) -> Result<i64> {
        let challenge = self.challenge(&login.user).await?;
        let (password, salt, iterations) = (login.password.clone(), challenge.salt.clone(), challenge.iterations);
        let salted = tokio::task::spawn_blocking(move || salted_password(mechanism, &password, &salt, iterations))
            .await
            .map_err(|_| self.broken(Broken("hashing the password was interrupted")))?;
        self.prove(challenge, mechanism, &salted).await
    }

    /// The last step of SCRAM, and how long the login lasts, in milliseconds.
    async fn prove(
        &mut self,
        challenge: Challenge,
        mechanism: Mechanism,
        salted_password: &SecretSlice<u8>,
    ) -> Result<i64> {
        let (client_final, proof) = challenge.answer(mechanism, salted_password);
        let (server_final, lifetime) = self.authenticate(client_final).await?;
        proof.verify(&server_final).map_err(|broken| self.broken(broken))?;
        Ok(lifetime)
    }

    fn broken(&self, Broken(why): Broken) -> Error {
        Error::Auth { peer: self.peer.clone(), code: None, why: why.into() }
    }

    /// Whether it can be expected to work for another request.
    pub(crate) fn is_fresh(&self) -> bool {
        let now = Instant::now();
        self.expires.is_none_or(|at| now < at) && now < self.last_used + LONGEST_IDLE
    }

    /// Whether the broker still answers on it, asked by the cheapest request there is. It is not asked where that was just
    /// seen, nor while it wants to be left alone.
    ///
    /// A broker that hangs, or whose host is gone, keeps its connections, and what is sent on them may be done much later.
    pub(crate) async fn answers(&mut self) -> bool {
        let now = Instant::now();
        if now < self.last_used + FRESH || self.paused_until.is_some_and(|at| now < at) {
            return true;
        }
        matches!(timeout(PATIENCE, self.exchange(&ApiVersions::ours())).await, Ok(Ok(_)))
    }

    /// Sends a request and waits for its answer, within `request_timeout` (not counting a pause that the
    /// broker asked for).
    pub(crate) async fn call<A: Api>(&mut self, request: &A) -> Result<A::Response> {
        if let Some(at) = self.paused_until.take() {
            sleep_until(at).await;
        }
        let (peer, limit) = (self.peer.clone(), self.request_timeout);
        let began = Instant::now();
        let reply = within(&peer, A::NAME, limit, self.checked(request)).await;
        self.last_used = Instant::now();
        let took = self.last_used - began;
        if took > SLOW {
            tracing::warn!(broker = peer, api = A::NAME, ?took, answered = reply.is_ok(), "Kafka was slow");
        }
        reply
    }

    /// Refuses what the broker does not serve before sending it.
    async fn checked<A: Api>(&mut self, request: &A) -> Result<A::Response> {
        let theirs = self.served.get(&A::KEY).copied();
        match theirs {
            Some((low, high)) if (low..=high).contains(&A::VERSION) => self.exchange(request).await,
            _ => Err(self.version_error::<A>(theirs)),
        }
    }

    fn version_error<A: Api>(&self, theirs: Option<(i16, i16)>) -> Error {
        Error::Version { peer: self.peer.clone(), api: A::NAME, ours: A::VERSION, theirs }
    }

    async fn exchange<A: Api>(&mut self, request: &A) -> Result<A::Response> {
        self.correlation = self.correlation.wrapping_add(1);
        let mut frame = encode(request, self.correlation, &self.client_id);
        let sent = async {
            self.stream.write_all(&frame).await?;
            self.stream.flush().await
        };
        let sent = sent.await;
        // It may hold a password.
        frame.zeroize();
        sent.map_err(|error| self.io(error))?;

        let length = self.stream.read_i32().await.map_err(|error| self.io(error))?;
        let size = usize::try_from(length).ok().filter(|size| (4..=A::REPLY_LIMIT).contains(size));
        let Some(size) = size else {
            return Err(Error::Frame { peer: self.peer.clone(), length });
        };
        // Grows with what arrives, not with what was announced.
        let mut body = Vec::new();
        (&mut self.stream).take(size as u64).read_to_end(&mut body).await.map_err(|error| self.io(error))?;
        if body.len() < size {
            return Err(self.io(io::ErrorKind::UnexpectedEof.into()));
        }
        self.decode::<A>(&body)
    }

    fn decode<A: Api>(&mut self, frame: &[u8]) -> Result<A::Response> {
        let unreadable = |Malformed(why)| Error::Decode { peer: self.peer.clone(), api: A::NAME, why };
        let mut from = Reader::new(frame);
        let correlation = i32::read(&mut from).map_err(unreadable)?;
        if correlation != self.correlation {
            let why = format!("answer {correlation} to request {}", self.correlation);
            return Err(Error::Protocol { peer: self.peer.clone(), why });
        }
        if A::FLEXIBLE_REPLY_HEADER {
            from.skip_tags().map_err(unreadable)?;
        }
        let body = &frame[frame.len() - from.left()..];
        // A broker that does not know our version of ApiVersions answers in the oldest one (KIP-511).
        if A::KEY == ApiVersions::KEY && body.starts_with(&Code::UNSUPPORTED_VERSION.0.to_be_bytes()) {
            return Err(self.version_error::<A>(None));
        }
        let reply = A::Response::read(&mut from).map_err(unreadable)?;
        from.finish().map_err(unreadable)?;
        if A::THROTTLED
            && let Some((millis, _)) = body.split_first_chunk()
        {
            self.pause(A::NAME, i32::from_be_bytes(*millis));
        }
        Ok(reply)
    }

    fn pause(&mut self, api: &'static str, millis: i32) {
        if let Some(millis) = u64::try_from(millis).ok().filter(|millis| *millis > 0) {
            tracing::debug!(peer = self.peer, api, millis, "throttled by Kafka");
            self.paused_until = Some(Instant::now() + Duration::from_millis(millis).min(LONGEST_PAUSE));
        }
    }

    fn io(&self, source: io::Error) -> Error {
        let source = if source.kind() == io::ErrorKind::UnexpectedEof
            && source.get_ref().is_none_or(|e| !e.is::<rustls::Error>())
        {
            io::Error::new(io::ErrorKind::UnexpectedEof, "the broker closed the connection")
        } else {
            source
        };
        Error::Io { peer: self.peer.clone(), source }
    }
}

/// A whole request frame: its length, the header (version 2, or 1 before KIP-482), the body.
fn encode<A: Api>(request: &A, correlation: i32, client_id: &str) -> Vec<u8> {
    let mut frame = vec![0; 4];
    A::KEY.write(&mut frame);
    A::VERSION.write(&mut frame);
    correlation.write(&mut frame);
    // In both headers the client's name has the old form.
    OldString(client_id.to_owned()).write(&mut frame);
    if A::FLEXIBLE {
        put_varint(&mut frame, 0);
    }
    request.write(&mut frame);
    let length = i32::try_from(frame.len() - 4).expect("batches of this client are far below 2 GiB");
    frame[..4].copy_from_slice(&length.to_be_bytes());
    frame
}

/// The host of `host:port`, without the brackets of IPv6.
fn host_of(address: &str) -> Result<&str> {
    address
        .rsplit_once(':')
        .filter(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
        .map(|(host, _)| host.trim_start_matches('[').trim_end_matches(']'))
        .ok_or_else(|| Error::Settings(format!("{address:?} is not host:port")))
}

async fn within<T>(
    peer: &str,
    what: &'static str,
    limit: Duration,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    timeout(limit, work).await.unwrap_or_else(|_| Err(Error::Timeout { peer: peer.to_owned(), what, after: limit }))
}

#[cfg(test)]
mod tests;
