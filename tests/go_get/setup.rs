//! A service over repositories in a folder.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use http_body_util::BodyExt as _;
use tempfile::TempDir;
use tower::{Service, ServiceExt as _};
use tower_goproxy::GoGet;
use tower_goproxy::goget::{GoGetBody, Settings};

use crate::support::go::program;
use crate::support::{Client, Repo, Repos, Server, request};

pub(crate) const HELLO: &str = "example.com/team/hello.git";

/// The hosts whose repositories are looked for in the folder.
const HOSTS: [&str; 2] = ["example.com", "github.com"];

/// Repositories, the folder of a service, and the service.
pub(crate) struct Setup {
    pub(crate) repos: Repos,
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

impl Setup {
    pub(crate) fn new() -> Self {
        let repos = Repos::new();
        let folder = TempDir::new().unwrap();
        let mut settings = Settings::new(folder.path()).go(program());
        for host in HOSTS {
            let (key, value) = repos.instead_of(host);
            settings = settings.git_config(key, value);
        }
        Self {
            repos,
            folder,
            goget: GoGet::new(settings.clone()).unwrap(),
            settings,
        }
    }

    /// A service of its own, with these settings changed.
    pub(crate) fn with(mut self, change: impl FnOnce(Settings) -> Settings) -> Self {
        self.settings = change(self.settings);
        self.goget = GoGet::new(self.settings.clone()).unwrap();
        self
    }

    /// The repository of [`HELLO`], with one commit and no tag.
    pub(crate) fn hello(&self) -> Repo {
        self.repos.module("team/hello", HELLO)
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

    /// The folders of all clones.
    pub(crate) fn clones(&self) -> Vec<PathBuf> {
        let owners = fs::read_dir(self.folder.path().join("clones"));
        let owners = owners.into_iter().flatten().flatten();
        let entries = owners.flat_map(|owner| fs::read_dir(owner.path()).unwrap());
        let paths = entries.map(|entry| entry.unwrap().path());
        paths.filter(|path| path.is_dir()).collect()
    }

    /// A minute passes, after which nothing of a run is left.
    pub(crate) async fn forget(&self) {
        tokio::time::pause();
        tokio::time::advance(std::time::Duration::from_secs(61)).await;
        tokio::time::resume();
    }

    /// The hashes of a zip and its go.mod, as a client of this service computes them.
    pub(crate) async fn sums_through(&self, module: &str, version: &str) -> (String, String) {
        let server = Server::start(self.goget.clone()).await;
        sums(Client::new(server.url()), module, version).await
    }

    /// The same by the go command without us.
    pub(crate) async fn sums_alone(&self, module: &str, version: &str) -> (String, String) {
        let (key, value) = self.repos.instead_of(HOSTS[0]);
        let (other_key, other_value) = self.repos.instead_of(HOSTS[1]);
        let client = Client::new("direct")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_COUNT", "2")
            .env("GIT_CONFIG_KEY_0", key)
            .env("GIT_CONFIG_VALUE_0", value)
            .env("GIT_CONFIG_KEY_1", other_key)
            .env("GIT_CONFIG_VALUE_1", other_value);
        sums(client, module, version).await
    }
}

async fn sums(client: Client, module: &str, version: &str) -> (String, String) {
    let argument = format!("{module}@{version}");
    let output = client.go(&["mod", "download", "-json", &argument]).await;
    let said: serde_json::Value = serde_json::from_str(&output.stdout).unwrap();
    let sum = |name: &str| said[name].as_str().unwrap().to_owned();
    (sum("Sum"), sum("GoModSum"))
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

/// A program out of a shell script.
pub(crate) fn script(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    // Moved into place: a file that somebody may still write cannot be run.
    let draft = folder.join(format!("{name}.draft"));
    fs::write(&draft, format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(&draft, fs::Permissions::from_mode(0o755)).unwrap();
    fs::rename(draft, &path).unwrap();
    path
}

/// The git of the PATH.
pub(crate) fn git() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap();
    std::env::split_paths(&path)
        .map(|folder| folder.join("git"))
        .find(|file| file.is_file())
        .unwrap()
}
