//! What this program does in a process of its own, so that CPU and memory are those of nothing else.

use std::{
    collections::{BTreeSet, HashSet},
    num::NonZeroU32,
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use ebm::{
    kafka::admin::{self, Acl, AclFilter, Admin, Login, Mechanism, NewTopic, Sasl, ScramUser, To, salted_password},
    reconcile::{Reconciler, Settings},
    secrets::{Vault, parse_key},
    store,
};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use sqlx::postgres::PgListener;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::{
    Result, setting,
    took::{Stopwatch, Took},
    wanted::Wanted,
};

/// Passes until Kafka must agree.
const PASSES: usize = 200;
/// Passwords that are hashed to see what one costs.
const HASHED: u16 = 200;
/// Between two looks at whether the broker shows all.
const LOOKS: Duration = Duration::from_secs(1);
/// How long a change may take before something is wrong.
const CHANGE_WITHIN: Duration = Duration::from_mins(1);
/// Between two changes: the loop is at rest when someone changes something.
const REST: Duration = Duration::from_millis(300);

/// The changes, of the number of a channel or an app; each gives the page that shows how far Kafka has followed.
const KINDS: [(&str, &str); 2] = [
    (
        "the retention of a topic",
        "update channel_topic t set changed_at = clock_timestamp(), applied_at = null,
                config = jsonb_build_object('retention.ms', (86400001 + $1::int)::text)
         from channel c where c.id = t.channel_id and c.address = 'channel-' || $1::int
         returning 'channel:' || t.channel_id",
    ),
    (
        "a grant",
        "with held as (
             update environment e set access_changed_at = clock_timestamp(), access_applied_at = null
             from app a where a.id = e.app_id and a.key = 'app-' || $1::int and e.key = 'test'
             returning e.id, e.space_id),
         given as (
             insert into access_grant (id, environment_id, event_id, access)
             select gen_random_uuid(), h.id, v.id, 'publish' from held h cross join lateral (
                 select v.id from event v
                 join channel_topic t on t.channel_id = v.channel_id and t.space_id = h.space_id
                 where not exists (select from access_grant g where g.environment_id = h.id and g.event_id = v.id)
                 order by v.id limit 1) v)
         select 'environment:' || id from held",
    ),
];

/// How long changes of one kind took, from the end of the commit until the result was read back and written down.
#[derive(Serialize, Deserialize)]
pub struct Change {
    /// What was changed.
    pub kind: String,
    /// Seconds, of each.
    pub seconds: Vec<f64>,
}

/// Makes Kafka agree with Postgres.
pub async fn converge() -> Result<Took> {
    let mut reconciler = reconciler()?;
    let watch = Stopwatch::start();
    for _ in 0..PASSES {
        let report = reconciler.pass().await?;
        if report.failed > 0 {
            return Err(format!("Kafka refuses {} objects", report.failed).into());
        }
        if report.pending == 0 {
            return Ok(watch.read());
        }
    }
    Err(format!("Kafka has not followed after {PASSES} passes").into())
}

/// Makes the same by the same client, in the same order, and neither plans nor reads.
pub async fn alone() -> Result<Took> {
    make(false).await
}

/// The same, and waits until the broker shows all of it.
pub async fn shown() -> Result<Took> {
    make(true).await
}

async fn make(waits: bool) -> Result<Took> {
    let Wanted { topics, acls, users } = Wanted::load()?;
    let salted = user(String::new());
    let users: Vec<_> = users.into_iter().map(|name| ScramUser { name, ..salted.clone() }).collect();
    let admin = admin()?;
    let watch = Stopwatch::start();
    let made = admin.create_topics(&topics).await?;
    let stored = admin.upsert_scram_users(&users).await?;
    let granted = admin.create_acls(&acls).await?;
    while waits && !shows(&admin, &topics, &acls).await? {
        sleep(LOOKS).await;
    }
    let took = watch.read();
    let mut answers = made.into_iter().chain(stored).map(|(_, answer)| answer).chain(granted);
    match answers.find_map(std::result::Result::err) {
        Some(refusal) => Err(format!("Kafka refused: {refusal}").into()),
        None => Ok(took),
    }
}

/// Whether the broker shows all topics and ACLs.
async fn shows(admin: &Admin, topics: &[NewTopic], acls: &[Acl]) -> Result<bool> {
    let found: HashSet<_> = admin.topics(None).await?.into_iter().map(|topic| topic.name).collect();
    if topics.iter().any(|topic| !found.contains(&topic.name)) {
        return Ok(false);
    }
    let found: BTreeSet<_> = admin.acls(To::Any, AclFilter::Any).await?.into_iter().collect();
    Ok(acls.iter().all(|acl| found.contains(acl)))
}

/// Passes over what has converged, one after the other.
pub async fn look(passes: u32) -> Result<Vec<Took>> {
    let mut reconciler = reconciler()?;
    let mut looks = Vec::new();
    for _ in 0..passes {
        let watch = Stopwatch::start();
        let report = reconciler.pass().await?;
        if report.written > 0 || report.pending > 0 {
            return Err(format!("a pass that should only look did {:?}", report.steps).into());
        }
        looks.push(watch.read());
    }
    Ok(looks)
}

/// Begins to make Kafka agree with Postgres, and drops that after so many seconds.
pub async fn drop_after(seconds: f64) -> Result<Took> {
    let mut reconciler = reconciler()?;
    let watch = Stopwatch::start();
    // Dropped by the end of its time, or through before.
    if let Ok(pass) = timeout(Duration::from_secs_f64(seconds), reconciler.pass()).await {
        pass?;
    }
    Ok(watch.read())
}

/// Changes things one after the other while the reconciler runs as in `ebm serve`.
pub async fn change(times: u32) -> Result<Vec<Change>> {
    let pool = store::pool(&setting("BENCH_DATABASE")?, 4)?;
    let reconciler = reconciler()?;
    let mut observer = reconciler.observer();
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(reconciler.run(shutdown.clone()));
    loop {
        let report = observer.next().await.ok_or("the reconciler has ended")?;
        if let Some(error) = report.error {
            return Err(error.into());
        }
        if report.succeeded_at.is_some() {
            break;
        }
    }
    let mut followed = PgListener::connect_with(&pool).await?;
    followed.listen(store::CHANGED).await?;
    let mut changes = Vec::new();
    for (kind, statement) in KINDS {
        let mut seconds = Vec::new();
        for number in 0..i32::try_from(times)? {
            sleep(REST).await;
            let mut tx = store::begin(&pool).await?;
            let page: String = sqlx::query_scalar(statement).bind(number).fetch_one(&mut *tx).await?;
            store::notify(&mut tx, store::DESIRED, "").await?;
            tx.commit().await?;
            let committed = Instant::now();
            while timeout(CHANGE_WITHIN, followed.recv()).await??.payload() != page {}
            seconds.push(committed.elapsed().as_secs_f64());
        }
        changes.push(Change { kind: kind.to_owned(), seconds });
    }
    shutdown.cancel();
    running.await??;
    Ok(changes)
}

/// CPU milliseconds of hashing one password.
pub fn hash() -> f64 {
    let watch = Stopwatch::start();
    for _ in 0..HASHED {
        user(String::new());
    }
    watch.read().cpu * 1000.0 / f64::from(HASHED)
}

/// The client that every role uses: with the rights of the console, through the proxy.
pub fn admin() -> Result<Admin> {
    let login = Login::new(setting("BENCH_USERNAME")?, SecretString::from(setting("BENCH_PASSWORD")?));
    let sasl = Some(Sasl::Scram512(login));
    Ok(Admin::new(admin::Settings { sasl, ..admin::Settings::new(vec![setting("BENCH_PROXY")?]) }))
}

/// What seals the passwords.
pub fn vault() -> Result<Vault> {
    Ok(Vault::new(&key(1))?)
}

/// A user with the password of all.
pub fn user(name: String) -> ScramUser {
    let (mechanism, iterations, salt) = (Mechanism::Sha512, NonZeroU32::MIN.saturating_add(4095), vec![0; 32]);
    let password = SecretString::from("a password for measuring");
    let salted_password = salted_password(mechanism, &password, &salt, iterations);
    ScramUser { name, mechanism, iterations, salt, salted_password }
}

fn reconciler() -> Result<Reconciler> {
    let pool = store::pool(&setting("BENCH_DATABASE")?, 4)?;
    let settings = Settings::new("ebm-worker".to_owned(), setting("BENCH_USERNAME")?, 1);
    Ok(Reconciler::new(pool, vault()?, parse_key(&key(2))?, admin()?, settings))
}

fn key(byte: u8) -> SecretString {
    SecretString::from(STANDARD.encode([byte; 32]))
}
