//! A git host over ssh: OpenSSH's server, which lets one key run git's `git-shell` and nothing else.

use std::fs;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;
use tokio::net::TcpStream;

use super::server::Server;

/// A running host. It stops when this value is dropped.
#[derive(Debug)]
pub struct SshHost {
    server: Server,
    folder: TempDir,
    root: PathBuf,
}

impl SshHost {
    /// Serves the repositories below a folder.
    pub async fn start(root: &Path) -> Self {
        let folder = TempDir::new().expect("a temporary folder can be made");
        let at = |name: &str| folder.path().join(name);
        for name in ["host", "user", "other"] {
            let made = Command::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-C", name, "-f"])
                .arg(at(name))
                .status();
            assert!(made.expect("there is ssh-keygen").success());
        }
        // What git-shell is for: a login that can serve repositories and do nothing else.
        let shell = format!(
            "#!/bin/sh\ncat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' ' >> '{}'\n\
             exec '{}/git-shell' -c \"$SSH_ORIGINAL_COMMAND\"\n",
            at("processes").display(),
            said("git", &["--exec-path"]),
        );
        fs::write(at("serve"), shell).unwrap();
        fs::set_permissions(at("serve"), fs::Permissions::from_mode(0o755)).unwrap();
        let user = fs::read_to_string(at("user.pub")).unwrap();
        let line = format!("restrict,command=\"{}\" {user}", at("serve").display());
        fs::write(at("authorized_keys"), line).unwrap();
        let config = format!(
            "HostKey {}\nAuthorizedKeysFile {}\nStrictModes no\nUsePAM no\nPidFile none\n\
             PermitRootLogin forced-commands-only\nPasswordAuthentication no\n\
             KbdInteractiveAuthentication no\n",
            at("host").display(),
            at("authorized_keys").display(),
        );
        fs::write(at("config"), config).unwrap();

        let config = at("config");
        let server = Server::handle("ssh", move |connection| serve(connection, config.clone()));
        Self {
            server: server.await,
            root: root.to_owned(),
            folder,
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// The lines of git's configuration by which this host is in the place of another one over https.
    pub fn instead_of(&self, host: &str) -> (String, String) {
        let (user, root) = (said("id", &["-un"]), self.root.display());
        (
            format!("url.ssh://{user}@{}{root}/.insteadOf", self.address()),
            format!("https://{host}/"),
        )
    }

    /// The key that opens it.
    pub fn key(&self) -> PathBuf {
        self.folder.path().join("user")
    }

    /// One that does not.
    pub fn other_key(&self) -> PathBuf {
        self.folder.path().join("other")
    }

    /// A file by which the host is known.
    pub fn known_hosts(&self) -> PathBuf {
        self.hosts("host")
    }

    /// A file by which the host has another key.
    pub fn wrong_hosts(&self) -> PathBuf {
        self.hosts("other")
    }

    /// A file by which no host is known.
    pub fn no_hosts(&self) -> PathBuf {
        let file = self.folder.path().join("no_hosts");
        fs::write(&file, "").unwrap();
        file
    }

    fn hosts(&self, key: &str) -> PathBuf {
        let public = fs::read_to_string(self.folder.path().join(format!("{key}.pub"))).unwrap();
        let file = self.folder.path().join(format!("known_by_{key}"));
        let port = self.address().port();
        fs::write(&file, format!("[127.0.0.1]:{port} {public}")).unwrap();
        file
    }

    /// All process lists at the times when a repository was served.
    pub fn processes(&self) -> String {
        let read = fs::read(self.folder.path().join("processes"));
        String::from_utf8_lossy(&read.unwrap_or_default()).into_owned()
    }

    /// Stops listening, and cuts what is open. The keys stay.
    pub async fn shutdown(&self) {
        self.server.shutdown().await;
    }

    /// Lines of the private keys.
    pub fn secrets(&self) -> Vec<String> {
        let keys = [self.key(), self.other_key()];
        let texts = keys.map(|key| fs::read_to_string(key).unwrap());
        let lines = texts.iter().flat_map(|text| text.lines());
        lines
            .filter(|line| !line.starts_with("-----"))
            .map(str::to_owned)
            .collect()
    }
}

/// As inetd does: one process for each connection, which is its stdin and stdout.
async fn serve(connection: TcpStream, config: PathBuf) {
    let program = std::env::var_os("TOWER_GOPROXY_SSHD")
        .expect("no SSH server: run scripts/test.sh, which finds or fetches one");
    let connection = connection.into_std().unwrap();
    connection.set_nonblocking(false).unwrap();
    let output = connection.try_clone().unwrap();
    let mut sshd = tokio::process::Command::new(program);
    sshd.args(["-i", "-e", "-f"])
        .arg(config)
        .stdin(Stdio::from(OwnedFd::from(connection)))
        .stdout(Stdio::from(OwnedFd::from(output)))
        .stderr(Stdio::null())
        .kill_on_drop(true);
    let mut child = sshd.spawn().expect("the SSH server starts");
    // It holds the connection open as long as it lives.
    drop(sshd);
    child.wait().await.unwrap();
}

fn said(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}"));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
