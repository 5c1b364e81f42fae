//! A registry with one module, in this process.

use axum::body::Body;
use http::{Request, Response, StatusCode};

use crate::ask::{Answer, get, send};
use crate::recorder::Recorder;

/// How long its lists and `@latest` are fresh.
pub const FRESH: &str = "public, max-age=60";

pub fn info(version: &str) -> String {
    format!("{{\"Version\":\"{version}\",\"Time\":\"2024-01-02T03:04:05Z\"}}")
}

/// Has each version that it is asked for, with a go.mod if the latest one is not from before modules.
pub fn registry(list: &'static str, latest: &'static str) -> Recorder {
    Recorder::new(move |request| {
        let path = request.uri.path();
        let (_, resource) = path.split_once("/@").expect("a path of a module");
        let (fresh, text) = match resource {
            "v/list" => (FRESH, list.to_owned()),
            "latest" => (FRESH, info(latest)),
            file => {
                let version = file.trim_start_matches("v/");
                let text = match version.strip_suffix(".info") {
                    Some("main") => info(latest),
                    Some(version) => info(&version.replace("!r!c", "RC")),
                    None if latest.ends_with("+incompatible") => {
                        "module example.com/m\n".to_owned()
                    }
                    None => "module example.com/m\n\ngo 1.20\n".to_owned(),
                };
                ("public, max-age=31536000, immutable", text)
            }
        };
        Response::builder()
            .header("cache-control", fresh)
            .header("etag", "\"of-the-registry\"")
            .body(Body::from(text))
            .expect("a good response")
    })
}

/// As a client that follows redirects within the server. Returns the path of the last request too.
pub async fn follow<S, B>(app: &S, uri: &str) -> (Answer, String)
where
    S: tower::Service<Request<Body>, Response = Response<B>, Error: std::fmt::Debug> + Clone,
    B: http_body::Body<Data = bytes::Bytes, Error: std::fmt::Debug>,
{
    let mut uri = uri.to_owned();
    for _ in 0..5 {
        let answer = get(app, &uri).await;
        let location = answer.header("location").to_owned();
        if answer.status != StatusCode::SEE_OTHER || location.contains("://") {
            return (answer, uri);
        }
        // A relative reference replaces what follows the last slash.
        let folder = uri.split('?').next().and_then(|path| path.rsplit_once('/'));
        uri = format!("{}/{location}", folder.expect("a path has a slash").0);
    }
    panic!("five redirects");
}

/// The same request by `GET` and by `HEAD`: equal, but for the body, which servers leave out.
pub async fn get_and_head<S, B>(app: &S, uri: &str) -> Answer
where
    S: tower::Service<Request<Body>, Response = Response<B>, Error: std::fmt::Debug> + Clone,
    B: http_body::Body<Data = bytes::Bytes, Error: std::fmt::Debug>,
{
    let of_get = get(app, uri).await;
    let head = Request::head(uri)
        .body(Body::empty())
        .expect("a good request");
    let of_head = send(app, head).await;
    assert_eq!(of_head.status, of_get.status, "{uri}");
    assert_eq!(of_head.headers, of_get.headers, "{uri}");
    of_get
}
