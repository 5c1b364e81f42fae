//! Paths and versions, against what the real functions of golang.org/x/mod answer.

use std::collections::BTreeMap;

use tower_goproxy::module::{ModulePath, Version, check};
use tower_goproxy::{InvalidTarget, Resource, Target};

#[path = "data/vectors.rs"]
mod vectors;

use vectors::Vector;

/// Where the lines of each function of the file are put to the test.
const ACCOUNTED: [(&str, usize, &str); 19] = [
    ("Canonical", 34, "beside the code"),
    ("Check", 22, "beside the code, and here"),
    ("CheckFilePath", 31, "beside the code"),
    // An import path names a package, and says nothing of where its module's path ends. The go command
    // finds that out before it asks, and asks for module paths alone: it was never a proxy's to judge.
    (
        "CheckImportPath",
        8,
        "nowhere: a proxy is never asked for a package",
    ),
    ("CheckPath", 69, "here"),
    ("Compare", 11, "beside the code"),
    ("EscapePath", 4, "here"),
    ("EscapeVersion", 16, "here"),
    ("Major", 3, "beside the code"),
    ("MatchPathMajor", 7, "beside the code"),
    ("MatchPrefix", 24, "beside the code"),
    ("MkPseudo", 6, "nowhere: a proxy makes no pseudo-versions"),
    ("Pseudo", 20, "beside the code"),
    ("SplitPathVersion", 6, "beside the code"),
    ("TileFmt", 4, "beside the code"),
    ("TilePath", 14, "beside the code"),
    ("UnescapePath", 9, "here"),
    ("UnescapeVersion", 5, "here"),
    ("Verifier", 5, "beside the code"),
];

#[test]
fn every_line_of_the_vectors_is_accounted_for() {
    let mut found = BTreeMap::new();
    for (function, _) in vectors::all() {
        *found.entry(function).or_insert(0) += 1;
    }
    let accounted = ACCOUNTED.map(|(function, count, _)| (function, count));
    assert_eq!(found, BTreeMap::from(accounted));
}

/// What the function returned, unless an error.
fn value(vector: &Vector) -> Option<String> {
    let failed = vector.result.starts_with("error");
    (!failed).then(|| vector.result.clone())
}

/// The character that Go quotes in `invalid char 'x'`.
fn quoted(message: &str) -> Option<char> {
    let inner = message.split_once("invalid char '")?.1;
    let inner = &inner[..inner.rfind('\'')?];
    let code = inner.strip_prefix("\\x").or(inner.strip_prefix("\\u"));
    match (code, inner) {
        (Some(hex), _) => char::from_u32(u32::from_str_radix(hex, 16).ok()?),
        (None, "\\t") => Some('\t'),
        (None, "\\\\") => Some('\\'),
        (None, _) => inner.chars().next(),
    }
}

/// Our message for a message of Go: the same, but in ASCII and without repeating long input.
fn translated(go: &str) -> String {
    let message = go.trim_start_matches("error: ");
    match (quoted(message), message.split_once("' in")) {
        (Some(c), None) => format!("invalid char '{}'", c.escape_default()),
        (Some(c), Some((_, place))) => format!("invalid char '{}' in{place}", c.escape_default()),
        (None, _) if message.starts_with("invalid path element") => {
            "invalid path element of dots alone".to_owned()
        }
        (None, _) if message == "invalid version" => "invalid version suffix".to_owned(),
        (None, _) => message.to_owned(),
    }
}

#[test]
fn module_paths_are_valid_when_go_says_so_and_errors_name_the_same_rule() {
    for vector in vectors::of("CheckPath", 69) {
        let Some(path) = vector.text(0) else {
            assert_eq!(vector.result, "error: invalid UTF-8");
            continue;
        };
        match ModulePath::new(path) {
            Ok(_) => assert_eq!(vector.result, "ok", "{path}"),
            Err(error) => assert_eq!(
                error.to_string(),
                format!("malformed module path: {}", translated(&vector.result)),
                "{path}"
            ),
        }
    }
}

#[test]
fn module_paths_are_escaped_as_go_does() {
    for vector in vectors::of("EscapePath", 4) {
        let path = vector.text(0).expect("UTF-8");
        let escaped = ModulePath::new(path).map(|path| path.escaped().to_owned());
        assert_eq!(escaped.ok(), value(&vector), "{path}");
    }
}

#[test]
fn module_paths_are_unescaped_as_go_does() {
    for vector in vectors::of("UnescapePath", 9) {
        let escaped = vector.text(0).expect("UTF-8");
        let path = ModulePath::from_escaped(escaped).map(|path| path.to_string());
        assert_eq!(path.ok(), value(&vector), "{escaped}");
    }
}

#[test]
fn escaping_and_unescaping_a_module_path_agree_on_what_is_valid() {
    for vector in vectors::of("CheckPath", 69) {
        let Some(Ok(path)) = vector.text(0).map(ModulePath::new) else {
            continue;
        };
        let back = ModulePath::from_escaped(path.escaped().to_owned());
        assert_eq!(back, Ok(path));
    }
}

#[test]
fn a_bang_stands_before_a_small_letter_and_nowhere_else() {
    for escaped in ["x.y/a!0", "x.y/!A", "x.y/!!a", "x.y/a!/b", "x.y/a!-"] {
        let error = ModulePath::from_escaped(escaped).unwrap_err();
        assert!(
            error.to_string().contains("not case-encoded"),
            "{escaped}: {error}"
        );
        assert!(query(&escaped[4..]).is_err(), "{escaped}");
    }
}

#[test]
fn a_reserved_name_is_reserved_when_escaped_too() {
    for escaped in ["x.y/!c!o!n", "x.y/!pr!n.txt", "x.y/c!o!m1"] {
        assert!(ModulePath::from_escaped(escaped).is_err(), "{escaped}");
    }
    assert!(ModulePath::from_escaped("x.y/!c!o!m0").is_ok());
}

/// The unescaped query or version of a request.
fn query(escaped: &str) -> Result<String, InvalidTarget> {
    let path = format!("/x.y/m/v2/@v/{}.info", escaped.replace('%', "%25"));
    let target = Target::parse(&path)?.expect("a module request");
    let version = target.version().map(|version| version.to_string());
    Ok(version.unwrap_or_else(|| target.query().expect("a query").into_owned()))
}

#[test]
fn queries_are_valid_when_go_can_escape_them() {
    for vector in vectors::of("EscapeVersion", 16) {
        let plain = vector.text(0).expect("UTF-8");
        match value(&vector) {
            Some(escaped) => assert_eq!(query(&escaped).as_deref(), Ok(plain)),
            None => assert!(query(plain).is_err(), "{plain}"),
        }
    }
}

#[test]
fn queries_are_unescaped_as_go_does() {
    for vector in vectors::of("UnescapeVersion", 5) {
        let escaped = vector.text(0).expect("UTF-8");
        assert_eq!(query(escaped).ok(), value(&vector), "{escaped}");
    }
}

#[test]
fn a_canonical_version_fits_a_module_when_it_does_for_go() {
    let mut compared = 0;
    for vector in vectors::of("Check", 22) {
        let (path, version) = (
            vector.text(0).expect("UTF-8"),
            vector.text(1).expect("UTF-8"),
        );
        let (Ok(path), Ok(version)) = (ModulePath::new(path), Version::new(version)) else {
            continue;
        };
        compared += 1;
        let found = check(&path, &version)
            .err()
            .map(|error| format!("error: {error}"));
        let expected = value(&vector).is_none().then(|| vector.result.clone());
        assert_eq!(found, expected, "{path} {version}");
    }
    // Not comparable: no leading `v`, a short version, metadata, and one bad path.
    assert_eq!(compared, 18);
}

#[test]
fn lengths_that_no_file_system_takes_are_errors() {
    let element = "a".repeat(255);
    assert!(ModulePath::new(format!("x.y/{element}")).is_ok());
    assert!(ModulePath::new(format!("x.y/{element}b")).is_err());
    assert!(
        ModulePath::new(format!("x.y/{}", "A".repeat(128))).is_err(),
        "256 when escaped"
    );
    assert!(ModulePath::new(format!("x.y{}", "/a".repeat(1022))).is_ok());
    let error = ModulePath::new(format!("x.y{}", "/a".repeat(1023))).unwrap_err();
    assert_eq!(
        error.to_string(),
        "malformed module path: longer than 2048 bytes"
    );

    let escaped = format!("x.y/{}", "!a".repeat(128));
    assert!(ModulePath::from_escaped(escaped).is_err());

    let version = |digits| format!("v{}.0.0", "1".repeat(digits));
    assert!(Version::new(version(245)).is_ok());
    let error = Version::new(version(246)).unwrap_err();
    assert_eq!(error.to_string(), "invalid version: longer than 250 bytes");
    assert!(Version::from_escaped(version(246)).is_err());
}

#[test]
fn a_version_is_valid_for_one_resource_and_a_query_for_another() {
    let resource = |path| {
        Target::parse(path)
            .ok()
            .flatten()
            .map(|target| target.resource())
    };
    assert_eq!(resource("/x.y/m/@v/v1.0.0.info"), Some(Resource::Info));
    assert_eq!(resource("/x.y/m/@v/v1.0.info"), Some(Resource::Query));
    assert_eq!(resource("/x.y/m/@v/v1.0.mod"), None);
}
