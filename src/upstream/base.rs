//! The URL of one registry: what is put before the path of a request.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::uri::Scheme;
use http::{HeaderValue, Uri};
use percent_encoding::percent_decode_str;

use super::list_error::InvalidUpstream;

/// An `http` or `https` URL without its userinfo.
#[derive(Clone)]
pub(super) struct Base {
    secure: bool,
    /// As written, with the port only if it was written: netrc entries are compared with it.
    host: Arc<str>,
    /// Cleaned, without the trailing slash; percent-encoding untouched.
    path: String,
    query: Option<String>,
    authorization: Option<HeaderValue>,
}

impl Base {
    /// `url` begins with a scheme.
    pub(super) fn parse(url: &str) -> Result<Self, InvalidUpstream> {
        let invalid = || InvalidUpstream::url(url);
        let uri: Uri = url.parse().map_err(|_| invalid())?;
        let secure = uri.scheme() == Some(&Scheme::HTTPS);
        let authority = uri.authority().ok_or_else(invalid)?.as_str();
        let (userinfo, host) = match authority.rsplit_once('@') {
            Some((userinfo, host)) => (Some(userinfo), host),
            None => (None, authority),
        };
        let name = uri
            .host()
            .filter(|name| !name.is_empty())
            .ok_or_else(invalid)?;
        let port = host.strip_prefix(name).ok_or_else(invalid)?;
        if !port.is_empty() && uri.port_u16().is_none() {
            return Err(invalid());
        }
        if userinfo.is_some() && !secure {
            return Err(InvalidUpstream::insecure(url));
        }
        let base = Self {
            secure,
            host: host.to_ascii_lowercase().into(),
            path: clean(uri.path()),
            query: uri.query().map(str::to_owned),
            authorization: userinfo
                .map(basic_from_userinfo)
                .transpose()
                .map_err(|_| invalid())?,
        };
        match base.uri("/m/@latest") {
            Some(_) => Ok(base),
            None => Err(invalid()),
        }
    }

    /// The URI of `path`, which is absolute and valid in a URI.
    pub(super) fn uri(&self, path: &str) -> Option<Uri> {
        let scheme = if self.secure { "https" } else { "http" };
        let mut uri = format!("{scheme}://{}{}{path}", self.host, self.path);
        if let Some(query) = &self.query {
            uri.push('?');
            uri.push_str(query);
        }
        Uri::try_from(uri).ok()
    }

    pub(super) fn is_secure(&self) -> bool {
        self.secure
    }

    pub(super) fn host(&self) -> &Arc<str> {
        &self.host
    }

    /// What a netrc `machine` is compared with: `host:port/path`.
    pub(super) fn machine(&self, path: &str) -> String {
        format!("{}{}{path}", self.host, self.path)
    }

    pub(super) fn authorization(&self) -> Option<&HeaderValue> {
        self.authorization.as_ref()
    }
}

/// Leaves out who we are there.
impl fmt::Debug for Base {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Base")
            .field("secure", &self.secure)
            .field("host", &self.host)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// Drops empty and `.` elements and resolves `..`, as the go command does.
fn clean(path: &str) -> String {
    let mut elements: Vec<&str> = Vec::new();
    for element in path.split('/') {
        match element {
            "" | "." => {}
            ".." => {
                elements.pop();
            }
            _ => elements.push(element),
        }
    }
    elements.iter().flat_map(|element| ["/", element]).collect()
}

fn basic_from_userinfo(userinfo: &str) -> Result<HeaderValue, http::header::InvalidHeaderValue> {
    let (user, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
    let decode = |text: &str| percent_decode_str(text).collect::<Vec<u8>>();
    basic(&decode(user), &decode(password))
}

/// The `Basic` credentials of RFC 7617, marked sensitive.
pub(super) fn basic(
    user: &[u8],
    password: &[u8],
) -> Result<HeaderValue, http::header::InvalidHeaderValue> {
    let pair = [user, b":", password].concat();
    let mut value = HeaderValue::try_from(format!("Basic {}", STANDARD.encode(pair)))?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::Base;

    fn uri(base: &str, path: &str) -> String {
        Base::parse(base).unwrap().uri(path).unwrap().to_string()
    }

    #[test]
    fn base_paths_are_cleaned_as_the_go_command_does() {
        for (base, want) in [
            ("https://h", "https://h/m/@latest"),
            ("https://h///", "https://h/m/@latest"),
            ("https://h/a//b/../c/", "https://h/a/c/m/@latest"),
            ("https://h/a%20b", "https://h/a%20b/m/@latest"),
            ("https://h/a%2Fb", "https://h/a%2Fb/m/@latest"),
            ("http://H:80/?x=1&y", "http://h:80/m/@latest?x=1&y"),
            ("https://[::1]:8443/a", "https://[::1]:8443/a/m/@latest"),
        ] {
            assert_eq!(uri(base, "/m/@latest"), want, "{base}");
        }
    }

    #[test]
    fn userinfo_becomes_basic_credentials_and_leaves_the_url() {
        let base = Base::parse("https://us%40er:p%3Ass@h/a").unwrap();
        assert_eq!(base.uri("/m").unwrap(), "https://h/a/m");
        // "us@er:p:ss"
        assert_eq!(base.authorization().unwrap(), "Basic dXNAZXI6cDpzcw==");
        assert!(!format!("{base:?}").contains("Basic"));
    }
}
