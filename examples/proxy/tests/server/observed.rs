//! The access log, metrics and health.

use http::{Request, StatusCode};
use tokio::io::{AsyncWriteExt as _, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::ChildStderr;

use crate::proxy::{Proxy, command};
use crate::support::wire::{Connection, Protocol};
use crate::support::{Answer, Gate, ScriptedRegistry, within_minutes};
use crate::users::basic;
use crate::{MOD, module_file};

/// The next line of the access log.
pub(crate) async fn next_access(log: &mut Lines<BufReader<ChildStderr>>) -> serde_json::Value {
    within_minutes(async {
        loop {
            let line = log.next_line().await.unwrap().expect("the log goes on");
            let line: serde_json::Value = serde_json::from_str(&line).expect("each line is JSON");
            if line["target"] == "access" || line["method"].is_string() {
                return line;
            }
        }
    })
    .await
}

#[tokio::test]
async fn the_log_tells_who_got_what_and_how() {
    let registry = module_file().await;
    let folder = tempfile::tempdir().unwrap();
    let filter = folder.path().join("filter.conf");
    std::fs::write(
        &filter,
        "# rules\n+\n-  example.org # all of it\n- example.org/m v1.0.0\n",
    )
    .unwrap();
    let upstream = registry.url();
    let mut server = command(&[
        "--storage",
        "memory:",
        "--upstream",
        &upstream,
        "--log-format",
        "json",
    ]);
    server.args(["--filter", filter.to_str().unwrap()]);
    server.env("TOWER_GOPROXY_BASIC_AUTH", "dev:secret");
    let (proxy, mut log) = Proxy::with_log(server).await;

    let ask = async |path: &str, credentials: Option<String>, id: Option<&str>| {
        let mut request = Request::get(format!("{path}?secret=1"));
        if let Some(credentials) = credentials {
            request = request.header("authorization", credentials);
        }
        if let Some(id) = id {
            request = request.header("x-request-id", id);
        }
        let mut connection = Connection::open(proxy.address, Protocol::Http11).await;
        connection.send(request.body(()).unwrap()).await
    };
    ask(MOD, Some(basic("dev", "secret")), None).await.whole();
    assert_eq!(next_access(&mut log).await["answer"], "miss");
    // It is attached to as long as it is being stored.
    let mut answer = String::new();
    while answer != "hit" {
        ask(MOD, Some(basic("dev", "secret")), None).await.whole();
        answer = next_access(&mut log).await["answer"]
            .as_str()
            .unwrap()
            .to_owned();
        assert!(answer == "hit" || answer == "attached", "{answer}");
    }
    for (path, credentials, id, expected) in [
        (
            MOD,
            Some(basic("dev", "secret")),
            Some("one"),
            (200, "hit", "include", Some("dev")),
        ),
        (
            MOD,
            Some(basic("dev", "secret")),
            None,
            (200, "hit", "include", Some("dev")),
        ),
        (
            MOD,
            Some(basic("dev", "wrong")),
            None,
            (401, "other", "-", None),
        ),
        (
            "/example.org/m/@v/v1.0.0.info",
            Some(basic("dev", "secret")),
            None,
            (403, "excluded", "exclude", Some("dev")),
        ),
        (
            "/healthz",
            None,
            Some("not \"plain\""),
            (200, "other", "-", None),
        ),
    ] {
        let answered = ask(path, credentials, id).await;
        let line = next_access(&mut log).await;
        let (status, answer, rule, user) = expected;
        assert_eq!(line["status"], status, "{line}");
        assert_eq!(line["answer"], answer, "{line}");
        assert_eq!(line["rule"], rule, "{line}");
        assert_eq!(line["user"].as_str(), user, "{line}");
        assert_eq!(line["path"], path, "{line}");
        assert_eq!(line["bytes"], answered.body.len(), "{line}");
        assert_eq!(line["whole"], true, "{line}");
        assert_eq!(line["client"], "127.0.0.1", "{line}");
        assert_eq!(line["id"], answered.header("x-request-id"), "{line}");
        assert_eq!(line["id"] == "one", id == Some("one"), "{line}");
        let excluded_by = (answer == "excluded").then_some("filter.conf:4");
        assert_eq!(line["line"].as_str(), excluded_by, "{line}");
        let text = line.to_string();
        assert!(
            !text.contains("secret") && !text.contains("plain"),
            "{text}"
        );
    }
    let mut connection = Connection::open(proxy.address, Protocol::Http11).await;
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let parent = format!("00-{trace}-b7ad6b7169203331-01");
    let request = Request::get("/healthz")
        .header("traceparent", parent)
        .body(())
        .unwrap();
    assert_eq!(connection.send(request).await.header("x-request-id"), trace);
}

#[tokio::test]
async fn the_log_has_clients_that_left_and_requests_without_a_place() {
    let gate = Gate::closed();
    let held = gate.clone();
    let registry =
        ScriptedRegistry::http1(move |_| Answer::new(["module example.com/m\n"]).withheld(&held))
            .await;
    let upstream = registry.url();
    let args = [
        "--storage",
        "memory:",
        "--upstream",
        &upstream,
        "--max-requests",
        "1",
    ];
    let (proxy, mut log) =
        Proxy::with_log(command(&[&args[..], &["--log-format", "json"]].concat())).await;
    let mut stream = TcpStream::connect(proxy.address).await.unwrap();
    let request = format!("GET {MOD} HTTP/1.1\r\nHost: x\r\nX-Request-Id: first\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    within_minutes(registry.requests().arrived(1)).await;

    let refused = proxy.get(MOD).await;
    assert_eq!(refused.status, Some(StatusCode::SERVICE_UNAVAILABLE));
    let line = next_access(&mut log).await;
    assert_eq!(line["status"], 503, "{line}");
    assert_eq!(line["answer"], "refused", "{line}");
    assert_eq!(line["id"], refused.header("x-request-id"), "{line}");

    drop(stream);
    let line = next_access(&mut log).await;
    assert_eq!(line["status"], 499, "{line}");
    assert_eq!(line["answer"], "left", "{line}");
    assert_eq!(line["whole"], false, "{line}");
    assert_eq!(line["path"], MOD, "{line}");
    assert_eq!(line["client"], "127.0.0.1", "{line}");
    assert_eq!(line["id"], "first", "{line}");
}

#[tokio::test]
async fn rust_log_chooses_lines_and_a_pipe_gets_no_colours() {
    let args = ["--storage", "memory:", "--upstream", "off"];
    let own = ["--metrics-listen", "127.0.0.1:0"];
    for (wanted, expected, others) in [
        ("", "metrics on http://", true),
        ("warn,access=info", "path=\"/healthz\"", false),
        ("a=b=c", "RUST_LOG cannot be read", true),
    ] {
        let mut server = command(&[&args[..], &own].concat());
        server.env("RUST_LOG", wanted);
        let (proxy, mut log) = Proxy::with_log(server).await;
        proxy.get("/healthz").await.whole();
        within_minutes(async {
            loop {
                let line = log.next_line().await.unwrap().unwrap();
                assert!(!line.contains('\x1b'), "{line}");
                if line.contains(expected) {
                    break;
                }
                assert!(others, "{wanted}: {line}");
            }
        })
        .await;
    }
}

#[tokio::test]
async fn what_a_stranger_sends_cannot_forge_or_flood_the_log() {
    let args = ["--storage", "memory:", "--upstream", "off"];
    let (proxy, mut log) = Proxy::with_log(command(&args)).await;
    let long = "a".repeat(20_000);
    let path = format!("/\u{9b}31m\u{202e}\u{2028}{long}");
    for (method, path) in [("GET", &*path), (&*long, "/")] {
        let request = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let mut stream = TcpStream::connect(proxy.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let line = within_minutes(async {
            loop {
                let line = log.next_line().await.unwrap().unwrap();
                if line.contains("access:") {
                    return line;
                }
            }
        })
        .await;
        assert_eq!(line.contains(r"\u{202e}"), method == "GET", "{line}");
        assert!(!line.contains(['\u{9b}', '\u{202e}', '\u{2028}']), "{line}");
        assert!(line.len() < 4096, "{}", line.len());
    }
}

/// In an empty container.
#[tokio::test]
async fn built_in_roots_take_the_place_of_missing_ones() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = command(&["--storage", "memory:"]);
    server.env("SSL_CERT_DIR", folder.path());
    let (proxy, mut log) = Proxy::with_log(server).await;
    let line = within_minutes(log.next_line()).await.unwrap().unwrap();
    assert!(
        line.contains("no root certificates: using built-in ones"),
        "{line}"
    );
    proxy.get("/readyz").await.whole();
}

#[tokio::test]
async fn metrics_need_a_user_on_the_main_address_and_none_on_their_own() {
    let registry = module_file().await;
    let upstream = registry.url();
    let args = [
        "--storage",
        "memory:",
        "--upstream",
        &upstream,
        "--basic-auth",
        "dev:secret",
    ];
    let own = ["--metrics", "--metrics-listen", "127.0.0.1:0"];
    let (proxy, mut log) = Proxy::with_log(command(&[&args[..], &own].concat())).await;
    let address = within_minutes(async {
        loop {
            let line = log.next_line().await.unwrap().unwrap();
            if let Some((_, rest)) = line.split_once("metrics on http://") {
                return rest.trim_end_matches("/metrics").parse().unwrap();
            }
        }
    })
    .await;
    crate::users::get_as(&proxy, MOD, &basic("dev", "secret"))
        .await
        .whole();
    assert_eq!(
        proxy.get("/metrics").await.status,
        Some(StatusCode::UNAUTHORIZED)
    );
    let main = async || {
        crate::users::get_as(&proxy, "/metrics", &basic("dev", "secret"))
            .await
            .whole()
    };
    // The fill ends after its client has the file.
    let stored = "goproxy_fills_total{end=\"stored\"} 1";
    within_minutes(async { while !main().await.text().contains(stored) {} }).await;
    let main = main().await;
    let apart = crate::support::wire::get(address, Protocol::Http11, "/metrics")
        .await
        .whole();
    for page in [main, apart] {
        let text = page.text();
        for expected in [
            "goproxy_answers_total{answer=\"miss\"} 1",
            "goproxy_requests_total{answer=\"miss\",status=\"200\"} 1",
            "goproxy_request_seconds_count{answer=\"miss\"} 1",
            "goproxy_connections ",
            "goproxy_storage_up 1",
            stored,
        ] {
            assert!(text.contains(expected), "{expected} is not in\n{text}");
        }
    }
    let ready = crate::support::wire::get(address, Protocol::Http11, "/readyz")
        .await
        .whole();
    assert!(ready.text().starts_with("ready\n"));
    assert_eq!(
        crate::support::wire::get(address, Protocol::Http11, MOD)
            .await
            .status,
        Some(StatusCode::NOT_FOUND)
    );
}
