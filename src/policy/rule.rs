//! The verdict of a policy.

use std::fmt;

/// What a policy says about a request.
///
/// The names are those of the filter file of Athens; what each leads to is up to the services that
/// the filter is built with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rule {
    /// Answered by the service that was given to the layer: as a rule, a registry of public modules. Sign `+`.
    Include,
    /// Refused. Sign `-`.
    Exclude,
    /// Answered by the inner service, which the layer wraps: as a rule, version control, as
    /// `GOPROXY=direct` means to the go command. Sign `D`.
    Direct,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Include => "include",
            Self::Exclude => "exclude",
            Self::Direct => "direct",
        })
    }
}
