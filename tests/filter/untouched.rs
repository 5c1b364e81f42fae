//! What is no module request goes to the inner service as it came.

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, Version};
use http_body_util::BodyExt as _;
use tower::{Layer as _, ServiceExt as _, service_fn};
use tower_goproxy::filter::FilterLayer;

use crate::ask::{ask, rules};
use crate::recorder::Recorder;

#[derive(Clone, Debug, PartialEq)]
struct Mark(u32);

const PATHS: [&str; 9] = [
    "/",
    "/healthz",
    "/users/@me",
    "/users/@me/@v2/x",
    "/example.com/m",
    "/sumdb/sum.golang.org/supported",
    "/sumdb/sum.golang.org/lookup/example.com/m@v1.0.0",
    "/sumdb/169.254.169.254/example.com/m/@v/list",
    "/%7Ehome/%2e%2e/x?a=b&c=%20",
];

#[tokio::test]
async fn everything_about_the_request_is_as_it_came() {
    // Even by rules that refuse every module.
    for prefix in ["", "/goproxy"] {
        let inner = service_fn(|request: Request<Body>| async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await?.to_bytes();
            Ok::<_, axum::Error>(Response::new(Body::from(Bytes::from(format!(
                "{} {} {:?} {:?} {:?} {} {}",
                parts.method,
                parts.uri,
                parts.version,
                parts.headers,
                parts.extensions.get::<Mark>(),
                parts.extensions.len(),
                String::from_utf8_lossy(&body),
            )))))
        });
        let app = FilterLayer::new(rules("-"), Recorder::saying("not reached"))
            .prefix(prefix)
            .layer(inner);
        for path in PATHS {
            for method in [Method::GET, Method::HEAD, Method::POST, Method::OPTIONS] {
                let make = || {
                    let mut request = Request::new(Body::from("the body"));
                    *request.method_mut() = method.clone();
                    *request.uri_mut() = path.parse().unwrap();
                    *request.version_mut() = Version::HTTP_2;
                    let headers = request.headers_mut();
                    headers.insert("authorization", HeaderValue::from_static("Basic eDp5"));
                    headers.append("accept-encoding", HeaderValue::from_static("gzip"));
                    headers.append("accept-encoding", HeaderValue::from_static("br"));
                    headers.insert("range", HeaderValue::from_static("bytes=1-"));
                    request.extensions_mut().insert(Mark(7));
                    request
                };
                let direct = inner.oneshot(make()).await.unwrap();
                let through = app.clone().oneshot(make()).await.unwrap();
                assert!(through.extensions().is_empty());
                let direct = direct.into_body().collect().await.unwrap().to_bytes();
                let through = through.into_body().collect().await.unwrap().to_bytes();
                assert_eq!(through, direct, "{method} {path}");
            }
        }
    }
}

#[tokio::test]
async fn everything_about_the_response_is_as_it_came() {
    let inner = Recorder::new(|_| {
        Response::builder()
            .status(StatusCode::IM_A_TEAPOT)
            .header("content-encoding", "br")
            .header("etag", "\"x\"")
            .extension(Mark(3))
            .body(Body::from("tea"))
            .unwrap()
    });
    let app = FilterLayer::new(rules("-"), Recorder::saying("not reached")).layer(inner);
    let request = Request::get("/healthz").body(Body::empty()).unwrap();
    let response = app.oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::IM_A_TEAPOT);
    assert_eq!(response.headers().len(), 2);
    assert_eq!(response.headers()["etag"], "\"x\"");
    assert_eq!(response.extensions().get(), Some(&Mark(3)));
    assert_eq!(response.extensions().len(), 1);
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, "tea");
}

#[tokio::test]
async fn a_post_to_a_route_of_the_app_gets_there() {
    let inner = Recorder::saying("posted");
    let app = FilterLayer::new(rules("-"), Recorder::saying("not reached")).layer(inner.clone());
    assert_eq!(ask(&app, Method::POST, "/healthz").await.text, "posted");
    assert_eq!(inner.seen()[0].method, Method::POST);
}

#[tokio::test]
async fn with_a_prefix_every_path_outside_of_it_is_the_apps() {
    let inner = Recorder::saying("from the app");
    let app = FilterLayer::new(rules("-"), Recorder::saying("not reached"))
        .prefix("/goproxy")
        .layer(inner.clone());
    for path in [
        "/example.com/m/@v/list",
        "/goproxy",
        "/goproxyexample.com/m/@v/list",
        "/other/goproxy/example.com/m/@v/list",
    ] {
        assert_eq!(
            ask(&app, Method::GET, path).await.text,
            "from the app",
            "{path}"
        );
    }
}
