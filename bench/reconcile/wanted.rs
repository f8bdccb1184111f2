//! What Kafka is to hold, for those who make it without knowing Postgres.

use std::{collections::BTreeSet, fmt::Write as _, fs};

use ebm::{
    kafka::admin::{Acl, AclFilter, Admin, ConfigSource, NewTopic, Operation, Pattern, Permission, ResourceKind, To},
    reconcile::plan::MANAGED_KEYS,
};

use crate::{Result, setting};

/// Topics, ACLs and users.
#[derive(Default)]
pub struct Wanted {
    /// Topics.
    pub topics: Vec<NewTopic>,
    /// ACLs; each allows something from everywhere.
    pub acls: Vec<Acl>,
    /// Users.
    pub users: Vec<String>,
}

impl Wanted {
    /// What Kafka holds now, of these users: what EBM has made of a database, others are to make too.
    pub async fn read(admin: &Admin, users: Vec<String>) -> Result<Self> {
        let found: Vec<_> = admin.topics(None).await?.into_iter().filter(|topic| !topic.internal).collect();
        let names: Vec<_> = found.iter().map(|topic| topic.name.clone()).collect();
        let mut configs = admin.topic_configs(&names, MANAGED_KEYS).await?;
        let mut topics = Vec::new();
        for topic in found {
            let Some(Ok(configs)) = configs.remove(&topic.name) else {
                return Err(format!("{} does not show its configuration", topic.name).into());
            };
            let own = configs.into_iter().filter(|(_, value)| value.source == ConfigSource::Topic);
            topics.push(NewTopic {
                partitions: i32::try_from(topic.partitions.len())?,
                replication: i16::try_from(topic.replication())?,
                configs: own.filter_map(|(key, value)| Some((key, value.value?))).collect(),
                name: topic.name,
            });
        }
        let principals: BTreeSet<_> = users.iter().map(|user| format!("User:{user}")).collect();
        let acls = admin.acls(To::Any, AclFilter::Any).await?;
        let acls = acls.into_iter().filter(|acl| principals.contains(&acl.principal)).collect();
        Ok(Self { topics, acls, users })
    }

    /// Writes it down, a line each, fields apart by tabs; kinds by their numbers in Kafka.
    pub fn write(&self) -> Result<()> {
        let mut text = String::new();
        for NewTopic { name, partitions, replication, configs } in &self.topics {
            write!(text, "topic\t{name}\t{partitions}\t{replication}")?;
            for (key, value) in configs {
                write!(text, "\t{key}={value}")?;
            }
            text.push('\n');
        }
        for Acl { principal, resource, name, pattern, operation, .. } in &self.acls {
            let [resource, pattern, operation] = [resource.number(), pattern.number(), operation.number()];
            writeln!(text, "acl\t{principal}\t{resource}\t{name}\t{pattern}\t{operation}")?;
        }
        for user in &self.users {
            writeln!(text, "user\t{user}")?;
        }
        Ok(fs::write(setting("BENCH_WANTED")?, text)?)
    }

    /// Reads what was written down.
    pub fn load() -> Result<Self> {
        let mut wanted = Self::default();
        for line in fs::read_to_string(setting("BENCH_WANTED")?)?.lines() {
            let fields: Vec<_> = line.split('\t').collect();
            match fields[..] {
                ["topic", name, partitions, replication, ref configs @ ..] => wanted.topics.push(NewTopic {
                    name: name.to_owned(),
                    partitions: partitions.parse()?,
                    replication: replication.parse()?,
                    configs: configs.iter().filter_map(|pair| pair.split_once('=')).map(owned).collect(),
                }),
                ["acl", principal, resource, name, pattern, operation] => wanted.acls.push(Acl {
                    principal: principal.to_owned(),
                    host: "*".to_owned(),
                    resource: ResourceKind::from_number(resource.parse()?),
                    name: name.to_owned(),
                    pattern: Pattern::from_number(pattern.parse()?),
                    operation: Operation::from_number(operation.parse()?),
                    permission: Permission::Allow,
                }),
                ["user", name] => wanted.users.push(name.to_owned()),
                _ => return Err(format!("not understood: {line}").into()),
            }
        }
        Ok(wanted)
    }
}

fn owned((key, value): (&str, &str)) -> (String, String) {
    (key.to_owned(), value.to_owned())
}
