//! A change is followed by a look at what is open; everything else is looked at by the clock, however much changes.

use std::time::{Duration, Instant};

use ebm::reconcile::Settings;
use sqlx::PgPool;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{Followed, OPERATOR, SOON, World, until, world};

/// Reconciles until it is dropped.
struct Reconciling {
    task: JoinHandle<()>,
    shutdown: DropGuard,
}

impl Reconciling {
    /// Looks at everything so often; the landscape is applied.
    async fn every(world: &World, period: Duration) -> Self {
        let shutdown = CancellationToken::new();
        let reconciler = world.reconciler_by(|settings| Settings { period, ..settings });
        let run = reconciler.run(shutdown.clone());
        let reconciling = Self { task: tokio::spawn(async { run.await.unwrap() }), shutdown: shutdown.drop_guard() };
        for app in ["shop", "mail"] {
            applied(world, app).await;
        }
        reconciling
    }

    async fn end(self) {
        drop(self.shutdown);
        tokio::time::timeout(SOON, self.task).await.unwrap().unwrap();
    }
}

async fn applied(world: &World, app: &str) {
    until("the change is applied", async || world.followed(app).await == Followed::Applied).await;
}

#[sqlx::test]
async fn a_change_is_followed_without_a_look_at_everything(pool: PgPool) {
    world(pool, async |world| {
        world.landscape().await;
        let mail = world.principal("mail");
        let reconciling = Reconciling::every(world, Duration::from_hours(1)).await;
        world.root.delete_acls_of(&mail).await.unwrap();
        until("the rules are gone", async || world.acls(&mail).await.is_empty()).await;
        for is_on in [false, true] {
            world.manager.set_app_broker(&OPERATOR, &world.app("shop"), is_on).await.unwrap();
            applied(world, "shop").await;
            assert_eq!(world.acls(&world.principal("shop")).await.is_empty(), !is_on);
        }
        assert!(world.acls(&mail).await.is_empty(), "nothing had told of it");
        // A change of its own is.
        world.manager.set_app_broker(&OPERATOR, &world.app("mail"), false).await.unwrap();
        world.manager.set_app_broker(&OPERATOR, &world.app("mail"), true).await.unwrap();
        applied(world, "mail").await;
        assert!(!world.acls(&mail).await.is_empty());
        reconciling.end().await;
    })
    .await;
}

#[sqlx::test]
async fn drift_is_set_back_while_changes_never_end(pool: PgPool) {
    world(pool, async |world| {
        world.landscape().await;
        let mail = world.principal("mail");
        let reconciling = Reconciling::every(world, Duration::from_secs(2)).await;
        world.root.delete_acls_of(&mail).await.unwrap();
        let (mut is_on, mut changes, began) = (false, 0, Instant::now());
        until("the rules are back", async || {
            world.manager.set_app_broker(&OPERATOR, &world.app("shop"), is_on).await.unwrap();
            (is_on, changes) = (!is_on, changes + 1);
            // What was just deleted may still show.
            began.elapsed() > Duration::from_secs(1) && !world.acls(&mail).await.is_empty()
        })
        .await;
        assert!(changes > 10, "{changes} changes meanwhile");
        applied(world, "shop").await;
        reconciling.end().await;
    })
    .await;
}
