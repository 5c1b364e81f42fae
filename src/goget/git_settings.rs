//! Settings of git: which ones may hold a secret, and for which host. And the hosts in URLs.

use super::error::InvalidSettings;

/// What a setting of git is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Setting<'a> {
    /// No secret, for all runs.
    Harmless,
    /// It holds a secret for this host, or leads to one.
    For(&'a str),
    /// Not known to be harmless, and for no host.
    Refused,
}

/// # Errors
///
/// If a setting is not allowed.
pub(super) fn check(settings: &[(String, String)]) -> Result<(), InvalidSettings> {
    for (key, value) in settings {
        let is_line = |text: &str| !text.contains(['\n', '\r', '\0']);
        if judge(key, value) == Setting::Refused || !is_line(key) || !is_line(value) {
            let name = without_user(key).unwrap_or_else(|| key.clone());
            return Err(InvalidSettings::new(format!(
                "git setting {name} may hold a secret, or is not known: set it for one host, as http.https://HOST/.extraHeader \
                 and credential.https://HOST.helper are, or leave it out"
            )));
        }
    }
    Ok(())
}

/// Sections in which no setting holds or leads to a secret.
const SECTIONS: &str = "advice fetch gc init maintenance pack protocol safe transfer";
const CORE: &str = "bigfilethreshold compression deltabasecachelimit longpaths packedgitlimit \
    packedgitwindowsize protecthfs protectntfs";
const HTTP: &str = "followredirects lowspeedlimit lowspeedtime maxrequests minsessions nokeepalive \
    pinnedpubkey postbuffer sslbackend sslcainfo sslcapath sslcipherlist sslverify \
    sslversion useragent version";
/// Allowed for a host.
const HTTP_SECRETS: &str = "cookiefile extraheader proxy sslcert sslcertpasswordprotected sslkey";
const CREDENTIAL_SECRETS: &str = "helper username";

pub(super) fn judge<'a>(key: &'a str, value: &str) -> Setting<'a> {
    let Some((section, rest)) = key.split_once('.') else {
        return Setting::Refused;
    };
    let (url, name) = match rest.rsplit_once('.') {
        Some((url, name)) => (Some(url), name),
        None => (None, rest),
    };
    let (section, name) = (section.to_ascii_lowercase(), name.to_ascii_lowercase());
    let of_host = || match url.and_then(host_of) {
        Some(host) => Setting::For(host),
        None => Setting::Refused,
    };
    let name = name.as_str();
    match section.as_str() {
        "url" if name == "insteadof" => match url {
            // Of ssh only the user is in a URL, and that is `git`.
            Some(url) if without_users(url) == url || url.starts_with("ssh://") => {
                Setting::Harmless
            }
            _ => of_host(),
        },
        "http" if name == "proxy" && without_users(value) == value => Setting::Harmless,
        "http" if is_in(HTTP, name) => Setting::Harmless,
        "http" if is_in(HTTP_SECRETS, name) => of_host(),
        "credential" if name == "usehttppath" => Setting::Harmless,
        "credential" if is_in(CREDENTIAL_SECRETS, name) => of_host(),
        "core" if url.is_none() && is_in(CORE, name) => Setting::Harmless,
        section if is_in(SECTIONS, section) => Setting::Harmless,
        _ => Setting::Refused,
    }
}

fn is_in(names: &str, name: &str) -> bool {
    names.split(' ').any(|one| one == name)
}

/// The base of `url.<base>.insteadOf`.
pub(super) fn rewritten_base(key: &str) -> Option<&str> {
    let (section, rest) = key.split_once('.')?;
    let (base, name) = rest.rsplit_once('.')?;
    (section.eq_ignore_ascii_case("url") && name.eq_ignore_ascii_case("insteadOf")).then_some(base)
}

/// The key `url.https://user:password@host/.insteadOf` without the user.
pub(super) fn without_user(key: &str) -> Option<String> {
    rewritten_base(key)?;
    Some(without_users(key))
}

/// Every `//user:password@` loses what is before the `@`.
pub(super) fn without_users(text: &str) -> String {
    let mut bare = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + "://".len());
        bare.push_str(before);
        let end = after
            .find(|c: char| matches!(c, '/' | '\'' | '"' | '?') || c.is_whitespace())
            .unwrap_or(after.len());
        let user = after[..end].rfind('@').map_or(0, |at| at + 1);
        rest = &after[user..];
    }
    bare.push_str(rest);
    bare
}

/// The host of a URL, with its port, or of git's `user@host:path`.
pub(super) fn host_of(url: &str) -> Option<&str> {
    let (rest, ends) = match url.split_once("://") {
        Some((_, rest)) => (rest, &['/', '?'][..]),
        None => (url, &[':', '/'][..]),
    };
    let host = rest.split(ends).next()?;
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    (!host.is_empty()).then_some(host)
}

/// Whether two hosts differ in their ports at most: a netrc file has none.
pub(super) fn same_name(one: &str, other: &str) -> bool {
    without_port(one).eq_ignore_ascii_case(without_port(other))
}

pub(super) fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        // The colons of an IPv6 address are inside of brackets.
        Some((name, port)) if !port.contains(']') => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::{Setting, check, host_of, judge, same_name, without_users};

    #[test]
    fn settings_of_git_are_harmless_or_for_a_host_or_refused() {
        for (key, want) in [
            ("http.sslCAInfo", Setting::Harmless),
            ("http.https://h/.sslCAInfo", Setting::Harmless),
            ("protocol.file.allow", Setting::Harmless),
            ("url.ssh://git@h/.insteadOf", Setting::Harmless),
            ("url.https://h/.insteadOf", Setting::Harmless),
            ("url.https://u:p@h/.insteadOf", Setting::For("h")),
            ("http.https://h:1/x.y/.extraHeader", Setting::For("h:1")),
            ("HTTP.https://user:p@ss@h.ExtraHeader", Setting::For("h")),
            ("http.https://h/.cookieFile", Setting::For("h")),
            ("http.https://h/.sslCert", Setting::For("h")),
            ("credential.https://h.helper", Setting::For("h")),
            ("credential.h.username", Setting::For("h")),
            ("http.extraHeader", Setting::Refused),
            ("http.cookieFile", Setting::Refused),
            ("http.sslKey", Setting::Refused),
            ("http.sslCert", Setting::Refused),
            ("http.https:///.extraHeader", Setting::Refused),
            ("credential.helper", Setting::Refused),
            ("core.askPass", Setting::Refused),
            ("core.sshCommand", Setting::Refused),
            ("http.saveCookies", Setting::Refused),
            ("include.path", Setting::Refused),
            ("something.new", Setting::Refused),
            ("helper", Setting::Refused),
        ] {
            assert_eq!(judge(key, "value"), want, "{key}");
        }
        assert_eq!(judge("http.proxy", "http://p:1"), Setting::Harmless);
        assert_eq!(judge("http.proxy", "http://u:p@p:1"), Setting::Refused);
        let error = check(&[("http.cookieFile".into(), "/secret".into())]).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("http.cookieFile") && !text.contains("/secret"));
    }

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
