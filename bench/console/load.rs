//! Asking for pages: at a rate, as fast as can be, and once for their size.

use std::time::{Duration, Instant};

use reqwest::{Url, header};

use crate::{Result, figures::percentile, process::Server};

/// Connections that ask as fast as can be.
const CONNECTIONS: usize = 8;

/// A signed-in browser.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    cookie: String,
}

/// How long pages took; infinite where they were refused.
#[derive(Clone, Copy, Default)]
pub struct Timing {
    /// Half were faster than this, in milliseconds.
    pub p50: f64,
    /// Of a hundred, ninety-nine were.
    pub p99: f64,
}

/// Bytes as sent, compressed with brotli.
#[derive(Clone, Copy)]
pub struct Size {
    /// The page alone.
    pub page: usize,
    /// Its files.
    pub files: usize,
}

impl Client {
    /// Signs in, as a browser does.
    pub async fn sign_in(server: &Server, email: &str, password: &str) -> Result<Self> {
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
        let url = server.url("/sign-in");
        let origin = Url::parse(&url)?.origin().ascii_serialization();
        let form = [("email", email), ("password", password)];
        let answer = http.post(url).header(header::ORIGIN, origin).form(&form).send().await?;
        let cookie = answer.headers().get_all(header::SET_COOKIE).iter().filter_map(|c| c.to_str().ok());
        let cookie = cookie.filter_map(|c| c.split(';').next()).find(|c| c.starts_with("ebm="));
        let cookie = cookie.ok_or_else(|| format!("signing in answered {} and no cookie", answer.status()))?.to_owned();
        Ok(Self { http, cookie })
    }

    async fn get(&self, url: &str) -> Result<Vec<u8>> {
        self.get_as(url, "br").await
    }

    async fn get_as(&self, url: &str, coding: &str) -> Result<Vec<u8>> {
        let request = self.http.get(url).header(header::COOKIE, &self.cookie).header(header::ACCEPT_ENCODING, coding);
        let answer = request.send().await?;
        if !answer.status().is_success() {
            return Err(format!("{url} answered {}", answer.status()).into());
        }
        Ok(answer.bytes().await?.to_vec())
    }

    /// Asks at a rate, whether answers come or not: a slow answer is not hidden by asking less.
    pub async fn at_rate(&self, url: &str, rate: u32, time: Duration) -> Result<Timing> {
        let mut ticks = tokio::time::interval(Duration::from_secs(1) / rate);
        let until = Instant::now() + time;
        let mut asked = tokio::task::JoinSet::new();
        while Instant::now() < until {
            let due = ticks.tick().await;
            let (client, url) = (self.clone(), url.to_owned());
            asked.spawn(async move { client.get(&url).await.map(|_| due.elapsed().as_secs_f64() * 1000.0) });
        }
        let mut times = Vec::new();
        while let Some(done) = asked.join_next().await {
            // What is refused, since the server cannot keep up, is worse than any answer.
            times.push(done?.unwrap_or(f64::INFINITY));
        }
        let at = |percent| percentile(times.iter().copied(), percent);
        Ok(Timing { p50: at(50), p99: at(99) })
    }

    /// Asks over some connections, each again as soon as it is answered, uncompressed: compressing is the same work
    /// whoever draws the page. Gives the number of pages.
    pub async fn as_fast_as_can_be(&self, url: &str, time: Duration) -> Result<u32> {
        let until = Instant::now() + time;
        let mut askers = tokio::task::JoinSet::new();
        for _ in 0..CONNECTIONS {
            let (client, url) = (self.clone(), url.to_owned());
            askers.spawn(async move {
                let mut pages = 0;
                while Instant::now() < until {
                    client.get_as(&url, "identity").await?;
                    pages += 1;
                }
                Result::Ok(pages)
            });
        }
        let mut pages = 0;
        while let Some(done) = askers.join_next().await {
            pages += done??;
        }
        Ok(pages)
    }

    /// The size of a page and of all files it names.
    pub async fn size(&self, server: &Server, path: &str) -> Result<Size> {
        let url = server.url(path);
        let page = self.get(&url).await?.len();
        let plain = self.http.get(&url).header(header::COOKIE, &self.cookie).send().await?.text().await?;
        let mut files = 0;
        let named = plain.split('"').filter(|part| part.starts_with("/pkg/") || *part == "/favicon.svg");
        let named: std::collections::BTreeSet<&str> = named.collect();
        for file in named {
            files += self.get(&server.url(file)).await.map_or(0, |bytes| bytes.len());
        }
        Ok(Size { page, files })
    }
}
