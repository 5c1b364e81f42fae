//! netrc files as people have them: what arrives at the hosts is what the real go command and git send by themselves.

use std::convert::Infallible;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use tempfile::TempDir;
use tower::service_fn;
use tower_goproxy::GoGet;
use tower_goproxy::goget::Settings;

use crate::redirected::connects;
use crate::support::go::program;
use crate::support::{Client, Server, Tls, get};

/// What a host was sent: the path, and the credentials.
type Sent = Vec<(String, Option<String>)>;

/// A host that says where its repository is, and wants to know who asks for it. It lets nobody in.
async fn host(tls: &Tls, sent: &Arc<Mutex<Sent>>) -> Server {
    let sent = Arc::clone(sent);
    let service = service_fn(move |request: Request<Incoming>| {
        let path = request.uri().path().to_owned();
        let credentials = request.headers().get(AUTHORIZATION);
        let credentials = credentials.map(|value| value.to_str().unwrap().to_owned());
        let is_page = request.uri().query() == Some("go-get=1");
        sent.lock().unwrap().push((path, credentials));
        async move {
            if is_page {
                let page = "<meta name=\"go-import\" content=\"one.example/team/m git https://one.example/team/m\">";
                return Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(page))));
            }
            let mut response = Response::new(Full::default());
            *response.status_mut() = StatusCode::UNAUTHORIZED;
            let ask = HeaderValue::from_static("Basic realm=\"git\"");
            response.headers_mut().insert(WWW_AUTHENTICATE, ask);
            Ok(response)
        }
    });
    Server::start_tls(service, tls).await
}

struct Scene {
    tls: Tls,
    proxy: Server,
    sent: Arc<Mutex<Sent>>,
    _host: Server,
}

impl Scene {
    async fn new() -> Self {
        let (tls, sent) = (Tls::http1_only(), Arc::default());
        let host = host(&tls, &sent).await;
        let proxy = connects([
            ("one.example", host.address()),
            ("two.example", host.address()),
        ])
        .await;
        Self {
            tls,
            proxy,
            sent,
            _host: host,
        }
    }

    fn take(&self) -> Sent {
        let mut sent = std::mem::take(&mut *self.sent.lock().unwrap());
        // git asks again when it was refused; the go command asks for the page of each prefix.
        sent.dedup();
        sent
    }

    async fn by_go(&self, netrc: &Path) -> Sent {
        let mut client = Client::new("direct").trusting(&self.tls.authority_file());
        let home = netrc.parent().unwrap();
        for (name, value) in [
            ("HOME", home.to_str().unwrap()),
            ("NETRC", netrc.to_str().unwrap()),
            (
                "GIT_SSL_CAINFO",
                self.tls.authority_file().to_str().unwrap(),
            ),
            ("GIT_CONFIG_GLOBAL", "/dev/null"),
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("GIT_TERMINAL_PROMPT", "0"),
            ("GIT_SSH_COMMAND", "false"),
            ("https_proxy", &self.proxy.url()),
            ("HTTPS_PROXY", &self.proxy.url()),
        ] {
            client = client.env(name, value);
        }
        client
            .try_go(&["list", "-m", "-versions", "one.example/team/m"])
            .await;
        self.take()
    }

    async fn by_us(&self, netrc: &Path) -> Sent {
        let folder = TempDir::new().unwrap();
        let settings = Settings::new(folder.path())
            .go(program())
            .env("SSL_CERT_FILE", self.tls.authority_file())
            .env("https_proxy", self.proxy.url())
            .env("HTTPS_PROXY", self.proxy.url())
            .env("NO_PROXY", "")
            .env("no_proxy", "")
            .git_config(
                "http.sslCAInfo",
                self.tls.authority_file().to_str().unwrap(),
            )
            .netrc(netrc)
            .unwrap();
        let request = get("/one.example/team/m/@v/list");
        GoGet::new(settings)
            .unwrap()
            .try_call(&request)
            .await
            .unwrap_err();
        self.take()
    }
}

#[tokio::test]
async fn of_a_netrc_file_the_same_is_sent_as_by_the_go_command_and_git() {
    let scene = Scene::new().await;
    let files: [&[u8]; 28] = [
        b"",
        b"machine one.example login a password b",
        b"machine one.example login a password b\n",
        b"machine one.example\nlogin a\npassword b\n",
        b"machine one.example\n\tlogin a\n\tpassword b\n\n\n",
        b"machine one.example\r\nlogin a\r\npassword b\r\n",
        b"machine one.example password b login a",
        b"machine one.example login a account c password b",
        b"machine one.example login a password b\nmachine one.example login c password d",
        b"machine two.example login x password y\nmachine one.example login a password b",
        b"machine other.example\nlogin x\npassword y\n\nmachine one.example\nlogin a\npassword b",
        b"machine one.example:443 login a password b",
        b"machine one.example:8443 login a password b",
        b"machine one.example/team login a password b",
        b"machine example login a password b",
        b"machine sub.one.example login a password b",
        b"machine one.example login a",
        b"machine one.example password b",
        b"machine one.example login a password \"b\"",
        b"machine one.example login a password \"b c\"",
        b"machine one.example login \"a\" password b",
        b"machine one.example login a password b#c",
        b"machine one.example login a password b\"c",
        b"machine one.example login a@corp.example password b:c",
        b"machine one.example login a password b%20\\c",
        b"machine one.example login a password \xc3\xa4",
        b"macdef m\nmachine one.example login x password y\n\nmachine one.example login a password b",
        b"# of the company\nmachine one.example login a password b # new\n",
    ];
    let mut different = Vec::new();
    for file in files {
        let folder = TempDir::new().unwrap();
        // Where git looks for it.
        let netrc = folder.path().join(".netrc");
        fs::write(&netrc, file).unwrap();
        let (by_go, by_us) = (scene.by_go(&netrc).await, scene.by_us(&netrc).await);
        assert!(!by_go.is_empty());
        if by_go != by_us {
            different.push(String::from_utf8_lossy(file).into_owned());
            // Half an entry is none for the go command, and git sends it.
            assert!(
                by_us.iter().all(|(_, sent)| sent.is_none()),
                "{different:?}: {by_us:?}"
            );
        }
    }
    let half = ["login a", "password b"].map(|half| format!("machine one.example {half}"));
    assert_eq!(different, half);
}

/// What is sent to a host that the path names must have been meant for it.
#[tokio::test]
async fn what_is_for_all_hosts_or_commented_out_is_sent_to_none() {
    let scene = Scene::new().await;
    for file in [
        "default login a password b",
        "machine other.example login x password y\ndefault\nlogin a\npassword b\n",
        "# old: machine one.example login a password b",
    ] {
        let folder = TempDir::new().unwrap();
        let netrc = folder.path().join("netrc");
        fs::write(&netrc, file).unwrap();
        let sent = scene.by_us(&netrc).await;
        assert!(!sent.is_empty());
        assert!(
            sent.iter().all(|(_, credentials)| credentials.is_none()),
            "{file}: {sent:?}"
        );
    }
}
