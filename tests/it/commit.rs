//! C1: what is done, its row in the history and its wake-up are one transaction, and nobody is told anything else.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

use std::sync::{Arc, Mutex};

use ebm::manager::{Actor, Error, apps::AppDraft, history::Verdict};
use sqlx::{
    PgPool,
    postgres::{PgListener, PgPoolOptions, PgSslMode},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::support::manager;

/// Where a connection is cut.
#[derive(Clone, Copy, Debug)]
enum Cut {
    /// The COMMIT does not reach Postgres.
    Before,
    /// Postgres has answered it, and the answer does not reach the console.
    After,
}

type Armed = Arc<Mutex<Option<Cut>>>;

/// Passes on what comes to a port until a COMMIT comes by while it is armed. Gives the port.
async fn proxy(to: (String, u16), armed: Armed) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = TcpStream::connect(&to).await.unwrap();
            tokio::spawn(pass_on(client, server, Arc::clone(&armed)));
        }
    });
    port
}

async fn pass_on(mut client: TcpStream, mut server: TcpStream, armed: Armed) -> std::io::Result<()> {
    let (mut asked, mut answered) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        tokio::select! {
            n = client.read(&mut asked) => {
                let part = &asked[..n?];
                if part.is_empty() {
                    return Ok(());
                }
                let is_commit = part.windows(6).any(|word| word == b"COMMIT");
                let cut = if is_commit { armed.lock().unwrap().take() } else { None };
                if matches!(cut, Some(Cut::Before)) {
                    return Ok(());
                }
                server.write_all(part).await?;
                if cut.is_some() {
                    server.read(&mut answered).await?;
                    return Ok(());
                }
            }
            n = server.read(&mut answered) => {
                let part = &answered[..n?];
                if part.is_empty() {
                    return Ok(());
                }
                client.write_all(part).await?;
            }
        }
    }
}

#[sqlx::test]
async fn c1_an_answer_that_was_lost_is_looked_up_before_anyone_is_told(pool: PgPool) {
    let options = (*pool.connect_options()).clone();
    let armed = Armed::default();
    let port = proxy((options.get_host().to_owned(), options.get_port()), Arc::clone(&armed)).await;
    let options = options.host("127.0.0.1").port(port).ssl_mode(PgSslMode::Disable);
    let manager = manager(&PgPoolOptions::new().max_connections(3).connect_with(options).await.unwrap(), false).await;
    let mut woken = PgListener::connect_with(&pool).await.unwrap();
    woken.listen("ebm_desired").await.unwrap();

    let mut rows = 0;
    for round in 0..20 {
        for cut in [Cut::After, Cut::Before] {
            let key = format!("app-{round}-{}", format!("{cut:?}").to_lowercase());
            let draft = AppDraft { key: key.clone(), name: String::new(), plan: "licensed".into(), contacts: None };
            *armed.lock().unwrap() = Some(cut);
            let done = manager.register_app(&Actor::Operator, &draft).await;
            assert!(armed.lock().unwrap().is_none(), "there was a COMMIT");
            let sql = "select (select count(*) from app where key = $1), (select count(*) from change where object_name = $1)";
            let there: (i64, i64) = sqlx::query_as(sql).bind(&key).fetch_one(&pool).await.unwrap();
            match cut {
                Cut::After => {
                    assert!(done.unwrap().created);
                    assert_eq!(there, (1, 1));
                    woken.recv().await.unwrap();
                    rows += 1;
                }
                Cut::Before => {
                    let told = done.unwrap_err();
                    assert!(matches!(told, Error::Unavailable(_)), "{told:?}");
                    assert_eq!(there, (0, 0));
                }
            }
        }
    }
    assert_eq!(manager.check_history().await.unwrap(), Verdict::Sound { rows });
}
