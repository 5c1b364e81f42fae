//! The limit of open files.

use rustix::process::{Resource, getrlimit, setrlimit};

/// How many files this process may have open.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Descriptors(pub(super) u64);

impl Descriptors {
    /// Raises the limit as far as this user may, as the go command does too: the lower one is for programs that use select(2).
    pub(crate) fn raise() -> Self {
        const MANY: u64 = 1 << 20;
        let mut limit = getrlimit(Resource::Nofile);
        let before = limit.current.unwrap_or(MANY);
        let wanted = limit.maximum.unwrap_or(MANY).max(before);
        limit.current = Some(wanted);
        match setrlimit(Resource::Nofile, limit) {
            Ok(()) => Self(wanted),
            Err(_) => Self(before),
        }
    }
}
