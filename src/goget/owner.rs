//! What is different for an owner: the module cache, and who we are for some hosts.

use std::path::PathBuf;

use super::clean::OWNERS;
use super::config::{Config, same_name};
use super::job::Job;
use super::netrc;
use crate::access::value::Access;

impl Config {
    /// The folder of the module cache.
    pub(super) fn modules_of(&self, access: Option<&Access>) -> PathBuf {
        match access {
            Some(access) if !self.shared => {
                let name = access.owner_name().as_str();
                self.cache.join(OWNERS).join(name)
            }
            _ => self.cache.clone(),
        }
    }

    /// The settings for a job.
    pub(super) fn for_job(&self, job: &Job) -> Self {
        let config = self.clone().for_module(&job.module);
        match &job.access {
            Some(access) => config.for_owner(access),
            None => config,
        }
    }

    /// The settings with the credentials of an owner, and with none of ours for the same hosts.
    pub(super) fn for_owner(&self, access: &Access) -> Self {
        let owners = access.logins().clone();
        let is_ours = |host: &str| !owners.iter().any(|one| same_name(one.host(), host));
        let mut config = self.clone();
        config.credentials.keep(|one| is_ours(one.host()));
        config
            .git_config
            .retain(|(key, _)| host_of_secret(key).is_none_or(is_ours));
        for (key, _) in &mut config.git_config {
            if let Some(bare) = without_user(key, is_ours) {
                *key = bare;
            }
        }
        if owners.iter().next().is_some() {
            config.netrc = netrc::of_hosts(&self.netrc, is_ours);
        }
        config.owners = owners;
        config
    }
}

/// The host in a key of git's configuration that can hold a secret for it (`man git-config`).
pub(super) fn host_of_secret(key: &str) -> Option<&str> {
    let (section, rest) = key.split_once('.')?;
    let (url, name) = rest.rsplit_once('.')?;
    let section = section.to_ascii_lowercase();
    let name = name.to_ascii_lowercase();
    let is_secret = section == "credential"
        || (section == "http" && matches!(&*name, "extraheader" | "cookiefile"));
    if !is_secret {
        return None;
    }
    let (_, rest) = url.split_once("://").unwrap_or(("", url));
    let host = rest.split('/').next().unwrap_or(rest);
    Some(host.rsplit_once('@').map_or(host, |(_, host)| host))
}

/// The key `url.https://user:password@host/.insteadOf` without the user, if the host is not ours.
pub(super) fn without_user(key: &str, is_ours: impl Fn(&str) -> bool) -> Option<String> {
    let (scheme, rest) = key.split_once("://")?;
    if !scheme.to_ascii_lowercase().starts_with("url.http") {
        return None;
    }
    let end = rest.find('/').unwrap_or(rest.len());
    let (_, host) = rest[..end].rsplit_once('@')?;
    let bare = || format!("{scheme}://{host}{}", &rest[end..]);
    (!is_ours(host)).then(bare)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Access, Config, host_of_secret};
    use crate::access::credentials::Credentials;
    use crate::goget::config::same_name;
    use crate::goget::environment::go_netrc;
    use crate::goget::git::{git_config, git_netrc, store};

    #[test]
    fn of_ours_only_what_is_for_other_hosts_is_left() {
        let mut ours = Config::new(Path::new("unused"));
        for host in ["a.example", "b.example"] {
            let one = Credentials::new(host, "robot", format!("ours-{host}"));
            ours.credentials.set(one.unwrap());
            ours.netrc.push_str(&format!(
                "machine {host}/team login robot password netrc-{host}\n"
            ));
            ours.git_config.push((
                format!("http.https://{host}/team/.extraHeader"),
                format!("header-{host}"),
            ));
        }
        ours.netrc
            .push_str("default login robot password netrc-default\n");
        let access = Access::new("ann").credentials("a.example:8443", "ann", "hers");
        let config = ours.for_owner(&access.unwrap());
        let lines = git_config(&config, Path::new("home"));
        let files = [go_netrc(&config), git_netrc(&config), store(&config)];
        let all = format!("{lines:?} {}", files.concat());
        for (secret, want) in [
            ("ours-a.example", false),
            ("netrc-a.example", false),
            ("header-a.example", false),
            ("netrc-default", false),
            ("ours-b.example", true),
            ("netrc-b.example", true),
            ("header-b.example", true),
            ("machine a.example:8443 login ann password hers", true),
        ] {
            assert_eq!(all.contains(secret), want, "{secret} in {all}");
        }
        // One who has none leaves ours as they are.
        let config = ours.for_owner(&Access::new("bob"));
        assert_eq!(go_netrc(&config), go_netrc(&ours));
    }

    #[test]
    fn hosts_are_the_same_whatever_their_ports() {
        for (one, other, want) in [
            ("a.example", "a.example", true),
            ("a.example:8443", "A.example", true),
            ("a.example:8443", "a.example:22", true),
            ("[::1]:8443", "[::1]", true),
            ("[::1]", "[::2]", false),
            ("a.example", "b.a.example", false),
        ] {
            assert_eq!(same_name(one, other), want, "{one} {other}");
        }
    }

    #[test]
    fn the_hosts_of_secrets_in_git_settings_are_found() {
        for (key, want) in [
            ("http.https://h:1/x.y/.extraHeader", Some("h:1")),
            ("HTTP.https://user:p@ss@h.ExtraHeader", Some("h")),
            ("http.https://h/.cookieFile", Some("h")),
            ("credential.https://h.helper", Some("h")),
            ("credential.h.username", Some("h")),
            ("http.https://h/.sslCAInfo", None),
            ("http.extraHeader", None),
            ("credential.helper", None),
            ("url.https://h/.insteadOf", None),
        ] {
            assert_eq!(host_of_secret(key), want, "{key}");
        }
    }
}
