//! An upstream's answers, and what of them a client sees.

use http::header::{ALLOW, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Method, StatusCode};
use http_body::Body as _;
use tower_goproxy::Upstream;
use tower_goproxy::upstream::{Limit, UpstreamError};

use crate::ask::{LIST, ZIP, answer_of, call, get, head_request, read, request};
use crate::server::{Act, Server, answer, head, ok};
use crate::support::Port;

/// One that asks only once.
fn upstream(server: &Server) -> Upstream {
    Upstream::new(&server.http()).unwrap().retries(0)
}

#[tokio::test]
async fn a_success_passes_with_its_headers_and_its_exact_length() {
    let server = Server::start(|_| {
        answer(
            "200 OK",
            &[
                "Content-Type: application/zip",
                "ETag: \"x\"",
                "Cache-Control: public",
            ],
            "zip bytes",
        )
    })
    .await;
    let response = get(&upstream(&server), ZIP).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()[CONTENT_TYPE], "application/zip");
    assert_eq!(response.headers()[CONTENT_LENGTH], "9");
    assert_eq!(response.headers()["etag"], "\"x\"");
    assert_eq!(response.headers()["cache-control"], "public");
    assert_eq!(response.body().size_hint().exact(), Some(9));
    assert_eq!(read(response).await.unwrap(), b"zip bytes");
}

#[tokio::test]
async fn only_headers_that_are_about_the_file_pass() {
    const PASSED: [&str; 6] = [
        "Age: 5",
        "Cache-Control: public",
        "Date: Mon, 01 Jan 2024 00:00:01 GMT",
        "ETag: \"e\"",
        "Expires: Mon, 01 Jan 2024 00:00:01 GMT",
        "Last-Modified: Mon, 01 Jan 2024 00:00:00 GMT",
    ];
    let server = Server::start(|_| {
        let mut headers = vec![
            "Accept-Ranges: bytes",
            "Access-Control-Allow-Origin: *",
            "Alt-Svc: h3=\":443\"",
            "Connection: x-hop",
            "Content-Digest: sha-256=:x:",
            "Content-Disposition: attachment",
            "Content-MD5: x",
            "Content-Type: text/html",
            "Digest: x",
            "Keep-Alive: timeout=5",
            "Link: <https://evil.example>; rel=preload",
            "Location: https://evil.example",
            "Refresh: 0",
            "Repr-Digest: sha-256=:x:",
            "Server: x",
            "Set-Cookie: a=b",
            "Strict-Transport-Security: max-age=1",
            "WWW-Authenticate: Basic",
            "X-Accel-Redirect: /x",
            "X-Checksum-Sha256: x",
            "X-Hop: 1",
            "X-Sendfile: /etc/passwd",
        ];
        headers.extend(PASSED);
        answer("200 OK", &headers, "{}")
    })
    .await;
    let response = get(&upstream(&server), "/example.com/m/@latest").await;
    let mut lines: Vec<String> = (response.headers().iter())
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
        .collect();
    let mut expected = PASSED.map(str::to_owned).to_vec();
    expected.extend(["content-type: application/json", "content-length: 2"].map(str::to_owned));
    for lines in [&mut lines, &mut expected] {
        lines
            .iter_mut()
            .for_each(|line| line.make_ascii_lowercase());
        lines.sort_unstable();
    }
    assert_eq!(lines, expected);
}

#[tokio::test]
async fn nothing_of_the_clients_own_head_goes_out() {
    let server = Server::start(|_| ok("")).await;
    let mut asked = request(&format!("{LIST}?secret=1"));
    for name in [
        "authorization",
        "cookie",
        "range",
        "if-none-match",
        "x-own",
        "te",
        "referer",
    ] {
        asked.headers_mut().insert(name, "client".parse().unwrap());
    }
    call(&upstream(&server), asked).await;
    let seen = &server.seen()[0];
    assert_eq!((seen.method.as_str(), seen.target.as_str()), ("GET", LIST));
    assert!(!format!("{seen:?}").contains("client"), "{seen:?}");
    assert_eq!(seen.header("accept-encoding"), Some("identity"));
    let agent = concat!("tower-goproxy/", env!("CARGO_PKG_VERSION"));
    assert_eq!(seen.header("user-agent"), Some(agent));
}

#[tokio::test]
async fn the_path_and_the_query_of_the_upstreams_url_are_kept() {
    let server = Server::start(|_| ok("")).await;
    let list = format!("{}/a%20b//c/?key=1", server.http());
    get(
        &Upstream::new(&list).unwrap(),
        "/example.com/!m/@v/v2.0.0+incompatible.info",
    )
    .await;
    let target = "/a%20b/c/example.com/%21m/@v/v2.0.0+incompatible.info?key=1";
    assert_eq!(server.seen()[0].target, target);
}

#[tokio::test]
async fn head_is_asked_as_head_and_has_the_length_without_a_body() {
    let server = Server::start(|_| head("200 OK", &["Content-Length: 7"])).await;
    let response = call(&upstream(&server), head_request(ZIP)).await;
    assert_eq!(server.seen()[0].method, "HEAD");
    assert_eq!(response.headers()[CONTENT_LENGTH], "7");
    assert!(response.body().is_end_stream());
}

#[tokio::test]
async fn other_methods_are_not_allowed_and_what_is_no_module_is_not_found() {
    let server = Server::start(|_| ok("")).await;
    let upstream = upstream(&server);
    let mut post = request(LIST);
    *post.method_mut() = Method::POST;
    let response = call(&upstream, post).await;
    assert_eq!(response.status(), 405);
    assert_eq!(response.headers()[ALLOW], "GET, HEAD");
    for path in [
        "/",
        "/healthz",
        "/example.com/m/@v/../../x",
        "/example.com/%2e%2e/m/@v/list",
        "//evil.example/m/@v/list",
        "/example.com/M/@v/list",
        "/sumdb/sum.golang.org/supported",
        "/sumdb/169.254.169.254/latest",
    ] {
        let response = get(&upstream, path).await;
        assert_eq!(response.status(), 404, "{path}");
        assert_eq!(
            response.headers()[CONTENT_TYPE],
            "text/plain; charset=utf-8"
        );
    }
    assert!(server.seen().is_empty(), "nothing of it went out");
}

#[tokio::test]
async fn not_found_and_gone_keep_status_and_text() {
    let plain = "Content-Type: text/plain; charset=utf-8";
    let server = Server::start(move |seen| match seen.number {
        0 => answer("404 Not Found", &[plain], "not found: no such version\n"),
        1 => answer("410 Gone", &[plain, "X-Host: me"], "withdrawn"),
        2 => answer(
            "404 Not Found",
            &["Content-Type: text/html"],
            "<html>host me</html>",
        ),
        3 => answer("404 Not Found", &[plain], "\u{1b}[31mred"),
        _ => answer("404 Not Found", &[plain], "https://user:pw@host/ failed"),
    })
    .await;
    let upstream = upstream(&server);
    for (status, text) in [
        (404, "not found: no such version\n"),
        (410, "withdrawn\n"),
        (404, "not found\n"),
        (404, "not found\n"),
        (404, "not found\n"),
    ] {
        let response = get(&upstream, LIST).await;
        assert_eq!(response.status(), status);
        assert_eq!(
            response.headers()[CONTENT_TYPE],
            "text/plain; charset=utf-8"
        );
        assert!(
            response
                .extensions()
                .get::<UpstreamError>()
                .unwrap()
                .is_not_found()
        );
        assert!(response.headers().get("x-host").is_none());
        assert_eq!(read(response).await.unwrap(), text.as_bytes());
    }
    let connections: Vec<usize> = server.seen().iter().map(|seen| seen.connection).collect();
    assert_eq!(connections, [0; 5], "errors do not cost a connection");
}

/// What an upstream answers, and what becomes of it.
const STATUSES: &[(&str, u16)] = &[
    ("201 Created", 502),
    ("204 No Content", 502),
    ("206 Partial Content", 502),
    ("300 Multiple Choices", 502),
    ("302 Found", 502),
    ("304 Not Modified", 502),
    ("401 Unauthorized", 502),
    ("429 Too Many Requests", 429),
    ("500 Internal Server Error", 502),
    ("502 Bad Gateway", 502),
    ("503 Service Unavailable", 502),
    ("504 Gateway Timeout", 504),
    ("599 Odd", 502),
];

#[tokio::test]
async fn every_other_status_is_trouble_and_never_a_404() {
    let server = Server::start(|seen| {
        let (status, _) = STATUSES[seen.number];
        let headers = [
            "Content-Type: text/plain",
            "WWW-Authenticate: Basic realm=\"inner\"",
        ];
        match status {
            "204 No Content" | "304 Not Modified" => head(status, &headers),
            _ => answer(status, &headers, "inner host says no"),
        }
    })
    .await;
    let upstream = upstream(&server);
    for (status, want) in STATUSES {
        let response = get(&upstream, LIST).await;
        assert_eq!(response.status(), *want, "{status}");
        assert!(response.headers().get("www-authenticate").is_none());
        let text = String::from_utf8(read(response).await.unwrap()).unwrap();
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(!text.contains("inner"), "{text}");
        assert!(!text.contains("127.0.0.1"), "{text}");
    }
}

#[tokio::test]
async fn too_many_requests_keeps_its_retry_after() {
    let server = Server::start(|seen| match seen.number {
        0 => answer("429 Too Many Requests", &["Retry-After: 120"], ""),
        1 => answer(
            "429 Too Many Requests",
            &["Retry-After: Wed, 21 Oct 2026 07:28:00 GMT"],
            "",
        ),
        _ => answer("429 Too Many Requests", &["Retry-After: soon <b>"], ""),
    })
    .await;
    let upstream = upstream(&server);
    for want in ["120", "Wed, 21 Oct 2026 07:28:00 GMT", "30"] {
        let response = get(&upstream, LIST).await;
        assert_eq!(response.status(), 429);
        assert_eq!(response.headers()[RETRY_AFTER], want);
    }
}

#[tokio::test]
async fn connection_refused_is_a_bad_gateway() {
    let nobody = Port::new();
    let (status, text) = answer_of(&Upstream::new(&nobody.url()).unwrap().retries(0), LIST).await;
    assert_eq!(status, StatusCode::BAD_GATEWAY);
    assert_eq!(text, "bad gateway: upstream cannot be reached\n");
}

#[tokio::test]
async fn an_unknown_host_is_a_bad_gateway() {
    // No name under `.invalid` exists (RFC 6761).
    let upstream = Upstream::new("http://registry.invalid").unwrap().retries(0);
    assert_eq!(get(&upstream, LIST).await.status(), 502);
}

#[tokio::test]
async fn a_connection_closed_without_an_answer_is_a_bad_gateway() {
    let server = Server::start(|_| vec![Act::Close]).await;
    assert_eq!(get(&upstream(&server), LIST).await.status(), 502);
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn try_call_gives_the_error_with_the_host_that_clients_do_not_see() {
    let server = Server::start(|_| answer("403 Forbidden", &[], "")).await;
    let error = upstream(&server)
        .header(AUTHORIZATION, HeaderValue::from_static("Bearer t"))
        .try_call(&request(LIST))
        .await
        .unwrap_err();
    let host = server.address.to_string();
    assert_eq!(
        error.to_string(),
        format!("{host}: refused our credentials with 403 Forbidden")
    );
    assert!(!error.reason().contains(&host));
    assert_eq!(
        (error.status(), error.limit()),
        (StatusCode::BAD_GATEWAY, None::<Limit>)
    );
}
