//! The one place where a request's path becomes something to ask an upstream for.

use http::HeaderValue;

/// A checked path of a module request.
#[derive(Clone, Debug)]
pub(super) struct Checked {
    /// Where the file lies in a static registry: escaped, no leading slash.
    pub(super) key: String,
    /// The same as a path of a URI.
    pub(super) uri_path: String,
    pub(super) content_type: HeaderValue,
}

/// Checks a request's path. The error is the text of the 404.
pub(super) fn check(path: &str) -> Result<Checked, String> {
    let key = path.strip_prefix('/').unwrap_or_default();
    if !key.contains("/@") || key.contains("..") {
        return Err("not found: no module request".to_owned());
    }
    Ok(Checked {
        key: key.to_owned(),
        uri_path: path.to_owned(),
        content_type: HeaderValue::from_static("application/octet-stream"),
    })
}
