//! A manager over a database of the test's own, the API in front of it, and a small landscape to try things in.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

pub mod bridge;
pub mod brokers;
mod described;
pub mod gate;
pub mod kafka;
pub mod letter;

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Request, StatusCode},
};
use ebm::{
    api,
    aws::{Aws, Endpoints, Keys, Settings},
    domain::{grant::DefaultAccess, ids::MemberId, member::Role},
    manager::{Actor, KafkaForApps, Manager, Parts, TopicLimits, tokens::For},
    secrets::Vault,
};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use sqlx::PgPool;
use tower::ServiceExt;

/// 32 bytes in base64: what seals secrets.
pub const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
/// What authenticates the history.
pub const HISTORY_KEY: [u8; 32] = [7; 32];

/// A manager. Where AWS is given, it is away: nothing listens at its address.
pub async fn manager(pool: &PgPool, with_aws: bool) -> Manager {
    let endpoint = Some("http://127.0.0.1:9".to_owned());
    let keys = Keys { access_key_id: "test".into(), secret_access_key: "test".to_owned().into() };
    let settings = Settings {
        account_id: "123456789012".into(),
        region: "eu-central-1".parse().unwrap(),
        worker_arn: "arn:aws:iam::123456789012:user/worker".into(),
        console: Some(keys.clone()),
        worker: Some(keys),
        permissions_boundary: None,
        shared_role_arn: None,
        endpoints: Endpoints { iam: endpoint.clone(), sts: endpoint.clone(), sqs: endpoint },
        allow_private: true,
    };
    manager_with(pool, if with_aws { Some(Aws::new(settings).await) } else { None })
}

/// A manager with this AWS.
pub fn manager_with(pool: &PgPool, aws: Option<Aws>) -> Manager {
    let parts = Parts {
        vault: Vault::new(&KEY.to_owned().into()).unwrap(),
        history_key: HISTORY_KEY.to_vec().into(),
        default_access: DefaultAccess::default(),
        topics: TopicLimits { partitions: 3, max_partitions: 12, replication: 1 },
        kafka: KafkaForApps { bootstrap_servers: "kafka.example:9093".into(), security_protocol: "SASL_SSL" },
        admin: None,
        aws,
        public_url: "https://ebm.example".into(),
        dead_letter_days: None,
    };
    Manager::new(pool.clone(), parts)
}

/// What the API answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Answer {
    /// The body, once the status is the one expected.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{:#}", self.body);
        self.body
    }

    /// A refusal with this status and code, in the form of RFC 9457. Gives the pointers of what is wrong.
    #[track_caller]
    pub fn refused(&self, status: u16, code: &str) -> Vec<String> {
        assert_eq!((self.status, self.body["code"].as_str()), (status, Some(code)), "{:#}", self.body);
        assert_eq!(self.headers["content-type"], "application/problem+json");
        assert_eq!(self.body["status"], status);
        assert!(self.body["title"].is_string() && self.body["type"].is_string() && self.body["detail"].is_string());
        let errors = self.body["errors"].as_array().unwrap();
        errors.iter().map(|e| e["pointer"].as_str().unwrap().to_owned()).collect()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// The API over a manager.
pub struct Api {
    pub manager: Manager,
    router: Router,
}

impl Api {
    pub fn new(manager: Manager) -> Self {
        let router = Router::new().nest("/api/v1", api::router(manager.clone()));
        Self { manager, router }
    }

    /// Sends a request as it is.
    pub async fn send(&self, request: Request<Body>) -> Answer {
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = answer.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        let is_yaml = parts.headers.get("content-type").is_some_and(|kind| kind == "application/yaml");
        let body = if bytes.is_empty() {
            Value::Null
        } else if is_yaml {
            String::from_utf8(bytes.to_vec()).unwrap().into()
        } else {
            serde_json::from_slice(&bytes).unwrap()
        };
        assert_ne!(parts.status, StatusCode::INTERNAL_SERVER_ERROR, "{body:#}");
        Answer { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    /// A call with JSON, or with no body where it is null.
    pub async fn call(&self, token: &str, method: &str, path: &str, body: Value) -> Answer {
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let answer = self.call_with(token, method, path, "application/json", text).await;
        let media = answer.header("content-type").unwrap_or_default();
        described::check(method, path, &body, answer.status, media, &answer.body);
        answer
    }

    /// A call with any body of any type.
    pub async fn call_with(
        &self,
        token: &str,
        method: &str,
        path: &str,
        content_type: &str,
        body: impl Into<Body>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(format!("/api/v1{path}"));
        if !token.is_empty() {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if !content_type.is_empty() {
            request = request.header("content-type", content_type);
        }
        self.send(request.body(body.into()).unwrap()).await
    }

    /// Uploads a document as a file of this name, for these Spaces. `query` may hold `?dry_run=true`.
    pub async fn upload(&self, token: &str, query: &str, file: &str, document: &[u8], spaces: &[&str]) -> Answer {
        let mut form = Vec::new();
        let part = format!("--b\r\ncontent-disposition: form-data; name=\"document\"; filename=\"{file}\"\r\n\r\n");
        form.extend_from_slice(part.as_bytes());
        form.extend_from_slice(document);
        for space in spaces {
            let part = format!("\r\n--b\r\ncontent-disposition: form-data; name=\"spaces\"\r\n\r\n{space}");
            form.extend_from_slice(part.as_bytes());
        }
        form.extend_from_slice(b"\r\n--b--\r\n");
        let path = format!("/services{query}");
        let answer = self.call_with(token, "POST", &path, "multipart/form-data; boundary=b", form).await;
        let media = answer.header("content-type").unwrap_or_default();
        described::check("POST", &path, &Value::Null, answer.status, media, &answer.body);
        answer
    }

    pub async fn get(&self, token: &str, path: &str) -> Answer {
        self.call(token, "GET", path, Value::Null).await
    }

    pub async fn put(&self, token: &str, path: &str, body: Value) -> Answer {
        self.call(token, "PUT", path, body).await
    }

    pub async fn post(&self, token: &str, path: &str, body: Value) -> Answer {
        self.call(token, "POST", path, body).await
    }

    /// A member and a token of his.
    pub async fn member(&self, email: &str, role: Role) -> (MemberId, String) {
        let id = self.manager.create_member(email, "", role, None).await.unwrap().id;
        (id, self.token_of(id).await)
    }

    pub async fn token_of(&self, id: MemberId) -> String {
        let minted = self.manager.create_token(&Actor::Member(id), For::Member(id), "test", None).await.unwrap();
        minted.value.expose_secret().to_owned()
    }

    /// An app with one environment, enabled at both levels, and its contact.
    pub async fn enabled_app(&self, admin: &str, app: &str, env: &str, contact: &str) {
        let path = format!("/apps/{app}");
        self.put(admin, &path, json!({ "contacts": [contact] })).await.expect(201);
        let environment = format!("{path}/environments/{env}");
        self.put(admin, &environment, json!({})).await.expect(201);
        self.put(admin, &format!("{path}/broker"), json!({ "enabled": true })).await.expect(200);
        self.put(admin, &format!("{environment}/broker"), json!({ "enabled": true })).await.expect(200);
    }
}

/// People and apps:
///
/// | token | who |
/// |---|---|
/// | `admin` | admin |
/// | `viewer` | viewer |
/// | `contact` | contact of `order-portal`, whose environment `acceptance` is in the Space `acceptance` |
/// | `other` | contact of `stock`, whose environment `production` is in the Space `production` |
/// | `blocked` | was an admin |
/// | `deploy` | deploy token of `order-portal`, `acceptance` |
pub struct World {
    pub api: Api,
    pub pool: PgPool,
    pub admin: String,
    pub viewer: String,
    pub contact: String,
    pub other: String,
    pub blocked: String,
    pub deploy: String,
    pub viewer_id: MemberId,
}

impl World {
    pub async fn new(pool: PgPool, with_aws: bool) -> Self {
        let manager = manager(&pool, with_aws).await;
        Self::of(manager, pool).await
    }

    /// The same over this manager.
    pub async fn of(manager: Manager, pool: PgPool) -> Self {
        let api = Api::new(manager);
        let (_, admin) = api.member("admin@example.com", Role::Admin).await;
        let (viewer_id, viewer) = api.member("viewer@example.com", Role::Viewer).await;
        let (_, contact) = api.member("contact@example.com", Role::Viewer).await;
        let (_, other) = api.member("other@example.com", Role::Viewer).await;
        let (blocked_id, blocked) = api.member("blocked@example.com", Role::Admin).await;
        let path = format!("/members/{blocked_id}");
        api.call(&admin, "PATCH", &path, json!({ "blocked": true })).await.expect(204);
        api.enabled_app(&admin, "order-portal", "acceptance", "contact@example.com").await;
        api.enabled_app(&admin, "stock", "production", "other@example.com").await;
        let body = json!({ "kind": "deploy", "app": "order-portal", "env": "acceptance" });
        let made = api.post(&contact, "/tokens", body).await.expect(201);
        let deploy = made["token"].as_str().unwrap().to_owned();
        Self { api, pool, admin, viewer, contact, other, blocked, deploy, viewer_id }
    }
}

/// A contract of `orders` with two events that its app sends.
pub fn orders() -> Value {
    let payload = json!({ "type": "object", "properties": { "number": { "type": "integer" } } });
    json!({
        "asyncapi": "2.6.0",
        "info": { "title": "Orders", "version": "1.0.0" },
        "channels": {
            "orders": {
                "subscribe": {
                    "message": {
                        "oneOf": [
                            { "name": "OrderPlaced", "payload": payload },
                            { "name": "OrderCancelled", "payload": payload },
                        ],
                    },
                },
            },
        },
    })
}

/// A contract of `weather`, which no app defines: one event that it sends, one that it receives.
pub const WEATHER: &str = "asyncapi: 2.6.0
info: {title: Weather, version: '1.0.0', description: From the institute.}
channels:
  warnings:
    subscribe:
      message:
        name: StormWarned
        payload: {type: object, required: [region], properties: {region: {type: string}}}
    bindings: {kafka: {bindingVersion: 0.4.0, topicConfiguration: {retention.ms: 3600000}}}
  readings:
    publish:
      message: {name: WindMeasured, payload: {type: object}}
";

/// A report of a deployment that defines `orders`.
pub fn report(version: &str, deployed_at: &str) -> Value {
    json!({ "version": version, "deployed_at": deployed_at, "defines": [orders()] })
}
