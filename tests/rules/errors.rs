//! What has no meaning is refused, with its place.

use tower_goproxy::policy::Rules;

#[track_caller]
fn error(text: &str) -> String {
    match Rules::parse(text) {
        Ok(_) => panic!("accepted: {text}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn row_unknown_operators_are_errors() {
    for operator in ["=", ">", ">=", "<=", "!=", "~>", "^^"] {
        let message = error(&format!("- a.com/m {operator}v1.2.3"));
        assert!(
            message.starts_with("line 1, column 11: unknown operator"),
            "{message}"
        );
        assert!(message.contains(&format!("{operator}v1.2.3")), "{message}");
    }
}

#[test]
fn row_operators_need_three_numbers() {
    for item in [
        "~v1.2",
        "^v1",
        "<v1.2",
        "~",
        "<v",
        "~v1.2.3-rc1",
        "<v1.2.3+meta",
        "~v1.2.*",
        "^vv1.2.3",
        "~v01.2.3",
    ] {
        let message = error(&format!("- a.com/m {item}"));
        assert!(message.contains("need three numbers"), "{message}");
    }
}

#[test]
fn row_a_lone_star_and_an_empty_item_are_errors() {
    for (list, column, item) in [
        ("*", 11, "*"),
        ("v*", 11, "v*"),
        ("v1.2.3.*", 11, "v1.2.3.*"),
        ("v1.*.3", 11, "v1.*.3"),
        ("v1,", 14, ""),
        (",v1", 11, ""),
        ("v1,,v2", 14, ""),
    ] {
        let error = Rules::parse(&format!("- a.com/m {list}")).unwrap_err();
        assert_eq!(
            (error.line(), error.column(), error.text()),
            (1, column, item),
            "{error}"
        );
    }
}

#[test]
fn row_versions_without_meaning_are_errors() {
    for item in [
        "1.2.3",
        "master",
        "V1",
        "v1.",
        "v1.2.3.4",
        "v01",
        "v1.2.3+meta",
        "@v1",
        "latest",
    ] {
        assert!(error(&format!("- a.com/m {item}")).starts_with("line 1, column 11: "));
    }
}

#[test]
fn the_same_path_and_version_twice_is_an_error_that_names_both_lines() {
    assert_eq!(
        error("- a.com/m\n\n+ a.com/m # again"),
        "line 3, column 1: line 1 already has a rule for this: \"+ a.com/m # again\""
    );
    assert_eq!(
        error("- a.com/m v1,v2\n+ a.com/m v0,v2"),
        "line 2, column 14: line 1 already has a rule for this: \"v2\""
    );
    assert!(error("-\n+").starts_with("line 2, column 1: line 1 already"));
    assert!(
        error("- a.com/m v1.2,v1.2.*").contains("line 1 already"),
        "one meaning, two spellings"
    );
    assert!(error("- a.com/m ~v1.2.3\n- a.com/m ~1.2.3").contains("line 1 already"));
}

#[test]
fn paths_that_no_module_can_have_are_errors() {
    for path in [
        "github.com/foo/*",
        "*",
        "github.com/foo/",
        "/github.com/foo",
        "github.com//foo",
        "https://github.com/foo",
        "github.com/foo@v1.0.0",
        "github.com/../foo",
        "github.com/foo?x",
        "GitHub.com/foo",
        "github",
        "example.com:8080/m",
        "github.com/föö",
        "github.com/con",
        "-x.com",
    ] {
        let error = Rules::parse(&format!("-\n+ {path}")).unwrap_err();
        assert_eq!(
            (error.line(), error.column(), error.text()),
            (2, 3, path),
            "{error}"
        );
        assert!(
            error.to_string().contains("malformed module path"),
            "{error}"
        );
    }
    assert!(error(&format!("- a.com/{}", "A".repeat(200))).contains("longer than 255 bytes"));
}

#[test]
fn a_version_without_a_path_is_an_error() {
    for item in ["v1", "v1.2.3", "~v1.2.3", "<1.2.3"] {
        let message = error(&format!("- {item}"));
        assert!(message.contains("without a module path"), "{message}");
    }
}

#[test]
fn columns_count_characters() {
    let error = Rules::parse("- a.com/m v1,é,v2").unwrap_err();
    assert_eq!((error.column(), error.text()), (14, "é"));
    let error = Rules::parse("- a.com/é v1 x").unwrap_err();
    assert_eq!((error.column(), error.text()), (14, "x"));
}
