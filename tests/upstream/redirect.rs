//! Redirects of a registry: followed to any host, but never to an insecure one, and without credentials to another.

use std::error::Error as _;

use crate::ask::{LIST, ZIP, answer_of, call, get, head_request, request};
use crate::script::Part::Data;
use crate::script::{Script, status, turn};
use crate::server::{Server, answer, head, ok, redirect};
use crate::support::Port;
use http::header::AUTHORIZATION;
use http::{HeaderName, HeaderValue};
use tower_goproxy::Upstream;
use tower_goproxy::upstream::Client;

#[tokio::test]
async fn every_kind_of_redirect_is_followed_with_its_query() {
    let target = Server::start(|_| ok("from there")).await;
    let base = target.http();
    let kinds = ["301 A", "302 B", "303 C", "307 D", "308 E"];
    let server = Server::start(move |seen| {
        redirect(
            kinds[seen.number],
            &format!("{base}/signed/x.zip?key=a%2Fb&sig=1"),
        )
    })
    .await;
    let upstream = Upstream::new(&server.http()).unwrap();
    for _ in kinds {
        assert_eq!(
            answer_of(&upstream, ZIP).await,
            (http::StatusCode::OK, "from there".into())
        );
    }
    for seen in target.seen() {
        assert_eq!(
            (seen.method.as_str(), seen.target.as_str()),
            ("GET", "/signed/x.zip?key=a%2Fb&sig=1")
        );
        assert_eq!(seen.header("accept-encoding"), Some("identity"));
    }
}

#[tokio::test]
async fn a_relative_location_is_resolved() {
    let server = Server::start(|seen| match seen.target.as_str() {
        ZIP => redirect("302 Found", "../../files/x.zip?y"),
        "/example.com/files/x.zip?y" => ok("there"),
        other => panic!("{other}"),
    })
    .await;
    assert_eq!(
        answer_of(&Upstream::new(&server.http()).unwrap(), ZIP)
            .await
            .1,
        "there"
    );
}

#[tokio::test]
async fn head_stays_head_behind_a_redirect() {
    let server = Server::start(|seen| match seen.number {
        0 => redirect("303 See Other", "/there"),
        _ => head("200 OK", &["Content-Length: 5"]),
    })
    .await;
    call(&Upstream::new(&server.http()).unwrap(), head_request(ZIP)).await;
    assert_eq!(server.seen()[1].method, "HEAD");
}

#[tokio::test]
async fn ten_redirects_are_followed_and_no_more() {
    for (hops, status) in [(10, 200), (11, 502)] {
        let server = Server::start(move |seen| match seen.number {
            number if number < hops => redirect("302 Found", &format!("/{number}")),
            _ => ok(""),
        })
        .await;
        let upstream = Upstream::new(&server.http()).unwrap();
        assert_eq!(get(&upstream, LIST).await.status(), status);
        assert_eq!(server.seen().len(), 11);
    }
}

#[tokio::test]
async fn the_status_behind_a_redirect_is_that_of_the_request() {
    let server = Server::start(|seen| match seen.number {
        0 => redirect("302 Found", "/gone"),
        _ => answer("404 Not Found", &["Content-Type: text/plain"], "not there"),
    })
    .await;
    let (status, text) = answer_of(&Upstream::new(&server.http()).unwrap(), LIST).await;
    assert_eq!((status.as_u16(), text.as_str()), (404, "not there\n"));
}

#[tokio::test]
async fn a_redirect_that_leads_nowhere_is_a_bad_gateway() {
    for location in [
        "",
        "Location: ftp://127.0.0.1/x",
        "Location: file:///etc/passwd",
        "Location: http://[",
        "Location: http:///",
    ] {
        let server =
            Server::start(move |_| head("302 Found", &["Content-Length: 0", location])).await;
        let upstream = Upstream::new(&server.http()).unwrap();
        assert_eq!(get(&upstream, LIST).await.status(), 502, "{location}");
        assert_eq!(server.seen().len(), 1);
    }
}

#[tokio::test]
async fn from_https_to_http_is_refused() {
    let plain = Server::start(|_| ok("insecure")).await;
    let location = plain.http();
    let server = Server::start_tls(move |_| redirect("302 Found", &location)).await;
    let client = Client::with_roots(server.certificate.as_ref().unwrap()).unwrap();
    let upstream = Upstream::with_client(&server.https(), client).unwrap();
    let error = upstream.try_call(&request(LIST)).await.unwrap_err();
    assert_eq!(error.status(), 502);
    assert!(
        error
            .to_string()
            .contains("redirected from a secure URL to an insecure one")
    );
    assert!(plain.seen().is_empty());
}

#[tokio::test]
async fn from_http_to_https_is_followed() {
    let server = Server::start_tls(|_| ok("secure")).await;
    let location = server.https();
    let client = Client::with_roots(server.certificate.as_ref().unwrap()).unwrap();
    let plain = Server::start(move |_| redirect("302 Found", &location)).await;
    let upstream = Upstream::with_client(&plain.http(), client).unwrap();
    assert_eq!(answer_of(&upstream, LIST).await.1, "secure");
}

/// Follows the redirects of `turns`, with credentials, and tells which requests had them.
async fn credentials_at(locations: &[&str]) -> Vec<bool> {
    let redirects = locations
        .iter()
        .map(|location| status(302, &[("location", location)], []));
    let script = Script::new(redirects.chain([turn(&[], [Data("x")])]));
    let upstream = Upstream::with_client("https://user:pw@a.test:8443", script.clone())
        .unwrap()
        .header(
            HeaderName::from_static("x-token"),
            HeaderValue::from_static("t"),
        );
    let mut asked = request(ZIP);
    asked.extensions_mut().insert("identity");
    assert_eq!(call(&upstream, asked).await.status(), 200);
    let authorization = script.headers(AUTHORIZATION.as_str());
    let token = script.headers("x-token");
    let identity = script.extensions::<&str>();
    (0..authorization.len())
        .map(|at| {
            let all = [
                authorization[at].is_some(),
                token[at].is_some(),
                identity[at].is_some(),
            ];
            assert!(all == [true; 3] || all == [false; 3], "{all:?}");
            all[0]
        })
        .collect()
}

#[tokio::test(start_paused = true)]
async fn credentials_go_to_the_same_host_name_only() {
    assert_eq!(credentials_at(&["/other"]).await, [true, true]);
    assert_eq!(
        credentials_at(&["https://A.test/other"]).await,
        [true, true]
    );
    assert_eq!(credentials_at(&["https://cdn.test/x"]).await, [true, false]);
    assert_eq!(
        credentials_at(&["https://sub.a.test/x"]).await,
        [true, false]
    );
    assert_eq!(
        credentials_at(&["https://a.test.evil/x"]).await,
        [true, false]
    );
    assert_eq!(
        credentials_at(&["https://user:pw@cdn.test/x"]).await,
        [true, false]
    );
}

#[tokio::test(start_paused = true)]
async fn a_user_in_a_location_is_nobody() {
    let location = [("location", "https://user:pw@cdn.test/x")];
    let script = Script::new([status(302, &location, []), turn(&[], [Data("x")])]);
    let upstream = Upstream::with_client("https://a.test", script.clone()).unwrap();
    assert_eq!(get(&upstream, ZIP).await.status(), 200);
    assert_eq!(script.uris()[1], "https://cdn.test/x");
    assert_eq!(script.headers("authorization"), [None, None]);
}

#[tokio::test(start_paused = true)]
async fn credentials_that_were_dropped_do_not_come_back() {
    let locations = ["https://cdn.test/x", "https://a.test:8443/y"];
    assert_eq!(credentials_at(&locations).await, [true, false, false]);
}

#[tokio::test]
async fn real_connections_to_another_host_name_have_no_credentials() {
    let target = Server::start(|_| ok("x")).await;
    let location = format!("http://localhost:{}/x", target.address.port());
    let server = Server::start(move |_| redirect("302 Found", &location)).await;
    let upstream = Upstream::new(&server.http())
        .unwrap()
        .header(AUTHORIZATION, HeaderValue::from_static("Bearer token"));
    assert_eq!(get(&upstream, ZIP).await.status(), 200);
    assert_eq!(
        server.seen()[0].header("authorization"),
        Some("Bearer token")
    );
    assert_eq!(target.seen()[0].header("authorization"), None);
}

#[tokio::test]
async fn an_unreachable_target_has_its_cause() {
    let nobody = Port::new();
    let location = nobody.url();
    let server = Server::start(move |_| redirect("302 Found", &location)).await;
    let upstream = Upstream::new(&server.http()).unwrap().retries(0);
    let error = upstream.try_call(&request(LIST)).await.unwrap_err();
    assert_eq!(error.status(), 502);
    assert!(error.source().is_some());
}

/// The status of the answer of a registry that redirects, and the hosts that were asked.
async fn redirected(
    registry: &str,
    location: &str,
    with: impl FnOnce(Upstream<Script>) -> Upstream<Script>,
) -> (u16, usize) {
    let script = Script::new([
        status(302, &[("location", location)], []),
        turn(&[], [Data("secret")]),
    ]);
    let upstream = with(Upstream::with_client(registry, script.clone()).unwrap());
    let status = get(&upstream, ZIP).await.status().as_u16();
    (status, script.uris().len())
}

#[tokio::test(start_paused = true)]
async fn a_public_registry_leads_to_no_private_address() {
    for location in [
        "https://127.0.0.1:6379/x",
        "https://localhost/x",
        "https://x.LOCALHOST./x",
        "https://[::1]/x",
        "https://[::ffff:127.0.0.1]/x",
        "https://169.254.169.254/latest/meta-data/",
        "https://10.0.0.1/x",
        "https://192.168.1.1/x",
        "https://[fd00::1]/x",
        "https://0.0.0.0/x",
        "https://[::127.0.0.1]/x",
        "https://[64:ff9b::a00:1]/x",
        "https://[2002:a00:1::1]/x",
        "https://192.0.0.192/x",
    ] {
        for registry in ["https://a.test", "https://8.8.8.8"] {
            let answer = redirected(registry, location, |it| it).await;
            assert_eq!(answer, (502, 1), "{location}");
        }
        for registry in ["https://10.9.9.9", "https://localhost:8443"] {
            let answer = redirected(registry, location, |it| it).await;
            assert_eq!(answer, (200, 2), "{registry} is there itself: {location}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn neither_does_a_chain_of_public_ones() {
    for location in [
        "https://10.0.0.1/x",
        "https://localhost/x",
        "http://c.test/x",
    ] {
        let to = |location| status(302, &[("location", location)], []);
        let first = Script::new([
            to("https://b.test/x"),
            to("https://c.test/y"),
            to(location),
            turn(&[], [Data("secret")]),
        ]);
        let upstream = Upstream::with_client("https://a.test", first.clone()).unwrap();
        assert_eq!(get(&upstream, ZIP).await.status(), 502, "{location}");
        assert_eq!(first.uris().len(), 3, "{location}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_settings_may_decide_where_redirects_lead() {
    let to_10 = |it: Upstream<Script>| {
        it.follow_redirects(|from, to| {
            assert_eq!(from.host(), Some("a.test"));
            to.host() == Some("10.0.0.1")
        })
    };
    let registry = "https://a.test";
    assert_eq!(
        redirected(registry, "https://10.0.0.1/x", to_10).await,
        (200, 2)
    );
    assert_eq!(
        redirected(registry, "https://10.0.0.2/x", to_10).await,
        (502, 1)
    );
    assert_eq!(
        redirected(registry, "https://cdn.test/x", to_10).await,
        (502, 1)
    );
    let any = |it: Upstream<Script>| it.follow_redirects(|_, _| true);
    assert_eq!(
        redirected(registry, "http://10.0.0.1/x", any).await,
        (502, 1),
        "insecure"
    );
}
