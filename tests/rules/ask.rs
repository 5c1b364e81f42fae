//! Asking rules, in the words of the tests.

use tower_goproxy::Target;
use tower_goproxy::policy::{Rule, Rules};

pub(crate) fn rules(text: &str) -> Rules {
    Rules::parse(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

pub(crate) fn ask(rules: &Rules, path: &str) -> Rule {
    match Target::parse(path) {
        Ok(Some(target)) => rules.rule_for(&target),
        other => panic!("{path}: {other:?}"),
    }
}

pub(crate) fn ask_version(rules: &Rules, module: &str, version: &str) -> Rule {
    let [info, go_mod, zip] = ["info", "mod", "zip"].map(|extension| {
        let target = format!("/{module}/@v/{version}.{extension}");
        ask(rules, &target)
    });
    assert_eq!(info, zip, "one policy for all files with a version's code");
    assert_eq!(
        go_mod,
        ask_list(rules, module),
        "go needs the .mod of versions that it may not use"
    );
    info
}

pub(crate) fn ask_list(rules: &Rules, module: &str) -> Rule {
    let found = ["@v/list", "@latest", "@v/main.info"].map(|what| {
        let target = format!("/{module}/{what}");
        ask(rules, &target)
    });
    assert!(
        found.iter().all(|rule| *rule == found[0]),
        "one policy for all endpoints"
    );
    found[0].clone()
}
