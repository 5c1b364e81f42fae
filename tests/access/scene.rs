//! Two users of one host of repositories, which lets each see another one.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use http_body::Body;
use http_body_util::BodyExt as _;
use tempfile::TempDir;
use tower::{BoxError, Service, ServiceExt as _};
use tower_goproxy::goget::Settings;
use tower_goproxy::{Access, GoGet};

use crate::support::go::program;
use crate::support::{GitHost, Repos, get};

/// What alice may see, and bob may not.
pub(crate) const HERS: &str = "github.com/team/hers";
/// What bob may see, and alice may not.
pub(crate) const HIS: &str = "github.com/team/his";

/// Repositories behind a host, and a service for which the host is GitHub.
pub(crate) struct Scene {
    pub(crate) repos: Repos,
    pub(crate) host: GitHost,
    pub(crate) folder: TempDir,
    pub(crate) settings: Settings,
    pub(crate) goget: GoGet,
}

/// One answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Scene {
    pub(crate) async fn new() -> Self {
        let (repos, folder) = (Repos::new(), TempDir::new().unwrap());
        for module in [HERS, HIS] {
            let name = module.strip_prefix("github.com/").unwrap();
            repos.module(name, module).tag("v1.0.0");
        }
        let host = GitHost::start(repos.root()).await;
        host.allow("alice", "apple-pie", &["team/hers"]);
        host.allow("bob", "blueberry", &["team/his"]);
        let (key, value) = host.instead_of("https://github.com/");
        let settings = Settings::new(folder.path())
            .go(program())
            .git_config(key, value)
            .git_config("http.sslCAInfo", host.authority());
        Self {
            repos,
            host,
            folder,
            goget: GoGet::new(settings.clone()).unwrap(),
            settings,
        }
    }

    pub(crate) fn with(mut self, change: impl FnOnce(Settings) -> Settings) -> Self {
        self.settings = change(self.settings);
        self.goget = GoGet::new(self.settings.clone()).unwrap();
        self
    }

    pub(crate) fn user(&self, name: &str, password: &str) -> Access {
        let access = Access::new(name);
        access
            .credentials(self.host.address(), name, password)
            .unwrap()
    }

    pub(crate) fn alice(&self) -> Access {
        self.user("alice", "apple-pie")
    }

    pub(crate) fn bob(&self) -> Access {
        self.user("bob", "blueberry")
    }
}

/// All that can be asked of a module that has one version.
pub(crate) fn all(module: &str) -> [String; 6] {
    [
        "list",
        "main.info",
        "v1.0.0.info",
        "v1.0.0.mod",
        "v1.0.0.zip",
    ]
    .map(|file| format!("/{module}/@v/{file}"))
    .into_iter()
    .chain([format!("/{module}/@latest")])
    .collect::<Vec<_>>()
    .try_into()
    .unwrap()
}

pub(crate) fn file(module: &str, extension: &str) -> String {
    format!("/{module}/@v/v1.0.0.{extension}")
}

/// What somebody, or nobody, is answered.
pub(crate) async fn ask<S, B>(service: &S, who: Option<&Access>, path: &str) -> Answer
where
    S: Service<http::Request<()>, Response = http::Response<B>> + Clone,
    S::Error: std::fmt::Debug,
    B: Body<Data = Bytes, Error: Into<BoxError>>,
{
    let mut request = get(path);
    if let Some(access) = who {
        request.extensions_mut().insert(access.clone());
    }
    let response = service.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = body.collect().await.map_err(Into::into);
    Answer {
        status: parts.status,
        headers: parts.headers,
        body: body.unwrap().to_bytes(),
    }
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub(crate) fn assert(&self, status: u16, text: &str) {
        assert_eq!(self.status, status, "{}", self.text());
        assert!(self.text().contains(text), "{}", self.text());
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }
}
