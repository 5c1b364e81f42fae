//! What is requested of the go command, and what it brings.

use std::borrow::Cow;
use std::fmt::Display;
use std::fs::File;
use std::sync::Arc;

use bytes::Bytes;

use super::error::{GoGetError, Kind};
use crate::access::value::Access;
use crate::module::path::ModulePath;
use crate::module::version::Version;

/// Equal jobs at the same time are one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Job {
    pub(super) module: ModulePath<'static>,
    pub(super) asked: Asked,
    /// For whom, and with which credentials: what one is told is not for another.
    pub(super) access: Option<Access>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Asked {
    /// All files of a version.
    Files(Version<'static>),
    /// Those of them that need no zip.
    LookUp(Version<'static>),
    /// What a query stands for, or `latest`.
    Query(String),
    /// The tagged versions.
    List,
}

impl Job {
    /// What is behind the `@` of an argument, as the client has chosen it.
    pub(super) fn name(&self) -> Cow<'_, str> {
        match &self.asked {
            Asked::Files(version) | Asked::LookUp(version) => version.unescaped(),
            Asked::Query(query) => Cow::Borrowed(query),
            Asked::List => Cow::Borrowed(""),
        }
    }

    /// The host with which the module's path begins.
    pub(super) fn host(&self) -> &str {
        let path = self.module.escaped();
        path.split('/').next().unwrap_or(path)
    }
}

/// What a run has brought.
#[derive(Clone, Debug)]
pub(super) enum Found {
    List(Bytes),
    /// An info, and the files of the version that it is about.
    Query(Bytes, Box<Self>),
    Files(Version<'static>, Arc<Files>),
}

/// Files of one version, out of one run.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) info: Bytes,
    /// `None` where only the zip tells whether there is one.
    pub(super) go_mod: Option<Bytes>,
    pub(super) commit: Option<String>,
    pub(super) zip: Option<Zip>,
}

impl Files {
    /// The go that the go.mod requires.
    pub(super) fn go(&self) -> Option<Release> {
        let text = String::from_utf8_lossy(self.go_mod.as_deref()?);
        let mut lines = text.lines().map(str::trim_start);
        lines.find_map(|line| release(line.strip_prefix("go 1.")?))
    }
}

/// The 27 and the 3 of `go1.27.3`.
pub(super) type Release = (u32, u32);

/// What is behind `1.`.
pub(super) fn release(text: &str) -> Option<Release> {
    let mut numbers = text.split('.').map(|part| {
        let end = part.find(|c: char| !c.is_ascii_digit());
        part[..end.unwrap_or(part.len())].parse().ok()
    });
    Some((numbers.next()??, numbers.next().flatten().unwrap_or(0)))
}

/// A file that has no name any more: it is gone with the last one who has it open.
#[derive(Clone, Debug)]
pub(super) struct Zip {
    pub(super) file: Arc<File>,
    pub(super) len: u64,
}

/// Why a job has no result.
#[derive(Debug)]
pub(super) enum Failed {
    /// Everybody has left.
    Unwanted,
    /// The go command says so, and what it has worked with may be the reason.
    Said(GoGetError),
    Error(GoGetError),
}

impl From<GoGetError> for Failed {
    fn from(error: GoGetError) -> Self {
        Self::Error(error)
    }
}

/// The go command has not said what it should.
pub(super) fn nonsense(what: &str) -> GoGetError {
    GoGetError::new(Kind::Nonsense, format!("the go command: {what}"))
}

pub(super) fn setup(text: impl AsRef<str>) -> GoGetError {
    GoGetError::new(Kind::Setup, text)
}

/// The folder of the settings cannot be used.
pub(super) fn bad_folder(error: &dyn Display) -> GoGetError {
    setup(error.to_string()).showing("its folder for modules cannot be used")
}

#[cfg(test)]
mod tests {
    use super::release;

    #[test]
    fn the_release_of_a_go_is_read() {
        for (text, want) in [
            ("27.3 linux/amd64", Some((27, 3))),
            ("21 linux/amd64", Some((21, 0))),
            ("28-abcdef linux/amd64", Some((28, 0))),
            ("27rc1", Some((27, 0))),
            ("99\n", Some((99, 0))),
            ("x", None),
        ] {
            assert_eq!(release(text), want, "{text}");
        }
    }
}
