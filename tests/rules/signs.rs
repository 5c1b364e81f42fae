//! Signs, paths, comments and defaults.

use tower_goproxy::policy::Rule;
use tower_goproxy::policy::Rules;

use super::ask::{ask_list, ask_version, rules};

#[test]
fn no_rules_include_everything() {
    for rules in [Rules::default(), rules(""), rules("\n\n# nothing\n   \n")] {
        assert_eq!(
            ask_version(&rules, "example.com/m", "v1.0.0"),
            Rule::include()
        );
        assert_eq!(ask_list(&rules, "example.com/m"), Rule::include());
    }
}

#[test]
fn each_sign_is_its_rule() {
    let rules = rules("+ a.com\n- b.com\nD c.com");
    for (module, rule) in [
        ("a.com/m", Rule::include()),
        ("b.com/m", Rule::exclude()),
        ("c.com/m", Rule::direct()),
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
    assert_eq!(ask_list(&rules, "github.com/azure/other"), Rule::exclude());
    assert_eq!(
        ask_list(&rules, "github.com/azure/azure-sdk-for-go"),
        Rule::include()
    );
    assert_eq!(ask_list(&rules, "golang.org/x/tools"), Rule::direct());
    assert_eq!(ask_list(&rules, "golang.org/x/net"), Rule::include());
}

#[test]
fn the_approved_list_of_the_athens_documentation_means_what_is_said_there() {
    let rules = rules(
        "-\n# use internal github enterprise server directly\nD enterprise.github.com/company\n\n\
         # external dependency approved list\n+ github.com/gomods/athens v0.1,v0.2,v0.4.1\n",
    );
    for (version, rule) in [
        ("v0.1.0", Rule::include()),
        ("v0.2.7", Rule::include()),
        ("v0.4.1", Rule::include()),
        ("v0.4.2", Rule::exclude()),
        ("v0.3.0", Rule::exclude()),
        ("v1.1.0", Rule::exclude()),
    ] {
        assert_eq!(
            ask_version(&rules, "github.com/gomods/athens", version),
            rule,
            "{version}"
        );
    }
    assert_eq!(
        ask_list(&rules, "github.com/gomods/athens"),
        Rule::include()
    );
    assert_eq!(
        ask_list(&rules, "enterprise.github.com/company/x"),
        Rule::direct()
    );
    assert_eq!(ask_list(&rules, "github.com/gomods/other"), Rule::exclude());
}

#[test]
fn a_bare_sign_is_the_default_wherever_it_stands() {
    for text in ["D\n- a.com", "- a.com\nD", "  D  # the default\n- a.com"] {
        assert_eq!(ask_list(&rules(text), "b.com/m"), Rule::direct());
        assert_eq!(ask_list(&rules(text), "a.com/m"), Rule::exclude());
    }
}

#[test]
fn rules_have_no_order_and_the_child_overrides_the_parent() {
    for text in [
        "- a.com\n+ a.com/b\nD a.com/b/c",
        "D a.com/b/c\n+ a.com/b\n- a.com",
    ] {
        let rules = rules(text);
        assert_eq!(ask_list(&rules, "a.com/x"), Rule::exclude());
        assert_eq!(ask_list(&rules, "a.com/b"), Rule::include());
        assert_eq!(ask_list(&rules, "a.com/b/x"), Rule::include());
        assert_eq!(ask_list(&rules, "a.com/b/c/x"), Rule::direct());
    }
}

#[test]
fn a_path_covers_whole_elements() {
    let rules = rules("- github.com/foo");
    assert_eq!(ask_list(&rules, "github.com/foo"), Rule::exclude());
    assert_eq!(ask_list(&rules, "github.com/foo/bar"), Rule::exclude());
    assert_eq!(ask_list(&rules, "github.com/foobar"), Rule::include());
    assert_eq!(ask_list(&rules, "github.com"), Rule::include());
}

#[test]
fn a_path_with_capitals_is_written_as_in_go_mod() {
    let rules = rules("- github.com/BurntSushi/toml");
    assert_eq!(
        ask_list(&rules, "github.com/!burnt!sushi/toml"),
        Rule::exclude()
    );
    assert_eq!(
        ask_list(&rules, "github.com/%21burnt%21sushi/toml"),
        Rule::exclude()
    );
    assert!(
        Rules::parse("- github.com/!burnt!sushi")
            .unwrap_err()
            .to_string()
            .contains("invalid char '!'")
    );
}

#[test]
fn carriage_returns_before_a_line_feed_are_blank() {
    assert_eq!(
        ask_list(&rules("-\r\n+ a.com\r\n"), "a.com/m"),
        Rule::include()
    );
}
