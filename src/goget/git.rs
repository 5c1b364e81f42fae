//! The files from which git, ssh and the go command of one run read their settings and credentials.

use std::path::Path;

use percent_encoding::{NON_ALPHANUMERIC, percent_encode};

use super::secrets::{Grant, Secrets};
use crate::source::host::{same_name, without_port};
use crate::source::netrc::Entry;

/// Names in the folder of a run.
const STORE: &str = "credentials";
const SSH_CONFIG: &str = "ssh_config";

/// A clean-up in the background would outlive the command. A fetch that is killed leaves nothing: a pack is there once it
/// is whole. Single objects would stay, a commit without its files among them, which then would never be fetched again.
const FIXED: &str =
    "[gc]\n\tautoDetach = false\n[maintenance]\n\tautoDetach = false\n[fetch]\n\tunpackLimit = 1\n";

/// All files, by name.
pub(super) fn files(grant: &Grant, folder: &Path) -> [(&'static str, Vec<u8>); 5] {
    [
        ("netrc", go_netrc(grant)),
        (".netrc", git_netrc(grant)),
        (STORE, store(grant).into()),
        ("gitconfig", config(grant, folder).into()),
        (SSH_CONFIG, ssh_config(grant).into()),
    ]
}

/// The netrc file of the go command, where a host can have a port. The first entry of a host counts.
fn go_netrc(grant: &Grant) -> Vec<u8> {
    let entries = grant.logins.iter().chain(&grant.netrc);
    entries.flat_map(Entry::line).collect()
}

/// The netrc file of git, which has no ports: without the hosts that have credentials of their own.
fn git_netrc(grant: &Grant) -> Vec<u8> {
    let is_taken = |host: &str| grant.logins.iter().any(|one| same_name(&one.host(), host));
    let free = grant.netrc.iter().filter(|one| !is_taken(&one.host()));
    free.flat_map(Entry::line).collect()
}

/// The file with credentials, as git's own helper reads it (`man git-credential-store`).
///
/// A header in the configuration would be simpler. But that belongs to the whole process, and git sends it on to
/// wherever the host redirects; credentials belong to a host and its port.
fn store(grant: &Grant) -> String {
    let lines = grant.logins.iter().map(|one| {
        let user = percent_encode(&one.login, NON_ALPHANUMERIC);
        let password = percent_encode(&one.password, NON_ALPHANUMERIC);
        format!("https://{user}:{password}@{}\n", one.host())
    });
    lines.collect()
}

/// git's configuration.
fn config(grant: &Grant, folder: &Path) -> String {
    let mut text = FIXED.to_owned();
    let mut set = |key: &str, value: &str| text.push_str(&line(key, value));
    for (key, value) in &grant.git_config {
        set(key, value);
    }
    let file = folder.join(STORE);
    let helper = format!("store --file={}", quoted(&file.to_string_lossy()));
    for one in &grant.logins {
        let key = |name| format!("credential.https://{}.{name}", one.host());
        // An empty value forgets the helpers that were set before: they would also be told what is in our file.
        set(&key("helper"), "");
        set(&key("helper"), &helper);
        set(&key("useHttpPath"), "false");
    }
    for host in &grant.owners {
        set(&format!("http.https://{host}/.extraHeader"), "");
    }
    text
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
    let file = match grant.is_private {
        true => "none".to_owned(),
        false => quoted(&folder.join(SSH_CONFIG).to_string_lossy()),
    };
    // The go command falls back to ssh where https is refused, and the key is not the owner's.
    let refusal = match grant.owners.is_empty() {
        true => "",
        false => " -o PreferredAuthentications=none",
    };
    let agent = match &secrets.ssh_agent {
        Some(socket) => file_option("IdentityAgent", socket),
        None => "-o IdentityAgent=none -o IdentitiesOnly=yes".to_owned(),
    };
    let key = match &secrets.ssh_key {
        Some(key) => format!("-i {}", quoted(&key.to_string_lossy())),
        None => "-o IdentityFile=none".to_owned(),
    };
    let hosts = match &secrets.ssh_known_hosts {
        Some(hosts) => file_option("UserKnownHostsFile", hosts),
        None => "-o UserKnownHostsFile=none".to_owned(),
    };
    format!(
        "ssh -o BatchMode=yes -o ConnectTimeout=10 -F {file}{refusal} {agent} {key} -o StrictHostKeyChecking=yes \
         -o GlobalKnownHostsFile=none {hosts}"
    )
}

/// ssh's configuration: no key is shown to hosts that are not near (`man ssh_config`).
fn ssh_config(grant: &Grant) -> String {
    let names: Vec<&str> = grant.near.iter().map(|host| without_port(host)).collect();
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
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::{Grant, git_netrc, go_netrc, line, quoted, store};
    use crate::source::netrc::Netrc;

    fn grant(logins: &[(&str, &str)]) -> Grant {
        let mut grant = Grant::default();
        for (host, password) in logins {
            let text = format!("machine {host} login robot password {password}");
            grant.logins.extend(Netrc::parse_quoted(text.as_bytes()).0);
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
        let text = b"machine a.example login x password y\n\
                     machine b.example account x login x password \"z z\"\n";
        grant.netrc = Netrc::parse_quoted(text).0;
        let git = String::from_utf8(git_netrc(&grant)).unwrap();
        assert_eq!(git, "machine b.example login x password \"z z\"\n");
        let go = String::from_utf8(go_netrc(&grant)).unwrap();
        assert!(go.starts_with(
            "machine a.example:8443 login robot password one\nmachine a.example login x"
        ));
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
