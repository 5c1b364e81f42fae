//! `direct` in a list: the service that is asked for what no registry has.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::header::CACHE_CONTROL;
use http::{Request, Response};
use http_body_util::{Empty, Full};
use tower_goproxy::Upstream;
use tower_goproxy::upstream::{Client, InvalidUpstream};

use crate::ask::{LIST, call, get, read, request};
use crate::server::{Server, answer, ok};
use crate::support::Port;

/// An upstream for `list`, with a service for `direct` that answers `status`; tells its requests.
fn upstream(list: &str, status: u16) -> (Upstream, Arc<Mutex<Vec<Request<()>>>>) {
    let seen = Arc::<Mutex<Vec<Request<()>>>>::default();
    let log = Arc::clone(&seen);
    let direct = tower::service_fn(move |request: Request<Empty<Bytes>>| {
        log.lock().unwrap().push(request.map(drop));
        let mut response = Response::new(Full::<Bytes>::from("by git"));
        *response.status_mut() = status.try_into().unwrap();
        async { Ok::<_, Infallible>(response) }
    });
    let client = Client::new().unwrap();
    let upstream = Upstream::with_direct(list, client, direct).unwrap();
    (upstream, seen)
}

async fn registry(status: &'static str) -> Server {
    Server::start(move |_| match status {
        "200" => ok("by registry"),
        status => answer(&format!("{status} X"), &[], ""),
    })
    .await
}

#[tokio::test]
async fn direct_is_asked_for_what_no_registry_has() {
    for (of_registry, mark, asked, status) in [
        ("200", ',', 0, 200),
        ("404", ',', 1, 200),
        ("410", ',', 1, 200),
        ("403", ',', 0, 403),
        ("500", ',', 0, 502),
        ("403", '|', 1, 200),
        ("500", '|', 1, 200),
    ] {
        let server = registry(of_registry).await;
        let list = format!("{}{mark}direct", server.http());
        let (upstream, seen) = upstream(&list, 200);
        let response = get(&upstream.retries(0), LIST).await;
        assert_eq!(response.status(), status, "{of_registry}{mark}");
        assert_eq!(seen.lock().unwrap().len(), asked, "{of_registry}{mark}");
        if asked == 1 {
            assert_eq!(response.headers()[CACHE_CONTROL], "private");
            assert_eq!(read(response).await.unwrap(), b"by git");
        }
    }
}

#[tokio::test]
async fn its_answer_counts_but_its_404_not_before_other_trouble() {
    for (of_registry, of_direct, status) in [
        ("404", 502, 502),
        ("404", 404, 404),
        ("500", 404, 502),
        ("500", 503, 503),
    ] {
        let server = registry(of_registry).await;
        let (upstream, _) = upstream(&format!("{}|direct", server.http()), of_direct);
        let response = get(&upstream.retries(0), LIST).await;
        assert_eq!(response.status(), status, "{of_registry} {of_direct}");
    }
}

#[tokio::test]
async fn a_refusal_is_for_once_where_a_registry_that_is_away_was_left_out() {
    let away = Port::new();
    for (before, caching) in [
        (format!("{}|", away.url()), "no-store"),
        (String::new(), "no-cache"),
    ] {
        let server = registry("403").await;
        let (upstream, _) = upstream(&format!("{before}{}|direct", server.http()), 404);
        let response = get(&upstream.retries(0), LIST).await;
        assert_eq!(response.status(), 403);
        assert_eq!(response.headers()[CACHE_CONTROL], caching);
    }
}

#[tokio::test]
async fn nothing_of_who_asks_reaches_it() {
    let (upstream, seen) = upstream("direct", 200);
    let mut request = request(LIST);
    request.extensions_mut().insert("access of a user");
    request
        .headers_mut()
        .insert("authorization", "secret".parse().unwrap());
    call(&upstream, request).await;
    let seen = seen.lock().unwrap();
    assert_eq!(seen[0].uri(), LIST);
    assert!(seen[0].headers().is_empty() && seen[0].extensions().is_empty());
}

#[test]
fn without_a_service_the_list_is_refused_with_what_to_do() {
    let message = |error: InvalidUpstream| error.to_string();
    let error = Upstream::new("https://a.test,direct").map_err(message);
    assert!(error.unwrap_err().contains("Upstream::with_direct"));
    // Behind `off` it is never reached.
    assert!(Upstream::new("http://a.test,off,direct").is_ok());
}
