//! A gate before Postgres that everything passes, until the COMMIT of one certain transaction comes by.

use std::sync::{Arc, Mutex};

use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgSslMode},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
};

/// How far a COMMIT has come when its connection is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// It does not reach Postgres.
    Before,
    /// Postgres has it, and has not answered.
    During,
    /// Postgres has answered, and the answer does not come through.
    After,
}

/// What happens at a COMMIT.
struct Strike {
    moment: Moment,
    /// What the transaction speaks of: that of another one passes.
    about: String,
    act: Box<dyn FnOnce() + Send>,
    over: oneshot::Sender<()>,
}

/// The gate. It lets everything pass until it is [armed](Gate::arm), and after it has struck once.
pub struct Gate {
    options: PgConnectOptions,
    armed: Arc<Mutex<Option<Strike>>>,
}

impl Gate {
    /// A gate before the database of this pool.
    pub async fn before(pool: &PgPool) -> Self {
        let options = (*pool.connect_options()).clone();
        let to = (options.get_host().to_owned(), options.get_port());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let options = options.host("127.0.0.1").port(listener.local_addr().unwrap().port());
        let armed = Arc::<Mutex<Option<Strike>>>::default();
        let gate = Self { options: options.ssl_mode(PgSslMode::Disable), armed: Arc::clone(&armed) };
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&to).await.unwrap();
                tokio::spawn(pass_on(client, server, Arc::clone(&armed)));
            }
        });
        gate
    }

    /// How the database is reached by way of the gate.
    pub fn options(&self) -> PgConnectOptions {
        self.options.clone()
    }

    /// Acts at the next COMMIT of a transaction that speaks of this, and cuts its connection. Who waits for what it gives
    /// knows that Postgres has done with that COMMIT what it ever will.
    pub fn arm(&self, moment: Moment, about: &str, act: impl FnOnce() + Send + 'static) -> oneshot::Receiver<()> {
        let (over, struck) = oneshot::channel();
        let strike = Strike { moment, about: about.to_owned(), act: Box::new(act), over };
        *self.armed.lock().unwrap() = Some(strike);
        struck
    }
}

async fn pass_on(
    mut client: TcpStream,
    mut server: TcpStream,
    armed: Arc<Mutex<Option<Strike>>>,
) -> std::io::Result<()> {
    let (mut asked, mut answered) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    // Whether the transaction that is open here is the one.
    let mut is_meant = false;
    loop {
        tokio::select! {
            n = client.read(&mut asked) => {
                let part = &asked[..n?];
                if part.is_empty() {
                    return Ok(());
                }
                let strike = {
                    let mut armed = armed.lock().unwrap();
                    is_meant |= armed.as_ref().is_some_and(|strike| holds(part, strike.about.as_bytes()));
                    if is_meant && holds(part, b"COMMIT") { armed.take() } else { None }
                };
                let Some(Strike { moment, act, over, .. }) = strike else {
                    server.write_all(part).await?;
                    continue;
                };
                match moment {
                    Moment::Before => act(),
                    Moment::During => {
                        server.write_all(part).await?;
                        act();
                        answer(&mut server).await?;
                    }
                    Moment::After => {
                        server.write_all(part).await?;
                        answer(&mut server).await?;
                        act();
                    }
                }
                let _ = over.send(());
                return Ok(());
            }
            n = server.read(&mut answered) => {
                let part = &answered[..n?];
                if part.is_empty() {
                    return Ok(());
                }
                client.write_all(part).await?;
            }
        }
    }
}

/// Waits until Postgres has answered.
async fn answer(server: &mut TcpStream) -> std::io::Result<()> {
    server.read_u8().await.map(drop)
}

fn holds(part: &[u8], word: &[u8]) -> bool {
    part.windows(word.len()).any(|window| window == word)
}
