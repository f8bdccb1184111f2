//! The name of a worker in its consumer groups: the same after a restart, and one process at a time has it.
//!
//! Two processes of one name would throw each other out of their groups without end, and each time send again what was
//! in flight. A process that is killed leaves its name at once, since its connection ends; one that stands still, after
//! a while.

use uuid::Uuid;

use crate::store::{
    PgPool, Result,
    workers::{Lock, hold},
};

/// A name that a worker has, or waits for.
pub struct Slot {
    name: String,
    /// This process.
    holder: Uuid,
    lock: Option<Lock>,
    /// Whether it had the name at the last look, once there was one.
    has: Option<bool>,
}

impl Slot {
    /// A name, not yet taken.
    pub fn new(name: String) -> Self {
        Self { name, holder: Uuid::new_v4(), lock: None, has: None }
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether this process had the name at the last look.
    pub fn has(&self) -> bool {
        self.has == Some(true)
    }

    /// Looks whether this process has the name, and takes it where it is free.
    ///
    /// # Errors
    /// Where the database is away: whoever had the name goes on.
    pub async fn look(&mut self, pool: &PgPool) -> Result<bool> {
        if let Some(lock) = &mut self.lock
            && lock.is_kept().await.is_err()
        {
            self.lock = None;
        }
        let mut is_free = false;
        if self.lock.is_none() {
            self.lock = Lock::take(pool, &self.name).await?;
            // The lock of whoever had the name has ended; this process may be that one.
            is_free = self.lock.is_some();
        }
        let has = hold(pool, &self.name, self.holder, is_free).await?;
        if !has && let Some(lock) = self.lock.take() {
            // It stood still, and another one has taken its place.
            lock.release().await;
        }
        if self.has.replace(has) != Some(has) {
            if has {
                tracing::info!(slot = self.name, "works under its name");
            } else {
                tracing::error!(
                    slot = self.name,
                    "another process has this worker's name and works: give each its own (bridge.slot); this one waits"
                );
            }
        }
        Ok(has)
    }
}
