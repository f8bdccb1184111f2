//! A company to look at: a furniture maker with six apps in three stages, their contracts, bridges and traffic.
//!
//! `landscape make` builds it through the API of a console that runs; `landscape flow` lets its apps produce and consume,
//! each with its own credentials, until it is stopped. Settings come from the environment: `EBM_URL`, `EBM_ADMIN_TOKEN`,
//! those of the AWS stand-in and of a super user of Kafka, and `EBM_LANDSCAPE`, a file that holds the credentials made. What `make` finds there it does
//! not make again.

mod api;
mod by_hand;
mod clients;
mod company;
mod contracts;
mod kept;
mod make;
mod queues;

use std::process::ExitCode;

/// What everything here answers.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

fn setting(name: &str) -> Result<String> {
    std::env::var(name).map_err(|_| format!("{name} is not set").into())
}

#[tokio::main]
async fn main() -> ExitCode {
    let asked = std::env::args().nth(1).unwrap_or_default();
    let done = match asked.as_str() {
        "make" => make::make().await,
        "flow" => clients::flow().await,
        _ => Err("say make or flow".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
