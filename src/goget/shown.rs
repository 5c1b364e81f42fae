//! What a client may see of a message.

use std::net::IpAddr;

use crate::source::host::host_of;

/// How lines begin that say what happened, in output of git.
const TELLING: &str = "fatal: |remote: |ERROR: |error: ";
/// What such a line has in output of ssh, of which git then only says that it has failed.
const TELLING_OF_SSH: &str = "Permission denied (|Host key verification failed|Warning: Identity file |\
    private key files are NOT accessible by others";

/// Words before the name of a host.
const BEFORE_HOSTS: [&str; 6] = ["lookup", "host:", "host", "hostname", "to", "by"];

/// One line for clients: what the go command says, and what git says. `host` is that of the module's path, the only one
/// that is shown.
pub(super) fn shown(redacted: &str, host: &str) -> String {
    let mut lines = redacted
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default();
    let mut shown = without_places(first, host);
    let telling = lines.find(|line| {
        TELLING.split('|').any(|word| line.starts_with(word))
            || TELLING_OF_SSH.split('|').any(|text| line.contains(text))
    });
    if let Some(telling) = telling {
        shown.push(' ');
        shown.push_str(&without_places(telling, host));
    }
    shown
}

/// Every absolute path, every address, every other host, and every URL of one becomes `…`.
fn without_places(text: &str, host: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut before = "";
    for part in text.split_inclusive(is_end) {
        let word = part.trim_end_matches(is_end);
        // A colon after it belongs to the sentence.
        let name = word.trim_end_matches([':', ',', ';', '.']);
        let is_path = name.starts_with('/') && !name.starts_with("//");
        let is_place = is_path
            || name.starts_with("file://")
            || is_address(name)
            || (name.contains("://") && host_of(name).is_some_and(|found| found != host))
            || (BEFORE_HOSTS.contains(&before) && is_other_host(name, host));
        if is_place {
            shown.push('…');
            shown.push_str(&part[name.len()..]);
        } else {
            shown.push_str(part);
        }
        if !word.is_empty() {
            before = word;
        }
    }
    shown
}

fn is_end(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\'' | '"' | '`' | '(' | ')' | '=' | ',')
}

/// An IP address, also with a port, a user, or an arrow to another one.
fn is_address(name: &str) -> bool {
    let name = name.rsplit_once('@').map_or(name, |(_, host)| host);
    name.split("->").any(|one| {
        let one = one.trim_matches(['[', ']']);
        let bare = one
            .rsplit_once(':')
            .map_or(one, |(host, _)| host.trim_matches(['[', ']']));
        one.parse::<IpAddr>().is_ok() || bare.parse::<IpAddr>().is_ok()
    })
}

/// A name of the network, after a word that says so.
fn is_other_host(name: &str, host: &str) -> bool {
    let name = name.rsplit_once('@').map_or(name, |(_, host)| host);
    let bare = name.split(':').next().unwrap_or(name);
    bare != host && bare.contains('.') && !bare.contains('/')
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn places_of_the_server_are_not_shown() {
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
            ("reading https://mirror.corp/a/b: 404", "reading …: 404"),
            (
                "missing …/go.mod and …/v2/go.mod",
                "missing …/go.mod and …/v2/go.mod",
            ),
            ("clone of 'file:///srv/repos/x'", "clone of '…'"),
            (
                "dial tcp: lookup git.corp on 10.0.0.2:53: no such host",
                "dial tcp: lookup … on …: no such host",
            ),
            (
                "read tcp 10.0.0.7:4711->192.168.1.2:443: connection reset",
                "read tcp …: connection reset",
            ),
            ("dial tcp [fd00::1]:443: refused", "dial tcp …: refused"),
            ("robot@127.0.0.1: Permission denied", "…: Permission denied"),
            (
                "Failed to connect to git.corp port 443 via 10.1.1.1",
                "Failed to connect to … port 443 via …",
            ),
            ("Could not resolve host: h", "Could not resolve host: h"),
            ("unknown revision v1.2.3", "unknown revision v1.2.3"),
            ("", ""),
        ] {
            assert_eq!(shown(text, "h"), want);
        }
    }
}
