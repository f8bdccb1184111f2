//! The console's API.

use reqwest::Method;
use serde_json::Value;
use tokio::time::{Duration, Instant, sleep};

use super::{Result, setting};

/// How long something may take that the console does by itself.
const PATIENCE: Duration = Duration::from_mins(1);

/// The API, called as the admin.
pub struct Api {
    url: String,
    token: String,
    client: reqwest::Client,
}

impl Api {
    /// From the settings.
    pub fn from_settings() -> Result<Self> {
        let url = format!("{}/api/v1", setting("EBM_URL")?);
        Ok(Self { url, token: setting("EBM_ADMIN_TOKEN")?, client: reqwest::Client::new() })
    }

    /// Reads.
    pub async fn get(&self, path: &str) -> Result<Value> {
        self.call(Method::GET, path, &Value::Null).await
    }

    /// Sets.
    pub async fn put(&self, path: &str, body: &Value) -> Result<Value> {
        self.call(Method::PUT, path, body).await
    }

    /// Acts.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        self.call(Method::POST, path, body).await
    }

    async fn call(&self, method: Method, path: &str, body: &Value) -> Result<Value> {
        let mut request = self.client.request(method.clone(), format!("{}{path}", self.url)).bearer_auth(&self.token);
        if !body.is_null() {
            request = request.json(body);
        }
        let answer = request.send().await?;
        let (status, text) = (answer.status(), answer.text().await?);
        if !status.is_success() {
            return Err(format!("{method} {path}: {status}: {text}").into());
        }
        if text.is_empty() { Ok(Value::Null) } else { Ok(serde_json::from_str(&text)?) }
    }

    /// Reads until what is there is as wanted.
    pub async fn wait(&self, path: &str, what: &str, wanted: impl Fn(&Value) -> bool) -> Result<Value> {
        let until = Instant::now() + PATIENCE;
        loop {
            let found = self.get(path).await?;
            if wanted(&found) {
                return Ok(found);
            }
            if Instant::now() > until {
                return Err(format!("{path} is not {what}: {found}").into());
            }
            sleep(Duration::from_millis(200)).await;
        }
    }
}
