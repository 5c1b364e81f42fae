//! A page of the documentation.

use std::fs;
use std::path::{Path, PathBuf};

use tokio::process::Command;

pub(crate) struct Page {
    pub(crate) text: String,
}

impl Page {
    pub(crate) fn root() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
    }

    pub(crate) fn read(name: &str) -> Self {
        let text = fs::read_to_string(Self::root().join(name)).unwrap();
        Self { text }
    }

    /// The blocks of a language.
    pub(crate) fn blocks(&self, language: &str) -> Vec<String> {
        let mut blocks = Vec::new();
        let mut rest = &*self.text;
        while let Some((_, after)) = rest.split_once("\n```") {
            let (block, after) = after.split_once("\n```").expect("each block ends");
            let (found, text) = block.split_once('\n').unwrap_or((block, ""));
            if found == language {
                blocks.push(format!("{text}\n"));
            }
            rest = after;
        }
        blocks
    }

    /// The lines of all shell blocks.
    pub(crate) fn commands(&self) -> Vec<String> {
        let text = self.blocks("sh").concat().replace("\\\n", " ");
        text.lines().map(str::to_owned).collect()
    }

    /// The block that follows the first line that begins with this name.
    pub(crate) fn file(&self, name: &str) -> String {
        let line = format!("\n`{name}`");
        let (_, after) = self.text.split_once(&line).expect("the page has the file");
        let (_, block) = after.split_once("\n```").unwrap();
        let (_, block) = block.split_once('\n').unwrap();
        let (block, _) = block.split_once("\n```").unwrap();
        format!("{block}\n")
    }
}

/// The options that a page names.
pub(crate) fn expand(text: &str) -> Vec<String> {
    let mut options = Vec::new();
    for word in text.split(|letter: char| !letter.is_ascii_lowercase() && letter != '-') {
        if let Some(option) = word.strip_prefix("--")
            && option.len() > 2
            && !option.starts_with('-')
        {
            options.push(option.to_owned());
        }
    }
    // Those of cargo and of other programs.
    let others = ["profile", "release", "help", "config"];
    options.retain(|option| !others.contains(&&**option));
    options
}

/// Runs commands with the go command of the tests, and a home in this folder.
pub(crate) async fn shell(commands: &str, folder: &Path, home: &Path) {
    let go = crate::support::go::program();
    let path = std::env::var("PATH").unwrap();
    let path = format!("{}:{path}", go.parent().unwrap().display());
    let mut command = Command::new("sh");
    command
        .args(["-e", "-c", commands])
        .current_dir(folder)
        .env_clear();
    command
        .env("PATH", path)
        .env("HOME", home)
        .env("GOENV", home.join("goenv"));
    command
        .env("GOFLAGS", "-modcacherw")
        .env("GOSUMDB", "off")
        .env("GOTOOLCHAIN", "local");
    command
        .env("GOPATH", home.join("gopath"))
        .env("GOTELEMETRY", "off");
    let output = command.output().await.unwrap();
    assert!(
        output.status.success(),
        "{commands}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
