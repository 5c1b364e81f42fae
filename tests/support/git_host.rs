//! A git host that wants to know who asks: git's own server behind basic auth and TLS.

use std::convert::Infallible;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tower::service_fn;

use super::server::Server;
use super::tls::Tls;

/// Who is let in.
pub const USER: &str = "robot";
pub const PASSWORD: &str = "hunter2";
/// `robot:hunter2`
const CREDENTIALS: &str = "Basic cm9ib3Q6aHVudGVyMg==";
const SECRETS: [&str; 2] = [PASSWORD, "cm9ib3Q6aHVudGVyMg"];

/// A running host. It stops when this value is dropped.
#[derive(Debug)]
pub struct GitHost {
    server: Server,
    tls: Tls,
    leaks: Arc<Mutex<Vec<String>>>,
}

impl GitHost {
    /// Serves the repositories below a folder.
    pub async fn start(root: &Path) -> Self {
        let (root, tls) = (root.to_owned(), Tls::new());
        let leaks: Arc<Mutex<Vec<String>>> = Arc::default();
        let seen = Arc::clone(&leaks);
        let service = service_fn(move |request: Request<Incoming>| {
            let root = root.clone();
            seen.lock().unwrap().extend(commands_with(&SECRETS));
            async move { Ok::<_, Infallible>(answer(root, request).await) }
        });
        Self {
            server: Server::start_tls(service, &tls).await,
            tls,
            leaks,
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    pub fn url(&self) -> String {
        self.server.url()
    }

    /// The lines of git's configuration by which this host is in the place of another.
    pub fn instead_of(&self, host: &str) -> [(String, String); 2] {
        let authority = self.tls.authority_file();
        [
            (
                format!("url.{}/.insteadOf", self.url()),
                format!("https://{host}/"),
            ),
            (
                "http.sslCAInfo".to_owned(),
                authority.to_str().unwrap().to_owned(),
            ),
        ]
    }

    /// Lines of the process list that had a secret while a request was answered.
    pub fn leaks(&self) -> Vec<String> {
        self.leaks.lock().unwrap().clone()
    }

    pub async fn shutdown(self) {
        self.server.shutdown().await;
    }
}

async fn answer(root: PathBuf, request: Request<Incoming>) -> Response<Full<Bytes>> {
    if request
        .headers()
        .get(AUTHORIZATION)
        .is_none_or(|sent| sent != CREDENTIALS)
    {
        let mut response = Response::new(Full::default());
        *response.status_mut() = StatusCode::UNAUTHORIZED;
        let ask = HeaderValue::from_static("Basic realm=\"git\"");
        response.headers_mut().insert(WWW_AUTHENTICATE, ask);
        return response;
    }
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let header = |name: &str| {
        head.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    };
    // RFC 3875; `man git-http-backend`. A repository with a work tree keeps its own below `.git`.
    let path = ["/info/refs", "/git-upload-pack"]
        .iter()
        .fold(head.uri.path().to_owned(), |path, end| {
            path.replace(end, &format!("/.git{end}"))
        });
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

/// The arguments of all processes that hold one of these texts.
pub fn commands_with(secrets: &[&str]) -> Vec<String> {
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    all.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok())
        .map(|line| String::from_utf8_lossy(&line).into_owned())
        .filter(|line| secrets.iter().any(|secret| line.contains(secret)))
        .collect()
}
