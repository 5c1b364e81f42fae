//! Modules as files: a static GOPROXY in a folder, and a program that needs all of it.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::modules::{MODULES, Module, PASSED_OVER, closure, escape, go_mod};

/// Modules as the files of a static GOPROXY, in a folder of their own that goes away with this value.
#[derive(Debug)]
pub struct Tree {
    dir: TempDir,
}

impl Tree {
    /// All of [`MODULES`] and [`PASSED_OVER`]: about 60 MiB.
    pub fn all() -> Self {
        Self::of(MODULES.iter().chain(PASSED_OVER))
    }

    pub fn of<'a>(modules: impl IntoIterator<Item = &'a Module>) -> Self {
        let dir = TempDir::new().expect("a temporary folder can be made");
        let tree = Self { dir };
        for module in modules {
            tree.add(module);
        }
        tree
    }

    /// Writes the files of one more version, and lists it.
    pub fn add(&self, module: &Module) {
        self.write(&module.key("info"), &module.info());
        self.write(&module.key("mod"), &module.go_mod());
        self.write(&module.key("zip"), &module.zip());
        // A list has no pseudo-versions; `latest` of a module with nothing else is answered by @latest.
        let list = format!("{}/@v/list", escape(module.path));
        let mut versions = fs::read_to_string(self.path(&list)).unwrap_or_default();
        if module.is_pseudo() {
            self.write(&format!("{}/@latest", escape(module.path)), &module.info());
            self.write(
                &format!("{}/@v/main.info", escape(module.path)),
                &module.info(),
            );
        } else {
            let _ = writeln!(versions, "{}", module.version);
        }
        self.write(&list, versions.as_bytes());
    }

    /// Writes any file at a key.
    pub fn write(&self, key: &str, content: &[u8]) {
        let path = self.path(key);
        let parent = path.parent().expect("a key has a file name");
        fs::create_dir_all(parent)
            .and_then(|()| fs::write(&path, content))
            .unwrap_or_else(|error| panic!("cannot write {}: {error}", path.display()));
    }

    pub fn read(&self, key: &str) -> Vec<u8> {
        fs::read(self.path(key)).unwrap_or_else(|error| panic!("cannot read {key}: {error}"))
    }

    pub fn root(&self) -> &Path {
        self.dir.path()
    }

    fn path(&self, key: &str) -> PathBuf {
        self.dir.path().join(key)
    }
}

/// Writes a main program into `dir` that imports all of [`MODULES`] and prints each one's
/// `path@version` on a line of its standard error, in the order of the table.
///
/// Its go.mod requires only the modules that no other one requires: go finds the rest in the graph.
pub fn write_program(dir: &Path) {
    let mut inner = BTreeSet::new();
    for module in MODULES {
        closure(module.requires, &mut inner);
    }
    let ids: Vec<String> = MODULES
        .iter()
        .map(Module::id)
        .filter(|id| !inner.contains(id.as_str()))
        .collect();

    let mut source = String::from("package main\n\nimport (\n");
    for (i, module) in MODULES.iter().enumerate() {
        let _ = writeln!(source, "\tm{i} \"{}\"", module.path);
    }
    source.push_str(")\n\nfunc main() {\n");
    for i in 0..MODULES.len() {
        let _ = writeln!(source, "\tprintln(m{i}.Module)");
    }
    source.push_str("}\n");

    let go_mod = go_mod("example.com/program", ids.iter().map(String::as_str));
    fs::write(dir.join("go.mod"), go_mod)
        .and_then(|()| fs::write(dir.join("main.go"), source))
        .unwrap_or_else(|error| panic!("cannot write into {}: {error}", dir.display()));
}
