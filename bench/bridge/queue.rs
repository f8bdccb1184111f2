//! The double in a process of its own, as who measures sees it.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
};

use serde::Serialize;

use crate::{
    Result,
    double::{Counts, Setup},
};

/// A running double. It ends when this is dropped.
pub struct Queue {
    child: Child,
    http: reqwest::Client,
    /// Its address, for SQS and for STS.
    pub address: String,
}

impl Drop for Queue {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Queue {
    /// Starts one.
    pub fn start() -> Result<Self> {
        let http = reqwest::Client::builder().no_proxy().build()?;
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("double").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut queue = Self { child: command.spawn()?, http, address: String::new() };
        let output = queue.child.stdout.take().ok_or("no standard output")?;
        BufReader::new(output).read_line(&mut queue.address)?;
        queue.address.truncate(queue.address.trim_end().len());
        Ok(queue)
    }

    /// Begins anew, for the next contestant.
    pub async fn set(&self, setup: &Setup) -> Result<()> {
        self.post("setup", setup).await
    }

    /// From now on messages come at their pace.
    pub async fn begin(&self) -> Result<()> {
        self.post("begin", &()).await
    }

    /// What it has seen so far.
    pub async fn counts(&self) -> Result<Counts> {
        Ok(self.http.get(self.url("counts")).send().await?.error_for_status()?.json().await?)
    }

    /// How long events took from being made to being sent to it, in microseconds.
    pub async fn latencies(&self) -> Result<Vec<u32>> {
        Ok(self.http.get(self.url("latencies")).send().await?.error_for_status()?.json().await?)
    }

    async fn post(&self, path: &str, body: &impl Serialize) -> Result<()> {
        self.http.post(self.url(path)).json(body).send().await?.error_for_status()?;
        Ok(())
    }

    fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.address)
    }
}
