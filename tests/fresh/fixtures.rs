//! A registry whose answers change, and the proxy in front of it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use http::{HeaderMap, Method, StatusCode};
use tower::ServiceBuilder;
use tower_goproxy::Storage;
use tower_goproxy::fill::{Fill, FillLayer};
use tower_goproxy::fresh::{Fresh, FreshLayer};
use tower_goproxy::source::Area;

use super::support::{Answer, Recorded, Source, ask, module_zip, request, whole};

pub const HIT: &str = "tower-goproxy; hit";
pub const STALE: &str = "tower-goproxy; hit; detail=stale";
pub const ASKED: &str = "tower-goproxy; fwd=miss";

pub const LIST: &str = "/example.com/m/@v/list";
pub const LATEST: &str = "/example.com/m/@latest";
pub const MAIN: &str = "/example.com/m/@v/main.info";

pub fn info(version: &str) -> Answer {
    Answer::new([format!(
        "{{\"Version\":\"{version}\",\"Time\":\"2024-01-02T03:04:05Z\"}}"
    )])
}

/// What a registry says that does not know it, and lets others remember that.
pub fn not_found() -> Answer {
    Answer::text(StatusCode::NOT_FOUND, "not found: no such module")
        .header("cache-control", "no-cache")
}

/// Answers by path; everything else does not exist. Clones are the same.
#[derive(Clone, Default)]
pub struct Script(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    answers: HashMap<String, Answer>,
    down: Option<Answer>,
}

impl Script {
    pub fn set(&self, path: &str, answer: Answer) -> &Self {
        self.0
            .lock()
            .unwrap()
            .answers
            .insert(path.to_owned(), answer);
        self
    }

    /// The three files of a version.
    pub fn add(&self, module: &str, version: &str) -> &Self {
        let at = format!("/{module}/@v/{version}");
        let go_mod = format!("module {module}\n");
        let zip = module_zip(module, version, &[("go.mod", go_mod.as_bytes())]);
        self.set(&format!("{at}.info"), info(version));
        self.set(&format!("{at}.mod"), Answer::new([go_mod]));
        self.set(&format!("{at}.zip"), Answer::new([zip]))
    }

    /// From now on it says this to everything, or what it said before.
    pub fn down(&self, answer: impl Into<Option<Answer>>) {
        self.0.lock().unwrap().down = answer.into();
    }

    pub fn answer(&self, request: &Recorded) -> Answer {
        let state = self.0.lock().unwrap();
        let found = || state.answers.get(&request.path).cloned();
        state.down.clone().or_else(found).unwrap_or_else(not_found)
    }

    pub fn source(&self) -> Source {
        let script = self.clone();
        Source::new(move |request| script.answer(request))
    }
}

pub fn broken() -> Answer {
    Answer::text(StatusCode::INTERNAL_SERVER_ERROR, "boom")
}

pub struct Proxy {
    pub app: Fresh<Fill<Source>>,
    pub fresh: FreshLayer,
    pub fill: FillLayer<Area>,
}

/// A response, read to its end.
#[derive(Debug)]
pub struct Got {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Got {
    pub fn state(&self) -> &str {
        self.headers["cache-status"].to_str().unwrap()
    }

    /// Status, text, and where it comes from.
    pub fn all(&self) -> (u16, &str, &str) {
        (self.status.as_u16(), &self.body, self.state())
    }
}

impl Proxy {
    pub fn new(storage: &Storage, source: &Source) -> Self {
        Self::with(FreshLayer::new(storage.clone()), storage, source)
    }

    pub fn with(fresh: FreshLayer, storage: &Storage, source: &Source) -> Self {
        let fill = FillLayer::new(storage.clone()).area(Area::Included);
        let app = ServiceBuilder::new()
            .layer(fresh.clone())
            .layer(fill.clone());
        Self {
            app: app.service(source.clone()),
            fresh,
            fill,
        }
    }

    pub async fn get(&self, path: &str) -> Got {
        self.ask(Method::GET, path, &[]).await
    }

    pub async fn ask(&self, method: Method, path: &str, headers: &[(&str, &str)]) -> Got {
        let response = ask(&self.app, request(method, path, headers)).await;
        let (head, body) = response.into_parts();
        let body = whole(body).await.unwrap().to_vec();
        Got {
            status: head.status,
            headers: head.headers,
            body: String::from_utf8_lossy(&body).into_owned(),
        }
    }

    /// What runs behind the answers has ended.
    pub async fn idle(&self) {
        self.fresh.refreshes().idle().await;
        self.fill.fills().idle().await;
    }
}
