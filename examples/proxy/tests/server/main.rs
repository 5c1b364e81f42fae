//! The server, as the process that its users run.
#![cfg(unix)]

#[path = "../support/mod.rs"]
mod support;

mod away;
mod check;
mod company;
mod config;
mod credentials;
mod crowd;
mod direct;
mod guesses;
mod held;
mod keys;
mod life;
mod limits;
mod logged;
mod observed;
mod page;
mod patient;
mod private;
mod proxy;
mod readme;
mod registries;
mod reload;
mod shares;
mod start;
mod tls;
mod users;

use std::fs;

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use proxy::{Proxy, command, refused};
use support::wire::{Answered, Connection, Protocol};
use support::{
    Answer, Gate, Kept, ScriptedRegistry, fetch, large_module_zip, read, web_client, within_minutes,
};

const ZIP: &str = "/example.com/m/@v/v1.0.0.zip";
const MOD: &str = "/example.com/m/@v/v1.0.0.mod";
const PART: usize = 64 * 1024;

async fn module_file() -> ScriptedRegistry {
    ScriptedRegistry::serving(MOD, Answer::new(["module example.com/m\n"])).await
}

/// A client in the middle of a file, as the proxy is told to stop. One stays, and reads on only when
/// the file is stored, although that is more than sockets hold; another one goes away.
#[tokio::test]
async fn sigterm_in_a_fill_cuts_no_client_and_loses_no_file() {
    let zip = Bytes::from(large_module_zip("example.com/m", "v1.0.0", 384 * PART));
    for stays in [true, false] {
        within_minutes(async {
            let gate = Gate::closed();
            let answer = Answer::in_parts(zip.clone(), PART).gated(&gate);
            let registry = ScriptedRegistry::serving(ZIP, answer).await;
            let kept = Kept::on_disk();
            let folder = kept.folder().to_str().unwrap();
            let upstream = registry.url();
            let proxy = Proxy::start(&["--storage", folder, "--upstream", &upstream]).await;

            let client = web_client(false);
            let url = format!("http://{}{ZIP}", proxy.address);
            let mut body = fetch(&client, &url).await.into_body();
            gate.allow(7);
            let mut got = read(&mut body, 4 * PART).await.unwrap().to_vec();
            let body = stays.then_some(body);
            drop(client);

            proxy.terminate().await;
            assert!(!kept.names().await.contains(&ZIP[1..].to_owned()));
            gate.open();
            if let Some(body) = body {
                while !kept.folder().join(&ZIP[1..]).exists() {
                    tokio::task::yield_now().await;
                }
                got.extend(body.collect().await.unwrap().to_bytes());
                assert!(got == zip, "{} bytes", got.len());
            }
            assert_eq!(proxy.ended().await.code(), Some(0));
            assert_eq!(kept.names().await, [&ZIP[1..]]);
            assert!(kept.read(&ZIP[1..]).await == zip);
        })
        .await;
    }
}

#[tokio::test]
async fn basic_auth_lets_in_who_has_the_credentials() {
    let registry = module_file().await;
    let upstream = registry.url();
    let proxy = Proxy::start(&[
        "--storage",
        "memory:",
        "--upstream",
        &upstream,
        "--basic-auth",
        "user:pass",
    ])
    .await;
    for given in [None, Some("Basic dXNlcjpwYXN0"), Some("Basic dXNlcg==")] {
        let answered = ask_as(&proxy, given).await;
        assert_eq!(answered.status, Some(StatusCode::UNAUTHORIZED), "{given:?}");
        assert_eq!(
            answered.header("www-authenticate"),
            "Basic realm=\"goproxy\""
        );
    }
    assert_eq!(registry.requests().total(), 0);
    assert_eq!(proxy.get("/healthz").await.whole().text(), "ok\n");

    let answered = ask_as(&proxy, Some("Basic dXNlcjpwYXNz")).await.whole();
    assert_eq!(answered.text(), "module example.com/m\n");

    for wrong in ["user", ":", "user:", ":pass"] {
        assert_eq!(
            refused(&["--storage", "memory:", "--basic-auth", wrong]).await,
            "error: --basic-auth needs USER:PASS\n"
        );
    }
}

async fn ask_as(proxy: &Proxy, credentials: Option<&str>) -> Answered {
    let mut request = Request::get(MOD);
    if let Some(credentials) = credentials {
        request = request.header(AUTHORIZATION, credentials);
    }
    let mut connection = Connection::open(proxy.address, Protocol::Http11).await;
    connection.send(request.body(()).unwrap()).await
}

#[tokio::test]
async fn prefix_is_where_the_modules_are() {
    let registry = module_file().await;
    let upstream = registry.url();
    for prefix in ["/tools/go", "tools/go/"] {
        let args = ["--storage", "memory:", "--upstream", &upstream];
        let proxy = Proxy::start(&[&args[..], &["--prefix", prefix]].concat()).await;
        let answered = proxy.get(&format!("/tools/go{MOD}")).await.whole();
        assert_eq!(answered.text(), "module example.com/m\n");
        let outside = proxy.get(MOD).await;
        assert_eq!(outside.status, Some(StatusCode::NOT_FOUND));
        assert_eq!(outside.header("cache-control"), "no-store");
        assert_eq!(proxy.get("/healthz").await.whole().text(), "ok\n");
    }
    let asked: Vec<_> = registry.requests().all();
    assert_eq!(asked.len(), 2);
    assert!(asked.iter().all(|request| request.path == MOD));
}

#[tokio::test]
async fn redirect_only_sends_every_client_to_the_upstream_and_keeps_nothing() {
    let registry = module_file().await;
    let (upstream, kept) = (registry.url(), Kept::on_disk());
    let folder = kept.folder().join("modules");
    let storage = folder.to_str().unwrap();
    let args = ["--storage", storage, "--upstream", &upstream];
    let proxy = Proxy::start(&[&args[..], &["--redirect-only"]].concat()).await;
    for _ in 0..2 {
        let answered = proxy.get(&format!("{MOD}?x=1")).await;
        assert_eq!(answered.status, Some(StatusCode::SEE_OTHER));
        assert_eq!(answered.header("location"), format!("{upstream}{MOD}?x=1"));
    }
    let ready = proxy.get("/readyz").await.whole().text();
    assert_eq!(ready, "ready\nstorage: none\nregistries away: 0\n");
    proxy.terminate().await;
    assert_eq!(proxy.ended().await.code(), Some(0));
    assert_eq!(registry.requests().total(), 0);
    assert!(!folder.exists());
}

#[tokio::test]
async fn redirect_only_sends_nobody_to_a_list_with_excluded_versions() {
    let list = "/example.com/m/@v/list";
    let answer = Answer::new(["v1.0.0\nv1.1.0\n"]);
    let registry = ScriptedRegistry::serving(list, answer).await;
    let (upstream, folder) = (registry.url(), tempfile::tempdir().unwrap());
    let file = folder.path().join("filter.conf");
    fs::write(&file, "- example.com/m v1.1.0\n").unwrap();
    let args = ["--redirect-only", "--upstream", &upstream, "--filter"];
    let proxy = Proxy::start(&[&args[..], &[file.to_str().unwrap()]].concat()).await;
    assert_eq!(proxy.get(list).await.whole().text(), "v1.0.0\n");
    for (path, status) in [
        (MOD, StatusCode::SEE_OTHER),
        ("/example.com/other/@v/list", StatusCode::SEE_OTHER),
        ("/example.com/m/@v/v1.1.0.info", StatusCode::FORBIDDEN),
    ] {
        assert_eq!(proxy.get(path).await.status, Some(status), "{path}");
    }
    assert_eq!(registry.requests().total(), 1);
}

#[tokio::test]
async fn filter_is_a_file_of_rules_and_a_wrong_line_is_named() {
    let registry = module_file().await;
    let (upstream, folder) = (registry.url(), tempfile::tempdir().unwrap());
    let file = folder.path().join("filter.conf");
    let name = file.to_str().unwrap();
    let args = [
        "--storage",
        "memory:",
        "--upstream",
        &upstream,
        "--filter",
        name,
    ];

    fs::write(&file, "+\n- example.com/evil\nD corp.example\n").unwrap();
    let (proxy, mut log) = Proxy::with_log(command(&args)).await;
    let line = within_minutes(log.next_line()).await.unwrap().unwrap();
    assert!(line.contains("this server has no go command"), "{line}");
    for (path, status, text) in [
        (MOD, StatusCode::OK, "module example.com/m\n"),
        (
            "/example.com/evil/@v/v1.0.0.mod",
            StatusCode::FORBIDDEN,
            "example.com/evil@v1.0.0 is excluded by the rules of this proxy\n",
        ),
        (
            "/corp.example/m/@v/v1.0.0.mod",
            // A 404 would send the go command on to the next proxy, with the name.
            StatusCode::BAD_GATEWAY,
            "bad gateway: this server has no go command, which fetches modules from version control\n",
        ),
    ] {
        let answered = proxy.get(path).await;
        assert_eq!((answered.status, &*answered.text()), (Some(status), text));
    }

    fs::write(&file, "? example.com/m\n").unwrap();
    let said = refused(&args).await;
    let expected = format!("error: filter file {name}: line 1, column 1: ");
    assert!(said.starts_with(&expected), "{said}");
}
