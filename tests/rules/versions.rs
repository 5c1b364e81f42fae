//! What each version qualifier matches: every row that Athens' own reader gets wrong, and the others.

use tower_goproxy::policy::Rule;
use tower_goproxy::policy::Rules;

use super::ask::{ask_version, rules};

/// Asserts which versions a qualifier matches, both to refuse and to allow.
#[track_caller]
fn qualifier(text: &str, matching: &[&str], others: &[&str]) {
    let refuse = rules(&format!("- example.com/m {text}"));
    let allow = rules(&format!("-\n+ example.com/m {text}"));
    for (versions, refused, allowed) in [
        (matching, Rule::exclude(), Rule::include()),
        (others, Rule::include(), Rule::exclude()),
    ] {
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
        Rules::parse("- a.com/m v1.2*").unwrap_err().to_string(),
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
    assert_eq!(
        ask_version(&rules, "example.com/m/v2", "v2.0.0"),
        Rule::include()
    );
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
