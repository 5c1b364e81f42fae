//! Credentials for several hosts.

use super::credentials::Credentials;

/// Credentials sorted by host, one for each: two would be sent side by side.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Logins(Vec<Credentials>);

impl Logins {
    /// Takes the place of what was there for the same host.
    pub(crate) fn set(&mut self, one: Credentials) {
        self.0.retain(|other| other.host() != one.host());
        self.0.push(one);
        self.0.sort_by(|a, b| a.host().cmp(b.host()));
    }

    pub(crate) fn get(&self, host: &str) -> Option<&Credentials> {
        self.iter()
            .find(|one| one.host().eq_ignore_ascii_case(host))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Credentials> {
        self.0.iter()
    }
}
