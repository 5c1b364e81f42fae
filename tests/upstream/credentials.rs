//! Which credentials go to a registry, and that nobody else sees them.

use std::fs;

use crate::ask::{LIST, get, request};
use crate::script::Part::Data;
use crate::script::{Script, status, turn};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::{HeaderName, HeaderValue};
use tower_goproxy::Upstream;

fn basic(pair: &str) -> Option<String> {
    Some(format!("Basic {}", STANDARD.encode(pair)))
}

/// The `Authorization` of a request to `list`, set up by `with`.
async fn sent(
    list: &str,
    with: impl FnOnce(Upstream<Script>) -> Upstream<Script>,
) -> Option<String> {
    let script = Script::new([turn(&[], [Data("v1.0.0\n")])]);
    let upstream = with(Upstream::with_client(list, script.clone()).unwrap());
    assert_eq!(
        get(&upstream, "/example.com/corp/m/@v/list").await.status(),
        200
    );
    let uri = &script.uris()[0];
    assert!(!uri.contains('@') || uri.matches('@').count() == 1, "{uri}");
    let sent = script.headers("authorization").remove(0);
    if sent.is_some() {
        assert_eq!(script.secret("authorization"), [true]);
    }
    sent
}

#[tokio::test]
async fn userinfo_of_the_url_is_sent_with_the_first_request() {
    assert_eq!(
        sent("https://us%20er:p%40w@a.test", |it| it).await,
        basic("us er:p@w")
    );
    assert_eq!(sent("https://token@a.test", |it| it).await, basic("token:"));
    assert_eq!(sent("https://a.test", |it| it).await, None);
}

#[tokio::test]
async fn the_netrc_entry_of_host_port_and_longest_path_is_sent_over_https_only() {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(
        file.path(),
        "machine a.test login plain password 1\n\
         machine a.test:8443 login port password 2\n\
         machine a.test/example.com/corp login path password 3\n\
         machine a.test/example.com/corporate login other password 4\n\
         default login default password 5\n",
    )
    .unwrap();
    for (list, want) in [
        ("https://a.test", basic("path:3")),
        ("https://a.test/base", basic("plain:1")),
        ("https://a.test:8443", basic("port:2")),
        ("https://a.test:9443", None),
        ("https://a.test:443", None),
        ("https://b.test", None),
        ("http://a.test", None),
        ("http://a.test:8443", None),
        ("https://url:pw@a.test", basic("url:pw")),
    ] {
        let netrc = |it: Upstream<Script>| it.netrc(file.path()).unwrap();
        assert_eq!(sent(list, netrc).await, want, "{list}");
    }
}

#[tokio::test]
async fn a_header_wins_over_netrc_and_the_url_over_both() {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), "machine a.test login net password rc").unwrap();
    let both = |it: Upstream<Script>| {
        it.netrc(file.path())
            .unwrap()
            .header(AUTHORIZATION, HeaderValue::from_static("Bearer token"))
    };
    assert_eq!(
        sent("https://a.test", both).await.as_deref(),
        Some("Bearer token")
    );
    assert_eq!(sent("https://url:pw@a.test", both).await, basic("url:pw"));
}

#[test]
fn a_netrc_file_that_is_not_there_is_an_error() {
    let error = Upstream::with_client("https://a.test", Script::default())
        .unwrap()
        .netrc("/nonexistent/netrc")
        .unwrap_err();
    assert_eq!(error.to_string(), "the netrc file cannot be read");
}

#[tokio::test]
async fn refused_credentials_are_our_fault_and_named_nowhere() {
    for code in [401, 403] {
        let headers = [
            ("www-authenticate", "Basic realm=\"inner\""),
            ("content-type", "text/plain"),
        ];
        let script = Script::new([status(code, &headers, [Data("user is unknown")])]);
        let upstream = Upstream::with_client("https://user:secret@a.test", script)
            .unwrap()
            .header(
                HeaderName::from_static("x-token"),
                HeaderValue::from_static("t0k3n"),
            );
        let error = upstream.try_call(&request(LIST)).await.unwrap_err();
        assert_eq!(error.status(), 502);
        let shown = format!("{upstream:?} {error:?} {error}");
        for secret in ["secret", "t0k3n", "unknown", "dXNlcjpzZWNyZXQ"] {
            assert!(!shown.contains(secret), "{secret}: {shown}");
        }
        let response = error.into_response();
        assert!(response.headers().get("www-authenticate").is_none());
        assert!(!format!("{:?}", response.body()).contains("a.test"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_replaced_in_the_netrc_file_is_sent_within_a_second() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let write = |password: &str| {
        let text = format!("machine a.test login robot password {password}");
        fs::write(file.path(), text).unwrap();
    };
    write("one");
    let script = Script::new((0..5).map(|_| turn(&[], [Data("v1.0.0\n")])));
    let upstream = Upstream::with_client("https://a.test", script.clone()).unwrap();
    let upstream = upstream.netrc(file.path()).unwrap();
    get(&upstream, LIST).await;
    write("three");
    tokio::time::advance(std::time::Duration::from_secs(1)).await;
    get(&upstream, LIST).await;
    // A file that is being replaced counts as it was.
    fs::remove_file(file.path()).unwrap();
    tokio::time::advance(std::time::Duration::from_secs(1)).await;
    get(&upstream, LIST).await;
    write("2");
    tokio::time::advance(std::time::Duration::from_secs(1)).await;
    get(&upstream, LIST).await;
    // Neither its length nor its time tells that it was replaced: some tools keep both.
    let time = fs::metadata(file.path()).unwrap().modified().unwrap();
    write("3");
    let again = fs::File::options().write(true).open(file.path()).unwrap();
    again.set_modified(time).unwrap();
    tokio::time::advance(std::time::Duration::from_secs(1)).await;
    get(&upstream, LIST).await;
    let passwords = ["one", "three", "three", "2", "3"];
    let sent = passwords.map(|password| basic(&format!("robot:{password}")));
    assert_eq!(script.headers("authorization"), sent);
}
