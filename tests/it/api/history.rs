//! The history: complete, in order, and proof against the hand of whoever has the database.

use ebm::manager::history::Verdict;
use sqlx::PgPool;

use crate::support::World;

#[sqlx::test]
async fn every_change_has_its_row_and_the_chain_holds(pool: PgPool) {
    let world = World::new(pool, false).await;
    let shown = world.api.get(&world.viewer, "/changes?limit=200").await.expect(200);
    let rows = shown["items"].as_array().unwrap();
    let acts: Vec<_> = rows.iter().rev().map(|row| row["act"].as_str().unwrap()).collect();
    let expected = ["member.blocked", "app.registered", "environment.registered", "app.enabled", "environment.enabled"];
    let first = acts.iter().position(|act| *act == expected[0]).unwrap();
    assert_eq!(acts[first..first + 5], expected, "{acts:?}");
    assert!(acts.ends_with(&["environment.enabled", "token.created"]));
    for (row, number) in rows.iter().rev().zip(1..) {
        assert_eq!(row["number"], number);
    }
    assert_eq!(rows[0]["actor"], "contact@example.com");
    let count = i64::try_from(rows.len()).unwrap();
    assert_eq!(world.api.manager.check_history().await.unwrap(), Verdict::Sound { rows: count });
}

#[sqlx::test]
async fn a_row_edited_deleted_moved_or_planted_is_found(pool: PgPool) {
    let world = World::new(pool, false).await;
    let (manager, pool) = (&world.api.manager, &world.pool);
    let run = async |sql: &'static str| sqlx::raw_sql(sql).execute(pool).await.unwrap();
    run("create table kept as select * from change").await;
    let newest: i64 = sqlx::query_scalar("select max(number) from change").fetch_one(pool).await.unwrap();
    let cases = [
        ("update change set actor = 'nobody' where number = 3", 3),
        ("update change set at = at + interval '1 microsecond' where number = 4", 4),
        ("update change set member_id = null where number = (select max(number) from change)", newest),
        ("update change set after = '{\"role\":\"admin\"}' where number = 2", 2),
        ("delete from change where number = 5", 5),
        ("delete from change where number = 1", 1),
        ("delete from change where number = (select max(number) from change)", newest),
        (
            "update change set number = -number where number in (3, 4);
             update change set number = case number when -3 then 4 else 3 end where number < 0",
            3,
        ),
        (
            "insert into change select number + 1, at, member_id, actor, act, object_kind, object_id, object_name,
                    before, after, code, code from change where number = (select max(number) from change)",
            newest + 1,
        ),
        (
            "delete from change where number = 5;
             update change set number = number - 1000 where number > 5;
             update change set number = number + 999 where number < 0",
            5,
        ),
    ];
    for (tamper, first) in cases {
        run(tamper).await;
        match manager.check_history().await.unwrap() {
            Verdict::Broken { number, .. } => assert_eq!(number, first, "{tamper}"),
            Verdict::Sound { .. } => panic!("nothing was found after {tamper}"),
        }
        run("delete from change; insert into change select * from kept").await;
        assert_eq!(manager.check_history().await.unwrap(), Verdict::Sound { rows: newest });
    }
}
