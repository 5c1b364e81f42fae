//! Hosts that send git, and the go command, to another host: what is sent along.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, LOCATION, WWW_AUTHENTICATE};
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tower::service_fn;
use tower_goproxy::goget::Settings;
use tower_goproxy::{Access, GoGet};

use crate::support::go::program;
use crate::support::{GitHost, Repos, Server, Tls, get};

/// What a host has been asked: method, path, and whether somebody has said who he is.
type Asked = Arc<Mutex<Vec<(String, String, bool)>>>;

/// A host over TLS.
async fn host(
    tls: &Tls,
    answer: impl Fn(&Request<Incoming>) -> Response<Full<Bytes>> + Clone + Send + Sync + 'static,
) -> (Server, Asked) {
    let asked = Asked::default();
    let log = Arc::clone(&asked);
    let service = service_fn(move |request: Request<Incoming>| {
        log.lock().unwrap().push((
            request.method().to_string(),
            request.uri().path().to_owned(),
            request.headers().contains_key(AUTHORIZATION),
        ));
        let answer = answer(&request);
        async move { Ok::<_, Infallible>(answer) }
    });
    (Server::start_tls(service, tls).await, asked)
}

/// Sends who asks to `base`, once it knows who that is if it wants to.
fn sends_on(request: &Request<Incoming>, base: &str, asks: bool) -> Response<Full<Bytes>> {
    let mut response = Response::default();
    if !asks || request.headers().contains_key(AUTHORIZATION) {
        *response.status_mut() = StatusCode::FOUND;
        let target = format!("{base}{}", request.uri().path_and_query().unwrap());
        let target = HeaderValue::from_str(&target).unwrap();
        response.headers_mut().insert(LOCATION, target);
    } else {
        *response.status_mut() = StatusCode::UNAUTHORIZED;
        let ask = HeaderValue::from_static("Basic realm=\"git\"");
        response.headers_mut().insert(WWW_AUTHENTICATE, ask);
    }
    response
}

/// Begins as a git host does, so that git goes on to ask it.
fn begins(_: &Request<Incoming>) -> Response<Full<Bytes>> {
    let lines =
        "001e# service=git-upload-pack\n0000000eversion 2\n000cls-refs\n0012fetch=shallow\n0000";
    let mut response = Response::new(Full::new(Bytes::from_static(lines.as_bytes())));
    let kind = HeaderValue::from_static("application/x-git-upload-pack-advertisement");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

/// A service for which GitHub is at this address.
fn goget(folder: &Path, tls: &Tls, first: &Server) -> Settings {
    Settings::new(folder)
        .go(program())
        .git_config(
            format!("url.{}/.insteadOf", first.url()),
            "https://github.com/",
        )
        .git_config("http.sslCAInfo", tls.authority_file().to_str().unwrap())
}

#[tokio::test]
async fn git_sends_credentials_to_no_host_and_no_port_that_the_host_names() {
    for (name, has_access, asks) in [
        ("localhost", false, false),
        ("localhost", false, true),
        ("localhost", true, false),
        ("localhost", true, true),
        ("127.0.0.1", false, false),
        ("127.0.0.1", true, true),
    ] {
        let (tls, folder) = (Tls::http1_only(), TempDir::new().unwrap());
        let (second, seen) = host(&tls, begins).await;
        let base = format!("https://{name}:{}", second.address().port());
        let (first, asked) = host(&tls, move |request| sends_on(request, &base, asks)).await;
        let address = first.address().to_string();
        let mut goget = goget(folder.path(), &tls, &first);
        let mut request = get("/github.com/team/hello/@v/list");
        if has_access {
            let access = Access::new("ann").credentials(&address, "ann", "hunter2");
            request.extensions_mut().insert(access.unwrap());
        } else {
            goget = goget.credentials(&address, "robot", "hunter2").unwrap();
        }
        let goget = GoGet::new(goget).unwrap();
        let error = goget.try_call(&request).await.unwrap_err();
        // The host that asks gets them. Where one does not, git goes on at the other.
        let known = asked.lock().unwrap().iter().any(|(_, _, known)| *known);
        assert_eq!(known, asks, "{error}");
        let seen = seen.lock().unwrap();
        let goes_on = seen.iter().any(|(method, _, _)| method == "POST");
        assert!(goes_on || asks, "{error}: {seen:?}");
        assert!(seen.iter().all(|(_, _, known)| !known), "{name}: {seen:?}");
    }
}

/// A proxy that connects to these addresses, whatever the names say elsewhere.
pub(crate) async fn connects(hosts: [(&'static str, SocketAddr); 2]) -> Server {
    Server::handle("http", move |mut stream| async move {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let Ok(byte) = stream.read_u8().await else {
                return;
            };
            head.push(byte);
        }
        let head = String::from_utf8(head).unwrap();
        let named = |name: &str| head.starts_with(&format!("CONNECT {name}:443 "));
        let Some((_, address)) = hosts.iter().find(|(name, _)| named(name)) else {
            return;
        };
        let mut target = TcpStream::connect(address).await.unwrap();
        let said = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
        if said.is_ok() {
            let _ = tokio::io::copy_bidirectional(&mut stream, &mut target).await;
        }
    })
    .await
}

#[tokio::test]
async fn the_go_command_sends_credentials_to_no_host_that_the_host_names() {
    let (tls, folder) = (Tls::http1_only(), TempDir::new().unwrap());
    let (second, seen) = host(&tls, begins).await;
    let (first, asked) = host(&tls, |request| {
        sends_on(request, "https://two.example", true)
    })
    .await;
    let proxy = connects([
        ("one.example", first.address()),
        ("two.example", second.address()),
    ]);
    let proxy = proxy.await;
    let settings = Settings::new(folder.path())
        .go(program())
        .env("SSL_CERT_FILE", tls.authority_file())
        .env("https_proxy", proxy.url())
        .env("HTTPS_PROXY", proxy.url())
        .env("NO_PROXY", "")
        .env("no_proxy", "")
        .credentials("one.example", "robot", "hunter2")
        .unwrap();
    GoGet::new(settings)
        .unwrap()
        .try_call(&get("/one.example/team/hello/@v/list"))
        .await
        .unwrap_err();
    assert!(asked.lock().unwrap().iter().any(|(_, _, known)| *known));
    let seen = seen.lock().unwrap();
    assert!(!seen.is_empty());
    assert!(seen.iter().all(|(_, _, known)| !known), "{seen:?}");
}

/// A host that says, for each path, that the repository is elsewhere.
async fn names(repository: &'static str) -> Server {
    let service = service_fn(move |request: Request<Incoming>| async move {
        let page =
            format!("<meta name=\"go-import\" content=\"vanity.example/x git {repository}\">");
        let mut response = Response::new(Full::new(Bytes::from(page)));
        // A proxy for TLS it is not, so that the go command falls back to plain http.
        if request.method() == http::Method::CONNECT {
            *response.status_mut() = StatusCode::BAD_GATEWAY;
        }
        Ok::<_, Infallible>(response)
    });
    Server::start(service).await
}

/// Whoever has a host could otherwise have everybody read the repositories of the company.
#[tokio::test]
async fn a_path_of_another_host_opens_no_repository_unless_it_is_private() {
    let names = names("https://github.com/corp/secret").await;
    let repos = Repos::new();
    repos
        .module("corp/secret", "vanity.example/x")
        .tag("v1.0.0");
    let host = GitHost::start(repos.root()).await;
    host.allow("robot", "hunter2", &["corp/secret"]);
    let (key, value) = host.instead_of("https://github.com/");
    let folder = TempDir::new().unwrap();
    let netrc = folder.path().join("netrc");
    std::fs::write(&netrc, "machine 127.0.0.1 login robot password hunter2\n").unwrap();
    let with_netrc = move |goget: Settings| goget.netrc(&netrc).unwrap();
    let address = host.address();
    let with_credentials =
        move |goget: Settings| goget.credentials(&address, "robot", "hunter2").unwrap();
    let ways: [Box<dyn Fn(Settings) -> Settings>; 2] =
        [Box::new(with_netrc), Box::new(with_credentials)];
    for way in ways {
        let folder = TempDir::new().unwrap();
        let mut goget = Settings::new(folder.path())
            .go(program())
            .insecure("vanity.example")
            .git_config(&key, &value)
            .git_config("http.sslCAInfo", host.authority());
        for name in ["http_proxy", "HTTP_PROXY"] {
            goget = goget.env(name, names.url());
        }
        for name in ["no_proxy", "NO_PROXY"] {
            goget = goget.env(name, "127.0.0.1");
        }
        for name in ["https_proxy", "HTTPS_PROXY"] {
            goget = goget.env(name, names.url());
        }
        let settings = way(goget);
        let goget = GoGet::new(settings.clone()).unwrap();
        let request = get("/vanity.example/x/@v/v1.0.0.zip");
        let before = host.senders().len();
        let error = goget.try_call(&request).await.unwrap_err();
        assert!(error.is_not_found(), "{error}");
        assert_eq!(host.senders().len(), before, "{error}");
        let private = GoGet::new(settings.private("*.example")).unwrap();
        let response = private.try_call(&request).await.unwrap();
        assert_eq!(response.status(), 200);
    }
}
