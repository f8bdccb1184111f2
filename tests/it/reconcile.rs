//! The reconciler, from the manager's use cases to a real Kafka.
//!
//! Every test has a database, apps and a worker of its own; they share the broker, where nothing of the others is
//! theirs to touch.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

mod brokers;
mod decisions;
mod extent;
mod foreign;
mod groups;
mod holdings;
mod partly;
mod preflight;
mod revoked;
mod spaces;
mod states;
mod steps;
mod throttled;

use std::{
    collections::BTreeSet,
    env,
    num::NonZeroU32,
    panic::{AssertUnwindSafe, resume_unwind},
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use ebm::{
    domain::grant::{Access, DefaultAccess},
    kafka::admin::{
        self, Acl, AclFilter, Admin, Changes, Login, Mechanism, NewTopic, Operation, Pattern, Permission, ResourceKind,
        Sasl, ScramUser, To, salted_password,
    },
    manager::{
        Actor, Followed, KafkaForApps, Manager, Parts, TopicLimits,
        apps::AppDraft,
        deployments::{Document, Implements, Report},
    },
    reconcile::{Error, Finding, PassReport, Reconciler, Settings},
    secrets::Vault,
    store::PgPool,
};
use futures::FutureExt;
use rdkafka::{
    ClientConfig,
    error::{KafkaError, RDKafkaErrorCode},
    producer::{FutureProducer, FutureRecord},
};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How long anything may take to be seen.
const SOON: Duration = Duration::from_secs(20);

const OPERATOR: Actor = Actor::Operator;

fn variable(name: &str) -> String {
    env::var(name)
        .unwrap_or_else(|_| panic!("{name} is not set: run the tests with dev/test, which starts a real Kafka"))
}

/// The broker that the tests share.
fn shared_broker() -> String {
    variable("EBM_KAFKA__BOOTSTRAP_SERVERS")
}

fn kafka(user: &str, password: &str) -> admin::Settings {
    kafka_at(&shared_broker(), user, password)
}

fn kafka_at(servers: &str, user: &str, password: &str) -> admin::Settings {
    let servers = servers.split(',').map(str::to_owned).collect();
    let sasl = Some(Sasl::Scram512(Login::new(user, SecretString::from(password))));
    admin::Settings { sasl, request_timeout: Duration::from_secs(10), ..admin::Settings::new(servers) }
}

/// An installation of its own on a Kafka that it shares with others.
struct World {
    pool: PgPool,
    manager: Manager,
    vault: Vault,
    history_key: SecretSlice<u8>,
    /// With all rights, to look and to meddle.
    root: Admin,
    /// With the rights of the console.
    console: admin::Settings,
    /// What every name of this test holds.
    name: String,
}

impl World {
    fn new(pool: PgPool, replication: i16) -> Self {
        Self::at(&shared_broker(), pool, replication)
    }

    fn at(servers: &str, pool: PgPool, replication: i16) -> Self {
        let key = |byte: u8| SecretString::from(STANDARD.encode([byte; 32]));
        let vault = Vault::new(&key(1)).unwrap();
        let history_key = ebm::secrets::parse_key(&key(2)).unwrap();
        let console = kafka_at(servers, &variable("EBM_KAFKA__USERNAME"), &variable("EBM_KAFKA__PASSWORD"));
        let parts = Parts {
            vault: vault.clone(),
            history_key: history_key.clone(),
            default_access: DefaultAccess::default(),
            topics: TopicLimits { partitions: 2, max_partitions: 12, replication },
            kafka: KafkaForApps { bootstrap_servers: servers.to_owned(), security_protocol: "SASL_PLAINTEXT" },
            admin: Some(Admin::new(console.clone())),
            aws: None,
            public_url: "http://127.0.0.1".into(),
            dead_letter_days: None,
        };
        let id = Uuid::new_v4().simple().to_string();
        Self {
            manager: Manager::new(pool.clone(), parts),
            pool,
            vault,
            history_key,
            root: Admin::new(kafka_at(servers, &variable("KAFKA_ADMIN_USER"), &variable("KAFKA_ADMIN_PASSWORD"))),
            console,
            name: format!("it-{}", &id[..12]),
        }
    }

    fn app(&self, suffix: &str) -> String {
        format!("{}-{suffix}", self.name)
    }

    fn principal(&self, suffix: &str) -> String {
        format!("User:{}.test", self.app(suffix))
    }

    fn space(&self) -> String {
        format!("{}-space", self.name)
    }

    fn worker(&self) -> String {
        self.app("worker")
    }

    fn reconciler(&self) -> Reconciler {
        self.reconciler_as(self.console.clone())
    }

    fn reconciler_as(&self, kafka: admin::Settings) -> Reconciler {
        self.reconciler_with(kafka, 1)
    }

    /// A reconciler that makes topics for signs of life with so many replicas.
    fn reconciler_with(&self, kafka: admin::Settings, replication: i16) -> Reconciler {
        Reconciler::new(
            self.pool.clone(),
            self.vault.clone(),
            self.history_key.clone(),
            Admin::new(kafka),
            self.settings(replication),
        )
    }

    /// A reconciler of which something was decided otherwise.
    fn reconciler_by(&self, decide: impl FnOnce(Settings) -> Settings) -> Reconciler {
        let (pool, vault, history_key) = (self.pool.clone(), self.vault.clone(), self.history_key.clone());
        Reconciler::new(pool, vault, history_key, Admin::new(self.console.clone()), decide(self.settings(1)))
    }

    fn settings(&self, replication: i16) -> Settings {
        let settings = Settings::new(self.worker(), variable("EBM_KAFKA__USERNAME"), replication);
        Settings { canary: self.app("canary"), ..settings }
    }

    /// An app with one enabled environment, `test`.
    async fn enabled_app(&self, suffix: &str) {
        let key = self.app(suffix);
        let draft = AppDraft { key: key.clone(), ..AppDraft::default() };
        self.manager.register_app(&OPERATOR, &draft).await.unwrap();
        self.manager.register_environment(&OPERATOR, &key, "test", &self.space()).await.unwrap();
        self.manager.set_app_broker(&OPERATOR, &key, true).await.unwrap();
        self.manager.set_environment_broker(&OPERATOR, &key, "test", true).await.unwrap();
    }

    /// New credentials of an app: name and password.
    async fn credentials(&self, suffix: &str) -> (String, String) {
        let made = self.manager.create_credentials(&OPERATOR, &self.app(suffix), "test").await.unwrap();
        (made.username, made.password.expose_secret().to_owned())
    }

    /// A shop that sends orders and a mailer that receives them, both with credentials.
    async fn landscape(&self) -> [(String, String); 2] {
        self.enabled_app("shop").await;
        self.enabled_app("mail").await;
        self.deploy_shop(86_400_000).await;
        let implements =
            Implements { service: self.app("orders"), event: "OrderPlaced".into(), access: Access::Subscribe };
        self.deploy("mail", vec![], vec![implements]).await;
        [self.credentials("shop").await, self.credentials("mail").await]
    }

    async fn deploy_shop(&self, retention_ms: i64) {
        let contract = format!(
            r#"{{"asyncapi": "2.6.0", "info": {{"title": "{}", "version": "1.0.0"}},
                "channels": {{"orders": {{
                    "bindings": {{"kafka": {{"partitions": 3, "topicConfiguration": {{"retention.ms": {retention_ms}}}}}}},
                    "subscribe": {{"message": {{"name": "OrderPlaced", "payload":
                        {{"type": "object", "properties": {{"id": {{"type": "string"}}}}}}}}}}}}}}}}"#,
            self.app("orders")
        );
        self.deploy("shop", vec![Document::Text(contract)], vec![]).await;
    }

    async fn deploy(&self, suffix: &str, defines: Vec<Document>, implements: Vec<Implements>) {
        let report = Report { version: "1".into(), deployed_at: OffsetDateTime::now_utc(), defines, implements };
        self.manager.report_deployment(&OPERATOR, &self.app(suffix), "test", report, false).await.unwrap();
    }

    /// The only channel's topic.
    async fn topic(&self) -> String {
        let id: Uuid = sqlx::query_scalar("select id from channel").fetch_one(&self.pool).await.unwrap();
        format!("businessevents.{id}.{}", self.space())
    }

    async fn followed(&self, suffix: &str) -> Followed {
        let view = self.manager.load_environment(&OPERATOR, &self.app(suffix), "test").await.unwrap();
        view.listed.followed
    }

    async fn topic_failure(&self) -> Option<String> {
        sqlx::query_scalar("select failure from channel_topic").fetch_one(&self.pool).await.unwrap()
    }

    /// The ACLs of a principal, a line each.
    async fn acls(&self, principal: &str) -> Vec<String> {
        let acls = self.root.acls(To::Any, AclFilter::Principal(principal.to_owned())).await.unwrap();
        let mut lines: Vec<_> = acls.iter().map(ToString::to_string).collect();
        lines.sort();
        lines
    }

    /// The ACLs of everybody else.
    async fn foreign_acls(&self, of: &str) -> BTreeSet<Acl> {
        let all = self.root.acls(To::Any, AclFilter::Any).await.unwrap();
        all.into_iter().filter(|acl| acl.principal == of).collect()
    }

    async fn has_user(&self, name: &str) -> bool {
        !self.root.scram_users(To::Any, &[name.to_owned()]).await.unwrap().is_empty()
    }

    async fn clean_up(&self) {
        let topics = self.root.topics(None).await.unwrap();
        let topics: Vec<_> =
            topics.into_iter().map(|topic| topic.name).filter(|name| name.contains(&self.name)).collect();
        self.root.delete_topics(&topics).await.unwrap();
        let users = self.root.scram_users(To::Any, &[]).await.unwrap().into_iter();
        let users: Vec<_> = users
            .filter(|user| user.name.contains(&self.name))
            .map(|user| (user.name, user.mechanism.unwrap()))
            .collect();
        self.root.delete_scram_users(&users).await.unwrap();
        let acls = self.root.acls(To::Any, AclFilter::Any).await.unwrap();
        let principals: BTreeSet<_> =
            acls.into_iter().map(|acl| acl.principal).filter(|principal| principal.contains(&self.name)).collect();
        for principal in principals {
            self.root.delete_acls_of(&principal).await.unwrap();
        }
        let groups = self.root.groups().await.unwrap().into_iter().map(|group| group.id);
        let groups: Vec<_> = groups.filter(|group| group.contains(&self.name)).collect();
        self.root.delete_groups(&groups).await.unwrap();
    }
}

/// Runs a test in a world of its own, and cleans the broker up behind it.
async fn world(pool: PgPool, test: impl AsyncFnOnce(&World)) {
    inside(&World::new(pool, 1), test).await;
}

/// Runs a test in this world, and cleans Kafka up behind it.
async fn inside(world: &World, test: impl AsyncFnOnce(&World)) {
    let outcome = AssertUnwindSafe(Box::pin(test(world))).catch_unwind().await;
    world.clean_up().await;
    if let Err(panic) = outcome {
        resume_unwind(panic);
    }
}

/// Waits until something is so.
pub async fn until(what: &str, check: impl AsyncFnMut() -> bool) {
    within(SOON, what, check).await;
}

/// Waits until something is so that may take longer.
pub async fn within(limit: Duration, what: &str, mut check: impl AsyncFnMut() -> bool) {
    let end = Instant::now() + limit;
    while !check().await {
        assert!(Instant::now() < end, "not in {limit:?}: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Passes until there is nothing more to do.
async fn converge(reconciler: &mut Reconciler) -> PassReport {
    let end = Instant::now() + SOON;
    loop {
        let report = reconciler.pass().await.unwrap();
        if report.pending == 0 && report.written == 0 {
            return report;
        }
        assert!(Instant::now() < end, "still to do after {SOON:?}: {report:?}");
    }
}

fn acl(principal: &str, operation: Operation, resource: ResourceKind, pattern: Pattern, name: &str) -> Acl {
    Acl {
        principal: principal.into(),
        host: "*".into(),
        resource,
        name: name.into(),
        pattern,
        operation,
        permission: Permission::Allow,
    }
}

fn producer(login: &(String, String)) -> FutureProducer {
    ClientConfig::new()
        .set("bootstrap.servers", shared_broker())
        .set("security.protocol", "SASL_PLAINTEXT")
        .set("sasl.mechanism", "SCRAM-SHA-512")
        .set("sasl.username", &login.0)
        .set("sasl.password", &login.1)
        .create()
        .unwrap()
}

async fn send(producer: &FutureProducer, topic: &str) -> Result<(), KafkaError> {
    let record = FutureRecord::<(), str>::to(topic).payload("x");
    producer.send(record, SOON).await.map(drop).map_err(|(error, _)| error)
}

#[sqlx::test]
async fn a_landscape_becomes_topics_access_and_logins(pool: PgPool) {
    world(pool, async |world| {
        let [shop, mail] = world.landscape().await;
        assert!(matches!(world.followed("shop").await, Followed::Pending(_)));
        let mut reconciler = world.reconciler();
        let report = reconciler.pass().await.unwrap();
        println!("first pass: {:?}, {} written", report.took, report.written);
        assert_eq!((report.pending, report.failed), (0, 0), "{report:?}");
        assert_eq!(report.cluster_id.as_deref(), Some(&*world.root.cluster().await.unwrap().cluster_id));
        for app in ["shop", "mail"] {
            assert_eq!(world.followed(app).await, Followed::Applied);
        }

        let topic = world.topic().await;
        let (shop_is, mail_is) = (world.principal("shop"), world.principal("mail"));
        assert_eq!(
            world.acls(&shop_is).await,
            [
                format!("ALLOW {shop_is} from * WRITE on TOPIC LITERAL _mx_heartbeat.{}.test", world.app("shop")),
                format!("ALLOW {shop_is} from * WRITE on TOPIC LITERAL {topic}"),
            ]
        );
        assert_eq!(
            world.acls(&mail_is).await,
            [
                format!("ALLOW {mail_is} from * READ on GROUP PREFIXED {}.test.", world.app("mail")),
                format!("ALLOW {mail_is} from * READ on TOPIC LITERAL {topic}"),
                format!("ALLOW {mail_is} from * WRITE on TOPIC LITERAL _mx_heartbeat.{}.test", world.app("mail")),
            ]
        );
        let made = &world.root.topics(Some(std::slice::from_ref(&topic))).await.unwrap()[0];
        assert_eq!((made.partitions.len(), made.replication()), (3, 1));
        let configs = world.root.topic_configs(std::slice::from_ref(&topic), &["retention.ms"]).await.unwrap();
        assert_eq!(configs[&topic].as_ref().unwrap()["retention.ms"].value.as_deref(), Some("86400000"));
        for (user, password) in [&shop, &mail] {
            Admin::new(kafka(user, password)).cluster().await.unwrap();
        }
        send(&producer(&shop), &topic).await.unwrap();
        assert!(send(&producer(&mail), &topic).await.is_err());

        // Another password: the old one is refused.
        let rotated = world.credentials("shop").await;
        let report = reconciler.pass().await.unwrap();
        assert_eq!((report.written, report.pending), (1, 0), "{report:?}");
        Admin::new(kafka(&rotated.0, &rotated.1)).cluster().await.unwrap();
        let refused = Admin::new(kafka(&shop.0, &shop.1)).cluster().await;
        assert!(matches!(refused, Err(admin::Error::Auth { .. })), "{refused:?}");

        // A new version of the contract changes the topic's configuration and nothing else.
        world.deploy_shop(3_600_000).await;
        let report = reconciler.pass().await.unwrap();
        assert_eq!((report.written, report.pending), (1, 0), "{report:?}");
        assert_eq!(world.followed("shop").await, Followed::Applied);
    })
    .await;
}

#[sqlx::test]
async fn drift_made_by_hand_is_repaired(pool: PgPool) {
    world(pool, async |world| {
        let [shop, mail] = world.landscape().await;
        let mut reconciler = world.reconciler();
        converge(&mut reconciler).await;
        let topic = world.topic().await;
        let (shop_is, mail_is) = (world.principal("shop"), world.principal("mail"));
        let before = (world.acls(&shop_is).await, world.acls(&mail_is).await);

        let added = [
            acl(&shop_is, Operation::Read, ResourceKind::Topic, Pattern::Literal, "*"),
            acl(&shop_is, Operation::All, ResourceKind::Topic, Pattern::Prefixed, "businessevents."),
            Acl {
                permission: Permission::Deny,
                ..acl(&shop_is, Operation::Write, ResourceKind::Topic, Pattern::Literal, &topic)
            },
        ];
        world.root.create_acls(&added).await.unwrap();
        let removed = acl(&mail_is, Operation::Read, ResourceKind::Topic, Pattern::Literal, &topic);
        assert_eq!(world.root.delete_acls(&[removed]).await.unwrap(), [Ok(true)]);
        world.root.delete_scram_users(&[(mail.0.clone(), Mechanism::Sha512)]).await.unwrap();
        let (salt, iterations) = (b"a salt by someone", NonZeroU32::new(4096).unwrap());
        let other = ScramUser {
            name: shop.0.clone(),
            mechanism: Mechanism::Sha512,
            iterations,
            salt: salt.to_vec(),
            salted_password: salted_password(Mechanism::Sha512, &"by hand".to_owned().into(), salt, iterations),
        };
        world.root.upsert_scram_users(&[other]).await.unwrap();
        let by_hand: Changes = vec![
            ("retention.ms".into(), Some("1000".into())),
            ("cleanup.policy".into(), Some("compact".into())),
            ("segment.bytes".into(), Some("2000000".into())),
        ];
        world.root.alter_topic_configs(&[(topic.clone(), by_hand)]).await.unwrap();
        until("the last drift is seen", async || {
            let configs = world.root.topic_configs(std::slice::from_ref(&topic), &["retention.ms"]).await.unwrap();
            configs[&topic].as_ref().unwrap()["retention.ms"].value.as_deref() == Some("1000")
        })
        .await;

        let report = reconciler.pass().await.unwrap();
        // Three ACLs away, one back, two users stored; topics count once.
        assert_eq!((report.written, report.pending, report.failed), (7, 0, 0), "{:?}", report.steps);
        assert_eq!((world.acls(&shop_is).await, world.acls(&mail_is).await), before);
        for (user, password) in [&shop, &mail] {
            Admin::new(kafka(user, password)).cluster().await.unwrap();
        }
        let keys = ["retention.ms", "cleanup.policy", "segment.bytes"];
        let configs = world.root.topic_configs(std::slice::from_ref(&topic), &keys).await.unwrap();
        let value = |key: &str| configs[&topic].as_ref().unwrap()[key].value.clone().unwrap();
        // What is not ours to set stays as somebody set it.
        assert_eq!(keys.map(value), ["86400000", "delete", "2000000"]);
        assert_eq!(reconciler.pass().await.unwrap().written, 0);
    })
    .await;
}

#[sqlx::test]
async fn partitions_that_someone_added_are_shown_and_left(pool: PgPool) {
    world(pool, async |world| {
        world.landscape().await;
        let mut reconciler = world.reconciler();
        converge(&mut reconciler).await;
        let topic = world.topic().await;
        let partitions =
            async || world.root.topics(Some(std::slice::from_ref(&topic))).await.unwrap()[0].partitions.len();
        world.root.create_partitions(&[(topic.clone(), 5)]).await.unwrap();
        until("they are there", async || partitions().await == 5).await;
        let report = reconciler.pass().await.unwrap();
        assert_eq!((report.written, report.failed, report.pending), (0, 0, 0), "{report:?}");
        let shown = Finding::MorePartitions(topic.clone(), 5);
        assert!(report.findings.contains(&shown), "{:?}", report.findings);
        assert_eq!(partitions().await, 5);

        // Wanted as many, they are no finding any more.
        sqlx::query("update channel_topic set partitions = 5").execute(&world.pool).await.unwrap();
        assert!(!converge(&mut reconciler).await.findings.contains(&shown));
    })
    .await;
}

#[sqlx::test]
async fn what_is_foreign_is_shown_and_left(pool: PgPool) {
    world(pool, async |world| {
        world.landscape().await;
        let topic = world.topic().await;
        let stranger = format!("User:stranger-{}", world.name);
        let foreign = format!("businessevents.{}.foreign", world.name);
        let made = NewTopic { name: foreign.clone(), partitions: 1, replication: 1, configs: vec![] };
        world.root.create_topics(&[made]).await.unwrap();
        let rights = [
            acl(&stranger, Operation::Read, ResourceKind::Topic, Pattern::Literal, &topic),
            acl(&stranger, Operation::All, ResourceKind::Topic, Pattern::Prefixed, &foreign),
            // A principal whose name only begins like one of ours.
            acl(&format!("{}x", world.principal("shop")), Operation::Read, ResourceKind::Group, Pattern::Literal, "g"),
        ];
        world.root.create_acls(&rights).await.unwrap();
        until("foreign things are there", async || {
            world.foreign_acls(&stranger).await.len() == 2
                && world.root.topics(Some(std::slice::from_ref(&foreign))).await.unwrap()[0].error.is_none()
        })
        .await;
        let id = world.root.topics(Some(std::slice::from_ref(&foreign))).await.unwrap()[0].id;

        let mut reconciler = world.reconciler();
        let report = converge(&mut reconciler).await;
        let shown = format!("{:?}", report.findings);
        assert!(shown.contains(&stranger) && shown.contains(&format!("ForeignTopic(\"{foreign}\")")), "{shown}");
        world.manager.set_app_broker(&OPERATOR, &world.app("shop"), false).await.unwrap();
        converge(&mut reconciler).await;

        assert_eq!(world.foreign_acls(&stranger).await, rights[..2].iter().cloned().collect());
        assert_eq!(world.foreign_acls(&rights[2].principal).await, rights[2..].iter().cloned().collect());
        let still = &world.root.topics(Some(std::slice::from_ref(&foreign))).await.unwrap()[0];
        assert_eq!((still.id, still.partitions.len()), (id, 1));
    })
    .await;
}

#[sqlx::test]
async fn c8_disabling_refuses_live_connections_and_takes_the_user_and_enabling_gives_all_back(pool: PgPool) {
    world(pool, async |world| {
        let [shop, _] = world.landscape().await;
        let mut reconciler = world.reconciler();
        converge(&mut reconciler).await;
        let (topic, principal) = (world.topic().await, world.principal("shop"));
        let before = world.acls(&principal).await;
        let producer = producer(&shop);
        send(&producer, &topic).await.unwrap();

        let started = Instant::now();
        world.manager.set_environment_broker(&OPERATOR, &world.app("shop"), "test", false).await.unwrap();
        let report = reconciler.pass().await.unwrap();
        let error = send(&producer, &topic).await.unwrap_err();
        println!("refused on a live connection {:?} after disabling began", started.elapsed());
        assert_eq!(error, KafkaError::MessageProduction(RDKafkaErrorCode::TopicAuthorizationFailed));
        assert!(started.elapsed() < Duration::from_secs(5));
        assert_eq!(world.followed("shop").await, Followed::Applied);
        assert!(world.acls(&principal).await.is_empty() && !world.has_user(&shop.0).await);
        let order: Vec<_> = report.steps.iter().map(|step| step.split(' ').next().unwrap()).collect();
        assert_eq!((order[0], *order.last().unwrap()), ("revoke", "drop"));
        let refused = Admin::new(kafka(&shop.0, &shop.1)).cluster().await;
        assert!(matches!(refused, Err(admin::Error::Auth { .. })), "{refused:?}");
        // Nothing of it is forgotten.
        let kept = &world.root.topics(Some(std::slice::from_ref(&topic))).await.unwrap()[0];
        assert_eq!(kept.error, None);

        world.manager.set_environment_broker(&OPERATOR, &world.app("shop"), "test", true).await.unwrap();
        converge(&mut reconciler).await;
        assert_eq!(world.acls(&principal).await, before);
        Admin::new(kafka(&shop.0, &shop.1)).cluster().await.unwrap();
    })
    .await;
}

#[sqlx::test]
async fn a_pass_that_dies_anywhere_is_finished_by_the_next(pool: PgPool) {
    world(pool, async |world| {
        let [shop, _] = world.landscape().await;
        // One client, so that the time to connect is not what is cut off.
        let mut reconciler = world.reconciler();
        let mut killed = 0;
        let mut written = BTreeSet::new();
        for round in 0..24_u64 {
            // Somewhere in the pass: each round a little later.
            let after = Duration::from_millis(3 + round * 6);
            killed += u32::from(tokio::time::timeout(after, reconciler.pass()).await.is_err());
            written.insert((world.acls(&world.principal("shop")).await.len(), world.has_user(&shop.0).await));
            if round % 4 == 3 {
                let enabled = round % 8 == 7;
                world.manager.set_app_broker(&OPERATOR, &world.app("shop"), enabled).await.unwrap();
            }
        }
        println!("killed {killed} of 24 passes; seen of the shop between them (ACLs, user): {written:?}");
        assert!(killed > 0);
        world.manager.set_app_broker(&OPERATOR, &world.app("shop"), true).await.unwrap();
        converge(&mut world.reconciler()).await;
        assert_eq!(world.followed("shop").await, Followed::Applied);
        assert_eq!(world.acls(&world.principal("shop")).await.len(), 2);
        send(&producer(&shop), &world.topic().await).await.unwrap();
    })
    .await;
}

#[sqlx::test]
async fn what_kafka_refuses_is_said_and_all_else_goes_on(pool: PgPool) {
    inside(&World::new(pool, 99), async |world| {
        let [shop, _] = world.landscape().await;
        let mut reconciler = world.reconciler();
        let report = reconciler.pass().await.unwrap();
        assert_eq!((report.failed, report.pending), (1, 0), "{report:?}");
        let failure = world.topic_failure().await.unwrap();
        assert!(failure.starts_with("The topic is to have 99 replicas, but "), "{failure}");
        assert_eq!(world.followed("shop").await, Followed::Applied);
        Admin::new(kafka(&shop.0, &shop.1)).cluster().await.unwrap();

        // Mended, it is applied by itself.
        sqlx::query("update channel_topic set replicas = 1").execute(&world.pool).await.unwrap();
        let report = reconciler.pass().await.unwrap();
        assert_eq!((report.failed, report.pending, report.written), (0, 0, 1), "{report:?}");
        assert_eq!(world.topic_failure().await, None);
    })
    .await;
}

#[sqlx::test]
async fn without_kafka_all_stays_pending_and_nobody_is_blamed(pool: PgPool) {
    world(pool, async |world| {
        world.landscape().await;
        let away = admin::Settings { bootstrap: vec!["127.0.0.1:9".into()], ..world.console.clone() };
        let mut reconciler = world.reconciler_as(away);
        let observer = reconciler.observer();
        let error = reconciler.pass().await.unwrap_err();
        assert!(error.is_transient(), "{error}");
        assert!(matches!(world.followed("shop").await, Followed::Pending(_)));
        assert_eq!(world.topic_failure().await, None);
        let said = observer.latest().error.unwrap();
        assert_eq!(said, "Kafka cannot be reached. What is pending follows when it is back.");
    })
    .await;
}

#[sqlx::test]
async fn a_login_that_may_not_see_everything_writes_nothing(pool: PgPool) {
    world(pool, async |world| {
        let [shop, mail] = world.landscape().await;
        converge(&mut world.reconciler()).await;
        world.manager.set_app_broker(&OPERATOR, &world.app("shop"), false).await.unwrap();
        let before = world.acls(&world.principal("shop")).await;
        let mut blind = world.reconciler_as(kafka(&mail.0, &mail.1));
        let error = blind.pass().await.unwrap_err();
        assert!(!error.is_transient() && matches!(error, Error::Kafka(_) | Error::RightMissing(_)), "{error}");
        assert_eq!(world.acls(&world.principal("shop")).await, before);
        assert!(world.has_user(&shop.0).await);
        assert!(blind.observer().latest().error.unwrap().contains("rights"));
    })
    .await;
}

#[sqlx::test]
async fn a_bridge_gives_the_worker_what_its_routes_need(pool: PgPool) {
    world(pool, async |world| {
        world.landscape().await;
        let bridge = Uuid::new_v4();
        sqlx::query(
            "insert into bridge (id, name, space_id, kind, region, desired, status, external_id)
             select $1, 'b', id, 'sqs', 'eu-central-1', 'stopped', 'stopped', 'x' from space",
        )
        .bind(bridge)
        .execute(&world.pool)
        .await
        .unwrap();
        for statement in [
            "insert into route (id, bridge_id, event_id, direction, queue_url)
             select gen_random_uuid(), $1, id, 'outbound', 'https://sqs.eu-central-1.amazonaws.com/1/q' from event",
            "insert into access_grant (id, bridge_id, event_id, access)
             select gen_random_uuid(), $1, id, 'subscribe' from event",
        ] {
            sqlx::query(statement).bind(bridge).execute(&world.pool).await.unwrap();
        }
        let mut reconciler = world.reconciler();
        converge(&mut reconciler).await;
        let worker = format!("User:{}", world.worker());
        let topic = world.topic().await;
        assert_eq!(
            world.acls(&worker).await,
            [
                format!("ALLOW {worker} from * READ on GROUP PREFIXED ebm.bridge."),
                format!("ALLOW {worker} from * READ on TOPIC LITERAL {topic}"),
            ]
        );
        let applied: bool = sqlx::query_scalar("select access_applied_at is not null from bridge")
            .fetch_one(&world.pool)
            .await
            .unwrap();
        assert!(applied);
        sqlx::query("update bridge set desired = 'deleted'").execute(&world.pool).await.unwrap();
        converge(&mut reconciler).await;
        assert!(world.acls(&worker).await.is_empty());
    })
    .await;
}

#[sqlx::test]
async fn c2_one_of_two_leads_and_follows_a_change_within_a_second(pool: PgPool) {
    world(pool, async |world| {
        let shutdown = CancellationToken::new();
        let reconcilers = [world.reconciler(), world.reconciler()];
        let observers = reconcilers.each_ref().map(Reconciler::observer);
        let running = reconcilers.map(|reconciler| tokio::spawn(reconciler.run(shutdown.clone())));
        until("one leads", async || observers.iter().any(|observer| observer.latest().succeeded_at.is_some())).await;
        assert_eq!(observers.iter().filter(|observer| observer.latest().leads).count(), 1);

        world.landscape().await;
        until("the landscape is applied", async || world.followed("mail").await == Followed::Applied).await;
        let mut took = Vec::new();
        for round in 0..20 {
            let started = Instant::now();
            world.manager.set_app_broker(&OPERATOR, &world.app("shop"), round % 2 == 1).await.unwrap();
            until("the change is applied", async || world.followed("shop").await == Followed::Applied).await;
            took.push(started.elapsed());
        }
        took.sort();
        // With room for a machine that does other things too; a quiet one takes a tenth of it.
        assert!(took[took.len() / 2] < Duration::from_secs(1), "{took:?}");
        println!("from commit to read-back: median {:?}, slowest {:?}", took[took.len() / 2], took[took.len() - 1]);
        assert_eq!(observers.iter().filter(|observer| observer.latest().leads).count(), 1);

        shutdown.cancel();
        for running in running {
            tokio::time::timeout(SOON, running).await.unwrap().unwrap().unwrap();
        }
    })
    .await;
}
