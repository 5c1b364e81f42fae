use std::time::Duration;

use crate::redirect::Base;
use crate::target::Resource;

/// What a client gets when the file it asks for is not stored yet. The fill is the same.
///
/// | | the client gets | for |
/// |---|---|---|
/// | `Stream` | the bytes as they arrive | the speed of a redirect, and a filled storage |
/// | `Wait` | the file once it is stored | clients that must never see an unchecked byte |
/// | `Redirect` | 303 to the upstream | saving egress, clients near the registry |
/// | `NotFound` | 404 | `GOPROXY=ours,other` |
///
/// ```
/// use tower_goproxy::fill::OnMiss;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let on_miss = OnMiss::redirect("https://proxy.golang.org")?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum OnMiss {
    /// The bytes reach the client as they arrive from the source, except for the last ones, which
    /// are held back until the whole file has been checked. If it turns out to be wrong, the
    /// client sees a broken transfer and never a complete file.
    #[default]
    Stream,
    /// The client waits until the file has been checked and stored. An answer that cannot be
    /// checked, as an encoded one, is a 502.
    Wait,
    /// The client is sent to a registry, and the fill runs behind. See
    /// [`redirect`](Self::redirect).
    Redirect(Base),
    /// The client is told that the file is not here, and the fill runs behind.
    NotFound,
}

impl OnMiss {
    /// [`OnMiss::Redirect`] to the registry at this address.
    ///
    /// # Errors
    ///
    /// The address is no `http` or `https` URL, or has a query, a fragment or credentials.
    pub fn redirect(to: &str) -> Result<Self, crate::redirect::InvalidBase> {
        Base::new(to).map(Self::Redirect)
    }
}

/// What becomes of a fill when the last client that reads from it has left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnDisconnect {
    /// It goes on: the next client finds the file stored.
    #[default]
    Finish,
    /// It stops, and nothing is stored.
    Abort,
}

#[derive(Clone, Debug)]
pub(super) struct Config {
    pub(super) shared: bool,
    pub(super) on_miss: OnMiss,
    pub(super) on_disconnect: OnDisconnect,
    pub(super) max_wait: Duration,
    pub(super) max_zip: u64,
    pub(super) max_mod: u64,
    pub(super) max_info: u64,
    pub(super) source_timeout: Duration,
    pub(super) storage_timeout: Duration,
    pub(super) commit_timeout: Duration,
}

const MIB: u64 = 1024 * 1024;

impl Default for Config {
    fn default() -> Self {
        Self {
            shared: false,
            on_miss: OnMiss::default(),
            on_disconnect: OnDisconnect::default(),
            max_wait: Duration::from_secs(30),
            max_zip: 500 * MIB,
            max_mod: 16 * MIB,
            max_info: MIB,
            source_timeout: Duration::from_secs(300),
            storage_timeout: Duration::from_secs(10),
            commit_timeout: Duration::from_secs(300),
        }
    }
}

impl Config {
    /// The most bytes that a file of this kind may have.
    pub(super) fn max_size(&self, resource: Resource) -> u64 {
        match resource {
            Resource::Zip => self.max_zip,
            Resource::Mod => self.max_mod,
            _ => self.max_info,
        }
    }
}
