//! The three rules and where they lead, and the policies that say so.

use std::io;
use std::sync::Arc;

use axum::body::Body;
use http::request::Parts;
use http::{Method, Request, StatusCode};
use tower::{Layer as _, ServiceBuilder, ServiceExt as _, service_fn};
use tower_goproxy::Target;
use tower_goproxy::filter::{FilterLayer, Verdict};
use tower_goproxy::policy::{Policy, Rule};
use tower_http::add_extension::AddExtensionLayer;

use crate::ask::{Answer, ask, get, rules, send};
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
        let layer = FilterLayer::new(rules(RULES), self.include.clone()).with_verdicts();
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
        .layer(recorder.clone());
    let line = "example.com/m@v1.0.0 is excluded by the rules of this proxy";
    let answer = get(&app, "/example.com/m/@v/v1.0.0.mod").await;
    answer.is_a_line(StatusCode::NOT_FOUND, line);
    assert!(recorder.is_untouched());
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
async fn the_verdict_is_in_the_extensions_of_request_and_response() {
    let app = App::new();
    for (module, rule, asked) in [
        ("example.com/m", Rule::Include, Some(&app.include)),
        ("corp.example/m", Rule::Direct, Some(&app.inner)),
        ("example.com/evil", Rule::Exclude, None),
    ] {
        let answer = app
            .ask(Method::GET, &format!("/{module}/@v/v1.2.3.mod"))
            .await;
        let verdict = answer.verdict.expect("a module request has a verdict");
        assert_eq!(verdict.rule(), rule);
        assert_eq!(verdict.target().as_str(), format!("{module}/@v/v1.2.3.mod"));
        if let Some(asked) = asked {
            let seen = asked.seen().pop().expect("it was asked");
            assert_eq!(seen.extensions.get::<Verdict>(), Some(&verdict));
        }
    }
    let answer = app.ask(Method::GET, "/healthz").await;
    assert_eq!(answer.verdict, None);
}

#[tokio::test]
async fn nothing_is_put_into_extensions_unless_asked_for() {
    let include = Recorder::saying("");
    let app = FilterLayer::new(rules(RULES), include.clone()).layer(Recorder::saying(""));
    for module in ["example.com/m", "example.com/evil"] {
        let answer = get(&app, &format!("/{module}/@v/v1.2.3.mod")).await;
        assert_eq!(answer.verdict, None);
    }
    assert!(include.seen()[0].extensions.is_empty());
}

#[derive(Clone, Debug, PartialEq)]
struct User(&'static str);

/// What an auth layer outside has found out decides.
fn by_user(_: &Target<'_>, parts: &Parts) -> Rule {
    match parts.extensions.get::<User>() {
        Some(User("employee")) => Rule::Direct,
        Some(_) => Rule::Include,
        None => Rule::Exclude,
    }
}

#[tokio::test]
async fn a_policy_sees_what_an_auth_layer_outside_has_put_into_the_extensions() {
    let App { include, inner } = App::new();
    let app = FilterLayer::new(by_user, include).layer(inner);
    let of = |user| AddExtensionLayer::new(User(user)).layer(app.clone());
    let uri = "/example.com/m/@v/v1.0.0.zip";
    assert_eq!(
        get(&of("employee"), uri).await.text,
        "from the inner service"
    );
    assert_eq!(
        get(&of("guest"), uri).await.text,
        "from the include service"
    );
    assert_eq!(get(&app, uri).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_policy_sees_method_uri_and_headers() {
    let policy = |_: &Target<'_>, parts: &Parts| {
        assert_eq!(parts.method, Method::GET);
        assert_eq!(parts.uri, "/example.com/m/@latest?go-get=1");
        match parts.headers.get("x-team") {
            Some(team) if team == "red" => Rule::Include,
            _ => Rule::Exclude,
        }
    };
    let app = FilterLayer::new(policy, Recorder::saying("{}")).layer(Recorder::saying(""));
    let request = Request::get("/example.com/m/@latest?go-get=1").header("x-team", "blue");
    let answer = send(&app, request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn rules_closures_and_shared_policies_all_are_policies() {
    async fn refuses(policy: impl Policy) {
        let layer = FilterLayer::new(policy, Recorder::saying(""));
        let app = Arc::new(layer).layer(Recorder::saying(""));
        assert_eq!(
            get(&app, "/example.com/m/@v/list").await.status,
            StatusCode::FORBIDDEN
        );
    }
    refuses(rules("-")).await;
    refuses(|_: &Target<'_>, _: &Parts| Rule::Exclude).await;
    refuses(Arc::new(rules("-"))).await;
    let shared: Arc<dyn Policy + Send + Sync> = Arc::new(rules("-"));
    refuses(shared).await;
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
