//! Rules from a file.

use tower_goproxy::policy::Rule::Include;
use tower_goproxy::policy::Rules;

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
    assert_eq!(ask_list(&rules, "a.com/m"), Include);

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
