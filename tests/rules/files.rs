//! Rules from a file.

use std::error::Error as _;

use tower_goproxy::module::{InvalidPath, InvalidVersion};
use tower_goproxy::policy::{ParseRulesError, Rule, Rules};

use super::ask::ask_list;

#[test]
fn quirk_a_missing_file_meant_no_rules() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("filter.conf");
    let error = Rules::from_file(&path).unwrap_err();
    assert_eq!(error.path(), path);
    assert!(error.to_string().contains("filter.conf"), "{error}");
}

#[test]
fn a_file_is_read_and_errors_name_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("filter.conf");

    std::fs::write(&path, "-\n+ a.com/m\n").expect("written");
    let rules = Rules::from_file(&path).expect("rules");
    assert_eq!(ask_list(&rules, "a.com/m"), Rule::include());

    std::fs::write(&path, "-\n? a.com/m\n").expect("written");
    let error = Rules::from_file(&path).unwrap_err().to_string();
    assert!(
        error.contains("filter.conf: line 2, column 1: unknown sign"),
        "{error}"
    );

    std::fs::write(&path, b"-\n+ a.com/\xff\n").expect("written");
    let error = Rules::from_file(&path).unwrap_err().to_string();
    assert!(error.ends_with("filter.conf: line 2: not UTF-8"), "{error}");
}

#[test]
fn a_byte_order_mark_at_the_start_is_skipped() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("filter.conf");
    std::fs::write(&path, "\u{feff}-\n+ a.com/m\n").expect("written");
    let rules = Rules::from_file(&path).expect("rules");
    assert_eq!(ask_list(&rules, "a.com/m"), Rule::include());
    assert_eq!(ask_list(&rules, "b.com/m"), Rule::exclude());

    let error = Rules::parse("\u{feff}?").unwrap_err();
    assert_eq!((error.line(), error.column(), error.text()), (1, 1, "?"));
    let error = Rules::parse("-\n\u{feff}+ a.com/m").unwrap_err();
    assert_eq!((error.line(), error.column()), (2, 1));
}

#[test]
fn errors_keep_their_source() {
    let missing = Rules::from_file("/nowhere/filter.conf").unwrap_err();
    let source = missing.source().expect("an error of the file system");
    assert!(source.is::<std::io::Error>(), "{source}");

    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("filter.conf");
    std::fs::write(&path, "- a.com/../m\n").expect("written");
    let error = Rules::from_file(&path).unwrap_err();
    let parse = error.source().expect("an error of the text");
    assert!(parse.is::<ParseRulesError>(), "{parse}");
    let path = parse.source().expect("an error of the path");
    assert!(path.is::<InvalidPath>(), "{path}");

    let error = Rules::parse("- a.com/m v1.2.3+meta").unwrap_err();
    let version = error.source().expect("an error of the version");
    assert!(version.is::<InvalidVersion>(), "{version}");
}
