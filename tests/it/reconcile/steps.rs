//! A pass that dies at a step: before a write has reached Kafka, or after Kafka has answered it. It leaves nobody with more
//! than he had before or has afterwards, and the next pass ends what it began.

use std::{
    collections::BTreeSet,
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use ebm::kafka::admin;
use sqlx::PgPool;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Notify,
};

use super::{OPERATOR, World, converge, shared_broker, world};
use crate::faults::tries;

/// The keys of requests that change something: `CreateTopics`, `CreateAcls`, `DeleteAcls`, `CreatePartitions`,
/// `IncrementalAlterConfigs`, `AlterUserScramCredentials`.
const WRITES: [i16; 6] = [19, 30, 31, 37, 44, 51];

/// Where in a write it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    /// Kafka does not hear of it.
    Before,
    /// Kafka has done it.
    After,
}

/// What a reconciler goes through to Kafka. At one of its writes nothing comes through any more.
struct Wire {
    address: String,
    end: Arc<End>,
}

/// Where it ends.
struct End {
    /// At the write with this number, from 1.
    at: usize,
    moment: Moment,
    writes: AtomicUsize,
    came: Notify,
}

impl Wire {
    async fn that_ends(at: usize, moment: Moment) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let end = Arc::new(End { at, moment, writes: AtomicUsize::new(0), came: Notify::new() });
        let ends = Arc::clone(&end);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let broker = TcpStream::connect(shared_broker()).await.unwrap();
                tokio::spawn(pass_on(client, broker, Arc::clone(&ends)));
            }
        });
        Self { address, end }
    }
}

/// One request and its answer at a time: the reconciler's client asks no faster.
async fn pass_on(mut client: TcpStream, mut broker: TcpStream, end: Arc<End>) -> io::Result<()> {
    loop {
        let request = frame(&mut client).await?;
        // Behind the length lies the key.
        let key = i16::from_be_bytes([request[4], request[5]]);
        let is_last = WRITES.contains(&key) && end.writes.fetch_add(1, Ordering::SeqCst) + 1 == end.at;
        if !(is_last && end.moment == Moment::Before) {
            broker.write_all(&request).await?;
            let answer = frame(&mut broker).await?;
            if !is_last {
                client.write_all(&answer).await?;
                continue;
            }
        }
        end.came.notify_one();
        // Until the other side is dead.
        client.read_u8().await?;
    }
}

/// A frame with its length.
pub(super) async fn frame(from: &mut TcpStream) -> io::Result<Vec<u8>> {
    let length = from.read_i32().await?;
    let mut frame = length.to_be_bytes().to_vec();
    frame.resize(4 + usize::try_from(length).unwrap(), 0);
    from.read_exact(&mut frame[4..]).await?;
    Ok(frame)
}

/// What is changed for the shop.
#[derive(Clone, Copy, Debug)]
enum Change {
    /// It goes to a Space where it has no topic yet, and gets another password.
    Move,
    /// It loses everything.
    Off,
    /// It gets everything, from nothing.
    On,
}

/// What became of all tries.
#[derive(Debug, Default)]
struct Toll {
    tries: usize,
    /// Passes that died with somebody having more than before and more than afterwards.
    more: usize,
    /// Passes that died with somebody having less than before and less than afterwards.
    less: usize,
    /// Of what there should be at the end.
    missing: usize,
    /// Of what there should not be at the end.
    extra: usize,
}

/// Both apps' ACLs, and whether the shop can log in.
async fn access(world: &World) -> [BTreeSet<String>; 2] {
    let [shop, mail] = [world.principal("shop"), world.principal("mail")];
    let mut of_shop: BTreeSet<_> = world.acls(&shop).await.into_iter().collect();
    if world.has_user(&format!("{}.test", world.app("shop"))).await {
        of_shop.insert("login".to_owned());
    }
    [of_shop, world.acls(&mail).await.into_iter().collect()]
}

/// What the shop is to have in this Space, in words of our own.
fn due(world: &World, topic: &str) -> BTreeSet<String> {
    let shop = world.principal("shop");
    let write = |topic: &str| format!("ALLOW {shop} from * WRITE on TOPIC LITERAL {topic}");
    let heartbeat = format!("_mx_heartbeat.{}.test", world.app("shop"));
    BTreeSet::from([write(topic), write(&heartbeat), "login".to_owned()])
}

/// The shop, and the topic it writes to.
struct Shop<'a> {
    world: &'a World,
    topic: String,
    space: String,
    moves: usize,
}

impl Shop<'_> {
    async fn change(&mut self, change: Change) {
        let (manager, app) = (&self.world.manager, self.world.app("shop"));
        match change {
            Change::Off => manager.set_app_broker(&OPERATOR, &app, false).await.unwrap(),
            Change::On => manager.set_app_broker(&OPERATOR, &app, true).await.unwrap(),
            Change::Move => {
                self.moves += 1;
                let there = self.world.app(&format!("space-{}", self.moves));
                manager.create_space(&OPERATOR, &there).await.unwrap();
                let plan = manager.rehearse_move(&OPERATOR, &app, "test", &there).await.unwrap();
                manager.move_environment(&OPERATOR, &app, "test", &there, &plan.plan_version).await.unwrap();
                self.world.credentials("shop").await;
                self.topic = self.topic.replace(&self.space, &there);
                self.space = there;
            }
        }
    }

    /// Changes it, and lets the pass that follows die there. Gives `false` when the pass has not come so far.
    async fn dies(&mut self, change: Change, at: usize, moment: Moment, toll: &mut Toll) -> bool {
        let world = self.world;
        let began_with = if matches!(change, Change::On) { Change::Off } else { Change::On };
        self.change(began_with).await;
        converge(&mut world.reconciler()).await;
        let before = access(world).await;

        self.change(change).await;
        let wire = Wire::that_ends(at, moment).await;
        let by_wire = admin::Settings { bootstrap: vec![wire.address.clone()], ..world.console.clone() };
        let mut reconciler = world.reconciler_as(by_wire);
        let finished = tokio::select! {
            biased;
            () = wire.end.came.notified() => None,
            pass = reconciler.pass() => Some(pass),
        };
        // Dead: nothing of it goes on.
        drop(reconciler);
        let left = access(world).await;

        converge(&mut world.reconciler()).await;
        let after = access(world).await;
        let is_off = matches!(change, Change::Off);
        let due = if is_off { BTreeSet::new() } else { due(world, &self.topic) };
        toll.missing += due.difference(&after[0]).count();
        toll.extra += after[0].difference(&due).count();
        if let Some(finished) = finished {
            finished.unwrap();
            return false;
        }
        toll.tries += 1;
        let each = before.iter().zip(&left).zip(&after);
        toll.more += each.clone().filter(|((b, l), a)| !l.is_subset(b) && !l.is_subset(a)).count();
        toll.less += each.filter(|((b, l), a)| l.len() < b.len().min(a.len())).count();
        true
    }
}

#[sqlx::test]
async fn a_pass_that_dies_at_any_step_leaves_nobody_with_more_than_before_or_afterwards(pool: PgPool) {
    world(pool, async |world| {
        world.landscape().await;
        converge(&mut world.reconciler()).await;
        let mut shop = Shop { world, topic: world.topic().await, space: world.space(), moves: 0 };
        let mut toll = Toll::default();
        for _ in 0..tries(1, 20) {
            for change in [Change::Move, Change::Off, Change::On] {
                for moment in [Moment::Before, Moment::After] {
                    let mut at = 1;
                    while Box::pin(shop.dies(change, at, moment, &mut toll)).await {
                        at += 1;
                    }
                    assert!(at > 2, "{change:?} takes two writes at least, and {moment:?} was tried at {}", at - 1);
                }
            }
        }
        println!("a pass dies at a step: {toll:?}");
        assert_eq!((toll.more, toll.missing, toll.extra), (0, 0, 0));
        assert!(toll.less > 0, "between what is taken and what is given there is less");
        // One that knows nothing of all that finds nothing left to do.
        let report = world.reconciler().pass().await.unwrap();
        assert_eq!((report.written, report.pending, report.steps), (0, 0, vec![]));
    })
    .await;
}
