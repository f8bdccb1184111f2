//! What admins have decided about what was found in Kafka.

use std::collections::BTreeMap;

use time::OffsetDateTime;

use super::{PgConnection, Result, error::parsed};
use crate::domain::{decision::Answer, ids::MemberId};

/// A decision.
#[derive(Clone, Debug)]
pub struct Decision {
    /// What was decided.
    pub answer: Answer,
    /// Why.
    pub reason: String,
    /// Who decided it: the member's address; `None` where it was no member.
    pub by: Option<String>,
    /// When.
    pub at: OffsetDateTime,
}

/// All decisions by what they are about.
pub async fn list(db: &mut PgConnection) -> Result<BTreeMap<String, Decision>> {
    sqlx::query!(
        r#"select d.subject, d.answer, d.reason, d.decided_at, m.email as "email?"
           from decision d left join member m on m.id = d.member_id order by d.subject"#
    )
    .fetch_all(db)
    .await?
    .into_iter()
    .map(|r| {
        let answer = parsed(Answer::from_word(&r.answer), "decision.answer")?;
        Ok((r.subject, Decision { answer, reason: r.reason, by: r.email, at: r.decided_at }))
    })
    .collect()
}

/// Keeps a decision; a newer one takes the place of an older. Gives whether it is another than before.
pub async fn put(
    db: &mut PgConnection,
    subject: &str,
    answer: Answer,
    reason: &str,
    by: Option<MemberId>,
) -> Result<bool> {
    let done = sqlx::query!(
        "insert into decision (subject, answer, reason, member_id) values ($1, $2, $3, $4)
         on conflict (subject) do update
         set answer = excluded.answer, reason = excluded.reason, member_id = excluded.member_id, decided_at = now()
         where (decision.answer, decision.reason) is distinct from (excluded.answer, excluded.reason)",
        subject,
        answer.as_str(),
        reason,
        by.map(|member| member.0)
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Forgets decisions: they have been carried out, or what they are about is gone.
pub async fn delete(db: &mut PgConnection, subjects: &[String]) -> Result<()> {
    sqlx::query!("delete from decision where subject = any($1)", subjects).execute(db).await?;
    Ok(())
}
