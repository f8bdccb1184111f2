//! What troubles the inbound lanes, and how they fare by it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::watch;

use super::super::{lane::Health, outbound::State};

/// The troubles of all inbound lanes of a bridge.
#[derive(Clone)]
pub struct Board {
    state: Arc<watch::Sender<State>>,
    troubles: Arc<Mutex<Troubles>>,
}

#[derive(Default)]
struct Troubles {
    next: u64,
    /// Which source may not be received from meanwhile, and what the trouble is.
    open: BTreeMap<u64, (Option<usize>, Health)>,
}

impl Board {
    /// A board without a trouble.
    pub fn new(state: watch::Sender<State>) -> Self {
        Self { state: Arc::new(state), troubles: Arc::default() }
    }

    /// A place on the board for one who may come into trouble; what comes of `source` waits for him.
    pub fn place(&self, source: Option<usize>) -> Place {
        let mut troubles = self.troubles.lock().unwrap_or_else(PoisonError::into_inner);
        troubles.next += 1;
        Place { board: self.clone(), source, number: troubles.next }
    }

    /// Whether messages of the source have to wait for the end of a trouble.
    pub fn is_blocked(&self, source: usize) -> bool {
        let troubles = self.troubles.lock().unwrap_or_else(PoisonError::into_inner);
        troubles.open.values().any(|(other, _)| *other == Some(source))
    }

    /// Says that all sources are being read.
    pub fn begun(&self) {
        self.state.send_if_modified(|state| !std::mem::replace(&mut state.begun, true));
    }

    fn tell(&self, troubles: &Troubles) {
        let states = troubles.open.values().map(|(_, health)| State { begun: true, health: health.clone() });
        let health = State::worst(states).health;
        self.state.send_if_modified(|state| {
            let changed = state.health != health;
            state.health = health;
            changed
        });
    }
}

/// One who may come into trouble. When he goes, so does his trouble.
pub struct Place {
    board: Board,
    source: Option<usize>,
    number: u64,
}

impl Place {
    /// Says what is wrong, or that nothing is any more.
    pub fn set(&self, health: Health) {
        let mut troubles = self.board.troubles.lock().unwrap_or_else(PoisonError::into_inner);
        match health {
            Health::Well => troubles.open.remove(&self.number),
            trouble => troubles.open.insert(self.number, (self.source, trouble)),
        };
        self.board.tell(&troubles);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.set(Health::Well);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_trouble_is_told_until_it_is_over() {
        let (tell, state) = watch::channel(State::default());
        let board = Board::new(tell);
        let (one, other) = (board.place(Some(0)), board.place(None));
        one.set(Health::Waiting("away".into()));
        other.set(Health::Halted("denied".into()));
        assert_eq!(state.borrow().health, Health::Halted("denied".into()));
        assert!(board.is_blocked(0) && !board.is_blocked(1));
        drop(other);
        assert_eq!(state.borrow().health, Health::Waiting("away".into()));
        one.set(Health::Well);
        assert_eq!(state.borrow().health, Health::Well);
        assert!(!board.is_blocked(0));
    }
}
