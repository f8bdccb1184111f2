//! The producer of the inbound lanes, made anew after each outcome that is not known.

use std::sync::{Arc, Mutex, PoisonError};

use crate::kafka::stream::{Error, Settings, producer::Producer};

/// A producer that can be made anew.
pub struct Outlet {
    settings: Settings,
    /// The producer, and how many there were before it.
    current: Mutex<(u64, Producer)>,
}

impl Outlet {
    /// An outlet; nothing is connected yet.
    pub fn new(settings: Settings) -> Result<Arc<Self>, Error> {
        let current = Mutex::new((0, Producer::new(&settings)?));
        Ok(Arc::new(Self { settings, current }))
    }

    /// The producer of now, and its number.
    pub fn producer(&self) -> (u64, Producer) {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Makes a new producer in place of that with this number; of many that ask for it at once, the first does. A
    /// client that was refused once may remember it (`librdkafka` keeps the error of a topic).
    pub fn renew(&self, number: u64) -> Result<(), Error> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.0 == number {
            let old = std::mem::replace(&mut *current, (number + 1, Producer::new(&self.settings)?));
            // Closing takes its time.
            std::thread::spawn(move || drop(old));
        }
        Ok(())
    }
}
