//! Bodies that break in the middle: resumed where the bytes are sure to be the same, broken everywhere else.

use http_body::Body as _;
use http_body_util::BodyExt as _;
use tower_goproxy::Upstream;
use tower_goproxy::upstream::Limit;

use crate::ask::{ZIP, get, read, read_to_break};
use crate::script::Part::{Break, Data, Hang};
use crate::script::{Script, Turn, status, turn};
use crate::server::{Act, Seen, Server, head};

const REGISTRY: &str = "https://registry.example";
const WHOLE: &[(&str, &str)] = &[("content-length", "9"), ("etag", "\"e\"")];

fn upstream(script: &Script) -> Upstream<Script> {
    Upstream::with_client(REGISTRY, script.clone()).unwrap()
}

fn rest(range: &'static str, data: &'static str) -> Turn {
    turn(&[("content-range", range), ("etag", "\"e\"")], [Data(data)])
}

/// Serves `file` and closes the connection behind every `step` bytes.
fn breaking(file: &'static [u8], step: usize) -> impl Fn(&Seen) -> Vec<Act> {
    move |seen| {
        let from = match seen.header("range") {
            None => 0,
            Some(range) => {
                assert_eq!(seen.header("if-range"), Some("\"whole\""));
                let range = range.strip_prefix("bytes=").unwrap();
                range.strip_suffix('-').unwrap().parse().unwrap()
            }
        };
        let length = format!("Content-Length: {}", file.len() - from);
        let range = format!(
            "Content-Range: bytes {from}-{}/{}",
            file.len() - 1,
            file.len()
        );
        let mut script = match from {
            0 => head("200 OK", &["ETag: \"whole\"", &length]),
            _ => head("206 Partial Content", &["ETag: \"whole\"", &length, &range]),
        };
        let end = file.len().min(from + step);
        script.push(Act::Send(file[from..end].to_vec()));
        script.push(Act::Close);
        script
    }
}

#[tokio::test]
async fn a_body_that_breaks_over_and_over_arrives_whole() {
    static FILE: [u8; 400_000] = {
        let mut file = [0; 400_000];
        let mut at = 0;
        while at < file.len() {
            file[at] = (at / 7 % 251) as u8;
            at += 1;
        }
        file
    };
    let server = Server::start(breaking(&FILE, 70_000)).await;
    let upstream = Upstream::new(&server.http()).unwrap().resumes(1);
    let response = get(&upstream, ZIP).await;
    assert_eq!(response.body().size_hint().exact(), Some(400_000));
    assert!(
        read(response).await.unwrap() == FILE,
        "bytes are repeated or skipped"
    );
    assert_eq!(server.seen().len(), 6);
}

#[tokio::test(start_paused = true)]
async fn each_kind_of_break_is_resumed() {
    for broken in [
        || turn(WHOLE, [Data("abc"), Break]),
        || turn(WHOLE, [Data("abc"), Hang]),
        || turn(WHOLE, [Data("abc")]),
    ] {
        let script = Script::new([broken(), rest("bytes 3-8/9", "defghi")]);
        let body = read(get(&upstream(&script), ZIP).await).await.unwrap();
        assert_eq!(body, b"abcdefghi");
        assert_eq!(script.headers("range")[1].as_deref(), Some("bytes=3-"));
        assert_eq!(script.headers("if-range")[1].as_deref(), Some("\"e\""));
    }
}

#[tokio::test(start_paused = true)]
async fn a_date_that_is_old_enough_will_do() {
    let modified = "Mon, 01 Jan 2024 00:00:00 GMT";
    let date = ("date", "Mon, 01 Jan 2024 00:01:00 GMT");
    let whole = [("content-length", "6"), ("last-modified", modified), date];
    let script = Script::new([
        turn(&whole, [Data("abc"), Break]),
        turn(&[("content-range", "bytes 3-5/6")], [Data("def")]),
    ]);
    assert_eq!(
        read(get(&upstream(&script), ZIP).await).await.unwrap(),
        b"abcdef"
    );
    assert_eq!(script.headers("if-range")[1].as_deref(), Some(modified));
}

#[tokio::test(start_paused = true)]
async fn the_rest_of_another_date_is_refused() {
    let modified = ("last-modified", "Mon, 01 Jan 2024 00:00:00 GMT");
    let later = ("last-modified", "Mon, 01 Jan 2024 00:00:30 GMT");
    let date = ("date", "Mon, 01 Jan 2024 00:01:00 GMT");
    let script = Script::new([
        turn(
            &[("content-length", "6"), modified, date],
            [Data("abc"), Break],
        ),
        turn(&[("content-range", "bytes 3-5/6"), later], [Data("DEF")]),
    ]);
    let (bytes, error) = read_to_break(get(&upstream(&script), ZIP).await).await;
    assert_eq!((bytes.as_slice(), error.is_some()), (&b"abc"[..], true));
}

#[tokio::test(start_paused = true)]
async fn the_rest_is_asked_for_behind_the_same_redirect() {
    let moved = || status(302, &[("location", "https://cdn.test/signed")], []);
    let script = Script::new([
        moved(),
        turn(WHOLE, [Data("abc"), Break]),
        moved(),
        rest("bytes 3-8/9", "defghi"),
    ]);
    assert_eq!(
        read(get(&upstream(&script), ZIP).await).await.unwrap(),
        b"abcdefghi"
    );
    assert_eq!(script.uris()[3], "https://cdn.test/signed");
    assert_eq!(script.headers("range")[3].as_deref(), Some("bytes=3-"));
}

#[tokio::test(start_paused = true)]
async fn a_part_of_the_rest_is_followed_by_its_rest() {
    let script = Script::new([
        turn(WHOLE, [Data("abc"), Break]),
        rest("bytes 3-5/9", "def"),
        rest("bytes 6-8/9", "ghi"),
    ]);
    assert_eq!(
        read(get(&upstream(&script), ZIP).await).await.unwrap(),
        b"abcdefghi"
    );
}

#[tokio::test(start_paused = true)]
async fn anything_but_the_same_rest_breaks_the_body() {
    let other = [("content-range", "bytes 3-8/9"), ("etag", "\"other\"")];
    for second in [
        turn(WHOLE, [Data("abcdefghi")]),
        turn(&other, [Data("DEFGHI")]),
        rest("bytes 2-8/9", "cdefghi"),
        rest("bytes 3-9/10", "defghij"),
        status(416, &[], []),
        status(404, &[], []),
    ] {
        let script = Script::new([turn(WHOLE, [Data("abc"), Break]), second]);
        let (bytes, error) = read_to_break(get(&upstream(&script), ZIP).await).await;
        assert_eq!(bytes, b"abc");
        assert!(error.is_some());
        assert_eq!(script.uris().len(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_rest_that_is_longer_than_it_says_breaks_the_body() {
    let script = Script::new([
        turn(WHOLE, [Data("abc"), Break]),
        rest("bytes 3-5/9", "defghi"),
    ]);
    let (bytes, error) = read_to_break(get(&upstream(&script), ZIP).await).await;
    assert_eq!((bytes.as_slice(), error.is_some()), (&b"abc"[..], true));
    assert_eq!(script.uris().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_may_have_changed_is_not_asked_for() {
    let length = ("content-length", "9");
    for headers in [
        &[length][..],
        &[("etag", "\"e\"")],
        &[length, ("etag", "W/\"e\"")],
        &[length, ("etag", "\"e\""), ("accept-ranges", "none")],
        &[length, ("last-modified", "Mon, 01 Jan 2024 00:00:00 GMT")],
    ] {
        let script = Script::new([turn(headers, [Data("abc"), Break])]);
        let (bytes, error) = read_to_break(get(&upstream(&script), ZIP).await).await;
        assert_eq!((bytes.as_slice(), error.is_some()), (&b"abc"[..], true));
        assert_eq!(script.uris().len(), 1, "{headers:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn attempts_in_vain_are_counted_and_end() {
    let script = Script::new([
        turn(WHOLE, [Data("abc"), Break]),
        Turn::Fail("refused"),
        status(503, &[], []),
        rest("bytes 3-8/9", "d"),
    ]);
    let (bytes, error) = read_to_break(get(&upstream(&script), ZIP).await).await;
    assert_eq!((bytes.as_slice(), error.is_some()), (&b"abcd"[..], true));
    assert_eq!(script.uris().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn no_resume_is_asked_for_if_none_are_allowed() {
    let script = Script::new([turn(WHOLE, [Data("abc"), Break])]);
    let (_, error) = read_to_break(get(&upstream(&script).resumes(0), ZIP).await).await;
    assert!(error.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_resume_that_hangs_ends_with_the_total_limit() {
    let script = Script::new([turn(WHOLE, [Data("abc"), Break]), Turn::Hang]);
    let limit = std::time::Duration::from_secs(10);
    let (_, error) = read_to_break(get(&upstream(&script).total_timeout(limit), ZIP).await).await;
    assert_eq!(error.unwrap().limit(), Some(Limit::Total));
}

#[tokio::test(start_paused = true)]
async fn more_than_the_declared_length_is_an_error() {
    let script = Script::new([turn(&[("content-length", "4")], [Data("abc"), Data("def")])]);
    let (bytes, error) = read_to_break(get(&upstream(&script), ZIP).await).await;
    assert_eq!((bytes.as_slice(), error.is_some()), (&b"abc"[..], true));
}

#[tokio::test(start_paused = true)]
async fn a_client_without_framing_cannot_end_a_body_early() {
    // Nothing but the header says how long it is: the client service ends the body cleanly.
    let script = Script::new([turn(&[("content-length", "9")], [Data("abc")])]);
    let mut body = get(&upstream(&script), ZIP).await.into_body();
    assert_eq!(body.size_hint().exact(), Some(9));
    assert!(body.frame().await.unwrap().is_ok());
    assert!(!body.is_end_stream());
    assert!(body.frame().await.unwrap().is_err());
    assert!(body.is_end_stream());
}
