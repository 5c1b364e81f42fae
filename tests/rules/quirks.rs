//! What Athens' reader has done by accident, then and now.

use tower_goproxy::policy::Rule;
use tower_goproxy::policy::Rules;

use super::ask::{ask_list, ask_version, rules};

#[test]
fn quirk_pseudo_versions_bypassed_the_first_filter() {
    let rules = rules("- a.com/m");
    assert_eq!(
        ask_version(&rules, "a.com/m", "v0.0.0-20180906233101-161cd47e91fd"),
        Rule::exclude()
    );
}

#[test]
fn quirk_two_spaces_made_a_root_rule() {
    for text in [
        "-  a.com/m",
        "-\ta.com/m",
        " \t-  \t a.com/m \t",
        "-  a.com/m  v1",
    ] {
        let rules = rules(text);
        assert_eq!(
            ask_version(&rules, "a.com/m", "v1.0.0"),
            Rule::exclude(),
            "{text:?}"
        );
        assert_eq!(
            ask_version(&rules, "b.com/m", "v1.0.0"),
            Rule::include(),
            "{text:?}"
        );
    }
}

#[test]
fn quirk_a_note_behind_a_path_was_a_qualifier() {
    for text in [
        "- a.com/m #note",
        "- a.com/m # a longer note",
        "- a.com/m v1 #note",
        "- a.com/m\t#",
    ] {
        let rules = rules(text);
        assert_eq!(
            ask_version(&rules, "a.com/m", "v1.0.0"),
            Rule::exclude(),
            "{text}"
        );
    }
    assert!(
        Rules::parse("- a.com/m#note")
            .unwrap_err()
            .to_string()
            .contains("invalid char '#'")
    );
}

#[test]
fn quirk_a_rule_was_replaced_by_a_later_one_for_the_same_path() {
    let rules = rules("- a.com/m v1\nD a.com/m v0");
    assert_eq!(ask_version(&rules, "a.com/m", "v1.0.0"), Rule::exclude());
    assert_eq!(ask_version(&rules, "a.com/m", "v0.1.0"), Rule::direct());
}

#[test]
fn quirk_unknown_signs_and_surplus_fields_were_skipped_by_the_first_filter() {
    for (text, column, offending) in [
        ("E a.com/m", 1, "E"),
        ("d a.com/m", 1, "d"),
        ("  +a.com/m", 3, "+a.com/m"),
        ("a.com/m", 1, "a.com/m"),
        ("\u{feff}- a.com/m", 1, "\u{feff}-"),
        ("- a.com/m v1 v2", 14, "v2"),
        ("- a.com/m v1, v2", 15, "v2"),
    ] {
        let error = Rules::parse(&format!("+\n{text}")).unwrap_err();
        assert_eq!(
            (error.line(), error.column(), error.text()),
            (2, column, offending),
            "{error}"
        );
    }
}

#[test]
fn quirk_rules_behind_a_very_long_line_were_lost() {
    let text = format!("# {}\n- a.com/m", "x".repeat(100_000));
    assert_eq!(ask_list(&rules(&text), "a.com/m"), Rule::exclude());
    let versions: Vec<_> = (0..20_000).map(|patch| format!("v1.0.{patch}")).collect();
    let text = format!("- a.com/m {}\n- b.com/m", versions.join(","));
    let rules = rules(&text);
    assert_eq!(
        ask_version(&rules, "a.com/m", "v1.0.19999"),
        Rule::exclude()
    );
    assert_eq!(ask_list(&rules, "b.com/m"), Rule::exclude());
}
