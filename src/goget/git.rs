//! The files from which git, ssh and the go command of one run read their settings and credentials.

use std::path::Path;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::git_settings::{same_name, without_port};
use super::netrc;
use super::secrets::{Grant, Secrets};

/// Names in the folder of a run.
pub(super) const NETRC: &str = "netrc";
pub(super) const CONFIG: &str = "gitconfig";
const STORE: &str = "credentials";
const SSH_CONFIG: &str = "ssh_config";

/// All files, by name.
pub(super) fn files(grant: &Grant, folder: &Path) -> [(&'static str, String); 5] {
    [
        (NETRC, go_netrc(grant)),
        (".netrc", git_netrc(grant)),
        (STORE, store(grant)),
        (CONFIG, config(grant, folder)),
        (SSH_CONFIG, ssh_config(grant)),
    ]
}

/// The netrc file of the go command, where a host can have a port. The first entry of a host counts.
fn go_netrc(grant: &Grant) -> String {
    let logins = grant.logins.iter().map(|one| {
        format!(
            "machine {} login {} password {}\n",
            one.host(),
            one.user(),
            one.password()
        )
    });
    logins.chain([grant.netrc.clone()]).collect()
}

/// The netrc file of git, which has no ports: without the hosts that have credentials of their own.
fn git_netrc(grant: &Grant) -> String {
    netrc::of_hosts(&grant.netrc, |host| {
        !grant.logins.iter().any(|one| same_name(one.host(), host))
    })
}

/// The file with credentials, as git's own helper reads it (`man git-credential-store`).
///
/// A header in the configuration would be simpler. But that belongs to the whole process, and git sends it on to
/// wherever the host redirects; credentials belong to a host and its port.
fn store(grant: &Grant) -> String {
    let lines = grant.logins.iter().map(|one| {
        let user = utf8_percent_encode(one.user(), NON_ALPHANUMERIC);
        let password = utf8_percent_encode(one.password(), NON_ALPHANUMERIC);
        format!("https://{user}:{password}@{}\n", one.host())
    });
    lines.collect()
}

/// git's configuration.
fn config(grant: &Grant, folder: &Path) -> String {
    // A clean-up in the background would outlive the command.
    let mut lines = vec![
        ("gc.autoDetach".to_owned(), "false".to_owned()),
        ("maintenance.autoDetach".to_owned(), "false".to_owned()),
        // A fetch that is killed leaves nothing: a pack is there once it is whole. Single objects would stay, a commit
        // without its files among them, which then would never be fetched again.
        ("fetch.unpackLimit".to_owned(), "1".to_owned()),
    ];
    lines.extend(grant.git_config.iter().cloned());
    let file = folder.join(STORE);
    let helper = format!("store --file={}", quoted(&file.to_string_lossy()));
    for one in &grant.logins {
        let host = one.host();
        let mut set = |name: &str, value: &str| {
            lines.push((format!("credential.https://{host}.{name}"), value.into()));
        };
        // An empty value forgets the helpers that were set before: they would also be told what is in our file.
        set("helper", "");
        set("helper", &helper);
        set("useHttpPath", "false");
    }
    for host in &grant.owners {
        let key = format!("http.https://{host}/.extraHeader");
        lines.push((key, String::new()));
    }
    lines.iter().map(|(key, value)| line(key, value)).collect()
}

/// One setting (`man git-config`, "Syntax").
fn line(key: &str, value: &str) -> String {
    let escaped = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
    let (section, rest) = key.split_once('.').unwrap_or((key, ""));
    let (section, name) = match rest.rsplit_once('.') {
        Some((sub, name)) => (format!("{section} \"{}\"", escaped(sub)), name),
        None => (section.to_owned(), rest),
    };
    let value = escaped(value).replace('\t', "\\t");
    format!("[{section}]\n\t{name} = \"{value}\"\n")
}

/// The command for ssh. It never prompts, does not wait for long, and knows no keys and no hosts but those of the
/// settings: ssh looks for its files in the home of the user who runs the server, whatever `HOME` is.
pub(super) fn ssh_command(secrets: &Secrets, grant: &Grant, folder: &Path) -> String {
    let file = match grant.ssh_hosts {
        Some(_) => quoted(&folder.join(SSH_CONFIG).to_string_lossy()),
        None => "none".to_owned(),
    };
    let mut command = format!("ssh -o BatchMode=yes -o ConnectTimeout=10 -F {file}");
    let mut option = |text: &str| {
        command.push(' ');
        command.push_str(text);
    };
    // The go command falls back to ssh where https is refused, and the key is not the owner's.
    if !grant.owners.is_empty() {
        option("-o PreferredAuthentications=none");
    }
    match &secrets.ssh_agent {
        Some(socket) => option(&file_option("IdentityAgent", socket)),
        None => option("-o IdentityAgent=none -o IdentitiesOnly=yes"),
    }
    match &secrets.ssh_key {
        Some(key) => option(&format!("-i {}", quoted(&key.to_string_lossy()))),
        None => option("-o IdentityFile=none"),
    }
    option("-o StrictHostKeyChecking=yes -o GlobalKnownHostsFile=none");
    match &secrets.ssh_known_hosts {
        Some(hosts) => option(&file_option("UserKnownHostsFile", hosts)),
        None => option("-o UserKnownHostsFile=none"),
    }
    command
}

/// ssh's configuration: no key is shown to other hosts (`man ssh_config`).
fn ssh_config(grant: &Grant) -> String {
    let Some(hosts) = &grant.ssh_hosts else {
        return String::new();
    };
    let names: Vec<&str> = hosts.iter().map(|host| without_port(host)).collect();
    let others = match names.is_empty() {
        true => "all".to_owned(),
        false => format!("!host {}", names.join(",")),
    };
    format!("Match {others}\n\tPreferredAuthentications none\n")
}

/// Quoted twice: for the shell that git runs, and for ssh, which splits the value at blanks.
fn file_option(name: &str, file: &Path) -> String {
    let value = format!("{name}=\"{}\"", file.to_string_lossy());
    format!("-o {}", quoted(&value))
}

/// One word for the shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::{Grant, git_netrc, line, quoted, store};
    use crate::access::credentials::Credentials;

    fn grant(logins: &[(&str, &str)]) -> Grant {
        let mut grant = Grant::none();
        for (host, password) in logins {
            grant
                .logins
                .push(Credentials::new(*host, "robot", *password).unwrap());
        }
        grant
    }

    #[test]
    fn credentials_are_for_a_host_and_its_port() {
        let grant = grant(&[("a.example", "p@ss:/%"), ("b.example:8443", "two")]);
        assert_eq!(
            store(&grant),
            "https://robot:p%40ss%3A%2F%25@a.example\nhttps://robot:two@b.example:8443\n"
        );
    }

    #[test]
    fn credentials_win_over_a_netrc_file() {
        let mut grant = grant(&[("a.example:8443", "one")]);
        grant.netrc = "machine a.example login x password y\n\
                       machine b.example login x password z\ndefault login d password e\n"
            .into();
        assert_eq!(
            git_netrc(&grant),
            "\nmachine b.example login x password z\n"
        );
    }

    #[test]
    fn a_setting_is_written_as_git_reads_it() {
        assert_eq!(
            line("url.https://h/a\"b\\.insteadOf", "x; # \"y\"\\\tz"),
            "[url \"https://h/a\\\"b\\\\\"]\n\tinsteadOf = \"x; # \\\"y\\\"\\\\\\tz\"\n"
        );
        assert_eq!(line("gc.auto", ""), "[gc]\n\tauto = \"\"\n");
    }

    #[test]
    fn a_path_is_one_word_for_the_shell() {
        assert_eq!(quoted("/a b/c'd"), r"'/a b/c'\''d'");
    }
}
