//! Hosts that answer wrongly, or not at all: what git and the go command say of them, and its status.

use std::convert::Infallible;

use bytes::Bytes;
use http::header::{HOST, WWW_AUTHENTICATE};
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use tempfile::TempDir;
use tower::service_fn;
use tower_goproxy::goget::Settings;

use crate::errors::assert_error;
use crate::setup::{Answer, Setup, script};
use crate::support::Server;

const MODULE: &str = "/github.com/team/m/@v/v1.0.0.zip";

/// A host that answers everything alike.
struct Host {
    server: Server,
}

impl Host {
    async fn start(status: u16, body: &'static str) -> Self {
        let service = service_fn(move |request: Request<Incoming>| {
            async move {
                // A proxy for TLS it is not, so that the go command falls back to plain http.
                let status = match *request.method() {
                    http::Method::CONNECT => StatusCode::BAD_GATEWAY,
                    _ => StatusCode::from_u16(status).unwrap(),
                };
                assert!(request.headers().contains_key(HOST));
                let mut response = Response::new(Full::new(Bytes::from_static(body.as_bytes())));
                *response.status_mut() = status;
                if status == StatusCode::UNAUTHORIZED {
                    let ask = http::HeaderValue::from_static("Basic realm=\"git\"");
                    response.headers_mut().insert(WWW_AUTHENTICATE, ask);
                }
                Ok::<_, Infallible>(response)
            }
        });
        Self {
            server: Server::start(service).await,
        }
    }

    /// A service for which this is GitHub.
    fn github(&self, goget: Settings) -> Settings {
        let key = format!("url.{}/.insteadOf", self.server.url());
        goget.git_config(key, "https://github.com/")
    }
}

/// A service without repositories of its own.
pub(crate) fn plain() -> Setup {
    let setup = Setup::new();
    let goget = Settings::new(setup.folder.path()).go(crate::support::go::program());
    setup.with(|_| goget)
}

async fn github(status: u16) -> Answer {
    let host = Host::start(status, "").await;
    plain().with(|goget| host.github(goget)).get(MODULE).await
}

#[tokio::test]
async fn the_status_of_a_git_host_decides() {
    for (status, want, text) in [
        (404, 404, "not found"),
        (401, 404, "the server lacks credentials for the host"),
        (403, 502, "returned error: 403"),
        (429, 503, "returned error: 429"),
        (500, 502, "returned error: 500"),
        (503, 502, "returned error: 503"),
    ] {
        let answer = github(status).await;
        assert_error(&answer, want, text);
        assert_eq!(answer.headers.contains_key("retry-after"), want == 503);
    }
}

#[tokio::test]
async fn a_git_host_that_is_down_is_a_bad_gateway() {
    let host = Host::start(404, "").await;
    let setup = plain().with(|goget| host.github(goget));
    host.server.shutdown().await;
    for path in [
        MODULE,
        "/github.com/team/m/@v/list",
        "/github.com/team/m/@latest",
    ] {
        let answer = setup.get(path).await;
        assert_error(&answer, 502, "the host of the repository cannot be reached");
    }
}

/// A service for which all hosts are this one, which may be asked over http.
pub(crate) fn everywhere(goget: Settings, url: &str) -> Settings {
    let names = ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"];
    let goget = names
        .into_iter()
        .fold(goget, |goget, name| goget.env(name, url));
    let goget = goget.env("NO_PROXY", "").env("no_proxy", "");
    goget.insecure("vanity.example")
}

/// A host that the go command asks where the repository is.
async fn vanity(status: u16, body: &'static str) -> Answer {
    let host = Host::start(status, body).await;
    let setup = plain().with(|goget| everywhere(goget, &host.server.url()));
    setup.get("/vanity.example/team/m/@v/v1.0.0.info").await
}

#[tokio::test]
async fn the_status_of_a_host_that_names_repositories_decides() {
    for (status, want, text) in [
        (404, 404, "404 Not Found"),
        (410, 404, "410 Gone"),
        (200, 404, "no go-import meta tags"),
        (403, 502, "403 Forbidden"),
        (429, 503, "429 Too Many Requests"),
        (503, 502, "503 Service Unavailable"),
    ] {
        assert_error(&vanity(status, "").await, want, text);
    }
}

/// Of svn the go command says that there is no such revision.
#[tokio::test]
async fn a_version_control_system_that_is_not_installed_is_trouble_of_the_set_up() {
    let folder = TempDir::new().unwrap();
    script(folder.path(), "git", "exit 1");
    let body =
        r#"<meta name="go-import" content="vanity.example/team/m hg https://vanity.example/m">"#;
    let host = Host::start(200, body).await;
    let setup =
        plain().with(|goget| everywhere(goget, &host.server.url()).env("PATH", folder.path()));
    let answer = setup.get("/vanity.example/team/m/@v/v1.0.0.info").await;
    assert_error(&answer, 500, "the server is not set up");
    assert!(answer.text().contains("\"hg\""), "{}", answer.text());
}

#[tokio::test]
async fn a_host_that_cannot_be_reached_is_a_bad_gateway() {
    let host = Host::start(200, "").await;
    let url = host.server.url();
    host.server.shutdown().await;
    let setup = plain().with(|goget| everywhere(goget, &url));
    let answer = setup.get("/vanity.example/team/m/@v/v1.0.0.info").await;
    assert_error(&answer, 502, "the host of the repository cannot be reached");
}

#[tokio::test]
async fn a_checksum_database_that_does_not_know_a_module_is_a_bad_gateway() {
    let host = Host::start(404, "not found").await;
    let setup = Setup::new();
    let database = format!("sum.golang.org {}", host.server.url());
    let setup = setup.with(|goget| goget.sumdb(database));
    setup.hello().tag("v1.0.0");
    let answer = setup.get("/example.com/team/hello.git/@v/v1.0.0.zip").await;
    assert_error(&answer, 502, "verification failed");
}
