//! How git connects by ssh.

use std::path::Path;

use super::config::Config;

/// The command. It never asks anybody, does not wait for long, and knows no keys and no hosts but those of the settings:
/// ssh looks for its files in the home of the user who runs the server, whatever `HOME` is.
pub(super) fn command(config: &Config) -> String {
    let mut command = "ssh -o BatchMode=yes -o ConnectTimeout=10 -F none".to_owned();
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
