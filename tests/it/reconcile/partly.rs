//! Kafka refuses some rules of a call and takes the others: only the rest is tried again, and nothing is said early.
//!
//! A broker refuses a rule alone when it is about a cluster of another name than `kafka-cluster` (Kafka's `AclApis`). What
//! stands between the reconciler and the broker makes one such.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use ebm::kafka::admin;
use sqlx::PgPool;
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
};

use super::{Followed, World, converge, shared_broker, steps::frame, world};

/// The key of `CreateAcls`.
const CREATE_ACLS: i16 = 30;

/// What a rule is about: a cluster (Kafka protocol, `ResourceType`).
const CLUSTER: u8 = 4;

/// The way to the broker, on which the first rule of each `CreateAcls` is spoiled as long as that is wanted.
struct Spoiling {
    address: String,
    is_on: Arc<AtomicBool>,
    rules: Arc<AtomicUsize>,
}

impl Spoiling {
    async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (is_on, rules) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicUsize::new(0)));
        let (spoils, counts) = (Arc::clone(&is_on), Arc::clone(&rules));
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let (spoils, counts) = (Arc::clone(&spoils), Arc::clone(&counts));
                let mut broker = TcpStream::connect(shared_broker()).await.unwrap();
                tokio::spawn(async move {
                    while let Ok(mut request) = frame(&mut client).await {
                        if i16::from_be_bytes([request[4], request[5]]) == CREATE_ACLS {
                            let (count, first) = rules_of(&request);
                            counts.fetch_add(count, Ordering::SeqCst);
                            if spoils.load(Ordering::SeqCst) {
                                request[first] = CLUSTER;
                            }
                        }
                        broker.write_all(&request).await.unwrap();
                        client.write_all(&frame(&mut broker).await.unwrap()).await.unwrap();
                    }
                });
            }
        });
        Self { address, is_on, rules }
    }
}

/// How many rules a request creates, and where the first begins, with the kind of what it is about (Kafka protocol,
/// `CreateAclsRequest` version 3 behind a request header of version 2).
fn rules_of(request: &[u8]) -> (usize, usize) {
    // Length, key, version and number of the request; then the client's name, and no tags.
    let client = usize::from(u16::from_be_bytes([request[12], request[13]]));
    let at = 14 + client + 1;
    // Their number and one: of so few it is one byte.
    assert!(request[at] < 0x80);
    (usize::from(request[at]) - 1, at + 1)
}

#[sqlx::test]
async fn of_a_call_that_is_refused_in_part_only_the_rest_is_tried_again(pool: PgPool) {
    world(pool, async |world: &World| {
        world.landscape().await;
        let spoiling = Spoiling::new().await;
        let through_it = admin::Settings { bootstrap: vec![spoiling.address.clone()], ..world.console.clone() };
        let mut reconciler = world.reconciler_as(through_it);

        let report = reconciler.pass().await.unwrap();
        let asked = spoiling.rules.swap(0, Ordering::SeqCst);
        assert!(asked > 1, "there is more than one rule to refuse a part of");
        let (shop, mail) = (world.followed("shop").await, world.followed("mail").await);
        let refused = [&shop, &mail].into_iter().filter(|how| matches!(how, Followed::Failed(_))).count();
        let applied = [&shop, &mail].into_iter().filter(|how| **how == Followed::Applied).count();
        assert_eq!((report.failed, refused, applied), (1, 1, 1), "{shop:?} {mail:?} {report:?}");
        let there = world.acls(&world.principal("shop")).await.len() + world.acls(&world.principal("mail")).await.len();
        assert_eq!(there, asked - 1, "the others of the call are there");

        spoiling.is_on.store(false, Ordering::SeqCst);
        let report = reconciler.pass().await.unwrap();
        assert_eq!((report.written, report.failed, report.pending), (1, 0, 0), "{report:?}");
        assert_eq!(spoiling.rules.load(Ordering::SeqCst), 1, "what was taken is not asked for again");
        for app in ["shop", "mail"] {
            assert_eq!(world.followed(app).await, Followed::Applied);
        }
        assert_eq!(converge(&mut world.reconciler()).await.written, 0);
    })
    .await;
}
