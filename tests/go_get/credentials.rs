//! A git host that wants to know who asks: git's own server behind basic auth and TLS.

use std::convert::Infallible;
use std::fs;
use std::path::PathBuf;
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
use tower_goproxy::GoGet;

use crate::errors::assert_error;
use crate::setup::Setup;
use crate::support::{Server, Tls};

/// `robot:hunter2`
const CREDENTIALS: &str = "Basic cm9ib3Q6aHVudGVyMg==";
const SECRETS: [&str; 2] = ["hunter2", "cm9ib3Q6aHVudGVyMg"];
const MODULE: &str = "/github.com/team/hello/@v";

struct Host {
    server: Server,
    tls: Tls,
    /// Lines of the process list that had a secret while a request was answered.
    leaks: Arc<Mutex<Vec<String>>>,
}

impl Host {
    /// Serves the repositories of a setup.
    async fn start(setup: &Setup) -> Self {
        setup
            .repos
            .module("team/hello", "github.com/team/hello")
            .tag("v1.0.0");
        let (root, tls) = (setup.repos.root().to_owned(), Tls::new());
        let leaks: Arc<Mutex<Vec<String>>> = Arc::default();
        let seen = Arc::clone(&leaks);
        let service = service_fn(move |request: Request<Incoming>| {
            let root = root.clone();
            seen.lock().unwrap().extend(commands_with_secrets());
            async move { Ok::<_, Infallible>(answer(root, request).await) }
        });
        Self {
            server: Server::start_tls(service, &tls).await,
            tls,
            leaks,
        }
    }

    fn address(&self) -> String {
        self.server.address().to_string()
    }

    /// A service for which this is GitHub.
    fn github(&self, setup: &Setup) -> GoGet {
        let key = format!("url.{}/.insteadOf", self.server.url());
        let authority = self.tls.authority_file();
        GoGet::new(setup.folder.path())
            .go(crate::support::go::program())
            .git_config(key, "https://github.com/")
            .git_config("http.sslCAInfo", authority.to_str().unwrap())
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
    let path = head
        .uri
        .path()
        .replacen("/team/hello/", "/team/hello/.git/", 1);
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

/// The arguments of all processes, as far as they hold a secret.
fn commands_with_secrets() -> Vec<String> {
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    all.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok())
        .map(|line| String::from_utf8_lossy(&line).into_owned())
        .filter(|line| SECRETS.iter().any(|secret| line.contains(secret)))
        .collect()
}

async fn assert_served(host: &Host, goget: GoGet) {
    let setup = Setup::new().with(|_| goget);
    assert_eq!(setup.text(&format!("{MODULE}/list")).await, "v1.0.0\n");
    let zip = setup.get(&format!("{MODULE}/v1.0.0.zip")).await;
    assert_eq!(zip.status, 200, "{}", zip.text());
    assert_eq!(*host.leaks.lock().unwrap(), [""; 0]);
}

#[tokio::test]
async fn right_credentials_open_a_repository_and_are_in_no_process_list() {
    let setup = Setup::new();
    let host = Host::start(&setup).await;
    let goget = host.github(&setup);
    let goget = goget
        .credentials(host.address(), "robot", "hunter2")
        .unwrap();
    assert_served(&host, goget).await;
}

#[tokio::test]
async fn a_netrc_file_opens_a_repository() {
    let setup = Setup::new();
    let host = Host::start(&setup).await;
    let file = setup.folder.path().join("netrc");
    fs::write(&file, "machine 127.0.0.1 login robot password hunter2\n").unwrap();
    let goget = host.github(&setup).netrc(file).unwrap();
    assert_served(&host, goget).await;
}

#[tokio::test]
async fn a_credential_helper_opens_a_repository() {
    let setup = Setup::new();
    let host = Host::start(&setup).await;
    let file = setup.folder.path().join("store");
    fs::write(&file, format!("https://robot:hunter2@{}\n", host.address())).unwrap();
    let helper = format!("store --file={}", file.display());
    let goget = host.github(&setup).git_credential_helper(helper);
    assert_served(&host, goget).await;
}

#[tokio::test]
async fn wrong_credentials_are_a_bad_gateway_that_tells_what_is_wrong() {
    let setup = Setup::new();
    let host = Host::start(&setup).await;
    let file = setup.folder.path().join("netrc");
    fs::write(
        &file,
        "machine 127.0.0.1 login robot password wrong-secret\n",
    )
    .unwrap();
    for goget in [
        host.github(&setup)
            .credentials(host.address(), "robot", "wrong-secret")
            .unwrap(),
        host.github(&setup).netrc(file).unwrap(),
    ] {
        let setup = Setup::new().with(|_| goget);
        let path = format!("{MODULE}/v1.0.0.zip");
        let answer = setup.get(&path).await;
        assert_error(&answer, 502, "the host of the repository refuses access");
        let request = crate::support::get(&path);
        let error = setup.goget.try_call(&request).await.unwrap_err();
        for text in [
            error.to_string(),
            format!("{error:?}"),
            format!("{:?}", setup.goget),
        ] {
            assert!(!text.contains("wrong-secret"), "{text}");
        }
    }
}

#[tokio::test]
async fn no_credentials_are_a_not_found_that_tells_what_may_be_missing() {
    let setup = Setup::new();
    let host = Host::start(&setup).await;
    // Those of another host stay there.
    let goget = host.github(&setup);
    let goget = goget
        .credentials("other.example", "robot", "hunter2")
        .unwrap();
    let setup = Setup::new().with(|_| goget);
    let answer = setup.get(&format!("{MODULE}/v1.0.0.zip")).await;
    assert_error(&answer, 404, "the server lacks credentials for the host");
}

#[test]
fn credentials_that_could_break_out_of_their_line_are_refused() {
    for (host, user, password) in [
        ("", "robot", "secret"),
        ("host/path", "robot", "secret"),
        ("host", "ro bot", "secret"),
        ("host", "ro:bot", "secret"),
        ("host", "robot", "sec\nret"),
        ("host", "robot", ""),
    ] {
        let error = GoGet::new("unused")
            .credentials(host, user, password)
            .unwrap_err();
        assert!(!error.to_string().contains("sec"), "{error}");
    }
}
