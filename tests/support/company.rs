//! The program of a company: it needs public modules, and private ones of `github.com/corp`.

use std::fs;

use tempfile::TempDir;

use super::go::Client;
use super::modules::MODULES;
use super::repos::Repos;
use super::tree::Tree;

/// Public modules of the program, which require no others.
pub const PUBLIC: [&str; 5] = [
    "example.com/base@v1.2.0",
    "github.com/BurntSushi/TOML@v0.3.1",
    "git.example.com/~user/mod@v0.1.0",
    "example.com/zero@v0.0.1",
    "example.com/many-files@v1.0.0",
];

/// Private ones: a tag, a second one that needs a public module and a private one, a folder, a major version, a commit.
const PRIVATE: [(&str, &str, &str); 5] = [
    ("corp/one", "github.com/corp/one", "v1.0.0"),
    ("corp/two", "github.com/corp/two", "v1.2.3"),
    ("corp/mono", "github.com/corp/mono/sub", "v0.1.0"),
    ("corp/major", "github.com/corp/major/v2", "v2.0.0"),
    ("corp/commit", "github.com/corp/commit", ""),
];

/// Makes the repositories, and returns `path@version` of each module.
pub fn private(repos: &Repos) -> Vec<String> {
    let mut ids = Vec::new();
    for (name, module, version) in PRIVATE {
        let repo = repos.init(name);
        let folder = if name == "corp/mono" { "sub/" } else { "" };
        let mut go_mod = format!("module {module}\n\ngo 1.20\n");
        let mut package = format!("package p\n\nconst Module = \"{module}\"\n");
        if name == "corp/two" {
            go_mod.push_str(
                "\nrequire example.com/base v1.2.0\n\nrequire github.com/corp/one v1.0.0\n",
            );
            package.push_str("\nconst Needs = base.Module + one.Module\n");
            package = package.replace(
                "package p\n",
                "package p\n\nimport (\n\tbase \"example.com/base\"\n\tone \"github.com/corp/one\"\n)\n",
            );
        }
        repo.write(&format!("{folder}go.mod"), &go_mod);
        repo.write(&format!("{folder}p.go"), &package);
        let hash = repo.commit("one");
        let version = match version {
            "" => format!("v0.0.0-20240102030405-{}", &hash[..12]),
            version => {
                repo.tag(&format!("{folder}{version}"));
                version.to_owned()
            }
        };
        ids.push(format!("{module}@{version}"));
    }
    ids
}

/// Builds the program that needs all of them, runs it, and returns its `go.sum` and what it prints.
pub async fn build(client: &Client, ids: &[String]) -> (String, String) {
    let dir = TempDir::new().unwrap();
    let mut go_mod = "module example.com/program\n\ngo 1.21\n".to_owned();
    let mut source = "package main\n\nimport (\n".to_owned();
    for (i, id) in ids.iter().enumerate() {
        let (path, version) = id.split_once('@').unwrap();
        go_mod.push_str(&format!("\nrequire {path} {version}\n"));
        source.push_str(&format!("\tm{i} \"{path}\"\n"));
    }
    source.push_str(")\n\nfunc main() {\n");
    for i in 0..ids.len() {
        source.push_str(&format!("\tprintln(m{i}.Module)\n"));
    }
    source.push_str("}\n");
    fs::write(dir.path().join("go.mod"), go_mod).unwrap();
    fs::write(dir.path().join("main.go"), source).unwrap();
    let ran = client.run_in(dir.path(), &["run", "."]).await;
    assert!(ran.success, "{}", ran.stderr);
    let lines = ran.stderr.lines().filter(|line| !line.starts_with("go: "));
    let printed: Vec<_> = lines.collect();
    (
        fs::read_to_string(dir.path().join("go.sum")).unwrap(),
        printed.join("\n"),
    )
}

/// The files of a registry that has the public ones, and no others.
pub fn registry() -> Tree {
    let public = |id: &str| PUBLIC.contains(&id);
    Tree::of(MODULES.iter().filter(|module| public(&module.id())))
}

/// `path@version` of all, the private ones being those of [`private`].
pub fn all(private: &[String]) -> Vec<String> {
    let public = PUBLIC.iter().map(|id| (*id).to_owned());
    public.chain(private.iter().cloned()).collect()
}
