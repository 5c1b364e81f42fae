//! The four limits of time, and the attempts before the first byte.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{Empty, Full};
use tokio::time::Instant;
use tower::BoxError;
use tower_goproxy::Upstream;
use tower_goproxy::upstream::{Limit, UpstreamError};

use crate::ask::{LIST, ZIP, get, read, read_to_break, request};
use crate::script::Part::{Break, Data, Hang, Seconds};
use crate::script::{Script, Turn, status, turn};

const REGISTRY: &str = "https://registry.example";

fn upstream(script: &Script) -> Upstream<Script> {
    Upstream::with_client(REGISTRY, script.clone()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_head_that_does_not_come_is_a_gateway_timeout() {
    let script = Script::new([Turn::Hang]);
    let upstream = upstream(&script).first_byte_timeout(Duration::from_secs(7));
    let start = Instant::now();
    let response = get(&upstream, LIST).await;
    assert_eq!(start.elapsed().as_secs(), 7);
    assert_eq!(response.status(), 504);
    let error = response.extensions().get::<UpstreamError>().unwrap();
    assert_eq!(error.limit(), Some(Limit::FirstByte));
    let text = b"gateway timeout: upstream exceeded the first byte limit of 7s\n";
    assert_eq!(read(response).await.unwrap(), text);
    assert_eq!(
        script.uris().len(),
        1,
        "what took too long is not asked again"
    );
}

#[tokio::test(start_paused = true)]
async fn a_version_that_a_registry_has_never_seen_may_take_more_than_a_minute() {
    let client = tower::service_fn(|_: Request<Empty<Bytes>>| async {
        tokio::time::sleep(Duration::from_secs(100)).await;
        Ok::<_, BoxError>(Response::new(Full::<Bytes>::from("{}")))
    });
    let upstream = Upstream::with_client(REGISTRY, client).unwrap();
    let response = get(&upstream, "/example.com/m/@v/v1.0.0.info").await;
    assert_eq!(response.status(), 200);
}

#[tokio::test(start_paused = true)]
async fn a_handshake_that_does_not_come_is_a_gateway_timeout_of_its_own() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let list = format!("https://{}", silent.local_addr().unwrap());
    let upstream = Upstream::new(&list)
        .unwrap()
        .connect_timeout(Duration::from_secs(3));
    let error = upstream.try_call(&request(LIST)).await.unwrap_err();
    assert_eq!(
        (error.status().as_u16(), error.limit()),
        (504, Some(Limit::Connect))
    );
}

#[tokio::test(start_paused = true)]
async fn a_body_that_stops_before_its_first_byte_is_a_gateway_timeout() {
    let script = Script::new([turn(&[("content-length", "9")], [Hang])]);
    let error = upstream(&script).try_call(&request(ZIP)).await.unwrap_err();
    assert_eq!(
        (error.status().as_u16(), error.limit()),
        (504, Some(Limit::Idle))
    );
}

#[tokio::test(start_paused = true)]
async fn a_body_that_stops_in_the_middle_breaks() {
    let script = Script::new([turn(&[("content-length", "9")], [Data("abc"), Hang])]);
    let upstream = upstream(&script).idle_timeout(Duration::from_secs(5));
    let start = Instant::now();
    let (bytes, error) = read_to_break(get(&upstream, ZIP).await).await;
    assert_eq!(bytes, b"abc");
    assert_eq!(error.unwrap().limit(), Some(Limit::Idle));
    assert_eq!(start.elapsed().as_secs(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_slow_but_never_stops_arrives() {
    // Each wait is within the idle limit, all of them together are not.
    let slow = || {
        turn(
            &[],
            ["a", "b", "c", "d"]
                .into_iter()
                .flat_map(|data| [Seconds(29), Data(data)]),
        )
    };
    let script = Script::new([slow()]);
    let start = Instant::now();
    assert_eq!(
        read(get(&upstream(&script), ZIP).await).await.unwrap(),
        b"abcd"
    );
    assert_eq!(start.elapsed().as_secs(), 4 * 29);

    let script = Script::new([turn(&[], [Seconds(29), Data("a"), Seconds(31), Data("b")])]);
    let (bytes, error) = read_to_break(get(&upstream(&script), ZIP).await).await;
    assert_eq!(
        (bytes.as_slice(), error.unwrap().limit()),
        (&b"a"[..], Some(Limit::Idle))
    );
}

#[tokio::test(start_paused = true)]
async fn time_in_which_nobody_reads_is_not_the_upstreams() {
    let script = Script::new([turn(&[("content-length", "6")], [Data("abc"), Data("def")])]);
    let response = get(&upstream(&script), ZIP).await;
    tokio::time::advance(Duration::from_secs(2 * 60 * 60)).await;
    assert_eq!(read(response).await.unwrap(), b"abcdef");
}

#[tokio::test(start_paused = true)]
async fn the_total_limit_covers_attempts_and_the_body() {
    let script = Script::new([turn(&[("content-length", "6")], [Data("abc"), Hang])]);
    let limit = Duration::from_secs(20);
    let start = Instant::now();
    let response = get(&upstream(&script).total_timeout(limit), ZIP).await;
    let (bytes, error) = read_to_break(response).await;
    assert_eq!(
        (bytes.as_slice(), error.unwrap().limit()),
        (&b"abc"[..], Some(Limit::Total))
    );
    assert_eq!(start.elapsed().as_secs(), 20);

    let script = Script::new([Turn::Hang]);
    let limited = upstream(&script)
        .total_timeout(limit)
        .first_byte_timeout(limit * 2);
    let error = limited.try_call(&request(ZIP)).await.unwrap_err();
    assert_eq!(
        (error.status().as_u16(), error.limit()),
        (504, Some(Limit::Total))
    );
}

#[tokio::test(start_paused = true)]
async fn broken_connections_and_passing_trouble_are_asked_again() {
    for trouble in [
        || Turn::Fail("connection reset"),
        || status(502, &[], []),
        || status(503, &[], []),
        || status(503, &[("retry-after", "2")], []),
        || status(504, &[], []),
        || status(429, &[("retry-after", "5")], []),
        || turn(&[("content-length", "3")], [Break]),
        || turn(&[("content-length", "3")], []),
    ] {
        let script = Script::new([trouble(), trouble(), turn(&[], [Data("v1.0.0\n")])]);
        assert_eq!(
            read(get(&upstream(&script), LIST).await).await.unwrap(),
            b"v1.0.0\n"
        );
        assert_eq!(script.uris().len(), 3);

        let script = Script::new([trouble(), trouble(), trouble()]);
        assert_ne!(get(&upstream(&script), LIST).await.status(), 200);
    }
}

#[tokio::test(start_paused = true)]
async fn a_final_answer_is_not_asked_for_again() {
    for answer in [
        || status(404, &[], []),
        || status(403, &[], []),
        || status(500, &[], []),
        || status(503, &[("retry-after", "60")], []),
        || status(429, &[], []),
        || status(429, &[("retry-after", "6")], []),
    ] {
        let script = Script::new([answer()]);
        assert_ne!(get(&upstream(&script), LIST).await.status(), 200);
        assert_eq!(script.uris().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn the_pauses_between_attempts_grow() {
    let fail = || Turn::Fail("refused");
    let script = Script::new([fail(), fail(), fail(), fail(), fail()]);
    let start = Instant::now();
    get(&upstream(&script).retries(4), LIST).await;
    // 100, 200, 400 and 800 ms, of which a half is random.
    let range = Duration::from_millis(750)..=Duration::from_millis(1510);
    assert!(range.contains(&start.elapsed()), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn an_endless_error_text_does_not_hold_up_its_status() {
    let headers = &[("content-type", "text/plain")];
    let script = Script::new([status(404, headers, [Data("not"), Hang])]);
    let start = Instant::now();
    let response = get(&upstream(&script), LIST).await;
    assert_eq!(
        (response.status().as_u16(), start.elapsed().as_secs()),
        (404, 5)
    );
    assert_eq!(read(response).await.unwrap(), b"not found\n");
}
