//! Which capitals matter.

use tower_goproxy::policy::{Rule, Rules};

use super::ask::{ask_list, ask_version, rules};

const SPELLINGS: [&str; 4] = [
    "github.com/corp/lib",
    "github.com/!corp/lib",
    "github.com/!c!o!r!p/!lib",
    "github.com/%21corp/lib",
];

#[test]
fn excluded_and_direct_paths_have_any_case_on_hosts_that_ignore_it() {
    for (sign, rule) in [("-", Rule::exclude()), ("D", Rule::direct())] {
        for written in ["corp", "Corp", "CORP"] {
            for host in ["github.com", "gitlab.com", "bitbucket.org"] {
                let rules = rules(&format!("{sign} {host}/{written}"));
                for spelling in SPELLINGS {
                    let module = spelling.replace("github.com", host);
                    assert_eq!(ask_list(&rules, &module), rule, "{written} {module}");
                    assert_eq!(ask_version(&rules, &module, "v1.0.0"), rule);
                }
                let other = format!("{host}/corporate/lib");
                assert_eq!(ask_list(&rules, &other), Rule::include());
            }
        }
    }
}

#[test]
fn an_included_path_is_the_one_that_is_written() {
    let rules = rules("-\n+ github.com/Corp\n+ github.com/other/Lib v1");
    assert_eq!(ask_list(&rules, "github.com/!corp/lib"), Rule::include());
    for spelling in ["github.com/corp/lib", "github.com/!c!o!r!p/lib"] {
        assert_eq!(ask_list(&rules, spelling), Rule::exclude(), "{spelling}");
    }
    let version = |module| ask_version(&rules, module, "v1.0.0");
    assert_eq!(version("github.com/other/!lib"), Rule::include());
    assert_eq!(version("github.com/other/lib"), Rule::exclude());
}

#[test]
fn on_other_hosts_case_matters() {
    let rules = rules("- example.com/Corp\nD example.com/direct");
    assert_eq!(ask_list(&rules, "example.com/!corp/m"), Rule::exclude());
    assert_eq!(ask_list(&rules, "example.com/corp/m"), Rule::include());
    assert_eq!(ask_list(&rules, "example.com/direct/m"), Rule::direct());
    assert_eq!(ask_list(&rules, "example.com/!direct/m"), Rule::include());
    assert_eq!(
        ask_list(&rules, "github.com.example.com/!corp"),
        Rule::include()
    );
}

#[test]
fn rules_can_name_further_hosts_that_ignore_case() {
    let rules = rules(
        "D git.example.com/team\nignore-case git.example.com # a forge\n- a.example.com/team",
    );
    assert_eq!(ask_list(&rules, "git.example.com/!team/m"), Rule::direct());
    assert_eq!(ask_list(&rules, "a.example.com/!team/m"), Rule::include());
    for (text, error) in [
        (
            "ignore-case",
            "line 1, column 1: ignore-case needs a host, without a path: \"ignore-case\"",
        ),
        (
            "ignore-case a.com/b",
            "line 1, column 13: ignore-case needs a host, without a path: \"a.com/b\"",
        ),
        (
            "ignore-case a.com v1",
            "line 1, column 19: unexpected text, want SIGN PATH VERSIONS with no blank in VERSIONS: \"v1\"",
        ),
    ] {
        assert_eq!(Rules::parse(text).unwrap_err().to_string(), error);
    }
    assert!(Rules::parse("ignore-case v1.2.3").is_err());
}

#[test]
fn the_option_makes_every_path_exact() {
    let text = "- github.com/Corp\nD git.example.com/team\nignore-case git.example.com";
    let rules = rules(text).match_case();
    assert_eq!(ask_list(&rules, "github.com/!corp/lib"), Rule::exclude());
    assert_eq!(ask_list(&rules, "github.com/corp/lib"), Rule::include());
    assert_eq!(ask_list(&rules, "git.example.com/!team/m"), Rule::include());
}

#[test]
fn of_two_spellings_of_one_path_the_rule_that_trusts_least_wins() {
    for (one, other, rule) in [
        ("- github.com/Corp", "+ github.com/corp", Rule::exclude()),
        ("D github.com/Corp", "+ github.com/corp", Rule::direct()),
        ("- github.com/Corp", "D github.com/corp", Rule::exclude()),
    ] {
        for text in [format!("{one}\n{other}"), format!("{other}\n{one}")] {
            for spelling in SPELLINGS {
                assert_eq!(ask_list(&rules(&text), spelling), rule, "{text} {spelling}");
            }
        }
    }
}

#[test]
fn versions_of_a_spelling_are_versions_of_all() {
    let rules = rules("+ github.com/Corp/lib\n- github.com/corp/lib <v1.2.0");
    let version = |version| ask_version(&rules, "github.com/!corp/lib", version);
    assert_eq!(version("v1.1.0"), Rule::exclude());
    assert_eq!(version("v1.2.0"), Rule::include());
}
