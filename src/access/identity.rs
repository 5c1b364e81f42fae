//! The name of who asks, and nothing else.

use std::sync::Arc;

/// The name of the user who sends a request, for an auth layer to insert into its extensions.
///
/// Responses to such a request are `Cache-Control: private` with
/// [`SharedCaches::Auto`](crate::SharedCaches::Auto). It has no effect on what is stored and under which key: all identities
/// share all files. For files of their own, use an `Access`.
///
/// ```
/// use tower_goproxy::access::Identity;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut request = http::Request::get("/example.com/m/@v/list").body(())?;
/// request.extensions_mut().insert(Identity::new("alice"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Identity {
    name: Arc<str>,
}

impl Identity {
    /// An identity with this name, which may be any text.
    #[must_use]
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self { name: name.into() }
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}
