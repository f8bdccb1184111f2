//! Spaces themselves: made, and deleted while they are empty. Environments join them by being enabled, or are moved.

use serde_json::json;
use uuid::Uuid;

use super::{Actor, Error, Manager, Result, actor::Right, commit, error::Check};
use crate::{
    domain::{history::Act, ids::SpaceId, landscape::Space, names::SpaceName},
    store,
};

impl Manager {
    /// Makes a Space. Gives false when it was there, by exactly this name.
    pub async fn create_space(&self, actor: &Actor, name: &str) -> Result<bool> {
        let mut check = Check::default();
        let Some(name) = check.parse::<SpaceName>("name", name) else { return Err(check.refuse()) };
        let mut tx = self.begin().await?;
        actor.require(Right::Administer, &mut tx).await?;
        let id = SpaceId(Uuid::now_v7());
        let space = store::spaces::find_or_insert(&mut tx, id, &name).await?;
        if space.name != name {
            return Err(Error::conflict(
                "space-exists",
                format!("there is a Space {} already: names differ by more than upper and lower case", space.name),
            ));
        }
        if space.id != id {
            return Ok(false);
        }
        tx.record(actor, act("space.created", &space));
        commit(tx).await?;
        Ok(true)
    }

    /// Deletes a Space that nothing is in.
    pub async fn delete_space(&self, actor: &Actor, name: &str) -> Result<()> {
        let mut tx = self.begin().await?;
        actor.require(Right::Administer, &mut tx).await?;
        let space = store::spaces::find_for_update(&mut tx, name).await?.ok_or(Error::NotFound("Space"))?;
        let content = store::spaces::count_content(&mut tx, space.id).await?;
        if let Some(what) = content.what() {
            return Err(Error::conflict("space-not-empty", format!("{} is not empty: it has {what}", space.name)));
        }
        store::spaces::delete(&mut tx, space.id).await?;
        tx.record(actor, act("space.deleted", &space));
        commit(tx).await
    }
}

fn act(name: &'static str, space: &Space) -> Act {
    Act {
        name,
        object_kind: "space",
        object_id: space.id.0,
        object_name: space.name.to_string(),
        before: None,
        after: Some(json!({ "name": space.name })),
    }
}
