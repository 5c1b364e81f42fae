//! One policy for every endpoint: what lists, `@latest` and branches say of excluded versions.

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use tower::Layer as _;
use tower_goproxy::Target;
use tower_goproxy::filter::{Filter, FilterLayer};
use tower_goproxy::policy::{Policy, Rule, policy_fn};

use crate::ask::{ask, get, rules, send};
use crate::recorder::Recorder;

const RULES: &str = "
    - example.com/m v1.1.0
    - example.com/m ~v3.0.0
    D corp.example
    - corp.example/m v1.1.0
";

const LIST: &str = "v1.0.0\nv1.1.0\nv1.1.1\nv1.2.0-RC.1 2024-01-02T03:04:05Z\nv1.1.0-rc.1\n";

/// The list without `v1.1.0`, every other byte as it was.
const ALLOWED: &str = "v1.0.0\nv1.1.1\nv1.2.0-RC.1 2024-01-02T03:04:05Z\nv1.1.0-rc.1\n";

/// What asks for less than the whole.
const PARTIAL: [&str; 6] = [
    "range",
    "if-range",
    "if-match",
    "if-none-match",
    "if-modified-since",
    "if-unmodified-since",
];

/// Both ways lead to `source`.
fn around(source: &Recorder) -> Filter<Recorder, Recorder> {
    FilterLayer::new(rules(RULES), source.clone()).layer(source.clone())
}

fn answering(
    head: fn(http::response::Builder) -> http::response::Builder,
    body: &'static str,
) -> Recorder {
    Recorder::new(move |_| head(Response::builder()).body(Body::from(body)).unwrap())
}

#[tokio::test]
async fn the_list_of_a_module_with_one_excluded_version_lacks_that_one_only() {
    let source = answering(
        |head| {
            head.header("content-length", LIST.len())
                .header("content-type", "text/html")
                .header("etag", "\"of the whole list\"")
                .header("last-modified", "Sat, 01 Jan 2000 00:00:00 GMT")
                .header("content-digest", "sha-256=:b2Y=:")
                .header("repr-digest", "sha-256=:b2Y=:")
                .header("digest", "sha-256=b2Y=")
                .header("content-md5", "b2Y=")
                .header("x-checksum-sha256", "of the whole list")
                .header("x-accel-redirect", "/secret")
                .header("set-cookie", "a=b")
                .header("content-location", "/other")
                .header("cache-control", "max-age=60")
        },
        LIST,
    );
    for (module, cache) in [
        ("example.com/m", "max-age=60"),
        ("corp.example/m", "private, max-age=60"),
    ] {
        let answer = get(&around(&source), &format!("/{module}/@v/list")).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.text, ALLOWED);
        assert_eq!(answer.header("content-length"), ALLOWED.len().to_string());
        assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
        assert_eq!(answer.header("cache-control"), cache);
        for of_the_whole in [
            "etag",
            "last-modified",
            "content-digest",
            "repr-digest",
            "digest",
            "content-md5",
            "x-checksum-sha256",
            "x-accel-redirect",
            "set-cookie",
            "content-location",
        ] {
            assert_eq!(answer.header(of_the_whole), "");
        }
    }
}

#[tokio::test]
async fn a_list_that_comes_in_pieces_is_read_as_one() {
    let source = Recorder::new(|_| {
        let pieces = LIST
            .as_bytes()
            .chunks(4)
            .map(|piece| Ok::<_, axum::Error>(Bytes::from(piece)));
        Response::new(Body::from_stream(stream::iter(pieces)))
    });
    let answer = get(&around(&source), "/example.com/m/@v/list").await;
    assert_eq!(answer.text, ALLOWED);
    assert_eq!(answer.header("content-length"), ALLOWED.len().to_string());
}

#[tokio::test]
async fn the_list_of_a_module_without_rules_for_versions_passes_as_it_is() {
    let source = answering(
        |head| {
            head.header("etag", "\"x\"")
                .header("content-encoding", "gzip")
        },
        "anything\nv1.1.0",
    );
    let answer = get(&around(&source), "/example.com/other/@v/list").await;
    assert_eq!(answer.text, "anything\nv1.1.0");
    assert_eq!(answer.header("etag"), "\"x\"");
    assert_eq!(answer.header("content-encoding"), "gzip");
}

#[tokio::test]
async fn an_allow_list_of_versions_filters_the_list() {
    let source = Recorder::saying(LIST);
    let app = FilterLayer::new(
        rules("- example.com/m\n+ example.com/m v1.1.0,v1.1.1"),
        source.clone(),
    )
    .layer(Recorder::saying(""));
    assert_eq!(
        get(&app, "/example.com/m/@v/list").await.text,
        "v1.1.0\nv1.1.1\n"
    );
}

#[tokio::test]
async fn any_closure_can_look_at_versions() {
    let no_prereleases = policy_fn(|target, _| match target.version() {
        Some(version) if version.is_prerelease() => Rule::exclude(),
        _ => Rule::include(),
    });
    let app = FilterLayer::new(no_prereleases, Recorder::saying(LIST)).layer(Recorder::saying(""));
    assert_eq!(
        get(&app, "/example.com/m/@v/list").await.text,
        "v1.0.0\nv1.1.0\nv1.1.1\n"
    );
}

#[tokio::test]
async fn a_policy_that_does_not_depend_on_versions_costs_no_reading() {
    struct Plain;
    impl Policy for Plain {
        fn rule(&self, target: &Target<'_>, _: &Parts) -> Rule {
            match target.version() {
                Some(_) => Rule::exclude(),
                None => Rule::include(),
            }
        }
        fn depends_on_version(&self, _: &Target<'_>) -> bool {
            false
        }
    }
    let app = FilterLayer::new(Plain, Recorder::saying(LIST)).layer(Recorder::saying(""));
    assert_eq!(get(&app, "/example.com/m/@v/list").await.text, LIST);
}

#[tokio::test]
async fn a_branch_that_leads_to_an_excluded_version_is_refused() {
    let source = Recorder::saying(r#"{"Version":"v1.1.0"}"#);
    let answer = get(&around(&source), "/example.com/m/@v/main.info").await;
    answer.is_a_line(
        StatusCode::FORBIDDEN,
        "example.com/m@v1.1.0 is excluded by the rules of this proxy",
    );
    let app = FilterLayer::new(rules(RULES), source.clone())
        .exclude_status(StatusCode::GONE)
        .unwrap()
        .layer(source);
    assert_eq!(
        get(&app, "/example.com/m/@v/main.info").await.status,
        StatusCode::GONE
    );
}

#[tokio::test]
async fn latest_and_a_branch_that_are_allowed_pass_byte_for_byte() {
    const INFO: &str = "{ \"Version\" : \"v1.2.0\",\n \"Extra\": [1] }\n";
    let source = answering(|head| head.header("content-type", "text/html"), INFO);
    for uri in ["/example.com/m/@latest", "/example.com/m/@v/main.info"] {
        let answer = get(&around(&source), uri).await;
        assert_eq!(
            (answer.status, answer.text.as_str()),
            (StatusCode::OK, INFO)
        );
        assert_eq!(answer.header("content-type"), "application/json");
        assert_eq!(answer.header("content-length"), INFO.len().to_string());
    }
}

#[tokio::test]
async fn what_cannot_be_searched_is_502() {
    let line = "cannot filter excluded versions: upstream response ";
    let encoded = answering(|head| head.header("content-encoding", "gzip"), LIST);
    let answer = get(&around(&encoded), "/example.com/m/@v/list").await;
    answer.is_a_line(StatusCode::BAD_GATEWAY, &format!("{line}is encoded"));

    for other in [203, 206, 226] {
        let source = Recorder::new(move |_| {
            let head = Response::builder().status(other);
            head.body(Body::from(LIST)).unwrap()
        });
        let answer = get(&around(&source), "/example.com/m/@v/list").await;
        answer.is_a_line(
            StatusCode::BAD_GATEWAY,
            &format!("{line}has status {other}"),
        );
    }

    for (info, reason) in [
        ("<html>", "is not a JSON object"),
        ("{}", "names no version"),
        (r#"{"Version":"main"}"#, "names a malformed version"),
    ] {
        let answer = get(&around(&Recorder::saying(info)), "/example.com/m/@latest").await;
        answer.is_a_line(StatusCode::BAD_GATEWAY, &format!("{line}{reason}"));
    }

    let broken = Recorder::new(|_| {
        let parts = [
            Ok("v1.0.0\n"),
            Err(std::io::Error::other("the upstream is gone")),
        ];
        Response::new(Body::from_stream(stream::iter(parts)))
    });
    let answer = get(&around(&broken), "/example.com/m/@v/list").await;
    answer.is_a_line(StatusCode::BAD_GATEWAY, &format!("{line}broke off"));
}

#[tokio::test]
async fn what_is_to_be_searched_is_asked_for_whole_and_unencoded() {
    let source = Recorder::saying(LIST);
    let app = around(&source);
    for uri in ["/example.com/m/@v/list", "/example.com/other/@v/list"] {
        let mut request = Request::get(uri).header("accept-encoding", "gzip");
        for name in PARTIAL {
            request = request.header(name, "x");
        }
        send(&app, request.body(Body::empty()).unwrap()).await;
    }
    let [searched, passed] = &source.seen()[..] else {
        panic!("both were asked for");
    };
    assert_eq!(searched.headers["accept-encoding"], "identity");
    assert_eq!(searched.headers.len(), 1, "{:?}", searched.headers);
    assert_eq!(passed.headers["accept-encoding"], "gzip");
    assert_eq!(passed.headers.len(), 1 + PARTIAL.len());
}

#[tokio::test]
async fn head_has_the_status_and_the_headers_of_get_where_versions_are_filtered() {
    let info = |version: &str| format!("{{\"Version\":\"{version}\"}}");
    for (path, content) in [
        ("@v/list", LIST.to_owned()),
        ("@latest", info("v1.1.0")),
        ("@latest", info("v1.2.0")),
        ("@latest", "no JSON".to_owned()),
        ("@v/main.info", info("v1.1.0")),
        ("@v/main.info", info("v1.2.0")),
    ] {
        let source = Recorder::new(move |request| {
            let head = Response::builder().header("etag", "\"x\"");
            let head = head.header("content-length", content.len());
            let body = match request.method {
                Method::GET => Body::from(content.clone()),
                _ => Body::empty(),
            };
            head.body(body).unwrap()
        });
        let app = around(&source);
        for module in ["example.com/m", "corp.example/m"] {
            let uri = format!("/{module}/{path}");
            let [of_get, of_head] = [
                ask(&app, Method::GET, &uri).await,
                ask(&app, Method::HEAD, &uri).await,
            ];
            assert_eq!(of_head.status, of_get.status, "{uri}");
            assert_eq!(of_head.headers, of_get.headers, "{uri}");
            assert_eq!(of_head.text, "", "{uri}");
        }
        assert!(source.seen().iter().all(|seen| seen.method == Method::GET));
    }
}

#[tokio::test]
async fn head_is_passed_on_where_nothing_is_filtered() {
    let source = answering(
        |head| head.header("content-length", 55).header("etag", "\"x\""),
        "",
    );
    let answer = ask(&around(&source), Method::HEAD, "/example.com/other/@v/list").await;
    assert_eq!(
        (answer.header("content-length"), answer.header("etag")),
        ("55", "\"x\"")
    );
    assert_eq!(source.seen()[0].method, Method::HEAD);
}

#[tokio::test]
async fn errors_of_the_source_pass() {
    for status in [404, 410, 429, 500, 304] {
        let source = Recorder::new(move |_| {
            let head = Response::builder()
                .status(status)
                .header("retry-after", "7");
            head.body(Body::from("no such module v1.1.0\n")).unwrap()
        });
        let answer = get(&around(&source), "/example.com/m/@v/list").await;
        assert_eq!(answer.status.as_u16(), status);
        assert_eq!(answer.header("retry-after"), "7");
        assert_eq!(answer.text, "no such module v1.1.0\n");
    }
}

#[tokio::test]
async fn a_version_that_does_not_fit_the_module_is_left_out() {
    let source = Recorder::saying("v1.0.0\nv2.0.0\nv2.0.0+incompatible\nlatest\n\nv1\n");
    let answer = get(&around(&source), "/example.com/m/@v/list").await;
    assert_eq!(answer.text, "v1.0.0\nv2.0.0+incompatible\n");
}
