//! Whether Kafka keeps the Spaces apart: said of brokers that were really started so.
//!
//! | broker | started |
//! |---|---|
//! | that of all tests | as it has to be |
//! | `EBM_TEST_OPEN__BOOTSTRAP` | without an authorizer, with topics that make themselves, without an end of logins |
//! | `EBM_TEST_LAX__BOOTSTRAP` | letting everyone in where no rule is, with an app's user, `EBM_TEST_LAX__SUPER_USER`, as a super user |

use ebm::manager::cluster::{Check, Isolation, Report};
use sqlx::PgPool;

use super::{OPERATOR, World, converge, inside, kafka_at, until, variable, world};

impl World {
    /// What pages are told.
    async fn reported(&self) -> Report {
        self.manager.load_cluster(&OPERATOR).await.unwrap().unwrap().1
    }

    /// What stands on every page.
    async fn breaches(&self) -> Vec<String> {
        sqlx::query_scalar("select breaches from cluster_report").fetch_one(&self.pool).await.unwrap()
    }
}

fn check<'a>(report: &'a Report, setting: &str) -> &'a Check {
    report.checks.iter().find(|check| check.setting == setting).unwrap_or_else(|| panic!("{setting}: {report:#?}"))
}

fn holds<const N: usize>(report: &Report, settings: [&str; N]) -> [Option<bool>; N] {
    settings.map(|setting| check(report, setting).holds)
}

#[sqlx::test]
async fn of_a_broker_that_keeps_the_spaces_apart_all_is_said_to_be_well(pool: PgPool) {
    world(pool, async |world| {
        world.landscape().await;
        let mut reconciler = world.reconciler();
        converge(&mut reconciler).await;
        reconciler.look_at_isolation().await;
        reconciler.publish().await;
        let report = world.reported().await;
        for check in &report.checks {
            assert_eq!(check.holds, Some(true), "{check:?}");
        }
        assert_eq!((report.checks.len(), report.isolation()), (6, Isolation::Enforced));
        assert!(world.breaches().await.is_empty());
        let canary = world.app("canary");
        until("the user of the trial is gone", async || !world.has_user(&canary).await).await;
    })
    .await;
}

#[sqlx::test]
async fn a_broker_without_an_authorizer_is_said_to_keep_nobody_apart(pool: PgPool) {
    let world = World::at(&variable("EBM_TEST_OPEN__BOOTSTRAP"), pool, 1);
    world.landscape().await;
    let mut reconciler = world.reconciler();
    let error = reconciler.pass().await.unwrap_err();
    assert!(!error.is_transient(), "{error}");
    reconciler.look_at_isolation().await;
    reconciler.publish().await;
    let report = world.reported().await;
    let wrong = ["authorizer.class.name", "auto.create.topics.enable", "connections.max.reauth.ms"];
    assert_eq!(holds(&report, wrong), [Some(false); 3], "{report:#?}");
    // There is nothing to try: nobody asks.
    assert_eq!(holds(&report, ["allow.everyone.if.no.acl.found", "super.users"]), [None; 2]);
    assert_eq!(report.isolation(), Isolation::NotEnforced);
    assert_eq!(world.breaches().await, ["authorizer.class.name", "auto.create.topics.enable"]);
    let said = report.error.unwrap();
    assert!(said.contains("no authorizer"), "{said}");

    // Another process that cannot reach Kafka leaves standing what was seen.
    let away = kafka_at("127.0.0.1:9", "nobody", "");
    let mut blind = world.reconciler_as(away);
    blind.pass().await.unwrap_err();
    blind.look_at_isolation().await;
    blind.publish().await;
    let later = world.reported().await;
    assert_eq!(later.checks, report.checks);
    assert_eq!(world.breaches().await.len(), 2);
}

#[sqlx::test]
async fn who_is_let_in_without_a_rule_is_found_by_trial(pool: PgPool) {
    let too_much = variable("EBM_TEST_LAX__SUPER_USER");
    let name = too_much.strip_suffix("-super.test").unwrap().to_owned();
    let world = World { name, ..World::at(&variable("EBM_TEST_LAX__BOOTSTRAP"), pool, 1) };
    inside(&world, async |world| {
        for app in ["super", "mail"] {
            world.enabled_app(app).await;
            world.credentials(app).await;
        }
        let mut reconciler = world.reconciler();
        converge(&mut reconciler).await;
        reconciler.look_at_isolation().await;
        reconciler.publish().await;
        let report = world.reported().await;
        let wrong = ["allow.everyone.if.no.acl.found", "super.users"];
        assert_eq!(holds(&report, wrong), [Some(false); 2], "{report:#?}");
        let right = ["authorizer.class.name", "auto.create.topics.enable", "connections.max.reauth.ms"];
        assert_eq!(holds(&report, right), [Some(true); 3], "{report:#?}");
        let text = &check(&report, "super.users").text;
        assert!(text.contains(&too_much) && !text.contains(&world.app("mail")), "{text}");
        assert_eq!(report.isolation(), Isolation::NotEnforced);
        assert_eq!(world.breaches().await, wrong);
    })
    .await;
}
