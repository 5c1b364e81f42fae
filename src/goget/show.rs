//! What may be seen of a message.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::config::Config;
use super::netrc;

/// Lines that say what happened, in output of git.
const TELLING: [&str; 4] = ["fatal: ", "remote: ", "ERROR: ", "error: "];

/// What such a line has in output of ssh, of which git then only says that it has failed.
const TELLING_OF_SSH: [&str; 4] = [
    "Permission denied (",
    "Host key verification failed",
    "Warning: Identity file ",
    "private key files are NOT accessible by others",
];

/// A message without the secrets that are in the settings, for operators.
pub(super) fn redacted(config: &Config, text: &str) -> String {
    let mut text = without_users(text);
    for one in config.logins() {
        text = text.replace(one.password(), "xxxxx");
        text = text.replace(&basic(one.user(), one.password()), "xxxxx");
    }
    for (user, password) in netrc::logins(&config.netrc) {
        text = text.replace(&password, "xxxxx");
        text = text.replace(&basic(&user, &password), "xxxxx");
    }
    text
}

/// User and password as a header has them (RFC 7617).
fn basic(user: &str, password: &str) -> String {
    BASE64_STANDARD.encode(format!("{user}:{password}"))
}

/// One line for clients: what the go command says, and what git says, without paths of this machine.
pub(super) fn line(redacted: &str) -> String {
    let mut lines = redacted
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default();
    let mut shown = without_paths(first);
    let telling = lines.find(|line| {
        TELLING.iter().any(|word| line.starts_with(word))
            || TELLING_OF_SSH.iter().any(|text| line.contains(text))
    });
    if let Some(telling) = telling {
        shown.push(' ');
        shown.push_str(&without_paths(telling));
    }
    shown
}

/// Every `//user:password@` loses what stands before the `@`.
fn without_users(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + "://".len());
        shown.push_str(before);
        let end = after
            .find(|c: char| matches!(c, '/' | '\'' | '"' | '?') || c.is_whitespace())
            .unwrap_or(after.len());
        let user = after[..end].rfind('@').map_or(0, |at| at + 1);
        rest = &after[user..];
    }
    shown.push_str(rest);
    shown
}

/// Every absolute path becomes `…`. That of a URL stays, and so does the one in a module path.
fn without_paths(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut before = ' ';
    let mut rest = text;
    while let Some(char) = rest.chars().next() {
        let begins = matches!(before, ' ' | '\t' | '\'' | '"' | '(' | '=' | ':' | '`');
        let is_path = char == '/' && begins && !(before == ':' && rest.starts_with("//"));
        let file = rest.strip_prefix("file://");
        if is_path || file.is_some() {
            let end = rest
                .find(|c: char| matches!(c, '\'' | '"' | ')' | '`') || c.is_whitespace())
                .unwrap_or(rest.len());
            // A colon after the path belongs to the sentence.
            let path = rest[..end].trim_end_matches([':', ',', ';', '.']);
            shown.push('…');
            before = '…';
            rest = &rest[path.len().max(1)..];
        } else {
            shown.push(char);
            before = char;
            rest = &rest[char.len_utf8()..];
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{line, redacted, without_users};
    use crate::access::value::Access;
    use crate::goget::config::Config;

    #[test]
    fn credentials_are_not_shown_as_they_are_and_not_as_a_header_has_them() {
        let access = Access::new("ann")
            .credentials("h", "ann", "hunter2")
            .unwrap();
        let config = Config::new(Path::new("unused")).for_owner(&access);
        let text = "Authorization: Basic YW5uOmh1bnRlcjI=, password hunter2, user ann";
        assert_eq!(
            redacted(&config, text),
            "Authorization: Basic xxxxx, password xxxxx, user ann"
        );
    }

    #[test]
    fn paths_of_the_server_are_not_shown() {
        for (text, want) in [
            (
                "m@v1: git ls-remote -q origin in /srv/mod/cache/vcs/0a1b: exit status 128:\n\tfatal: '/srv/repos/m' does not appear to be a git repository\n\tfatal: no",
                "m@v1: git ls-remote -q origin in …: exit status 128: fatal: '…' does not appear to be a git repository",
            ),
            ("open /a/b: permission denied", "open …: permission denied"),
            (
                "a/b/c@v1: reading https://h/a/b: 404",
                "a/b/c@v1: reading https://h/a/b: 404",
            ),
            (
                "missing …/go.mod and …/v2/go.mod",
                "missing …/go.mod and …/v2/go.mod",
            ),
            ("clone of 'file:///srv/repos/x'", "clone of '…'"),
            ("in /:x", "in …"),
            ("", ""),
        ] {
            assert_eq!(line(text), want);
        }
    }

    #[test]
    fn users_in_urls_are_not_shown() {
        for (text, want) in [
            (
                "see https://user:pw@h/x and ssh://git@h:22/y",
                "see https://h/x and ssh://h:22/y",
            ),
            ("'https://p@ss@h'", "'https://h'"),
            ("https://h/x@v1.0.0", "https://h/x@v1.0.0"),
        ] {
            assert_eq!(without_users(text), want);
        }
    }
}
