//! The kinds of answers that a module proxy gives.

use std::fmt;

/// Which part of a module a [`Target`](crate::Target) names
/// (<https://go.dev/ref/mod#goproxy-protocol>).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Resource {
    /// `@v/list`: the tagged versions. Changes with time.
    List,
    /// `@latest`: the version to use when nothing is tagged. Changes with time.
    Latest,
    /// `@v/{query}.info`: the version that a branch, a commit or a part of a version stands for.
    /// Changes with time.
    Query,
    /// `@v/{version}.info`: the time of a version. Never changes.
    Info,
    /// `@v/{version}.mod`: the `go.mod` of a version. Never changes.
    Mod,
    /// `@v/{version}.zip`: the files of a version. Never changes.
    Zip,
}

impl Resource {
    /// Whether this is one of the three files of a version, which never change and can be stored.
    #[must_use]
    pub const fn is_file(self) -> bool {
        matches!(self, Self::Info | Self::Mod | Self::Zip)
    }

    /// Whether the contents themselves tell that something is missing at their end. Of a list and of
    /// a `go.mod` the first half is as good as the whole.
    #[cfg(feature = "upstream")]
    pub(crate) const fn shows_a_cut(self) -> bool {
        !matches!(self, Self::List | Self::Mod)
    }

    /// The `Content-Type` that proxies send by convention; the go command looks at none.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::List | Self::Mod => "text/plain; charset=utf-8",
            Self::Latest | Self::Query | Self::Info => "application/json",
            Self::Zip => "application/zip",
        }
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::List => "list",
            Self::Latest => "latest",
            Self::Query => "query",
            Self::Info => "info",
            Self::Mod => "mod",
            Self::Zip => "zip",
        })
    }
}
