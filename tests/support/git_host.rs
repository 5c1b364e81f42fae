//! A host of repositories that wants to know who asks: git's own server behind basic auth and TLS.

use std::collections::HashMap;
use std::convert::Infallible;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tokio::sync::watch;
use tower::service_fn;

use super::{Server, Tls};

/// The host. What one may not see looks as if it were not there, as with GitHub.
#[derive(Debug)]
pub struct GitHost {
    server: Server,
    tls: Tls,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    root: PathBuf,
    /// By the value of the header: the name, and the repositories that may be seen.
    users: Mutex<HashMap<String, (String, Vec<String>)>>,
    secrets: Mutex<Vec<String>>,
    /// Lines of the process list that had a secret while a request was answered.
    leaks: Mutex<Vec<String>>,
    /// Who has sent credentials, right or not.
    senders: Mutex<Vec<String>>,
    /// Whose requests wait.
    held: watch::Sender<Option<String>>,
    /// How many requests have waited.
    waited: watch::Sender<usize>,
}

impl GitHost {
    /// Serves the repositories `{owner}/{name}` below a folder. Nobody may see anything yet.
    pub async fn start(root: &Path) -> Self {
        let state = Arc::new(State {
            root: root.to_owned(),
            users: Mutex::default(),
            secrets: Mutex::default(),
            leaks: Mutex::default(),
            senders: Mutex::default(),
            held: watch::Sender::default(),
            waited: watch::Sender::default(),
        });
        let (tls, shared) = (Tls::new(), Arc::clone(&state));
        let service = service_fn(move |request: Request<Incoming>| {
            let state = Arc::clone(&shared);
            async move { Ok::<_, Infallible>(state.answer(request).await) }
        });
        Self {
            server: Server::start_tls(service, &tls).await,
            tls,
            state,
        }
    }

    /// Lets a user see these repositories. The password is looked for in the process list from now on: no other test may
    /// give it to a program.
    pub fn allow(&self, user: &str, password: &str, repositories: &[&str]) {
        let repositories = repositories.iter().map(|&name| name.to_owned()).collect();
        let header = self.watch(user, password);
        let mut users = self.state.users.lock().unwrap();
        users.insert(header, (user.to_owned(), repositories));
    }

    /// This password does not count, or no longer. It is looked for in the process list all the same.
    pub fn refuse(&self, user: &str, password: &str) {
        let header = self.watch(user, password);
        self.state.users.lock().unwrap().remove(&header);
    }

    fn watch(&self, user: &str, password: &str) -> String {
        let encoded = BASE64_STANDARD.encode(format!("{user}:{password}"));
        let mut secrets = self.state.secrets.lock().unwrap();
        secrets.extend([password.to_owned(), encoded.clone()]);
        format!("Basic {encoded}")
    }

    /// Requests with these credentials wait from now on.
    pub fn hold(&self, user: &str, password: &str) {
        let encoded = BASE64_STANDARD.encode(format!("{user}:{password}"));
        self.state
            .held
            .send_replace(Some(format!("Basic {encoded}")));
    }

    /// Returns once so many requests have begun to wait.
    pub async fn waiting(&self, requests: usize) {
        let mut waited = self.state.waited.subscribe();
        super::within_minutes(waited.wait_for(|waited| *waited >= requests))
            .await
            .expect("the host lives as long as the test");
    }

    /// Nobody waits any more.
    pub fn release(&self) {
        self.state.held.send_replace(None);
    }

    pub fn address(&self) -> String {
        self.server.address().to_string()
    }

    /// The line of git's configuration that puts this host in the place of another one.
    pub fn instead_of(&self, url: &str) -> (String, String) {
        (
            format!("url.{}/.insteadOf", self.server.url()),
            url.to_owned(),
        )
    }

    /// A PEM file with the authority that git has to trust.
    pub fn authority(&self) -> String {
        let path = self.tls.authority_file();
        path.to_str()
            .expect("a temporary folder has a plain name")
            .to_owned()
    }

    /// The lines of process lists that had a secret.
    pub fn leaks(&self) -> Vec<String> {
        self.state.leaks.lock().unwrap().clone()
    }

    /// All secrets that were ever set.
    pub fn secrets(&self) -> Vec<String> {
        self.state.secrets.lock().unwrap().clone()
    }

    /// The users whose names came along with a password, right or not.
    pub fn senders(&self) -> Vec<String> {
        let mut senders = self.state.senders.lock().unwrap().clone();
        senders.sort();
        senders.dedup();
        senders
    }
}

impl State {
    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        self.look_for_leaks();
        let sent = request.headers().get_all(AUTHORIZATION).iter();
        let sent: Vec<_> = sent.map(|value| value.to_str().unwrap()).collect();
        for one in &sent {
            let encoded = one.strip_prefix("Basic ").unwrap();
            let user = BASE64_STANDARD.decode(encoded).unwrap();
            let user = String::from_utf8(user).unwrap();
            let name = user.split(':').next().unwrap().to_owned();
            self.senders.lock().unwrap().push(name);
        }
        let [sent] = sent[..] else {
            // Two would be as good as none.
            return refused(StatusCode::UNAUTHORIZED);
        };
        let mut held = self.held.subscribe();
        if held.borrow().as_deref() == Some(sent) {
            self.waited.send_modify(|waited| *waited += 1);
            let _ = held.wait_for(|held| held.as_deref() != Some(sent)).await;
        }
        let user = self.users.lock().unwrap().get(sent).cloned();
        let Some((_, allowed)) = user else {
            return refused(StatusCode::UNAUTHORIZED);
        };
        let path = request.uri().path().trim_start_matches('/').to_owned();
        let repository = allowed.iter().find_map(|name| {
            let rest = path.strip_prefix(name.as_str())?;
            rest.starts_with('/')
                .then(|| (name.clone(), rest.to_owned()))
        });
        let Some((name, rest)) = repository else {
            return refused(StatusCode::NOT_FOUND);
        };
        // A repository with a work tree keeps its own below `.git`.
        backend(&self.root, &format!("/{name}/.git{rest}"), request).await
    }

    fn look_for_leaks(&self) {
        let secrets = self.secrets.lock().unwrap().clone();
        let all = fs::read_dir("/proc").into_iter().flatten().flatten();
        let lines = all.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
        let found = lines
            .map(|line| String::from_utf8_lossy(&line).into_owned())
            .filter(|line| secrets.iter().any(|secret| line.contains(secret)));
        self.leaks.lock().unwrap().extend(found);
    }
}

fn refused(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    if status == StatusCode::UNAUTHORIZED {
        let ask = HeaderValue::from_static("Basic realm=\"git\"");
        response.headers_mut().insert(WWW_AUTHENTICATE, ask);
    }
    response
}

/// Runs `git http-backend` (RFC 3875; `man git-http-backend`).
async fn backend(root: &Path, path: &str, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let header = |name: &str| text(&head.headers, name);
    let mut git = Command::new("git")
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("PATH_INFO", path)
        .env("QUERY_STRING", head.uri.query().unwrap_or_default())
        .env("REQUEST_METHOD", head.method.as_str())
        .env("CONTENT_TYPE", header(CONTENT_TYPE.as_str()))
        .env("CONTENT_LENGTH", body.len().to_string())
        .env("HTTP_CONTENT_ENCODING", header("content-encoding"))
        .env("GIT_PROTOCOL", header("git-protocol"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    git.stdin.take().unwrap().write_all(&body).await.unwrap();
    let output = git.wait_with_output().await.unwrap().stdout;
    let end = output
        .windows(4)
        .position(|bytes| bytes == b"\r\n\r\n")
        .unwrap();
    let mut response = Response::new(Full::new(Bytes::copy_from_slice(&output[end + 4..])));
    for line in std::str::from_utf8(&output[..end]).unwrap().lines() {
        let (name, value) = line.split_once(": ").unwrap();
        if name == "Status" {
            *response.status_mut() = value[..3].parse().unwrap();
        } else {
            let name: HeaderName = name.parse().unwrap();
            response.headers_mut().insert(name, value.parse().unwrap());
        }
    }
    response
}

fn text(headers: &HeaderMap, name: &str) -> String {
    let value = headers.get(name);
    value.map_or("", |value| value.to_str().unwrap()).to_owned()
}
