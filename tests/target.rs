//! From a request path to a target: what the go command sends, and what it never would.

use tower_goproxy::module::Version;
use tower_goproxy::{InvalidTarget, Resource, Target};

fn parse(path: &str) -> Target<'_> {
    match Target::parse(path) {
        Ok(Some(target)) => target,
        other => panic!("{path}: {other:?}"),
    }
}

/// Module and version, as asked of the go command, and the request that it sends.
const ON_THE_WIRE: [(&str, &str, &str); 9] = [
    ("example.com/m", "v1.0.0", "/example.com/m/@v/v1.0.0.info"),
    (
        "example.com/GoogleCloud/M",
        "v1.0.0-RC.1",
        "/example.com/%21google%21cloud/%21m/@v/v1.0.0-%21r%21c.1.info",
    ),
    (
        "example.com/m",
        "v2.0.0+incompatible",
        "/example.com/m/@v/v2.0.0+incompatible.info",
    ),
    (
        "example.com/m",
        "HEAD",
        "/example.com/m/@v/%21h%21e%21a%21d.info",
    ),
    ("example.com/m", "a b", "/example.com/m/@v/a%20b.info"),
    ("example.com/m", "a%b", "/example.com/m/@v/a%25b.info"),
    ("example.com/m", "a#b", "/example.com/m/@v/a%23b.info"),
    ("example.com/m", "a@b", "/example.com/m/@v/a@b.info"),
    (
        "example.com/m",
        "a&b=c+d,e~f[g]{h}(i)^$",
        "/example.com/m/@v/a&b=c+d%2Ce~f%5Bg%5D%7Bh%7D%28i%29%5E$.info",
    ),
];

#[test]
fn what_the_go_command_sends_is_what_was_asked_for() {
    for (module, version, path) in ON_THE_WIRE {
        let target = parse(path);
        assert_eq!(target.module().to_string(), module, "{path}");
        match target.resource() {
            Resource::Info => assert_eq!(target.version(), Version::new(version).ok()),
            Resource::Query => assert_eq!(target.query().as_deref(), Some(version)),
            other => panic!("{path}: {other}"),
        }
    }
}

#[test]
fn a_module_of_tildes_and_dots_is_a_module() {
    let target = parse("/example.com/a~b_c-d.e/x/@v/v1.0.0.info");
    assert_eq!(target.module().to_string(), "example.com/a~b_c-d.e/x");
}

#[test]
fn a_percent_encoded_bang_is_a_raw_one() {
    let raw = parse("/github.com/!burnt!sushi/toml/@v/v1.0.0-!r!c1.zip");
    let encoded = parse("/github.com/%21burnt%21sushi/toml/@v/v1.0.0-%21r%21c1.zip");
    assert_eq!(raw, encoded);
    assert_eq!(
        raw.as_str(),
        "github.com/!burnt!sushi/toml/@v/v1.0.0-!r!c1.zip"
    );
    assert_eq!(raw.to_string(), raw.as_str());
}

#[test]
fn the_path_written_back_is_read_as_the_same_target() {
    for (_, _, path) in ON_THE_WIRE {
        let target = parse(path);
        let written = target.to_uri_path();
        assert!(written.parse::<http::Uri>().is_ok(), "{written}");
        assert_eq!(parse(&written), target, "{path}");
    }
    let target = parse("/x.y/m/@v/a&b=c+d,e~f%5Bg%5D%7Bh%7D(i)%5E$ %25%23.info");
    assert_eq!(
        target.to_uri_path(),
        "/x.y/m/@v/a&b=c+d,e~f%5Bg%5D%7Bh%7D(i)%5E$%20%25%23.info"
    );
    let path = "/x.y/!m~a/@v/v2.0.0+incompatible.zip";
    assert_eq!(parse(path).to_uri_path(), path, "these stay as they are");
}

#[test]
fn each_endpoint_is_its_resource() {
    for (path, resource, content_type) in [
        (
            "/x.y/m/@v/list",
            Resource::List,
            "text/plain; charset=utf-8",
        ),
        ("/x.y/m/@latest", Resource::Latest, "application/json"),
        ("/x.y/m/@v/main.info", Resource::Query, "application/json"),
        ("/x.y/m/@v/v1.0.0.info", Resource::Info, "application/json"),
        (
            "/x.y/m/@v/v1.0.0.mod",
            Resource::Mod,
            "text/plain; charset=utf-8",
        ),
        ("/x.y/m/@v/v1.0.0.zip", Resource::Zip, "application/zip"),
    ] {
        let target = parse(path);
        assert_eq!(target.resource(), resource, "{path}");
        assert_eq!(resource.content_type(), content_type);
        assert_eq!(resource.is_file(), target.version().is_some(), "{path}");
        assert_eq!(
            target.query().is_some(),
            resource == Resource::Query,
            "{path}"
        );
    }
}

#[test]
fn what_only_resembles_a_version_is_a_query() {
    for (module, asked) in [
        ("x.y/m", "v1"),
        ("x.y/m", "v1.2"),
        ("x.y/m", "v1.2.3+meta"),
        ("x.y/m", "v2.0.0"),
        ("x.y/m/v2", "v3.0.0"),
        ("gopkg.in/m.v1", "v2.0.0"),
        ("x.y/m", "v1.2.3.zip"),
        ("x.y/m", "master"),
        ("x.y/m", "list"),
    ] {
        let path = format!("/{module}/@v/{asked}.info");
        let target = parse(&path);
        assert_eq!(target.query().as_deref(), Some(asked));
        assert_eq!(target.version(), None);
        for extension in ["mod", "zip"] {
            let path = format!("/{module}/@v/{asked}.{extension}");
            assert!(Target::parse(&path).is_err(), "{path}");
        }
    }
}

#[test]
fn words_of_the_go_command_are_no_queries() {
    for word in ["latest", "upgrade", "patch"] {
        let path = format!("/x.y/m/@v/{word}.info");
        let error = Target::parse(&path).unwrap_err();
        assert!(error.to_string().contains(word), "{error}");
    }
    assert!(Target::parse("/x.y/m/@v/latest.x.info").is_ok());
}

#[test]
fn what_asks_for_no_module_is_left_to_the_app() {
    for path in [
        "*",
        "",
        "/",
        "/healthz",
        "/github.com/user/repo",
        "/users/@me",
        "/users/@verified",
        "/@v/list",
        "/x.y/m/@latest/",
        "/x.y/m/@latest.info",
        "/x.y/m/@v",
        "//evil",
        "//evil.example/%2e%2e",
        "/%2e%2e",
        "/%ff/%zz",
        "/sumdb/sum.golang.org/supported",
        "/sumdb/sum.golang.org/lookup/example.com/m@v1.0.0",
        "/sumdb/169.254.169.254/x/@v/list",
        "/sumdb/%ff/@v/list",
        "/%73umdb/x/@latest",
    ] {
        assert_eq!(Target::parse(path), Ok(None), "{path}");
    }
}

#[test]
fn what_asks_for_an_impossible_module_is_an_error() {
    for path in [
        "//evil.example/m/@v/list",
        "//@v/list",
        "/x.y/../m/@v/list",
        "/x.y/%2e%2e/m/@v/list",
        "/x.y/%2E%2E%2fm/@v/list",
        "/x.y/./m/@v/list",
        "/x.y//m/@v/list",
        "/x.y/m//@v/list",
        "/x.y/a@b/m/@v/list",
        "/x.y/M/@v/list",
        "/x.y/!/@v/list",
        "/x.y/%2521m/@v/list",
        "/x.y/m%00/@v/list",
        "/x.y/m%5Cn/@v/list",
        "/x.y\\m/@v/list",
        "/x.y/m%ff/@v/list",
        "/x.y/m%zz/@v/list",
        "/x.y/m/@v/a%.info",
        "/x.y/m/@v/a%4.info",
        "/x.y/m%0d%0aX-Evil:1/@v/list",
        "/xy/m/@v/list",
        "/localhost:80/m/@latest",
        "/x.y/m/v1/@latest",
        "/gopkg.in/yaml/@latest",
        "/github.com/con/@latest",
        "/x.y/m/@v/",
        "/x.y/m/@v/list/",
        "/x.y/m/@v/lists",
        "/x.y/m/@v/v1.0.0",
        "/x.y/m/@v/v1.0.0.ziphash",
        "/x.y/m/@v/v1.0.0.lock",
        "/x.y/m/@v/v1.0.0.ZIP",
        "/x.y/m/@v/.info",
        "/x.y/m/@v/..info",
        "/x.y/m/@v/../../etc/passwd.info",
        "/x.y/m/@v/feature/x.info",
        "/x.y/m/@v/feature%2fx.info",
        "/x.y/m/@v/HEAD.info",
        "/x.y/m/@v/a%00.info",
        "/x.y/m/@v/a%5Cb.info",
        "/x.y/m/@v/%d1%82.info",
        "/x.y/m/@v/aux.info",
        "/x.y/m/@v/v1.0.0-RC1.zip",
        "/x.y/m/@v/v01.0.0.zip",
    ] {
        assert!(Target::parse(path).is_err(), "{path}");
    }
}

#[test]
fn percent_encoding_is_undone_once() {
    assert_eq!(
        parse("/x.y/m/@v/a%2521b.info").query().as_deref(),
        Some("a%21b")
    );
    assert_eq!(
        parse("/x.y/m/@v/a+b.info").query().as_deref(),
        Some("a+b"),
        "not a space"
    );
}

#[test]
fn the_first_divider_counts() {
    let error = Target::parse("/x.y/m/@v/a/@v/list").unwrap_err();
    assert!(error.to_string().contains("unknown resource"), "{error}");
    assert_eq!(Target::parse("/x.y/@me/x.y/m/@v/list"), Ok(None));
}

#[test]
fn error_texts_are_short_printable_lines_whatever_was_asked() {
    let long = "a".repeat(5_000);
    let paths = [
        format!("/{long}/@v/list"),
        format!("/x.y/{}/@v/list", ".".repeat(250)),
        format!("/x.y/m/@v/{long}.info"),
        format!("/x.y/m/@v/v{}.0.0.zip", "9".repeat(240)),
        format!("/x.y/v{}/@v/v{}.0.0.zip", "8".repeat(240), "9".repeat(240)),
        "/x.y/%1b[31m/@v/list".to_owned(),
        "/x.y/%e2%80%ae/@v/list".to_owned(),
        "/x.y/\u{202e}/@v/list".to_owned(),
        "/x.y/%0a/@v/list".to_owned(),
        "/x.y/m/@v/\u{1b}.info".to_owned(),
        "/x.y/!c!o!n/@v/list".to_owned(),
    ];
    for path in &paths {
        let text = Target::parse(path).unwrap_err().to_string();
        assert!(text.len() <= 200, "{text}");
        assert!(
            text.bytes().all(|b| b == b' ' || b.is_ascii_graphic()),
            "{text:?}"
        );
    }
}

#[test]
fn errors_tell_their_cause() {
    let cause = |path| {
        let error: InvalidTarget = Target::parse(path).unwrap_err();
        error.to_string()
    };
    assert_eq!(
        cause("/x.y/.m/@latest"),
        "malformed module path: leading dot in path element"
    );
    assert_eq!(
        cause("/x.y/m/@v/v2.0.0.zip"),
        "invalid version: should be v0 or v1, not v2"
    );
    assert_eq!(
        cause("/x.y/m/@v/main.zip"),
        "invalid version: not a semantic version"
    );
    assert_eq!(cause("/x.y/m%zz/@v/list"), "malformed percent-encoding");
}

#[test]
fn a_query_leads_to_the_info_of_a_version_of_its_module() {
    let query = parse("/x.y/m/@v/main.info").into_owned();
    let version = Version::new("v1.0.0-RC1").expect("canonical");
    let info = query
        .with_version(&version)
        .expect("a version of the module");
    assert_eq!(info, parse("/x.y/m/@v/v1.0.0-!r!c1.info"));
    let version = Version::new("v2.0.0").expect("canonical");
    assert!(query.with_version(&version).is_err(), "x.y/m has no v2");
}
