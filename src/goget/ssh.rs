//! How git connects by ssh.

use std::path::Path;

use super::config::{Config, without_port};

/// The file with its configuration, in the home folder.
pub(super) const CONFIG: &str = "ssh_config";

/// The command. It never asks anybody, does not wait for long, and knows no keys and no hosts but those of the settings:
/// ssh looks for its files in the home of the user who runs the server, whatever `HOME` is.
pub(super) fn command(config: &Config, home: &Path) -> String {
    let file = match config.ssh_hosts {
        Some(_) => quoted(&home.join(CONFIG).to_string_lossy()),
        None => "none".to_owned(),
    };
    let mut command = format!("ssh -o BatchMode=yes -o ConnectTimeout=10 -F {file}");
    let mut option = |text: &str| {
        command.push(' ');
        command.push_str(text);
    };
    // The go command falls back to ssh where https is refused, and the key is not the owner's.
    if config.owners.iter().next().is_some() {
        option("-o PreferredAuthentications=none");
    }
    match &config.ssh_agent {
        Some(socket) => option(&file_option("IdentityAgent", socket)),
        None => option("-o IdentityAgent=none -o IdentitiesOnly=yes"),
    }
    match &config.ssh_key {
        Some(key) => option(&format!("-i {}", quoted(&key.to_string_lossy()))),
        None => option("-o IdentityFile=none"),
    }
    option("-o StrictHostKeyChecking=yes -o GlobalKnownHostsFile=none");
    match &config.ssh_known_hosts {
        Some(hosts) => option(&file_option("UserKnownHostsFile", hosts)),
        None => option("-o UserKnownHostsFile=none"),
    }
    command
}

/// The text of ssh's configuration: no key is shown to other hosts (`man ssh_config`).
pub(super) fn config(config: &Config) -> String {
    let Some(hosts) = &config.ssh_hosts else {
        return String::new();
    };
    let names: Vec<&str> = hosts.iter().map(|host| without_port(host)).collect();
    format!(
        "Match !host {}\n\tPreferredAuthentications none\n",
        names.join(",")
    )
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
    use super::quoted;

    #[test]
    fn a_path_is_one_word_for_the_shell() {
        assert_eq!(quoted("/a b/c'd"), r"'/a b/c'\''d'");
    }
}
