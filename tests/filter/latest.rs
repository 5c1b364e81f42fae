//! `@latest` of a module whose latest version is excluded: the newest one that is allowed.

use axum::body::Body;
use http::{Request, Response, StatusCode};
use tower::Layer as _;
use tower_goproxy::NotFound;
use tower_goproxy::filter::{AppliedRule, FilterLayer};
use tower_goproxy::policy::{Rule, policy_fn};

use crate::ask::{get, rules, send};
use crate::recorder::Recorder;
use crate::registry::{FRESH, follow, get_and_head, info, registry};

/// Excluded versions, the list, its latest version, and the one that is allowed.
const MOVED: [(&str, &str, &str, &str); 9] = [
    ("v1.1.0", "v0.9.0\nv1.0.0\nv1.1.0\n", "v1.1.0", "v1.0.0"),
    ("v1.10.0", "v1.9.0\nv1.10.0\nv1.2.0", "v1.10.0", "v1.9.0"),
    // A release before a pre-release, and that before a commit.
    (
        "v1.1.0",
        "v1.0.0\nv1.1.0\nv1.2.0-rc.1\n",
        "v1.1.0",
        "v1.0.0",
    ),
    (
        "v1.1.0",
        "v1.1.0-RC.1\nv1.1.0\nv1.0.0-rc.2\n",
        "v1.1.0",
        "v1.1.0-RC.1",
    ),
    (
        "v0.0.0-20250102030405-abcdef123456",
        "v0.0.0-20230102030405-abcdef123456\nv0.0.0-20240102030405-abcdef123456\n",
        "v0.0.0-20250102030405-abcdef123456",
        "v0.0.0-20240102030405-abcdef123456",
    ),
    (
        "^v1.1.0",
        "v1.0.0\nv1.1.1-0.20240102030405-abcdef123456\nv1.1.0\nv1.3.0\n",
        "v1.3.0",
        "v1.0.0",
    ),
    // A version from before modules is no successor of one from after.
    (
        "v1.1.0",
        "v1.0.0\nv1.1.0\nv4.0.0+incompatible\n",
        "v1.1.0",
        "v1.0.0",
    ),
    (
        "v4.0.0",
        "v1.0.0\nv3.0.0+incompatible\nv4.0.0+incompatible\n",
        "v4.0.0+incompatible",
        "v3.0.0+incompatible",
    ),
    // What the module cannot have is not its latest version either.
    ("v1.9.0", "v1.0.0\nv2.0.0\nv1.1.0\n", "v2.0.0", "v1.1.0"),
];

#[tokio::test]
async fn it_is_the_newest_allowed_version_with_its_own_info() {
    for (excluded, list, latest, allowed) in MOVED {
        let source = registry(list, latest);
        let rules = rules(&format!("- example.com/m {excluded}"));
        let app = FilterLayer::new(rules, source.clone()).layer(NotFound);
        let answer = get(&app, "/example.com/m/@latest").await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        assert_eq!(answer.text, info(allowed));
        assert_eq!(answer.header("content-type"), "application/json");
        assert_eq!(
            answer.header("content-length"),
            answer.text.len().to_string()
        );
        // That of a file would hold for ever.
        assert_eq!(answer.header("cache-control"), FRESH);
        assert_eq!(answer.header("etag"), "");
        let file = format!("/example.com/m/@v/{}.info", allowed.replace("RC", "!r!c"));
        let mut uris = vec!["/example.com/m/@latest", "/example.com/m/@v/list"];
        if list.contains("+incompatible") {
            uris.push("/example.com/m/@v/v1.0.0.mod");
        }
        uris.push(&file);
        assert_eq!(source.uris(), uris);
    }
}

#[tokio::test]
async fn of_a_direct_module_the_client_is_led_to_it() {
    for (excluded, list, latest, allowed) in MOVED {
        let (source, registry) = (registry(list, latest), Recorder::saying("not reached"));
        let rules = rules(&format!("D example.com\n- example.com/m {excluded}"));
        let app = FilterLayer::new(rules, registry.clone())
            .prefix("/tools/go")
            .layer(source.clone());
        let (answer, uri) = follow(&app, "/tools/go/example.com/m/@latest").await;
        assert_eq!(
            (answer.status, answer.text),
            (StatusCode::OK, info(allowed))
        );
        let allowed = allowed.replace("RC", "!r!c");
        assert_eq!(uri, format!("/tools/go/example.com/m/@v/{allowed}.info"));
        assert!(registry.is_untouched());
    }
}

#[tokio::test]
async fn head_is_as_get() {
    for (excluded, list, latest, _) in MOVED {
        for sign in ["+", "D"] {
            let rules = rules(&format!("{sign} example.com\n- example.com/m {excluded}"));
            let source = registry(list, latest);
            let app = FilterLayer::new(rules, source.clone()).layer(source);
            let instead = format!("/example.com/m/@latest?instead-of={latest}");
            for uri in ["/example.com/m/@latest", &instead] {
                get_and_head(&app, uri).await;
            }
        }
    }
}

#[tokio::test]
async fn if_no_version_is_allowed_it_is_refused_with_the_reason() {
    let none = "not found: no versions\n";
    for (status, list) in [
        (200, ""),
        (200, "v1.1.0\nv1.2.0\n<html>\n"),
        (404, none),
        (410, none),
    ] {
        let source = Recorder::new(move |request| match request.uri.path().ends_with("list") {
            true => Response::builder()
                .status(status)
                .body(Body::from(list))
                .unwrap(),
            false => Response::new(Body::from(info("v1.1.0"))),
        });
        for sign in ["+", "D"] {
            let policy = rules(&format!("{sign} example.com\n- example.com/m v1"));
            let app = FilterLayer::new(policy, source.clone()).layer(source.clone());
            let (answer, _) = follow(&app, "/example.com/m/@latest").await;
            answer.is_a_line(
                StatusCode::FORBIDDEN,
                "example.com/m@v1.1.0 is excluded by the rules of this proxy",
            );
        }
        let policy = policy_fn(|target, _| match target.version() {
            Some(_) => Rule::exclude_because("use example.com/m/v2"),
            None => Rule::include(),
        });
        let app = FilterLayer::new(policy, source)
            .exclude_status(StatusCode::GONE)
            .unwrap()
            .layer(NotFound);
        get(&app, "/example.com/m/@latest").await.is_a_line(
            StatusCode::GONE,
            "example.com/m@v1.1.0 is excluded: use example.com/m/v2",
        );
    }
}

#[tokio::test]
async fn errors_on_the_way_are_those_of_the_source() {
    for failing in ["list", "v1.0.0.info"] {
        let source = Recorder::new(move |request| {
            let path = request.uri.path();
            if path.ends_with(failing) {
                let head = Response::builder().status(503).header("retry-after", "7");
                return head.body(Body::from("away\n")).unwrap();
            }
            Response::new(Body::from(match path.ends_with("list") {
                true => "v1.0.0\nv1.1.0\n".to_owned(),
                false => info("v1.1.0"),
            }))
        });
        let app = FilterLayer::new(rules("- example.com/m v1.1.0"), source).layer(NotFound);
        let answer = get(&app, "/example.com/m/@latest").await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(answer.header("retry-after"), "7");
        assert_eq!(answer.text, "away\n");
    }
}

#[tokio::test]
async fn an_info_that_names_another_version_is_not_shown() {
    let source = Recorder::new(|request| {
        Response::new(Body::from(match request.uri.path().ends_with("list") {
            true => "v1.0.0\nv1.1.0\n".to_owned(),
            false => info("v1.1.0"),
        }))
    });
    let app = FilterLayer::new(rules("- example.com/m v1.1.0"), source).layer(NotFound);
    get(&app, "/example.com/m/@latest").await.is_a_line(
        StatusCode::BAD_GATEWAY,
        "cannot filter excluded versions: upstream response names another version",
    );
}

#[tokio::test]
async fn who_asks_is_known_in_each_request() {
    #[derive(Clone, Debug, PartialEq)]
    struct User(&'static str);

    let source = registry("v1.0.0\nv1.1.0\n", "v1.1.0");
    let app = FilterLayer::new(rules("- example.com/m v1.1.0"), source.clone())
        .with_applied_rules()
        .prefix("/goproxy")
        .layer(NotFound);
    let request = Request::get("http://proxy.example/goproxy/example.com/m/@latest?x=1")
        .header("authorization", "Basic eDp5")
        .header("if-none-match", "\"x\"")
        .extension(User("alice"));
    let answer = send(&app, request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.text, info("v1.0.0"));
    let applied = answer.applied.expect("a rule was applied");
    assert_eq!(applied.target().as_str(), "example.com/m/@latest");
    let seen = source.seen();
    assert_eq!(seen.len(), 3);
    for request in seen {
        assert_eq!(request.headers["authorization"], "Basic eDp5");
        assert!(!request.headers.contains_key("if-none-match"));
        assert_eq!(request.extensions.get(), Some(&User("alice")));
        assert_eq!(request.uri.host(), Some("proxy.example"));
        let applied = request.extensions.get::<AppliedRule>().unwrap();
        assert_eq!(format!("/{}", applied.target()), request.uri.path());
    }
}
