//! The name of a direct module never reaches the registry.

use http::{Method, StatusCode};
use tower::Layer as _;
use tower_goproxy::filter::FilterLayer;

use crate::ask::{ask, rules};
use crate::registry::registry;

const RULES: [&str; 8] = [
    "D github.com/corp",
    "D github.com/CORP/lib",
    "D github.com/corp/lib v1.0.0",
    "+\nD github.com/corp/lib <v1.0.0",
    "- github.com/corp/lib\nD github.com/corp/lib v1\n+ github.com/corp/lib v0",
    "D github.com/corp\n+ github.com/corp/lib v1.1.0",
    "D github.com/Corp/Lib\n- github.com/corp/lib v1.1.0",
    "+ github.com/Corp/lib\n+ github.com/corp/lib\nD github.com/CORP/lib v1.1.0",
];

const SPELLINGS: [&str; 5] = [
    "/github.com/corp/lib",
    "/github.com/!corp/lib",
    "/github.com/%21corp/%21lib",
    "/github.com/%63orp/lib",
    "/github.com/!c!o!r!p/!l!i!b",
];

/// Not the name of any module, although it looks like that one.
const MALFORMED: [&str; 6] = [
    "/github.com/Corp/lib",
    "/GitHub.com/corp/lib",
    "//github.com/corp/lib",
    "/github.com//corp/lib",
    "/github.com/./corp/lib",
    "/github.com/corp/lib/..",
];

const RESOURCES: [&str; 12] = [
    "@v/list",
    "@latest",
    "@latest?instead-of=v1.1.0",
    "@v/main.info",
    "@v/v1.info",
    "@v/v1.0.0.info",
    "@v/v1.0.0.mod",
    "@v/v1.0.0.zip",
    "@v/v1.1.0.info",
    "@v/v1.1.0.mod",
    "@v/v1.1.0.zip",
    "@v/v0.0.0-20240102030405-abcdef123456.zip",
];

#[tokio::test]
async fn in_whatever_spelling_resource_and_method() {
    for text in RULES {
        let include = registry("v1.0.0\nv1.1.0\n", "v1.1.0");
        let inner = registry("v1.0.0\nv1.1.0\n", "v1.1.0");
        let app = FilterLayer::new(rules(text), include.clone()).layer(inner.clone());
        for resource in RESOURCES {
            for module in SPELLINGS.into_iter().chain(MALFORMED) {
                let uri = format!("{module}/{resource}");
                for method in [Method::GET, Method::HEAD, Method::POST, Method::OPTIONS] {
                    ask(&app, method, &uri).await;
                }
                assert!(include.is_untouched(), "{text}: {uri}");
            }
        }
        assert!(!inner.is_untouched());
    }
}

/// The go command needs the `.mod` of a version that it may not use.
#[tokio::test]
async fn the_mod_of_each_version_comes_from_where_the_module_does() {
    for (text, from) in [
        ("- example.com/m <v1.0.0", Some(false)),
        ("-\n+ example.com/m v2", Some(false)),
        ("D example.com/m\n- example.com/m <v1.0.0", Some(true)),
        ("-\nD example.com/m v1\n+ example.com/m v0.9", Some(true)),
        ("- example.com/m", None),
        ("-\n- example.com/m v1", None),
    ] {
        let (include, inner) = (registry("", "v0.1.0"), registry("", "v0.1.0"));
        let app = FilterLayer::new(rules(text), include.clone()).layer(inner.clone());
        let answer = ask(&app, Method::GET, "/example.com/m/@v/v0.1.0.mod").await;
        let status = match from {
            Some(_) => StatusCode::OK,
            None => StatusCode::FORBIDDEN,
        };
        assert_eq!(answer.status, status, "{text}");
        assert_eq!(!inner.is_untouched(), from == Some(true), "{text}");
        assert_eq!(!include.is_untouched(), from == Some(false), "{text}");
        for extension in ["info", "zip"] {
            let uri = format!("/example.com/m/@v/v0.1.0.{extension}");
            let answer = ask(&app, Method::GET, &uri).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{text}");
        }
    }
}
