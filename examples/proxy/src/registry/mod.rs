//! Where included modules come from.

mod args;
mod pattern;
mod source;

pub(crate) use self::args::UpstreamArgs;
pub(crate) use self::pattern::Patterns;
pub(crate) use self::source::{Credentials, Registry};
