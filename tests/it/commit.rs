//! C1: what is done, its row in the history and its wake-up are one transaction, and nobody is told anything else.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

use ebm::manager::{Actor, Error, apps::AppDraft, history::Verdict};
use sqlx::{
    PgPool,
    postgres::{PgListener, PgPoolOptions},
};

use crate::support::{
    gate::{Gate, Moment},
    manager,
};

#[sqlx::test]
async fn c1_an_answer_that_was_lost_is_looked_up_before_anyone_is_told(pool: PgPool) {
    let gate = Gate::before(&pool).await;
    let by_gate = PgPoolOptions::new().max_connections(3).connect_with(gate.options()).await.unwrap();
    let manager = manager(&by_gate, false).await;
    let mut woken = PgListener::connect_with(&pool).await.unwrap();
    woken.listen("ebm_desired").await.unwrap();

    let mut rows = 0;
    for round in 0..20 {
        for cut in [Moment::After, Moment::Before] {
            let key = format!("app-{round}-{}", format!("{cut:?}").to_lowercase());
            let draft = AppDraft { key: key.clone(), name: String::new(), plan: "licensed".into(), contacts: None };
            let struck = gate.arm(cut, &key, || {});
            let done = manager.register_app(&Actor::Operator, &draft).await;
            struck.await.expect("there was a COMMIT");
            let sql = "select (select count(*) from app where key = $1), (select count(*) from change where object_name = $1)";
            let there: (i64, i64) = sqlx::query_as(sql).bind(&key).fetch_one(&pool).await.unwrap();
            match cut {
                Moment::Before => {
                    let told = done.unwrap_err();
                    assert!(matches!(told, Error::Unavailable(_)), "{told:?}");
                    assert_eq!(there, (0, 0));
                }
                Moment::During | Moment::After => {
                    assert!(done.unwrap().created);
                    assert_eq!(there, (1, 1));
                    woken.recv().await.unwrap();
                    rows += 1;
                }
            }
        }
    }
    assert_eq!(manager.check_history().await.unwrap(), Verdict::Sound { rows });
}
