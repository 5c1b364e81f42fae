//! What can be a policy, and what a policy can say.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use axum::body::Body;
use http::request::Parts;
use http::{Method, Request, StatusCode};
use tower::{Layer as _, ServiceBuilder};
use tower_goproxy::filter::{Filter, FilterLayer};
use tower_goproxy::policy::{Policy, Rule, policy_fn};
use tower_goproxy::{NotFound, Target};
use tower_http::add_extension::AddExtensionLayer;

use crate::ask::{get, rules, send};
use crate::recorder::Recorder;

#[derive(Clone, Debug, PartialEq)]
struct User(&'static str);

/// What an auth layer outside has found out decides.
fn by_user(_: &Target<'_>, parts: &Parts) -> Rule {
    match parts.extensions.get::<User>() {
        Some(User("employee")) => Rule::direct(),
        Some(_) => Rule::include(),
        None => Rule::exclude(),
    }
}

#[tokio::test]
async fn a_policy_sees_what_an_auth_layer_outside_has_put_into_the_extensions() {
    let app = FilterLayer::new(
        policy_fn(by_user),
        Recorder::saying("from the include service"),
    )
    .layer(Recorder::saying("from the inner service"));
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
    let policy = policy_fn(|_, parts| {
        assert_eq!(parts.method, Method::GET);
        assert_eq!(parts.uri, "/example.com/m/@latest?go-get=1");
        match parts.headers.get("x-team") {
            Some(team) if team == "red" => Rule::include(),
            _ => Rule::exclude(),
        }
    });
    let app = FilterLayer::new(policy, Recorder::saying("{}")).layer(Recorder::saying(""));
    let request = Request::get("/example.com/m/@latest?go-get=1").header("x-team", "blue");
    let answer = send(&app, request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn references_boxes_arcs_and_closures_are_policies() {
    async fn refuses(policy: impl Policy + 'static) {
        let app = ServiceBuilder::new()
            .layer(FilterLayer::new(policy, Recorder::saying("")))
            .service(NotFound);
        assert_eq!(
            get(&app, "/example.com/m/@v/list").await.status,
            StatusCode::FORBIDDEN
        );
    }
    refuses(rules("-")).await;
    refuses(&*Box::leak(Box::new(rules("-")))).await;
    refuses(policy_fn(|_, _| Rule::exclude())).await;
    refuses(Box::new(rules("-"))).await;
    refuses(Arc::new(rules("-"))).await;
    refuses(Box::new(rules("-")) as Box<dyn Policy>).await;
    refuses(Arc::new(policy_fn(|_, _| Rule::exclude())) as Arc<dyn Policy>).await;
}

/// What is asked of a policy in a box reaches the policy.
#[tokio::test]
async fn a_box_hides_nothing_of_its_policy() {
    let unread = "anything\n";
    for policy in [
        Box::new(rules("+")) as Box<dyn Policy>,
        Box::new(Box::new(Arc::new(rules("+")))),
    ] {
        let app = FilterLayer::new(policy, Recorder::saying(unread)).layer(NotFound);
        let answer = get(&app, "/example.com/m/@v/list").await;
        assert_eq!(answer.text, unread, "rules without versions read no list");
    }
}

#[tokio::test]
async fn the_client_sees_the_reason_of_a_refusal() {
    let policy = policy_fn(|target, _| {
        let old = target.version().map(|version| version.to_string());
        match old.as_deref() {
            Some("v1.0.0") => Rule::exclude_because("it is\nvulnerable"),
            Some("v1.1.0") => Rule::exclude_because(format!("use {}/v2", target.module())),
            _ => Rule::include(),
        }
    });
    let latest = Recorder::saying(r#"{"Version":"v1.1.0"}"#);
    let app = FilterLayer::new(policy, latest).layer(NotFound);
    for (path, status, line) in [
        (
            "@v/v1.0.0.zip",
            StatusCode::FORBIDDEN,
            "example.com/m@v1.0.0 is excluded: it is vulnerable",
        ),
        (
            "@v/main.info",
            StatusCode::FORBIDDEN,
            "example.com/m@v1.1.0 is excluded: use example.com/m/v2",
        ),
        (
            "@latest",
            StatusCode::FORBIDDEN,
            "example.com/m@v1.1.0 is excluded: use example.com/m/v2",
        ),
    ] {
        let answer = get(&app, &format!("/example.com/m/{path}")).await;
        answer.is_a_line(status, line);
    }
}

/// Excludes every version once it is closed.
#[derive(Default)]
struct Door {
    closed: AtomicBool,
}

impl Policy for Door {
    fn rule(&self, target: &Target<'_>, parts: &Parts) -> Rule {
        self.snapshot().expect("it takes one").rule(target, parts)
    }

    fn snapshot(&self) -> Option<Arc<dyn Policy>> {
        let closed = self.closed.load(Ordering::Relaxed);
        Some(Arc::new(policy_fn(move |target, _| {
            match target.version() {
                Some(_) if closed => Rule::exclude(),
                _ => Rule::include(),
            }
        })))
    }
}

#[tokio::test]
async fn a_request_and_the_versions_of_its_response_are_judged_by_one_state_of_the_policy() {
    const LIST: &str = "v1.0.0\nv1.1.0\n";
    let door = Arc::new(Door::default());
    let source = {
        let door = Arc::clone(&door);
        Recorder::new(move |_| {
            door.closed.store(true, Ordering::Relaxed);
            http::Response::new(Body::from(LIST))
        })
    };
    let app = FilterLayer::new(door, source).layer(NotFound);
    assert_eq!(get(&app, "/example.com/m/@v/list").await.text, LIST);
    assert_eq!(get(&app, "/example.com/m/@v/list").await.text, "");
}

#[tokio::test]
async fn capitals_of_a_module_path_are_excluded_as_they_are_written_in_a_go_mod() {
    let policy = policy_fn(
        |target, _| match target.module().is_within("github.com/BurntSushi") {
            true => Rule::exclude(),
            false => Rule::include(),
        },
    );
    let app = FilterLayer::new(policy, Recorder::saying("")).layer(NotFound);
    for (module, status) in [
        ("github.com/!burnt!sushi", StatusCode::FORBIDDEN),
        ("github.com/%21burnt%21sushi/toml", StatusCode::FORBIDDEN),
        ("github.com/burntsushi/toml", StatusCode::OK),
        ("github.com/!burnt!sushi2/toml", StatusCode::OK),
        ("github.com/!burnt", StatusCode::OK),
    ] {
        let answer = get(&app, &format!("/{module}/@v/v1.0.0.mod")).await;
        assert_eq!(answer.status, status, "{module}");
    }
}

#[test]
fn layers_and_services_are_shown_without_their_rules() {
    let layer = FilterLayer::new(rules("- example.com/evil\n- example.com/worse"), NotFound);
    assert_eq!(
        format!("{layer:?}"),
        "FilterLayer { include: NotFound, .. }"
    );
    let service = layer.layer(NotFound);
    assert_eq!(
        format!("{service:?}"),
        "Filter { inner: NotFound, include: NotFound, .. }"
    );
    let rules = rules("- example.com/evil\n- example.com/worse v1,v2");
    assert_eq!(format!("{rules:?}"), "Rules { paths: 2, .. }");
    assert_eq!(
        format!("{:?}", policy_fn(|_, _| Rule::include())),
        "PolicyFn { .. }"
    );
}

#[test]
fn the_inner_service_can_be_reached() {
    let shared = Arc::new(Mutex::new(0));
    let mut filter: Filter<Arc<Mutex<i32>>, NotFound> =
        FilterLayer::new(rules("+"), NotFound).layer(Arc::clone(&shared));
    *filter.get_mut() = Arc::new(Mutex::new(7));
    assert_eq!(*filter.get_ref().lock().unwrap(), 7);
    assert_eq!(*filter.into_inner().lock().unwrap(), 7);
}
