//! A GOPROXY list: which registry is asked after which, and whose error is reported.

use std::fs;

use crate::ask::{LIST, ZIP, answer_of, call, get, head_request, read, read_to_break};
use crate::script::Part::{Break, Data, Hang};
use crate::script::{Script, Turn, status, turn};
use crate::server::{Act, Server, answer, head, ok};
use crate::support::Port;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http_body::Body as _;
use tower_goproxy::Upstream;

/// Asks `list` with one turn for each request, and gives the answer and the hosts that were asked.
async fn ask(list: &str, turns: impl IntoIterator<Item = Turn>) -> (u16, String, Vec<String>) {
    let script = Script::new(turns);
    let upstream = Upstream::with_client(list, script.clone())
        .unwrap()
        .retries(0);
    let (status, text) = answer_of(&upstream, LIST).await;
    let hosts = script.uris();
    let host = |uri: &String| uri.split('/').nth(2).unwrap().to_owned();
    (status.as_u16(), text, hosts.iter().map(host).collect())
}

fn found() -> Turn {
    turn(&[], [Data("v1.0.0\n")])
}

fn text(code: u16, text: &'static str) -> Turn {
    status(code, &[("content-type", "text/plain")], [Data(text)])
}

#[tokio::test(start_paused = true)]
async fn a_comma_goes_on_only_after_what_does_not_exist() {
    for code in [404, 410] {
        let (status, body, hosts) = ask("a.test,b.test", [text(code, "no"), found()]).await;
        assert_eq!((status, body.as_str()), (200, "v1.0.0\n"));
        assert_eq!(hosts, ["a.test", "b.test"]);
    }
    for (trouble, want) in [
        (text(403, ""), 403),
        (text(429, ""), 429),
        (text(500, ""), 502),
        (Turn::Fail("refused"), 502),
        (Turn::Hang, 504),
        (turn(&[("content-length", "7")], [Break]), 502),
    ] {
        let (status, _, hosts) = ask("a.test,b.test", [trouble]).await;
        assert_eq!((status, hosts.len()), (want, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_bar_goes_on_after_any_error_before_the_first_byte() {
    for trouble in [
        text(404, ""),
        text(403, ""),
        text(429, ""),
        text(500, ""),
        status(204, &[], []),
        status(302, &[], []),
        Turn::Fail("refused"),
        Turn::Hang,
        turn(&[("content-length", "7")], [Break]),
        turn(&[("content-length", "7")], [Hang]),
        turn(&[("content-length", "7")], []),
    ] {
        let (status, body, hosts) = ask("a.test|b.test", [trouble, found()]).await;
        assert_eq!((status, body.as_str()), (200, "v1.0.0\n"));
        assert_eq!(hosts, ["a.test", "b.test"]);
    }
}

#[tokio::test]
async fn a_bar_goes_on_after_a_refused_connection_and_a_failed_handshake() {
    let nobody = Port::new();
    let refused = nobody.url();
    let plain = Server::start(|_| ok("")).await;
    let no_tls = format!("https://{}", plain.address);
    let good = Server::start(|_| ok("v1.0.0\n")).await;
    let list = format!("{refused}|{no_tls}|{}", good.http());
    let (status, body) = answer_of(&Upstream::new(&list).unwrap().retries(0), LIST).await;
    assert_eq!((status.as_u16(), body.as_str()), (200, "v1.0.0\n"));
}

#[tokio::test]
async fn behind_the_first_byte_there_is_no_other_registry() {
    let first = Server::start(|_| {
        let mut script = head("200 OK", &["Content-Length: 6"]);
        script.extend([Act::Send(b"abc".to_vec()), Act::Close]);
        script
    })
    .await;
    let second = Server::start(|_| ok("abcdef")).await;
    let list = format!("{}|{}", first.http(), second.http());
    let (bytes, error) = read_to_break(get(&Upstream::new(&list).unwrap(), ZIP).await).await;
    assert_eq!((bytes.as_slice(), error.is_some()), (&b"abc"[..], true));
    assert!(second.seen().is_empty());
}

#[tokio::test(start_paused = true)]
async fn of_several_errors_the_last_one_counts_that_is_no_404() {
    for (list, turns, want) in [
        (
            "a.test,b.test",
            [text(404, "of a"), text(404, "of b")],
            (404, "of b\n"),
        ),
        (
            "a.test,b.test",
            [text(404, "of a"), text(410, "of b")],
            (410, "of b\n"),
        ),
        (
            "a.test|b.test",
            [text(500, "of a"), text(404, "of b")],
            (
                502,
                "bad gateway: upstream answered 500 Internal Server Error\n",
            ),
        ),
        (
            "a.test|b.test",
            [text(500, "of a"), text(418, "of b")],
            (418, "of b\n"),
        ),
        (
            "a.test,b.test",
            [text(404, "of a"), text(418, "of b")],
            (418, "of b\n"),
        ),
    ] {
        let (status, body, hosts) = ask(list, turns).await;
        assert_eq!((status, body.as_str()), want);
        assert_eq!(hosts.len(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn off_ends_the_list() {
    let off = "module lookup disabled by GOPROXY=off\n";
    let (status, body, _) = ask("off", []).await;
    assert_eq!((status, body.as_str()), (404, off));
    let (status, body, hosts) = ask("a.test,off,b.test", [text(404, "no")]).await;
    assert_eq!((status, body.as_str(), hosts.len()), (404, off, 1));
    let (status, body, _) = ask("a.test|off", [text(500, "no")]).await;
    assert_eq!(status, 502, "{body}");
}

#[tokio::test]
async fn each_file_may_come_from_another_registry() {
    let first = Server::start(|seen| match seen.target.ends_with(".zip") {
        true => answer("404 Not Found", &[], ""),
        false => ok("from a"),
    })
    .await;
    let second = Server::start(|_| ok("from b")).await;
    let upstream = Upstream::new(&format!("{},{}", first.http(), second.http())).unwrap();
    assert_eq!(answer_of(&upstream, LIST).await.1, "from a");
    assert_eq!(answer_of(&upstream, ZIP).await.1, "from b");
    assert_eq!(first.seen().len(), 2, "the first one is asked each time");
}

#[test]
fn what_cannot_be_an_upstream_is_refused_at_once() {
    for (list, cause) in [
        ("", "GOPROXY list is empty"),
        (" , |", "GOPROXY list is empty"),
        ("foo", "invalid proxy URL missing scheme: foo"),
        (
            "http://u:p@a.test",
            "refusing to pass credentials to insecure URL: http://xxxxx@a.test",
        ),
        (
            "ftp://u:p@a.test/x?key=secret",
            "invalid proxy URL scheme (must be https, http, file): ftp://xxxxx@a.test/x?xxxxx",
        ),
        (
            "https://a.test,direct",
            "`direct` needs a service that reads version control: give one with Upstream::with_direct, or end the list before it",
        ),
    ] {
        assert_eq!(Upstream::new(list).unwrap_err().to_string(), cause);
    }
}

#[tokio::test]
async fn a_directory_answers_like_a_registry() {
    let directory = tempfile::tempdir().unwrap();
    let versions = directory.path().join("tree/example.com/!m/@v");
    fs::create_dir_all(&versions).unwrap();
    fs::write(versions.join("list"), "v1.0.0\n").unwrap();
    let zip: Vec<u8> = (0..300_000_u32).map(|n| (n % 251) as u8).collect();
    fs::write(versions.join("v1.0.0.zip"), &zip).unwrap();
    fs::create_dir(versions.join("v1.0.0.mod")).unwrap();
    fs::write(directory.path().join("secret"), "secret").unwrap();

    let list = format!("file://{}/tree/", directory.path().display());
    let upstream = Upstream::new(&list).unwrap();
    let response = get(&upstream, "/example.com/%21m/@v/v1.0.0.zip").await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()[CONTENT_TYPE], "application/zip");
    assert_eq!(response.headers()[CONTENT_LENGTH], "300000");
    assert_eq!(response.body().size_hint().exact(), Some(300_000));
    assert!(read(response).await.unwrap() == zip);
    assert_eq!(
        answer_of(&upstream, "/example.com/!m/@v/list").await.1,
        "v1.0.0\n"
    );

    let head = call(&upstream, head_request("/example.com/!m/@v/v1.0.0.zip")).await;
    assert_eq!(head.headers()[CONTENT_LENGTH], "300000");
    assert!(head.body().is_end_stream());

    for missing in [
        "/example.com/!m/@v/v1.0.1.zip",
        "/example.com/!m/@v/v1.0.0.mod",
        "/example.com/!m/@latest",
        "/example.com/other/@v/list",
        "/example.com/!m/@v/list/x/@v/list",
        "/../secret",
        "/example.com/../../secret/@v/list",
        "/example.com/%2e%2e/%2e%2e/secret/@v/list",
        "/example.com/!m/@v/..%2f..%2fsecret.zip",
    ] {
        assert_eq!(get(&upstream, missing).await.status(), 404, "{missing}");
    }
}

#[tokio::test]
async fn a_directory_without_the_file_passes_on_to_the_next_registry() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(|_| ok("v1.0.0\n")).await;
    let list = format!("file://{},{}", directory.path().display(), server.http());
    assert_eq!(
        answer_of(&Upstream::new(&list).unwrap(), LIST).await.1,
        "v1.0.0\n"
    );
}

#[tokio::test]
async fn a_file_that_is_cut_while_it_is_read_breaks_the_body() {
    let directory = tempfile::tempdir().unwrap();
    let versions = directory.path().join("example.com/m/@v");
    fs::create_dir_all(&versions).unwrap();
    let path = versions.join("v1.0.0.zip");
    fs::write(&path, vec![7; 200_000]).unwrap();
    let list = format!("file://{}", directory.path().display());
    let response = get(&Upstream::new(&list).unwrap(), ZIP).await;
    fs::File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(100_000)
        .unwrap();
    let (bytes, error) = read_to_break(response).await;
    assert_eq!((bytes.len(), error.is_some()), (100_000, true));
}
