use crate::redirect::Base;

/// What a client receives when the requested file is not stored yet. The fill is the same.
///
/// | | the client gets | for |
/// |---|---|---|
/// | `Stream` | the bytes as they arrive | the speed of a redirect, and a filled storage |
/// | `Wait` | the file once it is stored | clients that must never see an unverified byte |
/// | `Redirect` | 303 to the upstream | less egress, clients near the registry |
/// | `NotFound` | 404 for a `.zip`; `.info` and `.mod` as they arrive | `GOPROXY=ours,other` |
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
    /// are held back until the whole file has been verified. If verification fails, the client
    /// gets a broken transfer and never a complete file.
    #[default]
    Stream,
    /// The client waits until the file has been verified and stored. A response that cannot be
    /// stored is a 502.
    Wait,
    /// The client is redirected to a registry, and the fill runs in the background. See
    /// [`redirect`](Self::redirect).
    Redirect(Base),
    /// The client gets 404 for a missing `.zip`, and the fill runs in the background. `.info` and `.mod` are streamed:
    /// after a 404 for one of these the go command would report the module as missing.
    NotFound,
}

impl OnMiss {
    /// [`OnMiss::Redirect`] to the registry at this address.
    ///
    /// # Errors
    ///
    /// The address is not an `http` or `https` URL, or has a query, a fragment or credentials.
    pub fn redirect(to: &str) -> Result<Self, crate::redirect::InvalidBase> {
        Base::new(to).map(Self::Redirect)
    }
}

/// What happens to a fill after the last client that reads from it has disconnected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnDisconnect {
    /// It continues, and the next client finds the file stored. A fill that still waits for a slot is given up.
    #[default]
    Finish,
    /// It stops, and nothing is stored.
    Abort,
}
