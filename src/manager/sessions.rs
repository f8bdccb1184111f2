//! Where sign-in sessions are kept: the store behind tower-sessions.

use async_trait::async_trait;
use tower_sessions::{
    SessionStore,
    session::{Id, Record},
    session_store,
};

use super::members::sha256;
use crate::{
    domain::ids::MemberId,
    store::{self, PgPool},
};

/// The key in a session's data under which the member's id is.
pub const MEMBER: &str = "member";

/// Sessions in Postgres. Only the SHA-256 of a session's id is kept.
#[derive(Clone, Debug)]
pub struct Sessions(PgPool);

impl super::Manager {
    /// The store of sign-in sessions.
    pub fn sessions(&self) -> Sessions {
        Sessions(self.pool.clone())
    }
}

fn hash(id: &Id) -> Vec<u8> {
    sha256(&id.0.to_be_bytes())
}

fn backend(error: impl std::fmt::Display) -> session_store::Error {
    session_store::Error::Backend(error.to_string())
}

/// The record without the id: that is in the cookie only.
fn body(record: &Record) -> session_store::Result<serde_json::Value> {
    serde_json::to_value(&record.data).map_err(|e| session_store::Error::Encode(e.to_string()))
}

fn member(record: &Record) -> Option<MemberId> {
    record.data.get(MEMBER)?.as_str()?.parse().ok()
}

#[async_trait]
impl SessionStore for Sessions {
    async fn create(&self, record: &mut Record) -> session_store::Result<()> {
        let mut db = self.0.acquire().await.map_err(backend)?;
        while !store::sessions::insert(&mut db, &hash(&record.id), &body(record)?, record.expiry_date)
            .await
            .map_err(backend)?
        {
            record.id = Id::default();
        }
        self.save(record).await
    }

    async fn save(&self, record: &Record) -> session_store::Result<()> {
        let mut db = self.0.acquire().await.map_err(backend)?;
        store::sessions::save(&mut db, &hash(&record.id), member(record), &body(record)?, record.expiry_date)
            .await
            .map_err(backend)
    }

    async fn load(&self, id: &Id) -> session_store::Result<Option<Record>> {
        let mut db = self.0.acquire().await.map_err(backend)?;
        let Some((data, expiry_date)) = store::sessions::find(&mut db, &hash(id)).await.map_err(backend)? else {
            return Ok(None);
        };
        let data = serde_json::from_value(data).map_err(|e| session_store::Error::Decode(e.to_string()))?;
        Ok(Some(Record { id: *id, data, expiry_date }))
    }

    async fn delete(&self, id: &Id) -> session_store::Result<()> {
        let mut db = self.0.acquire().await.map_err(backend)?;
        store::sessions::delete(&mut db, &hash(id)).await.map_err(backend)
    }
}
