//! Settings of git: which ones may hold a secret, and for which host.

use super::error::InvalidSettings;
use crate::source::host::{host_of, without_users};

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

#[cfg(test)]
mod tests {
    use super::{Setting, check, judge};

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
}
