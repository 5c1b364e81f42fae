//! The filter file: its grammar, which rule wins, and our answer to each quirk of Athens' own reader.

use std::sync::Arc;

use tower_goproxy::Target;
use tower_goproxy::policy::{Policy, Rule, Rules};

use Rule::{Direct, Exclude, Include};

fn rules(text: &str) -> Rules {
    Rules::parse(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn ask(rules: &Rules, path: &str) -> Rule {
    match Target::parse(path) {
        Ok(Some(target)) => rules.rule_for(&target),
        other => panic!("{path}: {other:?}"),
    }
}

fn ask_version(rules: &Rules, module: &str, version: &str) -> Rule {
    let verdicts = ["info", "mod", "zip"].map(|extension| {
        let target = format!("/{module}/@v/{version}.{extension}");
        ask(rules, &target)
    });
    assert!(
        verdicts.iter().all(|verdict| *verdict == verdicts[0]),
        "one policy for all files"
    );
    verdicts[0]
}

fn ask_list(rules: &Rules, module: &str) -> Rule {
    let verdicts = ["@v/list", "@latest", "@v/main.info"].map(|what| {
        let target = format!("/{module}/{what}");
        ask(rules, &target)
    });
    assert!(
        verdicts.iter().all(|verdict| *verdict == verdicts[0]),
        "one policy for all endpoints"
    );
    verdicts[0]
}

/// Asserts which versions a qualifier matches, both to refuse and to allow.
#[track_caller]
fn qualifier(text: &str, matching: &[&str], others: &[&str]) {
    let refuse = rules(&format!("- example.com/m {text}"));
    let allow = rules(&format!("-\n+ example.com/m {text}"));
    for (versions, refused, allowed) in [(matching, Exclude, Include), (others, Include, Exclude)] {
        for version in versions {
            assert_eq!(
                ask_version(&refuse, "example.com/m", version),
                refused,
                "{text} {version}"
            );
            assert_eq!(
                ask_version(&allow, "example.com/m", version),
                allowed,
                "{text} {version}"
            );
        }
    }
}

#[track_caller]
fn error(text: &str) -> String {
    match Rules::parse(text) {
        Ok(_) => panic!("accepted: {text}"),
        Err(error) => error.to_string(),
    }
}

// --- the grammar ---------------------------------------------------------------------------------

#[test]
fn no_rules_include_everything() {
    for rules in [Rules::default(), rules(""), rules("\n\n# nothing\n   \n")] {
        assert_eq!(ask_version(&rules, "example.com/m", "v1.0.0"), Include);
        assert_eq!(ask_list(&rules, "example.com/m"), Include);
    }
}

#[test]
fn each_sign_is_its_rule() {
    let rules = rules("+ a.com\n- b.com\nD c.com");
    for (module, rule) in [
        ("a.com/m", Include),
        ("b.com/m", Exclude),
        ("c.com/m", Direct),
    ] {
        assert_eq!(ask_version(&rules, module, "v1.0.0"), rule);
        assert_eq!(ask_list(&rules, module), rule);
    }
}

#[test]
fn the_example_of_the_athens_documentation_means_what_is_said_there() {
    let rules = rules(
        "# This is a comment\n\n\n- github.com/azure\n+ github.com/azure/azure-sdk-for-go\n\n\
         # get golang tools directly\nD golang.org/x/tools\n",
    );
    assert_eq!(ask_list(&rules, "github.com/azure/other"), Exclude);
    assert_eq!(
        ask_list(&rules, "github.com/azure/azure-sdk-for-go"),
        Include
    );
    assert_eq!(ask_list(&rules, "golang.org/x/tools"), Direct);
    assert_eq!(ask_list(&rules, "golang.org/x/net"), Include);
}

#[test]
fn the_approved_list_of_the_athens_documentation_means_what_is_said_there() {
    let rules = rules(
        "-\n# use internal github enterprise server directly\nD enterprise.github.com/company\n\n\
         # external dependency approved list\n+ github.com/gomods/athens v0.1,v0.2,v0.4.1\n",
    );
    for (version, rule) in [
        ("v0.1.0", Include),
        ("v0.2.7", Include),
        ("v0.4.1", Include),
        ("v0.4.2", Exclude),
        ("v0.3.0", Exclude),
        ("v1.1.0", Exclude),
    ] {
        assert_eq!(
            ask_version(&rules, "github.com/gomods/athens", version),
            rule,
            "{version}"
        );
    }
    assert_eq!(ask_list(&rules, "github.com/gomods/athens"), Include);
    assert_eq!(ask_list(&rules, "enterprise.github.com/company/x"), Direct);
    assert_eq!(ask_list(&rules, "github.com/gomods/other"), Exclude);
}

#[test]
fn a_bare_sign_is_the_default_wherever_it_stands() {
    for text in ["D\n- a.com", "- a.com\nD", "  D  # the default\n- a.com"] {
        assert_eq!(ask_list(&rules(text), "b.com/m"), Direct);
        assert_eq!(ask_list(&rules(text), "a.com/m"), Exclude);
    }
}

#[test]
fn rules_have_no_order_and_the_child_overrides_the_parent() {
    for text in [
        "- a.com\n+ a.com/b\nD a.com/b/c",
        "D a.com/b/c\n+ a.com/b\n- a.com",
    ] {
        let rules = rules(text);
        assert_eq!(ask_list(&rules, "a.com/x"), Exclude);
        assert_eq!(ask_list(&rules, "a.com/b"), Include);
        assert_eq!(ask_list(&rules, "a.com/b/x"), Include);
        assert_eq!(ask_list(&rules, "a.com/b/c/x"), Direct);
    }
}

#[test]
fn a_path_covers_whole_elements() {
    let rules = rules("- github.com/foo");
    assert_eq!(ask_list(&rules, "github.com/foo"), Exclude);
    assert_eq!(ask_list(&rules, "github.com/foo/bar"), Exclude);
    assert_eq!(ask_list(&rules, "github.com/foobar"), Include);
    assert_eq!(ask_list(&rules, "github.com"), Include);
}

#[test]
fn a_path_with_capitals_is_written_as_in_go_mod() {
    let rules = rules("- github.com/BurntSushi/toml");
    assert_eq!(ask_list(&rules, "github.com/!burnt!sushi/toml"), Exclude);
    assert_eq!(
        ask_list(&rules, "github.com/%21burnt%21sushi/toml"),
        Exclude
    );
    assert_eq!(
        ask_list(&rules, "github.com/burntsushi/toml"),
        Include,
        "case matters"
    );
    assert!(error("- github.com/!burnt!sushi").contains("invalid char '!'"));
}

#[test]
fn carriage_returns_before_a_line_feed_are_blank() {
    assert_eq!(ask_list(&rules("-\r\n+ a.com\r\n"), "a.com/m"), Include);
}

// --- which rule wins -----------------------------------------------------------------------------

#[test]
fn a_qualified_rule_that_does_not_match_leaves_it_to_the_unqualified_one() {
    let rules = rules("- a.com\nD a.com/m\n+ a.com/m v1");
    assert_eq!(ask_version(&rules, "a.com/m", "v1.0.0"), Include);
    assert_eq!(ask_version(&rules, "a.com/m", "v0.1.0"), Direct);
}

#[test]
fn a_qualified_rule_that_does_not_match_leaves_it_to_the_parent() {
    let rules = rules("D a.com\n- a.com/m v1");
    assert_eq!(ask_version(&rules, "a.com/m", "v1.0.0"), Exclude);
    assert_eq!(ask_version(&rules, "a.com/m", "v0.1.0"), Direct);
    assert_eq!(
        ask_version(&rules, "a.com/m/sub", "v1.0.0"),
        Exclude,
        "a path covers what is below"
    );
}

#[test]
fn of_several_matching_rules_on_one_path_the_one_that_trusts_least_wins() {
    let rules = rules("+ a.com/m v1\n- a.com/m v1.2\nD a.com/m ^v1.1.0");
    assert_eq!(ask_version(&rules, "a.com/m", "v1.0.0"), Include);
    assert_eq!(ask_version(&rules, "a.com/m", "v1.1.0"), Direct);
    assert_eq!(ask_version(&rules, "a.com/m", "v1.2.0"), Exclude);
}

#[test]
fn a_deeper_unqualified_rule_hides_the_qualified_ones_above() {
    let rules = rules("- a.com v1\n+ a.com/m");
    assert_eq!(ask_version(&rules, "a.com/m", "v1.0.0"), Include);
    assert_eq!(ask_version(&rules, "a.com/x", "v1.0.0"), Exclude);
}

#[test]
fn excluding_a_version_never_refuses_list_and_latest() {
    for text in [
        "- a.com/m v1.0.0",
        "+\n- a.com/m v1,v0,<v9.0.0",
        "D a.com\n- a.com/m v1",
    ] {
        assert_ne!(ask_list(&rules(text), "a.com/m"), Exclude, "{text}");
    }
}

#[test]
fn deny_all_versions_except_some_asks_the_list_where_those_come_from() {
    let allow = rules("- a.com/m\n+ a.com/m v1.2.3");
    assert_eq!(ask_list(&allow, "a.com/m"), Include);
    assert_eq!(ask_version(&allow, "a.com/m", "v1.2.3"), Include);
    assert_eq!(ask_version(&allow, "a.com/m", "v1.2.4"), Exclude);

    let direct = rules("-\nD a.com/m v1\n+ a.com/m v0");
    assert_eq!(
        ask_list(&direct, "a.com/m"),
        Direct,
        "of several the one that trusts least"
    );
    assert_eq!(
        ask_list(&rules("-\n+ a.com/m v1\n- a.com/m/sub v1.2"), "a.com/m/sub"),
        Include
    );
    assert_eq!(
        ask_list(&rules("-\n+ a.com/m v1\n- a.com/m/sub"), "a.com/m/sub"),
        Exclude
    );
    assert_eq!(ask_list(&rules("-\n- a.com/m v1"), "a.com/m"), Exclude);
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

#[expect(
    clippy::needless_borrows_for_generic_args,
    reason = "what is borrowed is a policy, too"
)]
#[test]
fn a_closure_and_a_shared_policy_are_policies() {
    fn verdict(policy: impl Policy) -> (Rule, bool) {
        let target = Target::parse("/a.com/m/@latest")
            .expect("valid")
            .expect("a target");
        let (parts, ()) = http::Request::new(()).into_parts();
        (
            policy.classify(&target, &parts),
            policy.depends_on_version(&target),
        )
    }
    let closure = |_: &Target<'_>, _: &http::request::Parts| Direct;
    assert_eq!(verdict(closure), (Direct, true));
    assert_eq!(verdict(&closure), (Direct, true));
    let shared: Arc<dyn Policy> = Arc::new(rules("- a.com"));
    assert_eq!(verdict(Arc::clone(&shared)), (Exclude, false));
    assert_eq!(verdict(&rules("D a.com")), (Direct, false));
}

// --- the rows of versions, each as Athens read it wrongly ----------------------------------------

#[test]
fn row_major_number_alone() {
    qualifier(
        "v1",
        &[
            "v1.0.0",
            "v1.99.0",
            "v1.0.0-rc1",
            "v1.2.4-0.20200101000000-abcdef123456",
        ],
        &["v10.0.0+incompatible", "v0.9.0", "v2.0.0-rc1+incompatible"],
    );
    qualifier(
        "v1.*",
        &["v1.0.0", "v1.99.0"],
        &["v10.0.0+incompatible", "v0.1.0"],
    );
}

#[test]
fn row_major_and_minor_number() {
    for text in ["v1.2", "v1.2.*"] {
        qualifier(
            text,
            &[
                "v1.2.0",
                "v1.2.9",
                "v1.2.0-rc1",
                "v1.2.4-0.20200101000000-abcdef123456",
            ],
            &["v1.20.0", "v1.3.0-rc1", "v0.2.0"],
        );
    }
    assert_eq!(
        error("- a.com/m v1.2*"),
        "line 1, column 11: a * can only be the last number, as in v1.* or v1.2.*: \"v1.2*\""
    );
}

#[test]
fn row_exact_version_is_no_prefix() {
    qualifier("v1.2.3", &["v1.2.3"], &["v1.2.30", "v1.2.3-rc1", "v1.2.4"]);
    qualifier(
        "v1.2.3-RC1",
        &["v1.2.3-!r!c1"],
        &["v1.2.3", "v1.2.3-rc1", "v1.2.3-!r!c1.1"],
    );
    let pseudo = "v0.0.0-20180906233101-161cd47e91fd";
    qualifier(
        pseudo,
        &[pseudo],
        &["v0.0.0-20180906233101-161cd47e91fe", "v0.0.0"],
    );
}

#[test]
fn row_exact_version_covers_its_incompatible_spelling() {
    qualifier("v2.0.0", &["v2.0.0+incompatible"], &["v2.0.1+incompatible"]);
    qualifier(
        "v2.0.0+incompatible",
        &["v2.0.0+incompatible"],
        &["v2.0.1+incompatible"],
    );
    let rules = rules("- example.com/m v2.0.0+incompatible");
    assert_eq!(ask_version(&rules, "example.com/m/v2", "v2.0.0"), Include);
}

#[test]
fn row_tilde_with_the_v() {
    qualifier(
        "~v1.2.3",
        &["v1.2.3", "v1.2.9", "v1.2.10"],
        &["v1.2.2", "v1.3.0", "v2.2.3+incompatible"],
    );
}

#[test]
fn row_tilde_without_the_v_as_the_documentation_writes_it() {
    qualifier("~1.2.3", &["v1.2.3", "v1.2.9"], &["v1.2.2", "v1.3.0"]);
}

#[test]
fn row_tilde_with_a_major_of_two_digits() {
    qualifier("~11.2.3", &["v11.2.3+incompatible"], &["v1.2.3"]);
}

#[test]
fn row_caret() {
    for text in ["^v1.2.3", "^1.2.3"] {
        qualifier(
            text,
            &["v1.2.3", "v1.2.4", "v1.3.0", "v1.4.5"],
            &["v1.2.2", "v0.9.0", "v2.0.0+incompatible"],
        );
    }
}

#[test]
fn row_caret_of_major_zero_is_all_of_major_zero_from_there_on() {
    qualifier("^v0.2.3", &["v0.2.3", "v0.3.0"], &["v0.2.2", "v1.0.0"]);
}

#[test]
fn row_below_leaves_the_bound_out() {
    for text in ["<v1.2.3", "<1.2.3"] {
        qualifier(
            text,
            &["v1.2.2", "v1.0.0", "v0.58.9"],
            &["v1.2.3", "v1.2.4", "v2.0.0+incompatible"],
        );
    }
}

#[test]
fn row_ranges_hold_prereleases_pseudo_versions_and_incompatible_ones() {
    qualifier(
        "<v1.2.3",
        &[
            "v1.2.3-rc1",
            "v0.0.0-20200101000000-abcdef123456",
            "v1.2.3-0.20200101000000-abcdef123456",
            "v1.2.2+incompatible",
        ],
        &[
            "v1.2.4-0.20200101000000-abcdef123456",
            "v1.2.3+incompatible",
        ],
    );
    // By the three numbers: a pre-release belongs to its release, at both ends.
    qualifier(
        "~v1.2.3",
        &[
            "v1.2.3-rc1",
            "v1.2.3-0.20200101000000-abcdef123456",
            "v1.2.4-rc1",
            "v1.2.3+incompatible",
        ],
        &[
            "v1.2.2-rc1",
            "v1.3.0-rc1",
            "v0.0.0-20200101000000-abcdef123456",
        ],
    );
    qualifier(
        "^v1.2.3",
        &[
            "v1.2.3-rc1",
            "v1.3.0-rc1",
            "v1.9.1-0.20200101000000-abcdef123456",
            "v1.4.0+incompatible",
        ],
        &["v1.2.2-rc1", "v2.0.0-rc1+incompatible"],
    );
}

#[test]
fn row_numbers_of_any_size_compare_as_numbers() {
    qualifier(
        "<v1.99999999999999999999.0",
        &["v1.9.0", "v1.99999999999999999998.0"],
        &["v1.99999999999999999999.0", "v1.100000000000000000000.0"],
    );
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

// --- the other quirks of Athens ------------------------------------------------------------------

#[test]
fn quirk_pseudo_versions_bypassed_the_first_filter() {
    let rules = rules("- a.com/m");
    assert_eq!(
        ask_version(&rules, "a.com/m", "v0.0.0-20180906233101-161cd47e91fd"),
        Exclude
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
            Exclude,
            "{text:?}"
        );
        assert_eq!(
            ask_version(&rules, "b.com/m", "v1.0.0"),
            Include,
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
        assert_eq!(ask_version(&rules, "a.com/m", "v1.0.0"), Exclude, "{text}");
    }
    assert!(error("- a.com/m#note").contains("invalid char '#'"));
}

#[test]
fn quirk_a_rule_was_replaced_by_a_later_one_for_the_same_path() {
    let rules = rules("- a.com/m v1\nD a.com/m v0");
    assert_eq!(ask_version(&rules, "a.com/m", "v1.0.0"), Exclude);
    assert_eq!(ask_version(&rules, "a.com/m", "v0.1.0"), Direct);
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
    assert_eq!(ask_list(&rules(&text), "a.com/m"), Exclude);
    let versions: Vec<_> = (0..20_000).map(|patch| format!("v1.0.{patch}")).collect();
    let text = format!("- a.com/m {}\n- b.com/m", versions.join(","));
    let rules = rules(&text);
    assert_eq!(ask_version(&rules, "a.com/m", "v1.0.19999"), Exclude);
    assert_eq!(ask_list(&rules, "b.com/m"), Exclude);
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
fn quirk_columns_count_characters() {
    let error = Rules::parse("- a.com/m v1,é,v2").unwrap_err();
    assert_eq!((error.column(), error.text()), (14, "é"));
}

// --- files ---------------------------------------------------------------------------------------

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
