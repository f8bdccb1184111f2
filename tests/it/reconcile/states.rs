//! From any state Kafka is led to the same one (C3), and there it is left alone (C4).

use ebm::{
    kafka::admin::{
        Acl, AclFilter, Admin, Changes, ConfigSource, Mechanism, Operation, Pattern, Permission, ResourceKind, To,
    },
    reconcile::plan::MANAGED_KEYS,
};
use sqlx::PgPool;

use super::{World, acl, converge, kafka, until, world};

/// What someone has made of Kafka by hand.
struct Mess {
    added: Vec<Acl>,
    removed: Vec<Acl>,
    deleted: Vec<String>,
    config: Changes,
}

impl Mess {
    /// Makes it, and waits until Kafka shows all of it.
    async fn make(&self, world: &World, topic: &String) {
        let users: Vec<_> = self.deleted.iter().map(|user| (user.clone(), Mechanism::Sha512)).collect();
        world.root.create_acls(&self.added).await.unwrap();
        world.root.delete_acls(&self.removed).await.unwrap();
        world.root.delete_scram_users(&users).await.unwrap();
        world.root.alter_topic_configs(&[(topic.clone(), self.config.clone())]).await.unwrap();
        until("the mess is seen", async || self.is_seen(world, topic).await).await;
    }

    async fn is_seen(&self, world: &World, topic: &String) -> bool {
        for user in &self.deleted {
            if world.has_user(user).await {
                return false;
            }
        }
        let acls = world.root.acls(To::Any, AclFilter::Any).await.unwrap();
        let configs = world.root.topic_configs(std::slice::from_ref(topic), MANAGED_KEYS).await.unwrap();
        let config = configs[topic].as_ref().unwrap();
        self.added.iter().all(|acl| acls.contains(acl))
            && !self.removed.iter().any(|acl| acls.contains(acl))
            && self.config.iter().all(|(key, value)| match value {
                Some(value) => config[key].value.as_ref() == Some(value),
                None => config[key].source != ConfigSource::Topic,
            })
    }
}

#[sqlx::test]
async fn c3_from_any_state_the_same_end(pool: PgPool) {
    world(pool, async |world| {
        let [shop, mail] = world.landscape().await;
        converge(&mut world.reconciler()).await;
        let (topic, end) = (world.topic().await, world.holdings(&world.name).await);
        let (shop_is, mail_is) = (world.principal("shop"), world.principal("mail"));
        let own = acl(&shop_is, Operation::Write, ResourceKind::Topic, Pattern::Literal, &topic);
        let more = Mess {
            added: vec![
                acl(&shop_is, Operation::Read, ResourceKind::Topic, Pattern::Literal, "*"),
                Acl { principal: mail_is.clone(), permission: Permission::Deny, ..own.clone() },
            ],
            removed: vec![own.clone()],
            deleted: vec![mail.0.clone()],
            config: vec![("retention.ms".into(), Some("1000".into()))],
        };
        let less = Mess {
            added: vec![
                acl(&shop_is, Operation::All, ResourceKind::Topic, Pattern::Prefixed, "businessevents."),
                acl(&mail_is, Operation::Read, ResourceKind::Group, Pattern::Literal, "*"),
                Acl { host: "10.0.0.1".into(), ..own },
            ],
            removed: world.root.acls(To::Any, AclFilter::Principal(mail_is.clone())).await.unwrap(),
            deleted: vec![shop.0.clone(), mail.0.clone()],
            config: vec![("retention.ms".into(), None), ("cleanup.policy".into(), Some("compact".into()))],
        };
        let states: [&[&Mess]; 3] = [&[&more], &[&less], &[&more, &less]];
        for messes in states {
            for mess in messes {
                mess.make(world, &topic).await;
            }
            assert_ne!(world.holdings(&world.name).await, end);
            // One that knows nothing of what was before.
            converge(&mut world.reconciler()).await;
            assert_eq!(world.holdings(&world.name).await, end);
            for (user, password) in [&shop, &mail] {
                Admin::new(kafka(user, password)).cluster().await.unwrap();
            }
        }
    })
    .await;
}

#[sqlx::test]
async fn c4_a_pass_over_a_converged_cluster_writes_nothing(pool: PgPool) {
    world(pool, async |world| {
        world.landscape().await;
        let mut reconciler = world.reconciler();
        converge(&mut reconciler).await;
        let before = world.holdings(&world.name).await;
        // One that has just started knows as much.
        for reconciler in [&mut reconciler, &mut world.reconciler()] {
            let report = reconciler.pass().await.unwrap();
            assert_eq!((report.written, report.pending, report.steps), (0, 0, vec![]));
        }
        assert_eq!(world.holdings(&world.name).await, before);
    })
    .await;
}
