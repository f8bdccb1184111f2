//! "Why is my app not receiving this?": the chain from the event to the app, link by link.

use serde::Serialize;
use time::OffsetDateTime;

use super::{
    Actor, Error, Followed, Manager, Result,
    actor::Right,
    apps::{EnvironmentView, Reader},
};
use crate::{
    domain::{grant::Access, landscape::Space, principal::group_prefix},
    store::{self, PgConnection, catalogue::ListedEvent},
};

/// A link of the chain. Its words never change their meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Link {
    /// The event broker is enabled for the app.
    AppEnabled,
    /// The event broker is enabled for the environment.
    EnvironmentEnabled,
    /// The event flows in the environment's Space.
    Flows,
    /// The contract lets others subscribe.
    Open,
    /// A deployment of the environment says that it subscribes.
    Implemented,
    /// The environment may subscribe.
    Granted,
    /// Kafka lets it.
    Access,
    /// The topic is there.
    Topic,
    /// The app has credentials.
    Credentials,
    /// Somebody in the Space may publish it.
    Publisher,
    /// Something was published lately.
    Published,
    /// The app was seen in Kafka.
    Connected,
    /// A consumer group of the app reads the topic.
    Joined,
    /// It has read everything.
    Lag,
}

/// A link, and whether it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Which link.
    pub link: Link,
    /// Whether it holds; `None` where nothing is known of it.
    pub holds: Option<bool>,
    /// What is so.
    pub text: String,
    /// What to do, where it does not hold.
    pub cure: Option<String>,
}

/// The chain for one environment and one event.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// The environment.
    pub view: EnvironmentView,
    /// The event.
    pub event: ListedEvent,
    /// All links, in their order.
    pub steps: Vec<Step>,
}

impl Explanation {
    /// The first link that does not hold: what has to be mended first.
    pub fn broken(&self) -> Option<&Step> {
        self.steps.iter().find(|step| step.holds == Some(false))
    }
}

impl Manager {
    /// Walks the chain from the event to the app, by what is stored here and what was last seen in Kafka.
    pub async fn explain(
        &self,
        actor: &Actor,
        app: &str,
        env: &str,
        service: &str,
        event: &str,
    ) -> Result<Explanation> {
        let view = self.load_environment(actor, app, env).await?;
        let mut db = self.read_as(actor, Right::Look).await?;
        let found = store::catalogue::find_listed_event(&mut db, service, event).await?;
        let event = found.ok_or(Error::NotFound("event"))?;
        let mut steps = of_environment(&view);
        steps.extend(of_event(&mut db, &view, &event).await?);
        steps.push(connected(&view));
        steps.extend(read(&view, &event));
        Ok(Explanation { view, event, steps })
    }
}

fn holds(link: Link, text: impl Into<String>) -> Step {
    Step { link, holds: Some(true), text: text.into(), cure: None }
}

fn broken(link: Link, text: impl Into<String>, cure: impl Into<String>) -> Step {
    Step { link, holds: Some(false), text: text.into(), cure: Some(cure.into()) }
}

fn unknown(link: Link, text: impl Into<String>) -> Step {
    Step { link, holds: None, text: text.into(), cure: None }
}

/// What is asked of the environment whatever the event.
fn of_environment(view: &EnvironmentView) -> Vec<Step> {
    let environment = &view.listed.environment;
    let level = |link, enabled, what: &str| {
        if enabled {
            holds(link, format!("The event broker is enabled for the {what}."))
        } else {
            broken(
                link,
                format!("The event broker is not enabled for the {what}."),
                format!("Enable it for the {what}."),
            )
        }
    };
    vec![
        level(Link::AppEnabled, environment.enabling.app, "app"),
        level(Link::EnvironmentEnabled, environment.enabling.environment, "environment"),
    ]
}

async fn of_event(db: &mut PgConnection, view: &EnvironmentView, event: &ListedEvent) -> Result<Vec<Step>> {
    let name = &event.name;
    let used = view
        .uses
        .iter()
        .find(|used| used.access == Access::Subscribe && used.event == *name && used.service == event.service);
    let environment = &view.listed.environment;
    let own = event.app.as_deref() == Some(environment.app_key.as_str());
    let open = if event.app_sends {
        holds(Link::Open, "The contract lets others subscribe.")
    } else if own && event.app_receives {
        holds(Link::Open, "The contract says that this app receives it.")
    } else {
        broken(
            Link::Open,
            format!("The contract of {} does not let others subscribe to {name}.", event.service),
            "Ask the contacts of the app that defines it for another contract.",
        )
    };
    let implemented = match (used.is_some_and(|used| used.implemented), view.deployments.first()) {
        (true, Some(deployment)) => {
            holds(Link::Implemented, format!("Version {} subscribes to it.", deployment.app_version))
        }
        (_, None) => broken(
            Link::Implemented,
            "Nothing was deployed here yet.",
            "Deploy the app, and let its pipeline report the deployment.",
        ),
        (false, Some(deployment)) => broken(
            Link::Implemented,
            format!("The deployment of version {} does not say that it subscribes to {name}.", deployment.app_version),
            "Deploy a version that subscribes to it, and report it with this event under \"implements\".",
        ),
    };
    let granted = if used.is_some_and(|used| used.granted) {
        holds(Link::Granted, "The environment has access.")
    } else {
        broken(Link::Granted, format!("The environment may not subscribe to {name}."), "An admin grants it.")
    };
    let access = match &view.listed.followed {
        Followed::Applied => holds(Link::Access, "Kafka's access rules are as they shall be."),
        Followed::Pending(since) => unknown(Link::Access, format!("Kafka has not followed since {}.", moment(*since))),
        Followed::Failed(why) => {
            broken(Link::Access, format!("Kafka refused its access rules: {why}."), "See the Cluster page.")
        }
    };
    let credentials = if view.principal.is_some() {
        holds(Link::Credentials, "There are credentials.")
    } else {
        broken(Link::Credentials, "There are no credentials.", "Create credentials, and give them to the app.")
    };
    let mut steps = Vec::new();
    let Some(space) = &environment.space else {
        steps.push(unknown(Link::Flows, "The environment is in no Space yet: it joins one when it is enabled."));
        steps.extend([open, implemented, granted, access, credentials]);
        return Ok(steps);
    };
    let channel = store::catalogue::find_channel(&mut *db, event.channel).await?;
    let topic = channel.and_then(|channel| channel.topics.into_iter().find(|topic| topic.space == space.name));
    steps.push(match &topic {
        Some(_) => holds(Link::Flows, format!("It flows in the Space {}.", space.name)),
        None => broken(
            Link::Flows,
            format!("It does not flow in the Space {}: nobody has deployed it there.", space.name),
            "Deploy the app that defines it in this Space, or move the environment to a Space where it flows.",
        ),
    });
    steps.extend([open, implemented, granted, access]);
    if let Some(topic) = topic {
        steps.push(match topic.followed {
            Followed::Applied => holds(Link::Topic, "The topic is there, on every broker."),
            Followed::Pending(since) => {
                unknown(Link::Topic, format!("Kafka has not followed since {}.", moment(since)))
            }
            Followed::Failed(why) => {
                broken(Link::Topic, format!("Kafka refused the topic: {why}."), "See the Cluster page.")
            }
        });
    }
    steps.push(credentials);
    steps.extend(published(db, space, event).await?);
    Ok(steps)
}

/// Who may publish the event in the Space, and whether anything came lately.
async fn published(db: &mut PgConnection, space: &Space, event: &ListedEvent) -> Result<[Step; 2]> {
    let uses = store::spaces::list_uses_of_channel(&mut *db, event.channel).await?;
    let uses = uses.into_iter().filter(|(of, _)| of == space.name.as_str()).map(|(_, used)| used);
    let uses = uses.filter(|used| used.publish && used.event == event.name && used.service == event.service);
    let mut publishers: Vec<_> = uses.map(|used| format!("{}.{}", used.app, used.environment)).collect();
    publishers.extend(store::bridges::list_names_into(&mut *db, space.id, event.id).await?);
    let publisher = if publishers.is_empty() {
        broken(
            Link::Publisher,
            format!("Nobody in {} may publish it.", space.name),
            "Deploy the app that publishes it in this Space.",
        )
    } else {
        holds(Link::Publisher, format!("Published by {}.", publishers.join(", ")))
    };
    // Kafka counts by topic: others of the channel's events are among them.
    let minutes = store::traffic::of_channel(db, event.channel).await?;
    let lately: i64 = minutes.get(space.name.as_str()).map_or(0, |minutes| minutes.0.iter().sum());
    let flow = match lately {
        0 => unknown(Link::Published, "Nothing was published in its channel in the last hour."),
        1 => holds(Link::Published, "1 event was published in its channel in the last hour."),
        n => holds(Link::Published, format!("{n} events were published in its channel in the last hour.")),
    };
    Ok([publisher, flow])
}

fn connected(view: &EnvironmentView) -> Step {
    match view.listed.seen_at {
        Some(at) => holds(Link::Connected, format!("Its client was last seen at {}.", moment(at))),
        None => unknown(Link::Connected, "Its client has not shown itself yet, by a heartbeat or in a consumer group."),
    }
}

/// Whether consumer groups of the app read the topic, and how far they have come: as they were last seen.
fn read(view: &EnvironmentView, event: &ListedEvent) -> [Step; 2] {
    let readers: Vec<_> = view.readers.iter().filter(|reader| reader.channel == event.channel).collect();
    if readers.is_empty() {
        let environment = &view.listed.environment;
        let prefix = group_prefix(&environment.app_key, &environment.key);
        return [
            unknown(Link::Joined, format!("No consumer group {prefix}… has been seen at its topic.")),
            unknown(Link::Lag, "How much is still to be read is not known."),
        ];
    }
    let each = |say: fn(&Reader) -> String| readers.iter().map(|reader| say(reader)).collect::<Vec<_>>().join(" ");
    let members = each(|Reader { group, members, .. }| match members {
        0 => format!("The consumer group {group} has no members."),
        1 => format!("The consumer group {group} has 1 member that reads its topic."),
        n => format!("The consumer group {group} has {n} members that read its topic."),
    });
    let joined = if readers.iter().any(|reader| reader.members > 0) {
        holds(Link::Joined, members)
    } else {
        broken(Link::Joined, members, "Start the app, or look into its log why its consumers do not join.")
    };
    // Kafka counts by topic: others of the channel's events are among them.
    let lag = each(|Reader { group, lag, .. }| match lag {
        0 => format!("{group} has read everything in its channel."),
        1 => format!("{group} has 1 event in its channel still to read."),
        n => format!("{group} has {n} events in its channel still to read."),
    });
    let lag =
        if readers.iter().all(|reader| reader.lag == 0) { holds(Link::Lag, lag) } else { unknown(Link::Lag, lag) };
    [joined, lag]
}

/// `2025-11-25 22:31 UTC`
fn moment(at: OffsetDateTime) -> String {
    let format = time::macros::format_description!("[year]-[month]-[day] [hour]:[minute] UTC");
    at.to_offset(time::UtcOffset::UTC).format(format).unwrap_or_default()
}
