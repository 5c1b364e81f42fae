use http::HeaderValue;

/// What a response can be revalidated with.
///
/// A source puts it into the extensions of its response. Put into the extensions of a later request for the same path,
/// the source may answer 304 Not Modified, without a body. Sources that do not know it answer as without it.
///
/// ```
/// use http::{HeaderValue, Request};
/// use tower_goproxy::source::Validators;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let kept = Validators {
///     origin: "https://proxy.golang.org".to_owned(),
///     etag: Some(HeaderValue::from_static("\"1-2\"")),
///     last_modified: None,
/// };
/// let mut request = Request::get("/golang.org/x/mod/@v/list").body(())?;
/// request.extensions_mut().insert(kept);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validators {
    /// Who has answered: the others of a list are asked without a condition, since their tags and dates mean something
    /// else. Not secret.
    pub origin: String,
    /// The `ETag`.
    pub etag: Option<HeaderValue>,
    /// `Last-Modified`, as the source wrote it.
    pub last_modified: Option<HeaderValue>,
}
