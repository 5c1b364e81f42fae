//! What git is told: its configuration, and which credentials it may send where.

use std::path::Path;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::config::Config;
use super::netrc;
use super::ssh::quoted;

/// The file with credentials, in the home folder.
pub(super) const STORE: &str = "credentials";

/// The text of the file with credentials, as git's own helper reads it (`man git-credential-store`).
///
/// A header in the configuration would be simpler. But that belongs to the whole process, and git sends it on to
/// wherever the host redirects; credentials belong to a host and its port.
pub(super) fn store(config: &Config) -> String {
    let mut text = String::new();
    for one in config.logins() {
        let user = utf8_percent_encode(one.user(), NON_ALPHANUMERIC);
        let password = utf8_percent_encode(one.password(), NON_ALPHANUMERIC);
        text.push_str(&format!("https://{user}:{password}@{}\n", one.host()));
    }
    text
}

/// The text of the netrc file that git reads, which has no ports: without the hosts that have credentials of their own.
pub(super) fn git_netrc(config: &Config) -> String {
    netrc::of_hosts(&config.netrc, |host| !config.has_login_for(host))
}

/// The lines of git's configuration. Variables carry them, so that they are in no list of processes.
pub(super) fn git_config(config: &Config, home: &Path) -> Vec<(String, String)> {
    // A clean-up in the background would outlive the command.
    let mut lines = vec![
        ("gc.autoDetach".to_owned(), "false".to_owned()),
        ("maintenance.autoDetach".to_owned(), "false".to_owned()),
        // A fetch that is killed leaves nothing: a pack is there once it is whole. Single objects would stay, a commit
        // without its files among them, which then would never be fetched again.
        ("fetch.unpackLimit".to_owned(), "1".to_owned()),
    ];
    lines.extend(config.git_config.iter().cloned());
    let file = home.join(STORE);
    let helper = format!("store --file={}", quoted(&file.to_string_lossy()));
    for one in config.logins() {
        let host = one.host();
        let mut set = |name: &str, value: &str| {
            lines.push((format!("credential.https://{host}.{name}"), value.into()));
        };
        // An empty value forgets the helpers that were set before: they would also be told what is in our file.
        set("helper", "");
        set("helper", &helper);
        set("useHttpPath", "false");
    }
    for one in config.owners.iter() {
        let key = format!("http.https://{}/.extraHeader", one.host());
        lines.push((key, String::new()));
    }
    lines
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{git_netrc, store};
    use crate::access::credentials::Credentials;
    use crate::goget::config::Config;

    #[test]
    fn credentials_are_for_a_host_and_its_port() {
        let mut config = Config::new(Path::new("unused"));
        for (host, password) in [("a.example", "p@ss:/%"), ("b.example:8443", "two")] {
            config
                .credentials
                .set(Credentials::new(host, "robot", password).unwrap());
        }
        assert_eq!(
            store(&config),
            "https://robot:p%40ss%3A%2F%25@a.example\nhttps://robot:two@b.example:8443\n"
        );
    }

    #[test]
    fn credentials_win_over_a_netrc_file() {
        let mut config = Config::new(Path::new("unused"));
        config.netrc = "machine a.example login x password y\n\
                        machine b.example login x password z\ndefault login d password e\n"
            .into();
        config
            .credentials
            .set(Credentials::new("a.example:8443", "robot", "one").unwrap());
        assert_eq!(
            git_netrc(&config),
            "\nmachine b.example login x password z\n"
        );
    }
}
