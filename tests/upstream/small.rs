//! Small answers: read before they are answered, so that a client never sees one that breaks off.

use http::header::CONTENT_LENGTH;
use http_body::Body as _;
use tower_goproxy::Upstream;

use crate::ask::{LIST, ZIP, get, read, read_to_break};
use crate::script::Part::{Break, Data, Hang};
use crate::script::{Script, Turn, turn};
use crate::server::{Act, Server, head};

const SMALL: [&str; 5] = [
    LIST,
    "/example.com/m/@latest",
    "/example.com/m/@v/main.info",
    "/example.com/m/@v/v1.0.0.info",
    "/example.com/m/@v/v1.0.0.mod",
];

fn upstream(script: &Script) -> Upstream<Script> {
    Upstream::with_client("https://a.test", script.clone()).unwrap()
}

fn broken() -> Turn {
    turn(&[], [Data("v1.0"), Break])
}

fn cut() -> Turn {
    turn(&[("content-length", "14")], [Data("v1.0.0\n")])
}

fn whole() -> Turn {
    turn(&[], [Data("v1.0.0\n"), Data("v1.1.0\n")])
}

#[tokio::test(start_paused = true)]
async fn a_small_answer_that_breaks_off_is_asked_for_again() {
    for path in SMALL {
        let script = Script::new([broken(), cut(), whole()]);
        let response = get(&upstream(&script), path).await;
        assert_eq!(response.status(), 200, "{path}");
        assert_eq!(response.headers()[CONTENT_LENGTH], "14");
        assert_eq!(response.body().size_hint().exact(), Some(14));
        assert_eq!(read(response).await.unwrap(), b"v1.0.0\nv1.1.0\n");
        assert_eq!(script.uris().len(), 3);
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_breaks_off_each_time_is_a_bad_gateway() {
    let script = Script::new([broken(), cut(), broken()]);
    assert_eq!(get(&upstream(&script), LIST).await.status(), 502);
    assert_eq!(script.uris().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn one_that_stops_is_a_gateway_timeout() {
    let script = Script::new([turn(&[], [Data("v1.0"), Hang])]);
    assert_eq!(get(&upstream(&script), LIST).await.status(), 504);
}

#[tokio::test(start_paused = true)]
async fn a_zip_is_answered_with_its_first_part() {
    let script = Script::new([broken()]);
    let (bytes, error) = read_to_break(get(&upstream(&script), ZIP).await).await;
    assert_eq!((bytes.as_slice(), error.is_some()), (&b"v1.0"[..], true));
}

#[tokio::test]
async fn a_list_of_any_length_arrives_whole() {
    const LINES: usize = 100_000;
    let server = Server::start(|_| {
        let mut script = head("200 OK", &["Transfer-Encoding: chunked"]);
        let chunk = format!(
            "{:x}\r\n{}\r\n",
            7 * LINES / 10,
            "v1.0.0\n".repeat(LINES / 10)
        );
        script.push(Act::Send(chunk.repeat(10).into_bytes()));
        script.push(Act::Send(b"0\r\n\r\n".to_vec()));
        script
    })
    .await;
    let response = get(&Upstream::new(&server.http()).unwrap(), LIST).await;
    assert_eq!(response.body().size_hint().exact(), None);
    assert_eq!(
        read(response).await.unwrap(),
        "v1.0.0\n".repeat(LINES).as_bytes()
    );
}
