//! The three rules and where they lead.

use std::io;

use axum::body::Body;
use http::{Method, Request, StatusCode};
use tower::{Layer as _, ServiceBuilder, ServiceExt as _, service_fn};
use tower_goproxy::filter::{AppliedRule, FilterLayer};
use tower_goproxy::policy::Rule;

use crate::ask::{Answer, ask, get, rules};
use crate::recorder::Recorder;

const RULES: &str = "
    D corp.example
    - example.com/evil
    - example.com/old <v1.5.0
";

/// A filter with these rules between two recorders.
struct App {
    include: Recorder,
    inner: Recorder,
}

impl App {
    fn new() -> Self {
        Self {
            include: Recorder::saying("from the include service"),
            inner: Recorder::saying("from the inner service"),
        }
    }

    async fn ask(&self, method: Method, uri: &str) -> Answer {
        let layer = FilterLayer::new(rules(RULES), self.include.clone()).with_applied_rules();
        ask(&layer.layer(self.inner.clone()), method, uri).await
    }
}

#[tokio::test]
async fn include_goes_to_the_service_given_to_the_layer() {
    let app = App::new();
    for method in [Method::GET, Method::HEAD] {
        let answer = app.ask(method, "/example.com/m/@v/v1.0.0.zip").await;
        assert_eq!(answer.text, "from the include service");
    }
    assert_eq!(app.include.uris(), ["/example.com/m/@v/v1.0.0.zip"; 2]);
    assert_eq!(app.include.seen()[1].method, Method::HEAD);
    assert!(app.inner.is_untouched());
}

#[tokio::test]
async fn direct_goes_to_the_inner_service() {
    let app = App::new();
    for method in [Method::GET, Method::HEAD] {
        let answer = app.ask(method, "/corp.example/m/@v/v1.0.0.zip").await;
        assert_eq!(answer.text, "from the inner service");
    }
    assert_eq!(app.inner.uris(), ["/corp.example/m/@v/v1.0.0.zip"; 2]);
    assert!(app.include.is_untouched());
}

#[tokio::test]
async fn exclude_is_403_and_tells_which_module() {
    let app = App::new();
    for (uri, what) in [
        ("/example.com/evil/@v/list", "example.com/evil"),
        ("/example.com/evil/@latest", "example.com/evil"),
        ("/example.com/evil/@v/main.info", "example.com/evil"),
        (
            "/example.com/evil/%21m/@v/v1.0.0.mod",
            "example.com/evil/M@v1.0.0",
        ),
        ("/example.com/old/@v/v1.4.9.zip", "example.com/old@v1.4.9"),
        (
            "/example.com/old/@v/v1.5.0-rc.1.info",
            "example.com/old@v1.5.0-rc.1",
        ),
    ] {
        let line = format!("{what} is excluded by the rules of this proxy");
        app.ask(Method::GET, uri)
            .await
            .is_a_line(StatusCode::FORBIDDEN, &line);
    }
    assert!(app.include.is_untouched() && app.inner.is_untouched());
}

#[tokio::test]
async fn exclude_can_be_404_so_that_the_go_command_asks_its_next_proxy() {
    let recorder = Recorder::saying("not reached");
    let app = FilterLayer::new(rules("-"), recorder.clone())
        .exclude_status(StatusCode::NOT_FOUND)
        .unwrap()
        .layer(recorder.clone());
    let line = "example.com/m@v1.0.0 is excluded by the rules of this proxy";
    let answer = get(&app, "/example.com/m/@v/v1.0.0.mod").await;
    answer.is_a_line(StatusCode::NOT_FOUND, line);
    assert!(recorder.is_untouched());
}

#[test]
fn exclude_takes_a_status_that_refuses() {
    for status in 100..=999 {
        let layer = FilterLayer::new(rules("-"), Recorder::saying(""));
        let set = layer.exclude_status(StatusCode::from_u16(status).unwrap());
        match set {
            Ok(_) => assert!((400..600).contains(&status), "{status}"),
            Err(error) => {
                assert!(!(400..600).contains(&status), "{status}");
                assert_eq!(
                    error.to_string(),
                    format!(
                        "excluded modules cannot be refused with status {status}: use 4xx or 5xx"
                    )
                );
            }
        }
    }
}

#[tokio::test]
async fn other_methods_on_a_module_are_405_with_allow() {
    let app = App::new();
    for method in [
        Method::POST,
        Method::PUT,
        Method::DELETE,
        Method::PATCH,
        Method::OPTIONS,
    ] {
        for module in ["example.com/m", "corp.example/m", "example.com/evil"] {
            let answer = app.ask(method.clone(), &format!("/{module}/@latest")).await;
            answer.is_a_line(
                StatusCode::METHOD_NOT_ALLOWED,
                "a module proxy answers GET and HEAD",
            );
            assert_eq!(answer.header("allow"), "GET, HEAD");
        }
    }
    assert!(app.include.is_untouched() && app.inner.is_untouched());
}

#[tokio::test]
async fn a_malformed_path_is_404_with_the_reason() {
    let app = App::new();
    for (uri, reason) in [
        ("/example.com/../m/@v/list", "malformed module path"),
        ("/example.com/%2e%2e/m/@v/list", "malformed module path"),
        ("//example.com/m/@v/list", "malformed module path"),
        ("/example.com/M/@v/list", "malformed module path"),
        ("/example.com/m/@v/V1.0.0.zip", "invalid version"),
        ("/example.com/m/@v/v1.0.0.txt", "unknown resource"),
        ("/example.com/m/v2/@v/v1.0.0.zip", "v2"),
    ] {
        let answer = app.ask(Method::GET, uri).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{uri}");
        assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
        assert!(
            answer.text.starts_with("not found: "),
            "{uri}: {}",
            answer.text
        );
        assert!(answer.text.contains(reason), "{uri}: {}", answer.text);
        assert_eq!(answer.text.lines().count(), 1);
    }
    assert!(app.include.is_untouched() && app.inner.is_untouched());
}

#[tokio::test]
async fn the_applied_rule_is_in_the_extensions_of_request_and_response() {
    let app = App::new();
    for (module, rule, asked) in [
        ("example.com/m", Rule::include(), Some(&app.include)),
        ("corp.example/m", Rule::direct(), Some(&app.inner)),
        ("example.com/evil", Rule::exclude(), None),
    ] {
        let answer = app
            .ask(Method::GET, &format!("/{module}/@v/v1.2.3.mod"))
            .await;
        let applied = answer.applied.expect("a rule applies to a module request");
        assert_eq!(applied.rule(), &rule);
        assert_eq!(applied.target().as_str(), format!("{module}/@v/v1.2.3.mod"));
        if let Some(asked) = asked {
            let seen = asked.seen().pop().expect("it was asked");
            assert_eq!(seen.extensions.get::<AppliedRule>(), Some(&applied));
        }
    }
    let answer = app.ask(Method::GET, "/healthz").await;
    assert_eq!(answer.applied, None);
}

#[tokio::test]
async fn nothing_is_put_into_extensions_unless_asked_for() {
    let include = Recorder::saying("");
    let app = FilterLayer::new(rules(RULES), include.clone()).layer(Recorder::saying(""));
    for module in ["example.com/m", "example.com/evil"] {
        let answer = get(&app, &format!("/{module}/@v/v1.2.3.mod")).await;
        assert_eq!(answer.applied, None);
    }
    assert!(include.seen()[0].extensions.is_empty());
}

#[tokio::test]
async fn an_error_of_the_inner_service_passes_through_and_none_is_added() {
    let broken = service_fn(|_: Request<Body>| async {
        Err::<http::Response<Body>, _>(io::Error::from(io::ErrorKind::ConnectionReset))
    });
    let app = ServiceBuilder::new()
        .layer(FilterLayer::new(rules(RULES), Recorder::saying("")))
        .service(broken);
    for uri in [
        "/corp.example/m/@v/v1.0.0.zip",
        "/corp.example/m/@v/list",
        "/healthz",
    ] {
        let request = Request::get(uri).body(Body::empty()).unwrap();
        let error: io::Error = app.clone().oneshot(request).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset, "{uri}");
    }
    for uri in [
        "/example.com/m/@latest",
        "/example.com/evil/@latest",
        "/a/../b/@latest",
    ] {
        let request = Request::get(uri).body(Body::empty()).unwrap();
        assert!(app.clone().oneshot(request).await.is_ok(), "{uri}");
    }
}
