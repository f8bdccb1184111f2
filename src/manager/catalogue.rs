//! What there is: Spaces, services, events, channels.

use std::collections::HashMap;

use super::{Actor, Error, Manager, Minutes, Page, Result, actor::Right};
use crate::{
    domain::{ids::ChannelId, landscape::Space, names::SpaceName},
    store,
};

pub use store::{
    catalogue::{
        Channel, ChannelsBy, Choices, EventsBy, Filter, ListedChannel, ListedEvent, ListedService, ListedTopic,
        ServicesBy,
    },
    groups::ChannelReader,
    spaces::{Filter as SpaceFilter, Inhabitant, Listed as ListedSpace, SpacesBy, Use as SpaceUse},
};

/// A Space with all its page shows.
#[derive(Clone, Debug)]
pub struct SpaceView {
    /// The Space.
    pub space: Space,
    /// The environments in it.
    pub environments: Vec<Inhabitant>,
    /// Who may publish and subscribe what.
    pub uses: Vec<SpaceUse>,
    /// Its channels, the first 200.
    pub channels: Vec<ListedChannel>,
}

impl Manager {
    /// All Spaces, by name.
    pub async fn list_spaces(&self, actor: &Actor) -> Result<Vec<ListedSpace>> {
        let mut db = self.read_as(actor, Right::Look).await?;
        Ok(store::spaces::list(&mut db).await?)
    }

    /// A page of the Spaces.
    pub async fn list_spaces_in_pages(&self, actor: &Actor, filter: &SpaceFilter) -> Result<Page<ListedSpace>> {
        let mut db = self.read_as(actor, Right::Look).await?;
        Ok(store::spaces::page(&mut db, filter).await?)
    }

    /// Names of all Spaces, in order: what lists are narrowed by.
    pub async fn list_space_names(&self, actor: &Actor) -> Result<Vec<SpaceName>> {
        let mut db = self.read_as(actor, Right::Look).await?;
        Ok(store::spaces::list_names(&mut db).await?)
    }

    /// A Space, and who exchanges what in it: of events and channels the first ones, at most so many.
    pub async fn load_space(&self, actor: &Actor, name: &str, most: i64) -> Result<SpaceView> {
        let mut db = self.read_as(actor, Right::Look).await?;
        let space = store::spaces::find(&mut db, name).await?.ok_or(Error::NotFound("Space"))?;
        let environments = store::spaces::list_inhabitants(&mut db, space.id).await?;
        let uses = store::spaces::list_uses(&mut db, space.id, most).await?;
        let filter = Filter { space: Some(space.name.to_string()), limit: most, ..Filter::default() };
        let channels = store::catalogue::list_channels(&mut db, &filter).await?.items;
        Ok(SpaceView { space, environments, uses, channels })
    }

    /// A page of the channels.
    pub async fn list_channels(&self, actor: &Actor, filter: &Filter<ChannelsBy>) -> Result<Page<ListedChannel>> {
        let mut db = self.read_as(actor, Right::Look).await?;
        Ok(store::catalogue::list_channels(&mut db, filter).await?)
    }

    /// A channel with its events and topics.
    pub async fn load_channel(&self, actor: &Actor, id: ChannelId) -> Result<Channel> {
        let mut db = self.read_as(actor, Right::Look).await?;
        store::catalogue::find_channel(&mut db, id).await?.ok_or(Error::NotFound("channel"))
    }

    /// What was produced into the topics of a channel, minute by minute; quiet Spaces are left out.
    pub async fn flow_of_channel(&self, actor: &Actor, id: ChannelId) -> Result<HashMap<String, Minutes>> {
        let mut db = self.read_as(actor, Right::Look).await?;
        Ok(store::traffic::of_channel(&mut db, id).await?)
    }

    /// Who may publish and subscribe the events of a channel: each with the name of the Space he does it in.
    pub async fn list_channel_uses(&self, actor: &Actor, id: ChannelId) -> Result<Vec<(String, SpaceUse)>> {
        let mut db = self.read_as(actor, Right::Look).await?;
        Ok(store::spaces::list_uses_of_channel(&mut db, id).await?)
    }

    /// The consumer groups at the topics of a channel, as they were last seen.
    pub async fn list_channel_readers(&self, actor: &Actor, id: ChannelId) -> Result<Vec<ChannelReader>> {
        let mut db = self.read_as(actor, Right::Look).await?;
        Ok(store::groups::list_of_channel(&mut db, id).await?)
    }

    /// What lists are narrowed by: Spaces, apps that define services, and services, of each at most so many.
    pub async fn list_choices(&self, actor: &Actor, limit: i64) -> Result<Choices> {
        let mut db = self.read_as(actor, Right::Look).await?;
        Ok(store::catalogue::list_choices(&mut db, limit).await?)
    }

    /// A page of the events.
    pub async fn list_events(&self, actor: &Actor, filter: &Filter<EventsBy>) -> Result<Page<ListedEvent>> {
        let mut db = self.read_as(actor, Right::Look).await?;
        Ok(store::catalogue::list_events(&mut db, filter).await?)
    }

    /// The event of a service.
    pub async fn load_event(&self, actor: &Actor, service: &str, event: &str) -> Result<ListedEvent> {
        let mut db = self.read_as(actor, Right::Look).await?;
        store::catalogue::find_listed_event(&mut db, service, event).await?.ok_or(Error::NotFound("event"))
    }

    /// A page of the services.
    pub async fn list_services(&self, actor: &Actor, filter: &Filter<ServicesBy>) -> Result<Page<ListedService>> {
        let mut db = self.read_as(actor, Right::Look).await?;
        Ok(store::catalogue::list_services(&mut db, filter).await?)
    }

    /// Whether the database answers and has this program's shape.
    pub async fn is_ready(&self) -> bool {
        store::is_ready(&self.pool).await.unwrap_or(false)
    }
}
