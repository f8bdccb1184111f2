//! Between two Spaces: who moves is shut out of the one before the other opens (C7).

use std::{
    mem,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use ebm::{
    kafka::admin::{Admin, Code},
    manager::Followed,
};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use sqlx::PgPool;
use tokio::{
    task::JoinHandle,
    time::{MissedTickBehavior, interval},
};

use super::{OPERATOR, converge, kafka, producer, send, until, world};

/// Fifty questions a second.
const PERIOD: Duration = Duration::from_millis(20);

/// There and back again, and at the end there.
const MOVES: usize = 9;

/// Which of two topics were open at one moment.
#[derive(Clone, Copy, Debug)]
struct Answer {
    /// Since the first question.
    at: Duration,
    open: [bool; 2],
}

/// Asks as an app, again and again, which of two topics it may use: both in one question, so that each answer is of one
/// moment.
///
/// It asks for a description, which is open to whoever may write or read, since nothing is in between: the broker looks
/// at its rules anew at each request, whereas a producer remembers refusals.
struct Probe {
    answers: Arc<Mutex<Vec<Answer>>>,
    asking: JoinHandle<()>,
}

impl Probe {
    fn start(login: &(String, String), topics: [String; 2]) -> Self {
        let answers = Arc::<Mutex<Vec<Answer>>>::default();
        let asking = tokio::spawn(ask(Admin::new(kafka(&login.0, &login.1)), topics, Arc::clone(&answers)));
        Self { answers, asking }
    }

    /// Whether exactly this was open when it last asked.
    fn sees(&self, open: [bool; 2]) -> bool {
        assert!(!self.asking.is_finished(), "the probe has failed");
        self.answers.lock().unwrap().last().is_some_and(|answer| answer.open == open)
    }

    /// All answers, in their order.
    fn end(self) -> Vec<Answer> {
        self.asking.abort();
        mem::take(&mut *self.answers.lock().unwrap())
    }
}

async fn ask(admin: Admin, topics: [String; 2], answers: Arc<Mutex<Vec<Answer>>>) {
    let mut ticks = interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let began = Instant::now();
    loop {
        ticks.tick().await;
        let seen = admin.topics(Some(&topics)).await.unwrap();
        // That one is not there is said to those only who may know.
        let denied = Some(Code::TOPIC_AUTHORIZATION_FAILED);
        let is_open = |name: &String| seen.iter().any(|topic| topic.name == *name && topic.error != denied);
        let open = topics.each_ref().map(is_open);
        answers.lock().unwrap().push(Answer { at: began.elapsed(), open });
    }
}

#[sqlx::test]
async fn c7_nobody_ever_sees_both_spaces_open(pool: PgPool) {
    world(pool, async |world| {
        let [shop, _] = world.landscape().await;
        let mut reconciler = world.reconciler();
        converge(&mut reconciler).await;
        let spaces = [world.space(), world.app("elsewhere")];
        world.manager.create_space(&OPERATOR, &spaces[1]).await.unwrap();
        let here = world.topic().await;
        let there = here.replace(&spaces[0], &spaces[1]);
        let live = producer(&shop);
        send(&live, &here).await.unwrap();
        let only = |at: usize| [at == 0, at == 1];
        let probe = Probe::start(&shop, [here.clone(), there.clone()]);
        until("the probe sees where it begins", async || probe.sees(only(0))).await;

        let app = world.app("shop");
        for to in (1..=MOVES).map(|n| n % 2) {
            let plan = world.manager.rehearse_move(&OPERATOR, &app, "test", &spaces[to]).await.unwrap();
            let version = &plan.plan_version;
            world.manager.move_environment(&OPERATOR, &app, "test", &spaces[to], version).await.unwrap();
            converge(&mut reconciler).await;
            assert_eq!(world.followed("shop").await, Followed::Applied);
            until("the probe sees the move", async || probe.sees(only(to))).await;
        }

        let answers = probe.end();
        let shut = answers.iter().filter(|answer| answer.open == [false; 2]).count();
        let took = answers.last().unwrap().at;
        println!("{} answers in {took:?}, {shut} of them with neither open", answers.len());
        // What was open, one after the other. Had both been open, or the old one again, there would be more of it.
        let mut opened: Vec<_> = answers.into_iter().filter(|answer| answer.open != [false; 2]).collect();
        opened.dedup_by_key(|answer| answer.open);
        let order: Vec<_> = opened.iter().map(|answer| answer.open).collect();
        let expected: Vec<_> = (0..=MOVES).map(|n| only(n % 2)).collect();
        assert_eq!(order, expected, "{opened:?}");

        let refused = send(&live, &here).await.unwrap_err();
        assert_eq!(refused, KafkaError::MessageProduction(RDKafkaErrorCode::TopicAuthorizationFailed));
        send(&producer(&shop), &there).await.unwrap();
    })
    .await;
}
