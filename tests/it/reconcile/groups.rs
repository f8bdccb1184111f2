//! Consumer groups as they are looked at now and then, and as a rehearsal asks for them: real consumers on the real
//! broker, one of each protocol.

use std::time::Duration;

use ebm::{
    domain::member::Role,
    kafka::admin::Admin,
    reconcile::{Reconciler, Settings},
};
use rdkafka::{
    ClientConfig,
    consumer::{CommitMode, Consumer, StreamConsumer},
};
use serde_json::{Value, json};
use sqlx::PgPool;

use super::{OPERATOR, SOON, World, converge, producer, send, until, variable, world};
use crate::support::Api;

impl World {
    /// A reconciler that looks at the traffic whenever it is asked to.
    fn watching(&self) -> Reconciler {
        let settings = Settings::new(self.worker(), variable("EBM_KAFKA__USERNAME"), 1);
        let settings = Settings { traffic_apart: Duration::ZERO, ..settings };
        let admin = Admin::new(self.console.clone());
        Reconciler::new(self.pool.clone(), self.vault.clone(), self.history_key.clone(), admin, settings)
    }

    /// The name of a group of the mailer.
    fn group(&self, name: &str) -> String {
        format!("{}.test.{name}", self.app("mail"))
    }

    /// Group, members and lag of all that is known, by name.
    async fn readers(&self) -> Vec<(String, i32, i64)> {
        sqlx::query_as("select name, members, lag from group_topic order by name").fetch_all(&self.pool).await.unwrap()
    }
}

/// What the API says of the mailer.
struct Seen<'a> {
    world: &'a World,
    api: Api,
    admin: String,
}

impl<'a> Seen<'a> {
    async fn of(world: &'a World) -> Self {
        let api = Api::new(world.manager.clone());
        let (_, admin) = api.member("admin@example.com", Role::Admin).await;
        Self { world, api, admin }
    }

    fn path(&self) -> String {
        format!("/apps/{}/environments/test", self.world.app("mail"))
    }

    async fn environment(&self) -> Value {
        self.api.get(&self.admin, &self.path()).await.expect(200)
    }

    async fn channel(&self, id: &Value) -> Value {
        self.api.get(&self.admin, &format!("/channels/{}", id.as_str().unwrap())).await.expect(200)
    }

    /// The first broken link of the chain from the event, and whether these two hold.
    async fn explained(&self) -> [Value; 3] {
        let path = format!("{}/events/{}/OrderPlaced/explain", self.path(), self.world.app("orders"));
        let chain = self.api.get(&self.admin, &path).await.expect(200);
        let holds = |link: &str| {
            let steps = chain["steps"].as_array().unwrap();
            steps.iter().find(|step| step["link"] == link).unwrap()["holds"].clone()
        };
        [chain["broken"].clone(), holds("joined"), holds("lag")]
    }

    /// What a move into another Space would leave behind, and the rehearsal's version.
    async fn left_behind(&self, space: &str) -> (Value, Value) {
        let asked = json!({ "app": self.world.app("mail"), "env": "test", "dry_run": true });
        let said = self.api.post(&self.admin, &format!("/spaces/{space}/moves"), asked).await.expect(200);
        (said["unread"].clone(), said["plan_version"].clone())
    }
}

/// A member of a group that has read two events of a topic, has committed that, and is still there.
async fn two_read(login: &(String, String), group: &str, protocol: &str, topic: &str) -> StreamConsumer {
    let consumer: StreamConsumer = ClientConfig::new()
        .set("bootstrap.servers", variable("EBM_KAFKA__BOOTSTRAP_SERVERS"))
        .set("security.protocol", "SASL_PLAINTEXT")
        .set("sasl.mechanism", "SCRAM-SHA-512")
        .set("sasl.username", &login.0)
        .set("sasl.password", &login.1)
        .set("group.id", group)
        .set("group.protocol", protocol)
        .set("auto.offset.reset", "earliest")
        .set("enable.auto.commit", "false")
        .create()
        .unwrap();
    consumer.subscribe(&[topic]).unwrap();
    for _ in 0..2 {
        let record = tokio::time::timeout(SOON, consumer.recv()).await.unwrap().unwrap();
        consumer.commit_message(&record, CommitMode::Sync).unwrap();
    }
    consumer
}

#[sqlx::test]
async fn how_far_groups_have_come_is_seen_and_stays_known_when_nobody_reads(pool: PgPool) {
    world(pool, async |world| {
        let [shop, mail] = world.landscape().await;
        let mut reconciler = world.watching();
        converge(&mut reconciler).await;
        reconciler.look_at_traffic().await;
        let seen = Seen::of(world).await;
        let before = seen.environment().await;
        assert_eq!((&before["seen_at"], &before["consumer_groups"]), (&Value::Null, &json!([])));
        assert_eq!(seen.explained().await, [Value::Null, Value::Null, Value::Null], "nothing is known of groups");

        let (topic, producer) = (world.topic().await, producer(&shop));
        for _ in 0..5 {
            send(&producer, &topic).await.unwrap();
        }
        let (new, old) = (world.group("new"), world.group("old"));
        let root = (variable("KAFKA_ADMIN_USER"), variable("KAFKA_ADMIN_PASSWORD"));
        // It begins like one of the mailer's, but for the dot.
        let foreign = format!("{}.testing.reader", world.app("mail"));
        let consumers = [
            two_read(&mail, &new, "consumer", &topic).await,
            two_read(&mail, &old, "classic", &topic).await,
            two_read(&root, &foreign, "classic", &topic).await,
        ];
        let both = |members: i32, lag: i64| vec![(new.clone(), members, lag), (old.clone(), members, lag)];
        until("their lag is seen", async || {
            reconciler.look_at_traffic().await;
            world.readers().await == both(1, 3)
        })
        .await;
        let shown = seen.environment().await;
        assert!(shown["seen_at"].is_string(), "{shown:#}");
        let first = &shown["consumer_groups"][0];
        assert_eq!((&first["group"], &first["members"], &first["lag"]), (&json!(new), &json!(1), &json!(3)));
        assert!(first["seen_at"].is_string());
        let channel = seen.channel(&first["channel"]).await;
        let of_channel = &channel["consumer_groups"][1];
        assert_eq!((&of_channel["app"], &of_channel["group"]), (&json!(world.app("mail")), &json!(old)));
        assert_eq!((&of_channel["environment"], &of_channel["lag"]), (&json!("test"), &json!(3)));
        assert_eq!(seen.explained().await, [Value::Null, json!(true), Value::Null]);

        drop(consumers);
        until("nobody reads any more", async || {
            reconciler.look_at_traffic().await;
            world.readers().await == both(0, 3)
        })
        .await;
        let shown = seen.environment().await;
        assert!(shown["seen_at"].is_string() && shown["consumer_groups"][0]["seen_at"].is_string(), "{shown:#}");
        assert_eq!(seen.explained().await[..2], [json!("joined"), json!(false)]);

        // Asked from Kafka itself, and no part of what the move rests on.
        let other = format!("{}-other", world.name);
        world.manager.create_space(&OPERATOR, &other).await.unwrap();
        let row = |group: &str, unread: i64| {
            let channel = &channel["id"];
            json!({ "group": group, "channel": channel, "events": ["OrderPlaced"], "members": 0, "unread": unread })
        };
        let mut versions = Vec::new();
        for lag in [3, 4] {
            until("Kafka says what is left behind", async || {
                let (unread, version) = seen.left_behind(&other).await;
                versions.push(version);
                unread == json!([row(&new, lag), row(&old, lag)])
            })
            .await;
            send(&producer, &topic).await.unwrap();
        }
        versions.dedup();
        assert_eq!(versions.len(), 1, "{versions:?}");

        for (group, deleted) in world.root.delete_groups(&[new.clone(), old.clone()]).await.unwrap() {
            assert_eq!(deleted, Ok(()), "{group}");
        }
        until("groups that are gone are forgotten", async || {
            reconciler.look_at_traffic().await;
            world.readers().await.is_empty()
        })
        .await;
        assert!(seen.environment().await["seen_at"].is_string(), "it was there all the same");
    })
    .await;
}
