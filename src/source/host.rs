//! Hosts, as they are named in URLs.

/// The host of a URL, with its port, or of git's `user@host:path`.
#[cfg(feature = "go-get")]
pub(crate) fn host_of(url: &str) -> Option<&str> {
    let (rest, ends) = match url.split_once("://") {
        Some((_, rest)) => (rest, &['/', '?'][..]),
        None => (url, &[':', '/'][..]),
    };
    let host = rest.split(ends).next()?;
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    (!host.is_empty()).then_some(host)
}

/// Whether two hosts differ in their ports at most.
#[cfg(feature = "go-get")]
pub(crate) fn same_name(one: &str, other: &str) -> bool {
    without_port(one).eq_ignore_ascii_case(without_port(other))
}

#[cfg(feature = "go-get")]
pub(crate) fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        // The colons of an IPv6 address are inside of brackets.
        Some((name, port)) if !port.contains(']') => name,
        _ => host,
    }
}

/// The text without the users and passwords of URLs in it: every `//user:password@` loses what is before the host.
pub(crate) fn without_users(text: &str) -> String {
    let mut bare = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + "://".len());
        bare.push_str(before);
        let end = after
            .find(|c: char| matches!(c, '/' | '\'' | '"' | '?') || c.is_whitespace())
            .unwrap_or(after.len());
        let host = after[..end].rfind('@').map_or(0, |at| at + 1);
        rest = &after[host..];
    }
    bare.push_str(rest);
    bare
}

/// One URL as it may be shown: whatever could be a password is cut out, also where it is malformed.
#[cfg(feature = "upstream")]
pub(crate) fn redacted(url: &str) -> String {
    let (scheme, rest) = match url.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), url),
    };
    let shown = match rest.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}xxxxx@{host}"),
        None => format!("{scheme}{rest}"),
    };
    match shown.split_once('?') {
        Some((shown, _)) => format!("{shown}?xxxxx"),
        None => shown,
    }
}

#[cfg(test)]
#[cfg(feature = "go-get")]
mod tests {
    use super::{host_of, same_name, without_users};

    #[test]
    fn users_in_urls_are_left_out() {
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

    #[test]
    fn a_url_has_a_host_and_hosts_are_the_same_whatever_their_ports() {
        for (url, want) in [
            ("https://github.com/", Some("github.com")),
            ("ssh://git@h:22/x", Some("h:22")),
            ("git@github.com:", Some("github.com")),
            ("file:///srv", None),
        ] {
            assert_eq!(host_of(url), want, "{url}");
        }
        for (one, other, want) in [
            ("a.example", "a.example", true),
            ("a.example:8443", "A.example", true),
            ("[::1]:8443", "[::1]", true),
            ("[::1]", "[::2]", false),
            ("a.example", "b.a.example", false),
        ] {
            assert_eq!(same_name(one, other), want, "{one} {other}");
        }
    }
}
