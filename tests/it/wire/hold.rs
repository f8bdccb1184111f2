//! A request or an answer that stops here until the test says what becomes of it.

use std::{io, sync::Mutex, time::Duration};

use tokio::{sync::oneshot, time::timeout};

use super::{
    kafka::{ApiKey, Request},
    state::{Way, reset},
};

/// How long a client may take until it asks what is waited for.
const PATIENCE: Duration = Duration::from_mins(1);

/// What becomes of what is held.
enum Fate {
    Passes,
    /// It is lost, and its connection is reset.
    Breaks,
}

/// Something that will be held.
struct Armed {
    way: Way,
    api: ApiKey,
    caught: oneshot::Sender<Request>,
    fate: oneshot::Receiver<Fate>,
}

/// All that will be held, each once.
#[derive(Default)]
pub struct Holds(Mutex<Vec<Armed>>);

impl Holds {
    pub fn arm(&self, way: Way, api: ApiKey) -> Held {
        let ((caught, held), (decide, fate)) = (oneshot::channel(), oneshot::channel());
        self.0.lock().unwrap().push(Armed { way, api, caught, fate });
        Held { held, fate: decide }
    }

    /// Stops a request, or the answer to one, where it is the one; what is behind it on its connection waits as well.
    ///
    /// # Errors
    /// The connection is to be broken off.
    pub async fn pass(&self, way: Way, request: &Request) -> io::Result<()> {
        let armed = {
            let mut all = self.0.lock().unwrap();
            let found = all.iter().position(|armed| armed.way == way && armed.api == request.api);
            found.map(|place| all.remove(place))
        };
        let Some(Armed { caught, fate, .. }) = armed else { return Ok(()) };
        let _ = caught.send(request.clone());
        match fate.await {
            Ok(Fate::Breaks) => Err(reset()),
            // Whoever has forgotten what he holds has let it go.
            Ok(Fate::Passes) | Err(_) => Ok(()),
        }
    }
}

/// The next request of a kind, or its answer. Dropped, it lets it pass.
pub struct Held {
    held: oneshot::Receiver<Request>,
    fate: oneshot::Sender<Fate>,
}

impl Held {
    /// Waits until it is there, and gives the request. To be asked once.
    pub async fn caught(&mut self) -> Request {
        timeout(PATIENCE, &mut self.held).await.expect("what is to be held comes in time").unwrap()
    }

    /// Lets it pass.
    pub fn release(self) {
        let _ = self.fate.send(Fate::Passes);
    }

    /// Loses it, and resets its connection on both sides.
    pub fn drop_connection(self) {
        let _ = self.fate.send(Fate::Breaks);
    }
}
