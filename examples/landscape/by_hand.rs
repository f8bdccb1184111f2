//! What someone did in Kafka past the console, as a super user: it finds such things and leaves them to an admin.

use ebm::kafka::admin::{
    Acl, Admin, Login, NewTopic, Operation, Pattern, Permission, Refusal, ResourceKind, Sasl, Settings,
};

use super::{
    Result,
    kept::{self, Kept},
    setting,
};

/// Whose rule it is that lets a foreign user read events.
const FOREIGN_USER: &str = "User:grafana";
/// A topic named like a channel's that is none.
const FOREIGN_TOPIC: &str = "businessevents.orders-replayed-2025";
/// The event whose topic the foreign user reads, and the one whose topic has more partitions than wanted.
const READ: &str = "OrderPlaced";
const RAISED: &str = "StockLow";

/// Where a super user of Kafka is known: one of each kind of what is found and left. Gives how many.
pub async fn meddle(kept: &Kept) -> Result<usize> {
    let (Ok(user), Ok(password)) = (setting("KAFKA_ADMIN_USER"), setting("KAFKA_ADMIN_PASSWORD")) else {
        return Ok(0);
    };
    let Some(login) = kept.logins.first() else { return Ok(0) };
    let servers = login.bootstrap_servers.split(',').map(str::to_owned).collect();
    let sasl = Some(Sasl::Scram512(Login::new(user, password.into())));
    let kafka = Admin::new(Settings { sasl, ..Settings::new(servers) });

    let foreign = NewTopic { name: FOREIGN_TOPIC.into(), partitions: 1, replication: -1, configs: Vec::new() };
    settled(kafka.create_topics(&[foreign]).await?.into_iter().map(|(_, done)| done))?;
    let rule = Acl {
        principal: FOREIGN_USER.into(),
        host: "*".into(),
        resource: ResourceKind::Topic,
        name: topic_of(kept, READ)?,
        pattern: Pattern::Literal,
        operation: Operation::Read,
        permission: Permission::Allow,
    };
    settled(kafka.create_acls(&[rule]).await?)?;
    settled(kafka.create_partitions(&[(topic_of(kept, RAISED)?, 6)]).await?.into_iter().map(|(_, done)| done))?;
    Ok(3)
}

fn topic_of(kept: &Kept, event: &str) -> Result<String> {
    let of = |topic: &&kept::Topic| topic.event == event && topic.name.ends_with(".production");
    let found = kept.logins.iter().flat_map(|login| &login.topics).find(of);
    Ok(found.ok_or_else(|| format!("{event} has no topic in production"))?.name.clone())
}

fn settled(answers: impl IntoIterator<Item = std::result::Result<(), Refusal>>) -> Result<()> {
    for answer in answers {
        answer.map_err(|refusal| format!("Kafka refused what is done by hand: {refusal}"))?;
    }
    Ok(())
}
