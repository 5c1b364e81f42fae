//! A service over repositories in a folder.

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use http_body_util::BodyExt as _;
use tempfile::TempDir;
use tower::{Service, ServiceExt as _};
use tower_goproxy::GoGet;
use tower_goproxy::goget::GoGetBody;

use crate::support::go::program;
use crate::support::{Repos, request};

/// The hosts whose repositories are looked for in the folder.
pub(crate) const HOSTS: [&str; 2] = ["example.com", "github.com"];

/// Repositories, the folder of a service, and the service.
pub(crate) struct Setup {
    pub(crate) repos: Repos,
    pub(crate) folder: TempDir,
    pub(crate) goget: GoGet,
}

/// One answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Setup {
    pub(crate) fn new() -> Self {
        let repos = Repos::new();
        let folder = TempDir::new().unwrap();
        let mut goget = GoGet::new(folder.path()).go(program());
        for host in HOSTS {
            let (key, value) = repos.instead_of(host);
            goget = goget.git_config(key, value);
        }
        Self {
            repos,
            folder,
            goget,
        }
    }

    pub(crate) fn change(mut self, change: impl FnOnce(GoGet) -> GoGet) -> Self {
        self.goget = change(self.goget);
        self
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        ask(&self.goget, Method::GET, path).await
    }

    /// The text of an answer that is a 200.
    pub(crate) async fn text(&self, path: &str) -> String {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.text()
    }

    /// The JSON of an answer that is a 200.
    pub(crate) async fn json(&self, path: &str) -> serde_json::Value {
        serde_json::from_str(&self.text(path).await).unwrap()
    }
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

pub(crate) async fn ask<S>(service: &S, method: Method, path: &str) -> Answer
where
    S: Service<http::Request<()>, Response = http::Response<GoGetBody>> + Clone,
    S::Error: std::fmt::Debug,
{
    let response = service.clone().oneshot(request(method, path, &[])).await;
    let (parts, body) = response.unwrap().into_parts();
    Answer {
        status: parts.status,
        headers: parts.headers,
        body: body.collect().await.unwrap().to_bytes(),
    }
}
