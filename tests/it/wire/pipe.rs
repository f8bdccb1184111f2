//! One direction of a connection: what is read is on its way for as long as the latency says, and is written as fast as
//! the rate allows. Bytes that are on their way keep no others from setting out.

use std::{io, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::tcp::{ReadHalf, WriteHalf},
    sync::mpsc,
    time::{Instant, sleep, sleep_until},
};

use super::{
    kafka::Asked,
    state::{State, Way, reset},
};

/// How much is read at once, where the bytes mean nothing here.
const PIECE: usize = 64 * 1024;
/// How many pieces may be on their way; a side that is slow then holds up the other.
const ON_THE_WAY: usize = 64;
/// Into how many parts a second is divided where there is a rate.
const TICKS: u64 = 50;

/// Bytes, and when they arrive.
type Piece = (Instant, Vec<u8>);

/// Passes on what comes, until the sender ends it or something breaks.
///
/// # Errors
/// The connection is broken off.
pub async fn pass(way: Way, from: ReadHalf<'_>, to: WriteHalf<'_>, state: &State, asked: &Asked) -> io::Result<()> {
    let (sender, pieces) = mpsc::channel(ON_THE_WAY);
    tokio::try_join!(read(way, from, sender, state, asked), write(way, to, pieces, state))?;
    Ok(())
}

async fn read(
    way: Way,
    mut from: ReadHalf<'_>,
    pieces: mpsc::Sender<Piece>,
    state: &State,
    asked: &Asked,
) -> io::Result<()> {
    loop {
        let piece = match &state.frames {
            None => any(&mut from).await,
            Some(frames) => frames.next(way, &mut from, asked).await,
        };
        let piece = match piece {
            Ok(Some(piece)) => piece,
            Ok(None) => return Ok(()),
            // How a side breaks off is not passed on either.
            Err(_) if state.now().blackhole => return Ok(()),
            Err(error) => return Err(error),
        };
        // Nobody takes it where writing has failed, which is told there.
        if pieces.send((Instant::now() + state.now().latency, piece)).await.is_err() {
            return Ok(());
        }
    }
}

/// Any bytes; `None` at the end.
async fn any(from: &mut ReadHalf<'_>) -> io::Result<Option<Vec<u8>>> {
    let mut piece = vec![0; PIECE];
    let read = from.read(&mut piece).await?;
    piece.truncate(read);
    Ok((read > 0).then_some(piece))
}

async fn write(way: Way, mut to: WriteHalf<'_>, mut pieces: mpsc::Receiver<Piece>, state: &State) -> io::Result<()> {
    while let Some((due, piece)) = pieces.recv().await {
        sleep_until(due).await;
        let mut rest = &piece[..];
        while !rest.is_empty() {
            let now = state.now();
            if now.blackhole {
                return swallow(pieces, state).await;
            }
            let most = now.rate.map_or(rest.len(), |rate| usize::try_from((rate / TICKS).max(1)).unwrap());
            let (part, later) = rest.split_at(most.min(rest.len()));
            if let Some(last) = state.cut_within(way, part.len()) {
                to.write_all(&part[..last]).await?;
                state.count(way, last);
                return Err(reset());
            }
            to.write_all(part).await?;
            state.count(way, part.len());
            if let Some(rate) = now.rate {
                sleep(Duration::from_micros(part.len() as u64 * 1_000_000 / rate)).await;
            }
            rest = later;
        }
    }
    if state.now().blackhole {
        return swallow(pieces, state).await;
    }
    to.shutdown().await
}

/// Takes what comes and passes nothing on. What was lost does not come back, so that the connection ends with the hole.
async fn swallow(mut pieces: mpsc::Receiver<Piece>, state: &State) -> io::Result<()> {
    let take = async {
        while pieces.recv().await.is_some() {}
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = take => {}
        () = state.reached(|now| !now.blackhole) => {}
    }
    Err(reset())
}
