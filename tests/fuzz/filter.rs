//! A filter file: it has one meaning for each request, or an error that names a line of it.

use tower_goproxy::Target;
use tower_goproxy::policy::Rules;

const PATHS: [&str; 5] = [
    "/example.com/m/@v/v1.2.3.zip",
    "/example.com/!m/v2/@v/v2.0.0-rc.1.mod",
    "/git.corp.example/team/lib/@v/list",
    "/git.corp.example/team/lib/@latest",
    "/github.com/acme/tools/@v/main.info",
];

pub fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let rules = match Rules::parse(&text) {
        Ok(rules) => rules,
        Err(error) => {
            let line = text.lines().nth(error.line() - 1);
            let line = line.expect("the error is about a line of the file");
            assert!(line.contains(error.text()), "{error}");
            assert!(error.column() <= line.chars().count().max(1) + 1, "{error}");
            return;
        }
    };
    for path in PATHS {
        let target = Target::parse(path).unwrap().unwrap();
        let rule = rules.rule_for(&target);
        let is = [rule.is_include(), rule.is_exclude(), rule.is_direct()];
        assert_eq!(is.iter().filter(|is| **is).count(), 1, "{path}: {rule:?}");
    }
    let _ = rules.match_case();
}
