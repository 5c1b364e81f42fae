//! The URL of a registry: what is put before the path of a request.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::InvalidHeaderValue;
use http::uri::Scheme;
use http::{HeaderValue, Uri};
use percent_encoding::{
    AsciiSet, CONTROLS, PercentEncode, percent_decode_str, utf8_percent_encode,
};

/// An `http` or `https` URL without its userinfo.
#[derive(Clone)]
pub(crate) struct Base {
    secure: bool,
    /// As written but in lower case, with the port only if it was written: netrc entries are compared with it.
    host: Arc<str>,
    /// Cleaned, without the trailing slash; what is percent-encoded stays so.
    path: String,
    query: Option<String>,
    authorization: Option<HeaderValue>,
}

/// Why a URL is no [`Base`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoBase {
    Malformed,
    /// Credentials would go over `http`.
    Insecure,
}

impl Base {
    /// `url` begins with a scheme.
    pub(crate) fn parse(url: &str) -> Result<Self, NoBase> {
        let uri: Uri = url.parse().map_err(|_| NoBase::Malformed)?;
        let secure = uri.scheme() == Some(&Scheme::HTTPS);
        let authority = uri.authority().ok_or(NoBase::Malformed)?.as_str();
        let (userinfo, host) = match authority.rsplit_once('@') {
            Some((userinfo, host)) => (Some(userinfo), host),
            None => (None, authority),
        };
        let name = uri.host().filter(|name| !name.is_empty());
        let port = name.and_then(|name| host.strip_prefix(name));
        let port = port.ok_or(NoBase::Malformed)?;
        if !port.is_empty() && uri.port_u16().is_none() {
            return Err(NoBase::Malformed);
        }
        if userinfo.is_some() && !secure {
            return Err(NoBase::Insecure);
        }
        let authorization = userinfo.map(basic_from_userinfo).transpose();
        let base = Self {
            secure,
            host: host.to_ascii_lowercase().into(),
            path: utf8_percent_encode(&clean(uri.path()), CONTROLS).to_string(),
            query: uri.query().map(str::to_owned),
            authorization: authorization.map_err(|_| NoBase::Malformed)?,
        };
        match base.uri("/m/@latest") {
            Some(_) => Ok(base),
            None => Err(NoBase::Malformed),
        }
    }

    /// The URI of `path`, which is absolute and valid in a URI.
    pub(crate) fn uri(&self, path: &str) -> Option<Uri> {
        let mut uri = format!("{}{}", self.origin(), as_by_go(path));
        if let Some(query) = &self.query {
            uri.push('?');
            uri.push_str(query);
        }
        Uri::try_from(uri).ok()
    }

    /// The URL without what may be secret.
    pub(crate) fn origin(&self) -> String {
        let scheme = if self.secure { "https" } else { "http" };
        format!("{scheme}://{}{}", self.host, self.path)
    }

    pub(crate) fn is_secure(&self) -> bool {
        self.secure
    }

    /// With the port, if one was written.
    pub(crate) fn host(&self) -> &Arc<str> {
        &self.host
    }

    /// What a netrc `machine` is compared with: `host:port/path`.
    pub(crate) fn machine(&self, path: &str) -> String {
        format!("{}{}{}", self.host, self.path, as_by_go(path))
    }

    pub(crate) fn authorization(&self) -> Option<&HeaderValue> {
        self.authorization.as_ref()
    }

    pub(crate) fn query(&self) -> Option<&str> {
        self.query.as_deref()
    }
}

/// Leaves out who we are there.
impl fmt::Debug for Base {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.origin())
    }
}

/// A path with more than what a URI needs percent-encoded: registries know the requests of the go command.
fn as_by_go(path: &str) -> PercentEncode<'_> {
    const ENCODED: &AsciiSet = &CONTROLS.add(b'!').add(b'(').add(b')').add(b',');
    utf8_percent_encode(path, ENCODED)
}

/// Drops empty and `.` elements and resolves `..`, as the go command does.
fn clean(path: &str) -> String {
    let mut elements: Vec<&str> = Vec::new();
    for element in path.split('/') {
        match &*element.replace("%2e", ".").replace("%2E", ".") {
            "" | "." => {}
            ".." => {
                elements.pop();
            }
            _ => elements.push(element),
        }
    }
    elements.iter().flat_map(|element| ["/", element]).collect()
}

fn basic_from_userinfo(userinfo: &str) -> Result<HeaderValue, InvalidHeaderValue> {
    let (user, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
    let decode = |text: &str| percent_decode_str(text).collect::<Vec<u8>>();
    basic(&decode(user), &decode(password))
}

/// The `Basic` credentials of RFC 7617, marked sensitive.
pub(crate) fn basic(user: &[u8], password: &[u8]) -> Result<HeaderValue, InvalidHeaderValue> {
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
            ("https://h/a%2eb/%2E%2e/c", "https://h/c/m/@latest"),
            ("http://H:80/?x=1&y", "http://h:80/m/@latest?x=1&y"),
            ("https://[::1]:8443/a", "https://[::1]:8443/a/m/@latest"),
        ] {
            assert_eq!(uri(base, "/m/@latest"), want, "{base}");
        }
    }

    #[test]
    fn paths_are_encoded_as_by_the_go_command_and_bases_are_left_as_they_are() {
        let path = "/!m/@v/a(b),c%20d+e~f.info";
        let encoded = "/%21m/@v/a%28b%29%2Cc%20d+e~f.info";
        for (base, want) in [
            ("https://h", ""),
            ("https://h/a!b(c)", "/a!b(c)"),
            ("https://h/ä", "/%C3%A4"),
        ] {
            assert_eq!(uri(base, path), format!("https://h{want}{encoded}"));
        }
    }

    #[test]
    fn userinfo_becomes_basic_credentials_and_leaves_the_url() {
        let base = Base::parse("https://us%40er:p%3Ass@h/a?key").unwrap();
        assert_eq!(base.uri("/m").unwrap(), "https://h/a/m?key");
        assert_eq!(base.origin(), "https://h/a");
        // "us@er:p:ss"
        assert_eq!(base.authorization().unwrap(), "Basic dXNAZXI6cDpzcw==");
        assert!(!format!("{base:?}").contains("Basic"));
    }
}
