//! The admin client against a real broker.
//!
//! Every test makes things under a name of its own and takes them away again, whether it succeeds or not.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

use std::{
    collections::BTreeSet,
    env,
    future::Future,
    num::NonZeroU32,
    panic::{AssertUnwindSafe, resume_unwind},
    time::{Duration, Instant},
};

use ebm::kafka::admin::{
    Acl, AclFilter, Admin, At, Code, ConfigSource, Confirmation, Error, Group, Login, Mechanism, NewTopic, Operation,
    Pattern, Permission, Refusal, ResourceKind, Sasl, ScramUser, Settings, To, TopicLag, salted_password,
};
use futures::FutureExt;
use rdkafka::{
    ClientConfig,
    consumer::{BaseConsumer, CommitMode, Consumer},
    producer::{BaseProducer, BaseRecord, Producer},
};
use secrecy::SecretString;
use uuid::Uuid;

/// How long a change may take to be seen everywhere.
const SOON: Duration = Duration::from_secs(20);

fn variable(name: &str) -> String {
    env::var(name)
        .unwrap_or_else(|_| panic!("{name} is not set: run the tests with dev/test, which starts a real Kafka"))
}

fn settings(user: &str, password: &str) -> Settings {
    let servers = variable("EBM_KAFKA__BOOTSTRAP_SERVERS").split(',').map(str::to_owned).collect();
    Settings { sasl: Some(Sasl::Scram512(Login::new(user, SecretString::from(password)))), ..Settings::new(servers) }
}

/// A client with all rights, and a name under which a test may make what it likes.
struct Scratch {
    admin: Admin,
    name: String,
}

impl Scratch {
    fn named(&self, suffix: &str) -> String {
        format!("{}-{suffix}", self.name)
    }

    fn topic(&self, suffix: &str, partitions: i32) -> NewTopic {
        NewTopic { name: self.named(suffix), partitions, replication: 1, configs: Vec::new() }
    }

    fn acl(&self, user: &str, operation: Operation) -> Acl {
        Acl {
            principal: format!("User:{}", self.named(user)),
            host: "*".into(),
            resource: ResourceKind::Topic,
            name: self.named("topic"),
            pattern: Pattern::Literal,
            operation,
            permission: Permission::Allow,
        }
    }

    /// Makes a user and waits until every broker knows it.
    async fn user(&self, suffix: &str, password: &str) -> String {
        let name = self.named(suffix);
        let user = scram_user(&name, password, b"sixteen bytes of");
        each_ok(self.admin.upsert_scram_users(&[user]).await.unwrap());
        let names = std::slice::from_ref(&name);
        self.seen(|to| async move { Ok(!self.admin.scram_users(to, names).await?.is_empty()) }).await;
        name
    }

    async fn create(&self, topics: &[NewTopic]) {
        each_ok(self.admin.create_topics(topics).await.unwrap());
        let names: &Vec<_> = &topics.iter().map(|topic| topic.name.clone()).collect();
        self.seen(|to| async move {
            Ok(self.admin.topics_on(to, names).await?.iter().all(|topic| {
                topic.error.is_none() && topic.partitions.iter().all(|partition| partition.leader.is_some())
            }))
        })
        .await;
    }

    /// Waits until every broker shows something.
    async fn seen<F: Future<Output = Result<bool, Error>>>(&self, check: impl Fn(To) -> F) {
        assert_eq!(self.admin.everywhere(SOON, check).await.unwrap(), Confirmation::Confirmed);
    }

    async fn clean_up(&self) {
        let topics = self.admin.topics(None).await.unwrap();
        let topics: Vec<_> =
            topics.into_iter().map(|topic| topic.name).filter(|name| name.starts_with(&self.name)).collect();
        self.admin.delete_topics(&topics).await.unwrap();
        let users = self.admin.scram_users(To::Any, &[]).await.unwrap();
        let users: Vec<_> = users
            .into_iter()
            .filter(|user| user.name.starts_with(&self.name))
            .map(|user| (user.name, user.mechanism.unwrap()))
            .collect();
        self.admin.delete_scram_users(&users).await.unwrap();
        let mine = format!("User:{}", self.name);
        let acls = self.admin.acls(To::Any, AclFilter::Any).await.unwrap();
        let principals: BTreeSet<_> =
            acls.into_iter().map(|acl| acl.principal).filter(|principal| principal.starts_with(&mine)).collect();
        for principal in principals {
            self.admin.delete_acls_of(&principal).await.unwrap();
        }
        let groups = self.admin.groups().await.unwrap();
        let groups: Vec<_> = groups.into_iter().map(|group| group.id).filter(|id| id.starts_with(&self.name)).collect();
        self.admin.delete_groups(&groups).await.unwrap();
    }
}

/// Runs a test with a name of its own, and cleans up behind it.
async fn scratch(test: impl AsyncFnOnce(&Scratch)) {
    let admin = Admin::new(settings(&variable("KAFKA_ADMIN_USER"), &variable("KAFKA_ADMIN_PASSWORD")));
    let scratch = Scratch { admin, name: format!("it-{}", Uuid::new_v4().simple()) };
    let outcome = AssertUnwindSafe(test(&scratch)).catch_unwind().await;
    scratch.clean_up().await;
    if let Err(panic) = outcome {
        resume_unwind(panic);
    }
}

fn scram_user(name: &str, password: &str, salt: &[u8]) -> ScramUser {
    let iterations = NonZeroU32::new(4096).unwrap();
    ScramUser {
        name: name.to_owned(),
        mechanism: Mechanism::Sha512,
        iterations,
        salt: salt.to_vec(),
        salted_password: salted_password(Mechanism::Sha512, &SecretString::from(password), salt, iterations),
    }
}

fn each_ok(items: impl IntoIterator<Item = (String, Result<(), Refusal>)>) {
    for (name, outcome) in items {
        assert_eq!(outcome, Ok(()), "{name}");
    }
}

fn codes<T>(items: Vec<(String, Result<T, Refusal>)>) -> Vec<Option<Code>> {
    items.into_iter().map(|(_, outcome)| outcome.err().map(|refusal| refusal.code)).collect()
}

#[tokio::test]
async fn the_cluster_says_who_is_in_it_and_what_an_administrator_may() {
    scratch(async |scratch| {
        let cluster = scratch.admin.cluster().await.unwrap();
        assert!(!cluster.cluster_id.is_empty());
        assert!(!cluster.brokers.is_empty());
        let operations = cluster.operations.unwrap();
        assert!(operations.contains(&Operation::Alter) && operations.contains(&Operation::Describe), "{operations:?}");
        for broker in cluster.brokers {
            let seen = scratch.admin.cluster_on(To::Node(broker.id)).await.unwrap();
            assert_eq!(seen.cluster_id, cluster.cluster_id);
            let configs = scratch
                .admin
                .broker_configs(broker.id, &["authorizer.class.name", "auto.create.topics.enable"])
                .await
                .unwrap();
            assert_eq!(configs.len(), 2, "{configs:?}");
            assert!(configs["authorizer.class.name"].value.is_some());
        }
        assert!(matches!(scratch.admin.cluster_on(To::Node(987_654)).await, Err(Error::NoNode(987_654))));
    })
    .await;
}

#[tokio::test]
async fn a_topic_is_made_described_changed_and_deleted() {
    scratch(async |scratch| {
        let admin = &scratch.admin;
        let mut topic = scratch.topic("a", 3);
        topic.configs.push(("retention.ms".into(), "86400000".into()));
        let names = &[topic.name.clone(), scratch.named("missing")];

        // Asked for, but not made.
        each_ok(admin.validate_topics(std::slice::from_ref(&topic)).await.unwrap());
        let absent = admin.topics(Some(names)).await.unwrap();
        assert!(absent.iter().all(|topic| topic.error == Some(Code::UNKNOWN_TOPIC_OR_PARTITION)), "{absent:?}");

        scratch.create(std::slice::from_ref(&topic)).await;
        let again = admin.create_topics(&[topic.clone(), scratch.topic("bad name", 1)]).await.unwrap();
        assert_eq!(codes(again), [Some(Code::TOPIC_ALREADY_EXISTS), Some(Code::INVALID_TOPIC_EXCEPTION)]);

        let described = admin.topics(Some(&names[..1])).await.unwrap();
        assert_eq!((described.len(), described[0].partitions.len(), described[0].replication()), (1, 3, 1));
        assert!(!described[0].id.is_nil());
        assert!(admin.topics(None).await.unwrap().contains(&described[0]));

        let configs = admin.topic_configs(names, &["retention.ms", "cleanup.policy"]).await.unwrap();
        let of_topic = configs[&names[0]].as_ref().unwrap();
        assert_eq!(of_topic["retention.ms"].value.as_deref(), Some("86400000"));
        assert_eq!(of_topic["retention.ms"].source, ConfigSource::Topic);
        assert_eq!(of_topic["cleanup.policy"].source, ConfigSource::Default);
        assert_eq!(configs[&names[1]].as_ref().unwrap_err().code, Code::UNKNOWN_TOPIC_OR_PARTITION);

        let changes =
            vec![("retention.ms".to_owned(), None), ("cleanup.policy".to_owned(), Some("compact".to_owned()))];
        each_ok(admin.alter_topic_configs(&[(names[0].clone(), changes)]).await.unwrap());
        let nonsense = vec![("retention.ms".to_owned(), Some("soon".to_owned()))];
        let refused = admin.alter_topic_configs(&[(names[0].clone(), nonsense)]).await.unwrap();
        assert_eq!(codes(refused), [Some(Code::INVALID_CONFIG)]);
        scratch
            .seen(|to| {
                let names = &names[..1];
                async move {
                    let configs = admin.topic_configs_on(to, names, &["retention.ms", "cleanup.policy"]).await?;
                    let configs = configs[&names[0]].as_ref().unwrap();
                    Ok(configs["retention.ms"].source == ConfigSource::Default
                        && configs["cleanup.policy"].value.as_deref() == Some("compact"))
                }
            })
            .await;

        let raised = admin.create_partitions(&[(names[0].clone(), 5), (names[1].clone(), 5)]).await.unwrap();
        assert_eq!(codes(raised), [None, Some(Code::UNKNOWN_TOPIC_OR_PARTITION)]);
        assert_eq!(
            codes(admin.create_partitions(&[(names[0].clone(), 2)]).await.unwrap()),
            [Some(Code::INVALID_PARTITIONS)]
        );
        scratch.seen(|to| async move { Ok(admin.topics_on(to, &names[..1]).await?[0].partitions.len() == 5) }).await;

        assert_eq!(codes(admin.delete_topics(names).await.unwrap()), [None, Some(Code::UNKNOWN_TOPIC_OR_PARTITION)]);
        scratch.seen(|to| async move { Ok(admin.topics_on(to, &names[..1]).await?[0].error.is_some()) }).await;
    })
    .await;
}

#[tokio::test]
async fn deleting_an_acl_leaves_all_that_differ_in_one_part() {
    scratch(async |scratch| {
        let admin = &scratch.admin;
        let acl = scratch.acl("u", Operation::Read);
        let others = [
            Acl { operation: Operation::Write, ..acl.clone() },
            Acl { operation: Operation::All, ..acl.clone() },
            Acl { host: "10.0.0.1".into(), ..acl.clone() },
            Acl { pattern: Pattern::Prefixed, ..acl.clone() },
            Acl { permission: Permission::Deny, ..acl.clone() },
            Acl { resource: ResourceKind::Group, ..acl.clone() },
            Acl { name: scratch.named("topic-2"), ..acl.clone() },
            Acl { name: "*".into(), ..acl.clone() },
            Acl { principal: format!("User:{}", scratch.named("u2")), ..acl.clone() },
            // What older clients have no names for.
            Acl { resource: ResourceKind::User, operation: Operation::CreateTokens, ..acl.clone() },
        ];
        let all: Vec<_> = others.iter().cloned().chain([acl.clone()]).collect();
        // Twice: what is there already is fine.
        for _ in 0..2 {
            assert!(admin.create_acls(&all).await.unwrap().iter().all(Result::is_ok));
        }
        let mine = |acls: Vec<Acl>| -> BTreeSet<Acl> {
            acls.into_iter().filter(|acl| acl.principal.contains(&scratch.name)).collect()
        };
        let expected: BTreeSet<_> = all.iter().cloned().collect();
        scratch
            .seen(|to| {
                let expected = &expected;
                async move { Ok(mine(admin.acls(to, AclFilter::Any).await?) == *expected) }
            })
            .await;

        let of_user = admin.acls(To::Any, AclFilter::Principal(acl.principal.clone())).await.unwrap();
        assert_eq!(of_user.len(), all.len() - 1);
        let resource =
            AclFilter::Resource { resource: ResourceKind::Topic, name: acl.name.clone(), pattern: Pattern::Literal };
        assert_eq!(mine(admin.acls(To::Any, resource).await.unwrap()).len(), 6);
        let affecting = AclFilter::Affecting { resource: ResourceKind::Topic, name: scratch.named("topic-2") };
        // Its own, the prefix, and the star.
        assert_eq!(mine(admin.acls(To::Any, affecting).await.unwrap()).len(), 3);

        let unknown = Acl { operation: Operation::from_number(77), ..acl.clone() };
        let never = Acl { name: scratch.named("never"), ..acl.clone() };
        let deleted = admin.delete_acls(&[unknown, acl.clone(), never]).await.unwrap();
        assert_eq!(deleted[0].as_ref().unwrap_err().code, Code::INVALID_REQUEST);
        assert_eq!((&deleted[1], &deleted[2]), (&Ok(true), &Ok(false)));
        let left: BTreeSet<_> = others.iter().cloned().collect();
        scratch
            .seen(|to| {
                let left = &left;
                async move { Ok(mine(admin.acls(to, AclFilter::Any).await?) == *left) }
            })
            .await;
    })
    .await;
}

#[tokio::test]
async fn three_thousand_acls_are_made_read_everywhere_and_deleted() {
    scratch(async |scratch| {
        let admin = &scratch.admin;
        let acls: BTreeSet<_> = (0..3_000)
            .map(|n| Acl { name: scratch.named(&format!("topic-{n}")), ..scratch.acl("many", Operation::Read) })
            .collect();
        let list: Vec<_> = acls.iter().cloned().collect();
        let principal = list[0].principal.clone();
        let started = Instant::now();
        assert!(admin.create_acls(&list).await.unwrap().iter().all(Result::is_ok));
        let created = started.elapsed();
        scratch
            .seen(|to| {
                let (acls, filter) = (&acls, AclFilter::Principal(principal.clone()));
                async move { Ok(admin.acls(to, filter).await?.into_iter().collect::<BTreeSet<_>>() == *acls) }
            })
            .await;
        let confirmed = started.elapsed();
        let deleted = admin.delete_acls(&list[..30]).await.unwrap();
        assert!(deleted.iter().all(|deleted| *deleted == Ok(true)));
        let exactly = started.elapsed();
        assert_eq!(admin.delete_acls_of(&principal).await.unwrap().len(), 2_970);
        println!(
            "created {created:?}, confirmed {confirmed:?}, 30 deleted {exactly:?}, all deleted {:?}",
            started.elapsed()
        );
    })
    .await;
}

#[tokio::test]
async fn a_scram_user_logs_in_until_it_is_deleted() {
    scratch(async |scratch| {
        let admin = &scratch.admin;
        let odd = scratch.user("a=b,c", "first").await;
        Admin::new(settings(&odd, "first")).cluster().await.unwrap();

        // Another password for the same user, and a second one in the same call.
        let users = [scram_user(&odd, "second", b"another 16 bytes"), scram_user(&odd, "third", b"a third 16 bytes")];
        each_ok(admin.upsert_scram_users(&users).await.unwrap());
        scratch
            .seen(|_| async {
                Ok(admin.stored_salt(&odd, Mechanism::Sha512).await?.as_deref() == Some(&users[1].salt[..]))
            })
            .await;
        Admin::new(settings(&odd, "third")).cluster().await.unwrap();

        let infos = admin.scram_users(To::Any, &[odd.clone(), odd.clone(), scratch.named("nobody")]).await.unwrap();
        assert_eq!(infos.len(), 1);
        assert_eq!((infos[0].mechanism, infos[0].iterations), (Some(Mechanism::Sha512), 4096));
        assert!(admin.scram_users(To::Any, &[]).await.unwrap().contains(&infos[0]));

        let weak = ScramUser { iterations: NonZeroU32::MIN, ..scram_user(&scratch.named("weak"), "x", b"salt") };
        assert_eq!(codes(admin.upsert_scram_users(&[weak]).await.unwrap()), [Some(Code::UNACCEPTABLE_CREDENTIAL)]);

        let gone = [(odd.clone(), Mechanism::Sha512), (scratch.named("nobody"), Mechanism::Sha512)];
        assert_eq!(codes(admin.delete_scram_users(&gone).await.unwrap()), [None, Some(Code::RESOURCE_NOT_FOUND)]);
        scratch.seen(|_| async { Ok(admin.stored_salt(&odd, Mechanism::Sha512).await?.is_none()) }).await;
        let refused = Admin::new(settings(&odd, "third")).cluster().await;
        assert!(matches!(refused, Err(Error::Auth { .. })), "{refused:?}");
    })
    .await;
}

#[tokio::test]
async fn who_has_the_salted_password_logs_in_and_learns_what_he_may() {
    scratch(async |scratch| {
        let admin = &scratch.admin;
        scratch.create(&[scratch.topic("topic", 1)]).await;
        let name = scratch.user("u", "right").await;
        let login = |password: &str, salt: &[u8]| admin.logged_in_as(Sasl::Salted(scram_user(&name, password, salt)));
        for (password, salt) in [("wrong", &b"sixteen bytes of"[..]), ("right", &b"another 16 bytes"[..])] {
            let error = login(password, salt).cluster().await.unwrap_err();
            assert!(matches!(error, Error::Auth { .. }), "{error}");
        }
        let (user, topic) = (login("right", b"sixteen bytes of"), scratch.named("topic"));
        assert_eq!(user.topic_operations(To::Any, &topic).await.unwrap(), Some(BTreeSet::new()));
        assert!(admin.create_acls(&[scratch.acl("u", Operation::Write)]).await.unwrap()[0].is_ok());
        let granted = BTreeSet::from([Operation::Write, Operation::Describe]);
        scratch
            .seen(|to| {
                let (user, topic, granted) = (&user, &topic, &granted);
                async move { Ok(user.topic_operations(to, topic).await?.as_ref() == Some(granted)) }
            })
            .await;
        let all = admin.topic_operations(To::Any, &topic).await.unwrap().unwrap();
        assert!(all.contains(&Operation::Alter), "{all:?}");

        // Of an id that nobody uses, too.
        let id = scratch.named("transactions");
        assert!(!user.may_see_transactional_id(To::Any, &id).await.unwrap());
        assert!(admin.may_see_transactional_id(To::Any, &id).await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn a_broker_tells_of_which_release_it_is() {
    scratch(async |scratch| {
        let admin = &scratch.admin;
        for broker in admin.cluster().await.unwrap().brokers {
            let level = admin.supported_level(broker.id, "metadata.version").await.unwrap();
            // The first of Kafka 4.0 is 22.
            assert!(level.is_some_and(|level| level >= 22), "{level:?}");
            assert_eq!(admin.supported_level(broker.id, "no.such.feature").await.unwrap(), None);
        }
    })
    .await;
}

#[tokio::test]
async fn a_wrong_password_is_refused_at_once_and_as_such() {
    scratch(async |scratch| {
        let user = scratch.user("u", "right").await;
        for name in [user.clone(), scratch.named("nobody")] {
            let started = Instant::now();
            let error = Admin::new(settings(&name, "wrong")).acls(To::Any, AclFilter::Any).await.unwrap_err();
            assert_eq!(error.code(), Some(Code::SASL_AUTHENTICATION_FAILED), "{error}");
            assert!(matches!(error, Error::Auth { .. }) && !error.is_transient(), "{error}");
            assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
        }
        // Whether the listener offers another mechanism or not, nobody of this name and password is let in by it.
        let plain =
            Settings { sasl: Some(Sasl::Plain(Login::new(&*user, "wrong".to_owned().into()))), ..settings("", "") };
        let error = Admin::new(plain).cluster().await.unwrap_err();
        assert!(matches!(error, Error::Auth { .. }), "{error}");
        // Without a login at all the broker just hangs up.
        let error = Admin::new(Settings { sasl: None, ..settings("", "") }).cluster().await.unwrap_err();
        assert!(matches!(error, Error::Io { .. }), "{error}");
    })
    .await;
}

#[tokio::test]
async fn a_user_without_rights_is_refused_by_name_and_sees_no_empty_lists() {
    scratch(async |scratch| {
        let user = scratch.user("u", "p").await;
        let nobody = Admin::new(settings(&user, "p"));
        assert_eq!(nobody.cluster().await.unwrap().operations, Some(BTreeSet::new()));
        let denied = Some(Code::CLUSTER_AUTHORIZATION_FAILED);

        let error = nobody.acls(To::Any, AclFilter::Any).await.unwrap_err();
        assert_eq!((error.code(), error.is_denied()), (denied, true), "{error}");
        for names in [vec![], vec![user.clone()]] {
            let error = nobody.scram_users(To::Any, &names).await.unwrap_err();
            assert_eq!(error.code(), denied, "{error}");
        }
        let acls = nobody.create_acls(&[scratch.acl("v", Operation::Read)]).await.unwrap();
        assert_eq!(acls[0].as_ref().unwrap_err().code, Code::CLUSTER_AUTHORIZATION_FAILED);
        let acls = nobody.delete_acls(&[scratch.acl("v", Operation::Read)]).await.unwrap();
        assert_eq!(acls[0].as_ref().unwrap_err().code, Code::CLUSTER_AUTHORIZATION_FAILED);
        let users = nobody.upsert_scram_users(&[scram_user(&user, "q", b"sixteen bytes of")]).await.unwrap();
        assert_eq!(codes(users), [denied]);
        let topics = nobody.create_topics(&[scratch.topic("t", 1)]).await.unwrap();
        assert_eq!(codes(topics), [Some(Code::TOPIC_AUTHORIZATION_FAILED)]);
        let names = [scratch.named("t")];
        let configs = nobody.topic_configs(&names, &["retention.ms"]).await.unwrap();
        assert_eq!(configs[&names[0]].as_ref().unwrap_err().code, Code::TOPIC_AUTHORIZATION_FAILED);
        let topics = nobody.topics(Some(&names)).await.unwrap();
        assert_eq!(topics[0].error, Some(Code::TOPIC_AUTHORIZATION_FAILED));
        // Waiting for what may not be seen is an error, not a lag.
        let waiting = nobody
            .everywhere(SOON, |to| {
                let nobody = &nobody;
                async move { Ok(nobody.acls(to, AclFilter::Any).await?.is_empty()) }
            })
            .await;
        assert_eq!(waiting.unwrap_err().code(), denied);
    })
    .await;
}

#[tokio::test]
async fn brokers_that_do_not_show_a_change_in_time_are_named() {
    scratch(async |scratch| {
        let brokers: Vec<_> = scratch.admin.cluster().await.unwrap().brokers.iter().map(|broker| broker.id).collect();
        let limit = Duration::from_millis(300);
        let started = Instant::now();
        let never = scratch.admin.everywhere(limit, |_| async { Ok(false) }).await.unwrap();
        assert_eq!(never, Confirmation::Lagging(brokers.clone()));
        let silent = scratch.admin.everywhere(limit, |_| std::future::pending()).await.unwrap();
        assert_eq!(silent, Confirmation::Lagging(brokers));
        assert!(started.elapsed() < Duration::from_secs(3));
    })
    .await;
}

#[tokio::test]
async fn the_salt_shows_whether_a_password_is_still_ours() {
    scratch(async |scratch| {
        let user = scratch.user("u", "ours").await;
        let admin = &scratch.admin;
        assert_eq!(admin.stored_salt(&user, Mechanism::Sha512).await.unwrap().unwrap(), b"sixteen bytes of");
        assert_eq!(admin.stored_salt(&scratch.named("nobody"), Mechanism::Sha512).await.unwrap(), None);
        // There is no such credential, or the listener does not even offer the mechanism.
        match admin.stored_salt(&user, Mechanism::Sha256).await {
            Ok(salt) => assert_eq!(salt, None),
            Err(error) => assert_eq!(error.code(), Some(Code::UNSUPPORTED_SASL_MECHANISM), "{error}"),
        }
        // The half login has done no harm.
        Admin::new(settings(&user, "ours")).cluster().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn offsets_and_groups_are_what_a_consumer_made_of_them() {
    scratch(async |scratch| {
        let admin = &scratch.admin;
        let topic = scratch.topic("t", 2);
        scratch.create(std::slice::from_ref(&topic)).await;
        assert_eq!(admin.offsets(&topic.name, At::Latest).await.unwrap(), [(0, 0), (1, 0)]);
        let group = scratch.named("group");
        assert_eq!(admin.group(&group).await.unwrap(), None);
        assert!(admin.committed(&group).await.unwrap().is_empty());

        let (name, of_group) = (topic.name.clone(), group.clone());
        let consumer = tokio::task::spawn_blocking(move || consume_three(&name, &of_group)).await.unwrap();
        assert_eq!(admin.offsets(&topic.name, At::Latest).await.unwrap(), [(0, 0), (1, 3)]);
        assert_eq!(admin.offsets(&topic.name, At::Earliest).await.unwrap(), [(0, 0), (1, 0)]);
        assert_eq!(admin.offsets(&topic.name, At::Time(0)).await.unwrap(), [(0, -1), (1, 0)]);
        let missing = admin.offsets(&scratch.named("missing"), At::Latest).await.unwrap_err();
        assert_eq!(missing.code(), Some(Code::UNKNOWN_TOPIC_OR_PARTITION));

        assert_eq!(admin.committed(&group).await.unwrap(), [((topic.name.clone(), 1), 3)].into());
        let detail = admin.group(&group).await.unwrap().unwrap();
        assert_eq!((detail.state.as_str(), detail.members.len()), ("Stable", 1));
        assert_eq!(detail.members[0].assigned, [(topic.name.clone(), vec![0, 1])].into());
        let listed = admin.groups().await.unwrap();
        let listed = listed.iter().find(|listed| listed.id == group).unwrap();
        assert_eq!((listed.kind.as_str(), listed.state.as_str()), ("classic", "Stable"));
        let topics = BTreeSet::from([topic.name.clone()]);
        let lags = admin.lags(std::slice::from_ref(listed), &topics).await.unwrap();
        let lag = TopicLag { topic: topic.name.clone(), members: 1, lag: 0 };
        assert_eq!(lags, [(group.clone(), vec![lag])].into());
        let gone = Group { id: scratch.named("no-group"), ..listed.clone() };
        assert!(admin.lags(&[gone], &topics).await.unwrap().is_empty(), "what is gone meanwhile is left out");

        let ids = [group.clone(), scratch.named("no-group")];
        let refused = codes(admin.delete_groups(&ids).await.unwrap());
        assert_eq!(refused, [Some(Code::NON_EMPTY_GROUP), Some(Code::GROUP_ID_NOT_FOUND)]);
        tokio::task::spawn_blocking(move || drop(consumer)).await.unwrap();
        scratch.seen(|_| async { Ok(admin.group(&group).await?.is_some_and(|group| group.members.is_empty())) }).await;
        each_ok(admin.delete_groups(&ids[..1]).await.unwrap());
        assert_eq!(admin.group(&group).await.unwrap(), None);
    })
    .await;
}

/// Writes three records to partition 1 and commits having read them; the consumer is still in its group.
fn consume_three(topic: &str, group: &str) -> BaseConsumer {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", variable("EBM_KAFKA__BOOTSTRAP_SERVERS"))
        .set("security.protocol", "SASL_PLAINTEXT")
        .set("sasl.mechanism", "SCRAM-SHA-512")
        .set("sasl.username", variable("KAFKA_ADMIN_USER"))
        .set("sasl.password", variable("KAFKA_ADMIN_PASSWORD"));
    let producer: BaseProducer = config.create().unwrap();
    for _ in 0..3 {
        producer.send(BaseRecord::<(), str>::to(topic).payload("x").partition(1)).unwrap();
    }
    producer.flush(SOON).unwrap();
    config.set("group.id", group).set("auto.offset.reset", "earliest").set("enable.auto.commit", "false");
    let consumer: BaseConsumer = config.create().unwrap();
    consumer.subscribe(&[topic]).unwrap();
    let end = Instant::now() + SOON;
    let mut read = 0;
    while read < 3 {
        assert!(Instant::now() < end, "no records in {SOON:?}");
        if let Some(record) = consumer.poll(Duration::from_millis(100)) {
            record.unwrap();
            read += 1;
        }
    }
    consumer.commit_consumer_state(CommitMode::Sync).unwrap();
    consumer
}
