//! What a test makes of calls, and where it holds them.

use std::{sync::Mutex, time::Duration};

use tokio::{sync::oneshot, time::timeout};

use super::refusal::Refusal;

/// How long a caller may take until he asks what is waited for.
const PATIENCE: Duration = Duration::from_mins(1);

/// A call that is to be judged.
#[derive(Clone, Debug)]
pub struct Asked {
    pub action: String,
    /// How many entries it has; 1 where it is no batch.
    pub entries: usize,
}

/// What becomes of a call.
#[derive(Clone, Debug)]
pub enum Fault {
    /// SQS does what it does.
    None,
    /// It does so later.
    Wait(Duration),
    /// There were too many calls.
    Throttle,
    /// HTTP 500.
    Internal,
    /// HTTP 503.
    Unavailable,
    /// It is carried out, and the connection ends before the answer does.
    LoseReply,
    /// It is not carried out, and the connection ends.
    CutBefore,
    /// It is refused.
    Refuse { code: &'static str, status: u16 },
    /// Entries at these places are refused and the others carried out.
    Partly { failed: Vec<usize>, code: &'static str, sender: bool },
    /// Another host is said to be the right one.
    Redirect,
}

impl Fault {
    /// The refusal of the whole call, where it is one.
    pub fn refusal(&self) -> Option<Refusal> {
        let receiver = |code, status| Refusal { sender: false, status, ..Refusal::new(code, "a test wants it so") };
        match self {
            Self::Throttle => Some(Refusal::new("RequestThrottled", "Rate exceeded")),
            Self::Internal => Some(receiver("InternalFailure", 500)),
            Self::Unavailable => Some(receiver("ServiceUnavailable", 503)),
            Self::Refuse { code, status } => {
                Some(Refusal { status: *status, ..Refusal::new(code, "a test wants it so") })
            }
            _ => None,
        }
    }
}

/// Decides on each call.
pub type Decide = Box<dyn FnMut(&Asked) -> Fault + Send>;

/// Where a call is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Nothing was done yet.
    Asked,
    /// It was carried out, and not answered.
    Done,
}

/// A call, and where it is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    pub action: &'static str,
    pub when: When,
}

struct Armed {
    moment: Moment,
    reached: oneshot::Sender<()>,
    released: oneshot::Receiver<()>,
}

/// All that will be held, each once.
#[derive(Default)]
pub struct Holds(Mutex<Vec<Armed>>);

impl Holds {
    pub fn arm(&self, moment: Moment) -> Hold {
        let ((reached, is_reached), (release, released)) = (oneshot::channel(), oneshot::channel());
        self.0.lock().unwrap().push(Armed { moment, reached, released });
        Hold { is_reached, release }
    }

    /// Holds a call where it is the one; others go on.
    pub async fn pass(&self, action: &str, when: When) {
        let armed = {
            let mut all = self.0.lock().unwrap();
            let found = all.iter().position(|armed| armed.moment.action == action && armed.moment.when == when);
            found.map(|place| all.remove(place))
        };
        if let Some(Armed { reached, released, .. }) = armed {
            let _ = reached.send(());
            // Whoever has forgotten what he holds has let it go.
            let _ = released.await;
        }
    }
}

/// The next call of a kind. Dropped, it lets it go on.
pub struct Hold {
    is_reached: oneshot::Receiver<()>,
    release: oneshot::Sender<()>,
}

impl Hold {
    /// Waits until the call is there. To be asked once.
    pub async fn reached(&mut self) {
        timeout(PATIENCE, &mut self.is_reached).await.expect("what is to be held comes in time").unwrap();
    }

    /// Lets it go on.
    pub fn release(self) {
        let _ = self.release.send(());
    }
}
