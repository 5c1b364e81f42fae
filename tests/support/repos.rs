//! Git repositories in a folder, which the go command takes for those of a host.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// The time of every commit. With it, a commit's hash depends on nothing but its files.
pub const TIME: &str = "2024-01-02T03:04:05Z";

/// Repositories below one folder, which goes away with this value.
#[derive(Debug)]
pub struct Repos {
    dir: TempDir,
}

/// One repository.
#[derive(Clone, Debug)]
pub struct Repo {
    path: PathBuf,
}

impl Repos {
    pub fn new() -> Self {
        let dir = TempDir::new().expect("a temporary folder can be made");
        Self { dir }
    }

    pub fn root(&self) -> &Path {
        self.dir.path()
    }

    /// An empty repository at a path such as `team/hello`.
    pub fn init(&self, name: &str) -> Repo {
        let path = self.root().join(name);
        fs::create_dir_all(&path).expect("a temporary folder is writable");
        let repo = Repo { path };
        repo.git(&["init", "-q", "-b", "main"]);
        repo
    }

    /// A repository with one commit: a `go.mod` of `module`, and a package with a constant.
    pub fn module(&self, name: &str, module: &str) -> Repo {
        let repo = self.init(name);
        repo.write("go.mod", &format!("module {module}\n\ngo 1.20\n"));
        let package = name.rsplit('/').next().unwrap_or(name);
        repo.write(
            &format!("{package}.go"),
            &format!("package {package}\n\nconst V = 1\n"),
        );
        repo.commit("one");
        repo
    }

    /// A repository that is there.
    pub fn at(&self, name: &str) -> Repo {
        Repo {
            path: self.root().join(name),
        }
    }

    /// The lines of git's configuration that put these repositories in the place of a host's.
    pub fn instead_of(&self, host: &str) -> (String, String) {
        (
            format!("url.file://{}/.insteadOf", self.root().display()),
            format!("https://{host}/"),
        )
    }

    /// Takes all repositories away.
    pub fn remove(self) {
        drop(self);
    }
}

impl Repo {
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.path.join(name);
        let parent = path.parent().expect("a file is in a folder");
        fs::create_dir_all(parent)
            .and_then(|()| fs::write(&path, text))
            .unwrap_or_else(|error| panic!("cannot write {}: {error}", path.display()));
    }

    /// Commits all that there is, and returns the hash.
    pub fn commit(&self, message: &str) -> String {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", message]);
        self.git(&["rev-parse", "HEAD"])
    }

    pub fn tag(&self, name: &str) {
        self.git(&["tag", name]);
    }

    /// Runs git here, which must succeed, and returns what it prints.
    pub fn git(&self, args: &[&str]) -> String {
        let mut command = Command::new("git");
        command
            .arg("-C")
            .arg(&self.path)
            .args(args)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1");
        for (name, value) in [("NAME", "T"), ("EMAIL", "t@example.com"), ("DATE", TIME)] {
            command.env(format!("GIT_AUTHOR_{name}"), value);
            command.env(format!("GIT_COMMITTER_{name}"), value);
        }
        let output = command.output().expect("there is git");
        assert!(
            output.status.success(),
            "git {args:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }
}
