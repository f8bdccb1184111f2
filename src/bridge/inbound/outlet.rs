//! The producer of the inbound lanes, made anew after each outcome that is not known.

use std::sync::{Arc, Mutex, PoisonError};

use crate::kafka::stream::{Error, Settings, producer::Producer};

/// A producer that can be made anew.
pub struct Outlet {
    settings: Settings,
    /// The producer, and how many there were before it.
    current: Mutex<(u64, Producer)>,
    /// For records that were refused with others for their size; made when there is one.
    single: Mutex<Option<Producer>>,
}

impl Outlet {
    /// An outlet; nothing is connected yet.
    pub fn new(settings: Settings) -> Result<Arc<Self>, Error> {
        let current = Mutex::new((0, Producer::new(&settings)?));
        Ok(Arc::new(Self { settings, current, single: Mutex::default() }))
    }

    /// The producer of now, and its number.
    pub fn producer(&self) -> (u64, Producer) {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A producer that sends each record alone.
    pub fn single(&self) -> Result<Producer, Error> {
        let mut single = self.single.lock().unwrap_or_else(PoisonError::into_inner);
        match &*single {
            Some(producer) => Ok(producer.clone()),
            None => Ok(single.insert(Producer::one_by_one(&self.settings)?).clone()),
        }
    }

    /// Makes a new producer in place of that with this number; of many that ask for it at once, the first does. A
    /// client that was refused once may remember it (`librdkafka` keeps the error of a topic).
    pub fn renew(&self, number: u64) -> Result<(), Error> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.0 == number {
            let old = std::mem::replace(&mut *current, (number + 1, Producer::new(&self.settings)?));
            // Closing takes its time.
            let single = self.single.lock().unwrap_or_else(PoisonError::into_inner).take();
            std::thread::spawn(move || drop((old, single)));
        }
        Ok(())
    }
}
