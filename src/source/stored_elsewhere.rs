/// In the extensions of a source's response: somebody else stores this file, so a `Fill` streams and checks it, and does
/// not store it.
///
/// ```
/// use tower_goproxy::source::StoredElsewhere;
///
/// let mut response = http::Response::new("module example.com/m\n".to_owned());
/// response.extensions_mut().insert(StoredElsewhere);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoredElsewhere;
