//! The console without a browser: forms as plain HTML sends them.

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, Response, header},
};
use ebm::{config, manager::Manager, web};
use leptos::config::LeptosOptions;
use tower::ServiceExt;

mod apps;
mod bridges;
mod cluster;
mod groups;
mod history;
mod input;
mod isolation;
mod letters;
mod secrets;
mod services;
mod wizard;

const ORIGIN: &str = "http://console.example";
pub const PASSWORD: &str = "correct horse battery staple";

/// The console as one member sees it.
pub struct Console {
    router: Router,
    cookie: String,
}

/// What a page answered.
pub struct Page {
    pub status: u16,
    /// Where it leads.
    pub location: String,
    pub disposition: String,
    pub text: String,
}

impl Console {
    /// Signs a member in, who must be new.
    pub async fn new(manager: &Manager, email: &str, role: ebm::domain::member::Role) -> Self {
        // A second time it is there already.
        let _ = any_spawner::Executor::init_tokio();
        manager.create_member(email, "", role, Some(PASSWORD.to_owned().into())).await.unwrap();
        let leptos = LeptosOptions::builder().output_name("ebm").build();
        let session = config::Session::default();
        let api = ebm::api::openapi::document();
        let web = web::Web { manager: manager.clone(), leptos, origin: ORIGIN.into(), api, session };
        let mut console = Self { router: web::console::router(web).unwrap(), cookie: String::new() };
        let form = format!("email={email}&password={}", PASSWORD.replace(' ', "+"));
        let answer = console.send("POST", "/sign-in", "application/x-www-form-urlencoded", form.into()).await;
        let cookie = answer.headers()[header::SET_COOKIE].to_str().unwrap();
        cookie.split(';').next().unwrap().clone_into(&mut console.cookie);
        console
    }

    /// The same console for someone who has not signed in.
    pub fn guest(&self) -> Self {
        Self { router: self.router.clone(), cookie: String::new() }
    }

    async fn send(&self, method: &str, path: &str, kind: &str, body: Vec<u8>) -> Response<Body> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "console.example")
            .header(header::ORIGIN, ORIGIN)
            .header(header::COOKIE, &self.cookie)
            .header(header::CONTENT_TYPE, kind);
        let answer = self.router.clone().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
        answer.map(Body::new)
    }

    /// Any request.
    pub async fn page(&self, method: &str, path: &str, kind: &str, body: Vec<u8>) -> Page {
        let answer = self.send(method, path, kind, body).await;
        let header = |name| answer.headers().get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
        let (location, disposition) = (header(header::LOCATION), header(header::CONTENT_DISPOSITION));
        let status = answer.status().as_u16();
        let text = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        // Where names may break is nothing to look for.
        let text = String::from_utf8(text.into()).unwrap().replace("<wbr>", "");
        Page { status, location, disposition, text }
    }

    pub async fn get(&self, path: &str) -> Page {
        self.page("GET", path, "", Vec::new()).await
    }

    /// A form of plain fields.
    pub async fn post(&self, path: &str, form: &str) -> Page {
        self.page("POST", path, "application/x-www-form-urlencoded", form.into()).await
    }

    /// A form with a file (its name, empty where none was chosen) and fields.
    pub async fn bring(&self, path: &str, file: (&str, &[u8]), fields: &[(&str, &str)]) -> Page {
        let mut form = Vec::new();
        for (name, value) in fields {
            let part = format!("--b\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
            form.extend_from_slice(part.as_bytes());
        }
        let (name, content) = file;
        let part = format!("--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n");
        form.extend_from_slice(part.as_bytes());
        form.extend_from_slice(content);
        form.extend_from_slice(b"\r\n--b--\r\n");
        self.page("POST", path, "multipart/form-data; boundary=b", form).await
    }
}

impl Page {
    /// The page, once its status is the one expected and it holds each of these.
    #[track_caller]
    pub fn expect(self, status: u16, holds: &[&str]) -> Self {
        assert_eq!(self.status, status, "{}", self.words());
        for text in holds {
            assert!(self.text.contains(text), "no {text} in {}", self.words());
        }
        self
    }

    /// What the page says, for reports: the text of its main part, without its markup.
    pub fn words(&self) -> String {
        let main = self.text.split_once("<main").map_or(&*self.text, |(_, main)| main);
        let main = main.split("</main>").next().unwrap_or_default();
        let text: Vec<_> = main.split('<').map(|part| part.split_once('>').map_or(part, |(_, text)| text)).collect();
        text.join(" ").split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// The value of a hidden field.
    #[track_caller]
    pub fn hidden(&self, name: &str) -> String {
        let from = format!("name=\"{name}\" value=\"");
        let (_, rest) = self.text.split_once(&from).unwrap();
        rest.split('"').next().unwrap().to_owned()
    }
}
