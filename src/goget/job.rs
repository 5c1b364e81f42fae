//! What the go command is run for.

use std::borrow::Cow;

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
    /// All files of a version, into the module cache.
    Files(Version<'static>),
    /// The info of a version, into the module cache.
    Info(Version<'static>),
    /// What a query stands for, or `latest`.
    Query(String),
    /// The tagged versions.
    List,
}

impl Job {
    /// What stands behind the `@` of an argument, as the client has chosen it.
    pub(super) fn name(&self) -> Cow<'_, str> {
        match &self.asked {
            Asked::Files(version) | Asked::Info(version) => version.unescaped(),
            Asked::Query(query) => Cow::Borrowed(query),
            Asked::List => Cow::Borrowed(""),
        }
    }
}
