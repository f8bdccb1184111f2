//! One connection.

use std::{io, sync::Arc};

use tokio::{io::AsyncReadExt, net::TcpStream, sync::broadcast};

use super::{
    kafka::Asked,
    pipe::pass,
    state::{Act, State, Way, reset},
};

/// Serves a client until either side ends it or the test does.
pub async fn serve(mut client: TcpStream, state: Arc<State>) {
    let mut acts = state.acts.subscribe();
    // Nothing waits here for more to come.
    let _ = client.set_nodelay(true);
    let server = tokio::select! {
        biased;
        _ = next(&mut acts) => Err(reset()),
        server = connect(&mut client, &state) => server,
    };
    let Ok(mut server) = server else { return break_off(client) };
    let ended = {
        let ((from_client, to_client), (from_server, to_server)) = (client.split(), server.split());
        let asked = Asked::default();
        let both = async {
            tokio::try_join!(
                pass(Way::ToServer, from_client, to_server, &state, &asked),
                pass(Way::ToClient, from_server, to_client, &state, &asked),
            )
        };
        tokio::select! {
            // What is read after the test has acted does not pass any more.
            biased;
            act = next(&mut acts) => Some(act),
            ended = both => ended.err().map(|_| Act::Reset),
        }
    };
    match ended {
        None => {}
        Some(Act::Reset) => {
            break_off(server);
            break_off(client);
        }
        Some(Act::HalfOpen) => {
            drop(server);
            tokio::select! {
                () = swallow(&mut client) => {}
                _ = next(&mut acts) => break_off(client),
            }
        }
    }
}

/// What the test does next.
async fn next(acts: &mut broadcast::Receiver<Act>) -> Act {
    acts.recv().await.unwrap_or(Act::Reset)
}

/// The server, where there is a way to it.
async fn connect(client: &mut TcpStream, state: &State) -> io::Result<TcpStream> {
    if state.now().blackhole {
        tokio::select! {
            () = swallow(client) => {}
            () = state.reached(|now| !now.blackhole) => {}
        }
        return Err(reset());
    }
    let server = TcpStream::connect(&state.target).await?;
    server.set_nodelay(true)?;
    Ok(server)
}

/// Takes what a client sends, until it ends.
async fn swallow(client: &mut TcpStream) {
    let mut bytes = vec![0; 4_096];
    while let Ok(1..) = client.read(&mut bytes).await {}
}

/// Closes it by a reset: bytes on their way are dropped, and the other side's next call fails (socket(7), `SO_LINGER`).
fn break_off(stream: TcpStream) {
    let _ = stream.set_zero_linger();
    drop(stream);
}
