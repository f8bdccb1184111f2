//! What is foreign is never touched (C5): however much of it there is, and however much its names are like ours.

use std::num::NonZeroU32;

use ebm::kafka::admin::{Acl, Mechanism, NewTopic, Operation, Pattern, Permission, ResourceKind, ScramUser};
use sqlx::PgPool;
use uuid::Uuid;

use super::{OPERATOR, World, acl, brokers::three_brokers, converge, until};

/// Topics, rules and users of others: so many of each.
const MANY: u32 = 1_000;
/// Principals that have the rules.
const PRINCIPALS: u32 = 10;

/// Two of three are named like a channel's.
fn topic(n: u32, of: &str) -> NewTopic {
    let name = match n % 3 {
        0 => format!("businessevents.{}.{of}", Uuid::new_v4()),
        1 => format!("businessevents.{of}.{n}"),
        _ => format!("{of}.{n}"),
    };
    let configs = vec![
        ("retention.ms".to_owned(), (3_600_000 + n).to_string()),
        ("segment.bytes".to_owned(), "2000000".to_owned()),
    ];
    NewTopic { name, partitions: 1, replication: 1, configs }
}

/// Of every kind, by topic.
fn rule(n: u32, of: &str, name: &str) -> Acl {
    let operation = if n.is_multiple_of(2) { Operation::All } else { Operation::Read };
    let resource = if n.is_multiple_of(3) { ResourceKind::Group } else { ResourceKind::Topic };
    let pattern = if n.is_multiple_of(5) { Pattern::Prefixed } else { Pattern::Literal };
    let permission = if n.is_multiple_of(7) { Permission::Deny } else { Permission::Allow };
    Acl { permission, ..acl(&format!("User:{of}-{}", n % PRINCIPALS), operation, resource, pattern, name) }
}

/// Each with rounds of its own, so that a credential stored over it would show.
fn user(n: u32, of: &str) -> ScramUser {
    ScramUser {
        name: format!("{of}-{n}"),
        mechanism: Mechanism::Sha512,
        iterations: NonZeroU32::new(5_000 + n).unwrap(),
        salt: b"a salt of others".to_vec(),
        salted_password: vec![7; 64].into(),
    }
}

/// Makes what is foreign, one rule about our own topic among it, and waits until Kafka shows all of it.
async fn make(world: &World, of: &str, ours: &str) {
    let topics: Vec<_> = (0..MANY).map(|n| topic(n, of)).collect();
    let rules = topics.iter().zip(0..).map(|(topic, n)| rule(n, of, &topic.name));
    let rules: Vec<_> = rules.chain([rule(1, of, ours)]).collect();
    let users: Vec<_> = (0..MANY).map(|n| user(n, of)).collect();
    let made = world.root.create_topics(&topics).await.unwrap();
    let stored = world.root.upsert_scram_users(&users).await.unwrap();
    for (name, outcome) in made.into_iter().chain(stored) {
        assert_eq!(outcome, Ok(()), "{name}");
    }
    assert!(world.root.create_acls(&rules).await.unwrap().iter().all(Result::is_ok));
    let all = topics.len() + rules.len() + users.len();
    until("all of it is there", async || world.holdings(of).await.len() == all).await;
}

/// On the brokers of which this test has no others beside it: so much that is foreign would crowd out their findings.
#[sqlx::test]
async fn c5_what_is_foreign_is_never_touched(pool: PgPool) {
    three_brokers(pool, 1, async |world| {
        world.landscape().await;
        let others = world.app("foreign");
        make(world, &others, &world.topic().await).await;
        let before = world.holdings(&others).await;

        // What is new is made,
        let mut reconciler = world.reconciler();
        converge(&mut reconciler).await;
        // what drifts is set back,
        let shop = world.principal("shop");
        let own = world.acls(&shop).await;
        let added = acl(&shop, Operation::All, ResourceKind::Topic, Pattern::Prefixed, "businessevents.");
        world.root.create_acls(&[added]).await.unwrap();
        until("the drift is seen", async || world.acls(&shop).await.len() == own.len() + 1).await;
        until("the drift is set back", async || {
            reconciler.pass().await.unwrap();
            world.acls(&shop).await == own
        })
        .await;
        // and what is disabled is taken away.
        for app in ["shop", "mail"] {
            world.manager.set_app_broker(&OPERATOR, &world.app(app), false).await.unwrap();
        }
        converge(&mut reconciler).await;
        assert!(world.acls(&shop).await.is_empty());

        let after = world.holdings(&others).await;
        let touched: Vec<_> = before.symmetric_difference(&after).collect();
        assert!(touched.is_empty(), "{touched:?}");
    })
    .await;
}
