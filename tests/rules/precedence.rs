//! Which of several rules wins, and what is asked before a version is known.

use std::sync::Arc;

use tower_goproxy::Target;
use tower_goproxy::policy::Policy;
use tower_goproxy::policy::Rule;

use super::ask::{ask_list, ask_version, rules};

#[test]
fn a_qualified_rule_that_does_not_match_leaves_it_to_the_unqualified_one() {
    let rules = rules("- a.com\n+ a.com/m\n- a.com/m v1");
    assert_eq!(ask_version(&rules, "a.com/m", "v1.0.0"), Rule::exclude());
    assert_eq!(ask_version(&rules, "a.com/m", "v0.1.0"), Rule::include());
}

#[test]
fn a_qualified_rule_that_does_not_match_leaves_it_to_the_parent() {
    let rules = rules("D a.com\n- a.com/m v1");
    assert_eq!(ask_version(&rules, "a.com/m", "v1.0.0"), Rule::exclude());
    assert_eq!(ask_version(&rules, "a.com/m", "v0.1.0"), Rule::direct());
    assert_eq!(
        ask_version(&rules, "a.com/m/sub", "v1.0.0"),
        Rule::exclude(),
        "a path covers what is below"
    );
}

#[test]
fn of_several_matching_rules_on_one_path_the_one_that_trusts_least_wins() {
    let allowed = rules("-\n+ a.com/m v1\n- a.com/m v1.2");
    assert_eq!(ask_version(&allowed, "a.com/m", "v1.0.0"), Rule::include());
    assert_eq!(ask_version(&allowed, "a.com/m", "v1.2.0"), Rule::exclude());
    assert_eq!(ask_version(&allowed, "a.com/m", "v0.1.0"), Rule::exclude());
}

#[test]
fn a_module_with_a_direct_version_is_direct_as_a_whole() {
    for text in [
        "D a.com/m v1",
        "+\nD a.com/m ^v1.1.0",
        "D a.com\n+ a.com/m v2.0.0",
        "-\nD a.com/m v1\n+ a.com/m v0",
        "- a.com/m\n+ a.com/m v0\nD a.com/m v1.0.0",
    ] {
        let rules = rules(text);
        assert_eq!(ask_list(&rules, "a.com/m"), Rule::direct(), "{text}");
        for version in ["v0.1.0", "v1.0.0", "v1.1.0", "v2.0.0+incompatible"] {
            let rule = ask_version(&rules, "a.com/m", version);
            assert!(!rule.is_include(), "{text} {version}");
        }
    }
    let beside = rules("D a.com/m v1\n- a.com/m v1.2");
    assert_eq!(ask_version(&beside, "a.com/m", "v0.1.0"), Rule::direct());
    assert_eq!(ask_version(&beside, "a.com/m", "v1.2.0"), Rule::exclude());
    // A deeper path of its own is another module.
    let below = rules("D a.com v1\n+ a.com/m");
    assert_eq!(ask_version(&below, "a.com/m", "v1.0.0"), Rule::include());
}

#[test]
fn a_deeper_unqualified_rule_hides_the_qualified_ones_above() {
    let rules = rules("- a.com v1\n+ a.com/m");
    assert_eq!(ask_version(&rules, "a.com/m", "v1.0.0"), Rule::include());
    assert_eq!(ask_version(&rules, "a.com/x", "v1.0.0"), Rule::exclude());
}

#[test]
fn excluding_a_version_never_refuses_list_and_latest() {
    for text in [
        "- a.com/m v1.0.0",
        "+\n- a.com/m v1,v0,<v9.0.0",
        "D a.com\n- a.com/m v1",
    ] {
        assert_ne!(ask_list(&rules(text), "a.com/m"), Rule::exclude(), "{text}");
    }
}

#[test]
fn deny_all_versions_except_some_asks_the_list_where_those_come_from() {
    let allow = rules("- a.com/m\n+ a.com/m v1.2.3");
    assert_eq!(ask_list(&allow, "a.com/m"), Rule::include());
    assert_eq!(ask_version(&allow, "a.com/m", "v1.2.3"), Rule::include());
    assert_eq!(ask_version(&allow, "a.com/m", "v1.2.4"), Rule::exclude());

    let direct = rules("-\nD a.com/m v1\n+ a.com/m v0");
    assert_eq!(
        ask_list(&direct, "a.com/m"),
        Rule::direct(),
        "of several the one that trusts least"
    );
    assert_eq!(
        ask_list(&rules("-\n+ a.com/m v1\n- a.com/m/sub v1.2"), "a.com/m/sub"),
        Rule::include()
    );
    assert_eq!(
        ask_list(&rules("-\n+ a.com/m v1\n- a.com/m/sub"), "a.com/m/sub"),
        Rule::exclude()
    );
    assert_eq!(
        ask_list(&rules("-\n- a.com/m v1"), "a.com/m"),
        Rule::exclude()
    );
}

#[test]
fn only_modules_under_a_qualified_rule_depend_on_the_version() {
    let rules = rules("+ a.com\n- a.com/m v1\n+ a.com/m/sub\nD b.com");
    for (module, depends) in [
        ("a.com/m", true),
        ("a.com/m/x", true),
        ("a.com/m/sub", false),
        ("a.com/x", false),
        ("b.com/m", false),
    ] {
        let path = format!("/{module}/@v/list");
        let target = Target::parse(&path).expect("valid").expect("a target");
        assert_eq!(rules.depends_on_version(&target), depends, "{module}");
        assert_eq!(
            Arc::new(&rules).depends_on_version(&target),
            depends,
            "{module}"
        );
    }
}
