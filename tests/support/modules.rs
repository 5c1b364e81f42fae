//! Thirty modules with every kind of path and version that the go command meets, and what their files hold.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::module_zip::{incompressible, module_zip};

/// The size of the data file in the zip of `example.com/big`, in bytes.
pub const BIG: usize = 60 << 20;

/// One version of one module.
#[derive(Clone, Copy, Debug)]
pub struct Module {
    /// Module path, unescaped.
    pub path: &'static str,
    /// Version, unescaped.
    pub version: &'static str,
    /// `path@version` of each direct requirement.
    pub requires: &'static [&'static str],
    /// What its zip holds beside a Go file.
    pub extra: Extra,
}

/// What a module's zip holds beside a Go file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extra {
    /// A go.mod.
    GoMod,
    /// Nothing: the module is older than modules, and its go.mod is made up by the proxy.
    Nothing,
    /// A go.mod and an incompressible file of [`BIG`] bytes.
    Big,
    /// A go.mod and 200 small files.
    ManyFiles,
    /// A go.mod, an empty file, and a name that is not ASCII.
    OddFiles,
}

const fn module(path: &'static str, version: &'static str) -> Module {
    Module {
        path,
        version,
        requires: &[],
        extra: Extra::GoMod,
    }
}

impl Module {
    const fn with(mut self, extra: Extra) -> Self {
        self.extra = extra;
        self
    }

    const fn requiring(mut self, requires: &'static [&'static str]) -> Self {
        self.requires = requires;
        self
    }
}

/// The modules of the program, each in the version that the go command selects.
pub const MODULES: &[Module] = &[
    module("example.com/base", "v1.2.0"),
    module("example.com/leaf", "v1.0.0").requiring(&["example.com/base@v1.0.0"]),
    module("example.com/GoogleCloud/Mod", "v1.0.0").requiring(&["example.com/base@v1.2.0"]),
    module("example.com/GoogleCloud/Mod/v2", "v2.1.0")
        .requiring(&["example.com/GoogleCloud/Mod@v1.0.0"]),
    module("github.com/BurntSushi/TOML", "v0.3.1"),
    module("github.com/Azure/azure-sdk", "v1.0.0").requiring(&[
        "github.com/BurntSushi/TOML@v0.3.1",
        "example.com/leaf@v1.0.0",
    ]),
    module("example.com/rc", "v1.0.0-RC.1"),
    module("example.com/beta", "v0.2.0-beta.10").requiring(&["example.com/rc@v1.0.0-RC.1"]),
    module("example.com/incompatible", "v3.0.0+incompatible").with(Extra::Nothing),
    module("example.com/Legacy/Thing", "v2.0.0-Alpha.1+incompatible").with(Extra::Nothing),
    module(
        "example.com/pseudo/untagged",
        "v0.0.0-20240102030405-abcdef012345",
    ),
    module(
        "example.com/pseudo/release",
        "v1.2.4-0.20240203040506-0123456789ab",
    )
    .requiring(&["example.com/pseudo/untagged@v0.0.0-20240102030405-abcdef012345"]),
    module(
        "example.com/pseudo/prerelease",
        "v1.3.0-RC.2.0.20240304050607-fedcba987654",
    ),
    module(
        "example.com/pseudo/incompatible",
        "v2.1.1-0.20240405060708-00112233aabb+incompatible",
    )
    .with(Extra::Nothing),
    module("gopkg.in/yaml.v2", "v2.4.0")
        .requiring(&["gopkg.in/check.v1@v0.0.0-20161208181325-20d25e280405"]),
    module("gopkg.in/check.v1", "v1.0.0-20201130134442-10cb98267c6c"),
    module("gopkg.in/Team/Tool.v3", "v3.0.1").requiring(&["gopkg.in/yaml.v2@v2.4.0"]),
    module("git.example.com/~user/mod", "v0.1.0"),
    module("git.example.com/~Someone/x_y-z.lib", "v1.0.0")
        .requiring(&["git.example.com/~user/mod@v0.1.0"]),
    module("example.com/big", "v1.0.0").with(Extra::Big),
    module("example.com/deep/a/b/c/d/e/f/g", "v0.9.0"),
    module("example.com/nested", "v1.1.0"),
    module("example.com/nested/sub", "v1.0.5").requiring(&["example.com/nested@v1.1.0"]),
    module("example.com/major/v10", "v10.20.30"),
    module("example.com/zero", "v0.0.1"),
    module("example.com/numbers", "v1.18446744073709551616.0"),
    module("example.com/odd-files", "v1.0.0").with(Extra::OddFiles),
    module("example.com/many-files", "v1.0.0").with(Extra::ManyFiles),
    module("example.com/Chain/A", "v1.0.0").requiring(&["example.com/Chain/B@v1.0.0"]),
    module("example.com/Chain/B", "v1.0.0")
        .requiring(&["example.com/pseudo/release@v1.2.4-0.20240203040506-0123456789ab"]),
];

/// Versions that something requires and that minimal version selection then passes over:
/// the go command reads their `.mod`, never their `.zip`.
pub const PASSED_OVER: &[Module] = &[
    module("example.com/base", "v1.0.0"),
    module("gopkg.in/check.v1", "v0.0.0-20161208181325-20d25e280405"),
];

/// Every ASCII capital becomes `!` and the small letter, as in URLs, file names and storage keys.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii_uppercase() {
            escaped.push('!');
        }
        escaped.push(c.to_ascii_lowercase());
    }
    escaped
}

impl Module {
    /// `path@version`, unescaped.
    pub fn id(&self) -> String {
        format!("{}@{}", self.path, self.version)
    }

    /// The storage key of one of its files, where `extension` is `info`, `mod` or `zip`.
    pub fn key(&self, extension: &str) -> String {
        format!(
            "{}/@v/{}.{extension}",
            escape(self.path),
            escape(self.version)
        )
    }

    pub fn is_pseudo(&self) -> bool {
        self.pseudo_time().is_some()
    }

    /// The 14 digits of a pseudo-version.
    fn pseudo_time(&self) -> Option<&'static str> {
        self.version
            .split(['-', '.'])
            .find(|part| part.len() == 14 && part.bytes().all(|b| b.is_ascii_digit()))
    }

    pub fn info(&self) -> Vec<u8> {
        let t = self.pseudo_time().unwrap_or("20240506070809");
        format!(
            r#"{{"Version":"{}","Time":"{}-{}-{}T{}:{}:{}Z"}}"#,
            self.version,
            &t[..4],
            &t[4..6],
            &t[6..8],
            &t[8..10],
            &t[10..12],
            &t[12..]
        )
        .into_bytes()
    }

    pub fn go_mod(&self) -> Vec<u8> {
        if self.extra == Extra::Nothing {
            return format!("module {}\n", self.path).into_bytes();
        }
        // All it needs, as `go mod tidy` writes it since Go 1.17, so that graph pruning finds everything.
        let mut all = BTreeSet::new();
        closure(self.requires, &mut all);
        go_mod(self.path, all.iter().copied()).into_bytes()
    }

    pub fn zip(&self) -> Vec<u8> {
        let mut source = String::from("package mod\n\n");
        for (i, id) in self.requires.iter().enumerate() {
            let _ = writeln!(source, "import d{i} \"{}\"", split(id).0);
        }
        let _ = writeln!(source, "\nconst Module = \"{}\"", self.id());
        for i in 0..self.requires.len() {
            let _ = writeln!(source, "\nvar _ = d{i}.Module");
        }

        let mut files = vec![("mod.go".to_owned(), source.into_bytes())];
        if self.extra != Extra::Nothing {
            files.push(("go.mod".to_owned(), self.go_mod()));
        }
        match self.extra {
            Extra::GoMod | Extra::Nothing => {}
            Extra::Big => files.push(("data.bin".to_owned(), incompressible(BIG, 60))),
            Extra::ManyFiles => files.extend((0..200).map(|i| {
                (
                    format!("sub/dir{}/file{i}.txt", i % 7),
                    format!("file {i}\n").into_bytes(),
                )
            })),
            Extra::OddFiles => files.extend([
                ("EMPTY".to_owned(), Vec::new()),
                ("été.txt".to_owned(), "é\r\n".as_bytes().to_vec()),
            ]),
        }
        let files: Vec<_> = files
            .iter()
            .map(|(name, content)| (name.as_str(), content.as_slice()))
            .collect();
        module_zip(self.path, self.version, &files)
    }
}

fn split(id: &str) -> (&str, &str) {
    id.split_once('@')
        .expect("a requirement is written path@version")
}

/// Adds what `requires` names, and all that these modules require in turn.
pub fn closure(requires: &[&'static str], all: &mut BTreeSet<&'static str>) {
    for id in requires {
        all.insert(id);
        for module in MODULES.iter().filter(|module| module.id() == *id) {
            closure(module.requires, all);
        }
    }
}

/// A go.mod with one line for each `path@version`.
pub fn go_mod<'a>(path: &str, requires: impl Iterator<Item = &'a str>) -> String {
    let mut text = format!("module {path}\n\ngo 1.21\n");
    for id in requires {
        let (path, version) = split(id);
        let _ = write!(text, "\nrequire {path} {version}\n");
    }
    text
}
