//! What happens on a miss.

use std::fmt;

use clap::ValueEnum;
use serde::Deserialize;

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Miss {
    /// The bytes as they arrive from the upstream.
    Stream,
    /// The file, once it is stored.
    Wait,
    /// A redirect to the upstream. Direct modules are streamed.
    Redirect,
    /// 404 for a zip, so that GOPROXY=ours,other tries the next entry.
    NotFound,
}

impl fmt::Display for Miss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stream => "stream",
            Self::Wait => "wait",
            Self::Redirect => "redirect",
            Self::NotFound => "not-found",
        })
    }
}
