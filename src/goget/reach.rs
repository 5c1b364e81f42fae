//! For which hosts a job has our credentials.
//!
//! A module's path leads to a host, and that host says where the repository is: anywhere. Were our credentials for all
//! hosts that it names, whoever has a host could have us read our own repositories, past all rules about paths.

use super::config::{Config, same_name};
use super::netrc;
use super::owner::{host_of_secret, without_user};
use super::private::is_private;
use crate::module::path::ModulePath;

impl Config {
    /// The settings for a module: with all of our credentials if it is private, else with those for its own host, and for
    /// the hosts that git is told to ask instead of it.
    pub(super) fn for_module(mut self, module: &ModulePath<'_>) -> Self {
        let path = module.unescaped();
        if is_private(&self.private, &path) {
            return self;
        }
        let own = path.split('/').next().unwrap_or(&path);
        let mut hosts = vec![own.to_owned()];
        for (key, value) in &self.git_config {
            let base = key
                .strip_prefix("url.")
                .and_then(|rest| rest.rsplit_once('.'));
            if let Some((base, name)) = base
                && name.eq_ignore_ascii_case("insteadOf")
                && host_of(value).is_some_and(|host| same_name(host, own))
                && let Some(host) = host_of(base)
            {
                hosts.push(host.to_owned());
            }
        }
        let is_near = |host: &str| hosts.iter().any(|near| same_name(near, host));
        self.credentials.keep(|one| is_near(one.host()));
        self.netrc = netrc::of_hosts(&self.netrc, is_near);
        let lines = std::mem::take(&mut self.git_config);
        for (key, value) in lines {
            match host_of_secret(&key) {
                Some(host) if !is_near(host) => {}
                Some(_) => self.git_config.push((key, value)),
                None => match of_all_hosts(&key) {
                    Some((section, slash, name)) => {
                        self.git_config.extend(hosts.iter().map(|host| {
                            (
                                format!("{section}.https://{host}{slash}.{name}"),
                                value.clone(),
                            )
                        }))
                    }
                    None => {
                        let key = without_user(&key, is_near).unwrap_or(key);
                        self.git_config.push((key, value));
                    }
                },
            }
        }
        self.ssh_hosts = Some(hosts);
        self
    }
}

/// A key of git's configuration that holds a secret for whatever host: its section and its name.
fn of_all_hosts(key: &str) -> Option<(&'static str, &'static str, &'static str)> {
    Some(match &*key.to_ascii_lowercase() {
        "credential.helper" => ("credential", "", "helper"),
        "http.extraheader" => ("http", "/", "extraHeader"),
        "http.cookiefile" => ("http", "/", "cookieFile"),
        "http.sslcert" => ("http", "/", "sslCert"),
        "http.sslkey" => ("http", "/", "sslKey"),
        _ => return None,
    })
}

/// The host of a URL, with its port, or of git's `user@host:path`.
fn host_of(url: &str) -> Option<&str> {
    let (rest, ends) = match url.split_once("://") {
        Some((_, rest)) => (rest, &['/'][..]),
        None => (url, &[':', '/'][..]),
    };
    let host = rest.split(ends).next()?;
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    (!host.is_empty()).then_some(host)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Config, host_of};
    use crate::access::credentials::Credentials;
    use crate::module::path::ModulePath;

    #[test]
    fn a_url_has_a_host() {
        for (url, want) in [
            ("https://github.com/", Some("github.com")),
            ("ssh://git@h:22/x", Some("h:22")),
            ("git@github.com:", Some("github.com")),
            ("file:///srv", None),
        ] {
            assert_eq!(host_of(url), want, "{url}");
        }
    }

    #[test]
    fn a_module_has_the_credentials_of_its_own_host_and_a_private_one_has_all() {
        let mut config = Config::new(Path::new("unused"));
        for host in ["a.example:8443", "b.example", "c.example"] {
            let one = Credentials::new(host, "robot", "secret").unwrap();
            config.credentials.set(one);
        }
        config.netrc =
            "machine a.example login x password y\nmachine c.example login x password y\n".into();
        for (key, value) in [
            ("url.https://u:p@b.example/.insteadOf", "https://a.example/"),
            ("url.https://u:p@c.example/.insteadOf", "https://d.example/"),
            ("credential.helper", "helper"),
            ("http.https://c.example/.extraHeader", "secret"),
            ("http.sslCAInfo", "file"),
        ] {
            config.git_config.push((key.into(), value.into()));
        }
        config.private = "*.corp.example".into();
        let module = |path: &'static str| ModulePath::new(path).unwrap();

        let all = config.clone().for_module(&module("go.corp.example/m"));
        assert_eq!(all.credentials.iter().count(), 3);
        assert!(all.ssh_hosts.is_none());

        let own = config.for_module(&module("a.example/m"));
        let hosts: Vec<_> = own.credentials.iter().map(Credentials::host).collect();
        assert_eq!(hosts, ["a.example:8443", "b.example"]);
        assert_eq!(own.netrc, "\nmachine a.example login x password y\n");
        let keys: Vec<_> = own.git_config.iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(
            keys,
            [
                "url.https://u:p@b.example/.insteadOf",
                "url.https://c.example/.insteadOf",
                "credential.https://a.example.helper",
                "credential.https://b.example.helper",
                "http.sslCAInfo",
            ]
        );
    }
}
